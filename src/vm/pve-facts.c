/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keys of a Proxmox VE guest mean. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "vm/pve-conf.h"
#include "vm/qemu-config.h"

struct facts {
	struct arena *a;
	const struct pve_conf *conf;
	struct vm_config *config;
	bool is_template; /* started with the least that runs */
	bool has_hotplug_memory;
	bool is_foreign; /* emulates another architecture: without vhost */
};

static void note(struct facts *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct facts *f, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	*list_push(f->a, &f->config->notes) = arena_strdup(f->a, text);
}

static const char *get(const struct facts *f, const char *key)
{
	return pve_conf_get(f->conf, key);
}

/* Keys without a format of their own may be quoted: hugepages: "1024" */
static const char *get_unquoted(const struct facts *f, const char *key)
{
	const char *value = get(f, key);
	size_t n = value ? strlen(value) : 0;
	if (n >= 2 && *value == '"' && value[n - 1] == '"')
		return arena_strndup(f->a, value + 1, n - 2);
	return value;
}

static bool is_true(const char *value)
{
	static const char *const words[] = { "1", "on", "yes", "true" };
	for (size_t i = 0; value && i < N_ELEMENTS(words); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

/* A whole number of at least 'min'; otherwise Proxmox VE drops the key, and so do we. */
static int number_of(struct facts *f, const char *key, int min, int otherwise)
{
	const char *value = get(f, key);
	int n;
	if (!value)
		return otherwise;
	if (str_to_int(value, &n) == 0 && n >= min)
		return n;
	note(f, "config: %s: '%.40s' is no number that Proxmox VE takes", key, value);
	return otherwise;
}

/* A part of "local:vm-100-disk-0,iothread=1": the value of the key (NULL: the part without one),
 * in the arena; NULL when there is none. */
static const char *part_of(struct facts *f, const char *value, const char *key)
{
	for (const char *p = value, *comma; p; p = comma ? comma + 1 : NULL) {
		comma = strchr(p, ',');
		size_t n = strcspn(p, ","), k = strcspn(p, "=,");
		bool has_key = p[k] == '=';
		if (!key && !has_key && n)
			return arena_strndup(f->a, p, n);
		if (key && has_key && k == strlen(key) && strncmp(p, key, k) == 0)
			return arena_strndup(f->a, p + k + 1, n - k - 1);
	}
	return NULL;
}

/* The same where the key of the first part may be left out: "4096" is "current=4096". */
static const char *default_part(struct facts *f, const char *value, const char *key)
{
	const char *spelt = value ? part_of(f, value, key) : NULL;
	return spelt || !value ? spelt : part_of(f, value, NULL);
}

/* hotplug: network,disk,cpu; "1" is network,disk,usb and the default */
static bool has_hotplug(const struct facts *f, const char *what)
{
	const char *list = get(f, "hotplug");
	const char *at = list ? strstr(list, what) : NULL;
	size_t n = strlen(what);
	return at && (at == list || strchr(",; ", at[-1])) && (!at[n] || strchr(",; ", at[n]));
}

static void read_cpus(struct facts *f)
{
	struct vm_config *c = f->config;
	/* "smp" is what "sockets" was called long ago. */
	c->sockets = number_of(f, "sockets", 1, number_of(f, "smp", 1, 1));
	c->cores = number_of(f, "cores", 1, 1);
	c->threads = 1;
	if (f->is_template)
		c->sockets = c->cores = 1;
	long max = (long)c->sockets * c->cores;
	c->max_vcpus = max > CPUSET_MAX ? CPUSET_MAX : (int)max;
	c->vcpus = f->is_template ? 1 : number_of(f, "vcpus", 1, c->max_vcpus);
	const char *cpu = default_part(f, get(f, "cpu"), "cputype");
	c->cpu = cpu ? cpu : "kvm64";
}

static void read_memory(struct facts *f)
{
	struct vm_config *c = f->config;
	const char *memory = default_part(f, get(f, "memory"), "current");
	if (!memory || str_to_u64(memory, &c->memory_mib) < 0)
		c->memory_mib = 512;
	const char *balloon = get(f, "balloon");
	c->has_balloon = !balloon || !streq(balloon, "0");
	if (balloon && str_to_u64(balloon, &c->balloon_mib) < 0)
		note(f, "config: balloon: '%.40s' is no number", balloon);
	const char *pages = get_unquoted(f, "hugepages");
	int mib;
	if (pages && streq(pages, "any"))
		c->hugepages_kib = HUGEPAGES_ANY;
	else if (pages && str_to_int(pages, &mib) == 0 && (mib == 2 || mib == 1024))
		c->hugepages_kib = mib * 1024;
	else if (pages)
		note(f, "config: hugepages: '%.40s' is not any, 2 or 1024", pages);
	c->keeps_hugepages = is_true(get(f, "keephugepages"));
}

/* "0;2-3" → "0,2-3" in its usual form; NULL with a note when it is no list. */
static const char *list_in(struct facts *f, const char *key, const char *text)
{
	AUTO_FREE char *copy = xstrdup(text);
	struct cpuset set;
	for (char *p = copy; (p = strchr(p, ';'));)
		*p = ',';
	if (cpuset_parse_list(copy, &set) < 0) {
		note(f, "config: %s: '%.40s' is no list", key, text);
		return NULL;
	}
	AUTO_FREE char *list = cpuset_format_list(&set);
	return arena_strdup(f->a, list);
}

/* numa0: cpus=0-3,hostnodes=1,memory=4096,policy=bind */
static void read_node(struct facts *f, int number, const char *key, const char *value)
{
	struct vm_node *node = list_push(f->a, &f->config->nodes);
	const char *cpus = default_part(f, value, "cpus"), *at = part_of(f, value, "hostnodes");
	const char *memory = part_of(f, value, "memory"), *policy = part_of(f, value, "policy");
	node->node = number;
	node->cpus = cpus ? list_in(f, key, cpus) : NULL;
	node->hostnodes = at ? list_in(f, key, at) : NULL;
	node->policy = node->hostnodes ? policy : NULL;
	if (!memory || str_to_u64(memory, &node->mib) < 0)
		note(f, "config: %s: no memory: the VM will not start again", key);
	if (at && !policy)
		note(f, "config: %s: hostnodes without policy: the VM will not start again", key);
	if (f->config->hugepages_kib && (!at || !isdigit((unsigned char)*at) || at[1]))
		note(f,
			"config: %s: with hugepages, hostnodes must be one node from 0 to 9: the VM"
			" will not start again",
			key);
}

/* Without numaN each socket is a node, bound to nothing. */
static void split_sockets(struct facts *f)
{
	struct vm_config *c = f->config;
	for (int i = 0; i < c->sockets && i < CPUSET_MAX / c->cores; i++) {
		struct vm_node *node = list_push(f->a, &c->nodes);
		int first = i * c->cores, last = first + c->cores - 1;
		node->node = i;
		node->cpus = first == last ? arena_printf(f->a, "%d", first)
					   : arena_printf(f->a, "%d-%d", first, last);
		/* Hot-plugged memory comes later, as modules. */
		node->mib = f->has_hotplug_memory ? 0 : c->memory_mib / (uint64_t)c->sockets;
	}
}

static void read_numa(struct facts *f)
{
	struct vm_config *c = f->config;
	c->has_numa = is_true(get(f, "numa")) && !f->is_template;
	if (c->hugepages_kib && !c->has_numa)
		note(f, "config: hugepages without numa: 1: the VM will not start again");
	uint64_t sum = 0;
	for (int i = 0; c->has_numa && i < 8; i++) {
		char key[] = "numa0";
		key[4] = (char)('0' + i);
		const char *value = get(f, key);
		if (!value)
			continue;
		read_node(f, i, key, value);
		sum += c->nodes.v[c->nodes.n - 1].mib;
	}
	if (c->nodes.n && sum != c->memory_mib)
		note(f,
			"config: the memory of numaN adds up to %llu MiB, not %llu: the VM will not"
			" start again",
			(unsigned long long)sum, (unsigned long long)c->memory_mib);
	if (c->has_numa && !c->nodes.n)
		split_sockets(f);
}

/* The number behind the prefix ("scsi12"), or -1. */
static int number_behind(const char *key, const char *prefix)
{
	const char *digits = str_after(key, prefix);
	int n;
	if (!digits || !isdigit((unsigned char)*digits) || str_to_int(digits, &n) < 0)
		return -1;
	return n;
}

static void read_disk(struct facts *f, const char *key, const char *value)
{
	int virtio = number_behind(key, "virtio"), scsi = number_behind(key, "scsi");
	bool is_alone =
		scsi >= 0 && f->config->scsihw && streq(f->config->scsihw, "virtio-scsi-single");
	struct vm_disk *disk = list_push(f->a, &f->config->disks);
	disk->id = key;
	if (virtio < 0 && !is_alone) /* its controller serves others too */
		return;
	const char *queues = part_of(f, value, "queues");
	if (queues && str_to_int(queues, &disk->queues) < 0)
		note(f, "config: %s: queues: '%.40s' is no number", key, queues);
	if (!is_true(part_of(f, value, "iothread")))
		return;
	disk->iothread = virtio >= 0 ? arena_printf(f->a, "iothread-virtio%d", virtio)
				     : arena_printf(f->a, "iothread-virtioscsi%d", scsi);
	*list_push(f->a, &disk->iothreads) = disk->iothread;
	*list_push(f->a, &f->config->iothreads) = disk->iothread;
}

/* net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,queues=4 */
static void read_net(struct facts *f, const char *key, const char *value)
{
	const char *model = part_of(f, value, "model");
	struct vm_net *net = list_push(f->a, &f->config->nets);
	net->id = key;
	net->model = model ? model : arena_strndup(f->a, value, strcspn(value, "=,"));
	net->queues = 1;
	if (!part_of(f, value, "bridge")) /* QEMU's own user network */
		return;
	const char *queues = part_of(f, value, "queues");
	if (queues && (str_to_int(queues, &net->queues) < 0 || net->queues < 1))
		net->queues = 1;
	net->has_vhost = streq(net->model, "virtio") && !f->is_foreign;
}

/* hostpci0: 0000:0b:00.0;0000:0b:00.1,pcie=1 or hostpci0: mapping=gpu,pcie=1 */
static void read_pci(struct facts *f, const char *key, const char *value)
{
	const char *mapping = part_of(f, value, "mapping"), *host = default_part(f, value, "host");
	if (mapping) {
		*list_push(f->a, &f->config->pci) =
			(struct vm_pci){ .id = key, .mapping = mapping };
		return;
	}
	for (const char *p = host; p && *p; p += strspn(p, ";")) {
		size_t n = strcspn(p, ";");
		const char *address = pci_address(f->a, arena_strndup(f->a, p, n));
		*list_push(f->a, &f->config->pci) =
			(struct vm_pci){ .id = key, .address = address };
		if (!address)
			note(f, "config: %s: '%.*s' is no PCI address", key, (int)n, p);
		p += n;
	}
}

static void read_device(struct facts *f, const char *key, const char *value)
{
	static const char *const disks[] = { "ide", "sata", "scsi", "virtio" };
	for (size_t i = 0; i < N_ELEMENTS(disks); i++)
		if (number_behind(key, disks[i]) >= 0)
			read_disk(f, key, value);
	if (f->is_template)
		return;
	if (number_behind(key, "net") >= 0)
		read_net(f, key, value);
	else if (number_behind(key, "hostpci") >= 0)
		read_pci(f, key, value);
}

static void read_devices(struct facts *f)
{
	array_for_each (k, &f->conf->keys)
		if (get(f, k->key) == k->value) /* the last of its name */
			read_device(f, k->key, k->value);
}

static const struct cpuset *cpus_of(struct facts *f, const char *list)
{
	AUTO_FREE char *copy = xstrdup(list);
	struct cpuset cpus;
	char *to = copy;
	for (const char *p = list; *p; p++)
		if (!isspace((unsigned char)*p))
			*to++ = *p;
	*to = 0;
	if (!streq(copy, list))
		note(f,
			"config: affinity: '%.80s': Proxmox VE takes the blanks, but taskset does "
			"not:"
			" the VM will not start again",
			list);
	if (cpuset_parse_list(copy, &cpus) < 0) {
		note(f, "config: affinity: '%.80s' is no list of CPUs", list);
		return NULL;
	}
	return arena_dup(f->a, &cpus, 1, sizeof cpus);
}

static void read_the_rest(struct facts *f)
{
	struct vm_config *c = f->config;
	const char *limit = get(f, "cpulimit"), *tags = get(f, "tags");
	char *end;
	c->name = get(f, "name");
	c->affinity = get(f, "affinity");
	c->affinity_cpus = c->affinity ? cpus_of(f, c->affinity) : NULL;
	c->cpuunits = number_of(f, "cpuunits", 1, 0);
	c->cpulimit = limit ? strtod(limit, &end) : 0;
	if (limit && (*end || !(c->cpulimit >= 0 && c->cpulimit <= 128))) {
		note(f, "config: cpulimit: '%.40s' is not from 0 to 128", limit);
		c->cpulimit = 0;
	}
	c->hookscript = get(f, "hookscript");
	c->args = get(f, "args");
	c->lock = get_unquoted(f, "lock");
	c->description = f->conf->description;
	static const char between[] = ";, ";
	for (const char *p = tags ? tags + strspn(tags, between) : NULL; p && *p;
		p += strspn(p, between)) {
		size_t n = strcspn(p, between);
		*list_push(f->a, &c->tags) = arena_strndup(f->a, p, n);
		p += n;
	}
}

bool pve_args_next(const char **p, struct strbuf *ret)
{
	const char *s = *p + strspn(*p, " \t");
	char quote = 0;
	if (!*s)
		return false;
	for (; *s && (quote || !strchr(" \t", *s)); s++) {
		if (quote ? *s == quote : *s == '"' || *s == '\'') {
			quote = quote ? 0 : *s;
			continue;
		}
		if (*s == '\\' && quote != '\'' && s[1])
			s++;
		strbuf_add(ret, s, 1);
	}
	strbuf_add(ret, "", 1);
	*p = s;
	return true;
}

/* args: comes last on the command line, where an option of the same name wins. */
static void read_args(struct facts *f)
{
	struct vm_config *c = f->config;
	if (!c->args)
		return;
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_printf(&b, "kvm%c-smp%c%d,sockets=%d,cores=%d,maxcpus=%d", 0, 0, c->vcpus,
		c->sockets, c->cores, c->max_vcpus);
	strbuf_add(&b, "", 1);
	for (const char *p = c->args; pve_args_next(&p, &b);)
		;
	struct qemu_args args;
	const char *text = arena_strndup(f->a, b.s, b.n), *name = c->name;
	qemu_args_parse(f->a, text, b.n, &args);
	qemu_config_add(f->a, text, b.n, &args, c);
	qemu_args_done(&args);
	if (name)
		c->name = name;
}

void pve_conf_facts(struct arena *a, const struct pve_conf *conf, struct vm_config *ret)
{
	*ret = (struct vm_config){ 0 };
	struct facts f = { .a = a, .conf = conf, .config = ret };
	const char *arch = get(&f, "arch");
	f.is_template = is_true(get(&f, "template"));
	f.has_hotplug_memory = has_hotplug(&f, "memory");
	f.is_foreign = arch && !streq(arch, "x86_64");
	ret->scsihw = get_unquoted(&f, "scsihw");
	read_the_rest(&f);
	read_cpus(&f);
	read_memory(&f);
	read_numa(&f);
	read_devices(&f);
	read_args(&f);
	array_for_each (p, &conf->pending)
		*list_push(a, &ret->pending) = *p;
	if (conf->n_odd_lines)
		note(&f, "config: %zu lines are not understood", conf->n_odd_lines);
}
