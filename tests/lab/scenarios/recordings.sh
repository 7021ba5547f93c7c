# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: never
# soak: 6.12 bookworm mini 600
# soak: 6.1 bookworm mini 900
#
# A recording of a real host gives, byte for byte, what the command said there: every command, text, JSON and SVG, before and
# after apply. What a recording says is held against the kernel's own files. Leaves in /out a recording of the host with db01
# running: tests/golden/lab-*/recording are made of it.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh

echo "# $(uname -r), $LAB_TOPOLOGY"
systemctl stop irqbalance
vm_start db01 100 4 2 periodic
sleep 1
rec=/tmp/rec

# replays ARGS...: records and replays the command, as text and as JSON
replays() {
	local format
	for format in '' --json; do
		assert "$* $format" same_bytes "$format" "$@"
	done
}
same_bytes() {
	local format=$1 first=0 again=0
	shift
	rm -rf $rec
	# shellcheck disable=SC2086
	wideberth --record $rec $format "$@" >/tmp/first 2>/tmp/first-errors || first=$?
	# shellcheck disable=SC2086
	wideberth --root $rec $format "$@" >/tmp/again 2>/tmp/again-errors || again=$?
	[ $first = $again ] || { echo "exit code $first, then $again"; cat /tmp/again-errors; return 1; }
	[ $first -le 1 ] || { cat /tmp/first-errors; return 1; }
	# what the planner took is no fact of the host
	sed -i 's/"plan_ns": [0-9]*/"plan_ns": 0/' /tmp/first /tmp/again
	diff /tmp/first /tmp/again && diff /tmp/first-errors /tmp/again-errors
}
same_svg() {
	rm -rf $rec
	wideberth --record $rec show --svg /tmp/first.svg >/dev/null && wideberth --root $rec show --svg /tmp/again.svg >/dev/null &&
		cmp /tmp/first.svg /tmp/again.svg
}
# said FILTER: what jq makes of a replay of "show --settings"
said() { wideberth --root /tmp/settings --json show --settings | jq -r "$1"; }
file() { cat "$1" 2>/dev/null || echo null; }

# ---- every command ----------------------------------------------------------------------------------------------
wideberth measure --seconds 1 --save /tmp/before >/dev/null
wideberth measure --seconds 1 --save /tmp/after >/dev/null
replays measure --seconds 2
vm_qmp 100 stop >/dev/null # a guest that runs takes much of the emulated host
for command in show 'show --irqs' 'show --cgroups' 'show --settings' vms 'vms db01' 'plan --vm db01' \
	'apply --vm db01 --dry-run' status 'compare /tmp/before /tmp/after' explain 'explain cgroup.partition'; do
	# shellcheck disable=SC2086
	replays $command
done
assert 'show --svg' same_svg

# ---- against the kernel's files ---------------------------------------------------------------------------------
wideberth --record /tmp/settings show --settings >/dev/null
assert_eq 'CPUs that are online' "$(said '[.cpus[] | select(.online)] | length')" "$(nproc --all)"
for row in sched_rt_runtime_us:/proc/sys/kernel/sched_rt_runtime_us stat_interval:/proc/sys/vm/stat_interval \
	numa_balancing:/proc/sys/kernel/numa_balancing ksm_run:/sys/kernel/mm/ksm/run watchdog:/proc/sys/kernel/watchdog \
	clocksource:/sys/devices/system/clocksource/clocksource0/current_clocksource \
	smt_control:/sys/devices/system/cpu/smt/control; do
	assert_eq "${row%%:*}" "$(said ".tunables[] | select(.name == \"${row%%:*}\").value")" "$(file "${row#*:}")"
done
assert_eq 'the kernel command line' "$(said '[.boot[] | select(.is_set)] | length')" "$(wc -w </proc/cmdline)"
assert_eq 'watermarks' "$(said '[.zones[].min_pages] | add')" \
	"$(awk '$1 == "min" { min = $2 } $1 == "managed" && $2 { sum += min } END { print sum }' /proc/zoneinfo)"
assert_eq 'irqbalance does not run' "$(said '.services[] | select(.service == "irqbalance").running')" false
rm -rf $rec
wideberth --record $rec vms >/dev/null
assert_eq "db01's threads" "$(wideberth --root $rec --json vms | jq '.vms[0].threads | length')" "$(vm_threads 100 | wc -l)"

# ---- one recording for the tests of this repository -------------------------------------------------------------
vm_qmp 100 cont >/dev/null
# One answer to a question is enough: the first one. As tests/golden/record does.
for command in 'show --irqs --cgroups --settings' 'vms' 'plan --vm db01' 'plan --vm db01 --isolation pinned --cores thread' status; do
	rm -rf $rec
	# shellcheck disable=SC2086
	wideberth --record $rec $command >/dev/null
	cat $rec/recording
done | awk '
	/^wideberth recording / { if (!n++) print; next }
	/^[\t!~]/ { if (is_new) print; next }
	{ is_new = !seen[$0]++ }
	is_new' >/out/recording
mkdir /tmp/one
cp /out/recording /tmp/one/
assert_eq 'the recording for the tests has the VM' "$(wideberth --root /tmp/one --json vms | jq -r '.vms[].name')" db01
assert 'and all its plan needs' sh -c 'wideberth --root /tmp/one --json plan --vm db01 | jq -e ".changes | length > 10"'

# ---- with a VM that is applied ----------------------------------------------------------------------------------
vm_qmp 100 stop >/dev/null
assert_rc 'apply' 0 wideberth apply --vm db01
for command in show 'show --cgroups' vms status 'plan --vm db01'; do
	# shellcheck disable=SC2086
	replays $command
done
assert 'show --svg, applied' same_svg
rm -rf $rec
wideberth --record $rec show >/dev/null
if [ -e /sys/fs/cgroup/cpuset.cpus.isolated ]; then
	assert_eq 'isolated CPUs' "$(wideberth --root $rec --json show | jq -r '[.cpus[] | select(.isolated).cpu] | join(" ")')" \
		"$(sed 's/,/ /g' /sys/fs/cgroup/cpuset.cpus.isolated | tr ' ' '\n' | awk -F- '{ for (i = $1; i <= $NF; i++) print i }' | paste -sd' ')"
fi
assert_rc 'undo' 0 wideberth undo --all
finish
