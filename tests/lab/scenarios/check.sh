#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.12 bookworm mini 600 -- clean hog iothread clone lost
# soak: 6.12 bookworm mini 900
#
# The stories of people whose VMs are slow, made one by one: check names the cause first, and its commands, run as
# they are printed, make the finding go away, by the kernel's own files and by check. All of them without a name:
#	tests/lab/run --topology mini --multi --timeout 900 --with STAGE tests/lab/scenarios/check.sh [STORY...]
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
cg=/sys/fs/cgroup

# The lab is slow: a flood of packets makes some hundred interrupts a second. migratepages is of a package that it lacks.
mkdir -p /etc/wideberth
printf '[check]\ninterrupts-per-second = 50\n' >/etc/wideberth/wideberth.conf
command -v migratepages >/dev/null || {
	cat >/usr/local/bin/migratepages <<-'END'
	#!/usr/bin/perl
	# PID FROM TO: migrate_pages(2)
	my ($pid, $from, $to) = @ARGV;
	my ($a, $b) = (pack("Q", 1 << $from), pack("Q", 1 << $to));
	exit(syscall(256, $pid + 0, 64, $a, $b) < 0 ? 1 : 0);
	END
	chmod +x /usr/local/bin/migratepages
}
systemctl stop irqbalance

# roots FILE: root causes, in order; that the lab's VMs are emulated is true, and not the story
roots() { jq -r '.findings[].id' "$1" | grep -vx no-kvm; }

# story NAME RULES SECONDS PLAIN...: check names one of RULES (with | between) first; its commands make it go away, and
# PLAIN, which reads the kernel's files, true.
story() {
	local name=$1 rules=$2 seconds=$3 id
	shift 3
	assert "$name: it is so" fails "$@"
	wideberth --json check --seconds "$seconds" >"/out/$name.json"
	assert "$name: the cause comes first" first_is "$rules" "/out/$name.json"
	id=$(roots "/out/$name.json" | grep -xE "$rules" | head -n 1)
	jq -r --arg id "$id" '.findings[] | select(.id == $id) | .commands[]' "/out/$name.json" >"/out/$name.commands"
	assert "$name: it says what to do" test -s "/out/$name.commands"
	assert "$name: its commands work" bash -e "/out/$name.commands"
	[ "${settle:-0}" = 0 ] || wait_until "$settle" "$@" >/dev/null
	assert "$name: and it is so no more" "$@"
	wideberth --json check --seconds "$seconds" >"/out/$name.after.json"
	assert "$name: check says so" is_gone "$rules" "/out/$name.after.json"
}
fails() { ! "$@"; }
first_is() {
	roots "$2" | head -n 1 | grep -qxE "$1" && return
	jq -r '.findings[] | .severity + " " + .id + " " + (.vm // "host") + ": " + .summary, (.consequences[] | "   " + .id + " " + .summary)' "$2"
	return 1
}
is_gone() {
	jq -r '.findings[] | (., .consequences[]) | select(.severity != "info") | .id + ": " + .summary' "$2" >/tmp/left
	! grep -E "^($1): " /tmp/left
}

# ---- what plain files say

