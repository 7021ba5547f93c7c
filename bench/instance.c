/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts, VMs, and the program that says what is best. */
#include "instance.h"

#include <stdio.h>
#include <time.h>

#include "base/str.h"
#include "../tests/machine/random.h"

enum { GIB = 1 << 20, GIB_PER_CORE = 8 };

static const struct {
	const char *name;
	struct shape shape;
	int no_memory; /* the node with this index and those after it have none; 0: all have */
} hosts[] = {
	{ "ryzen", { 1, 1, 2, 8, 2, true }, 0 },
	{ "ryzen-x3d", { 1, 1, 2, 8, 2, true, .small_l3s = 1 }, 0 },
	{ "8p-8e", { 1, 1, 1, 8, 2, false, .small = 8 }, 0 },
	{ "epyc-nps1", { 1, 1, 8, 8, 2, true }, 0 },
	{ "epyc-nps2", { 1, 2, 4, 8, 2, true }, 0 },
	{ "epyc-nps4", { 1, 4, 2, 8, 2, true }, 0 },
	{ "l3-as-numa", { 1, 8, 1, 8, 2, true }, 0 },
	{ "smt-off", { 2, 1, 4, 8, 1, false }, 0 },
	{ "no-memory", { 1, 4, 1, 8, 2, true }, 2 },
	{ "offline", { 2, 1, 4, 8, 2, true, .offline = "3,9,17-18,40,67,73,81-82,104" }, 0 },
	{ "one-l3-each", { 2, 1, 1, 56, 2, true }, 0 },
	{ "smt4", { 2, 1, 6, 4, 4, false }, 0 },
	{ "two-sockets", { 2, 1, 8, 8, 2, true }, 0 },
	{ "arm", { 1, 1, 1, 128, 1, false }, 0 },
	{ "eight-sockets", { 8, 1, 1, 24, 2, true }, 0 },
	{ "large", { 4, 1, 16, 8, 2, true }, 0 },
};

/* Shares of a hundred: VMs with so many cores; the rest has up to 'large'. */
static const struct {
	const char *name, *policy;
	int low, high, share, large;
	bool needs_helper, is_one_thread;
} mixes[] = {
	{ "homelab", "", 1, 3, 70, 12, false, false },
	{ "smb", "", 1, 4, 85, 16, false, false },
	{ "telco", "emulator = own\n", 2, 6, 60, 16, true, false },
	{ "dense", "", 1, 2, 90, 4, false, false },
	{ "trading", "cores = one-thread\nemulator = own\n", 2, 7, 90, 14, true, true },
};

/* ---- random numbers ---- */

static uint64_t rng;

uint64_t instance_random(void)
{
	return random_next(&rng) >> 11;
}

int instance_between(int low, int high)
{
	return low + (int)(instance_random() % (uint64_t)(high - low + 1));
}

/* ---- the host ---- */

static void set_kinds(struct fake_host *h, const struct shape *shape)
{
	struct shape_layout l;
	shape_lay_out(&l, shape);
	array_for_each (c, &l.cpus)
		for (size_t i = 0; shape->small && i < h->s.n_cpus; i++)
			if (h->s.cpus[i].cpu == c->nr)
				h->s.cpus[i].kind =
					c->kind == SHAPE_BIG ? CPU_PERFORMANCE : CPU_EFFICIENCY;
	for (size_t i = 0; i < h->s.n_l3s; i++)
		h->s.l3s[i].size_kib = shape->small_l3s && i % 2 ? 32 << 10 : 96 << 10;
	shape_done(&l);
}

static int by_first(const void *a, const void *b)
{
	return ((const struct host_core *)a)->first - ((const struct host_core *)b)->first;
}

