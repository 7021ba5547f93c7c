# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scenarios assert about a VM that has CPUs of its own, from the kernel's files and QEMU's own word. Needs lib.sh.
# Everything that fails prints what it found, so that a failure can be read without running it again.

# ---- sets of CPUs -----------------------------------------------------------------------------------------------

# cpus LIST...: the CPUs of kernel lists ("0-3,8"), one per line, sorted
cpus() {
	local part
	for part in ${*//,/ }; do
		seq "${part%-*}" "${part#*-}"
	done | sort -nu
}

# common LIST LIST: the CPUs in both, in one line
common() { comm -12 <(cpus "$1" | sort) <(cpus "$2" | sort) | sort -n | xargs; }
apart() { same_text "in both: $(common "$1" "$2")" 'in both: '; }
within() { same_text "outside: $(comm -23 <(cpus "$1" | sort) <(cpus "$2" | sort) | xargs)" 'outside: '; }

# mask_cpus FILE: a mask of hexadecimal words ("0000000f,ffffffff") as a list with commas
mask_cpus() {
	tr -d ',\n' <"$1" | gawk '{ n = 0; for (i = length; i > 0; i--) {
		v = strtonum("0x" substr($0, i, 1))
		for (b = 0; b < 4; b++) { if (v % 2) printf "%s%d", s++ ? "," : "", n; n++; v = int(v / 2) } } }'
}

# ---- the VM -----------------------------------------------------------------------------------------------------

# vcpus_by_qmp VMID: "INDEX TID" per vCPU, as QEMU says itself
vcpus_by_qmp() { vm_qmp "$1" query-cpus-fast | jq -r '.return[] | "\(."cpu-index") \(."thread-id")"' | sort -n; }

# claim_of VMID: the CPUs of its vCPU threads
claim_of() {
	local t
	for t in $(vcpu_tids "$1"); do allowed "$t"; done | paste -sd,
}

vm_group() { echo "/sys/fs/cgroup/qemu.slice/$1.scope"; }
root_cpuset() { cat "/sys/fs/cgroup/cpuset.cpus.$1"; }

# ---- what is asserted -------------------------------------------------------------------------------------------

# each_has_one VMID: every vCPU one CPU, no two the same; guest siblings (0,1), (2,3)… on one core where the host has SMT
each_has_one() {
	local vcpu tid cpu last='' seen=' ' bad=0
	while read -r vcpu tid; do
		cpu=$(allowed "$tid")
		case $cpu in '' | *[-,]*) echo "vCPU $vcpu, thread $tid: allowed '$cpu'"; bad=1 ;; esac
		case $seen in *" $cpu "*) echo "CPU $cpu has two vCPUs"; bad=1 ;; esac
		seen+="$cpu "
		[ "$vcpu" = "$(sed -n 's/^CPU \([0-9]*\)\/.*/\1/p' "/proc/$(vm_pid "$1")/task/$tid/comm")" ] ||
			{ echo "QEMU says vCPU $vcpu is thread $tid: $(cat "/proc/$tid/comm")"; bad=1; }
		if [ $((vcpu % 2)) = 1 ] && [ -z "$(common "$last" "$(siblings "$cpu")")" ]; then
			echo "vCPUs $((vcpu - 1)) and $vcpu are guest siblings, CPUs $last and $cpu are not"
			bad=1
		fi
		last=$cpu
	done < <(vcpus_by_qmp "$1")
	[ "$seen" != ' ' ] && return $bad
}
siblings() { cat "/sys/devices/system/cpu/cpu$1/topology/thread_siblings_list"; }

