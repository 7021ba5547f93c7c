/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply --confirm: a deadline is a placement's own, whatever else is applied and undone meanwhile;
 * what is overdue goes back to what was confirmed last, and is told as it is. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static void set_clock(const struct machine *m, int seconds)
{
	AUTO_FREE char *text = xasprintf("%d000000000\n", seconds);
	machine_write(m, ".clock", text);
}

static struct machine *machine_at(int seconds)
{
	struct machine *m = machine_new(ROOT_6_12);
	set_clock(m, seconds);
	image_free(m->pristine);
	m->pristine = image_take(m);
	return m;
}

static bool says(const struct machine *m, const char *text)
{
	AUTO_FREE char *flat = xstrdup(m->output);
	for (char *p = flat; (p = strchr(p, '\n'));)
		*p = ' ';
	bool is_there = strstr(flat, text);
	if (!is_there)
		printf("# no '%s' in: %s\n", text, m->output);
	return is_there;
}

static void go(struct machine *m, const char *args, int code)
{
	int r = machine_run(m, NULL, args);
	same_int(r, code, "%s", args);
	if (r != code)
		printf("# %s\n", m->output);
}

static void is_as_it_was(struct machine *m, const char *name)
{
	const char *why;
	set_clock(m, 100);
	bool is_pristine = machine_is_pristine(m, &why);
	ok(is_pristine, "%s: and all is as it was in the end", name);
	if (!is_pristine)
		printf("%s", why);
}

/* The level of the VM in status --json; "" when nothing is applied. */
static bool is_applied(struct machine *m, const char *vm, const char *level)
{
	AUTO_FREE char *want = xasprintf("\"vm\":\"%s\",", vm);
	AUTO_FREE char *with = xasprintf("\"level\":\"%s\"", level);
	machine_run(m, NULL, "--json status");
	const char *at = strstr(m->output, want);
	return *level ? at && strstr(at, with) : !at;
}

/* Whatever others do, db01 waits on and goes back in time. */
static void others_do_not_confirm(void)
{
	static const char *const meanwhile[] = {
		"apply --vm db02 --isolation pinned",
		"undo db02",
		"apply --vm db01 --isolation fenced", /* without --confirm: no word that it may stay
						       */
		"confirm db02",
	};
	for (size_t i = 0; i < N_ELEMENTS(meanwhile); i++) {
		struct machine *m = machine_at(100);
		if (i == 1)
			go(m, "apply --vm db02 --isolation pinned", 0);
		go(m, "apply --vm db01 --isolation pinned --confirm 10", 0);
		set_clock(m, 103);
		go(m, meanwhile[i], i == 3 ? 3 : 0);
		machine_run(m, NULL, "status");
		ok(says(m, "db01 waits for 'wideberth confirm'"), "it waits on");
		set_clock(m, 111);
		go(m, "undo --unconfirmed", 0);
		ok(says(m, "db01 was not confirmed in time: it has been undone"), "said");
		ok(is_applied(m, "db01", ""), "... and done");
		go(m, "undo --all", 0);
		is_as_it_was(m, "undone");
		machine_free(m);
	}
}

/* What was kept before comes back, not nothing. */
static void back_to_what_was_kept(void)
{
	struct machine *m = machine_at(100);
	go(m, "apply --vm db01 --isolation pinned", 0);
	AUTO_FREE char *kept = xstrdup(machine_read(m, "proc/3085/task/3090/status"));
	go(m, "apply --vm db01 --isolation fenced --confirm 10", 0);
	ok(is_applied(m, "db01", "fenced"), "fenced for now");
	set_clock(m, 105);
	go(m, "apply --vm db01 --isolation isolated --confirm 20", 0);
	set_clock(m, 116);
	go(m, "undo --unconfirmed", 0);
	ok(is_applied(m, "db01", "isolated"), "the later wait counts");
	set_clock(m, 126);
	go(m, "undo --unconfirmed", 0);
	ok(says(m, "it is back to what was in force before"), "said");
	ok(is_applied(m, "db01", "pinned"), "pinned again: what was confirmed last");
	same_str(machine_read(m, "proc/3085/task/3090/status"), kept, "its thread too");
	go(m, "status", 0);
	go(m, "undo --all", 0);
	is_as_it_was(m, "undone");
	machine_free(m);
}

