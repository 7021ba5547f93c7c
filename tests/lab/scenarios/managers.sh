#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Three Proxmox VE guests, two domains of a real libvirtd and two bare QEMUs at once: vms finds them all, each with its
# manager, and what it says of threads is what QMP and libvirt say.
# lab: 6.12 trixie mini 400
# soak: 6.1 bookworm mini 400
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-libvirt.sh
assert 'nothing of libvirt runs unless it is started' test -z "$(pgrep -f 'libvirt|virtlog')"

all=/tmp/vms.json
vms_json() { wideberth --json vms >$all; }
# Monitors of QEMUs that have just started may take longer than vms waits, and it says so.
all_answered() { vms_json && ! jq -r '.vms[].notes[]' $all | grep 'QMP socket'; }
of() { jq -r --arg id "$1" ".vms[] | select(.id == \$id) | $2" $all; }

vm_start web 100 2 1 sleep
vm_start db 101 4 2 sleep
vm_start rt 102 2 0 sleep

# bare NAME NAME-OPTION: a QEMU that nobody manages; its socket is where vm_qmp looks
bare() {
	qemu-system-x86_64 -name "$2" -accel tcg,thread=multi,tb-size=8 -smp 2 -m 64 -display none -nodefaults -no-user-config \
		-object iothread,id=iothread-virtio0 -bios /lab/run/sleep.rom \
		-qmp "unix:/run/qemu-server/$1.qmp,server=on,wait=off" -daemonize -pidfile "/run/$1.pid"
}
bare bare1 guest=bare1,debug-threads=on
bare bare2 bare2

libvirt_start
for d in one:2 two:3; do
	domain_start "${d%:*}" 2 "<cputune><vcpupin vcpu='0' cpuset='${d#*:}'/><emulatorpin cpuset='0-1'/></cputune>"
done

# A pid file of something that is no VM, and of a process that is gone.
sleep 1000 &
sleeper=$!
for d in "998 $sleeper" "999 4000000"; do
	echo "${d#* }" >"/run/qemu-server/${d% *}.pid"
	printf 'cores: 1\nname: ghost\n' >"/etc/pve/qemu-server/${d% *}.conf"
done

assert 'vms works' wait_until 60 all_answered
assert_eq 'the seven, and no other' "$(jq -r '[.vms[].id] | sort | join(" ")' $all)" '100 101 102 bare1 bare2 one two'
jq -r '.vms[] | "\(.id) \(.manager) \(.pid) \(.notes | join("; "))"' $all | sed 's/^/# /'
for id in 100 101 102; do assert_eq "$id is Proxmox VE's" "$(of $id .manager)" proxmox; done
for id in bare1 bare2; do assert_eq "$id is nobody's" "$(of $id .manager)" qemu; done
assert_eq "the config's name" "$(of 101 .name)" db

# pairs ID ROLE KEY: "KEY TID" of each thread of that role, as vms has it
pairs() { of "$1" ".threads[] | select(.role == \"$2\") | \"\(.$3) \(.tid)\"" | sort; }
# roles_are_qmps ID ASK: the same of QEMU itself
roles_are_qmps() {
	local id=$1
	assert "$id: vCPUs are QMP's" same_text "$(pairs "$id" vcpu index)" \
		"$("$2" "$id" query-cpus-fast | jq -r '.return[] | "\(."cpu-index") \(."thread-id")"' | sort)"
	assert "$id: I/O threads are QMP's" same_text "$(pairs "$id" iothread id)" \
		"$("$2" "$id" query-iothreads | jq -r '.return[] | "\(.id) \(."thread-id")"' | sort)"
	assert_eq "$id: the main loop" "$(pairs "$id" emulator index)" "null $(of "$id" .pid)"
}
# Threads of the pool come and go: all that are there before and after must be in it, with a role.
all_have_roles() {
	local t pid
	pid=$(of "$1" .pid)
	[ "$(of "$1" '[.threads[] | select(.role | IN("vcpu", "emulator", "iothread", "vhost", "worker", "kvm") | not)] | length')" = 0 ] || return 1
	for t in /proc/"$pid"/task/*; do
		of "$1" '.threads[].tid' | grep -qx "${t##*/}" || case $(cat "$t/comm") in worker*) ;; *) return 1 ;; esac
	done
}
for id in 100 101 102 bare1 bare2; do
	roles_are_qmps $id vm_qmp
	assert "$id: each thread has a role" all_have_roles $id
done

for id in one two; do
	assert_eq "$id is libvirt's" "$(of $id .manager)" libvirt
	assert_eq "$id: configured by libvirt's XML" "$(of $id .config.source)" libvirt
	roles_are_qmps $id domain_qmp
	assert "$id: each thread has a role" all_have_roles $id
	of $id '.threads[] | "\(.tid) \(.role) \(.index) \(.allowed) \(.cgroup)"' | sed 's/^/# /'
done
# What a recording leaves out is missed by nobody.
wideberth --json --record /tmp/rec vms >/tmp/live.json
wideberth --json --root /tmp/rec vms >/tmp/replayed.json
assert 'a recording replays, libvirt included' cmp /tmp/live.json /tmp/replayed.json
assert_eq 'the domains are in it' "$(grep -c '<domain type' /tmp/rec/recording)" 2
assert_eq 'their descriptions are not' "$(grep -c hunter2 /tmp/rec/recording)" 0

assert_eq 'a pin that libvirt made' "$(of two '.threads[] | select(.index == 0) | .allowed')" 3
pkill -STOP -x libvirtd
start=$(date +%s%N)
assert 'a libvirtd that hangs: vms works' vms_json
echo "# in $((($(date +%s%N) - start) / 1000000)) ms"
pkill -CONT -x libvirtd
assert 'it says so' grep -q 'no answer in time' $all
roles_are_qmps two domain_qmp
virsh destroy one >/dev/null
virsh destroy two >/dev/null
kill $sleeper
kill "$(cat /run/bare1.pid)" "$(cat /run/bare2.pid)"
for id in 100 101 102; do vm_stop $id; done
finish
