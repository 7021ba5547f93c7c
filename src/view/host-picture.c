/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/host-picture.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "model/snapshot.h"
#include "report/report.h"

enum level { LEVEL_SOCKET, LEVEL_NODE, LEVEL_L3, LEVEL_KIND, N_LEVELS };

struct builder {
	const struct snapshot *s;
	const struct host_picture *h;
	struct picture *p;
	enum level levels[N_LEVELS]; /* from the outermost in */
	size_t n_levels;
	int shared;               /* the owner of CPUs that several VMs have */
	struct cpuset guest_cpus; /* that VMs have only as guests */
	int owner_of[CPUSET_MAX]; /* the picture's number of the owner */
	const char *mark_of[CPUSET_MAX];
	struct cpuset nodes_done; /* nodes that said what belongs to them */
	struct arena arena;
};

/* The title and note of a box that is not there yet: levels that have but one group in the box
 * around them join its title. */
struct heading {
	const char *title, *note;
	int node; /* 1 + the index of the node it stands for, or 0 */
};

static int key_of(const struct cpu *c, enum level level)
{
	switch (level) {
	case LEVEL_SOCKET:
		return c->socket;
	case LEVEL_NODE:
		return c->node;
	case LEVEL_L3:
		return c->l3;
	case LEVEL_KIND:
		return c->kind == CPU_UNIFORM ? -1 : (int)c->kind;
	case N_LEVELS:
		break;
	}
	return -1;
}

/* The numbers of the groups that the CPUs are in at this level; *ret_has_none: some are in none. */
static struct cpuset keys_of(
	const struct builder *b, const struct cpuset *cpus, enum level level, bool *ret_has_none)
{
	struct cpuset keys = CPUSET_EMPTY;
	*ret_has_none = false;
	for (size_t i = 0; i < b->s->n_cpus; i++) {
		const struct cpu *c = &b->s->cpus[i];
		if (!cpuset_has(cpus, c->cpu))
			continue;
		if (key_of(c, level) < 0)
			*ret_has_none = true;
		else
			cpuset_add(&keys, key_of(c, level));
	}
	return keys;
}

static struct cpuset with_key(
	const struct builder *b, const struct cpuset *cpus, enum level level, int key)
{
	struct cpuset found = CPUSET_EMPTY;
	for (size_t i = 0; i < b->s->n_cpus; i++) {
		const struct cpu *c = &b->s->cpus[i];
		if (cpuset_has(cpus, c->cpu) &&
			(key_of(c, level) < 0 ? -1 : key_of(c, level)) == key)
			cpuset_add(&found, c->cpu);
	}
	return found;
}

/* Levels that the host has. The one with fewer groups is around the one with more, whatever the
 * machine: an L3 may span nodes (sub-NUMA clusters), a node sockets (interleaved memory). */
static void order_levels(struct builder *b, const struct cpuset *cpus)
{
	int count[N_LEVELS];
	for (enum level level = LEVEL_SOCKET; level < N_LEVELS; level++) {
		bool has_none;
		struct cpuset keys = keys_of(b, cpus, level, &has_none);
		count[level] = cpuset_count(&keys);
		if (!count[level])
			continue;
		size_t at = b->n_levels++;
		/* The kind of a core is the innermost property in any case. */
		for (; at && level != LEVEL_KIND && count[b->levels[at - 1]] > count[level]; at--)
			b->levels[at] = b->levels[at - 1];
		b->levels[at] = level;
	}
}

static const char *memory_note(struct builder *b, const struct node *n)
{
	if (n->is_memory_unknown)
		return NULL;
	if (!n->has_memory)
		return "no memory";
	AUTO_FREE char *total = unit_format(UNIT_KIB, (double)n->mem_total_kib);
	if (n->is_free_unknown)
		return arena_strdup(&b->arena, total);
	AUTO_FREE char *free_text = unit_format(UNIT_KIB, (double)n->mem_free_kib);
	const char *unit = strchr(total, ' '), *free_unit = strchr(free_text, ' ');
	int n_free = (int)strlen(free_text);
	if (unit && free_unit && !strcmp(unit, free_unit))
		n_free -= (int)strlen(free_unit);
	return arena_printf(&b->arena, "%s, %.*s free", total, n_free, free_text);
}

