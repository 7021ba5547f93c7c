/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What managers call: no fault of ours fails a start, a policy that says strict does, and a script
 * that was there before is called and put back. Judged by exit codes and plain reads. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../machine/machine.h"
#include "../unit/tap.h"
#include "base/alloc.h"
#include "base/str.h"

static const char policy[] = "etc/wideberth/wideberth.conf";

static void make_dirs(const struct machine *m, const char *path)
{
	AUTO_FREE char *all = xasprintf("%s/%s", m->dir, path);
	for (char *at = all + strlen(m->dir) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(all, 0755);
		*at = '/';
	}
	mkdir(all, 0755);
}

static void put_guest(const struct machine *m, int vmid, int cores, int mib, const char *more)
{
	AUTO_FREE char *text = xasprintf(
			       "name: vm%d\nmemory: %d\ncores: %d\n%s", vmid, mib, cores, more),
		       *path = xasprintf("etc/pve/qemu-server/%d.conf", vmid);
	machine_write(m, path, text);
}

static struct machine *new_host(const char *text)
{
	struct machine *m = machine_new(ROOT_6_12);
	make_dirs(m, "etc/wideberth");
	make_dirs(m, "etc/pve/qemu-server");
	make_dirs(m, "var/lib/vz/snippets");
	machine_write(m, policy, text);
	put_guest(m, 700, 4, 512, "");
	put_guest(m, 750, 4, 40000, "");
	put_guest(m, 800, 400, 512, "");
	return m;
}

/* ---- a start ---- */

struct gate_row {
	const char *name, *policy, *args;
	int code;
	const char *says; /* or NULL */
};

static const struct gate_row gate_rows[] = {
	{ "a VM of no section", "[vm other]\nstrict = yes\n", "hook proxmox 800 pre-start", 0,
		NULL },
	{ "one that fits, strictly", "[vm 700]\nstrict = yes\n", "hook proxmox 700 pre-start", 0,
		NULL },
	{ "memory that fits, strictly",
		"[vm 700]\nisolation = isolated\nmemory = strict\nstrict = yes\n",
		"hook proxmox 700 pre-start", 0, NULL },
	{ "memory that does not", "[vm 750]\nisolation = isolated\nmemory = strict\n",
		"hook proxmox 750 pre-start", 0, NULL },
	{ "memory that does not, strictly",
		"[vm 750]\nisolation = isolated\nmemory = strict\nstrict = yes\n",
		"hook proxmox 750 pre-start", 1, "it has 40000 MiB" },
	{ "one that does not fit", "[vm 800]\n", "hook proxmox 800 pre-start", 0, NULL },
	{ "one that does not fit, strictly", "[vm vm800]\nstrict = yes\n",
		"hook proxmox 800 pre-start", 1, "strict = yes" },
	{ "another phase of it", "[vm 800]\nstrict = yes\n", "hook proxmox 800 pre-stop", 0, NULL },
	{ "a phase of a later version", "[vm 800]\nstrict = yes\n", "hook proxmox 800 pre-lunch", 0,
		NULL },
	{ "a bad policy", "[vm 800]\nstrickt = yes\n", "hook proxmox 800 pre-start", 0, "strickt" },
	{ "a VM without configuration", "[vm 900]\nstrict = yes\n", "hook proxmox 900 pre-start", 0,
		"configuration" },
};

static void gates(void)
{
	for (size_t i = 0; i < N_ELEMENTS(gate_rows); i++) {
		const struct gate_row *row = &gate_rows[i];
		struct machine *m = new_host(row->policy);
		struct image *before = image_take(m);
		same_int(
			machine_run(m, NULL, row->args), row->code, "%s: the exit code", row->name);
		ok(!row->says || strstr(m->output, row->says), "%s: what it says", row->name);
		ok(!image_differs(m, before, true), "%s: nothing is changed", row->name);
		if (row->says && !strstr(m->output, row->says))
			printf("# %s\n", m->output);
		image_free(before);
		machine_free(m);
	}
}

