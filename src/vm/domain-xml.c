/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/domain-xml.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "vm/domain-read.h"

/* 1 for what no guest can have. */
static int size_of(const char *text)
{
	int n = domain_number(text, 1);
	return n > 0 && n <= CPUSET_MAX ? n : 1;
}

/* <memory unit='KiB'>4194304</memory>; "b", "KB", "KiB", "k", …, KiB without one */
static uint64_t kib_of(const char *text, const char *unit)
{
	static const struct {
		const char *name;
		double kib;
	} units[] = { { "b", 1.0 / 1024 }, { "bytes", 1.0 / 1024 }, { "KB", 1000.0 / 1024 },
		{ "k", 1 }, { "KiB", 1 }, { "MB", 1e6 / 1024 }, { "M", 1024 }, { "MiB", 1024 },
		{ "GB", 1e9 / 1024 }, { "G", 1048576 }, { "GiB", 1048576 }, { "TB", 1e12 / 1024 },
		{ "T", 1073741824 }, { "TiB", 1073741824 } };
	uint64_t n;
	if (!text || str_to_u64(text, &n) < 0)
		return 0;
	double kib = (double)n;
	for (size_t i = 0; unit && i < N_ELEMENTS(units); i++)
		if (streq(unit, units[i].name))
			kib *= units[i].kib;
	return kib < 1e18 ? (uint64_t)kib : 0;
}

static void pin(struct domain_reader *r, const char *value, const char *what, const char *who)
{
	if (value)
		*list_push(r->a, &r->d.config.pins) = (struct vm_pin){
			arena_printf(r->a, "%s%s%s", what, who ? " " : "", who ? who : ""), value
		};
}

static void read_name(struct domain_reader *r, const struct xml_element *e)
{
	r->d.name = r->d.config.name = *e->text ? e->text : NULL;
}

static void read_uuid(struct domain_reader *r, const struct xml_element *e)
{
	r->d.uuid = *e->text ? e->text : NULL;
}

static void read_memory(struct domain_reader *r, const struct xml_element *e)
{
	r->d.config.memory_mib = kib_of(e->text, xml_attr(e, "unit")) / 1024;
}

/* <vcpu placement='static' cpuset='0-3' current='2'>4</vcpu> */
static void read_vcpu(struct domain_reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	struct cpuset cpus;
	c->max_vcpus = size_of(e->text);
	c->vcpus = domain_number(xml_attr(e, "current"), c->max_vcpus);
	if (c->vcpus < 1 || c->vcpus > c->max_vcpus)
		c->vcpus = c->max_vcpus;
	c->affinity = xml_attr(e, "cpuset");
	if (c->affinity && cpuset_parse_list(c->affinity, &cpus) == 0)
		c->affinity_cpus = arena_dup(r->a, &cpus, 1, sizeof cpus);
}

static void add_iothread(struct domain_reader *r, const char *id)
{
	const char *name = arena_printf(r->a, "iothread%s", id);
	array_for_each (old, &r->d.config.iothreads)
		if (streq(*old, name))
			return;
	*list_push(r->a, &r->d.config.iothreads) = name;
}

static void read_iothread(struct domain_reader *r, const struct xml_element *e)
{
	const char *id = xml_attr(e, "id");
	if (id)
		add_iothread(r, id);
}

/* <vcpupin vcpu='0' cpuset='4'/>, <emulatorpin cpuset='0-1'/>, <iothreadpin iothread='1' …/> */
static void read_pin(struct domain_reader *r, const struct xml_element *e)
{
	const char *vcpu = xml_attr(e, "vcpu"), *iothread = xml_attr(e, "iothread");
	const char *cpuset = xml_attr(e, "cpuset");
	if (vcpu)
		pin(r, cpuset, "vcpu", vcpu);
	else if (iothread)
		pin(r, cpuset, "iothread", iothread);
	else
		pin(r, cpuset, "emulator", NULL);
}

/* <vcpusched vcpus='0-3' scheduler='fifo' priority='1'/>, iothreadsched, emulatorsched */
static void read_sched(struct domain_reader *r, const struct xml_element *e)
{
	const char *scheduler = xml_attr(e, "scheduler"), *priority = xml_attr(e, "priority");
	const char *vcpus = xml_attr(e, "vcpus"), *iothreads = xml_attr(e, "iothreads");
	const char *value = scheduler ? arena_printf(r->a, "%s%s%s", scheduler, priority ? ":" : "",
						priority ? priority : "")
				      : NULL;
	if (vcpus)
		pin(r, value, "scheduler of vcpus", vcpus);
	else if (iothreads)
		pin(r, value, "scheduler of iothreads", iothreads);
	else
		pin(r, value, "scheduler of emulator", NULL);
}

/* <memory mode='strict' nodeset='0'/> */
static void read_numatune(struct domain_reader *r, const struct xml_element *e)
{
	r->d.config.numa_nodes = xml_attr(e, "nodeset");
	r->d.config.numa_mode = xml_attr(e, "mode");
}

static struct vm_node *node_of(struct domain_reader *r, int number_of_it)
{
	struct vm_config *c = &r->d.config;
	array_for_each (n, &c->nodes)
		if (n->node == number_of_it)
			return n;
	struct vm_node *n = list_push(r->a, &c->nodes);
	*n = (struct vm_node){ .node = number_of_it };
	return n;
}

/* <memnode cellid='0' mode='strict' nodeset='1'/> */
static void read_memnode(struct domain_reader *r, const struct xml_element *e)
{
	const char *mode = xml_attr(e, "mode");
	struct vm_node *n = node_of(r, domain_number(xml_attr(e, "cellid"), 0));
	n->hostnodes = xml_attr(e, "nodeset");
	n->policy = mode && streq(mode, "strict") ? "bind" : mode; /* as QEMU calls it */
}

