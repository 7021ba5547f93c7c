/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/starts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply/start-dropin.h"
#include "base/str.h"
#include "host/host.h"
#include "session/planning.h"
#include "vm/config.h"
#include "vm/libvirt.h"
#include "vm/pve-conf.h"

#define CONFS "etc/pve/qemu-server"

/* A guest that has a configuration on this node. */
struct guest {
	int vmid;
	char id[16];
	bool is_running;
	bool is_strict;          /* it is to have its memory of the nodes of its CPUs */
	size_t vm;               /* where it is strict: its index */
	const char *nodes, *why; /* these nodes; why there are none; or NULL */
};

struct starts {
	struct arena arena;
	ARRAY(struct guest) v;
};

static void starts_done(struct starts *s)
{
	arena_done(&s->arena);
	free(s->v.v);
}

/* "100.conf" → 100; -1 */
static int vmid_of(const char *name)
{
	int vmid;
	if (!str_has_suffix(name, ".conf"))
		return -1;
	AUTO_FREE char *digits = xstrndup(name, strlen(name) - strlen(".conf"));
	return str_to_int(digits, &vmid) == 0 && vmid > 0 ? vmid : -1;
}

static void add(struct host *h, struct start_dropins *l, const struct guest *g)
{
	const char *unit = arena_printf(&l->arena, "%s.scope", g->id);
	/* to take something from one that runs would take its partition, or move its memory */
	AUTO_FREE char *now = g->is_running ? start_dropin_read(h, unit) : NULL;
	*array_push(&l->v) = (struct start_dropin){
		.unit = unit,
		.text = now ? arena_strdup(&l->arena, now)
			    : arena_printf(&l->arena, "[Scope]\nDelegate=cpuset\n%s%s%s",
				      g->nodes ? "AllowedMemoryNodes=" : "",
				      g->nodes ? g->nodes : "", g->nodes ? "\n" : ""),
	};
}

/* One in force keeps what it was started with, also where its configuration is not here any more:
 * it has migrated, and has not ended yet. */
static void keep(struct host *h, struct start_dropins *l, const struct placement *pl)
{
	AUTO_FREE char *group = unit_group_of(pl->cgroup, true);
	const char *slash = group ? strrchr(group, '/') : NULL;
	if (!slash)
		return;
	const char *unit = arena_strdup(&l->arena, slash + 1);
	AUTO_FREE char *now = start_dropin_read(h, unit);
	array_for_each (d, &l->v)
		if (streq(d->unit, unit))
			return;
	if (now)
		*array_push(&l->v) = (struct start_dropin){ unit, arena_strdup(&l->arena, now) };
}

/* What the policy wishes of the guest, by VMID and name; false: it does not isolate it. */
static bool is_isolated(
	struct host *h, const struct policy *policy, const struct guest *g, struct vm_wish *ret)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	AUTO_FREE char *text = NULL;
	struct pve_conf conf;
	if (host_read(h, &text, NULL, CONFS "/%s.conf", g->id) < 0)
		return false;
	pve_conf_parse(&a, text, &conf);
	return policy_for_vm(policy, g->id, pve_conf_get(&conf, "name"), NULL, ret) &&
		ret->isolation == LEVEL_ISOLATED;
}

static bool is_running(const struct vms *vms, const char *id)
{
	for (size_t i = 0; i < vms->n_vms; i++)
		if (vms->vms[i].pid && streq(vms->vms[i].id, id))
			return true;
	return false;
}

/* ---- where the memory of those with memory = strict will be ---- */

/* What a node could give to one that starts now: what is free, its cache, and free huge pages. */
static uint64_t free_kib(const struct node *n)
{
	uint64_t kib = n->mem_free_kib + n->mem_cache_kib;
	for (size_t i = 0; i < n->n_hugepages; i++)
		kib += n->hugepages[i].size_kib * n->hugepages[i].free;
	return kib;
}

/* The nodes of its CPUs. Bound to nodes that have too little, it would be killed as it starts:
 * NULL, and why. */
static const char *nodes_for(const struct planning *p, const struct placement *pl, uint64_t mib,
	struct arena *a, const char **ret_why)
{
	struct cpuset nodes = CPUSET_EMPTY;
	uint64_t free_mib = 0;
	for (size_t i = 0; i < p->snapshot->n_nodes; i++) {
		const struct node *n = &p->snapshot->nodes[i];
		if (!cpuset_intersects(&n->cpus, &pl->vcpu_cpus))
			continue;
		cpuset_add(&nodes, n->node);
		free_mib += free_kib(n) / 1024;
	}
	AUTO_FREE char *text = cpuset_format_list(&nodes);
	if (free_mib >= mib)
		return arena_strdup(a, text);
	*ret_why = arena_printf(a,
		"memory = strict does not hold for its next start: it has %llu MiB, of which node "
		"%s, where its CPUs would be, has %llu MiB free",
		(unsigned long long)mib, text, (unsigned long long)free_mib);
	return NULL;
}

