/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recording keeps of QEMU's options: those that say who the VM is and how it is built, and
 * in them the keys that wideberth reads. A list of what is kept, not of what is secret: whatever
 * else stands there is "*", however it is nested or spaced.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "base/alloc.h"
#include "base/str.h"
#include "vm/props.h"
#include "vm/qemu-args.h"
#include "vm/redact.h"

/* Which keys of an option's value are kept. */
struct kept {
	const char *option;
	const char *implied; /* the key of a first word that has none, or NULL */
	const char *keys;    /* separated by blanks */
};

static const struct kept kept[] = {
	{ "name", "guest", "guest debug-threads" },
	{ "uuid", "uuid", "uuid" },
	{ "id", "id", "id" },
	{ "pidfile", "pidfile", "pidfile" },
	{ "smp", "cpus", "cpus maxcpus drawers books sockets dies clusters modules cores threads" },
	{ "m", "size", "size slots maxmem" },
	{ "machine", "type",
		"type accel memory-backend usb vmport hpet kernel_irqchip smp.cpus smp.maxcpus "
		"smp.sockets smp.dies smp.clusters smp.cores smp.threads" },
	{ "accel", "accel", "accel thread" },
	{ "cpu", "model", "model" },
	{ "chardev", "backend",
		"backend id path server wait fd abstract reconnect reconnect-ms backend.type "
		"backend.data.server backend.data.addr.type backend.data.addr.data.path "
		"backend.data.addr.data.abstract" },
	{ "mon", "chardev", "chardev mode id pretty" },
	{ "object", "qom-type",
		"qom-type id size mem-path host-nodes policy hugetlb hugetlbsize share prealloc" },
	{ "numa", "type",
		"type nodeid cpus mem memdev node-id socket-id die-id cluster-id core-id thread-id "
		"src "
		"dst val" },
	{ "device", "driver",
		"driver id bus addr host sysfsdev iothread num-queues num_queues netdev drive "
		"memdev node "
		"socket socket.path socket.type chardev mq vectors socket-id core-id thread-id "
		"die-id tag "
		"tpmdev" },
	{ "netdev", "type", "type id vhost vhostfd vhostfds fd fds queues chardev vhostdev" },
	{ "overcommit", NULL, "mem-lock cpu-pm" },
	{ "mem-path", "path", "path" },
	{ "readconfig", "path", "path" },
	{ "tpmdev", "type", "type id chardev" },
	{ "rtc", NULL, "" },
};

/* Options that take no value. */
static const char switches[] =
	" S s enable-kvm no-acpi no-hpet snapshot nographic no-fd-bootchk no-reboot no-shutdown "
	"daemonize "
	"nodefaults no-user-config nouserconfig only-migratable mem-prealloc usb singlestep "
	"one-insn-per-tb no-kvm no-kvm-irqchip semihosting full-screen curses portrait xen-attach "
	"enable-fips no-quit alt-grab ctrl-grab win2k-hack enable-sync-profile ";
/* Others that do: their names are kept, and what they say is not. */
static const char others[] =
	" M qmp qmp-pretty drive blockdev append kernel initrd dtb bios boot vnc spice display vga "
	"fw_cfg smbios "
	"acpitable set global net nic netdev serial parallel monitor debugcon rtc icount watchdog "
	"watchdog-action echr incoming sandbox option-rom prom-env semihosting-config chroot runas "
	"run-with "
	"trace plugin msg dump-vmstate perfmap iscsi tpmdev fsdev virtfs virtfs_synth hda hdb hdc "
	"hdd cdrom "
	"fda fdb sd pflash mtdblock k audiodev audio soundhw device_model usbdevice cpu L D d "
	"dfilter seed gdb "
	"add-fd compat action object loadvm writeconfig xen-domid jitdump preconfig ";

static bool has_word(const char *words, const char *word, size_t n)
{
	/* An empty word, the key of "socket,=x", is nowhere: memmem() would find it behind the end
	 * too. */
	for (const char *p = words; n && (p = memmem(p, strlen(p), word, n)); p++) {
		bool is_start = p == words || p[-1] == ' ';
		if (is_start && (!p[n] || p[n] == ' '))
			return true;
	}
	return false;
}

static const struct kept *find_kept(const char *option)
{
	const char *name = streq(option, "M") ? "machine" : option;
	for (size_t i = 0; i < N_ELEMENTS(kept); i++)
		if (streq(name, kept[i].option))
			return &kept[i];
	return NULL;
}

/* "iothread-vq-mapping.0.iothread" and ".vqs": by their parts. */
static bool is_kept_key(const struct kept *k, const char *key)
{
	if (str_after(key, "iothread-vq-mapping."))
		return streq(k->option, "device") &&
			(str_has_suffix(key, ".iothread") || str_has_suffix(key, ".vqs"));
	return has_word(k->keys, key, strlen(key));
}

/* What names, sizes, numbers, addresses and paths are made of. */
static bool is_tame(const char *value)
{
	return !value[strspn(value,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"._:/+-")];
}

