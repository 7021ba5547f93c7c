/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a tree in memory. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "machine.h"

struct file {
	char *path; /* below the root */
	bool is_dir;
	mode_t mode;
	char *text;
	size_t n;
};

struct image {
	ARRAY(struct file) files; /* by path */
};

static const char *const state_dirs[] = { "run/wideberth", "var/lib/wideberth" };
static const char fixed_dir[] = "sys/devices/system"; /* topology: nobody writes there */

static void give_up(const char *path)
{
	perror(path);
	exit(99);
}

static void read_file(struct file *f, const char *full)
{
	AUTO_CLOSE int fd = open(full, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		give_up(full);
	f->mode = st.st_mode & 07777;
	f->text = xmalloc((size_t)st.st_size + 1);
	ssize_t n = read(fd, f->text, (size_t)st.st_size);
	if (n != st.st_size)
		give_up(full);
	f->n = (size_t)n;
}

static void walk(struct image *image, const char *dir, const char *path)
{
	AUTO_FREE char *full = xasprintf("%s/%s", dir, path);
	AUTO_DIR DIR *d = opendir(full);
	if (!d)
		give_up(full);
	for (struct dirent *e; (e = readdir(d));) {
		if (streq(e->d_name, ".") || streq(e->d_name, ".."))
			continue;
		AUTO_FREE char *child = xasprintf("%s%s%s", path, *path ? "/" : "", e->d_name);
		AUTO_FREE char *child_full = xasprintf("%s/%s", dir, child);
		if (streq(child, fixed_dir))
			continue;
		struct file *f = array_push(&image->files);
		f->is_dir = e->d_type == DT_DIR;
		f->path = xstrdup(child);
		if (f->is_dir)
			walk(image, dir, child);
		else
			read_file(f, child_full);
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path, ((const struct file *)b)->path);
}

struct image *image_take(const struct machine *m)
{
	struct image *image = xcalloc(1, sizeof *image);
	walk(image, m->dir, "");
	qsort(image->files.v, image->files.n, sizeof *image->files.v, by_path);
	return image;
}

void image_free(struct image *image)
{
	array_for_each (f, &image->files) {
		free(f->path);
		free(f->text);
	}
	free(image->files.v);
	free(image);
}

static const struct file *find(const struct image *image, const char *path)
{
	struct file key = { .path = (char *)(uintptr_t)path };
	return bsearch(&key, image->files.v, image->files.n, sizeof key, by_path);
}

static bool is_same(const struct file *a, const struct file *b)
{
	return a->is_dir == b->is_dir && a->n == b->n && a->mode == b->mode &&
		(a->is_dir || memcmp(a->text, b->text, a->n) == 0);
}

static void write_file(const char *full, const struct file *f)
{
	AUTO_CLOSE int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, f->text, f->n) != (ssize_t)f->n || fchmod(fd, f->mode) < 0)
		give_up(full);
}

void image_put(const struct machine *m, const struct image *image)
{
	struct image *now = image_take(m);
	/* backwards: what is in a directory goes before it */
	for (size_t i = now->files.n; i-- > 0;) {
		AUTO_FREE char *full = xasprintf("%s/%s", m->dir, now->files.v[i].path);
		if (!find(image, now->files.v[i].path) && remove(full) < 0)
			give_up(full);
	}
	array_for_each (f, &image->files) {
		const struct file *is = find(now, f->path);
		AUTO_FREE char *full = xasprintf("%s/%s", m->dir, f->path);
		if (is && is_same(is, f))
			continue;
		if (!f->is_dir)
			write_file(full, f);
		else if (mkdir(full, 0755) < 0)
			give_up(full);
	}
	image_free(now);
}

static bool is_state(const char *path)
{
	for (size_t i = 0; i < N_ELEMENTS(state_dirs); i++) {
		const char *rest = str_after(path, state_dirs[i]);
		if (rest && (!*rest || *rest == '/'))
			return true;
	}
	return false;
}

static void describe(struct strbuf *b, const struct file *was, const struct file *is)
{
	const struct file *f = was ? was : is;
	if (!was || !is)
		strbuf_printf(b, "# %s %s\n", is ? "new:" : "gone:", f->path);
	else if (f->is_dir || is->is_dir)
		strbuf_printf(b, "# changed: %s\n", f->path);
	else
		strbuf_printf(b, "# %s: was '%.*s', is '%.*s'\n", f->path,
			(int)(was->n > 300 ? 300 : was->n), was->text,
			(int)(is->n > 300 ? 300 : is->n), is->text);
}

const char *image_differs(const struct machine *m, const struct image *image, bool with_state)
{
	static struct strbuf b;
	struct image *now = image_take(m);
	int n = 0;
	strbuf_done(&b);
	b = (struct strbuf){ 0 };
	array_for_each (f, &image->files) {
		const struct file *is = find(now, f->path);
		if ((with_state || !is_state(f->path)) && !(is && is_same(is, f)) && n++ < 8)
			describe(&b, f, is);
	}
	array_for_each (f, &now->files) {
		if ((with_state || !is_state(f->path)) && !find(image, f->path) && n++ < 8)
			describe(&b, NULL, f);
	}
	image_free(now);
	return b.s;
}

/* Lists, and files of our own making: what they may be is more than two texts. */
static bool is_derived(const char *path)
{
	static const char *const ends[] = { "cgroup.threads", "effective", "/asked", ".systemd",
		".leaked", "cpuset.cpus.isolated", "effective_affinity_list",
		"cgroup.controllers" };
	for (size_t i = 0; i < N_ELEMENTS(ends); i++)
		if (str_has_suffix(path, ends[i]))
			return true;
	return is_state(path);
}

static bool is_like(const struct file *f, const struct image *image)
{
	const struct file *other = find(image, f->path);
	return other && is_same(f, other);
}

/* What a file of a controller has that nobody wrote; all CPUs where a list cannot be emptied. */
static bool is_unset(const struct file *f)
{
	static const char *const texts[] = { "\n", "member\n", "0-23\n" };
	for (size_t i = 0; i < N_ELEMENTS(texts); i++)
		if (strstr(f->path, "/cpuset.") && f->n == strlen(texts[i]) &&
			memcmp(f->text, texts[i], f->n) == 0)
			return true;
	return false;
}

const char *image_mixes(const struct machine *m, const struct image *a, const struct image *b)
{
	static struct strbuf text;
	struct image *now = image_take(m);
	strbuf_done(&text);
	text = (struct strbuf){ 0 };
	array_for_each (f, &now->files) {
		bool is_mask = str_has_suffix(f->path, "/status") ||
			streq(f->path, "sys/devices/virtual/workqueue/cpumask");
		if (f->is_dir || is_mask || is_derived(f->path) || is_like(f, a) || is_like(f, b) ||
			is_unset(f))
			continue;
		strbuf_printf(&text, "# %s: '%.*s'\n", f->path, (int)f->n, f->text);
	}
	image_free(now);
	return text.s;
}
