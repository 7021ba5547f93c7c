/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A judge of the planner, written apart from it: it knows the host and the wishes as the facts that
 * the instance was made from, and asks of every placement whether it breaks what must hold, and of
 * every refusal whether each alternative would fit and the blocking set is minimal, by having just
 * that planned. "place-judge N SEED" judges N random hosts; a fault prints the seed.
 */
#include "pick.h"
#include "tap.h"

#include <errno.h>
#include <inttypes.h>

#include "base/str.h"
#include "../machine/fake-host.h"
#include "vm/config.h"
#include "vm/memory.h"

enum { VMS_MAX = 12 };

static bool chance(int one_in)
{
	return pick(one_in) == 0;
}

enum key { KEY_CORES, KEY_PLACE, KEY_ISOLATION, KEY_EMULATOR, KEY_IOTHREADS, KEY_MOVABLE, N_KEYS };
static const char *const key_names[] = { "cores", "place", "isolation", "emulator", "iothreads",
	"movable" };

struct guest {
	int64_t pending_kib; /* bound to the node, and not there yet; 0: nothing is */
	int node;
	const char *values[N_KEYS];
	struct cpuset allowed; /* by its group */
	bool is_limited;
	bool is_split; /* it has two nodes, of even and odd vCPUs, that are bound: */
	int bound[2];
};

struct trial {
	struct fake_host *h;
	struct guest guests[VMS_MAX];
	size_t n;
	struct cpuset foreign; /* partitions, what is held exclusively */
	const char *housekeeping;
	uint64_t seed;
	const char *fault; /* the first one */
	const char *vm;    /* whose */
	int n_alternatives, n_moves, n_sets;
};

static void judge(struct trial *t, bool holds, const char *vm, const char *what)
{
	if (holds || t->fault)
		return;
	t->fault = what;
	t->vm = vm ? vm : "";
}

/* ---- the instance ---- */

static struct cpuset random_cpus(const struct trial *t, int one_in)
{
	struct cpuset set = CPUSET_EMPTY;
	const struct snapshot *s = &t->h->s;
	for (size_t i = 0; i < s->n_cores; i++) /* with their siblings, mostly */
		if (chance(one_in))
			set = cpuset_or(&set, &s->cores[i].cpus);
	if (chance(3))
		cpuset_remove(&set, cpuset_first(&set));
	return set;
}

static void add_group(struct trial *t, struct cgroup g)
{
	g.parent = 0;
	g.inode = 100 + t->h->s.n_cgroups;
	t->h->s.cgroups[t->h->s.n_cgroups++] = g;
}

static const struct cpuset *keep(struct trial *t, struct cpuset set)
{
	return arena_dup(&t->h->s.arena, &set, 1, sizeof set);
}

/* Partitions of both kinds, CPUs held exclusively, and a group that is only pinned. */
static void add_others(struct trial *t)
{
	struct snapshot *s = &t->h->s;
	s->cgroups[0].effective = keep(t, s->online_cpus);
	for (int i = chance(2) ? pick(3) : 0; i; i--) {
		struct cpuset set = random_cpus(t, 8);
		set = cpuset_minus(&set, &s->boot_isolated_cpus);
		set = cpuset_minus(&set, &t->foreign);
		struct cpuset rest = cpuset_minus(&s->online_cpus, &set);
		rest = cpuset_minus(&rest, &t->foreign);
		rest = cpuset_minus(&rest, &s->isolated_cpus);
		if (cpuset_is_empty(&set) || cpuset_is_empty(&rest))
			continue;
		struct cgroup g = { .path = arena_printf(&s->arena, "others%d.slice", i) };
		int kind = pick(3);
		g.cpus = list_of(t->h, &set);
		g.effective = keep(t, set);
		if (kind == 2)
			g.exclusive = g.cpus;
		else
			g.partition = kind ? "root" : "isolated";
		if (kind == 0)
			s->isolated_cpus = cpuset_or(&s->isolated_cpus, &set);
		t->foreign = cpuset_or(&t->foreign, &set);
		add_group(t, g);
	}
	if (chance(3)) {
		struct cpuset set = random_cpus(t, 4);
		set = cpuset_minus(&set, &t->foreign);
		if (!cpuset_is_empty(&set))
			add_group(t,
				(struct cgroup){ .path = "pinned.slice",
					.cpus = list_of(t->h, &set),
					.effective = keep(t, set) });
	}
}

