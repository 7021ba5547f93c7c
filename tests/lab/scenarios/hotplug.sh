#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A CPU of the claim goes offline while a VM is applied, and comes back: status says what the kernel made of it, apply finds
# another place, and undo gives everything back, also what was on that CPU alone.
# lab: 6.12 bookworm mini 300
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

systemctl stop irqbalance
vm_start db01 100 4 1 sleep
vm_start noisy 101 2 1 sleep
sleep 1
# an interrupt that is served by the claim's first CPU alone
disk=$(sed -n 's/^ *\([0-9]*\):.*virtio0$/\1/p' /proc/interrupts)
lost=$(wideberth --json plan --vm db01 | jq -r '.vms[0].vcpus[0].cpus')
echo "$lost" >"/proc/irq/$disk/smp_affinity_list"
assert_eq "interrupt $disk is on CPU $lost" "$(cat "/proc/irq/$disk/smp_affinity_list")" "$lost"
dump_state /out/a

switch() { echo "$1" >"/sys/devices/system/cpu/cpu$lost/online"; }
apart_from_claim() { claim_of 100; apart "$REPLY" "$(cat "/proc/irq/$disk/smp_affinity_list")"; }

assert_rc 'apply works' 0 timed eval 'wideberth --json apply --vm db01 >/out/apply.json'
claim_of 100
assert 'the vCPUs are there' within "$lost" "$REPLY"
assert "CPU $lost goes offline" switch 0
assert_rc 'status has something to say' 1 wideberth status
assert_rc 'apply finds another place' 0 timed eval 'wideberth --json apply --vm db01 >/out/apply.json'
proves 100 isolated /out/apply.json "without CPU $lost"
assert "interrupt $disk is elsewhere" apart_from_claim
assert_rc 'status agrees' 0 wideberth status
assert "CPU $lost comes back" switch 1
wideberth status >/out/status.txt
echo "# status: exit $?"
assert_rc 'apply works' 0 timed eval 'wideberth --json apply --vm db01 >/out/apply.json'
proves 100 isolated /out/apply.json "with CPU $lost again"
assert_rc 'status agrees' 0 wideberth status
assert_rc 'undo works' 0 timed wideberth undo --all
dump_state /out/b
assert 'all is as it was' dump_same /out/a /out/b

# ---- undone while it is away ----
assert_rc 'apply works' 0 eval 'wideberth --json apply --vm db01 >/out/apply.json'
assert "CPU $lost goes offline" switch 0
assert_rc "undo cannot put interrupt $disk back to a CPU that is not there" 4 eval 'wideberth --json undo --all >/out/undo.json'
assert 'and says so' jq -e --arg irq "$disk" '.failed[] | select(.knob == "irq.affinity" and .key == $irq)' /out/undo.json
assert "CPU $lost comes back" switch 1
assert_rc 'then undo can' 0 wideberth undo --all
assert_eq "interrupt $disk is where it was" "$(cat "/proc/irq/$disk/smp_affinity_list")" "$lost"
assert_rc 'nothing is left to undo' 0 wideberth status
assert_eq 'nothing crashed' "$(crashes)" ''
finish