/* What the box of one group says; as part of another box's title an L3 is named by its size. */
static struct heading heading_of(struct builder *b, enum level level, int key, bool is_part)
{
	static const char *const kinds[] = {
		[CPU_PERFORMANCE] = "performance cores",
		[CPU_EFFICIENCY] = "efficiency cores",
		[CPU_LOW_POWER] = "low-power cores",
	};
	struct arena *a = &b->arena;
	const struct snapshot *s = b->s;
	if (level == LEVEL_SOCKET)
		return (struct heading){ arena_printf(a, "socket %d", key), NULL };
	if (level == LEVEL_KIND)
		return (struct heading){ kinds[key], NULL };
	if (level == LEVEL_NODE && key < s->n_nodes)
		return (struct heading){ arena_printf(a, "node %d", s->nodes[key].node),
			memory_note(b, &s->nodes[key]), key + 1 };
	if (level == LEVEL_NODE || key >= s->n_l3s || !s->l3s[key].size_kib)
		return (struct heading){ arena_printf(
			a, "%s %d", level == LEVEL_NODE ? "node" : "L3", key) };
	AUTO_FREE char *size = unit_format(UNIT_KIB, (double)s->l3s[key].size_kib);
	if (is_part)
		return (struct heading){ arena_printf(a, "L3 %s", size), NULL };
	return (struct heading){ arena_printf(a, "L3 %d", key), arena_strdup(a, size) };
}

/* "2 MiB pages: 40 of 512 free" */
static void add_hugepages(struct builder *b, int box, const struct node *n)
{
	for (size_t i = 0; i < n->n_hugepages; i++) {
		const struct hugepages *pages = &n->hugepages[i];
		if (!pages->total)
			continue;
		AUTO_FREE char *size = unit_format(UNIT_KIB, (double)pages->size_kib);
		picture_fact(b->p, box,
			arena_printf(&b->arena, "%s pages: %llu of %llu free", size,
				(unsigned long long)pages->free, (unsigned long long)pages->total));
	}
}

static void add_memory_bar(struct builder *b, int box, const struct node *n)
{
	double total = (double)n->mem_total_kib, huge = 0;
	for (size_t i = 0; i < n->n_hugepages; i++)
		huge += (double)n->hugepages[i].total * (double)n->hugepages[i].size_kib;
	if (n->is_memory_unknown || n->is_free_unknown || !n->has_memory)
		return;
	double used = total - (double)n->mem_free_kib - huge;
	picture_bar(b->p, box, (double[]){ used / total, huge / total });
}

/* The devices that VMs want to be near to; of many of a kind only the first few, then a count. */
static void add_devices(struct builder *b, int box, int node)
{
	enum { FEW = 4 };
	static const char *const kinds[] = { "GPU", "NIC", "NVMe", "accelerator" };
	for (size_t k = 0; k < N_ELEMENTS(kinds); k++) {
		int n = 0;
		for (size_t i = 0; i < b->s->n_pci_devices; i++) {
			const struct pci_device *d = &b->s->pci_devices[i];
			const char *kind = pci_class_name(d->class);
			/* A machine with one node does not say where its devices are. */
			int at = b->s->n_nodes == 1 ? b->s->nodes[0].node : d->node;
			if (!kind || strcmp(kind, kinds[k]) != 0 || at != node || n++ >= FEW)
				continue;
			const char *address = str_after(d->address, "0000:");
			picture_fact(b->p, box,
				arena_printf(&b->arena, "%s %s%s%s", kind,
					address ? address : d->address, d->driver ? " " : "",
					d->driver ? d->driver : ""));
		}
		if (n > FEW)
			picture_fact(b->p, box,
				arena_printf(&b->arena, "and %d more %ss", n - FEW, kinds[k]));
	}
}

static void add_node_facts(struct builder *b, int box, const struct node *n)
{
	if (cpuset_has(&b->nodes_done, n->node))
		return;
	cpuset_add(&b->nodes_done, n->node);
	add_memory_bar(b, box, n);
	add_hugepages(b, box, n);
	add_devices(b, box, n->node);
}

/* Devices whose node the machine does not tell, though it has several. */
static void add_far_devices(struct builder *b)
{
	bool is_needed = false;
	for (size_t i = 0; b->s->n_nodes > 1 && i < b->s->n_pci_devices; i++) {
		const struct pci_device *d = &b->s->pci_devices[i];
		unsigned int base = d->class >> 16;
		is_needed |= d->node < 0 &&
			(base == 2 || base == 3 || base == 0x12 || d->class >> 8 == 0x0108);
	}
	if (is_needed)
		add_devices(b, picture_box(b->p, 0, "devices of no known node", NULL), -1);
}

static const char *joined(struct builder *b, const char *first, const char *second)
{
	if (!first || !second)
		return first ? first : second;
	return arena_printf(&b->arena, "%s · %s", first, second);
}

static void add_cell(struct builder *b, int box, int cpu)
{
	char label[16];
	snprintf(label, sizeof label, "%d", cpu);
	double heat = cpu < b->h->n_heat ? b->h->heat[cpu] : -1;
	/* Whose vCPU it is could not be said on a shared CPU. */
	const char *mark = b->owner_of[cpu] == b->shared ? NULL : b->mark_of[cpu];
	picture_cell(b->p, box, label, mark, b->owner_of[cpu], heat);
}

