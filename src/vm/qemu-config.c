/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/qemu-config.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "vm/qemu-read.h"

static struct props *add_props(
	struct qemu_reader *r, struct qemu_options *kind, const char *value, const char *implied)
{
	struct props *p = list_push(r->a, &kind->v);
	props_parse(r->a, value, implied, p);
	ids_add(&kind->ids, props_get(p, "id"), kind->v.n - 1);
	return p;
}

static int or_one(int n)
{
	return n > 0 ? n : 1;
}

/* -m 4096 or -m size=1024,slots=255,maxmem=524288M */
static void read_memory(struct qemu_reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "size", &p);
	uint64_t mib = qemu_size_mib(props_get(&p, "size"), 1048576);
	if (mib)
		r->config->memory_mib = mib;
}

/* -cpu kvm64,enforce,+kvm_pv_eoi,+kvm_pv_unhalt */
static void read_cpu(struct qemu_reader *r, const char *value)
{
	r->config->cpu = arena_strndup(r->a, value, strcspn(value, ","));
}

/* -overcommit mem-lock=on */
static void read_overcommit(struct qemu_reader *r, const char *value)
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
static void read_mem_path(struct qemu_reader *r, const char *path)
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
		return size ? (int64_t)qemu_size_mib(size, 1) * 1024 : HUGEPAGES_ANY;
	return HUGEPAGES_NONE;
}

static void read_object(struct qemu_reader *r, const char *value)
{
	struct props *p = add_props(r, &r->objects, value, "qom-type");
	const char *type = props_get(p, "qom-type"), *id = props_get(p, "id");
	if (type && streq(type, "iothread") && id)
		*list_push(r->a, &r->config->iothreads) = id;
}

/* -machine q35,memory-backend=mem0 */
static void read_machine(struct qemu_reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "type", &p);
	const char *backend = props_get(&p, "memory-backend");
	r->backend = backend ? backend : r->backend;
}

static void read_device(struct qemu_reader *r, const char *value)
{
	add_props(r, &r->devices, value, "driver");
}

static void read_netdev(struct qemu_reader *r, const char *value)
{
	qemu_add_socket(r, add_props(r, &r->netdevs, value, "type"));
}

static void read_numa(struct qemu_reader *r, const char *value)
{
	add_props(r, &r->numas, value, "type");
}

static void add_nvme(struct qemu_reader *r, const char *id, const char *address)
{
	*list_push(r->a, &r->config->pci) = (struct vm_pci){
		.id = id, .address = pci_address(r->a, address), .kind = PCI_NVME
	};
}

/* -blockdev {"driver":"nvme","device":"0000:82:00.0","namespace":1,"node-name":"n"}, or as
 * another's "file" */
static void read_blockdev(struct qemu_reader *r, const char *value)
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
static void read_drive(struct qemu_reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "file", &p);
	const char *file = props_get(&p, "file"), *at = file ? str_after(file, "nvme://") : NULL;
	if (at)
		add_nvme(r, props_get(&p, "id"), arena_strndup(r->a, at, strcspn(at, "/")));
}

static void read_chardev(struct qemu_reader *r, const char *value)
{
	struct props p;
	props_parse(r->a, value, "backend", &p);
	qemu_add_socket(r, &p);
}

static const struct option {
	const char *name;
	void (*read)(struct qemu_reader *r, const char *value);
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

static void read_options(struct qemu_reader *r, const char *p, const char *end)
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

/* All values of the key as one cpulist in its usual form. "host-nodes=0,2" reads as two keys: the
 * second is a number. NULL when there are none. */
static const char *merge_lists(struct qemu_reader *r, const struct props *p, const char *key)
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
static void add_node(struct qemu_reader *r, const struct props *p)
{
	const char *type = props_get(p, "type");
	if (!type || !streq(type, "node"))
		return;
	const struct props *memdev = qemu_by_id(&r->objects, props_get(p, "memdev"));
	struct vm_node *node = list_push(r->a, &r->config->nodes);
	const char *number = props_get(p, "nodeid");
	node->node = number ? qemu_count_of(number) : (int)r->config->nodes.n - 1;
	node->cpus = merge_lists(r, p, "cpus");
	node->mib = memdev ? qemu_size_mib(props_get(memdev, "size"), 1)
			   : qemu_size_mib(props_get(p, "mem"), 1048576);
	node->hostnodes = memdev ? merge_lists(r, memdev, "host-nodes") : NULL;
	node->policy = node->hostnodes ? props_get(memdev, "policy") : NULL;
	node->mem_path = memdev ? props_get(memdev, "mem-path") : r->config->mem_path;
	node->hugepages_kib =
		memdev ? pages_of_backend(memdev) : pages_of_path(r->config->mem_path);
	r->config->has_numa = true;
}

/* Whether the guest's CPU is what the option's value says; one that it does not say fits. */
static bool fits(const struct props *p, const char *key, int n)
{
	const char *value = props_get(p, key);
	return !value || qemu_count_of(value) == n;
}

/* -numa cpu,node-id=1,socket-id=1,core-id=0: CPUs by where the guest sees them. */
static void add_numa_cpu(struct qemu_reader *r, const struct props *p)
{
	const char *type = props_get(p, "type");
	struct vm_node *node = qemu_node_of(r, props_get(p, "node-id"));
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
static void add_backend(struct qemu_reader *r)
{
	struct vm_config *c = r->config;
	const struct props *p = qemu_by_id(&r->objects, r->backend);
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
		c->memory_mib = qemu_size_mib(props_get(p, "size"), 1);
}

static const char *skip_taskset(struct qemu_reader *r, const char *p, const char *end)
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
	struct qemu_reader r = { .a = a, .config = config, .smp = &args->smp };
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
		qemu_add_device(&r, p);
	if (!config->memory_mib && !args->is_partial)
		config->memory_mib = 128; /* QEMU's default */
	ids_done(&r.objects.ids);
	ids_done(&r.devices.ids);
	ids_done(&r.netdevs.ids);
	ids_done(&r.numas.ids);
}
