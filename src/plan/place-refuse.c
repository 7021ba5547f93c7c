/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a VM does not fit, who is in the way, and what would fit, with numbers. */
#include <stdarg.h>
#include <string.h>

#include "plan/place.h"

static const char *domain_name(struct planner *p, enum scope scope, int domain)
{
	if (scope == SCOPE_L3)
		return arena_printf(&p->out->arena, "L3 %d", domain);
	if (scope == SCOPE_NODE && domain >= 0)
		return arena_printf(&p->out->arena, "node %d", p->s->nodes[domain].node);
	return "this host";
}

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

/* CPUs that the takes claim. */
static int count_claimed(const struct planner *p, const struct take_list *takes)
{
	int n = 0;
	array_for_each (t, takes) {
		const struct cell *c = &p->solver->cells[t->cell];
		n += t->n_open + t->n_cores * c->width - t->n_left;
	}
	return n;
}

/* QEMU's other threads must run in the VM's own group too: see place_made(). is_away: owners that
 * are not counted, by index; may be NULL. */
static bool leaves_a_cpu(const struct planner *p, const struct request *req,
	const struct take_list *takes, const bool *is_away)
{
	struct cpuset left = cpuset_minus(&req->allowed_cpus, &p->foreign_cpus);
	if (!req->limit || req->wish.emulator.wish != HELPER_HOUSEKEEPING)
		return true;
	for (size_t i = 0; i < p->owners.n; i++)
		if ((int)i != req->self && !(is_away && is_away[i]))
			cpuset_remove_all(&left, &p->owners.v[i].placement->claim_cpus);
	return cpuset_count(&left) > count_claimed(p, takes);
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
		leaves_a_cpu(p, &other, &takes, NULL);
	if (fits && ret)
		*ret = (struct where){ other.scope, spot_domain(p->solver, other.scope, &takes) };
	free(takes.v);
	return fits;
}

/* What its policy says, which on this host may be too narrow for it. */
static enum scope wished(const struct request *req)
{
	return (enum scope)req->wish.place;
}

/* ---- who is in the way ---- */

static bool is_in(const struct host_core *core, enum scope scope, int domain)
{
	if (scope == SCOPE_L3)
		return core->l3 == domain;
	return scope == SCOPE_NODE ? core->node == domain : true;
}

/* CPUs that are claimed, but for owners that are away. */
static struct cpuset claimed_without(const struct planner *p, const bool *is_away)
{
	struct cpuset claimed = CPUSET_EMPTY;
	for (size_t i = 0; i < p->owners.n; i++)
		if (!is_away[i])
			cpuset_add_all(&claimed, &p->owners.v[i].placement->claim_cpus);
	return claimed;
}

/* Adds what a core gives when VMs with cores = thread on it are away: all of it, or, where others
 * of them stay, their CPUs. taken: by all owners. */
static void give_opened(const struct planner *p, struct room *room, size_t i,
	const struct cpuset *staying, const struct cpuset *taken)
{
	const struct cpuset *cpus = p->inv.cores[i].cpus;
	int cell = p->solver->cell_of_core[i];
	struct cpuset was_open = cpuset_minus(cpus, taken), open = cpuset_minus(cpus, staying);
	was_open = cpuset_minus(&was_open, &p->kept_cpus);
	open = cpuset_minus(&open, &p->kept_cpus);
	bool is_free = !cpuset_intersects(cpus, staying);
	room->cores[cell] += is_free;
	room->open[cell] += (is_free ? 0 : cpuset_count(&open)) - cpuset_count(&was_open);
}

/* Fits in what is free and in all that these owners have? */
static bool fits_without(const struct planner *p, const struct request *req, const bool *is_away)
{
	struct room room = room_copy(p->solver, &p->left);
	struct take_list takes = { 0 };
	struct cpuset staying = claimed_without(p, is_away), taken = CPUSET_EMPTY;
	long work = 0;
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		if (core->owner == NOBODY || core->owner == req->self)
			continue;
		if (p->owners.v[core->owner].placement->wish.cores != CORES_THREAD) {
			room.cores[p->solver->cell_of_core[i]] +=
				is_away[core->owner] && !cpuset_intersects(core->cpus, &staying);
			continue;
		}
		if (cpuset_is_empty(&taken))
			taken = inventory_taken(p);
		give_opened(p, &room, i, &staying, &taken);
	}
	bool fits = spot_find(p->solver, &room, req, req->scope, FIT_TIGHT, &takes, &work) &&
		leaves_a_cpu(p, req, &takes, is_away);
	room_done(&room);
	free(takes.v);
	return fits;
}

