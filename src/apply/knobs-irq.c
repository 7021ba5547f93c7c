/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts, irqbalance, and unbound kernel work. */
#include <errno.h>
#include <string.h>

#include "apply/knob.h"
#include "base/str.h"
#include "host/host-write.h"

/* The number may belong to another device by now: its action is a directory of /proc/irq/N. */
static bool is_same_irq(struct host *h, const struct target *t)
{
	if (!t->id || strchr(t->id, ',') || strchr(t->id, '/'))
		return true;
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, "proc/irq/%s", t->key) < 0)
		return false;
	bool has_action = false;
	for (size_t i = 0; i < names.n; i++) {
		has_action |= !str_after(names.v[i], "smp_affinity") &&
			!str_after(names.v[i], "affinity_hint") &&
			!str_after(names.v[i], "effective_affinity") &&
			!streq(names.v[i], "node") && !streq(names.v[i], "spurious");
		if (streq(names.v[i], t->id))
			return true;
	}
	return !has_action; /* no directory at all: the kernel shows no names */
}

static int read_irq(struct host *h, const struct knob *k, const struct target *t, struct arena *a,
	struct value *ret)
{
	return is_same_irq(h, t) ? knob_read_file(h, k, t, a, ret) : KNOB_GONE;
}

/* The kernel trims what it is given to what there is. */
static bool is_part(
	struct host *h, const struct target *t, const struct value *ours, const struct value *now)
{
	(void)h;
	(void)t;
	return ours->kind == VALUE_SET && now->kind == VALUE_SET && !cpuset_is_empty(now->cpus) &&
		cpuset_is_subset(now->cpus, ours->cpus);
}

static bool has_irqbalance(struct host *h)
{
	struct cpuset banned;
	return host_get_irqbalance(h, &banned) == 0;
}

const struct knob_ops irq_ops = {
	.name = "irq.affinity",
	.read = read_irq,
	.write = knob_write_file,
	.is_ours = is_part,
	.has_manager = has_irqbalance,
};

/* From 6.8 on cpumask shows isolated CPUs taken out already; what was asked for is beside it. */
static int read_workqueue(struct host *h, const struct knob *k, const struct target *t,
	struct arena *a, struct value *ret)
{
	AUTO_FREE char *path = knob_path(k, t), *text = NULL;
	int r = host_read(h, &text, NULL, "%s_requested", path);
	return r < 0 ? knob_read_file(h, k, t, a, ret) : knob_parse_file(k, text, a, ret);
}

const struct knob_ops workqueue_ops = {
	.name = "workqueue.cpumask",
	.read = read_workqueue,
	.write = knob_write_file,
};

static int read_irqbalance(struct host *h, const struct knob *k, const struct target *t,
	struct arena *a, struct value *ret)
{
	(void)k;
	(void)t;
	struct cpuset banned;
	int r = host_get_irqbalance(h, &banned);
	if (r == -ENOENT)
		return KNOB_GONE; /* it does not run, or has no socket */
	if (r == 0)
		*ret = cpuset_is_empty(&banned) ? VALUE_IS_UNSET : knob_keep_cpus(a, &banned);
	return r;
}

static int write_irqbalance(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	(void)k;
	(void)t;
	return host_set_irqbalance(h, v->kind == VALUE_SET ? v->cpus : &CPUSET_EMPTY);
}

const struct knob_ops irqbalance_ops = {
	.name = "irqbalance.banned",
	.read = read_irqbalance,
	.write = write_irqbalance,
};
