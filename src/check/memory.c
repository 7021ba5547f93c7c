/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 3: is the memory where the CPUs are, and in the pages that were meant? */
#include "check/internal.h"

enum { KIB_PER_MIB = 1024 };

static const char *gib(struct checking *c, uint64_t kib)
{
	return kib < 10 << 20 ? say(c, "%.1f GiB", (double)kib / (1 << 20))
			      : say(c, "%.0f GiB", (double)kib / (1 << 20));
}

struct split {
	uint64_t all, away; /* KiB; away: on nodes that are none of its CPUs' */
	struct cpuset away_nodes;
};

static struct split split_of(const struct check_vm *v)
{
	struct split s = { 0 };
	if (!v->vm->memory || !v->vm->memory->source)
		return s;
	array_for_each (n, &v->vm->memory->nodes) {
		s.all += n->kib;
		if (cpuset_has(&v->nodes, n->node))
			continue;
		s.away += n->kib;
		cpuset_add(&s.away_nodes, n->node);
	}
	return s;
}

/* "4 GiB on node 0, 2 GiB on node 1" */
static const char *by_node(struct checking *c, const struct vm_memory *m)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	array_for_each (n, &m->nodes)
		strbuf_printf(&b, "%s%s on node %d", b.n ? ", " : "", gib(c, n->kib), n->node);
	return arena_strdup(c->arena, b.n ? b.s : "none");
}

static const char *memory_file(struct checking *c, const struct check_vm *v)
{
	if (streq(v->vm->memory->source, "cgroup"))
		return say(c, "%s/%s/memory.numa_stat", c->s->cgroup_mount, v->vm->cgroup);
	return say(c, "proc/%d/numa_maps", v->vm->pid);
}

/* For its DMA: VFIO holds all of the guest's memory where it is. */
static const struct vm_device *pinning_device(const struct vm *vm)
{
	for (size_t i = 0; i < vm->n_devices; i++) {
		const struct vm_device *d = &vm->devices[i];
		if (d->address && d->driver && streq(d->driver, "vfio-pci"))
			return d;
	}
	return NULL;
}

RULE(remote)
{
	bool is_told = false;
	for_each_pinned(v, c) is_told |= v->vm->memory && v->vm->memory->source;
	unknown_if(c, !is_told, "nobody tells where the VMs' memory is");
	for_each_pinned(v, c)
	{
		struct split s = split_of(v);
		if (!s.all || cpuset_is_empty(&v->nodes) ||
			(double)s.away < c->limits->remote_share * (double)s.all)
			continue;
		struct finding *f =
			found(c, v, "%s %% of its memory is on node %s, its CPUs on node %s",
				percent(c, (double)s.away / (double)s.all),
				list_of(c, &s.away_nodes), list_of(c, &v->nodes));
		f->cpus = v->vcpu_cpus;
		says(c, f, memory_file(c, v), "%s", by_node(c, v->vm->memory));
		says(c, f, say(c, "proc/%d/task/*/status", v->vm->pid), "vCPUs: %s",
			list_of(c, &v->vcpu_cpus));
		const struct vm_device *pinning = pinning_device(v->vm);
		if (pinning)
			says(c, f, say(c, "sys/bus/pci/devices/%s/driver", pinning->address),
				"%s: a device that it was given pins its memory, which cannot be "
				"moved while it runs",
				pinning->driver);
		else if (cpuset_count(&v->nodes) == 1)
			do_this(c, f, "migratepages %d %s %s", v->vm->pid,
				list_of(c, &s.away_nodes), list_of(c, &v->nodes));
	}
}

static bool is_bound(const struct vm *vm)
{
	const struct vm_config *config = vm->config;
	const char *policy = vm->memory ? vm->memory->policy : NULL;
	if (policy && (str_after(policy, "bind") || str_after(policy, "prefer")))
		return true;
	if (!config)
		return false;
	array_for_each (n, &config->nodes) {
		if (n->hostnodes)
			return true;
	}
	return config->numa_nodes;
}

/* The nodes with memory that the VM may take pages from. */
static struct cpuset open_nodes(const struct snapshot *s, const struct vm *vm)
{
	struct cpuset all = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->nodes[i].has_memory)
			cpuset_add(&all, s->nodes[i].node);
	return vm->memory && vm->memory->mems_allowed ? cpuset_and(&all, vm->memory->mems_allowed)
						      : all;
}

