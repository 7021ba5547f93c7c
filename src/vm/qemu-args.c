/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/qemu-args.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "base/str.h"
#include "vm/ids.h"
#include "vm/props.h"

struct chardev {
	const char *id;
	struct qmp_socket socket;
};

struct reader {
	struct arena *a;
	struct qemu_args *args;
	const char *machine;
	int smp[N_SMP_KEYS];
	ARRAY(struct chardev) chardevs;
	struct strings control; /* ids of the chardevs that carry QMP */
};

static void note(struct reader *r, const char *option, const char *value)
{
	enum { NOTES_MAX = 16 };
	if (r->args->notes.n >= NOTES_MAX)
		return;
	*array_push(&r->args->notes) =
		arena_printf(r->a, "option %s %.80s is not understood", option, value);
}

static void read_name(struct reader *r, char *value)
{
	struct keyvals k = { .text = value, .implied = "guest" };
	while (keyvals_next(&k))
		if (streq(k.key, "guest") && *k.value)
			r->args->name = k.value;
}

static void read_uuid(struct reader *r, char *value)
{
	r->args->uuid = value;
}

static void read_id(struct reader *r, char *value)
{
	r->args->id = value;
}

static void read_pidfile(struct reader *r, char *value)
{
	r->args->pidfile = value;
}

static void read_smp_key(struct reader *r, const char *key, const char *value)
{
	for (size_t i = 0; i < N_SMP_KEYS; i++) {
		if (!streq(key, qemu_smp_keys[i]))
			continue;
		char *end;
		long n = strtol(value, &end, 0); /* as QEMU: 0x4 is a number */
		if (!isdigit((unsigned char)*value) || *end || n < 0 || n > SMP_MAX)
			break;
		r->smp[i] = (int)n;
		r->args->has_smp = true;
		return;
	}
	note(r, "-smp", arena_printf(r->a, "%s=%s", key, value));
}

static void read_smp(struct reader *r, char *value)
{
	struct keyvals k = { .text = value, .implied = "cpus" };
	while (keyvals_next(&k))
		read_smp_key(r, k.key, k.value);
}

/* The first of "kvm:tcg" is what QEMU tries first; the threads' names tell what became of it. */
static void set_accel(struct reader *r, const char *list)
{
	r->args->accel = arena_strndup(r->a, list, strcspn(list, ":"));
}

static void read_accel(struct reader *r, char *value)
{
	struct keyvals k = { .text = value, .implied = "accel" };
	/* Several -accel are tried in turn. */
	while (!r->args->accel && keyvals_next(&k))
		if (streq(k.key, "accel"))
			set_accel(r, k.value);
}

static void read_enable_kvm(struct reader *r, char *value)
{
	(void)value;
	r->args->accel = "kvm";
}

static void read_machine(struct reader *r, char *value)
{
	struct keyvals k = { .text = value, .implied = "type" };
	while (keyvals_next(&k)) {
		const char *smp = str_after(k.key, "smp.");
		if (smp)
			read_smp_key(r, smp, k.value);
		else if (streq(k.key, "accel"))
			set_accel(r, k.value);
		else if (streq(k.key, "type"))
			r->machine = k.value;
	}
}

/* What a socket chardev needs to be asked: "path=/run/a.qmp,server=on,wait=off". */
static struct qmp_socket read_socket(struct keyvals *k)
{
	struct qmp_socket s = { .why_not = "it has no path" };
	bool is_server = false, is_abstract = false;
	while (keyvals_next(k)) {
		if (streq(k->key, "path"))
			s.path = k->value;
		else if (streq(k->key, "server"))
			is_server = prop_is_on(k->value);
		else if (streq(k->key, "abstract"))
			is_abstract = prop_is_on(k->value);
		else if (streq(k->key, "fd"))
			s.why_not = "its manager opened the socket and passed it on (fd=)";
		else if (streq(k->key, "host") || streq(k->key, "port"))
			s.why_not = "TCP sockets are not asked";
	}
	if (s.path && is_abstract)
		s = (struct qmp_socket){ .why_not = "abstract sockets are not asked" };
	else if (s.path && !is_server)
		s = (struct qmp_socket){ .why_not = "QEMU dials out on it" };
	if (s.path)
		s.why_not = NULL;
	return s;
}