/* JSON has what text says, and each setting, whichever command ended it. */
static void told_in_json(void)
{
	static const char *const by[] = { "--json undo --unconfirmed", "--json undo db02",
		"--json apply --vm db02 --isolation pinned" };
	for (size_t i = 0; i < N_ELEMENTS(by); i++) {
		struct machine *m = machine_at(100);
		go(m, "apply --vm db02 --isolation pinned", 0);
		go(m, "apply --vm db01 --isolation pinned --confirm 10", 0);
		set_clock(m, 111);
		machine_run(m, NULL, by[i]);
		bool is_told = says(m, "{\"vm\":\"db01\",\"is_back\":false}") &&
			says(m,
				"{\"knob\":\"thread.affinity\",\"key\":\"3091\","
				"\"value\":\"2-3\"}") &&
			says(m, "\"gone\": []") && says(m, "\"failed\": []");
		ok(is_told, "%s: what was not confirmed, and its settings", by[i]);
		machine_free(m);
	}
}

/* How long there is still time; and that there is none. */
static void status_tells_time(void)
{
	struct machine *m = machine_at(100);
	go(m, "apply --vm db01 --isolation pinned --confirm 10", 0);
	set_clock(m, 104);
	go(m, "status", 0);
	ok(says(m, "db01 waits for 'wideberth confirm' for 6 s more, and else goes back"),
		"there is time");
	set_clock(m, 111);
	go(m, "status", 1);
	ok(says(m, "db01 was not confirmed in time: 'wideberth undo --unconfirmed' takes it"),
		"its time is up");
	go(m, "--json status", 1);
	ok(says(m, "\"overdue\": [\"db01\"]"), "... in JSON, too");
	machine_free(m);
}

/* Who waits is not who was named. */
static void another_waits(void)
{
	struct machine *m = machine_at(100);
	go(m, "apply --vm db02 --isolation pinned", 0);
	go(m, "apply --vm db01 --isolation pinned --confirm 10", 0);
	go(m, "undo --unconfirmed", 0);
	ok(says(m, "Nothing is overdue."), "there is time");
	go(m, "confirm db02", 3);
	ok(says(m, "nothing of these VMs waits to be confirmed; see wideberth status"),
		"another one waits");
	go(m, "confirm", 0);
	go(m, "confirm db01", 3);
	ok(!strstr(m->output, "status"), "nobody waits");
	go(m, "undo --all", 0);
	go(m, "undo --all", 0);
	ok(says(m, "There was nothing to undo."), "nothing is applied");
	is_as_it_was(m, "another one waits");
	machine_free(m);
}

/* What comes too late, or fails, does not hide that something was undone before it. */
static void told_before_a_failure(void)
{
	static const struct {
		const char *args, *why;
		int code;
	} by[] = {
		{ "confirm", "nothing waits to be confirmed", 3 },
		{ "undo nosuch", "nothing is applied for 'nosuch'", 3 },
		{ "apply --vm nosuch", "no running VM matches 'nosuch'", 3 },
		{ "apply --vm db02 --policy nowhere", "No such file", 2 },
	};
	for (size_t i = 0; i < N_ELEMENTS(by); i++) {
		struct machine *m = machine_at(100);
		go(m, "apply --vm db01 --isolation pinned --confirm 10", 0);
		set_clock(m, 111);
		go(m, by[i].args, by[i].code);
		ok(says(m, "db01 was not confirmed in time: it has been undone") &&
				says(m, by[i].why),
			"%s: both are told", by[i].args);
		is_as_it_was(m, by[i].args);
		machine_free(m);
	}
}

/* What could not be put back is told, and is no success. */
static void undone_in_part(void)
{
	static const char *const by[] = { "undo --unconfirmed",
		"apply --vm db02 --isolation pinned" };
	for (size_t i = 0; i < N_ELEMENTS(by); i++) {
		struct machine *m = machine_at(100);
		go(m, "apply --vm db01 --isolation pinned --confirm 10", 0);
		set_clock(m, 111);
		same_int(machine_run(m, "always:1:1", by[i]), 4, "%s: in part", by[i]);
		ok(says(m, "not restored: "), "... which part is told");
		go(m, "undo --all", 0);
		is_as_it_was(m, by[i]);
		machine_free(m);
	}
}

