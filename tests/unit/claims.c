/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has which CPUs, whose choice a mask is, and what follows when a neighbour changes. */
#include "tap.h"

#include "base/str.h"
#include "../machine/fake-host.h"
#include "plan/claims.h"

static const struct cpuset *keep(struct fake_host *h, const char *list)
{
	struct cpuset set = cpus(list);
	return arena_dup(&h->s.arena, &set, 1, sizeof set);
}

/* A group below one that is there already. */
static int add_group(struct fake_host *h, const char *path, const char *effective)
{
	struct snapshot *s = &h->s;
	AUTO_FREE char *above = xstrdup(path);
	char *slash = strrchr(above, '/');
	*(slash ? slash : above) = 0;
	s->cgroups[s->n_cgroups] = (struct cgroup){ .path = path,
		.parent = snapshot_cgroup(s, above),
		.effective = effective ? keep(h, effective) : NULL };
	return (int)s->n_cgroups++;
}

static struct placement claim(const char *vm, enum level level, const char *list)
{
	return (struct placement){ .vm = vm, .level = level, .claim_cpus = cpus(list) };
}

static void test_sets(void)
{
	struct fake_host *h = fake_host(two_sockets);
	fake_boot_isolated(h, "10-11,22-23");
	h->s.isolated_cpus = cpus("3-4,15-16,8,20,10-11,22-23");
	struct placement v[] = { claim("a", LEVEL_ISOLATED, "3-4,15-16"),
		claim("b", LEVEL_PINNED, "5,17"), claim("c", LEVEL_FENCED, "6,18") };
	struct claims c = claims_of(&h->s, v, 3, NULL);
	same_str(list_of(h, &c.claimed_cpus), "3-4,6,15-16,18", "claimed from fenced up");
	same_str(list_of(h, &c.pinned_cpus), "5,17", "merely pinned");
	same_str(list_of(h, &c.taken_cpus), "3-6,15-18", "taken: both");
	same_str(list_of(h, &c.foreign_cpus), "8,20", "a partition of somebody else");
	same_str(list_of(h, &c.open_cpus), "0-2,5,7-14,17,19-23", "open: to everybody");
	same_str(list_of(h, &c.free_cpus), "0-2,7,9,12-14,19,21", "free: of no VM");
	c = claims_of(&h->s, v + 1, 2, &c.taken_cpus);
	same_str(list_of(h, &c.foreign_cpus), "8,20", "what is about to be undone is ours");
	struct placement p = { .housekeeping_cpus = cpus("5,7") };
	struct cpuset place = claims_housekeeping(&c, &p);
	same_str(list_of(h, &place), "7", "housekeeping by name, without what is taken");
	p.housekeeping_cpus = cpus("5");
	place = claims_housekeeping(&c, &p);
	same_str(list_of(h, &place), "0-4,7,9,12-16,19,21", "nothing left of it: what is free");
	h->s.boot_isolated_cpus = h->s.isolated_cpus = cpus("0-4,7-23");
	c = claims_of(&h->s, v + 1, 2, NULL);
	same_str(list_of(h, &c.free_cpus), "0-4,7-16,19-23", "isolcpus= when nothing else is left");
	fake_free(h);
}

static enum mask_origin origin_of(
	struct fake_host *h, const struct claims *c, int tid, int group, const char *mask)
{
	const struct task t = {
		.tid = tid, .start = 5, .cgroup = group, .allowed = mask ? keep(h, mask) : NULL
	};
	return mask_origin(&h->s, c, &t);
}

static void test_origin(void)
{
	struct fake_host *h = fake_host(two_sockets);
	int slice = add_group(h, "a.slice", "0-11"), inner = add_group(h, "a.slice/b", NULL);
	struct thread_place vcpu = { .tid = 9, .start = 5, .vcpu = 0, .cpus = cpus("2") };
	struct placement v = claim("a", LEVEL_FENCED, "2,14");
	v.vcpus = &vcpu;
	v.n_vcpus = 1;
	struct claims c = claims_of(&h->s, &v, 1, NULL);
	same_int(origin_of(h, &c, 7, 0, NULL), MASK_UNKNOWN, "unreadable");
	same_int(origin_of(h, &c, 7, 0, "0-23"), MASK_GROUP, "the root's");
	same_int(origin_of(h, &c, 7, inner, "0-11"), MASK_GROUP, "that of the group above");
	same_int(origin_of(h, &c, 7, slice, "0-1"), MASK_OWN, "taskset");
	same_int(origin_of(h, &c, 7, 0, "0-1,3-13,15-23"), MASK_OURS, "a fence of ours");
	same_int(origin_of(h, &c, 7, slice, "0-1,3-11"), MASK_OURS, "within its group");
	same_int(origin_of(h, &c, 9, 0, "2"), MASK_OURS, "a pin of ours");
	same_int(origin_of(h, &c, 9, 0, "3"), MASK_OWN, "no longer");
	same_int(origin_of(h, &c, 7, 0, "2"), MASK_OWN, "the same CPU, another thread");
	fake_free(h);
}

static bool is_pin(struct fake_host *h, const struct claims *c, struct vm *vm, const char *mask,
	const char *group)
{
	vm->threads[0].allowed = keep(h, mask);
	vm->threads[0].cgroup = group;
	return mask_is_pin(&h->s, c, vm, &vm->threads[0]);
}