static void make_host(struct trial *t)
{
	struct shape shape = { 1 + pick(2), 1 + pick(2), 1 + pick(4), 1 + pick(6),
		chance(4)           ? 1
			: chance(6) ? 4
				    : 2,
		chance(2) };
	t->h = fake_host(shape);
	struct snapshot *s = &t->h->s;
	for (int k = chance(3) ? pick(4) : 0; k; k--)
		if (cpuset_count(&s->online_cpus) > 2)
			fake_offline(t->h, 1 + pick((int)s->n_cpus - 1));
	if (chance(5)) /* every second core is slow */
		for (size_t i = 0; i < s->n_cpus; i++)
			s->cpus[i].kind = s->cpus[i].core % 2 ? CPU_EFFICIENCY : CPU_PERFORMANCE;
	if (chance(6)) {
		struct cpuset set = random_cpus(t, 3);
		cpuset_remove(&set, cpuset_first(&s->online_cpus));
		s->boot_isolated_cpus = s->isolated_cpus = set;
	}
	for (size_t i = 0; i < s->n_nodes; i++) {
		bool is_bare = i && chance(8);
		s->nodes[i].has_memory = !is_bare;
		s->nodes[i].mem_total_kib = is_bare ? 0 : 64 << 20;
		s->nodes[i].mem_free_kib = is_bare ? 0 : (uint64_t)pick(16) << 20;
	}
	s->has_remote_partitions = !chance(4);
	add_others(t);
	t->housekeeping = chance(3) ? "2 cores" : chance(2) ? "1 cores" : "auto";
}

static void have_memory(struct trial *t, struct vm *vm, int node)
{
	struct arena *a = &t->h->s.arena;
	struct memory_node *on = arena_alloc(a, sizeof *on);
	struct vm_memory *memory = arena_alloc(a, sizeof *memory);
	*on = (struct memory_node){ .node = node, .kib = 4 << 20 };
	*memory = (struct vm_memory){ .source = "numa_maps" };
	memory->nodes.v = on;
	memory->nodes.n = 1;
	vm->memory = memory;
}

/* Bound there, up to 8 GiB more than it has. */
static void bind_memory(struct trial *t, struct vm *vm, struct guest *g, int number)
{
	struct arena *a = &t->h->s.arena;
	struct vm_config *config = arena_alloc(a, sizeof *config);
	struct vm_node *node = arena_alloc(a, sizeof *node);
	g->node = number;
	g->pending_kib = (int64_t)pick(8) << 20;
	*node = (struct vm_node){ .mib = (uint64_t)(g->pending_kib >> 10) + 4096,
		.hostnodes = arena_printf(a, "%d", number),
		.policy = "bind" };
	*config = (struct vm_config){ .memory_mib = node->mib, .source = "command line" };
	config->nodes.v = node;
	config->nodes.n = 1;
	vm->config = config;
}

static int node_with_memory(const struct trial *t)
{
	int node = pick((int)t->h->s.n_nodes);
	while (!t->h->s.nodes[node].has_memory)
		node = pick((int)t->h->s.n_nodes);
	return node;
}

/* Its group allows less, its memory lies on one node. */
static void bind(struct trial *t, struct vm *vm, struct guest *g)
{
	g->allowed = t->h->s.online_cpus;
	g->is_limited = chance(4);
	if (g->is_limited) {
		g->allowed = random_cpus(t, 2);
		g->allowed = cpuset_minus(&g->allowed, &t->foreign);
		if (cpuset_is_empty(&g->allowed))
			g->allowed = t->h->s.online_cpus;
		add_group(t,
			(struct cgroup){ .path = vm->cgroup,
				.cpus = list_of(t->h, &g->allowed),
				.effective = keep(t, g->allowed) });
	}
	if (!chance(3))
		return;
	int node = node_with_memory(t);
	have_memory(t, vm, node);
	if (chance(2))
		bind_memory(t, vm, g, node);
}

