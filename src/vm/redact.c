/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/redact.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/mask.h"
#include "kernel/boot-params.h"
#include "vm/helpers.h"
#include "vm/props.h"
#include "vm/pve-conf.h"
#include "vm/qemu-args.h"

/* QEMU by its name, or by options that nothing else has: of those, one that runs a VM is known by
 * the kernel's word, and a recording must say as much. */
static bool is_qemu(const char *text, size_t n)
{
	return qemu_args_is_qemu(text, n, NULL) || qemu_args_has_options(text, n);
}

/* Of programs that serve VMs, see vm/helpers.c: what ties them to one is kept, and nothing else. */
static void add_ties(struct strbuf *b, const char *text, size_t n)
{
	const char *p = text, *end = text + n, *arg;
	qemu_args_next(&p, end);
	while (vm_is_helper_program(text) && (arg = qemu_args_next(&p, end))) {
		AUTO_FREE char *tie = vm_helper_tie(arg);
		strbuf_puts(b, tie ? tie : "*");
		strbuf_add(b, "", 1);
	}
}

/* A program may have written what it likes over its arguments ("sshd: user"): of others than QEMU
 * the first word is kept. */
static char *redact_cmdline(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	size_t n_first = strlen(text) + 1;
	bool is_vm = is_qemu(text, *n);
	strbuf_add(&b, text, is_vm ? n_first - 1 : strcspn(text, " "));
	strbuf_add(&b, "", 1);
	if (is_vm && n_first < *n)
		redact_options(&b, text + n_first, *n - n_first);
	if (!is_vm)
		add_ties(&b, text, *n);
	*n = b.n;
	return TAKE(b.s);
}

/* "args: -vnc :1,password=x -smp 4" is a part of a command line, with quotes as a shell has them.
 */
static void add_args(struct strbuf *b, const char *args)
{
	AUTO_STRBUF struct strbuf line = { 0 }, kept = { 0 };
	for (const char *p = args; pve_args_next(&p, &line);)
		;
	if (line.n)
		redact_options(&kept, line.s, line.n);
	strbuf_puts(b, "args:");
	for (size_t i = 0; i < kept.n; i += strlen(kept.s + i) + 1) {
		bool is_plain = !kept.s[i + strcspn(kept.s + i, " \t'\"\\")];
		strbuf_printf(b, " %s", is_plain ? kept.s + i : "*");
	}
	strbuf_puts(b, "\n");
}

/* Of a key that is kept, "uuid=…,serial=…": the parts that may hold anything. */
static const char *const pve_keys[] = { "name", "sockets", "smp", "cores", "vcpus", "cpu", "memory",
	"balloon", "hugepages", "keephugepages", "numa", "affinity", "cpuunits", "cpulimit", "lock",
	"scsihw", "arch", "template", "hotplug", "machine", "ostype", "bios", "parent", "agent",
	"kvm", "onboot", "protection", "tags" };
static const char *const pve_prefixes[] = { "numa", "ide", "sata", "scsi", "virtio", "net",
	"hostpci" };

static bool is_pve_key(const char *key, size_t n)
{
	for (size_t i = 0; i < N_ELEMENTS(pve_keys); i++)
		if (strlen(pve_keys[i]) == n && !strncmp(key, pve_keys[i], n))
			return !(n == 4 && !strncmp(key, "tags", 4));
	for (size_t i = 0; i < N_ELEMENTS(pve_prefixes); i++) {
		const char *digits = str_after(key, pve_prefixes[i]);
		if (digits && digits < key + n &&
			strspn(digits, "0123456789") == (size_t)(key + n - digits))
			return true;
	}
	return false;
}

/* "cipassword: $5$…" → "cipassword: *"; comments are descriptions. Only keys that are read are
 * kept. */
static char *redact_pve(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *copy = xstrndup(text, *n);
	char *next = copy;
	strbuf_puts(&b, "");
	for (char *line; (line = str_next_line(&next));) {
		const char *start = line + strspn(line, " \t");
		size_t n_key = strcspn(start, ":");
		const char *args = str_after(start, "args:");
		if (*start == '#')
			strbuf_puts(&b, "#*\n");
		else if (args)
			add_args(&b, args);
		else if (!start[n_key] && *start != '[' && *start)
			strbuf_puts(&b, "*\n");
		else if (start[n_key] && !is_pve_key(start, n_key))
			strbuf_printf(&b, "%.*s: *\n", (int)n_key, start);
		else
			strbuf_printf(&b, "%s\n", line);
	}
	*n = b.n;
	return TAKE(b.s);
}

