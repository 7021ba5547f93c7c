/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/qemu-config.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "vm/ids.h"
#include "vm/props.h"

/* Options of one kind, and those of them that have an id. */
struct options_of_kind {
	LIST(struct props) v;
	struct ids ids;
};

struct reader {
	struct arena *a;
	struct vm_config *config;
	const struct qemu_smp *smp;
	const char *backend; /* of the machine's memory */
	struct options_of_kind objects, devices, netdevs, numas;
};

static struct props *add_props(
	struct reader *r, struct options_of_kind *kind, const char *value, const char *implied)
{
	struct props *p = list_push(r->a, &kind->v);
	props_parse(r->a, value, implied, p);
	ids_add(&kind->ids, props_get(p, "id"), kind->v.n - 1);
	return p;
}

/* "512M", "4G", "1048576k", or a number of 'unit' bytes; 0 for what is no size. */
static uint64_t size_mib(const char *text, uint64_t unit)
{
	static const char suffixes[] = "BKMGTP";
	char *end;
	if (!text || !isdigit((unsigned char)*text))
		return 0;
	double n = strtod(text, &end);
	const char *suffix = *end ? strchr(suffixes, toupper((unsigned char)*end)) : NULL;
	double bytes = n * (suffix ? (double)(1ULL << (10 * (suffix - suffixes))) : (double)unit);
	return bytes >= 0 && bytes < 1e18 ? (uint64_t)(bytes / 1048576) : 0;
}

static int or_one(int n)
{
	return n > 0 ? n : 1;
}

static int count_of(const char *text)
{
	int n;
	return text && str_to_int(text, &n) == 0 ? n : 0;
}

/* -m 4096 or -m size=1024,slots=255,maxmem=524288M */
static void read_memory(struct reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "size", &p);
	uint64_t mib = size_mib(props_get(&p, "size"), 1048576);
	if (mib)
		r->config->memory_mib = mib;
}

/* -cpu kvm64,enforce,+kvm_pv_eoi,+kvm_pv_unhalt */
static void read_cpu(struct reader *r, const char *value)
{
	r->config->cpu = arena_strndup(r->a, value, strcspn(value, ","));
}

/* -overcommit mem-lock=on */
static void read_overcommit(struct reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, NULL, &p);
	const char *lock = props_get(&p, "mem-lock");
	if (lock)
		r->config->is_memory_locked = prop_is_on(lock);
}

/*
 * The page size that a path of hugetlbfs tells by its name, HUGEPAGES_ANY where it tells no size,
 * and HUGEPAGES_NONE where it is no such path by its name: where it is mounted, the kernel knows.
 * Proxmox VE has "/run/hugepages/kvm/2048kB", libvirt "/dev/hugepages1G/libvirt/qemu/1-web".
 */
static int64_t pages_of_path(const char *path)
{
	static const struct {
		const char *unit;
		int64_t kib;
	} units[] = { { "kB", 1 }, { "KB", 1 }, { "k", 1 }, { "M", 1024 }, { "G", 1048576 } };
	if (!path || !strstr(path, "huge"))
		return HUGEPAGES_NONE;
	for (const char *p = path; *p; p++) {
		char *end;
		if (!isdigit((unsigned char)*p) || isdigit((unsigned char)(p > path ? p[-1] : 0)))
			continue;
		long long n = strtoll(p, &end, 10);
		for (size_t i = 0; i < N_ELEMENTS(units); i++) {
			const char *rest = str_after(end, units[i].unit);
			if (n > 0 && n < 1048577 && rest && !isalnum((unsigned char)*rest))
				return n * units[i].kib;
		}
	}
	return HUGEPAGES_ANY;
}

/* -mem-path DIR */
static void read_mem_path(struct reader *r, const char *path)
{
	r->config->mem_path = path;
	r->config->hugepages_kib = pages_of_path(path);
}

/* What a memory backend says of page sizes. */
static int64_t pages_of_backend(const struct props *p)
{
	const char *type = props_get(p, "qom-type"), *size = props_get(p, "hugetlbsize");
	if (type && streq(type, "memory-backend-file"))
		return pages_of_path(props_get(p, "mem-path"));
	if (type && streq(type, "memory-backend-memfd") && prop_is_on(props_get(p, "hugetlb")))
		return size ? (int64_t)size_mib(size, 1) * 1024 : HUGEPAGES_ANY;
	return HUGEPAGES_NONE;
}

