/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding VMs: roles of threads on fake machines, and a real QEMU. */
#include "vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "../machine/fake-proc.h"
#include "tap.h"
#include "vm/provider.h"

/* "12 vcpu 0 @0/0/0; 10 emulator; 14 iothread io0" */
static char *show_threads(const struct vm *vm)
{
	struct strbuf b = { 0 };
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		strbuf_printf(&b, "%s%d %s", i ? "; " : "", t->tid, thread_role_name(t->role));
		if (t->role == ROLE_VCPU)
			strbuf_printf(&b, " %d @%d/%d/%d", t->index, t->guest_socket, t->guest_core,
				t->guest_thread);
		if (t->id)
			strbuf_printf(&b, " %s", t->id);
	}
	return b.s;
}

/* "named,unnamed*" with an asterisk for each note */
static char *show_vms(const struct vms *v)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t i = 0; i < v->n_vms; i++) {
		strbuf_printf(&b, "%s%s", i ? " " : "", v->vms[i].id);
		for (size_t k = 0; k < v->vms[i].n_notes; k++)
			strbuf_puts(&b, "*");
	}
	return b.s;
}

static void put_machine(void)
{
	put_cgroup("", "");
	put_cgroup("vm.slice", "domain");
	put_cgroup("vm.slice/db.scope", "domain threaded");
	put_cgroup("vm.slice/db.scope/vcpus", "threaded");
	put_cgroup("vm.slice/lib.scope", "domain");
	put_cgroup("vm.slice/lib.scope/libvirt", "domain threaded");
	put_cgroup("vm.slice/lib.scope/libvirt/emulator", "threaded");
	put_cgroup("vm.slice/lib.scope/libvirt/vcpu0", "threaded");
	put_process(1, 0, 1, "/sbin/init", "", T({ 1, "systemd" }));
	put_process(100, 1, 900,
		Q "-name|db,debug-threads=on|-smp|4,sockets=1,cores=2,threads=2|-accel|kvm:tcg|"
		  "-object|iothread,id=io0|-object|iothread,id=iothread-virtio0|-uuid|AA-1|"
		  "-qmp|unix:/run/db.qmp,server=on,wait=off",
		"vm.slice/db.scope",
		T({ 100, "CPU 9/KVM" }, { 101, "call_rcu" }, { 102, "IO io0" },
			{ 103, "IO iothread-vir" }, { 104, "IO mon_iothread" },
			{ 110, "CPU 0/KVM", "vm.slice/db.scope/vcpus" },
			{ 111, "CPU 1/KVM", "vm.slice/db.scope/vcpus" },
			{ 112, "CPU 2/KVM", "vm.slice/db.scope/vcpus" },
			{ 113, "CPU 3/KVM", "vm.slice/db.scope/vcpus" }, { 114, "vhost-100" },
			{ 115, "vhost-100" }, { 116, "kvm-nx-lpage-re", "vm.slice/db.scope/vcpus" },
			{ 117, "worker" }, { 118, "vnc_worker" }, { 119, "iou-wrk-102" },
			{ 120, "qemu (x) CPU 1" }, { 121, "CPU x/KVM" }, { 122, "TC tc0" }));
	put_process(200, 1, 900, Q "-smp|2|-object|iothread,id=io0", "vm.slice",
		T({ 200, "qemu-system-x86" }, { 201, "qemu-system-x86" },
			{ 202, "qemu-system-x86" }));
	put_process(300, 1, 900, Q "-name|lib,debug-threads=on|-smp|2|-accel|tcg",
		"vm.slice/lib.scope",
		T({ 300, "qemu-system-x86", "vm.slice/lib.scope/libvirt/emulator" },
			{ 301, "ALL CPUs/TCG", "vm.slice/lib.scope/libvirt/vcpu0" }));
	put_kthread(40, "kvm-pit/100", "");
	put_kthread(41, "vhost-100", "");
	put_kthread(42, "kvm-nx-lpage-re", "vm.slice/lib.scope/libvirt/vcpu0");
	put_kthread(43, "kvm-nx-lpage-recovery-200", "");
	put_kthread(44, "kvm-pit/1", "");
	put_kthread(45, "kworker/0:1", "");
	put_process(46, 1, 900, "vhost-100|x", "", T({ 46, "vhost-100" }));
}