/* As libvirt calls it, with the domain on its standard input: in its id-th life. */
static int with_domain(struct machine *m, const char *args, int id, int vcpus, int mib)
{
	AUTO_FREE char *xml =
		xasprintf("<?xml version='1.0'?>\n<domain type='kvm' id='%d'><name>web</name>"
			  "<vcpu>%d</vcpu><memory unit='MiB'>%d</memory></domain>",
			id, vcpus, mib);
	machine_write(m, "domain.xml", xml);
	AUTO_FREE char *path = xasprintf("%s/domain.xml", m->dir);
	int input = dup(STDIN_FILENO);
	if (!freopen(path, "r", stdin))
		abort();
	int code = machine_run(m, NULL, args);
	dup2(input, STDIN_FILENO);
	close(input);
	return code;
}

static int as_libvirt(struct machine *m, const char *args, int vcpus)
{
	return with_domain(m, args, 1, vcpus, 512);
}

static void domains(void)
{
	struct machine *m = new_host("[vm web]\nstrict = yes\n");
	same_int(as_libvirt(m, "hook libvirt web prepare begin -", 4), 0, "a domain that fits");
	same_int(as_libvirt(m, "hook libvirt web prepare begin -", 400), 1, "one that does not");
	ok(strstr(m->output, "strict = yes"), "... which is said");
	same_int(as_libvirt(m, "hook libvirt web reconnect begin -", 400), 0,
		"reconnect never ends a domain");
	same_int(as_libvirt(m, "hook libvirt web migrate begin -", 400), 0, "a filter");
	same_str(m->output, "", "... lets the XML as it is");
	machine_free(m);
}

/* ---- the memory of a domain, before its first page ---- */

#define DROPIN(id)                                                                                 \
	"run/systemd/system/machine-qemu\\x2d" id "\\x2dweb.scope.d/40-wideberth-start.conf"

static const char prepare[] = "hook libvirt web prepare begin -";

static void prepares_memory(void)
{
	static const char strict[] = "[vm web]\nisolation = isolated\nmemory = strict\n";
	static const char bound[] = "[Scope]\nAllowedMemoryNodes=0";
	struct machine *m = new_host(strict);
	struct image *before = image_take(m);
	same_int(with_domain(m, prepare, 7, 4, 512), 0, "a domain whose memory is to be near");
	same_str(machine_read(m, "%s", DROPIN("7")), bound, "... has a scope made so");
	same_int(with_domain(m, prepare, 8, 4, 512), 0, "it starts once more");
	ok(!machine_has(m, DROPIN("7")), "... nothing of its last life is left");
	same_str(machine_read(m, "%s", DROPIN("8")), bound, "... and this one is prepared");
	same_int(machine_run(m, NULL, "daemon --once"), 0, "a step of the daemon");
	same_str(machine_read(m, "%s", DROPIN("8")), bound, "... leaves it");
	same_int(machine_run(m, NULL, "undo --all"), 0, "undo --all");
	ok(!machine_has(m, DROPIN("8")), "... does not");
	same_int(with_domain(m, prepare, 9, 4, 40000), 0, "more than the node has free");
	ok(strstr(m->output, "memory = strict does not hold") && !machine_has(m, DROPIN("9")),
		"... is not bound to it, and that is said");
	same_int(with_domain(m, prepare, 10, 4, 512), 0, "it starts");
	ok(machine_has(m, DROPIN("10")), "... prepared");
	machine_write(m, policy, "[vm web]\nisolation = isolated\nmemory = strict\nstrict = yes\n");
	same_int(
		with_domain(m, prepare, 9, 4, 40000), 1, "... with strict = yes it does not start");
	machine_write(m, policy, "[vm web]\nisolation = isolated\n");
	same_int(with_domain(m, prepare, 10, 4, 512), 0, "by another policy");
	ok(!machine_has(m, DROPIN("10")), "... it is not");
	machine_write(m, policy, strict);
	same_int(with_domain(m, prepare, 11, 4, 512), 0, "it starts");
	ok(machine_has(m, DROPIN("11")), "... prepared");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	same_int(machine_run(m, NULL, "hook libvirt web release end -"), 0, "and ends");
	while (wait(NULL) > 0)
		;
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	AUTO_FREE char *xml = xasprintf("%s/domain.xml", m->dir);
	unlink(xml);
	const char *why = image_differs(m, before, false);
	ok(!why, "... nothing is left of it");
	if (why)
		printf("# %s\n", why);
	image_free(before);
	machine_free(m);
}

