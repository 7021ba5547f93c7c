/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "view/measure.h"
#include "model/delta.h"
#include "measure/measure.h"
#include "measure/sample.h"
#include "measure/witness.h"
#include "report/report.h"

/* ---- counters ---- */

static void test_delta(void)
{
	struct arena a = { 0 };
	struct count_table c, later;
	/* CPU 1 is offline: it has no column. */
	same_int(count_table_parse(&a,
			 "           CPU0       CPU2\n"
			 " 24:          1          2  IO-APIC   5-edge      ACPI:Ged\n"
			 " 36:          0      44708 PCI-MSIX-0000:00:02.0   1-edge      eth0\n"
			 "LOC:      19419 4294967290   Local timer interrupts\n"
			 "ERR:          0\n",
			 &c),
		0, "interrupts");
	same_int(count_table_parse(&a,
			 "           CPU0       CPU1       CPU2\n"
			 " 24:          5         50          2  IO-APIC   5-edge      ACPI:Ged\n"
			 " 36:          7          0          9 PCI-MSIX-0000:00:02.0   1-edge     "
			 " eth9\n"
			 " 37:          0          0          3 PCI-MSIX-0000:00:02.0   2-edge     "
			 " new\n"
			 "LOC:      19519          5          4   Local timer interrupts\n"
			 "ERR:          1\n",
			 &later),
		0, "interrupts, later");
	struct count_table d = count_table_delta(&a, &c, &later);
	same_int(d.n_rows, 4, "rows without a count per CPU are left out");
	ok(d.rows[0].counts[0] == 4 && d.rows[0].counts[2] == 0, "it grew by 4 on CPU 0");
	same_int(d.rows[0].counts[1], 0, "a CPU that came online counts nothing");
	ok(d.rows[1].counts[0] == 7 && d.rows[1].counts[2] == 9, "another device: from 0");
	same_int(d.rows[2].counts[2], 3, "a new interrupt");
	ok(d.rows[3].counts[0] == 100 && d.rows[3].counts[2] == 10, "a counter that wrapped");
	same_int(counter_delta(1000, 4), 4, "a counter that was started anew");
	arena_done(&a);
}

/* ---- a window made by hand ---- */

static struct cpuset list(const char *text)
{
	struct cpuset s;
	if (cpuset_parse_list(text, &s) < 0)
		s = CPUSET_EMPTY;
	return s;
}

struct fixture {
	struct cpuset vcpu0_cpus, vcpu1_cpus, emulator_cpus;
	struct vm_thread threads[4], other_threads[1];
	struct vm vm[2];
	struct vms vms;
	struct thread_sample before_threads[4], after_threads[4];
	struct sample before, after;
	struct witness w;
	struct measure_options options;
};

static struct thread_sample thread_at(
	uint64_t run, uint64_t wait, uint64_t slept, uint64_t preempted)
{
	return (struct thread_sample){ .is_there = true,
		.has_schedstat = true,
		.has_switches = true,
		.is_runnable = true,
		.sched = { run, wait },
		.switches = { slept, preempted } };
}

static void add_seen(struct fixture *f, int pid, int tid, const char *comm, const char *cpus,
	unsigned int flags, uint64_t run_ns)
{
	struct seen_thread *t = array_push(&f->w.threads);
	t->pid = pid;
	t->tid = tid;
	t->flags = flags;
	t->first_run_ns = 500;
	t->run_ns = 500 + run_ns;
	t->n_ran = 3;
	t->cpus = arena_alloc(&f->w.arena, sizeof *t->cpus);
	*t->cpus = list(cpus);
	snprintf(t->comm, sizeof t->comm, "%s", comm);
}

static void fixture_counts(struct fixture *f)
{
	struct arena *a = &f->before.arena;
	ok(!count_table_parse(a,
		   "  CPU0 CPU1 CPU2\n 24: 10 10 10 x 0-edge eth0\nLOC: 100 100 100  timer\n",
		   &f->before.interrupts) &&
			!count_table_parse(a,
				"  CPU0 CPU1 CPU2\n 24: 10 15 99 x 0-edge eth0\n"
				"LOC: 350 400 999  timer\n",
				&f->after.interrupts) &&
			!count_table_parse(a, "  CPU0 CPU1 CPU2\nTIMER: 0 0 0\nRCU: 0 0 0\n",
				&f->before.softirqs) &&
			!count_table_parse(a, "  CPU0 CPU1 CPU2\nTIMER: 5 6 7\nRCU: 0 0 7\n",
				&f->after.softirqs) &&
			!cpu_times_parse(a,
				"cpu  0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0\n"
				"cpu1 0 0 0 0 0 0 0 0\ncpu2 0 0 0 0 0 0 0 0\n",
				&f->before.times) &&
			!cpu_times_parse(a,
				"cpu  190 0 0 90 0 10 0 10\ncpu0 100 0 0 0 0 0 0 0\n"
				"cpu1 80 0 0 10 0 10 0 0\ncpu2 10 0 0 80 0 0 0 10\n",
				&f->after.times),
		"the fixture's files");
}

