/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state directory when it is full, damaged or not to be read: an undo needs no room, damage is
 * named and kept on record, and nobody is told that nothing is applied who cannot know. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static void go(struct machine *m, const char *args, int code)
{
	int r = machine_run(m, NULL, args);
	same_int(r, code, "%s", args);
	if (r != code)
		printf("# %s\n", m->output);
}

/* However the lines are broken. */
static void says(const struct machine *m, const char *text)
{
	AUTO_FREE char *flat = xstrdup(m->output);
	char *to = flat;
	for (const char *p = m->output; *p; p++)
		if (!strchr(" \n", *p))
			*to++ = *p;
		else if (to > flat && to[-1] != ' ')
			*to++ = ' ';
	*to = 0;
	ok(strstr(flat, text), "... says '%s'", text);
	if (!strstr(flat, text))
		printf("# %s\n", m->output);
}

static void is_pristine(struct machine *m, const char *name)
{
	const char *why;
	bool is = machine_is_pristine(m, &why);
	ok(is, "%s: all is as it was", name);
	if (!is)
		printf("%s", why);
}

/* ---- full ---- */

/* The directory becomes a small file system of its own, in a mount namespace of the test. */
static bool mount_state(const struct machine *m)
{
	AUTO_FREE char *dir = xasprintf("%s/run/wideberth", m->dir);
	return unshare(CLONE_NEWNS) == 0 &&
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		(mkdir(dir, 0700) == 0 || errno == EEXIST) &&
		mount("state", dir, "tmpfs", 0, "size=128k,mode=700") == 0;
}

static const char filler[] = "run/wideberth/filler";

static void fill(const struct machine *m)
{
	AUTO_FREE char *path = xasprintf("%s/%s", m->dir, filler);
	char page[4096] = "";
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, page, sizeof page) > 0)
		;
	ok(fd >= 0 && errno == ENOSPC, "the state directory is full");
}

static void drain(const struct machine *m)
{
	AUTO_FREE char *path = xasprintf("%s/%s", m->dir, filler);
	unlink(path);
}

static const char reserve[] = "run/wideberth/reserve";

static void take_reserve(const struct machine *m)
{
	AUTO_FREE char *path = xasprintf("%s/%s", m->dir, reserve);
	ok(unlink(path) == 0, "no room was kept");
}

static void full(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	if (!mount_state(m)) {
		ok(true, "a full state directory # SKIP not allowed to mount");
		machine_free(m);
		return;
	}
	go(m, "apply --vm db01", 0);
	fill(m);
	go(m, "apply --vm db02", 3);
	go(m, "status", 0);
	ok(!machine_has(m, "run/wideberth/journal.new"), "no half file takes the rest of the room");
	go(m, "undo --all", 0);
	drain(m);
	is_pristine(m, "undone without room");

	/* With db02 gone db01's fence goes around it, which must be written down first: room for
	 * that was kept, and is again for the next. */
	go(m, "apply --vm db01 --vm db02", 0);
	ok(machine_has(m, reserve), "room is kept for an undo");
	struct image *both = image_take(m);
	fill(m);
	go(m, "apply --vm db02 --isolation pinned", 3);
	ok(machine_has(m, reserve), "... which an apply does not take");
	ok(!image_differs(m, both, false), "... and nothing was touched");
	go(m, "undo db02", 0);
	go(m, "status db01", 0);
	ok(machine_has(m, reserve), "room is kept for the next undo");
	go(m, "undo db01", 0);
	drain(m);
	is_pristine(m, "one after the other undone without room");
	ok(!machine_has(m, reserve), "no room is kept for nothing");

	/* Where there was no room to keep. */
	go(m, "apply --vm db01 --vm db02", 0);
	take_reserve(m);
	fill(m);
	go(m, "undo db02", 3);
	says(m, "No space left");
	ok(!image_differs(m, both, false), "nothing was touched");
	drain(m);
	go(m, "undo db02", 0);
	go(m, "status db01", 0);
	go(m, "undo --all", 0);

	/* Pins know no fence: db02's go back, and are told again once there is room. */
	go(m, "apply --vm db01 --isolation pinned --vm db02 --isolation pinned", 0);
	take_reserve(m);
	fill(m);
	go(m, "undo db02", 4);
	says(m, "undone, but that cannot be written down");
	drain(m);
	go(m, "undo db02", 0);
	go(m, "status db01", 0);

	/* Nor does the end of a killed apply need room. */
	same_int(machine_run(m, "kill-after:5", "apply --vm db02 --isolation fenced"), KILLED,
		"killed");
	fill(m);
	go(m, "undo --all", 0);
	drain(m);
	is_pristine(m, "recovered and undone without room");
	image_free(both);
	AUTO_FREE char *dir = xasprintf("%s/run/wideberth", m->dir);
	umount(dir);
	machine_free(m);
}

/* ---- damaged ---- */

static char *ledger_of(const struct machine *m, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/run/wideberth/%s", m->dir, name);
	AUTO_STRBUF struct strbuf b = { 0 };
	if (strbuf_add_file(&b, path) < 0)
		exit(99);
	return TAKE(b.s);
}

