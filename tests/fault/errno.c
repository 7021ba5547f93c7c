/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every change of apply fails in every way: either the VM has what was promised, and what could not
 * be moved is listed, or everything is as it was. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static const int errors[] = { EIO, EPERM, EINVAL, ENOSPC, EBUSY, EAGAIN, ENOENT, ESRCH, ENOMEM,
	EROFS };

struct scene {
	enum root_kind kind;
	const char *level;
	int step;
};

static const struct scene scenes[] = {
	{ ROOT_6_12, "isolated", 1 },
	{ ROOT_6_1, "fenced", 12 },
	{ ROOT_7, "isolated", 12 },
	{ ROOT_PLAIN, "isolated", 12 },
};

static bool complain(const char *what, const char *detail)
{
	printf("# %s\n# %s\n", what, detail);
	return false;
}

/* 3: nothing has changed. */
static bool is_refusal_honest(struct machine *m)
{
	const char *why;
	if (!strstr(m->output, "everything is as it was"))
		return complain("exit 3 does not say that everything is as it was", m->output);
	if (!machine_is_pristine(m, &why))
		return complain("exit 3, but it is not as it was", why);
	return true;
}

/* 0: all is there, but what is listed; and undo knows the way back. */
static bool is_success_honest(struct machine *m, const char *level, int error)
{
	const char *why;
	AUTO_FREE char *said = xstrdup(m->output);
	bool is_gone = error == ENOENT || error == ESRCH;
	if (!vm_is_whole(m, VM_DB01, level, said, &why))
		return complain("exit 0, but", why);
	if (machine_has(m, "run/wideberth/journal"))
		return complain("exit 0, but there is a journal", said);
	if ((is_gone || error == EIO) && machine_run(m, NULL, "status") != 0)
		return complain("exit 0, but status reports", m->output);
	if (error != EIO) {
		machine_reset(m);
		return true;
	}
	if (machine_run(m, NULL, "undo --all") != 0)
		return complain("undo fails", m->output);
	if (!machine_is_pristine(m, &why))
		return complain("not as it was after undo", why);
	return true;
}

/* 4, where a change keeps failing that has been made before: at least it is said. */
static bool is_residue_honest(struct machine *m, const char *how)
{
	bool is_right = streq(how, "always") && strstr(m->output, "\"failed\": [") &&
		!machine_has(m, "run/wideberth/journal");
	machine_reset(m);
	return is_right || complain("exit 4", m->output);
}

static void fail_at(struct machine *m, const struct scene *s, const char *how, int k, int error)
{
	char fault[40];
	AUTO_FREE char *args = xasprintf("--json apply --vm db01 --isolation %s", s->level);
	snprintf(fault, sizeof fault, "%s:%d:%d", how, k, error);
	int code = machine_run(m, fault, args);
	bool is_right = false;
	if (code == 3)
		is_right = is_refusal_honest(m);
	else if (code == 0)
		is_right = is_success_honest(m, s->level, error);
	else if (code == 4)
		is_right = is_residue_honest(m, how);
	else
		printf("# exit code %d: %s\n", code, m->output);
	ok(is_right, "I10: %s, %s, %s (%s)", root_names[s->kind], s->level, fault,
		strerrorname_np(error));
	if (!is_right)
		machine_reset(m);
}

static void play(const struct scene *s)
{
	struct machine *m = machine_new(s->kind);
	AUTO_FREE char *args = xasprintf("apply --vm db01 --isolation %s", s->level);
	int n = machine_count(m, args);
	machine_reset(m);
	ok(n > 20, "%s: %d changes", root_names[s->kind], n);
	for (int k = 1; k <= n; k += s->step) {
		for (size_t i = 0; i < N_ELEMENTS(errors); i++)
			fail_at(m, s, "errno", k, errors[i]);
		fail_at(m, s, "always", k, EIO);
		fail_at(m, s, "always", k, EINVAL);
	}
	machine_free(m);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < N_ELEMENTS(scenes); i++)
		if (argc < 2 || atoi(argv[1]) == (int)i)
			play(&scenes[i]);
	return tap_done();
}
