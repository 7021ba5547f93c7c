#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
#
# The stories of people whose VMs are slow, made one by one: check names the cause first, and its commands, run as
# they are printed, make the finding go away. By name, as it takes 240 s of CPU time:
#	tests/lab/run --topology mini --multi --timeout 900 --with STAGE tests/lab/scenarios/check.sh
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

# story NAME RULES SECONDS: check names one of RULES (with | between) first; its commands make it go away
story() {
	local name=$1 rules=$2 seconds=$3 id
	wideberth --json check --seconds "$seconds" >"/out/$name.json"
	assert "$name: the cause comes first" first_is "$rules" "/out/$name.json"
	id=$(roots "/out/$name.json" | grep -xE "$rules" | head -n 1)
	jq -r --arg id "$id" '.findings[] | select(.id == $id) | .commands[]' "/out/$name.json" >"/out/$name.commands"
	assert "$name: it says what to do" test -s "/out/$name.commands"
	assert "$name: its commands work" bash -e "/out/$name.commands"
	[ "${settle:-0}" = 0 ] || sleep "$settle"
	wideberth --json check --seconds "$seconds" >"/out/$name.after.json"
	assert "$name: and it is gone" is_gone "$rules" "/out/$name.after.json"
}
first_is() {
	roots "$2" | head -n 1 | grep -qxE "$1" && return
	jq -r '.findings[] | .severity + " " + .id + " " + (.vm // "host") + ": " + .summary, (.consequences[] | "   " + .id + " " + .summary)' "$2"
	return 1
}
is_gone() {
	jq -r '.findings[] | (., .consequences[]) | select(.severity != "info") | .id + ": " + .summary' "$2" >/tmp/left
	! grep -E "^($1): " /tmp/left
}

# pin VMID CPU...: a vCPU on each; helpers VMID CPUS: all its other threads
pin() {
	local tid
	local -a on=("${@:2}")
	for tid in $(vcpu_tids "$1"); do
		taskset -pc "${on[0]}" "$tid" >/dev/null
		on=("${on[@]:1}")
	done
}
helpers() {
	local tid
	for tid in $(vm_threads "$1" | grep -v ' CPU [0-9]*/' | cut -d' ' -f1); do taskset -pc "$2" "$tid" >/dev/null; done
}
# well VMID CPU...: pinned as it should be
well() {
	pin "$@"
	helpers "$1" 0-1
}
hog() { taskset -c "$1" sh -c 'while :; do :; done' & }

vm_start db01 100 4 1 periodic
well 100 2 3 4 5
wideberth --json check --seconds 0 >/out/clean.json
# Its memory was touched before it was pinned: some of it is on the other node.
assert 'a VM that is pinned well: nothing at warning or above but that it is emulated, and where its memory is' same_text \
	"$(jq -r '.findings[] | select(.severity != "info") | .id' /out/clean.json | grep -vxE 'no-kvm|memory-remote')" ''

# ---- interrupts under real network load
for irq in $(awk '$NF ~ /^virtio2/ { sub(":", "", $1); print $1 }' /proc/interrupts); do
	echo 2 >"/proc/irq/$irq/smp_affinity_list"
done
ping -q -i 0.002 10.0.2.2 >/dev/null &
story interrupts 'softirq-hot|irq-hot' 3
kill %1 2>/dev/null

# ---- a hog on a pinned CPU
hog 3
story hog hog 3
kill %% 2>/dev/null

# ---- an unpinned I/O thread; QEMU's others
helpers 100 0-1
for tid in $(vm_threads 100 | sed -n 's/ IO io0$//p'); do taskset -pc 0-11 "$tid" >/dev/null; done
story iothread iothread-on-vcpus 0
helpers 100 0-11
for tid in $(vm_threads 100 | sed -n 's/ IO io0$//p'); do taskset -pc 0-1 "$tid" >/dev/null; done
story emulator emulator-on-vcpus 0
helpers 100 0-1

# ---- fewer CPUs than vCPUs
pin 100 2 3 2 3
story too-few too-few-cpus 0
well 100 2 3 4 5

# ---- FIFO
chrt -f -p 1 "$(vcpu_tids 100 | head -n 1)"
story fifo fifo-vcpus 0

# ---- a quota
systemctl set-property --runtime 100.scope CPUQuota=20%
sleep 1
story quota quota 3

# ---- a container that is pinned on top
scope=docker-0123456789abcdef.scope
systemd-run --quiet --scope --unit="$scope" --slice=system.slice -p Delegate=yes -p AllowedCPUs=3-4 sleep 1000 &
wait_until 20 systemctl is-active -q "$scope"
story container container-on-vcpus 0
systemctl stop "$scope"

# ---- a clone with the same CPUs; siblings
vm_start clone 101 2 0 sleep
pin 101 2 4
helpers 101 0-1
story clone overlap 0
well 100 2 4 6 8
pin 101 3 5
story siblings siblings-shared 0
vm_stop 101
well 100 2 3 4 5

# ---- irqbalance against the pins
systemctl start irqbalance
wait_until 20 pidof irqbalance
for irq in $(awk '$NF ~ /^virtio2/ { sub(":", "", $1); print $1 }' /proc/interrupts); do
	echo 2 >"/proc/irq/$irq/smp_affinity_list"
done
settle=12 story irqbalance irqbalance 0
systemctl stop irqbalance

# ---- memory on the other node
vm_stop 100
vm_extra=(-object 'memory-backend-ram,id=m0,size=64M,host-nodes=1,policy=bind,prealloc=on' -machine memory-backend=m0)
vm_start db01 100 4 1 sleep
vm_extra=()
well 100 2 3 4 5
story memory memory-remote 0
vm_stop 100

# ---- huge pages that are not there
echo 8 >/proc/sys/vm/nr_hugepages
mountpoint -q /dev/hugepages || mount -t hugetlbfs none /dev/hugepages
vm_extra=(-object 'memory-backend-file,id=m0,size=64M,mem-path=/dev/hugepages,reserve=off' -machine memory-backend=m0)
vm_start db01 100 4 1 sleep
vm_extra=()
well 100 2 3 4 5
story hugepages hugepages-short 0
vm_stop 100
echo 0 >/proc/sys/vm/nr_hugepages

# ---- an isolation that a daemon-reload took, because the scope delegates nothing any more
vm_start db01 100 4 1 sleep
wideberth apply --vm 100 >/out/apply.txt 2>&1
assert_rc 'applied' 0 wideberth status
rm -rf /run/systemd/system/100.scope.d
systemctl daemon-reload
sleep 1
story lost 'isolation-lost|partition-invalid' 0
wideberth undo --all >/dev/null

# ---- vCPUs that float over isolated CPUs; and a partition that became invalid
echo +cpuset >$cg/cgroup.subtree_control
mkdir $cg/iso
echo 6-9 >$cg/iso/cpuset.cpus
echo isolated >$cg/iso/cpuset.cpus.partition
echo "# iso: $(cat $cg/iso/cpuset.cpus.partition)"
pid=$(vm_pid 100)
echo "$pid" >$cg/iso/cgroup.procs
taskset -apc 6-9 "$pid" >/dev/null
story stacked stacked-vcpus 0
vm_stop 100
kill -9 "$pid" 2>/dev/null
wait_until 10 vm_gone "$pid"
mkdir $cg/beside
echo 6-7 >$cg/beside/cpuset.cpus
echo "# iso: $(cat $cg/iso/cpuset.cpus.partition)"
story partition partition-invalid 0
rmdir $cg/beside $cg/iso
finish
