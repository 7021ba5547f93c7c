#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Domains of a real libvirtd: plan keeps off the CPUs that libvirt pinned to others; apply holds, libvirt's own groups, pins
# and restarts notwithstanding; undo leaves libvirt's host as it was, but for lists that the kernel does not empty.
# lab: 6.12 trixie mini 600
# soak: 6.1 bookworm mini 400
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-libvirt.sh

# lib-proof.sh finds a VM by this, and asks it.
vm_qmp() { domain_qmp "$@"; }
pid_file() { cp "/run/libvirt/qemu/$1.pid" "/run/qemu-server/$1.pid"; }
pins() { virsh vcpupin "$1" | awk '$1 ~ /^[0-9]+$/ { print $2 }' | xargs; }

level=isolated
[ "$LAB_KERNEL" != 6.1 ] || level=fenced

# undone NAME: undo, and what it cannot put back is named: libvirt needs the cpuset controller, and before 7.0 a list of
# CPUs is not emptied then. All else is as in /out/a.
undone() {
	local rc=0
	wideberth --json undo --all >/out/undo.json || rc=$?
	dump_state /out/b
	diff /out/a /out/b | sed -n "s,^> set /sys/fs/cgroup/\(.*\)/cpuset.cpus: $online$,\1,p" | sort >/out/left
	echo "# lists that say $online instead of nothing: $(xargs -d '\n' </out/left)"
	assert "$1: undo names what it left, and nothing else" same_text \
		"$(jq -r '.failed[] | select(.knob == "cgroup.cpus").key' /out/undo.json | sort)" "$(cat /out/left)"
	assert_eq "$1: and only that" "$(jq '[.failed[] | select(.knob != "cgroup.cpus")] | length' /out/undo.json)" 0
	assert_eq "$1: its exit code" $rc "$([ -s /out/left ] && echo 4 || echo 0)"
	assert "$1: the rest is as it was" dump_same <(sed "s/\(cpuset.cpus: \)$/\1$online/" /out/a) <(sed "s/\(cpuset.cpus: \)$/\1$online/" /out/b)
	assert "$1: nothing keeps a thread from any CPU" same_cpus "$online" "$(cat /sys/fs/cgroup/system.slice/cpuset.cpus.effective)"
}

systemctl stop irqbalance
online=$(cat /sys/devices/system/cpu/online)
mkdir -p /run/qemu-server
libvirt_start
domain_start one 4
domain_start two 2 "<cputune><vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='1' cpuset='3'/><emulatorpin cpuset='0-1'/><iothreadpin iothread='1' cpuset='2'/></cputune>"
pid_file one
pid_file two
dump_state /out/a

wideberth --json plan --vm one >/out/plan.json
assert_eq 'plan works' "$?" 0
assert 'it keeps off the CPUs that libvirt pinned to two' apart 2-3 "$(jq -r '.vms[0].vcpus | map(.cpus) | join(",")' /out/plan.json)"
assert_rc 'apply works' 0 timed eval 'wideberth --json apply --vm one >/out/apply.json'
proves one $level /out/apply.json
assert_rc 'status agrees' 0 wideberth status
claim_of two
assert_eq "two's pins are as libvirt set them" "$REPLY" 2,3
assert_eq 'libvirt says so too' "$(pins two)" '2 3'

undone one

# ---- a domain that libvirt pinned: its groups have CPUs of their own ----
assert_rc 'apply works where libvirt pinned it' 0 timed eval 'wideberth --json apply --vm two >/out/apply.json'
claim_of two
assert_eq 'and leaves it there' "$REPLY" 2,3
proves two $level /out/apply.json
assert_rc 'status agrees' 0 wideberth status
undone two
assert_rc 'apply works elsewhere' 0 timed eval 'wideberth --json apply --vm two --housekeeping 0-5 >/out/apply.json'
proves two $level /out/apply.json 'elsewhere'
undone 'two, elsewhere'

# ---- killed in the middle ----
seed=${1:-$RANDOM}
RANDOM=$seed
echo "# seed $seed"
n=$(($(jq .writes /out/apply.json) - 10))
for i in 1 2 3 4; do
	choose $n
	assert "$i: apply dies at $REPLY" killed "$REPLY" apply --vm two --housekeeping 0-5
	undone "$i, $REPLY"
done

# ---- libvirt goes on with what is its own ----
assert_rc 'apply works again' 0 eval 'wideberth --json apply --vm one >/out/apply2.json'
claim_of one
claim=$REPLY
systemctl restart libvirtd
assert 'libvirtd is back' wait_until 60 virsh list
assert_rc 'after a restart of libvirtd status agrees' 0 wideberth status
rc=0
virsh vcpupin one 0 0 || rc=$?
echo "# virsh vcpupin of a vCPU that is applied: exit $rc"
claim_of one
want=0
[ "$REPLY" = "$claim" ] || want=1
assert_rc "status tells the truth of what came of it ($claim, now $REPLY)" $want wideberth status
assert_rc 'apply puts it right, if need be' 0 eval 'wideberth --json apply --vm one >/out/apply3.json'
proves one $level /out/apply3.json 'after vcpupin'

# ---- a domain that ends while it is applied ----
assert 'libvirt destroys the domain' virsh destroy one
wideberth status >/out/status.txt 2>&1
assert_eq 'status has something to say' "$?" 1
assert 'namely that one has ended' grep -q 'one has ended' /out/status.txt
wideberth undo --all >/dev/null 2>&1
assert 'undo frees its CPUs' same_cpus "$online" "$(cat /sys/fs/cgroup/cpuset.cpus.effective)"
assert 'libvirt starts it again' virsh create /tmp/one.xml
assert_eq 'nothing crashed' "$(crashes)" ''
finish
