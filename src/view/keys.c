/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every member of every object that commands print: tests/cli/keys compares. What show and check
 * print stands with their views. */
#include "view/keys.h"

#include "base/alloc.h"

/* ---- what several have ---- */

static const struct key_row placement_rows[] = {
	{ "vm", "its id" },
	{ "name", "null where it has none" },
	{ "pid", "" },
	{ "start", "of the process, in clock ticks since boot" },
	{ "cgroup", "null without cgroup v2" },
	{ "wanted", "the level of the policy: none, pinned, fenced, isolated" },
	{ "level", "the one that it gets" },
	{ "why_less", "null where that is the same" },
	{ "place_note", "why it has another place than its policy's; or null" },
	{ "notes", "why_less, place_note and what speaks against it" },
	{ "claim", "cpulist: the CPUs that are nobody else's" },
	{ "vcpus", "" },
	{ "vcpus[].vcpu", "its number; null where nobody knows it" },
	{ "vcpus[].cpus", "cpulist" },
	{ "vcpus[].tid", "" },
	{ "vcpus[].start", "of the thread, in clock ticks since boot" },
	{ "emulator", "cpulist: where QEMU's main loop and workers go" },
	{ "vhost", "likewise, of vhost workers" },
	{ "iothread_cpus",
		"cpulist: of I/O threads that are not placed one by one; empty: as emulator" },
	{ "iothreads", "" },
	{ "iothreads[].id", "QEMU's; null: unknown" },
	{ "iothreads[].cpus", "cpulist" },
	{ "iothreads[].tid", "" },
	{ "iothreads[].start", "as of vcpus" },
	{ "spare", "cpulist: of the vCPUs' CPUs those that all of them have" },
	{ "memory", "null: its memory is not bound" },
	{ "memory.nodes", "list of nodes" },
	{ "memory.mode", "strict" },
};

static const struct key_row move_rows[] = {
	{ "vm", "" },
	{ "from", "cpulist" },
	{ "to", "cpulist" },
	{ "for", "who gets a place by it" },
};

static const struct key_row intruder_rows[] = {
	{ "intruders", "who may run on claimed CPUs by the kernel's word, and should not" },
	{ "intruders[].what", "thread, group, irq, work, state" },
	{ "intruders[].name", "for people" },
	{ "intruders[].tid", "or null" },
	{ "intruders[].irq", "number of the interrupt, or null" },
	{ "intruders[].comm", "of the thread, or what the interrupt is for; or null" },
	{ "intruders[].unit", "systemd's, or the group; or null" },
	{ "intruders[].vm", "whose CPUs these are" },
	{ "intruders[].cpus", "cpulist" },
	{ "intruders[].why", "" },
	{ "intruders[].remedy", "what would move it; or null" },
};

static const struct key_row change_rows[] = {
	{ "changes", "settings, in the order in which they are made" },
	{ "changes[].knob", "see KNOBS" },
	{ "changes[].key", "which one of its kind: a tid, a group, an interrupt" },
	{ "changes[].before", "\"\": unset; null: it is not there" },
	{ "changes[].after", "likewise" },
	{ "changes[].why", "or null" },
};

static const struct key_row immovable_rows[] = {
	{ "immovable", "what stays where it is" },
	{ "immovable[].what", "a knob and its key, or a name" },
	{ "immovable[].cpus", "cpulist: of the claimed ones; not where a setting was refused" },
	{ "immovable[].why", "the kernel's reason" },
};

static const struct key_row recovery_rows[] = {
	{ "is_unfinished_ended", "a transaction that did not end was ended first" },
	{ "overdue", "VMs that were not confirmed in time, and went back" },
	{ "overdue[].vm", "its id" },
	{ "overdue[].is_back", "true: to what was in force before; false: it was undone" },
	{ "restored", "settings that hold the value that they had" },
	{ "restored[].knob", "" },
	{ "restored[].key", "" },
	{ "restored[].value", "" },
	{ "gone", "settings of what no longer exists" },
	{ "gone[].knob", "" },
	{ "gone[].key", "" },
	{ "gone[].value", "" },
	{ "failed", "settings that somebody else set since, and those that could not be put back" },
	{ "failed[].knob", "" },
	{ "failed[].key", "" },
	{ "failed[].value", "that it should have" },
	{ "failed[].reason", "" },
};

