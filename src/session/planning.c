/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/host-can.h"
#include "session/planning.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/str.h"
#include "host/host.h"
#include "model/task.h"
#include "session/policy-files.h"
#include "session/selection.h"
#include "vm/memory.h"

void planning_done(struct planning *p)
{
	changes_freep(&p->changes);
	settings_freep(&p->settings);
	intruders_freep(&p->displaced);
	free(p->all.v);
	placements_freep(&p->placements);
	ledger_freep(&p->ledger);
	policy_freep(&p->policy);
	vms_freep(&p->vms);
	snapshot_freep(&p->snapshot);
}

bool placement_is_alive(struct host *h, const struct placement *p)
{
	return task_check(h, p->pid, p->start) == 0;
}

enum outcome planning_outcome(const struct planning *p)
{
	bool has_more = p->placements->refused.n || p->ledger->damaged.n;
	return has_more ? OUTCOME_REPORT : OUTCOME_DONE;
}

/* What a thread has by now may be its group's set, because nothing of its own was left, or because
 * the kernel gave it that when a partition was made or went. A kernel thread that we moved, and
 * that had all CPUs, would have them again if it were left alone. */
void claims_add_own_masks(struct claims *claims, const struct ledger *l, struct arena *a)
{
	ARRAY(struct own_mask) masks = { 0 };
	array_for_each (entry, &l->entries) {
		struct own_mask m;
		bool is_kthread = streq(entry->knob->name, "kthread.affinity");
		bool is_own = streq(entry->knob->name, "task.affinity") &&
			entry->baseline.kind == VALUE_SET;
		if ((is_kthread || is_own) && str_to_int(entry->key, &m.tid) == 0 && entry->id &&
			str_to_u64(entry->id, &m.start) == 0)
			*array_push(&masks) = m;
	}
	claims->own_masks = arena_dup(a, masks.v, masks.n, sizeof *masks.v);
	claims->n_own_masks = masks.n;
	free(masks.v);
}

/* What the VM of a new placement has of other CPUs until then. */
static struct cpuset gives_up(const struct planning *p, const struct placement *pl)
{
	const struct placement *old = planning_former(p, pl);
	return old ? cpuset_minus(&old->claim_cpus, &pl->claim_cpus) : CPUSET_EMPTY;
}

/* A group gets its CPUs when no other has them any more: whoever gives up CPUs comes before those
 * who take them, and the order stays else. Where they wait for each other, in a circle, the first
 * of them takes its CPUs from who has them still (write_exclusive() in apply/knobs-cgroup.c). */
static void add_in_order(struct planning *p)
{
	const struct placements *new = p->placements;
	AUTO_FREE bool *is_added = xcalloc(new->n + 1, sizeof *is_added);
	AUTO_FREE struct cpuset *given = xcalloc(new->n + 1, sizeof *given);
	for (size_t i = 0; i < new->n; i++)
		given[i] = gives_up(p, &new->v[i]);
	for (size_t n = 0; n < new->n; n++) {
		size_t next = 0, i = 0;
		bool is_ready = false;
		while (is_added[next])
			next++;
		for (i = next; i < new->n && !is_ready; i++) {
			is_ready = !is_added[i];
			for (size_t k = 0; k < new->n &&is_ready; k++)
				is_ready = k == i || is_added[k] ||
					!cpuset_intersects(&given[k], &new->v[i].claim_cpus);
		}
		next = is_ready ? i - 1 : next;
		is_added[next] = true;
		*array_push(&p->all) = new->v[next];
	}
}

/* Those in force whose VM lives, and is not placed anew; and who has which CPUs then. */
static void collect(struct planning *p)
{
	struct cpuset ours = claims_sum(p->ledger->placements.v, p->ledger->placements.n);
	size_t most = p->ledger->placements.n + p->placements->n;
	p->all.v = xcalloc(most + 1, sizeof *p->all.v);
	p->all.room = most + 1;
	array_for_each (old, &p->ledger->placements) {
		const struct vm *vm = placement_vm(old, p->vms);
		bool is_kept = placement_is_running(old, p->snapshot, p->vms);
		for (size_t i = 0; vm && i < p->placements->n; i++)
			is_kept &= !placement_is_of(&p->placements->v[i], vm);
		if (is_kept)
			*array_push(&p->all) = *old;
	}
	p->n_kept = p->all.n;
	add_in_order(p);
	free(p->placements->memory); /* they are large: one copy is enough */
	p->placements->memory = NULL;
	p->placements->v = p->all.v + p->n_kept;
	struct claims new_claims =
		claims_of(p->snapshot, p->placements->v, p->placements->n, &ours);
	p->displaced = intruders_find(p->snapshot, p->vms, &new_claims, NULL);
	p->claims = claims_of(p->snapshot, p->all.v, p->all.n, &ours);
	claims_add_own_masks(&p->claims, p->ledger, &p->placements->arena);
	placements_share(p->snapshot, &p->claims, &p->placements->arena, p->all.v, p->all.n);
}

