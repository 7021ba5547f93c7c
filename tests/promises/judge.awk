# SPDX-License-Identifier: GPL-2.0-or-later
# Which sentences are false: the first file is what is so (facts.awk), the second what was said (said.jq, said.awk). Prints each
# false one; with -v when=before it asks whether what was said to be there before was there.
function expand(list, set,   part, n, i, k, range) {
	for (i in set) delete set[i]
	n = split(list, part, ",")
	for (i = 1; i <= n; i++) {
		split(part[i], range, "-")
		if (!(2 in range)) range[2] = range[1]
		for (k = range[1] + 0; k <= range[2] + 0; k++) set[k] = 1
		delete range[2]
	}
}
# the CPUs of list a that are in list b (want 1), or not in it (want 0)
function filter(a, b, want,   in_a, in_b, i, out) {
	expand(a, in_a); expand(b, in_b)
	for (i = 0; i < 4096; i++) {
		if (!(i in in_a)) { if (i > 1023) break; continue }
		if ((i in in_b) == want) out = out (out == "" ? "" : ",") i
	}
	return out
}
function common(a, b) { return a == "" || b == "" ? "" : filter(a, b, 1) }
function is_within(a, b) { return a != "" && b != "" && filter(a, b, 0) == "" }
function is_same(a, b) { return is_within(a, b) && is_within(b, a) }
function wrong(text) { print text; bad++ }
function is_below(path, group) { return group != "" && (path == group || index(path, group "/") == 1) }
# the CPUs that a group gives to those who come later: its own or the nearest ancestor's
function effective(path) {
	while (path != "" && !((path, "cpuset.cpus.effective") in group)) sub(/\/?[^\/]*$/, "", path)
	return group[path, "cpuset.cpus.effective"]
}
function name_of(tid) { return "thread " tid " (" comm[tid] ", " (in_group[tid] == "" ? "root group" : in_group[tid]) ")" }
# whose it is: QEMU's, or of a kernel thread that serves one VM, "kvm-pit/3085", "vhost-3085"
function owner(tid,   text) {
	text = comm[tid]
	return pid[tid] == tid && sub(/^(kvm-pit\/|kvm-nx-lpage-re.*\/|vhost-)/, "", text) && text in level ? text : pid[tid]
}
# what keeps its CPUs whatever anybody does: bound to them by the kernel
function is_bound(tid) { return int(flags[tid] / 67108864) % 2 }
# a list that was said of a thread
function must_run_on(tid, list, what) {
	if (!(tid in cpus)) wrong(what ": there is no thread " tid)
	else if (!is_same(cpus[tid], list)) wrong(what " on " list ": the kernel says " cpus[tid] " of " name_of(tid))
}

BEGIN { FS = OFS = "\t" }
FILENAME == ARGV[1] {
	if ($1 == "T") { pid[$3] = $2; cpus[$3] = $4; in_group[$3] = $5; flags[$3] = $6; comm[$3] = $7; groups[$5] = 1 }
	else if ($1 == "G") { group[$2, $3] = $4; is_group[$2] = 1 }
	else if ($1 == "I") irq[$2] = $3
	else if ($1 == "F") file[$2] = $3
	else if ($1 == "U") unit_value[$2, $3] = $4
	next
}
$1 == "VM" { level[$3] = $4; claim[$3] = $5; vm_group[$3] = $6; vm_name[$3] = $2; spare[$3] = $8; next }
$1 == "VCPU" { said_of[$4] = is_vcpu[$4] = 1; vcpu_tid[$2, $3] = $4; n_vcpus[$2]++; if (when != "before") must_run_on($4, $5, vm_name[$2] ": vCPU " $3); next }
$1 == "IOT" { said_of[$4] = 1; if (when != "before") must_run_on($4, $5, vm_name[$2] ": I/O thread " $3); next }
$1 == "IOTHREADS" { iothreads[$2] = $3; next }
$1 == "DISPLACING" { displaced = $2 " threads of " $3 " groups, and " $4 " of the kernel"; next }
$1 == "PINNED" { pinned[$2] = 1; next }
$1 == "HELPERS" { helpers[$2] = $3; next } # KVM's own kernel threads, too
$1 == "OTHERS" { others[$2] = $3; next }
$1 == "SAME" { if ($3 != $4) wrong($2 ": the text says " $3 ", the JSON " $4); next }
$1 == "OPEN" { open_cpus[$2] = $3; next }
$1 == "IMM" { immovable[$2] = 1; next }
$1 == "UNKNOWN" { wrong("a sentence that nobody judges (tests/promises/said.awk): " $2); next }
$1 == "CH" { n_changes++; change_knob[n_changes] = $2; change_key[n_changes] = $3; change_before[n_changes] = $4; change_after[n_changes] = $5; change_result[n_changes] = $6; next }