/* ---- compaction, and a step ---- */

static void compacts(void)
{
	struct machine *m = new_host("[vm 700]\ncompact = yes\n");
	machine_write(m, "sys/devices/system/node/node0/compact", "");
	machine_write(m, "sys/devices/system/node/node1/compact", "");
	same_int(machine_run(m, NULL, "hook proxmox 700 pre-start"), 0, "compact = yes");
	bool is_0 = *machine_read(m, "sys/devices/system/node/node0/compact"),
	     is_1 = *machine_read(m, "sys/devices/system/node/node1/compact");
	ok(is_0 != is_1, "... compacts the memory of the one node where it would be");
	machine_free(m);
}

static void steps(void)
{
	const char *why = "";
	struct machine *m = new_host("[vm db01]\nisolation = isolated\n");
	same_int(machine_run(m, NULL, "hook proxmox 100 post-start"), 0, "post-start");
	bool is_whole = vm_is_whole(m, VM_DB01, "isolated", "irq.affinity 24", &why);
	ok(is_whole, "... waits until the VM has its CPUs");
	if (!is_whole)
		printf("# %s\n", why);
	machine_free(m);
}

/* ---- clocks ---- */

/* Somebody who holds the descriptor open for long, but not for ever: the test is to fail then. */
static pid_t hold_open(int fd)
{
	enum { LONG_S = 60 };
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	alarm(LONG_S);
	pause();
	close(fd);
	_exit(0);
}

static void let_go(pid_t holder)
{
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
}

/* libvirt writes no XML, and does not end: the hook does, with the start, before it does. */
static void never_hangs(void)
{
	struct machine *m = new_host("[vm web]\nstrict = yes\n");
	int ends[2], input = dup(STDIN_FILENO);
	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	pid_t holder = hold_open(ends[1]);
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	same_int(machine_run(m, NULL, "hook libvirt web prepare begin -"), 0,
		"a hook that is told nothing fails no start");
	ok(strstr(m->output, "it took too long, and the start goes on without it"),
		"... a clock ends it, which is said");
	let_go(holder);
	dup2(input, STDIN_FILENO);
	close(input);
	machine_free(m);
}

/* What Proxmox VE waits for is a step that waits for somebody else. */
static void waits_no_longer(void)
{
	struct machine *m = new_host("[vm db01]\nisolation = isolated\n");
	AUTO_FREE char *fifo = xasprintf("%s/fifo", m->dir),
		       *fault = xasprintf("wait-before:1:%s", fifo);
	const char *why = "";
	int status;
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* the step outlives the hook: it ends here */
	if (mkfifo(fifo, 0600) < 0)
		abort();
	int writer = open(fifo, O_RDWR | O_CLOEXEC);
	pid_t holder = hold_open(writer);
	close(writer);
	same_int(machine_run(m, fault, "hook proxmox 100 post-start"), 0,
		"post-start, and a step that comes to no end");
	ok(!vm_is_whole(m, VM_DB01, "isolated", "irq.affinity 24", &why),
		"... is not waited for longer than a while");
	let_go(holder);
	pid_t step = wait(&status);
	ok(step > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0, "the step goes on by itself");
	unlink(fifo);
	ok(vm_is_whole(m, VM_DB01, "isolated", "irq.affinity 24", &why),
		"... until the VM has its CPUs");
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	machine_free(m);
}