/* numaN takes lists of vCPUs with ';' in place of ','. */
static const char *numa_list(struct checking *c, const char *cpus)
{
	char *list = arena_strdup(c->arena, cpus);
	for (char *p = list; (p = strchr(p, ','));)
		*p = ';';
	return list;
}

/* "numa0" and the like of a Proxmox VE guest as it is, bound to the node; NULL: its figures do not
 * add up, or are about to change, and the VM would not start. */
static const char *bound_numa(struct checking *c, const struct check_vm *v)
{
	const struct vm_config *config = v->vm->config;
	AUTO_STRBUF struct strbuf b = { 0 };
	uint64_t sum = 0;
	const struct vm_node whole = { .cpus = say(c, "0-%d", config->max_vcpus - 1),
		.mib = config->memory_mib };
	const struct vm_node *nodes = config->nodes.n ? config->nodes.v : &whole;
	size_t n = config->nodes.n ? config->nodes.n : 1;
	for (size_t i = 0; i < n; i++) {
		const char *cpus = nodes[i].cpus ? numa_list(c, nodes[i].cpus) : "";
		sum += nodes[i].mib;
		strbuf_printf(&b, " --numa%d %s", nodes[i].node,
			quoted(c,
				say(c, "cpus=%s,hostnodes=%s,memory=%llu,policy=bind", cpus,
					list_of(c, &v->nodes), (unsigned long long)nodes[i].mib)));
		if (!*cpus)
			return NULL;
	}
	bool is_whole = sum && sum == config->memory_mib && config->max_vcpus;
	return is_whole && !config->pending.n ? arena_strdup(c->arena, b.s) : NULL;
}

static void bind_memory(struct checking *c, struct finding *f, const struct check_vm *v)
{
	bool is_proxmox = streq(v->vm->manager, "proxmox") && v->vm->config;
	const char *numa = is_proxmox ? bound_numa(c, v) : NULL;
	if (is_libvirt(v))
		do_this(c, f, "virsh numatune %s --nodeset %s --config", name_of(c, v),
			list_of(c, &v->nodes));
	else if (numa)
		do_this(c, f, "qm set %s --numa 1%s", v->vm->id, numa);
}

RULE(wander)
{
	for_each_dedicated(v, c)
	{
		struct cpuset open = open_nodes(c->s, v->vm);
		struct cpuset beyond = cpuset_minus(&open, &v->nodes);
		struct split s = split_of(v);
		if (cpuset_count(&v->nodes) != 1 || cpuset_is_empty(&beyond) || is_bound(v->vm))
			continue;
		struct finding *f =
			found(c, v, "its CPUs are fixed on node %s, its memory may come from %s",
				list_of(c, &v->nodes), list_of(c, &open));
		if ((double)s.away < c->limits->remote_share * (double)s.all || !s.all)
			f->severity = SEVERITY_INFO;
		says(c, f, say(c, "proc/%d/status", v->vm->pid), "Mems_allowed_list: %s",
			v->vm->memory && v->vm->memory->mems_allowed
				? list_of(c, v->vm->memory->mems_allowed)
				: "not known");
		if (s.all)
			says(c, f, memory_file(c, v), "now: %s", by_node(c, v->vm->memory));
		bind_memory(c, f, v);
	}
}

/* What runs: a manager's file may have been edited since, and its word is for the next start. */
struct running {
	uint64_t mib;          /* 0: unknown */
	int64_t hugepages_kib; /* or HUGEPAGES_… */
	size_t n_nodes;
	const char *source;
};

static struct running running_of(struct checking *c, const struct check_vm *v)
{
	const struct vm_config *config = v->vm->config, *line = v->vm->line;
	if (!config)
		return (struct running){ 0 };
	if (!line || !line->memory_mib)
		return (struct running){ config->memory_mib, config->hugepages_kib, config->nodes.n,
			config->source };
	/* A directory of hugetlbfs does not tell the size; who chose it may. */
	bool is_any = line->hugepages_kib == HUGEPAGES_ANY;
	return (struct running){ line->memory_mib,
		is_any ? config->hugepages_kib : line->hugepages_kib, line->nodes.n,
		say(c, "proc/%d/cmdline", v->vm->pid) };
}