/* A value of a kept key; -name's may be anything, for people. A path that QEMU reads options from
 * is kept where it is called as one. */
static bool is_kept_value(const struct kept *k, const char *key, const char *value)
{
	if (streq(key, "guest"))
		return true;
	if (streq(k->option, "readconfig"))
		return is_tame(value) &&
			(str_has_suffix(value, ".conf") || str_has_suffix(value, ".cfg"));
	if (streq(k->option, "pidfile"))
		return is_tame(value) && str_has_suffix(value, ".pid");
	return is_tame(value);
}

/* Only an object that is an I/O thread or memory is kept: others may be secrets as a whole. */
static bool is_plain_object(const char *type)
{
	return type && (streq(type, "iothread") || str_after(type, "memory-backend-"));
}

/* ---- JSON ---- */

static json_t *kept_json(const struct kept *k, const char *path, const json_t *v);

static json_t *kept_object(const struct kept *k, const char *path, const json_t *o)
{
	json_t *copy = json_object();
	const char *key;
	json_t *v;
	json_object_foreach ((json_t *)(uintptr_t)o, key, v) {
		AUTO_FREE char *below = xasprintf("%s%s%s", path, *path ? "." : "", key);
		if (json_is_object(v) || json_is_array(v) || is_kept_key(k, below))
			json_object_set_new(copy, key, kept_json(k, below, v));
	}
	return copy;
}

static json_t *kept_json(const struct kept *k, const char *path, const json_t *v)
{
	if (json_is_object(v))
		return kept_object(k, path, v);
	if (json_is_array(v)) {
		json_t *copy = json_array(), *item;
		size_t i;
		json_array_foreach (v, i, item) {
			AUTO_FREE char *below =
				json_is_object(item) ? xasprintf("%s.%zu", path, i) : xstrdup(path);
			json_array_append_new(copy, kept_json(k, below, item));
		}
		return copy;
	}
	bool is_kept = is_kept_key(k, path) &&
		(!json_is_string(v) || is_kept_value(k, path, json_string_value(v)));
	return is_kept ? json_deep_copy(v) : json_null();
}

static bool add_json(struct strbuf *b, const struct kept *k, const char *value)
{
	json_auto_t *o = json_loads(value, 0, NULL);
	const char *type = o ? json_string_value(json_object_get(o, "qom-type")) : NULL;
	if (!o || (streq(k->option, "object") && !is_plain_object(type)))
		return false;
	json_auto_t *copy = kept_json(k, "", o);
	AUTO_FREE char *text = json_dumps(copy, JSON_COMPACT);
	strbuf_puts(b, text);
	return true;
}

/* ---- keys and values ---- */

static void add_escaped(struct strbuf *b, const char *value)
{
	for (; *value; value++) {
		if (*value == ',')
			strbuf_puts(b, ",");
		strbuf_add(b, value, 1);
	}
}

/* "host-nodes=0,2" reads as two keys: the second is a number, and so kept. */
static bool is_number(const char *s)
{
	return *s && !s[strspn(s, "0123456789-")];
}

/* One key of a value, as it was written; false where nothing of it is kept. */
static bool add_key(
	struct strbuf *b, const struct kept *k, const char *key, const char *value, bool is_implied)
{
	bool is_switch = streq(key, value) || streq(value, "on") || streq(value, "off");
	bool is_cpu_flag = streq(k->option, "cpu") && is_switch;
	if (is_number(key) && is_switch) {
		strbuf_puts(b, key);
		return true;
	}
	if (is_cpu_flag && is_tame(key)) {
		strbuf_printf(b, "%s%s%s", key, strchr("+-", *key) ? "" : "=",
			strchr("+-", *key) ? "" : value);
		return true;
	}
	if (!is_kept_key(k, key) || !is_kept_value(k, key, value))
		return false;
	if (!is_implied)
		strbuf_printf(b, "%s=", key);
	add_escaped(b, value);
	return true;
}

static void add_keyvals(struct strbuf *b, const struct kept *k, const char *value)
{
	static const struct kept other_chardev = { "chardev", "backend", "backend id" };
	AUTO_FREE char *copy = xstrdup(value);
	struct keyvals walk = { .text = copy, .implied = k->implied };
	bool is_first = true, has_left = false;
	/* Where a socket is, is asked for; what other files are is nobody's business. */
	if (streq(k->option, "chardev") && k->implied && streq(k->implied, "backend") &&
		!str_after(value, "socket,") && !strstr(value, "backend=socket"))
		k = &other_chardev;
	while (keyvals_next(&walk)) {
		bool is_implied = is_first && k->implied && !str_after(value, walk.key);
		AUTO_STRBUF struct strbuf one = { 0 };
		strbuf_puts(&one, "");
		if (is_first && streq(k->option, "object") && !is_plain_object(walk.value)) {
			strbuf_puts(b, "*");
			return;
		}
		is_implied |= is_first && k->implied && streq(walk.key, k->implied) &&
			strncmp(value, walk.key, strlen(walk.key)) != 0;
		bool is_kept = add_key(&one, k, walk.key, walk.value, is_implied);
		if (is_kept)
			strbuf_printf(b, "%s%s", is_first ? "" : ",", one.s);
		else if (!has_left)
			strbuf_puts(b, is_first ? "*" : ",*");
		has_left |= !is_kept;
		is_first = false;
	}
}

