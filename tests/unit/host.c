/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The door to the machine: nothing leads out of a tree, and a recording answers as the host did. */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/host-write.h"
#include "tap.h"

static char dir[] = "/tmp/wideberth-host-XXXXXX";

static void put(const char *path, const char *text, size_t n)
{
	AUTO_FREE char *full = xasprintf("%s/%s", dir, path);
	AUTO_FILE FILE *f = fopen(full, "we");
	if (!f || fwrite(text, 1, n, f) != n)
		exit(99);
}

static void make_dir(const char *path)
{
	AUTO_FREE char *full = xasprintf("%s/%s", dir, path);
	if (mkdir(full, 0755) < 0)
		exit(99);
}

static void make_link(const char *target, const char *path)
{
	AUTO_FREE char *full = xasprintf("%s/%s", dir, path);
	if (symlink(target, full) < 0)
		exit(99);
}

static struct host *open_root(const char *sub)
{
	struct host *h = NULL;
	struct err e = { 0 };
	AUTO_FREE char *root = xasprintf("%s/%s", dir, sub);
	if (host_open(&h, root, &e) < 0) {
		printf("# %s\n", e.text);
		exit(99);
	}
	return h;
}

/* root/ is the tree; secret beside it is the rest of the world. */
static void make_tree(void)
{
	make_dir("root");
	make_dir("root/proc");
	make_dir("root/etc");
	make_dir("root/etc/d");
	put("secret", "secret\n", 7);
	put("root/etc/name", "inside\n", 7);
	put("root/etc/empty", "", 0);
	put("root/etc/zero", "0\n", 2);
	put("root/etc/binary", "a\0b\\x41\t\x01\xff\nno newline", 20);
	put("root/etc/lines", "\n\nx\n\n", 5);
	put("root/etc/a name\nof two", "", 0);
	make_link("/etc/name", "root/absolute");
	make_link("../../../../etc/name", "root/etc/above");
	make_link("../../secret", "root/etc/out");
	make_link(dir, "root/door");
	make_link("/", "root/top");
	make_link("loop", "root/loop");
	make_link("/etc", "root/etc-link");
}

static void expect(struct host *h, const char *path, const char *text)
{
	AUTO_FREE char *got = NULL;
	int r = host_read(h, &got, NULL, "%s", path);
	if (ok(r == 0, "%s can be read", path))
		same_str(got, text, "... what is inside");
}

static void expect_error(struct host *h, const char *path, int error)
{
	AUTO_FREE char *got = NULL;
	same_int(host_read(h, &got, NULL, "%s", path), error, "%s: %s", path,
		strerrorname_np(-error));
	ok(!got, "... and no text");
}

static void nothing_leads_out(void)
{
	AUTO_HOST struct host *h = open_root("root");
	expect(h, "etc/name", "inside\n");
	expect(h, "absolute", "inside\n");
	expect(h, "etc/above", "inside\n");
	expect(h, "../../etc/name", "inside\n");
	expect(h, "top/etc/name", "inside\n");
	expect(h, "etc-link/name", "inside\n");
	expect_error(h, "../secret", -ENOENT);
	expect_error(h, "etc/out", -ENOENT);
	expect_error(h, "etc-link/out", -ENOENT);
	expect_error(h, "etc/../../secret", -ENOENT);
	expect_error(h, "door/secret", -ENOENT);
	expect_error(h, "loop", -ELOOP);
	expect_error(h, "etc/d", -EISDIR);
	expect_error(h, "etc/name/x", -ENOTDIR);
}

static void nothing_is_written_outside(void)
{
	AUTO_HOST struct host *h = open_root("root");
	AUTO_FREE char *secret = xasprintf("%s/secret", dir);
	same_int(host_put_file(h, "x", "etc/d/new.d/file"), 0, "a file with its directory");
	expect(h, "etc/d/new.d/file", "x");
	same_int(host_remove_file(h, "etc/d/new.d/file"), 0, "removed with its directory");
	ok(host_put_file(h, "x", "etc/out") == 0, "a link that leads nowhere inside");
	ok(host_put_file(h, "x", "../stray") == 0, "dots at the top stay at the top");
	AUTO_FREE char *stray = xasprintf("%s/stray", dir);
	ok(access(stray, F_OK) < 0, "nothing new outside");
	AUTO_CLOSE int fd = open(secret, O_RDONLY | O_CLOEXEC);
	char text[20] = "";
	ok(read(fd, text, sizeof text - 1) == 7 && streq(text, "secret\n"),
		"nothing changed outside");
	int made = host_make_dir(h, "door/state");
	ok(made < 0, "no directory is made outside");
	if (made >= 0)
		close(made);
	AUTO_CLOSE int state = host_make_dir(h, "etc-link/state");
	AUTO_FREE char *inside = xasprintf("%s/root/etc/state", dir);
	struct stat st;
	ok(state >= 0 && stat(inside, &st) == 0 && (st.st_mode & 0777) == 0700,
		"one below an absolute link is inside, and private");
}