/* Where these would go, beside what is in force, if they started now. */
static int choose(
	struct planning *p, struct starts *s, const size_t *wanted, size_t n, struct err *e)
{
	struct placements *places;
	int r = place_vms(
		p->snapshot, p->vms, p->policy, wanted, n, p->all.v, p->all.n, &places, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < places->n; i++)
		array_for_each (g, &s->v)
			if (g->is_strict && streq(g->id, places->v[i].vm))
				g->nodes = nodes_for(p, &places->v[i],
					p->vms->vms[g->vm].config->memory_mib, &s->arena, &g->why);
	placements_free(places);
	return 0;
}

/* All of them as if they started together, as after a boot; and who has no room then by himself. */
static int choose_nodes(struct host *h, struct planning *p, struct starts *s, struct err *e)
{
	AUTO_FREE size_t *wanted = xcalloc(s->v.n + 1, sizeof *wanted);
	size_t n = 0;
	array_for_each (g, &s->v) {
		const struct vm_expectation who = { .vmid = g->vmid };
		struct err why;
		g->is_strict &= vms_expect(h, p->snapshot, &who, p->vms, &g->vm, &why) == 0;
		if (g->is_strict)
			wanted[n++] = g->vm;
	}
	int r = n ? choose(p, s, wanted, n, e) : 0;
	array_for_each (g, &s->v)
		if (r == 0 && g->is_strict && !g->nodes && !g->why)
			r = choose(p, s, &g->vm, 1, e);
	return r;
}

/* ---- all of it ---- */

int starts_prepare(
	struct host *h, struct planning *p, starts_tell_fn *tell, void *context, struct err *e)
{
	AUTO_START_DROPINS struct start_dropins dropins = { 0 };
	CLEANUP(starts_done) struct starts s = { 0 };
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, CONFS) < 0)
		names = (struct host_names){ 0 }; /* no Proxmox VE */
	for (size_t i = 0; i < names.n; i++) {
		struct guest g = { .vmid = vmid_of(names.v[i]) };
		struct vm_wish wish;
		if (g.vmid < 0)
			continue;
		snprintf(g.id, sizeof g.id, "%d", g.vmid);
		g.is_running = is_running(p->vms, g.id);
		if (!is_isolated(h, p->policy, &g, &wish))
			continue;
		g.is_strict = !g.is_running && wish.memory == MEMORY_STRICT;
		*array_push(&s.v) = g;
	}
	int r = choose_nodes(h, p, &s, e);
	array_for_each (g, &s.v) {
		add(h, &dropins, g);
		if (!g->is_running)
			tell(context, g->id, g->why);
	}
	start_dropins_keep_domains(h, &dropins);
	for (size_t i = 0; i < p->all.n; i++)
		keep(h, &dropins, &p->all.v[i]);
	return r < 0 ? r : start_dropins_set(h, &dropins, e);
}

/* The nodes that the memory of the one that is expected is to come from; NULL: of none in
 * particular, or of all and *ret_why says why. */
static const char *strict_nodes(const struct planning *p, const struct vm *vm,
	const struct vm_wish *wish, struct arena *a, const char **ret_why)
{
	bool is_strict = wish->memory == MEMORY_STRICT && wish->isolation == LEVEL_ISOLATED &&
		p->placements->n;
	*ret_why = NULL;
	return is_strict ? nodes_for(p, &p->placements->v[0], vm->config->memory_mib, a, ret_why)
			 : NULL;
}

const char *starts_why_not_strict(
	const struct planning *p, const struct vm *vm, const struct vm_wish *wish, struct arena *a)
{
	const char *why;
	(void)!strict_nodes(p, vm, wish, a, &why);
	return why;
}

int starts_prepare_domain(struct host *h, const struct planning *p, const struct vm *vm,
	const struct vm_wish *wish, struct err *e)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	const char *slash = vm->cgroup ? strrchr(vm->cgroup, '/') : NULL, *why = NULL;
	int r = vm->name ? start_dropins_forget_domain(h, vm->name) : 0;
	bool has_scope = slash && libvirt_scope_id(slash + 1) >= 0;
	const char *nodes = r == 0 && has_scope ? strict_nodes(p, vm, wish, &a, &why) : NULL;
	AUTO_FREE char *text = nodes ? xasprintf("[Scope]\nAllowedMemoryNodes=%s\n", nodes) : NULL;
	if (text)
		r = start_dropin_put(h, slash + 1, text);
	if (why)
		return err_say(e, -ENOMEM, "%s: %s", vm->id, why);
	return r < 0 ? err_set(e, r, "prepare the scope of %s", vm->id) : 0;
}

int starts_forget(struct host *h, struct err *e)
{
	AUTO_START_DROPINS struct start_dropins dropins = { 0 };
	AUTO_LEDGER struct ledger *l = NULL;
	if (!start_dropins_exist(h))
		return 0;
	int r = ledger_read(h, &l, e);
	if (r < 0)
		return r;
	array_for_each (pl, &l->placements)
		keep(h, &dropins, pl);
	return start_dropins_set(h, &dropins, e);
}
