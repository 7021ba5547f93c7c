/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/placements-picture.h"

#include "view/host-picture.h"
#include "model/snapshot.h"
#include "vm/vm.h"

static struct host_picture_owner owner_of(struct arena *a, const struct placement *p)
{
	AUTO_FREE char *label = vm_label(p->vm, p->name);
	struct vcpu_mark *marks = arena_alloc(a, p->n_vcpus * sizeof *marks);
	bool is_guest = p->wish.cores == CORES_SHARED;
	size_t n = 0;
	for (size_t i = 0; !is_guest && i < p->n_vcpus; i++) {
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
	struct host_picture_owner *owners = arena_alloc(&a, n * sizeof *owners);
	for (size_t i = 0; i < n; i++)
		owners[i] = owner_of(&a, &v[i]);
	struct host_picture h = {
		.title = s->hostname ? s->hostname : "host",
		.owners = owners,
		.n_owners = n,
		.housekeeping = housekeeping,
		.heat = heat ? heat->by_cpu : NULL,
		.n_heat = heat ? CPUSET_MAX : 0,
		.heat_label = heat ? heat->label : NULL,
	};
	struct picture *picture = host_picture(s, &h);
	arena_done(&a);
	return picture;
}
