#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Threads that come and go, kernel threads that serve a VM, policies and times of threads, and where a VM's memory is:
# vms says what the kernel and QEMU say.
# lab: 6.12 trixie mini 400
# soak: 6.1 bookworm mini 400
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh

all=/tmp/vms.json
vms_json() { wideberth --json vms "$@" >$all; }
of() { jq -r --arg id "$1" ".vms[] | select(.id == \$id) | $2" $all; }
# comms PID PATTERN: TIDs whose name matches
comms() { grep -lE "$2" /proc/"$1"/task/*/comm 2>/dev/null | sed 's,.*/task/\([0-9]*\)/comm,\1,'; }
roles() { of "$1" ".threads[] | select(.tid == $2) | .role"; }

echo 16 >/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
echo '# huge pages of node 1:' "$(cat /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages)"
modprobe vhost_net
ip tuntap add tap0 mode tap multi_queue
truncate -s 4M /tmp/pool.raw /tmp/ring.raw

# shellcheck disable=SC2054
vm_extra=(-netdev tap,id=net0,ifname=tap0,script=no,downscript=no,vhost=on,queues=2
	-device virtio-net-pci,netdev=net0,mq=on
	-drive file=/tmp/pool.raw,if=none,id=pool,format=raw,aio=threads
	-drive file=/tmp/ring.raw,if=none,id=ring,format=raw,aio=io_uring)
vm_start web 100 2 1 sleep
# shellcheck disable=SC2054
vm_extra=(-object memory-backend-ram,id=ram,size=64M,host-nodes=1,policy=bind,prealloc=on -machine memory-backend=ram)
vm_start bound 101 1 0 sleep
# shellcheck disable=SC2054
vm_extra=(-object memory-backend-memfd,id=ram,size=16M,hugetlb=on,hugetlbsize=2M,prealloc=on -machine memory-backend=ram -m 16)
vm_start huge 102 1 0 sleep
# shellcheck disable=SC2034 # lib.sh does
vm_extra=()
pid=$(vm_pid 100)

# ---- vhost: threads of QEMU since 6.4, kernel threads before ----
assert 'vms works' vms_json
vhost=$(pgrep -w "^vhost-$pid" | sort -n)
[ "$vhost" ] || vhost=$(grep -l "^vhost-$pid" /proc/[0-9]*/task/*/comm | sed 's,.*/task/\([0-9]*\)/comm,\1,' | sort -n)
assert_eq 'two vhost workers run' "$(echo "$vhost" | wc -w)" 2
assert_eq 'vms lists them' "$(of 100 '.threads[] | select(.role == "vhost") | .tid' | sort -n)" "$vhost"
for t in $vhost; do
	assert_eq "vhost $t: where it may run" "$(of 100 ".threads[] | select(.tid == $t) | .allowed")" "$(allowed "$t")"
	assert_eq "vhost $t: its cgroup" "/$(of 100 ".threads[] | select(.tid == $t) | .cgroup")" "$(sed -n 's/^0:://p' "/proc/$t/cgroup")"
	echo "# vhost $t is of process $(sed -n 's/^Tgid:\t//p' "/proc/$t/status"), VM $pid"
done

# ---- threads that come later ----
monitor() { vm_qmp 100 human-monitor-command "{\"command-line\":\"$1\"}"; }
monitor 'object_add iothread,id=late' >/dev/null
vms_json
late=$(vm_qmp 100 query-iothreads | jq '.return[] | select(.id == "late") | ."thread-id"')
assert_eq 'an I/O thread that was plugged in' "$(of 100 '.threads[] | select(.id == "late") | .tid')" "$late"
monitor 'object_del late' >/dev/null
wait_until 10 test ! -d "/proc/$pid/task/$late"
vms_json
assert_eq '... and out' "$(of 100 ".threads[] | select(.tid == $late)")" ''

monitor 'qemu-io pool \"aio_read 0 64k\"' >/dev/null
has_thread() { [ "$(comms "$pid" "$1")" ]; }
wait_until 10 has_thread '^worker'
worker=$(comms "$pid" '^worker' | head -n 1)
vms_json
assert 'a thread of the pool appears' test -n "$worker"
assert_eq '... as a worker' "$(roles 100 "${worker:-0}")" worker

monitor 'qemu-io ring \"write 0 64k\"' >/dev/null
monitor 'qemu-io ring flush' >/dev/null
wait_until 10 has_thread '^iou-wrk'
ring=$(comms "$pid" '^iou-wrk' | head -n 1)
vms_json
if [ -n "$ring" ]; then
	assert_eq "a worker of io_uring ($(cat "/proc/$ring/comm" 2>/dev/null))" "$(roles 100 "$ring")" worker
else
	echo '# SKIP io_uring made no worker'
fi

# ---- policy, priority, times ----
cpu0=$(vcpu_tids 100 | head -n 1)
taskset -pc 3 "$cpu0" >/dev/null
chrt -f -p 7 "$cpu0"
read -r run1 wait1 _ <"/proc/$cpu0/schedstat"
vms_json
read -r run2 wait2 _ <"/proc/$cpu0/schedstat"
assert_eq 'policy, priority, CPU' "$(of 100 ".threads[] | select(.tid == $cpu0) | \"\(.policy) \(.priority) \(.allowed)\"")" 'fifo 7 3'
between() { [ "$1" -le "$2" ] && [ "$2" -le "$3" ]; }
assert 'time it ran' between "$run1" "$(of 100 ".threads[] | select(.tid == $cpu0) | .run_ns")" "$run2"
assert 'time it waited' between "$wait1" "$(of 100 ".threads[] | select(.tid == $cpu0) | .wait_ns")" "$wait2"

# ---- memory ----
# kib_on PID NODE: what of the process's anonymous, shared and huge memory is there, by the kernel
kib_on() {
	awk -v node="N$2" '/ anon=| huge | file=\/memfd:| file=\/dev\/shm\// {
		for (i = 3; i <= NF; i++) if (split($i, w, "=") == 2) v[w[1]] = w[2]
		sum += v[node] * v["kernelpagesize_kB"]; delete v } END { print sum + 0 }' "/proc/$1/numa_maps"
}
on_node() { of "$1" "[.memory[]? | select(.node == $2) | .kib] | add // 0"; }
# QEMU takes memory when it likes: judged is a moment at which it did not.
walk() {
	walked=$(for id in 100 101 102; do echo "$(kib_on "$(vm_pid $id)" 0) $(kib_on "$(vm_pid $id)" 1)"; done)
	vms_json --memory
	[ "$walked" = "$(for id in 100 101 102; do echo "$(kib_on "$(vm_pid $id)" 0) $(kib_on "$(vm_pid $id)" 1)"; done)" ]
}
wait_until 60 walk
assert_eq 'memory by node, all three VMs' "$(for id in 100 101 102; do echo "$(on_node $id 0) $(on_node $id 1)"; done)" "$walked"
assert_eq 'walked' "$(jq -r '[.vms[].memory_source] | unique | join(" ")' $all)" numa_maps
assert 'the bound one is on node 1' between 65536 "$(on_node 101 1)" 99999
assert_eq 'its policy' "$(of 101 .memory_policy)" bind:1
assert_eq 'huge pages' "$(of 102 '.memory[].pages[] | select(.size_kib == 2048) | .kib')" 16384
assert_eq '... of the process' "$(of 102 .hugetlb_kib)" 16384
assert_eq 'nodes it may use' "$(of 101 .mems_allowed)" "$(sed -n 's/^Mems_allowed_list:\t//p' "/proc/$(vm_pid 101)/status")"
# What the kernel counts grows as QEMU takes memory, and seconds after that as it adds up what each CPU counted.
by_cgroup() { # the nodes' KiB of the VM 101
	awk '$1 == "anon" || $1 == "shmem" { for (i = 2; i <= 3; i++) { split($i, w, "="); sum[i] += w[2] } }
		END { print sum[2] / 1024, sum[3] / 1024 }' /sys/fs/cgroup/qemu.slice/101.scope/memory.numa_stat
}
count() {
	counted=$(by_cgroup)
	vms_json
	[ "$counted" = "$(by_cgroup)" ]
}
wait_until 60 count
assert_eq 'without --memory: from the cgroup' "$(of 101 .memory_source)" cgroup
assert_eq '... by node, as it counts' "$(on_node 101 0) $(on_node 101 1)" "$counted"
assert_eq 'huge pages are not counted in cgroups: nothing is said' "$(of 102 .memory_source)" null

# ---- a VM that ends while it is looked at ----
for i in 1 2 3; do
	vm_start gone 109 1 0 sleep
	(sleep "0.0$i"; kill -9 "$(vm_pid 109)") &
	assert "a VM killed meanwhile, $i" vms_json
	wait
	vm_stop 109
	assert '... the others are there' test "$(of 101 .vcpus)" = 1
done

# ---- KVM's own threads ----
if [ "$LAB_KERNEL" != 6.1 ]; then
	LAB_ACCEL=kvm vm_start kvm 105 1 0 sleep
	vms_json
	assert_eq 'a KVM guest' "$(of 105 .accel)" kvm
	kvm=$(grep -lE "^kvm-(pit|nx-lpage-re)" /proc/[0-9]*/task/*/comm | sed 's,.*/task/\([0-9]*\)/comm,\1,' | sort -n)
	echo "# KVM's threads:" "$(for t in $kvm; do echo "$t $(cat "/proc/$t/comm");"; done)"
	assert 'KVM has threads for it' test -n "$kvm"
	assert_eq 'vms lists them' "$(of 105 '.threads[] | select(.role == "kvm") | .tid' | sort -n)" "$kvm"
	vm_stop 105
fi
for id in 100 101 102; do vm_stop $id; done
finish
