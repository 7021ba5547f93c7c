/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMs with cores = shared: they have no CPUs of their own, and float over those that are free in
 * one L3 or node, or on the whole host, as their place says. Since others come and go, this is
 * derived anew from the wish at every plan. A VM stays in the domain where it is while that has
 * as many CPUs as it has vCPUs; otherwise the one with most of them is taken.
 */
#include "model/snapshot.h"
#include "plan/claims.h"
#include "plan/place.h"

static const struct cpuset *domain_cpus(const struct snapshot *s, bool is_l3, size_t domain)
{
	return is_l3 ? &s->l3s[domain].cpus : &s->nodes[domain].cpus;
}

/* The free CPUs of one domain, or none when no domain has enough. */
static struct cpuset share_of(const struct snapshot *s, const struct cpuset *free_cpus, bool is_l3,
	size_t n_vcpus, const struct cpuset *old)
{
	struct cpuset best = CPUSET_EMPTY;
	size_t n_domains = is_l3 ? s->n_l3s : s->n_nodes;
	for (size_t i = 0; i < n_domains; i++) {
		struct cpuset cpus = cpuset_and(domain_cpus(s, is_l3, i), free_cpus);
		if ((size_t)cpuset_count(&cpus) < n_vcpus)
			continue;
		if (!cpuset_is_empty(old) && cpuset_is_subset(old, domain_cpus(s, is_l3, i)))
			return cpus;
		if (cpuset_count(&cpus) > cpuset_count(&best))
			best = cpus;
	}
	return best;
}

static struct cpuset shared_cpus(
	const struct snapshot *s, const struct cpuset *free_cpus, const struct placement *p)
{
	bool is_guess = p->n_vcpus && p->vcpus[0].vcpu < 0;
	size_t n = is_guess ? (size_t)p->wish.vcpus : p->n_vcpus;
	struct cpuset cpus = CPUSET_EMPTY;
	bool is_moot;
	struct cpuset of_kind = limits_of_kind(s, p->wish.kind, &is_moot);
	of_kind = cpuset_and(&of_kind, free_cpus);
	if (!cpuset_is_empty(&of_kind))
		free_cpus = &of_kind;
	if (p->wish.place <= PLACE_ONE_L3)
		cpus = share_of(s, free_cpus, true, n, &p->vcpu_cpus);
	if (p->wish.place <= PLACE_ONE_NODE && cpuset_is_empty(&cpus))
		cpus = share_of(s, free_cpus, false, n, &p->vcpu_cpus);
	return cpuset_is_empty(&cpus) ? *free_cpus : cpus;
}

void placements_share(const struct snapshot *s, const struct claims *c, struct arena *a,
	struct placement *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct placement *p = &v[i];
		if (p->wish.cores != CORES_SHARED)
			continue;
		p->vcpu_cpus = shared_cpus(s, &c->free_cpus, p);
		p->vcpus = arena_dup(a, p->vcpus, p->n_vcpus, sizeof *p->vcpus);
		for (size_t k = 0; k < p->n_vcpus; k++)
			p->vcpus[k].cpus = p->vcpu_cpus;
	}
}
