#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A user of the host who does his worst: QEMUs under the names, the number and the UUID of root's VMs, hundreds of processes
# of one name, monitors that never answer, a command line of megabytes, names with control characters. Meanwhile root plans,
# applies and undoes two real VMs: they, and nobody else, get the CPUs, in no more than twice the time that it takes
# without him.
# lab: never
# soak: 6.12 bookworm mini 900
# shellcheck disable=SC2154 # lib-proof.sh sets vcpu_tid
[ -e /dev/virtio-ports/lab.cmd ] || { echo "${0##*/}: only inside the lab" >&2; exit 2; }
. /lab/run/lib.sh
. /lab/run/lib-proof.sh

uid=1000 rounds=${1:-3} namesakes=${2:-300}
home=/tmp/mallory
useradd -M -U -u $uid mallory
install -d -o $uid -g $uid $home
as_him() { setpriv --reuid $uid --regid $uid --clear-groups "$@"; }
# His are in a session of his, as a login makes it.
him() {
	systemd-run --quiet --uid=$uid --gid=$uid --unit="$1" --slice="user-$uid.slice" -p LimitSTACK=infinity -p TasksMax=infinity \
		-p WorkingDirectory=$home "${@:2}"
}

systemctl stop irqbalance
vm_start db01 100 4 2 sleep
vm_start db02 102 2 1 sleep
sleep 1

# once: root's work; the time of each command in ms is added to $took
once() {
	local begin=${EPOCHREALTIME/[.,]/}
	wideberth --json plan --vm db01 --vm db02 >/out/plan.json 2>/out/err || echo "plan: exit $?" >>/out/bad
	wideberth --json apply --vm db01 --vm db02 >/out/apply.json 2>>/out/err || echo "apply: exit $?" >>/out/bad
	took+=($(((${EPOCHREALTIME/[.,]/} - begin) / 1000)))
	"$@"
	begin=${EPOCHREALTIME/[.,]/}
	wideberth undo --all >/out/undo.txt 2>>/out/err || echo "undo: exit $?" >>/out/bad
	took[-1]=$((took[-1] + (${EPOCHREALTIME/[.,]/} - begin) / 1000))
}
median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }

took=()
for ((i = 0; i < rounds; i++)); do once true; done
alone=$(median "${took[@]}")
echo "# alone: ${took[*]} ms"

# ---- he comes ---------------------------------------------------------------------------------------------------
cd $home || exit 2
cp /lab/run/*.rom .
mkfifo never
# a process that does nothing, with any name and any arguments
echo 'read -r x <never' >wait.sh
qemu=(qemu-system-x86_64 -accel 'tcg,tb-size=8' -m 32 -display none -nodefaults -no-user-config -bios $home/sleep.rom)
him as-db01 "${qemu[@]}" -smp 4 -name guest=db01,debug-threads=on -uuid "$(printf '00000000-0000-4000-8000-%012d' 100)"
him as-100 "${qemu[@]}" -smp 2 -name 100,debug-threads=on
him as-db02 "${qemu[@]}" -smp 2 -name guest=db02,debug-threads=on -pidfile $home/102.pid
him odd "${qemu[@]}" -smp 1 -name $'guest=ev\e]0;pwned\a\nwarning: forged\ndb09: isolated on 1-4,debug-threads=on'
cat >namesakes.sh <<-'END'
	for ((i = 0; i < $1; i++)); do (exec -a qemu-system-x86_64 sh wait.sh -name guest=db01 -smp 4) & done
	wait
END
cat >silent.sh <<-'END'
	for i in 1 2 3 4 5 6 7 8; do
		nc -lU $PWD/$i.sock >/dev/null &
		(exec -a qemu-system-x86_64 sh wait.sh -name guest=m$i -qmp unix:$PWD/$i.sock,server=on) &
	done
	wait
END
cat >long.sh <<-'END'
	for ((i = 0; i < 30000; i++)); do args+=(-netdev user,id=n$i -device e1000,netdev=n$i); done
	exec -a qemu-system-x86_64 sh wait.sh -name guest=long "${args[@]}"
END
him namesakes bash namesakes.sh "$namesakes"
him silent bash silent.sh
him long bash long.sh
count() { pgrep -u $uid -fc "$1"; }
all_there() { [ "$(count guest=db01)" -ge "$namesakes" ] && [ "$(count guest=long)" -ge 1 ]; }
assert "he is there, with $namesakes namesakes and a long command line" wait_until 120 all_there
sleep 2
for f in /proc/[0-9]*/cmdline; do wc -c <"$f"; done 2>/dev/null | sort -n | tail -n 1 | sed 's/^/# the longest command line has bytes: /'

# his_masks: what his threads may run on
his_masks() { for t in $(pgrep -u $uid); do cat /proc/"$t"/task/*/status; done 2>/dev/null | sed -n 's/^Cpus_allowed_list:\t//p' | sort -u; }
his_before=$(his_masks)

right() {
	[ "$(jq -r '[.vms[] | "\(.vm) \(.level)"] | sort | join(", ")' /out/apply.json)" = '100 isolated, 102 isolated' ] ||
		{ echo "apply: $(jq -c '[.vms[] | {vm, level}], .refused' /out/apply.json)" >>/out/bad; return; }
	local vmid
	for vmid in 100 102; do
		each_has_one $vmid >>/out/bad
		claim_of $vmid
		others_on "$REPLY" "${vcpu_tid[@]}" | sed "s/^/on the CPUs of $vmid: /" >>/out/bad
	done
	wideberth status >/out/status.txt 2>>/out/err || echo "status: exit $?: $(head -n 3 /out/status.txt)" >>/out/bad
}
: >/out/bad
took=()
for ((i = 0; i < rounds; i++)); do once right; done
beside=$(median "${took[@]}")
echo "# beside him: ${took[*]} ms"
assert 'the real ones, and nobody else, had the CPUs, each time' same_text "$(cat /out/bad /out/err)" ''
assert "in at most twice the time ($alone ms, $beside ms)" test "$beside" -le $((2 * alone))
assert_eq 'his threads may run where they might before' "$(his_masks)" "$his_before"
assert 'a word that fits his too means root'"'"'s' jq -e '[.vms[].vm] | sort == ["100", "102"]' /out/plan.json

# ---- what reaches a terminal ----
{ wideberth vms; wideberth plan --vm db01; wideberth show; wideberth status; wideberth plan --vm db09; } >/out/text 2>&1
assert 'no control character of his reaches a terminal' eval '! LC_ALL=C grep -nP "[\x00-\x08\x0b-\x1f\x7f]" /out/text'
assert 'no line is forged' eval '! grep -nE "^(warning: forged|db09: isolated)" /out/text'
systemctl stop as-db01 as-100 as-db02 odd namesakes silent long
assert_eq 'nothing crashed' "$(crashes)" ''
finish