# what a setting is, by knob and key; "-" where it is not there
function value(knob, key) {
	if (knob ~ /^(thread|kthread|task)\.affinity$/) return key in cpus ? cpus[key] : "-"
	if (knob == "thread.cgroup") return key in in_group ? in_group[key] : "-"
	if (knob == "irq.affinity") return key in irq ? irq[key] : "-"
	if (knob == "irq.default_affinity") return file["proc/irq/default_smp_affinity"]
	if (knob == "irqbalance.banned") return file["run/irqbalance/banned"]
	if (knob == "workqueue.cpumask") return file["sys/devices/virtual/workqueue/cpumask"]
	if (knob == "cgroup.cpus") return of_group(key, "cpuset.cpus")
	if (knob == "cgroup.exclusive") return of_group(key, "cpuset.cpus.exclusive")
	if (knob == "cgroup.partition") return of_group(key, "cpuset.cpus.partition")
	if (knob == "cgroup.type") return of_group(key, "cgroup.type")
	if (knob == "cgroup.dir") return key in is_group ? "present" : "-"
	if (knob == "cgroup.cpuset") return (" " group[key, "cgroup.subtree_control"] " ") ~ / cpuset / ? "enabled" : "disabled"
	if (knob == "unit.allowed_cpus") return unit_property(key, "AllowedCPUs")
	if (knob == "unit.delegate") return unit_property(key, "Delegate") ~ /^(|no)$/ ? "no" : "yes" # or the controllers
	return "?"
}
function of_group(key, name) { return (key, name) in group ? group[key, name] : "-" }
function unit_property(unit, property) { return (unit, property) in unit_value ? unit_value[unit, property] : "" }

function is_unset(text) { return text == "" || text == "-" || text == "member" || text == "unset" || text == "no" }
function judge_changes(   i, is, want) {
	for (i = 1; i <= n_changes; i++) {
		# What the kernel refused, apply listed; "gone" and "kept" are its words for other ways to end.
		if (when != "before" && (change_result[i] != "done" || (change_knob[i] " " change_key[i]) in immovable)) continue
		is = value(change_knob[i], change_key[i])
		want = when == "before" ? change_before[i] : change_after[i]
		if (is == "?") wrong("no plain reading of the knob " change_knob[i] " here (tests/promises/judge.awk)")
		else if (is != want && !(is ~ /^[0-9,-]+$/ && is_same(is, want)) && !(is_unset(is) && is_unset(want)))
			wrong(change_knob[i] " " change_key[i] ": said to be '" want "' " (when == "before" ? "before" : "after") ", is '" is "'")
	}
}