static void take_inventory(struct instance *x, int no_memory)
{
	const struct snapshot *s = &x->h->s;
	struct arena *a = &x->h->s.arena;
	x->inv = (struct inventory){ .s = s, .n_pools = 1 };
	x->inv.cores = arena_alloc(a, (s->n_cores + 1) * sizeof *x->inv.cores);
	x->inv.free_kib = arena_alloc(a, (s->n_nodes + 1) * sizeof *x->inv.free_kib);
	for (size_t i = 0; i < s->n_cores; i++) {
		struct host_core c = {
			.l3 = s->cores[i].l3, .node = s->cores[i].node, .owner = NOBODY
		};
		struct cpuset online = cpuset_and(&s->cores[i].cpus, &s->online_cpus);
		c.cpus = cpuset_keep(a, &online);
		c.first = cpuset_first(c.cpus);
		c.n_cpus = cpuset_count(c.cpus);
		if (!c.n_cpus)
			continue;
		for (size_t k = 0; k < s->n_cpus; k++)
			c.kind = s->cpus[k].cpu == c.first ? s->cpus[k].kind : c.kind;
		x->inv.cores[x->inv.n_cores++] = c;
		if (!no_memory || c.node < no_memory)
			x->inv.free_kib[c.node] += (int64_t)GIB_PER_CORE * GIB;
	}
	qsort(x->inv.cores, x->inv.n_cores, sizeof *x->inv.cores, by_first);
	for (size_t n = 0; n < s->n_nodes; n++) {
		x->h->s.nodes[n].has_memory = x->inv.free_kib[n] > 0;
		for (size_t i = 0; i < x->inv.n_cores; i++)
			if (x->inv.cores[i].node == (int)n) {
				struct cpuset *kept = &x->kept_cpus;
				cpuset_add_all(kept, x->inv.cores[i].cpus);
				break;
			}
	}
	x->solver = solver_new(&x->inv, a, &x->kept_cpus, 1);
	x->empty = room_of(x->solver, NULL, NOBODY);
	for (size_t k = 0; k < x->solver->n_cells; k++)
		x->n_free += x->solver->cells[k].usable[0] ? x->empty.cores[k] : 0;
	x->planner = (struct planner){ .s = s,
		.vms = &x->h->vms,
		.out = &x->notes,
		.inv = x->inv,
		.solver = x->solver,
		.empty = x->empty };
}

/* ---- the VMs ---- */

/* The scope, and the parts, that the planner insists on. */
static bool choose_scope(struct instance *x, struct request *req)
{
	req->scope = SCOPE_L3;
	return place_scope(&x->planner, req);
}

static const struct vm_thread **vcpus_of(struct instance *x, const struct vm *vm)
{
	size_t n = (size_t)vm->n_vcpus;
	const struct vm_thread **v = arena_alloc(&x->h->s.arena, n * sizeof *v);
	for (size_t i = 0; i < n; i++)
		v[i] = &vm->threads[i];
	return v;
}

static void add_vm(struct instance *x, size_t mix, int cores)
{
	int width = mixes[mix].is_one_thread ? 1 : x->solver->widest;
	AUTO_FREE char *id = xasprintf("%zu", 100 + x->n);
	struct request *req = &x->requests[x->n];
	int n_vcpus = cores * width > 64 ? 64 : cores * width;
	*req = (struct request){ .vm = fake_vm(x->h, id, n_vcpus, 1, 0), .self = NOBODY };
	req->n_cpus = req->n_vcpus = (size_t)n_vcpus;
	req->vcpus = vcpus_of(x, req->vm);
	req->wish.cores = mixes[mix].is_one_thread ? CORES_ONE_THREAD : CORES_FULL;
	req->needs_helper = mixes[mix].needs_helper;
	place_group_vcpus(&x->planner, req);
	if (!choose_scope(x, req)) {
		x->h->vms.n_vms--;
		return;
	}
	x->weight[x->n] = solver_weight(x->solver, req);
	x->asked += x->weight[x->n++];
}

/* Some have four times as much per core as others; together so much. */
static void give_memory(struct instance *x, int tightness)
{
	double all = 0, sum = 0;
	AUTO_FREE double *share = xcalloc(x->n + 1, sizeof *share);
	for (size_t i = 0; i < x->h->s.n_nodes; i++)
		all += (double)x->inv.free_kib[i];
	for (size_t i = 0; i < x->n; i++)
		sum += share[i] = x->weight[i] * (0.5 + instance_between(0, 150) / 100.0);
	for (size_t i = 0; tightness && i < x->n; i++) {
		struct request *req = &x->requests[i];
		enum scope scope = req->scope;
		req->bind.kib = (uint64_t)(share[i] / sum * all * tightness / 100) >> 18 << 18;
		/* One that no node could ever hold asks for less. */
		while (!choose_scope(x, req) || req->scope > scope)
			req->bind.kib = req->bind.kib * 3 / 4;
	}
}

