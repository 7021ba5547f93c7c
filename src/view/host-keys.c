/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/keys.h"

#include "base/alloc.h"

/* Every member of every object that show --json prints: tests/hosts/settings compares. */
static const struct key_row rows[] = {
	{ "notes", "what could not be read or made no sense, for people" },

	{ "cpus", "every CPU that is present, by number" },
	{ "cpus[].cpu", "the kernel's number" },
	{ "cpus[].core",
		"number of the core, as all of core, l3, node, socket unique on the host" },
	{ "cpus[].socket", "null for an offline CPU" },
	{ "cpus[].node", "the kernel's number of the NUMA node" },
	{ "cpus[].l3", "null where there is no L3" },
	{ "cpus[].l3_kib", "its size" },
	{ "cpus[].siblings", "cpulist of the core's online CPUs" },
	{ "cpus[].kind",
		"performance, efficiency, low-power, or uniform: all are of one kind; null for an "
		"offline CPU" },
	{ "cpus[].rank", "among its kind: 0 is what the hardware favours most" },
	{ "cpus[].online", "false: switched off" },
	{ "cpus[].isolated", "by isolcpus= or in an isolated partition" },
	{ "cpus[].vms", "ids of the VMs that have it, or whose vCPUs somebody pinned there" },
	{ "cpus[].interrupts", "of devices, since boot; null where nothing counts them" },

	{ "nodes", "every NUMA node" },
	{ "nodes[].node", "the kernel's number" },
	{ "nodes[].cpus", "cpulist; empty for a node of memory only" },
	{ "nodes[].mem_total_kib", "null: there is no file that says" },
	{ "nodes[].mem_free_kib", "likewise" },
	{ "nodes[].distances", "to each node, in the order of nodes; empty where unknown" },
	{ "nodes[].tier", "of memory, the lower the faster; null where the kernel has none" },
	{ "nodes[].hugepages", "a pool per size" },
	{ "nodes[].hugepages[].size_kib", "of a page" },
	{ "nodes[].hugepages[].total", "pages" },
	{ "nodes[].hugepages[].free", "pages" },
	{ "nodes[].hugepages[].surplus", "pages beyond the pool's size, which go back" },

	{ "l3", "every L3 domain" },
	{ "l3[].l3", "its number" },
	{ "l3[].cpus", "cpulist of those online" },
	{ "l3[].size_kib", "of the cache" },

	{ "devices", "PCI devices, without bridges and parts of the board" },
	{ "devices[].address", "\"0000:0b:00.0\"" },
	{ "devices[].kind", "GPU, NIC, NVMe, storage, USB, audio, accelerator, co-processor" },
	{ "devices[].class", "hexadecimal, as vendor and device" },
	{ "devices[].vendor", "" },
	{ "devices[].device", "" },
	{ "devices[].node", "null where the board does not say" },
	{ "devices[].driver", "null without one" },
	{ "devices[].iommu_group", "null without an IOMMU" },

	{ "irq_heat",
		"with --irqs: the CPUs that took interrupts of devices, from the busiest on" },
	{ "irq_heat[].cpu", "" },
	{ "irq_heat[].count", "since boot" },
	{ "irq_heat[].share", "of all of them, 0 to 1" },
	{ "irq_heat[].top_irq", "the interrupt that it took most" },
	{ "irq_heat[].top_action", "whose that is" },

	{ "irqs", "with --irqs: from the most frequent on" },
	{ "irqs[].irq", "its number" },
	{ "irqs[].action", "who requested it; \"\" when nobody did" },
	{ "irqs[].device", "its PCI device, or null" },
	{ "irqs[].device.address", "" },
	{ "irqs[].device.kind", "as in devices, or null" },
	{ "irqs[].device.driver", "" },
	{ "irqs[].count", "since boot, on all CPUs" },
	{ "irqs[].busiest_cpu", "null when it never came" },
	{ "irqs[].busiest_share", "of count, 0 to 1" },
	{ "irqs[].affinity", "cpulist: where it may go; null where the kernel does not say" },
	{ "irqs[].effective", "cpulist: where it goes" },
	{ "irqs[].managed", "true: its CPUs are the kernel's own choice; null: nothing tells" },
	{ "irqs[].counts", "by CPU number, without zeros" },

	{ "cgroups", "with --cgroups: parents before children" },
	{ "cgroups[].cgroup", "path below the mount, from \"/\"" },
	{ "cgroups[].type", "domain, threaded, ...; null for the root" },
	{ "cgroups[].threads", "in the group itself" },
	{ "cgroups[].has_cpuset", "false: it shares the CPUs of the group around it" },
	{ "cgroups[].partition", "member, root, isolated, or \"isolated invalid\"" },
	{ "cgroups[].reason", "why it is invalid, in the kernel's words" },
	{ "cgroups[].cpus", "cpuset.cpus; null where there is no such file, as below" },
	{ "cgroups[].exclusive", "cpuset.cpus.exclusive" },
	{ "cgroups[].effective", "cpuset.cpus.effective" },
	{ "cgroups[].mems", "cpuset.mems" },

	{ "boot",
		"with --settings: parameters of the kernel's command line, then those for "
		"isolation that are not set" },
	{ "boot[].parameter", "its name" },
	{ "boot[].is_set", "" },
	{ "boot[].value", "\"\" without '='; null when it is not set" },
	{ "boot[].effect", "what the kernel made of it; null where nothing tells" },
	{ "boot[].seen_in", "the file that tells; null where there is none" },

	{ "tunables", "with --settings: single values" },
	{ "tunables[].group", "memory, scheduler, power, kvm" },
	{ "tunables[].name", "the file's, or near it" },
	{ "tunables[].value", "number or text; null where the host has none" },
	{ "tunables[].unit", "of a number; null where it has none" },
	{ "tunables[].file", "below /" },

	{ "zones", "with --settings: of memory, all numbers in pages" },
	{ "zones[].node", "" },
	{ "zones[].zone", "\"Normal\"" },
	{ "zones[].free_pages", "" },
	{ "zones[].min_pages", "watermark: below it allocations wait" },
	{ "zones[].low_pages", "below it the kernel reclaims in the background" },
	{ "zones[].high_pages", "up to it" },
	{ "zones[].managed_pages", "all that are given out" },

	{ "frequency", "with --settings: cpufreq; CPUs with the same values together" },
	{ "frequency[].cpus", "cpulist" },
	{ "frequency[].driver", "" },
	{ "frequency[].governor", "" },
	{ "frequency[].governors", "to choose from, separated by blanks" },
	{ "frequency[].epp", "preference between energy and performance" },
	{ "frequency[].min_khz", "limit that is set" },
	{ "frequency[].max_khz", "limit that is set" },
	{ "frequency[].hw_min_khz", "limit of the hardware" },
	{ "frequency[].hw_max_khz", "limit of the hardware" },
	{ "frequency[].cur_min_khz", "the lowest of these CPUs now" },
	{ "frequency[].cur_max_khz", "the highest of these CPUs now" },

	{ "idle_states", "with --settings: cpuidle; CPUs with the same values together" },
	{ "idle_states[].cpus", "cpulist" },
	{ "idle_states[].state", "\"C2\"" },
	{ "idle_states[].latency_us", "to leave it" },
	{ "idle_states[].disabled", "by an administrator" },
	{ "idle_states[].usage", "times entered, all these CPUs together" },
	{ "idle_states[].time_us", "spent there, likewise" },

	{ "latency_limits", "with --settings: PM QoS, how long leaving an idle state may take" },
	{ "latency_limits[].cpus", "cpulist" },
	{ "latency_limits[].resume_latency_us",
		"as the file has it: 0 is no limit, n/a none at all" },
	{ "latency_limits[].limit", "in words" },

	{ "throttled", "with --settings: times that heat slowed CPUs down, since boot" },
	{ "throttled[].cpus", "cpulist" },
	{ "throttled[].core", "" },
	{ "throttled[].package", "" },

	{ "levels", "that this host can give, by its files; status --host tries" },
	{ "levels[].level", "" },
	{ "levels[].answer", "yes, no, unknown" },
	{ "levels[].why", "null where nothing is to be said" },

	{ "services", "with --settings: those that change what wideberth sets, or compete" },
	{ "services[].service", "" },
	{ "services[].running", "" },
	{ "services[].pid", "null when it is not running" },

	{ "resctrl", "with --settings: cache and bandwidth groups; empty: not mounted" },
	{ "resctrl[].group", "\"/\" is the default group" },
	{ "resctrl[].cpus", "cpulist" },
	{ "resctrl[].schemata", "as the file has it" },
};

const struct key_part *show_keys(size_t *ret_n)
{
	static const struct key_part all = { "", rows, N_ELEMENTS(rows) };
	*ret_n = 1;
	return &all;
}
