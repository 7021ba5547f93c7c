/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a VM does not fit, and what would fit, with numbers; who is in the way: place-blocking.c. */
#include <stdarg.h>
#include <string.h>

#include "plan/place.h"

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

struct where {
	enum scope scope;
	int domain; /* -1: the host */
};

/* In what is left, were the scope that it wishes this one: as it would be planned. ret may be NULL,
 * and is only written on success. */
static bool would_fit(
	struct planner *p, const struct request *req, enum scope scope, struct where *ret)
{
	struct request other = *req;
	struct take_list takes = { 0 };
	long work = 0;
	other.scope = scope;
	bool fits = place_scope(p, &other) &&
		spot_find(p->solver, &p->left, &other, other.scope, FIT_TIGHT, &takes, &work) &&
		place_leaves_a_spare(p, &other, &takes, NULL);
	if (fits && ret)
		*ret = (struct where){ other.scope, spot_domain(p->solver, other.scope, &takes) };
	free(takes.v);
	return fits;
}

/* ---- what would fit ---- */

static void offer_places(struct planner *p, const struct request *req, struct refusal *r)
{
	static const char *const names[] = { "one-l3", "one-node", "fewest-nodes", "any" };
	for (enum scope scope = req->scope + 1; scope <= SCOPE_FEWEST; scope++) {
		struct where where;
		if (!would_fit(p, req, scope, &where))
			continue;
		int domain = where.domain;
		int n = room_count(p->solver, &p->left, req, scope, domain < 0 ? 0 : domain);
		place_alternative(p, r,
			(struct alternative){ .set = { { "place", names[scope] } } },
			"place = %s fits on %s: %d free core%s", names[scope],
			place_domain_name(p, scope, domain), n, plural((size_t)n));
		return; /* wider ones fit too, and are worse */
	}
}

static void offer_no_spare(struct planner *p, const struct request *req, struct refusal *r)
{
	struct request other = *req;
	if (!req->n_spare || req->wish.emulator.wish == HELPER_SPARE)
		return;
	other.n_cpus -= other.n_spare;
	other.n_spare = 0;
	place_request_update(p, &other);
	if (would_fit(p, &other, place_wished_scope(req), NULL))
		place_alternative(p, r, (struct alternative){ .set = { { "spare", "0" } } },
			"spare = 0 fits in the same place");
}

/* Offers what the other request asks for, where that fits in the same place. */
static bool offer(struct planner *p, const struct request *req, struct request *other,
	struct refusal *r, struct alternative what, const char *text)
{
	place_request_update(p, other);
	bool fits = would_fit(p, other, place_wished_scope(req), NULL);
	if (fits)
		place_alternative(p, r, what, "%s", text);
	return fits;
}

static void offer_cores(struct planner *p, const struct request *req, struct refusal *r)
{
	static const struct {
		enum cores_wish cores;
		const char *value, *text;
	} shapes[] = {
		{ CORES_FULL, "full", "cores = full fits in the same place" },
		{ CORES_THREAD, "thread", "cores = thread fits in the same place" },
	};
	for (size_t i = 0; i < N_ELEMENTS(shapes); i++) {
		if (req->wish.cores == CORES_SHARED || req->wish.cores >= shapes[i].cores)
			continue;
		struct request other = *req;
		other.wish.cores = shapes[i].cores;
		const struct alternative what = { .set = { { "cores", shapes[i].value } } };
		if (offer(p, req, &other, r, what, shapes[i].text))
			break;
	}
}

/* What partitions must not have: CPUs of isolcpus=, and all of a neighbour's list. */
static void offer_fence(struct planner *p, const struct request *req, struct refusal *r)
{
	struct request other = *req;
	bool has_neighbours = false;
	array_for_each (neighbour, &p->neighbours)
		has_neighbours |= limits_are_by(req, neighbour);
	other.level = LEVEL_FENCED;
	if (req->level == LEVEL_ISOLATED &&
		(has_neighbours || !cpuset_is_empty(&p->s->boot_isolated_cpus)))
		offer(p, req, &other, r,
			(struct alternative){ .set = { { "isolation", "fenced" } } },
			has_neighbours ? "isolation = fenced fits in the same place"
				       : "isolation = fenced fits on CPUs of isolcpus=");
}