static int find(const char *name, const char *const *names, size_t stride, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (streq(name, *(const char *const *)((const char *)names + i * stride)))
			return (int)i;
	fprintf(stderr, "%s is none of:", name);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, " %s", *(const char *const *)((const char *)names + i * stride));
	fputc('\n', stderr);
	return -1;
}

struct instance *instance_new(
	const char *host, const char *mix, int tightness, int demand, uint64_t seed)
{
	int h = find(host, &hosts[0].name, sizeof *hosts, N_ELEMENTS(hosts));
	int m = find(mix, &mixes[0].name, sizeof *mixes, N_ELEMENTS(mixes));
	if (h < 0 || m < 0)
		return NULL;
	struct instance *x = xcalloc(1, sizeof *x);
	rng = 0x9e3779b97f4a7c15u * (seed * 64 + (uint64_t)h * 8 + (uint64_t)m + 1);
	instance_random();
	x->h = fake_host(hosts[h].shape);
	x->h->max_vms = INSTANCE_MAX;
	set_kinds(x->h, &hosts[h].shape);
	take_inventory(x, hosts[h].no_memory);
	while (x->asked * 100 < x->n_free * demand && x->n < INSTANCE_MAX)
		add_vm(x, (size_t)m,
			instance_between(1, 100) <= mixes[m].share
				? instance_between(mixes[m].low, mixes[m].high)
				: instance_between(mixes[m].high, mixes[m].large));
	give_memory(x, tightness);
	x->policy = xasprintf("[vm *]\nplace = one-l3\n%s", mixes[m].policy);
	return x;
}

void instance_free(struct instance *x)
{
	room_done(&x->empty);
	arena_done(&x->planner.scratch);
	arena_done(&x->notes.arena);
	fake_free(x->h);
	free(x->policy);
	free(x);
}

/* ---- what comes of it ---- */

uint64_t instance_clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

bool instance_place(const struct instance *x, struct room *room, const struct request *req)
{
	struct take_list takes = { 0 };
	long work = 0;
	bool is_found = spot_find(x->solver, room, req, req->scope, FIT_KIND, &takes, &work);
	if (is_found)
		room_take(room, &takes);
	free(takes.v);
	return is_found;
}

long instance_solve(const struct instance *x)
{
	static struct take_list takes[INSTANCE_MAX];
	AUTO_FREE int *open = xcalloc(x->solver->n_cells + 1, sizeof *open);
	long placed = 0;
	solve(x->solver, x->requests, x->n, open, takes);
	for (size_t i = 0; i < x->n; i++) {
		placed += takes[i].is_found ? x->weight[i] : 0;
		free(takes[i].v);
	}
	return placed;
}

/* ---- the program ---- */

/* A domain of the VM's scope, the host being one: is the cell in it? */
static bool is_in(const struct cell *c, enum scope scope, int domain)
{
	return scope == SCOPE_L3 ? c->l3 == domain : scope == SCOPE_NODE ? c->node == domain : true;
}

static bool is_for_helper(const struct instance *x, size_t i, size_t cell)
{
	return x->requests[i].needs_helper && x->empty.cores[cell] &&
		cell_capacity(&x->solver->cells[cell], &x->requests[i]);
}

static bool is_of_use(const struct instance *x, size_t i, size_t cell)
{
	const struct cell *c = &x->solver->cells[cell];
	const struct request *req = &x->requests[i];
	return x->empty.cores[cell] && cell_capacity(c, req) &&
		(!req->bind.kib || x->inv.free_kib[c->node]);
}

