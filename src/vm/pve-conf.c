/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar. What the keys mean is in pve-facts.c. */
#include "vm/pve-conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum section { NOW, PENDING, OTHER };

/* "[PENDING]", "[special:cloudinit]", "[before_update]" */
static enum section section_of(const char *line)
{
	return strcasecmp(line, "[pending]") == 0 ? PENDING : OTHER;
}

static int hex_of(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "a%3A b" → "a: b"; a lone "%" stays. */
static void add_decoded(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		char c = *s;
		if (c == '%' && hex_of(s[1]) >= 0 && hex_of(s[2]) >= 0) {
			c = (char)(hex_of(s[1]) * 16 + hex_of(s[2]));
			s += 2;
		}
		if (c)
			strbuf_add(b, &c, 1);
	}
}

/* The length of a key at the start of the line: letters, '_' and '-', then digits, then ':';
 * 0: there is none. */
static size_t key_length(const char *line)
{
	size_t n = 0;
	if (!islower((unsigned char)*line))
		return 0;
	while (islower((unsigned char)line[n]) || line[n] == '_' || line[n] == '-')
		n++;
	while (isdigit((unsigned char)line[n]))
		n++;
	return line[n] == ':' ? n : 0;
}

/* "delete: affinity,!net1": keys that go; those with '!' at any price */
static void add_deletes(struct arena *a, struct pve_conf *conf, const char *list)
{
	static const char blanks[] = ", ;\t";
	for (const char *p = list + strspn(list, blanks); *p; p += strspn(p, blanks)) {
		size_t n = strcspn(p, blanks);
		const char *key = *p == '!' ? p + 1 : p;
		list_push(a, &conf->pending)->key = arena_strndup(a, key, (size_t)(p + n - key));
		p += n;
	}
}

static void add_key(struct arena *a, struct pve_conf *conf, enum section section, char *line)
{
	size_t n = key_length(line);
	const char *value = n ? str_trim(line + n + 1) : "";
	if (!*value) {
		conf->n_odd_lines++;
		return;
	}
	const char *key = arena_strndup(a, line, n);
	value = arena_strdup(a, value);
	if (section == NOW)
		*list_push(a, &conf->keys) = (struct pve_value){ key, value };
	else if (streq(key, "delete"))
		add_deletes(a, conf, value);
	else
		*list_push(a, &conf->pending) = (struct vm_pending){ key, value };
}

void pve_conf_parse(struct arena *a, const char *text, struct pve_conf *ret)
{
	*ret = (struct pve_conf){ 0 };
	AUTO_FREE char *copy = xstrdup(text);
	AUTO_STRBUF struct strbuf description = { 0 };
	enum section section = NOW;
	for (char *next = copy, *line; (line = str_next_line(&next));) {
		size_t n = strlen(line);
		while (n && isspace((unsigned char)line[n - 1]))
			line[--n] = 0;
		if (*line == '[' && line[n - 1] == ']') {
			section = section_of(line);
			if (section == PENDING) /* of two, the later one counts */
				ret->pending.n = 0;
		} else if (*line == '#' && section == NOW) {
			add_decoded(&description, line + 1);
			strbuf_puts(&description, "\n");
		} else if (n && *line != '#' && section != OTHER) {
			add_key(a, ret, section, line);
		}
	}
	const char *old = pve_conf_get(ret, "description"); /* as it was written before 2.0 */
	if (!description.n && old)
		add_decoded(&description, old);
	if (description.n)
		ret->description = arena_strdup(a, str_trim(description.s));
}

const char *pve_conf_get(const struct pve_conf *conf, const char *key)
{
	for (size_t i = conf->keys.n; i-- > 0;)
		if (streq(conf->keys.v[i].key, key))
			return conf->keys.v[i].value;
	return NULL;
}

/* The value of "KEY=" in a line of words or commas, in the arena; NULL without it. */
static const char *value_in(struct arena *a, const char *line, const char *key)
{
	size_t n = strlen(key);
	for (const char *p = line; (p = strstr(p, key)); p += n)
		if ((p == line || strchr(", \t", p[-1])) && p[n] == '=')
			return arena_strndup(a, p + n + 1, strcspn(p + n + 1, ", \t"));
	return NULL;
}

const char *pve_mapping_path(struct arena *a, const char *text, const char *name, const char *node)
{
	AUTO_FREE char *copy = xstrdup(text);
	AUTO_STRBUF struct strbuf all = { 0 };
	bool is_ours = false;
	for (char *next = copy, *line; (line = str_next_line(&next));) {
		bool is_head = !isspace((unsigned char)*line);
		char *trimmed = str_trim(line);
		if (is_head && *trimmed && *trimmed != '#')
			is_ours = streq(trimmed, name);
		const char *map = is_ours && !is_head ? str_after(trimmed, "map ") : NULL;
		const char *at = map ? value_in(a, map, "node") : NULL;
		const char *path = map ? value_in(a, map, "path") : NULL;
		if (at && path && streq(at, node))
			strbuf_printf(&all, "%s%s", all.n ? ";" : "", path);
	}
	return arena_strdup(a, all.s); /* NULL when none is */
}
