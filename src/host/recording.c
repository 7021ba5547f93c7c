/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/recording.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "host/mask.h"

static const char magic[] = "wideberth recording 1";

int recording_is_file(const char *path, struct err *e)
{
	char head[sizeof magic - 1];
	AUTO_FILE FILE *f = fopen(path, "re");
	if (!f)
		return err_set(e, -errno, "open '%s'", path);
	return fread(head, 1, sizeof head, f) == sizeof head &&
		memcmp(head, magic, sizeof head) == 0;
}

struct answer {
	char *question; /* "KIND KEY" */
	size_t order;
	int error;
	char *text;
	size_t n;
	bool is_used;
};

struct recording {
	ARRAY(struct answer) answers;
	size_t n_unanswered;
	char *unanswered; /* the first of those questions */
};

struct recording *recording_new(void)
{
	return xcalloc(1, sizeof(struct recording));
}

void recording_free(struct recording *r)
{
	if (!r)
		return;
	array_for_each (a, &r->answers) {
		free(a->question);
		free(a->text);
	}
	free(r->answers.v);
	free(r->unanswered);
	free(r);
}

void recording_add(struct recording *r, const char *kind, const char *key, int error,
	const char *text, size_t n)
{
	struct answer *a = array_push(&r->answers);
	a->order = r->answers.n;
	a->question = xasprintf("%s %s", kind, key);
	a->error = error;
	a->text = error ? NULL : xmalloc(n + 1);
	a->n = error ? 0 : n;
	if (a->text) {
		memcpy(a->text, text, n);
		a->text[n] = 0;
	}
}

void recording_mask(struct recording *r, const struct mask *m)
{
	array_for_each (a, &r->answers) {
		size_t n = strlen(a->question);
		char *question = mask_apply(m, a->question, &n);
		free(a->question);
		a->question = question;
		if (!a->text)
			continue;
		char *text = mask_apply(m, a->text, &a->n);
		free(a->text);
		a->text = text;
	}
}

/* One line of an answer, with what does not print escaped. */
static void put_escaped(FILE *f, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (c == '\\')
			fputs("\\\\", f);
		else if (c < ' ' && c != '\t')
			fprintf(f, "\\x%02x", c);
		else
			fputc(c, f);
	}
}

static void put_answer(FILE *f, const struct answer *a)
{
	put_escaped(f, a->question, strlen(a->question));
	fputc('\n', f);
	if (a->error) {
		fprintf(f, "!%d %s\n", -a->error, strerrorname_np(-a->error));
		return;
	}
	const char *p = a->text, *end = a->text + a->n;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;
		fputc('\t', f);
		put_escaped(f, p, (size_t)(stop - p));
		fputc('\n', f);
		p = nl ? nl + 1 : end;
	}
	if (!a->n || end[-1] != '\n')
		fputs("~\n", f);
}

int recording_save(const struct recording *r, const char *path, struct err *e)
{
	AUTO_NEW_FILE struct new_file file = { 0 };
	int code = new_file_open(&file, path, e);
	if (code < 0)
		return code;
	fprintf(file.f, "%s\n", magic);
	array_for_each (a, &r->answers)
		put_answer(file.f, a);
	return new_file_keep(&file, e);
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Adds a line to the text, undoing put_escaped(). */
static int add_unescaped(struct strbuf *b, const char *line)
{
	for (const char *p = line; *p; p++) {
		char c = *p;
		if (c == '\\' && p[1] == '\\') {
			p++;
		} else if (c == '\\') {
			int high = p[1] == 'x' ? hex_digit(p[2]) : -1;
			int low = high < 0 ? -1 : hex_digit(p[3]);
			if (low < 0)
				return -EINVAL;
			c = (char)(high * 16 + low);
			p += 3;
		}
		strbuf_add(b, &c, 1);
	}
	return 0;
}

/* The lines of one answer, from the one behind the question on; *next is moved behind them. */
static int parse_answer(struct recording *r, const char *question, char **next, int *line_nr)
{
	AUTO_STRBUF struct strbuf text = { 0 }, q = { 0 };
	int error = 0;
	bool has_end = false;
	if (add_unescaped(&q, question) < 0 || !q.s || !strchr(q.s, ' '))
		return -EINVAL;
	strbuf_puts(&text, "");
	while (**next == '\t' || **next == '!' || **next == '~') {
		char *line = str_next_line(next);
		(*line_nr)++;
		if (error || has_end)
			return -EINVAL;
		if (*line == '!') {
			if (sscanf(line, "!%d", &error) != 1 || error <= 0 || error > 4095)
				return -EINVAL;
		} else if (*line == '~') {
			has_end = true;
			if (text.n)
				text.s[--text.n] = 0;
		} else if (add_unescaped(&text, line + 1) < 0) {
			return -EINVAL;
		} else {
			strbuf_puts(&text, "\n");
		}
	}
	char *key = strchr(q.s, ' ');
	*key++ = 0;
	recording_add(r, q.s, key, -error, text.s, text.n);
	return 0;
}

static int by_question(const void *a, const void *b)
{
	const struct answer *x = a, *y = b;
	int r = strcmp(x->question, y->question);
	return r ? r : (x->order > y->order) - (x->order < y->order);
}

int recording_parse(struct recording **ret, const char *file, const char *text, struct err *e)
{
	AUTO_FREE char *copy = xstrdup(text);
	char *next = copy, *line = str_next_line(&next);
	if (!line || !streq(line, magic))
		return err_say(e, -EINVAL, "%s:1: not a recording (no line \"%s\")", file, magic);
	struct recording *r = recording_new();
	int line_nr = 1;
	while ((line = str_next_line(&next))) {
		int at = ++line_nr;
		if (parse_answer(r, line, &next, &line_nr) < 0) {
			recording_free(r);
			return err_say(e, -EINVAL, "%s:%d: damaged recording", file, at);
		}
	}
	if (r->answers.n)
		qsort(r->answers.v, r->answers.n, sizeof *r->answers.v, by_question);
	*ret = r;
	return 0;
}

/* The first answer to the question, in the sorted array. */
static struct answer *first_answer(struct recording *r, const char *question)
{
	size_t i = lower_bound(a, r->answers.v, r->answers.n, strcmp(a->question, question) < 0);
	bool is_it = i < r->answers.n && streq(r->answers.v[i].question, question);
	return is_it ? &r->answers.v[i] : NULL;
}

int recording_ask(
	struct recording *r, const char *kind, const char *key, char **ret_text, size_t *ret_n)
{
	AUTO_FREE char *question = xasprintf("%s %s", kind, key);
	struct answer *a = first_answer(r, question);
	if (!a) {
		r->unanswered = r->n_unanswered++ ? r->unanswered : TAKE(question);
		return -ENOENT;
	}
	const struct answer *end = r->answers.v + r->answers.n;
	while (a->is_used && a + 1 < end && streq(a[1].question, question))
		a++;
	a->is_used = true;
	if (a->error)
		return a->error;
	*ret_text = xmalloc(a->n + 1);
	memcpy(*ret_text, a->text, a->n + 1);
	if (ret_n)
		*ret_n = a->n;
	return 0;
}

bool recording_has(struct recording *r, const char *kind, const char *key)
{
	AUTO_FREE char *question = xasprintf("%s %s", kind, key);
	return first_answer(r, question) != NULL;
}

size_t recording_unanswered(const struct recording *r, const char **ret_first)
{
	*ret_first = r->unanswered;
	return r->n_unanswered;
}