# "isolated on 4-5": nobody else may run there, now or later
function judge_claim(p,   tid, i, g, at, what, own) {
	for (tid in pid) {
		if (pid[tid] == p || owner(tid) == p && is_within(cpus[tid], helpers[p]) || said_of[tid] || is_bound(tid) || (at = common(cpus[tid], claim[p])) == "") continue
		if (("thread.affinity " tid) in immovable || ("kthread.affinity " tid) in immovable || ("task.affinity " tid) in immovable) continue
		wrong(vm_name[p] ": " level[p] " on " claim[p] ": " name_of(tid) " may run on " at)
	}
	for (i in irq)
		if ((at = common(irq[i], claim[p])) != "" && !(("irq.affinity " i) in immovable))
			wrong(vm_name[p] ": " level[p] " on " claim[p] ": interrupt " i " goes to " at)
	if ((at = common(file["proc/irq/default_smp_affinity"], claim[p])) != "")
		wrong(vm_name[p] ": new interrupts go to " at)
	if ((at = common(file["sys/devices/virtual/workqueue/cpumask"], claim[p])) != "")
		wrong(vm_name[p] ": unbound kernel work goes to " at)
	for (g in groups) {
		own = is_below(g, vm_group[p]) || g == ""
		for (i in vm_group) own = own || is_below(g, vm_group[i])
		if (!own && (at = common(effective(g), claim[p])) != "")
			wrong(vm_name[p] ": " level[p] " on " claim[p] ": who comes later into " g " may run on " at)
	}
}
function judge_partition(p,   i, g, path, want) {
	for (i = 0; i < n_vcpus[p]; i++) {
		g = in_group[vcpu_tid[p, i]]
		if (!is_below(g, vm_group[p]) || g == vm_group[p]) { wrong(vm_name[p] ": isolated, and its vCPU " i " is in " g); return }
	}
	# what balances over spare CPUs is a root partition
	want = spare[p] != "" ? "root" : "isolated"
	if (group[g, "cpuset.cpus.partition"] != want) wrong(vm_name[p] ": isolated: the partition " g " is '" group[g, "cpuset.cpus.partition"] "'")
	if (!is_same(group[g, "cpuset.cpus.effective"], claim[p])) wrong(vm_name[p] ": isolated on " claim[p] ": the partition has " group[g, "cpuset.cpus.effective"])
	if (common(effective(""), claim[p]) != "") wrong(vm_name[p] ": isolated on " claim[p] ": the root has " effective(""))
	path = group["", "cpuset.cpus.isolated"]
	if (("", "cpuset.cpus.isolated") in group && !is_within(claim[p], path)) wrong(vm_name[p] ": isolated on " claim[p] ": the kernel lists " path)
}
# "I/O threads on 4; QEMU's other threads on 0-3"
function judge_others(p,   tid, is_io, list) {
	for (tid in pid) {
		if (pid[tid] != p || said_of[tid] && !(p in iothreads) || is_vcpu[tid] || is_bound(tid)) continue
		is_io = p in iothreads && comm[tid] ~ /^IO /
		list = is_io ? iothreads[p] : others[p]
		if (!is_within(cpus[tid], list))
			wrong(vm_name[p] ": " (is_io ? "I/O" : "QEMU's other") " threads on " list ": " name_of(tid) " may run on " cpus[tid])
	}
}
# Who is on the CPUs that VMs will have for themselves, and can be moved, but for those VMs' own threads.
function is_kept(p) { return p in level && level[p] ~ /fenced|isolated/ }
function is_displaced(tid,   p) {
	for (p in level)
		if (level[p] != "pinned" && !is_bound(tid) && !is_kept(owner(tid)) && common(cpus[tid], claim[p]) != "") return 1
	return 0
}
function judge_displaced(   tid, n, n_kernel, seen, n_groups, is) {
	for (tid in pid) {
		if (!is_displaced(tid)) continue
		if (int(flags[tid] / 2097152) % 2) { n_kernel++; continue }
		n++
		if (!seen[in_group[tid]]++) n_groups++
	}
	is = n + 0 " threads of " n_groups + 0 " groups, and " n_kernel + 0 " of the kernel"
	if (displaced != "" ? displaced != is : n + n_kernel) wrong("displaced: said '" displaced "', are " is)
	for (tid in pinned) if (!is_displaced(tid)) wrong("somebody gave CPUs there to " name_of(tid) ": it has " cpus[tid])
}
END {
	if (when == "before") judge_displaced()
	for (p in level) {
		if (when == "before") continue
		if (level[p] == "fenced" || level[p] == "isolated") judge_claim(p)
		if (level[p] == "isolated") judge_partition(p)
		if (p in others) judge_others(p)
		for (what in open_cpus)
			if (level[p] != "none" && common(open_cpus[what], claim[p]) != "")
				wrong(what " on " open_cpus[what] ": " vm_name[p] " has " claim[p])
	}
	judge_changes()
	exit bad > 0
}