static void test_machine(void)
{
	put_machine();
	struct found f;
	if (!find_all(&f, root, NULL)) {
		found_done(&f);
		return;
	}
	AUTO_FREE char *all = show_vms(f.v);
	same_str(all, "200** db lib*", "three VMs, numbers first");
	const struct vm *db = vms_lookup(f.v, "d?"), *bare = vms_lookup(f.v, "200"),
			*lib = vms_lookup(f.v, "l*");
	if (!ok(db && bare && lib, "found by globs"))
		return;
	AUTO_FREE char *got = show_threads(db), *got_bare = show_threads(bare),
		       *got_lib = show_threads(lib);
	same_str(got,
		"110 vcpu 0 @0/0/0; 111 vcpu 1 @0/0/1; 112 vcpu 2 @0/1/0; "
		"113 vcpu 3 @0/1/1; 100 emulator; 102 iothread io0; 103 iothread iothread-virtio0; "
		"41 vhost; 114 vhost; 115 vhost; 101 worker; 104 worker; 117 worker; 118 worker; "
		"119 worker; 120 worker; 121 worker; 122 worker; 40 kvm; 116 kvm",
		"roles by name");
	same_str(got_bare, "200 emulator; 201 worker; 202 worker; 43 kvm", "roles without names");
	same_str(got_lib, "301 vcpu 0 @0/0/0; 300 emulator; 42 kvm", "one thread for all vCPUs");
	same_str(db->cgroup, "vm.slice/db.scope", "cgroup of a process with a threaded child");
	same_str(lib->cgroup, "vm.slice/lib.scope/libvirt", "cgroup above threaded ones");
	same_str(db->accel, "kvm", "accelerator as it came out");
	same_str(db->uuid, "AA-1", "uuid");
	same_str(db->manager, "qemu", "manager");
	same_int(db->n_vcpus, 4, "vCPUs by name");
	same_int(db->guest_threads, 2, "threads per guest core");
	same_int(bare->n_vcpus, 2, "vCPUs by -smp");
	same_int(lib->n_vcpus, 2, "vCPUs behind one thread");
	ok(strstr(bare->notes[0], "debug-threads=on") != NULL, "the note names the next step");
	ok(vm_matches(db, "aa-*") && vm_matches(db, "db") && !vm_matches(db, "x*"), "matches");
	ok(!vms_lookup(f.v, "nobody"), "lookup of nobody");
	same_str(db->threads[1].policy, "fifo", "its policy");
	ok(db->threads[1].priority == 3 && db->threads[1].nice == -5, "its priority, nice value");
	same_str(db->threads[1].cgroup, "vm.slice/db.scope/vcpus", "its cgroup");
	same_int(db->threads[1].cpu, 111 % 4, "where a thread ran last");
	ok(db->threads[1].allowed && cpuset_count(db->threads[1].allowed) == 4, "where it may run");
	found_done(&f);
}

/* VMs of one name, the parent of a -daemonize, a helper before its exec, a PID used again. */
static void test_doubles(void)
{
	static const char daemon[] = Q "-name|slow|-daemonize";
	put_process(400, 1, 10, Q "-name|twin", "", T({ 400, "q" }, { 401, "CPU 0/KVM" }));
	put_process(410, 1, 20, Q "-name|twin", "", T({ 410, "q" }, { 411, "CPU 0/KVM" }));
	put_process(412, 410, 21, Q "-name|twin", "", T({ 412, "q" }));
	put_process(420, 1, 30, daemon, "", T({ 420, "q" }, { 421, "call_rcu" }));
	put_process(
		430, 1, 31, daemon, "", T({ 430, "q" }, { 431, "call_rcu" }, { 432, "CPU 0/KVM" }));
	put_process(440, 1, 40, "kvm|list", "", T({ 440, "kvm" }));
	struct found f;
	if (find_all(&f, root, NULL)) {
		AUTO_FREE char *all = show_vms(f.v);
		same_str(all, "400* 410* slow", "twins go by pid, shadows are dropped");
		same_str(vms_lookup(f.v, "4*")->name, "twin", "they keep their names");
	}
	struct vms *later = NULL;
	put_process(410, 1, 99, Q "-name|new", "", T({ 410, "q" }));
	AUTO_FREE char *gone = xasprintf("%s/proc/430/task/430/stat", root);
	AUTO_FREE char *helper = xasprintf("%s/proc/412/cmdline", root);
	unlink(gone);
	unlink(helper);
	if (f.s &&
		ok(vms_find(f.h, f.s, &later, &(struct err){ 0 }) == 0,
			"find in a machine that changes")) {
		AUTO_FREE char *rest = show_vms(later);
		same_str(rest, "twin", "a PID used again and a VM that died are left out");
		vms_free(later);
	}
	found_done(&f);
}

