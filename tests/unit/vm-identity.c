/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who VMs are: what managers prove, what users claim, and what a word means. */
#include <errno.h>
#include <time.h>

#include "base/str.h"
#include "../machine/fake-proc.h"
#include "tap.h"
#include "vm/lookup.h"

#define SESSION "user.slice/user-1000.slice/session-7.scope"
#define UUID    "11111111-2222-3333-4444-555555555555"
#define MARK    "|-chardev|socket,id=charmonitor,fd=24,server=on|-mon|chardev=charmonitor,mode=control"

/* uids: what stands behind "Uid:", or NULL for a status file without it. */
static void put_vm(int pid, const char *uids, const char *line, const char *cgroup)
{
	put_process(pid, 1, pid, line, cgroup, T({ pid, "q" }, { pid + 1, "CPU 0/KVM" }));
	AUTO_FREE char *status = uids ? xasprintf("Name:\tq\nUid:\t%s\n", uids) : xstrdup("");
	put(status, strlen(status), "proc/%d/status", pid);
}

static void put_file(const char *path, const char *text)
{
	put(text, strlen(text), "%s", path);
}

static void put_group(const char *path)
{
	AUTO_FREE char *part = xstrdup(path);
	for (char *p = part; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		put_cgroup(part, "domain");
	}
	put_cgroup(path, "domain");
}

static const struct vm *of_pid(const struct found *f, int pid)
{
	for (size_t i = 0; f->v && i < f->v->n_vms; i++)
		if (f->v->vms[i].pid == pid)
			return &f->v->vms[i];
	return NULL;
}

/* "100 proxmox!": id, manager, and whether it is proven */
static void is_known_as(const struct found *f, int pid, const char *want, const char *what)
{
	const struct vm *vm = of_pid(f, pid);
	AUTO_FREE char *got = vm
		? xasprintf("%s %s%s", vm->id, vm->manager, vm->is_managed ? "!" : "")
		: xstrdup("nobody");
	same_str(got, want, "%s", what);
}

/* A host where a user runs a second of everything. */
static void put_pretenders(void)
{
	put_cgroup("", "");
	put_group("qemu.slice/100.scope");
	put_group(SESSION);
	put_group("machine.slice/machine-qemu\\x2d1\\x2dpay.scope/libvirt/emulator");
	put_group("lxc.payload.7/machine.slice/machine-qemu\\x2d1\\x2dpay.scope");
	put_file("etc/passwd",
		"root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n");
	/* a guest of Proxmox VE, and its number as somebody's name */
	put_vm(5000, "0\t0\t0\t0",
		"/usr/bin/kvm|-id|100|-name|web|-pidfile|/run/qemu-server/100.pid",
		"qemu.slice/100.scope");
	put_file("run/qemu-server/100.pid", "5000\n");
	put_file("etc/pve/qemu-server/100.conf", "name: web\n");
	put_vm(9000, "1000\t1000\t1000\t1000", Q "-name|100", SESSION);
	put_vm(9010, "1000\t1000\t1000\t1000", Q "-name|web", SESSION);
	/* a pid file that was left, and its pid now a user's who knows how to look */
	put_file("run/qemu-server/101.pid", "9020\n");
	put_vm(9020, "1000\t1000\t1000\t1000",
		"/usr/bin/kvm|-id|101|-name|db|-pidfile|/run/qemu-server/101.pid", SESSION);
	/* a domain of libvirt's, and its UUID, name and mark elsewhere */
	put_vm(6000, "64055\t64055\t64055\t64055", Q "-name|guest=pay|-uuid|" UUID MARK,
		"machine.slice/machine-qemu\\x2d1\\x2dpay.scope/libvirt/emulator");
	put_vm(9030, "1000\t1000\t1000\t1000", Q "-name|guest=pay|-uuid|" UUID MARK, SESSION);
	put_vm(9040, "0\t0\t0\t0", Q "-name|guest=copy" MARK, "");
	put_vm(9050, "1000\t1000\t1000\t1000", Q "-name|guest=pay" MARK,
		"lxc.payload.7/machine.slice/machine-qemu\\x2d1\\x2dpay.scope");
	/* two of nobody's */
	put_vm(7000, "0\t0\t0\t0", Q "-name|db01", "");
	put_vm(9060, NULL, Q "-name|db01", SESSION);
	put_vm(9070, "0\t0\t0\t0\nNSpid:\t9070\t12", Q "-name|inside", "");
	put_vm(9080, "1234\t1234\t1234\t1234", Q "-name|7000", "");
}