/* Even and odd vCPUs are two nodes of the guest, bound to nodes of the host. */
static void have_nodes(struct trial *t, struct vm *vm, struct guest *g)
{
	struct arena *a = &t->h->s.arena;
	struct vm_config *config = arena_alloc(a, sizeof *config);
	*config = (struct vm_config){ .has_numa = true, .source = "command line" };
	g->is_split = true;
	for (int k = 0; k < 2; k++) {
		struct cpuset set = CPUSET_EMPTY;
		for (int i = k; i < vm->n_vcpus; i += 2)
			cpuset_add(&set, i);
		g->bound[k] = node_with_memory(t);
		*list_push(a, &config->nodes) = (struct vm_node){ .node = k,
			.cpus = list_of(t->h, &set),
			.hostnodes = arena_printf(a, "%d", g->bound[k]),
			.policy = "bind" };
	}
	vm->config = config;
}

static void make_vms(struct trial *t)
{
	static const char *const values[N_KEYS][6] = {
		{ "full", "full", "full", "one-thread", "thread", "shared" },
		{ "one-l3", "one-l3", "one-l3", "one-node", "fewest-nodes", "any" },
		{ "isolated", "isolated", "fenced", "fenced", "pinned", "none" },
		{ "housekeeping", "housekeeping", "housekeeping", "housekeeping", "own", "own" },
		{ "housekeeping", "housekeeping", "housekeeping", "housekeeping", "own", "own" },
		{ "no", "no", "cpus", "cpus", "memory", "memory" },
	};
	t->n = 1 + (size_t)pick(VMS_MAX);
	for (size_t i = 0; i < t->n; i++) {
		AUTO_FREE char *id = xasprintf("vm%zu", i);
		struct vm *vm = fake_vm(t->h, id, 1 + pick(1 + pick(14)), 1 + pick(2), pick(3));
		for (int k = 0; k < N_KEYS; k++)
			t->guests[i].values[k] = values[k][pick(6)];
		bind(t, vm, &t->guests[i]);
		if (!vm->config && vm->n_vcpus > 1 && chance(5))
			have_nodes(t, vm, &t->guests[i]);
	}
}

/* The policy, with other values for one of the VMs. */
static char *policy_text(const struct trial *t, size_t vm, const char *const *keys,
	const char *const *values, size_t n)
{
	struct strbuf b = { 0 };
	strbuf_printf(&b, "[host]\nhousekeeping = %s\n", t->housekeeping);
	for (size_t i = 0; i < t->n; i++) {
		strbuf_printf(&b, "[vm vm%zu]\n", i);
		for (int k = 0; k < N_KEYS; k++) {
			const char *value = t->guests[i].values[k];
			for (size_t j = 0; i == vm && j < n; j++)
				if (streq(keys[j], key_names[k]))
					value = values[j];
			strbuf_printf(&b, "%s = %s\n", key_names[k], value);
		}
	}
	return b.s;
}

/* ---- placements ---- */

static int number_of(const char *vm)
{
	return atoi(vm + 2);
}

static int n_with(const struct cpuset *set, const struct cpuset *of)
{
	struct cpuset both = cpuset_and(set, of);
	return cpuset_count(&both);
}

/* Cores that the set is in; whole: with all of their online CPUs. */
static int n_cores(const struct trial *t, const struct cpuset *set, bool is_whole)
{
	int n = 0;
	for (size_t i = 0; i < t->h->s.n_cores; i++) {
		struct cpuset cpus = cpuset_and(&t->h->s.cores[i].cpus, &t->h->s.online_cpus);
		n += is_whole ? !cpuset_is_empty(&cpus) && cpuset_is_subset(&cpus, set)
			      : cpuset_intersects(&cpus, set);
	}
	return n;
}