static void read_object(struct reader *r, const char *value)
{
	struct props *p = add_props(r, &r->objects, value, "qom-type");
	const char *type = props_get(p, "qom-type"), *id = props_get(p, "id");
	if (type && streq(type, "iothread") && id)
		*list_push(r->a, &r->config->iothreads) = id;
}

/* -machine q35,memory-backend=mem0 */
static void read_machine(struct reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "type", &p);
	const char *backend = props_get(&p, "memory-backend");
	r->backend = backend ? backend : r->backend;
}

/* Sockets to other processes: a chardev's, a network's "stream" or "dgram". */
static void add_socket(struct reader *r, const struct props *p)
{
	static const char *const keys[] = { "path", "backend.data.addr.data.path", "addr.path",
		"remote.path", "socket.path", "socket" };
	for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
		const char *path = props_get(p, keys[i]);
		if (path && *path == '/')
			*list_push(r->a, &r->config->peers) = path;
	}
}

static void read_device(struct reader *r, const char *value)
{
	add_props(r, &r->devices, value, "driver");
}

static void read_netdev(struct reader *r, const char *value)
{
	add_socket(r, add_props(r, &r->netdevs, value, "type"));
}

static void read_numa(struct reader *r, const char *value)
{
	add_props(r, &r->numas, value, "type");
}

static void add_nvme(struct reader *r, const char *id, const char *address)
{
	*list_push(r->a, &r->config->pci) = (struct vm_pci){
		.id = id, .address = pci_address(r->a, address), .kind = PCI_NVME
	};
}

/* -blockdev {"driver":"nvme","device":"0000:82:00.0","namespace":1,"node-name":"n"}, or as
 * another's "file" */
static void read_blockdev(struct reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "driver", &p);
	const char *id = props_get(&p, "node-name");
	for (size_t i = 0; i < p.n; i++) {
		const char *key = p.v[i].key, *last = strrchr(key, '.');
		if (!streq(last ? last + 1 : key, "driver") || !streq(p.v[i].value, "nvme"))
			continue;
		size_t n = last ? (size_t)(last - key) + 1 : 0;
		const char *device = props_get(&p, arena_printf(r->a, "%.*sdevice", (int)n, key));
		if (device)
			add_nvme(r, id, device);
	}
}

/* -drive file=nvme://0000:82:00.0/1,if=none,id=drive0 */
static void read_drive(struct reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "file", &p);
	const char *file = props_get(&p, "file"), *at = file ? str_after(file, "nvme://") : NULL;
	if (at)
		add_nvme(r, props_get(&p, "id"), arena_strndup(r->a, at, strcspn(at, "/")));
}

static void read_chardev(struct reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "backend", &p);
	add_socket(r, &p);
}

static const struct option {
	const char *name;
	void (*read)(struct reader *r, const char *value);
} options[] = {
	{ "m", read_memory },
	{ "machine", read_machine },
	{ "M", read_machine },
	{ "cpu", read_cpu },
	{ "overcommit", read_overcommit },
	{ "mem-path", read_mem_path },
	{ "object", read_object },
	{ "device", read_device },
	{ "netdev", read_netdev },
	{ "numa", read_numa },
	{ "blockdev", read_blockdev },
	{ "drive", read_drive },
	{ "chardev", read_chardev },
	/* Their arguments may look like options. */
	{ "name", NULL },
	{ "append", NULL },
};

static void read_options(struct reader *r, const char *p, const char *end)
{
	for (const char *arg; (arg = qemu_args_next(&p, end));) {
		const char *name = qemu_args_option(arg);
		for (size_t i = 0; name && i < N_ELEMENTS(options); i++) {
			if (!streq(name, options[i].name))
				continue;
			const char *value = qemu_args_next(&p, end);
			if (value && options[i].read)
				options[i].read(r, value);
			break;
		}
	}
}

static const struct props *by_id(struct options_of_kind *kind, const char *id)
{
	size_t i = ids_find(&kind->ids, id);
	return i == IDS_NONE ? NULL : &kind->v.v[i];
}

/* All values of the key as one cpulist in its usual form. "host-nodes=0,2" reads as two keys: the
 * second is a number. NULL when there are none. */
