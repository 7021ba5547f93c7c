/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trees.h"

#include <ctype.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

enum { FILE_MAX_BYTES = 65536 };

static struct input *reading; /* by add_file(), which nftw(3) calls */
static size_t root_length;

/* As a recording has it: lines behind tabs, bytes that do not print as \xNN, "~" without a newline.
 */
static char *answer_of(const char *text, size_t n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	for (size_t i = 0; i < n; i++) {
		bool is_plain = isprint((unsigned char)text[i]) && text[i] != '\\';
		if (!i || text[i - 1] == '\n')
			strbuf_puts(&b, i ? "\n\t" : "\t");
		if (is_plain)
			strbuf_printf(&b, "%c", text[i]);
		else if (text[i] != '\n')
			strbuf_printf(&b, "\\x%02x", (unsigned int)(unsigned char)text[i]);
	}
	if (n && text[n - 1] != '\n')
		strbuf_puts(&b, "\n~");
	return b.s ? TAKE(b.s) : xstrdup("");
}

static int add_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)at;
	AUTO_STRBUF struct strbuf b = { 0 };
	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size > FILE_MAX_BYTES ||
		strbuf_add_file(&b, path) < 0)
		return 0;
	*array_push(&reading->answers) = (struct answer){ xasprintf("file %s", path + root_length),
		answer_of(b.s ? b.s : "", b.n) };
	return 0;
}

void tree_files(const char *root, struct input *ret)
{
	*ret = (struct input){ .policy = xstrdup("[vm *]\n") };
	reading = ret;
	root_length = strlen(root) + 1;
	if (nftw(root, add_file, 16, FTW_PHYS) < 0) {
		perror(root);
		exit(99);
	}
}

/* The bytes of an answer; false where it has none. */
static bool bytes_of(const char *answer, struct strbuf *ret)
{
	AUTO_FREE char *copy = xstrdup(answer);
	char *next = copy;
	for (char *line; (line = str_next_line(&next));) {
		if (*line == '!')
			return false;
		if (*line == '~' && ret->n) {
			ret->n--;
			continue;
		}
		for (const char *p = *line ? line + 1 : line; *p; p++) {
			unsigned int byte;
			bool is_escape = strlen(p) >= 4 && sscanf(p, "\\x%2x", &byte) == 1;
			strbuf_printf(ret, "%c", is_escape ? (int)byte : *p);
			p += is_escape ? 3 : 0;
		}
		strbuf_puts(ret, "\n");
	}
	return true;
}

/* Below the directory, and only there. */
static bool is_inside(const char *path)
{
	return *path && *path != '/' && !strstr(path, "..");
}

static void put_one(const char *dir, const char *path, const char *answer)
{
	AUTO_FREE char *to = xasprintf("%s/%s", dir, path);
	AUTO_STRBUF struct strbuf b = { 0 };
	bool is_there = bytes_of(answer, &b);
	unlink(to);
	AUTO_CLOSE int fd = is_there ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644) : -1;
	if (fd >= 0 && b.n && write(fd, b.s, b.n) < 0)
		perror(to);
}

static void put_link(const char *dir, const char *path, size_t which)
{
	static const char *const targets[] = { ".", "..", "/", "../..", "status", "x/../x" };
	AUTO_FREE char *to = xasprintf("%s/%s", dir, path);
	unlink(to);
	if (symlink(targets[which % N_ELEMENTS(targets)], to) < 0)
		perror(to);
}

void tree_make(const char *dir, const char *root, const struct input *was, const struct input *is,
	bool has_links)
{
	AUTO_FREE char *copy = xasprintf("rm -rf '%s' && cp -a '%s' '%s'", dir, root, dir);
	size_t at = 0, n_changed = 0;
	if (system(copy) != 0)
		exit(99);
	array_for_each (a, &is->answers) {
		const char *path = str_after(a->question, "file ");
		size_t i = 0; /* they are in the same order, mostly */
		while (i < was->answers.n &&
			!streq(was->answers.v[(at + i) % was->answers.n].question, a->question))
			i++;
		bool is_known = i < was->answers.n;
		at = is_known ? (at + i) % was->answers.n : at;
		if (!path || !is_inside(path) ||
			(is_known && streq(was->answers.v[at].text, a->text)))
			continue;
		if (has_links && n_changed++ % 2)
			put_link(dir, path, strlen(a->text));
		else
			put_one(dir, path, a->text);
	}
	for (size_t i = 0; has_links && i < 3 && is->answers.n; i++) {
		const struct answer *a =
			&is->answers.v[(is->answers.n / 3 * i + at) % is->answers.n];
		const char *path = str_after(a->question, "file ");
		if (path && is_inside(path))
			put_link(dir, path, strlen(path));
	}
}