/* ---- scripts ---- */

/* As far as they are needed: a VM's key is set in its file, a volume is a file. */
static void put_tools(const struct machine *m)
{
	static const char qm[] =
		"#!/bin/sh\n"
		"[ \"$1\" = set ] || exit 9\n"
		"f=$TOOLS_ROOT/etc/pve/qemu-server/$2.conf\n"
		"sed -i /^hookscript:/d \"$f\"\n"
		"case $3 in\n"
		"--hookscript) [ -x \"$TOOLS_ROOT/var/lib/vz/snippets/${4#local:snippets/}\" ] || "
		"exit 2\n"
		"echo \"hookscript: $4\" >>\"$f\" ;;\n"
		"--delete) ;;\n"
		"*) exit 9 ;;\n"
		"esac\n",
			  pvesm[] =
				  "#!/bin/sh\n"
				  "[ \"$1\" = path ] || exit 9\n"
				  "echo \"$TOOLS_ROOT/var/lib/vz/snippets/${2#local:snippets/}\"\n",
			  mine[] = "#!/bin/sh\necho \"mine $*\"\nexit ${MINE:-0}\n",
			  ours[] = "#!/bin/sh\necho \"ours $*\"\nexit ${OURS:-0}\n";
	make_dirs(m, "bin");
	machine_write(m, "bin/qm", qm);
	machine_write(m, "bin/pvesm", pvesm);
	machine_write(m, "bin/wideberth", ours);
	machine_write(m, "var/lib/vz/snippets/mine.sh", mine);
	static const char *const scripts[] = { "bin/qm", "bin/pvesm", "bin/wideberth",
		"var/lib/vz/snippets/mine.sh" };
	for (size_t i = 0; i < N_ELEMENTS(scripts); i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", m->dir, scripts[i]);
		chmod(path, 0755);
	}
	AUTO_FREE char *dirs = xasprintf("%s/bin:%s", m->dir, getenv("PATH"));
	setenv("TOOLS_ROOT", m->dir, 1);
	setenv("PATH", dirs, 1);
}

