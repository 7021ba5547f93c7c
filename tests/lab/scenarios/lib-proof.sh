# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
#
# What scenarios assert about a VM that has CPUs of its own, from the kernel's files and QEMU's own word. Needs lib.sh.
# Everything that fails prints what it found, so that a failure can be read without running it again.

# A program that crashes leaves a core in /out, and crashes() says so.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
ulimit -c unlimited
mkdir -p /out
echo /out/core.%e.%p >/proc/sys/kernel/core_pattern
crashes() { compgen -G '/out/core.*' || true; }

# A fork takes up to 100 ms in the lab: what is done often is done by the shell itself, and answers in $REPLY.

# A daemon-reload takes 5 s in the lab, most of it in generators, which have nothing to say here; without them 1 s.
mkdir -p /etc/systemd/system-generators
for generator in /lib/systemd/system-generators/*; do
	ln -sf /dev/null "/etc/systemd/system-generators/${generator##*/}"
done
systemctl daemon-reload

# ---- sets of CPUs -----------------------------------------------------------------------------------------------

# cpus_of LIST: the CPUs of a kernel list ("0-3,8") one by one: " 0 1 2 3 8 "
cpus_of() {
	local part i list=" "
	for part in ${1//,/ }; do
		for ((i = ${part%-*}; i <= ${part#*-}; i++)); do
			[[ $list = *" $i "* ]] || list+="$i "
		done
	done
	REPLY=$list
}

# both LIST LIST: the CPUs that are in both
both() {
	local a i common=''
	cpus_of "$1"
	a=$REPLY
	cpus_of "$2"
	for i in $REPLY; do
		[[ $a != *" $i "* ]] || common+=" $i"
	done
	REPLY=${common# }
}

# apart LIST LIST, within LIST LIST, same_cpus LIST LIST: no CPU in both; all of the first in the second; the same
apart() { both "$1" "$2"; same_text "in both: $REPLY" 'in both: '; }
within() {
	local n
	both "$1" "$2"
	n=$(wc -w <<<"$REPLY")
	cpus_of "$1"
	[ "$n" = "$(wc -w <<<"$REPLY")" ] || { echo "'$1' is not within '$2'"; return 1; }
}
same_cpus() { within "$1" "$2" && within "$2" "$1"; }

# mask_list HEX: a mask of hexadecimal words ("0000000f,ffffffff") as a list
mask_list() {
	local digits=${1//,/} i n=0 b list=''
	for ((i = ${#digits} - 1; i >= 0; i--, n += 4)); do
		for b in 0 1 2 3; do
			(((0x${digits:i:1} >> b) & 1)) && list+=,$((n + b))
		done
	done
	REPLY=${list#,}
}

# read_first FILE: its first line
read_first() {
	REPLY=''
	read -r REPLY <"$1"
	[ -n "$REPLY" ]
} 2>/dev/null

# ---- the VM -----------------------------------------------------------------------------------------------------

# allowed_of TID
allowed_of() {
	local key value
	REPLY=''
	while read -r key value; do
		[ "$key" != Cpus_allowed_list: ] || { REPLY=$value && return; }
	done <"/proc/$1/status"
} 2>/dev/null

# threads_of VMID: sets $tids, and $names by tid, and $vcpu_tid by index
threads_of() {
	local pid t
	read_first "/run/qemu-server/$1.pid"
	pid=$REPLY
	tids=() names=() vcpu_tid=()
	for t in "/proc/$pid/task"/*; do
		read_first "$t/comm" || continue
		tids+=("${t##*/}")
		names[${t##*/}]=$REPLY
		[[ $REPLY =~ ^CPU\ ([0-9]+)/ ]] && vcpu_tid[BASH_REMATCH[1]]=${t##*/}
	done
}

# claim_of VMID: the CPUs of its vCPU threads
claim_of() {
	local t list=''
	threads_of "$1"
	for t in "${vcpu_tid[@]}"; do
		allowed_of "$t"
		list+=,$REPLY
	done
	REPLY=${list#,}
}

# ---- what is asserted -------------------------------------------------------------------------------------------

# each_has_one VMID: every vCPU one CPU, no two the same; guest siblings (0,1), (2,3)… on one core where the host has SMT.
# Which thread is which vCPU, QEMU says itself.
each_has_one() {
	local vcpu tid cpu last='' seen=' ' bad=0 by_qmp smt
	by_qmp=$(vm_qmp "$1" query-cpus-fast | jq -r '.return | sort_by(."cpu-index")[] | "\(."cpu-index") \(."thread-id")"')
	threads_of "$1"
	read_first /sys/devices/system/cpu/smt/active
	smt=$REPLY
	while read -r vcpu tid; do
		allowed_of "$tid"
		cpu=$REPLY
		[ "${names[tid]}" = "CPU $vcpu/TCG" ] || { echo "QEMU says vCPU $vcpu is thread $tid '${names[tid]}'"; bad=1; }
		[[ $cpu =~ ^[0-9]+$ ]] || { echo "vCPU $vcpu, thread $tid: allowed '$cpu'"; bad=1; continue; }
		[[ $seen != *" $cpu "* ]] || { echo "CPU $cpu has two vCPUs"; bad=1; }
		seen+="$cpu "
		if [ "$smt" = 1 ] && [ $((vcpu % 2)) = 1 ]; then
			read_first "/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list"
			both "$last" "$REPLY"
			[ -n "$REPLY" ] || { echo "vCPUs $((vcpu - 1)) and $vcpu are siblings, CPUs $last and $cpu are not"; bad=1; }
		fi
		last=$cpu
	done <<<"$by_qmp"
	[ "$seen" != ' ' ] && return $bad
}

# others_on CPUS TID...: threads of the machine but these that could be moved (no PF_NO_SETAFFINITY) and are allowed
# on one of the CPUs. What ends while it is looked at is gone.
others_on() {
	local set
	cpus_of "$1"
	set=$REPLY
	shift
	for t in /proc/[0-9]*/task/[0-9]*; do echo "$t"; done | gawk -v set="$set" -v own=" $* " '
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
# alive: of the TIDs that come in, in order, those that are there still: not the tools that looked
alive() {
	local tid
	sort -nu | while read -r tid; do [ ! -d "/proc/$tid" ] || echo "$tid"; done
}
nobody_on() { same_text "$(others_on "$@")" ''; }

# The shell's error when an interrupt may not be moved: EPERM since 6.12, EIO before.
irq_refusal='Operation not permitted|Input/output error'

# interrupts_off CPUS APPLY.json: those that are still allowed there must be on the list of what cannot be moved, and
# the kernel must say the same when the shell tries. Numbers that no device uses are not in /proc/interrupts; whoever
# takes one starts with default_smp_affinity.
interrupts_off() {
	local f irq now answer bad=0 n=0 listed used
	used=" $(sed -n 's/^ *\([0-9]*\):.*/\1/p' /proc/interrupts | xargs) "
	listed=" $(jq -r '.immovable[].what' "$2" | sed -n 's/^irq.affinity //p' | xargs) "
	for f in /proc/irq/*/smp_affinity_list; do
		read_first "$f"
		now=$REPLY irq=${f#/proc/irq/} irq=${irq%%/*}
		[[ $used = *" $irq "* ]] || continue
		n=$((n + 1))
		both "$now" "$1"
		[ -n "$REPLY" ] || continue
		answer=$({ echo "$now" >"$f"; } 2>&1)
		[[ $answer =~ $irq_refusal ]] || { echo "irq $irq is on $now and can be moved: ${answer:-written}"; bad=1; }
		[[ $listed = *" $irq "* ]] || { echo "irq $irq is on $now and was not listed"; bad=1; }
	done
	[ $n -gt 5 ] && return $bad
}

# mask_off FILE CPUS
mask_off() {
	read_first "$1" && mask_list "$REPLY" && apart "$REPLY" "$2"
}

# born_in SLICE: the CPUs that a new process gets there
born_in() {
	systemd-run --quiet --wait --pipe --slice="$1" sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status
}

# fences_hold CPUS [LEVEL]: no group beside a VM's may use these CPUs; at fenced systemd knows
fences_hold() {
	local bad=0 level=${2:-fenced}
	fences=0
	fences_below /sys/fs/cgroup "$1"
	[ $fences -ge 2 ] || { echo "only $fences groups were looked at"; return 1; }
	return $bad
}
# fences_below GROUP CPUS: of the groups in this one; adds to $fences and $bad
fences_below() {
	local group unit got
	for group in "$1"/*/; do
		group=${group%/}
		grep -qx 'populated 1' "$group/cgroup.events" || continue
		if has_claim "$group" "$2"; then
			# the VM's own unit ends the way down
			[[ $group != *.slice ]] || fences_below "$group" "$2"
			continue
		fi
		read_first "$group/cpuset.cpus.effective"
		both "$REPLY" "$2"
		[ -z "$REPLY" ] || { echo "$group may use $REPLY"; bad=1; }
		fences=$((fences + 1))
		# beside a partition no group needs a fence, nor does that of another isolated VM
		[ "$level" = fenced ] || continue
		[ -z "$(cat "$group"/*/cpuset.cpus.partition 2>/dev/null | grep -x isolated)" ] || continue
		unit=${group##*/}
		case $unit in *.slice | *.scope | *.service) ;; *) continue ;; esac
		got=$(systemctl show -p AllowedCPUs --value "$unit")
		both "${got// /,}" "$2"
		if [ -z "$got" ] || [ -n "$REPLY" ]; then
			echo "$unit: AllowedCPUs='$got'"
			bad=1
		fi
	done
}

# has_claim GROUP CPUS: is it the group of the VM whose vCPUs have these CPUs?
has_claim() {
	local t
	while read -r t; do
		read_first "/proc/$t/comm"
		[[ $REPLY = CPU\ * ]] || continue
		allowed_of "$t"
		both "$REPLY" "$2"
		[ -z "$REPLY" ] || return 0
	done < <(find "$1" -name cgroup.threads -exec cat {} + 2>/dev/null)
	return 1
}

# helpers_off VMID CPUS: QEMU's other threads
helpers_off() {
	local tid bad=0
	threads_of "$1"
	for tid in "${tids[@]}"; do
		[[ ${names[tid]} != CPU\ * ]] || continue
		allowed_of "$tid"
		[ -n "$REPLY" ] || continue
		both "$REPLY" "$2"
		[ -z "$REPLY" ] || { echo "$tid ${names[tid]} may run on $REPLY"; bad=1; }
	done
	return $bad
}

# proves VMID LEVEL APPLY.json [WHEN]: all of it
proves() {
	local vmid=$1 level=$2 json=$3 when=${4:+ $4} claim group own
	claim_of "$vmid"
	claim=$REPLY own=("${vcpu_tid[@]}")
	group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/${own[0]}/cgroup")
	assert "$vmid$when: every vCPU has one CPU, siblings on siblings ($claim)" each_has_one "$vmid"
	assert "$vmid$when: QEMU's other threads are elsewhere" helpers_off "$vmid" "$claim"
	assert "$vmid$when: no other thread that can be moved may run there" nobody_on "$claim" "${own[@]}"
	assert "$vmid$when: no interrupt that can be moved comes there" interrupts_off "$claim" "$json"
	assert "$vmid$when: nor will a new one" mask_off /proc/irq/default_smp_affinity "$claim"
	assert "$vmid$when: nor unbound kernel work" mask_off /sys/devices/virtual/workqueue/cpumask "$claim"
	assert "$vmid$when: nor any group" fences_hold "$claim" "$level"
	assert "$vmid$when: nor a new process" apart "$(born_in system.slice)" "$claim"
	if [ "$level" = isolated ]; then
		assert_eq "$vmid$when: the partition is isolated" "$(cat "$group/cpuset.cpus.partition")" isolated
		assert "$vmid$when: its CPUs are the vCPUs'" same_cpus "$(cat "$group/cpuset.cpus.effective")" "$claim"
		assert "$vmid$when: the root has them no more" apart "$(cat /sys/fs/cgroup/cpuset.cpus.effective)" "$claim"
		assert "$vmid$when: the root says they are isolated" within "$claim" "$(cat /sys/fs/cgroup/cpuset.cpus.isolated)"
		assert_eq "$vmid$when: the vCPU threads are in it" "$(sort -n "$group/cgroup.threads" | xargs)" "$(printf '%s\n' "${own[@]}" | sort -n | xargs)"
	else
		assert "$vmid$when: there is no partition" test -z "$(find "$group" -name cpuset.cpus.partition -exec grep -Lsx member {} +)"
	fi
}

# ---- the build that dies on demand ----------------------------------------------------------------------------

# killed FAULT ARG...: must die of it
killed() {
	WIDEBERTH_FAULT=$1 wideberth-fault "${@:2}" >/out/killed.txt 2>&1
	[ $? = 137 ] || { cat /out/killed.txt; return 1; }
}

# choose MAX: a point 1…MAX, before or after it
choose() {
	local when=(before after)
	REPLY=kill-${when[RANDOM % 2]}:$((RANDOM % $1 + 1))
}

# ---- interference by plain reads --------------------------------------------------------------------------------

# waited VMID: RAN-ns WAITED-ns INVOLUNTARY of its vCPUs since they began, and the time in us
waited() {
	local t key value ran=0 wait=0 n=0 now=${EPOCHREALTIME/[.,]/}
	threads_of "$1"
	for t in "${vcpu_tid[@]}"; do
		read_first "/proc/$t/schedstat"
		# shellcheck disable=SC2086
		set -- $REPLY
		ran=$((ran + $1)) wait=$((wait + $2))
		while read -r key value; do
			[ "$key" != nonvoluntary_ctxt_switches: ] || n=$((n + value))
		done <"/proc/$t/status"
	done
	REPLY="$ran $wait $n $now"
}

# ---- calm -------------------------------------------------------------------------------------------------------

# All that is busy slows the lab, and no assertion about settings needs it busy.
noise_pause() { systemctl kill --signal=STOP noise-system noise-disk noise-net noise-user.scope; }
noise_resume() { systemctl kill --signal=CONT noise-system noise-disk noise-net noise-user.scope; }

# one_line FILE: is there one line in it, and does it say who speaks?
one_line() {
	[ "$(grep -c . "$1")" = 1 ] && grep -q '^wideberth: ' "$1" || { cat "$1"; return 1; }
}

# timed COMMAND...: says how long it took
timed() {
	local start=$EPOCHREALTIME rc=0
	"$@" || rc=$?
	awk -v a="$start" -v b="$EPOCHREALTIME" -v what="$(printf '%.60s' "$*")" 'BEGIN { printf "# %.1f s: %s\n", b - a, what }' >&2
	return $rc
}