static void test_proof(const struct found *f)
{
	is_known_as(f, 5000, "100 proxmox!", "a guest keeps its number");
	is_known_as(f, 9000, "9000 qemu", "... and who is called so goes by the pid");
	is_known_as(f, 9010, "9010 qemu", "... who is called as it, too");
	is_known_as(f, 9020, "db qemu", "a pid that was used again is no guest");
	is_known_as(f, 6000, "pay libvirt!", "a domain keeps its name");
	is_known_as(f, 9030, "9030 qemu", "... whoever has its UUID");
	is_known_as(f, 9040, "copy qemu", "a copied mark makes nobody libvirt's");
	is_known_as(f, 9050, "9050 qemu", "... nor does a group in a container");
	is_known_as(
		f, 7000, "pid:7000 qemu", "of two alike each goes by its pid, which is its own");
	is_known_as(f, 9060, "9060 qemu", "... the other too");
	is_known_as(f, 9080, "7000 qemu", "a name that is a pid");
	same_str(of_pid(f, 9000)->user, "alice", "the user's name");
	same_str(of_pid(f, 9060)->user, "alice", "... by the session where no file says");
	same_str(of_pid(f, 9080)->user, "1234", "... the number where it has none");
	ok(of_pid(f, 9070)->is_in_container && !of_pid(f, 7000)->is_in_container, "a container");
}

static void test_owner(const struct found *f)
{
	const struct vm *roots = of_pid(f, 7000), *alice = of_pid(f, 9000);
	ok(vm_is_of(roots, NULL) && !vm_is_of(alice, NULL), "a policy means root's");
	ok(vm_is_of(alice, "alice") && vm_is_of(alice, "1000"), "... or whose it says");
	ok(!vm_is_of(roots, "alice") && !vm_is_of(alice, "bob"), "... and no others'");
	ok(vm_is_of(of_pid(f, 6000), NULL), "a manager's whoever runs it");
	ok(!vm_is_of(of_pid(f, 9070), NULL) && vm_is_of(of_pid(f, 9070), "root"),
		"a container's where it says so");
	struct vm unknown = { .uid = -1 };
	ok(vm_is_of(&unknown, NULL) && vm_is_of(&unknown, "alice"), "where nobody knows");
}

/* The pids that a word means, or the error. */
static void means(const struct found *f, const char *word, const char *want)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	bool is_meant[32] = { false };
	struct err e = { 0 };
	strbuf_puts(&b, "");
	int n = vms_select(f->v, word, is_meant, &e);
	for (size_t i = 0; n > 0 && i < f->v->n_vms; i++)
		if (is_meant[i])
			strbuf_printf(&b, "%s%d", b.n ? " " : "", f->v->vms[i].pid);
	ok(n >= 0 || n == -ENOTUNIQ, "an outcome");
	same_str(n < 0 ? e.text : b.s, want, "%s", word);
}

static void test_words(const struct found *f)
{
	means(f, "100", "5000");
	means(f, "web", "5000");
	means(f, "pay", "6000");
	means(f, UUID, "6000");
	means(f, "9000", "9000");
	means(f, "db01",
		"'db01' fits 2 VMs: 9060 (pid 9060, user alice) and pid:7000 (pid 7000, "
		"user root); name one by its id");
	means(f, "pid:7000", "7000");
	means(f, "7000", "9080");
	means(f, "db*", "9060 9020 7000");
	means(f, "nobody", "");
	means(f, "nob*", "");
}