/* <cell id='0' cpus='0-3' memory='2097152' unit='KiB'/> */
static void read_cell(struct domain_reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	struct vm_node *n = node_of(r, domain_number(xml_attr(e, "id"), (int)c->nodes.n));
	n->cpus = xml_attr(e, "cpus");
	n->mib = kib_of(xml_attr(e, "memory"), xml_attr(e, "unit")) / 1024;
	c->has_numa = true;
}

static void read_hugepages(struct domain_reader *r, const struct xml_element *e)
{
	(void)e;
	if (!r->d.config.hugepages_kib)
		r->d.config.hugepages_kib = HUGEPAGES_ANY;
}

/* <page size='2' unit='M' nodeset='0'/> */
static void read_page(struct domain_reader *r, const struct xml_element *e)
{
	struct page p = { .kib = (int64_t)kib_of(xml_attr(e, "size"), xml_attr(e, "unit")) };
	const char *nodes = xml_attr(e, "nodeset");
	if (!p.kib)
		return;
	r->d.config.hugepages_kib = p.kib;
	p.is_for_all = !nodes || cpuset_parse_list(nodes, &p.nodes) < 0;
	*list_push(r->a, &r->pages) = p;
}

/* Guest nodes have the pages that name them, others the one without nodeset. */
static void settle_pages(struct domain_reader *r)
{
	struct vm_config *c = &r->d.config;
	array_for_each (n, &c->nodes)
		array_for_each (p, &r->pages) {
			bool is_named = !p->is_for_all && n->node < CPUSET_MAX &&
				cpuset_has(&p->nodes, n->node);
			if (is_named || (p->is_for_all && !n->hugepages_kib))
				n->hugepages_kib = p->kib;
		}
	if (r->pages.n)
		vm_config_settle_pages(c);
}

static void read_locked(struct domain_reader *r, const struct xml_element *e)
{
	(void)e;
	r->d.config.is_memory_locked = true;
}

static void read_cpu(struct domain_reader *r, const struct xml_element *e)
{
	const char *mode = xml_attr(e, "mode");
	if (mode && str_after(mode, "host-"))
		r->d.config.cpu = mode;
}

static void read_model(struct domain_reader *r, const struct xml_element *e)
{
	if (*e->text)
		r->d.config.cpu = e->text;
}

/* <topology sockets='1' dies='1' clusters='1' cores='4' threads='2'/> */
static void read_topology(struct domain_reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	int64_t cores = (int64_t)size_of(xml_attr(e, "dies")) * size_of(xml_attr(e, "clusters")) *
		size_of(xml_attr(e, "cores"));
	c->sockets = size_of(xml_attr(e, "sockets"));
	c->threads = size_of(xml_attr(e, "threads"));
	c->cores = cores <= CPUSET_MAX ? (int)cores : 1;
}

static void end_domain(struct domain_reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	c->source = "libvirt";
	r->d.id = domain_number(xml_attr(e, "id"), -1);
	if (!c->max_vcpus)
		c->vcpus = c->max_vcpus = 1;
	if (!c->cores) { /* a socket each, where nothing is said */
		c->sockets = c->max_vcpus;
		c->cores = c->threads = 1;
	}
	domain_settle_disks(r);
	settle_pages(r);
	/* Those without an id of their own have the lowest free ones. */
	for (int i = 1; i <= 1024 && c->iothreads.n < (size_t)r->n_iothreads; i++)
		add_iothread(r, arena_printf(r->a, "%d", i));
	if (r->d.name)
		*list_push(r->a, r->all) = r->d;
	*r = (struct domain_reader){ .a = r->a, .all = r->all };
}

/* <iothreads>2</iothreads> */
static void read_iothreads(struct domain_reader *r, const struct xml_element *e)
{
	r->n_iothreads = domain_number(e->text, 0);
}

static const struct domain_handler handlers[] = {
	{ "", end_domain },
	{ "/name", read_name },
	{ "/uuid", read_uuid },
	{ "/memory", read_memory },
	{ "/vcpu", read_vcpu },
	{ "/iothreads", read_iothreads },
	{ "/iothreadids/iothread", read_iothread },
	{ "/cputune/vcpupin", read_pin },
	{ "/cputune/emulatorpin", read_pin },
	{ "/cputune/iothreadpin", read_pin },
	{ "/cputune/vcpusched", read_sched },
	{ "/cputune/iothreadsched", read_sched },
	{ "/cputune/emulatorsched", read_sched },
	{ "/numatune/memory", read_numatune },
	{ "/numatune/memnode", read_memnode },
	{ "/memoryBacking/hugepages", read_hugepages },
	{ "/memoryBacking/hugepages/page", read_page },
	{ "/memoryBacking/locked", read_locked },
	{ "/cpu", read_cpu },
	{ "/cpu/model", read_model },
	{ "/cpu/topology", read_topology },
	{ "/cpu/numa/cell", read_cell },
};

static void read_element(void *context, const struct xml_element *e)
{
	const char *path = str_after(e->path, "domains/domain");
	for (size_t i = 0; path && i < N_ELEMENTS(handlers); i++)
		if (streq(path, handlers[i].path))
			handlers[i].read(context, e);
	if (path)
		domain_read_device(context, path, e);
}

int domains_parse(struct arena *a, const char *xml, struct domains *ret)
{
	*ret = (struct domains){ 0 };
	struct domain_reader r = { .a = a, .all = ret };
	return xml_walk(a, xml, read_element, &r);
}
