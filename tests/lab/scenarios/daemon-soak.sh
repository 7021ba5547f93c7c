#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
# soak: 6.12 bookworm mini 1500 -- starts 200
# soak: 6.12 trixie mini 900 -- writers
# soak: 6.12 bookworm mini 900 -- kills 100
# soak: 6.12 trixie mini 900 -- hurts 10
#
# What the daemon has to bear, a part by its name. starts N: VMs start and stop in random order, and nothing leaks. writers: others
# who set what is ours are repaired a few times, then given up, told once. kills N: it is killed at random moments while VMs
# come and go. hurts N: libvirtd restarts N times, the bus is away, /run is full, the policy cannot be read. [SEED]
# shellcheck disable=SC2154 # the libraries set vcpu_tid
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-libvirt.sh
. /lab/run/lib-daemon.sh
part=${1:-starts} times=${2:-20} seed=${3:-$RANDOM}
RANDOM=$seed
echo "# $(uname -r), $part, $times times, seed $seed"
vmids=(100 102 103)

main_pid() { systemctl show -p MainPID --value wideberth; }
runs() { [ -e "/run/qemu-server/$1.pid" ]; }
start() { vm_start "db$1" "$1" 2 1 sleep; }
all_isolated() {
	local vmid
	for vmid in "${vmids[@]}"; do
		! runs "$vmid" || isolated_now "$vmid" || return
	done
}
# claims_are_right: as many CPUs are closed as VMs run, two each
claims_are_right() {
	local vmid n=0
	for vmid in "${vmids[@]}"; do ! runs "$vmid" || n=$((n + 2)); done
	read_first /sys/fs/cgroup/cpuset.cpus.isolated || true
	cpus_of "$REPLY"
	same_text "$(wc -w <<<"$REPLY") CPUs" "$n CPUs"
}
nothing_is_held() { no_partition && claims_are_right && same_text "$(wideberth --json status | jq -c .applied)" '[]'; }
dropins() { find /run/systemd/system /run/systemd/transient -name '50-wideberth*' -path '*.scope.d*'; }
figures() {
	local pid
	pid=$(main_pid)
	echo "fds $(find "/proc/$pid/fd" -type l | wc -l), RSS $(sed -n 's/^VmRSS:\t *//p' "/proc/$pid/status"), state $(du -sk /run/wideberth | cut -f1) KiB"
}
rss_kib() { sed -n 's/^VmRSS:\t *\([0-9]*\) kB/\1/p' "/proc/$(main_pid)/status"; }
n_fds() { find "/proc/$(main_pid)/fd" -type l | wc -l; }
# no_more_fds N: at rest; a reconcile that is under way has some
no_more_fds() { test "$(n_fds)" -le "$1" || { ls -l "/proc/$(main_pid)/fd"; return 1; }; }

systemctl stop irqbalance
mkdir -p /etc/wideberth /run/systemd/system/wideberth.service.d
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=0.2\nEnvironment=WIDEBERTH_DEBUG=1\n' >/run/systemd/system/wideberth.service.d/lab.conf
systemctl daemon-reload
start 100
vm_stop 100
dump_state /tmp/before
printf '[vm db*]\nisolation = isolated\n' >/etc/wideberth/wideberth.conf
assert 'the daemon starts' systemctl start wideberth

part_starts() {
	local i vmid fds rss
	start 100
	assert 'the first VM is isolated' waited_for 60 isolated_now 100
	vm_stop 100
	assert 'and gone' waited_for 60 nothing_is_held
	fds=$(n_fds) rss=$(rss_kib)
	echo "# before: $(figures)"
	for ((i = 1; i <= times; i++)); do
		vmid=${vmids[RANDOM % 3]}
		if runs "$vmid"; then
			if [ $((RANDOM % 2)) = 0 ]; then vm_stop "$vmid"; else kill9 "$vmid"; fi
		else
			start "$vmid"
		fi
		[ $((i % 20)) = 0 ] || continue
		assert "$i starts and stops: those that run are isolated" waited_for 90 all_isolated
		assert "... and nothing else is held" waited_for 30 claims_are_right
		echo "# $(figures)"
	done
	for vmid in "${vmids[@]}"; do ! runs "$vmid" || vm_stop "$vmid"; done
	assert 'all have ended: nothing is held' waited_for 60 nothing_is_held
	echo "# after: $(figures)"
	assert 'no more file descriptors than before' waited_for 30 no_more_fds "$fds"
	assert "its memory has not grown by more than 512 KiB ($rss to $(rss_kib))" test $(($(rss_kib) - rss)) -le 512
	assert_eq 'no drop-in is left' "$(dropins)" ''
}

