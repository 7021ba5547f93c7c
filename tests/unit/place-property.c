/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold for every placement, tried on many random hosts and VMs. "place-property N SEED"
 * tries N hosts; a failure prints the seed of its host. */
#include "tap.h"

#include <errno.h>
#include <inttypes.h>

#include "base/str.h"
#include "../machine/fake-host.h"
#include "../machine/random.h"

enum { MAX_VMS = 6, BRUTE_CORES = 10 };

static int pick(uint64_t *state, int n)
{
	return (int)((random_next(state) >> 11) % (uint64_t)n);
}

static bool chance(uint64_t *state, int one_in)
{
	return pick(state, one_in) == 0;
}

struct trial {
	struct fake_host *h;
	char *text; /* of the policy */
	struct policy *policy;
	bool has_named_cpus; /* for helpers or housekeeping */
	uint64_t seed;
	const char *broken; /* the first thing that does not hold */
};

static struct fake_host *random_host(uint64_t *rng)
{
	struct shape shape = { 1 + pick(rng, 2), 1 + pick(rng, 2), pick(rng, 4), 1 + pick(rng, 5),
		chance(rng, 4) ? 1 : 2, chance(rng, 2) };
	struct fake_host *h = fake_host(shape);
	int n = (int)h->s.n_cpus;
	for (int k = chance(rng, 3) ? pick(rng, 4) : 0; k; k--)
		if (cpuset_count(&h->s.online_cpus) > 1)
			fake_offline(h, pick(rng, n));
	if (chance(rng, 4))
		fake_memory_node(h);
	if (chance(rng, 4))
		for (int c = 0; c < n; c++) {
			AUTO_FREE char *list = xasprintf("%d", c);
			fake_kind(h, list, (enum cpu_kind)(CPU_PERFORMANCE + pick(rng, 3)));
		}
	if (chance(rng, 5)) {
		AUTO_FREE char *list = xasprintf("%d-%d", n / 2, n / 2 + pick(rng, n - n / 2));
		fake_boot_isolated(h, list);
		h->s.boot_isolated_cpus = cpuset_and(&h->s.boot_isolated_cpus, &h->s.online_cpus);
		h->s.isolated_cpus = h->s.boot_isolated_cpus;
	}
	if (chance(rng, 8))
		cpuset_add(&h->s.isolated_cpus, cpuset_first(&h->s.online_cpus));
	h->s.has_remote_partitions = !chance(rng, 4);
	return h;
}

static void random_vms(struct trial *t, uint64_t *rng)
{
	static const char *const cores[] = { "full", "full", "one-thread", "thread", "shared" };
	static const char *const place[] = { "one-l3", "one-l3", "one-node", "fewest-nodes",
		"any" };
	static const char *const level[] = { "isolated", "isolated", "fenced", "pinned", "none" };
	struct strbuf b = { 0 };
	int n_cpus = (int)t->h->s.n_cpus;
	if (chance(rng, 4))
		strbuf_printf(&b, "[host]\nhousekeeping = %d cores\n", 1 + pick(rng, 2));
	else if (chance(rng, 4)) {
		t->has_named_cpus = true;
		strbuf_printf(
			&b, "[host]\nhousekeeping = %d,%d\n", pick(rng, n_cpus), pick(rng, n_cpus));
	}
	for (int i = 1 + pick(rng, MAX_VMS); i; i--) {
		AUTO_FREE char *id = xasprintf("vm%d", i);
		struct vm *vm = fake_vm(
			t->h, id, 1 + pick(rng, 1 + pick(rng, 8)), 1 + pick(rng, 2), pick(rng, 4));
		if (vm->n_vcpus > 1 && chance(rng, 5)) /* a hole: hotplug */
			vm->threads[pick(rng, vm->n_vcpus)].role = ROLE_WORKER;
		strbuf_printf(&b, "[vm %s]\ncores = %s\nplace = %s\nisolation = %s\n", id,
			cores[pick(rng, 5)], place[pick(rng, 5)], level[pick(rng, 5)]);
		if (chance(rng, 3))
			strbuf_puts(&b, "emulator = own\n");
		else if (chance(rng, 12)) {
			t->has_named_cpus = true;
			strbuf_printf(&b, "emulator = %d\n", pick(rng, n_cpus));
		}
		if (chance(rng, 3))
			strbuf_puts(&b, "iothreads = own\n");
	}
	t->text = b.s;
}

static void check(struct trial *t, bool holds, const char *what)
{
	if (!holds && !t->broken)
		t->broken = what;
}

