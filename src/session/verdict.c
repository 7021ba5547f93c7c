/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/verdict.h"

#include <stdio.h>

#include "apply/changes.h"
#include "apply/ledger.h"
#include "base/str.h"
#include "model/snapshot.h"

void verdict_done(struct verdict *v)
{
	intruders_freep(&v->intruders);
	vms_freep(&v->vms);
	snapshot_freep(&v->snapshot);
}

bool verdict_has_intruders(const struct verdict *v)
{
	return v->intruders && v->intruders->found.n;
}

static int ask(struct host *h, const struct claims *claims, const struct irq_reasons *irqs,
	struct verdict *ret, struct err *e)
{
	struct claims now;
	/* Of others' VMs it is enough to know whose threads they are. */
	if (!ret->snapshot &&
		(snapshot_read(h, SNAPSHOT_SITTERS, &ret->snapshot, e) < 0 ||
			vms_find_about(h, ret->snapshot, claims_are_about, claims, &ret->vms, e) <
				0))
		return err_ctx(e, "ask who may run on the claimed CPUs"), e->code;
	now = claims_of(ret->snapshot, claims->placements, claims->n, &claims->taken_cpus);
	ret->intruders = intruders_find(ret->snapshot, ret->vms, &now, irqs);
	return 0;
}

/* By apply, or by somebody since: an entry is there too for what was right already. */
static bool was_moved(const struct entry *entry, const struct irq *irq)
{
	return !value_equal(&entry->value, &entry->baseline) || entry->value.kind != VALUE_SET ||
		!irq->affinity || !cpuset_equal(irq->affinity, entry->value.cpus);
}

/* What was moved can be moved. Of others nobody knows, and trying is not asking. */
static const char *not_ours(const void *context, const struct irq *irq)
{
	char key[16];
	snprintf(key, sizeof key, "%d", irq->irq);
	const struct ledger *l = context;
	array_for_each (entry, &l->entries) {
		if (streq(entry->knob->name, "irq.affinity") && streq(entry->key, key) &&
			was_moved(entry, irq))
			return NULL;
	}
	return "apply did not move it: its affinity is the kernel's own, or it came since";
}

int verdict_of_ledger(struct host *h, const struct ledger *l, struct verdict *ret, struct err *e)
{
	const struct irq_reasons irqs = { not_ours, l };
	const struct claims claims = { .placements = l->placements.v,
		.n = l->placements.n,
		.taken_cpus = claims_sum(l->placements.v, l->placements.n) };
	*ret = (struct verdict){ 0 };
	return l->placements.n ? ask(h, &claims, &irqs, ret, e) : 0;
}

struct intruders *verdict_intruders(
	const struct snapshot *s, const struct vms *vms, const struct ledger *l)
{
	const struct irq_reasons irqs = { not_ours, l };
	struct cpuset sum = claims_sum(l->placements.v, l->placements.n);
	struct claims now = claims_of(s, l->placements.v, l->placements.n, &sum);
	return l->placements.n ? intruders_find(s, vms, &now, &irqs) : NULL;
}

static const char *refused(const void *context, const struct irq *irq)
{
	char key[16];
	snprintf(key, sizeof key, "%d", irq->irq);
	const struct changes *changes = context;
	array_for_each (c, &changes->v) {
		if (c->state == CHANGE_IMMOVABLE && streq(c->knob->name, "irq.affinity") &&
			streq(c->target.key, key))
			return c->reason ? c->reason : "the kernel refuses to move it";
	}
	return NULL;
}

/* Below fenced nobody is promised to be kept off. */
static bool promises_cpus(const struct claims *claims)
{
	for (size_t i = 0; i < claims->n; i++)
		if (claims->placements[i].level >= LEVEL_FENCED)
			return true;
	return false;
}

int verdict_of_changes(struct host *h, const struct changes *changes, const struct claims *claims,
	struct verdict *ret, struct err *e)
{
	const struct irq_reasons irqs = { refused, changes };
	*ret = (struct verdict){ 0 };
	return promises_cpus(claims) ? ask(h, claims, &irqs, ret, e) : 0;
}