/* Everything twice, as a reader would. */
static void ask(struct host *h, struct strbuf *b)
{
	static const char *const paths[] = { "etc/name", "etc/empty", "etc/zero", "etc/binary",
		"etc/lines", "etc/absent", "etc/d", "absolute" };
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
			AUTO_FREE char *text = NULL;
			size_t n = 0;
			int r = host_read(h, &text, &n, "%s", paths[i]);
			strbuf_printf(b, "%s %d %zu ", paths[i], r, n);
			strbuf_add(b, r ? "" : text, r ? 0 : n);
		}
	AUTO_NAMES struct host_names names = { 0 }, none = { 0 };
	int r = host_list(h, &names, "etc");
	for (size_t i = 0; i < names.n; i++)
		strbuf_printf(b, "%s,", names.v[i]);
	AUTO_FREE char *target = NULL, *no_target = NULL;
	strbuf_printf(b, "%d %d ", r, host_list(h, &none, "etc/nothing"));
	uint64_t inode = 0;
	r = host_readlink(h, &target, "absolute");
	strbuf_printf(b, "%d %s %d ", r, target ? target : "", host_readlink(h, &no_target, "etc"));
	r = host_inode(h, &inode, "etc/name");
	strbuf_printf(b, "%d %llu", r, (unsigned long long)inode);
}

static void recording_answers_the_same(void)
{
	AUTO_STRBUF struct strbuf was = { 0 }, is = { 0 };
	AUTO_FREE char *target = xasprintf("%s/recorded", dir);
	struct err e = { 0 };
	{
		AUTO_HOST struct host *h = open_root("root");
		same_int(host_record_to(h, target, NULL, &e), 0, "recording");
		ask(h, &was);
		put("root/etc/name", "changed\n", 8);
		expect(h, "etc/name", "changed\n");
		same_int(host_finish(h, &e), 0, "written");
	}
	AUTO_HOST struct host *replay = open_root("recorded");
	ask(replay, &is);
	ok(was.n == is.n && memcmp(was.s, is.s, is.n) == 0,
		"every answer is the same, to the byte");
	expect(replay, "etc/name", "changed\n");
	expect(replay, "etc/name", "changed\n");
	expect_error(replay, "etc/absent", -ENOENT);
	expect_error(replay, "never/asked", -ENOENT);
	same_int(host_put_file(replay, "x", "etc/name"), -EROFS, "a recording cannot be changed");
}

static void damaged_recording(void)
{
	static const char *const texts[] = { "", "wideberth recording 9\n",
		"wideberth recording 1\n\torphan\n", "wideberth recording 1\nfile a\n\t\\x4\n",
		"wideberth recording 1\nfile a\n!0 NONE\n",
		"wideberth recording 1\nfile a\n~\n\tx\n" };
	make_dir("bad");
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		struct host *h = NULL;
		struct err e = { 0 };
		AUTO_FREE char *root = xasprintf("%s/bad", dir);
		put("bad/recording", texts[i], strlen(texts[i]));
		int r = host_open(&h, root, &e);
		ok(r < 0 && !h && strstr(e.text, "bad/recording:"), "damaged recording %zu: %s", i,
			e.text);
		if (h)
			host_free(h);
	}
}

static void expect_thread(struct host *h, int pid, int tid, const char *text, const char *what)
{
	AUTO_FREE char *got = NULL;
	int r = host_read_thread(h, &got, pid, tid, "cgroup");
	same_str(r < 0 ? NULL : got, text, "%s", what);
}

/* By the shorter path, but where a tree or a recording has the other alone. */
static void threads_files(void)
{
	make_dir("root/proc/7");
	make_dir("root/proc/7/task");
	make_dir("root/proc/7/task/7");
	make_dir("root/proc/7/task/8");
	put("root/proc/7/task/7/cgroup", "long", 4);
	put("root/proc/7/task/8/cgroup", "eight", 5);
	AUTO_HOST struct host *h = open_root("root");
	expect_thread(h, 7, 7, "long", "a tree with the thread's file alone");
	expect_thread(h, 7, 8, "eight", "another thread than the main one");
	put("root/proc/7/cgroup", "short", 5);
	expect_thread(h, 7, 7, "short", "the main thread's, by the process");
	make_dir("old");
	static const char old[] = "wideberth recording 1\nfile proc/7/task/7/cgroup\n\told\n";
	put("old/recording", old, sizeof old - 1);
	AUTO_HOST struct host *replay = open_root("old");
	const char *first;
	expect_thread(replay, 7, 7, "old\n", "a recording that has the thread's file");
	same_int(host_unanswered(replay, &first), 0, "and was asked for no other");
}

int main(void)
{
	if (!mkdtemp(dir))
		return 99;
	make_tree();
	nothing_leads_out();
	nothing_is_written_outside();
	recording_answers_the_same();
	damaged_recording();
	threads_files();
	AUTO_FREE char *clean = xasprintf("rm -rf '%s'", dir);
	if (system(clean) != 0)
		return 99;
	return tap_done();
}
