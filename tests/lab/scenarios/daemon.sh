#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.12 bookworm mini 600
# soak: 6.12 trixie mini 400
# soak: 7.2 trixie mini 400
#
# Nobody types: a policy with one section, and the daemon. A VM that starts, is killed and starts again is isolated each
# time; the daemon killed at random moments goes on where it was; without a policy it touches nothing; undo puts back.
# shellcheck disable=SC2154 # the libraries set vcpu_tid
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-daemon.sh
systemctl stop irqbalance
# the unit of the package, with all that it must not do; what is killed here must stay so, and why it looks is told
mkdir -p /run/systemd/system/wideberth.service.d
printf '[Service]\nRestart=no\nEnvironment=WIDEBERTH_DEBUG=1\n' >/run/systemd/system/wideberth.service.d/lab.conf
systemctl daemon-reload

# a QEMU that nobody manages
bare_start() {
	systemd-run --quiet --scope --slice=vms.slice --unit=db-bare qemu-system-x86_64 -name guest=db-bare,debug-threads=on \
		-accel tcg,thread=multi,tb-size=8 -smp 2 -m 64 -display none -nodefaults -no-user-config \
		-bios /lab/run/sleep.rom -pidfile /run/db-bare.pid -daemonize
}
bare_kill() {
	kill -9 "$(cat /run/db-bare.pid)"
	wait_until 10 test ! -d /sys/fs/cgroup/vms.slice/db-bare.scope
}

# the first VMs make their slices, which stay
vm_start db01 100 2 1 sleep
vm_stop 100
bare_start
bare_kill
dump_state /tmp/before
assert 'the daemon starts without a policy' systemctl start wideberth
vm_start db01 100 2 1 sleep
looks() { wideberth --json status | jq .daemon.looks; }
looked_since() { [ "$(looks)" -gt "$1" ]; }
assert 'it has looked at it' wait_until 60 looked_since "$(looks)"
assert_eq '... and applies nothing' "$(wideberth --json status | jq -c .applied)" '[]'
assert '... nor has it made a group' test ! -e /sys/fs/cgroup/qemu.slice/100.scope/vcpus
mkdir -p /etc/wideberth
printf '[vm 100]\nisolation = isolated\nmemory = strict\n' >/etc/wideberth/wideberth.conf
assert 'a section is written: it is isolated' waited_for 60 isolated_now 100
# what holds before the first instruction: the scope is made with it, and nothing needs to be reloaded then
prepared() { grep -qx 'Delegate=cpuset' /run/systemd/system/100.scope.d/40-wideberth-start.conf; }
assert 'its next scope is prepared' wait_until 30 prepared
# memory_is_near: the scope's memory is that of the node of the VM's CPUs, and QEMU has no page of its own elsewhere
memory_is_near() {
	local node pid n
	pid=$(vm_pid 100)
	vcpus_of_pid "$pid"
	allowed_of "${REPLY%% *}"
	for n in /sys/devices/system/node/node[0-9]*; do
		! within "$REPLY" "$(cat "$n/cpulist")" || node=${n##*node}
	done
	same_text "$(cat /sys/fs/cgroup/qemu.slice/100.scope/cpuset.mems)" "$node" || return
	same_text "$(grep ' anon=' "/proc/$pid/numa_maps" | grep -v ' file=' | grep -o ' N[0-9]*=' | sort -u)" " N$node="
}
known_nodes() { grep -q '^100.scope.*AllowedMemoryNodes=' /run/wideberth/starts; } # systemd has read it
for i in 1 2; do
	kill9 100
	assert "ended, $i: where its memory will be is known" wait_until 30 known_nodes
	vm_start db01 100 2 1 sleep
	assert_eq "started again, $i: systemd handed its scope over as it was made" "$(systemctl show -p Delegate --value 100.scope)" yes
	assert "killed and started again, $i" waited_for 60 isolated_now 100
	assert '... with its memory beside it' memory_is_near
	assert '... without a drop-in of its own' test ! -e /run/systemd/system/100.scope.d/50-wideberth.conf
done
assert 'events tell it' told '100 (db01): applied'
assert 'status knows the daemon' sh -c 'wideberth --json status | jq -e .daemon.running'
pid=$(systemctl show -p MainPID --value wideberth)
kill -9 "$pid"
wait_until 10 sh -c '! systemctl is-active -q wideberth'
assert 'the daemon is killed: the VM stays isolated' isolated_now 100
kill9 100
vm_start db01 100 2 1 sleep
systemctl reset-failed wideberth 2>/dev/null
assert 'it starts again' systemctl start wideberth
assert '... and the VM that started meanwhile is isolated' waited_for 60 isolated_now 100
claim_of 100
taskset -cp 0 "${vcpu_tid[1]}" >/dev/null 2>&1 || taskset -cp "${REPLY%%,*}" "${vcpu_tid[1]}" >/dev/null
assert 'somebody moves a vCPU: it is put back' waited_for 60 isolated_now 100
assert '... and told' told 'repaired thread.affinity'
# nobody manages it: its vCPUs' names are the first sign of it
printf '[vm db-bare]\nisolation = isolated\n' >>/etc/wideberth/wideberth.conf
bare_isolated() { read_first /run/db-bare.pid && isolated_pid "$REPLY" 2; }
sleep_until_quiet() { [ "$(looks)" = "${last_looks:-}" ] || { last_looks=$(looks); return 1; }; }
wait_until 30 sleep_until_quiet
since=@$(date +%s)
assert 'a bare QEMU starts' bare_start
assert '... and is isolated' waited_for 60 bare_isolated
assert '... as its vCPUs were told of' sh -c "journalctl -u wideberth --since $since | grep -q 'look: a VM has a new vCPU'"
bare_kill
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