static const struct key_row cost_rows[] = {
	{ "writes", "system calls that change something" },
	{ "writes_ns", "what they took" },
	{ "all_ns", "what all of the command took" },
};

static const struct key_row event_rows[] = {
	{ "events", "the oldest first; with --follow each is an object of its own, on a line" },
	{ "events[].time", "\"2026-11-28T23:05:00.123456Z\"" },
	{ "events[].vm", "its id; null: it is about no one VM" },
	{ "events[].what",
		"applied, ended, repaired, gave-up, refused, failed, recovered, policy, found, "
		"shadow" },
	{ "events[].knob", "or null" },
	{ "events[].key", "or null" },
	{ "events[].before", "or null" },
	{ "events[].after", "or null" },
	{ "events[].why", "or null" },
};

static const struct key_row stranger_rows[] = {
	{ "strangers", "settings that another version of wideberth made" },
	{ "strangers[].knob", "" },
	{ "strangers[].key", "" },
};

static const struct key_row damaged_rows[] = {
	{ "damaged", "records that cannot be read" },
};

static const struct key_row plan_only_rows[] = {
	{ "vms", "those that are placed" },
	{ "housekeeping", "cpulist: where everything else goes" },
	{ "housekeeping_note", "why that is more than one core of each node; or null" },
	{ "verdict", "what speaks against all of it; or null" },
	{ "warnings", "for people: who else is at it, and what is not known of what is in force" },
	{ "plan_ns", "what placing took" },
	{ "refused", "VMs that get no place" },
	{ "refused[].vm", "its id" },
	{ "refused[].reason", "" },
	{ "refused[].blocking", "who is in the way" },
	{ "refused[].blocking[].vm", "null: no VM" },
	{ "refused[].blocking[].cpus", "cpulist that it holds" },
	{ "refused[].blocking[].text", "for people" },
	{ "refused[].alternatives", "what would fit" },
	{ "refused[].alternatives[].set", "keys of the policy and their values" },
	{ "refused[].alternatives[].vcpus", "so many would fit; or null" },
	{ "refused[].alternatives[].move", "VMs that get other CPUs than they have" },
	{ "refused[].alternatives[].text", "for people" },
	{ "stays", "what undo will not be able to put back" },
	{ "stays[].knob", "" },
	{ "stays[].key", "" },
	{ "stays[].value", "that it will have then" },
	{ "stays[].why", "" },
	{ "displaced", "whose threads may run on these CPUs now, by unit" },
	{ "displaced[].unit", "systemd's, or the group; null: the kernel's threads" },
	{ "displaced[].cpus", "cpulist" },
	{ "displaced[].threads", "how many" },
	{ "displaced_pins", "threads that somebody gave CPUs there" },
	{ "displaced_pins[].tid", "" },
	{ "displaced_pins[].comm", "" },
	{ "displaced_pins[].unit", "" },
	{ "displaced_pins[].cpus", "cpulist" },
	{ "moves", "with --repack: VMs that get other CPUs than they have" },
};

static const struct key_row count_rows[] = {
	{ "name", "as the file has it" },
	{ "count", "" },
};

static const struct key_row label_rows[] = {
	{ "label", "what it is for" },
	{ "is_device", "" },
};

static const struct key_row thread_rows[] = {
	{ "tid", "" },
	{ "cpus", "cpulist: where it may run" },
	{ "seen_on_cpus", "cpulist" },
	{ "run_ns", "" },
	{ "wait_ns", "that it wanted to run and had no CPU" },
	{ "stolen", "wait / (wait + run), 0 to 1" },
	{ "preemptions", "" },
	{ "migrations", "" },
};

