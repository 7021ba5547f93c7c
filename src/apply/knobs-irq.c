/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts, irqbalance, and unbound kernel work. */
#include <errno.h>
#include <string.h>

#include "apply/knob.h"
#include "base/alloc.h"
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

static int read_irq(struct host *h, const struct target *t, char **ret)
{
	if (!is_same_irq(h, t))
		return -ENOENT;
	AUTO_FREE char *path = xasprintf("proc/irq/%s/smp_affinity_list", t->key);
	return knob_read_list(h, ret, path);
}

static int write_irq(struct host *h, const struct target *t, const char *value)
{
	return host_write(h, value, "proc/irq/%s/smp_affinity_list", t->key);
}

static const char *explain_irq(int error)
{
	switch (error) {
	case -EIO: /* before 6.12 */
	case -EPERM:
		return "its affinity is the kernel's own (per-CPU or managed by its driver)";
	case -ENOSPC:
		return "the target CPUs have no interrupt vector left";
	case -EINVAL:
		return "no CPU of the target is online";
	case -EBUSY:
	case -EAGAIN:
		return "a move of this interrupt is already under way; try again";
	default:
		return NULL;
	}
}

static bool has_irqbalance(struct host *h)
{
	struct cpuset banned;
	return host_get_irqbalance(h, &banned) == 0;
}

const struct knob knob_irq = {
	.name = "irq.affinity",
	.summary = "CPUs that may service one interrupt",
	.source = "/proc/irq/N/smp_affinity_list (Documentation/core-api/irq/irq-affinity.rst)",
	.read = read_irq,
	.write = write_irq,
	.is_same = cpulist_is_same,
	.is_ours = cpulist_is_part,
	.has_manager = has_irqbalance,
	.explain = explain_irq,
	.is_cpulist = true,
};

static const char default_path[] = "proc/irq/default_smp_affinity";

static int read_default(struct host *h, const struct target *t, char **ret)
{
	(void)t;
	return knob_read_mask(h, ret, default_path);
}

static int write_default(struct host *h, const struct target *t, const char *value)
{
	(void)t;
	return knob_write_mask(h, default_path, value);
}

const struct knob knob_irq_default = {
	.name = "irq.default_affinity",
	.summary = "CPUs for interrupts that appear later",
	.source = "/proc/irq/default_smp_affinity (Documentation/core-api/irq/irq-affinity.rst)",
	.read = read_default,
	.write = write_default,
	.is_same = cpulist_is_same,
	.is_cpulist = true,
};

/* From 6.8 on cpumask shows isolated CPUs taken out already; what was asked for is beside it. */
static int read_workqueue(struct host *h, const struct target *t, char **ret)
{
	(void)t;
	int r = knob_read_mask(h, ret, "sys/devices/virtual/workqueue/cpumask_requested");
	return r == 0 ? 0 : knob_read_mask(h, ret, "sys/devices/virtual/workqueue/cpumask");
}

static int write_workqueue(struct host *h, const struct target *t, const char *value)
{
	(void)t;
	return knob_write_mask(h, "sys/devices/virtual/workqueue/cpumask", value);
}

const struct knob knob_workqueue = {
	.name = "workqueue.cpumask",
	.summary = "CPUs for unbound kernel work",
	.source = "/sys/devices/virtual/workqueue/cpumask (Documentation/core-api/workqueue.rst)",
	.read = read_workqueue,
	.write = write_workqueue,
	.is_same = cpulist_is_same,
	.is_cpulist = true,
};

static int read_irqbalance(struct host *h, const struct target *t, char **ret)
{
	(void)t;
	struct cpuset banned;
	int r = host_get_irqbalance(h, &banned);
	if (r == 0)
		*ret = cpuset_format_list(&banned);
	return r;
}

static int write_irqbalance(struct host *h, const struct target *t, const char *value)
{
	(void)t;
	struct cpuset banned;
	int r = cpuset_parse_list(value, &banned);
	return r < 0 ? r : host_set_irqbalance(h, &banned);
}

const struct knob knob_irqbalance = {
	.name = "irqbalance.banned",
	.summary = "CPUs that irqbalance keeps interrupts off",
	.source = "/run/irqbalance/irqbalancePID.sock, \"settings cpus LIST\" (irqbalance(1))",
	.read = read_irqbalance,
	.write = write_irqbalance,
	.is_same = cpulist_is_same,
	.is_cpulist = true,
	.is_deferred = true, /* until its next look, 10 s at most */
};
