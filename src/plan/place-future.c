/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Future capacity: what is left of a host is worth what can still be placed there, and that is more
 * when it lies together. It is counted in pairs: of all cores that are left those two by two that
 * are in one L3, and again those that are in one node, since VMs larger than an L3 want nodes. n
 * cores are n * n of them, so that a VM that fills a gap costs less than one that opens a new one.
 */
#include "plan/place.h"

static int domain_of(const struct cell *c, enum scope scope)
{
	return scope == SCOPE_L3 ? c->l3 : c->node;
}

/* Cores that are left there, without those that are kept from the request whatever its kind. */
static int cores_left(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, int domain)
{
	int n = 0;
	array_for_each (k, &s->domains[scope][domain])
		n += s->cells[*k].usable[req->helper_view] ? room->cores[*k] : 0;
	return n;
}

int64_t future_capacity(const struct solver *s, const struct room *room, const struct request *req)
{
	int64_t sum = 0;
	for (enum scope scope = SCOPE_L3; scope <= SCOPE_NODE; scope++)
		for (int d = 0; d < solver_n_domains(s->inv, scope); d++) {
			int64_t left = cores_left(s, room, req, scope, d);
			sum += left * left;
		}
	return sum;
}

/* What the takes, from the i-th on, have of its domain; 0: an earlier one is there too. */
static int taken_there(
	const struct solver *s, const struct take_list *takes, size_t i, enum scope scope)
{
	int domain = domain_of(&s->cells[takes->v[i].cell], scope), n = 0;
	for (size_t k = 0; k < takes->n; k++) {
		if (domain_of(&s->cells[takes->v[k].cell], scope) != domain)
			continue;
		if (k < i)
			return 0;
		n += takes->v[k].n_cores;
	}
	return n;
}

int64_t future_lost(const struct solver *s, const struct room *room, const struct request *req,
	const struct take_list *takes)
{
	int64_t lost = 0;
	for (enum scope scope = SCOPE_L3; scope <= SCOPE_NODE; scope++)
		for (size_t i = 0; i < takes->n; i++) {
			int domain = domain_of(&s->cells[takes->v[i].cell], scope);
			int n = domain < 0 ? 0 : taken_there(s, takes, i, scope);
			if (!n)
				continue;
			int64_t left = cores_left(s, room, req, scope, domain);
			int64_t after = left > n ? left - n : 0;
			lost += left * left - after * after;
		}
	return lost;
}
