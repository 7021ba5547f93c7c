/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Proxmox VE: which guests run, by a node's files. */
#include "vm/vm.h"

#include "base/str.h"
#include "cmd/cmd.h"
#include "../machine/fake-proc.h"
#include "tap.h"
#include "vm/provider.h"

static void put_text(const char *path, const char *text)
{
	put(text, strlen(text), "%s", path);
}

static void put_link(const char *path, const char *target)
{
	AUTO_FREE char *full = xasprintf("%s/%s", root, path);
	ok(symlink(target, full) == 0, "a link");
}

static void put_guest(int pid, int vmid, const char *pidfile, const char *more)
{
	AUTO_FREE char *line = xasprintf("/usr/bin/kvm|-id|%d|-name|by-line,debug-threads=on|"
					 "-pidfile|%s|-smp|1|-m|512%s",
		vmid, pidfile, more);
	put_process(pid, 1, 7, line, "",
		T({ pid, "kvm" }, { pid + 1, "CPU 0/KVM" }, { pid + 2, "kvm" }));
}

static void put_pid(int vmid, int pid)
{
	AUTO_FREE char *text = xasprintf("%d\n", pid);
	put(text, strlen(text), "run/qemu-server/%d.pid", vmid);
}

#define RUN(vmid) "/var/run/qemu-server/" #vmid ".pid"

/* A node pve1 of a cluster, with guests in every state. */
static void put_node(void)
{
	put_text("proc/sys/kernel/hostname", "pve1\n");
	put_text("sys/devices/system/cpu/present", "0-3\n");
	put_guest(1000, 100, RUN(100), "");
	put_pid(100, 1000);
	put_text("etc/pve/qemu-server/100.conf",
		"name: web\naffinity: 0,999\n[PENDING]\ncores: 2\n");
	/* it migrates here */
	put_guest(1010, 101, "/run/qemu-server/101.pid", "");
	put_pid(101, 1010);
	put_text("etc/pve/nodes/pve2/qemu-server/101.conf", "name: comes\n");
	put_text("etc/pve/nodes/pve1/lrm_status", "{}\n");
	/* the pid was used again, by another guest and by no guest */
	put_pid(102, 1010);
	put_pid(103, 1);
	/* stopped, and its file is gone already */
	put_guest(1040, 104, RUN(104), "");
	/* no config */
	put_guest(1050, 105, RUN(105), "");
	put_pid(105, 1050);
	/* locked */
	put_guest(1060, 106, RUN(106), "|-qmp|unix:/run/qemu-server/106.qmp,server=on");
	put_pid(106, 1060);
	put_text("etc/pve/qemu-server/106.conf", "lock: backup\ncores: 1\n");
	/* stopped, and started for its backup */
	put_guest(1064, 110, RUN(110), "|-S");
	put_pid(110, 1064);
	put_text("etc/pve/qemu-server/110.conf", "lock: backup\ncores: 1\n");
	/* files that are none of its */
	put_text("run/qemu-server/106.qmp", "");
	put_text("run/qemu-server/x.pid", "1000\n");
	put_text("run/qemu-server/107.pid", "not a pid\n");
	put_text("run/qemu-server/0.pid", "1000\n");
	put_text("run/qemu-server/qsd-100.pid", "1000\n");
}

