/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What managers call when a VM starts and ends. Nothing here may hold up or fail a start that its
 * policy does not forbid: errors are told, the exit code is 0, and a clock ends it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/cmd.h"
#include "daemon/daemon.h"
#include "session/hook-script.h"
#include "session/hook.h"
#include "view/json.h"
#include "view/keys.h"

enum { PATIENCE_S = 2 }; /* that a manager waits for a step; for all of it a second more */

/* What a phase of a manager's means for us. */
enum task { TASK_NONE, TASK_GATE, TASK_STEP, TASK_STEP_AND_WAIT, TASK_FORGET_AND_STEP };

struct phase {
	const char *manager, *name, *sub; /* sub: libvirt's second word; NULL: any */
	enum task task;
};

/*
 * https://pve.proxmox.com/pve-docs/qm.1.html, "Hookscripts"; https://libvirt.org/hooks.html.
 * libvirt waits for its hook with the domain locked, so there nobody may wait for a step that asks
 * libvirt. After a restart of libvirtd "reconnect" ends a domain whose hook fails: not ours.
 */
static const struct phase phases[] = {
	{ "proxmox", "pre-start", NULL, TASK_GATE },
	{ "proxmox", "post-start", NULL, TASK_STEP_AND_WAIT },
	{ "proxmox", "pre-stop", NULL, TASK_NONE },
	{ "proxmox", "post-stop", NULL, TASK_STEP },
	{ "libvirt", "prepare", "begin", TASK_GATE },
	{ "libvirt", "started", "begin", TASK_STEP },
	{ "libvirt", "release", "end", TASK_FORGET_AND_STEP },
};

static enum task task_of(const char *manager, const char *name, const char *sub)
{
	for (size_t i = 0; i < N_ELEMENTS(phases); i++) {
		const struct phase *p = &phases[i];
		if (streq(p->manager, manager) && streq(p->name, name) &&
			(!p->sub || (sub && streq(p->sub, sub))))
			return p->task;
	}
	return TASK_NONE; /* "attach", or what comes with a later version */
}

/* Only what may be done in a signal handler. */
static void on_alarm(int signal)
{
	static const char text[] =
		"wideberth: hook: it took too long, and the start goes on without it\n";
	(void)signal;
	(void)!write(STDERR_FILENO, text, sizeof text - 1);
	_exit(EXIT_OK);
}

static int pass_gate(struct context *c, const struct vm_expectation *who, struct err *e)
{
	switch (hook_gate(c->h, who, e)) {
	case GATE_CLOSED:
		return EXIT_REPORT;
	case GATE_BROKEN:
		report_warning(c->report, "%s", e->text);
		*e = (struct err){ 0 };
		return EXIT_OK;
	default:
		return EXIT_OK;
	}
}

static int step(struct context *c, bool may_wait)
{
	struct err e = { 0 };
	int r = daemon_step_beside(c->h, may_wait ? PATIENCE_S * 1000 : 0, &e);
	if (r < 0)
		report_warning(c->report, "%s", e.text);
	return EXIT_OK;
}

static int do_task(
	struct context *c, enum task task, const struct vm_expectation *who, struct err *e)
{
	switch (task) {
	case TASK_GATE:
		return pass_gate(c, who, e);
	case TASK_FORGET_AND_STEP:
		if (hook_forget(c->h, c->args->rest.v[1]) < 0)
			report_warning(c->report, "what was prepared for %s stays in /run",
				c->args->rest.v[1]);
		return step(c, false);
	case TASK_STEP:
	case TASK_STEP_AND_WAIT:
		return step(c, task == TASK_STEP_AND_WAIT);
	default:
		return EXIT_OK;
	}
}

static int run_called(struct context *c, struct err *e)
{
	const char *const *words = c->args->rest.v;
	size_t n = c->args->rest.n;
	AUTO_STRBUF struct strbuf xml = { 0 };
	struct vm_expectation who = { 0 };
	enum task task = task_of(words[0], words[2], n > 3 ? words[3] : NULL);
	signal(SIGALRM, on_alarm);
	alarm(PATIENCE_S + 1);
	if (streq(words[0], "libvirt")) {
		if (task == TASK_GATE && strbuf_add_file(&xml, "/dev/stdin") < 0)
			strbuf_puts(&xml, "");
		who.xml = xml.s ? xml.s : "";
	} else if (str_to_int(words[1], &who.vmid) < 0 || who.vmid < 1) {
		err_say(e, -EINVAL, "'%s' is no VMID", words[1]);
		return EXIT_USAGE;
	}
	return do_task(c, task, &who, e);
}

/* A sentence for each script: what became of it. */
static void tell_done(struct context *c, char *sentences)
{
	json_t *rows = report_rows(c->report, "done");
	for (char *line; sentences && (line = str_next_line(&sentences));) {
		report_text(c->report, "%s", line);
		report_row(c->report, rows, text_json(line));
	}
}

static int install(struct context *c, bool is_removal, struct err *e)
{
	const char *const *words = c->args->rest.v;
	const struct hook_wish wish = { .manager = words[1],
		.vms = words + 2,
		.n_vms = c->args->rest.n - 2,
		.is_removal = is_removal };
	AUTO_STRBUF struct strbuf done = { 0 };
	enum outcome outcome = hook_script(c->h, &wish, &done, e);
	c->done = done.n ? "done" : NULL;
	tell_done(c, done.s);
	return exit_code_of(outcome);
}

static int misuse(struct err *e)
{
	err_say(e, -EINVAL,
		"hook wants proxmox VMID PHASE, libvirt NAME OPERATION SUB-OPERATION EXTRA, "
		"install proxmox VMID..., install libvirt, or remove with the same words");
	return EXIT_USAGE;
}

static int run(struct context *c, struct err *e)
{
	const char *const *words = c->args->rest.v;
	size_t n = c->args->rest.n;
	if (n < 2)
		return misuse(e);
	bool is_install = streq(words[0], "install"), is_removal = streq(words[0], "remove");
	if (is_install || is_removal)
		return install(c, is_removal, e);
	bool is_known = streq(words[0], "proxmox") || streq(words[0], "libvirt");
	return is_known && n >= 3 ? run_called(c, e) : misuse(e);
}

const struct command cmd_hook = {
	.name = "hook",
	.args = "proxmox VMID PHASE | libvirt NAME OPERATION... | install|remove proxmox VMID... | "
		"install|remove libvirt",
	.summary = "what Proxmox VE and libvirt call when a VM starts and ends",
	.help = "The daemon needs no hook. With one, 'strict = yes' of the policy holds: a VM that "
		"would not get what its policy asks does not start; compaction of memory is done "
		"before it starts; and Proxmox VE waits up to two seconds after a start, so that "
		"the VM has its CPUs when 'qm start' returns. With memory = strict a domain of "
		"libvirt has its memory of the nodes of its CPUs from its first page on. Whatever "
		"fails in a hook, a start "
		"goes on, and its exit code is 0, unless strict = yes forbids it. 'hook install' "
		"makes the manager call it, and calls a hook script that a VM has already; 'hook "
		"remove' puts that back.",
	.max_args = ARGS_ANY,
	.flags = CMD_CHANGES,
	.keys = hook_keys,
	.run = run,
};
