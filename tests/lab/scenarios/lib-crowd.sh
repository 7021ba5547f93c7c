# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
#
# What else lives on a host of VMs: containers as Proxmox VE, Docker and Kubernetes make them, processes and threads in odd
# groups, lists of CPUs that somebody set. Needs lib.sh.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }

cg=/sys/fs/cgroup

# What was started or made, for crowd_stop: $who by pid. Who wants to take away less makes these local in a function.
who=() units=() groups=()

# sleeper NAME [COMMAND...]: a process that does nothing, started by COMMAND; its pid is in $REPLY
sleeper() {
	local name=$1
	shift
	"$@" sleep 100000 </dev/null >/dev/null 2>&1 &
	REPLY=$!
	disown
	who[REPLY]=$name
}

# moved NAME GROUP: one in that group
moved() {
	sleeper "$1"
	echo "$REPLY" >"$cg/$2/cgroup.procs"
}

# group PATH: makes it, and those above it that are not there
group() {
	local at=$cg rest=$1/
	while [ -n "$rest" ]; do
		at+=/${rest%%/*} rest=${rest#*/}
		[ -d "$at" ] || { mkdir "$at" && groups+=("$at"); }
	done
}

# cpuset_down PATH: hands the cpuset controller down to that group
cpuset_down() {
	local at=$cg rest=$1/
	while [ -n "$rest" ]; do
		echo +cpuset >"$at/cgroup.subtree_control"
		at+=/${rest%%/*} rest=${rest#*/}
	done
}

# lxc_start ID [CPUS]: a container of Proxmox VE: /lxc/ID with a list, which pvestatd sets, its processes in /lxc/ID/ns
lxc_start() {
	group "lxc.monitor/$1"
	group "lxc/$1/ns"
	cpuset_down "lxc/$1/ns"
	[ -z "${2:-}" ] || echo "$2" >"$cg/lxc/$1/cpuset.cpus"
	moved "lxc $1" "lxc/$1/ns"
	moved "lxc $1's monitor" "lxc.monitor/$1"
}

# scope NAME UNIT SLICE [PROPERTY...]: a process in a scope of that name
scope() {
	local name=$1 unit=$2 slice=$3 property args=()
	shift 3
	for property; do args+=(-p "$property"); done
	sleeper "$name" systemd-run --quiet --scope --unit="$unit" --slice="$slice" ${args[@]+"${args[@]}"}
	wait_until 20 systemctl is-active -q "$unit.scope" || echo "# $unit.scope did not start"
	units+=("$unit.scope")
}

# service NAME UNIT [OPTION...]: a process in a service of that name
service() {
	local name=$1 unit=$2
	shift 2
	systemd-run --quiet --unit="$unit" "$@" sleep 100000
	units+=("$unit.service")
	REPLY=$(systemctl show -p MainPID --value "$unit")
	[ "$REPLY" = 0 ] || who[REPLY]=$name # else it could not start
}

# hex TEXT: as long as a container's name
hex() { printf '%s' "$1" | sha256sum | cut -c1-64; }

# docker_start NAME [CPUS]: with --cpuset-cpus
docker_start() { scope "docker $1" "docker-$(hex "$1")" system.slice Delegate=yes ${2:+"AllowedCPUs=$2"}; }
# pod_start NAME [CPUS]: with CPUs of its own where the kubelet's CPU manager is static
pod_start() {
	[ -d $cg/kubepods.slice ] || units+=(kubepods.slice)
	scope "pod $1" "cri-containerd-$(hex "$1")" "kubepods-burstable-pod$1.slice" Delegate=yes ${2:+"AllowedCPUs=$2"}
	units+=("kubepods-burstable-pod$1.slice")
}

# threaded_start GROUP: a thread in a threaded group of the root's
threaded_start() {
	group "$1"
	[ "$(cat "$cg/$1/cgroup.type")" = threaded ] || echo threaded >"$cg/$1/cgroup.type"
	moved "threaded in $1" ''
	echo "$REPLY" >"$cg/$1/cgroup.threads"
}