/* The script's exit code; what it says goes to the file "said". */
static int call(const struct machine *m, const char *script, const char *env, const char *args)
{
	AUTO_FREE char *command =
		xasprintf("%s '%s/%s' %s >'%s/said' 2>&1", env, m->dir, script, args, m->dir);
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_key(const struct machine *m, int vmid, const char *value)
{
	const char *text = machine_read(m, "etc/pve/qemu-server/%d.conf", vmid),
		   *at = strstr(text, "hookscript: ");
	if (!value)
		return !at;
	return at && streq(at + strlen("hookscript: "), value);
}

static void chains(struct machine *m)
{
	static const char script[] = "var/lib/vz/snippets/wideberth-710.sh";
	put_guest(m, 710, 2, 512, "hookscript: local:snippets/mine.sh\n");
	same_int(machine_run(m, NULL, "hook install proxmox 710"), 0, "a VM with a hook script");
	ok(has_key(m, 710, "local:snippets/wideberth-710.sh"), "... calls ours");
	same_int(call(m, script, "", "710 pre-start"), 0, "it");
	same_str(machine_read(m, "said"), "mine 710 pre-start\nours hook proxmox 710 pre-start",
		"... calls its own first");
	same_int(call(m, script, "MINE=5", "710 pre-start"), 5, "its own word counts");
	same_str(machine_read(m, "said"), "mine 710 pre-start", "... and ours is not asked");
	same_int(call(m, script, "OURS=1", "710 pre-start"), 1, "strict = yes fails the start");
	for (int code = 2; code < 5; code++) {
		AUTO_FREE char *env = xasprintf("OURS=%d", code);
		same_int(call(m, script, env, "710 pre-start"), 0, "%s fails none", env);
	}
	same_int(machine_run(m, NULL, "hook install proxmox 710"), 0, "once more");
	ok(strstr(m->output, "already"), "... says that it is there");
	same_int(machine_run(m, NULL, "hook remove proxmox 710"), 0, "it is taken away");
	ok(has_key(m, 710, "local:snippets/mine.sh") && !machine_has(m, script),
		"... and its own is back");
}

/* One that fails does not hide what was done before it, nor what is left. */
static void several(struct machine *m)
{
	put_guest(m, 720, 2, 512, "");
	put_guest(m, 730, 2, 512, "");
	same_int(machine_run(m, NULL, "hook install proxmox 720 4711 730"), 4,
		"one of three is not there");
	ok(has_key(m, 720, "local:snippets/wideberth-720.sh") &&
			strstr(m->output, "VM 720 calls /var/lib/vz/snippets/wideberth-720.sh."),
		"... the first is told");
	ok(strstr(m->output, "this node has no VM 4711"), "... and the one that failed");
	ok(has_key(m, 730, NULL) && strstr(m->output, "VM 730 was not tried."),
		"... and the one behind it");
	same_int(machine_run(m, NULL, "hook install proxmox 720 4711"), 3,
		"nothing was to be done before the one that fails");
	ok(strstr(m->output, "VM 4711"), "... which is told");
	same_int(machine_run(m, NULL, "hook remove proxmox 720 730"), 0, "both away");
	ok(has_key(m, 720, NULL) && strstr(m->output, "VM 730 has no hook of wideberth's."),
		"... as far as they were there");
}

static void scripts(void)
{
	struct machine *m = new_host("");
	put_tools(m);
	same_int(machine_run(m, NULL, "hook install proxmox 700"), 0, "a VM without hook script");
	ok(has_key(m, 700, "local:snippets/wideberth-700.sh"), "... gets one");
	same_int(call(m, "var/lib/vz/snippets/wideberth-700.sh", "PATH=/usr/bin:/bin",
			 "700 pre-start"),
		0, "without the program it fails no start");
	same_int(machine_run(m, NULL, "hook remove proxmox 700"), 0, "it is taken away");
	ok(has_key(m, 700, NULL), "... and has none");
	chains(m);
	several(m);
	same_int(machine_run(m, NULL, "hook install proxmox 4711"), 3, "a VM that is not there");
	same_int(machine_run(m, NULL, "hook install proxmox x"), 2, "no VMID");
	same_int(machine_run(m, NULL, "hook install libvirt"), 3, "no libvirt");
	ok(strstr(m->output, "no /etc/libvirt: install libvirt first"), "... is what it says");
	make_dirs(m, "etc/libvirt");
	same_int(machine_run(m, NULL, "hook install libvirt"), 0, "libvirt");
	ok(strstr(m->output, "makes it look.\n") && !strchr(m->output, '?'), "... says so");
	same_int(machine_run(m, NULL, "--json hook install libvirt"), 0, "JSON");
	ok(strstr(m->output, "\"done\": [\n\"libvirt calls /etc/"), "... says so too");
	same_int(call(m, "etc/libvirt/hooks/qemu.d/50-wideberth", "OURS=1", "web prepare begin -"),
		1, "its script");
	same_str(machine_read(m, "said"), "ours hook libvirt web prepare begin -", "... calls us");
	same_int(machine_run(m, NULL, "hook remove libvirt"), 0, "taken away");
	ok(!machine_has(m, "etc/libvirt/hooks/qemu.d/50-wideberth"), "... it is gone");
	same_int(machine_run(m, NULL, "hook remove libvirt"), 0, "once more");
	ok(strstr(m->output, "libvirt has no hook of wideberth's."), "... says that there is none");
	machine_free(m);
}

int main(void)
{
	gates();
	domains();
	prepares_memory();
	compacts();
	steps();
	never_hangs();
	waits_no_longer();
	scripts();
	return tap_done();
}
