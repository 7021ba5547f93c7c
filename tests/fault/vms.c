/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two VMs on and off in every order: one that stays is whole all the time, and in the end the
 * machine is as it was. Doing a thing twice is doing it once. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static const char *const levels[] = { "isolated", "fenced", "pinned" };

/* Upper case is on, lower case is off; '+' both at once, '-' all off. */
static const char *const orders[] = { "ABab", "ABba", "BAab", "BAba", "AaBb", "+ab", "+ba", "AB-",
	"+-", "ABaAb-", "ABbBa-" };

struct pair {
	struct machine *m;
	const char *level[3]; /* by enum test_vm */
	bool is_on[3];
};

static int step(struct pair *p, char what)
{
	AUTO_FREE char *args = NULL;
	enum test_vm vm = what == 'A' || what == 'a' ? VM_DB01 : VM_DB02;
	bool is_on = what == 'A' || what == 'B' || what == '+',
	     is_both = what == '+' || what == '-';
	if (is_both)
		p->is_on[VM_DB01] = p->is_on[VM_DB02] = is_on;
	else
		p->is_on[vm] = is_on;
	if (what == '+')
		args = xasprintf("--json apply --vm db01 --isolation %s --vm db02 --isolation %s",
			p->level[VM_DB01], p->level[VM_DB02]);
	else if (what == '-')
		args = xstrdup("undo --all");
	else if (is_on)
		args = xasprintf("--json apply --vm db0%d --isolation %s", vm, p->level[vm]);
	else
		args = xasprintf("undo db0%d", vm);
	return machine_run(p->m, NULL, args);
}

/* A pinned VM keeps nobody off its CPUs, and a fenced one keeps the other off. */
static bool are_whole(struct pair *p)
{
	const char *why;
	bool is_right = true;
	for (enum test_vm vm = VM_DB01; vm <= VM_DB02; vm++) {
		if (!p->is_on[vm] || vm_is_whole(p->m, vm, p->level[vm], NULL, &why))
			continue;
		printf("# db0%d: %s\n", vm, why);
		is_right = false;
	}
	if (machine_run(p->m, NULL, "status") != 0) {
		printf("# status: %s\n", p->m->output);
		is_right = false;
	}
	return is_right;
}

static bool is_back(struct machine *m)
{
	const char *why;
	if (machine_is_pristine(m, &why))
		return true;
	printf("# not as it was:\n%s\n", why);
	return false;
}

static void play(struct machine *m, const char *a, const char *b, const char *order)
{
	struct pair p = { .m = m, .level = { NULL, a, b } };
	for (const char *what = order; *what; what++) {
		int code = step(&p, *what);
		bool is_right = code == 0;
		if (code)
			printf("# exit code %d: %s\n", code, m->output);
		if (p.is_on[VM_DB01] || p.is_on[VM_DB02])
			is_right &= are_whole(&p);
		else
			is_right &= is_back(m);
		ok(is_right, "I7: %s: db01 %s, db02 %s: %.*s", root_names[m->kind], a, b,
			(int)(what - order) + 1, order);
	}
	machine_reset(m);
}

static void play_all(enum root_kind kind)
{
	struct machine *m = machine_new(kind);
	bool is_main = kind == ROOT_6_12;
	const char *const best = kind == ROOT_6_1 ? "fenced" : "isolated";
	for (size_t k = 0; k < N_ELEMENTS(orders); k++) {
		play(m, best, best, orders[k]);
		for (size_t i = 0; is_main && i < 9 && k < 2; i++)
			if (i)
				play(m, levels[i / 3], levels[i % 3], orders[k]);
	}
	machine_free(m);
}

/* I3 and I6, at every level. */
static void once_is_twice(enum root_kind kind, const char *level)
{
	struct machine *m = machine_new(kind);
	AUTO_FREE char *args = xasprintf("apply --vm db01 --isolation %s", level);
	AUTO_FREE char *name = xasprintf("%s, %s", root_names[kind], level);
	const char *why;
	bool is_right = machine_run(m, NULL, args) == 0;
	ok(is_right && vm_is_whole(m, VM_DB01, level, NULL, &why), "%s: applied", name);
	struct image *once = image_take(m);
	is_right = machine_run(m, NULL, args) == 0;
	const char *differs = image_differs(m, once, false);
	ok(is_right && !differs, "I6: %s: twice is once", name);
	if (differs)
		printf("%s", differs);
	same_int(machine_run(m, NULL, "undo --all"), 0, "%s: undo", name);
	ok(is_back(m), "I3: %s: as it was", name);
	same_int(machine_run(m, NULL, "undo --all"), 0, "%s: undo again", name);
	ok(is_back(m), "I6: %s: still as it was", name);
	image_free(once);
	machine_free(m);
}

/* Wherever the VM's helpers go: the second time its threads are there. */
static void helpers_twice(const char *helpers, const char *level)
{
	struct machine *m = machine_new(ROOT_6_12);
	AUTO_FREE char *plan = xasprintf("plan --json --vm db01 --isolation %s %s", level, helpers);
	AUTO_FREE char *args = xasprintf("apply --vm db01 --isolation %s %s", level, helpers);
	same_int(machine_run(m, NULL, args), 0, "%s, %s", level, helpers);
	machine_run(m, NULL, plan);
	bool has_nothing = !strstr(m->output, "thread.affinity");
	ok(has_nothing, "I6: %s, %s: the second time no thread is to move", level, helpers);
	if (!has_nothing)
		printf("# %s\n", m->output);
	machine_run(m, NULL, "undo --all");
	ok(is_back(m), "%s, %s: as it was", level, helpers);
	machine_free(m);
}

/* From one level to another, and back in one go. */
static void change_level(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	static const char *const path[] = { "pinned", "isolated", "fenced", "isolated", "pinned",
		"fenced" };
	for (size_t i = 0; i < N_ELEMENTS(path); i++) {
		AUTO_FREE char *args = xasprintf("apply --vm db01 --isolation %s", path[i]);
		const char *why = "";
		int code = machine_run(m, NULL, args);
		bool is_right = code == 0 && vm_is_whole(m, VM_DB01, path[i], NULL, &why);
		ok(is_right && machine_run(m, NULL, "status") == 0, "to %s", path[i]);
		if (!is_right)
			printf("# exit code %d, %s\n# %s\n", code, why, m->output);
	}
	machine_run(m, NULL, "undo --all");
	ok(is_back(m), "undo after levels up and down");
	machine_free(m);
}

int main(void)
{
	for (int kind = 0; kind < N_ROOTS; kind++) {
		play_all((enum root_kind)kind);
		for (size_t i = 0; i < N_ELEMENTS(levels); i++)
			if (kind != ROOT_6_1 || i)
				once_is_twice((enum root_kind)kind, levels[i]);
	}
	static const char *const helpers[] = { "--emulator own", "--emulator own --iothreads own",
		"--spare 2 --emulator spare" };
	for (size_t i = 0; i < N_ELEMENTS(helpers); i++)
		for (size_t k = 0; k < N_ELEMENTS(levels); k++)
			helpers_twice(helpers[i], levels[k]);
	change_level();
	return tap_done();
}
