/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a VM since it was placed: status says it in a word, and what to do; who changed a
 * setting is told from evidence only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

/* Runs a shell script in the machine's directory. */
static void sh(const struct machine *m, const char *script)
{
	AUTO_FREE char *command = xasprintf("cd '%s' && set -e\n%s", m->dir, script);
	if (system(command) != 0)
		exit(99);
}

static void says(const struct machine *m, const char *text, bool is_said)
{
	AUTO_FREE char *flat = xstrdup(m->output);
	char *to = flat;
	for (const char *p = m->output; *p; p++)
		if (!strchr(" \n", *p))
			*to++ = *p;
		else if (to > flat && to[-1] != ' ')
			*to++ = ' ';
	*to = 0;
	ok(!strstr(flat, text) != is_said, "... %s '%s'", is_said ? "says" : "does not say", text);
	if (!strstr(flat, text) == is_said)
		printf("# %s\n", m->output);
}

/* A thread like another of the VM, made since. */
#define THREAD(like, tid, name)                                                                    \
	"cp -r proc/3085/task/" like " proc/3085/task/" tid "\n"                                   \
	"sed -i 's/^" like " ([^)]*)/" tid " (" name ")/' proc/3085/task/" tid "/stat\n"           \
	"sed -i 's/^Pid:.*/Pid:\\t" tid "/' proc/3085/task/" tid "/status\n"

static void became(const char *script, const char *word)
{
	struct machine *m = machine_new(ROOT_6_12);
	same_int(machine_run(m, NULL, "apply --vm db01"), 0, "applied");
	same_int(machine_run(m, NULL, "status"), 0, "nothing became of it");
	says(m, "since; 'wideberth apply' again", false);
	sh(m, script);
	same_int(machine_run(m, NULL, "status"), 1, "status after: %s", word);
	says(m, word, true);
	says(m, "since; 'wideberth apply' again sees to it", true);
	machine_free(m);
}

/* Nobody is suspected without evidence. */
static void suspects(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	same_int(machine_run(m, NULL, "apply --vm db01 --isolation fenced"), 0, "applied");
	machine_write(m, "proc/irq/9/smp_affinity_list", "1\n");
	same_int(machine_run(m, NULL, "status"), 1,
		"an interrupt was moved; irqbalance runs, and was told");
	says(m, "unknown", true);
	says(m, "irqbalance:", false);
	machine_write(m, "run/irqbalance/banned", "\n");
	same_int(machine_run(m, NULL, "status"), 1, "... and was not told");
	says(m, "irqbalance: it runs, and is not told", true);
	machine_free(m);
}

/* What ended with its thread is not as applied. */
static void counts_what_is_there(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	same_int(machine_run(m, NULL, "apply --vm db01 --isolation pinned"), 0, "applied");
	same_int(machine_run(m, NULL, "status"), 0, "status");
	says(m, "All 11 settings are as applied.", true);
	sh(m, "rm -r proc/3085/task/3088");
	same_int(machine_run(m, NULL, "status"), 0, "an I/O thread has ended");
	says(m, "All 10 settings are as applied; 1 more was of what has ended.", true);
	machine_free(m);
}

/* Each of two faults has its own next step. */
static void tells_each_remedy(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	same_int(machine_run(m, NULL, "apply --vm db01"), 0, "applied");
	sh(m,
		"echo 0-23 >proc/irq/24/smp_affinity_list\n"
		"echo member >sys/fs/cgroup/qemu.slice/100.scope/vcpus/cpuset.cpus.partition");
	same_int(machine_run(m, NULL, "status"), 1, "an interrupt, and a partition");
	says(m, "2 may run on claimed CPUs; 'wideberth apply' again moves it; 'wideberth", true);
	says(m, "undo' and 'wideberth apply' make it anew", true);
	machine_free(m);
}

/* What it tells to type does that, whatever the VM is called. */
static void tells_what_to_type(void)
{
	static const char *const names[] = { "db01", "web server", "it's", "$(touch pwned)" };
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		struct machine *m = machine_new(ROOT_6_12);
		AUTO_FREE char *line =
			xasprintf("qemu-system-x86_64%c-name%cguest=%s,debug-threads=on", '\1',
				'\1', names[i]);
		machine_write(m, "line", line);
		sh(m, "tr '\\001' '\\000' <line >proc/3085/cmdline");
		machine_write(m, "p.conf", "[vm *]\nisolation = pinned\n");
		AUTO_FREE char *apply = xasprintf("apply --policy %s/p.conf", m->dir);
		same_int(machine_run(m, NULL, apply), 0, "applied for %s", names[i]);
		sh(m, "rm -r proc/3085");
		same_int(machine_run(m, NULL, "status"), 1, "it has ended");
		const char *typed = strstr(m->output, "wideberth undo ");
		AUTO_FREE char *script = xasprintf(
			"for word in %.*s; do printf %%s \"$word\" >word; done",
			typed ? (int)strcspn(typed + 15, "\n") : 0, typed ? typed + 15 : "");
		sh(m, script);
		same_str(machine_read(m, "word"), names[i], "what undo is to be told");
		machine_free(m);
	}
}

int main(void)
{
	became(THREAD("3090", "3999", "CPU 4\\/KVM"), "vCPU 4 was added (thread 3999)");
	became("mv sys/fs/cgroup/qemu.slice/100.scope was && cp -r was "
	       "sys/fs/cgroup/qemu.slice/100.scope",
		"its group qemu.slice/100.scope was made anew");
	became("rm -r proc/3085/task/3093", "vCPU 3 was taken away (thread 3093)");
	became("echo 0-12,14-23 >sys/devices/system/cpu/online", "CPU 13 of its own went offline");
	counts_what_is_there();
	suspects();
	tells_each_remedy();
	tells_what_to_type();
	return tap_done();
}
