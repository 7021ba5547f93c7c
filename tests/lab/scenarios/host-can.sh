#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# status --host tries what the kernel does, and leaves nothing behind: no group, no process, no mask, no list, with the cpuset
# controller given to groups and without. What it says is held against the kernel: this scenario tries the same by hand.
# lab: 7.2 trixie mini 300
# soak: 6.12 bookworm mini 300
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

systemctl stop irqbalance
answer() { jq -r --arg a "$1" '.host.abilities[] | select(.ability == $a) | "\(.answer) \(.how)"' /out/host.json; }
# looks WHAT: runs it, and nothing is left
looks() {
	dump_state /out/a
	assert_rc "$1: it works" 0 eval 'wideberth --json status --host >/out/host.json'
	dump_state /out/b
	assert "$1: all is as it was" dump_same /out/a /out/b
	assert "$1: no group is left" test ! -e /sys/fs/cgroup/wideberth-probe
	assert "$1: no process is left" same_text "$(pgrep -cx wideberth)" 0
	jq -c '.host | .levels, .abilities[], .untried' /out/host.json | sed 's/^/# /'
}

grep -qw cpuset /sys/fs/cgroup/cgroup.subtree_control || {
	looks 'without the controller'
	assert_eq 'nothing is tried' "$(jq -r .host.untried /out/host.json | cut -c1-21)" 'the cpuset controller'
}
echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
looks 'with it'
assert_eq 'it was tried' "$(jq -r .host.untried /out/host.json)" null

# By hand: a thread's mask, and a list that is emptied.
mkdir -p /sys/fs/cgroup/by-hand
sleep 1000 &
pid=$!
echo $pid >/sys/fs/cgroup/by-hand/cgroup.procs
echo 0-1 >/sys/fs/cgroup/by-hand/cpuset.cpus
taskset -pc 1 $pid >/dev/null
echo 0 >/sys/fs/cgroup/by-hand/cpuset.cpus
echo 0-1 >/sys/fs/cgroup/by-hand/cpuset.cpus
[ "$(allowed $pid)" = 1 ] && mask=yes || mask=no
echo >/sys/fs/cgroup/by-hand/cpuset.cpus 2>/dev/null && list=yes || list=no
kill $pid
wait $pid
rmdir /sys/fs/cgroup/by-hand
assert_eq 'the mask is kept as it says' "$(answer own-mask)" "$mask tried"
assert_eq 'a list can be emptied as it says' "$(answer empty-list)" "$list tried"
[ "$list" = no ] || assert_eq 'there the partition was tried too' "$(answer remote-partition)" 'yes tried'
assert_eq 'nothing crashed' "$(crashes)" ''
finish