static void put_devices(void)
{
	put_guest(1080, 108, RUN(108),
		"|-device|vfio-pci,host=0000:0b:00.0,id=hostpci0.0|-device|vfio-pci,host=0000:0b:"
		"00.1,"
		"id=hostpci0.1|-object|memory-backend-file,id=r,mem-path=/run/hugepages/kvm/"
		"2048kB");
	put_pid(108, 1080);
	put_text(
		"etc/pve/qemu-server/108.conf", "hostpci0: mapping=gpu\nhugepages: any\nnuma: 1\n");
	put_text("sys/bus/pci/devices/0000:0b:00.0/numa_node", "1\n");
	put_text("sys/bus/pci/devices/0000:0b:00.1/numa_node", "-1\n");
	put_link("sys/bus/pci/devices/0000:0b:00.0/driver", "../../../../bus/pci/drivers/vfio-pci");
	put_text("proc/interrupts",
		"            CPU0       CPU1\n"
		"  1:          9          0  IO-APIC   1-edge      i8042\n"
		" 24:          0        170  IR-PCI-MSI 5767168-edge      "
		"vfio-msix[0](0000:0b:00.0)\n"
		" 25:          0        170  PCI-MSIX-0000:0b:00.0   1-edge      "
		"vfio-msix[1](0000:0b:00.0)\n"
		" 26:          0        170  PCI-MSI  0-edge      vfio-msi[x](0000:0b:00.1)\n"
		" 27:          0          0  IO-APIC  16-fasteoi   vfio-intx(0000:0b:00.1)\n"
		"ERR:          0\n");
	put_text("proc/irq/25/smp_affinity_list", "2-3\n");
	/* no such option on the command line: the cluster's table says */
	put_guest(1090, 109, RUN(109), "");
	put_pid(109, 1090);
	put_text("etc/pve/qemu-server/109.conf", "hostpci1: mapping=nic\nhostpci2: mapping=two\n");
	put_text("etc/pve/mapping/pci.cfg",
		"nic\n\tmap node=pve1,path=0000:02:00.0\n\tmap node=pve2,path=0000:03:00.0\n"
		"two\n\tmap node=pve1,path=0000:04:00.0\n\tmap node=pve1,path=0000:05:00.0\n");
}

static const struct vm *guest(const struct found *f, const char *id)
{
	const struct vm *vm = vms_lookup(f->v, id);
	ok(vm && streq(vm->manager, "proxmox"), "%s is Proxmox VE's", id);
	return vm;
}

/* The first note that has the word, or NULL. */
static const char *note_with(const struct vm *vm, const char *word)
{
	for (size_t i = 0; i < vm->n_notes; i++)
		if (strstr(vm->notes[i], word))
			return vm->notes[i];
	return NULL;
}

static void test_node(void)
{
	struct found f;
	put_node();
	if (!find_all(&f, root, NULL))
		return;
	const struct vm *web = guest(&f, "100"), *comes = guest(&f, "101");
	same_str(web->name, "web", "the config's name");
	same_int(web->pid, 1000, "its pid");
	same_str(web->config->source, "etc/pve/qemu-server/100.conf", "its config");
	same_int(web->config->pending.n, 1, "it has a pending change");
	same_str(note_with(web, "affinity"), "config: affinity: this host has no CPU 999: left out",
		"affinity that the host has not");
	same_str(comes->config->source, "etc/pve/nodes/pve2/qemu-server/101.conf",
		"the config of one that migrates");
	ok(note_with(comes, "node pve2"), "a note says so");
	ok(!vms_lookup(f.v, "104"), "a guest without its pid file is not Proxmox VE's any more");
	const struct vm *bare = guest(&f, "105"), *locked = guest(&f, "106");
	same_str(bare->name, "by-line", "without a config: the command line's name");
	ok(note_with(bare, "config cannot be read"), "a note says so");
	ok(note_with(locked, "at work on it (backup)"), "a locked guest is not asked");
	const struct vm *stopped = guest(&f, "110");
	ok(stopped->is_for_backup && note_with(stopped, "guest does not run"),
		"one that was started for its backup");
	ok(!locked->is_for_backup && !web->is_for_backup, "... and no other");
	same_int(f.v->n_vms, 6, "and no others");
	found_done(&f);
}