/* Ids are a list, not words: any name is undone. */
static void names(void)
{
	static const char *const odd[] = { "web server", "apply", "db02 db01",
		"\xc3\xa9t\xc3\xa9 1" };
	for (size_t i = 0; i < N_ELEMENTS(odd); i++) {
		struct machine *m = machine_at(100);
		AUTO_FREE char *name = xasprintf("[vm %s]\nisolation = pinned\n", odd[i]);
		AUTO_FREE char *policy = xasprintf("%s/p.conf", m->dir);
		AUTO_FREE char *args = xasprintf("apply --confirm 10 --policy %s", policy);
		go(m, "apply --vm db02 --isolation pinned", 0);
		machine_name_vm(m, DB01, odd[i]);
		machine_write(m, "p.conf", name);
		go(m, args, 0);
		set_clock(m, 111);
		go(m, "undo --unconfirmed", 0);
		ok(says(m, "was not confirmed in time: it has been undone"), "'%s': said", odd[i]);
		ok(is_applied(m, odd[i], "") && is_applied(m, "db02", "pinned"),
			"'%s': and done, to this VM alone", odd[i]);
		machine_free(m);
	}
}

static void confirmed(void)
{
	struct machine *m = machine_at(100);
	go(m, "apply --vm db01 --isolation pinned --vm db02 --isolation pinned --confirm 10", 0);
	go(m, "confirm db01", 0);
	ok(says(m, "Confirmed: db01."), "one of two");
	set_clock(m, 111);
	go(m, "undo --unconfirmed", 0);
	ok(is_applied(m, "db01", "pinned") && is_applied(m, "db02", ""), "the other goes back");
	go(m, "confirm", 3);
	go(m, "confirm nosuch", 3);
	ok(says(m, "nothing is applied for 'nosuch'"), "who is that?");
	go(m, "undo --unconfirmed", 0);
	ok(is_applied(m, "db01", "pinned"), "nothing is overdue");
	machine_free(m);
}

/* The next command that changes things undoes first what is overdue. */
static void next_command(void)
{
	struct machine *m = machine_at(100);
	go(m, "apply --vm db01 --isolation pinned --confirm 10", 0);
	set_clock(m, 111);
	go(m, "apply --vm db02 --isolation pinned", 0);
	ok(says(m, "db01 was not confirmed in time"), "by the next command");
	ok(is_applied(m, "db01", "") && is_applied(m, "db02", "pinned"), "... which is done");
	machine_free(m);
}

/* Two VMs of one name: a word that means both is refused by every command, which names both; an id
 * is nobody else's. */
static void two_of_one_name(void)
{
	static const char *const commands[] = { "undo db01", "status db01", "confirm db01",
		"plan --vm db01", "apply --vm db01", "measure db01" };
	struct machine *m = machine_at(100);
	machine_name_vm(m, DB02, "db01");
	AUTO_FREE char *apply = xasprintf("apply --confirm 10 --policy %s/p.conf", m->dir);
	machine_write(m, "p.conf", "[vm *]\nisolation = pinned\n");
	go(m, apply, 0);
	struct image *applied = image_take(m);
	for (size_t i = 0; i < N_ELEMENTS(commands); i++) {
		go(m, commands[i], 3);
		ok(says(m, "'db01' fits 2 VMs: 3085 (pid 3085") && says(m, "4085 (pid 4085"),
			"%s: names both", commands[i]);
		ok(!image_differs(m, applied, true), "... and does nothing");
	}
	go(m, "confirm 3085", 0);
	go(m, "undo 4085", 0);
	ok(is_applied(m, "3085", "pinned") && is_applied(m, "4085", ""), "by id: that one alone");
	go(m, "undo db0*", 0);
	ok(is_applied(m, "3085", ""), "a glob may mean many");
	image_free(applied);
	machine_free(m);
}

int main(void)
{
	others_do_not_confirm();
	back_to_what_was_kept();
	told_in_json();
	another_waits();
	status_tells_time();
	told_before_a_failure();
	undone_in_part();
	names();
	confirmed();
	next_command();
	two_of_one_name();
	return tap_done();
}