#define QMP(id, text) "{\"return\":" text ",\"id\":\"" id "\"}\n"

/* A vCPU and an I/O thread that were plugged in between the snapshot and the question; one that
 * was gone again; another thread that looks like a vCPU. */
static void test_late(void)
{
	struct found f;
	AUTO_FREE char *dir = xasprintf("%s/recorded", root);
	put_process(800, 1, 9, Q "-name|late|-smp|1|-qmp|unix:/run/l,server=on", "",
		T({ 800, "q" }, { 801, "CPU 0/KVM" }, { 805, "CPU 5/KVM" }));
	if (!find_all(&f, root, dir))
		return;
	found_done(&f);
	edit_recording(dir, "qmp /run/l",
		QMP("cpus",
			"[{\"cpu-index\":0,\"thread-id\":801},{\"cpu-index\":1,\"thread-id\":"
			"802},{\"cpu-index\":2,\"thread-id\":804}]")
			QMP("iothreads", "[{\"id\":\"io9\",\"thread-id\":803}]"));
	edit_recording(dir, "file proc/800/task/802/stat",
		"802 (CPU 1/KVM) S 1 800 800 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 99");
	edit_recording(dir, "affinity 802", "2-3");
	edit_recording(dir, "file proc/800/task/803/stat",
		"803 (qemu-kvm) S 1 800 800 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 99");
	edit_recording(dir, "affinity 803", "0");
	if (!find_all(&f, dir, NULL))
		return;
	AUTO_FREE char *threads = show_threads(&f.v->vms[0]);
	same_str(threads,
		"801 vcpu 0 @0/0/0; 802 vcpu 1 @1/0/0; 800 emulator; 803 iothread io9; "
		"805 worker",
		"threads that came late have their roles");
	ok(strstr(f.v->vms[0].notes[0], "names 1 threads"), "one that went is noted");
	same_int(cpuset_count(f.v->vms[0].threads[1].allowed), 2, "where a late thread may run");
	found_done(&f);
}

enum { MANY = 200, THREADS = 50 };

static void test_many(void)
{
	struct snapshot s = { 0 };
	struct task *tasks = arena_alloc(&s.arena, MANY * THREADS * sizeof *tasks);
	for (int i = 0; i < MANY * THREADS; i++) {
		int n = i % THREADS, pid = 1000 + i - n;
		tasks[i] = (struct task){ .tid = 1000 + i,
			.pid = pid,
			.ppid = 1,
			.start = 7,
			.cgroup = -1,
			.comm = "worker" };
		if (n && n <= 32)
			tasks[i].comm = arena_printf(&s.arena, "CPU %d/KVM", n - 1);
		if (n)
			continue;
		AUTO_FREE char *line = xasprintf(Q "-name|vm%d|-smp|32", i / THREADS);
		put_process(pid, 1, 7, line, "", T({ pid, "qemu" }));
	}
	s.tasks = tasks;
	s.n_tasks = MANY * THREADS;
	AUTO_HOST struct host *h = NULL;
	struct vms *v = NULL;
	if (ok(host_open(&h, root, &(struct err){ 0 }) == 0, "many VMs: open")) {
		int r = vms_find(h, &s, &v, NULL);
		ok(r == 0 && v->n_vms == MANY && v->vms[MANY - 1].n_vcpus == 32, "many VMs: found");
		vms_free(v);
	}
	arena_done(&s.arena);
}

/* A real QEMU, asked through QMP, and again while its monitor is busy with somebody else. */
static pid_t start_qemu(const char *name, const char *socket, const char *accel, const char *io)
{
	AUTO_FREE char *qmp = xasprintf("unix:%s,server=on,wait=off", socket);
	AUTO_FREE char *named = xasprintf("guest=%s,debug-threads=on", name);
	AUTO_FREE char *object = xasprintf("iothread,id=%s", io);
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a test that dies */
	int null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 2);
	execlp("qemu-system-x86_64", "qemu-system-x86_64", "-accel", accel, "-S", "-display",
		"none", "-nodefaults", "-m", "16", "-name", named, "-smp",
		"4,sockets=1,cores=2,threads=2", "-object", object, "-qmp", qmp, (char *)NULL);
	_exit(127);
}

/* Whether it answers within 20 s; false when it ended, as it does where it is not installed. */
static bool wait_for_qemu(pid_t pid, const char *socket)
{
	for (int i = 0; i < 400 && waitpid(pid, NULL, WNOHANG) == 0; i++) {
		struct qmp_budget b = { .vm_ns = QMP_VM_NS, .all_ns = QMP_VM_NS };
		AUTO_FREE char *text = NULL;
		if (qmp_ask(&b, socket, &text) == 0)
			return true;
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	}
	return false;
}