/* A policy without its comments: they are for people. */
static char *redact_policy(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *copy = xstrndup(text, *n);
	strbuf_puts(&b, "");
	for (char *next = copy, *line; (line = str_next_line(&next));) {
		char *start = line + strspn(line, " \t"), *comment = strstr(line, " #");
		if (*start == '#' || *start == ';')
			*start = 0;
		else if (comment && *start != '[')
			*comment = 0;
		strbuf_printf(&b, "%s\n", line);
	}
	*n = b.n;
	return TAKE(b.s);
}

/* Users by name and number. "alice:x:1000:1000:Alice A.:/home/a:/bin/sh" */
static char *redact_users(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *copy = xstrndup(text, *n);
	strbuf_puts(&b, "");
	for (char *next = copy, *line; (line = str_next_line(&next));) {
		const char *name = strsep(&line, ":"), *password = strsep(&line, ":");
		const char *uid = strsep(&line, ":");
		if (password && uid)
			strbuf_printf(&b, "%s:*:%s:*:*:*:*\n", name, uid);
	}
	*n = b.n;
	return TAKE(b.s);
}

/* "proc/1234/cmdline", not "proc/cmdline" */
static bool is_cmdline(const char *path)
{
	const char *pid = str_after(path, "proc/");
	return pid && isdigit((unsigned char)*pid) && str_has_suffix(path, "/cmdline");
}

char *redact_answer(const char *kind, const char *key, const char *text, size_t *n)
{
	if (streq(kind, "libvirt"))
		return redact_xml(text, n);
	if (streq(kind, "qemu-config"))
		return redact_config(text, n);
	if (!streq(kind, "file") || !*n)
		return NULL;
	if (is_cmdline(key))
		return redact_cmdline(text, n);
	if (streq(key, "proc/cmdline"))
		return boot_params_redact(text, n);
	if (strstr(key, "wideberth/") && str_has_suffix(key, ".conf"))
		return redact_policy(text, n);
	if (streq(key, "etc/passwd"))
		return redact_users(text, n);
	if (str_after(key, "etc/pve/") && strstr(key, "/qemu-server/"))
		return redact_pve(text, n);
	return NULL;
}

/* "guest=db01,debug-threads=on" or "db01,process=x" */
static void learn_name(struct mask *m, const char *value)
{
	AUTO_FREE char *copy = xstrdup(value);
	struct keyvals k = { .text = copy, .implied = "guest" };
	while (keyvals_next(&k))
		if (streq(k.key, "guest"))
			mask_hide(m, k.value, "vm", 0);
}

/* "[vm web*]" of a policy: a name without the signs of a glob. */
static void learn_sections(struct mask *m, const char *text, size_t n)
{
	AUTO_FREE char *copy = xstrndup(text, n);
	for (char *next = copy, *line; (line = str_next_line(&next));) {
		line = str_trim(line);
		AUTO_FREE char *own = xstrdup(str_after(line, "[vm ") ? line + 4 : "");
		char *name = own;
		size_t n_name = strlen(name);
		if (n_name && name[n_name - 1] == ']')
			name[n_name - 1] = 0;
		name = str_trim(name);
		if (*name && !name[strcspn(name, "*?")] && name[strspn(name, "0123456789")])
			mask_hide(m, name, "vm", 0);
	}
}

/* "name: web" of a config of Proxmox VE */
static void learn_conf(struct mask *m, const char *text, size_t n)
{
	AUTO_FREE char *copy = xstrndup(text, n);
	for (char *next = copy, *line; (line = str_next_line(&next));)
		if (str_after(line, "name:"))
			mask_hide(m, str_trim(line + 5), "vm", 0);
}

static void learn_options(struct mask *m, const char *text, size_t n)
{
	const char *p = text, *end = text + n, *option = "", *arg;
	while ((arg = qemu_args_next(&p, end))) {
		if (streq(option, "name"))
			learn_name(m, arg);
		if (streq(option, "uuid"))
			mask_hide(m, arg, "00000000-0000-4000-8000-", 12);
		const char *name = qemu_args_option(arg);
		option = name ? name : "";
	}
}

void redact_learn(struct mask *m, const char *kind, const char *key, const char *text, size_t n)
{
	if (streq(kind, "libvirt"))
		redact_learn_xml(m, text);
	if (!streq(kind, "file") || !n)
		return;
	if (is_cmdline(key) && is_qemu(text, n))
		learn_options(m, text, n);
	if (strstr(key, "wideberth/") && str_has_suffix(key, ".conf"))
		learn_sections(m, text, n);
	if (str_after(key, "etc/pve/") && strstr(key, "/qemu-server/"))
		learn_conf(m, text, n);
}

const struct host_secrets redact_secrets = { redact_answer, redact_learn };
