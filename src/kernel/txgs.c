/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/txgs.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

struct columns {
	int state, stime;
};

/* The next word of the line; false: there is none. *p moves behind it. */
static bool take_word(const char **p, const char **ret, size_t *ret_n)
{
	*ret = str_skip_blanks(*p);
	*ret_n = strcspn(*ret, " \t\n");
	*p = *ret + *ret_n;
	return *ret_n > 0;
}

static bool is_word(const char *word, size_t n, const char *text)
{
	return strlen(text) == n && !strncmp(word, text, n);
}

/* True: the line names the columns, txg first. */
static bool parse_header(const char *p, struct columns *ret)
{
	const char *word;
	size_t n;
	*ret = (struct columns){ -1, -1 };
	if (!take_word(&p, &word, &n) || !is_word(word, n, "txg"))
		return false;
	for (int i = 1; take_word(&p, &word, &n); i++)
		if (is_word(word, n, "state"))
			ret->state = i;
		else if (is_word(word, n, "stime"))
			ret->stime = i;
	return ret->state > 0 && ret->stime > 0;
}

static bool parse_line(const struct columns *c, const char *p, const char *end, struct txg *ret)
{
	const char *word;
	size_t n;
	bool has_state = false, has_stime = false;
	*ret = (struct txg){ 0 };
	if (*end != '\n' || !str_take_u64(&p, &ret->number))
		return false;
	for (int i = 1; take_word(&p, &word, &n); i++) {
		const char *at = word;
		if (i == c->state) {
			ret->is_committed = is_word(word, n, "C");
			has_state = true;
		} else if (i == c->stime) {
			has_stime = str_take_u64(&at, &ret->sync_ns) && at == word + n;
		}
	}
	return has_state && has_stime;
}

int txgs_parse(struct arena *a, const char *text, struct txgs *ret)
{
	ARRAY(struct txg) all = { 0 };
	struct columns c;
	bool has_columns = false;
	int odd = 0, nr = 1;
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end, nr++) {
		struct txg t;
		end = str_line_end(line);
		if (!has_columns)
			has_columns = parse_header(line, &c);
		else if (parse_line(&c, line, end, &t))
			*array_push(&all) = t;
		else if (!odd)
			odd = nr;
	}
	*ret = (struct txgs){ arena_dup(a, all.v, all.n, sizeof *all.v), all.n };
	free(all.v);
	return has_columns ? odd : -EINVAL;
}