# others_on CPUS TID...: threads of the machine but these that could be moved (no PF_NO_SETAFFINITY) and are allowed
# on one of the CPUs. What ends while it is looked at is gone.
others_on() {
	local set=$1
	shift
	for t in /proc/[0-9]*/task/[0-9]*; do echo "$t"; done | gawk -v set="$(cpus "$set" | xargs)" -v own=" $* " '
		BEGIN { n = split(set, part, " "); for (i = 1; i <= n; i++) wanted[part[i]] }
		{
			tid = $0; sub(/.*\//, "", tid)
			if (index(own, " " tid " ")) next
			line = ""; f = $0 "/stat"; getline line < f; close(f)
			if (line == "") next
			rest = line; sub(/^.*\) /, "", rest); split(rest, field, " ")
			if (int(field[7] / 67108864) % 2) next			# 0x04000000 in the 9th field, flags
			allowed = ""; f = $0 "/status"
			while ((getline line < f) > 0)
				if (line ~ /^Name:/) name = substr(line, 7)
				else if (line ~ /^Cpus_allowed_list:/) { allowed = substr(line, 20); break }
			close(f)
			m = split(allowed, part, ",")
			for (i = 1; i <= m; i++) {
				split(part[i], ends, "-")
				for (c = ends[1]; c <= (2 in ends ? ends[2] : ends[1]); c++)
					if (c in wanted) { print tid, name, "allowed", allowed; next }
			}
		}'
}
nobody_on() { same_text "$(others_on "$@")" ''; }

# The shell's error when an interrupt may not be moved: EPERM since 6.12, EIO before.
irq_refusal='Operation not permitted|Input/output error'

# interrupts_off CPUS APPLY.json: those that are still allowed there must be on the list of what cannot be moved, and
# the kernel must say the same when the shell tries
interrupts_off() {
	local f irq now answer bad=0 n=0
	for f in /proc/irq/*/smp_affinity_list; do
		now=$(cat "$f") irq=${f#/proc/irq/} irq=${irq%%/*}
		n=$((n + 1))
		[ -n "$(common "$now" "$1")" ] || continue
		answer=$({ echo "$now" >"$f"; } 2>&1)
		if ! [[ $answer =~ $irq_refusal ]]; then
			echo "irq $irq ($(irq_name "$irq")) is on $now and can be moved: ${answer:-written}"
			bad=1
		elif ! jq -e --arg what "irq.affinity $irq" '.immovable | any(.what == $what)' "$2" >/dev/null; then
			echo "irq $irq ($(irq_name "$irq")) cannot be moved and was not listed"
			bad=1
		fi
	done
	[ $n -gt 5 ] && return $bad
}
irq_name() { awk -v irq="$1:" '$1 == irq { print $NF }' /proc/interrupts; }

# born_in SLICE: the CPUs that a new process gets there
born_in() {
	systemd-run --quiet --wait --pipe --slice="$1" sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status
}

# fences_hold CPUS: systemd's property and the kernel's file of every unit beside the VM's, and all other processes' groups
fences_hold() {
	local unit group bad=0 got n=0
	for group in /sys/fs/cgroup/*.slice /sys/fs/cgroup/*.scope /sys/fs/cgroup/qemu.slice/*.scope; do
		[ -e "$group/cpuset.cpus" ] || continue
		[ "$group" != /sys/fs/cgroup/qemu.slice ] || continue
		[ -z "$(common "$(cat "$group/cpuset.cpus.effective")" "$1")" ] || [ -n "$(inside "$group" "$1")" ] ||
			{ echo "$group may use $(cat "$group/cpuset.cpus.effective")"; bad=1; }
	done
	for unit in system.slice user.slice init.scope; do
		got=$(systemctl show -p AllowedCPUs --value "$unit" | tr ' ' ,)
		n=$((n + 1))
		[ -n "$got" ] && [ -z "$(common "$got" "$1")" ] || { echo "$unit: AllowedCPUs='$got'"; bad=1; }
	done
	[ $n = 3 ] && return $bad
}
# inside GROUP CPUS: "yes" when a vCPU thread with one of the CPUs is in the group
inside() {
	local t
	for t in $(cat "$1/cgroup.threads" "$1"/*/cgroup.threads 2>/dev/null); do
		[[ $(cat "/proc/$t/comm" 2>/dev/null) = CPU\ * ]] && [ -n "$(common "$(allowed "$t")" "$2")" ] && echo yes && return
	done
}