/* db01: two vCPUs on CPUs 0-1, the emulator on 2, one thread that ends; a second VM, hogs. One
 * second passes. */
static void fixture_make(struct fixture *f)
{
	*f = (struct fixture){
		.vcpu0_cpus = list("0-1"), .vcpu1_cpus = list("1"), .emulator_cpus = list("2")
	};
	f->threads[0] = (struct vm_thread){
		.tid = 101, .index = 0, .comm = "CPU 0/KVM", .allowed = &f->vcpu0_cpus
	};
	f->threads[1] = (struct vm_thread){
		.tid = 102, .index = 1, .comm = "CPU 1/KVM", .allowed = &f->vcpu1_cpus
	};
	f->threads[2] = (struct vm_thread){ .tid = 100,
		.index = -1,
		.role = ROLE_EMULATOR,
		.comm = "qemu",
		.allowed = &f->emulator_cpus };
	f->threads[3] = (struct vm_thread){ .tid = 103,
		.index = -1,
		.role = ROLE_WORKER,
		.comm = "worker",
		.allowed = &f->emulator_cpus };
	f->other_threads[0] = (struct vm_thread){ .tid = 201, .comm = "CPU 0/KVM" };
	f->vm[0] = (struct vm){ .id = "db01", .pid = 100, .threads = f->threads, .n_threads = 4 };
	f->vm[1] =
		(struct vm){ .id = "web", .pid = 200, .threads = f->other_threads, .n_threads = 1 };
	f->vms = (struct vms){ .vms = f->vm, .n_vms = 2 };

	f->before_threads[0] = thread_at(1000, 5000, 7, 1);
	f->after_threads[0] = thread_at(1000 + 600000000, 5000 + 200000000, 9, 13);
	f->before_threads[0].has_migrations = f->after_threads[0].has_migrations = true;
	f->after_threads[0].migrations = 3;
	f->before_threads[1] = thread_at(0, 0, 5, 0);
	f->after_threads[1] = thread_at(300000000, 690000000, 5, 400);
	f->before_threads[2] = thread_at(0, 0, 0, 0);
	f->after_threads[2] = thread_at(50000000, 50000000, 3, 1);
	f->before_threads[3] = thread_at(0, 0, 0, 0);
	f->after_threads[1].last_cpu = 1;
	f->after_threads[2].last_cpu = 2;
	f->before.threads = f->before_threads;
	f->after.threads = f->after_threads;
	f->before.n_threads = f->after.n_threads = 4;
	f->before.clock_ns = 5000;
	f->after.clock_ns = 5000 + 1000000000;
	fixture_counts(f);
	f->w.n_looks = 21;
	add_seen(f, 5, 5, "kworker/1:2-events", "1", 0x00200000, 1000);
	add_seen(f, 6, 6, "ksoftirqd/1", "1", 0x00200000, 900);
	add_seen(f, 9, 9, "elsewhere", "2", 0, 9000000);
	add_seen(f, 100, 100, "qemu", "0-2", 0, 50000000);
	add_seen(f, 100, 101, "CPU 0/KVM", "0-1", 0, 600000000);
	add_seen(f, 200, 201, "CPU 0/KVM", "1-2", 0, 400000000);
	add_seen(f, 300, 300, "hog", "0", 0, 500000000);
}

static void fixture_done(struct fixture *f)
{
	arena_done(&f->before.arena);
	witness_done(&f->w);
}

static void is_near(struct maybe got, double want, const char *what)
{
	if (!ok(got.is_known && got.value > want - 1e-6 && got.value < want + 1e-6, "%s", what))
		printf("# got  %s%.9g\n# want %.9g\n", got.is_known ? "" : "unknown ", got.value,
			want);
}

