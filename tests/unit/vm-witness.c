/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of VMs without names and monitors: by the kernel's word, and by files of options.
 */
#include "base/str.h"
#include "../machine/fake-proc.h"
#include "tap.h"
#include "vm/readconfig.h"

static void put_file(const char *path, const char *text)
{
	put(text, strlen(text), "%s", path);
}

/* A VM of the kernel's: who made it, and "ID:TID" of its vCPUs. */
static void put_kvm(int maker, const char *vcpus)
{
	AUTO_FREE char *copy = xstrdup(vcpus);
	for (char *next = copy, *word; (word = str_next_word(&next));) {
		int id = 0, tid = 0;
		if (sscanf(word, "%d:%d", &id, &tid) != 2)
			abort();
		AUTO_FREE char *text = xasprintf("%d\n", tid);
		put(text, strlen(text), "sys/kernel/debug/kvm/%d-11/vcpu%d/pid", maker, id);
	}
	put("0\n", 2, "sys/kernel/debug/kvm/%d-11/exits", maker);
}

/* "2/1 kvm: 111=0 112=1": vCPUs by kernel or names and by -smp, accelerator, threads. */
static char *show(const struct found *f, int pid)
{
	struct strbuf b = { 0 };
	const struct vm *vm = NULL;
	for (size_t i = 0; f->v && i < f->v->n_vms; i++)
		if (f->v->vms[i].pid == pid)
			vm = &f->v->vms[i];
	strbuf_puts(&b, "");
	if (!vm)
		return b.s;
	strbuf_printf(&b, "%s %d/%d %llu %s:", vm->id, vm->n_vcpus, vm->config->vcpus,
		(unsigned long long)vm->config->memory_mib, vm->accel ? vm->accel : "?");
	for (size_t i = 0; i < vm->n_threads; i++)
		if (vm->threads[i].role == ROLE_VCPU)
			strbuf_printf(&b, " %d=%d", vm->threads[i].tid, vm->threads[i].index);
	for (size_t i = 0; i < vm->n_notes; i++)
		strbuf_printf(&b, "; %s", vm->notes[i]);
	return b.s;
}

static void is_known(const struct found *f, int pid, const char *want, const char *what)
{
	AUTO_FREE char *got = show(f, pid);
	same_str(got, want, "%s", what);
}

#define UNNAMED(pid)                                                                               \
	T({ pid, "q" }, { pid + 1, "q" }, { pid + 2, "q" }, { pid + 3, "q" }, { pid + 4, "q" })

static void put_kernels_vms(void)
{
	put_process(100, 1, 7, Q "-name|plain|-smp|2|-m|64", "", UNNAMED(100));
	put_kvm(100, "0:102 1:103");
	/* APIC ids have gaps where a level has no power of two */
	put_process(200, 1, 7, Q "-name|gaps|-smp|4|-m|64", "", UNNAMED(200));
	put_kvm(200, "10:204 0:203 1:201 8:202");
	/* under another name, its VM made by a thread */
	put_process(300, 1, 7, "/opt/x/hypervisor|-name|other|-smp|1|-m|64", "", UNNAMED(300));
	put_kvm(304, "0:301");
	/* no QEMU at all: its options are not QEMU's */
	put_process(400, 1, 7, "/usr/bin/fire|--api-sock|/x|-m|9", "", UNNAMED(400));
	put_kvm(400, "0:401 1:402");
	/* named, and one of them only says so */
	put_process(500, 1, 7, Q "-name|named|-smp|2|-m|64", "",
		T({ 500, "q" }, { 501, "CPU 1/KVM" }, { 502, "CPU 0/KVM" }, { 503, "CPU 2/KVM" }));
	put_kvm(500, "0:502 1:501");
	/* one has not run yet: its name is all there is */
	put_process(600, 1, 7, Q "-name|paused|-smp|2|-m|64", "",
		T({ 600, "q" }, { 601, "CPU 0/KVM" }, { 602, "CPU 1/KVM" }));
	put_kvm(600, "0:601 1:0");
	/* one was unplugged, and its thread's number is somebody else's */
	put_process(700, 1, 7, Q "-name|less|-smp|2|-m|64", "", UNNAMED(700));
	put_kvm(700, "0:701 1:1");
	/* what looks like one */
	put_kvm(1, "0:1");
	put_kvm(99999, "0:99999");
	put("", 0, "sys/kernel/debug/kvm/x-1/vcpu0/pid");
	put("5\n", 2, "sys/kernel/debug/kvm/100-11/vcpux/pid");
	/* by the names of its threads alone, and one that only has the options */
	put_process(800, 1, 7, "/opt/x/vmm|-name|byname|-smp|1|-m|64", "",
		T({ 800, "vmm" }, { 801, "CPU 0/KVM" }));
	put_process(
		810, 1, 7, "strace|qemu-system-x86_64|-name|no|-m|64", "", T({ 810, "strace" }));
	put_process(820, 1, 7, "/opt/kata/bin/qemu-lite-system-x86_64|-name|lite|-smp|1|-m|64", "",
		T({ 820, "q" }, { 821, "CPU 0/KVM" }));
}

