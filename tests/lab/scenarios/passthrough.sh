#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# PCI devices given to VMs by vfio: vms and show say what sysfs and /proc/interrupts say, and apply keeps the interrupts of a
# device off the CPUs of a VM that it does not belong to.
# lab: 6.12 bookworm iommu
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

here=0000:00:1e.0 far=0000:41:00.0
all=/tmp/vms.json
vms_json() { wideberth --json vms >$all; }
device() { jq -r --arg id "$1" ".vms[] | select(.id == \$id) | .devices[0] | $2" $all; }
# irq_of KIND ADDRESS: the number of the interrupt that vfio asked for
irq_of() { awk -v a="vfio-$1($2)" 'substr($0, length($0) - length(a) + 1) == a { sub(":", "", $1); print $1 }' /proc/interrupts; }
fact() { cat "/sys/bus/pci/devices/$1/$2"; }
has_irq() { [ "$(irq_of "$1" "$2")" ]; }

modprobe vfio-pci
for d in $here $far; do
	echo vfio-pci >/sys/bus/pci/devices/$d/driver_override
	echo $d >/sys/bus/pci/drivers_probe
	assert_eq "$d is vfio's" "$(basename "$(readlink /sys/bus/pci/devices/$d/driver)")" vfio-pci
done

# The guest has a driver for a device at 1d.0: it turns on its MSI. Elsewhere the device stays as it was, with INTx.
# shellcheck disable=SC2054
vm_extra=(-device vfio-pci,host=$far,id=hostpci0,addr=1d.0)
vm_start gpu 100 2 0 sleep
# shellcheck disable=SC2054,SC2034
vm_extra=(-device vfio-pci,host=$here,addr=5.0)
vm_start nic 101 2 0 sleep
assert 'the guest turns on an MSI' wait_until 20 has_irq 'msi[0]' $far
assert 'the other device has an old interrupt' has_irq intx $here

# ---- vms ----
assert 'vms works' vms_json
assert_eq 'the device of 100' "$(device 100 .address)" $far
assert_eq '... its node' "$(device 100 .node)" "$(fact $far numa_node)"
assert_eq '... which is 1' "$(device 100 .node)" 1
assert_eq '... its interrupt' "$(device 100 '.irqs[] | "\(.irq) \(.kind) \(.vector)"')" "$(irq_of 'msi[0]' $far) msi 0"
assert_eq 'the device of 101' "$(device 101 .address)" $here
assert_eq '... its node: the board does not say' "$(fact $here numa_node) $(device 101 .node)" '-1 null'
assert_eq '... its interrupt' "$(device 101 '.irqs[] | "\(.irq) \(.kind) \(.vector)"')" "$(irq_of intx $here) intx 0"
assert_eq 'both VMs have no thread without a role' "$(jq '[.vms[].threads[] | select(.role == null)] | length' $all)" 0
assert_eq 'the memory that the device may reach is locked' "$(jq '.vms[] | select(.id == "100") | .locked_kib' $all)" \
	"$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(vm_pid 100)/status")"
assert 'which is all of it' test "$(jq '.vms[] | select(.id == "100") | .locked_kib' $all)" -ge 65536

# ---- apply: the devices' interrupts too go elsewhere, and come back ----
systemctl stop irqbalance
irqs="$(irq_of 'msi[0]' $far) $(irq_of intx $here)"
masks() { for i in $irqs; do cat "/proc/irq/$i/smp_affinity_list"; done; }
before=$(masks)
wideberth --json apply --vm gpu >/out/apply.json
assert_eq 'apply works' "$?" 0
proves 100 isolated /out/apply.json
claim_of 100
claim=$REPLY
for i in $irqs; do
	assert "interrupt $i is off CPUs $claim" apart "$claim" "$(cat "/proc/irq/$i/smp_affinity_list")"
	assert "... and so is where it goes" apart "$claim" "$(cat "/proc/irq/$i/effective_affinity_list")"
done
assert_rc 'undo works' 0 wideberth undo --all
assert_eq 'the interrupts may go where they could' "$(masks)" "$before"
assert_eq 'nothing crashed' "$(crashes)" ''
finish