/* What is in force is looked up by the same rule. */
static void test_lookup(void)
{
	static const struct vm_ident all[] = {
		{ "win10 [gaming]", "win10 [gaming]", NULL, 1, "root", false },
		{ "win10 g", "win10 g", "AB-cd", 2, NULL, false },
		{ "3", "twin", NULL, 3, NULL, false },
		{ "4", "twin", NULL, 4, NULL, false },
		{ "5", "win10 [x", NULL, 5, NULL, false },
	};
	size_t found[N_ELEMENTS(all)];
	struct err e = { 0 };
	same_int(vm_lookup(all, N_ELEMENTS(all), "win10 [gaming]", found, &e), 1, "a bracket");
	same_int((int)found[0], 0, "... means the VM of that name");
	same_int(vm_lookup(all, N_ELEMENTS(all), "win10 [x", found, &e), 1, "half a bracket");
	same_int(vm_lookup(all, N_ELEMENTS(all), "win10 [fg]", found, &e), 1, "a glob");
	same_int((int)found[0], 1, "... where nobody is called so");
	same_int(vm_lookup(all, N_ELEMENTS(all), "aB-Cd", found, &e), 1, "a UUID in any case");
	same_int(vm_lookup(all, N_ELEMENTS(all), "*", found, &e), 5, "all");
	same_int(vm_lookup(all, N_ELEMENTS(all), "twin", found, &e), -ENOTUNIQ, "twins");
	same_str(e.text, "'twin' fits 2 VMs: 3 (pid 3) and 4 (pid 4); name one by its id",
		"... are told apart");
	same_int(vm_lookup(all, 0, "twin", found, &e), 0, "among none");
}

enum { MANY = 4000 };

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A recording of MANY processes of one name, and their tasks. */
static struct host *record_many(struct snapshot *s)
{
	AUTO_FREE char *path = xasprintf("%s/recording", root);
	AUTO_FILE FILE *f = fopen(path, "we");
	struct host *h = NULL;
	s->tasks = arena_alloc(&s->arena, MANY * sizeof *s->tasks);
	s->n_tasks = MANY;
	fprintf(f, "wideberth recording 1\n");
	for (int i = 0; i < MANY; i++) {
		int pid = 10 + i;
		s->tasks[i] = (struct task){ .tid = pid, .pid = pid, .start = 7, .cgroup = -1 };
		s->tasks[i].comm = "q";
		fprintf(f,
			"file proc/%d/cmdline\n\tqemu-system-x86_64\\x00-name\\x00db01\\x00-uuid"
			"\\x00AA\\x00\n~\nfile proc/%d/task/%d/stat\n"
			"\t%d (q) S 1 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0\n",
			pid, pid, pid, pid);
	}
	fflush(f);
	return host_open(&h, path, &(struct err){ 0 }) == 0 ? h : NULL;
}

/* So many of one name that what is done for each pair of them would be seen. */
static void test_many(void)
{
	struct snapshot s = { 0 };
	struct host *h = record_many(&s);
	AUTO_VMS struct vms *v = NULL;
	bool is_meant[MANY] = { false };
	struct err e = { 0 };
	uint64_t before = now_us();
	if (!ok(h && vms_find(h, &s, &v, &e) == 0, "thousands of one name"))
		return;
	uint64_t spent = now_us() - before;
	ok(v->n_vms == MANY && spent < 1000000, "%zu in %d ms", v->n_vms, (int)(spent / 1000));
	same_str(v->vms[MANY - 1].id, "4009", "... each by its pid");
	same_int(vms_select(v, "db01", is_meant, &e), -ENOTUNIQ, "... fit it");
	ok(strstr(e.text, "and 3996 more;") != NULL, "... and some are named");
	same_int(vms_select(v, "db0*", is_meant, &e), MANY, "... a glob means them all");
	host_free(h);
	arena_done(&s.arena);
}

/* What the kernel lets a user have, and no VM has. */
static void test_long(void)
{
	enum { LONG = 6 * 1024 * 1024 };
	AUTO_FREE char *line = xcalloc(LONG, 1);
	struct found f;
	size_t n = 0;
	put_vm(500, "0\t0", "x", "");
	for (const char *word = Q; n + 64 < LONG;
		word = "-netdev|tap,id=n|-device|virtio-net,netdev=n|")
		n += cmdline_of(word, line + n, LONG - n) - 1;
	put(line, n, "proc/500/cmdline");
	if (find_all(&f, root, NULL) && ok(f.v->n_vms == 0 && f.v->n_notes == 1, "left out"))
		same_str(f.v->notes[0],
			"process 500 is left out: its command line has 6143 KiB, more than any "
			"VM's",
			"... and told");
	found_done(&f);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root))
		return 1;
	struct found f;
	put_pretenders();
	if (find_all(&f, root, NULL) && ok(f.v->n_vms == 12, "all are found")) {
		test_proof(&f);
		test_owner(&f);
		test_words(&f);
	}
	found_done(&f);
	test_lookup();
	clear_root();
	mkdir(root, 0755);
	test_long();
	test_many();
	clear_root();
	return tap_done();
}
