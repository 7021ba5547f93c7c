/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include "base/str.h"
#include "../machine/fake-host.h"
#include "plan/settings.h"

/* Adds a group below one that is there already, with that list in cpuset.cpus. */
static int add_group(struct fake_host *h, const char *path, const char *type, const char *list)
{
	struct snapshot *s = &h->s;
	AUTO_FREE char *above = xstrdup(path);
	char *slash = strrchr(above, '/');
	*(slash ? slash : above) = 0;
	s->cgroups[s->n_cgroups] = (struct cgroup){
		.path = path,
		.inode = 100 + s->n_cgroups,
		.parent = snapshot_cgroup(s, above),
		.type = type,
		.cpus = list,
	};
	return (int)s->n_cgroups++;
}

static void add_task(struct fake_host *h, int tid, int cgroup)
{
	struct snapshot *s = &h->s;
	struct task *tasks = arena_alloc(&s->arena, (s->n_tasks + 1) * sizeof *tasks);
	if (s->n_tasks)
		memcpy(tasks, s->tasks, s->n_tasks * sizeof *tasks);
	tasks[s->n_tasks++] = (struct task){
		.tid = tid,
		.pid = tid,
		.start = 5,
		.comm = "helper",
		.allowed = arena_dup(&s->arena, &s->online_cpus, 1, sizeof s->online_cpus),
		.cgroup = cgroup,
	};
	s->tasks = tasks;
}

static const struct setting *find_setting(
	const struct settings *s, const char *knob, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (streq(s->v[i].knob->name, knob) && streq(s->v[i].key, key))
			return &s->v[i];
	return NULL;
}

/* "VALUE", "without CPUS", or "none" where there is no such setting. */
static const char *setting_of(
	struct fake_host *h, const struct settings *s, const char *knob, const char *key)
{
	const struct setting *x = find_setting(s, knob, key);
	if (!x)
		return "none";
	if (!x->is_sole && x->knob->combine == COMBINE_MINUS)
		return arena_printf(&h->s.arena, "without %s", list_of(h, x->avoid));
	AUTO_FREE char *text = value_text(x->knob, &x->by.v[0].value);
	return arena_strdup(&h->s.arena, text);
}

static struct settings *plan(struct fake_host *h, const char *policy)
{
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	if (fake_place(h, policy, h->vms.n_vms, NULL, &p, &e) < 0 || p->n != h->vms.n_vms) {
		fprintf(stderr, "not placed: %s\n", e.text);
		abort();
	}
	struct claims claims = claims_of(&h->s, p->v, p->n, NULL);
	return settings_for(&h->s, &h->vms, &claims);
}

/* A host of systemd with one VM of two vCPUs in that group, placed on CPUs 1 and 13. */
static struct fake_host *host_with(const char *const *groups, const char *cgroup)
{
	struct fake_host *h = fake_host(two_sockets);
	h->s.has_systemd = true;
	add_group(h, "init.scope", "domain", "");
	for (size_t i = 0; groups[i]; i++)
		add_group(h, groups[i], "domain", "");
	fake_vm(h, "db", 2, 1, 1)->cgroup = cgroup;
	add_task(h, 1, 1);
	return h;
}

#define SCOPE "machine.slice/machine-qemu.scope"

static struct fake_host *libvirt_host(void)
{
	static const char *const groups[] = { "system.slice", "machine.slice", SCOPE,
		SCOPE "/libvirt", NULL };
	struct fake_host *h = host_with(groups, SCOPE "/libvirt");
	static const char *const own[] = { SCOPE "/libvirt/vcpu0", SCOPE "/libvirt/vcpu1",
		SCOPE "/libvirt/emulator", SCOPE "/libvirt/iothread1" };
	add_group(h, own[0], "threaded", "1");
	add_group(h, own[1], "threaded", "7");
	add_group(h, own[2], "threaded", "0-2");
	add_group(h, own[3], "threaded", "");
	struct vm *vm = &h->vms.vms[0]; /* its threads: two vCPUs, the main loop, an I/O thread */
	for (int i = 0; i < 4; i++)
		vm->threads[i].cgroup = own[i];
	return h;
}

