#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Three Proxmox VE guests, two domains of a real libvirtd and two bare QEMUs at once: vms finds them all, each with its
# manager, and what it says of threads is what QMP says. Needs wideberth in /usr (--with DESTDIR); without libvirtd in
# the lab (it is not in the image; --with an unpacked one) that part is skipped.
. /lab/run/lib.sh

all=/tmp/vms.json
vms_json() { wideberth --json vms >$all; }
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

domain() {
	cat <<-END
	<domain type='qemu'><name>$1</name><memory unit='MiB'>64</memory><vcpu>2</vcpu><iothreads>1</iothreads>
	<cputune><vcpupin vcpu='0' cpuset='$2'/><emulatorpin cpuset='0-1'/></cputune>
	<os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>/lab/run/sleep.rom</loader></os>
	<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/></devices></domain>
	END
}
has_libvirt=no
if command -v libvirtd >/dev/null; then
	mkdir -p /etc/libvirt
	getent group kvm >/dev/null || groupadd -r kvm
	getent passwd libvirt-qemu >/dev/null || useradd -r -U libvirt-qemu
	printf '%s\n' 'stdio_handler = "file"' 'security_driver = "none"' 'user = "root"' 'group = "root"' >/etc/libvirt/qemu.conf
	ldconfig
	systemd-run --quiet --unit=libvirtd -p Delegate=yes libvirtd
	wait_until 60 virsh -c qemu:///system list || journalctl --no-pager -u libvirtd | tail -n 15 | sed 's/^/# /'
	assert 'libvirtd answers' virsh -c qemu:///system list
	for d in one:2 two:3; do
		domain "${d%:*}" "${d#*:}" >"/tmp/${d%:*}.xml"
		assert "domain ${d%:*} starts" virsh -c qemu:///system create "/tmp/${d%:*}.xml"
	done
	has_libvirt=yes
else
	echo '# SKIP libvirt: no libvirtd in this lab'
fi

assert 'vms works' vms_json
jq -r '.vms[] | "\(.id) \(.manager) \(.pid) \(.notes | join("; "))"' $all | sed 's/^/# /'
for id in 100 101 102; do assert_eq "$id is Proxmox VE's" "$(of $id .manager)" proxmox; done
for id in bare1 bare2; do assert_eq "$id is nobody's" "$(of $id .manager)" qemu; done
assert_eq "the config's name" "$(of 101 .name)" db

# tids ID ROLE: by vms; qmp_tids SOCKET COMMAND KEY: by QEMU
tids() { of "$1" ".threads[] | select(.role == \"$2\") | .tid" | sort -n; }
roles_are_qmps() {
	local id=$1
	assert "$id: vCPUs are QMP's" same_text "$(tids "$id" vcpu)" "$("$2" "$id" query-cpus-fast | jq '.return[]."thread-id"' | sort -n)"
	assert "$id: I/O threads are QMP's" same_text "$(tids "$id" iothread)" "$("$2" "$id" query-iothreads | jq '.return[]."thread-id"' | sort -n)"
}
# Threads of the pool come and go: all that are there before and after must be in it, with a role.
all_have_roles() {
	local t pid
	pid=$(of "$1" .pid)
	[ "$(of "$1" '[.threads[] | select(.role == null)] | length')" = 0 ] || return 1
	for t in /proc/"$pid"/task/*; do
		of "$1" '.threads[].tid' | grep -qx "${t##*/}" || case $(cat "$t/comm") in worker*) ;; *) return 1 ;; esac
	done
}
for id in 100 101 102 bare1 bare2; do
	roles_are_qmps $id vm_qmp
	assert "$id: each thread has a role" all_have_roles $id
done

if [ $has_libvirt = yes ]; then
	virsh_qmp() { virsh -c qemu:///system qemu-monitor-command "$1" "{\"execute\":\"$2\"}"; }
	for id in one two; do
		assert_eq "$id is libvirt's" "$(of $id .manager)" libvirt
		assert_eq "$id: configured by libvirt's XML" "$(of $id .config.source)" libvirt
		roles_are_qmps $id virsh_qmp
		assert "$id: each thread has a role" all_have_roles $id
		of $id '.threads[] | "\(.tid) \(.role) \(.index) \(.allowed) \(.cgroup)"' | sed 's/^/# /'
	done
	assert_eq 'a pin that libvirt made' "$(of two '.threads[] | select(.index == 0) | .allowed')" 3
	pkill -STOP -x libvirtd
	start=$(date +%s%N)
	assert 'a libvirtd that hangs: vms works' vms_json
	echo "# in $((($(date +%s%N) - start) / 1000000)) ms"
	pkill -CONT -x libvirtd
	assert 'it says so' grep -q 'no answer in time' $all
	roles_are_qmps two virsh_qmp
	virsh -c qemu:///system destroy one >/dev/null
	virsh -c qemu:///system destroy two >/dev/null
fi
kill "$(cat /run/bare1.pid)" "$(cat /run/bare2.pid)"
for id in 100 101 102; do vm_stop $id; done
finish
