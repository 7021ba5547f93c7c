/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules, in the order of the playbook. */
#include "check/internal.h"

/* What makes a vCPU wait, from the surest on. A busy sibling does not: it slows who runs. */
#define WAIT_ROOTS                                                                                 \
	"stacked-vcpus too-few-cpus overlap quota hog softirq-hot irq-hot emulator-on-vcpus "      \
	"iothread-on-vcpus container-on-vcpus isolation-lost partition-invalid oversubscribed "    \
	"host-steal"

static const struct rule rules[] = {
	/* ---- scheduling or interrupts at all ---- */
	{ "disk-slow", "a disk that answers late", SEVERITY_WARNING, STAGE_LOAD, NEED_RATES,
		check_disk,
		"Whoever waits for it looks as if he had no CPU. Pins make that neither better nor "
		"worse.",
		"Look at the disk before any CPU: its queue, its neighbours, its health.",
		"The same figures over minutes, and from the storage system itself (zpool iostat "
		"-v)." },
	{ "zfs-slow", "a ZFS pool that is late with writing", SEVERITY_WARNING, STAGE_LOAD, 0,
		check_pool,
		"ZFS gathers writes for some seconds and writes them as one. While a group takes "
		"longer to be written than the next one takes to fill, whoever writes is held up: "
		"it looks as if he had no CPU.",
		"Look at the pool before any CPU: its slowest disk, its log device, who writes.",
		"zpool iostat -vl for a minute under load.", "disk-slow" },
	{ "storage-wait", "a VM that waits for its disks", SEVERITY_WARNING, STAGE_LOAD,
		NEED_VMS | NEED_RATES, check_storage,
		"Requests of the guest stand in a queue; its vCPUs are idle meanwhile, and the "
		"guest feels slow.",
		"Look at its disks before its CPUs.",
		"io.pressure over minutes, and the guest's own iostat.", "disk-slow zfs-slow" },
	{ "host-steal", "a host that is a guest itself", SEVERITY_WARNING, STAGE_LOAD, NEED_RATES,
		check_host_steal,
		"The hypervisor below takes CPU time away, from pinned vCPUs as from others; no "
		"setting here changes that.",
		"Ask for dedicated CPUs one level below.",
		"The same figures at the time of the complaint." },
	{ "softirq-hot", "interrupts on a VM's CPUs", SEVERITY_WARNING, STAGE_LOAD,
		NEED_PINS | NEED_RATES, check_softirq,
		"The kernel handles a device's interrupts and what hangs on them (softirqs: "
		"packets, block requests) on the CPU where they come. A vCPU that is pinned there "
		"stands still meanwhile: it may run nowhere else.",
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
		"its kind: isolating the VM's CPUs keeps off who comes later, too.",
		"A longer interval: who was there for a moment only is not seen." },
	{ "quota", "a quota that throttles", SEVERITY_WARNING, STAGE_LOAD, NEED_VMS, check_quota,
		"A limit is no pin: in each period (100 ms as a rule) in which the group's threads "
		"have used it up, all of them stand still until the next one, vCPUs with locks "
		"held too. The guest sees stalls at a fixed rhythm and a clock that jumps.",
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
		"a vCPU has some 60 % of the core, and a rhythm that is not its own.",
		"Give the VM whole cores.", "A longer interval.", "overlap siblings-shared hog" },
	{ "vcpu-wait", "vCPUs that wait for a CPU", SEVERITY_WARNING, STAGE_LOAD,
		NEED_VMS | NEED_RATES, check_wait,
		"The guest was ready and did not run: its clock went on, and what it was about to "
		"answer waited. It sees the same as steal time.",
		"Find who runs there instead: wideberth measure names him.",
		"wideberth measure for a minute under load.", WAIT_ROOTS " caged" },

	/* ---- is the pinning real, and complete ---- */
	{ "stacked-vcpus", "vCPUs that float over isolated CPUs", SEVERITY_CRITICAL, STAGE_PINS,
		NEED_VMS | OFFERS_CPUS, check_stacked,
		"On CPUs of isolcpus= and of isolated partitions the scheduler balances no load. A "
		"mask of several CPUs there is no choice: threads stay where they woke up, and "
		"several vCPUs sit on one CPU while the next is idle.",
		"Pin each vCPU to one CPU.", "A measure under load." },
	{ "too-few-cpus", "fewer CPUs than vCPUs", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS | OFFERS_CPUS, check_too_few,
		"vCPUs that the guest takes for parallel take turns; a lock's holder waits for who "
		"spins on it.",
		"Give it as many CPUs as vCPUs, or fewer vCPUs.", "A measure under load." },
	{ "half-pinned", "a VM of which some vCPUs are pinned", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS, check_half_pinned,
		"The guest's scheduler takes all its CPUs for alike: the slowest sets the pace.",
		"Pin all of its vCPUs or none.", "Nothing: it is so." },
	{ "overlap", "two VMs with the same CPUs", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS | OFFERS_CPUS, check_overlap,
		"Each of the two is kept from going elsewhere when the other runs. Pinning with "
		"overlap is worse than none. A clone brings its original's affinity along.",
		"Give one of them other CPUs.", "A measure of both under load." },
	{ "siblings-shared", "two VMs on one core", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS | OFFERS_CPUS, check_siblings,
		"SMT siblings share a core's execution units and its L1 and L2 caches: each VM's "
		"speed depends on what the other does, and secrets may leak between them.",
		"Give each VM whole cores.", "A measure of both under load.", "overlap" },
	{ "emulator-on-vcpus", "QEMU's own threads on the vCPUs' CPUs", SEVERITY_WARNING,
		STAGE_PINS, NEED_PINS, check_emulator,
		"QEMU's main loop and workers emulate devices, serve the monitor and write "
		"snapshots. Where they may run on the vCPUs' CPUs each of them stops a vCPU that "
		"cannot go elsewhere.",
		"Give QEMU's other threads CPUs beside the vCPUs'.",
		"An interval with backups or migrations in it: wideberth measure.",
		"isolation-lost partition-invalid" },
	{ "iothread-on-vcpus", "I/O threads on the vCPUs' CPUs", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS, check_iothreads,
		"I/O threads and vhost workers do the guest's disk and network I/O. On a vCPU's "
		"CPU they stop it exactly when it has work, and wait for it when it spins.",
		"Give them CPUs beside the vCPUs'.",
		"An interval under I/O load: wideberth measure.",
		"isolation-lost partition-invalid" },
	{ "smt-blind", "siblings that the guest takes for cores", SEVERITY_INFO, STAGE_PINS,
		NEED_PINS, check_smt_blind,
		"The guest spreads its work over what it takes for cores, and puts two heavy "
		"threads on one.",
		"Tell the guest of its threads (-smp threads=2, on Proxmox VE args), or give it "
		"one thread per core.",
		"Nothing: it is so." },
	{ "crosses-nodes", "vCPUs on several NUMA nodes", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS | NEED_NODES, check_crosses_nodes,
		"Half of the memory is far for each vCPU, and the guest cannot know which half.",
		"Put all of its vCPUs on one node, or give the guest nodes that mirror the host's.",
		"A measure of the guest's memory latency." },
	{ "crosses-l3", "vCPUs in several L3 domains", SEVERITY_INFO, STAGE_PINS, NEED_PINS,
		check_crosses_l3, "What two vCPUs share goes through memory instead of the cache.",
		"Put its vCPUs into one L3 domain.", "A measure in the guest." },
	{ "cpu0-for-vm", "CPU 0 among a VM's CPUs", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS | OFFERS_CPUS, check_cpu0,
		"CPU 0 has work that nobody can move: timekeeping at boot, interrupts that are not "
		"yet set, kernel threads that are bound there.",
		"Leave CPU 0 to the host.", "Nothing: it is so." },
	{ "mixed-cores", "vCPUs on fast and slow cores", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS | OFFERS_CPUS, check_kinds,
		"The guest takes its CPUs for alike; what is spread evenly ends with the slowest.",
		"Put all of its vCPUs on cores of one kind.", "Nothing: it is so." },
	{ "fifo-vcpus", "vCPUs of a real-time policy", SEVERITY_WARNING, STAGE_PINS, NEED_VMS,
		check_fifo,
		"A guest that spins never sleeps: the kernel's own threads of that CPU (RCU, "
		"workqueues) get what is kept for them: since 6.12 some 50 ms of each second, "
		"before that what sched_rt_runtime_us leaves of sched_rt_period_us. Where it "
		"leaves nothing the whole host may hang.",
		"Run them with the usual policy: a CPU that nobody else may use needs no priority.",
		"Nothing: it is so." },
	{ "partition-invalid", "a partition that isolates nothing", SEVERITY_CRITICAL, STAGE_PINS,
		0, check_partition,
		"The kernel took the partition back, and says why: another group's CPUs overlap "
		"with its, or its parent has none to give. The group stays, its CPUs are "
		"everybody's again.",
		"Mend what the kernel names, then make the partition anew. Sibling groups with the "
		"same CPUs in cpuset.cpus are the usual reason before kernel 7.0.",
		"Nothing: it is the kernel's word." },
	{ "isolation-lost", "an isolation that does not hold", SEVERITY_WARNING, STAGE_PINS,
		NEED_VMS, check_lost,
		"Something was started, moved or reloaded since: who was kept off may run on the "
		"VM's CPUs again. systemd takes back what it does not know of at the next "
		"daemon-reload, unless the VM's unit has Delegate=yes.",
		"Apply it anew. status says each of them, and what would move it.",
		"Nothing: it is the kernel's word.", "partition-invalid" },
	{ "container-on-vcpus", "a container or service pinned to a VM's CPUs", SEVERITY_WARNING,
		STAGE_PINS, NEED_PINS, check_container,
		"Two owners for one set: both were promised these CPUs, and neither may leave.",
		"Give the container other CPUs, in its own configuration too (docker update "
		"--cpuset-cpus, pct set, the kubelet's reserved CPUs).",
		"An interval while it works.", "partition-invalid" },
	{ "irqbalance", "irqbalance against the pins", SEVERITY_WARNING, STAGE_PINS,
		NEED_PINS | NEED_IRQS, check_irqbalance,
		"irqbalance spreads interrupts for throughput, every ten seconds, and knows of no "
		"VM: what was moved by hand comes back. --banirq keeps an interrupt where it is; "
		"only banned CPUs keep interrupts off CPUs. A list of them replaces what it bans "
		"without one: CPUs of isolcpus= and nohz_full=.",
		"Ban the pinned CPUs for irqbalance, and move off what is there already.",
		"/proc/interrupts a minute later.", "softirq-hot irq-hot" },
	{ "irqs-at-vcpus", "interrupts that come to a VM's CPUs", SEVERITY_INFO, STAGE_PINS,
		NEED_PINS | NEED_IRQS, check_irq_may,
		"They are few, or nobody watched: under load each takes the vCPU out of the guest. "
		"Managed ones (queues of NVMe and of some network cards) stay where their driver "
		"has put them; only fewer queues, or isolcpus=managed_irq, keep them off.",
		"Move them off, or fence the VM.", "An interval under load (softirq-hot, irq-hot).",
		"softirq-hot irq-hot irqbalance isolation-lost partition-invalid" },
	{ "not-isolated", "pins without isolation", SEVERITY_INFO, STAGE_PINS, NEED_PINS,
		check_open,
		"Pinning is one half: the VM may not leave, and everybody else may come. A pinned "
		"vCPU that meets another thread waits where an unpinned one would have moved.",
		"Isolate its CPUs, or take the pins off.", "An interval: who really comes is hog.",
		"isolation-lost partition-invalid hog" },
	{ "boot-lists", "boot parameters that disagree", SEVERITY_WARNING, STAGE_PINS, 0,
		check_boot_lists,
		"isolcpus= keeps the scheduler's balancing off, nohz_full= the tick, rcu_nocbs= "
		"the callbacks of RCU: a CPU that has one without the others is disturbed by what "
		"is left.",
		"Write the same list into all of them.", "Nothing: it is so." },
	{ "boot-no-effect", "boot parameters without effect", SEVERITY_WARNING, STAGE_PINS, 0,
		check_boot_effect,
		"The kernel was built without it, read the list otherwise, or does not have these "
		"CPUs: what is written on its command line is not what is in force.",
		"Believe the kernel's own files, and see dmesg for what it made of the list.",
		"Nothing: it is so." },
	{ "boot-housekeeping", "isolcpus= that leaves the host too little", SEVERITY_WARNING,
		STAGE_PINS, 0, check_boot_housekeeping,
		"The kernel's own work needs a whole core at least, and CPU 0 has work that cannot "
		"go elsewhere: isolating it keeps nothing off it. With a partition over the rest, "
		"kernels 6.1 and 6.12 crash.",
		"Leave CPU 0 and its siblings, better two cores, out of isolcpus=.",
		"Nothing: it is so." },
	{ "boot-unused", "isolated CPUs that nobody uses", SEVERITY_INFO, STAGE_PINS, 0,
		check_boot_unused,
		"isolcpus= takes CPUs from everybody, and only who is pinned there gets them. "
		"Else they are idle while the others share the rest.",
		"Pin a VM there, or take them out of isolcpus=; partitions isolate without a "
		"reboot.",
		"Nothing: it is so.", "stacked-vcpus" },

	/* ---- memory ---- */
	{ "memoryless-node", "CPUs on a node without memory", SEVERITY_WARNING, STAGE_MEMORY,
		NEED_PINS | NEED_NODES | OFFERS_CPUS, check_memoryless,
		"Every access of these CPUs goes to another node: half of the dies of some "
		"processors (2990WX) are built so.",
		"Use CPUs of a node that has memory.", "A measure in the guest." },
	{ "memory-remote", "memory on another node than the CPUs", SEVERITY_WARNING, STAGE_MEMORY,
		NEED_PINS | NEED_NODES, check_remote,
		"Each access that misses the cache goes over the link between the nodes: some 1.5 "
		"to 2 times the latency, and a share of a narrow road.",
		"Move the memory to the node of the CPUs, or the VM to its memory. migratepages is "
		"of the package numactl; it takes a moment for each GiB. What a passed-through "
		"device has pinned moves at the VM's next start only.",
		"numastat -p of the process while it works.", "memoryless-node crosses-nodes" },
	{ "memory-may-wander", "fixed CPUs, and memory from anywhere", SEVERITY_WARNING,
		STAGE_MEMORY, NEED_PINS | NEED_NODES, check_wander,
		"Pins bind CPUs, not memory: pages come from the node where a thread first touched "
		"them, and from any other as soon as that one is full.",
		"Bind the memory to the node of the CPUs, at the VM's next start.",
		"Nothing: it is so.", "memory-remote memoryless-node" },
	{ "larger-than-node", "a guest larger than a node", SEVERITY_WARNING, STAGE_MEMORY,
		NEED_VMS | NEED_NODES, check_too_large,
		"Half of its memory is far, and the guest, which knows of one node, spreads what "
		"belongs together over both.",
		"Give the guest nodes that mirror the host's, each bound to its own.",
		"Nothing: it is so." },
	{ "min-free", "min_free_kbytes against a node", SEVERITY_WARNING, STAGE_MEMORY,
		NEED_TUNABLES, check_min_free,
		"The kernel spreads this reserve over the zones of all nodes. A node whose share "
		"is more than it has free reclaims without end, and kills processes, while another "
		"node has plenty.",
		"Lower it, to 1 % of the memory at most, or free memory on that node.",
		"/proc/zoneinfo over time." },
	{ "numa-balancing", "NUMA balancing beside pins", SEVERITY_INFO, STAGE_MEMORY,
		NEED_PINS | NEED_NODES | NEED_TUNABLES, check_balancing,
		"It takes pages away for a moment to see who touches them: faults that a VM with "
		"CPUs and memory on one node gets nothing for.",
		"Switch it off on a host of pinned VMs.", "The guest's latency with and without.",
		"memory-remote" },
	{ "ksm", "KSM beside pinned VMs", SEVERITY_INFO, STAGE_MEMORY, NEED_PINS | NEED_TUNABLES,
		check_ksm,
		"Merged pages are copied when a guest writes to them, on whatever node; its "
		"scanner reads all memory all the time.",
		"Switch it off, or keep these VMs out of it.",
		"The guest's latency with and without." },
	{ "small-pages", "memory in pages of 4 KiB", SEVERITY_INFO, STAGE_MEMORY,
		NEED_PINS | NEED_TUNABLES, check_small_pages,
		"Every address of the guest is translated twice; with small pages the TLB holds a "
		"few MiB of it.",
		"Let THP help who asks for it (madvise: QEMU does), or use huge pages.",
		"The guest's TLB misses (perf)." },
	{ "hugepages-short", "huge pages that are not there", SEVERITY_CRITICAL, STAGE_MEMORY,
		NEED_VMS, check_huge_short,
		"Memory in huge pages is promised, not given: pages are taken when the guest first "
		"touches them. With none free QEMU gets SIGBUS, and the guest is gone.",
		"Reserve what it lacks; where that does not succeed memory is in pieces: compact "
		"(echo 1 > /proc/sys/vm/compact_memory), or reserve at boot.",
		"/proc/PID/numa_maps." },
	{ "hugepages-far", "huge pages on the wrong node", SEVERITY_WARNING, STAGE_MEMORY,
		NEED_PINS | NEED_NODES, check_huge_far,
		"hugepages= at boot and vm.nr_hugepages spread pages evenly over the nodes: half "
		"of what one VM needs is on the other.",
		"Reserve them on the node of the VM's CPUs.", "/proc/PID/numa_maps.",
		"hugepages-short" },
	{ "hugepages-idle", "huge pages that nobody uses", SEVERITY_INFO, STAGE_MEMORY, 0,
		check_huge_idle,
		"What is reserved as huge pages nobody else can use, the page cache neither.",
		"Give back what no VM will take.", "Whether a VM is about to start.",
		"hugepages-short" },
	{ "hugepages-given-back", "huge pages that must be found at each start", SEVERITY_INFO,
		STAGE_MEMORY, NEED_VMS, check_huge_given,
		"Proxmox VE reserves huge pages when the VM starts and gives them back when it "
		"ends. After weeks memory is in pieces, and the next start fails with much memory "
		"free; a failover does not look for them at all.",
		"Keep them (keephugepages: 1), or reserve them at boot.", "Nothing: it is so." },
	{ "balloon", "a pinned VM with a balloon", SEVERITY_INFO, STAGE_MEMORY, NEED_PINS,
		check_balloon,
		"When the host runs short it takes the guest's memory page by page: huge pages "
		"break, the guest swaps.",
		"Give a VM that must not wait all of its memory.", "Nothing: it is so." },
	{ "device-far", "a passed-through device on another node", SEVERITY_INFO, STAGE_MEMORY,
		NEED_PINS | NEED_NODES, check_device_far,
		"Its DMA and its interrupts cross the link between the nodes.",
		"Place the VM on the device's node.", "The board's manual: which slot is whose." },

	/* ---- power ---- */
	{ "throttled", "CPUs too hot", SEVERITY_WARNING, STAGE_POWER, NEED_POWER, check_throttled,
		"A CPU that is too hot slows down for some milliseconds at a time: that looks like "
		"the scheduler's jitter, and no pin changes it.",
		"Look at cooling and power limits before the pins.",
		"An interval under the load of which people complain." },
	{ "frequency-capped", "CPUs below what they can do", SEVERITY_WARNING, STAGE_POWER,
		NEED_PINS | NEED_POWER, check_capped,
		"Somebody set a limit below the hardware's: the CPU never gets its speed.",
		"Set the limit to the hardware's own.", "Nothing: it is so." },
	{ "power-limit", "processors at their power limit", SEVERITY_WARNING, STAGE_POWER,
		NEED_VMS | NEED_RATES, check_power_limit,
		"A processor may use so much power on average, and lowers the frequency of all its "
		"cores to stay below: each busy core slows down the others, pinned or not.",
		"Raise the limit as far as power and cooling allow, or give the VMs fewer busy "
		"neighbours.",
		"A longer interval; turbostat." },
	{ "governor", "a governor that saves power on a VM's CPUs", SEVERITY_WARNING, STAGE_POWER,
		NEED_PINS | NEED_POWER, check_governor,
		"The frequency follows the load, late: each burst of the guest begins slow. With "
		"powersave of acpi-cpufreq it stays at the lowest for good.",
		"Use the performance governor on these CPUs.", "scaling_cur_freq under load." },
	{ "frequency-low", "busy CPUs that run slow", SEVERITY_WARNING, STAGE_POWER,
		NEED_PINS | NEED_POWER | NEED_RATES, check_frequency,
		"The guest has the CPU, and the CPU has not its speed.",
		"Look at the governor, the limits, the firmware's power profile and the cooling, "
		"in this order.",
		"A longer interval; turbostat.",
		"governor frequency-capped throttled power-limit" },
	{ "turbo-off", "no turbo", SEVERITY_INFO, STAGE_POWER, NEED_PINS | NEED_TUNABLES,
		check_turbo, "The CPU stays at its nominal frequency: steadier, and slower.",
		"Leave it off where an even rhythm counts more than speed.", "Nothing: it is so.",
		"frequency-low" },
	{ "deep-idle", "CPUs that wake up late", SEVERITY_INFO, STAGE_POWER, NEED_PINS | NEED_POWER,
		check_idle_states,
		"A vCPU that halts lets its CPU sleep; what wakes the guest then waits until the "
		"CPU is awake.",
		"Allow shallow states only, on these CPUs.",
		"usage and time of the states before and after." },
	{ "idle-poll", "boot parameters against idle states", SEVERITY_WARNING, STAGE_POWER, 0,
		check_idle_poll,
		"A CPU that spins instead of sleeping takes execution units and power from its "
		"sibling and heat from the package: others get less turbo.",
		"Limit the latency of the VM's CPUs instead (pm_qos_resume_latency_us).",
		"Nothing: it is so." },
	{ "clocksource", "a slow clock", SEVERITY_WARNING, STAGE_POWER, NEED_TUNABLES,
		check_clocksource,
		"The kernel gave the TSC up, for a reason that dmesg has: each look at the clock "
		"takes microseconds now, in the host as in guests.",
		"See dmesg for why the TSC was found unstable; firmware updates mend most of "
		"these.",
		"dmesg | grep -i tsc." },

	/* ---- recipes ---- */
	{ "no-kvm", "a VM without KVM", SEVERITY_WARNING, STAGE_RECIPE, NEED_VMS, check_no_kvm,
		"Emulated, a guest has a tenth of the speed and less.",
		"Use accel=kvm; where it does not work /dev/kvm says why.", "Nothing: it is so." },
	{ "vcpus-unknown", "threads that nobody can tell apart", SEVERITY_INFO, STAGE_RECIPE,
		NEED_VMS, check_unknown_vcpus,
		"What is not known to be a vCPU can be neither pinned nor checked.",
		"Start QEMU with -name NAME,debug-threads=on or a QMP socket.",
		"Nothing: it is so." },
	{ "config-trap", "a configuration that will not do what it says", SEVERITY_WARNING,
		STAGE_RECIPE, NEED_VMS, check_config,
		"The manager takes what is written there, and does something else with it or fails "
		"at the next start.",
		"Correct the line.", "A start of the VM." },
	{ "affinity-out-of-range", "an affinity that names CPUs that are not there",
		SEVERITY_WARNING, STAGE_RECIPE, NEED_VMS, check_affinity_range,
		"Numbers of CPUs are of one host: after a migration, a change of the board or of "
		"SMT they name others or none; one that is switched off counts as none. taskset "
		"takes what is left, or fails.",
		"Write the numbers of this host, or an intent instead: wideberth's policy has "
		"shapes, not numbers.",
		"Nothing: it is so." },
	{ "affinity-not-in-force", "an affinity that is not in force", SEVERITY_WARNING,
		STAGE_RECIPE, NEED_VMS, check_affinity_stale,
		"affinity is read when the VM starts; what is written later waits for the next "
		"start.",
		"Set it now as well.", "Nothing: it is so." },
	{ "affinity-blocked", "an affinity outside of the group", SEVERITY_WARNING, STAGE_RECIPE,
		NEED_VMS, check_group_narrow,
		"A thread gets what both its mask and its cgroup allow. taskset fails with "
		"'Invalid argument' where nothing is left, and is cut silently where something is.",
		"Give the group these CPUs (AllowedCPUs= of its slice), or the VM others.",
		"Nothing: it is so." },
	{ "guest-cpus-as-host", "numa0 cpus= taken for the host's", SEVERITY_WARNING, STAGE_RECIPE,
		NEED_VMS, check_numa_cpus,
		"cpus= of numaN says which vCPUs are in that node of the guest; the host's side is "
		"hostnodes=. Nothing is pinned by it.",
		"Write vCPU numbers there, from 0 on, and pin with affinity or wideberth.",
		"Nothing: it is so." },
	{ "numa-flag-only", "NUMA for the guest alone", SEVERITY_INFO, STAGE_RECIPE, NEED_VMS,
		check_numa_only,
		"The flag shows the guest nodes. Where their memory is on the host nobody has "
		"said: it is not local by that.",
		"Bind them: hostnodes= and policy=bind for each.",
		"Where its memory is: wideberth vms --memory." },
	{ "one-mask", "affinity: one mask for all threads", SEVERITY_INFO, STAGE_RECIPE, NEED_PINS,
		check_one_mask,
		"Proxmox VE's affinity is a taskset of the whole process, not a cpuset: vCPUs "
		"wander among its CPUs, across siblings, and QEMU's main loop and I/O threads run "
		"among them.",
		"Pin each vCPU to one CPU and the other threads elsewhere.", "Nothing: it is so.",
		"emulator-on-vcpus iothread-on-vcpus stacked-vcpus" },
	{ "hook-pins", "a hook script", SEVERITY_INFO, STAGE_RECIPE, NEED_VMS, check_hook,
		"Hooks run at the end of a start, when the guest runs already; those for the stop "
		"do not run when a start fails, and a script that is missing on the target stops a "
		"migration.",
		"Look at what it does: two owners of one setting undo each other.", "Its text." },
	{ "slices-all-cpus", "lists of all CPUs on slices", SEVERITY_INFO, STAGE_RECIPE, 0,
		check_all_cpus,
		"AllowedCPUs= with all CPUs looks like none and is a list: before kernel 7.0 it "
		"invalidates partitions beside it.",
		"Empty the list.", "Nothing: it is so.", "partition-invalid" },
};

const struct rule *check_rules(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(rules);
	return rules;
}