static void test_libvirt(void)
{
	struct fake_host *h = libvirt_host();
	AUTO_SETTINGS struct settings *isolated = plan(h, "");
	same_str(setting_of(h, isolated, "cgroup.cpus", SCOPE "/libvirt/vcpu0"), "without 1,13",
		"isolated: what a vCPU leaves behind makes way for the partition");
	same_str(setting_of(h, isolated, "cgroup.cpus", SCOPE "/libvirt/emulator"), "without 1,13",
		"the emulator keeps its pin, off the claim");
	same_str(setting_of(h, isolated, "cgroup.cpus", SCOPE "/libvirt/iothread1"), "none",
		"a group without a list follows the one above");
	same_str(setting_of(h, isolated, "cgroup.type", SCOPE "/libvirt/vcpus"), "threaded",
		"the partition is beside libvirt's groups");
	same_str(setting_of(h, isolated, "unit.delegate", "libvirt"), "none",
		"libvirt's group is no unit; its scope is delegated already");
	AUTO_SETTINGS struct settings *fenced = plan(h, "[vm *]\nisolation = fenced\n");
	same_str(setting_of(h, fenced, "cgroup.cpus", SCOPE "/libvirt/vcpu0"), "1",
		"fenced: the vCPU stays in its group, which gets its CPU");
	same_str(setting_of(h, fenced, "cgroup.cpus", SCOPE "/libvirt/vcpu1"), "13",
		"also where libvirt pinned it elsewhere");
	AUTO_SETTINGS struct settings *pinned = plan(h, "[vm *]\nisolation = pinned\n");
	same_str(setting_of(h, pinned, "cgroup.cpus", SCOPE "/libvirt/vcpu1"), "13", "pinned too");
	same_str(setting_of(h, pinned, "cgroup.cpus", "system.slice"), "none", "without fences");
	fake_free(h);
}

/* What is in a fenced VM's own group is the VM's: no fence of its own. */
static void test_inside(void)
{
	struct fake_host *h = libvirt_host();
	add_group(h, SCOPE "/libvirt/other", "threaded", "");
	add_task(h, 700, snapshot_cgroup(&h->s, SCOPE "/libvirt/other"));
	AUTO_SETTINGS struct settings *s = plan(h, "[vm *]\nisolation = fenced\n");
	same_str(setting_of(h, s, "cgroup.cpus", "system.slice"), "without 1,13", "beside it");
	same_str(setting_of(h, s, "cgroup.cpus", SCOPE "/libvirt/other"), "none", "inside of it");
	fake_free(h);
}

static void test_units(void)
{
	static const char *const service[] = { "system.slice", "system.slice/vm.service",
		"system.slice/ssh.service", NULL };
	struct fake_host *h = host_with(service, service[1]);
	AUTO_SETTINGS struct settings *s = plan(h, "");
	same_str(setting_of(h, s, "unit.delegate", "vm.service"), "yes", "a service is delegated");
	same_str(setting_of(h, s, "unit.allowed_cpus", "ssh.service"), "none",
		"what is beside it needs no fence");
	same_str(setting_of(h, s, "cgroup.partition", "system.slice/vm.service/vcpus"), "isolated",
		"the partition");
	fake_free(h);
}

static void test_beside(void)
{
	static const char *const groups[] = { "qemu.slice", "qemu.slice/1.scope", NULL };
	struct fake_host *h = host_with(groups, groups[1]);
	add_task(h, 77, 3);
	AUTO_SETTINGS struct settings *fenced = plan(h, "[vm *]\nisolation = fenced\n");
	same_str(setting_of(h, fenced, "thread.affinity", "77"), "without 1,13",
		"virtiofsd in the VM's scope is in no fence");
	same_str(setting_of(h, fenced, "task.affinity", "1"), "none", "init is in one");
	AUTO_SETTINGS struct settings *isolated = plan(h, "");
	same_str(setting_of(h, isolated, "thread.affinity", "77"), "none",
		"a partition keeps it off");
	fake_free(h);
}

/* Kernels before 7.0 rewrite the masks of kernel threads as a partition is made or changes: those
 * of a VM, too, get theirs after that. */
