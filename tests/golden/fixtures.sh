# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What tests/golden/record and tests/golden/run share: the fixtures, and the commands run on each.

# NAME VM, and how the host is made. "old" cannot isolate.
fixtures() {
	cat <<-'END'
	dual db01
	ryzen games
	old db01
	END
}

# make NAME DIR: with make-tree, make-host and make-root
make() {
	mkdir -p "$2"
	case $1 in
	dual)
		make-tree "$2" sockets=2 cores=6 threads=2 numbering=interleaved
		make-host "$2" 24 100:db01:4:2:0-23 101:noisy:4:1:8-11 ;;
	ryzen)
		make-tree "$2" cores=8 threads=2 numbering=interleaved
		make-host "$2" 16 100:games:6:1:0-15 ;;
	old)
		make-root "$2" 6.1 ;;
	esac
}

# commands NAME: GOLDEN EXIT LC_ALL COLUMNS ARGS...
commands() {
	vm=$(fixtures | awk -v name="$1" '$1 == name { print $2 }')
	cat <<-END
	show.txt 0 C.UTF-8 100 show
	show-ascii.txt 0 C 60 show
	show.json 0 C 80 --json show
	vms.txt 0 C.UTF-8 100 vms
	vms.json 0 C 80 --json vms
	vms-one.txt 0 C 80 vms $vm --memory
	plan.txt 0 C.UTF-8 100 plan --vm $vm
	plan-pinned.txt 0 C 100 plan --vm $vm --isolation pinned --cores thread
	plan.json 0 C 80 --json plan --vm $vm
	plan-refused.txt 1 C.UTF-8 100 plan --vm $vm --housekeeping 0-12
	status.txt 0 C 80 status
	END
}
