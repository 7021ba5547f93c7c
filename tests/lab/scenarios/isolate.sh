# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: 6.12 bookworm mini 600
#
# Kernel 6.12, systemd: `apply` at isolated holds, against systemd and irqbalance too, and helps under noise; `undo` puts
# all back. The work under noise comes first; while settings are judged nothing is busy.
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

hogs=${1:-6} seconds=${2:-5}
echo "# $(uname -r), $LAB_TOPOLOGY, $hogs hogs in each of two slices, $seconds s windows"

# ---- without irqbalance: strict identity ------------------------------------------------------------------------
systemctl stop irqbalance
vm_start db01 100 4 2 spin
vm_start noisy 101 4 1 spin
vm_helper 100
vm_qmp 100 stop >/dev/null
vm_qmp 101 stop >/dev/null
sleep 1
timed dump_state /out/a

noise_start "$hogs"
vm_qmp 101 cont >/dev/null
vm_qmp 100 cont >/dev/null
sleep 2
waited 100
first=$REPLY
assert_rc 'measure, before' 0 timed wideberth measure db01 --seconds "$seconds" --save /out/before.json
waited 100
before="$first $REPLY"
noise_pause
vm_qmp 101 stop >/dev/null
vm_qmp 100 stop >/dev/null

timed wideberth --json apply --vm db01 >/out/apply.json
assert_eq 'apply works' "$?" 0
assert_eq 'at the level asked for' "$(jq -r '.vms[0].level' /out/apply.json)" isolated
proves 100 isolated /out/apply.json
assert_rc 'status agrees' 0 wideberth status

vm_qmp 101 cont >/dev/null
vm_qmp 100 cont >/dev/null
noise_resume
sleep 2
waited 100
first=$REPLY
assert_rc 'measure, after' 0 timed wideberth measure db01 --seconds "$seconds" --save /out/after.json
waited 100
after="$first $REPLY"
noise_stop
vm_qmp 100 stop >/dev/null

echo "# db01's vCPUs, ran waited preempted at, from and to: before $before, after $after"
assert 'by plain schedstat: they wait at least 20 times less' awk -v b="$before" -v a="$after" 'BEGIN {
	split(b, x, " "); split(a, y, " ")
	share_b = (x[6] - x[2]) / (x[6] - x[2] + x[5] - x[1]); share_a = (y[6] - y[2]) / (y[6] - y[2] + y[5] - y[1])
	printf "# waited %.4f %% of the time wanted, before %.2f %%\n", 100 * share_a, 100 * share_b >"/dev/stderr"
	exit !(share_b > 0.02 && share_a * 20 <= share_b) }'
# What is left comes from the kernel's own per-CPU work (vmstat, once per second).
assert 'by plain status: they are preempted hardly ever' awk -v b="$before" -v a="$after" 'BEGIN {
	split(b, x, " "); split(a, y, " ")
	rate_b = (x[7] - x[3]) / (x[8] - x[4]) * 1e6 / 4; rate_a = (y[7] - y[3]) / (y[8] - y[4]) * 1e6 / 4
	printf "# each preempted %.2f times per second, before %.2f\n", rate_a, rate_b >"/dev/stderr"
	exit !(rate_a <= 3 && rate_a * 3 <= rate_b) }'
wideberth --json compare /out/before.json /out/after.json >/out/compare.json
assert 'compare says so too' jq -e '.vms[0] | .stolen.before > 0.02 and .stolen.after * 20 <= .stolen.before' /out/compare.json
wideberth compare /out/before.json /out/after.json | sed 's/^/# /'

# the neighbour has ended by now; systemd as the competing writer
systemctl daemon-reload
assert_rc 'status after daemon-reload' 0 wideberth status
assert_rc 'undo works' 0 timed wideberth undo --all
vm_start noisy 101 4 1 spin
vm_qmp 101 stop >/dev/null
timed dump_state /out/b
# the noisy VM is another process now
assert 'all is as it was' dump_same /out/a /out/b "^thread .* (CPU|IO|call_rcu|qemu).*/101.scope"
assert_rc 'status has nothing to say' 0 wideberth status

# ---- with irqbalance, and properties set on a slice -------------------------------------------------------------
systemctl start irqbalance
systemctl set-property --runtime system.slice CPUWeight=100
banned() { printf setup | nc -U -N /run/irqbalance/*.sock | sed 's/.*BANNED \([0-9a-f,]*\).*/\1/'; }
bans() { mask_list "$(banned)" && same_cpus "$REPLY" "$1"; }
wait_until 20 eval 'banned | grep -q 0'
mask_list "$(banned)"
none=$REPLY
dump_state /out/c
timed wideberth --json apply --vm db01 >/out/apply2.json
assert_eq 'apply works beside irqbalance' "$?" 0
claim_of 100
assert 'irqbalance learns of it' wait_until 25 bans "$REPLY"
systemctl kill --signal=HUP irqbalance
sleep 11
systemctl set-property --runtime system.slice CPUWeight=50
systemctl daemon-reload
proves 100 isolated /out/apply2.json 'after irqbalance, set-property, daemon-reload'
assert_rc 'status agrees' 0 wideberth status
# as it is in a rescan, where it sleeps for an interval
systemctl kill --signal=STOP irqbalance
{ sleep 4; systemctl kill --signal=CONT irqbalance; } &
assert_rc 'status waits for an irqbalance that is deaf for a while' 0 timed script -qefc 'wideberth status' /out/deaf.txt </dev/null
wait $!
assert 'and a person is told so' grep -aq 'waiting for irqbalance' /out/deaf.txt
systemctl set-property --runtime system.slice CPUWeight=100
assert_rc 'undo works' 0 timed wideberth undo --all
assert 'irqbalance may use them again' wait_until 25 bans "$none"
timed dump_state /out/d
assert 'all but what irqbalance moves is as it was' dump_same /out/c /out/d '^irq [^:]*[0-9]/'
assert_eq 'nothing crashed' "$(crashes)" ''
finish