static void test_vm_kthread(void)
{
	static const char *const groups[] = { "qemu.slice", "qemu.slice/1.scope", NULL };
	struct fake_host *h = host_with(groups, groups[1]);
	struct vm_thread *pit = &h->vms.vms[0].threads[h->vms.vms[0].n_threads - 1];
	pit->role = ROLE_KVM;
	pit->is_kthread = true;
	AUTO_FREE char *tid = xasprintf("%d", pit->tid);
	AUTO_SETTINGS struct settings *s = plan(h, "");
	same_str(setting_of(h, s, "kthread.affinity", tid), "0,2-12,14-23", "kvm-pit");
	same_str(setting_of(h, s, "thread.affinity", tid), "none", "no thread of QEMU's");
	const struct setting *last = find_setting(s, "kthread.affinity", tid),
			     *closed = find_setting(
				     s, "cgroup.partition", "qemu.slice/1.scope/vcpus");
	ok(last > closed && closed, "after the partition");
	fake_free(h);
}

/* Nothing is left of its mask: it gets what is open of its group, as the kernel gives it no more.
 */
static void test_nothing_left(void)
{
	static const char *const groups[] = { "user.slice", "qemu.slice", "qemu.slice/1.scope",
		NULL };
	struct fake_host *h = host_with(groups, groups[2]);
	struct cpuset group = CPUSET_EMPTY, pin = CPUSET_EMPTY;
	ok(cpuset_parse_list("0-3,12", &group) == 0 && cpuset_parse_list("13", &pin) == 0,
		"a group and a pin");
	int user = snapshot_cgroup(&h->s, "user.slice");
	h->s.cgroups[user].effective = &group;
	add_task(h, 501, user);
	h->s.tasks[h->s.n_tasks - 1].allowed = &pin;
	AUTO_SETTINGS struct settings *s = plan(h, "[vm *]\nisolation = fenced\n");
	const struct value before = value_cpus(&pin);
	struct value after = { 0 };
	const struct setting *x = find_setting(s, "task.affinity", "501");
	ok(x && setting_join(s, x, &before, &h->s.arena, &after), "it has a setting");
	same_str(list_of(h, after.cpus), "0,2-3,12", "open CPUs of its group alone");
	fake_free(h);
}

/* Two VMs, db in 1.scope on CPUs 1 and 13, other in 'cgroup' on 2 and 14, at these levels; what a
 * setting of a group would be. */
static void same_fences(const char *levels, const char *cgroup, const char *services,
	const char *threaded, const char *own, const char *others)
{
	static const char *const groups[] = { "system.slice", "qemu.slice", "qemu.slice/1.scope",
		"qemu.slice/2.scope", NULL };
	struct fake_host *h = host_with(groups, groups[2]);
	int in_root = add_group(h, "batch", "threaded", "");
	add_task(h, 77, in_root);
	fake_vm(h, "other", 2, 1, 1)->cgroup = cgroup;
	AUTO_SETTINGS struct settings *s = plan(h, levels);
	const struct {
		const char *group, *wanted;
	} rows[] = { { "system.slice", services }, { "batch", threaded },
		{ "qemu.slice/1.scope", own }, { "qemu.slice/2.scope", others },
		{ "qemu.slice", "none" } };
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		same_str(setting_of(h, s, "cgroup.cpus", rows[i].group), rows[i].wanted,
			"%s, other in '%s': fence around %s", levels, cgroup, rows[i].group);
	fake_free(h);
}

/* Fences are for the claims of fenced VMs; partitions need none, and pinned VMs have none. */
static void test_fences(void)
{
	static const char other[] = "qemu.slice/2.scope", ours[] = "without 1,13";
#define LEVELS(db, other) "[vm db]\nisolation = " db "\n[vm other]\nisolation = " other "\n"
	same_fences(LEVELS("fenced", "pinned"), other, ours, ours, "none", ours);
	same_fences(LEVELS("fenced", "isolated"), other, ours, ours, "none", ours);
	same_fences(LEVELS("isolated", "isolated"), other, "none", "none", "none", "none");
	same_fences(LEVELS("isolated", "pinned"), other, "none", "none", "none", "none");
	/* who comes into the group of one may not run on the CPUs of the other */
	same_fences(LEVELS("fenced", "fenced"), other, "without 1-2,13-14", "without 1-2,13-14",
		"without 2,14", ours);
	/* a VM in the root group is in nobody's way */
	same_fences(LEVELS("fenced", "pinned"), "", ours, ours, "none", ours);
	same_fences(LEVELS("pinned", "pinned"), "", "none", "none", "none", "none");
}

int main(void)
{
	test_fences();
	test_libvirt();
	test_inside();
	test_units();
	test_beside();
	test_vm_kthread();
	test_nothing_left();
	return tap_done();
}
