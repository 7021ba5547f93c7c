/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data half of the table of knobs. */
#include "plan/knobs.h"

#include <errno.h>

#include "base/str.h"

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

static const char *explain_controller(int error)
{
	switch (error) {
	case -EBUSY:
		return "a group below it uses cpuset for something else";
	case -ENOENT:
		return "the cpuset controller is not available to this group";
	default:
		return NULL;
	}
}

static const char *explain_mems(int error)
{
	return error == -EINVAL ? "one of these nodes has no memory" : NULL;
}

static const char *explain_exclusive(int error)
{
	return error == -EINVAL ? "another group has some of these CPUs" : NULL;
}

static const char *explain_affinity(int error)
{
	switch (error) {
	case -EINVAL:
		return "none of these CPUs is allowed to its cgroup, or the kernel binds it itself";
	case -EPERM:
		return "not permitted: run as root";
	default:
		return NULL;
	}
}

static const char *const done_words[] = { "done", NULL };

#define GROUP_FILE "sys/fs/cgroup/%s/"

#define AFFINITY_ROW                                                                               \
	.source = "sched_setaffinity(2)", .type = KNOB_CPUSET, .dies_with = LIFE_THREAD,           \
	.explain = explain_affinity, .unset = "all", .unset_is_all = true, .hides_unset = true

