/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/mounts.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* "/mnt/my\040disk" → "/mnt/my disk", in the arena. */
static const char *decoded(struct arena *a, const char *word)
{
	char *text = arena_strdup(a, word), *to = text;
	for (const char *p = text; *p; to++) {
		if (p[0] == '\\' && is_octal(p[1]) && is_octal(p[2]) && is_octal(p[3])) {
			*to = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = 0;
	return text;
}

int mounts_parse(struct arena *a, const char *text, struct mounts *ret)
{
	ARRAY(struct mount) all = { 0 };
	AUTO_FREE char *copy = xstrdup(text);
	char *next = copy;
	int odd = 0, nr = 1;
	for (char *line; (line = str_next_line(&next)); nr++) {
		(void)str_next_word(&line); /* the device */
		const char *dir = str_next_word(&line), *type = dir ? str_next_word(&line) : NULL;
		const char *options = type ? str_next_word(&line) : NULL;
		if (options)
			*array_push(&all) = (struct mount){ decoded(a, dir), decoded(a, type),
				decoded(a, options) };
		else if (!odd)
			odd = nr;
	}
	*ret = (struct mounts){ arena_dup(a, all.v, all.n, sizeof *all.v), all.n };
	free(all.v);
	return odd;
}

const char *mount_option(const struct mount *m, const char *name)
{
	for (const char *p = m->options; *p; p += *p == ',') {
		const char *value = str_after(p, name);
		if (value && *value == '=')
			return value + 1;
		p += strcspn(p, ",");
	}
	return NULL;
}
