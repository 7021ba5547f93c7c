#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Random sequences of what happens to a host: VMs start, stop, restart and get one more vCPU, apply, undo, either killed in
# the middle, changes by others, daemon-reload. After each step status says what the kernel's files say of who may run
# where; at the end of each sequence undo gives back the host as it was, with every CPU.
# Arguments: seed, sequences, steps in each. tests/lab/soak runs fifty.
# lab: never
# shellcheck disable=SC2154 # the libraries set tids, names, vcpu_tid, cg
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

seed=${1:-$RANDOM} sequences=${2:-3} steps=${3:-8}
RANDOM=$seed
online=$(cat /sys/devices/system/cpu/online)
disk=$(sed -n 's/^ *\([0-9]*\):.*virtio0$/\1/p' /proc/interrupts)
level=isolated
[ "$LAB_KERNEL" != 6.1 ] || level=fenced
echo "# $(uname -r), seed $seed, $sequences sequences of $steps steps"

# pick WORD...
pick() {
	shift $((RANDOM % $#))
	REPLY=$1
}
runs() { [ -e "/run/qemu-server/$1.pid" ]; }
start() {
	local vm_maxcpus=4
	vm_start "db$1" "$1" 2 1 sleep
}

# ---- the steps; each says in $did what it did ----
step_start() { pick 100 102; did="start $REPLY"; runs "$REPLY" || start "$REPLY"; }
step_stop() { pick 100 102; did="stop $REPLY"; ! runs "$REPLY" || vm_stop "$REPLY"; }
step_restart() {
	pick 100 102
	did="restart $REPLY"
	! runs "$REPLY" || vm_stop "$REPLY"
	start "$REPLY"
}
step_hotplug() {
	local vmid
	pick 100 102
	vmid=$REPLY did="one more vCPU for $REPLY"
	runs "$vmid" || return 0
	vm_qmp "$vmid" device_add "$(vm_qmp "$vmid" query-hotpluggable-cpus |
		jq -c '[.return[] | select(."qom-path" == null)][-1] | {driver: .type, id: "late"} + .props')" >/dev/null
}
# Where there is nobody to apply it fails, and changes nothing; the files are judged.
step_apply() {
	local vmid
	pick 100 102
	vmid=$REPLY
	pick $level fenced pinned
	did="apply $vmid at $REPLY"
	wideberth apply --vm "$vmid" --isolation "$REPLY" >/out/step.txt 2>&1
	did+=", exit $?"
}
step_undo() {
	pick db100 db102 --all
	did="undo $REPLY"
	wideberth undo "$REPLY" >/out/step.txt 2>&1
	did+=", exit $?"
}
step_kill() {
	local what
	pick 'apply --vm db100' 'apply --vm db102' 'undo --all'
	what=$REPLY
	choose 70
	did="$what, $REPLY"
	# shellcheck disable=SC2086
	WIDEBERTH_FAULT=$REPLY wideberth-fault $what >/out/step.txt 2>&1
	did+=", exit $?"
}
step_foreign() {
	local t
	pick taskset interrupt property scope root
	did="others: $REPLY"
	case $REPLY in
	taskset)
		pick 100 102
		runs "$REPLY" || return 0
		threads_of "$REPLY"
		pick "${tids[@]}"
		did+=" $REPLY ${names[REPLY]}"
		t=$REPLY
		pick 0-3 6 "$online"
		taskset -pc "$REPLY" "$t" >/dev/null 2>&1
		;;
	interrupt)
		pick 0-1 "$online" 2-3
		did+=" $disk to $REPLY"
		echo "$REPLY" >"/proc/irq/$disk/smp_affinity_list"
		;;
	property) systemctl set-property --runtime system.slice TasksMax=$((RANDOM + 5000)) ;;
	scope)
		systemd-run --quiet --scope --slice=user.slice sleep 100000 >/dev/null 2>&1 &
		foreign+=($!)
		disown
		;;
	root)
		sleep 100000 &
		foreign+=($!)
		disown
		echo $! >/sys/fs/cgroup/cgroup.procs
		;;
	esac
}
step_reload() { did=daemon-reload; systemctl daemon-reload; }
steps_known='start start stop restart hotplug apply apply apply apply undo kill kill foreign foreign reload'

# undone: all goes back, but for what others set in the steps of $story, which is kept and said (exit 1)
undone() {
	local rc=0 knob key bad=0
	wideberth --json undo --all >/out/undo.json 2>/out/undo.err || rc=$?
	[ $rc != 0 ] || return 0
	[ $rc = 1 ] || bad=1
	while read -r knob key; do
		[[ $story = *"taskset $key "* || $story = *"interrupt $key to"* ]] || { echo "kept: $knob of $key"; bad=1; }
	done < <(jq -r '.failed[] | "\(.knob) \(.key)"' /out/undo.json)
	[ $bad = 0 ] || { echo "exit $rc"; cat /out/undo.err; return 1; }
}

# told: status and the files agree. Of each VM that it says is isolated or fenced and runs: whoever else may be on its CPUs
# is named, and nobody else. What is unfinished is said, and nothing is judged then.
told() {
	local rc=0 vmid cpus bad=0
	wideberth --json status >/out/status.json 2>/out/status.err || rc=$?
	if [ -e /run/wideberth/journal ]; then
		[ $rc = 1 ] && jq -e '.unfinished' /out/status.json >/dev/null || { echo "exit $rc, and it is unfinished"; bad=1; }
		return $bad
	fi
	[ $rc -le 1 ] || { cat /out/status.err; return 1; }
	: >/out/on
	while read -r vmid cpus; do
		threads_of "$vmid"
		others_on "$cpus" "${vcpu_tid[@]}" >>/out/on
	done < <(jq -r '.applied[] | select(.state == "running" and .level != "pinned") | "\(.vm) \(.cpus)"' /out/status.json)
	same_text "$(jq -r '.intruders[] | select(.tid).tid' /out/status.json | alive)" "$(cut -d' ' -f1 /out/on | alive)" >/out/differs || bad=1
	[ $rc = 1 ] || [ ! -s /out/on ] || bad=1
	[ $bad = 0 ] || { echo "exit $rc"; jq -c '{applied, intruders, drift}' /out/status.json; head -n 20 /out/on; cat /out/differs; }
	return $bad
}

systemctl stop irqbalance
vm_start bystander 104 2 1 sleep
sleep 1
dump_state /out/a
irq_was=$(cat "/proc/irq/$disk/smp_affinity_list")
for ((i = 1; i <= sequences; i++)); do
	foreign=() story='' begin=$SECONDS
	start 100
	for ((j = 1; j <= steps; j++)); do
		# shellcheck disable=SC2086
		pick $steps_known
		did=
		"step_$REPLY"
		story+="; $did"
		assert "$i.$j: $did: status says what is" told
	done
	[ ${#foreign[@]} = 0 ] || kill "${foreign[@]}"
	assert "$i: undo${story#;}" undone
	for vmid in 100 102; do ! runs $vmid || vm_stop $vmid; done
	# What others did is theirs, and stays.
	echo "$irq_was" >"/proc/irq/$disk/smp_affinity_list"
	rm -rf /run/systemd/system.control/system.slice.d/50-TasksMax.conf
	systemctl daemon-reload
	sleep 0.5
	dump_state /out/now
	assert "$i: all is as it was" dump_same /out/a /out/now
	assert "$i: no CPU is lost" same_cpus "$online" "$(cat /sys/fs/cgroup/cpuset.cpus.effective)"
	echo "# $i: $((SECONDS - begin)) s"
done
assert_eq 'nothing crashed' "$(crashes)" ''
finish
