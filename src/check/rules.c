/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules, in the order of the playbook. */
#include "check/internal.h"

/* What makes a vCPU wait, from the surest on. */
#define WAIT_ROOTS                                                                                 \
	"stacked-vcpus too-few-cpus overlap quota hog softirq-hot irq-hot emulator-on-vcpus "      \
	"iothread-on-vcpus oversubscribed host-steal"

static const struct rule rules[] = {
	/* ---- scheduling or interrupts at all ---- */
	{ "disk-slow", "a disk that answers late", SEVERITY_WARNING, STAGE_LOAD, NEED_RATES,
		check_disk,
		"Whoever waits for it looks as if he had no CPU. Pins make that neither better nor "
		"worse.",
		"Look at the disk before any CPU: its queue, its neighbours, its health.",
		"The same figures over minutes, and from the storage system itself (zpool iostat "
		"-v)." },
	{ "storage-wait", "a VM that waits for its disks", SEVERITY_WARNING, STAGE_LOAD,
		NEED_VMS | NEED_RATES, check_storage,
		"Requests of the guest stand in a queue; its vCPUs are idle meanwhile, and the "
		"guest "
		"feels slow.",
		"Look at its disks before its CPUs.",
		"io.pressure over minutes, and the guest's own iostat.", "disk-slow" },
	{ "host-steal", "a host that is a guest itself", SEVERITY_WARNING, STAGE_LOAD, NEED_RATES,
		check_host_steal,
		"The hypervisor below takes CPU time away, from pinned vCPUs as from others; no "
		"setting here changes that.",
		"Ask for dedicated CPUs one level below.",
		"The same figures at the time of the complaint." },
	{ "softirq-hot", "interrupts on a VM's CPUs", SEVERITY_WARNING, STAGE_LOAD,
		NEED_PINS | NEED_RATES, check_softirq,
		"The kernel handles a device's interrupts and what hangs on them (softirqs: "
		"packets, "
		"block requests) on the CPU where they come. A vCPU that is pinned there stands "
		"still meanwhile: it may run nowhere else.",
		"Move the interrupts off these CPUs, or the VM.",
		"A longer interval under the load of which people complain." },
	{ "irq-hot", "many device interrupts on a VM's CPUs", SEVERITY_WARNING, STAGE_LOAD,
		NEED_PINS | NEED_RATES, check_irq_rate,
		"Each interrupt of the host takes the vCPU out of the guest and back: some "
		"microseconds, and cold caches behind them.",
		"Move the interrupts off these CPUs, or the VM.",
		"A longer interval under the load of which people complain.", "softirq-hot" },
	{ "hog", "other threads' work on a VM's CPUs", SEVERITY_WARNING, STAGE_LOAD,
		NEED_PINS | NEED_RATES, check_hog,
		"While it runs, the vCPU that is pinned there waits, though other CPUs are idle.",
		"Keep it off these CPUs. What is moved once comes back with the next process of "
		"its "
		"kind: isolating the VM's CPUs keeps off who comes later, too.",
		"A longer interval: who was there for a moment only is not seen." },
	{ "quota", "a quota that throttles", SEVERITY_WARNING, STAGE_LOAD, NEED_VMS, check_quota,
		"A limit is no pin: in each period (100 ms as a rule) in which the VM's threads "
		"have "
		"used it up, all of them stand still until the next one, vCPUs with locks held "
		"too. "
		"The guest sees stalls at a fixed rhythm and a clock that jumps.",
		"Remove the limit, or raise it well above the VM's vCPUs and helpers.",
		"The same at the time of the complaint: nr_throttled in cpu.stat." },
	{ "caged", "a VM that waits beside idle CPUs", SEVERITY_WARNING, STAGE_LOAD,
		NEED_PINS | NEED_RATES, check_caged,
		"Pins are a cage: what does not fit waits inside, whatever is free outside.",
		"Give it more CPUs than vCPUs to spare, or take the pins off.",
		"Which thread waits for which: wideberth measure.", WAIT_ROOTS },
	{ "oversubscribed", "more vCPUs than CPUs", SEVERITY_WARNING, STAGE_LOAD, NEED_VMS,
		check_oversubscribed,
		"Pinning and isolating create no CPUs: what one VM gets for itself the others "
		"share.",
		"Give the VMs fewer vCPUs, or move some to another host.",
		"An interval while all of them work." },
	{ "sibling-busy", "SMT siblings that work for others", SEVERITY_WARNING, STAGE_LOAD,
		NEED_PINS | NEED_RATES, check_sibling_busy,
		"Two threads of a core share its execution units and caches: beside a busy sibling "
		"a "
		"vCPU has some 60 % of the core, and a rhythm that is not its own.",
		"Give the VM whole cores.", "A longer interval.", "overlap siblings-shared hog" },
	{ "vcpu-wait", "vCPUs that wait for a CPU", SEVERITY_WARNING, STAGE_LOAD,
		NEED_VMS | NEED_RATES, check_wait,
		"The guest was ready and did not run: its clock went on, and what it was about to "
		"answer waited. It sees the same as steal time.",
		"Find who runs there instead: wideberth measure names him.",
		"wideberth measure for a minute under load.", WAIT_ROOTS " caged sibling-busy" },

	/* ---- is the pinning real, and complete ---- */
	{ "stacked-vcpus", "vCPUs that float over isolated CPUs", SEVERITY_CRITICAL, STAGE_PINS,
		NEED_VMS, check_stacked,
		"On CPUs of isolcpus= and of isolated partitions the scheduler balances no load. A "
		"mask of several CPUs there is no choice: threads stay where they woke up, and "
		"several vCPUs sit on one CPU while the next is idle.",
		"Pin each vCPU to one CPU.", "A measure under load." },
	{ "too-few-cpus", "fewer CPUs than vCPUs", SEVERITY_WARNING, STAGE_PINS, NEED_PINS,
		check_too_few,
		"vCPUs that the guest takes for parallel take turns; a lock's holder waits for who "
		"spins on it.",
		"Give it as many CPUs as vCPUs, or fewer vCPUs.", "A measure under load." },
	{ "half-pinned", "a VM of which some vCPUs are pinned", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS, check_half_pinned,
		"The guest's scheduler takes all its CPUs for alike: the slowest sets the pace.",
		"Pin all of its vCPUs or none.", "Nothing: it is so." },
	{ "overlap", "two VMs with the same CPUs", SEVERITY_WARNING, STAGE_PINS, NEED_PINS,
		check_overlap,
		"Each of the two is kept from going elsewhere when the other runs. Pinning with "
		"overlap is worse than none. A clone brings its original's affinity along.",
		"Give one of them other CPUs.", "A measure of both under load." },
	{ "siblings-shared", "two VMs on one core", SEVERITY_WARNING, STAGE_PINS, NEED_PINS,
		check_siblings,
		"SMT siblings share a core's execution units and its L1 and L2 caches: each VM's "
		"speed depends on what the other does, and secrets may leak between them.",
		"Give each VM whole cores.", "A measure of both under load.", "overlap" },
	{ "emulator-on-vcpus", "QEMU's own threads on the vCPUs' CPUs", SEVERITY_WARNING,
		STAGE_PINS, NEED_PINS, check_emulator,
		"QEMU's main loop and workers emulate devices, serve the monitor and write "
		"snapshots. Where they may run on the vCPUs' CPUs each of them stops a vCPU that "
		"cannot go elsewhere.",
		"Give QEMU's other threads CPUs beside the vCPUs'.",
		"An interval with backups or migrations in it: wideberth measure." },
	{ "iothread-on-vcpus", "I/O threads on the vCPUs' CPUs", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS, check_iothreads,
		"I/O threads and vhost workers do the guest's disk and network I/O. On a vCPU's "
		"CPU "
		"they stop it exactly when it has work, and wait for it when it spins.",
		"Give them CPUs beside the vCPUs'.",
		"An interval under I/O load: wideberth measure." },
	{ "smt-blind", "siblings that the guest takes for cores", SEVERITY_INFO, STAGE_PINS,
		NEED_PINS, check_smt_blind,
		"The guest spreads its work over what it takes for cores, and puts two heavy "
		"threads "
		"on one.",
		"Tell the guest of its threads (-smp threads=2, on Proxmox VE args), or give it "
		"one "
		"thread per core.",
		"Nothing: it is so." },
	{ "crosses-nodes", "vCPUs on several NUMA nodes", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS | NEED_NODES, check_crosses_nodes,
		"Half of the memory is far for each vCPU, and the guest cannot know which half.",
		"Put all of its vCPUs on one node, or give the guest nodes that mirror the host's.",
		"A measure of the guest's memory latency." },
	{ "crosses-l3", "vCPUs in several L3 domains", SEVERITY_INFO, STAGE_PINS, NEED_PINS,
		check_crosses_l3, "What two vCPUs share goes through memory instead of the cache.",
		"Put its vCPUs into one L3 domain.", "A measure in the guest." },
	{ "cpu0-for-vm", "CPU 0 among a VM's CPUs", SEVERITY_WARNING, STAGE_PINS, NEED_PINS,
		check_cpu0,
		"CPU 0 has work that nobody can move: timekeeping at boot, interrupts that are not "
		"yet set, kernel threads that are bound there.",
		"Leave CPU 0 to the host.", "Nothing: it is so." },
	{ "mixed-cores", "vCPUs on fast and slow cores", SEVERITY_WARNING, STAGE_PINS, NEED_PINS,
		check_kinds,
		"The guest takes its CPUs for alike; what is spread evenly ends with the slowest.",
		"Put all of its vCPUs on cores of one kind.", "Nothing: it is so." },
	{ "fifo-vcpus", "vCPUs of a real-time policy", SEVERITY_WARNING, STAGE_PINS, NEED_VMS,
		check_fifo,
		"A guest that spins never sleeps: the kernel's own threads of that CPU (RCU, "
		"workqueues, the migration of tasks) get the 5 % that are kept for them, or "
		"nothing "
		"where sched_rt_runtime_us is -1: then the whole host may hang.",
		"Run them with the usual policy: a CPU that nobody else may use needs no priority.",
		"Nothing: it is so." },
};

const struct rule *check_rules(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(rules);
	return rules;
}

const struct rule *check_rule(const char *id)
{
	for (size_t i = 0; i < N_ELEMENTS(rules); i++)
		if (streq(rules[i].id, id))
			return &rules[i];
	return NULL;
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = { "info", "warning", "critical" };
	return names[severity];
}

const char *stage_name(enum rule_stage stage)
{
	static const char *const names[] = {
		[STAGE_LOAD] = "load",
		[STAGE_PINS] = "pins",
		[STAGE_MEMORY] = "memory",
		[STAGE_POWER] = "power",
		[STAGE_RECIPE] = "recipe",
	};
	return names[stage];
}

const char *sureness_text(enum sureness sure)
{
	static const char *const texts[] = {
		[SURE_STATE] = "certain: it is so, by the kernel's own files",
		[SURE_MEASURED] = "certain for the interval: it was measured",
		[SURE_LIKELY] = "likely: it fits, and something else may be behind it",
	};
	return texts[sure];
}