static void add_cores(struct builder *b, int box, const struct cpuset *cpus)
{
	struct cpuset done = CPUSET_EMPTY;
	for (size_t i = 0; i < b->s->n_cpus; i++) {
		const struct cpu *c = &b->s->cpus[i];
		if (!cpuset_has(cpus, c->cpu) || cpuset_has(&done, c->cpu))
			continue;
		if (c->core < 0) {
			add_cell(b, box, c->cpu);
			continue;
		}
		int core = picture_box(b->p, box, NULL, NULL);
		for (size_t k = i; k < b->s->n_cpus; k++) {
			const struct cpu *sibling = &b->s->cpus[k];
			if (sibling->core != c->core || !cpuset_has(cpus, sibling->cpu))
				continue;
			add_cell(b, core, sibling->cpu);
			cpuset_add(&done, sibling->cpu);
		}
	}
}

/* Draws the CPUs from this level on; 'pending' is the heading of the box around them, if any. */
static void add_level(struct builder *b, int parent, const struct cpuset *cpus, size_t depth,
	struct heading pending)
{
	bool has_none = false;
	struct cpuset keys = CPUSET_EMPTY;
	if (depth < b->n_levels)
		keys = keys_of(b, cpus, b->levels[depth], &has_none);
	int n_keys = cpuset_count(&keys);
	if (depth < b->n_levels && n_keys + has_none <= 1) {
		if (n_keys) {
			struct heading own =
				heading_of(b, b->levels[depth], cpuset_first(&keys), pending.title);
			pending.title = joined(b, pending.title, own.title);
			pending.note = joined(b, pending.note, own.note);
			pending.node = own.node ? own.node : pending.node;
		}
		add_level(b, parent, cpus, depth + 1, pending);
		return;
	}
	int box = pending.title ? picture_box(b->p, parent, pending.title, pending.note) : parent;
	if (pending.title && pending.node)
		add_node_facts(b, box, &b->s->nodes[pending.node - 1]);
	if (depth == b->n_levels) {
		add_cores(b, box, cpus);
		return;
	}
	cpuset_for_each (key, &keys) {
		struct cpuset group = with_key(b, cpus, b->levels[depth], key);
		add_level(b, box, &group, depth + 1, heading_of(b, b->levels[depth], key, false));
	}
	if (has_none) {
		struct cpuset group = with_key(b, cpus, b->levels[depth], -1);
		add_level(b, box, &group, depth + 1, (struct heading){ 0 });
	}
}