static void read_more_of(struct host *h, struct planning *p, struct vm *vm)
{
	struct vm_memory *memory = arena_alloc(&p->vms->arena, sizeof *memory);
	vm_memory_read(h, p->vms, vm, false, memory);
	vm->memory = memory;
	vm_read_times(h, vm);
}

/* Of those in force that may move where they may be asked to. */
static void read_movable(struct host *h, struct planning *p)
{
	for (size_t i = 0; i < p->vms->n_vms; i++) {
		struct vm *vm = &p->vms->vms[i];
		struct vm_wish wish;
		array_for_each (old, &p->ledger->placements) {
			if (vm->memory || !placement_is_of(old, vm))
				continue;
			if (!policy_for_vm(p->policy, vm->id, vm->name, vm->uuid, &wish))
				wish = old->wish;
			if (wish.movable != MOVABLE_NO)
				read_more_of(h, p, vm);
		}
	}
}

/* Of those that are placed: moving a VM away from its memory is what placing must not do, and one
 * that idles needs no CPUs of its own. */
static void read_more(struct host *h, struct planning *p, const struct indexes *wanted)
{
	array_for_each (i, &wanted->v)
		read_more_of(h, p, &p->vms->vms[*i]);
	read_movable(h, p);
}

static bool has_option(const struct option_values *options, const char *name)
{
	array_for_each (o, options)
		if (streq(o->name, name))
			return true;
	return false;
}

/* What this program costs is no fact of the host: not asked through it. */
static uint64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* For how long a plan is looked for. */
struct patience {
	struct host *h;
	uint64_t began_ns, most_ns, told_ns;
};

static bool goes_on(void *context, const struct plan_progress *progress)
{
	enum { SHOWN_MS = 200 };
	const uint64_t second_ns = 1000000000;
	struct patience *t = context;
	uint64_t now_ns = clock_ns();
	if (now_ns >= t->told_ns + SHOWN_MS * (second_ns / 1000)) {
		AUTO_FREE char *what = xasprintf("a better plan: %ld of at most %ld cores so far, "
						 "%.0f of %.0f s",
			progress->cores, progress->most,
			(double)(now_ns - t->began_ns) / (double)second_ns,
			(double)t->most_ns / (double)second_ns);
		host_tell_wait(t->h, what);
		t->told_ns = now_ns;
	}
	return now_ns < t->began_ns + t->most_ns;
}

static const char *option_of(const struct option_values *options, const char *name)
{
	const char *value = NULL;
	array_for_each (o, options)
		if (streq(o->name, name))
			value = o->value;
	return value;
}

/* 0: no limit is named. */
static int parse_time_limit(const struct option_values *options, uint64_t *ret_ns, struct err *e)
{
	enum { MOST_S = 86400 };
	const char *text = option_of(options, "time-limit");
	int seconds = 0;
	if (text && (str_to_int(text, &seconds) < 0 || seconds < 1 || seconds > MOST_S))
		return err_say(
			e, -EINVAL, "--time-limit wants seconds, 1 to %d, not '%s'", MOST_S, text);
	*ret_ns = (uint64_t)seconds * 1000000000;
	return 0;
}

static int place(struct host *h, const struct option_values *options, bool may_be_none,
	struct planning *p, struct err *e)
{
	struct indexes wanted = { 0 };
	int r = selection_make(options, p, may_be_none, &wanted, e);
	if (r == 0)
		read_more(h, p, &wanted);
	uint64_t began_ns = clock_ns();
	p->is_repack = has_option(options, "repack");
	struct patience patience = { .h = h, .began_ns = began_ns, .told_ns = began_ns };
	if (r == 0)
		r = parse_time_limit(options, &patience.most_ns, e);
	const struct plan_options how = {
		.goes_on = patience.most_ns ? goes_on : NULL,
		.context = &patience,
		.is_explained = has_option(options, "explain"),
		.is_repack = p->is_repack,
	};
	if (r == 0)
		r = place_vms_as(p->snapshot, p->vms, p->policy, wanted.v.v, wanted.v.n,
			p->ledger->placements.v, p->ledger->placements.n, &how, &p->placements, e);
	if (r == 0)
		p->placements->plan_ns = clock_ns() - began_ns;
	free(wanted.v.v);
	return r;
}