static void judge_vcpus(struct trial *t, const struct placement *pl, const struct guest *g)
{
	const struct vm *vm = &t->h->vms.vms[number_of(pl->vm)];
	struct cpuset seen = CPUSET_EMPTY;
	judge(t, (int)pl->n_vcpus == vm->n_vcpus, pl->vm, "every vCPU has a place");
	for (size_t i = 0; i < pl->n_vcpus; i++) {
		const struct cpuset *set = &pl->vcpus[i].cpus;
		judge(t, cpuset_count(set) == 1, pl->vm, "a vCPU has one CPU");
		judge(t, !cpuset_intersects(set, &seen), pl->vm, "a CPU has one vCPU");
		seen = cpuset_or(&seen, set);
	}
	judge(t, cpuset_is_subset(&seen, &pl->claim_cpus), pl->vm, "vCPUs lie in the claim");
	if (streq(g->values[KEY_CORES], "one-thread"))
		judge(t, n_cores(t, &seen, false) == vm->n_vcpus, pl->vm, "one vCPU per core");
	if (!streq(g->values[KEY_CORES], "thread"))
		judge(t, n_cores(t, &pl->claim_cpus, false) == n_cores(t, &pl->claim_cpus, true),
			pl->vm, "whole cores");
}

static void judge_place(struct trial *t, const struct placement *pl, const struct guest *g)
{
	const struct snapshot *s = &t->h->s;
	bool is_l3 = streq(g->values[KEY_PLACE], "one-l3"), is_whole = false;
	if (!is_l3 && !streq(g->values[KEY_PLACE], "one-node"))
		return;
	for (size_t i = 0; i < (is_l3 ? s->n_l3s : s->n_nodes); i++)
		is_whole |= cpuset_is_subset(
			&pl->vcpu_cpus, is_l3 ? &s->l3s[i].cpus : &s->nodes[i].cpus);
	judge(t, is_whole || pl->place_note, pl->vm, "wider than asked for, and no word of it");
}

/* Whether a vCPU is not where its memory is. */
static bool is_far(const struct trial *t, const struct placement *pl, const struct guest *g)
{
	for (size_t i = 0; g->is_split && i < pl->n_vcpus; i++) {
		const struct node *node = &t->h->s.nodes[g->bound[pl->vcpus[i].vcpu % 2]];
		if (!cpuset_is_subset(&pl->vcpus[i].cpus, &node->cpus))
			return true;
	}
	return false;
}

static void judge_placement(struct trial *t, const struct placements *p, const struct placement *pl)
{
	const struct guest *g = &t->guests[number_of(pl->vm)];
	const struct snapshot *s = &t->h->s;
	const struct cpuset *claim = &pl->claim_cpus;
	bool is_shared = streq(g->values[KEY_CORES], "shared");
	judge(t, !streq(g->values[KEY_ISOLATION], "none"), pl->vm, "none is left alone");
	judge(t, cpuset_is_subset(claim, &s->online_cpus), pl->vm, "online CPUs");
	judge(t, !cpuset_intersects(claim, &p->reserved_cpus), pl->vm, "not housekeeping's");
	judge(t, !cpuset_intersects(claim, &t->foreign), pl->vm, "not a partition of others");
	judge(t, cpuset_is_subset(&pl->vcpu_cpus, &g->allowed) || is_shared, pl->vm,
		"what its group allows");
	judge(t, pl->level != LEVEL_ISOLATED || !cpuset_intersects(claim, &s->boot_isolated_cpus),
		pl->vm, "no partition on CPUs of isolcpus=");
	judge(t, streq(level_name(pl->level), g->values[KEY_ISOLATION]) || pl->why_less, pl->vm,
		"less isolation, and no word of it");
	if (is_shared)
		return;
	judge_vcpus(t, pl, g);
	judge_place(t, pl, g);
	judge(t, !is_far(t, pl, g) || pl->place_note, pl->vm,
		"vCPUs that are not where their memory is, and no word of it");
}

