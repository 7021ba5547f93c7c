/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program where a node holds few VMs: a variable for each set of VMs that fills a node, so that
 * no more fits. Its relaxation is far nearer to the optimum than that of counts.c.
 */
#include "instance.h"

enum { SETS_MAX = 20000, TRIES_MAX = 3000000, NODES_LEAST = 4, L3S_MAX = 64, VMS_MAX = 63 };

struct sets {
	const struct instance *x;
	int node, cores;
	int64_t kib;
	int left[L3S_MAX], n_l3s;
	uint64_t in; /* so far */
	long n_tries;
	ARRAY(uint64_t) full;
};

/* Whether those of the set from the i-th on fit into what the L3s have left. */
static bool do_pack(struct sets *s, uint64_t set, size_t i)
{
	const struct instance *x = s->x;
	while (i < x->n && (!(set >> i & 1) || x->requests[i].scope != SCOPE_L3))
		i++;
	if (i == x->n)
		return true;
	int cores = x->weight[i] - x->requests[i].needs_helper;
	for (int l3 = 0; l3 < s->n_l3s; l3++) {
		bool is_again = false;
		for (int k = 0; k < l3; k++)
			is_again |= s->left[k] == s->left[l3];
		if (is_again || s->left[l3] < cores)
			continue;
		s->left[l3] -= cores;
		bool do_fit = do_pack(s, set, i + 1);
		s->left[l3] += cores;
		if (do_fit)
			return true;
	}
	return false;
}

static bool does_fit(struct sets *s, size_t i)
{
	return s->x->weight[i] <= s->cores && (int64_t)s->x->requests[i].bind.kib <= s->kib &&
		do_pack(s, s->in | UINT64_C(1) << i, 0);
}

static bool is_full(struct sets *s)
{
	for (size_t i = 0; i < s->x->n; i++)
		if (!(s->in >> i & 1) && does_fit(s, i))
			return false;
	return true;
}

static void add_sets(struct sets *s, size_t i)
{
	if (++s->n_tries > TRIES_MAX || s->full.n > SETS_MAX)
		return;
	if (i == s->x->n) {
		if (is_full(s))
			*array_push(&s->full) = s->in;
		return;
	}
	if (does_fit(s, i)) {
		s->in |= UINT64_C(1) << i;
		s->cores -= s->x->weight[i];
		s->kib -= (int64_t)s->x->requests[i].bind.kib;
		add_sets(s, i + 1);
		s->kib += (int64_t)s->x->requests[i].bind.kib;
		s->cores += s->x->weight[i];
		s->in &= ~(UINT64_C(1) << i);
	}
	add_sets(s, i + 1);
}

static struct sets sets_of(const struct instance *x, int node)
{
	struct sets s = { .x = x, .node = node, .kib = x->inv.free_kib[node] };
	s.cores = counts_free(x, SCOPE_NODE, node);
	for (int l3 = 0; l3 < (int)x->h->s.n_l3s && s.n_l3s < L3S_MAX; l3++)
		if (x->h->s.l3s[l3].node == node)
			s.left[s.n_l3s++] = counts_free(x, SCOPE_L3, l3);
	return s;
}

static bool is_alike(const struct sets *a, const struct sets *b)
{
	bool is_same = a->cores == b->cores && a->kib == b->kib && a->n_l3s == b->n_l3s;
	for (int k = 0; is_same && k < a->n_l3s; k++)
		is_same = a->left[k] == b->left[k];
	return is_same;
}

static void write_sets(const struct instance *x, const struct sets *nodes, int n_nodes, FILE *f)
{
	fputs("Maximize\n obj:", f);
	for (size_t i = 0; i < x->n; i++)
		fprintf(f, " + %d x%zu\n", x->weight[i], i);
	fputs("Subject To\n", f);
	for (size_t i = 0; i < x->n; i++) {
		fprintf(f, " in%zu: x%zu", i, i);
		for (int n = 0; n < n_nodes; n++)
			for (size_t k = 0; k < nodes[n].full.n; k++)
				if (nodes[n].full.v[k] >> i & 1)
					fprintf(f, " - y%d_%zu\n", n, k);
		fputs(" <= 0\n", f);
	}
	for (int n = 0; n < n_nodes; n++) {
		int n_alike = 1; /* the sets of a node stand for those like it */
		for (int m = n + 1; m < n_nodes; m++)
			n_alike += is_alike(&nodes[n], &nodes[m]);
		fprintf(f, " n%d: 0 none", n);
		for (size_t k = 0; k < nodes[n].full.n; k++)
			fprintf(f, " + y%d_%zu\n", n, k);
		fprintf(f, " <= %d\n", n_alike);
	}
	fputs("Binary\n", f);
	for (size_t i = 0; i < x->n; i++)
		fprintf(f, " x%zu\n", i);
	for (int n = 0; n < n_nodes; n++)
		for (size_t k = 0; k < nodes[n].full.n; k++)
			fprintf(f, " y%d_%zu\n", n, k);
	fputs("End\n", f);
}

bool sets_write_lp(const struct instance *x, FILE *f)
{
	int n_nodes = (int)x->h->s.n_nodes;
	bool is_of_use = n_nodes >= NODES_LEAST && x->n <= VMS_MAX && counts_do(x);
	AUTO_FREE struct sets *nodes = xcalloc((size_t)n_nodes + 1, sizeof *nodes);
	for (size_t i = 0; i < x->n; i++)
		is_of_use &= x->requests[i].scope < SCOPE_FEWEST;
	for (int n = 0; n < n_nodes && is_of_use; n++) {
		bool is_again = false;
		nodes[n] = sets_of(x, n);
		for (int m = 0; m < n; m++)
			is_again |= is_alike(&nodes[m], &nodes[n]);
		if (!is_again)
			add_sets(&nodes[n], 0);
		is_of_use = nodes[n].full.n <= SETS_MAX && nodes[n].n_tries <= TRIES_MAX;
	}
	if (is_of_use)
		write_sets(x, nodes, n_nodes, f);
	for (int n = 0; n < n_nodes; n++)
		free(nodes[n].full.v);
	return is_of_use;
}
