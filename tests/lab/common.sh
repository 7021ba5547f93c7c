# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What tests/lab/build and tests/lab/run both need: where things are, and what a lab host looks like.
# Runs on the build machine. Changes nothing there outside $LAB_DIR.

lab_src=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_DIR=${LAB_DIR:-$(cd "$lab_src/../.." && pwd)/build/lab}
PATH=$PATH:/usr/sbin:/sbin

# Memory of each of the two nodes. The saved image holds only the pages that were ever touched.
lab_node_mem=1536M
# The disk by which files get in: fixed size, because the lab has already seen it when its state is saved.
lab_input_mib=256

say() { printf 'lab: %s\n' "$*" >&2; }
die() { printf 'lab: %s\n' "$*" >&2; exit 2; }

# tools_missing: the Debian packages that the lab needs and this machine lacks, one per line
tools_missing() {
	local tool package
	while read -r tool package; do
		command -v "$tool" >/dev/null || echo "$package"
	done <<-'END' | sort -u
		qemu-system-x86_64 qemu-system-x86
		mmdebstrap mmdebstrap
		busybox busybox-static
		cpio cpio
		mke2fs e2fsprogs
		as binutils
		objcopy binutils
		xz xz-utils
		flock util-linux
	END
	if [ "$(id -u)" != 0 ]; then
		command -v fakeroot >/dev/null || echo fakeroot
		command -v newuidmap >/dev/null || echo uidmap
	fi
}

lab_kernels='6.1 6.12 7.2' lab_suites='bookworm trixie'

# is_one_of WORD LIST
is_one_of() { [[ " $2 " = *" $1 "* ]]; }

# topologies: name and what it is
topologies() {
	cat <<-'END'
	dual   24 CPUs: 2 sockets x 6 cores x 2 threads, one L3 and one NUMA node per socket, distance 20 (default)
	ryzen  24 CPUs: 1 socket, 2 L3 domains x 6 cores x 2 threads; node 1 is memory without CPUs
	mini   12 CPUs: as dual, with 3 cores per socket
	iommu  as mini, with an IOMMU and two devices to give to VMs: 0000:00:1e.0 and, on node 1, 0000:41:00.0
	nosmt  16 CPUs: 2 sockets x 8 cores x 1 thread, 2 NUMA nodes
	wide   32 CPUs: as dual, with 8 cores per socket, and a hundred interrupts (for benchmarks: it takes minutes to boot)
	END
}

# cpu_model KERNEL TOPOLOGY SUITE: the CPU that this kernel decodes rightly under emulation.
# 6.1 takes the SMT siblings of AMD CPUs from a leaf that QEMU 7.2 fills in differently, so it gets an Intel model.
# -cx16: QEMU 7.2 mis-executes cmpxchg16b, and the slab allocator of 6.12 and later crashes on it at random.
# ryzen: under TCG, QEMU hides the AMD leaf that tells who shares a cache, and Linux takes the socket for the L3 domain;
# an Intel model's dies show as they should, whatever the maker's name.
# -la57: systemd 257 does not start on a CPU that has it.
# The rest costs emulation time, and nothing here tests it: -erms lets the kernel clear a page by 512 words instead of
# 4,096 bytes, each of them an emulated access; without SMAP the kernel's copies from and to user space are not cut in pieces.
cpu_model() {
	local off=-cx16,-erms,-smap,-smep,-umip
	[ "$3" = bookworm ] || off=$off,-la57
	case $1-$2 in
	6.1-* | *-ryzen) echo "Skylake-Server-v4,l3-cache=on,$off" ;;
	*) echo "EPYC-Rome,l3-cache=on,+topoext,$off" ;;
	esac
}

# topology_args KERNEL TOPOLOGY SUITE RAM0 RAM1 SHARE: the QEMU arguments, one per line
topology_args() {
	local kernel=$1 topology=$2 suite=$3 ram0=$4 ram1=$5 share=$6
	local ram="memory-backend-file,size=$lab_node_mem,share=$share"
	printf '%s\n' -cpu "$(cpu_model "$kernel" "$topology" "$suite")" -m "$((2 * ${lab_node_mem%M}))M"
	printf '%s\n' -object "$ram,id=m0,mem-path=$ram0" -object "$ram,id=m1,mem-path=$ram1"
	case $topology in
	dual)
		printf '%s\n' -smp 24,sockets=2,dies=1,cores=6,threads=2 \
			-numa node,nodeid=0,cpus=0-11,memdev=m0 -numa node,nodeid=1,cpus=12-23,memdev=m1 \
			-numa dist,src=0,dst=1,val=20 ;;
	mini | iommu)
		printf '%s\n' -smp 12,sockets=2,dies=1,cores=3,threads=2 \
			-numa node,nodeid=0,cpus=0-5,memdev=m0 -numa node,nodeid=1,cpus=6-11,memdev=m1 \
			-numa dist,src=0,dst=1,val=20 ;;
	wide)
		printf '%s\n' -smp 32,sockets=2,dies=1,cores=8,threads=2 \
			-numa node,nodeid=0,cpus=0-15,memdev=m0 -numa node,nodeid=1,cpus=16-31,memdev=m1 \
			-numa dist,src=0,dst=1,val=20 ;;
	nosmt)
		printf '%s\n' -smp 16,sockets=2,dies=1,cores=8,threads=1 \
			-numa node,nodeid=0,cpus=0-7,memdev=m0 -numa node,nodeid=1,cpus=8-15,memdev=m1 \
			-numa dist,src=0,dst=1,val=20 ;;
	ryzen)
		# QEMU wants one memory backend per node: node 1 has memory and no CPU, as a CXL expander has.
		printf '%s\n' -smp 24,sockets=1,dies=2,cores=6,threads=2 \
			-numa node,nodeid=0,cpus=0-23,memdev=m0 -numa node,nodeid=1,memdev=m1 \
			-numa dist,src=0,dst=1,val=20 ;;
	*) die "unknown topology '$topology'; known: $(topologies | awk '{ printf "%s ", $1 }')" ;;
	esac
}

