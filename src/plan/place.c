/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The planner: inventory and requests on the left, placements and refusals on the right, and the
 * solver in the middle.
 *
 * Cores are listed with who has them: claims in force, and what must not be used (housekeeping,
 * what others hold, CPUs named for helpers). Then every VM says what it needs. One with a claim in
 * force stays on it; all the others are one batch, which solve() finds spots for. Spots become
 * placements; what has none is refused, in the end, when it is known who has what.
 */
#include "plan/place.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static bool is_same_place(const struct helper_place *a, const struct helper_place *b)
{
	return a->wish == b->wish && (a->wish != HELPER_CPUS || cpuset_equal(&a->cpus, &b->cpus));
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static bool is_same_wish(const struct vm_wish *a, const struct vm_wish *b)
{
	return a->isolation == b->isolation && a->cores == b->cores && a->place == b->place &&
		a->vcpus == b->vcpus && a->spare == b->spare && a->kind == b->kind &&
		is_same_text(a->near, b->near) && is_same_place(&a->emulator, &b->emulator) &&
		is_same_place(&a->iothreads, &b->iothreads);
}

/* The same VM with the same threads, the same wish, and nothing in the way of it. */
static bool still_holds(const struct planner *p, const struct request *req)
{
	const struct placement *old = p->owners.v[req->self].placement;
	/* A core of helpers may be of any kind. */
	struct cpuset blocked = cpuset_and(&old->claim_cpus, &p->views.v[req->helper_view]);
	if (!placement_is_of(old, req->vm) || old->level != req->level ||
		!is_same_wish(&old->wish, &req->wish) || old->n_vcpus != req->n_vcpus ||
		(old->n_iothreads && old->n_iothreads != req->n_iothreads) ||
		!cpuset_is_empty(&blocked) || !cpuset_is_subset(&old->claim_cpus, &p->online_cpus))
		return false;
	for (size_t i = 0; i < old->n_vcpus; i++)
		if (!placement_place(old, ROLE_VCPU, req->vcpus[i]->tid, req->vcpus[i]->start))
			return false;
	for (size_t i = 0; i < old->n_iothreads; i++)
		if (old->iothreads[i].tid != req->iothreads[i]->tid)
			return false;
	return true;
}

/* As it is, but for what the policy and the host say beside it. */
static struct placement placement_again(struct planner *p, const struct request *req)
{
	const struct placement *old = p->owners.v[req->self].placement;
	struct arena *a = &p->out->arena;
	const struct spot nowhere = { .helper.core = -1 };
	struct request bare = *req;
	bare.n_groups = 0;
	struct placement pl = place_fill(p, &bare, &nowhere);
	pl.claim_cpus = old->claim_cpus;
	pl.vcpu_cpus = old->vcpu_cpus;
	pl.vcpus = arena_dup(a, old->vcpus, old->n_vcpus, sizeof *old->vcpus);
	pl.spare_cpus = old->spare_cpus;
	pl.emulator_cpus = old->emulator_cpus;
	pl.iothread_cpus = old->iothread_cpus;
	pl.iothreads = arena_dup(a, old->iothreads, old->n_iothreads, sizeof *old->iothreads);
	pl.n_iothreads = old->n_iothreads;
	for (size_t i = 0; i < pl.n_iothreads; i++)
		pl.iothreads[i].id = arena_strdup(a, pl.iothreads[i].id);
	return pl;
}

/* Where its own cores do, there; else beside what is free. */
static bool place_anew(struct planner *p, struct request *req)
{
	AUTO_FREE int *owner = xcalloc(p->inv.n_cores + 1, sizeof *owner);
	AUTO_FREE struct cpuset *opened = xcalloc(p->solver->n_cells + 1, sizeof *opened);
	struct take_list takes = { 0 };
	struct spot spot;
	long work = 0;
	for (int pass = 0; pass < 2 && !takes.is_found; pass++) {
		for (size_t i = 0; i < p->inv.n_cores; i++) {
			int o = p->inv.cores[i].owner;
			owner[i] = o == req->self || (pass && o == NOBODY) ? req->self : -2;
		}
		struct room room = room_of(p->solver, owner, req->self);
		takes.is_found =
			spot_find(p->solver, &room, req, req->scope, FIT_KIND, &takes, &work);
		room_done(&room);
	}
	if (takes.is_found) {
		place_deal(p, req, 1, &takes, true, opened, &spot);
		(void)place_found(p, req, &spot);
	}
	free(takes.v);
	return takes.is_found;
}

/* The same apart from those whom it must be apart from. False: it is from all, or that cannot be.
 */
static bool place_anew_apart(struct planner *p, struct request *req)
{
	struct request apart = *req;
	place_keep_apart(p, &apart);
	if (cpuset_is_empty(&apart.apart_cpus) || !place_anew(p, &apart))
		return false;
	*req = apart;
	return true;
}

/* A claim in force: its VM stays on its own cores if they do, else it may have them beside what is
 * free. Where that does not do either, it keeps them, and is refused. Too near to others it was
 * already, when it finds nothing else. */
static bool place_in_force(struct planner *p, struct request *req)
{
	if (still_holds(p, req)) {
		struct placement pl = placement_again(p, req);
		(void)place_made(p, req, &pl);
		return true;
	}
	req->is_refused = !place_anew_apart(p, req) && !place_anew(p, req);
	return !req->is_refused || (place_unbind(req, 1) && place_in_force(p, req));
}

/* The requests of all that can be placed at all; what cannot is refused at once. Returns how
 * many. */
static size_t make_requests(struct planner *p, const struct policy *policy, const size_t *wanted,
	size_t n_wanted, struct request *ret)
{
	AUTO_FREE bool *is_seen = xcalloc(p->vms->n_vms + 1, sizeof *is_seen);
	size_t n = 0;
	for (size_t i = 0; i < n_wanted; i++) {
		const struct vm *vm = &p->vms->vms[wanted[i]];
		struct vm_wish wish = place_wish(policy, vm);
		bool is_again = is_seen[wanted[i]];
		is_seen[wanted[i]] = true;
		if (!is_again && wish.isolation != LEVEL_NONE &&
			place_request(p, vm, &wish, &ret[n]))
			n++;
	}
	return n;
}

/* Into the order of the requests. */
static void sort_placements(struct planner *p, const struct request *requests, size_t n)
{
	struct placements *out = p->out;
	AUTO_FREE size_t *order = xcalloc(out->n + 1, sizeof *order);
	AUTO_FREE bool *is_sorted = xcalloc(out->n + 1, sizeof *is_sorted);
	size_t at = 0;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < out->n; k++) {
			if (is_sorted[k] || !placement_is_of(&out->v[k], requests[i].vm))
				continue;
			is_sorted[k] = true;
			order[at++] = k;
			break;
		}
	for (size_t k = 0; k < out->n; k++)
		if (!is_sorted[k])
			order[at++] = k;
	place_put_in_order(out->v, sizeof *out->v, out->n, order);
}