/* The threads of a VM of the machine below 'dir' (NULL: this one), and its notes. */
static char *find_threads(const char *dir, const char *record, const char *name, char **ret_notes)
{
	struct found f;
	struct strbuf notes = { 0 };
	char *text = NULL;
	strbuf_puts(&notes, "");
	const struct vm *vm = find_all(&f, dir, record) ? vms_lookup(f.v, name) : NULL;
	if (vm) {
		text = show_threads(vm);
		for (size_t i = 0; i < vm->n_notes; i++)
			strbuf_printf(&notes, "%s\n", vm->notes[i]);
		same_int(vm->n_vcpus, 4, "real QEMU: vCPUs");
		same_int(vm->guest_threads, 2, "real QEMU: threads per guest core");
		same_str(vm->accel, "tcg", "real QEMU: accelerator");
	}
	found_done(&f);
	*ret_notes = notes.s;
	return text;
}

/* Threads of the pool come and go; they are last. */
static void drop_workers(char *threads)
{
	char *worker = threads ? strstr(threads, " worker") : NULL;
	if (!worker)
		return;
	*worker = 0;
	char *last = strrchr(threads, ';');
	if (last)
		*last = 0;
}

static int hold_monitor(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char greeting[8];
	ok(connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
			read(fd, greeting, sizeof greeting) > 0,
		"real QEMU: another client is served");
	return fd;
}

/* A monitor has 250 ms, which on a machine that others keep busy may be too little. */
static char *find_answered(const char *record, const char *name, char **ret_notes)
{
	for (int i = 0;; i++) {
		char *threads = find_threads(NULL, record, name, ret_notes);
		if (i == 20 || !strstr(*ret_notes, "thread names are used"))
			return threads;
		printf("# once more: %s", *ret_notes);
		free(threads);
		free(*ret_notes);
	}
}

static void test_real(const char *accel, const char *io)
{
	AUTO_FREE char *name = xasprintf("wideberth-test-%d", (int)getpid());
	AUTO_FREE char *path = xasprintf("%s/qmp", root), *notes = NULL, *busy = NULL;
	AUTO_FREE char *record = xasprintf("%s/recording", root), *again = NULL;
	pid_t pid = start_qemu(name, path, accel, io);
	if (wait_for_qemu(pid, path)) {
		bool is_single = str_has_suffix(accel, "single"), is_long = strlen(io) > 12;
		AUTO_FREE char *by_qmp = find_answered(record, name, &notes);
		int other = hold_monitor(path);
		AUTO_FREE char *by_name = find_threads(NULL, NULL, name, &busy);
		close(other);
		printf("# %s\n", by_qmp ? by_qmp : "not found");
		ok(by_qmp && strstr(by_qmp, "iothread i"), "real QEMU: QMP knows the I/O thread");
		AUTO_FREE char *replayed = find_threads(record, NULL, name, &again);
		same_str(replayed, by_qmp, "real QEMU: a recording gives the same threads");
		same_str(again, notes, "real QEMU: a recording gives the same notes");
		drop_workers(by_qmp);
		drop_workers(by_name);
		if (!is_long)
			same_str(by_name, by_qmp, "real QEMU: roles by name are those by QMP");
		ok(busy && strstr(busy, "another client"), "real QEMU: notes the busy monitor");
		same_int(notes && strstr(notes, "share one thread"), is_single,
			"real QEMU: notes that vCPUs share a thread");
	} else {
		ok(true, "real QEMU (skipped: it does not run here)");
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(path);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	void (*const on_a_root[])(void) = { test_machine, test_doubles, test_late, test_many };
	for (size_t i = 0; i < N_ELEMENTS(on_a_root); i++) {
		strcpy(root, "/tmp/wideberth-vm-XXXXXX");
		if (!mkdtemp(root))
			return 1;
		on_a_root[i]();
		clear_root();
	}
	strcpy(root, "/tmp/wideberth-vm-XXXXXX");
	if (!mkdtemp(root))
		return 1;
	test_real("tcg,thread=multi", "io0");
	test_real("tcg,thread=single", "io0");
	/* Too long for a thread's name before QEMU 10.2: only QMP knows it. */
	test_real("tcg,thread=multi", "iothread-virtioscsi1");
	clear_root();
	return tap_done();
}