static void check_foreign(const struct measured_vm *v)
{
	static const struct {
		const char *comm, *class, *owner, *cpus;
		uint64_t run_ns;
	} want[] = {
		{ "hog", "process", NULL, "0", 500000000 },
		{ "CPU 0/KVM", "vm", "web", "1", 400000000 },
		{ "qemu", "own-emulator", NULL, "0-1", 50000000 },
		{ "kworker/1:2-events", "kworker", "events", "1", 1000 },
		{ "ksoftirqd/1", "kthread", NULL, "1", 900 },
	};
	same_int(v->n_foreign, N_ELEMENTS(want), "others seen; not own vCPUs, not on CPU 2 only");
	for (size_t i = 0; i < N_ELEMENTS(want) && i < v->n_foreign; i++) {
		const struct foreign *f = &v->foreign[i];
		AUTO_FREE char *cpus = cpuset_format_list(&f->seen_cpus);
		same_str(f->comm, want[i].comm, "other %zu", i);
		same_str(f->class, want[i].class, "its class");
		same_str(f->owner, want[i].owner, "its owner");
		same_str(cpus, want[i].cpus, "its CPUs");
		same_int(f->run_ns, want[i].run_ns, "its run time");
	}
}

static void test_account(void)
{
	struct fixture f;
	fixture_make(&f);
	const struct vm *only = &f.vm[0];
	f.options = (struct measure_options){ &f.vms, &only, 1, 1000000000, NULL, NULL };
	AUTO_MEASURE struct measure *m = measure_account(&f.options, &f.before, &f.after, &f.w);
	const struct measured_vm *v = &m->vms[0];
	const struct measured_thread *t = v->threads;
	same_int(m->window_ns, 1000000000, "window");
	same_int(m->n_vms, 1, "one VM was selected");
	is_near(m->coverage, 0.99, "coverage: of vCPU 1, which never slept");
	is_near(m->host_steal, 10.0 / 300, "host steal");
	ok(!m->is_absolute, "more than 1 %%: not absolute");
	is_near(t[0].stolen, 0.25, "vCPU 0 stolen");
	is_near(t[1].stolen, 690.0 / 990, "vCPU 1 stolen");
	is_near(v->stolen, 890.0 / 1790, "VM stolen");
	same_int(v->worst_vcpu, 1, "worst vCPU");
	is_near(t[0].preemptions, 12, "preemptions");
	is_near(t[0].migrations, 3, "migrations");
	ok(!t[1].migrations.is_known, "absent is not zero");
	ok(cpuset_has(&t[1].seen_cpus, 1) && cpuset_count(&t[1].seen_cpus) == 1, "where it ran");
	is_near(t[2].stolen, 0.5, "the emulator waits too");
	ok(!t[3].was_there && !t[3].run_ns.is_known, "a thread that ended");
	ok(m->n_notes == 1 && strstr(m->notes[0], "window: 1 of its 4 threads"), "and its note");
	is_near(t[0].interrupts_per_cpu_s, (5 + 250 + 300) / 2.0, "interrupts/s on CPUs 0-1");
	is_near(t[1].interrupts_per_cpu_s, 5 + 300, "interrupts/s on CPU 1");
	is_near(v->device_interrupts_per_cpu_s, 2.5, "of devices");
	ok(v->interrupts.n == 2 && streq(v->interrupts.v[0].name, "LOC") &&
			v->interrupts.v[0].count == 550 && v->interrupts.v[1].count == 5,
		"interrupts by line, most first");
	ok(v->softirqs.n == 1 && v->softirqs.v[0].count == 11, "softirqs");
	/* CPUs 0-1 were busy for 1 s and 0.9 s; own vCPUs ran for 0.9 s; the emulator is on 2. */
	is_near(v->others_ns, 1000000000, "busy time that is not its own");
	ok(m->n_cpus == 2 && m->cpus[1].cpu == 1, "CPUs of the VM");
	is_near(m->cpus[1].irq_ns, 100000000, "irq time by ticks");
	check_foreign(v);
	fixture_done(&f);
}

/* An emulated host: three of four ticks never came. */
static void test_lost_ticks(void)
{
	struct fixture f;
	fixture_make(&f);
	for (size_t i = 0; i < f.after.times.n; i++)
		if (f.after.times.v[i].cpu == 0)
			f.after.times.v[i].user = 25;
	const struct vm *only = &f.vm[0];
	f.options = (struct measure_options){ &f.vms, &only, 1, 1000000000, NULL, NULL };
	AUTO_MEASURE struct measure *m = measure_account(&f.options, &f.before, &f.after, &f.w);
	ok(!m->vms[0].others_ns.is_known, "lost ticks: who else was busy is unknown, not 0");
	ok(!m->cpus[0].busy_ns.is_known, "and so is that CPU's time");
	is_near(m->cpus[1].busy_ns, 900000000, "the other CPU's is not");
	fixture_done(&f);
}