/* VMs are A … Z, then the small letters that mean nothing else here. */
static char vm_symbol(size_t i)
{
	static const char symbols[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgjklmnopqrstuwyz";
	return symbols[i % (sizeof symbols - 1)];
}

/* The VM's claim, and where its vCPUs are even so. */
static struct cpuset cpus_of(const struct host_picture_owner *o)
{
	struct cpuset cpus = o->claim_cpus;
	for (size_t k = 0; k < o->n_marks; k++) {
		if (o->marks[k].cpu >= 0 && o->marks[k].cpu < CPUSET_MAX)
			cpuset_add(&cpus, o->marks[k].cpu);
	}
	return cpus;
}

static bool is_sharer(const struct host_picture *h, size_t i)
{
	struct cpuset own = cpus_of(&h->owners[i]);
	for (size_t k = 0; k < h->n_owners; k++) {
		struct cpuset others = cpus_of(&h->owners[k]);
		if (k != i && cpuset_intersects(&own, &others))
			return true;
	}
	return false;
}

static bool is_guest(const struct host_picture *h, size_t i)
{
	struct cpuset own = cpus_of(&h->owners[i]);
	return h->owners[i].is_guest && h->housekeeping && cpuset_intersects(&own, h->housekeeping);
}

/* With the names of those who are: "several VMs: 100 win11, db01". */
static const char *with_names(struct builder *b, const char *label,
	bool (*is_one)(const struct host_picture *h, size_t i))
{
	enum { NAMES_MAX = 4 };
	const struct host_picture *h = b->h;
	int n_names = 0;
	for (size_t i = 0; i < h->n_owners; i++)
		if (is_one(h, i) && n_names++ < NAMES_MAX)
			label = arena_printf(&b->arena, "%s%s%s", label, n_names > 1 ? ", " : ": ",
				h->owners[i].vm);
	if (n_names > NAMES_MAX)
		label = arena_printf(&b->arena, "%s and %d more", label, n_names - NAMES_MAX);
	return label;
}

static void add_owners(struct builder *b)
{
	const struct host_picture *h = b->h;
	for (size_t i = 0; i < h->n_owners; i++)
		(void)picture_owner(b->p, OWNER_VM, vm_symbol(i), h->owners[i].vm);
	const char *several = h->several ? h->several : "several VMs";
	b->shared = picture_owner(b->p, OWNER_RESERVED, '+', with_names(b, several, is_sharer));
	for (size_t i = 0; i < h->n_owners; i++) {
		const struct host_picture_owner *o = &h->owners[i];
		struct cpuset cpus = cpus_of(o);
		if (o->is_guest)
			cpuset_add_all(&b->guest_cpus, &cpus);
		cpuset_for_each (cpu, &cpus)
			b->owner_of[cpu] = b->owner_of[cpu] < 0 ? (int)i : b->shared;
		for (size_t k = 0; k < o->n_marks; k++) {
			int cpu = o->marks[k].cpu;
			if (!cpuset_has(&cpus, cpu))
				continue;
			b->mark_of[cpu] = b->mark_of[cpu] ? "v+" : /* several vCPUs on one CPU */
				arena_printf(&b->arena, "v%d", o->marks[k].vcpu);
		}
	}
}

/* Housekeeping is there, and no VM with CPUs of its own. */
static bool has_host(const struct builder *b, int cpu)
{
	return b->h->housekeeping && cpuset_has(b->h->housekeeping, cpu) &&
		(b->owner_of[cpu] < 0 || cpuset_has(&b->guest_cpus, cpu));
}

/* Decides whose each CPU is; returns the CPUs that no place in the machine is known for. */
static struct cpuset assign_owners(struct builder *b)
{
	struct picture *p = b->p;
	struct cpuset nowhere = CPUSET_EMPTY;
	for (int cpu = 0; cpu < CPUSET_MAX; cpu++)
		b->owner_of[cpu] = -1;
	add_owners(b);
	int housekeeping = picture_owner(p, OWNER_HOUSEKEEPING, 'h', "housekeeping");
	int hosted = picture_owner(
		p, OWNER_HOUSEKEEPING, '*', with_names(b, "housekeeping, and VMs on it", is_guest));
	int idle = picture_owner(p, OWNER_RESERVED, 'i', "isolated");
	int nobody = picture_owner(p, OWNER_FREE, '.',
		b->h->nobody                 ? b->h->nobody
			: b->h->housekeeping ? "free"
					     : "no VM");
	int offline = picture_owner(p, OWNER_OFFLINE, 'x', "offline");
	for (size_t i = 0; i < b->s->n_cpus; i++) {
		const struct cpu *c = &b->s->cpus[i];
		int *owner = &b->owner_of[c->cpu];
		if (!c->is_online)
			*owner = offline;
		else if (has_host(b, c->cpu))
			*owner = *owner < 0 ? housekeeping : hosted;
		else if (*owner < 0)
			*owner = c->is_isolated ? idle : nobody;
		if (!c->is_online && c->socket < 0)
			cpuset_add(&nowhere, c->cpu);
	}
	return nowhere;
}

struct picture *host_picture(const struct snapshot *s, const struct host_picture *h)
{
	struct builder *b = xcalloc(1, sizeof *b);
	*b = (struct builder){ .s = s, .h = h, .p = picture_new(h->title) };
	if (h->heat_label)
		picture_heat_label(b->p, h->heat_label);
	picture_bar_labels(
		b->p, (const char *const[]){ "memory in use", "huge pages" }, "free memory");
	struct cpuset all = CPUSET_EMPTY, nowhere = assign_owners(b);
	for (size_t i = 0; i < s->n_cpus; i++)
		cpuset_add(&all, s->cpus[i].cpu);
	struct cpuset placed = cpuset_minus(&all, &nowhere);
	order_levels(b, &placed);
	add_level(b, 0, &placed, 0, (struct heading){ 0 });
	for (size_t i = 0; i < s->n_nodes; i++) {
		if (cpuset_is_empty(&s->nodes[i].cpus)) {
			struct heading own = heading_of(b, LEVEL_NODE, (int)i, false);
			const char *what = s->nodes[i].tier < 0
				? "no CPUs"
				: arena_printf(&b->arena, "no CPUs, tier %d", s->nodes[i].tier);
			int box = picture_box(b->p, 0, own.title, joined(b, own.note, what));
			add_node_facts(b, box, &s->nodes[i]);
		}
	}
	add_far_devices(b);
	if (!cpuset_is_empty(&nowhere))
		add_cores(b, picture_box(b->p, 0, "offline", NULL), &nowhere);
	struct picture *p = b->p;
	arena_done(&b->arena);
	free(b);
	return p;
}
