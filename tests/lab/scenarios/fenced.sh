# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.1 bookworm mini 300
#
# Kernel 6.1 has no remote partitions: `apply` at isolated becomes fenced, says so, and holds. That kernel forgets the
# mask of a thread at every change of its cpuset: then `status` must say so, and the next `apply` repair it.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

echo "# $(uname -r), $LAB_TOPOLOGY"
systemctl stop irqbalance
vm_start db01 100 4 2 sleep
vm_start noisy 101 2 1 sleep
vm_helper 100
sleep 1
dump_state /out/a

export COLUMNS=200
wideberth plan --vm db01 >/out/plan.txt
assert_eq 'plan works' "$?" 0
assert 'plan says fenced instead of isolated, and why' grep -Eq 'fenced instead of isolated: .*partition' /out/plan.txt
timed wideberth apply --vm db01 >/out/apply.txt
assert_eq 'apply works' "$?" 0
assert 'apply says so too' grep -Eq 'fenced instead of isolated: .*partition' /out/apply.txt
wideberth --json plan --vm db01 >/out/plan.json
assert 'and the JSON' jq -e '.vms[0] | .wanted == "isolated" and .level == "fenced" and (.why_less | test("partition"))' /out/plan.json
assert_rc 'once more, for what cannot be moved' 0 eval 'wideberth --json apply --vm db01 >/out/apply.json'
assert 'twice is once: nothing is written again' jq -e '[.changes[] | select(.result == "done" and .knob != "irqbalance.banned")] | length == 0' /out/apply.json
proves 100 fenced /out/apply.json
assert_rc 'status agrees' 0 wideberth status

# pins_hold: each vCPU still on one CPU?
pins_hold() {
	claim_of 100
	[[ ! $REPLY =~ - ]]
}
# honest WHAT: status must say what is: 0 when the pins hold, 1 and the threads when they do not
honest() {
	local rc=0 held=yes
	pins_hold || held=no
	wideberth status >/out/status.txt || rc=$?
	echo "# after $1: pins hold: $held, status: exit $rc"
	case $held$rc in
	yes0) assert "after $1 the pins hold, and status says so" true ;;
	no1) assert "after $1 the pins are lost, and status says so" grep -q 'thread.affinity' /out/status.txt ;;
	*) assert "after $1 status is honest" cat /out/status.txt false ;;
	esac
	assert_rc "apply repairs" 0 eval 'wideberth --json apply --vm db01 >/out/apply.json'
	assert 'the pins hold again' pins_hold
	assert_rc "status agrees" 0 wideberth status
}
systemctl daemon-reload
honest daemon-reload
systemctl set-property --runtime system.slice CPUWeight=50
honest 'set-property CPUWeight of a slice'
rm -f /run/systemd/system.control/system.slice.d/50-CPUWeight.conf
systemctl daemon-reload
honest 'taking that back'
# all but CPU 0, which is the host's: the set of the VM's group changes
last=$(cat /sys/devices/system/cpu/online) last=${last##*-}
systemctl set-property --runtime 100.scope "AllowedCPUs=1-$last"
honest 'set-property AllowedCPUs of the VM'
proves 100 fenced /out/apply.json 'in the end'

# Somebody else's use of cpuset would keep lists in the slices that 6.1 cannot empty, and undo would say so.
rm -rf /run/systemd/transient/100.scope.d/50-AllowedCPUs.conf /run/systemd/system.control/100.scope.d
systemctl daemon-reload
assert_rc 'undo works' 0 timed wideberth undo --all
sleep 1
dump_state /out/b
assert 'all is as it was' dump_same /out/a /out/b
assert_eq 'nothing crashed' "$(crashes)" ''
finish
