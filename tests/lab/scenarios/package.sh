#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
# soak: 6.12 bookworm mini 900
# soak: 6.12 trixie mini 900
#
# The Debian package, by dpkg, on a host that has nothing of ours: installed and enabled without a policy it changes nothing;
# with one section a VM of Proxmox VE, a domain of libvirt and a bare QEMU are isolated whenever they run; an upgrade keeps
# that, a removal puts everything back, a purge leaves no file. /lab/deb has the package: see `suite`.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-libvirt.sh
. /lab/run/lib-daemon.sh

# what other scenarios are given is not here
left_over() { find / -xdev -path /proc -prune -o -path /lab -prune -o -path /out -prune -o -path /tmp -prune -o -name '*wideberth*' -print; }
left_over | xargs -r rm -rf
systemctl daemon-reload
package=$(echo /lab/deb/wideberth_*.deb)
install_package() { DEBIAN_FRONTEND=noninteractive dpkg -i "$package"; }

# ---- three VMs: KIND_start, KIND_kill, KIND_qmp COMMAND, KIND_plug (one more vCPU), and its pid_KIND in $REPLY ----
vm_maxcpus=4
pid_pve() { read_first /run/qemu-server/100.pid; }
pve_start() { vm_start db-pve 100 2 1 sleep; }
pve_kill() { kill9 100; }
pve_qmp() { vm_qmp 100 "$1"; }
pve_plug() {
	vm_qmp 100 device_add "$(vm_qmp 100 query-hotpluggable-cpus |
		jq -c '[.return[] | select(."qom-path" == null)][-1] | {driver: .type, id: "late"} + .props')" | grep -q '"return"'
}

pid_libvirt() { read_first /run/libvirt/qemu/db-virt.pid; }
libvirt_start_domain() { domain_start db-virt 2; }
libvirt_kill() {
	pid_libvirt
	kill -9 "$REPLY"
	wait_until 20 sh -c '! virsh -c qemu:///system domstate db-virt'
}
libvirt_qmp() { if [ "$1" = stop ]; then virsh suspend db-virt; else virsh resume db-virt; fi; }
libvirt_plug() { virsh setvcpus db-virt 3 --live; }

pid_bare() { read_first /run/vms/db-bare.pid; }
pid_comes() { read_first /run/vms/db-comes.pid; }
# bare_start [NAME [OPTION...]], bare_kill [NAME], bare_qmp COMMAND [ARGUMENTS], comes_qmp …: nobody manages it
# shellcheck disable=SC2120 # mostly by its usual name
bare_start() {
	local name=${1:-db-bare}
	systemd-run --quiet --scope --slice=vms.slice --unit="$name" qemu-system-x86_64 -name "guest=$name,debug-threads=on" \
		-accel tcg,thread=multi,tb-size=8 -smp 2,sockets=1,cores=2,threads=2,maxcpus=4 -m 64 -display none -nodefaults -no-user-config \
		-bios /lab/run/sleep.rom -qmp "unix:/run/vms/$name.qmp,server=on,wait=off" -pidfile "/run/vms/$name.pid" -daemonize "${@:2}"
}
bare_kill() {
	local name=${1:-db-bare}
	kill -9 "$(cat "/run/vms/$name.pid")"
	wait_until 10 test ! -d "/sys/fs/cgroup/vms.slice/$name.scope"
}
qmp_of() { ln -sf "/run/vms/$1.qmp" /run/qemu-server/bare.qmp; vm_qmp bare "${@:2}"; rm -f /run/qemu-server/bare.qmp; }
bare_qmp() { qmp_of db-bare "$@"; }
comes_qmp() { qmp_of db-comes "$@"; }
# guest_is KIND STATE: as its QEMU says
guest_is() { "$1_qmp" query-status | grep -q "\"status\": \"$2\""; }

isolated() { "pid_$1" && isolated_pid "$REPLY" "${2:-2}"; }
paused() { "$1_qmp" stop >/dev/null && isolated "$1" && "$1_qmp" cont >/dev/null && isolated "$1"; }

# ---- a host as it is before; its slices have been made ----
systemctl stop irqbalance
mkdir -p /run/vms
libvirt_start
pve_start
vm_stop 100
bare_start
bare_kill
libvirt_start_domain
virsh destroy db-virt >/dev/null
dump_state /tmp/before
# What is there in any case while the service runs: its own group, process and unit.
own='wideberth'

# ---- installed, without a policy ----
assert_rc 'dpkg installs it' 0 install_package
assert 'it runs' wait_until 30 systemctl is-active -q wideberth
assert_eq '... and will after a boot' "$(systemctl is-enabled wideberth)" enabled
assert 'it has looked' wait_until 60 sh -c '[ "$(wideberth --json status | jq .daemon.looks)" -ge 1 ]'
dump_state /tmp/installed
assert 'nothing is changed without a policy' dump_same /tmp/before /tmp/installed "$own"
assert_eq '... and the example says nothing' "$(grep -vE '^ *(#|$)' /etc/wideberth/wideberth.conf)" ''