static void test_kernel(void)
{
	struct found f;
	put_process(1, 0, 1, "/sbin/init", "", T({ 1, "systemd" }));
	put_kernels_vms();
	if (!find_all(&f, root, NULL))
		return;
	is_known(&f, 100, "plain 2/2 64 kvm: 102=0 103=1", "threads without names");
	is_known(&f, 200, "gaps 4/4 64 kvm: 203=0 201=1 202=2 204=3", "ids with gaps");
	is_known(&f, 300, "other 1/1 64 kvm: 301=0", "a program of another name");
	is_known(&f, 400, "400 2/0 0 kvm: 401=0 402=1", "a program that is no QEMU");
	is_known(&f, 500,
		"named 2/2 64 kvm: 502=0 501=1; 1 of its threads are called vCPUs, and the kernel "
		"says they are not",
		"names are confirmed, and not believed");
	is_known(&f, 600, "paused 2/2 64 kvm: 601=0 602=1", "a vCPU that has not run");
	is_known(&f, 700, "less 2/2 64 kvm: 701=0", "a thread that is gone");
	is_known(&f, 800, "byname 1/1 64 kvm: 801=0", "names and options of QEMU's");
	is_known(&f, 810, "", "options alone make none");
	is_known(&f, 820, "lite 1/1 64 kvm: 821=0", "a fork's name");
	is_known(&f, 1, "1 1/0 0 kvm: 1=0", "whoever it is");
	same_int(f.v->n_vms, 10, "and no others");
	found_done(&f);
}

/* ---- what people can do where nothing tells ---- */

static void test_advice(void)
{
	static const char kernel[] = ": as root, with debugfs mounted (mount -t debugfs none "
				     "/sys/kernel/debug), the kernel tells which they are";
	static const struct {
		int pid;
		const char *cmdline, *group, *who; /* who: NULL where its own options do */
	} starters[] = {
		{ 100, Q "-name|web|-smp|2", "system.slice/a.scope", NULL },
		{ 110, Q "-name|guest|-smp|2|-readconfig|/run/incus/web/qemu.conf",
			"system.slice/incus.service", "Incus" },
		{ 120,
			Q
			"-name|sandbox-1|-smp|2|-qmp|unix:/run/vc/vm/1/qmp.sock,server=on,wait=off",
			"kubepods.slice/pod1", "Kata Containers" },
		{ 130, Q "-name|default_vm|-smp|2", "kubepods.slice/pod2", "Kubernetes" },
		{ 140, Q "-name|guest=dom,debug-threads=off|-smp|2",
			"machine.slice/machine-qemu\\x2d1\\x2ddom.scope", "libvirt" },
	};
	struct found f;
	clear_root();
	mkdir(root, 0755);
	put_process(1, 0, 1, "/sbin/init", "", T({ 1, "systemd" }));
	put_cgroup("", "domain\n");
	for (size_t i = 0; i < N_ELEMENTS(starters); i++) {
		AUTO_FREE char *slice =
			xstrndup(starters[i].group, strcspn(starters[i].group, "/"));
		put_cgroup(slice, "domain\n");
		put_cgroup(starters[i].group, "domain\n");
		put_process(starters[i].pid, 1, 7, starters[i].cmdline, starters[i].group,
			UNNAMED(starters[i].pid));
	}
	if (!find_all(&f, root, NULL))
		return;
	for (size_t i = 0; i < N_ELEMENTS(starters); i++) {
		const struct vm *vm = NULL;
		for (size_t k = 0; k < f.v->n_vms; k++)
			if (f.v->vms[k].pid == starters[i].pid)
				vm = &f.v->vms[k];
		const char *how = vm && vm->how_to_tell ? vm->how_to_tell : "";
		AUTO_FREE char *want = starters[i].who
			? xasprintf("%s starts it%s", starters[i].who, kernel)
			: NULL;
		if (want)
			same_str(how, want, "%s: advice that fits", starters[i].who);
		else
			ok(str_after(how, "start the VM with -name web,debug-threads=on"),
				"by hand: options are one's own");
	}
	found_done(&f);
}

