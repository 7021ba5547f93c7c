/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where two sources of one VM's configuration say different things. */
#include <stddef.h>

#include "base/str.h"
#include "vm/config.h"

void vm_config_disagree(struct arena *a, struct vm_config *c, const char *what,
	const struct vm_said *one, const struct vm_said *other)
{
	*list_push(a, &c->disagreements) =
		(struct vm_disagreement){ .what = what, .said = { *one, *other } };
}

struct differ {
	struct arena *a;
	struct vm_config *to;
	const struct vm_config *from;
};

static void texts(const struct differ *d, const char *what, const char *one, const char *other)
{
	if (one && other && !streq(one, other))
		vm_config_disagree(d->a, d->to, what, &(struct vm_said){ d->to->source, one },
			&(struct vm_said){ d->from->source, other });
}

/* Numbers that are 0 are not known. */
static void numbers(
	const struct differ *d, const char *what, uint64_t one, uint64_t other, const char *unit)
{
	if (one && other && one != other)
		texts(d, what, arena_printf(d->a, "%llu%s", (unsigned long long)one, unit),
			arena_printf(d->a, "%llu%s", (unsigned long long)other, unit));
}

/* "0,1" is "0-1". */
static void lists(const struct differ *d, const char *what, const char *one, const char *other)
{
	struct cpuset x, y;
	if (one && other && cpuset_parse_list(one, &x) == 0 && cpuset_parse_list(other, &y) == 0 &&
		cpuset_equal(&x, &y))
		return;
	texts(d, what, one, other);
}

static void pages(const struct differ *d, const char *what, int64_t one, int64_t other)
{
	if (one > 0 && other > 0)
		numbers(d, what, (uint64_t)one, (uint64_t)other, " KiB");
}

/* A source may give each node its size, or all of them one. */
static int64_t pages_of(const struct vm_config *c, const struct vm_node *n)
{
	return n->hugepages_kib ? n->hugepages_kib : c->hugepages_kib;
}

static void differ_nodes(const struct differ *d)
{
	array_for_each (x, &d->to->nodes) {
		array_for_each (y, &d->from->nodes) {
			if (x->node != y->node)
				continue;
#define WHAT(text) arena_printf(d->a, "guest node %d: " text, x->node)
			lists(d, WHAT("vCPUs"), x->cpus, y->cpus);
			numbers(d, WHAT("memory"), x->mib, y->mib, " MiB");
			lists(d, WHAT("host nodes"), x->hostnodes, y->hostnodes);
			if (x->hostnodes && y->hostnodes)
				texts(d, WHAT("memory policy"), x->policy, y->policy);
			pages(d, WHAT("page size"), pages_of(d->to, x), pages_of(d->from, y));
#undef WHAT
		}
	}
}

static void differ_disks(const struct differ *d)
{
	array_for_each (x, &d->to->disks)
		array_for_each (y, &d->from->disks)
			if (streq(x->id, y->id) || (x->alias && streq(x->alias, y->id)))
				texts(d, arena_printf(d->a, "I/O thread of %s", x->id), x->iothread,
					y->iothread);
}

/* By the id: "hostpci0.1" is a function of hostpci0. */
static void differ_devices(const struct differ *d)
{
	array_for_each (x, &d->to->pci) {
		const char *other = NULL;
		bool is_same = false;
		array_for_each (y, &d->from->pci) {
			const char *rest = x->id && y->id ? str_after(y->id, x->id) : NULL;
			if (!rest || (*rest && *rest != '.') || !x->address || !y->address)
				continue;
			is_same |= pci_covers(x->address, y->address) ||
				pci_covers(y->address, x->address);
			other = other ? other : y->address;
		}
		if (!is_same)
			texts(d, arena_printf(d->a, "address of %s", x->id), x->address, other);
	}
}

void vm_config_differ(struct arena *a, struct vm_config *to, const struct vm_config *from)
{
	const struct differ d = { a, to, from };
	texts(&d, "name", to->name, from->name);
	numbers(&d, "sockets", (uint64_t)to->sockets, (uint64_t)from->sockets, "");
	numbers(&d, "cores of a socket", (uint64_t)to->cores, (uint64_t)from->cores, "");
	numbers(&d, "threads of a core", (uint64_t)to->threads, (uint64_t)from->threads, "");
	numbers(&d, "most vCPUs", (uint64_t)to->max_vcpus, (uint64_t)from->max_vcpus, "");
	numbers(&d, "memory", to->memory_mib, from->memory_mib, " MiB");
	if (!to->nodes.n || !from->nodes.n)
		pages(&d, "page size", to->hugepages_kib, from->hugepages_kib);
	differ_nodes(&d);
	differ_disks(&d);
	differ_devices(&d);
}
