# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.1 bookworm mini 600
# soak: 6.12 bookworm dual 1200
#
# Is the lab what it says it is? Topology, cgroups, interrupts, systemd, irqbalance, VMs whose vCPUs run, noise, and two
# equal dumps. Uses nothing of wideberth.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh

echo "# $(uname -r), $LAB_TOPOLOGY, $(systemctl --version | head -n 1)"

cpu0=/sys/devices/system/cpu/cpu0
assert 'systemd is up' test "$(systemctl is-system-running)" = running
assert 'irqbalance runs and answers on its socket' grep -q BANNED <(printf setup | nc -U -N /run/irqbalance/*.sock)
assert 'cpuset is there to be enabled' grep -qw cpuset /sys/fs/cgroup/cgroup.controllers
case $LAB_TOPOLOGY in
nosmt) assert_eq 'no SMT' "$(cat $cpu0/topology/thread_siblings_list)" 0 ;;
*) assert_eq 'SMT siblings' "$(cat $cpu0/topology/thread_siblings_list)" 0-1 ;;
esac
case $LAB_TOPOLOGY in
dual) l3=0-11 nodes=0-1 ;;
mini) l3=0-5 nodes=0-1 ;;
nosmt) l3=0-7 nodes=0-1 ;;
ryzen) l3=0-11 nodes=0-1 ;;
esac
assert_eq 'L3 domains' "$(cat $cpu0/cache/index3/shared_cpu_list)" "$l3"
assert_eq 'NUMA nodes' "$(cat /sys/devices/system/node/online)" "$nodes"

irq_of() { awk -v name="$1" '$NF == name { sub(":", "", $1); print $1 }' /proc/interrupts; }
systemctl stop irqbalance
assert 'the interrupt of the root disk can be moved' eval "echo 2 >/proc/irq/$(irq_of virtio0)/smp_affinity_list"
assert 'the interrupt of the network can be moved' eval "echo 3 >/proc/irq/$(irq_of virtio2-input.0)/smp_affinity_list"
assert 'a managed interrupt cannot' eval "! echo 2 >/proc/irq/$(irq_of virtio1-req.0)/smp_affinity_list"
systemctl start irqbalance

# VMs
start=$(date +%s)
vm_start db01 100 4 2 periodic
vm_start noisy 101 4 1 spin
echo "# two VMs started in $(($(date +%s) - start)) s"
vm_threads 100 | sed 's/^/# /'
assert_eq 'db01 has 4 vCPU threads' "$(vcpu_tids 100 | wc -l)" 4
assert_eq 'db01 has 2 I/O threads' "$(vm_threads 100 | grep -c ' IO io[01]$')" 2
assert_eq 'it is in a scope of qemu.slice' "$(cut -d: -f3 /proc/"$(vm_pid 100)"/cgroup)" /qemu.slice/100.scope
answer=$(vm_qmp 100 query-cpus-fast)
assert 'QMP names the same threads' same_text "$(jq -r '.return[]."thread-id"' <<<"$answer" | sort -n)" "$(vcpu_tids 100 | sort -n)"
assert_eq 'QMP names the I/O threads' "$(vm_qmp 100 query-iothreads | jq -r '.return[].id' | grep -c '^io[01]$')" 2

noise_start 2
irq_count() { awk -v name="$1" '$NF == name { for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+$/) n += $i; print n }' /proc/interrupts; }
# shellcheck disable=SC2046
before=$(ran_ticks $(vcpu_tids 100) $(vcpu_tids 101) | tr '\n' ' ')
disk=$(irq_count virtio0) net=$(irq_count virtio2-input.0) managed=$(irq_count virtio1-req.0)
sleep 4
# shellcheck disable=SC2046
after=$(ran_ticks $(vcpu_tids 100) $(vcpu_tids 101) | tr '\n' ' ')
echo "# ticks before: $before after: $after"
assert 'every vCPU of both VMs runs' awk -v a="$before" -v b="$after" 'BEGIN {
	n = split(a, x, " "); split(b, y, " "); if (n != 8) exit 1
	for (i = 1; i <= n; i++) if (y[i] <= x[i]) exit 1 }'
assert 'disk interrupts come' test "$(irq_count virtio0)" -gt "$disk"
assert 'network interrupts come' test "$(irq_count virtio2-input.0)" -gt "$net"
assert 'noise runs in user.slice' grep -q . /sys/fs/cgroup/user.slice/noise-user.scope/cgroup.procs
assert 'noise runs in system.slice' grep -q . /sys/fs/cgroup/system.slice/noise-system.service/cgroup.procs
noise_stop
vm_stop 100
assert 'nothing of the VMs is left' test ! -e /sys/fs/cgroup/qemu.slice/100.scope

# Dumps; irqbalance moves interrupts on its own, between two dumps too
systemctl stop irqbalance
vm_start db01 100 4 2 sleep
sleep 2
start=$(date +%s%N)
dump_state /out/a
echo "# a dump takes $((($(date +%s%N) - start) / 1000000)) ms, $(wc -l </out/a) lines"
sleep 2
dump_state /out/b
assert 'two dumps are equal' dump_same /out/a /out/b
taskset -pc 3 "$(vcpu_tids 100 | head -n 1)" >/dev/null
dump_state /out/c
assert 'a changed mask shows in one line' test "$(diff /out/b /out/c | grep -c '^>')" = 1
finish
