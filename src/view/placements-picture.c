/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/placements-picture.h"

#include "view/host-picture.h"
#include "model/snapshot.h"
#include "vm/vm.h"

/* is_guest: with what it shares; else with what it claims. */
static struct host_picture_owner owner_of(struct arena *a, const struct placement *p, bool is_guest)
{
	AUTO_FREE char *label = vm_label(p->vm, p->name);
	struct vcpu_mark *marks = arena_alloc(a, p->n_vcpus * sizeof *marks);
	size_t n = 0;
	for (size_t i = 0; p->wish.cores != CORES_SHARED && i < p->n_vcpus; i++) {
		struct cpuset own = cpuset_minus(&p->vcpus[i].cpus, &p->spare_cpus);
		if (p->vcpus[i].vcpu >= 0)
			marks[n++] = (struct vcpu_mark){ p->vcpus[i].vcpu, cpuset_first(&own) };
	}
	return (struct host_picture_owner){
		.vm = arena_strdup(a, label),
		.claim_cpus = is_guest ? p->vcpu_cpus : p->claim_cpus,
		.marks = marks,
		.n_marks = n,
		.is_guest = is_guest,
	};
}

struct picture *placements_picture(const struct snapshot *s, const struct placement *v, size_t n,
	const struct cpuset *housekeeping, const struct heat *heat)
{
	struct arena a = { 0 };
	struct host_picture_owner *owners = arena_alloc(&a, 2 * n * sizeof *owners);
	size_t n_owners = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_shared = v[i].wish.cores == CORES_SHARED;
		if (is_shared)
			owners[n_owners++] = owner_of(&a, &v[i], true);
		if (!is_shared || !cpuset_is_empty(&v[i].claim_cpus)) /* its helpers' core */
			owners[n_owners++] = owner_of(&a, &v[i], false);
	}
	struct host_picture h = {
		.title = s->hostname ? s->hostname : "host",
		.owners = owners,
		.n_owners = n_owners,
		.housekeeping = housekeeping,
		.heat = heat ? heat->by_cpu : NULL,
		.n_heat = heat ? CPUSET_MAX : 0,
		.heat_label = heat ? heat->label : NULL,
	};
	struct picture *picture = host_picture(s, &h);
	arena_done(&a);
	return picture;
}