static const struct key_row summary_rows[] = {
	{ "window_ns", "" },
	{ "source", "" },
	{ "coverage", "" },
	{ "host_steal", "" },
};

static const struct key_row figure_rows[] = {
	{ "before", "null: unknown" },
	{ "after", "likewise" },
	{ "ratio", "after / before; or null" },
	{ "change", "for people; or null" },
};

/* ---- what one has ---- */

static const struct key_row common_rows[] = {
	{ "schema", "\"wideberth.COMMAND/1\"" },
	{ "unanswered", "with a recording that does not have all that the command asks" },
	{ "unanswered.count", "questions without an answer" },
	{ "unanswered.first", "the first of them" },
};

static const struct key_row plan_rows[] = {
	{ "vms[].explanation", "with --explain" },
	{ "vms[].explanation.place", "" },
	{ "vms[].explanation.runner_up", "null: there is no other place" },
	{ "vms[].explanation.decided", "the term that did; null: they are alike" },
	{ "vms[].explanation.terms", "of the objective, in their order" },
	{ "vms[].explanation.terms[].term", "" },
	{ "vms[].explanation.terms[].text", "for people" },
	{ "vms[].explanation.terms[].chosen", "" },
	{ "vms[].explanation.terms[].runner_up", "or null" },
};

static const struct key_row apply_rows[] = {
	{ "changes[].result", "done, unchanged, gone, immovable, kept, pending, failed" },
	{ "changes[].reason", "where it came to nothing" },
	{ "unproven", "why it is not known who may run there now; null: it is" },
};

static const struct key_row confirm_rows[] = {
	{ "confirmed", "ids of the VMs" },
};

static const struct key_row status_rows[] = {
	{ "applied", "the VMs of which something is in force" },
	{ "applied[].cpus", "as claim" },
	{ "applied[].state", "running, ended, restarted" },
	{ "applied[].events", "what became of it since, for people" },
	{ "unfinished", "the command whose transaction did not end" },
	{ "unconfirmed", "ids of VMs that wait for 'confirm'" },
	{ "overdue", "ids of those for whom it did not come in time" },
	{ "left", "settings in force that no VM has any more: 'undo --all' tries again" },
	{ "left[].knob", "" },
	{ "left[].key", "" },
	{ "drift", "settings that are not as applied" },
	{ "drift[].knob", "" },
	{ "drift[].key", "" },
	{ "drift[].expected", "" },
	{ "drift[].actual", "" },
	{ "drift[].suspect", "who may have changed it" },
	{ "daemon", "where one has run since boot" },
	{ "daemon.running", "" },
	{ "daemon.shadow", "it only tells what it would do" },
	{ "daemon.pid", "null where it does not run" },
	{ "daemon.since", "a time, or null" },
	{ "daemon.last_look", "a time, or null" },
	{ "daemon.looks", "how many" },
	{ "daemon.exit_code", "of the last look; or null" },
	{ "daemon.repairs", "settings that it set again lately" },
	{ "daemon.repairs[].knob", "" },
	{ "daemon.repairs[].key", "" },
	{ "daemon.repairs[].writer", "who is thought to change it" },
	{ "daemon.repairs[].repairs", "how often" },
	{ "daemon.repairs[].given_up", "it is left as it is, for a person to look at" },
	{ "host", "with --host" },
	{ "host.levels", "" },
	{ "host.levels[].level", "pinned, fenced, isolated" },
	{ "host.levels[].answer", "yes, no, unknown" },
	{ "host.levels[].why", "null where nothing is to be said" },
	{ "host.abilities", "of the kernel and systemd" },
	{ "host.abilities[].ability", "" },
	{ "host.abilities[].text", "for people" },
	{ "host.abilities[].answer", "yes, no, unknown" },
	{ "host.abilities[].how", "tried, seen, estimated; or null" },
	{ "host.abilities[].why", "or null" },
	{ "host.writers", "services that change what wideberth sets" },
	{ "host.writers[].service", "" },
	{ "host.writers[].pid", "" },
	{ "host.writers[].writes", "" },
	{ "host.untried", "why nothing was tried; null: it was" },
	{ "host.tuned_profile", "null: tuned does not run" },
	{ "host.tuned_isolates", "it keeps CPUs to itself, as wideberth does" },
};