# device_args TOPOLOGY: what only some topologies have, one argument per line; behind all others, which would be put on its buses
device_args() {
	local i
	if [ "$1" = wide ]; then
		# 33 interrupts each, of which the kernel lets nobody move 32; and two each
		printf '%s\n' -blockdev driver=null-co,node-name=null0,size=1048576,read-zeroes=on \
			-blockdev driver=null-co,node-name=null1,size=1048576,read-zeroes=on \
			-device virtio-blk-pci,drive=null0,num-queues=32 -device virtio-blk-pci,drive=null1,num-queues=32
		for i in {1..12}; do
			printf '%s\n' -device virtio-rng-pci
		done
	fi
	[ "$1" = iommu ] || return 0
	# edu: a PCI device with one MSI and nothing else to it
	printf '%s\n' -device intel-iommu -device edu,bus=pcie.0,addr=1e.0 -device pxb-pcie,id=pci1,bus_nr=64,numa_node=1 \
		-device pcie-root-port,id=port1,bus=pci1,chassis=1 -device edu,bus=port1
}

# image_key KERNEL TOPOLOGY SUITE: names everything that a saved image depends on
image_key() {
	{
		cat "$LAB_DIR/kernel/$1/stamp" "$LAB_DIR/root/$3/stamp" 2>/dev/null
		qemu-system-x86_64 --version
		topology_args "$1" "$2" "$3" ram0 ram1 on
		device_args "$2"
		declare -f qemu_args
	} | sha256sum | cut -c1-16
}

# qemu_args KERNEL DISK SNAPSHOT INPUT RUN: all that is not the topology, one argument per line.
# The same for saving and restoring, as QEMU demands.
qemu_args() {
	local kernel=$1 disk=$2 snapshot=$3 input=$4 run=$5
	printf '%s\n' -machine q35 -accel "tcg,thread=${LAB_TCG_THREAD:-single}" -nodefaults -display none -no-reboot
	printf '%s\n' -kernel "$LAB_DIR/kernel/$kernel/vmlinuz" -initrd "$LAB_DIR/kernel/$kernel/initrd"
	# no_timer_check: the check of the timer is a race under emulation. tsc=reliable: no clock watchdog, no
	# TSC synchronisation of 24 CPUs that run in turn. nowatchdog and the RCU timeout: a CPU of 24 may wait seconds for its turn.
	printf '%s\n' -append "console=ttyS0 root=/dev/vda no_timer_check tsc=reliable nowatchdog mitigations=off init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off intel_iommu=on audit=0 net.ifnames=0 rcupdate.rcu_cpu_stall_suppress=1 rcupdate.rcu_task_stall_timeout=0 systemd.show_status=0 quiet loglevel=4 panic=-1"
	printf '%s\n' -serial "file:$run/console.log"
	printf '%s\n' -chardev "pipe,id=mon,path=$run/mon" -mon chardev=mon,mode=readline
	# vda: the root. vectors=0 makes its interrupt an old IO-APIC one, which can be moved;
	# vdb: files in. Its queues' interrupts are "managed" by the kernel and cannot be moved: both kinds are there.
	printf '%s\n' -drive "if=none,id=root,file=$disk,format=raw,cache=unsafe,snapshot=$snapshot" \
		-device virtio-blk-pci,drive=root,serial=root,vectors=0,num-queues=1
	printf '%s\n' -drive "if=none,id=input,file=$input,format=raw,readonly=on" \
		-device virtio-blk-pci,drive=input,serial=input,num-queues=4
	printf '%s\n' -netdev user,id=net0,restrict=on -device virtio-net-pci,netdev=net0,romfile=
	printf '%s\n' -device virtio-rng-pci -device virtio-serial-pci
	printf '%s\n' -chardev "pipe,id=cmd,path=$run/cmd" -device virtserialport,chardev=cmd,name=lab.cmd
	printf '%s\n' -chardev "pipe,id=log,path=$run/log" -device virtserialport,chardev=log,name=lab.log
	printf '%s\n' -chardev "file,id=out,path=$run/out.tar" -device virtserialport,chardev=out,name=lab.out
}