/* {"id":"m","backend":{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"/x"}}}}} */
static void read_json_chardev(struct reader *r, const char *text)
{
	const char *id = NULL, *type = NULL, *path = NULL;
	int is_server = 1, is_abstract = 0;
	json_auto_t *o = json_loads(text, 0, NULL);
	if (!o || json_unpack(o, "{s:s, s:{s:s}}", "id", &id, "backend", "type", &type) < 0) {
		note(r, "-chardev", text);
		return;
	}
	struct chardev *c = array_push(&r->chardevs);
	c->id = arena_strdup(r->a, id);
	c->socket.why_not = "it is no unix socket that listens";
	/* Leaves path alone for other backends. */
	(void)json_unpack(o, "{s:{s:{s?b, s:{s:{s:s, s?b}}}}}", "backend", "data", "server",
		&is_server, "addr", "data", "path", &path, "abstract", &is_abstract);
	if (!streq(type, "socket") || !path)
		return;
	if (is_abstract)
		c->socket.why_not = "abstract sockets are not asked";
	else if (!is_server)
		c->socket.why_not = "QEMU dials out on it";
	else
		c->socket = (struct qmp_socket){ .path = arena_strdup(r->a, path) };
}

static void read_chardev(struct reader *r, char *value)
{
	if (*value == '{') {
		read_json_chardev(r, value);
		return;
	}
	const char *id = NULL;
	struct keyvals k = { .text = arena_strdup(r->a, value), .implied = "backend" };
	bool is_socket = false;
	while (keyvals_next(&k)) {
		if (streq(k.key, "id"))
			id = k.value;
		else if (streq(k.key, "backend"))
			is_socket = streq(k.value, "socket");
	}
	if (!id) {
		note(r, "-chardev", value);
		return;
	}
	struct chardev *c = array_push(&r->chardevs);
	c->id = id;
	c->socket.why_not = "its chardev is not a socket";
	if (is_socket) {
		k = (struct keyvals){ .text = value };
		c->socket = read_socket(&k);
	}
}

/* -mon chardev=qmp,mode=control; without the mode it is for people. */
static void read_mon(struct reader *r, char *value)
{
	const char *chardev = NULL;
	bool is_control = false;
	struct keyvals k = { .text = value, .implied = "chardev" };
	while (keyvals_next(&k)) {
		if (streq(k.key, "chardev"))
			chardev = k.value;
		else if (streq(k.key, "mode"))
			is_control = streq(k.value, "control");
	}
	if (chardev && is_control)
		*array_push(&r->control) = chardev;
}

/* -qmp unix:/run/a.qmp,server=on,wait=off; or tcp:…, stdio, chardev:ID, none */
static void read_qmp(struct reader *r, char *value)
{
	const char *chardev = str_after(value, "chardev:"), *path = str_after(value, "unix:");
	if (chardev) {
		*array_push(&r->control) = chardev;
		return;
	}
	if (streq(value, "none"))
		return;
	struct qmp_socket *s = array_push(&r->args->monitors);
	if (path) {
		struct keyvals k = { .text = value + (path - value), .implied = "path" };
		*s = read_socket(&k);
	} else if (str_after(value, "tcp:")) {
		s->why_not = "TCP sockets are not asked";
	} else {
		s->why_not = arena_printf(r->a, "'%s' is not a unix socket", value);
	}
}

/* -object iothread,id=io0 or -object {"qom-type":"iothread","id":"io0"} */
static void read_object(struct reader *r, char *value)
{
	const char *type = NULL, *id = NULL;
	json_auto_t *o = NULL;
	if (*value == '{') {
		o = json_loads(value, 0, NULL);
		if (!o || json_unpack(o, "{s:s, s:s}", "qom-type", &type, "id", &id) < 0)
			note(r, "-object", value);
	} else {
		struct keyvals k = { .text = value, .implied = "qom-type" };
		while (keyvals_next(&k)) {
			if (streq(k.key, "qom-type"))
				type = k.value;
			else if (streq(k.key, "id"))
				id = k.value;
		}
	}
	if (type && id && streq(type, "iothread"))
		*array_push(&r->args->iothreads) = arena_strdup(r->a, id);
}

/* -S: do not start CPUs at startup */
static void read_stopped(struct reader *r, char *value)
{
	(void)value;
	r->args->is_stopped = true;
}

static void read_daemonize(struct reader *r, char *value)
{
	(void)value;
	r->args->is_daemonized = true;
}

/* A guest kernel's command line may look like anything. */
static void skip(struct reader *r, char *value)
{
	(void)r;
	(void)value;
}

static const struct option {
	const char *name;
	void (*read)(struct reader *r, char *value);
	bool is_switch; /* takes no value */
} options[] = {
	{ "name", read_name }, { "uuid", read_uuid }, { "id", read_id },
	{ "pidfile", read_pidfile }, { "smp", read_smp }, { "accel", read_accel },
	{ "machine", read_machine }, { "M", read_machine },
	{ "enable-kvm", read_enable_kvm, .is_switch = true }, { "chardev", read_chardev },
	{ "mon", read_mon }, { "qmp", read_qmp }, { "qmp-pretty", read_qmp },
	{ "object", read_object }, { "daemonize", read_daemonize, .is_switch = true },
	{ "S", read_stopped, .is_switch = true }, { "append", skip },
	{ "readconfig", skip }, /* the caller puts its options in its place */
};

