# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the benchmarks here: where the build is, a folder in memory that is gone at the end, and what to say of many runs.
# $BUILD is relative to the top of the sources, as in the Makefile.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$(cd "$top" && realpath "${BUILD:-build}")
wideberth=$BUILD/src/cmd/wideberth
[ -x "$wideberth" ] || { echo "no program at $wideberth: run make" >&2; exit 2; }
export LC_ALL=C
tmp=$(mktemp -d -p /dev/shm)
[ -n "${KEEP:-}" ] || trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# spread [FORMAT]: of lines with a number each: "MEDIAN (LEAST to MOST)"
spread() { sort -g | awk -v f="${1:-%.1f}" '{ v[NR] = $1 } END { printf f " (" f " to " f ")", v[int((NR + 1) / 2)], v[1], v[NR] }'; }
# median [FORMAT]
median() { sort -g | awk -v f="${1:-%g}" '{ v[NR] = $1 } END { printf f, v[int((NR + 1) / 2)] }'; }
# stage: the program and what goes with it installed below $tmp/stage, for tests/lab/run --with
stage() { DESTDIR=$tmp/stage meson install -C "$BUILD" --no-rebuild --quiet; }