static void explain(struct planner *p, const struct request *req)
{
	for (size_t i = 0; i < p->out->n; i++)
		if (placement_is_of(&p->out->v[i], req->vm))
			place_explain(p, req, &p->out->v[i]);
}

/* Those in force that found nothing, once more, as others have moved away. False: nobody has got a
 * place by that. */
static bool place_refused(struct planner *p, struct request *refused, size_t *n_refused)
{
	size_t n = 0, before = *n_refused;
	for (size_t i = 0; i < before; i++)
		if (refused[i].self == NOBODY || !place_in_force(p, &refused[i]))
			refused[n++] = refused[i];
	*n_refused = n;
	return n && n < before;
}

/* First what is in force, then the others as one batch; refusals are told when all is done. */
static void place_all(struct planner *p, struct request *requests, size_t n)
{
	size_t n_batch = 0;
	AUTO_FREE struct request *batch = xcalloc(n + 1, sizeof *batch);
	AUTO_FREE struct request *refused = xcalloc(n + 1, sizeof *refused);
	size_t n_refused = 0;
	p->requests = requests;
	p->n_requests = n;
	p->n_in_force = p->owners.n;
	place_renew_solver(p);
	for (size_t i = 0; i < n; i++) {
		struct request *req = &requests[i];
		bool is_possible = place_scope(p, req);
		place_bind_memory(p, req);
		if (!is_possible || (req->self != NOBODY && !place_in_force(p, req)))
			refused[n_refused++] = *req;
		else if (req->self == NOBODY)
			batch[n_batch++] = *req;
	}
	while (place_refused(p, refused, &n_refused))
		;
	place_batches(p, batch, n_batch);
	if (p->is_repack)
		place_repack(p, batch, n_batch, refused, &n_refused);
	sort_placements(p, requests, n);
	for (size_t i = 0; p->is_explained && i < n; i++)
		if (requests[i].self != NOBODY)
			explain(p, &requests[i]);
	for (size_t i = 0; p->is_explained && i < n_batch; i++)
		explain(p, &batch[i]);
	for (size_t i = 0; i < n_refused; i++) {
		if (refused[i].self == NOBODY) /* it had no turn in place_batches() */
			place_keep_apart(p, &refused[i]);
		place_refuse_full(p, &refused[i]);
	}
	for (size_t i = 0; i < n_batch; i++)
		if (batch[i].is_refused)
			place_refuse_full(p, &batch[i]);
	room_done(&p->empty);
}

