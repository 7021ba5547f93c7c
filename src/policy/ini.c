/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/ini.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Ends the text where a comment begins. "a#b" has none: a blank must stand before. */
static void cut_comment(char *s)
{
	for (char *p = s; *p; p++)
		if ((*p == '#' || *p == ';') && (p == s || is_blank(p[-1]))) {
			*p = 0;
			return;
		}
}

static int bad(const struct ini *ini, struct err *e, const char *what)
{
	return err_say(e, -EINVAL, "%s:%d: %s", ini->file, ini->line, what);
}

static int parse_section(const struct ini *ini, char *line, struct ini_item *ret, struct err *e)
{
	cut_comment(line);
	line = str_trim(line);
	/* The last bracket ends it: globs have brackets of their own, "[vm web[0-9]]". */
	size_t n = strlen(line);
	if (line[n - 1] != ']')
		return bad(ini, e, "a section ends with ']' on the same line");
	line[n - 1] = 0;
	*ret = (struct ini_item){ .kind = INI_SECTION, .name = str_trim(line + 1) };
	return 0;
}

static int parse_quoted(const struct ini *ini, char **value, struct err *e)
{
	char *start = *value + 1, *end = strchr(start, **value);
	if (!end)
		return bad(ini, e, "a quote is not closed");
	if (end[1] && !is_blank(end[1]))
		return bad(ini, e, "there is text behind the closing quote");
	*end = 0;
	cut_comment(end + 1);
	if (*str_trim(end + 1))
		return bad(ini, e, "there is text behind the closing quote");
	*value = start;
	return 0;
}

static int parse_key(const struct ini *ini, char *line, struct ini_item *ret, struct err *e)
{
	char *equals = strchr(line, '=');
	if (!equals || equals == line)
		return bad(ini, e, "expected 'key = value', '[section]' or a comment");
	*equals = 0;
	char *value = equals + 1;
	while (is_blank(*value))
		value++;
	if (*value == '"' || *value == '\'') {
		int r = parse_quoted(ini, &value, e);
		if (r < 0)
			return r;
	} else {
		/* "key = # none" has no value, as "key =# none" has none */
		cut_comment(value);
		value = str_trim(value);
	}
	*ret = (struct ini_item){ .kind = INI_KEY, .name = str_trim(line), .value = value };
	return 0;
}

int ini_next(struct ini *ini, struct ini_item *ret, struct err *e)
{
	static const char bom[] = "\xef\xbb\xbf"; /* editors elsewhere put it first */
	if (!ini->line && str_after(ini->rest, bom))
		ini->rest += strlen(bom);
	for (char *line; (line = str_next_line(&ini->rest));) {
		ini->line++;
		line = str_trim(line);
		if (!*line || *line == '#' || *line == ';')
			continue;
		if (*line == '[')
			return parse_section(ini, line, ret, e);
		return parse_key(ini, line, ret, e);
	}
	*ret = (struct ini_item){ .kind = INI_END };
	return 0;
}
