/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program where all cores are alike for every VM: which of them it has does not matter, so that
 * a variable says who is where, and rows count. What may lie anywhere in a node (helpers, VMs
 * larger than an L3) fits if the node has cores left at all. A node is never filled beyond the
 * largest sum of VMs that is not above its cores: a solver that is not told looks for a long time.
 */
#include "instance.h"

enum { GIB = 1 << 20, SUM_MAX = 4096 };

bool counts_do(const struct instance *x)
{
	const struct solver *s = x->solver;
	size_t first = 0;
	while (first < s->n_cells && !s->cells[first].usable[0])
		first++;
	for (size_t k = first; k < s->n_cells; k++)
		for (size_t i = 0; i < x->n && s->cells[k].usable[0]; i++)
			if (cell_capacity(&s->cells[k], &x->requests[i]) !=
					cell_capacity(&s->cells[first], &x->requests[i]) ||
				s->cells[k].l3 < 0 || s->cells[k].node < 0)
				return false;
	return x->n > 0 && first < s->n_cells;
}

static bool is_spanning(const struct instance *x, size_t i)
{
	return x->requests[i].scope >= SCOPE_FEWEST;
}

static int n_domains(const struct instance *x, size_t i)
{
	return solver_n_domains(&x->inv, x->requests[i].scope);
}

static int node_of(const struct instance *x, size_t i, int domain)
{
	return x->requests[i].scope == SCOPE_L3 ? x->h->s.l3s[domain].node : domain;
}

int counts_free(const struct instance *x, enum scope scope, int domain)
{
	int n = 0;
	const struct cell_list *cells = &x->solver->domains[scope][domain];
	for (size_t k = 0; k < cells->n; k++)
		n += x->solver->cells[cells->v[k]].usable[0] ? x->empty.cores[cells->v[k]] : 0;
	return n;
}

/* The largest sum of weights that is not above so many cores. */
static int fill_of(const struct instance *x, int cores)
{
	static bool is_sum[SUM_MAX];
	for (int c = 0; c <= cores; c++)
		is_sum[c] = c == 0;
	for (size_t i = 0; i < x->n; i++) {
		if (is_spanning(x, i))
			return cores;
		for (int c = cores; c >= x->weight[i]; c--)
			is_sum[c] |= is_sum[c - x->weight[i]];
	}
	while (!is_sum[cores])
		cores--;
	return cores;
}

/* Of all nodes together so much, if it is placed. */
static void write_sum(
	const struct instance *x, size_t i, const char *row, char name, double sum, FILE *f)
{
	fprintf(f, " %s%zu: - %.9g x%zu_0", row, i, sum, i);
	for (size_t n = 0; n < x->h->s.n_nodes; n++)
		fprintf(f, " + %c%zu_%zu", name, i, n);
	fputs(" = 0\n", f);
}

static void write_vms(const struct instance *x, FILE *f)
{
	for (size_t i = 0; i < x->n; i++) {
		fprintf(f, " one%zu:", i);
		for (int d = 0; d < n_domains(x, i); d++)
			fprintf(f, " + x%zu_%d", i, d);
		fputs(" <= 1\n", f);
		if (!is_spanning(x, i))
			continue;
		double gib = (double)x->requests[i].bind.kib / GIB;
		int helper = x->requests[i].needs_helper;
		write_sum(x, i, "all", 'z', x->weight[i] - helper, f);
		write_sum(x, i, "help", 'e', helper, f);
		write_sum(x, i, "ms", 'm', gib, f);
		/* Memory comes from where it has cores, and it has none where no memory is. */
		for (size_t n = 0; gib > 0 && n < x->h->s.n_nodes; n++) {
			fprintf(f, " mt%zu_%zu: m%zu_%zu - %.9g z%zu_%zu <= 0\n", i, n, i, n, gib,
				i, n);
			if (!x->inv.free_kib[n])
				fprintf(f, " mz%zu_%zu: z%zu_%zu <= 0\n", i, n, i, n);
		}
	}
}

static void write_l3s(const struct instance *x, FILE *f)
{
	for (int d = 0; d < (int)x->h->s.n_l3s; d++) {
		fprintf(f, " l%d: 0 none", d);
		for (size_t i = 0; i < x->n; i++)
			if (x->requests[i].scope == SCOPE_L3)
				fprintf(f, " + %d x%zu_%d",
					x->weight[i] - x->requests[i].needs_helper, i, d);
		fprintf(f, " <= %d\n", counts_free(x, SCOPE_L3, d));
	}
}

static void write_nodes(const struct instance *x, FILE *f)
{
	for (int n = 0; n < (int)x->h->s.n_nodes; n++) {
		fprintf(f, " n%d: 0 none", n);
		for (size_t i = 0; i < x->n; i++)
			for (int d = 0; is_spanning(x, i) ? d < 1 : d < n_domains(x, i); d++)
				if (is_spanning(x, i))
					fprintf(f, " + z%zu_%d + e%zu_%d", i, n, i, n);
				else if (node_of(x, i, d) == n)
					fprintf(f, " + %d x%zu_%d", x->weight[i], i, d);
		fprintf(f, " <= %d\n", fill_of(x, counts_free(x, SCOPE_NODE, n)));
		fprintf(f, " m%d: 0 none", n);
		for (size_t i = 0; i < x->n; i++) {
			double gib = (double)x->requests[i].bind.kib / GIB;
			for (int d = 0; gib > 0 && !is_spanning(x, i) && d < n_domains(x, i); d++)
				if (node_of(x, i, d) == n)
					fprintf(f, " + %.9g x%zu_%d", gib, i, d);
			if (gib > 0 && is_spanning(x, i))
				fprintf(f, " + m%zu_%d", i, n);
		}
		fprintf(f, " <= %.9g\n", (double)x->inv.free_kib[n] / GIB);
	}
}

void counts_write_lp(const struct instance *x, FILE *f)
{
	fputs("Maximize\n obj:", f);
	for (size_t i = 0; i < x->n; i++)
		for (int d = 0; d < n_domains(x, i); d++)
			fprintf(f, " + %d x%zu_%d\n", x->weight[i], i, d);
	fputs("Subject To\n", f);
	write_vms(x, f);
	write_l3s(x, f);
	write_nodes(x, f);
	fputs("General\n", f);
	for (size_t i = 0; i < x->n; i++)
		for (size_t n = 0; is_spanning(x, i) && n < x->h->s.n_nodes; n++)
			fprintf(f, " z%zu_%zu\n e%zu_%zu\n", i, n, i, n);
	fputs("Binary\n", f);
	for (size_t i = 0; i < x->n; i++)
		for (int d = 0; d < n_domains(x, i); d++)
			fprintf(f, " x%zu_%d\n", i, d);
	fputs("End\n", f);
}
