# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
#
# A real libvirtd, with domains whose guest is the lab's own. Needs lib.sh.

[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
virsh() { command virsh -c qemu:///system "$@"; }

# libvirt_start: runs libvirtd, for which Debian 12 has no unit in these packages, and asserts that it answers
libvirt_start() {
	mkdir -p /etc/libvirt
	getent group kvm >/dev/null || groupadd -r kvm
	getent passwd libvirt-qemu >/dev/null || useradd -r -U libvirt-qemu
	printf '%s\n' 'stdio_handler = "file"' 'security_driver = "none"' 'user = "root"' 'group = "root"' >/etc/libvirt/qemu.conf
	if [ -e /lib/systemd/system/libvirtd.service ]; then
		echo 'LIBVIRTD_ARGS=' >/etc/default/libvirtd # it would end after two idle minutes
		systemctl start libvirtd
	else
		systemd-run --quiet --unit=libvirtd -p Delegate=yes -p KillMode=process libvirtd
	fi
	wait_until 60 virsh list || journalctl --no-pager -u libvirtd | tail -n 15 | sed 's/^/# /'
	assert 'libvirtd answers' virsh list
}

# domain_start NAME VCPUS [XML]: a domain with one I/O thread, two threads per core; XML: more of it, such as <cputune>.
# vm_maxcpus leaves room for more vCPUs, as in vm_start.
domain_start() {
	local max=${vm_maxcpus:-$2}
	cat >"/tmp/$1.xml" <<-END
	<domain type='qemu'><name>$1</name><description>hunter2</description><memory unit='MiB'>64</memory><vcpu current='$2'>$max</vcpu><iothreads>1</iothreads>
	${3:-}
	<os><type arch='x86_64' machine='pc'>hvm</type><loader type='rom'>/lab/run/sleep.rom</loader></os>
	<cpu><topology sockets='1' cores='$((max / 2))' threads='2'/></cpu>
	<devices><emulator>/usr/bin/qemu-system-x86_64</emulator><memballoon model='none'/></devices></domain>
	END
	assert "domain $1 starts" virsh create "/tmp/$1.xml"
}

# domain_qmp NAME COMMAND: the answer of its QEMU, through libvirt
domain_qmp() { virsh qemu-monitor-command "$1" "{\"execute\":\"$2\"}"; }
