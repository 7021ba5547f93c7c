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

bool place_is_apart(const struct request *req, const struct owner *o, enum apart_wish *ret_by)
{
	const struct placement *pl = o->placement;
	const struct vm *vm = req->vm;
	bool is_mine = names(req->wish.apart, pl->vm, pl->name);
	bool is_other = names(pl->wish.apart, vm->id, vm->name);
	enum apart_wish mine = is_mine ? req->wish.apart_by : APART_CORE;
	enum apart_wish other = is_other ? pl->wish.apart_by : APART_CORE;
	*ret_by = mine > other ? mine : other;
	return (is_mine || is_other) && o->vm != vm;
}

bool place_has_apart(
	const struct planner *p, const struct request *req, const struct request *all, size_t n)
{
	bool has = false;
	enum apart_wish by;
	for (size_t i = 0; i < n && !has; i++)
		has = all[i].vm != req->vm &&
			(names(all[i].wish.apart, req->vm->id, req->vm->name) ||
				names(req->wish.apart, all[i].vm->id, all[i].vm->name));
	for (size_t i = 0; i < p->owners.n && !has; i++)
		has = place_is_apart(req, &p->owners.v[i], &by);
	return has;
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

struct cpuset place_apart_cpus(
	const struct planner *p, const struct request *req, const struct owner *o)
{
	struct cpuset cpus = CPUSET_EMPTY;
	enum apart_wish by;
	if (!place_is_apart(req, o, &by))
		return cpus;
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		if (cpuset_intersects(core->cpus, &o->placement->claim_cpus))
			cpuset_add_all(&cpus, part_of(p, core, by));
	}
	return cpus;
}

void limits_of_others_apart(const struct planner *p, struct request *req)
{
	req->apart_cpus = CPUSET_EMPTY;
	array_for_each (o, &p->owners) {
		struct cpuset cpus = place_apart_cpus(p, req, o);
		cpuset_add_all(&req->apart_cpus, &cpus);
	}
}
