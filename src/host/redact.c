/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/redact.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

/* ---- secrets ---- */

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

bool redact_is_secret_param(const char *name, size_t n)
{
	static const char *const words[] = { "password", "passwd", "secret", "token",
		"credential" };
	for (size_t i = 0; i < N_ELEMENTS(words); i++)
		if (memmem(name, n, words[i], strlen(words[i])))
			return true;
	return false;
}

/* "quiet rd.iscsi.password=x" → "quiet rd.iscsi.password=*": blanks in double quotes are part of a
 * value. */
static char *redact_kernel_cmdline(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t i = 0; i < *n;) {
		bool is_quoted = false, is_secret = false;
		size_t start = i, value = 0;
		for (; i < *n && (is_quoted || !isspace((unsigned char)text[i])); i++) {
			is_quoted ^= text[i] == '"';
			if (text[i] == '=' && !value) {
				value = i + 1;
				is_secret = redact_is_secret_param(text + start, i - start);
			}
		}
		strbuf_add(&b, text + start, (is_secret ? value : i) - start);
		strbuf_puts(&b, is_secret ? "*" : "");
		for (; i < *n && isspace((unsigned char)text[i]); i++)
			strbuf_add(&b, text + i, 1);
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

char *redact_file(const char *path, const char *text, size_t *n)
{
	if (is_cmdline(path))
		return redact_cmdline(text, n);
	if (streq(path, "proc/cmdline"))
		return redact_kernel_cmdline(text, n);
	if (str_after(path, "etc/pve/") && strstr(path, "/qemu-server/"))
		return redact_pve(text, n);
	return NULL;
}

/* ---- names ---- */

struct hidden {
	char *name, *alias;
};

struct mask {
	ARRAY(struct hidden) names;
	int n_vms;
};

struct mask *mask_new(void)
{
	return xcalloc(1, sizeof(struct mask));
}

void mask_free(struct mask *m)
{
	if (!m)
		return;
	array_for_each (h, &m->names) {
		free(h->name);
		free(h->alias);
	}
	free(m->names.v);
	free(m);
}

static bool is_known(const struct mask *m, const char *name)
{
	array_for_each (h, &m->names)
		if (streq(h->name, name))
			return true;
	return false;
}

/* systemd writes "-" in the names of scopes as "\x2d". */
static char *escaped(const char *name)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (; *name; name++) {
		if (*name == '-')
			strbuf_puts(&b, "\\x2d");
		else
			strbuf_add(&b, name, 1);
	}
	return TAKE(b.s);
}

/* Takes the alias. Names of one character are left: they would be found everywhere. */
static void hide(struct mask *m, const char *name, char *alias)
{
	AUTO_FREE char *own = alias;
	if (strlen(name) < 2 || is_known(m, name))
		return;
	*array_push(&m->names) = (struct hidden){ xstrdup(name), xstrdup(own) };
	AUTO_FREE char *unit = escaped(name);
	if (!streq(unit, name))
		*array_push(&m->names) = (struct hidden){ TAKE(unit), xstrdup(own) };
}

/* "guest=db01,debug-threads=on" or "db01,process=x" */
static void learn_name(struct mask *m, const char *value)
{
	const char *guest = str_after(value, "guest=");
	AUTO_FREE char *name = xstrndup(guest ? guest : value, strcspn(guest ? guest : value, ","));
	if (!is_known(m, name))
		hide(m, name, xasprintf("vm%d", ++m->n_vms));
}

void mask_learn(struct mask *m, const char *path, const char *text, size_t n)
{
	if (streq(path, "proc/sys/kernel/hostname")) {
		AUTO_FREE char *copy = xstrndup(text, n);
		hide(m, str_trim(copy), xstrdup("host"));
	}
	if (!is_cmdline(path) || !n || !is_qemu(text))
		return;
	const char *end = text + n, *option = "";
	for (const char *p = text; p < end; p += strlen(p) + 1) {
		if (streq(option, "-name"))
			learn_name(m, p);
		if (streq(option, "-uuid"))
			hide(m, p, xasprintf("00000000-0000-4000-8000-%012d", m->n_vms));
		option = *p == '-' ? p : "";
	}
}

/* Whether the name ends in a word here: behind it no letter or digit. */
static bool is_inside_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The longest name that stands at p. */
static const struct hidden *hidden_at(
	const struct mask *m, const char *text, const char *p, const char *end)
{
	const struct hidden *best = NULL;
	bool is_escape = p - text >= 4 && !strncmp(p - 4, "\\x2d", 4);
	if (p > text && is_inside_word(p[-1]) && !is_escape)
		return NULL;
	array_for_each (h, &m->names) {
		size_t n = strlen(h->name);
		if ((size_t)(end - p) < n || strncmp(p, h->name, n) != 0 ||
			(p + n < end && is_inside_word(p[n])))
			continue;
		if (!best || n > strlen(best->name))
			best = h;
	}
	return best;
}

char *mask_apply(const struct mask *m, const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (const char *p = text, *end = text + *n; p < end;) {
		const struct hidden *h = hidden_at(m, text, p, end);
		if (h)
			strbuf_puts(&b, h->alias);
		else
			strbuf_add(&b, p, 1);
		p += h ? strlen(h->name) : 1;
	}
	*n = b.n;
	return TAKE(b.s);
}
