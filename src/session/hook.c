/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/hook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "apply/knob.h"
#include "apply/start-dropin.h"
#include "base/log.h"
#include "host/host.h"
#include "session/planning.h"
#include "session/starts.h"

/* An action is never undone, and there is no VM yet to keep it for. */
static void compact(struct host *h, const struct planning *p, const struct placement *pl)
{
	const struct knob *k = knob_find("memory.compact");
	const struct value done = value_word(k->choices[0]);
	for (size_t i = 0; i < p->snapshot->n_nodes; i++) {
		const struct node *node = &p->snapshot->nodes[i];
		char key[16];
		if (!cpuset_intersects(&node->cpus, &pl->vcpu_cpus))
			continue;
		snprintf(key, sizeof key, "%d", node->node);
		const struct target t = { .key = key };
		int r = knob_write(h, k, &t, &done);
		if (r < 0)
			log_debug("compaction of node %d: %s", node->node, strerrordesc_np(-r));
	}
}

static enum gate judge(
	const struct planning *p, const struct vm *vm, const struct vm_wish *wish, struct err *e)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	const struct placements *all = p->placements;
	const char *reason = all->refused.n ? all->refused.v[0].reason
		: all->n                    ? all->v[0].why_less
					    : NULL;
	if (!reason)
		reason = starts_why_not_strict(p, vm, wish, &a);
	if (!wish->is_strict || !reason)
		return GATE_OPEN;
	err_say(e, -EBUSY, "it must not run without what its policy asks (%s, strict = yes): %s",
		wish->source, reason);
	return GATE_CLOSED;
}

enum gate hook_gate(struct host *h, const struct vm_expectation *who, struct err *e)
{
	AUTO_PLANNING struct planning p = { 0 };
	const struct vm *vm;
	struct vm_wish wish;
	host_never_ask(h, "libvirt");
	enum outcome outcome = planning_expect(h, who, &p, &vm, e);
	if (outcome != OUTCOME_DONE)
		return GATE_BROKEN;
	if (!policy_for_vm(p.policy, vm->id, vm->name, vm->uuid, &wish)) {
		bool is_domain = !who->vmid && vm->name;
		return is_domain && start_dropins_forget_domain(h, vm->name) < 0 ? GATE_BROKEN
										 : GATE_OPEN;
	}
	enum gate gate = judge(&p, vm, &wish, e);
	if (gate == GATE_OPEN && wish.compact && p.placements->n)
		compact(h, &p, &p.placements->v[0]);
	if (gate == GATE_OPEN && !who->vmid && starts_prepare_domain(h, &p, vm, &wish, e) < 0)
		return GATE_BROKEN;
	return gate;
}

int hook_forget(struct host *h, const char *domain)
{
	return start_dropins_forget_domain(h, domain);
}