static const struct key_row vms_rows[] = {
	{ "notes", "what else may be a VM, and why it is not here" },
	{ "vms", "those that run, by id" },
	{ "vms[].id", "what users call it: the VMID, else the name, else the pid" },
	{ "vms[].name", "or null" },
	{ "vms[].uuid", "or null" },
	{ "vms[].manager", "proxmox, libvirt, qemu" },
	{ "vms[].managed", "its manager proves that id, name and UUID are its own" },
	{ "vms[].pid", "" },
	{ "vms[].user", "who runs it; null: unknown" },
	{ "vms[].uid", "likewise" },
	{ "vms[].in_container", "in a PID namespace of its own" },
	{ "vms[].accel", "kvm, tcg; null: unknown" },
	{ "vms[].vcpus", "null: unknown" },
	{ "vms[].cgroup", "null without cgroup v2" },
	{ "vms[].notes", "for people" },
	{ "vms[].memory", "where it is; null: unknown" },
	{ "vms[].memory[].node", "" },
	{ "vms[].memory[].kib", "" },
	{ "vms[].memory[].pages", "by size, with --memory" },
	{ "vms[].memory[].pages[].size_kib", "" },
	{ "vms[].memory[].pages[].kib", "" },
	{ "vms[].memory_source", "numa_maps, cgroup; null: unknown" },
	{ "vms[].memory_policy", "of most of it, \"bind:0\"; null: unknown" },
	{ "vms[].mems_allowed", "list of nodes" },
	{ "vms[].locked_kib", "null: unknown" },
	{ "vms[].hugetlb_kib", "null: unknown" },
	{ "vms[].threads", "by role" },
	{ "vms[].threads[].tid", "" },
	{ "vms[].threads[].role", "vcpu, emulator, iothread, vhost, worker, kvm, helper" },
	{ "vms[].threads[].index", "number of the vCPU; null of others" },
	{ "vms[].threads[].id", "of an I/O thread in QEMU, of a helper its process; or null" },
	{ "vms[].threads[].comm", "" },
	{ "vms[].threads[].allowed", "cpulist" },
	{ "vms[].threads[].cpu", "where it ran last" },
	{ "vms[].threads[].policy", "other, fifo, rr, ..." },
	{ "vms[].threads[].priority", "1 to 99 with fifo and rr, else 0" },
	{ "vms[].threads[].nice", "" },
	{ "vms[].threads[].cgroup", "or null" },
	{ "vms[].threads[].run_ns", "since it was started; null: unknown" },
	{ "vms[].threads[].wait_ns", "that it waited for a CPU; null: unknown" },
	{ "vms[].devices", "that are passed through" },
	{ "vms[].devices[].address", "or null" },
	{ "vms[].devices[].id", "or null" },
	{ "vms[].devices[].mapping", "name in the cluster; or null" },
	{ "vms[].devices[].kind", "pci, mdev, nvme, vfio-user, vdpa" },
	{ "vms[].devices[].part", "UUID of an mdev, socket of vfio-user; or null" },
	{ "vms[].devices[].driver", "the host's; or null" },
	{ "vms[].devices[].node", "null: unknown" },
	{ "vms[].devices[].irqs", "" },
	{ "vms[].devices[].irqs[].irq", "" },
	{ "vms[].devices[].irqs[].vector", "" },
	{ "vms[].devices[].irqs[].kind", "msix, msi, intx" },
	{ "vms[].devices[].irqs[].affinity", "cpulist; null: unknown" },
	{ "vms[].disagreements", "what its sources say differently" },
	{ "vms[].disagreements[].what", "" },
	{ "vms[].disagreements[].said", "" },
	{ "vms[].disagreements[].said[].source", "" },
	{ "vms[].disagreements[].said[].value", "" },
	{ "vms[].config", "as it was configured" },
	{ "vms[].config.source", "the file, or \"command line\", \"libvirt\"" },
	{ "vms[].config.sockets", "as the guest sees them, null: unknown; and so on" },
	{ "vms[].config.cores", "" },
	{ "vms[].config.threads", "" },
	{ "vms[].config.vcpus", "present" },
	{ "vms[].config.max_vcpus", "with those that can be plugged in" },
	{ "vms[].config.cpu", "the model; null: the default" },
	{ "vms[].config.memory_kib", "" },
	{ "vms[].config.numa", "the guest has nodes" },
	{ "vms[].config.numa_nodes", "of the guest, where they are spelt out" },
	{ "vms[].config.numa_nodes[].node", "" },
	{ "vms[].config.numa_nodes[].cpus", "cpulist of vCPU numbers" },
	{ "vms[].config.numa_nodes[].memory_kib", "" },
	{ "vms[].config.numa_nodes[].hostnodes", "null: not bound" },
	{ "vms[].config.numa_nodes[].policy", "or null" },
	{ "vms[].config.numa_nodes[].hugepages_kib", "as below" },
	{ "vms[].config.numa_mode", "how all of its memory is bound; or null" },
	{ "vms[].config.numa_hostnodes", "and where to; or null" },
	{ "vms[].config.hugepages_kib",
		"the page size; \"any\"; \"mixed\": its nodes differ; null: none" },
	{ "vms[].config.keephugepages", "they stay reserved when it stops" },
	{ "vms[].config.locked", "its memory is" },
	{ "vms[].config.balloon", "it has one" },
	{ "vms[].config.balloon_kib", "or null" },
	{ "vms[].config.iothreads", "ids" },
	{ "vms[].config.disks", "" },
	{ "vms[].config.disks[].id", "" },
	{ "vms[].config.disks[].iothread", "or null" },
	{ "vms[].config.disks[].iothreads", "all that serve it" },
	{ "vms[].config.disks[].queues", "null: as many as QEMU chooses" },
	{ "vms[].config.nets", "" },
	{ "vms[].config.nets[].id", "" },
	{ "vms[].config.nets[].model", "" },
	{ "vms[].config.nets[].queues", "pairs" },
	{ "vms[].config.nets[].vhost", "each has a worker in the kernel" },
	{ "vms[].config.hostpci", "devices passed through" },
	{ "vms[].config.hostpci[].id", "or null" },
	{ "vms[].config.hostpci[].address", "or null" },
	{ "vms[].config.hostpci[].mapping", "or null" },
	{ "vms[].config.scsihw", "or null" },
	{ "vms[].config.affinity", "as it is written; or null" },
	{ "vms[].config.cpuunits", "null: the default" },
	{ "vms[].config.cpulimit", "CPUs; null: none" },
	{ "vms[].config.hookscript", "or null" },
	{ "vms[].config.args", "or null" },
	{ "vms[].config.lock", "or null" },
	{ "vms[].config.tags", "" },
	{ "vms[].config.pins", "where libvirt holds threads" },
	{ "vms[].config.pins[].what", "" },
	{ "vms[].config.pins[].value", "" },
	{ "vms[].config.pending", "what changes at the next start" },
	{ "vms[].config.pending[].key", "" },
	{ "vms[].config.pending[].value", "null: it is deleted" },
	{ "vms[].config.description", "or null" },
};