/* Cores of each owner in the domain that are of use for the request; how many owners have any. */
static size_t count_owned(const struct planner *p, const struct request *req, int domain, int *ret)
{
	size_t n = 0;
	memset(ret, 0, p->owners.n * sizeof *ret);
	for (size_t i = 0; i < p->inv.n_cores; i++) {
		const struct host_core *core = &p->inv.cores[i];
		const struct cell *cell = &p->solver->cells[p->solver->cell_of_core[i]];
		if (core->owner == NOBODY || core->owner == req->self ||
			!is_in(core, req->scope, domain) || !cell->usable[req->view])
			continue;
		n += !ret[core->owner]++;
	}
	return n;
}

/* Owners without all of which it would fit, and none of whom may stay: the largest first until it
 * does, then those that were not needed stay after all. Returns how many, 0 when nothing helps. */
static size_t find_blocking(
	const struct planner *p, const struct request *req, int domain, int *owned, bool *is_away)
{
	size_t n_owners = count_owned(p, req, domain, owned), n = 0;
	memset(is_away, 0, p->owners.n * sizeof *is_away);
	while (n < n_owners && (!n || !fits_without(p, req, is_away))) {
		size_t most = p->owners.n;
		for (size_t i = 0; i < p->owners.n; i++)
			if (owned[i] && !is_away[i] &&
				(most == p->owners.n || owned[i] > owned[most]))
				most = i;
		is_away[most] = true;
		n++;
	}
	if (!n || !fits_without(p, req, is_away))
		return 0;
	for (size_t i = 0; i < p->owners.n; i++) {
		if (!is_away[i])
			continue;
		is_away[i] = false;
		if (fits_without(p, req, is_away))
			n--;
		else
			is_away[i] = true;
	}
	return n;
}

static void say_blocking(struct planner *p, const struct request *req, int domain,
	const bool *is_away, struct refusal *r)
{
	for (size_t o = 0; o < p->owners.n; o++) {
		const struct placement *pl = p->owners.v[o].placement;
		struct cpuset cpus = CPUSET_EMPTY;
		size_t n = 0;
		if (!is_away[o])
			continue;
		for (size_t i = 0; i < p->inv.n_cores; i++) {
			const struct host_core *core = &p->inv.cores[i];
			if (core->owner != (int)o || !is_in(core, req->scope, domain))
				continue;
			cpuset_add_all(&cpus, core->cpus);
			n++;
		}
		place_blocking(p, r, pl->vm, &cpus, "VM %s holds %zu core%s of %s (CPUs %s)",
			place_label(p, pl->vm, pl->name), n, plural(n),
			domain_name(p, req->scope, domain), place_list(p, &cpus));
	}
}

/* In the domain where the fewest VMs are in the way, those. False: none is, nobody could make room.
 */
static bool name_owners(struct planner *p, const struct request *req, struct refusal *r)
{
	AUTO_FREE int *owned = xcalloc(p->owners.n + 1, sizeof *owned);
	AUTO_FREE bool *is_away = xcalloc(p->owners.n + 1, sizeof *is_away);
	AUTO_FREE bool *best_away = xcalloc(p->owners.n + 1, sizeof *best_away);
	size_t best = 0;
	int where = 0;
	for (int d = 0; d < solver_n_domains(&p->inv, req->scope) && best != 1; d++) {
		size_t n = find_blocking(p, req, d, owned, is_away);
		if (!n || (best && n >= best))
			continue;
		best = n;
		where = d;
		memcpy(best_away, is_away, p->owners.n * sizeof *is_away);
	}
	if (best)
		say_blocking(p, req, where, best_away, r);
	return best;
}

/* What its own policy takes away. True: nothing else does. */
static bool name_wishes(struct planner *p, const struct request *req, struct refusal *r)
{
	static const char *const parts[] = { "core", "L3", "node" };
	array_for_each (o, &p->owners) {
		enum apart_wish by;
		if (!place_is_apart(req, o, &by))
			continue;
		struct cpuset cpus = place_apart_cpus(p, req, o);
		place_blocking(p, r, o->placement->vm, &cpus,
			"VM %s, which it must be apart from by %s, keeps it off CPUs %s",
			place_label(p, o->placement->vm, o->placement->name), parts[by],
			place_list(p, &cpus));
	}
	struct request bare = *req;
	bare.apart_cpus = CPUSET_EMPTY;
	place_request_update(p, &bare);
	return would_fit(p, &bare, wished(req), NULL);
}

