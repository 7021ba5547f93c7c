/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/record.h"

#include <string.h>

static void add_field(struct strbuf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '\t')
			strbuf_puts(b, "\\t");
		else if (*text == '\n')
			strbuf_puts(b, "\\n");
		else if (*text == '\\')
			strbuf_puts(b, "\\\\");
		else
			strbuf_add(b, text, 1);
	}
}

void record_add(struct strbuf *b, const char *const *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			strbuf_puts(b, "\t");
		add_field(b, fields[i] ? fields[i] : "");
	}
	strbuf_puts(b, "\n");
}

/* In place: it never gets longer. */
static void decode(char *text)
{
	char *to = text;
	for (; *text; text++) {
		if (*text != '\\' || !text[1]) {
			*to++ = *text;
			continue;
		}
		text++;
		*to++ = *text == 't' ? '\t' : *text == 'n' ? '\n' : *text;
	}
	*to = '\0';
}

size_t record_next(char **text, const char **fields, size_t max)
{
	char *line = *text, *end = strchr(line, '\n');
	size_t n = 0;
	if (!end)
		return 0;
	*end = '\0';
	*text = end + 1;
	for (char *field; (field = strsep(&line, "\t"));) {
		decode(field);
		if (n < max)
			fields[n] = field;
		n++;
	}
	for (size_t i = n; i < max; i++)
		fields[i] = "";
	return n;
}