static struct vm_wish wish_of(const struct trial *t, const char *id)
{
	struct vm_wish wish;
	(void)policy_for_vm(t->policy, id, NULL, NULL, &wish);
	return wish;
}

static const struct vm *vm_of(const struct trial *t, const char *id)
{
	for (size_t i = 0; i < t->h->vms.n_vms; i++)
		if (streq(t->h->vms.vms[i].id, id))
			return &t->h->vms.vms[i];
	abort();
}

/* The cores that the CPUs are in, as bits; hosts here have at most 60. */
static uint64_t cores_of(const struct trial *t, const struct cpuset *set)
{
	uint64_t cores = 0;
	for (size_t i = 0; i < t->h->s.n_cores; i++)
		if (cpuset_intersects(&t->h->s.cores[i].cpus, set))
			cores |= 1ull << i;
	return cores;
}

static void check_vcpus(struct trial *t, const struct placement *pl, const struct vm_wish *wish)
{
	struct cpuset seen = CPUSET_EMPTY;
	const struct vm *vm = vm_of(t, pl->vm);
	for (size_t i = 0; i < pl->n_vcpus; i++) {
		const struct cpuset *set = &pl->vcpus[i].cpus;
		check(t, pl->vcpus[i].tid > vm->pid, "a vCPU has its thread");
		check(t, !i || pl->vcpus[i].vcpu > pl->vcpus[i - 1].vcpu, "vCPUs are in order");
		if (wish->cores == CORES_SHARED)
			continue;
		check(t, cpuset_count(set) == 1 && !cpuset_intersects(set, &seen), "1:1");
		check(t, cpuset_is_subset(set, &pl->claim_cpus), "vCPUs are in the claim");
		uint64_t core = cores_of(t, set);
		if (wish->cores == CORES_ONE_THREAD)
			check(t, !(core & cores_of(t, &seen)), "one vCPU per core");
		seen = cpuset_or(&seen, set);
		if (i && wish->cores == CORES_FULL && vm->guest_threads == 2 &&
			pl->vcpus[i].vcpu % 2 && pl->vcpus[i - 1].vcpu == pl->vcpus[i].vcpu - 1 &&
			cpuset_count(&t->h->s.cores[__builtin_ctzll(core)].cpus) == 2)
			check(t, core == cores_of(t, &pl->vcpus[i - 1].cpus), "siblings");
	}
	if (wish->cores == CORES_FULL || wish->cores == CORES_ONE_THREAD)
		for (size_t i = 0; i < t->h->s.n_cores; i++)
			check(t,
				!cpuset_intersects(&t->h->s.cores[i].cpus, &pl->claim_cpus) ||
					cpuset_is_subset(&t->h->s.cores[i].cpus, &pl->claim_cpus),
				"whole cores are claimed");
}

static bool is_in_one(const struct cpuset *set, const struct trial *t, bool is_l3)
{
	size_t n = is_l3 ? t->h->s.n_l3s : t->h->s.n_nodes;
	for (size_t i = 0; i < n; i++)
		if (cpuset_is_subset(set, is_l3 ? &t->h->s.l3s[i].cpus : &t->h->s.nodes[i].cpus))
			return true;
	return false;
}

static void check_placement(struct trial *t, const struct placements *p, const struct placement *pl)
{
	struct vm_wish wish = wish_of(t, pl->vm);
	const struct snapshot *s = &t->h->s;
	check(t, cpuset_is_subset(&pl->claim_cpus, &s->online_cpus), "claims are online");
	check(t, !cpuset_intersects(&pl->claim_cpus, &p->reserved_cpus), "reserved is kept");
	check(t, !cpuset_intersects(&pl->claim_cpus, &p->housekeeping_cpus),
		"housekeeping is kept");
	struct cpuset foreign = cpuset_minus(&s->isolated_cpus, &s->boot_isolated_cpus);
	check(t, !cpuset_intersects(&pl->claim_cpus, &foreign), "partitions of others");
	check(t,
		pl->level != LEVEL_ISOLATED ||
			!cpuset_intersects(&pl->claim_cpus, &s->boot_isolated_cpus),
		"isolcpus");
	check(t, pl->level <= wish.isolation && (pl->level == wish.isolation) == !pl->why_less,
		"less is explained");
	check_vcpus(t, pl, &wish);
	if (wish.cores == CORES_SHARED || pl->place_note)
		return;
	if (wish.place == PLACE_ONE_L3 && s->n_l3s)
		check(t, is_in_one(&pl->vcpu_cpus, t, true), "one L3");
	else if (wish.place <= PLACE_ONE_NODE)
		check(t, is_in_one(&pl->vcpu_cpus, t, false), "one node");
}