RULE(too_large)
{
	uint64_t most = 0;
	for (size_t i = 0; i < c->s->n_nodes; i++)
		if (c->s->nodes[i].mem_total_kib > most)
			most = c->s->nodes[i].mem_total_kib;
	for_each_vm(v, c)
	{
		struct running r = running_of(c, v);
		uint64_t kib = r.mib * KIB_PER_MIB;
		if (!most || kib <= most || r.n_nodes > 1)
			continue;
		struct finding *f =
			found(c, v, "its %s fit into no node (%s), and the guest knows of one",
				gib(c, kib), gib(c, most));
		says(c, f, "sys/devices/system/node/node*/meminfo", "the largest node: %s",
			gib(c, most));
		says(c, f, r.source, "memory: %llu MiB, guest NUMA nodes: %zu",
			(unsigned long long)r.mib, r.n_nodes);
	}
}

RULE(memoryless)
{
	for_each_pinned(v, c)
	{
		for (size_t i = 0; i < c->s->n_nodes; i++) {
			const struct node *n = &c->s->nodes[i];
			if (n->has_memory || n->is_memory_unknown ||
				!cpuset_intersects(&n->cpus, &v->vcpu_cpus))
				continue;
			struct finding *f =
				found(c, v, "node %d, where its CPUs are, has no memory", n->node);
			f->cpus = cpuset_and(&n->cpus, &v->vcpu_cpus);
			says(c, f, say(c, "sys/devices/system/node/node%d/meminfo", n->node),
				"MemTotal: 0 kB");
			struct cpuset from = CPUSET_EMPTY;
			for (size_t k = 0; k < c->s->n_nodes; k++)
				if (c->s->nodes[k].has_memory)
					from = cpuset_or(&from, &c->s->nodes[k].cpus);
			from = cpuset_and(&from, &c->spare_cpus);
			struct cpuset chosen = offer_cpus(c, v, &from);
			give_cpus(c, f, v, &chosen);
		}
	}
}

/* A value with which no node is short, and less than there is; 0: none that the kernel would not
 * find too small itself (init_per_zone_wmark_min() in mm/page_alloc.c). */
static uint64_t enough_min_free(const struct checking *c, uint64_t all_kib)
{
	double all = (double)all_kib, enough = all / 100;
	if (enough > c->limits->min_free_share * all)
		enough = c->limits->min_free_share * all;
	for (size_t i = 0; i < c->s->n_nodes; i++) {
		const struct node *n = &c->s->nodes[i];
		if (!n->has_memory || n->is_free_unknown || !n->mem_total_kib)
			continue;
		/* Half of what is free there, for it to go on. */
		double least = (double)n->mem_free_kib / 2 * all / (double)n->mem_total_kib;
		enough = least < enough ? least : enough;
	}
	return enough * enough < 16 * all ? 0 : (uint64_t)enough;
}

RULE(min_free)
{
	int64_t kib = c->s->tunables->min_free_kbytes;
	unknown_if(c, kib == ABSENT, "the host does not say");
	uint64_t all = 0;
	for (size_t i = 0; i < c->s->n_nodes; i++)
		all += c->s->nodes[i].mem_total_kib;
	if (kib == ABSENT || !all)
		return;
	for (size_t i = 0; i < c->s->n_nodes; i++) {
		const struct node *n = &c->s->nodes[i];
		/* The kernel spreads it over the zones by their size. */
		double share = (double)kib * (double)n->mem_total_kib / (double)all;
		bool is_much = share > c->limits->min_free_share * (double)n->mem_total_kib;
		if (!n->has_memory || n->is_free_unknown || !n->mem_total_kib ||
			(!is_much && share < (double)n->mem_free_kib))
			continue;
		struct finding *f =
			found(c, NULL, "min_free_kbytes keeps %s %% of node %d from everybody%s",
				percent(c, share / (double)n->mem_total_kib), n->node,
				is_much ? "" : ": more than is free there");
		says(c, f, "proc/sys/vm/min_free_kbytes", "%lld, of which node %d: %.0f",
			(long long)kib, n->node, share);
		says(c, f, say(c, "sys/devices/system/node/node%d/meminfo", n->node),
			"MemTotal: %llu kB, MemFree: %llu kB", (unsigned long long)n->mem_total_kib,
			(unsigned long long)n->mem_free_kib);
		uint64_t enough = enough_min_free(c, all);
		if (enough)
			do_this(c, f, "sysctl vm.min_free_kbytes=%llu", (unsigned long long)enough);
		return;
	}
}

