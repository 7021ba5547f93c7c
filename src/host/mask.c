/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/mask.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

struct hidden {
	char *name, *alias;
};

/* How many names an alias stands for. */
struct tally {
	char *alias;
	int n;
};

struct mask {
	ARRAY(struct hidden) names;
	ARRAY(struct tally) tallies;
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
	array_for_each (t, &m->tallies)
		free(t->alias);
	free(m->tallies.v);
	free(m);
}

static bool is_known(const struct mask *m, const char *name)
{
	array_for_each (h, &m->names)
		if (streq(h->name, name))
			return true;
	return false;
}

static int next_number(struct mask *m, const char *alias)
{
	array_for_each (t, &m->tallies)
		if (streq(t->alias, alias))
			return ++t->n;
	*array_push(&m->tallies) = (struct tally){ xstrdup(alias), 1 };
	return 1;
}

/* As systemd escapes names in units: "custE db" → "custE\\x20db"; see systemd-escape(1). */
static char *escaped(const char *name)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (const char *p = name; *p; p++) {
		if (*p == '/')
			strbuf_puts(&b, "-");
		else if (isalnum((unsigned char)*p) || strchr(":_", *p) || (*p == '.' && p > name))
			strbuf_add(&b, p, 1);
		else
			strbuf_printf(&b, "\\x%02x", (unsigned char)*p);
	}
	return TAKE(b.s);
}

void mask_hide(struct mask *m, const char *name, const char *alias, int n_digits)
{
	if (strlen(name) < 2 || is_known(m, name))
		return;
	AUTO_FREE char *own = n_digits < 0
		? xstrdup(alias)
		: xasprintf("%s%0*d", alias, n_digits, next_number(m, alias));
	*array_push(&m->names) = (struct hidden){ xstrdup(name), xstrdup(own) };
	AUTO_FREE char *unit = escaped(name);
	if (!streq(unit, name))
		*array_push(&m->names) = (struct hidden){ TAKE(unit), xstrdup(own) };
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
	bool is_escape = p - text >= 4 && p[-4] == '\\' && p[-3] == 'x' &&
		isxdigit((unsigned char)p[-2]) && isxdigit((unsigned char)p[-1]);
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