# crowd_start CPUS: all of it, with CPUS on the lists where one is set
crowd_start() {
	systemctl set-property --runtime system.slice "AllowedCPUs=$(cat /sys/devices/system/cpu/online)"
	lxc_start 200 "$1"
	lxc_start 202
	docker_start web "$1"
	docker_start free
	pod_start a1 "$1"
	pod_start b2
	moved 'in the root group' ''
	threaded_start threads
	sleeper 'pinned by taskset' taskset -c "${1%%[-,]*}"
	service 'a service with CPUs of its own' own-cpus -p "AllowedCPUs=$1"
	service 'a service in user.slice' in-user --slice=user.slice
}

# crowd_stop: takes away what was started, and its groups
crowd_stop() {
	local i pid
	[ ${#who[@]} = 0 ] || kill "${!who[@]}" 2>/dev/null
	[ ${#units[@]} = 0 ] || systemctl stop "${units[@]}" 2>/dev/null # a scope that is empty is gone
	for pid in "${!who[@]}"; do wait_until 10 vm_gone "$pid"; done
	for ((i = ${#groups[@]} - 1; i >= 0; i--)); do wait_until 5 rmdir "${groups[i]}"; done
	who=() units=() groups=()
}

# ---- who may run where ------------------------------------------------------------------------------------------

# each_allowed: "NAME CPUS" of all that was started
each_allowed() {
	local pid
	for pid in "${!who[@]}"; do
		allowed_of "$pid"
		echo "${who[pid]}: $REPLY"
	done
}

# all_off CPUS: none of them may run there; prints who may
all_off() {
	local pid bad=0
	for pid in "${!who[@]}"; do
		allowed_of "$pid"
		both "$REPLY" "$1"
		[ -z "$REPLY" ] || { echo "${who[pid]} ($pid) may run on $REPLY"; bad=1; }
	done
	[ ${#who[@]} -gt 0 ] && return $bad
}

# undone WHAT LEVEL DUMP PLAN.json [IGNORE-REGEX]: undo puts all back. At fenced, where the kernel does not let it empty a
# list, the list says all CPUs instead of nothing: plan said which, and so does undo, and no others. They are in $left.
undone() {
	local rc=0 online
	online=$(cat /sys/devices/system/cpu/online)
	timed wideberth --json undo --all >/out/undo.json || rc=$?
	dump_state /out/undone
	left=$(diff "$3" /out/undone | sed -n "s,^> set /sys/fs/cgroup/\(.*\)/cpuset.cpus: $online$,\1,p" | sort)
	echo "# $1: lists that say $online instead of nothing: $(xargs <<<"$left")"
	assert_eq "$1: undo's exit code" $rc "$([ -n "$left" ] && echo 4 || echo 0)"
	if [ "$2" = isolated ]; then
		assert "$1: all is as it was" dump_same "$3" /out/undone "${5:-}"
	else
		assert "$1: undo names what it left, and nothing else" same_text "$(jq -r '.failed[] | "\(.knob) \(.key)"' /out/undo.json | sort)" \
			"$(sed '/./s/^/cgroup.cpus /' <<<"$left")"
		# It may have named more: of groups that are gone by now.
		assert "$1: plan named them" same_text "$(jq -r '.stays[].key' "$4" | grep -Fxf - <(echo "$left"))" "$left"
		sed -i "s/\(cpuset.cpus: \)$/\1$online/" "$3" /out/undone
		assert "$1: the rest is as it was" dump_same "$3" /out/undone "${5:-}"
	fi
	[ -n "$left" ] && return
	assert_rc "$1: nothing is left to undo" 0 wideberth status
	assert_eq "$1: no file of ours is left" "$(find /run/wideberth -type f ! -name lock ! -name abilities; grep -rls wideberth /run/systemd/system)" ''
}