static const struct key_row measure_rows[] = {
	{ "window_ns", "how long" },
	{ "source", "procfs" },
	{ "coverage", "(run + wait) / window of the vCPUs that never slept; null: all did" },
	{ "host_steal", "share of this host's time that its own hypervisor took" },
	{ "is_absolute", "host_steal is known and at most 1 %" },
	{ "cost_ns", "CPU time that measuring took" },
	{ "n_looks", "" },
	{ "notes", "for people" },
	{ "vms", "" },
	{ "vms[].vm", "its id" },
	{ "vms[].name", "or null" },
	{ "vms[].cpus", "cpulist: of its vCPUs" },
	{ "vms[].stolen", "of all vCPUs together" },
	{ "vms[].worst_vcpu", "number of the one most stolen from; or null" },
	{ "vms[].vcpus", "" },
	{ "vms[].vcpus[].vcpu", "its number" },
	{ "vms[].vcpus[].always_runnable", "it did not sleep" },
	{ "vms[].vcpus[].interrupts_per_cpu_s", "on the CPUs where it may run" },
	{ "vms[].vcpus[].in_place_ns", "null: the source cannot tell, as of the next five" },
	{ "vms[].vcpus[].wait_p50_ns", "" },
	{ "vms[].vcpus[].wait_p99_ns", "" },
	{ "vms[].vcpus[].wait_p999_ns", "" },
	{ "vms[].vcpus[].wait_max_ns", "" },
	{ "vms[].vcpus[].thieves", "empty" },
	{ "vms[].helpers", "its other threads" },
	{ "vms[].helpers[].role", "as of 'vms'" },
	{ "vms[].helpers[].id", "or null" },
	{ "vms[].helpers[].comm", "" },
	{ "vms[].remote_kib", "null" },
	{ "vms[].others_ns", "busy time of its CPUs that is not its own" },
	{ "vms[].interrupts_per_cpu_s", "of all kinds" },
	{ "vms[].device_interrupts_per_cpu_s", "of devices alone" },
	{ "vms[].foreign", "other threads that were seen on its CPUs, most run time first" },
	{ "vms[].foreign[].class",
		"own-emulator, own-iothread, own-vhost, own-worker, own-kvm, vm, process, kworker, "
		"kthread, self" },
	{ "vms[].foreign[].name", "" },
	{ "vms[].foreign[].owner", "a VM's id, a group, a kworker's function; or null" },
	{ "vms[].foreign[].pid", "" },
	{ "vms[].foreign[].tid", "" },
	{ "vms[].foreign[].run_ns", "wherever it ran: the most that it can have taken here" },
	{ "vms[].foreign[].n_looks", "that found that it had run" },
	{ "vms[].foreign[].seen_on_cpus", "cpulist: of the VM's CPUs" },
	{ "cpus", "those of all the VMs" },
	{ "cpus[].cpu", "" },
	{ "cpus[].busy_ns", "by ticks, as the next three" },
	{ "cpus[].irq_ns", "" },
	{ "cpus[].softirq_ns", "" },
	{ "cpus[].steal_ns", "" },
	{ "vms[].interrupts", "lines of /proc/interrupts that grew, most first" },
	{ "vms[].softirqs", "lines of /proc/softirqs that grew, most first" },
	{ "cpus[].interrupts", "as of vms" },
	{ "cpus[].softirqs", "as of vms" },
};

