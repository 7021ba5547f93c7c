# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 7.2 trixie mini 400
#
# Two VMs come and go, in both orders, and one ends while it is applied. The other one stays whole.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

echo "# $(uname -r), $LAB_TOPOLOGY"
systemctl stop irqbalance
vm_start db02 102 2 1 sleep
sleep 1
dump_state /out/only2
vm_start db01 100 4 2 sleep
sleep 1
dump_state /out/both

disjoint() { claim_of 100; local a=$REPLY; claim_of 102; apart "$a" "$REPLY"; }
qemu_slice_hands_down() { claim_of "$1"; same_cpus "$(cat /sys/fs/cgroup/qemu.slice/cpuset.cpus.exclusive)" "$REPLY"; }

# one by one, the first goes first
assert_rc 'apply db01' 0 timed eval 'wideberth --json apply --vm db01 >/out/1.json'
assert_rc 'apply db02' 0 timed eval 'wideberth --json apply --vm db02 >/out/2.json'
assert 'they share no CPU' disjoint
proves 100 isolated /out/2.json 'beside 102'
proves 102 isolated /out/2.json 'beside 100'
assert_rc 'status' 0 wideberth status
assert_rc 'undo db01' 0 timed wideberth undo db01
proves 102 isolated /out/2.json 'alone'
assert 'what qemu.slice hands down is for db02 only' qemu_slice_hands_down 102
assert_rc 'status' 0 wideberth status
assert_rc 'undo db02' 0 timed wideberth undo db02
dump_state /out/after1
assert 'all is as it was' dump_same /out/both /out/after1

# both at once, the second goes first
assert_rc 'apply both' 0 timed eval 'wideberth --json apply --vm db01 --vm db02 >/out/3.json'
assert 'they share no CPU' disjoint
assert_rc 'undo db02' 0 timed wideberth undo db02
proves 100 isolated /out/3.json 'alone'
assert_rc 'status' 0 wideberth status

# db02 comes again, and db01 ends: its group is gone and its CPUs are free, but the slice still hands them down
scanned() { awk '$1 == "compact_migrate_scanned" { print $2 }' /proc/vmstat; }
before=$(scanned)
assert_rc 'apply db02, compacted' 0 eval 'wideberth --json apply --vm db02 --compact yes >/out/4.json'
assert 'the kernel has looked for pages to move' test "$(scanned)" -gt "$before"
proves 102 isolated /out/4.json 'again'
vm_stop 100
wideberth status >/out/status.txt 2>/out/status.err
assert_eq 'status has something to say' "$?" 1
assert 'namely that db01 has ended' grep -q 'db01.* has ended' /out/status.txt
assert '... and what to do' grep -qx ' *wideberth undo 100' /out/status.txt
proves 102 isolated /out/4.json 'while 100 has ended'
assert_rc 'undo of what has ended' 0 wideberth undo db01
assert 'what qemu.slice hands down is for db02 only' qemu_slice_hands_down 102
assert_rc 'status' 0 wideberth status
assert_rc 'undo db02' 0 wideberth undo --all
dump_state /out/after2
assert 'all is as before db01 was started' dump_same /out/only2 /out/after2
assert_eq 'nothing crashed' "$(crashes)" ''
finish
