/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one VM needs: its level on this host, its vCPUs, cores for helpers, and in what scope. */
#include <string.h>

#include "base/str.h"
#include "plan/place.h"
#include "vm/config.h"

static const struct vm_thread **threads_of(
	struct planner *p, const struct vm *vm, enum thread_role role, size_t *ret_n)
{
	const struct vm_thread **v = arena_alloc(&p->scratch, (vm->n_threads + 1) * sizeof *v);
	size_t n = 0;
	for (size_t i = 0; i < vm->n_threads; i++)
		if (vm->threads[i].role == role)
			v[n++] = &vm->threads[i];
	*ret_n = n;
	return v;
}

/* The threads of which the policy says that so many are vCPUs, where nothing tells which. */
static void take_candidates(struct planner *p, struct request *req)
{
	const struct vm *vm = req->vm;
	size_t n = 0;
	req->vcpus = arena_alloc(&p->scratch, (vm->n_threads + 1) * sizeof *req->vcpus);
	for (size_t i = 0; i < vm->n_threads; i++)
		if (vm_thread_may_be_vcpu(vm->threads, vm->n_threads, &vm->threads[i]))
			req->vcpus[n++] = &vm->threads[i];
	if ((int)n < req->wish.vcpus)
		return;
	req->n_vcpus = n;
	req->is_guess = true;
}

static void refuse_unknown(struct planner *p, const struct vm *vm, const struct vm_wish *wish)
{
	if (vm->is_starting) {
		place_refuse(p, vm, "%s", VM_WITHOUT_VCPU)->is_starting = true;
		return;
	}
	struct refusal *r = place_refuse(p, vm, "none of its threads is known to be a vCPU%s%s",
		vm->why_unasked ? ": " : "", vm->why_unasked ? vm->why_unasked : "");
	if (vm->how_to_tell)
		place_alternative(p, r, (struct alternative){ 0 }, "%s", vm->how_to_tell);
	if (wish->vcpus)
		place_blocking(p, r, NULL, NULL,
			"vcpus = %d: it has fewer threads that may be vCPUs", wish->vcpus);
}

enum { NAMED_MAX = 10 }; /* VMs that a refusal names */

/* A partition and a fence need a cgroup that holds this VM and nothing else. */
static bool has_own_cgroup(struct planner *p, const struct vm *vm)
{
	if (!p->s->n_cgroups || !p->s->has_cpuset) {
		struct refusal *r =
			place_refuse(p, vm, "no cgroup v2 hierarchy with the cpuset controller");
		place_alternative(p, r,
			(struct alternative){ .set = { { "isolation", "pinned" } } },
			"isolation = pinned needs none");
		return false;
	}
	struct refusal *r = NULL;
	if (!vm->cgroup || !*vm->cgroup) {
		r = place_refuse(
			p, vm, "its process is in the root cgroup, which cannot be fenced");
	} else {
		for (size_t i = 0; i < p->vms->n_vms; i++) {
			const struct vm *other = &p->vms->vms[i];
			if (other == vm || !other->cgroup || !streq(other->cgroup, vm->cgroup))
				continue;
			if (!r)
				r = place_refuse(p, vm, "it shares the cgroup %s", vm->cgroup);
			if (r->blocking.n == NAMED_MAX) {
				place_blocking(p, r, NULL, NULL, "and more VMs are in it");
				break;
			}
			place_blocking(p, r, other->id, NULL, "VM %s is in the cgroup %s",
				place_label(p, other->id, other->name), vm->cgroup);
		}
	}
	if (!r)
		return true;
	place_alternative(p, r, (struct alternative){ 0 },
		"start it in a scope of its own: systemd-run --scope --slice=qemu.slice "
		"qemu-system-x86_64 …");
	place_alternative(p, r, (struct alternative){ .set = { { "isolation", "pinned" } } },
		"isolation = pinned needs no cgroup");
	return false;
}

static bool find_level(struct planner *p, struct request *req)
{
	req->level = req->wish.isolation;
	if (req->wish.cores == CORES_SHARED && req->level > LEVEL_PINNED) {
		req->level = LEVEL_PINNED;
		req->why_less =
			"CPUs that are shared cannot be kept free of others (cores = shared)";
	}
	if (req->level < LEVEL_FENCED)
		return true;
	if (!has_own_cgroup(p, req->vm))
		return false;
	if (req->level == LEVEL_ISOLATED && !p->s->has_remote_partitions) {
		req->level = LEVEL_FENCED;
		req->why_less = "this kernel has no remote cpuset partitions "
				"(cpuset.cpus.exclusive, since 6.7)";
	}
	return true;
}

size_t place_view(struct planner *p, const struct cpuset *blocked_cpus)
{
	size_t i = 0;
	while (i < p->views.n && !cpuset_equal(&p->views.v[i], blocked_cpus))
		i++;
	if (i == p->views.n)
		*array_push(&p->views) = *blocked_cpus;
	return i;
}