static const char *merge_lists(struct reader *r, const struct props *p, const char *key)
{
	struct cpuset all = CPUSET_EMPTY, some;
	bool is_before_us = false;
	array_for_each (prop, p) {
		bool is_ours = streq(prop->key, key);
		bool is_rest = is_before_us && isdigit((unsigned char)*prop->key);
		if ((is_ours && cpuset_parse_list(prop->value, &some) == 0) ||
			(is_rest && cpuset_parse_list(prop->key, &some) == 0))
			all = cpuset_or(&all, &some);
		is_before_us = is_ours || is_rest;
	}
	if (cpuset_is_empty(&all))
		return NULL;
	AUTO_FREE char *text = cpuset_format_list(&all);
	return arena_strdup(r->a, text);
}

/* -numa node,nodeid=0,cpus=0-1,cpus=4,memdev=ram-node0
 * -object memory-backend-ram,id=ram-node0,size=512M,host-nodes=0,policy=bind */
static void add_node(struct reader *r, const struct props *p)
{
	const char *type = props_get(p, "type");
	if (!type || !streq(type, "node"))
		return;
	const struct props *memdev = by_id(&r->objects, props_get(p, "memdev"));
	struct vm_node *node = list_push(r->a, &r->config->nodes);
	const char *number = props_get(p, "nodeid");
	node->node = number ? count_of(number) : (int)r->config->nodes.n - 1;
	node->cpus = merge_lists(r, p, "cpus");
	node->mib = memdev ? size_mib(props_get(memdev, "size"), 1)
			   : size_mib(props_get(p, "mem"), 1048576);
	node->hostnodes = memdev ? merge_lists(r, memdev, "host-nodes") : NULL;
	node->policy = node->hostnodes ? props_get(memdev, "policy") : NULL;
	node->mem_path = memdev ? props_get(memdev, "mem-path") : r->config->mem_path;
	node->hugepages_kib =
		memdev ? pages_of_backend(memdev) : pages_of_path(r->config->mem_path);
	r->config->has_numa = true;
}

static struct vm_node *node_of(struct reader *r, const char *number)
{
	array_for_each (n, &r->config->nodes)
		if (number && n->node == count_of(number))
			return n;
	return NULL;
}

/* Whether the guest's CPU is what the option's value says; one that it does not say fits. */
static bool fits(const struct props *p, const char *key, int n)
{
	const char *value = props_get(p, key);
	return !value || count_of(value) == n;
}

/* -numa cpu,node-id=1,socket-id=1,core-id=0: CPUs by where the guest sees them. */
static void add_numa_cpu(struct reader *r, const struct props *p)
{
	const char *type = props_get(p, "type");
	struct vm_node *node = node_of(r, props_get(p, "node-id"));
	const struct qemu_smp *smp = r->smp;
	struct cpuset cpus = CPUSET_EMPTY;
	if (!type || !streq(type, "cpu") || !node || !smp->cpus)
		return;
	if (node->cpus && cpuset_parse_list(node->cpus, &cpus) < 0)
		return;
	int per_die = smp->cores / or_one(smp->dies);
	for (int i = 0; i < smp->max && i < CPUSET_MAX; i++) {
		int core = i / smp->threads % smp->cores;
		if (fits(p, "socket-id", i / smp->threads / smp->cores) &&
			fits(p, "die-id", core / or_one(per_die)) &&
			fits(p, "core-id",
				props_get(p, "die-id") ? core % or_one(per_die) : core) &&
			fits(p, "thread-id", i % smp->threads))
			cpuset_add(&cpus, i);
	}
	AUTO_FREE char *text = cpuset_format_list(&cpus);
	node->cpus = cpuset_is_empty(&cpus) ? NULL : arena_strdup(r->a, text);
}

/* Memory without guest nodes: where it is bound, and its pages. */
static void add_backend(struct reader *r)
{
	struct vm_config *c = r->config;
	const struct props *p = by_id(&r->objects, r->backend);
	array_for_each (object, &r->objects.v)
		if (!r->backend && !c->nodes.n && !c->hugepages_kib)
			c->hugepages_kib = pages_of_backend(object);
	if (!p)
		return;
	const char *nodes = merge_lists(r, p, "host-nodes"), *policy = props_get(p, "policy");
	c->numa_nodes = nodes ? nodes : c->numa_nodes;
	c->numa_mode = nodes ? policy : c->numa_mode;
	c->mem_path = props_get(p, "mem-path");
	c->hugepages_kib = pages_of_backend(p);
	if (!c->memory_mib)
		c->memory_mib = size_mib(props_get(p, "size"), 1);
}

