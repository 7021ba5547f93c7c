/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a VM does not fit, who is in the way, and what would fit, with numbers. */
#include <stdarg.h>
#include <string.h>

#include "plan/place.h"

PRINTF_LIKE(2, 0)
static const char *format(struct planner *p, const char *fmt, va_list ap)
{
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	return arena_strdup(&p->out->arena, text);
}

/* The arena has no realloc: the old array stays behind until everything is freed at once. */
/* Whether an array of n is full: it has room for the next power of two. */
static bool is_full(size_t n)
{
	return !(n & (n - 1));
}

static void add_text(struct planner *p, const char ***v, size_t *n, const char *text)
{
	if (is_full(*n)) {
		const char **bigger = arena_alloc(&p->out->arena, (2 * *n + 1) * sizeof *bigger);
		if (*n)
			memcpy(bigger, *v, *n * sizeof *bigger);
		*v = bigger;
	}
	(*v)[(*n)++] = text;
}

struct refusal *place_refuse(struct planner *p, const struct vm *vm, const char *fmt, ...)
{
	struct placements *out = p->out;
	size_t n = out->n_refused;
	if (is_full(n)) {
		struct refusal *bigger = arena_alloc(&out->arena, (2 * n + 1) * sizeof *bigger);
		if (n)
			memcpy(bigger, out->refused, n * sizeof *bigger);
		out->refused = bigger;
	}
	struct refusal *r = &out->refused[out->n_refused++];
	va_list ap;
	va_start(ap, fmt);
	*r = (struct refusal){
		.vm = arena_strdup(&out->arena, vm->id),
		.name = arena_strdup(&out->arena, vm->name),
		.reason = format(p, fmt, ap),
	};
	va_end(ap);
	return r;
}

void place_blocking(struct planner *p, struct refusal *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_text(p, &r->blocking, &r->n_blocking, format(p, fmt, ap));
	va_end(ap);
}

void place_alternative(struct planner *p, struct refusal *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add_text(p, &r->alternatives, &r->n_alternatives, format(p, fmt, ap));
	va_end(ap);
}

const char *place_list(struct planner *p, const struct cpuset *cpus)
{
	AUTO_FREE char *text = cpuset_format_list(cpus);
	return arena_strdup(&p->out->arena, text);
}

const char *place_label(struct planner *p, const char *id, const char *name)
{
	AUTO_FREE char *text = vm_label(id, name);
	return arena_strdup(&p->out->arena, text);
}

/* "L3 1", "node 0", "this host". */
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

/* Cores with capacity, and those of one owner (or NOBODY: all), in a domain. */
static size_t count_cores(
	const struct planner *p, enum scope scope, int domain, int owner, struct cpuset *ret_cpus)
{
	size_t n = 0;
	*ret_cpus = CPUSET_EMPTY;
	for (size_t i = 0; i < p->n_cores; i++) {
		const struct host_core *core = &p->cores[i];
		if (!core->capacity || !place_core_in(core, scope, domain) ||
			(owner != NOBODY && core->owner != owner))
			continue;
		n++;
		*ret_cpus = cpuset_or(ret_cpus, &core->cpus);
	}
	return n;
}

/* The cores it would fill where all cores are as the host's widest. */
static size_t cores_needed(const struct planner *p, const struct request *req)
{
	int width = 1;
	for (size_t i = 0; i < p->n_cores; i++)
		if (p->cores[i].n_cpus > width && req->wish.cores != CORES_ONE_THREAD)
			width = p->cores[i].n_cpus;
	size_t n = req->needs_helper;
	for (size_t i = 0; i < req->n_groups; i++)
		n += (req->groups[i].n + (size_t)width - 1) / (size_t)width;
	return n;
}

/* Who holds what it could have: the VMs in every domain that would do without them. */
static void name_owners(struct planner *p, const struct request *req, struct refusal *r)
{
	place_capacities(p, req, CAPACITY_EMPTY);
	for (int domain = 0; domain < place_n_domains(p, req->scope); domain++)
		for (size_t i = 0; i < p->owners.n; i++) {
			const struct owner *o = &p->owners.v[i];
			struct cpuset cpus;
			if ((int)i == req->self)
				continue;
			size_t n = count_cores(p, req->scope, domain, (int)i, &cpus);
			if (n)
				place_blocking(p, r, "VM %s holds %zu core%s of %s (CPUs %s)",
					place_label(p, o->placement.vm, o->placement.name), n,
					plural(n), domain_name(p, req->scope, domain),
					place_list(p, &cpus));
		}
}

/* What of the host no VM can have at all. */
static void name_kept(struct planner *p, const struct request *req, struct refusal *r)
{
	if (!cpuset_is_empty(&p->out->reserved_cpus))
		place_blocking(
			p, r, "housekeeping keeps CPUs %s", place_list(p, &p->out->reserved_cpus));
	if (!cpuset_is_empty(&p->helper_cpus))
		place_blocking(p, r, "CPUs %s are on cores that are named for helper threads",
			place_list(p, &p->helper_cpus));
	array_for_each (hold, &p->holds)
		place_blocking(p, r, "CPUs %s are %s", place_list(p, &hold->cpus), hold->why);
	struct cpuset foreign = cpuset_minus(&p->foreign_cpus, &p->held_cpus);
	if (!cpuset_is_empty(&foreign))
		place_blocking(p, r, "CPUs %s are in an isolated partition of somebody else",
			place_list(p, &foreign));
	if (req->limit)
		place_blocking(p, r, "group /%s allows it CPUs %s only", req->limit,
			place_list(p, &req->allowed_cpus));
	if (req->level == LEVEL_ISOLATED && !cpuset_is_empty(&p->s->boot_isolated_cpus))
		place_blocking(p, r,
			"CPUs %s are isolated at boot (isolcpus=), where a partition must not be",
			place_list(p, &p->s->boot_isolated_cpus));
}

