# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For scenarios inside the lab host: `. /lab/run/lib.sh`. Never source it anywhere else: it changes the machine.

[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
lab_n=0 lab_failed=0 lab_last=$EPOCHREALTIME

# ---- judging ----------------------------------------------------------------------------------------------------

# took: "1.2 s" since it was asked last, into lab_took
took() {
	local now=$EPOCHREALTIME tenths
	tenths=$(((${now/./} - ${lab_last/./}) / 100000))
	lab_last=$now lab_took="$((tenths / 10)).$((tenths % 10)) s"
}

# assert DESCRIPTION COMMAND...: the command must succeed. Prints a line of TAP, with the time since the last one; the
# command's output only on failure.
assert() {
	local desc=$1 text result=ok
	shift
	lab_n=$((lab_n + 1))
	text=$("$@" 2>&1) || result='not ok'
	took
	echo "$result - $lab_n $desc # $lab_took"
	[ "$result" != ok ] || return 0
	lab_failed=$((lab_failed + 1))
	printf '%s\n' "  command: $*" "$text" | sed 's/^/# /' | head -n "${ASSERT_LINES:-40}"
}

# assert_eq DESCRIPTION GOT WANT
assert_eq() { assert "$1" same_text "$2" "$3"; }
same_text() { [ "$1" = "$2" ] || { printf 'got:  %s\nwant: %s\n' "$1" "$2"; return 1; }; }

# assert_rc DESCRIPTION CODE COMMAND...: the command must end with this exit code
assert_rc() {
	local desc=$1 want=$2
	shift 2
	assert "$desc" ends_with "$want" "$@"
}
ends_with() {
	local want=$1 rc=0
	shift
	"$@" || rc=$?
	[ $rc = "$want" ] || { echo "exit code $rc, not $want"; return 1; }
}

# finish: the counts; ends the scenario, 0 if all was well
finish() {
	echo "1..$lab_n"
	echo "# $((lab_n - lab_failed)) passed, $lab_failed failed"
	[ $lab_failed = 0 ] && [ $lab_n -gt 0 ]
	exit
}

# wait_until SECONDS COMMAND...: tries once or twice a second
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.5
	done
}

# ---- dumps ------------------------------------------------------------------------------------------------------

# dump_state FILE: everything that wideberth may change; see the head of `dump`
dump_state() { /lab/run/dump >"$1"; }

# dump_same A B [IGNORE-REGEX]: no difference? Else prints it.
# irqbalance moves interrupts when it likes: stop it, or ignore '^irq ', where that is not what is tested.
dump_same() {
	if [ -n "${3:-}" ]; then
		diff <(grep -vE "$3" "$1") <(grep -vE "$3" "$2")
	else
		diff "$1" "$2"
	fi
}

# ---- virtual machines -------------------------------------------------------------------------------------------

# vm_start NAME VMID VCPUS IOTHREADS [spin|sleep|periodic]: a real QEMU as Proxmox starts it, in qemu.slice/VMID.scope,
# without Delegate. All vCPUs run: see guest/guest.S. LAB_ACCEL=kvm makes it a KVM guest (the lab emulates AMD's SVM).
# The array vm_extra holds more arguments for QEMU; vm_maxcpus leaves room for more vCPUs.
vm_extra=()
vm_start() {
	local name=$1 vmid=$2 vcpus=$3 iothreads=$4 mode=${5:-spin} accel=(-accel tcg,thread=multi,tb-size=8) smp=$3 i args=()
	if [ $((vcpus % 2)) = 0 ]; then
		smp=$vcpus,sockets=1,cores=$((vcpus / 2)),threads=2
	fi
	if [ -n "${vm_maxcpus:-}" ]; then
		smp=$vcpus,sockets=1,cores=$((vm_maxcpus / 2)),threads=2,maxcpus=$vm_maxcpus
	fi
	if [ "${LAB_ACCEL:-tcg}" = kvm ]; then
		modprobe kvm_amd
		accel=(-accel kvm)
	fi
	for ((i = 0; i < iothreads; i++)); do
		args+=(-object "iothread,id=io$i")
	done
	mkdir -p /run/qemu-server /etc/pve/qemu-server /var/log/lab
	cat >"/etc/pve/qemu-server/$vmid.conf" <<-END
	name: $name
	sockets: 1
	cores: $vcpus
	memory: 64
	numa: 0
	END
	systemd-run --quiet --scope --slice=qemu.slice --unit="$vmid" --description="Proxmox VE VM $vmid" \
		-p TimeoutStopSec=10 -p KillMode=process -p SendSIGKILL=no \
		qemu-system-x86_64 -name "guest=$name,debug-threads=on" "${accel[@]}" -smp "$smp" -m 64 \
		-uuid "$(printf '00000000-0000-4000-8000-%012d' "$vmid")" \
		-display none -nodefaults -no-user-config ${args[@]+"${args[@]}"} ${vm_extra[@]+"${vm_extra[@]}"} -bios "/lab/run/$mode.rom" \
		-qmp "unix:/run/qemu-server/$vmid.qmp,server=on,wait=off" \
		-pidfile "/run/qemu-server/$vmid.pid" -daemonize >"/var/log/lab/$vmid.log" 2>&1 ||
		{ cat "/var/log/lab/$vmid.log" >&2; return 1; }
}