static void test_devices(void)
{
	struct found f;
	put_devices();
	if (!find_all(&f, root, NULL))
		return;
	const struct vm *vm = guest(&f, "108"), *other = guest(&f, "109");
	if (ok(vm->n_devices == 2, "two functions")) {
		const struct vm_device *d = vm->devices;
		same_str(d[0].address, "0000:0b:00.0", "a device's address");
		same_str(d[0].mapping, "gpu", "its name in the cluster");
		ok(d[0].node == 1 && d[1].node == -1, "their nodes");
		ok(d[0].n_irqs == 2 && d[0].irqs[1].irq == 25 && d[0].irqs[1].vector == 1 &&
				streq(d[0].irqs[1].kind, "msix"),
			"its interrupts by vector");
		ok(d[0].irqs[1].affinity && cpuset_count(d[0].irqs[1].affinity) == 2 &&
				!d[0].irqs[0].affinity,
			"where they go");
		ok(d[1].n_irqs == 1 && streq(d[1].irqs[0].kind, "intx"), "an old interrupt");
	}
	same_int(vm->config->hugepages_kib, 2048, "the page size that any became");
	same_int(other->n_devices, 1, "one device by the cluster's table");
	if (other->n_devices)
		same_str(other->devices[0].address, "0000:02:00.0", "that of this node");
	found_done(&f);
}

/* What a person sees of it, at 80 columns. */
static char *shown_text(const char *id)
{
	static const struct text_style style = { .width = 80 };
	AUTO_HOST struct host *h = NULL;
	AUTO_REPORT struct report *report = report_new("vms", false);
	struct err e = { 0 };
	struct args args = { 0 };
	struct context c = { .report = report, .args = &args };
	char *text = NULL;
	size_t n = 0;
	*array_push(&args.rest) = id;
	FILE *f = open_memstream(&text, &n);
	bool is_good = host_open(&h, root, &e) == 0;
	c.h = h;
	is_good = is_good && cmd_vms.run(&c, &e) == EXIT_OK;
	ok(is_good && report_print_text(report, f, &style, &e) == 0, "vms %s: %s", id,
		*e.text ? e.text : "done");
	fclose(f);
	free(args.rest.v);
	return text;
}

static void test_text(void)
{
	put_text("proc/1080/task/1081/schedstat", "1482331120 93811420 2712\n");
	AUTO_FREE char *text = shown_text("108");
	same_str(text,
		"108 (by-line): proxmox, pid 1080, 1 vCPU\n"
		"guest: 1 socket x 1 core x 1 thread; 512 MiB in pages of 2 MiB\n"
		"memory: not known by node (no cgroup of its own counts it; --memory asks\n"
		"numa_maps)\n"
		"\n"
		"DEVICE        ID          MAPPING  KIND  DRIVER    NODE\n"
		"0000:0b:00.0  hostpci0.0  gpu      pci   vfio-pci     1\n"
		"0000:0b:00.1  hostpci0.1  gpu      pci   -            -\n"
		"\n"
		"DEVICE        KIND  VECTOR  IRQ  MAY GO TO\n"
		"0000:0b:00.0  msix       0   24  -\n"
		"0000:0b:00.0  msix       1   25  2-3\n"
		"0000:0b:00.1  intx       0   27  -\n"
		"\n"
		" TID  ROLE      #  THREAD     POLICY  PRIO  NICE     RAN   WAITED  ON  MAY RUN\n"
		"                                                                       ON\n"
		"1081  vcpu      0  CPU 0/KVM  fifo       3    -5  1.48 s  93.8 ms   1  0-3\n"
		"1080  emulator  -  kvm        fifo       3    -5       -        -   0  0-3\n"
		"1082  worker    -  kvm        fifo       3    -5       -        -   2  0-3\n",
		"a VM with devices");
}

/* "vCPUs: 3 conf/4 the kernel" of each disagreement. */
static char *disagreements(const struct vm *vm)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	array_for_each (x, &vm->config->disagreements)
		strbuf_printf(&b, "%s%s: %s %s/%s %s", b.n ? "; " : "", x->what, x->said[0].value,
			x->said[0].source, x->said[1].value, x->said[1].source);
	return b.s;
}

#define CONF(vmid) "etc/pve/qemu-server/" #vmid ".conf"