/* The first line, or all of it. */
static void damaged_whole(const char *name, const char *text)
{
	static const char *const commands[] = { "status", "apply --vm db02", "undo --all",
		"confirm", "plan --vm db02", "show" };
	struct machine *m = machine_new(ROOT_6_12);
	AUTO_FREE char *path = xasprintf("run/wideberth/%s", name);
	AUTO_FREE char *way_out = xasprintf("mv %s/%s %s/%s.damaged", m->dir, path, m->dir, path);
	if (streq(name, "journal"))
		same_int(machine_run(m, "kill-after:9", "apply --vm db01"), KILLED, "killed");
	else
		go(m, "apply --vm db01", 0);
	machine_write(m, path, text);
	for (size_t i = 0; i < N_ELEMENTS(commands); i++) {
		if (streq(name, "journal") && i > 3)
			continue; /* they do not look at it */
		go(m, commands[i], 3);
		says(m, "is damaged in its first and its last line");
		says(m, way_out);
		AUTO_FREE char *now = ledger_of(m, name);
		same_str(now, text, "... and leaves it alone");
	}
	if (system(way_out) != 0)
		exit(99);
	go(m, "apply --vm db02 --isolation pinned", 0);
	machine_free(m);
}

/* One header of two: all the rest is used. */
static void damaged_header(const char *name, bool is_last)
{
	struct machine *m = machine_new(ROOT_6_12);
	AUTO_FREE char *path = xasprintf("run/wideberth/%s", name);
	if (streq(name, "journal"))
		same_int(machine_run(m, "kill-after:9", "apply --vm db01"), KILLED, "killed");
	else
		go(m, "apply --vm db01", 0);
	AUTO_FREE char *text = ledger_of(m, name);
	char *header = strstr(text, "\"header\"");
	for (char *later; is_last && (later = strstr(header + 1, "\"header\""));)
		header = later;
	header[1] = 'X';
	machine_write(m, path, text);
	go(m, "undo --all", 4);
	says(m, "1 record of ");
	if (streq(name, "journal")) /* the first one only ended it, and kept what was damaged */
		go(m, "undo --all", 4);
	is_pristine(m, is_last ? "the last line damaged" : "the first line damaged");
	go(m, "status", 0);
	machine_free(m);
}

/* The record of the VM alone: its settings are in force, and nobody has undone it. */
static void damaged_placement(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	go(m, "apply --vm db01 --isolation pinned", 0);
	AUTO_FREE char *text = ledger_of(m, "ledger");
	strstr(text, "\"placement\"")[1] = 'X';
	machine_write(m, "run/wideberth/ledger", text);
	go(m, "status", 1);
	says(m, "Nothing is applied, as far as can be read.");
	says(m, "settings are in force, and what is damaged told of which VM");
	ok(!strstr(m->output, "undone could not"), "nobody has undone anything");
	go(m, "--json status", 1);
	says(m, "{\"knob\":\"thread.affinity\",\"key\":\"3090\"}");
	go(m, "--json plan --vm db02 --isolation pinned", 1);
	says(m, "is damaged: what it says is kept");
	go(m, "undo --all", 4);
	is_pristine(m, "a damaged placement");
	machine_free(m);
}

/* Some of its records: the rest is undone, and what is lost stays on record until then. */
static void damaged_in_part(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	go(m, "apply --vm db01 --isolation pinned", 0);
	AUTO_FREE char *text = ledger_of(m, "ledger");
	char *last = strstr(text, "\"thread.affinity\"");
	last[1] = 'X';
	machine_write(m, "run/wideberth/ledger", text);
	go(m, "status", 1);
	says(m, "1 record of ");
	AUTO_FREE char *named = xasprintf("%s/run/wideberth/ledger is damaged", m->dir);
	says(m, named);
	go(m, "plan --vm db02 --isolation pinned", 1);
	says(m, "is damaged: what it says is kept");
	go(m, "apply --vm db02 --isolation pinned", 1);
	says(m, "is damaged: what it says is kept");
	AUTO_FREE char *after = ledger_of(m, "ledger");
	ok(strstr(after, "\"Xhread.affinity\""), "the damaged record itself is kept");
	go(m, "status", 1);
	says(m, "is damaged");
	go(m, "undo db02", 4);
	go(m, "status", 1);
	says(m, "is damaged");
	go(m, "undo --all", 4);
	says(m, "what it says was not put back");
	go(m, "status", 0);
	says(m, "Nothing is applied");
	machine_free(m);
}

/* ---- not to be known ---- */

static void no_boot_id(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	go(m, "apply --vm db01 --isolation pinned", 0);
	AUTO_FREE char *path = xasprintf("%s/proc/sys/kernel/random/boot_id", m->dir);
	AUTO_FREE char *id = xasprintf("%s\n", machine_read(m, "proc/sys/kernel/random/boot_id"));
	unlink(path);
	go(m, "status", 3);
	says(m, "cannot tell whether");
	go(m, "undo --all", 3);
	says(m, "boot_id");
	machine_write(m, "proc/sys/kernel/random/boot_id", id);
	go(m, "undo --all", 0);
	is_pristine(m, "with the boot id");
	machine_free(m);
}

int main(void)
{
	full();
	damaged_whole("ledger", "");
	damaged_whole("ledger", "what is this\n");
	damaged_whole("journal", "");
	damaged_whole("journal", "00000000 {}\n");
	for (int is_last = 0; is_last < 2; is_last++) {
		damaged_header("ledger", is_last);
		damaged_header("journal", is_last);
	}
	damaged_placement();
	damaged_in_part();
	no_boot_id();
	return tap_done();
}
