/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a snapshot, read from files as kernels write them; and what is absent. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "host/host.h"
#include "model/snapshot.h"
#include "tap.h"

static char root[] = "/tmp/wideberth-model-XXXXXX";

static void put(const char *path, const char *text)
{
	AUTO_FREE char *full = xasprintf("%s/%s", root, path);
	for (char *p = full + sizeof root; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(full, 0755);
		*p = '/';
	}
	AUTO_FILE FILE *f = fopen(full, "w");
	if (f)
		fputs(text, f);
}

static struct snapshot *read_parts(unsigned int parts)
{
	AUTO_HOST struct host *h = NULL;
	struct snapshot *s = NULL;
	struct err e = { 0 };
	int r = host_open(&h, root, &e);
	if (r == 0)
		r = snapshot_read(h, SNAPSHOT_TOPOLOGY | parts, &s, &e);
	ok(r == 0, "read parts %u: %s", parts, *e.text ? e.text : "done");
	return s;
}

static void put_machine(void)
{
	put("sys/devices/system/cpu/online", "0-1\n");
	put("sys/devices/system/cpu/present", "0-1\n");
	put("sys/devices/system/node/node0/cpumap", "3\n");
	put("sys/devices/system/node/node0/meminfo",
		"Node 0 MemTotal:       65849216 kB\nNode 0 MemFree:        1024 kB\n");
	put("sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", "512\n");
	put("sys/devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "500\n");
	put("sys/devices/system/node/node0/hugepages/hugepages-2048kB/surplus_hugepages", "2\n");
	put("sys/devices/virtual/memory_tiering/memory_tier4/nodelist", "0\n");
	put("proc/zoneinfo",
		"Node 0, zone      DMA\n  pages free     0\n        min      0\n"
		"        managed  0\nNode 0, zone   Normal\n  per-node stats\n"
		"      nr_inactive_anon 155778\n  pages free     59204\n"
		"        boost    0\n        min      10865\n        low      13581\n"
		"        high     16297\n        managed  5922086\n"
		"        protection: (0, 0)\n  pagesets\n    cpu: 0\n"
		"              high:  348\n");
}

static void absent(void)
{
	AUTO_SNAPSHOT struct snapshot *s = read_parts(SNAPSHOT_WHOLE);
	if (!s)
		return;
	ok(s->tunables->ksm_run == ABSENT && s->tunables->numa_balancing == ABSENT &&
			!s->tunables->thp_enabled && !s->tunables->nohz_full_cpus,
		"absent settings are not 0");
	ok(s->power->n_policies == 0 && s->power->n_cpus == 2 && s->power->cpus[1].policy == -1 &&
			!s->power->cpus[1].resume_latency &&
			s->power->cpus[1].core_throttle_count == ABSENT,
		"absent power management is not 0");
	ok(!s->n_pci_devices && !s->n_resctrl && !s->interrupts.n_cpus, "nothing else is there");
	ok(s->n_notes == 0, "and nothing is complained of");
}

/* Who may run where needs no topology; where the kernel's files do not say which CPUs there are, it
 * is asked all the same. */
static void cpu_sets(void)
{
	AUTO_HOST struct host *h = NULL;
	AUTO_SNAPSHOT struct snapshot *s = NULL, *other = NULL;
	struct err e = { 0 };
	char present[200];
	int r = host_open(&h, root, &e);
	r = r < 0 ? r : snapshot_read(h, SNAPSHOT_SITTERS, &s, &e);
	ok(r == 0 && cpuset_count(&s->online_cpus) == 2 && cpuset_count(&s->present_cpus) == 2 &&
			!s->n_cores && !s->n_nodes,
		"which CPUs there are, without how they belong together");
	snprintf(present, sizeof present, "%s/sys/devices/system/cpu/present", root);
	unlink(present);
	r = r < 0 ? r : snapshot_read(h, SNAPSHOT_SITTERS, &other, &e);
	ok(r == 0 && other->n_cores && !cpuset_is_empty(&other->present_cpus),
		"hwloc says it where the kernel does not");
	put("sys/devices/system/cpu/present", "0-1\n");
}

static void memory(void)
{
	AUTO_SNAPSHOT struct snapshot *s = read_parts(SNAPSHOT_ZONES);
	if (!s)
		return;
	const struct node *n = &s->nodes[0];
	ok(n->mem_total_kib == 65849216 && n->mem_free_kib == 1024 && n->tier == 4, "a node");
	ok(n->n_hugepages == 1 && n->hugepages[0].total == 512 && n->hugepages[0].free == 500 &&
			n->hugepages[0].surplus == 2,
		"its huge pages");
	ok(s->zones.n == 1 && streq(s->zones.v[0].name, "Normal") && s->zones.v[0].min == 10865 &&
			s->zones.v[0].low == 13581 && s->zones.v[0].high == 16297 &&
			s->zones.v[0].free == 59204 && s->zones.v[0].managed == 5922086,
		"its zone; the empty one is left out");
}

static void tunables(void)
{
	put("proc/cmdline",
		"quiet isolcpus=managed_irq,domain,1 nohz-full=1 dyndbg=\"file a.c +p\" -- "
		"init=x\n");
	put("proc/sys/kernel/numa_balancing", "0\n");
	put("proc/sys/kernel/sched_rt_runtime_us", "-1\n");
	put("proc/sys/kernel/watchdog_cpumask", "0\n");
	put("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put("sys/devices/system/cpu/nohz_full", "  (null)\n");
	put("sys/module/kvm/parameters/halt_poll_ns", "200000\n");
	put("sys/module/kvm/parameters/nx_huge_pages", "Y\n");
	put("sys/fs/resctrl/schemata", "L3:0=ffff;1=ffff\n");
	put("sys/fs/resctrl/cpus_list", "0-1\n");
	put("sys/fs/resctrl/info/L3/num_closids", "16\n");
	put("sys/fs/resctrl/vm100/schemata", "L3:0=ff\n");
	AUTO_SNAPSHOT struct snapshot *s = read_parts(SNAPSHOT_TUNABLES);
	if (!s)
		return;
	same_int(s->tunables->numa_balancing, 0, "numa_balancing");
	same_int(s->tunables->sched_rt_runtime_us, -1, "a negative number");
	same_int(s->tunables->halt_poll_ns, 200000, "halt_poll_ns");
	same_str(s->tunables->nx_huge_pages, "Y", "nx_huge_pages");
	same_str(s->tunables->thp_enabled, "madvise", "the chosen word");
	ok(s->tunables->watchdog_cpus && cpuset_count(s->tunables->watchdog_cpus) == 1, "a list");
	ok(s->tunables->nohz_full_cpus && cpuset_is_empty(s->tunables->nohz_full_cpus) &&
			s->n_notes == 0,
		"(null) is no CPUs, and no fault");
	same_str(boot_param(&s->boot_params, "isolcpus"), "managed_irq,domain,1", "isolcpus=");
	same_str(boot_param(&s->boot_params, "nohz_full"), "1", "'-' and '_' are the same");
	same_str(boot_param(&s->boot_params, "dyndbg"), "*", "quotes");
	ok(!boot_param(&s->boot_params, "init"), "what is init's own");
	ok(s->n_resctrl == 2 && streq(s->resctrl[1].name, "vm100") && !s->resctrl[1].cpus,
		"resctrl groups");
}

static void power(void)
{
	put("sys/devices/system/cpu/cpufreq/policy0/affected_cpus", "0 1\n");
	put("sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "powersave\n");
	put("sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq", "4700000\n");
	/* the first one has what the others have */
	put("sys/devices/system/cpu/cpu0/power/pm_qos_resume_latency_us", "0\n");
	put("sys/devices/system/cpu/cpu0/cpuidle/state0/name", "POLL\n");
	put("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "0\n");
	put("sys/devices/system/cpu/cpu1/power/pm_qos_resume_latency_us", "n/a\n");
	put("sys/devices/system/cpu/cpu1/cpuidle/state2/name", "C6\n");
	put("sys/devices/system/cpu/cpu1/cpuidle/state2/latency", "133\n");
	put("sys/devices/system/cpu/cpu1/cpuidle/state2/disable", "0\n");
	put("sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "7\n");
	AUTO_SNAPSHOT struct snapshot *s = read_parts(SNAPSHOT_POWER);
	if (!s)
		return;
	const struct cpu_power *c = &s->power->cpus[1];
	const struct freq_policy *p = &s->power->policies[0];
	ok(c->policy == 0 && p->max_khz == 4700000 && p->min_khz == ABSENT && !p->epp, "policy");
	same_str(p->governor, "powersave", "governor");
	same_str(c->resume_latency, "n/a", "no latency at all is not no limit");
	ok(c->n_idle_states == 1 && c->idle_states[0].latency_us == 133 &&
			c->idle_states[0].disable == 0 && c->idle_states[0].usage == ABSENT,
		"idle state");
	same_int(c->core_throttle_count, 7, "throttled");
}

static void devices(void)
{
	AUTO_FREE char *dir = xasprintf("%s/sys/bus/pci/devices/0000:0b:00.0", root);
	AUTO_FREE char *driver = xasprintf("%s/driver", dir), *group = NULL;
	group = xasprintf("%s/iommu_group", dir);
	put("sys/bus/pci/devices/0000:0b:00.0/class", "0x030000\n");
	put("sys/bus/pci/devices/0000:0b:00.0/vendor", "0x10de\n");
	put("sys/bus/pci/devices/0000:0b:00.0/numa_node", "-1\n");
	put("sys/bus/pci/devices/0000:0b:00.0/msi_irqs/25", "msix\n");
	ok(symlink("../../../bus/pci/drivers/vfio-pci", driver) == 0 &&
			symlink("../../../kernel/iommu_groups/12", group) == 0,
		"links");
	put("proc/interrupts",
		"            CPU0       CPU1\n"
		" 24:          9          0  IO-APIC   9-fasteoi   acpi\n"
		" 25:          1        170  PCI-MSIX-0000:0b:00.0   0-edge      "
		"vfio-msix[0](0000:0b:00.0)\n"
		"LOC:       1234       2345  Local timer interrupts\n"
		"ERR:          3\n");
	put("proc/irq/25/smp_affinity_list", "1\n");
	put("sys/kernel/debug/irq/irqs/24", "dstate:   0x3\n");
	put("sys/kernel/debug/irq/irqs/25", "dstate:   0x3\n            IRQD_AFFINITY_MANAGED\n");
	AUTO_SNAPSHOT struct snapshot *s = read_parts(SNAPSHOT_PCI | SNAPSHOT_IRQS);
	if (!s)
		return;
	const struct pci_device *d = &s->pci_devices[0];
	ok(s->n_pci_devices == 1 && d->class == 0x030000 && d->vendor == 0x10de &&
			d->device == -1 && d->node == -1 && d->iommu_group == 12,
		"a device");
	same_str(d->driver, "vfio-pci", "its driver");
	same_str(pci_class_name(d->class), "GPU", "what people call it");
	ok(s->n_irqs == 2 && s->irqs[0].device == -1 && s->irqs[1].device == 0, "its interrupt");
	same_str(s->irqs[1].action, "vfio-msix[0](0000:0b:00.0)", "the action");
	ok(s->irqs[1].counts[1] == 170 && s->interrupts.n_rows == 4 &&
			s->interrupts.rows[3].counts[0] == 3,
		"counts");
	ok(s->irqs[0].managed == IRQ_MOVABLE && s->irqs[1].managed == IRQ_MANAGED, "managed");
}

/* A process of one thread: flags 0x200000 make it the kernel's. */
static void put_process(int pid, const char *comm, unsigned int flags)
{
	AUTO_FREE char *stat = xasprintf("proc/%d/stat", pid);
	AUTO_FREE char *status = xasprintf("proc/%d/task/%d/status", pid, pid);
	AUTO_FREE char *text =
		xasprintf("%d (%s) S 1 %d %d 0 -1 %u 0 0 0 0 5 7 0 0 20 0 1 0 900 0 0 "
			  "0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n",
			pid, comm, pid, pid, flags);
	put(stat, text);
	put(status, "Name:\tx\nCpus_allowed_list:\t0-1\n");
}

static const struct task *service(const struct snapshot *s, const char *name)
{
	struct service all[SERVICES_MAX];
	size_t n = snapshot_services(s, all);
	for (size_t i = 0; i < n; i++)
		if (streq(all[i].name, name))
			return all[i].task;
	ok(false, "%s is known", name);
	return NULL;
}

/* Found by name; a name is cut at 15 characters, and a kernel thread is no service. */
static void services(void)
{
	static const char *const all[] = { "irqbalance", "tuned", "numad", "ksmtuned",
		"power-profiles-daemon", "thermald", "tlp" };
	AUTO_SNAPSHOT struct snapshot *none = read_parts(SNAPSHOT_TASKS);
	for (size_t i = 0; none && i < N_ELEMENTS(all); i++)
		ok(!service(none, all[i]), "%s does not run", all[i]);
	put_process(600, "irqbalance", 0);
	put_process(601, "power-profiles-", 0);
	put_process(602, "tuned", 0x00200000);
	put_process(603, "numad-not", 0);
	AUTO_SNAPSHOT struct snapshot *s = read_parts(SNAPSHOT_TASKS);
	if (!s)
		return;
	const struct task *irqbalance = service(s, "irqbalance");
	ok(irqbalance && irqbalance->pid == 600, "irqbalance runs");
	ok(service(s, "power-profiles-daemon"), "power-profiles-daemon runs, under its cut name");
	ok(!service(s, "tuned"), "a kernel thread of that name is none");
	ok(!service(s, "numad"), "nor is a longer name");
}

static void link_group(const char *target, const char *name)
{
	AUTO_FREE char *path = xasprintf("%s/sys/fs/cgroup/%s", root, name);
	ok(symlink(target, path) == 0, "a link %s", name);
}

/* Two links to where they are would make 2^40 ways. */
static void links_are_no_groups(void)
{
	AUTO_HOST struct host *h = NULL;
	AUTO_FREE char *value = NULL, *found = NULL;
	struct err e = { 0 };
	put("run/systemd/system/x", "");
	put("sys/fs/cgroup/cgroup.controllers", "cpuset\n");
	put("sys/fs/cgroup/x.slice/y.scope/cgroup.type", "domain\n");
	link_group(".", "a.slice");
	link_group(".", "b.slice");
	link_group("..", "x.slice/up.slice");
	alarm(20); /* ends the test if it hangs */
	AUTO_SNAPSHOT struct snapshot *s = read_parts(SNAPSHOT_CGROUPS);
	ok(s && s->n_cgroups == 3, "the root and two groups");
	ok(host_open(&h, root, &e) == 0, "open");
	ok(host_get_unit(h, "z.scope", "ControlGroup", &value) != 0, "a unit that is not there");
	same_int(host_get_unit(h, "y.scope", "ControlGroup", &found), 0, "one that is");
	same_str(found, "/x.slice/y.scope", "its group");
	alarm(0);
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	put_machine();
	cpu_sets();
	absent();
	memory();
	tunables();
	power();
	devices();
	services();
	links_are_no_groups();
	AUTO_FREE char *command = xasprintf("rm -rf %s", root);
	return system(command) ? 1 : tap_done();
}