/* Cores in one domain, from any of its cells; a helper's core in the same node. */
static void write_vm(const struct instance *x, size_t i, FILE *f)
{
	const struct request *req = &x->requests[i];
	const struct solver *s = x->solver;
	int n_domains = solver_n_domains(&x->inv, req->scope);
	fprintf(f, " one%zu:", i);
	for (int d = 0; d < n_domains; d++)
		fprintf(f, " + x%zu_%d", i, d);
	fputs(" <= 1\n", f);
	for (int d = 0; d < n_domains; d++) {
		fprintf(f, " c%zu_%d: 0 none", i, d);
		for (size_t k = 0; k < s->n_cells; k++)
			if (is_in(&s->cells[k], req->scope, d) && is_of_use(x, i, k))
				fprintf(f, " + %d z%zu_%zu", cell_capacity(&s->cells[k], req), i,
					k);
		fprintf(f, " - %zu x%zu_%d >= 0\n", req->n_cpus, i, d);
	}
	for (int n = 0; req->needs_helper && n < (int)x->h->s.n_nodes; n++) {
		fprintf(f, " h%zu_%d: 0 none", i, n);
		for (size_t k = 0; k < s->n_cells; k++)
			if (is_for_helper(x, i, k) &&
				(s->cells[k].node == n || req->scope >= SCOPE_FEWEST))
				fprintf(f, " + e%zu_%zu", i, k);
		for (int d = 0; d < n_domains; d++)
			if (req->scope >= SCOPE_FEWEST ||
				(req->scope == SCOPE_L3 ? x->h->s.l3s[d].node : d) == n)
				fprintf(f, " - x%zu_%d", i, d);
		fputs(" >= 0\n", f);
	}
}

/* Of several nodes each may give a part where it gives cores. */
static void write_shares(const struct instance *x, size_t i, FILE *f)
{
	const struct request *req = &x->requests[i];
	if (req->scope < SCOPE_FEWEST || !req->bind.kib)
		return;
	double gib = (double)req->bind.kib / GIB;
	fprintf(f, " ms%zu: - %.9g x%zu_0", i, gib, i);
	for (size_t n = 0; n < x->h->s.n_nodes; n++)
		fprintf(f, " + m%zu_%zu", i, n);
	fputs(" >= 0\n", f);
	for (size_t n = 0; n < x->h->s.n_nodes; n++) {
		fprintf(f, " mt%zu_%zu: m%zu_%zu", i, n, i, n);
		for (size_t k = 0; k < x->solver->n_cells; k++)
			if (x->solver->cells[k].node == (int)n && is_of_use(x, i, k))
				fprintf(f, " - %.9g z%zu_%zu", gib, i, k);
		fputs(" <= 0\n", f);
	}
}

static void write_rooms(const struct instance *x, FILE *f)
{
	for (size_t k = 0; k < x->solver->n_cells; k++) {
		if (!x->empty.cores[k] || !x->solver->cells[k].usable[0])
			continue;
		fprintf(f, " r%zu: 0 none", k);
		for (size_t i = 0; i < x->n; i++)
			if (is_of_use(x, i, k))
				fprintf(f, " + z%zu_%zu", i, k);
		for (size_t i = 0; i < x->n; i++)
			if (is_for_helper(x, i, k))
				fprintf(f, " + e%zu_%zu", i, k);
		fprintf(f, " <= %d\n", x->empty.cores[k]);
	}
	for (size_t n = 0; n < x->h->s.n_nodes; n++) {
		fprintf(f, " m%zu: 0 none", n);
		for (size_t i = 0; i < x->n; i++) {
			const struct request *req = &x->requests[i];
			double gib = (double)req->bind.kib / GIB;
			for (int d = 0; d < solver_n_domains(&x->inv, req->scope); d++)
				if (gib > 0 && req->scope < SCOPE_FEWEST &&
					(req->scope == SCOPE_L3 ? x->h->s.l3s[d].node : d) ==
						(int)n)
					fprintf(f, " + %.9g x%zu_%d", gib, i, d);
			if (gib > 0 && req->scope >= SCOPE_FEWEST)
				fprintf(f, " + m%zu_%zu", i, n);
		}
		fprintf(f, " <= %.9g\n", (double)x->inv.free_kib[n] / GIB);
	}
}

