#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.12 trixie mini 400
# soak: 6.12 bookworm mini 400
#
# What managers call, and no daemon: a real libvirtd whose hook refuses a domain that would not get what its policy asks strictly,
# has one that does isolated, and frees its CPUs when it ends; and the same of a guest of Proxmox VE, by the words it is called with.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-libvirt.sh
. /lab/run/lib-daemon.sh
systemctl stop irqbalance
mkdir -p /etc/wideberth
libvirt_start
vm_start db01 100 2 1 sleep
vm_stop 100
domain_start web 2
virsh destroy web >/dev/null
dump_state /tmp/before
printf '[vm web]\nisolation = isolated\nstrict = yes\n[vm big]\nstrict = yes\n[vm 1??]\nisolation = isolated\nstrict = yes\n' \
	>/etc/wideberth/wideberth.conf

# ---- libvirt ----
isolated_domain() { read_first /run/libvirt/qemu/web.pid && isolated_pid "$REPLY" 2; }
assert_rc 'install' 0 wideberth hook install libvirt
assert 'the script can be called' test -x /etc/libvirt/hooks/qemu.d/50-wideberth
systemctl restart libvirtd # it had no hook before
wait_until 60 virsh list
sed 's/>web</>big</; s/>2<\/vcpu>/>10<\/vcpu>/; s/ current=.2.//; s/<topology[^>]*>//' /tmp/web.xml >/tmp/big.xml
refused() { ! virsh create /tmp/big.xml >/tmp/refused 2>&1 && grep -q 'strict = yes' /tmp/refused || { cat /tmp/refused; return 1; }; }
assert 'a domain that has no room does not start, and it is said why' refused
domain_start web 2
assert 'one that has is isolated' waited_for 30 isolated_domain
cp /etc/wideberth/wideberth.conf /tmp/good.conf
printf '[vm web]\nisolatoin = isolated\n' >/etc/wideberth/wideberth.conf
systemctl restart libvirtd
wait_until 60 virsh list
assert 'libvirtd starts again with a bad policy: the domain runs' isolated_domain
assert 'and another one starts' sh -c 'virsh -c qemu:///system create /tmp/big.xml >/tmp/out 2>&1 || { cat /tmp/out; exit 1; }'
virsh destroy big >/dev/null
cp /tmp/good.conf /etc/wideberth/wideberth.conf
virsh destroy web >/dev/null
assert 'it ends: its CPUs are free' waited_for 30 no_partition
# its memory is beside its CPUs from its first page on: the kernel's count of its own pages, and what it allows it
printf '[host]\nhousekeeping = %s\n[vm web]\nisolation = isolated\nmemory = strict\n' "$(cat /sys/devices/system/node/node0/cpulist)" \
	>/etc/wideberth/wideberth.conf
domain_start web 2
read_first /run/libvirt/qemu/web.pid
pid=$REPLY
assert_eq 'memory = strict: the kernel lets it have memory of the node of its CPUs alone' \
	"$(awk '/^Mems_allowed_list/ { print $2 }' "/proc/$pid/status")" 1
assert_eq '... and all pages of its own are there' \
	"$(grep ' anon=' "/proc/$pid/numa_maps" | grep -v ' file=' | grep -o ' N[0-9]*=' | sort -u)" ' N1='
assert 'it is isolated' waited_for 30 isolated_domain
assert_eq '... on that node' "$(wideberth --json status | jq -r '.applied[].level')" isolated
virsh destroy web >/dev/null
nothing_prepared() { ! compgen -G '/run/systemd/system/machine-qemu*.scope.d'; }
assert 'it ends: nothing is prepared any more' wait_until 30 nothing_prepared
assert 'its CPUs are free' waited_for 30 no_partition
cp /tmp/good.conf /etc/wideberth/wideberth.conf
assert_rc 'remove' 0 wideberth hook remove libvirt
assert 'nothing of it is left' test ! -e /etc/libvirt/hooks/qemu.d/50-wideberth

# ---- Proxmox VE: as qm calls a hook script ----
vm_start db01 100 2 1 sleep
assert_rc 'post-start' 0 wideberth hook proxmox 100 post-start
assert 'the VM is isolated' waited_for 10 isolated_now 100
echo 'cores: 40' >/etc/pve/qemu-server/101.conf
assert_rc 'a guest that has no room, pre-start' 1 wideberth hook proxmox 101 pre-start
echo 'cores: 2' >/etc/pve/qemu-server/101.conf
assert_rc 'one that has' 0 wideberth hook proxmox 101 pre-start
rm /etc/pve/qemu-server/101.conf
vm_stop 100
assert_rc 'post-stop' 0 wideberth hook proxmox 100 post-stop
assert 'its CPUs are free' waited_for 30 no_partition
assert_rc 'nothing is left to undo' 0 wideberth undo --all
rm -rf /etc/wideberth
dump_state /tmp/after
assert 'all is back' dump_same /tmp/before /tmp/after 'libvirtd.service|qemu-event' # it was restarted
times_told
assert_eq 'nobody crashed' "$(crashes)" ''
finish