static void judge_together(struct trial *t, const struct placements *p)
{
	struct cpuset all = CPUSET_EMPTY;
	const struct snapshot *s = &t->h->s;
	for (size_t i = 0; i < p->n; i++) {
		judge_placement(t, p, &p->v[i]);
		judge(t, !cpuset_intersects(&all, &p->v[i].claim_cpus), p->v[i].vm,
			"a CPU is in one claim");
		all = cpuset_or(&all, &p->v[i].claim_cpus);
	}
	for (size_t i = 0; i < s->n_cores; i++)
		for (size_t k = 0, n = 0; k < p->n; k++) {
			bool is_in = cpuset_intersects(&s->cores[i].cpus, &p->v[k].claim_cpus);
			bool is_thread =
				streq(t->guests[number_of(p->v[k].vm)].values[KEY_CORES], "thread");
			n += is_in ? (is_thread ? 1 : 100) : 0;
			judge(t, n <= 100, p->v[k].vm, "a core of its own");
		}
	struct cpuset left = cpuset_minus(&s->online_cpus, &all);
	left = cpuset_minus(&left, &s->isolated_cpus);
	struct cpuset usual = cpuset_minus(&s->online_cpus, &s->isolated_cpus);
	judge(t, cpuset_is_empty(&usual) || !cpuset_is_empty(&left), NULL, "the host keeps a CPU");
	judge(t, n_with(&all, &p->housekeeping_cpus) == 0, NULL, "housekeeping is not claimed");
}

/* What is bound and not there yet is taken of what is free by one after the other; who finds less
 * is refused for it, and nobody else. */
static void judge_memory(struct trial *t, const struct placements *p)
{
	const struct snapshot *s = &t->h->s;
	AUTO_FREE int64_t *left = xcalloc(s->n_nodes + 1, sizeof *left);
	for (size_t i = 0; i < s->n_nodes; i++)
		left[i] = (int64_t)s->nodes[i].mem_free_kib;
	for (size_t i = 0; i < t->n; i++) {
		const struct guest *g = &t->guests[i];
		const char *id = t->h->vms.vms[i].id;
		bool is_short = g->pending_kib > left[g->node], is_refused = false;
		if (!is_short)
			left[g->node] -= g->pending_kib;
		for (size_t k = 0; k < p->refused.n; k++)
			is_refused |= streq(p->refused.v[k].vm, id) &&
				strstr(p->refused.v[k].reason, "would be killed");
		judge(t, is_refused == (is_short && !streq(g->values[KEY_ISOLATION], "none")), id,
			"memory that is bound is there");
	}
	for (size_t k = 0; k < p->n; k++)
		for (size_t i = 0; i < s->n_nodes; i++)
			judge(t,
				s->nodes[i].has_memory || p->v[k].place_note ||
					streq(t->guests[number_of(p->v[k].vm)].values[KEY_CORES],
						"shared") ||
					!cpuset_intersects(&s->nodes[i].cpus, &p->v[k].vcpu_cpus),
				p->v[k].vm, "a node without memory, and no word of it");
}

/* ---- refusals ---- */

/* Plans the one VM beside the others' placements, but for those left out; *ret to be freed. */
static bool plan_again(struct trial *t, const char *text, size_t vm, const struct placements *p,
	const bool *is_out, bool is_repack, struct placements **ret)
{
	const struct plan_options options = { .is_repack = is_repack };
	AUTO_POLICY struct policy *policy = fake_policy(text);
	AUTO_FREE struct placement *rest = xcalloc(p->n + 1, sizeof *rest);
	struct err e = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		if (!is_out || !is_out[number_of(p->v[i].vm)])
			rest[n++] = p->v[i];
	/* No fence stands that would have taken CPUs off the groups of the others here. */
	for (size_t i = 0; i < n; i++)
		rest[i].level = LEVEL_PINNED;
	int r = place_vms_as(&t->h->s, &t->h->vms, policy, &vm, 1, rest, n, &options, ret, &e);
	judge(t, r == 0, t->h->vms.vms[vm].id, "can be planned again");
	return r == 0;
}

