#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Guests of real KVM that do not say who they are: one without thread names and without a monitor, one under another
# program's name, one whose options are in a file. vms finds them and knows each vCPU's thread, as debugfs has it; plan,
# apply and undo work on them.
# lab: 6.12 trixie mini 600
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
grep -q ' svm ' /proc/cpuinfo || { echo '# this kernel sees no SVM here'; finish; }
modprobe kvm_amd
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug

systemctl stop irqbalance
mkdir -p /run/vms /opt/vmm
# bare NAME PROGRAM ARG...: in a scope of its own
bare() {
	local name=$1
	shift
	systemd-run --quiet --scope --slice=vms.slice --unit="$name" "$@" -L /usr/share/qemu -daemonize -pidfile "/run/vms/$name.pid" \
		>/out/bare.txt 2>&1 || { cat /out/bare.txt; return 1; }
}
common=(-display none -nodefaults -no-user-config -bios /lab/run/sleep.rom)
assert 'a VM without names and monitor starts' bare silent qemu-system-x86_64 -accel kvm -smp 4,cores=2,threads=2 -m 64 "${common[@]}"
cp /usr/bin/qemu-system-x86_64 /opt/vmm/hypervisor
assert 'one of another name' bare renamed /opt/vmm/hypervisor -accel kvm -smp 2,threads=2 -m 64 "${common[@]}"
cat >/run/vms/config.cfg <<'END'
[machine]
  type = "q35"
  accel = "kvm"
[smp-opts]
  cpus = "2"
  cores = "1"
  threads = "2"
[memory]
  size = "64M"
[chardev "mon"]
  backend = "socket"
  path = "/run/vms/config.qmp"
  server = "on"
  wait = "off"
[mon "qmp"]
  chardev = "mon"
  mode = "control"
END
assert 'one whose options are in a file' bare config qemu-system-x86_64 -readconfig /run/vms/config.cfg "${common[@]}"
sleep 1

# witness PID: "vCPU TID" of each of its vCPUs, by the kernel
witness() {
	local f
	for f in /sys/kernel/debug/kvm/"$1"-*/vcpu*/pid; do
		[ -e "$f" ] || continue
		REPLY=${f%/pid}
		echo "${REPLY##*/vcpu} $(cat "$f")"
	done | sort -n
}
# id_of PID
id_of() { jq -r --argjson pid "$1" '.vms[] | select(.pid == $pid) | .id' /out/vms.json; }
vcpus_of() { jq -r --argjson pid "$1" '.vms[] | select(.pid == $pid) | .threads[] | select(.role == "vcpu") | "\(.index) \(.tid)"' /out/vms.json | sort -n; }
# off NAME PID CPUS: its other threads
others_off() {
	local t bad=0
	for t in /proc/"$1"/task/*; do
		t=${t##*/}
		[[ " $2 " != *" $t "* ]] || continue
		allowed_of "$t"
		apart "$REPLY" "$3" || { echo "thread $t"; bad=1; }
	done
	return $bad
}

assert_rc 'vms works' 0 eval 'wideberth --json vms >/out/vms.json'
for name in silent renamed config; do
	pid=$(cat /run/vms/$name.pid)
	want=$(witness "$pid")
	echo "# $name is process $pid: $(head -c 200 "/proc/$pid/task/$pid/comm"), vCPUs and threads by debugfs: $(xargs <<<"$want")"
	assert "$name: the kernel tells of its vCPUs" test -n "$want"
	assert_eq "$name: each vCPU thread is right" "$(vcpus_of "$pid")" "$want"
	assert_eq "$name: as many as it has" "$(jq -r --argjson pid "$pid" '.vms[] | select(.pid == $pid) | .vcpus' /out/vms.json)" "$(wc -l <<<"$want")"
done
for name in silent renamed config; do
	pid=$(cat /run/vms/$name.pid)
	id=$(id_of "$pid")
	[ -n "$id" ] || continue
	tids=$(witness "$pid" | cut -d' ' -f2 | xargs)
	dump_state /out/a
	assert_rc "$name: plan works" 0 wideberth plan --vm "$id"
	assert_rc "$name: apply works" 0 eval 'wideberth --json apply --vm "$id" >/out/apply.json'
	assert_eq "$name: isolated" "$(jq -r '.vms[0].level' /out/apply.json)" isolated
	claim=''
	seen=$(for t in $tids; do allowed "$t"; done)
	claim=$(xargs <<<"$seen" | tr ' ' ,)
	assert "$name: each vCPU has one CPU of its own ($claim)" test "$(sort -u <<<"$seen" | grep -cE '^[0-9]+$')" = "$(wc -w <<<"$tids")"
	assert "$name: its other threads are elsewhere" others_off "$pid" "$tids" "$claim"
	# shellcheck disable=SC2086
	assert "$name: and so is everybody" nobody_on "$claim" $tids
	assert_rc "$name: status agrees" 0 wideberth status
	assert_rc "$name: undo works" 0 wideberth undo --all
	dump_state /out/b
	assert "$name: all is as it was" dump_same /out/a /out/b
done
for name in silent renamed config; do kill "$(cat /run/vms/$name.pid)"; done
assert_eq 'nothing crashed' "$(crashes)" ''
finish