/* The controller of a bus: "virtioscsi0.0" → virtioscsi0. */
static const struct props *controller_of(struct reader *r, const struct props *device)
{
	const char *bus = props_get(device, "bus");
	const char *dot = bus ? strrchr(bus, '.') : NULL;
	return dot ? by_id(&r->devices, arena_strndup(r->a, bus, (size_t)(dot - bus))) : NULL;
}

/* iothread=io0, or for some queues each: iothread-vq-mapping.0.iothread=io0, …1… */
static void add_iothreads(struct reader *r, const struct props *p, struct vm_disk *disk)
{
	for (size_t i = 0; p && i < p->n; i++) {
		const char *key = p->v[i].key;
		bool is_mapping =
			str_after(key, "iothread-vq-mapping.") && str_has_suffix(key, ".iothread");
		if (is_mapping || streq(key, "iothread"))
			*list_push(r->a, &disk->iothreads) = p->v[i].value;
	}
	disk->iothread = disk->iothreads.n ? disk->iothreads.v[0] : NULL;
}

static bool is_any(const char *driver, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (str_after(driver, *prefixes))
			return true;
	return false;
}

/* -device virtio-blk-pci,drive=drive-virtio0,id=virtio0,iothread=iothread-virtio0,num-queues=4
 * -device virtio-scsi-pci,id=virtioscsi0,iothread=iothread-virtioscsi0,num_queues=4
 * -device scsi-hd,bus=virtioscsi0.0,drive=drive-scsi0,id=scsi0 */
static bool add_disk(struct reader *r, const struct props *p, const char *driver)
{
	static const char *const own[] = { "virtio-blk-", "ide-hd", "ide-cd", NULL };
	static const char *const behind[] = { "scsi-hd", "scsi-cd", "scsi-block", "scsi-generic",
		NULL };
	const char *id = props_get(p, "id");
	bool is_behind = is_any(driver, behind);
	if (!id || (!is_behind && !is_any(driver, own)))
		return false;
	const struct props *at = is_behind ? controller_of(r, p) : p;
	struct vm_disk *disk = list_push(r->a, &r->config->disks);
	disk->id = id;
	add_iothreads(r, at, disk);
	disk->queues = at ? count_of(props_get(at, is_behind ? "num_queues" : "num-queues")) : 0;
	return true;
}

/* -netdev vhost-vdpa,vhostdev=/dev/vhost-vdpa-0 */
static void add_vdpa(struct reader *r, const struct props *back, const char *id)
{
	const char *type = back ? props_get(back, "type") : NULL;
	if (type && streq(type, "vhost-vdpa"))
		*list_push(r->a, &r->config->pci) = (struct vm_pci){
			.id = id, .kind = PCI_VDPA, .part = props_get(back, "vhostdev")
		};
}

static int count_fds(const char *fds)
{
	int n = 1;
	for (; (fds = strchr(fds, ':')); fds++)
		n++;
	return n;
}

/* -netdev type=tap,id=net0,ifname=tap100i0,vhost=on,queues=4
 * -device virtio-net-pci,netdev=net0,id=net0,mq=on; libvirt has vhostfds=30:31 instead */
static bool add_net(struct reader *r, const struct props *p, const char *driver)
{
	const char *id = props_get(p, "id"), *netdev = props_get(p, "netdev");
	const struct props *back = by_id(&r->netdevs, netdev);
	if (!netdev)
		return false;
	struct vm_net *net = list_push(r->a, &r->config->nets);
	const char *fds = back ? props_get(back, "fds") : NULL;
	net->id = id ? id : netdev;
	net->model = str_after(driver, "virtio-net-") ? "virtio" : driver;
	net->queues = back ? count_of(props_get(back, "queues")) : 0;
	if (fds)
		net->queues = count_fds(fds);
	if (!net->queues)
		net->queues = 1;
	add_vdpa(r, back, net->id);
	net->has_vhost = back &&
		(prop_is_on(props_get(back, "vhost")) || props_get(back, "vhostfd") ||
			props_get(back, "vhostfds"));
	return true;
}

