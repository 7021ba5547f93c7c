#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# VMs with more threads than QEMU's own: vhost workers (kernel threads before 6.4) and, where the lab's CPU can virtualise,
# KVM's kvm-pit and kvm-nx-lpage-recovery. apply keeps them off the vCPUs' CPUs, and undo gives them back.
# lab: 6.12 trixie mini 300
# soak: 6.1 bookworm mini 300
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

level=isolated
[ "$LAB_KERNEL" != 6.1 ] || level=fenced
systemctl stop irqbalance
modprobe vhost_net
ip tuntap add tap0 mode tap multi_queue
# shellcheck disable=SC2054
vm_extra=(-netdev tap,id=net0,ifname=tap0,script=no,downscript=no,vhost=on,queues=2 -device virtio-net-pci,netdev=net0,mq=on)
vm_start web 100 4 1 sleep
vm_extra=()
others=vhost
if grep -q ' svm ' /proc/cpuinfo; then
	LAB_ACCEL=kvm vm_start rt 101 2 1 sleep
	others='vhost kvm'
fi

# tids_of ROLE: of all VMs
tids_of() { wideberth --json vms | jq -r --arg role "$1" '.vms[].threads[] | select(.role == $role) | .tid'; }
has_them() { for role in $others; do [ "$(tids_of "$role" | wc -l)" = 2 ] || return 1; done; }
assert "there are two $others threads" wait_until 20 has_them
sleep 1
dump_state /out/a

# each_is_off CPUS ROLE: judged by the kernel's files
each_is_off() {
	local t n=0
	for t in $(tids_of "$2"); do
		allowed_of "$t"
		apart "$1" "$REPLY" || { echo "thread $t ($(cat "/proc/$t/comm")) may run on $REPLY"; return 1; }
		n=$((n + 1))
	done
	[ $n = 2 ] || { echo "$n threads were looked at"; return 1; }
}

assert_rc 'apply works' 0 timed eval 'wideberth --json apply --vm web >/out/apply.json'
proves 100 $level /out/apply.json
claim_of 100
for role in $others; do assert "the $role threads are off CPUs $REPLY" each_is_off "$REPLY" "$role"; done
if [[ $others = *kvm* ]]; then
	assert_rc 'apply works for a guest of KVM' 0 timed eval 'wideberth --json apply --vm rt >/out/apply.json'
	vcpu_tid=()
	claim_of 101
	assert "its kernel threads are off CPUs $REPLY" each_is_off "$REPLY" kvm
	assert "nobody else may run there" nobody_on "$REPLY" "${vcpu_tid[@]}"
fi
assert_rc 'status agrees' 0 wideberth status
assert_rc 'undo works' 0 timed wideberth undo --all
dump_state /out/b
assert 'all is as it was' dump_same /out/a /out/b
assert_eq 'nothing crashed' "$(crashes)" ''
finish
