#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A host with containers of all kinds, lists of CPUs that others set, and a domain of libvirt: apply at isolated and at
# fenced keep all of them off the VM's CPUs, status agrees, and undo leaves every list as it was; what the kernel will not
# let it put back (before 7.0 no list of a group with processes is emptied) plan names before, and undo no more than that.
# lab: 7.2 trixie mini 300
# soak: 6.12 trixie mini 300
# soak: 7.2 bookworm mini 300
# soak: 6.1 bookworm mini 300
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-libvirt.sh
. /lab/run/lib-crowd.sh

systemctl stop irqbalance
vm_start db01 100 4 2 sleep
libvirt_start
domain_start web 2
crowd_start 2-5
sleep 1
dump_state /out/a
each_allowed | sed 's/^/# /'

# on LEVEL: apply, all of the proof, and status; then undo
on() {
	local level=$1 claim left rc=0
	shift
	wideberth --json plan --vm db01 "$@" >/out/plan-$level.json
	assert_rc "$level: apply works" 0 timed eval "wideberth --json apply --vm db01 $* >/out/apply-$level.json"
	assert_eq "$level: at that level" "$(jq -r '.vms[0].level' /out/apply-$level.json)" "$level"
	claim_of 100
	claim=$REPLY
	echo "# $level: db01 has $claim, $(jq '.changes | length' /out/apply-$level.json) changes"
	assert "$level: the crowd is off" all_off "$claim"
	proves 100 "$level" "/out/apply-$level.json" "$level"
	assert_rc "$level: status agrees" 0 wideberth status
	undone "$level" "$level" /out/a "/out/plan-$level.json"
	assert_eq "$level: undo leaves just what plan named" "$(jq -r '.stays[].key' "/out/plan-$level.json" | sort)" "$left"
}

[ "$LAB_KERNEL" = 6.1 ] || on isolated
on fenced --isolation fenced
crowd_stop
assert_eq 'nothing crashed' "$(crashes)" ''
finish