void place_request_update(struct planner *p, struct request *req)
{
	place_group_vcpus(p, req);
	req->blocked_cpus = p->kept_cpus;
	struct cpuset not_allowed = cpuset_minus(&p->s->online_cpus, &req->allowed_cpus);
	req->blocked_cpus = cpuset_or(&req->blocked_cpus, &not_allowed);
	/* Kernels refuse a partition on CPUs of isolcpus=, or crash when it leaves no other CPU. */
	if (req->level == LEVEL_ISOLATED)
		req->blocked_cpus = cpuset_or(&req->blocked_cpus, &p->s->boot_isolated_cpus);
	req->blocked_cpus = cpuset_or(&req->blocked_cpus, &req->away_cpus);
	array_for_each (neighbour, &p->neighbours)
		if (limits_are_by(req, neighbour))
			cpuset_add_all(&req->blocked_cpus, neighbour->left_cpus);
	bool is_moot;
	struct cpuset of_kind = limits_of_kind(p->s, req->wish.kind, &is_moot);
	struct cpuset other_kinds = cpuset_minus(&p->s->online_cpus, &of_kind);
	struct cpuset wide = cpuset_or(&req->blocked_cpus, &other_kinds);
	req->wide_helper_view = place_view(p, &req->blocked_cpus);
	req->wide_view = place_view(p, &wide);
	req->blocked_cpus = cpuset_or(&req->blocked_cpus, &req->apart_cpus);
	req->helper_view = place_view(p, &req->blocked_cpus);
	req->blocked_cpus = cpuset_or(&req->blocked_cpus, &other_kinds);
	req->view = place_view(p, &req->blocked_cpus);
}

void place_request_views(struct planner *p, struct request *req)
{
	place_request_update(p, req);
	struct request other = *req; /* what a refusal would offer */
	other.level = LEVEL_FENCED;
	if (req->level == LEVEL_ISOLATED)
		place_request_update(p, &other);
	other = *req;
	other.wish.kind = KIND_ANY;
	if (req->wish.kind != KIND_ANY)
		place_request_update(p, &other);
}

enum scope place_wished_scope(const struct request *req)
{
	static const enum scope scopes[] = {
		[PLACE_ONE_L3] = SCOPE_L3,
		[PLACE_ONE_NODE] = SCOPE_NODE,
		[PLACE_FEWEST_NODES] = SCOPE_FEWEST,
		[PLACE_ANY] = SCOPE_ANY,
	};
	return scopes[req->wish.place];
}

bool place_request(
	struct planner *p, const struct vm *vm, const struct vm_wish *wish, struct request *ret)
{
	*ret = (struct request){ .vm = vm, .wish = *wish };
	ret->scope = place_wished_scope(ret);
	ret->vcpus = threads_of(p, vm, ROLE_VCPU, &ret->n_vcpus);
	ret->iothreads = threads_of(p, vm, ROLE_IOTHREAD, &ret->n_iothreads);
	if (!ret->n_vcpus && wish->vcpus)
		take_candidates(p, ret);
	if (!ret->n_vcpus) {
		refuse_unknown(p, vm, wish);
		return false;
	}
	if (!find_level(p, ret))
		return false;
	ret->self = place_self(p, vm);
	ret->n_cpus = ret->is_guess ? (size_t)wish->vcpus : ret->n_vcpus;
	if (wish->cores == CORES_SHARED)
		ret->n_cpus = 0;
	else
		ret->n_spare = (size_t)wish->spare;
	ret->n_cpus += ret->n_spare;
	ret->needs_helper = wish->emulator.wish == HELPER_OWN ||
		(wish->iothreads.wish == HELPER_OWN && ret->n_iothreads);
	if (!place_has_memory(p, vm))
		return false;
	ret->rest_kib = place_memory_rest(vm);
	limits_of_vm(p, ret);
	limits_of_memory(p, ret);
	limits_of_devices(p, ret);
	place_request_views(p, ret);
	return true;
}

static size_t count_nodes(const struct solver *s, const struct take_list *takes)
{
	struct cpuset nodes = CPUSET_EMPTY;
	array_for_each (t, takes)
		if (s->cells[t->cell].node >= 0)
			cpuset_add(&nodes, s->cells[t->cell].node);
	return (size_t)cpuset_count(&nodes);
}

/* On a host where nobody has anything, and whom it must be apart from is not there. */
static bool fits_alone(const struct planner *p, const struct request *req, struct take_list *takes)
{
	struct request alone = *req;
	long work = 0;
	alone.view = req->wide_view;
	alone.helper_view = req->wide_helper_view;
	return spot_find(p->solver, &p->empty, &alone, req->scope, FIT_TIGHT, takes, &work);
}

bool place_scope(struct planner *p, struct request *req)
{
	static const char *const names[] = { "one L3", "one node", "fewest nodes" };
	enum scope wished = req->scope;
	struct take_list takes = { 0 };
	bool fits = false;
	place_split(p, req, 0);
	if (place_split_bound(p, req)) {
		if (wished < SCOPE_FEWEST)
			place_note(p, &req->place_note,
				"its own nodes are bound to different ones of the host: placed in "
				"%s instead",
				names[SCOPE_FEWEST]);
		wished = req->scope = SCOPE_FEWEST;
	}
	for (; req->scope < SCOPE_FEWEST && !fits; req->scope++) {
		bool is_known = req->scope == SCOPE_L3 ? p->s->n_l3s > 0 : p->s->n_nodes > 0;
		fits = is_known && fits_alone(p, req, &takes);
		if (fits)
			break;
		if (!is_known && req->scope == wished)
			wished++; /* a host that has no such parts: nothing is lost */
	}
	if (req->scope > wished)
		place_note(p, &req->place_note,
			"it is larger than what it can have of "
			"any %s here: placed in %s instead",
			names[wished] + strlen("one "), names[req->scope]);
	if (!fits)
		fits = fits_alone(p, req, &takes);
	if (fits && req->scope == SCOPE_FEWEST && !req->n_parts)
		place_split_even(p, req, count_nodes(p->solver, &takes));
	free(takes.v);
	return fits;
}