static bool would_fit(
	struct planner *p, const struct request *req, enum scope scope, struct spot *ret)
{
	place_capacities(p, req, CAPACITY_FREE);
	return place_search(p, req, scope, ret);
}

static void offer_places(struct planner *p, const struct request *req, struct refusal *r)
{
	static const char *const names[] = { "one-l3", "one-node", "fewest-nodes", "any" };
	for (enum scope scope = req->scope + 1; scope <= SCOPE_FEWEST; scope++) {
		struct spot spot;
		if (!would_fit(p, req, scope, &spot))
			continue;
		struct cpuset cpus;
		size_t n = count_cores(p, scope, spot.domain, NOBODY, &cpus);
		place_alternative(p, r, "place = %s fits on %s: %zu free core%s", names[scope],
			domain_name(p, scope, spot.domain), n, plural(n));
		return; /* wider ones fit too, and are worse */
	}
}

static void offer_shapes(struct planner *p, const struct request *req, struct refusal *r)
{
	static const enum cores_wish cores[] = { CORES_FULL, CORES_THREAD };
	for (size_t i = 0; i < N_ELEMENTS(cores); i++) {
		if (req->wish.cores == CORES_SHARED || req->wish.cores >= cores[i])
			continue;
		struct request other = *req;
		other.wish.cores = cores[i];
		place_request_update(p, &other);
		if (would_fit(p, &other, req->scope, NULL)) {
			place_alternative(p, r, "cores = %s fits in the same place",
				cores[i] == CORES_FULL ? "full" : "thread");
			break;
		}
	}
	if (req->needs_helper) {
		struct request other = *req;
		other.needs_helper = false;
		if (would_fit(p, &other, req->scope, NULL))
			place_alternative(p, r,
				"it fits without a core of its own for helpers "
				"(emulator = housekeeping, iothreads = housekeeping)");
	}
	if (req->level == LEVEL_ISOLATED && !cpuset_is_empty(&p->s->boot_isolated_cpus)) {
		struct request other = *req;
		other.level = LEVEL_FENCED;
		place_request_update(p, &other);
		if (would_fit(p, &other, req->scope, NULL))
			place_alternative(p, r, "isolation = fenced fits on CPUs of isolcpus=");
	}
}

/* The largest VM of this kind that fits where this one should. */
static void offer_fewer(struct planner *p, const struct request *req, struct refusal *r)
{
	static const char *const names[] = { "one L3", "one node", "the free CPUs",
		"the free CPUs" };
	size_t low = 0, high = req->n_cpus; /* low fits, high does not */
	struct spot spot = { .scope = req->scope, .domain = -1 };
	while (low + 1 < high) {
		struct request smaller = *req;
		smaller.n_cpus = (low + high) / 2;
		place_request_update(p, &smaller);
		if (would_fit(p, &smaller, req->scope, &spot))
			low = smaller.n_cpus;
		else
			high = smaller.n_cpus;
	}
	if (low && req->scope <= SCOPE_NODE)
		place_alternative(p, r, "%zu vCPU%s fit%s in %s (%s)", low, plural(low),
			low == 1 ? "s" : "", names[req->scope],
			domain_name(p, req->scope, spot.domain));
	else if (low)
		place_alternative(p, r, "%zu vCPU%s fit%s in %s", low, plural(low),
			low == 1 ? "s" : "", names[req->scope]);
}

void place_refuse_full(struct planner *p, const struct request *req)
{
	size_t need = cores_needed(p, req), most = 0;
	int where = 0;
	place_capacities(p, req, CAPACITY_FREE);
	for (int domain = 0; domain < place_n_domains(p, req->scope); domain++) {
		struct cpuset cpus;
		size_t n = count_cores(p, req->scope, domain, NOBODY, &cpus);
		if (n > most) {
			most = n;
			where = domain;
		}
	}
	struct refusal *r;
	if (req->scope > SCOPE_NODE)
		r = place_refuse(p, req->vm, "needs %zu core%s of its own; %zu %s free", need,
			plural(need), most, most == 1 ? "is" : "are");
	else if (most)
		r = place_refuse(p, req->vm,
			"needs %zu free core%s in one %s; the most is %zu, in %s", need,
			plural(need), req->scope == SCOPE_L3 ? "L3" : "node", most,
			domain_name(p, req->scope, where));
	else
		r = place_refuse(p, req->vm, "needs %zu free core%s in one %s; none is free", need,
			plural(need), req->scope == SCOPE_L3 ? "L3" : "node");
	name_owners(p, req, r);
	name_kept(p, req, r);
	offer_places(p, req, r);
	offer_shapes(p, req, r);
	offer_fewer(p, req, r);
}