# helpers_off VMID CPUS: QEMU's other threads
helpers_off() {
	local tid name bad=0
	while read -r tid name; do
		case $name in CPU\ *) continue ;; esac
		apart "$(allowed "$tid")" "$2" || { echo "$tid $name: $(allowed "$tid")"; bad=1; }
	done < <(vm_threads "$1")
	return $bad
}

# proves VMID LEVEL APPLY.json [WHEN]: all of it
proves() {
	local vmid=$1 level=$2 json=$3 when=${4:+ $4} claim group
	claim=$(claim_of "$vmid")
	group=$(vm_group "$vmid")
	assert "$vmid$when: every vCPU has one CPU, siblings on siblings ($claim)" each_has_one "$vmid"
	assert "$vmid$when: QEMU's other threads are elsewhere" helpers_off "$vmid" "$claim"
	# shellcheck disable=SC2046
	assert "$vmid$when: no other thread that can be moved may run there" nobody_on "$claim" $(vcpu_tids "$vmid")
	assert "$vmid$when: no interrupt that can be moved comes there" interrupts_off "$claim" "$json"
	assert "$vmid$when: nor will a new one" apart "$(mask_cpus /proc/irq/default_smp_affinity)" "$claim"
	assert "$vmid$when: nor unbound kernel work" apart "$(mask_cpus /sys/devices/virtual/workqueue/cpumask)" "$claim"
	assert "$vmid$when: slices, and systemd's word for them" fences_hold "$claim"
	assert "$vmid$when: nor a new process" apart "$(born_in system.slice)" "$claim"
	if [ "$level" = isolated ]; then
		group=$(echo "$group"/*/cpuset.cpus.partition)
		assert_eq "$vmid$when: the partition is isolated" "$(cat "$group")" isolated
		group=${group%/*}
		assert_eq "$vmid$when: its CPUs are the vCPUs'" "$(cpus "$(cat "$group/cpuset.cpus.effective")" | xargs)" "$(cpus "$claim" | xargs)"
		assert "$vmid$when: the root has them no more" apart "$(root_cpuset effective)" "$claim"
		assert "$vmid$when: the root says they are isolated" within "$claim" "$(root_cpuset isolated)"
		assert_eq "$vmid$when: the vCPU threads are in it" "$(sort -n "$group/cgroup.threads" | xargs)" "$(vcpu_tids "$vmid" | sort -n | xargs)"
	else
		assert "$vmid$when: there is no partition" test -z "$(grep -lsv member "$group"/cpuset.cpus.partition "$group"/*/cpuset.cpus.partition)"
	fi
}

# ---- interference by plain reads --------------------------------------------------------------------------------

# waited VMID: "RAN-ns WAITED-ns INVOLUNTARY" of its vCPUs since they began
waited() {
	local t
	for t in $(vcpu_tids "$1"); do
		echo "$(cat "/proc/$(vm_pid "$1")/task/$t/schedstat") $(sed -n 's/^nonvoluntary_ctxt_switches:\t//p' "/proc/$t/status")"
	done | awk '{ r += $1; w += $2; n += $4 } END { print r, w, n }'
}

# ---- calm -------------------------------------------------------------------------------------------------------

# All that is busy slows the lab, and no assertion about settings needs it busy.
noise_pause() { systemctl kill --signal=STOP noise-system noise-disk noise-net noise-user.scope; }
noise_resume() { systemctl kill --signal=CONT noise-system noise-disk noise-net noise-user.scope; }

# timed COMMAND...: says how long it took
timed() {
	local start=$EPOCHREALTIME rc=0
	"$@" || rc=$?
	awk -v a="$start" -v b="$EPOCHREALTIME" -v what="$(printf '%.60s' "$*")" 'BEGIN { printf "# %.1f s: %s\n", b - a, what }' >&2
	return $rc
}