/* -qmp unix:/run/a.qmp,server=on,wait=off or chardev:ID */
static void add_qmp(struct strbuf *b, const char *value)
{
	static const struct kept socket = { "chardev", "path", "path server wait abstract" };
	const char *path = str_after(value, "unix:"), *id = str_after(value, "chardev:");
	if (id && is_tame(id)) {
		strbuf_puts(b, value);
	} else if (path) {
		strbuf_puts(b, "unix:");
		add_keyvals(b, &socket, path);
	} else {
		strbuf_puts(b, str_after(value, "tcp:") ? "tcp:*" : "*");
	}
}

/* An NVMe disk of QEMU's own driver is a device of the host's: its address is kept. */
static void add_nvme(struct strbuf *b, const char *option, const char *value)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	struct props p;
	props_parse(&a, value, streq(option, "drive") ? "file" : "driver", &p);
	const char *file = props_get(&p, "file"), *at = file ? str_after(file, "nvme://") : NULL;
	const char *driver = props_get(&p, "driver"), *below = props_get(&p, "file.driver");
	const char *device = driver && streq(driver, "nvme") ? props_get(&p, "device")
		: below && streq(below, "nvme")              ? props_get(&p, "file.device")
							     : NULL;
	const char *id = props_get(&p, "node-name");
	if (streq(option, "drive") && at && is_tame(at))
		strbuf_printf(b, "file=nvme://%.*s/1", (int)strcspn(at, "/"), at);
	else if (streq(option, "blockdev") && device && is_tame(device))
		strbuf_printf(b, "driver=nvme,device=%s%s%s", device,
			id && is_tame(id) ? ",node-name=" : "", id && is_tame(id) ? id : "");
	else
		strbuf_puts(b, "*");
}

static void add_value(struct strbuf *b, const char *option, const char *value)
{
	const struct kept *k = find_kept(option);
	if (streq(option, "qmp") || streq(option, "qmp-pretty"))
		add_qmp(b, value);
	else if (streq(option, "drive") || streq(option, "blockdev"))
		add_nvme(b, option, value);
	else if (!k || (*value == '{' && !add_json(b, k, value)))
		strbuf_puts(b, "*");
	else if (*value != '{')
		add_keyvals(b, k, value);
}

/* ---- the command line ---- */

/* The option's name where it is one of QEMU's, else NULL; *ret_has_value: a value follows. */
static const char *known_option(const char *arg, bool *ret_has_value)
{
	const char *name = qemu_args_option(arg);
	size_t n = name ? strlen(name) : 0;
	*ret_has_value = false;
	if (!n || strchr(name, ' '))
		return NULL;
	if (has_word(switches, name, n))
		return name;
	*ret_has_value = find_kept(name) || has_word(others, name, n);
	return *ret_has_value ? name : NULL;
}

void redact_options(struct strbuf *b, const char *text, size_t n)
{
	const char *p = text, *end = text + n, *arg;
	while ((arg = qemu_args_next(&p, end))) {
		bool has_value;
		const char *name = known_option(arg, &has_value);
		const char *value = has_value ? qemu_args_next(&p, end) : NULL;
		strbuf_puts(b, name ? arg : *arg == '-' ? "-*" : "*");
		strbuf_add(b, "", 1);
		if (!value)
			continue;
		add_value(b, name, value);
		strbuf_add(b, "", 1);
	}
}

/* Sections of a file are options: what is kept of those is kept of these. */
char *redact_config(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *copy = xstrndup(text, *n);
	const struct kept *k = NULL;
	strbuf_puts(&b, "");
	for (char *next = copy, *line; (line = str_next_line(&next));) {
		line = str_trim(line);
		char option[32], key[64], value[1024], rest;
		if (sscanf(line, "[%31[a-z-]%c", option, &rest) == 2) {
			bool is_smp = streq(option, "smp-opts"), is_m = streq(option, "memory");
			k = find_kept(is_smp ? "smp" : is_m ? "m" : option);
			char *quote = strchr(line, '"'),
			     *close = quote ? strchr(quote + 1, '"') : NULL;
			if (close)
				*close = 0;
			bool is_id = close && is_tame(quote + 1);
			strbuf_printf(&b, "[%s%s%s%s]\n", option, close ? " \"" : "",
				close ? is_id ? quote + 1 : "*" : "", close ? "\"" : "");
		} else if (sscanf(line, "%63[a-zA-Z0-9._-] = \"%1023[^\"]\"", key, value) == 2) {
			bool is_kept = k && is_kept_key(k, key) && is_kept_value(k, key, value);
			strbuf_printf(&b, "%s = \"%s\"\n", k ? key : "x", is_kept ? value : "*");
		}
	}
	*n = b.n;
	return TAKE(b.s);
}