static void offer_shapes(struct planner *p, const struct request *req, struct refusal *r)
{
	struct request other = *req;
	offer_cores(p, req, r);
	other.wish.kind = KIND_ANY;
	if (req->wish.kind != KIND_ANY)
		offer(p, req, &other, r, (struct alternative){ .set = { { "kind", "any" } } },
			"kind = any fits, on other cores");
	offer_no_spare(p, req, r);
	other = *req;
	other.needs_helper = false;
	other.wish.emulator.wish = other.wish.iothreads.wish = HELPER_HOUSEKEEPING;
	if (req->needs_helper)
		offer(p, req, &other, r,
			(struct alternative){ .set = { { "emulator", "housekeeping" },
						      { "iothreads", "housekeeping" } } },
			"it fits without a core of its own for helpers "
			"(emulator = housekeeping, iothreads = housekeeping)");
	offer_fence(p, req, r);
}

/* A large VM of this kind that fits where one of its size should. */
static void offer_fewer(struct planner *p, const struct request *req, struct refusal *r)
{
	static const char *const names[] = { "one L3", "one node", "the free CPUs",
		"the free CPUs" };
	size_t low = req->n_spare, high = req->n_cpus; /* low fits, high does not */
	struct where where = { .domain = -1 };
	while (low + 1 < high) {
		struct request smaller = *req;
		smaller.n_cpus = (low + high) / 2;
		place_request_update(p, &smaller);
		if (would_fit(p, &smaller, place_wished_scope(req), &where))
			low = smaller.n_cpus;
		else
			high = smaller.n_cpus;
	}
	low -= req->n_spare;
	if (low && where.scope <= SCOPE_NODE)
		place_alternative(p, r, (struct alternative){ .n_vcpus = low },
			"%zu vCPU%s fit%s in %s (%s)", low, plural(low), low == 1 ? "s" : "",
			names[where.scope], place_domain_name(p, where.scope, where.domain));
	else if (low)
		place_alternative(p, r, (struct alternative){ .n_vcpus = low },
			"%zu vCPU%s fit%s in %s", low, plural(low), low == 1 ? "s" : "",
			names[where.scope]);
}

/* CPUs that each core gives it of those that it may have; 0: not all the same. */
static int width_for(const struct solver *s, const struct request *req)
{
	int width = 0;
	for (size_t k = 0; k < s->n_cells; k++) {
		int n = cell_capacity(&s->cells[k], req);
		if (n && width && n != width)
			return 0;
		width = n ? n : width;
	}
	return req->wish.cores == CORES_THREAD ? 0 : width ? width : solver_widest(s, req);
}

/* Cores that it may have, or with width 0 CPUs. */
static int count_free(
	const struct planner *p, const struct request *req, enum scope scope, int domain, int width)
{
	int n = 0;
	if (width)
		return room_count(p->solver, &p->left, req, scope, domain);
	array_for_each (k, &p->solver->domains[scope][domain]) {
		n += p->left.cores[*k] * cell_capacity(&p->solver->cells[*k], req);
		n += req->wish.cores == CORES_THREAD ? p->left.open[*k] : 0;
	}
	return n;
}

/* In cores where all are alike for it, else in CPUs. */
static struct refusal *say_need(struct planner *p, const struct request *req)
{
	int width = width_for(p->solver, req), most = 0, where = 0;
	int need = place_cores_needed(req, width ? width : 1);
	for (int domain = 0; domain < solver_n_domains(&p->inv, req->scope); domain++) {
		int n = count_free(p, req, req->scope, domain, width);
		if (n > most) {
			most = n;
			where = domain;
		}
	}
	const char *what = req->scope == SCOPE_L3 ? "L3" : "node", *s = plural((size_t)need),
		   *unit = width ? "core" : "CPU",
		   *but = most < need ? "" : ", but not as it needs them";
	if (req->scope > SCOPE_NODE)
		return place_refuse(p, req->vm, "needs %d %s%s of its own; %d %s free%s", need,
			unit, s, most, most == 1 ? "is" : "are", but);
	if (most)
		return place_refuse(p, req->vm,
			"needs %d free %s%s in one %s; the most is %d, in %s%s", need, unit, s,
			what, most, place_domain_name(p, req->scope, where), but);
	return place_refuse(
		p, req->vm, "needs %d free %s%s in one %s; none is free", need, unit, s, what);
}

void place_refuse_full(struct planner *p, const struct request *req)
{
	place_know_movers(p, req);
	p->left = place_room_left(p, req);
	struct refusal *r = say_need(p, req);
	place_name_blocking(p, req, r);
	offer_places(p, req, r);
	place_offer_move(p, req, r);
	offer_shapes(p, req, r);
	offer_fewer(p, req, r);
	room_done(&p->left);
}