# each LIST: its CPUs, a line each
each() {
	local part
	for part in ${1//,/ }; do seq "${part%-*}" "${part#*-}"; done
}
# off LIST OTHER...: no CPU of it is in the others
off() {
	local list=$1 other
	shift
	for other; do
		! grep -qxF "$(each "$list")" <(each "$other") || { echo "$other has some of $list"; return 1; }
	done
}
# threads_off LIST TID...
threads_off() {
	local list=$1 tid
	shift
	for tid; do off "$list" "$(allowed "$tid")" || return; done
}
net_irqs() { awk '$NF ~ /^virtio2/ { sub(":", "", $1); print $1 }' /proc/interrupts; }
# irqs_off LIST: the network's interrupts
irqs_off() {
	local irq
	for irq in $(net_irqs); do off "$1" "$(cat "/proc/irq/$irq/effective_affinity_list")" || return; done
}
# masks VMID: of its vCPUs, a line each
masks() {
	local tid
	for tid in $(vcpu_tids "$1"); do allowed "$tid"; done
}
# one_each VMID N: its vCPUs have N CPUs together, one each
one_each() { [ "$(masks "$1" | sort -u | grep -cx '[0-9]*')" = "$2" ]; }
# apart VMID VMID: no CPU of both; cores_apart: no core
apart() { off "$(masks "$1" | paste -sd,)" "$(masks "$2" | paste -sd,)"; }
cores_of() {
	local cpu
	for cpu in $(masks "$1"); do cat "/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list"; done | paste -sd,
}
cores_apart() { off "$(cores_of "$1")" "$(cores_of "$2")"; }
group_off() { off "$1" "$(cat "$cg/$2/cpuset.cpus.effective")"; }
# systemd takes the controller from a group where nobody needs it any more, and the file with it
no_limit() {
	local limit
	limit=$(cut -d' ' -f1 "$cg/$1/cpu.max" 2>/dev/null) || [ -d "$cg/$1" ] || return
	[ "${limit:-max}" = max ]
}
# usual TID...: SCHED_OTHER, by field 41 of stat
usual() {
	local tid
	for tid; do [ "$(sed 's/.*) //' "/proc/$tid/task/$tid/stat" | cut -d' ' -f39)" = 0 ] || return; done
}
# mostly_on NODE VMID: of the guest's memory, by numa_maps
mostly_on() {
	awk -v node="$1" '/anon=/ { for (i = 1; i <= NF; i++) if (split($i, a, "=") == 2 && a[1] ~ /^N[0-9]+$/) n[substr(a[1], 2)] += a[2] }
		END { for (i in n) if (i != node && n[i] > n[node]) exit 1 }' "/proc/$(vm_pid "$2")/numa_maps"
}
free_huge() { [ "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" -ge "$1" ]; }
is_isolated() { [ -n "$(cat $cg/cpuset.cpus.isolated)" ]; }
is_valid() { ! grep invalid "$1"; }

# ---- making them

# pin VMID CPU...: a vCPU on each; helpers VMID CPUS: all its other threads
pin() {
	local tid
	local -a on=("${@:2}")
	for tid in $(vcpu_tids "$1"); do
		taskset -pc "${on[0]}" "$tid" >/dev/null
		on=("${on[@]:1}")
	done
}
others() { vm_threads "$1" | grep -v ' CPU [0-9]*/' | cut -d' ' -f1; }
io_threads() { vm_threads "$1" | sed -n 's/ IO io0$//p'; }
helpers() {
	local tid
	for tid in $(others "$1"); do taskset -pc "$2" "$tid" >/dev/null; done
}
# well VMID CPU...: pinned as it should be
well() {
	pin "$@"
	helpers "$1" 0-1
}
# db01: it runs, pinned well
db01() {
	[ -e /run/qemu-server/100.pid ] || vm_start db01 100 4 1 periodic
	well 100 2 3 4 5
}

story_clean() {
	db01
	wideberth --json check --seconds 0 >/out/clean.json
	# Its memory was touched before it was pinned: some of it is on the other node.
	assert 'a VM that is pinned well: nothing at warning or above but that it is emulated, and where its memory is' same_text \
		"$(jq -r '.findings[] | select(.severity != "info") | .id' /out/clean.json | grep -vxE 'no-kvm|memory-remote')" ''
}

story_interrupts() { # under real network load
	local irq ping
	db01
	for irq in $(net_irqs); do echo 2 >"/proc/irq/$irq/smp_affinity_list"; done
	ping -q -i 0.002 10.0.2.2 >/dev/null &
	ping=$!
	story interrupts 'softirq-hot|irq-hot' 3 irqs_off 2-5
	kill $ping
}

story_hog() {
	local hog
	db01
	taskset -c 3 sh -c 'while :; do :; done' &
	hog=$!
	story hog hog 3 threads_off 2-5 $hog
	kill $hog
}

story_iothread() {
	local tid
	db01
	for tid in $(io_threads 100); do taskset -pc 0-11 "$tid" >/dev/null; done
	# shellcheck disable=SC2046 # numbers
	story iothread iothread-on-vcpus 0 threads_off 2-5 $(io_threads 100)
}

story_emulator() {
	local tid
	db01
	helpers 100 0-11
	for tid in $(io_threads 100); do taskset -pc 0-1 "$tid" >/dev/null; done
	# shellcheck disable=SC2046
	story emulator emulator-on-vcpus 0 threads_off 2-5 $(others 100)
}

story_too_few() {
	db01
	pin 100 2 3 2 3
	story too-few too-few-cpus 0 one_each 100 4
}

story_fifo() {
	db01
	chrt -f -p 1 "$(vcpu_tids 100 | head -n 1)"
	# shellcheck disable=SC2046
	story fifo fifo-vcpus 0 usual $(vcpu_tids 100)
}

story_quota() {
	db01
	systemctl set-property --runtime 100.scope CPUQuota=20%
	sleep 1
	story quota quota 3 no_limit qemu.slice/100.scope
}

story_container() { # that is pinned on top
	local scope=docker-0123456789abcdef.scope
	db01
	systemd-run --quiet --scope --unit="$scope" --slice=system.slice -p Delegate=yes -p AllowedCPUs=3-4 sleep 1000 &
	wait_until 20 systemctl is-active -q "$scope"
	story container container-on-vcpus 0 group_off 2-5 "system.slice/$scope"
	systemctl stop "$scope"
}

story_clone() { # with the same CPUs
	db01
	vm_start clone 101 2 0 sleep
	pin 101 2 4
	helpers 101 0-1
	story clone overlap 0 apart 100 101
	vm_stop 101
}

story_siblings() {
	db01
	vm_start web 101 2 0 sleep
	well 100 2 4 6 8
	pin 101 3 5
	helpers 101 0-1
	story siblings siblings-shared 0 cores_apart 100 101
	vm_stop 101
}

# irqs_may_not LIST: what the network's interrupts may use; one that does not come stays where it came last
irqs_may_not() {
	local irq
	for irq in $(net_irqs); do off "$1" "$(cat "/proc/irq/$irq/smp_affinity_list")" || return; done
}
# irqbalance looks when it starts, and every 10 s: it may move them at once
put_irqs() {
	local irq
	for irq in $(net_irqs); do echo 2 >"/proc/irq/$irq/smp_affinity_list"; done
	! irqs_may_not 2-5
}

story_irqbalance() {
	db01
	systemctl start irqbalance
	wait_until 20 pidof irqbalance
	wait_until 20 put_irqs
	settle=60 story irqbalance irqbalance 0 irqs_may_not 2-5
	systemctl stop irqbalance
}

# replace ARGUMENT...: db01 anew, with these arguments, pinned well
replace() {
	[ ! -e /run/qemu-server/100.pid ] || vm_stop 100
	# shellcheck disable=SC2034 # lib.sh uses it
	vm_extra=("$@")
	vm_start db01 100 4 1 sleep
	vm_extra=()
	well 100 2 3 4 5
}

story_memory() { # on the other node
	replace -object 'memory-backend-ram,id=m0,size=64M,host-nodes=1,policy=bind,prealloc=on' -machine memory-backend=m0
	story memory memory-remote 0 mostly_on 0 100
	vm_stop 100
}

# The lab has no node without memory, and the kernel takes none away: the file that says how much it has is covered by another.
story_memoryless() {
	local meminfo=/sys/devices/system/node/node1/meminfo
	db01
	well 100 6 7 8 9
	sed -E 's/(Mem[A-Za-z]*:) .*/\1 0 kB/' $meminfo >/tmp/meminfo
	mount --bind /tmp/meminfo $meminfo
	# shellcheck disable=SC2046
	story memoryless memoryless-node 0 threads_off "$(cat /sys/devices/system/node/node1/cpulist)" $(vcpu_tids 100)
	umount $meminfo
}

story_hugepages() { # that are not there
	echo 8 >/proc/sys/vm/nr_hugepages
	mountpoint -q /dev/hugepages || mount -t hugetlbfs none /dev/hugepages
	replace -object 'memory-backend-file,id=m0,size=64M,mem-path=/dev/hugepages,reserve=off' -machine memory-backend=m0
	# 64 MiB in pages of 2: what it has not taken yet is free
	story hugepages hugepages-short 0 free_huge 24
	vm_stop 100
	echo 0 >/proc/sys/vm/nr_hugepages
}

story_lost() { # by a daemon-reload, because the scope delegates nothing any more
	replace
	wideberth apply --vm 100 >/out/apply.txt 2>&1
	assert 'lost: it was isolated' is_isolated
	rm -rf /run/systemd/system/100.scope.d
	systemctl daemon-reload
	sleep 1
	story lost 'isolation-lost|partition-invalid' 0 is_isolated
	wideberth undo --all >/dev/null
	vm_stop 100
}

# partition NAME CPUS: isolated CPUs, as isolcpus= gives
partition() {
	echo +cpuset >$cg/cgroup.subtree_control
	mkdir "$cg/$1"
	echo "$2" >"$cg/$1/cpuset.cpus"
	echo isolated >"$cg/$1/cpuset.cpus.partition"
	assert "$1 is a partition" grep -x isolated "$cg/$1/cpuset.cpus.partition"
}

story_stacked() { # vCPUs that float over isolated CPUs
	local pid
	replace
	partition iso 6-9
	pid=$(vm_pid 100)
	echo "$pid" >$cg/iso/cgroup.procs
	taskset -apc 6-9 "$pid" >/dev/null
	story stacked stacked-vcpus 0 one_each 100 4
	kill -9 "$pid"
	wait_until 10 vm_gone "$pid"
	vm_stop 100
	rmdir $cg/iso
}

story_partition() { # that became invalid
	partition iso 6-9
	mkdir $cg/beside
	echo 6-7 >$cg/beside/cpuset.cpus
	story partition partition-invalid 0 is_valid $cg/iso/cpuset.cpus.partition
	rmdir $cg/beside $cg/iso
}

all=(clean interrupts hog iothread emulator too_few fifo quota container clone siblings irqbalance memory memoryless
	hugepages lost stacked partition)
[ $# != 0 ] || set -- "${all[@]}"
for name; do "story_$name"; done
finish
