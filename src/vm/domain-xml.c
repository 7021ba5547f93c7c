/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/domain-xml.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "vm/xml.h"

/* A disk's I/O thread may be its controller's. */
struct scsi_disk {
	size_t disk;
	int controller;
};

struct controller {
	int index;
	struct vm_disk as; /* what its disks get */
};

/* <page size='2048' unit='KiB' nodeset='0'/> */
struct page {
	int64_t kib;
	bool is_for_all;
	struct cpuset nodes; /* of the guest */
};

struct reader {
	struct arena *a;
	struct domains *all;
	struct domain d;
	int n_iothreads;
	/* the device that is being read */
	struct vm_disk disk;
	struct vm_net net;
	const char *alias, *address, *bus, *mdev, *file;
	int at_controller;
	LIST(struct scsi_disk) scsi_disks;
	LIST(struct controller) controllers;
	LIST(struct page) pages;
};

static int number(const char *text, int otherwise)
{
	int n;
	return text && str_to_int(text, &n) == 0 ? n : otherwise;
}

/* 1 for what no guest can have. */
static int size_of(const char *text)
{
	int n = number(text, 1);
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

static void pin(struct reader *r, const char *value, const char *what, const char *who)
{
	if (value)
		*list_push(r->a, &r->d.config.pins) = (struct vm_pin){
			arena_printf(r->a, "%s%s%s", what, who ? " " : "", who ? who : ""), value
		};
}

static void read_name(struct reader *r, const struct xml_element *e)
{
	r->d.name = r->d.config.name = *e->text ? e->text : NULL;
}

static void read_uuid(struct reader *r, const struct xml_element *e)
{
	r->d.uuid = *e->text ? e->text : NULL;
}

static void read_memory(struct reader *r, const struct xml_element *e)
{
	r->d.config.memory_mib = kib_of(e->text, xml_attr(e, "unit")) / 1024;
}

/* <vcpu placement='static' cpuset='0-3' current='2'>4</vcpu> */
static void read_vcpu(struct reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	struct cpuset cpus;
	c->max_vcpus = size_of(e->text);
	c->vcpus = number(xml_attr(e, "current"), c->max_vcpus);
	if (c->vcpus < 1 || c->vcpus > c->max_vcpus)
		c->vcpus = c->max_vcpus;
	c->affinity = xml_attr(e, "cpuset");
	if (c->affinity && cpuset_parse_list(c->affinity, &cpus) == 0)
		c->affinity_cpus = arena_dup(r->a, &cpus, 1, sizeof cpus);
}

static void add_iothread(struct reader *r, const char *id)
{
	const char *name = arena_printf(r->a, "iothread%s", id);
	array_for_each (old, &r->d.config.iothreads)
		if (streq(*old, name))
			return;
	*list_push(r->a, &r->d.config.iothreads) = name;
}

static void read_iothread(struct reader *r, const struct xml_element *e)
{
	const char *id = xml_attr(e, "id");
	if (id)
		add_iothread(r, id);
}

/* <vcpupin vcpu='0' cpuset='4'/>, <emulatorpin cpuset='0-1'/>, <iothreadpin iothread='1' …/> */
static void read_pin(struct reader *r, const struct xml_element *e)
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
static void read_sched(struct reader *r, const struct xml_element *e)
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
static void read_numatune(struct reader *r, const struct xml_element *e)
{
	r->d.config.numa_nodes = xml_attr(e, "nodeset");
	r->d.config.numa_mode = xml_attr(e, "mode");
}

static struct vm_node *node_of(struct reader *r, int number_of_it)
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
static void read_memnode(struct reader *r, const struct xml_element *e)
{
	const char *mode = xml_attr(e, "mode");
	struct vm_node *n = node_of(r, number(xml_attr(e, "cellid"), 0));
	n->hostnodes = xml_attr(e, "nodeset");
	n->policy = mode && streq(mode, "strict") ? "bind" : mode; /* as QEMU calls it */
}

/* <cell id='0' cpus='0-3' memory='2097152' unit='KiB'/> */
static void read_cell(struct reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	struct vm_node *n = node_of(r, number(xml_attr(e, "id"), (int)c->nodes.n));
	n->cpus = xml_attr(e, "cpus");
	n->mib = kib_of(xml_attr(e, "memory"), xml_attr(e, "unit")) / 1024;
	c->has_numa = true;
}

static void read_hugepages(struct reader *r, const struct xml_element *e)
{
	(void)e;
	if (!r->d.config.hugepages_kib)
		r->d.config.hugepages_kib = HUGEPAGES_ANY;
}

/* <page size='2' unit='M' nodeset='0'/> */
static void read_page(struct reader *r, const struct xml_element *e)
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
static void settle_pages(struct reader *r)
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

static void read_locked(struct reader *r, const struct xml_element *e)
{
	(void)e;
	r->d.config.is_memory_locked = true;
}

static void read_cpu(struct reader *r, const struct xml_element *e)
{
	const char *mode = xml_attr(e, "mode");
	if (mode && str_after(mode, "host-"))
		r->d.config.cpu = mode;
}

static void read_model(struct reader *r, const struct xml_element *e)
{
	if (*e->text)
		r->d.config.cpu = e->text;
}

/* <topology sockets='1' dies='1' clusters='1' cores='4' threads='2'/> */
static void read_topology(struct reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	int64_t cores = (int64_t)size_of(xml_attr(e, "dies")) * size_of(xml_attr(e, "clusters")) *
		size_of(xml_attr(e, "cores"));
	c->sockets = size_of(xml_attr(e, "sockets"));
	c->threads = size_of(xml_attr(e, "threads"));
	c->cores = cores <= CPUSET_MAX ? (int)cores : 1;
}

/* ---- devices: their children come first ---- */

static void add_disk_iothread(struct reader *r, const char *id)
{
	*list_push(r->a, &r->disk.iothreads) = arena_printf(r->a, "iothread%s", id);
	r->disk.iothread = r->disk.iothreads.v[0];
}

/* <driver name='qemu' iothread='1' queues='4'/> of a disk or a controller */
static void read_disk_driver(struct reader *r, const struct xml_element *e)
{
	const char *iothread = xml_attr(e, "iothread");
	if (iothread)
		add_disk_iothread(r, iothread);
	r->disk.queues = number(xml_attr(e, "queues"), 0);
}

/* <driver …><iothreads><iothread id='1'><queue id='0'/></iothread></iothreads></driver> */
static void read_disk_iothread(struct reader *r, const struct xml_element *e)
{
	const char *id = xml_attr(e, "id");
	if (id)
		add_disk_iothread(r, id);
}

static void read_target(struct reader *r, const struct xml_element *e)
{
	r->disk.id = xml_attr(e, "dev");
	r->bus = xml_attr(e, "bus");
}

static void read_drive_address(struct reader *r, const struct xml_element *e)
{
	r->at_controller = number(xml_attr(e, "controller"), 0);
}

static void end_device(struct reader *r)
{
	r->disk = (struct vm_disk){ 0 };
	r->net = (struct vm_net){ 0 };
	r->alias = r->address = r->bus = r->mdev = r->file = NULL;
	r->at_controller = 0;
}

static void add_pci(struct reader *r, enum vm_pci_kind kind, const char *part)
{
	*list_push(r->a, &r->d.config.pci) = (struct vm_pci){
		.id = r->alias, .address = r->address, .kind = kind, .part = part
	};
}

/* <disk type='nvme'><source type='pci' namespace='1'><address …/></source></disk> */
static void end_disk(struct reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	const char *type = xml_attr(e, "type");
	if (type && streq(type, "nvme") && r->address)
		add_pci(r, PCI_NVME, NULL);
	r->disk.alias = r->alias;
	if (r->disk.id) {
		if (r->bus && streq(r->bus, "scsi"))
			*list_push(r->a, &r->scsi_disks) =
				(struct scsi_disk){ c->disks.n, r->at_controller };
		*list_push(r->a, &c->disks) = r->disk;
	}
	end_device(r);
}

static void end_controller(struct reader *r, const struct xml_element *e)
{
	const char *type = xml_attr(e, "type");
	if (type && streq(type, "scsi"))
		*list_push(r->a, &r->controllers) =
			(struct controller){ number(xml_attr(e, "index"), 0), r->disk };
	end_device(r);
}

static void read_net_model(struct reader *r, const struct xml_element *e)
{
	r->net.model = xml_attr(e, "type");
}

static void read_net_driver(struct reader *r, const struct xml_element *e)
{
	const char *name = xml_attr(e, "name");
	r->net.queues = number(xml_attr(e, "queues"), 1);
	r->net.has_vhost = name && streq(name, "vhost");
}

static void read_alias(struct reader *r, const struct xml_element *e)
{
	r->alias = xml_attr(e, "name");
}

/* <interface type='hostdev'> is a function that was passed through, and no network of QEMU's;
 * 'vdpa' is QEMU's, and a card's. */
static void end_interface(struct reader *r, const struct xml_element *e)
{
	const char *type = xml_attr(e, "type");
	if (type && streq(type, "hostdev")) {
		if (r->address)
			add_pci(r, PCI_WHOLE, NULL);
		end_device(r);
		return;
	}
	if (type && streq(type, "vdpa"))
		add_pci(r, PCI_VDPA, r->file);
	struct vm_net *net = list_push(r->a, &r->d.config.nets);
	*net = r->net;
	net->id = r->alias ? r->alias : "net";
	net->queues = net->queues > 0 ? net->queues : 1;
	end_device(r);
}

/* <source dev='/dev/vhost-vdpa-0'/> */
static void read_source(struct reader *r, const struct xml_element *e)
{
	r->file = xml_attr(e, "dev");
}

/* <source><address domain='0x0000' bus='0x0b' slot='0x00' function='0x0'/></source> */
static void read_source_address(struct reader *r, const struct xml_element *e)
{
	static const char *const parts[] = { "domain", "bus", "slot", "function" };
	r->mdev = xml_attr(e, "uuid");
	if (r->mdev || !xml_attr(e, "bus"))
		return;
	unsigned long n[N_ELEMENTS(parts)] = { 0 };
	for (size_t i = 0; i < N_ELEMENTS(parts); i++) {
		const char *value = xml_attr(e, parts[i]);
		n[i] = value ? strtoul(value, NULL, 0) : 0;
	}
	r->address = arena_printf(r->a, "%04lx:%02lx:%02lx.%lx", n[0] & 0xffffffff, n[1] & 0xff,
		n[2] & 0x1f, n[3] & 7);
}

/* type='mdev': <source><address uuid='…'/></source> */
static void end_hostdev(struct reader *r, const struct xml_element *e)
{
	const char *type = xml_attr(e, "type");
	if (type && streq(type, "pci") && r->address)
		add_pci(r, PCI_WHOLE, NULL);
	else if (type && streq(type, "mdev") && r->mdev)
		add_pci(r, PCI_MDEV, r->mdev);
	end_device(r);
}

static void read_balloon(struct reader *r, const struct xml_element *e)
{
	const char *model = xml_attr(e, "model");
	r->d.config.has_balloon = model && !streq(model, "none");
	end_device(r);
}

static void settle_disks(struct reader *r)
{
	array_for_each (s, &r->scsi_disks)
		array_for_each (c, &r->controllers) {
			struct vm_disk *disk = &r->d.config.disks.v[s->disk];
			if (c->index != s->controller)
				continue;
			disk->iothread = c->as.iothread;
			disk->iothreads.v = c->as.iothreads.v;
			disk->iothreads.n = disk->iothreads.room = c->as.iothreads.n;
			disk->queues = c->as.queues;
		}
}

static void end_domain(struct reader *r, const struct xml_element *e)
{
	(void)e;
	struct vm_config *c = &r->d.config;
	c->source = "libvirt";
	if (!c->max_vcpus)
		c->vcpus = c->max_vcpus = 1;
	if (!c->cores) { /* a socket each, where nothing is said */
		c->sockets = c->max_vcpus;
		c->cores = c->threads = 1;
	}
	settle_disks(r);
	settle_pages(r);
	/* Those without an id of their own have the lowest free ones. */
	for (int i = 1; i <= 1024 && c->iothreads.n < (size_t)r->n_iothreads; i++)
		add_iothread(r, arena_printf(r->a, "%d", i));
	if (r->d.name)
		*list_push(r->a, r->all) = r->d;
	*r = (struct reader){ .a = r->a, .all = r->all };
}

/* <iothreads>2</iothreads> */
static void read_iothreads(struct reader *r, const struct xml_element *e)
{
	r->n_iothreads = number(e->text, 0);
}

static const struct handler {
	const char *path;
	void (*read)(struct reader *r, const struct xml_element *e);
} handlers[] = {
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
	{ "/devices/disk/driver", read_disk_driver },
	{ "/devices/disk/driver/iothreads/iothread", read_disk_iothread },
	{ "/devices/disk/source/address", read_source_address },
	{ "/devices/disk/alias", read_alias },
	{ "/devices/disk/target", read_target },
	{ "/devices/disk/address", read_drive_address },
	{ "/devices/disk", end_disk },
	{ "/devices/controller/driver", read_disk_driver },
	{ "/devices/controller/driver/iothreads/iothread", read_disk_iothread },
	{ "/devices/controller", end_controller },
	{ "/devices/interface/model", read_net_model },
	{ "/devices/interface/driver", read_net_driver },
	{ "/devices/interface/alias", read_alias },
	{ "/devices/interface/source", read_source },
	{ "/devices/interface/source/address", read_source_address },
	{ "/devices/interface", end_interface },
	{ "/devices/hostdev/alias", read_alias },
	{ "/devices/hostdev/source/address", read_source_address },
	{ "/devices/hostdev", end_hostdev },
	{ "/devices/memballoon", read_balloon },
};

static void read_element(void *context, const struct xml_element *e)
{
	const char *path = str_after(e->path, "domains/domain");
	for (size_t i = 0; path && i < N_ELEMENTS(handlers); i++)
		if (streq(path, handlers[i].path))
			handlers[i].read(context, e);
}

int domains_parse(struct arena *a, const char *xml, struct domains *ret)
{
	*ret = (struct domains){ 0 };
	struct reader r = { .a = a, .all = ret };
	return xml_walk(a, xml, read_element, &r);
}
