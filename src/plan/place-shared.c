/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMs with cores = shared: they have no CPUs of their own, and float over those that are free in
 * one L3 or node, or on the whole host, as their place says. Since others come and go, this is
 * derived anew from the wish at every plan. A VM stays in the domain where it is while that has
 * as many CPUs as it has vCPUs. Otherwise, of those that have, one where its memory is is taken,
 * and of these the one with most time left by the other VMs of this kind: by what they ran since
 * they were started, or all that they could where that is not known.
 */
#include "model/snapshot.h"
#include "plan/claims.h"
#include "plan/place.h"

static const struct cpuset *domain_cpus(const struct snapshot *s, bool is_l3, size_t domain)
{
	return is_l3 ? &s->l3s[domain].cpus : &s->nodes[domain].cpus;
}

/* Work of such VMs, by CPU: 100 is a CPU that never rests. */
struct load {
	double percent[CPUSET_MAX];
};

static void add_load(struct load *load, const struct placement *p)
{
	int n = cpuset_count(&p->vcpu_cpus);
	double percent = p->busy_percent ? p->busy_percent : 100.0 * (double)p->n_vcpus;
	cpuset_for_each (cpu, &p->vcpu_cpus)
		load->percent[cpu] += percent / n;
}

/* What the CPUs could still do, in percent of one. */
static double rest_of(const struct load *load, const struct cpuset *cpus)
{
	double rest = 0;
	cpuset_for_each (cpu, cpus)
		rest += 100 - load->percent[cpu];
	return rest;
}

/* The free CPUs of one domain, or none when no domain has enough. */
static struct cpuset share_of(const struct snapshot *s, const struct cpuset *free_cpus, bool is_l3,
	size_t n_vcpus, const struct placement *p, const struct load *load)
{
	struct cpuset best = CPUSET_EMPTY;
	size_t n_domains = is_l3 ? s->n_l3s : s->n_nodes;
	double best_rest = 0;
	bool is_best_near = false;
	for (size_t i = 0; i < n_domains; i++) {
		const struct cpuset *all = domain_cpus(s, is_l3, i), *old = &p->vcpu_cpus;
		struct cpuset cpus = cpuset_and(all, free_cpus);
		if ((size_t)cpuset_count(&cpus) < n_vcpus)
			continue;
		if (!cpuset_is_empty(old) && cpuset_is_subset(old, all))
			return cpus;
		bool is_near = cpuset_intersects(&cpus, &p->memory_cpus);
		double rest = rest_of(load, &cpus);
		if (!cpuset_is_empty(&best) &&
			(is_near != is_best_near ? is_best_near : rest <= best_rest))
			continue;
		best = cpus;
		best_rest = rest;
		is_best_near = is_near;
	}
	return best;
}

/* Of what is free, what its group and all above it allow; where that is nothing, all that is free,
 * which its group may refuse: a VM has to run somewhere. */
static struct cpuset free_for(
	const struct snapshot *s, const struct claims *c, const struct placement *p)
{
	struct cpuset allowed = cpuset_or(limits_of_group(s, p->cgroup, NULL), &c->ours_cpus);
	struct cpuset cpus = cpuset_and(&c->free_cpus, &allowed);
	return cpuset_is_empty(&cpus) ? c->free_cpus : cpus;
}

static struct cpuset shared_cpus(const struct snapshot *s, const struct claims *c,
	const struct placement *p, const struct load *load)
{
	struct cpuset usable = free_for(s, c, p);
	const struct cpuset *free_cpus = &usable;
	bool is_guess = p->n_vcpus && p->vcpus[0].vcpu < 0;
	size_t n = is_guess ? (size_t)p->wish.vcpus : p->n_vcpus;
	struct cpuset cpus = CPUSET_EMPTY;
	bool is_moot;
	struct cpuset of_kind = limits_of_kind(s, p->wish.kind, &is_moot);
	of_kind = cpuset_and(&of_kind, free_cpus);
	if (!cpuset_is_empty(&of_kind))
		free_cpus = &of_kind;
	if (p->wish.place <= PLACE_ONE_L3)
		cpus = share_of(s, free_cpus, true, n, p, load);
	if (p->wish.place <= PLACE_ONE_NODE && cpuset_is_empty(&cpus))
		cpus = share_of(s, free_cpus, false, n, p, load);
	return cpuset_is_empty(&cpus) ? *free_cpus : cpus;
}

void placements_share(const struct snapshot *s, const struct claims *c, struct arena *a,
	struct placement *v, size_t n)
{
	AUTO_FREE struct load *load = xcalloc(1, sizeof *load);
	for (size_t i = 0; i < c->n; i++)
		if (c->placements[i].wish.cores == CORES_SHARED)
			add_load(load, &c->placements[i]);
	for (size_t i = 0; i < n; i++) {
		struct placement *p = &v[i];
		if (p->wish.cores != CORES_SHARED)
			continue;
		bool is_counted = !cpuset_is_empty(&p->vcpu_cpus);
		p->vcpu_cpus = shared_cpus(s, c, p, load);
		if (!is_counted)
			add_load(load, p);
		p->vcpus = arena_dup(a, p->vcpus, p->n_vcpus, sizeof *p->vcpus);
		for (size_t k = 0; k < p->n_vcpus; k++)
			p->vcpus[k].cpus = p->vcpu_cpus;
	}
}
