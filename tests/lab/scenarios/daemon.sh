#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
#
# Nobody types: a policy with one section, and the daemon. A VM that starts, is killed and starts again is isolated each
# time; the daemon killed at random moments goes on where it was; without a policy it touches nothing; undo puts back.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. "$(dirname "$0")/lib-proof.sh"
systemctl stop irqbalance
# the unit of the package, with all that it must not do; what is killed here must stay so
mkdir -p /run/systemd/system/wideberth.service.d
printf '[Service]\nRestart=no\n' >/run/systemd/system/wideberth.service.d/lab.conf
systemctl daemon-reload

daemon_start() { systemctl start wideberth; }
# isolated_now VMID: every vCPU alone on a CPU, in a live partition that is the vCPUs'
isolated_now() {
	local group
	claim_of "$1"
	[ ${#vcpu_tid[@]} -gt 0 ] || { echo 'no vCPU'; return 1; }
	group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/${vcpu_tid[0]}/cgroup")
	[ "$(cat "$group/cpuset.cpus.partition")" = isolated ] || { cat "$group/cpuset.cpus.partition"; return 1; }
	same_cpus "$(cat "$group/cpuset.cpus.effective")" "$REPLY" || return
	one_each
}
# Not by QEMU's monitor, which serves one at a time, and the daemon asks it too.
one_each() {
	local t seen=' '
	for t in "${vcpu_tid[@]}"; do
		allowed_of "$t"
		[[ $REPLY =~ ^[0-9]+$ && $seen != *" $REPLY "* ]] || { echo "thread $t: '$REPLY', others:$seen"; return 1; }
		seen+="$REPLY "
	done
}
# told WORD: the events have it
told() { wideberth events | grep -q "$1" || { wideberth events; return 1; }; }
since() { awk -v a="$1" -v b="$EPOCHREALTIME" -v what="$2" 'BEGIN { printf "# %.2f s: %s\n", b - a, what }'; }
waited_for() {
	local start=$EPOCHREALTIME end=$((SECONDS + $1)) rc=0
	shift
	until "$@" >/tmp/why 2>&1; do
		[ $SECONDS -lt $end ] || { cat /tmp/why; rc=1; break; }
		sleep 0.1
	done
	since "$start" "$*" >&2
	return $rc
}
kill9() { local pid; pid=$(vm_pid "$1"); kill -9 "$pid"; wait_until 10 vm_gone "$pid"; rm -f "/run/qemu-server/$1.pid"; }

# the first VM makes qemu.slice, which stays
vm_start db01 100 2 1 sleep
vm_stop 100
dump_state /tmp/before
assert 'the daemon starts without a policy' daemon_start
vm_start db01 100 2 1 sleep
sleep 3
assert_eq '... and applies nothing' "$(wideberth --json status | jq -c .applied)" '[]'
assert '... nor has it made a group' test ! -e /sys/fs/cgroup/qemu.slice/100.scope/vcpus
mkdir -p /etc/wideberth
printf '[vm 100]\nisolation = isolated\n' >/etc/wideberth/wideberth.conf
assert 'a section is written: it is isolated' waited_for 60 isolated_now 100
for i in 1 2; do
	kill9 100
	wait_until 10 test ! -d /sys/fs/cgroup/qemu.slice/100.scope
	vm_start db01 100 2 1 sleep
	assert "killed and started again, $i" waited_for 60 isolated_now 100
done
assert 'events tell it' told '100 (db01): applied'
assert 'status knows the daemon' sh -c 'wideberth --json status | jq -e .daemon.running'
pid=$(systemctl show -p MainPID --value wideberth)
kill -9 "$pid"
wait_until 10 sh -c '! systemctl is-active -q wideberth'
assert 'the daemon is killed: the VM stays isolated' isolated_now 100
kill9 100
wait_until 10 test ! -d /sys/fs/cgroup/qemu.slice/100.scope
vm_start db01 100 2 1 sleep
systemctl reset-failed wideberth 2>/dev/null
assert 'it starts again' daemon_start
assert '... and the VM that started meanwhile is isolated' waited_for 60 isolated_now 100
claim_of 100
taskset -cp 0 "${vcpu_tid[1]}" >/dev/null 2>&1 || taskset -cp "${REPLY%%,*}" "${vcpu_tid[1]}" >/dev/null
assert 'somebody moves a vCPU: it is put back' waited_for 60 isolated_now 100
assert '... and told' told 'repaired thread.affinity'
printf '[vm 100]\nisolatoin = none\n' >/etc/wideberth/wideberth.conf
assert 'a bad policy is told' waited_for 30 told isolatoin
assert '... and the VM stays' isolated_now 100
systemctl stop wideberth
assert 'the service ends: the VM stays isolated' isolated_now 100
assert_rc 'undo' 0 wideberth undo --all
vm_stop 100
rm -rf /etc/wideberth
dump_state /tmp/after
assert 'all is back' dump_same /tmp/before /tmp/after
assert_eq 'nobody crashed' "$(crashes)" ''
finish