/* A core that the host itself can use. */
static bool has_whole_core(const struct snapshot *s, const struct cpuset *node)
{
	for (size_t i = 0; i < s->n_cores; i++) {
		struct cpuset cpus = cpuset_and(&s->cores[i].cpus, &s->online_cpus);
		if (cpuset_intersects(&cpus, node) && !cpuset_intersects(&cpus, &s->isolated_cpus))
			return true;
	}
	return false;
}

static void check_together(struct trial *t, const struct placements *p)
{
	uint64_t used = 0, shared = 0, helpers = 0;
	struct cpuset claimed = CPUSET_EMPTY;
	struct cpuset left = cpuset_minus(&t->h->s.online_cpus, &t->h->s.boot_isolated_cpus);
	for (size_t i = 0; i < p->n; i++) {
		const struct placement *pl = &p->v[i];
		check_placement(t, p, pl);
		uint64_t cores = cores_of(t, &pl->claim_cpus);
		bool is_thread = wish_of(t, pl->vm).cores == CORES_THREAD;
		check(t, !(cores & (is_thread ? used & ~shared : used)),
			"VMs share no core, but those with cores = thread among themselves");
		check(t, !cpuset_intersects(&pl->claim_cpus, &claimed), "and no CPU ever");
		claimed = cpuset_or(&claimed, &pl->claim_cpus);
		used |= cores;
		shared |= is_thread ? cores : 0;
		left = cpuset_minus(&left, &pl->claim_cpus);
		struct cpuset outside = cpuset_minus(&pl->emulator_cpus, &pl->claim_cpus);
		helpers |= cores_of(t, &outside);
	}
	check(t, !(helpers & used), "named helper CPUs are on no claimed core");
	check(t, !p->n || !used || !cpuset_is_empty(&left), "I1: the host has a CPU left");
	for (size_t i = 0; !t->has_named_cpus && i < t->h->s.n_nodes; i++) {
		const struct cpuset *node = &t->h->s.nodes[i].cpus;
		check(t, !has_whole_core(&t->h->s, node) || cpuset_intersects(node, &left),
			"I1: every node has a CPU left, for the interrupts that stay there");
	}
}

static char *dump(const struct placements *p, size_t n)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t i = 0; i < n; i++) {
		json_t *o = placement_to_json(&p->v[i]);
		AUTO_FREE char *text = json_dumps(o, JSON_COMPACT);
		strbuf_puts(&b, text);
		json_decref(o);
	}
	return b.s;
}

static void check_json(struct trial *t, const struct placements *p)
{
	struct arena a = { 0 };
	for (size_t i = 0; i < p->n; i++) {
		struct placement back = { 0 };
		json_t *o = placement_to_json(&p->v[i]);
		check(t, placement_from_json(o, &a, &back) == 0, "JSON is read");
		json_t *again = placement_to_json(&back);
		check(t, json_equal(o, again), "JSON survives");
		check(t, cpuset_equal(&back.vcpu_cpus, &p->v[i].vcpu_cpus), "so does the union");
		json_decref(o);
		json_decref(again);
	}
	arena_done(&a);
}

/* Same input, same output; and what is in force stays where it is. */
static void check_stable(struct trial *t, const struct placements *p)
{
	AUTO_PLACEMENTS struct placements *again = NULL, *later = NULL;
	struct err e;
	size_t n = t->h->vms.n_vms;
	if (fake_place(t->h, t->text, n, NULL, &again, &e) < 0) {
		check(t, false, "same input, same output");
		return;
	}
	AUTO_FREE char *x = dump(p, p->n), *y = dump(again, again->n);
	check(t, streq(x, y) && p->refused.n == again->refused.n, "same input, same output");
	if (fake_place(t->h, t->text, n, p, &later, &e) < 0) {
		check(t, t->has_named_cpus, "planned again when in force");
		return;
	}
	for (size_t i = 0; i < p->n && !t->has_named_cpus; i++) {
		bool is_same = false;
		for (size_t k = 0; k < later->n; k++)
			is_same |= streq(later->v[k].vm, p->v[i].vm) &&
				cpuset_equal(&later->v[k].claim_cpus, &p->v[i].claim_cpus);
		check(t, is_same, "what is in force never moves");
	}
}

