# shellcheck shell=bash
# shellcheck disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# What happens on a made-up host (tests/machine/root.h): a directory $root in which threads, groups and interrupts are files.
# None of this is the program's own code: its judges must not share its mistakes.

# thread PID TID COMM GROUP [CPUS]: a new thread; without CPUS the mask that a child has: its group's
thread() {
	local pid=$1 tid=$2 comm=$3 group=$4 cpus=${5:-} dir=$root/proc/$1/task/$2 up=/$4 file
	while [ -z "$cpus" ]; do
		file=$root/sys/fs/cgroup$up/cpuset.cpus.effective
		[ ! -e "$file" ] || cpus=$(<"$file")
		[ "$up" ] || break
		up=${up%/*}
	done
	mkdir -p "$dir"
	printf '%s (%s) S 1 %s %s 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 9 0 %s 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0\n' \
		"$tid" "$comm" "$pid" "$pid" "$((1000 + tid))" >"$dir/stat"
	printf 'Name:\t%s\nTgid:\t%s\nPid:\t%s\nUid:\t0\t0\t0\t0\nCpus_allowed:\t%s\nCpus_allowed_list:\t%s\nMems_allowed_list:\t0-1\n' \
		"$comm" "$pid" "$tid" "$(mask_of "$cpus")" "$cpus" >"$dir/status"
	echo "0::/$group" >"$dir/cgroup"
	[ "$pid" != "$tid" ] || cp "$dir/stat" "$dir/status" "$dir/cgroup" "$root/proc/$pid/"
	echo "$tid" >>"$root/sys/fs/cgroup/$group/cgroup.threads"
	[ "$pid" != "$tid" ] || echo "$pid" >>"$root/sys/fs/cgroup/$group/cgroup.procs"
}

# mask_of LIST: as the kernel writes a mask of 24 CPUs
mask_of() {
	local part mask=0 i
	for part in ${1//,/ }; do
		for ((i = ${part%-*}; i <= ${part#*-}; i++)); do
			mask=$((mask | 1 << i))
		done
	done
	printf '%06x' $mask
}

# beside PID GROUP: a process that serves a VM in the VM's group
beside() {
	thread "$1" "$1" virtiofsd "$2"
	printf '/usr/libexec/virtiofsd\0--socket-path=/run/vm.sock\0' >"$root/proc/$1/cmdline"
}

# vm PID NAME VCPUS SCOPE: a third VM
vm() {
	local pid=$1 name=$2 n=$3 scope=$4 i dir
	dir=$root/sys/fs/cgroup/qemu.slice/$scope
	if [ ! -d "$dir" ]; then
		mkdir -p "$dir"
		for i in "$root"/sys/fs/cgroup/qemu.slice/101.scope/c*; do
			case $i in
			*/cgroup.threads | */cgroup.procs) : >"$dir/${i##*/}" ;;
			*) cp "$i" "$dir/" ;;
			esac
		done
	fi
	thread "$pid" "$pid" qemu-system-x86 "qemu.slice/$scope"
	thread "$pid" $((pid + 1)) call_rcu "qemu.slice/$scope"
	for ((i = 0; i < n; i++)); do
		thread "$pid" $((pid + 3 + i)) "CPU $i/KVM" "qemu.slice/$scope"
	done
	printf '%s\0' /usr/bin/qemu-system-x86_64 -name "guest=$name,debug-threads=on" -accel kvm -smp "$n" -m 1024 \
		>"$root/proc/$pid/cmdline"
}

# restart PID: the process is another one with the same number: it started later, and its threads have their group's mask
restart() {
	local file
	for file in "$root/proc/$1/stat" "$root/proc/$1"/task/*/stat; do
		awk '{ i = match($0, /\) [A-Z] /); head = substr($0, 1, i); $0 = substr($0, i + 2); $20 += 500000; print head " " $0 }' \
			"$file" >"$tmp/stat" && cat "$tmp/stat" >"$file"
	done
}

# rename_vm PID FROM TO
rename_vm() {
	local file=$root/proc/$1/cmdline
	LC_ALL=C sed "s/guest=$2/guest=$3/" "$file" >"$tmp/cmdline" && cat "$tmp/cmdline" >"$file"
}