/* A number that another process has by now says nothing. */
static void test_identity(void)
{
	struct fake_host *h = fake_host(two_sockets);
	struct vm *vm = fake_vm(h, "1", 1, 1, 0);
	struct placement p = claim("1", LEVEL_FENCED, "1,13");
	p.pid = vm->pid;
	p.start = vm->start;
	ok(placement_vm(&p, &h->vms) == vm && !placement_successor(&p, &h->s, &h->vms),
		"the VM that it was made for");
	p.start++;
	ok(!placement_vm(&p, &h->vms) && !placement_is_running(&p, &h->s, &h->vms),
		"its number, started at another time: another process");
	ok(placement_successor(&p, &h->s, &h->vms) == vm, "which is its successor, by the name");
	p.start--;
	p.pid++;
	ok(!placement_vm(&p, &h->vms) && !placement_is_running(&p, &h->s, &h->vms),
		"another number, started at the same time: another process");
	fake_free(h);
}

static void test_pins(void)
{
	struct fake_host *h = fake_host(two_sockets);
	add_group(h, "qemu.slice", "0-11");
	add_group(h, "qemu.slice/1.scope", NULL);
	add_group(h, "qemu.slice/1.scope/vcpu0", "3");
	struct vm *vm = fake_vm(h, "1", 1, 1, 0);
	struct placement ended = claim("gone", LEVEL_FENCED, "4,16");
	struct claims c = claims_of(&h->s, &ended, 1, NULL);
	ok(is_pin(h, &c, vm, "3", vm->cgroup), "one CPU");
	ok(is_pin(h, &c, vm, "3", "qemu.slice/1.scope/vcpu0"), "by a group of the VM's");
	ok(!is_pin(h, &c, vm, "0-11", vm->cgroup), "a limit of the slice is no pin");
	ok(!is_pin(h, &c, vm, "0-3,5-11", vm->cgroup), "nor is the fence of a VM that has ended");
	vm->threads[0].role = ROLE_WORKER;
	ok(is_pin(h, &c, vm, "3", vm->cgroup), "no thread is known: any may be a vCPU");
	vm->threads[0].is_kthread = true;
	ok(!is_pin(h, &c, vm, "3", vm->cgroup), "but a kernel thread is none");
	fake_free(h);
}

/* On a host with isolcpus= everybody's mask is what init has: the rest. */
static void test_pins_beside_isolcpus(void)
{
	struct fake_host *h = fake_host(two_sockets);
	add_group(h, "qemu.slice", "0-23");
	add_group(h, "qemu.slice/1.scope", NULL);
	struct vm *vm = fake_vm(h, "1", 1, 1, 0);
	fake_boot_isolated(h, "4-11,16-23");
	struct claims c = claims_of(&h->s, NULL, 0, NULL);
	ok(!is_pin(h, &c, vm, "0-3,12-15", vm->cgroup), "what init leaves everybody is no pin");
	ok(is_pin(h, &c, vm, "1-3,12-15", vm->cgroup), "less is one");
	ok(is_pin(h, &c, vm, "4-11", vm->cgroup), "isolated CPUs are one: somebody chose them");
	fake_boot_isolated(h, "0-23");
	c = claims_of(&h->s, NULL, 0, NULL);
	ok(is_pin(h, &c, vm, "3", vm->cgroup), "where all are isolated, one CPU is a pin too");
	fake_free(h);
}

/* What is in force is derived anew when a neighbour comes or goes. */
static void test_shared(void)
{
	struct fake_host *h = fake_host(two_sockets);
	AUTO_PLACEMENTS struct placements *shared = NULL, *db = NULL;
	struct err e;
	fake_vm(h, "web", 4, 1, 0);
	fake_vm(h, "db", 8, 1, 0);
	static const char policy[] =
		"[host]\nhousekeeping = 0,12\n[vm web]\ncores = shared\nplace = one-node\n";
	same_int(fake_place(h, policy, 1, NULL, &shared, &e), 0, "one with cores = shared");
	same_str(list_of(h, &shared->v[0].vcpu_cpus), "0-5,12-17", "the first of two like nodes");
	AUTO_POLICY struct policy *p = fake_policy(policy);
	size_t wanted = 1;
	same_int(place_vms(&h->s, &h->vms, p, &wanted, 1, shared->v, 1, &db, &e), 0, "a neighbour");
	struct placement all[] = { shared->v[0], db->v[0] };
	struct claims c = claims_of(&h->s, all, 2, NULL);
	placements_share(&h->s, &c, &h->s.arena, all, 2);
	ok(!cpuset_intersects(&all[0].vcpus[3].cpus, &c.taken_cpus), "it makes way");
	ok(cpuset_equal(&shared->v[0].vcpus[3].cpus, &shared->v[0].vcpu_cpus),
		"the old placement is what it was");
	same_str(list_of(h, &all[0].vcpu_cpus), "0,5,12,17", "and stays in its node");
	all[1].claim_cpus = cpus("1-5,13-17");
	c = claims_of(&h->s, all, 2, NULL);
	placements_share(&h->s, &c, &h->s.arena, all, 2);
	same_str(list_of(h, &all[0].vcpus[0].cpus), "6-11,18-23", "until that is too small");
	same_str(list_of(h, &all[1].vcpus[0].cpus), list_of(h, &db->v[0].vcpus[0].cpus),
		"others are left alone");
	fake_free(h);
}

int main(void)
{
	test_sets();
	test_origin();
	test_identity();
	test_pins();
	test_pins_beside_isolcpus();
	test_shared();
	return tap_done();
}