static bool fits(struct trial *t, const char *text, size_t vm, const struct placements *p,
	const bool *is_out)
{
	AUTO_PLACEMENTS struct placements *again = NULL;
	return plan_again(t, text, vm, p, is_out, false, &again) && again->n == 1;
}

static const struct placement *placement_in(const struct placements *p, const char *vm)
{
	for (size_t i = 0; i < p->n; i++)
		if (streq(p->v[i].vm, vm))
			return &p->v[i];
	return NULL;
}

/* With so few moves it is let in, of VMs that may move, and to where nobody is. */
static void judge_move(
	struct trial *t, const struct placements *p, size_t vm, const struct alternative *a)
{
	AUTO_PLACEMENTS struct placements *again = NULL;
	AUTO_FREE char *text = policy_text(t, vm, NULL, NULL, 0);
	const char *id = t->h->vms.vms[vm].id;
	if (!plan_again(t, text, vm, p, NULL, true, &again))
		return;
	judge(t, again->refused.n == 0 && placement_in(again, id), id, a->text);
	judge(t, again->moves.n <= a->n_moves, id, "fewer moves were offered than are made");
	judge(t, again->n == again->moves.n + 1, id, "nobody else is placed anew");
	struct cpuset to = CPUSET_EMPTY;
	for (size_t i = 0; i < a->n_moves; i++) {
		const struct move *m = &a->moves[i];
		const struct placement *was = placement_in(p, m->vm);
		judge(t, was && cpuset_equal(&was->claim_cpus, &m->from), m->vm, "it was there");
		judge(t, !streq(t->guests[number_of(m->vm)].values[KEY_MOVABLE], "no"), m->vm,
			"it must not move");
		judge(t, !cpuset_intersects(&to, &m->to), m->vm, "two move to one CPU");
		to = cpuset_or(&to, &m->to);
	}
	for (size_t i = 0; i < p->n; i++) {
		bool is_moved = false;
		for (size_t k = 0; k < a->n_moves; k++)
			is_moved |= streq(a->moves[k].vm, p->v[i].vm);
		judge(t, is_moved || !cpuset_intersects(&to, &p->v[i].claim_cpus), p->v[i].vm,
			"somebody moves to where it is");
	}
	t->n_moves++;
}

static void judge_alternative(
	struct trial *t, const struct placements *p, size_t vm, const struct alternative *a)
{
	const char *keys[2], *values[2];
	size_t n = 0;
	for (size_t i = 0; i < N_ELEMENTS(a->set); i++)
		if (a->set[i].key) {
			keys[n] = a->set[i].key;
			values[n++] = a->set[i].value;
		}
	if (a->n_moves)
		judge_move(t, p, vm, a);
	if (!n && !a->n_vcpus)
		return; /* advice */
	struct vm *guest = &t->h->vms.vms[vm];
	struct vm_thread *threads = guest->threads;
	size_t n_threads = guest->n_threads;
	int n_vcpus = guest->n_vcpus;
	struct vm_thread fewer[80];
	if (a->n_vcpus) {
		guest->n_threads = 0;
		for (size_t i = 0; i < n_threads; i++)
			if (threads[i].role != ROLE_VCPU || threads[i].index < (int)a->n_vcpus)
				fewer[guest->n_threads++] = threads[i];
		guest->threads = fewer;
		guest->n_vcpus = (int)a->n_vcpus;
	}
	AUTO_FREE char *text = policy_text(t, vm, keys, values, n);
	bool does_fit = fits(t, text, vm, p, NULL);
	guest->threads = threads;
	guest->n_threads = n_threads;
	guest->n_vcpus = n_vcpus;
	judge(t, does_fit, guest->id, a->text);
	t->n_alternatives++;
}