# vm_helper VMID: a process beside QEMU in the VM's scope, as virtiofsd and swtpm are
vm_helper() {
	sleep 10000 &
	echo $! >"/sys/fs/cgroup/qemu.slice/$1.scope/cgroup.procs"
}

vm_pid() { cat "/run/qemu-server/$1.pid"; }

# vm_stop VMID
vm_stop() {
	local pid
	pid=$(vm_pid "$1") || return
	kill "$pid" 2>/dev/null
	wait_until 20 vm_gone "$pid" || kill -9 "$pid"
	rm -f "/run/qemu-server/$1.pid" "/run/qemu-server/$1.qmp" "/etc/pve/qemu-server/$1.conf"
	wait_until 10 test ! -d "/sys/fs/cgroup/qemu.slice/$1.scope"
}
vm_gone() { ! [ -d "/proc/$1" ]; }

# vm_threads VMID: "TID NAME" per line
vm_threads() {
	local t
	for t in /proc/"$(vm_pid "$1")"/task/*; do
		echo "${t##*/} $(cat "$t/comm")"
	done
}

# vcpu_tids VMID: in the order of the vCPUs
vcpu_tids() { vm_threads "$1" | sed -n 's/^\([0-9]*\) CPU \([0-9]*\)\/.*/\2 \1/p' | sort -n | cut -d' ' -f2; }

# allowed TID: its Cpus_allowed_list
allowed() { sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/status"; }

# vm_qmp VMID COMMAND [ARGUMENTS]: the answer of QEMU, one line of JSON
vm_qmp() {
	local line answer='' fd_in fd_out nc_pid
	coproc NC { exec nc -U "/run/qemu-server/$1.qmp"; }
	fd_out=${NC[0]} fd_in=${NC[1]} nc_pid=$NC_PID
	read -r -t 60 line <&"$fd_out"		# the greeting
	echo '{"execute":"qmp_capabilities"}' >&"$fd_in"
	read -r -t 60 line <&"$fd_out"
	echo "{\"execute\":\"$2\",\"id\":\"lab\"${3:+,\"arguments\":$3}}" >&"$fd_in"
	while read -r -t 60 line <&"$fd_out"; do
		case $line in *'"id": "lab"'*) answer=$line; break ;; esac
	done
	kill "$nc_pid" 2>/dev/null
	wait "$nc_pid" 2>/dev/null
	printf '%s\n' "$answer"
	[ -n "$answer" ]
}

# ran_ticks TID...: CPU time used so far, in clock ticks, one line per thread.
# (/proc/TID/stat would be the sum over the whole process.)
ran_ticks() {
	local t
	for t; do
		sed 's/^.*) //' "/proc/$t/task/$t/stat" | awk '{ print $12 + $13 }'
	done
}

# ---- noise ------------------------------------------------------------------------------------------------------

# noise_start [HOGS]: what disturbs on a real host: HOGS busy processes each in system.slice and in user.slice (default 6),
# a second VM "noisy" 101 whose 4 vCPUs spin (unless NOISE_VM=no), disk interrupts of both kinds (vda's can be moved,
# vdb's are managed by the kernel), network interrupts (pings that never leave QEMU's own network).
noise_start() {
	local hogs=${1:-6}
	local burn="for i in \$(seq $hogs); do while :; do :; done & done; wait"
	systemd-run --quiet --unit=noise-system --slice=system.slice sh -c "$burn"
	systemd-run --quiet --unit=noise-disk --slice=system.slice sh -c \
		'while :; do for d in vda vdb; do dd if=/dev/$d of=/dev/null bs=4k count=500 iflag=direct status=none; done; done'
	systemd-run --quiet --unit=noise-net --slice=system.slice ping -q -i 0.005 10.0.2.2
	setsid systemd-run --quiet --scope --unit=noise-user --slice=user.slice sh -c "$burn" </dev/null >/dev/null 2>&1 &
	disown
	[ "${NOISE_VM:-yes}" = no ] || [ -e /run/qemu-server/101.pid ] || vm_start noisy 101 4 1 spin
	wait_until 20 systemctl is-active -q noise-user.scope
}

noise_stop() {
	systemctl stop noise-system noise-disk noise-net noise-user.scope 2>/dev/null
	systemctl reset-failed 'noise-*' 2>/dev/null
	[ ! -e /run/qemu-server/101.pid ] || vm_stop 101
}