/* What of the host no VM can have at all. */
static void name_kept(struct planner *p, const struct request *req, struct refusal *r)
{
	if (!cpuset_is_empty(&p->out->reserved_cpus))
		place_blocking(p, r, NULL, &p->out->reserved_cpus, "housekeeping keeps CPUs %s",
			place_list(p, &p->out->reserved_cpus));
	if (!cpuset_is_empty(&p->helper_cpus))
		place_blocking(p, r, NULL, &p->helper_cpus,
			"CPUs %s are on cores that are named for helper threads",
			place_list(p, &p->helper_cpus));
	array_for_each (hold, &p->holds)
		place_blocking(p, r, NULL, &hold->cpus, "CPUs %s are %s",
			place_list(p, &hold->cpus), hold->why);
	struct cpuset foreign = cpuset_minus(&p->foreign_cpus, &p->held_cpus);
	if (!cpuset_is_empty(&foreign))
		place_blocking(p, r, NULL, &foreign,
			"CPUs %s are in an isolated partition of somebody else",
			place_list(p, &foreign));
	bool is_moot;
	struct cpuset of_kind = limits_of_kind(p->s, req->wish.kind, &is_moot);
	if (req->wish.kind != KIND_ANY && !is_moot)
		place_blocking(p, r, NULL, NULL, "kind = %s leaves it CPUs %s only",
			kind_wish_name(req->wish.kind), place_list(p, &of_kind));
	if (req->limit)
		place_blocking(p, r, NULL, NULL, "group /%s allows it CPUs %s only", req->limit,
			place_list(p, &req->allowed_cpus));
	if (req->level == LEVEL_ISOLATED && !cpuset_is_empty(&p->s->boot_isolated_cpus))
		place_blocking(p, r, NULL, &p->s->boot_isolated_cpus,
			"CPUs %s are isolated at boot (isolcpus=), where a partition must not be",
			place_list(p, &p->s->boot_isolated_cpus));
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
			domain_name(p, scope, domain), n, plural((size_t)n));
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
	if (would_fit(p, &other, wished(req), NULL))
		place_alternative(p, r, (struct alternative){ .set = { { "spare", "0" } } },
			"spare = 0 fits in the same place");
}

/* Offers what the other request asks for, where that fits in the same place. */
static bool offer(struct planner *p, const struct request *req, struct request *other,
	struct refusal *r, struct alternative what, const char *text)
{
	place_request_update(p, other);
	bool fits = would_fit(p, other, wished(req), NULL);
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
	other = *req;
	other.level = LEVEL_FENCED;
	if (req->level == LEVEL_ISOLATED && !cpuset_is_empty(&p->s->boot_isolated_cpus))
		offer(p, req, &other, r,
			(struct alternative){ .set = { { "isolation", "fenced" } } },
			"isolation = fenced fits on CPUs of isolcpus=");
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
		if (would_fit(p, &smaller, wished(req), &where))
			low = smaller.n_cpus;
		else
			high = smaller.n_cpus;
	}
	low -= req->n_spare;
	if (low && where.scope <= SCOPE_NODE)
		place_alternative(p, r, (struct alternative){ .n_vcpus = low },
			"%zu vCPU%s fit%s in %s (%s)", low, plural(low), low == 1 ? "s" : "",
			names[where.scope], domain_name(p, where.scope, where.domain));
	else if (low)
		place_alternative(p, r, (struct alternative){ .n_vcpus = low },
			"%zu vCPU%s fit%s in %s", low, plural(low), low == 1 ? "s" : "",
			names[where.scope]);
}

static struct refusal *say_need(struct planner *p, const struct request *req)
{
	int need = solver_weight(p->solver, req), most = 0, where = 0;
	for (int domain = 0; domain < solver_n_domains(&p->inv, req->scope); domain++) {
		int n = room_count(p->solver, &p->left, req, req->scope, domain);
		if (n > most) {
			most = n;
			where = domain;
		}
	}
	const char *what = req->scope == SCOPE_L3 ? "L3" : "node";
	if (req->scope > SCOPE_NODE)
		return place_refuse(p, req->vm, "needs %d core%s of its own; %d %s free", need,
			plural((size_t)need), most, most == 1 ? "is" : "are");
	if (most)
		return place_refuse(p, req->vm,
			"needs %d free core%s in one %s; the most is %d, in %s", need,
			plural((size_t)need), what, most, domain_name(p, req->scope, where));
	return place_refuse(p, req->vm, "needs %d free core%s in one %s; none is free", need,
		plural((size_t)need), what);
}

void place_refuse_full(struct planner *p, const struct request *req)
{
	place_know_movers(p, req);
	p->left = place_room_left(p, req);
	struct refusal *r = say_need(p, req);
	if (!name_owners(p, req, r) && !name_wishes(p, req, r))
		name_kept(p, req, r);
	offer_places(p, req, r);
	place_offer_move(p, req, r);
	offer_shapes(p, req, r);
	offer_fewer(p, req, r);
	room_done(&p->left);
}
