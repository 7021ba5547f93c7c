# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.12 bookworm mini 600 -- 5
# soak: 6.12 bookworm mini 600
# soak: 7.2 trixie mini 600
#
# Killed in the middle, at random points of apply, of undo, and of the recovery itself: `status` reports what is
# unfinished, `undo --all` ends it, and all is as it was. Needs a build with -Dfault=true as wideberth-fault.
# Arguments: number of points, seed.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

points=${1:-12} seed=${2:-$RANDOM}
RANDOM=$seed
echo "# $(uname -r), $LAB_TOPOLOGY, seed $seed, $points points"

# What a reader must say now: unfinished, when there is a journal; else nothing or what is applied.
reports() {
	local rc=0
	wideberth --json status >/out/status.json 2>/out/status.err || rc=$?
	if [ -e /run/wideberth/journal ]; then
		[ $rc = 1 ] && jq -e '.unfinished | test("^(apply|undo)")' /out/status.json
	else
		[ $rc = 0 ] && jq -e '.unfinished == null' /out/status.json
	fi || { echo "exit $rc, state: $(ls /run/wideberth)"; cat /out/status.json /out/status.err; return 1; }
}
# The dump leaves out its own processes, but not the shell that assert starts: so it is made outside.
whole_again() { # DESCRIPTION
	dump_state /out/now
	assert "$1" dump_same /out/a /out/now
}
systemctl stop irqbalance
vm_start db01 100 4 2 sleep
sleep 2
dump_state /out/a

assert_rc 'apply and undo, counted' 0 eval 'WIDEBERTH_FAULT=count:/out/n-apply wideberth-fault apply --vm db01 >/out/counted.txt 2>&1 &&
	WIDEBERTH_FAULT=count:/out/n-undo wideberth-fault undo --all >>/out/counted.txt 2>&1'
# The second time some are right already, so never quite to the end.
n_apply=$(($(cat /out/n-apply) - 5)) n_undo=$(($(cat /out/n-undo) - 5))
echo "# apply makes about $((n_apply + 5)) changes, undo $((n_undo + 5))"
whole_again 'all is as it was'

begin=$SECONDS
for ((i = 1; i <= points; i++)); do
	start=$EPOCHREALTIME what=''
	case $((i % 5)) in
	1 | 2 | 3)
		choose "$n_apply"
		what="apply, $REPLY"
		assert "$i: apply dies at $REPLY" killed "$REPLY" apply --vm db01
		;;
	4)
		choose "$n_undo"
		what="undo, $REPLY"
		wideberth apply --vm db01 >/dev/null 2>&1
		assert "$i: undo dies at $REPLY" killed "$REPLY" undo --all
		;;
	0)
		choose "$n_apply"
		what="apply, $REPLY"
		assert "$i: apply dies at $REPLY" killed "$REPLY" apply --vm db01
		choose $((${REPLY##*:} / 2 + 1))
		what+="; its recovery, $REPLY"
		assert "$i: its recovery dies at $REPLY" eval 'killed "$REPLY" undo --all || [ ! -e /run/wideberth/journal ]'
		;;
	esac
	assert "$i: $what: status says what is" reports
	assert_rc "$i: $what: undo" 0 wideberth undo --all
	whole_again "$i: $what: all is as it was"
	awk -v a="$start" -v b="$EPOCHREALTIME" -v what="$i: $what" 'BEGIN { printf "# %s: %.1f s\n", what, b - a }'
done
echo "# $points points in $((SECONDS - begin)) s"
# The next command that changes things recovers by itself, too.
choose "$n_apply"
assert "apply dies at $REPLY" killed "$REPLY" apply --vm db01
assert_rc 'the next apply ends it and does its own' 0 wideberth apply --vm db01
assert_rc 'status' 0 wideberth status
assert_rc 'undo' 0 wideberth undo --all
whole_again 'all is as it was'
assert_eq 'nothing crashed' "$(crashes)" ''
finish