/* What is taken of a cell, or with cell < 0 of a node. */
static void write_taken(const struct instance *x, size_t node, int cell, char sign, FILE *f)
{
	for (size_t k = 0; k < x->solver->n_cells; k++) {
		if (cell < 0 ? x->solver->cells[k].node != (int)node : cell != (int)k)
			continue;
		for (size_t i = 0; i < x->n; i++) {
			if (is_of_use(x, i, k))
				fprintf(f, " %c z%zu_%zu", sign, i, k);
			if (is_for_helper(x, i, k))
				fprintf(f, " %c e%zu_%zu", sign, i, k);
		}
	}
}

/* A cell that is all of its L3. */
static bool is_l3(const struct instance *x, size_t cell)
{
	const struct cell *c = &x->solver->cells[cell];
	return c->l3 >= 0 && x->solver->domains[SCOPE_L3][c->l3].n == 1;
}

static bool is_alike(const struct instance *x, size_t a, size_t b)
{
	const struct cell *c = &x->solver->cells[a], *d = &x->solver->cells[b];
	return is_l3(x, a) && is_l3(x, b) && x->empty.cores[a] == x->empty.cores[b] &&
		c->width == d->width && c->kind == d->kind && c->usable[0] == d->usable[0];
}

/* The same cells in the same order, and as much memory. */
static bool is_alike_node(const struct instance *x, size_t a, size_t b)
{
	const struct cell_list *c = &x->solver->domains[SCOPE_NODE][a],
			       *d = &x->solver->domains[SCOPE_NODE][b];
	bool is_alike_so_far = c->n == d->n && x->inv.free_kib[a] == x->inv.free_kib[b];
	for (size_t k = 0; is_alike_so_far && k < c->n; k++)
		is_alike_so_far = is_alike(x, (size_t)c->v[k], (size_t)d->v[k]);
	return is_alike_so_far;
}

/* Of parts that are alike the first has most: an order that costs nothing, and saves CBC all the
 * others. */
static void write_symmetry(const struct instance *x, FILE *f)
{
	for (size_t n = 0; n + 1 < x->h->s.n_nodes; n++) {
		if (!is_alike_node(x, n, n + 1))
			continue;
		fprintf(f, " sn%zu: 0 none", n);
		write_taken(x, n, -1, '+', f);
		write_taken(x, n + 1, -1, '-', f);
		fputs(" >= 0\n", f);
	}
	for (size_t k = 0; k + 1 < x->solver->n_cells; k++) {
		if (!is_alike(x, k, k + 1) ||
			x->solver->cells[k].node != x->solver->cells[k + 1].node)
			continue;
		fprintf(f, " sc%zu: 0 none", k);
		write_taken(x, 0, (int)k, '+', f);
		write_taken(x, 0, (int)k + 1, '-', f);
		fputs(" >= 0\n", f);
	}
}

void instance_write_lp(const struct instance *x, FILE *f)
{
	if (sets_write_lp(x, f))
		return;
	if (counts_do(x)) {
		counts_write_lp(x, f);
		return;
	}
	fputs("Maximize\n obj:", f);
	for (size_t i = 0; i < x->n; i++)
		for (int d = 0; d < solver_n_domains(&x->inv, x->requests[i].scope); d++)
			fprintf(f, " + %d x%zu_%d\n", x->weight[i], i, d);
	fputs("Subject To\n", f);
	for (size_t i = 0; i < x->n; i++) {
		write_vm(x, i, f);
		write_shares(x, i, f);
	}
	write_rooms(x, f);
	write_symmetry(x, f);
	fputs("General\n", f);
	for (size_t i = 0; i < x->n; i++)
		for (size_t k = 0; k < x->solver->n_cells; k++)
			if (is_of_use(x, i, k))
				fprintf(f, " z%zu_%zu\n", i, k);
	fputs("Binary\n", f);
	for (size_t i = 0; i < x->n; i++) {
		for (int d = 0; d < solver_n_domains(&x->inv, x->requests[i].scope); d++)
			fprintf(f, " x%zu_%d\n", i, d);
		for (size_t k = 0; k < x->solver->n_cells; k++)
			if (is_for_helper(x, i, k))
				fprintf(f, " e%zu_%zu\n", i, k);
	}
	fputs("End\n", f);
}
