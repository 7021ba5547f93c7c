#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A bare QEMU that is a systemd service, as people without a manager have it: apply holds when systemd reloads and sets
# properties of the unit and of its slice, and undo leaves all as it was.
# lab: 7.2 trixie mini 300
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

systemctl stop irqbalance
mkdir -p /run/qemu-server
systemd-run --quiet --unit=vm-db.service qemu-system-x86_64 -name guest=db,debug-threads=on -accel tcg,thread=multi,tb-size=8 \
	-smp 4,cores=2,threads=2 -m 64 -display none -nodefaults -no-user-config -object iothread,id=io0 -bios /lab/run/sleep.rom \
	-qmp unix:/run/qemu-server/db.qmp,server=on,wait=off -pidfile /run/qemu-server/db.pid
wait_until 20 test -s /run/qemu-server/db.pid
all_vcpus() { [ "$(vcpu_tids db | wc -l)" = 4 ]; }
wait_until 20 all_vcpus
dump_state /out/a

assert_rc 'apply works' 0 timed eval 'wideberth --json apply --vm db >/out/apply.json'
proves db isolated /out/apply.json
assert_rc 'status agrees' 0 wideberth status
systemctl daemon-reload
assert_rc 'after daemon-reload status agrees' 0 wideberth status
systemctl set-property --runtime vm-db.service TasksMax=1000
systemctl set-property --runtime system.slice TasksMax=10000
assert_rc 'after set-property of the service and its slice too' 0 wideberth status
proves db isolated /out/apply.json 'after daemon-reload, set-property'
rm -f /run/systemd/transient/vm-db.service.d/50-TasksMax.conf /run/systemd/system.control/system.slice.d/50-TasksMax.conf
systemctl daemon-reload
assert_rc 'undo works' 0 timed wideberth undo --all
dump_state /out/b
assert 'all is as it was' dump_same /out/a /out/b

# ---- a service that ends while it is applied ----
assert_rc 'apply works again' 0 eval 'wideberth --json apply --vm db >/out/apply.json'
systemctl stop vm-db.service
assert_rc 'status says that it has ended' 1 wideberth status
assert_rc 'undo frees its CPUs' 0 wideberth undo --all
assert 'all of them' same_cpus "$(cat /sys/devices/system/cpu/online)" "$(cat /sys/fs/cgroup/cpuset.cpus.effective)"
assert_eq 'nothing of ours is left below /run/systemd' "$(grep -rls wideberth /run/systemd/system)" ''
assert_eq 'nothing crashed' "$(crashes)" ''
finish
