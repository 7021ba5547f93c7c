/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the policy wants a VM: near which devices, apart from whom. */
#include <fnmatch.h>
#include <string.h>

#include "base/str.h"
#include "plan/place.h"
#include "vm/config.h"

/* ---- near ---- */

static void add_node(const struct planner *p, struct cpuset *nodes, int number)
{
	for (size_t i = 0; i < p->s->n_nodes; i++)
		if (p->s->nodes[i].node == number)
			cpuset_add(nodes, (int)i);
}

static const struct pci_device *find_device(const struct planner *p, const char *address)
{
	for (size_t i = 0; i < p->s->n_pci_devices; i++)
		if (streq(p->s->pci_devices[i].address, address))
			return &p->s->pci_devices[i];
	return NULL;
}

static void near_named(struct planner *p, struct request *req)
{
	const char *address = pci_address(&p->out->arena, req->wish.near);
	const struct pci_device *d = address ? find_device(p, address) : NULL;
	req->is_near_first = true;
	if (d)
		add_node(p, &req->near_nodes, d->node);
	if (!d)
		place_note(p, &req->place_note, "near = %s: this host has no such device",
			req->wish.near);
	else if (cpuset_is_empty(&req->near_nodes) && p->s->n_nodes > 1)
		place_note(p, &req->place_note, "near = %s: its node is not known", req->wish.near);
}

void limits_of_devices(struct planner *p, struct request *req)
{
	if (!req->wish.near)
		return;
	if (!streq(req->wish.near, NEAR_AUTO)) {
		near_named(p, req);
		return;
	}
	for (size_t i = 0; i < req->vm->n_devices; i++)
		add_node(p, &req->near_nodes, req->vm->devices[i].node);
}

/* ---- apart ---- */

static bool names(const char *words, const char *id, const char *name)
{
	AUTO_FREE char *copy = words ? xstrdup(words) : NULL;
	char *at = copy;
	for (char *word; at && (word = str_next_word(&at));)
		if (streq(word, id) || !fnmatch(word, id, 0) ||
			(name && (streq(word, name) || !fnmatch(word, name, 0))))
			return true;
	return false;
}

/* Whether one of both must be apart from the other, and by how much. */
static bool is_apart(const struct request *req, const char *id, const char *name,
	const struct vm_wish *wish, enum apart_wish *ret_by)
{
	bool is_mine = names(req->wish.apart, id, name);
	bool is_other = names(wish->apart, req->vm->id, req->vm->name);
	enum apart_wish mine = is_mine ? req->wish.apart_by : APART_CORE;
	enum apart_wish other = is_other ? wish->apart_by : APART_CORE;
	*ret_by = mine > other ? mine : other;
	return is_mine || is_other;
}

/* All of the core, the L3 or the node: what there is of it. */
static const struct cpuset *part_of(
	const struct planner *p, const struct host_core *core, enum apart_wish by)
{
	if (by == APART_NODE && core->node >= 0)
		return &p->s->nodes[core->node].cpus;
	if (by == APART_L3 && core->l3 >= 0)
		return &p->s->l3s[core->l3].cpus;
	return core->cpus;
}

/* All of the parts that have some of the CPUs. */
static struct cpuset parts_of(
	const struct planner *p, const struct cpuset *cpus, enum apart_wish by)
{
	struct cpuset all = CPUSET_EMPTY;
	for (size_t i = 0; i < p->inv.n_cores; i++)
		if (cpuset_intersects(p->inv.cores[i].cpus, cpus))
			cpuset_add_all(&all, part_of(p, &p->inv.cores[i], by));
	return all;
}

/* From a VM that is placed: its claim; from one that somebody pinned by hand: these CPUs. */
static bool is_apart_from(
	const struct planner *p, const struct request *req, size_t i, struct apart *ret)
{
	enum apart_wish by;
	if (i < p->owners.n) {
		const struct owner *o = &p->owners.v[i];
		const struct placement *pl = o->placement;
		if (o->vm == req->vm || !is_apart(req, pl->vm, pl->name, &pl->wish, &by))
			return false;
		*ret = (struct apart){ o, pl->vm, pl->name, by, parts_of(p, &pl->claim_cpus, by) };
		return true;
	}
	const struct pin *pin = &p->pins.v[i - p->owners.n];
	if (!pin->vm || pin->vm == req->vm)
		return false;
	struct vm_wish wish = place_wish(p->policy, pin->vm);
	if (!is_apart(req, pin->vm->id, pin->vm->name, &wish, &by))
		return false;
	*ret = (struct apart){ NULL, pin->vm->id, pin->vm->name, by, parts_of(p, &pin->cpus, by) };
	return true;
}

