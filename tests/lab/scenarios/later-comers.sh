#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What comes after apply, and who else writes there: on a bare host, and on one with containers and a domain of libvirt.
# At isolated none of them gets to the VM's CPUs; on 6.1, at fenced, status names each that does. Undo leaves the host as it
# was. Who may run there is read from the kernel's files, and status must say the same.
# Arguments: bare, crowd, or both; without any both.
# lab: 7.2 trixie mini 600 -- crowd
# soak: 7.2 trixie mini 900 -- bare
# soak: 7.2 bookworm mini 900
# soak: 6.12 bookworm mini 900
# soak: 6.12 trixie mini 900
# soak: 6.1 bookworm mini 1200
# shellcheck disable=SC2154 # the libraries set tids, names, vcpu_tid, cg
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh
. /lab/run/lib-libvirt.sh
. /lab/run/lib-crowd.sh

level=isolated
[ "$LAB_KERNEL" != 6.1 ] || level=fenced
online=$(cat /sys/devices/system/cpu/online)

# ---- who comes --------------------------------------------------------------------------------------------------
# Each goes for the CPUs that the VM has ($claim), as if it knew. What starts a process says its name in $who.

in_new_group() { group late && moved "$1" late; }
in_root_group() { moved "$1" ''; }
in_container() { lxc_start 201 "$claim"; }
in_container_without_list() { lxc_start 203; }
in_docker() { docker_start late "$claim"; }
in_pod() { pod_start c3 "$claim"; }
in_scope_with_list() { scope "$1" late-scope late.slice "AllowedCPUs=$claim"; units+=(late.slice); }
in_user_slice() { service "$1" late-user --slice=user.slice; }
with_cpu_affinity() { service "$1" late-affinity -p "CPUAffinity=$claim" -p Restart=no; }
in_threaded_group() { threaded_start late-threads; }
in_the_vms_scope() { moved "$1" qemu.slice/100.scope; }
another_vm() {
	vm_start late 103 2 1 sleep
	threads_of 103
	for t in "${tids[@]}"; do who[t]="VM 103's ${names[t]}"; done
}
# As root of the host, onto what the VM has: EINVAL where it is a partition.
by_taskset() {
	sleeper "$1"
	taskset -pc "$claim" "$REPLY" >/dev/null 2>&1
	[ $level = fenced ] || { allowed_of "$REPLY" && apart "$REPLY" "$claim"; }
}
rival_partition() {
	[ $level = isolated ] && [ $quiet = no ] || return 0
	group late-rival
	echo +cpuset >$cg/cgroup.subtree_control
	echo "$claim" >$cg/late-rival/cpuset.cpus
	echo isolated >$cg/late-rival/cpuset.cpus.partition
	[ "$(cat $cg/late-rival/cpuset.cpus.partition)" != isolated ]
}
slice_property() { systemctl set-property --runtime system.slice TasksMax=9000 "AllowedCPUs=$online"; }
vm_slice_property() { systemctl set-property --runtime qemu.slice TasksMax=9000; }
vm_scope_property() { systemctl set-property --runtime 100.scope TasksMax=9000; }
daemon_reload() { systemctl daemon-reload; }
daemon_reexec() { systemctl daemon-reexec; }
revert() { systemctl revert system.slice qemu.slice; }
irqbalance_comes() { systemctl start irqbalance && sleep 1 && systemctl restart irqbalance; }
new_interrupts() { net=$(basename /sys/bus/virtio/drivers/virtio_net/virtio*) && echo "$net" >/sys/bus/virtio/drivers/virtio_net/unbind &&
	echo "$net" >/sys/bus/virtio/drivers/virtio_net/bind; }
workqueue_mask() { sed 's/[0-9a-f]/f/g' /proc/irq/default_smp_affinity >/sys/devices/virtual/workqueue/cpumask; }
# A trigger of pressure makes a kernel thread, psimon, as long as it is open.
kernel_thread() { exec 7<>/proc/pressure/cpu && echo 'some 150000 1000000' >&7; }
# Where the kernel refuses it, libvirt says so.
virsh_vcpupin() { virsh vcpupin web 0 "${claim%%,*}" || true; }
libvirt_reconnects() { systemctl restart libvirtd && wait_until 60 virsh list; }
domain_comes() { domain_start late 2 >/dev/null; }

comers='in_new_group in_root_group in_container in_container_without_list in_docker in_pod in_scope_with_list in_user_slice
	with_cpu_affinity in_threaded_group in_the_vms_scope another_vm by_taskset rival_partition slice_property vm_slice_property
	vm_scope_property daemon_reload daemon_reexec revert irqbalance_comes new_interrupts workqueue_mask kernel_thread'
with_libvirt='virsh_vcpupin domain_comes libvirt_reconnects'
# those that leave something behind, with or without wideberth
traces='in_container in_docker slice_property vm_slice_property vm_scope_property revert daemon_reexec irqbalance_comes new_interrupts'