part_writers() {
	local i end tid gave_up
	systemctl start irqbalance
	start 100
	assert 'isolated' waited_for 60 isolated_now 100
	for i in 1 2 3; do systemctl restart irqbalance; done
	assert 'irqbalance restarted three times: it is told again what to leave alone' waited_for 60 banned
	for i in 1 2 3 4 5; do systemctl daemon-reload; done
	assert 'five daemon-reloads: isolated' waited_for 60 isolated_now 100
	systemctl revert 100.scope
	assert 'systemctl revert: isolated' waited_for 60 isolated_now 100
	claim_of 100
	tid=${vcpu_tid[1]} end=$((SECONDS + 60)) other=${REPLY%%,*}
	until told 'gave-up thread.affinity' >/dev/null || [ $SECONDS -ge $end ]; do
		taskset -cp "$other" "$tid" >/dev/null
		sleep 1
	done
	assert 'a rival with taskset every second: given up' told 'gave-up thread.affinity'
	gave_up=$(wideberth events | grep -c 'gave-up thread.affinity')
	assert_eq '... told once' "$gave_up" 1
	assert_eq '... after three repairs' "$(wideberth events | grep -c 'repaired thread.affinity')" 3
	assert 'status says so' sh -c 'wideberth status | grep -q "gave up thread.affinity"'
	assert 'it keeps to that' sleep_and_other "$tid" "$other"
	systemctl reload wideberth
	assert 'the rival is gone, and somebody reloads it: isolated' waited_for 60 isolated_now 100
	assert_eq 'nothing else was given up' "$(wideberth events | grep -c 'gave-up')" 1
	systemctl stop irqbalance
}
# banned: irqbalance says itself that it leaves the VM's CPUs alone
banned() {
	local claim list
	claim_of 100
	claim=$REPLY
	list=$(printf setup | timeout 12 nc -U -N "$(echo /run/irqbalance/*.sock)" | sed -n 's/.*BANNED \([0-9a-f,]*\).*/\1/p')
	mask_list "$list"
	within "$claim" "$REPLY"
}
# sleep_and_other TID CPU: a sweep later the rival's choice is there still
sleep_and_other() {
	sleep 12
	same_text "$(allowed "$1")" "$2"
}

part_kills() {
	local i vmid pid n=0
	for ((i = 1; i <= times; i++)); do
		if [ $((RANDOM % 3)) = 0 ]; then
			vmid=${vmids[RANDOM % 3]}
			if runs "$vmid"; then kill9 "$vmid"; else start "$vmid"; fi
		fi
		sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
		pid=$(main_pid)
		[ "$pid" = 0 ] || { kill -9 "$pid" && n=$((n + 1)); }
		[ $((i % 20)) = 0 ] || continue
		assert "$i times, $n killed: those that run are isolated" waited_for 90 all_isolated
		assert '... and nothing else is held' waited_for 30 claims_are_right
	done
	assert 'status agrees' wait_until 30 wideberth status
	for vmid in "${vmids[@]}"; do ! runs "$vmid" || vm_stop "$vmid"; done
	assert 'all have ended: nothing is held' waited_for 60 nothing_is_held
	assert_eq 'no drop-in is left' "$(dropins)" ''
}

part_hurts() {
	local i
	libvirt_start
	start 100
	assert 'isolated' waited_for 60 isolated_now 100
	for ((i = 1; i <= times; i++)); do systemctl restart libvirtd; done
	assert "libvirtd restarted $times times: isolated" waited_for 60 isolated_now 100
	# a link that leads nowhere, in one move: without the file there is an empty policy for a moment, which is a good one
	cp /etc/wideberth/wideberth.conf /etc/wideberth/saved
	ln -s loop /etc/wideberth/loop
	ln -s loop /etc/wideberth/new
	mv -T /etc/wideberth/new /etc/wideberth/wideberth.conf
	assert 'a policy that cannot be read is told' waited_for 60 told "policy: read '/etc/wideberth/wideberth.conf'"
	assert '... and the VM stays' isolated_now 100
	kill9 100
	start 100
	assert '... and comes back as the last good one says' waited_for 60 isolated_now 100
	mv -T /etc/wideberth/saved /etc/wideberth/wideberth.conf
	assert 'the policy is good again' waited_for 60 told 'the policy is good again'
	dd if=/dev/zero of=/run/filler bs=1M 2>/dev/null
	assert '/run is full' test "$(df --output=avail /run | tail -n 1)" -eq 0
	claim_of 100
	taskset -cp "${REPLY%%,*}" "${vcpu_tid[1]}" >/dev/null
	sleep 15
	assert 'the VM runs' kill -0 "$(vm_pid 100)"
	rm -f /run/filler
	assert '/run has room again: isolated' waited_for 60 isolated_now 100
	systemctl stop dbus.socket dbus
	kill9 100
	sleep 60
	systemctl start dbus.socket dbus
	start 100
	assert 'the bus was away for a minute: isolated' waited_for 120 isolated_now 100
	assert_rc 'status agrees' 0 wideberth status
}

"part_$part"
systemctl stop wideberth
wideberth undo --all >/out/undo.txt
assert_rc 'nothing is left to undo' 0 wideberth undo --all
for vmid in "${vmids[@]}"; do ! runs "$vmid" || vm_stop "$vmid"; done
if [ "$part" != hurts ]; then
	dump_state /tmp/after
	assert 'all is back' dump_same /tmp/before /tmp/after '^irq|irqbalance'
fi
times_told
assert_eq 'nobody crashed' "$(crashes)" ''
finish