/* The option's name: QEMU takes -name and --name. NULL when it is no option. */
const char *qemu_args_option(const char *arg)
{
	const char *name = str_after(arg, "-");
	return name && *name == '-' ? name + 1 : name;
}

static const struct option *find_option(const char *arg)
{
	const char *name = qemu_args_option(arg);
	for (size_t i = 0; name && i < N_ELEMENTS(options); i++)
		if (streq(name, options[i].name))
			return &options[i];
	return NULL;
}

const char *qemu_args_next(const char **p, const char *end)
{
	const char *arg = *p;
	if (arg >= end)
		return NULL;
	*p = arg + strlen(arg) + 1;
	return arg;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_kvm_name(const char *name)
{
	return streq(name, "kvm") || streq(name, "qemu-kvm");
}

/* "qemu-system-x86_64", as distributions and forks have it: "qemu-lite-system-x86_64", wrapped as
 * ".qemu-system-x86_64-wrapped". */
static bool is_system_name(const char *name)
{
	name += *name == '.';
	return str_after(name, "qemu-system-") ||
		(str_after(name, "qemu-") && strstr(name, "-system-"));
}

/* How many of the options that QEMU is rarely started without; *ret_own: of those that no other
 * program has. */
static int count_usual(const char *cmdline, size_t len, int *ret_own)
{
	static const char *const usual[] = { "name", "m", "M", "cpu", "drive", "device", "display",
		"mon", "hda", "cdrom", "chardev", "blockdev" };
	static const char *const own[] = { "smp", "machine", "accel", "enable-kvm", "nographic",
		"nodefaults", "qmp", "netdev", "readconfig" };
	const char *p = cmdline, *end = cmdline + len, *arg = qemu_args_next(&p, end);
	int n = 0;
	*ret_own = 0;
	while ((n < 2 || !*ret_own) && (arg = qemu_args_next(&p, end))) {
		const char *name = qemu_args_option(arg);
		for (size_t i = 0; name && i < N_ELEMENTS(usual); i++)
			n += streq(name, usual[i]);
		for (size_t i = 0; name && i < N_ELEMENTS(own); i++)
			if (streq(name, own[i])) {
				n++;
				++*ret_own;
			}
	}
	return n;
}

bool qemu_args_has_options(const char *cmdline, size_t len)
{
	int n_own;
	return count_usual(cmdline, len, &n_own) >= 2 && n_own;
}

bool qemu_args_is_qemu(const char *cmdline, size_t len, const char *exe)
{
	const char *p = cmdline, *arg = qemu_args_next(&p, cmdline + len);
	if (!arg)
		return false;
	const char *names[] = { base_name(arg), exe ? base_name(exe) : "" };
	if (is_system_name(names[0]) || is_system_name(names[1]))
		return true;
	int n_own;
	return (is_kvm_name(names[0]) || is_kvm_name(names[1])) &&
		count_usual(cmdline, len, &n_own) > 0;
}

/* Finds the sockets behind -mon chardev=ID. */
static void resolve_monitors(struct reader *r)
{
	struct ids ids = { 0 };
	for (size_t i = 0; i < r->chardevs.n; i++)
		ids_add(&ids, r->chardevs.v[i].id, i);
	array_for_each (id, &r->control) {
		struct qmp_socket *s = array_push(&r->args->monitors);
		size_t i = ids_find(&ids, *id);
		s->why_not = "its chardev is not on the command line";
		if (i != IDS_NONE)
			*s = r->chardevs.v[i].socket;
	}
	ids_done(&ids);
}

void qemu_args_parse(struct arena *a, const char *cmdline, size_t len, struct qemu_args *ret)
{
	*ret = (struct qemu_args){ 0 };
	struct reader r = { .a = a, .args = ret };
	const char *p = cmdline, *end = cmdline + len, *arg = qemu_args_next(&p, end);
	bool prefers_kvm = arg && is_kvm_name(base_name(arg));
	while ((arg = qemu_args_next(&p, end))) {
		const struct option *o = find_option(arg);
		if (!o)
			continue;
		const char *value = o->is_switch ? "" : qemu_args_next(&p, end);
		if (value)
			o->read(&r, arena_strdup(a, value));
	}
	resolve_monitors(&r);
	ret->smp = qemu_smp_resolve(r.smp, r.machine);
	ret->has_accel = ret->accel != NULL;
	if (!ret->accel)
		ret->accel = prefers_kvm ? "kvm" : "tcg";
	free(r.chardevs.v);
	free(r.control.v);
}

void qemu_args_set_partial(struct qemu_args *args)
{
	args->is_partial = true;
	if (!args->has_smp)
		args->smp = (struct qemu_smp){ 0 };
	if (!args->has_accel)
		args->accel = NULL;
}

void qemu_args_done(struct qemu_args *args)
{
	free(args->iothreads.v);
	free(args->monitors.v);
	free(args->notes.v);
	*args = (struct qemu_args){ 0 };
}