bool place_next_apart(
	const struct planner *p, const struct request *req, size_t *at, struct apart *ret)
{
	while (*at < p->owners.n + p->pins.n)
		if (is_apart_from(p, req, (*at)++, ret))
			return true;
	return false;
}

bool place_has_apart(
	const struct planner *p, const struct request *req, const struct request *all, size_t n)
{
	bool has = false;
	size_t at = 0;
	struct apart other;
	enum apart_wish by;
	for (size_t i = 0; i < n && !has; i++)
		has = all[i].vm != req->vm &&
			is_apart(req, all[i].vm->id, all[i].vm->name, &all[i].wish, &by);
	return has || place_next_apart(p, req, &at, &other);
}

void limits_of_others_apart(const struct planner *p, struct request *req)
{
	struct apart other;
	req->apart_cpus = CPUSET_EMPTY;
	for (size_t at = 0; place_next_apart(p, req, &at, &other);)
		cpuset_add_all(&req->apart_cpus, &other.cpus);
}

const char *place_part_name(enum apart_wish by)
{
	static const char *const names[] = { "core", "L3", "node" };
	return names[by];
}

/* That of this plan, or NULL. */
static struct placement *placement_of(const struct planner *p, const struct vm *vm)
{
	for (size_t i = 0; i < p->out->n; i++)
		if (placement_is_of(&p->out->v[i], vm))
			return &p->out->v[i];
	return NULL;
}

/* Where the vCPUs of another VM are or may be, when all are placed. */
static struct cpuset cpus_of(const struct planner *p, const struct vm *vm)
{
	struct cpuset cpus = CPUSET_EMPTY;
	const struct placement *pl = placement_of(p, vm);
	if (pl)
		return pl->vcpu_cpus;
	if (place_self(p, vm) != NOBODY)
		return p->owners.v[place_self(p, vm)].placement->vcpu_cpus;
	for (size_t i = 0; i < vm->n_threads; i++)
		if (vm->threads[i].role == ROLE_VCPU && vm->threads[i].allowed)
			cpuset_add_all(&cpus, vm->threads[i].allowed);
	return cpus;
}

static void note_near(struct planner *p, const struct vm *vm, const struct vm *other,
	const struct cpuset *on, enum apart_wish by)
{
	struct placement *pl = placement_of(p, vm);
	if (pl)
		place_note(p, &pl->place_note,
			"its %s %s on %s %s with CPUs that VM %s may use, from which it is to be "
			"apart",
			place_cpus(p, on), cpuset_is_or_are(on), by == APART_L3 ? "an" : "a",
			place_part_name(by), place_label(p, other->id, other->name));
}

static void note_pair(struct planner *p, const struct vm *a, const struct vm *b, enum apart_wish by)
{
	struct cpuset cpus_a = cpus_of(p, a), cpus_b = cpus_of(p, b);
	struct cpuset near_a = parts_of(p, &cpus_a, by), near_b = parts_of(p, &cpus_b, by);
	cpus_a = cpuset_and(&cpus_a, &near_b);
	cpus_b = cpuset_and(&cpus_b, &near_a);
	if (!cpuset_is_empty(&cpus_a))
		note_near(p, a, b, &cpus_a, by);
	if (!cpuset_is_empty(&cpus_b))
		note_near(p, b, a, &cpus_b, by);
}

/* A host that does not tell of such parts. */
static void note_unknown_parts(struct planner *p, const struct vm *vm, const struct vm_wish *wish)
{
	bool is_l3 = wish->apart_by == APART_L3;
	if (!wish->apart || wish->apart_by == APART_CORE || (is_l3 ? p->s->n_l3s : p->s->n_nodes))
		return;
	struct placement *pl = placement_of(p, vm);
	if (pl)
		place_note(p, &pl->place_note,
			"apart-by = %s: this host tells of none, it is apart by core",
			is_l3 ? "l3" : "node");
}

void place_note_apart(struct planner *p)
{
	for (size_t i = 0; i < p->vms->n_vms; i++) {
		const struct vm *vm = &p->vms->vms[i];
		struct vm_wish wish = place_wish(p->policy, vm);
		note_unknown_parts(p, vm, &wish);
		for (size_t k = 0; wish.apart && k < p->vms->n_vms; k++) {
			const struct vm *other = &p->vms->vms[k];
			if (other != vm && names(wish.apart, other->id, other->name))
				note_pair(p, vm, other, wish.apart_by);
		}
	}
}