/* A guest of one vCPU by its command line, and of so many threads. */
static void put_smp(int pid, int vmid, const char *smp, int n_threads, const char *conf)
{
	AUTO_FREE char *line = xasprintf("/usr/bin/kvm|-id|%d|-name|web|-pidfile|/var/run/"
					 "qemu-server/%d.pid|-smp|%s|-m|512",
		vmid, vmid, smp);
	AUTO_FREE char *path = xasprintf("etc/pve/qemu-server/%d.conf", vmid);
	put_process(pid, 1, 7, line, "", T({ pid, "kvm" }));
	for (int i = 0; i < n_threads; i++) {
		AUTO_FREE char *comm = xasprintf("CPU %d/KVM", i);
		put_thread(
			pid, 1, 7, 0x400000, &(struct fake_thread){ pid + 1 + i, comm, NULL }, "");
	}
	put_pid(vmid, pid);
	put_text(path, conf);
}

/* Manager, command line, monitor, kernel and names: where two differ, both are told. */
static void test_disagreements(void)
{
	static const struct {
		const char *id, *want;
	} wanted[] = {
		{ "110", "" },
		{ "111",
			"name: db " CONF(111) "/web command line; memory: 1024 MiB " CONF(
				111) "/512 MiB command line; vCPUs: 4 " CONF(111) "/2 its threads' "
										  "names" },
		{ "112", "vCPUs: 2 " CONF(112) "/1 command line" },
		{ "113", "vCPUs: 2 " CONF(113) "/3 the kernel" },
	};
	struct found f;
	/* plugged in since it was started */
	put_smp(1100, 110, "1,sockets=1,cores=4,maxcpus=4", 3, "name: web\ncores: 4\nvcpus: 3\n");
	put_smp(1110, 111, "2,sockets=1,cores=4,maxcpus=4", 2,
		"name: db\ncores: 4\nmemory: 1024\n");
	put_smp(1120, 112, "1,sockets=1,cores=4,maxcpus=4", 0, "name: web\ncores: 4\nvcpus: 2\n");
	put_smp(1130, 113, "2,sockets=1,cores=4,maxcpus=4", 2, "name: web\ncores: 4\nvcpus: 2\n");
	for (int i = 0; i < 3; i++) {
		AUTO_FREE char *tid = xasprintf("%d\n", i < 2 ? 1131 + i : 1133);
		put(tid, strlen(tid), "sys/kernel/debug/kvm/1130-9/vcpu%d/pid", i);
	}
	put_thread(1130, 1, 7, 0x400000, &(struct fake_thread){ 1133, "kvm", NULL }, "");
	if (!find_all(&f, root, NULL))
		return;
	for (size_t i = 0; i < N_ELEMENTS(wanted); i++) {
		AUTO_FREE char *got = disagreements(guest(&f, wanted[i].id));
		same_str(got, wanted[i].want, "%s: what its sources disagree on", wanted[i].id);
	}
	found_done(&f);
	AUTO_FREE char *text = shown_text("112");
	ok(strstr(text,
		   "note: its sources disagree on its vCPUs: 2 by etc/pve/qemu-server/112.conf, "
		   "1 by\n      command line\n"),
		"people see it");
}

/* The lock as the kernel shows it, not the key. */
static void test_lock(void)
{
	struct found f;
	put_text("run/lock/qemu-server/lock-100.conf", "");
	AUTO_FREE char *path = xasprintf("%s/run/lock/qemu-server/lock-100.conf", root);
	struct stat st;
	ok(stat(path, &st) == 0, "a lock file");
	for (int is_held = 0; is_held < 2; is_held++) {
		AUTO_FREE char *locks = xasprintf(
			"1: POSIX  ADVISORY  WRITE 1 00:1b:%llu 0 EOF\n"
			"2: FLOCK  ADVISORY  WRITE 4113 00:1b:%llu 0 EOF\n",
			(unsigned long long)st.st_ino, (unsigned long long)st.st_ino + !is_held);
		put_text("proc/locks", locks);
		if (!find_all(&f, root, NULL))
			continue;
		const struct vm *vm = guest(&f, "100");
		same_int(note_with(vm, "its config is locked") != NULL, is_held,
			"a lock that is %sheld", is_held ? "" : "not ");
		found_done(&f);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root))
		return 1;
	test_node();
	test_devices();
	test_text();
	test_disagreements();
	test_lock();
	clear_root();
	return tap_done();
}
