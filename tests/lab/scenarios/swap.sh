# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.12 bookworm nosmt 400
# soak: 6.12 bookworm nosmt 400
# soak: 7.2 trixie nosmt 400
#
# Two VMs have to swap their L3s to let a third one in: neither has room before the other has gone, and no CPU can be in two
# partitions. Five CPUs of the first socket and six of the second are for VMs.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

echo "# $(uname -r), $LAB_TOPOLOGY"
systemctl stop irqbalance
vm_start small 100 3 0 sleep
vm_start large 101 5 0 sleep
vm_start third 102 3 0 sleep
# shellcheck disable=SC2154 # lib-proof.sh sets it
has_vcpus() { threads_of "$1" && [ ${#vcpu_tid[@]} = "$2" ]; }
for vm in '100 3' '101 5' '102 3'; do
	# shellcheck disable=SC2086 # two words
	wait_until 60 has_vcpus $vm
done
dump_state /out/before
printf '[host]\nhousekeeping = 0-2,8-9\n[vm *]\nisolation = isolated\nmovable = memory\n' >/out/policy
change() { timed eval "wideberth --json apply --policy /out/policy --vm $1 ${*:2} >/out/change.json"; }
on() { claim_of "$1"; within "$REPLY" "$2"; }

# Wherever their memory came to be: one socket is left to each.
assert_rc 'apply small' 0 change small --housekeeping 0-2,8-15
assert_rc 'apply large' 0 change large --housekeeping 0-9
assert 'small is on the first socket' on 100 3-7
assert 'large on the second' on 101 10-15
assert_rc 'the third is refused' 1 change third
assert_eq 'two moves are offered' "$(jq '[.refused[0].alternatives[].move | length] | max' /out/change.json)" 2
assert_rc 'and made' 0 change third --repack
assert_eq 'of both' "$(jq -r '[.moves[].vm] | sort | join(" ")' /out/change.json)" '100 101'
assert 'small is on the second socket' on 100 10-15
assert 'large on the first' on 101 3-7
for vmid in 100 101 102; do
	proves $vmid isolated /out/change.json 'after the swap'
done
assert_rc 'status' 0 wideberth status
assert_rc 'undo' 0 timed wideberth undo --all
dump_state /out/after
assert 'all is as it was' dump_same /out/before /out/after
assert_eq 'nothing crashed' "$(crashes)" ''
finish
