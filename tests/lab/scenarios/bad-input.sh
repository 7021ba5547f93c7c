# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
# soak: 6.12 trixie mini 600
#
# What is wrong from the start, or goes wrong on the way: a clear line, the contract's exit code, and nothing changed.
# And --dry-run, --confirm. Needs a build with -Dfault=true as wideberth-fault.
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
dump_state /out/a

same() { # DESCRIPTION [DUMP]
	dump_state /out/now
	assert "$1: nothing has changed" dump_same "${2:-/out/a}" /out/now
}
# refused DESCRIPTION CODE REGEX COMMAND...: ends with the code, one line on stderr that matches
refused() {
	local what=$1 code=$2 regex=$3 rc=0
	shift 3
	"$@" >/out/stdout 2>/out/stderr || rc=$?
	echo "# $what: $(head -n 1 /out/stderr)"
	assert_eq "$what: exit code" "$rc" "$code"
	assert "$what: one clear line" one_line /out/stderr
	assert "$what: which says it" grep -Eq "$regex" /out/stderr
}

# ---- the policy -------------------------------------------------------------------------------------------------
printf '[vm db01]\ncors = full\n' >/tmp/unknown.conf
refused 'unknown key' 2 '/tmp/unknown.conf:2: .*cors.*cores' wideberth apply --policy /tmp/unknown.conf
printf '[vm db01]\nemulator = 0-1\n[vm db02]\nemulator = 1\n' >/tmp/overlap.conf
refused 'overlapping CPUs' 2 '/tmp/overlap.conf:4: .*overlap.* CPU 1' wideberth apply --policy /tmp/overlap.conf
refused 'no such VM' 3 "no running VM matches 'db09'" wideberth apply --vm db09
refused 'no time' 2 'seconds' wideberth apply --vm db01 --confirm never
same 'bad policy'

# ---- rights and mounts ------------------------------------------------------------------------------------------
refused 'not root' 3 'only root' setpriv --reuid 65534 --regid 65534 --clear-groups wideberth apply --vm db01
refused 'read-only /sys' 3 'Read-only file system' unshare -m sh -ec '
	for m in $(awk "\$2 ~ \"^/sys\" { print \$2 }" /proc/mounts); do mount -o remount,ro,bind $m; done
	exec wideberth apply --vm db01'
same 'not root, read-only /sys'
refused 'read-only /proc/sys and /proc/irq too' 3 'Read-only file system' unshare -m sh -ec '
	for m in $(awk "\$2 ~ \"^/sys\" || \$2 == \"/proc\" { print \$2 }" /proc/mounts); do mount -o remount,ro,bind $m; done
	exec wideberth apply --vm db01'
same 'read-only /proc'
unshare -m sh -ec 'umount -l /sys/fs/cgroup; exec wideberth apply --vm db01' >/out/stdout 2>/out/stderr
assert_eq 'no cgroup v2: exit code' "$?" 1
assert 'no cgroup v2: said, with what would do' grep -Fq '100 (db01): refused: no cgroup v2' /out/stdout /out/stderr
same 'no cgroup v2'
mkdir -p /run/ro
mount -t tmpfs -o ro none /run/ro
refused 'read-only state directory' 3 'Read-only file system' env WIDEBERTH_STATE_DIR=/run/ro/state wideberth apply --vm db01
umount /run/ro
rmdir /run/ro
same 'read-only state directory'

# ---- --dry-run, --confirm ---------------------------------------------------------------------------------------
assert_rc 'dry run' 0 eval 'wideberth apply --vm db01 --dry-run >/out/stdout'
assert 'it lists the changes' grep -q 'cgroup.partition' /out/stdout
same '--dry-run'
assert 'and leaves no state' test ! -e /run/wideberth/ledger
partition() { cat /sys/fs/cgroup/qemu.slice/100.scope/*/cpuset.cpus.partition 2>/dev/null; }
assert_rc 'apply --confirm 10' 0 eval 'timed wideberth apply --vm db01 --confirm 10 >/out/stdout'
assert_eq 'in force at first' "$(partition)" isolated
assert 'undone by itself' wait_until 60 test ! -e /run/wideberth/ledger
same '--confirm without confirm'
assert_rc 'apply --confirm 10' 0 eval 'wideberth apply --vm db01 --confirm 10 >/out/stdout'
assert_rc 'confirm' 0 wideberth confirm
sleep 12
assert_eq 'still in force' "$(partition)" isolated
assert_rc 'status' 0 wideberth status
refused 'nothing to confirm' 3 'nothing waits' wideberth confirm
assert_rc 'undo' 0 wideberth undo --all
same '--confirm, confirm, undo'

# ---- a VM that ends ---------------------------------------------------------------------------------------------
# ends_within N: db01 ends when apply has planned and made N - 1 changes
ends_within() {
	local pid apply holder rc=0
	pid=$(vm_pid 100)
	rm -f /out/fifo
	mkfifo /out/fifo
	WIDEBERTH_FAULT=wait-before:$1:/out/fifo wideberth-fault apply --vm db01 >/out/stdout 2>/out/stderr &
	apply=$!
	sleep infinity >/out/fifo & # the shell becomes it when apply waits there
	holder=$!
	wait_until 30 grep -qx sleep /proc/$holder/comm || { echo 'it did not wait'; kill -9 $apply $holder; return 1; }
	kill -9 "$pid"
	wait_until 10 vm_gone "$pid"
	rm -f /run/qemu-server/100.* /etc/pve/qemu-server/100.conf
	wait_until 10 test ! -d /sys/fs/cgroup/qemu.slice/100.scope
	kill $holder
	wait $apply || rc=$?
	echo "# ends before change $1: exit $rc: $(head -n 1 /out/stderr)"
	assert_eq "ends before change $1: exit code" "$rc" 3
	assert "ends before change $1: one clear line" one_line /out/stderr
	same "ends before change $1" /out/only2
	assert_rc "ends before change $1: status" 0 wideberth status
}
ends_within 1
for at in 30 50; do
	vm_start db01 100 4 2 sleep
	sleep 1
	ends_within $at
done

# ---- a PID that belongs to somebody else by now -----------------------------------------------------------------
vm_start db01 100 4 2 sleep
sleep 1
assert_rc 'apply' 0 eval 'wideberth apply --vm db01 >/out/stdout'
threads_of 100
old=("${tids[@]}")
vm_stop 100
reused=()
for tid in "${old[@]}"; do
	for ((i = 0; i < 20; i++)); do
		echo $((tid - 1)) >/proc/sys/kernel/ns_last_pid
		taskset -c 0 sleep 600 &
		[ $! != "$tid" ] || break
		kill $!
	done
	[ $! = "$tid" ] && reused+=("$tid")
done
assert 'all numbers of its threads are taken again' test "${#reused[@]}" = "${#old[@]}"
sleep 1
assert_rc 'status says it ended' 1 wideberth status
assert_rc 'undo' 0 wideberth undo db01
for tid in "${reused[@]}"; do
	allowed_of "$tid"
	assert_eq "the new owner of $tid keeps its mask" "$REPLY" 0
done
kill "${reused[@]}"
wait
same 'a PID reused' /out/only2
assert_eq 'nothing crashed' "$(crashes)" ''
finish
