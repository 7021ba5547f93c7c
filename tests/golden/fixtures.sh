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

# NAME VM of the recordings of real hosts: Debian's kernels 6.1 and 6.12 in the lab, topology mini, with db01 running. They are
# not made anew here. The lab makes them (STAGE: what `DESTDIR=STAGE meson install -C build` has put there):
#	tests/lab/run --kernel 6.1 --topology mini --with STAGE --out DIR tests/lab/scenarios/recordings.sh
#	cp DIR/recording tests/golden/lab-6.1/ && make bless
# when a command reads something that it did not read before, and its answer is wanted here. What makes them large, 150 KB, is
# a line of /proc/PID/stat for each of 260 threads, and what plan reads of QEMU's.
lab_fixtures() {
	cat <<-'END'
	lab-6.1 db01
	lab-6.12 db01
	END
}

# make NAME DIR: with make-tree and make-root
make() {
	mkdir -p "$2"
	case $1 in
	dual)
		make-tree "$2" sockets=2 cores=6 threads=2 numbering=interleaved \
			vm=100:db01:4:2:0-23 vm=101:noisy:4:1:8-11 ;;
	ryzen)
		make-tree "$2" cores=8 threads=2 numbering=interleaved vm=100:games:6:1:0-15 settings=desktop ;;
	old)
		make-root "$2" 6.1 ;;
	esac
}

# commands NAME: GOLDEN EXIT LC_ALL COLUMNS ARGS...
commands() {
	vm=$({ fixtures && lab_fixtures; } | awk -v name="$1" '$1 == name { print $2 }')
	cat <<-END
	show.txt 0 C.UTF-8 100 show
	show-ascii.txt 0 C 60 show
	show.json 0 C 80 --json show
	show-irqs.txt 0 C.UTF-8 80 show --irqs
	show-cgroups.txt 0 C.UTF-8 100 show --cgroups
	show-settings.txt 0 C.UTF-8 80 show --settings
	vms.txt 0 C.UTF-8 100 vms
	vms.json 0 C 80 --json vms
	plan.txt 0 C.UTF-8 100 plan --vm $vm
	plan-pinned.txt 0 C 100 plan --vm $vm --isolation pinned --cores thread
	plan.json 0 C 80 --json plan --vm $vm
	plan-explain.txt 0 C.UTF-8 100 plan --vm $vm --explain
	plan-refused.txt 1 C.UTF-8 100 plan --vm $vm --housekeeping $([ "$1" = "${1#lab}" ] && echo 0-12 || echo 0-10)
	status.txt 0 C 80 status
	check.txt $([ "$1" = ryzen ] && echo 0 || echo 1) C.UTF-8 100 check
	END
	# What --memory reads is not in the lab's recordings, which are large enough.
	[ "$1" != "${1#lab}" ] || echo vms-one.txt 0 C 80 vms "$vm" --memory
	[ "$1" != ryzen ] || echo show-settings.json 0 C 80 --json show --settings
	[ "$1" != dual ] || echo plan-shared.txt 0 C 80 plan --vm "$vm" --cores shared
}