static const struct key_row compare_rows[] = {
	{ "before", "the first measure" },
	{ "after", "the second" },
	{ "vms", "that are in both" },
	{ "vms[].vm", "its id" },
	{ "vms[].name", "or null" },
	{ "vms[].vcpus", "that are in both" },
	{ "vms[].vcpus[].vcpu", "" },
	{ "only_before", "ids of VMs" },
	{ "only_after", "likewise" },
	{ "warnings", "why they may not be comparable" },
	{ "vms[].stolen", "share of the time wanted, 0 to 1" },
	{ "vms[].wait_share", "waiting, of one CPU's time" },
	{ "vms[].run_share", "running, likewise" },
	{ "vms[].preemptions_per_s", "" },
	{ "vms[].migrations_per_s", "" },
	{ "vms[].interrupts_per_cpu_s", "" },
	{ "vms[].worst_stolen", "of the worst vCPU of each" },
	{ "vms[].device_interrupts_per_cpu_s", "" },
	{ "vms[].others_share", "others on its CPUs, of one CPU's time" },
	{ "vms[].vcpus[].stolen", "share of the time wanted, 0 to 1" },
	{ "vms[].vcpus[].wait_share", "waiting, of one CPU's time" },
	{ "vms[].vcpus[].run_share", "running, likewise" },
	{ "vms[].vcpus[].preemptions_per_s", "" },
	{ "vms[].vcpus[].migrations_per_s", "" },
	{ "vms[].vcpus[].interrupts_per_cpu_s", "" },
};