/* A second opinion by brute force on whether a VM fits: cores are bits, groups are tried on every
 * core. rooms[core] is what it takes, 0 when it must not be used. */
struct brute {
	int rooms[BRUTE_CORES], groups[8], n_groups;
	int helper_rooms[BRUTE_CORES]; /* where the helper may be; all 0: no helper */
	bool needs_helper;
	bool has_tried[1 << BRUTE_CORES][9];
};

static bool brute_fits(struct brute *b, uint64_t used, int group, int left)
{
	if (!left && ++group < b->n_groups)
		left = b->groups[group];
	if (group == b->n_groups) {
		for (int c = 0; b->needs_helper && c < BRUTE_CORES; c++)
			if (b->helper_rooms[c] && !(used >> c & 1))
				return true;
		return !b->needs_helper;
	}
	/* 'left' matters only within a group: then no shortcut */
	bool is_start = left == b->groups[group];
	if (is_start && b->has_tried[used][group])
		return false;
	if (is_start)
		b->has_tried[used][group] = true;
	for (int c = 0; c < BRUTE_CORES; c++) {
		int rest = left > b->rooms[c] ? left - b->rooms[c] : 0;
		if (b->rooms[c] && !(used >> c & 1) && brute_fits(b, used | 1ull << c, group, rest))
			return true;
	}
	return false;
}

static int brute_room(const struct trial *t, const struct placements *p, size_t core,
	const struct vm_wish *wish, bool is_isolated, uint64_t taken)
{
	const struct snapshot *s = &t->h->s;
	struct cpuset set = s->cores[core].cpus, whole = CPUSET_EMPTY;
	for (size_t i = 0; i < t->h->vms.n_vms; i++) { /* named helper CPUs: no core of theirs */
		struct vm_wish other = wish_of(t, t->h->vms.vms[i].id);
		if (other.emulator.wish == HELPER_CPUS && other.isolation != LEVEL_NONE)
			whole = cpuset_or(&whole, &other.emulator.cpus);
	}
	struct cpuset foreign = cpuset_minus(&s->isolated_cpus, &s->boot_isolated_cpus);
	whole = cpuset_or(&whole, &foreign);
	if ((taken >> core & 1) || cpuset_intersects(&set, &whole))
		return 0;
	struct cpuset free = cpuset_minus(&set, &p->reserved_cpus);
	if (is_isolated)
		free = cpuset_minus(&free, &s->boot_isolated_cpus);
	if (wish->cores == CORES_THREAD)
		return cpuset_count(&free);
	if (!cpuset_equal(&free, &set) || cpuset_is_empty(&set))
		return 0;
	return wish->cores == CORES_ONE_THREAD ? 1 : cpuset_count(&set);
}

/* Is there a place of this width (0: L3, 1: node, 2: host) with these cores taken? */
static bool brute_place(const struct trial *t, const struct placements *p, const struct vm *vm,
	int width, uint64_t taken)
{
	const struct snapshot *s = &t->h->s;
	struct vm_wish wish = wish_of(t, vm->id);
	bool is_isolated = wish.isolation == LEVEL_ISOLATED && s->has_remote_partitions &&
		wish.cores != CORES_SHARED;
	struct brute b = { 0 };
	int n_io = 0, sizes[8] = { 0 }, n = 0;
	for (size_t i = 0; i < vm->n_threads; i++) {
		n_io += vm->threads[i].role == ROLE_IOTHREAD;
		if (vm->threads[i].role == ROLE_VCPU)
			sizes[vm->threads[i].guest_core]++, n++;
	}
	if (wish.cores == CORES_SHARED)
		n = 0;
	if (vm->guest_threads == 1 || wish.cores == CORES_ONE_THREAD) {
		b.groups[0] = n;
		b.n_groups = n > 0;
	} else {
		for (int i = 0; i < 8 && n; i++)
			if (sizes[i])
				b.groups[b.n_groups++] = sizes[i];
	}
	b.needs_helper =
		wish.emulator.wish == HELPER_OWN || (wish.iothreads.wish == HELPER_OWN && n_io);
	size_t n_domains = width == 0 ? s->n_l3s : width == 1 ? s->n_nodes : 1;
	for (size_t d = 0; d < n_domains; d++) {
		for (size_t c = 0; c < s->n_cores; c++) {
			const struct core *core = &s->cores[c];
			int room = brute_room(t, p, c, &wish, is_isolated, taken);
			bool is_in = width == 0 ? core->l3 == (int)d
				: width == 1    ? core->node == (int)d
						: true;
			bool is_near = width == 0 ? core->node == s->l3s[d].node : is_in;
			b.rooms[c] = is_in ? room : 0;
			b.helper_rooms[c] = is_near ? room : 0;
		}
		memset(b.has_tried, 0, sizeof b.has_tried);
		if (brute_fits(&b, 0, b.n_groups ? 0 : -1, b.n_groups ? b.groups[0] : 0))
			return true;
	}
	return false;
}