/*
 * -device vfio-pci,host=0000:01:00.0,id=hostpci0.0
 * -device vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:06:10.1
 * -device vfio-pci,sysfsdev=/sys/bus/mdev/devices/UUID (a part of one; where, only the link says)
 */
static void add_pci(struct reader *r, const struct props *p)
{
	const char *host = props_get(p, "host"), *dev = props_get(p, "sysfsdev");
	const char *last = dev ? strrchr(dev, '/') : NULL;
	struct vm_pci *pci = list_push(r->a, &r->config->pci);
	pci->id = props_get(p, "id");
	pci->address = host ? pci_address(r->a, host) : dev ? pci_address_in(r->a, dev) : NULL;
	if (!host && last && !pci_address(r->a, last + 1)) {
		pci->kind = PCI_MDEV;
		pci->part = last + 1;
	}
}

/* -device vfio-user-pci,socket=/run/x or {"driver":"vfio-user-pci","socket":{"path":"/run/x",…}} */
static void add_vfio_user(struct reader *r, const struct props *p)
{
	const char *path = props_get(p, "socket.path");
	*list_push(r->a, &r->config->pci) = (struct vm_pci){
		.id = props_get(p, "id"),
		.kind = PCI_VFIO_USER,
		.part = path ? path : props_get(p, "socket"),
	};
	add_socket(r, p);
}

/* -device pc-dimm,id=dimm0,memdev=mem-dimm0,node=0 */
static void add_dimm(struct reader *r, const struct props *p, uint64_t mib)
{
	struct vm_node *node = node_of(r, props_get(p, "node"));
	r->config->memory_mib += mib;
	if (node)
		node->mib += mib;
}

static void add_device(struct reader *r, const struct props *p)
{
	const char *driver = props_get(p, "driver");
	if (!driver || add_disk(r, p, driver) || add_net(r, p, driver))
		return;
	const struct props *memdev = by_id(&r->objects, props_get(p, "memdev"));
	if (str_after(driver, "vfio-pci"))
		add_pci(r, p);
	else if (str_after(driver, "vfio-user"))
		add_vfio_user(r, p);
	else if (str_has_suffix(driver, "-cpu")) /* kvm64-x86_64-cpu,id=cpu2,socket-id=0,… */
		r->config->vcpus++;
	else if (streq(driver, "pc-dimm") && memdev)
		add_dimm(r, p, size_mib(props_get(memdev, "size"), 1));
	else if (str_after(driver, "virtio-balloon"))
		r->config->has_balloon = true;
}

static const char *skip_taskset(struct reader *r, const char *p, const char *end)
{
	const char *arg = qemu_args_next(&p, end);
	if (!arg || !(streq(arg, "taskset") || str_has_suffix(arg, "/taskset")))
		return p;
	while ((arg = qemu_args_next(&p, end)) && *arg == '-')
		;
	struct cpuset cpus;
	r->config->affinity = arg;
	if (arg && cpuset_parse_list(arg, &cpus) == 0)
		r->config->affinity_cpus = arena_dup(r->a, &cpus, 1, sizeof cpus);
	return p;
}

void qemu_config_add(struct arena *a, const char *cmdline, size_t len, const struct qemu_args *args,
	struct vm_config *config)
{
	struct reader r = { .a = a, .config = config, .smp = &args->smp };
	const char *end = cmdline + len;
	if (args->name)
		config->name = args->name;
	if (args->smp.cpus) {
		config->sockets = args->smp.sockets;
		config->cores = args->smp.cores;
		config->threads = args->smp.threads;
		config->vcpus = args->smp.cpus;
		config->max_vcpus = args->smp.max;
	}
	read_options(&r, skip_taskset(&r, cmdline, end), end);
	array_for_each (p, &r.numas.v)
		add_node(&r, p);
	array_for_each (p, &r.numas.v)
		add_numa_cpu(&r, p);
	add_backend(&r);
	vm_config_settle_pages(config);
	array_for_each (p, &r.devices.v)
		add_device(&r, p);
	if (!config->memory_mib && !args->is_partial)
		config->memory_mib = 128; /* QEMU's default */
	ids_done(&r.objects.ids);
	ids_done(&r.devices.ids);
	ids_done(&r.netdevs.ids);
	ids_done(&r.numas.ids);
}