RULE(balancing)
{
	unknown_if(c, c->s->tunables->numa_balancing == ABSENT, "the host does not say");
	bool is_on = c->s->tunables->numa_balancing == 1;
	for_each_dedicated(v, c)
	{
		if (!is_on || cpuset_count(&v->nodes) != 1)
			continue;
		struct finding *f = found(c, v,
			"the kernel's NUMA balancing looks at its memory, which "
			"has nowhere to go");
		says(c, f, "proc/sys/kernel/numa_balancing", "1");
		do_this(c, f, "sysctl kernel.numa_balancing=0");
		return;
	}
}

RULE(ksm)
{
	const struct tunables *t = c->s->tunables;
	unknown_if(c, t->ksm_run == ABSENT, "the host does not say");
	if (t->ksm_run != 1 || cpuset_is_empty(&c->pinned_cpus))
		return;
	struct finding *f = found(c, NULL, "KSM merges pages beside pinned VMs (%lld saved)",
		(long long)(t->ksm_pages_sharing == ABSENT ? 0 : t->ksm_pages_sharing));
	says(c, f, "sys/kernel/mm/ksm/run", "1");
	if (t->ksm_pages_sharing != ABSENT)
		says(c, f, "sys/kernel/mm/ksm/pages_sharing", "%lld",
			(long long)t->ksm_pages_sharing);
	do_this(c, f, "systemctl stop ksmtuned; echo 2 > /sys/kernel/mm/ksm/run");
}

