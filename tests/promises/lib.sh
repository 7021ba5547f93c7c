# shellcheck shell=bash
# shellcheck disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# Is what was said true? For tests on made-up hosts: $root is the host's directory, $tmp a folder, $fault the program with a kernel
# for such hosts in it. Judged by plain reads; see judge.awk.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/host.sh"

# look FILE: what is so
look() {
	shopt -s nullglob
	# shellcheck disable=SC2046 # names without blanks
	awk -v root="$root" -f "$here/facts.awk" "$root"/proc/[0-9]*/task/[0-9]*/{stat,status,cgroup} "$root"/proc/irq/*/smp_affinity_list \
		"$root"/proc/irq/default_smp_affinity "$root"/sys/devices/virtual/workqueue/cpumask "$root"/run/irqbalance/* \
		$(find "$root/sys/fs/cgroup" -type f \( -name 'cpuset.*' -o -name 'cgroup.[cst]*' \)) >"$1"
	units >>"$1"
}

# units: what systemd would say of properties: the last of its drop-ins holds
units() {
	local file unit
	for file in "$root"/run/systemd/{system,transient,system.control}/*.d/*.conf; do
		unit=${file%.d/*}
		sed -n "s/^\([A-Za-z]*\)=\(.*\)/U\t${unit##*/}\t\1\t\2/p" "$file"
	done
}

# judge FACTS SAID [before]: prints what is false
judge() { awk -v when="${3:-after}" -f "$here/judge.awk" "$1" "$2"; }

# program ARGS...: its output is $tmp/out, its exit code $code
program() {
	code=0
	COLUMNS=4000 "$fault" --root "$root" "$@" >"$tmp/out" 2>"$tmp/err" || code=$?
}

# apply ARGS...: what plan says with these arguments is judged before and after apply has done it; so is what apply says, and what
# status says then. Prints what is false. $code is that of apply.
apply() {
	false_ones=
	look "$tmp/facts"
	program --json plan "$@"
	jq -r -f "$here/said.jq" "$tmp/out" >"$tmp/said.json" || return
	program plan "$@"
	cp "$tmp/out" "$tmp/plan.txt"
	awk -f "$here/said.awk" "$tmp/said.json" "$tmp/plan.txt" | cat "$tmp/said.json" - >"$tmp/said.plan"
	judge "$tmp/facts" "$tmp/said.plan" before | sed 's/^/plan: /'
	program --json apply "$@"
	local apply_code=$code
	if [ $code = 2 ]; then
		# Not to be done: nothing is.
		look "$tmp/facts.now"
		diff <(sort "$tmp/facts") <(sort "$tmp/facts.now") || echo "apply: exit 2, and this has changed"
	elif [ $code -gt 1 ]; then
		echo "apply: exit $code: $(cat "$tmp/err")"
	else
		jq -r -f "$here/said.jq" "$tmp/out" >"$tmp/said.apply"
		look "$tmp/facts"
		{ grep ^IMM "$tmp/said.apply"; cat "$tmp/said.plan"; } >"$tmp/said"
		judge "$tmp/facts" "$tmp/said" | sed 's/^/plan, then apply: /'
		judge "$tmp/facts" "$tmp/said.apply" | sed 's/^/apply: /'
		status
	fi
	code=$apply_code
}

# status: says what holds of every VM, and is content when all of it does
status() {
	look "$tmp/facts"
	program --json status
	jq -r -f "$here/said.jq" "$tmp/out" >"$tmp/said.status"
	[ ! -f "$tmp/said.apply" ] || grep ^IMM "$tmp/said.apply" >>"$tmp/said.status"
	judge "$tmp/facts" "$tmp/said.status" >"$tmp/false"
	sed 's/^/status: /' "$tmp/false"
	[ $code != 0 ] || [ ! -s "$tmp/false" ] || echo "status is content, exit 0"
	[ $code = 0 ] || [ -s "$tmp/false" ] || { echo "status is not content, exit $code:"; cat "$tmp/out" "$tmp/err"; }
}