/* QEMU makes its vCPUs last: without a thread that may be one there is nothing to advise. */
static void test_starting(void)
{
	static const struct {
		const char *comm; /* of the only thread beside the first, which is "q" */
		bool is_starting;
	} cases[] = { { "call_rcu", true }, { "IO mon_iothread", true }, { "q", false },
		{ "CPU 0/KVM", false } };
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct found f;
		clear_root();
		mkdir(root, 0755);
		put_process(1, 0, 1, "/sbin/init", "", T({ 1, "systemd" }));
		put_process(100, 1, 7, Q "-name|web|-smp|2", "",
			T({ 100, "q" }, { 101, cases[i].comm }));
		if (!find_all(&f, root, NULL))
			return;
		const struct vm *vm = f.v->n_vms ? &f.v->vms[0] : NULL;
		bool is_named = streq(cases[i].comm, "CPU 0/KVM");
		ok(vm && vm->is_starting == cases[i].is_starting, "%s: starting or not",
			cases[i].comm);
		ok(vm && !vm->how_to_tell == (vm->is_starting || is_named),
			"... and advice only where it is of use");
		found_done(&f);
	}
}

/* ---- -readconfig ---- */

static const struct {
	const char *what, *text, *want; /* with '|' for NUL */
	size_t n_odd;
} files[] = {
	{ "nothing", "", "", 0 },
	{ "Incus",
		"# Machine\n[machine]\naccel = \"kvm\"\ntype = \"q35\"\n\n[smp-opts]\ncpus = "
		"\"4\"\n"
		"[memory]\nsize = \"1024M\"\n",
		"-machine|accel=kvm,type=q35|-smp|cpus=4|-m|size=1024M|", 0 },
	{ "an id", "[chardev \"monitor\"]\n  backend = \"socket\"\n",
		"-chardev|id=monitor,backend=socket|", 0 },
	{ "commas", "[drive]\nfile = \"a,b\"\n", "-drive|file=a,,b|", 0 },
	{ "no keys", "[device \"a\"]\n[mon]\n", "-device|id=a|-mon||", 0 },
	{ "blanks", " [mon] \n\tmode=\"control\"  \r\n", "-mon|mode=control|", 0 },
	{ "odd lines", "a = \"b\"\n[]\n[x\n[x \"y]\n[mon]\nkey\nkey = value\nkey = \"v\" x\n",
		"-mon||", 7 },
};

static void test_files(void)
{
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		AUTO_STRBUF struct strbuf b = { 0 };
		size_t n_odd = readconfig_add(&b, files[i].text);
		for (size_t k = 0; k < b.n; k++)
			if (!b.s[k])
				b.s[k] = '|';
		same_str(b.s ? b.s : "", files[i].want, "options: %s", files[i].what);
		same_int((int)n_odd, (int)files[i].n_odd, "... odd lines");
	}
}

