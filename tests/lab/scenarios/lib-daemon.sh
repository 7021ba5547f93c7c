# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
#
# What scenarios of the daemon assert about a VM of theirs at any moment, by its process, from the kernel's files. Its monitor is
# not asked: that serves one at a time, and the daemon asks it too. Needs lib.sh and lib-proof.sh.

[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }

# vcpus_of_pid PID: the tids of its vCPUs
vcpus_of_pid() {
	local t list=''
	for t in "/proc/$1/task"/*; do
		read_first "$t/comm" || continue
		[[ $REPLY != CPU\ * ]] || list+=" ${t##*/}"
	done
	REPLY=${list# }
}

# isolated_pid PID [VCPUS]: every vCPU (so many) is alone on a CPU, all in one live isolated partition of whole cores, of which
# each has one of them, and no other thread of the process is allowed there
isolated_pid() {
	local pid=$1 t group last='' claim='' cores='' seen=' ' vcpus
	vcpus_of_pid "$pid"
	vcpus=$REPLY
	[ "$(wc -w <<<"$vcpus")" -ge "${2:-1}" ] || { echo "process $pid: vCPUs '$vcpus', not ${2:-1}"; return 1; }
	for t in $vcpus; do
		allowed_of "$t"
		[[ $REPLY =~ ^[0-9]+$ && $seen != *" $REPLY "* ]] || { echo "vCPU thread $t: '$REPLY', others:$seen"; return 1; }
		seen+="$REPLY "
		read_first "/sys/devices/system/cpu/cpu$REPLY/topology/thread_siblings_list"
		cores+=,$REPLY
		group=$(sed -n 's/^0:://p' "/proc/$t/cgroup")
		[ -z "$last" ] || [ "$last" = "$group" ] || { echo "vCPU thread $t in $group, others in $last"; return 1; }
		last=$group
	done
	read_first "/sys/fs/cgroup$group/cpuset.cpus.partition"
	[ "$REPLY" = isolated ] || { echo "$group: '$REPLY'"; return 1; }
	claim=$(cat "/sys/fs/cgroup$group/cpuset.cpus.effective")
	same_cpus "$claim" "${cores#,}" || return
	for t in "/proc/$pid/task"/*; do
		[[ " $vcpus " != *" ${t##*/} "* ]] || continue
		allowed_of "${t##*/}" || continue
		apart "$REPLY" "$claim" || { echo "thread ${t##*/} of process $pid: $REPLY"; return 1; }
	done
}
# isolated_now VMID [VCPUS]: the same of a VM of vm_start
isolated_now() {
	read_first "/run/qemu-server/$1.pid" || { echo "$1 has no pid file"; return 1; }
	isolated_pid "$REPLY" "${@:2}"
}

# waited_for SECONDS COMMAND...: says how long it took; else what it was that failed last, and what the daemon did meanwhile
waited_for() {
	local start=$EPOCHREALTIME end=$((SECONDS + $1)) rc=0
	shift
	until "$@" >/tmp/why 2>&1; do
		[ $SECONDS -lt $end ] || { cat /tmp/why; journalctl -u wideberth -o cat -n 30; rc=1; break; }
		sleep 0.1
	done
	awk -v a="$start" -v b="$EPOCHREALTIME" -v what="$*" 'BEGIN { printf "# %.2f s: %s\n", b - a, what }' >>/out/times.txt
	return $rc
}
# times_told: how long it took each time
times_told() { sed 's/^/  /; s/^  #/#/' /out/times.txt; }

# told WORD: the events have it
told() { wideberth events | grep -q "$1" || { wideberth events; return 1; }; }

# kill9 VMID: as the kernel does when there is no memory left
kill9() {
	local pid
	pid=$(vm_pid "$1")
	kill -9 "$pid"
	wait_until 10 vm_gone "$pid"
	rm -f "/run/qemu-server/$1.pid"
	wait_until 10 test ! -d "/sys/fs/cgroup/qemu.slice/$1.scope"
}

# no_partition: nobody has one
no_partition() { same_text "$(find /sys/fs/cgroup -name cpuset.cpus.partition -exec grep -lE '^(isolated|root)' {} +)" ''; }
