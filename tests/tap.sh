# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests that are shell scripts: TAP, and a directory $tmp that is gone at the end.

tap_n=0 tap_failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# ok NAME COMMAND...: it must succeed; its output is shown when it does not
ok() {
	tap_name=$1
	shift
	tap_n=$((tap_n + 1))
	if "$@" >"$tmp/tap" 2>&1; then
		echo "ok $tap_n - $tap_name"
	else
		echo "not ok $tap_n - $tap_name"
		tap_failed=$((tap_failed + 1))
		{ echo "command: $*" && head -n 40 "$tmp/tap"; } | sed 's/^/# /'
	fi
}

# skip NAME REASON
skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

tap_done() {
	echo "1..$tap_n"
	[ $tap_failed = 0 ]
	exit
}