/* When all have their claims: what is left for the host, and for VMs with cores = shared. */
static void share_rest(struct planner *p)
{
	struct placements *out = p->out;
	struct claims claims = { 0 };
	ARRAY(struct placement) sharing = { 0 }; /* of whose load the others want to know */
	array_for_each (o, &p->owners) {
		claims_add(&claims, o->placement);
		if (o->placement->wish.cores == CORES_SHARED)
			*array_push(&sharing) = *o->placement;
	}
	claims.placements = sharing.v;
	claims.n = sharing.n;
	claims_close(&claims, p->s, &p->in_force.taken_cpus);
	placements_share(p->s, &claims, &out->arena, out->v, out->n);
	place_note_apart(p);
	place_judge(p, &claims.free_cpus);
	out->housekeeping_cpus =
		p->is_housekeeping_explicit ? out->reserved_cpus : claims.free_cpus;
	free(sharing.v);
}

int place_vms_as(const struct snapshot *s, const struct vms *vms, const struct policy *policy,
	const size_t *wanted, size_t n_wanted, const struct placement *in_force, size_t n_in_force,
	const struct plan_options *options, struct placements **ret, struct err *e)
{
	AUTO_PLACEMENTS struct placements *out = xcalloc(1, sizeof *out);
	struct planner p = { .s = s,
		.vms = vms,
		.policy = policy,
		.options = options,
		.out = out,
		.inv.s = s,
		.is_explained = options->is_explained,
		.is_repack = options->is_repack };
	p.migrates_memory = policy_migrates_memory(policy);
	int r = inventory_make(&p, policy, wanted, n_wanted, in_force, n_in_force, e);
	if (r == 0) {
		size_t n_moved = p.is_repack ? n_in_force : 0;
		out->memory = out->v = xcalloc(n_wanted + n_moved + 1, sizeof *out->v);
		AUTO_FREE struct request *requests = xcalloc(n_wanted + 1, sizeof *requests);
		size_t n = make_requests(&p, policy, wanted, n_wanted, requests);
		place_all(&p, requests, n);
		share_rest(&p);
	}
	arena_done(&p.scratch);
	free(p.owners.v);
	free(p.neighbours.v);
	free(p.pins.v);
	free(p.holds.v);
	free(p.views.v);
	free(p.page_kib.v);
	if (r == 0)
		*ret = TAKE(out);
	return r;
}

int place_vms(const struct snapshot *s, const struct vms *vms, const struct policy *policy,
	const size_t *wanted, size_t n_wanted, const struct placement *in_force, size_t n_in_force,
	struct placements **ret, struct err *e)
{
	const struct plan_options none = { 0 };
	return place_vms_as(s, vms, policy, wanted, n_wanted, in_force, n_in_force, &none, ret, e);
}

void placements_free(struct placements *p)
{
	if (!p)
		return;
	arena_done(&p->arena);
	free(p->memory);
	free(p);
}