# holds: by the files of the VM's own group, and what the root has left
holds() {
	local now
	! grep -q '^exit code' /out/comer.txt || { cat /out/comer.txt; return 1; }
	[ $level = isolated ] || return 0
	claim_of 100
	now=$REPLY
	same_text "$now" "$claim" && same_text "$(cat "$group/cpuset.cpus.partition")" isolated &&
		same_cpus "$(cat "$group/cpuset.cpus.effective")" "$claim" && apart "$(cat $cg/cpuset.cpus.effective)" "$claim"
}

# arrive COMER...: one after another
arrive() {
	local comer
	for comer; do
		"$comer" "$comer" >/out/comer.txt 2>&1 || echo "exit code $?" >>/out/comer.txt
		[ $quiet = yes ] || assert "$round: $comer comes, and the partition holds" holds
	done
	sleep 1
}

# leave: and go again
leave() {
	{ exec 7>&-; } 2>/dev/null
	[ ! -e /run/qemu-server/103.pid ] || vm_stop 103
	if [ "$round" = crowd ]; then
		virsh destroy late >/dev/null
		virsh vcpupin web 0 "$online" >/dev/null
	fi
	crowd_stop
	systemctl reset-failed 'late-*' 2>/dev/null
	rm -f /run/systemd/{transient,system.control}/{100.scope,system.slice,qemu.slice}.d/50-{TasksMax,AllowedCPUs}.conf
	systemctl daemon-reload
	[ "$round" != crowd ] || systemctl set-property --runtime system.slice "AllowedCPUs=$online"
}

# named RC: status names each thread that others_on found, and no other, and its exit code says so
named() {
	jq -e 'has("intruders")' /out/status.json && same_text "$(jq -r '.intruders[] | select(.tid).tid' /out/status.json | alive)" "$(cut -d' ' -f1 /out/on | alive)" &&
		{ [ ! -s /out/on ] || [ "$1" = 1 ]; }
}

# round NAME: with what is on the host now
round() {
	local round=$1 quiet=yes rc=0 who=() units=() groups=() begin=$SECONDS
	# What they leave behind without wideberth is there before it.
	claim=$(wideberth --json plan --vm db01 | jq -r '.vms[0].claim')
	# shellcheck disable=SC2086
	arrive $traces
	leave
	systemctl stop irqbalance
	dump_state "/out/a-$round"
	echo "# $round: came and went in $((SECONDS - begin)) s"

	assert_rc "$round: apply works" 0 timed eval 'wideberth --json apply --vm db01 >/out/apply.json'
	assert_eq "$round: at $level" "$(jq -r '.vms[0].level' /out/apply.json)" $level
	claim_of 100
	claim=$REPLY own=("${vcpu_tid[@]}")
	group=$cg$(sed -n 's/^0:://p' "/proc/${own[0]}/cgroup")
	assert_rc "$round: status agrees" 0 wideberth status
	quiet=no begin=$SECONDS
	# shellcheck disable=SC2086
	arrive $comers
	echo "# $round: all came in $((SECONDS - begin)) s; db01 has $claim"
	each_allowed | sed 's/^/# /'
	others_on "$claim" "${own[@]}" >/out/on
	wideberth --json status >/out/status.json || rc=$?
	# Before 7.0 a kernel thread that is born later has all CPUs, those of a partition too: status names it, apply moves it.
	[ "$LAB_KERNEL" = 7.2 ] && allowed_there='' || allowed_there='psimon'
	[ $level = fenced ] || assert_eq "$round: none of them may run there${allowed_there:+ but $allowed_there}" \
		"$(cut -d' ' -f2 /out/on | sort -u)" "$allowed_there"
	[ $level = isolated ] || assert "$round: some of them may run there" grep . /out/on
	assert "$round: status names those that may, and no other" named $rc
	assert_rc "$round: apply puts right what they did" 0 timed eval 'wideberth --json apply --vm db01 >/out/apply2.json'
	if [ $level = isolated ]; then
		proves 100 $level /out/apply2.json "$round, after all"
		assert_rc "$round: status agrees" 0 wideberth status
	fi
	leave
	# irqbalance is there now and moved interrupts, the network's are new, libvirtd was started again
	# 6.1 forgets the mask of a thread when others change its group's list, as some of them did.
	ignore='^irq|irqbalance|/libvirtd.service$'
	[ "$LAB_KERNEL" != 6.1 ] || ignore+='|^thread .* sleep: cpus=.*/lab-agent.service$'
	undone "$round" $level "/out/a-$round" /out/apply2.json "$ignore"
}

rounds=" ${*:-bare crowd} "
systemctl stop irqbalance
vm_start db01 100 4 2 sleep
sleep 1
[[ $rounds != *' bare '* ]] || round bare
if [[ $rounds = *' crowd '* ]]; then
	libvirt_start
	domain_start web 2
	crowd_start 2-5
	comers+=" $with_libvirt" traces+=' virsh_vcpupin libvirt_reconnects'
	sleep 1
	round crowd
fi
assert_eq 'nothing crashed' "$(crashes)" ''
finish