# ---- one section ----
printf '\n[vm db-*]\nisolation = isolated\nplace = any\n' >>/etc/wideberth/wideberth.conf
assert_rc 'systemctl enable --now' 0 systemctl enable --now wideberth
pve_start
assert 'pve: started, isolated' waited_for 90 isolated pve
libvirt_start_domain
assert 'libvirt: started, isolated' waited_for 90 isolated libvirt
assert 'bare: starts' bare_start
assert 'bare: started, isolated' waited_for 90 isolated bare
for kind in pve libvirt bare; do
	assert "$kind: paused and continued, isolated" paused $kind
done
for kind in pve bare; do
	${kind}_kill
	${kind}_start
	assert "$kind: killed and started again, isolated" waited_for 90 isolated $kind
done
libvirt_kill
libvirt_start_domain
assert 'libvirt: killed and started again, isolated' waited_for 90 isolated libvirt
# to a second QEMU on this host: it has its CPUs before the guest runs there, and where it comes from until that ends
assert 'a QEMU that a guest is to come to' bare_start db-comes -incoming unix:/run/vms/migration
assert 'incoming: isolated' waited_for 90 isolated comes
assert '... before its guest runs' guest_is comes inmigrate
bare_qmp migrate '{"uri": "unix:/run/vms/migration"}' >/dev/null
assert 'migrated' wait_until 60 guest_is bare postmigrate
assert '... it runs there' wait_until 30 guest_is comes running
assert '... isolated' isolated comes
assert '... and what it comes from is still' isolated bare
bare_kill db-comes
bare_kill # six cores, of which two are kept: there is room for two VMs of three vCPUs
for kind in pve libvirt; do
	assert "$kind: one more vCPU" ${kind}_plug
	assert "$kind: three vCPUs, isolated" waited_for 90 isolated $kind 3
done

# ---- upgrade, removal, purge ----
assert_rc 'dpkg installs it over itself' 0 install_package
for kind in pve libvirt; do
	assert "$kind: isolated after the upgrade" isolated $kind
done
assert 'it runs again' wait_until 30 systemctl is-active -q wideberth
assert_eq 'nobody was given up, nothing failed' "$(wideberth --json events | jq -c '.events[] | select(.what == "gave-up" or .what == "failed" and
	(.why | endswith("it is gone") | not))')" '' # a VM was killed while it was placed
# hooks, of which one stands before somebody's own; qm and pvesm as far as these need them
mkdir -p /var/lib/vz/snippets /usr/local/bin /etc/libvirt/hooks/qemu.d
printf '#!/bin/sh\necho "theirs $*"\n' >/var/lib/vz/snippets/theirs.sh
cat >/usr/local/bin/qm <<'END'
#!/bin/sh
f=/etc/pve/qemu-server/$2.conf
sed -i /^hookscript:/d "$f"
[ "$3" != --hookscript ] || echo "hookscript: $4" >>"$f"
END
cat >/usr/local/bin/pvesm <<'END'
#!/bin/sh
echo "/var/lib/vz/snippets/${2#local:snippets/}"
END
chmod +x /var/lib/vz/snippets/theirs.sh /usr/local/bin/qm /usr/local/bin/pvesm
cp /etc/pve/qemu-server/100.conf /etc/pve/qemu-server/101.conf
echo 'hookscript: local:snippets/theirs.sh' >>/etc/pve/qemu-server/101.conf
sum_before=$(cat /etc/pve/qemu-server/10[01].conf /var/lib/vz/snippets/theirs.sh | sha256sum)
assert_rc 'hooks are installed' 0 sh -c 'wideberth hook install proxmox 100 101 && wideberth hook install libvirt'
assert_eq '... and called' "$(grep -h ^hookscript: /etc/pve/qemu-server/10[01].conf | tr '\n' ' ')" \
	'hookscript: local:snippets/wideberth-100.sh hookscript: local:snippets/wideberth-101.sh '
assert_rc 'dpkg removes it' 0 dpkg -r wideberth
assert_eq 'hook scripts: what was called before is called again' \
	"$(cat /etc/pve/qemu-server/10[01].conf /var/lib/vz/snippets/theirs.sh | sha256sum)" "$sum_before"
assert_eq '... and none of ours is left' "$(find /var/lib/vz/snippets /etc/libvirt/hooks -name '*wideberth*')" ''
rm -r /etc/pve/qemu-server/101.conf /var/lib/vz/snippets /usr/local/bin/qm /usr/local/bin/pvesm
assert 'nobody has a partition' no_partition
for kind in pve libvirt; do
	"pid_$kind"
	vcpus_of_pid "$REPLY"
	assert_eq "$kind: may run everywhere again" "$(for t in $REPLY; do allowed "$t"; done | sort -u)" "$(cat /sys/devices/system/cpu/online)"
done
virsh destroy db-virt >/dev/null
vm_stop 100
dump_state /tmp/removed
assert 'every setting is back' dump_same /tmp/before /tmp/removed 'qemu-event' # a thread that libvirtd keeps
assert_rc 'dpkg purges it' 0 dpkg -P wideberth
assert_eq 'no file is left' "$(left_over)" ''
times_told
assert_eq 'nobody crashed' "$(crashes)" ''
finish
