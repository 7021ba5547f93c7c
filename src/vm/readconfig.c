/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/readconfig.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* Groups that are not called as their option. */
static const struct {
	const char *group, *option;
} names[] = {
	{ "smp-opts", "smp" },
	{ "memory", "m" },
	{ "boot-opts", "boot" },
	{ "rtc-opts", "rtc" },
};

static const char *option_of(const char *group)
{
	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		if (streq(group, names[i].group))
			return names[i].option;
	return group;
}

/* A value on a command line has its commas doubled. */
static void add_value(struct strbuf *b, const char *value)
{
	for (; *value; value++) {
		if (*value == ',')
			strbuf_puts(b, ",");
		strbuf_add(b, value, 1);
	}
}

/* Cuts "text" out of its quotes at *p, which moves behind them; NULL where there are none. */
static char *quoted(char **p)
{
	char *start = *p + strspn(*p, " \t");
	char *end = *start == '"' ? strchr(start + 1, '"') : NULL;
	if (!end)
		return NULL;
	*end = 0;
	*p = end + 1;
	return start + 1;
}

/* [GROUP] or [GROUP "ID"] */
static bool add_group(struct strbuf *b, char *line)
{
	char *group = line + 1, *end = group + strcspn(group, " \t]"), *rest = end;
	char *id = *end && *end != ']' ? quoted(&rest) : NULL;
	rest += strspn(rest, " \t");
	if (end == group || *rest != ']' || (*end != ']' && !id))
		return false;
	*end = 0;
	if (b->n)
		strbuf_add(b, "", 1);
	strbuf_printf(b, "-%s", option_of(group));
	strbuf_add(b, "", 1);
	if (id) {
		strbuf_puts(b, "id=");
		add_value(b, id);
	}
	return true;
}

/* KEY = "VALUE" */
static bool add_key(struct strbuf *b, char *line)
{
	size_t n = strcspn(line, " \t=");
	char *rest = line + n + strspn(line + n, " \t");
	if (!n || *rest != '=')
		return false;
	rest++;
	line[n] = 0;
	const char *value = quoted(&rest);
	if (!value || rest[strspn(rest, " \t\r")])
		return false;
	strbuf_printf(b, "%s%s=", b->s[b->n - 1] ? "," : "", line);
	add_value(b, value);
	return true;
}

size_t readconfig_add(struct strbuf *b, const char *text)
{
	AUTO_FREE char *copy = xstrdup(text);
	AUTO_STRBUF struct strbuf options = { 0 };
	size_t n_odd = 0;
	for (char *next = copy, *line; (line = str_next_line(&next));) {
		line = str_trim(line);
		bool is_good = !*line || *line == '#' ||
			(*line == '['               ? add_group(&options, line)
					: options.n ? add_key(&options, line)
						    : false);
		n_odd += !is_good;
	}
	if (options.n) {
		strbuf_add(b, options.s, options.n);
		strbuf_add(b, "", 1);
	}
	return n_odd;
}
