/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/redact.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/mask.h"
#include "kernel/boot-params.h"

/* QEMU's options whose values are kept. */
static const char *const kept_options[] = { "name", "uuid", "id", "smp", "m", "machine", "M",
	"accel", "cpu", "chardev", "mon", "qmp", "qmp-pretty", "object", "readconfig", "pidfile",
	"numa", "device", "netdev", "overcommit", "mem-path" };

/* Those whose value may begin with a dash: "-append --token=x". */
static const char *const text_options[] = { "append", "fw_cfg", "vnc", "spice", "smbios",
	"acpitable", "drive", "blockdev", "set", "global" };

static const char *const secret_keys[] = { "password", "passwd", "data", "key", "secret", "iv",
	"user", "username" };

static bool is_one_of(const char *word, size_t n, const char *const *list, size_t n_list)
{
	for (size_t i = 0; i < n_list; i++)
		if (strlen(list[i]) == n && !strncmp(list[i], word, n))
			return true;
	return false;
}

/* The end of the JSON string that begins at s, behind its quote. */
static const char *string_end(const char *s)
{
	for (s++; *s && *s != '"'; s++)
		s += *s == '\\' && s[1];
	return s + (*s == '"');
}

/* {"driver":"x","password":"y"} → {"driver":"x","password":"*"}; on one line, as libvirt has it */
static void add_json(struct strbuf *b, const char *s)
{
	while (*s) {
		const char *end = *s == '"' ? string_end(s) : s + strcspn(s, "\"");
		bool is_secret = *s == '"' && str_after(end, ":\"") &&
			is_one_of(
				s + 1, (size_t)(end - s) - 2, secret_keys, N_ELEMENTS(secret_keys));
		strbuf_add(b, s, (size_t)(end - s));
		s = end;
		if (is_secret) {
			strbuf_puts(b, ":\"*\"");
			s = string_end(s + 1);
		}
	}
}

/* An object that is an I/O thread or memory: others may be secrets as a whole. */
static bool is_plain_object(const char *value)
{
	const char *type = str_after(value, "{\"qom-type\":\"");
	type = type ? type : value;
	return str_after(type, "iothread") || str_after(type, "memory-backend-");
}

/* "unix:/run/qmp,password=x" → "unix:/run/qmp,password=*". An object that is no I/O thread and no
 * memory is cut behind its type. */
static void add_value(struct strbuf *b, const char *option, const char *value)
{
	if (streq(option, "object") && !is_plain_object(value)) {
		strbuf_add(b, value, strcspn(value, ",{"));
		strbuf_puts(b, *value == '{' ? "*" : "");
		return;
	}
	if (*value == '{') {
		add_json(b, value);
		return;
	}
	while (*value) {
		size_t n = strcspn(value, ","), n_key = strcspn(value, "=,");
		bool is_secret =
			n_key < n && is_one_of(value, n_key, secret_keys, N_ELEMENTS(secret_keys));
		strbuf_add(b, value, is_secret ? n_key + 1 : n);
		strbuf_puts(b, is_secret ? "*" : "");
		value += n;
		if (*value == ',')
			strbuf_puts(b, ",");
		value += *value == ',';
	}
}

static bool is_qemu(const char *argv0)
{
	const char *slash = strrchr(argv0, '/'), *name = slash ? slash + 1 : argv0;
	return strstr(name, "qemu") || strstr(name, "kvm");
}

/* A program may have written what it likes over its arguments ("sshd: user"): of others than QEMU
 * the first word is kept. */
static char *redact_cmdline(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	const char *end = text + *n, *option = "";
	strbuf_add(&b, text, is_qemu(text) ? strlen(text) : strcspn(text, " "));
	strbuf_add(&b, "", 1);
	for (const char *p = text + strlen(text) + 1; is_qemu(text) && p < end;
		p += strlen(p) + 1) {
		if (*p == '-' &&
			!is_one_of(
				option, strlen(option), text_options, N_ELEMENTS(text_options))) {
			option = p + 1 + (p[1] == '-');
			strbuf_puts(&b, p);
		} else if (is_one_of(option, strlen(option), kept_options,
				   N_ELEMENTS(kept_options))) {
			add_value(&b, option, p);
			option = "";
		} else {
			strbuf_puts(&b, "*");
			option = "";
		}
		strbuf_add(&b, "", 1);
	}
	*n = b.n;
	return TAKE(b.s);
}

/* "args: -vnc :1,password=x -smp 4" is a part of a command line. */
static void add_args(struct strbuf *b, const char *args)
{
	AUTO_FREE char *line = xasprintf("kvm %s", args);
	size_t n = strlen(line) + 1;
	for (size_t i = 0; i < n; i++)
		if (line[i] == ' ')
			line[i] = 0;
	AUTO_FREE char *kept = redact_cmdline(line, &n);
	for (size_t i = 0; i + 1 < n; i++)
		if (!kept[i])
			kept[i] = ' ';
	strbuf_printf(b, "args: %s\n", kept + strlen("kvm "));
}

/* "cipassword: $5$…" → "cipassword: *"; comments are descriptions. */
static char *redact_pve(const char *text, size_t *n)
{
	static const char *const keys[] = { "cipassword", "ciuser", "sshkeys", "description" };
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *copy = xstrndup(text, *n);
	char *next = copy;
	strbuf_puts(&b, "");
	for (char *line; (line = str_next_line(&next));) {
		size_t n_key = strcspn(line, ":");
		if (*line == '#')
			strbuf_puts(&b, "#*\n");
		else if (str_after(line, "args: "))
			add_args(&b, line + strlen("args: "));
		else if (line[n_key] && is_one_of(line, n_key, keys, N_ELEMENTS(keys)))
			strbuf_printf(&b, "%.*s: *\n", (int)n_key, line);
		else
			strbuf_printf(&b, "%s\n", line);
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
	if (!streq(kind, "file") || !*n)
		return NULL;
	if (is_cmdline(key))
		return redact_cmdline(text, n);
	if (streq(key, "proc/cmdline"))
		return boot_params_redact(text, n);
	if (str_after(key, "etc/pve/") && strstr(key, "/qemu-server/"))
		return redact_pve(text, n);
	return NULL;
}

/* "guest=db01,debug-threads=on" or "db01,process=x" */
static void learn_name(struct mask *m, const char *value)
{
	const char *guest = str_after(value, "guest=");
	AUTO_FREE char *name = xstrndup(guest ? guest : value, strcspn(guest ? guest : value, ","));
	mask_hide(m, name, "vm", 0);
}

void redact_learn(struct mask *m, const char *kind, const char *key, const char *text, size_t n)
{
	if (!streq(kind, "file") || !is_cmdline(key) || !n || !is_qemu(text))
		return;
	const char *end = text + n, *option = "";
	for (const char *p = text; p < end; p += strlen(p) + 1) {
		if (streq(option, "-name"))
			learn_name(m, p);
		if (streq(option, "-uuid"))
			mask_hide(m, p, "00000000-0000-4000-8000-", 12);
		option = *p == '-' ? p : "";
	}
}

const struct host_secrets redact_secrets = { redact_answer, redact_learn };