static void put_status(int pid, int uid)
{
	AUTO_FREE char *text = xasprintf("Name:\tq\nUid:\t%d\t%d\t%d\t%d\n", uid, uid, uid, uid);
	put(text, strlen(text), "proc/%d/status", pid);
}

static void put_readers(void)
{
	AUTO_FREE char *fifo = xasprintf("%s/run/fifo", root);
	AUTO_FREE char *closed = xasprintf("%s/run/closed.conf", root);
	AUTO_FREE char *large = xcalloc(200 * 1024, 1);
	put_file("run/v.conf",
		"[machine]\naccel = \"kvm\"\n[smp-opts]\ncpus = \"2\"\n"
		"[memory]\nsize = \"96M\"\n[name]\nguest = \"inside\"\n");
	put_process(100, 1, 7, Q "-readconfig|/run/v.conf", "", UNNAMED(100));
	put_process(110, 1, 7, Q "-smp|8|-readconfig|/run/v.conf|-m|64", "", UNNAMED(110));
	put_process(200, 1, 7, Q "-name|gone|-readconfig|/run/gone.conf", "", UNNAMED(200));
	put_process(210, 1, 7, Q "-name|half|-smp|3|-accel|tcg|-readconfig|/run/gone.conf", "",
		UNNAMED(210));
	put_process(300, 1, 7, Q "-name|fifo|-readconfig|/run/fifo", "", UNNAMED(300));
	ok(mkfifo(fifo, 0666) == 0, "a FIFO");
	put_process(400, 1, 7, Q "-name|dir|-readconfig|/run", "", UNNAMED(400));
	put_process(500, 1, 7, Q "-name|closed|-readconfig|/run/closed.conf", "", UNNAMED(500));
	put_file("run/closed.conf", "[memory]\nsize = \"96M\"\n");
	ok(chmod(closed, 0600) == 0, "a file that users may not read");
	if (geteuid() == 0)
		ok(chown(closed, 7, 7) == 0, "... of one of them");
	put_status(500, 1000);
	put(large, 200 * 1024, "run/large.conf");
	put_process(600, 1, 7, Q "-name|large|-readconfig|/run/large.conf", "", UNNAMED(600));
	put_process(700, 1, 7,
		Q "-name|pve|-smp|1|-readconfig|/usr/share/qemu-server/pve-q35-4.0.cfg", "",
		UNNAMED(700));
}

#define UNKNOWN(name, why, path)                                                                   \
	name " 0/0 0 ?:; -readconfig " path " cannot be read (" why "): what it says is unknown; " \
	     "cannot tell"

static void test_readers(void)
{
	static const struct {
		int pid;
		const char *want; /* the beginning */
	} rows[] = {
		{ 100, "100 2/2 96 kvm:" },
		{ 110, "110 2/2 64 kvm:" }, /* in order: the last wins; both are "inside" */
		{ 200, UNKNOWN("gone", "No such file or directory", "/run/gone.conf") },
		{ 210, "half 3/3 0 tcg:;" },
		{ 300, UNKNOWN("fifo", "Wrong medium type", "/run/fifo") },
		{ 400, UNKNOWN("dir", "Wrong medium type", "/run") },
		{ 500, UNKNOWN("closed", "Permission denied", "/run/closed.conf") },
		{ 600, UNKNOWN("large", "File too large", "/run/large.conf") },
		{ 700, "pve 1/1 128 tcg:; cannot tell" },
	};
	struct found f;
	put_readers();
	if (!find_all(&f, root, NULL))
		return;
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FREE char *got = show(&f, rows[i].pid);
		bool is_skipped = rows[i].pid == 500 && geteuid() != 0;
		const char *want = rows[i].want;
		if (!ok(is_skipped || str_after(got, want), "options of %d", rows[i].pid))
			printf("# got '%s', not '%s'\n", got, want);
	}
	found_done(&f);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root))
		return 1;
	test_kernel();
	test_advice();
	test_starting();
	clear_root();
	mkdir(root, 0755);
	test_files();
	test_readers();
	clear_root();
	return tap_done();
}