static enum outcome look(
	struct host *h, const struct option_values *options, struct planning *p, struct err *e)
{
	const struct about about = { options, p };
	if (ledger_look(h, &p->ledger, e) < 0 ||
		snapshot_read(h, SNAPSHOT_ALL | SNAPSHOT_PCI, &p->snapshot, e) < 0 ||
		vms_find_about(h, p->snapshot, selection_is_about, &about, &p->vms, e) < 0)
		return OUTCOME_UNCHANGED;
	/* the file is there, and a trial said what it is worth */
	if (ability_recall(h, ABILITY_REMOTE_PARTITION) == ANSWER_NO)
		p->snapshot->has_remote_partitions = false;
	bool is_fighting;
	p->tuned_profile = tuned_profile(h, p->snapshot, &p->snapshot->arena, &is_fighting);
	p->tuned_profile = is_fighting ? p->tuned_profile : NULL;
	return OUTCOME_DONE;
}

static enum outcome plan(struct host *h, const struct option_values *options, bool may_be_none,
	struct planning *p, struct err *e)
{
	enum outcome outcome = look(h, options, p, e);
	if (outcome != OUTCOME_DONE)
		return outcome;
	int r = place(h, options, may_be_none, p, e);
	if (r < 0)
		return r == -EINVAL ? OUTCOME_MISUSE : OUTCOME_UNCHANGED;
	collect(p);
	p->settings = settings_for(p->snapshot, p->vms, &p->claims);
	if (changes_plan(h, p->ledger, p->settings, &p->changes, e) < 0)
		return OUTCOME_UNCHANGED;
	return OUTCOME_DONE;
}

enum outcome planning_make(
	struct host *h, const struct option_values *options, struct planning *p, struct err *e)
{
	if (policy_read(h, options, &p->policy, e) < 0)
		return OUTCOME_MISUSE;
	return plan(h, options, false, p, e);
}

enum outcome planning_keep(struct host *h, struct policy *policy, struct planning *p, struct err *e)
{
	const struct option_values none = { 0 };
	p->policy = policy;
	return plan(h, &none, true, p, e);
}

enum outcome planning_expect(struct host *h, const struct vm_expectation *who, struct planning *p,
	const struct vm **ret_vm, struct err *e)
{
	const struct option_values none = { 0 };
	size_t wanted;
	struct vm_wish wish;
	if (policy_read(h, &none, &p->policy, e) < 0)
		return OUTCOME_MISUSE;
	enum outcome outcome = look(h, &none, p, e);
	if (outcome != OUTCOME_DONE)
		return outcome;
	if (vms_expect(h, p->snapshot, who, p->vms, &wanted, e) < 0)
		return OUTCOME_UNCHANGED;
	const struct vm *vm = *ret_vm = &p->vms->vms[wanted];
	bool is_named = policy_for_vm(p->policy, vm->id, vm->name, vm->uuid, &wish);
	int r = place_vms(p->snapshot, p->vms, p->policy, &wanted, is_named,
		p->ledger->placements.v, p->ledger->placements.n, &p->placements, e);
	return r == 0 ? OUTCOME_DONE : r == -EINVAL ? OUTCOME_MISUSE : OUTCOME_UNCHANGED;
}

/* ---- what is new in it ---- */

const struct placement *placement_same_process(
	const struct placement *v, size_t n, const struct placement *p)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].pid == p->pid && v[i].start == p->start)
			return &v[i];
	return NULL;
}

const struct placement *planning_former(const struct planning *p, const struct placement *pl)
{
	return placement_same_process(p->ledger->placements.v, p->ledger->placements.n, pl);
}

bool planning_is_news(const struct planning *p, const struct placement *now)
{
	const struct placement *old = planning_former(p, now);
	return !old || old->level != now->level || old->n_vcpus != now->n_vcpus ||
		!cpuset_equal(&old->claim_cpus, &now->claim_cpus) ||
		!cpuset_equal(&old->vcpu_cpus, &now->vcpu_cpus);
}

char *placement_cpus_text(const struct placement *p)
{
	return cpuset_format_list(cpuset_is_empty(&p->claim_cpus) ? &p->vcpu_cpus : &p->claim_cpus);
}
