# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests that are shell scripts: TAP, and a directory $tmp that is gone at the end. In memory where
# that is possible: trees of many small files are made ten times faster there.

[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
tap_n=0 tap_failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# result CODE NAME: CODE is the exit code of what was tested
result() {
	tap_n=$((tap_n + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_n - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_n - $2"
	fi
}

# ok NAME COMMAND...: it must succeed; its output is shown when it does not
ok() {
	tap_name=$1 tap_code=0
	shift
	"$@" >"$tmp/tap" 2>&1 || tap_code=$?
	result $tap_code "$tap_name"
	[ $tap_code = 0 ] || { echo "command: $*" && head -n 40 "$tmp/tap"; } | sed 's/^/# /'
}

# skip NAME REASON
skip() { result 0 "$1 # SKIP $2"; }

# skip_all REASON
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

tap_done() {
	echo "1..$tap_n"
	[ $tap_failed = 0 ]
	exit
}