/* The widest place that it must be refused for. */
static int brute_width(const struct trial *t, const struct placements *p, const struct vm *vm)
{
	enum place_wish place = wish_of(t, vm->id).place;
	int width = place == PLACE_ONE_L3 ? 0 : place == PLACE_ONE_NODE ? 1 : 2;
	while (width < 2 && !brute_place(t, p, vm, width, 0))
		width++;
	return width;
}

static void check_refusals(struct trial *t, const struct placements *p, int *n_refused)
{
	struct cpuset usual = cpuset_minus(&p->reserved_cpus, &t->h->s.boot_isolated_cpus);
	if (t->h->s.n_cores > BRUTE_CORES || cpuset_is_empty(&usual)) /* the last CPU is kept */
		return;
	uint64_t taken = 0;
	for (size_t i = 0; i < p->n; i++)
		taken |= cores_of(t, &p->v[i].claim_cpus);
	size_t k = 0;
	for (size_t i = 0; i < t->h->vms.n_vms; i++) {
		const struct vm *vm = &t->h->vms.vms[i];
		bool is_none = wish_of(t, vm->id).isolation == LEVEL_NONE;
		bool is_placed = k < p->n && streq(p->v[k].vm, vm->id);
		check(t, !(is_none && is_placed), "none is left alone");
		if (is_none)
			continue;
		bool is_last_cpu = false;
		for (size_t r = 0; r < p->refused.n; r++)
			is_last_cpu |= streq(p->refused.v[r].vm, vm->id) &&
				strstr(p->refused.v[r].reason, "without a CPU");
		k += is_placed;
		*n_refused += !is_placed;
		check(t,
			is_placed || is_last_cpu ||
				!brute_place(t, p, vm, brute_width(t, p, vm), taken),
			"refused only when nothing fits in what is left");
	}
	check(t, k == p->n, "in the order of the VMs");
}

static void run(uint64_t seed, struct trial *t, int *n_placed, int *n_refused)
{
	uint64_t rng = seed * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 4; i++)
		random_next(&rng);
	*t = (struct trial){ .h = random_host(&rng), .seed = seed };
	random_vms(t, &rng);
	t->policy = policy_new();
	struct err e = { 0 };
	AUTO_PLACEMENTS struct placements *p = NULL;
	size_t wanted[MAX_VMS];
	for (size_t i = 0; i < t->h->vms.n_vms; i++)
		wanted[i] = i;
	int r = policy_add_text(t->policy, "p", t->text, &e);
	r = r < 0 ? r : policy_check(t->policy, &e);
	if (r == 0) {
		r = place_vms(
			&t->h->s, &t->h->vms, t->policy, wanted, t->h->vms.n_vms, NULL, 0, &p, &e);
		check(t, r == 0 || (r == -EINVAL && t->has_named_cpus && str_after(e.text, "p:")),
			"fails only for named CPUs");
	} else {
		check(t, t->has_named_cpus, "the policy is good");
	}
	if (r == 0) {
		*n_placed += (int)p->n;
		check_together(t, p);
		check_json(t, p);
		check_stable(t, p);
		check_refusals(t, p, n_refused);
	}
	for (size_t i = 0; t->broken && p && i < p->refused.n; i++)
		printf("# %s: %s\n", p->refused.v[i].vm, p->refused.v[i].reason);
	policy_free(t->policy);
	fake_free(t->h);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 20000, n_placed = 0, n_refused = 0, n_broken = 0;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	for (uint64_t seed = first; seed < first + (uint64_t)n && n_broken < 10; seed++) {
		struct trial t;
		run(seed, &t, &n_placed, &n_refused);
		if (t.broken) {
			n_broken++;
			printf("# seed %" PRIu64 ": does not hold: %s\n", seed, t.broken);
			if (argc > 2)
				printf("%s", t.text);
		}
		free(t.text);
	}
	ok(n_broken == 0, "I1 and the rest: %d random hosts", n);
	ok(argc > 2 || (n_placed > n && n_refused > n / 4),
		"both happen: %d VMs placed, %d refused on small hosts", n_placed, n_refused);
	return tap_done();
}