static void judge_refusal(struct trial *t, const struct placements *p, const struct refusal *r)
{
	size_t vm = (size_t)number_of(r->vm);
	AUTO_FREE char *text = policy_text(t, vm, NULL, NULL, 0);
	bool is_out[VMS_MAX] = { 0 };
	size_t n_vms = 0;
	judge(t, r->reason && *r->reason, r->vm, "a refusal has a reason");
	judge(t, !fits(t, text, vm, p, NULL), r->vm, "it is refused though it fits");
	for (size_t i = 0; i < r->alternatives.n; i++)
		judge_alternative(t, p, vm, &r->alternatives.v[i]);
	for (size_t i = 0; i < r->blocking.n; i++)
		if (r->blocking.v[i].vm) {
			is_out[number_of(r->blocking.v[i].vm)] = true;
			n_vms++;
		}
	if (!n_vms)
		return;
	/* what is no VM is named beside them only where they are not enough */
	bool is_enough = n_vms == r->blocking.n;
	judge(t, fits(t, text, vm, p, is_out) == is_enough, r->vm,
		"it would fit without those that block it");
	for (size_t i = 0; i < r->blocking.n; i++) {
		if (!r->blocking.v[i].vm)
			continue;
		bool *one = &is_out[number_of(r->blocking.v[i].vm)];
		*one = false;
		judge(t, !fits(t, text, vm, p, is_out), r->vm, "one that blocks it could stay");
		*one = true;
	}
	t->n_sets++;
}

/* Some have ended since: what is left in force has holes between. */
static void judge_holes(struct trial *t, const struct placements *p)
{
	AUTO_FREE struct placement *left = xcalloc(p->n + 1, sizeof *left);
	struct placements part = { .v = left };
	for (size_t i = 0; i < p->n; i++)
		if (!chance(3))
			left[part.n++] = p->v[i];
	for (size_t vm = 0; vm < t->n; vm++) {
		AUTO_PLACEMENTS struct placements *again = NULL;
		AUTO_FREE char *text = policy_text(t, vm, NULL, NULL, 0);
		if (placement_in(&part, t->h->vms.vms[vm].id) ||
			!plan_again(t, text, vm, &part, NULL, false, &again))
			continue;
		for (size_t i = 0; i < again->refused.n; i++)
			judge_refusal(t, &part, &again->refused.v[i]);
	}
}

/* ---- all ---- */

static void run(struct trial *t, int *n_placed, int *n_refused)
{
	rng = t->seed * 0x9e3779b97f4a7c15u + 1;
	for (int i = 0; i < 4; i++)
		pick(2);
	make_host(t);
	make_vms(t);
	AUTO_FREE char *text = policy_text(t, t->n, NULL, NULL, 0);
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	int r = fake_place(t->h, text, t->n, NULL, &p, &e);
	judge(t, r == 0, NULL, "it can be planned");
	if (r == 0) {
		judge_together(t, p);
		judge_memory(t, p);
		for (size_t i = 0; i < p->refused.n; i++)
			judge_refusal(t, p, &p->refused.v[i]);
		judge_holes(t, p);
		*n_placed += (int)p->n;
		*n_refused += (int)p->refused.n;
	}
	if (t->fault)
		printf("# seed %" PRIu64 ": %s: %s\n", t->seed, t->vm, t->fault);
	fake_free(t->h);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1000, n_faults = 0;
	int n_placed = 0, n_refused = 0, n_alternatives = 0, n_moves = 0, n_sets = 0;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	for (uint64_t seed = first; seed < first + (uint64_t)n; seed++) {
		struct trial t = { .seed = seed };
		run(&t, &n_placed, &n_refused);
		n_faults += t.fault != NULL;
		n_alternatives += t.n_alternatives;
		n_moves += t.n_moves;
		n_sets += t.n_sets;
	}
	ok(n_faults == 0, "%d random hosts: %d VMs placed, %d refused; %d at fault", n, n_placed,
		n_refused, n_faults);
	ok(argc > 2 || (n_alternatives > n / 4 && n_sets > n / 20 && n_moves > n / 200),
		"%d alternatives that fit, %d offered moves, %d blocking sets that are minimal",
		n_alternatives, n_moves, n_sets);
	return tap_done();
}