static void test_account_edges(void)
{
	struct fixture f;
	fixture_make(&f);
	f.options = (struct measure_options){ .vms = &f.vms, .window_ns = 1000000000 };
	/* vCPU 0 slept all the time; vCPU 1 waited all the time, and the wait has not ended. */
	f.after_threads[0] = f.before_threads[0];
	f.after_threads[0].switches.voluntary++;
	f.after_threads[1] = f.before_threads[1];
	/* The second VM's thread is gone at the end. */
	struct thread_sample before[5], after[5] = { 0 };
	memcpy(before, f.before_threads, sizeof f.before_threads);
	memcpy(after, f.after_threads, sizeof f.after_threads);
	before[4] = thread_at(0, 0, 0, 0);
	f.before.threads = before;
	f.after.threads = after;
	f.after.times = (struct cpu_times){ 0 };
	AUTO_MEASURE struct measure *m = measure_account(&f.options, &f.before, &f.after, &f.w);
	const struct measured_vm *v = &m->vms[0];
	same_int(m->n_vms, 1, "a VM that ended is left out");
	ok(!v->threads[0].stolen.is_known, "a vCPU that wanted nothing: unknown, not 0");
	is_near(v->threads[1].stolen, 1, "a wait that fills the window");
	same_int(v->worst_vcpu, 1, "is the worst");
	ok(!v->stolen.is_known, "no sum of nothing");
	is_near(m->coverage, 0, "and coverage tells");
	ok(!m->host_steal.is_known && !m->is_absolute, "no /proc/stat: not absolute");
	bool has_said = false, has_waited = false;
	for (size_t i = 0; i < m->n_notes; i++) {
		has_said |= strstr(m->notes[i], "VM web ended") != NULL;
		has_waited |= strstr(m->notes[i], "vCPU 1 never slept") != NULL;
	}
	ok(has_said && has_waited, "both are noted");
	json_t *j = measure_json(m);
	AUTO_FREE char *text = json_dumps(j, JSON_COMPACT);
	ok(text && strstr(text, "\"host_steal\":null") && !strstr(text, "nan"), "JSON has null");
	json_decref(j);
	fixture_done(&f);
}

/* ---- reports ---- */

static char *text_of(const struct report *r)
{
	char *text = NULL;
	size_t n;
	struct err e;
	struct text_style style = { .width = 100 };
	FILE *f = open_memstream(&text, &n);
	int ret = report_print_text(r, f, &style, &e);
	fclose(f);
	ok(ret == 0, "the report prints");
	return text;
}

static void print_commented(char *text)
{
	char *next = text;
	for (char *line; getenv("SHOW") && (line = str_next_line(&next));)
		printf("# %s\n", line);
}

static void test_reports(void)
{
	struct fixture f;
	fixture_make(&f);
	const struct vm *only = &f.vm[0];
	f.options = (struct measure_options){ &f.vms, &only, 1, 1000000000, NULL, NULL };
	AUTO_MEASURE struct measure *m = measure_account(&f.options, &f.before, &f.after, &f.w);
	AUTO_REPORT struct report *r = report_new("measure", false),
				  *c = report_new("compare", false);
	ok(measure_report(m, r) == 0, "the report of a measure");
	AUTO_FREE char *text = text_of(r);
	ok(str_after(text,
		   "db01: vCPUs waited 49.7 % of the time they wanted to run;"
		   " worst vCPU 1: 69.7 %."),
		"the verdict comes first");
	ok(strstr(text, "virtio") == NULL && strstr(text, "hog"), "others are named");
	print_commented(text);

	struct err e = { 0 };
	ok(compare_report(report_json(r), report_json(r), c, &e) == 0, "compared with itself");
	AUTO_FREE char *same = text_of(c);
	ok(strstr(same, "before 49.72 %: same. Worst vCPU: same."), "the verdict is: same");
	print_commented(same);
	fixture_done(&f);
}

int main(void)
{
	test_delta();
	test_account();
	test_lost_ticks();
	test_account_edges();
	test_reports();
	return tap_done();
}