RULE(small_pages)
{
	const struct tunables *t = c->s->tunables;
	unknown_if(c, !t->thp_enabled, "the host does not say");
	for_each_dedicated(v, c)
	{
		struct running r = running_of(c, v);
		if (!t->thp_enabled || !streq(t->thp_enabled, "never") || !r.source ||
			r.hugepages_kib != HUGEPAGES_NONE)
			continue;
		struct finding *f = found(
			c, v, "its memory is in pages of 4 KiB: no huge pages, and THP is off");
		says(c, f, "sys/kernel/mm/transparent_hugepage/enabled", "never");
		says(c, f, r.source, "no huge pages");
		do_this(c, f, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
	}
}

/* ---- huge pages ---- */

struct pool {
	uint64_t total, free; /* pages */
};

static struct pool pool_of(const struct snapshot *s, const struct cpuset *nodes, uint64_t size_kib)
{
	struct pool p = { 0 };
	for (size_t i = 0; i < s->n_nodes; i++)
		for (size_t k = 0; k < s->nodes[i].n_hugepages; k++) {
			const struct hugepages *h = &s->nodes[i].hugepages[k];
			if (h->size_kib != size_kib ||
				(nodes && !cpuset_has(nodes, s->nodes[i].node)))
				continue;
			p.total += h->total;
			p.free += h->free;
		}
	return p;
}

/* What of its memory is not in huge pages yet, and must be as soon as the guest touches it. */
static uint64_t owed_kib(const struct running *r, const struct vm *vm)
{
	uint64_t kib = r->mib * KIB_PER_MIB;
	int64_t has = vm->memory ? vm->memory->hugetlb_kib : -1;
	return has < 0 || (uint64_t)has >= kib ? 0 : kib - (uint64_t)has;
}

RULE(huge_short)
{
	for_each_vm(v, c)
	{
		struct running r = running_of(c, v);
		if (r.hugepages_kib <= 0)
			continue;
		uint64_t size = (uint64_t)r.hugepages_kib, owed = owed_kib(&r, v->vm) / size;
		struct pool p = pool_of(c->s, NULL, size);
		if (!owed || p.free >= owed)
			continue;
		struct finding *f = found(c, v,
			"it lacks %llu huge pages: the guest dies (SIGBUS) when it "
			"touches memory that has none",
			(unsigned long long)(owed - p.free));
		says(c, f, say(c, "proc/%d/status", v->vm->pid), "HugetlbPages: %lld kB",
			(long long)v->vm->memory->hugetlb_kib);
		says(c, f, r.source, "memory: %llu MiB in huge pages", (unsigned long long)r.mib);
		says(c, f,
			say(c,
				"sys/devices/system/node/node*/hugepages/hugepages-%llukB/"
				"free_hugepages",
				(unsigned long long)size),
			"%llu free of %llu", (unsigned long long)p.free,
			(unsigned long long)p.total);
		do_this(c, f, "echo %llu > /sys/kernel/mm/hugepages/hugepages-%llukB/nr_hugepages",
			(unsigned long long)(p.total + owed - p.free), (unsigned long long)size);
	}
}

RULE(huge_far)
{
	for_each_dedicated(v, c)
	{
		struct running r = running_of(c, v);
		if (r.hugepages_kib <= 0)
			continue;
		uint64_t size = (uint64_t)r.hugepages_kib, owed = owed_kib(&r, v->vm) / size;
		struct pool all = pool_of(c->s, NULL, size), near = pool_of(c->s, &v->nodes, size);
		if (!owed || all.free < owed || near.free >= owed)
			continue;
		struct finding *f = found(c, v,
			"the huge pages that it still wants are on another node than "
			"its CPUs");
		f->cpus = v->vcpu_cpus;
		says(c, f, "sys/devices/system/node/node*/hugepages/*/free_hugepages",
			"%llu free on node %s, %llu on all", (unsigned long long)near.free,
			list_of(c, &v->nodes), (unsigned long long)all.free);
		int node = cpuset_first(&v->nodes);
		do_this(c, f,
			"echo %llu > "
			"/sys/devices/system/node/node%d/hugepages/hugepages-%llukB/nr_hugepages",
			(unsigned long long)(near.total + owed - near.free), node,
			(unsigned long long)size);
	}
}

RULE(huge_idle)
{
	for (size_t i = 0; i < c->s->n_nodes; i++)
		for (size_t k = 0; k < c->s->nodes[i].n_hugepages; k++) {
			const struct hugepages *h = &c->s->nodes[i].hugepages[k];
			uint64_t kib = h->free * h->size_kib;
			if (!kib || kib * 4 < c->s->nodes[i].mem_total_kib)
				continue;
			struct finding *f =
				found(c, NULL, "%s of node %d lie in huge pages that nobody uses",
					gib(c, kib), c->s->nodes[i].node);
			says(c, f,
				say(c, "sys/devices/system/node/node%d/hugepages/hugepages-%llukB",
					c->s->nodes[i].node, (unsigned long long)h->size_kib),
				"%llu free of %llu", (unsigned long long)h->free,
				(unsigned long long)h->total);
		}
}

RULE(huge_given)
{
	for_each_vm(v, c)
	{
		const struct vm_config *config = v->vm->config;
		if (!config || config->hugepages_kib == HUGEPAGES_NONE || config->keeps_hugepages ||
			!streq(v->vm->manager, "proxmox"))
			continue;
		struct finding *f = found(c, v,
			"Proxmox VE gives its huge pages back at its end, and must "
			"find them again at its start");
		says(c, f, config->source, "hugepages without keephugepages: 1");
		do_this(c, f, "qm set %s --keephugepages 1", v->vm->id);
	}
}

RULE(balloon)
{
	for_each_dedicated(v, c)
	{
		const struct vm_config *config = v->vm->config;
		if (!config || !config->balloon_mib || config->balloon_mib >= config->memory_mib)
			continue;
		struct finding *f =
			found(c, v, "its memory may be taken away down to %llu of %llu MiB",
				(unsigned long long)config->balloon_mib,
				(unsigned long long)config->memory_mib);
		says(c, f, config->source, "balloon: %llu",
			(unsigned long long)config->balloon_mib);
		if (streq(v->vm->manager, "proxmox"))
			do_this(c, f, "qm set %s --balloon 0", v->vm->id);
	}
}

RULE(device_far)
{
	for_each_pinned(v, c)
	{
		for (size_t i = 0; i < v->vm->n_devices; i++) {
			const struct vm_device *d = &v->vm->devices[i];
			if (d->node < 0 || cpuset_has(&v->nodes, d->node) ||
				cpuset_is_empty(&v->nodes))
				continue;
			struct finding *f = found(c, v,
				"its device %s is on node %d, its CPUs on %s",
				d->address ? d->address : d->kind, d->node, list_of(c, &v->nodes));
			says(c, f,
				say(c, "sys/bus/pci/devices/%s/numa_node",
					d->address ? d->address : "*"),
				"%d", d->node);
		}
	}
}
