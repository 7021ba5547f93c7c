/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a glance sees that nobody announces, and what it is not to see: a number is another one, or
 * not, and the same again when all is as it was. */
#include "daemon/internal.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "plan/knobs.h"
#include "../machine/fake-proc.h"

static struct daemon d;
static struct cpuset of_vm, elsewhere;

static void put_vcpu(const char *allowed, const char *group, unsigned int start)
{
	files_put_thread(root,
		&(struct made_thread){ .pid = 500,
			.tid = 501,
			.ppid = 1,
			.comm = "CPU 0/KVM",
			.start = start,
			.allowed = allowed,
			.n_cpus = 4,
			.group = group });
}

static void put_text(const char *path, const char *text)
{
	AUTO_FREE char *full = xasprintf("%s/%s", root, path);
	if (text)
		files_put(root, text, "%s", path);
	else
		unlink(full);
}

static void enter(const char *knob, const char *key, const char *id, struct value v,
	const struct cpuset *avoid)
{
	const struct entry e = {
		.knob = knob_find(knob), .key = key, .id = id, .value = v, .avoid = avoid
	};
	ledger_add_entry(d.ledger, &e);
}

static void make(void)
{
	const struct placement vm = { .vm = "100", .pid = 500, .cgroup = "qemu.slice/100.scope" };
	put_thread(500, 1, 9, FILES_USER, T({ .tid = 500, .comm = "qemu" }), vm.cgroup);
	put_vcpu("2", "qemu.slice/100.scope/vcpus", 9);
	put_text("proc/irq/24/smp_affinity_list", "0-1\n");
	put_text("etc/pve/wideberth/a.conf", "[vm 100]\n");
	put_text("sys/fs/cgroup/system.slice/a.service/cgroup.type", "domain\n");
	d.ledger = ledger_new();
	*array_push(&d.ledger->placements) = vm;
	enter("thread.affinity", "501", "9", value_cpus(&of_vm), NULL);
	enter("thread.cgroup", "501", "9", value_word("qemu.slice/100.scope/vcpus"), NULL);
	enter("irq.affinity", "24", NULL, value_cpus(&elsewhere), &of_vm);
}

/* Both numbers before anything happens. */
static struct seen {
	uint64_t settings, threads;
} before;

static void sees(bool settings, bool threads, const char *what)
{
	ok((glance(&d) != before.settings) == settings, "%s: %s", what,
		settings ? "is seen" : "is nothing to a glance at settings");
	ok((glance_at_threads(&d) != before.threads) == threads, "%s: %s", what,
		threads ? "is seen" : "is nothing to a glance at threads");
}

/* Files that are another text, and then what they were; NULL: they are not there. */
static const struct {
	const char *what, *path, *then, *was;
	bool settings, threads;
} rows[] = {
	{ "an interrupt comes to the VM", "proc/irq/24/smp_affinity_list", "1-2\n", "0-1\n", true,
		false },
	{ "an interrupt moves elsewhere", "proc/irq/24/smp_affinity_list", "0\n", "0-1\n", false,
		false },
	{ "the cluster's policy", "etc/pve/wideberth/a.conf", "[vm 101]\n", "[vm 100]\n", true,
		false },
	{ "a new policy of it", "etc/pve/wideberth/b.conf", "", NULL, true, false },
	{ "a guest", "etc/pve/qemu-server/102.conf", "", NULL, true, false },
	{ "irqbalance", "run/irqbalance/irqbalance77.sock", "", NULL, true, false },
	{ "a thread that stays", "proc/500/task/502/comm", "IO io0\n", NULL, false, true },
	{ "a thread of the pool", "proc/500/task/503/comm", "worker\n", NULL, false, false },
	{ "another process's", "proc/600/task/601/comm", "CPU 0/KVM\n", NULL, false, false },
};

static void same_again(const char *what)
{
	ok(glance(&d) == before.settings && glance_at_threads(&d) == before.threads,
		"%s: and all is as it was", what);
}

static void test_threads(void)
{
	put_vcpu("0-3", "qemu.slice/100.scope/vcpus", 9);
	sees(true, false, "a mask is another one");
	put_vcpu("2", "qemu.slice/100.scope", 9);
	sees(true, false, "a thread is in another group");
	put_vcpu("0-1", "qemu.slice/100.scope", 80);
	sees(true, false, "another thread has the number");
	put_vcpu("2", "qemu.slice/100.scope/vcpus", 9);
	same_again("a thread");
}

/* A group's file: the kernel tells of it, and a sweep does not read it. */
static void test_told(void)
{
	static const char file[] = "sys/fs/cgroup/qemu.slice/100.scope/vcpus/cpuset.cpus";
	static const char above[] = "sys/fs/cgroup/qemu.slice/100.scope/cgroup.subtree_control";
	struct pollfd told = { .events = POLLIN };
	char events[4096];
	put_text(file, "2\n");
	put_text(above, "cpuset\n");
	enter("cgroup.cpus", "qemu.slice/100.scope/vcpus", NULL, value_cpus(&of_vm), NULL);
	if (!ok(sd_event_new(&d.event) >= 0, "an event loop"))
		return;
	d.settings = -1;
	source_settings.follow(&d);
	uint64_t at_told = glance_at_told(&d);
	told.fd = d.settings;
	same_again("a group's file");
	ok(poll(&told, 1, 0) == 0, "nothing is told");
	put_text(file, "0-3\n");
	ok(poll(&told, 1, 0) == 1, "a group's file: is told");
	ok(glance_at_told(&d) != at_told, "... and seen then");
	same_again("... not by a sweep");
	ok(read(d.settings, events, sizeof events) > 0 && poll(&told, 1, 0) == 0, "... once");
	put_text(above, "\n");
	ok(poll(&told, 1, 0) == 1, "the controller is taken away above it: is told");
	put_text(rows[0].path, rows[0].then);
	sees(true, false, "an interrupt, which is told too");
	put_text(rows[0].path, rows[0].was);
	d.is_told.n = 0;
	sees(true, false, "a group's file that cannot be watched");
	sd_event_unref(d.event);
	close(d.settings);
	free(d.is_told.v);
	free(d.setting_watches.v);
}

int main(void)
{
	struct err e;
	of_vm = files_set("2");
	elsewhere = files_set("0-1");
	if (!mkdtemp(root) || host_open(&d.h, root, &e) < 0)
		return 1;
	make();
	before = (struct seen){ glance(&d), glance_at_threads(&d) };
	same_again("nothing happens");
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		put_text(rows[i].path, rows[i].then);
		sees(rows[i].settings, rows[i].threads, rows[i].what);
		put_text(rows[i].path, rows[i].was);
		same_again(rows[i].what);
	}
	test_threads();
	test_told();
	ledger_freep(&d.ledger);
	host_free(d.h);
	clear_root();
	return tap_done();
}