static const struct knob table[] = {
	{
		.name = "irqbalance.banned",
		.summary = "CPUs that irqbalance keeps interrupts off",
		.source = "/run/irqbalance/irqbalancePID.sock, \"settings cpus LIST\" "
			  "(irqbalance(1))",
		.type = KNOB_CPUSET,
		.combine = COMBINE_UNION,
		.phase = PHASE_WRITERS,
		.suspects = "a restart of irqbalance",
		.is_deferred = true, /* until its next look, 10 s at most */
	},
	{
		.name = "irq.default_affinity",
		.summary = "CPUs for interrupts that appear later",
		.source = "/proc/irq/default_smp_affinity "
			  "(Documentation/core-api/irq/irq-affinity.rst)",
		.type = KNOB_CPUSET,
		.combine = COMBINE_MINUS,
		.phase = PHASE_INTERRUPTS,
		.path = "proc/irq/default_smp_affinity",
		.suspects = "irqbalance, or the device's driver",
		.is_mask = true,
	},
	{
		.name = "irq.affinity",
		.summary = "CPUs that may service one interrupt",
		.source = "/proc/irq/N/smp_affinity_list "
			  "(Documentation/core-api/irq/irq-affinity.rst)",
		.type = KNOB_CPUSET,
		.combine = COMBINE_MINUS,
		.phase = PHASE_INTERRUPTS,
		.path = "proc/irq/%s/smp_affinity_list",
		.suspects = "irqbalance, or the device's driver",
		.dies_with = LIFE_INTERRUPT,
		.explain = explain_irq,
	},
	{
		.name = "workqueue.cpumask",
		.summary = "CPUs for unbound kernel work",
		.source = "/sys/devices/virtual/workqueue/cpumask "
			  "(Documentation/core-api/workqueue.rst)",
		.type = KNOB_CPUSET,
		.combine = COMBINE_MINUS,
		.phase = PHASE_KERNEL,
		.path = "sys/devices/virtual/workqueue/cpumask",
		.suspects = "tuned",
		.is_mask = true,
	},
	{
		.name = "vm.stat_interval",
		.summary = "seconds between two updates of the kernel's memory counters on every "
			   "CPU",
		.source = "/proc/sys/vm/stat_interval (Documentation/admin-guide/sysctl/vm.rst)",
		.unit = "s",
		.type = KNOB_NUMBER,
		.combine = COMBINE_MAX,
		.phase = PHASE_KERNEL,
		.path = "proc/sys/vm/stat_interval",
		.min = 1,
		.max = 86400,
		.suspects = "tuned, or sysctl",
	},
	{
		.name = "memory.compact",
		.summary = "free memory of a NUMA node is made contiguous, for huge pages",
		.source = "/sys/devices/system/node/nodeN/compact "
			  "(Documentation/ABI/stable/sysfs-devices-node)",
		.type = KNOB_ACTION,
		.phase = PHASE_KERNEL,
		.path = "sys/devices/system/node/node%s/compact",
		.choices = done_words,
		.unset = "not done",
		.suspects = "nobody: it is done once, and never undone",
		.is_deferred = true, /* the file cannot be read */
	},
	{
		.name = "unit.allowed_cpus",
		.summary = "CPUs that systemd gives to a slice, scope or service",
		.source = "AllowedCPUs= over D-Bus, runtime (systemd.resource-control(5))",
		.type = KNOB_CPUSET,
		.combine = COMBINE_MINUS,
		.phase = PHASE_FENCES,
		.suspects = "systemctl set-property",
		.dies_with = LIFE_UNIT,
		.unset_is_all = true,
		.is_remembered = true, /* systemd reads its drop-ins again at a reload only */
	},
	{
		.name = "unit.memory_nodes",
		.summary = "NUMA nodes that systemd lets a VM's scope or service have memory of",
		.source = "AllowedMemoryNodes= over D-Bus, runtime (systemd.resource-control(5))",
		.type = KNOB_CPUSET,
		.combine = COMBINE_ONE,
		.phase = PHASE_FENCES,
		.suspects = "systemctl set-property",
		.dies_with = LIFE_UNIT,
		.is_remembered = true,
	},
	{
		.name = "unit.delegate",
		.summary = "systemd keeps its hands off the groups below a VM's scope or service",
		.source = "Delegate=cpuset in a runtime drop-in (systemd.resource-control(5))",
		.type = KNOB_CHOICE,
		/* given: by somebody else than wideberth's apply */
		.choices = (const char *const[]){ "no", "yes", "given", NULL },
		.combine = COMBINE_AGREE,
		.phase = PHASE_DELEGATION,
		.suspects = "systemctl set-property",
		.dies_with = LIFE_UNIT,
	},
	{
		.name = "cgroup.cpuset",
		.summary = "the cpuset controller for a group's children",
		.source = "cgroup.subtree_control (cgroup-v2.rst, \"Enabling and Disabling\")",
		.type = KNOB_CHOICE,
		.choices = (const char *const[]){ "disabled", "enabled", NULL },
		.combine = COMBINE_AGREE,
		.phase = PHASE_CONTROLLERS,
		.path = GROUP_FILE "cgroup.subtree_control",
		.suspects = "systemd (daemon-reload, set-property), or CPU hotplug",
		.dies_with = LIFE_GROUP,
		.explain = explain_controller,
		/* systemd must have forgotten its properties before the controller goes for good */
		.settles_first = true,
	},
	{
		.name = "cgroup.cpus",
		.summary = "CPUs of a group",
		.source = "cpuset.cpus (cgroup-v2.rst, \"Cpuset Interface Files\")",
		.type = KNOB_CPUSET,
		.combine = COMBINE_MINUS,
		.phase = PHASE_FENCES,
		.path = GROUP_FILE "cpuset.cpus",
		.suspects = "systemd (daemon-reload, set-property), or CPU hotplug",
		.dies_with = LIFE_GROUP,
		.unset_is_all = true,
		.is_collateral = true, /* systemd writes it for unit.allowed_cpus, and cannot
					  empty it */
	},
	{
		.name = "cgroup.mems",
		.summary = "NUMA nodes that a group may have memory of; what its tasks have "
			   "elsewhere is moved there",
		.source = "cpuset.mems (cgroup-v2.rst, \"Cpuset Interface Files\")",
		.type = KNOB_CPUSET,
		.combine = COMBINE_ONE,
		.phase = PHASE_FENCES,
		.path = GROUP_FILE "cpuset.mems",
		.suspects = "systemd (daemon-reload, set-property), or libvirt",
		.dies_with = LIFE_GROUP,
		.explain = explain_mems,
		.is_collateral = true, /* as cgroup.cpus */
	},
	{
		.name = "cgroup.dir",
		.summary = "a group made for a VM's vCPU threads",
		.source = "mkdir, rmdir (cgroup-v2.rst, \"Organizing Processes and Threads\")",
		.type = KNOB_WORD,
		.phase = PHASE_GROUPS,
		.suspects = "systemd (daemon-reload, set-property), or CPU hotplug",
	},
	{
		.name = "cgroup.type",
		.summary = "makes that group take single threads of the process",
		.source = "cgroup.type (cgroup-v2.rst, \"Threads\")",
		.type = KNOB_WORD,
		.phase = PHASE_GROUPS,
		.path = GROUP_FILE "cgroup.type",
		.suspects = "systemd (daemon-reload, set-property), or CPU hotplug",
		.is_collateral = true,
	},
	{
		.name = "cgroup.exclusive",
		.summary = "CPUs that a group hands down to partitions below it",
		.source = "cpuset.cpus.exclusive (cgroup-v2.rst, \"Cpuset Interface Files\")",
		.type = KNOB_CPUSET,
		.combine = COMBINE_UNION,
		.phase = PHASE_GROUPS,
		.path = GROUP_FILE "cpuset.cpus.exclusive",
		.suspects = "systemd (daemon-reload, set-property), or CPU hotplug",
		.dies_with = LIFE_GROUP,
		.explain = explain_exclusive,
	},
	{
		.name = "cgroup.partition",
		.summary = "makes a group a partition, closed to everybody else: isolated has no "
			   "load balancing, "
			   "root balances inside",
		.source = "cpuset.cpus.partition (cgroup-v2.rst, \"Cpuset Interface Files\")",
		.type = KNOB_WORD,
		.phase = PHASE_PARTITIONS,
		.path = GROUP_FILE "cpuset.cpus.partition",
		.suspects = "systemd (daemon-reload, set-property), or CPU hotplug",
	},
	{
		.name = "thread.cgroup",
		.summary = "the cgroup of a thread",
		.source = "cgroup.threads (cgroup-v2.rst, \"Threads\")",
		.type = KNOB_WORD,
		.phase = PHASE_MOVES,
		.suspects = "taskset, libvirt or tuned",
		.dies_with = LIFE_THREAD,
	},
	{
		.name = "thread.affinity",
		.summary = "CPUs that a thread of a VM, or beside it in its group, may run on",
		AFFINITY_ROW,
		.combine = COMBINE_MINUS,
		.phase = PHASE_PINS,
		.suspects = "taskset, libvirt or tuned",
	},
	{
		.name = "task.affinity",
		.summary = "CPUs of another process' thread that chose its own",
		AFFINITY_ROW,
		.combine = COMBINE_MINUS,
		.phase = PHASE_LAST,
		.suspects = "the process itself, or tuned",
		.same_as = "thread.affinity",
		.is_collateral = true,
	},
	{
		.name = "kthread.affinity",
		.summary = "CPUs that a kernel thread may run on",
		AFFINITY_ROW,
		.combine = COMBINE_MINUS,
		.phase = PHASE_LAST,
		.suspects = "tuned, or a partition made by somebody else",
		.same_as = "thread.affinity",
		.is_collateral = true,
	},
};

const struct knob *knobs(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(table);
	return table;
}

const struct knob *knob_find(const char *name)
{
	for (size_t i = 0; i < N_ELEMENTS(table); i++)
		if (streq(table[i].name, name))
			return &table[i];
	return NULL;
}

static const char *thing(const struct knob *k)
{
	return k->same_as ? k->same_as : k->name;
}

bool knob_is_same_thing(const struct knob *a, const struct knob *b)
{
	return a == b || streq(thing(a), thing(b));
}
