/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For bench/glance: glance ROOT N looks at a host N times as the daemon does in a sweep; glance / N
 * PID at this one, as if mask and group of each thread of PID and the CPUs of each interrupt were
 * settings: it only reads. Prints the settings, and for each glance its CPU time in µs, and of this
 * host that of reading the same by bare system calls.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "daemon/internal.h"
#include "cpu.h"
#include "host/host.h"
#include "plan/knobs.h"

static struct daemon d = { .settings = -1 };

/* As it is now. */
static void enter(const char *knob, const char *key)
{
	struct entry e = { .knob = knob_find(knob), .key = key };
	const struct target t = { .key = key };
	if (knob_read(d.h, e.knob, &t, &d.ledger->arena, &e.value) == 0)
		ledger_add_entry(d.ledger, &e);
}

static void enter_all(const char *pid)
{
	AUTO_NAMES struct host_names tids = { 0 }, irqs = { 0 };
	d.ledger = ledger_new();
	if (host_list(d.h, &tids, "proc/%s/task", pid) < 0 || host_list(d.h, &irqs, "proc/irq") < 0)
		return;
	for (size_t i = 0; i < tids.n; i++) {
		enter("thread.affinity", tids.v[i]);
		enter("thread.cgroup", tids.v[i]);
	}
	for (size_t i = 0; i < irqs.n; i++)
		enter("irq.affinity", irqs.v[i]);
}

/* A file as a glance would read it, or the thread's mask. */
static void read_bare(const struct entry *e)
{
	char path[64], text[4096];
	cpu_set_t set[8]; /* 8192 CPUs */
	bool is_irq = streq(e->knob->name, "irq.affinity");
	if (streq(e->knob->name, "thread.affinity")) {
		(void)!sched_getaffinity(atoi(e->key), sizeof set, set);
		return;
	}
	snprintf(path, sizeof path, is_irq ? "/proc/irq/%s/smp_affinity_list" : "/proc/%s/cgroup",
		e->key);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!read(fd, text, sizeof text);
}

static void measure(int n, bool is_bare)
{
	while (n-- > 0) {
		long start = cpu_us();
		glance(&d);
		long took = cpu_us() - start;
		start = cpu_us();
		if (is_bare)
			array_for_each (e, &d.ledger->entries)
				read_bare(e);
		printf("%ld %ld\n", took, cpu_us() - start);
	}
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	AUTO_HOST struct host *h = NULL;
	int n = 0;
	size_t n_told = 0;
	if (argc < 3 || str_to_int(argv[2], &n) < 0)
		return 2;
	int r = sd_event_new(&d.event);
	if (r >= 0)
		r = host_open(&h, argv[1], &e);
	d.h = h;
	if (r >= 0 && argc > 3)
		enter_all(argv[3]);
	else if (r >= 0)
		r = ledger_read(h, &d.ledger, &e);
	if (r < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	source_settings.follow(&d);
	array_for_each (is_told, &d.is_told)
		n_told += *is_told;
	printf("%zu settings, %zu of them told of\n", d.ledger->entries.n, n_told);
	measure(n, argc > 3);
	sd_event_unref(d.event);
	close(d.settings);
	free(d.is_told.v);
	free(d.setting_watches.v);
	ledger_freep(&d.ledger);
	return 0;
}
