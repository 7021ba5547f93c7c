#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.12 bookworm mini 300
# soak: 7.2 trixie mini 300
#
# apply --migrate-memory: the pages of a VM that runs are on the other node before, on that of its CPUs after, by the kernel's own
# count; undo gives the lists back that there were. Where others keep the cpuset controller on, a kernel before 7.0 keeps the list:
# the plan says so before, and so it is. A VM in a scope that it shares is refused.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-daemon.sh
systemctl stop irqbalance
group=/sys/fs/cgroup/qemu.slice/100.scope
there=$(cat /sys/devices/system/node/node0/cpulist) everywhere=$(cat /sys/devices/system/cpu/online)

# on_nodes PID: the nodes that have pages of its own, "0 1"
on_nodes() { grep ' anon=' "/proc/$1/numa_maps" | grep -o ' N[0-9]*=' | tr -d ' N=' | sort -un | tr '\n' ' ' | sed 's/ $//'; }
# pages_on NODE PID: how many of them it has there
pages_on() { grep ' anon=' "/proc/$2/numa_maps" | grep -o " N$1=[0-9]*" | awk -F= '{ n += $2 } END { print n + 0 }'; }
# start_on_0: QEMU comes up on node 0, and is then let loose
start_on_0() {
	local t
	taskset -cp "$there" $BASHPID >/dev/null
	vm_start db01 100 2 1 sleep
	taskset -cp "$everywhere" $BASHPID >/dev/null
	pid=$(vm_pid 100)
	for t in /proc/"$pid"/task/*; do
		taskset -cp "$everywhere" "${t##*/}" >/dev/null
	done
}
wide() {
	local command=$1
	shift
	wideberth "$command" --housekeeping "$there" --vm 100 --isolation isolated --memory strict "$@"
}

start_on_0
dump_state /tmp/before
assert 'it has memory on node 0' within 0 "$(on_nodes "$pid" | tr ' ' ,)"
assert_rc 'apply, not asked to move it' 0 wide apply
assert 'it has its CPUs' isolated_pid "$pid" 2
assert '... and that is where it was' within 0 "$(on_nodes "$pid" | tr ' ' ,)" # what it has since is on node 1
assert_rc 'apply --migrate-memory' 0 wide apply --migrate-memory
assert_eq 'its memory is on node 1' "$(on_nodes "$pid")" 1
assert_eq '... and is held there by the kernel' "$(cat $group/cpuset.mems)" 1
assert_eq '... and by its unit' "$(systemctl show -p AllowedMemoryNodes --value 100.scope)" 1
assert_rc 'status' 0 wideberth status
systemctl daemon-reload
assert_rc '... after a reload of systemd, too' 0 wideberth status
assert_eq '... its memory is there' "$(on_nodes "$pid")" 1
moved=$(pages_on 1 "$pid")
assert_rc 'undo' 0 wideberth undo --all
# QEMU gives some back meanwhile, and takes others.
assert 'its pages stay; what it has since may be anywhere' test $((2 * $(pages_on 1 "$pid"))) -gt "$moved"
dump_state /tmp/after
assert 'every setting is back' dump_same /tmp/before /tmp/after
vm_stop 100

# ---- the controller is others': as the scope is delegated, systemd gives it all of them ----
mkdir -p /run/systemd/system/100.scope.d
printf '[Scope]\nDelegate=yes\n' >/run/systemd/system/100.scope.d/lab.conf
systemctl daemon-reload
start_on_0
predicted=$(wideberth --json plan --housekeeping "$there" --vm 100 --isolation pinned --memory strict --migrate-memory |
	jq -r '.stays[] | select(.knob == "cgroup.mems") | .value')
case $LAB_KERNEL in
6.*) want=0-1 code=4 ;;
*) want='' code=0 ;;
esac
assert_eq 'where cpuset stays on, the plan says what will stay' "$predicted" "$want"
assert_rc 'apply' 0 wideberth apply --housekeeping "$there" --vm 100 --isolation pinned --memory strict --migrate-memory
assert_eq 'its memory is on node 1' "$(on_nodes "$pid")" 1
assert_rc 'undo' $code wideberth undo --all
assert_eq '... what stays is what was said' "$(cat $group/cpuset.mems)" "$want"
assert_eq '... its unit has nothing of it' "$(systemctl show -p AllowedMemoryNodes --value 100.scope)" ''
vm_stop 100
wideberth undo --all >/dev/null
rm -r /run/systemd/system/100.scope.d
systemctl daemon-reload

# ---- a scope that is not its own ----
shared() {
	systemd-run --quiet --scope --unit=shared --slice=vms.slice sh -c '
		qemu-system-x86_64 -name guest=guest,debug-threads=on -accel tcg,thread=multi,tb-size=8 -smp 2 -m 64 -display none -nodefaults \
			-no-user-config -bios /lab/run/sleep.rom -pidfile /run/shared.pid -daemonize
		sleep 1000' &
	wait_until 30 has_vcpus
}
# QEMU writes its pid first, and makes its vCPUs last.
has_vcpus() { grep -qs '^CPU 1/' "/proc/$(cat /run/shared.pid)"/task/*/comm; }
shared
refused() {
	wideberth plan --vm guest --isolation pinned --memory strict --migrate-memory >/tmp/refused
	[ $? = 1 ] && tr -s ' \n' ' ' </tmp/refused | grep -q 'shared.scope is not its own: s[a-z]* ([0-9]*) is in it too'
}
assert 'a VM that shares its scope is refused, with the reason' refused
kill -9 "$(cat /run/shared.pid)"
systemctl stop shared.scope
assert_eq 'nobody crashed' "$(crashes)" ''
finish