static const struct key_row explain_rows[] = {
	{ "knobs", "without RULE" },
	{ "knobs[].id", "" },
	{ "knobs[].summary", "" },
	{ "knobs[].source", "the kernel's file or call" },
	{ "knobs[].others", "who else sets it" },
	{ "rule", "of a RULE" },
	{ "rule.id", "" },
	{ "rule.severity", "info, warning, critical" },
	{ "rule.stage", "" },
	{ "rule.title", "" },
	{ "rule.cause", "why it hurts" },
	{ "rule.advice", "what to do" },
};

static const struct key_row hook_rows[] = {
	{ "done", "with install and remove: a sentence for each VM" },
};

/* ---- the commands ---- */

#define PART(at, of)                                                                               \
	{                                                                                          \
		at, of##_rows, N_ELEMENTS(of##_rows)                                               \
	}

/* The function that hands out these parts. */
#define KEYS(command, ...)                                                                         \
	const struct key_part *command##_keys(size_t *ret_n)                                       \
	{                                                                                          \
		static const struct key_part parts[] = { __VA_ARGS__ };                            \
		*ret_n = N_ELEMENTS(parts);                                                        \
		return parts;                                                                      \
	}

KEYS(common, PART("", common))

KEYS(plan, PART("", plan_only), PART("vms[].", placement),
	PART("refused[].alternatives[].move[].", move), PART("moves[].", move), PART("", change),
	PART("", immovable), PART("", plan))

KEYS(apply, PART("", plan_only), PART("vms[].", placement),
	PART("refused[].alternatives[].move[].", move), PART("moves[].", move), PART("", change),
	PART("", apply), PART("", immovable), PART("", intruder), PART("", recovery),
	PART("", cost), PART("", event))

KEYS(confirm, PART("", confirm), PART("", recovery))

KEYS(undo, PART("", recovery), PART("", stranger), PART("", damaged), PART("", cost))

KEYS(status, PART("", status), PART("applied[].", placement), PART("", intruder),
	PART("", immovable), PART("", stranger), PART("", damaged))

KEYS(vms, PART("", vms))

KEYS(measure, PART("", measure), PART("vms[].vcpus[].", thread), PART("vms[].helpers[].", thread),
	PART("vms[].interrupts[].", count), PART("vms[].interrupts[].", label),
	PART("vms[].softirqs[].", count), PART("cpus[].interrupts[].", count),
	PART("cpus[].interrupts[].", label), PART("cpus[].softirqs[].", count))

KEYS(compare, PART("", compare), PART("before.", summary), PART("after.", summary),
	PART("vms[].stolen.", figure), PART("vms[].wait_share.", figure),
	PART("vms[].run_share.", figure), PART("vms[].preemptions_per_s.", figure),
	PART("vms[].migrations_per_s.", figure), PART("vms[].interrupts_per_cpu_s.", figure),
	PART("vms[].worst_stolen.", figure), PART("vms[].device_interrupts_per_cpu_s.", figure),
	PART("vms[].others_share.", figure), PART("vms[].vcpus[].stolen.", figure),
	PART("vms[].vcpus[].wait_share.", figure), PART("vms[].vcpus[].run_share.", figure),
	PART("vms[].vcpus[].preemptions_per_s.", figure),
	PART("vms[].vcpus[].migrations_per_s.", figure),
	PART("vms[].vcpus[].interrupts_per_cpu_s.", figure))

KEYS(events, PART("", event), PART("", damaged))

KEYS(daemon, PART("", event))

KEYS(explain, PART("", explain))

KEYS(hook, PART("", hook))
