#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A host with containers of all kinds, lists of CPUs that others set, and a domain of libvirt: apply at isolated and at
# fenced keep all of them off the VM's CPUs, status agrees, and undo leaves every list as it was; what the kernel will not
# let it put back (before 7.0 no list of a group with processes is emptied) plan names before, and undo no more than that.
# lab: 6.12 trixie mini 300 --multi
# lab: 7.2 bookworm mini 300 --multi
# lab: 6.1 bookworm mini 300 --multi
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-libvirt.sh
. /lab/run/lib-crowd.sh

online=$(cat /sys/devices/system/cpu/online)
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
	local level=$1 claim rc=0
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
	undone "$level"
}

# undone LEVEL: what is left are lists that say all CPUs instead of nothing; plan said which, and so does undo
undone() {
	local rc=0 left
	timed wideberth --json undo --all >"/out/undo-$1.json" || rc=$?
	dump_state "/out/b-$1"
	left=$(diff /out/a "/out/b-$1" | sed -n "s,^> set /sys/fs/cgroup/\(.*\)/cpuset.cpus: $online$,\1,p" | sort)
	echo "# $1: lists that say $online instead of nothing: $(xargs <<<"$left")"
	if [ "$1" = isolated ]; then
		assert_eq "$1: undo's exit code" $rc 0
		assert "$1: all is as it was" dump_same /out/a "/out/b-$1"
	else
		assert "$1: undo names what it left, and nothing else" same_text "$(jq -r '.failed[] | "\(.knob) \(.key)"' "/out/undo-$1.json" | sort)" \
			"$(sed '/./s/^/cgroup.cpus /' <<<"$left")"
		assert_eq "$1: undo's exit code" $rc "$([ -n "$left" ] && echo 4 || echo 0)"
		assert "$1: plan named the same" same_text "$(jq -r '.stays[].key' "/out/plan-$1.json" | sort)" "$left"
		assert "$1: the rest is as it was" dump_same <(sed "s/\(cpuset.cpus: \)$/\1$online/" /out/a) <(sed "s/\(cpuset.cpus: \)$/\1$online/" "/out/b-$1")
	fi
	[ -n "$left" ] || assert_rc "$1: nothing is left to undo" 0 wideberth status
}

[ "$LAB_KERNEL" = 6.1 ] || on isolated
on fenced --isolation fenced
crowd_stop
assert_eq 'nothing crashed' "$(crashes)" ''
finish
