/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two readers of one VM: its Proxmox VE config, and the command line that Proxmox VE makes of it.
 * They share no code but -smp's arithmetic, so what both say is likely to be right.
 */
#include <string.h>

#include "base/str.h"
#include "tap.h"
#include "vm/pve-conf.h"
#include "vm/qemu-config.h"

/* Command lines are written with '|' for NUL. */
#define KVM                "/usr/bin/kvm|-id|100|-name|web,debug-threads=on|-no-shutdown|"
#define SMP1               "-smp|1,sockets=1,cores=1,maxcpus=1|"
#define SMP4               "-smp|4,sockets=1,cores=4,maxcpus=4|"
#define MODEL              "-cpu|kvm64,enforce,+kvm_pv_eoi,+kvm_pv_unhalt|"
#define MEM                "-m|512|"
#define BALLOON            "-device|virtio-balloon-pci,id=balloon0,bus=pci.0,addr=0x3,free-page-reporting=on|"
#define REST               MODEL MEM BALLOON
#define BASE               SMP1 REST
#define TASKSET(list)      "/usr/bin/taskset|--cpu-list|--all-tasks|" list "|" KVM BASE
#define RAM(n, size, more) "-object|memory-backend-ram,id=ram-node" n ",size=" size "M" more "|"
#define HUGE(n, size, kib, more)                                                                   \
	"-object|memory-backend-file,id=ram-node" n ",size=" size                                  \
	"M,mem-path=/run/hugepages/kvm/" kib "kB,share=on,prealloc=yes" more "|"
#define NODE(n, cpus) "-numa|node,nodeid=" n ",cpus=" cpus ",memdev=ram-node" n "|"
#define MEM4G         MODEL "-m|4096|" BALLOON
#define PCI(id, host) "-device|vfio-pci,host=" host ",id=" id ",bus=pci.0,addr=0x10|"
#define N             "name: web\n"

static const struct pair {
	const char *what, *conf, *cmdline, *want;
} pairs[] = {
	/* CPUs */
	{ "nothing but defaults", N, KVM BASE, "web 1x1x1 1/1 kvm64 512M balloon" },
	{ "cores", N "cores: 4\n", KVM SMP4 REST, "web 1x4x1 4/4 kvm64 512M balloon" },
	{ "sockets", N "sockets: 2\ncores: 3\n", KVM "-smp|6,sockets=2,cores=3,maxcpus=6|" REST,
		"web 2x3x1 6/6 kvm64 512M balloon" },
	{ "smp of old", N "smp: 2\n", KVM "-smp|2,sockets=2,cores=1,maxcpus=2|" REST,
		"web 2x1x1 2/2 kvm64 512M balloon" },
	{ "sockets win over smp", N "smp: 4\nsockets: 2\n",
		KVM "-smp|2,sockets=2,cores=1,maxcpus=2|" REST,
		"web 2x1x1 2/2 kvm64 512M balloon" },
	{ "fewer vcpus than fit", N "cores: 4\nsockets: 2\nvcpus: 3\n",
		KVM "-smp|3,sockets=2,cores=4,maxcpus=8|" REST,
		"web 2x4x1 3/8 kvm64 512M balloon" },
	{ "CPU hot-plug", N "cores: 4\nvcpus: 3\nhotplug: cpu\n",
		KVM "-smp|1,sockets=1,cores=4,maxcpus=4|-device|kvm64-x86_64-cpu,id=cpu2,"
		    "socket-id=0,core-id=1,thread-id=0|-device|kvm64-x86_64-cpu,id=cpu3,"
		    "socket-id=0,core-id=2,thread-id=0|" REST,
		"web 1x4x1 3/4 kvm64 512M balloon" },
	{ "CPU hot-plug, all present", N "cores: 2\nhotplug: network,disk,cpu,usb\n",
		KVM "-smp|1,sockets=1,cores=2,maxcpus=2|-device|kvm64-x86_64-cpu,id=cpu2,"
		    "socket-id=0,core-id=1,thread-id=0|" REST,
		"web 1x2x1 2/2 kvm64 512M balloon" },
	{ "args override -smp with threads", N "cores: 10\nargs: -smp 10,cores=5,threads=2\n",
		KVM "-smp|10,sockets=1,cores=10,maxcpus=10|" REST "-smp|10,cores=5,threads=2|",
		"web 1x5x2 10/10 kvm64 512M balloon" },
	{ "args override -smp in full",
		N "cores: 2\nargs: -smp 8,sockets=1,cores=4,threads=2,maxcpus=8\n",
		KVM "-smp|2,sockets=1,cores=2,maxcpus=2|" REST
		    "-smp|8,sockets=1,cores=4,threads=2,maxcpus=8|",
		"web 1x4x2 8/8 kvm64 512M balloon" },
	{ "args of two lines' worth, quoted",
		N "cores: 4\nargs: -cpu 'host,kvm=off' -smp \"4,cores=2,threads=2\"\n",
		KVM SMP4 REST "-cpu|host,kvm=off|-smp|4,cores=2,threads=2|",
		"web 1x2x2 4/4 host 512M balloon" },
	{ "args with an I/O thread", N "args: -object iothread,id=mine\n",
		KVM BASE "-object|iothread,id=mine|", "web 1x1x1 1/1 kvm64 512M balloon io=mine" },
	{ "args with an escaped blank", N "args: -object iothread,id=a\\ b\n",
		KVM BASE "-object|iothread,id=a b|", "web 1x1x1 1/1 kvm64 512M balloon io=a b" },
	{ "args with a private monitor, no facts",
		N "args: -chardev socket,id=w,path=/run/w/100,server=on,wait=off -mon "
		  "chardev=w,mode=control\n",
		KVM BASE "-chardev|socket,id=w,path=/run/w/100,server=on,wait=off|-mon|"
			 "chardev=w,mode=control|",
		"web 1x1x1 1/1 kvm64 512M balloon" },
	{ "args with a device", N "args: -device vfio-pci,host=01:00.0\n",
		KVM BASE "-device|vfio-pci,host=01:00.0|",
		"web 1x1x1 1/1 kvm64 512M balloon pci=0000:01:00.0" },
	{ "cpu: host", N "cpu: host\n",
		KVM SMP1 "-cpu|host,+kvm_pv_eoi,+kvm_pv_unhalt|" MEM BALLOON,
		"web 1x1x1 1/1 host 512M balloon" },
	{ "cpu with flags", N "cpu: EPYC-Rome,flags=+aes;-pcid,hidden=1\n",
		KVM SMP1 "-cpu|EPYC-Rome,+aes,enforce,kvm=off,-pcid|" MEM BALLOON,
		"web 1x1x1 1/1 EPYC-Rome 512M balloon" },
	{ "cpu spelt out, last", N "cpu: flags=+aes,cputype=host\n",
		KVM SMP1 "-cpu|host,+aes|" MEM BALLOON, "web 1x1x1 1/1 host 512M balloon" },
	{ "a name for several models", N "cpu: x86-64-v2-AES\n",
		KVM SMP1 "-cpu|qemu64,+aes,enforce,+popcnt|" MEM BALLOON,
		"web 1x1x1 1/1 qemu64 512M balloon" },
	/* the grammar */
	{ "blank lines and blanks", "\n  \n" N "cores:4\t \n\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "carriage returns", "name: web\r\ncores: 4\r\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a key given twice: the last counts", N "cores: 2\ncores: 4\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a disk given twice", N "virtio0: local:1,iothread=1\nvirtio0: local:2\n",
		KVM BASE "-device|virtio-blk-pci,drive=drive-virtio0,id=virtio0|",
		"web 1x1x1 1/1 kvm64 512M balloon disk=virtio0" },
	{ "an unknown key", N "wideberth: yes\ncores: 4\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a line without sense", N "cores 9\n: 7\nCores: 9\ncores: 4\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a snapshot is not now",
		N "cores: 4\nparent: old\n\n[old]\ncores: 8\nhostpci0: 0000:09:00\nnuma: 1\n",
		KVM SMP4 REST, "web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a snapshot before the pending ones",
		N "cores: 4\n[a-1]\ncores: 8\n[PENDING]\ncores: 16\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "pending changes are not now", N "cores: 4\n\n[PENDING]\ncores: 8\naffinity: 0-7\n",
		KVM SMP4 REST, "web 1x4x1 4/4 kvm64 512M balloon" },
	{ "pending in small letters", N "cores: 4\n[pending]\ncores: 8\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a pending delete", N "cores: 4\naffinity: 2-5\n[PENDING]\ndelete: affinity,!net0\n",
		"/usr/bin/taskset|--cpu-list|--all-tasks|2-5|" KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon aff=2-5(2-5)" },
	{ "cloud-init's section", N "cores: 4\n[special:cloudinit]\ncores: 8\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "an unknown section", N "cores: 4\n[what is this]\ncores: 8\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a bracket that is not closed", N "cores: 2\n[oops\ncores: 4\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a description that looks like keys",
		"#cores%3A 8\n#hostpci0%3A 0000%3A01%3A00.0\n" N "cores: 4\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a description in between", N "#[PENDING]\ncores: 4\n#cores: 9\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "no newline at the end", N "cores: 4", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "a number that is none", N "cores: four\n", KVM BASE,
		"web 1x1x1 1/1 kvm64 512M balloon" },
	{ "nought cores", N "cores: 0\n", KVM BASE, "web 1x1x1 1/1 kvm64 512M balloon" },
	{ "a template runs with the least",
		N "template: 1\ncores: 4\nnet0: virtio=A,bridge=vmbr0\nhostpci0: 01:00\n", KVM BASE,
		"web 1x1x1 1/1 kvm64 512M balloon" },
	/* affinity */
	{ "affinity", N "affinity: 0-3,8\n", TASKSET("0-3,8"),
		"web 1x1x1 1/1 kvm64 512M balloon aff=0-3,8(0-3,8)" },
	{ "affinity with CPUs that are not there", N "affinity: 0,999\n", TASKSET("0,999"),
		"web 1x1x1 1/1 kvm64 512M balloon aff=0,999(0,999)" },
	{ "affinity of one CPU", N "affinity: 7\n", TASKSET("7"),
		"web 1x1x1 1/1 kvm64 512M balloon aff=7(7)" },
	{ "affinity out of order", N "affinity: 8,0-3,2\n", TASKSET("8,0-3,2"),
		"web 1x1x1 1/1 kvm64 512M balloon aff=8,0-3,2(0-3,8)" },
	{ "affinity without sense", N "affinity: all\n", TASKSET("all"),
		"web 1x1x1 1/1 kvm64 512M balloon aff=all(-)" },
	{ "affinity beyond all CPUs", N "affinity: 0-99999\n", TASKSET("0-99999"),
		"web 1x1x1 1/1 kvm64 512M balloon aff=0-99999(-)" },
	/* memory */
	{ "memory", N "memory: 4096\n", KVM SMP1 MEM4G, "web 1x1x1 1/1 kvm64 4096M balloon" },
	{ "memory spelt out", N "memory: current=4096\n", KVM SMP1 MEM4G,
		"web 1x1x1 1/1 kvm64 4096M balloon" },
	{ "no balloon", N "memory: 4096\nballoon: 0\n", KVM SMP1 MODEL "-m|4096|",
		"web 1x1x1 1/1 kvm64 4096M" },
	{ "a balloon with a target", N "memory: 4096\nballoon: 2048\nshares: 10\n", KVM SMP1 MEM4G,
		"web 1x1x1 1/1 kvm64 4096M balloon" },
	{ "memory hot-plug", N "memory: 2048\nnuma: 1\nhotplug: memory\n",
		KVM SMP1 MODEL BALLOON "-m|size=1024,slots=255,maxmem=524288M|" RAM("0", "1024", "")
			NODE("0", "0") "-object|memory-backend-ram,id=mem-dimm0,size=512M|-device|"
				       "pc-dimm,id=dimm0,memdev=mem-dimm0,node=0|-object|"
				       "memory-backend-ram,id=mem-dimm1,size=512M|-device|"
				       "pc-dimm,id=dimm1,memdev=mem-dimm1,node=0|",
		"web 1x1x1 1/1 kvm64 2048M balloon numa 0{0 ?M}" },
	/* NUMA */
	{ "numa: 1, one socket", N "cores: 4\nnuma: 1\n",
		KVM SMP4 REST RAM("0", "512", "") NODE("0", "0-3"),
		"web 1x4x1 4/4 kvm64 512M balloon numa 0{0-3 512M}" },
	{ "numa: yes, two sockets", N "cores: 2\nsockets: 2\nnuma: yes\nmemory: 4096\n",
		KVM "-smp|4,sockets=2,cores=2,maxcpus=4|" MEM4G RAM("0", "2048", "")
			NODE("0", "0-1") RAM("1", "2048", "") NODE("1", "2-3"),
		"web 2x2x1 4/4 kvm64 4096M balloon numa 0{0-1 2048M} 1{2-3 2048M}" },
	{ "numa: On, sockets of one core", N "sockets: 2\nnuma: On\n",
		KVM "-smp|2,sockets=2,cores=1,maxcpus=2|" REST RAM("0", "256", "") NODE("0", "0")
			RAM("1", "256", "") NODE("1", "1"),
		"web 2x1x1 2/2 kvm64 512M balloon numa 0{0 256M} 1{1 256M}" },
	{ "numaN without numa", N "cores: 4\nnuma0: cpus=0-3,memory=512\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "numa: 0 with numaN", N "cores: 4\nnuma: 0\nnuma0: cpus=0-3,memory=512\n", KVM SMP4 REST,
		"web 1x4x1 4/4 kvm64 512M balloon" },
	{ "numaN, bound",
		N "cores: 4\nnuma: 1\nnuma0: cpus=0-3,hostnodes=1,memory=512,policy=bind\n",
		KVM SMP4 REST RAM("0", "512", ",host-nodes=1,policy=bind") NODE("0", "0-3"),
		"web 1x4x1 4/4 kvm64 512M balloon numa 0{0-3 512M @1 bind}" },
	{ "numaN, two nodes",
		N "cores: 4\nnuma: 1\nmemory: 4096\n"
		  "numa0: cpus=0-1,hostnodes=0,memory=3072,policy=preferred\n"
		  "numa1: cpus=2-3,hostnodes=1,memory=1024,policy=bind\n",
		KVM SMP4 MEM4G RAM("0", "3072", ",host-nodes=0,policy=preferred") NODE("0", "0-1")
			RAM("1", "1024", ",host-nodes=1,policy=bind") NODE("1", "2-3"),
		"web 1x4x1 4/4 kvm64 4096M balloon numa 0{0-1 3072M @0 preferred} 1{2-3 1024M @1 "
		"bind}" },
	{ "numaN with gaps in its vCPUs", N "cores: 4\nnuma: 1\nnuma0: cpus=0;2-3,memory=512\n",
		KVM SMP4 REST RAM("0", "512", "") NODE("0", "0,cpus=2-3"),
		"web 1x4x1 4/4 kvm64 512M balloon numa 0{0,2-3 512M}" },
	{ "numaN over several host nodes",
		N
		"cores: 4\nnuma: 1\nnuma0: cpus=0-3,hostnodes=0;2-3,memory=512,policy=interleave\n",
		KVM SMP4 REST RAM("0", "512", ",host-nodes=0,2-3,policy=interleave")
			NODE("0", "0-3"),
		"web 1x4x1 4/4 kvm64 512M balloon numa 0{0-3 512M @0,2-3 interleave}" },
	{ "numaN on node 12", N "numa: 1\nnuma0: cpus=0,hostnodes=12,memory=512,policy=bind\n",
		KVM BASE RAM("0", "512", ",host-nodes=12,policy=bind") NODE("0", "0"),
		"web 1x1x1 1/1 kvm64 512M balloon numa 0{0 512M @12 bind}" },
	{ "numaN, bare list first", N "cores: 4\nnuma: 1\nnuma0: 0-3,memory=512\n",
		KVM SMP4 REST RAM("0", "512", "") NODE("0", "0-3"),
		"web 1x4x1 4/4 kvm64 512M balloon numa 0{0-3 512M}" },
	/* huge pages */
	{ "hugepages 2", N "memory: 4096\nnuma: 1\nhugepages: 2\n",
		KVM SMP1 MEM4G HUGE("0", "4096", "2048", "") NODE("0", "0"),
		"web 1x1x1 1/1 kvm64 4096M balloon huge=2048 numa 0{0 4096M}" },
	{ "hugepages 1024, quoted, kept",
		N "memory: 4096\nnuma: 1\nhugepages: \"1024\"\nkeephugepages: 1\n",
		KVM SMP1 MEM4G HUGE("0", "4096", "1048576", "") NODE("0", "0"),
		"web 1x1x1 1/1 kvm64 4096M balloon huge=1048576 numa 0{0 4096M}" },
	{ "hugepages any", N "memory: 4096\nnuma: 1\nhugepages: any\n",
		KVM SMP1 MEM4G HUGE("0", "4096", "1048576", "") NODE("0", "0"),
		"web 1x1x1 1/1 kvm64 4096M balloon huge=any numa 0{0 4096M}" },
	{ "hugepages on one host node",
		N "memory: 4096\nnuma: 1\nhugepages: 2\n"
		  "numa0: cpus=0,hostnodes=1,memory=4096,policy=bind\n",
		KVM SMP1 MEM4G HUGE("0", "4096", "2048", ",host-nodes=1,policy=bind")
			NODE("0", "0"),
		"web 1x1x1 1/1 kvm64 4096M balloon huge=2048 numa 0{0 4096M @1 bind}" },
	/* disks */
	{ "a disk with an I/O thread", N "virtio0: local-lvm:vm-100-disk-0,iothread=1,size=32G\n",
		KVM BASE "-object|iothread,id=iothread-virtio0|-device|virtio-blk-pci,"
			 "drive=drive-virtio0,id=virtio0,bus=pci.0,addr=0xa,iothread=iothread-"
			 "virtio0|",
		"web 1x1x1 1/1 kvm64 512M balloon io=iothread-virtio0 "
		"disk=virtio0/iothread-virtio0" },
	{ "queues of a disk", N "virtio3: local:9,queues=4,iothread=on\n",
		KVM BASE "-object|iothread,id=iothread-virtio3|-device|virtio-blk-pci,"
			 "drive=drive-virtio3,id=virtio3,iothread=iothread-virtio3,num-queues=4|",
		"web 1x1x1 1/1 kvm64 512M balloon io=iothread-virtio3 "
		"disk=virtio3/iothread-virtio3*4" },
	{ "scsi, a controller each",
		N "scsihw: virtio-scsi-single\nscsi0: local:1,iothread=1\nscsi1: "
		  "local:2,iothread=1,queues=8\nscsi2: local:3\n",
		KVM BASE
		"-object|iothread,id=iothread-virtioscsi0|-device|virtio-scsi-pci,id=virtioscsi0,"
		"bus=pci.3,addr=0x1,iothread=iothread-virtioscsi0|-device|scsi-hd,bus="
		"virtioscsi0.0,channel=0,scsi-id=0,lun=0,drive=drive-scsi0,id=scsi0|"
		"-object|iothread,id=iothread-virtioscsi1|-device|virtio-scsi-pci,id=virtioscsi1,"
		"bus=pci.3,addr=0x2,iothread=iothread-virtioscsi1,num_queues=8|-device|scsi-hd,"
		"bus=virtioscsi1.0,drive=drive-scsi1,id=scsi1|"
		"-device|virtio-scsi-pci,id=virtioscsi2,bus=pci.3|-device|scsi-hd,bus=virtioscsi2."
		"0,"
		"drive=drive-scsi2,id=scsi2|",
		"web 1x1x1 1/1 kvm64 512M balloon io=iothread-virtioscsi0 io=iothread-virtioscsi1 "
		"disk=scsi0/iothread-virtioscsi0 disk=scsi1/iothread-virtioscsi1*8 disk=scsi2" },
	{ "scsi behind one controller has no I/O thread",
		N "scsihw: virtio-scsi-pci\nscsi0: local:1,iothread=1,queues=4\n",
		KVM BASE "-device|virtio-scsi-pci,id=scsihw0,bus=pci.0,addr=0x5|-device|scsi-hd,"
			 "bus=scsihw0.0,drive=drive-scsi0,id=scsi0|",
		"web 1x1x1 1/1 kvm64 512M balloon disk=scsi0" },
	{ "scsi by default is an lsi", N "scsi0: local:1,iothread=1\n",
		KVM BASE "-device|lsi,id=scsihw0,bus=pci.0|-device|scsi-hd,bus=scsihw0.0,"
			 "drive=drive-scsi0,id=scsi0|",
		"web 1x1x1 1/1 kvm64 512M balloon disk=scsi0" },
	{ "an unused I/O thread is off", N "virtio0: local:1,iothread=0\n",
		KVM BASE "-device|virtio-blk-pci,drive=drive-virtio0,id=virtio0|",
		"web 1x1x1 1/1 kvm64 512M balloon disk=virtio0" },
	{ "CD, SATA, and what is no disk",
		N "ide2: none,media=cdrom\nsata0: local:1\nunused0: local:5\nefidisk0: local:6\n"
		  "virtiofs0: dir\n",
		KVM BASE "-device|ide-cd,bus=ide.1,unit=0,id=ide2,bootindex=101|-device|ide-hd,"
			 "bus=ahci0.0,drive=drive-sata0,id=sata0|",
		"web 1x1x1 1/1 kvm64 512M balloon disk=ide2 disk=sata0" },
	{ "disks in JSON", N "virtio0: local:1,iothread=1\n",
		KVM BASE "-object|{\"qom-type\":\"iothread\",\"id\":\"iothread-virtio0\"}|-device|"
			 "{\"driver\":\"virtio-blk-pci\",\"drive\":\"drive-virtio0\",\"id\":"
			 "\"virtio0\",\"iothread\":\"iothread-virtio0\"}|",
		"web 1x1x1 1/1 kvm64 512M balloon io=iothread-virtio0 "
		"disk=virtio0/iothread-virtio0" },
	/* network */
	{ "network", N "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1\n",
		KVM BASE "-netdev|type=tap,id=net0,ifname=tap100i0,script=/x,vhost=on|-device|"
			 "virtio-net-pci,mac=BC:24:11:00:00:01,netdev=net0,id=net0|",
		"web 1x1x1 1/1 kvm64 512M balloon net=net0/virtio*1+vhost" },
	{ "queues of a network", N "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,queues=4\n",
		KVM BASE "-netdev|type=tap,id=net0,ifname=tap100i0,vhost=on,queues=4|-device|"
			 "virtio-net-pci,netdev=net0,id=net0,vectors=10,mq=on|",
		"web 1x1x1 1/1 kvm64 512M balloon net=net0/virtio*4+vhost" },
	{ "an e1000 and a model spelt out",
		N "net0: e1000=BC:24:11:00:00:01,bridge=vmbr0\nnet12: "
		  "bridge=vmbr1,model=virtio,macaddr=BC:24:11:00:00:02\n",
		KVM BASE "-netdev|type=tap,id=net0,ifname=tap100i0|-device|e1000,netdev=net0,"
			 "id=net0|-netdev|type=tap,id=net12,vhost=on|-device|virtio-net-pci,"
			 "netdev=net12,id=net12|",
		"web 1x1x1 1/1 kvm64 512M balloon net=net0/e1000*1 net=net12/virtio*1+vhost" },
	{ "no bridge: QEMU's own network", N "net0: virtio=BC:24:11:00:00:01,queues=2\n",
		KVM BASE "-netdev|type=user,id=net0,hostname=web|-device|virtio-net-pci,netdev="
			 "net0,id=net0|",
		"web 1x1x1 1/1 kvm64 512M balloon net=net0/virtio*1" },
	{ "queues=0", N "net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,queues=0\n",
		KVM BASE "-netdev|type=tap,id=net0,vhost=on|-device|virtio-net-pci,netdev=net0,"
			 "id=net0|",
		"web 1x1x1 1/1 kvm64 512M balloon net=net0/virtio*1+vhost" },
	{ "another architecture has no vhost",
		N "arch: aarch64\ncpu: cortex-a57\nnet0: virtio=BC:24:11:00:00:01,bridge=vmbr0\n",
		"/usr/bin/qemu-system-aarch64|-id|100|-name|web|" SMP1
		"-cpu|cortex-a57|" MEM BALLOON
		"-netdev|type=tap,id=net0|-device|virtio-net-pci,netdev=net0,id=net0|",
		"web 1x1x1 1/1 cortex-a57 512M balloon net=net0/virtio*1" },
	/* PCI devices */
	{ "a device, one function", N "hostpci0: 0000:0b:00.1,pcie=1\n",
		KVM BASE PCI("hostpci0", "0000:0b:00.1"),
		"web 1x1x1 1/1 kvm64 512M balloon pci=0000:0b:00.1" },
	{ "a device with all functions, short", N "hostpci0: 0B:00,pcie=1,x-vga=1\n",
		KVM BASE PCI("hostpci0.0", "0000:0b:00.0") PCI("hostpci0.1", "0000:0b:00.1"),
		"web 1x1x1 1/1 kvm64 512M balloon pci=0000:0b:00" },
	{ "two devices in one key", N "hostpci0: host=01:00.0;02:00.0\n",
		KVM BASE PCI("hostpci0.0", "0000:01:00.0") PCI("hostpci0.1", "0000:02:00.0"),
		"web 1x1x1 1/1 kvm64 512M balloon pci=0000:01:00.0 pci=0000:02:00.0" },
	{ "a device by its name in the cluster", N "hostpci0: mapping=gpu,pcie=1\n",
		KVM BASE PCI("hostpci0", "0000:41:00.0"),
		"web 1x1x1 1/1 kvm64 512M balloon pci=gpu" },
	{ "a part of a device", N "hostpci0: 0000:00:02.0,mdev=i915-GVTg_V5_4\n",
		KVM BASE "-device|vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:00:02.0/00000000-0000"
			 "-0000-0000-000000000100,id=hostpci0|",
		"web 1x1x1 1/1 kvm64 512M balloon pci=0000:00:02.0" },
	{ "a long domain", N "hostpci3: 10000:e1:00.0\n", KVM BASE PCI("hostpci3", "10000:e1:00.0"),
		"web 1x1x1 1/1 kvm64 512M balloon pci=10000:e1:00.0" },
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct words {
	ARRAY(char *) all;
};

static void put(struct words *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void put(struct words *w, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *text = xvasprintf(fmt, ap);
	va_end(ap);
	array_for_each (old, &w->all) {
		if (streq(*old, text)) {
			free(text);
			return;
		}
	}
	*array_push(&w->all) = text;
}

/* The order of devices does not matter. */
static void take_sorted(struct words *w, struct strbuf *b)
{
	if (w->all.n)
		qsort(w->all.v, w->all.n, sizeof *w->all.v, by_text);
	array_for_each (text, &w->all) {
		strbuf_printf(b, " %s", *text);
		free(*text);
	}
	free(w->all.v);
}

/* The device in the words of the config, which may name it with fewer. */
static const char *pci_word(const struct vm_pci *p, const struct vm_config *conf)
{
	array_for_each (c, &conf->pci) {
		if (c->mapping && p->id && str_after(p->id, c->id))
			return c->mapping;
		if (c->address && p->address && pci_covers(c->address, p->address))
			return c->address;
	}
	return p->address ? p->address : "?";
}

static void show_devices(struct strbuf *b, const struct vm_config *c, const struct vm_config *conf)
{
	struct words w = { 0 };
	array_for_each (id, &c->iothreads)
		put(&w, "io=%s", *id);
	take_sorted(&w, b);
	w = (struct words){ 0 };
	array_for_each (d, &c->disks) {
		AUTO_FREE char *queues = d->queues ? xasprintf("*%d", d->queues) : xstrdup("");
		put(&w, "disk=%s%s%s%s", d->id, d->iothread ? "/" : "",
			d->iothread ? d->iothread : "", queues);
	}
	array_for_each (n, &c->nets)
		put(&w, "net=%s/%s*%d%s", n->id, n->model, n->queues, n->has_vhost ? "+vhost" : "");
	array_for_each (p, &c->pci)
		put(&w, "pci=%s", pci_word(p, conf));
	take_sorted(&w, b);
}

/* What both readers can know; where one cannot, the other's word is dropped too. */
static char *show(
	const struct vm_config *c, const struct vm_config *other, const struct vm_config *conf)
{
	struct strbuf b = { 0 };
	bool is_any = c->hugepages_kib == HUGEPAGES_ANY || other->hugepages_kib == HUGEPAGES_ANY;
	strbuf_printf(&b, "%s %dx%dx%d %d/%d %s %lluM", c->name ? c->name : "-", c->sockets,
		c->cores, c->threads, c->vcpus, c->max_vcpus,
		c->cpu && str_after(c->cpu, "x86-64-v") ? "qemu64" : c->cpu,
		(unsigned long long)c->memory_mib);
	strbuf_puts(&b, c->has_balloon ? " balloon" : "");
	if (c->hugepages_kib && is_any)
		strbuf_puts(&b, " huge=any");
	else if (c->hugepages_kib)
		strbuf_printf(&b, " huge=%lld", (long long)c->hugepages_kib);
	strbuf_puts(&b, c->has_numa ? " numa" : "");
	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct vm_node *n = &c->nodes.v[i];
		bool is_known = n->mib && i < other->nodes.n && other->nodes.v[i].mib;
		AUTO_FREE char *mib =
			is_known ? xasprintf("%llu", (unsigned long long)n->mib) : xstrdup("?");
		strbuf_printf(&b, " %d{%s %sM%s%s%s%s}", n->node, n->cpus ? n->cpus : "-", mib,
			n->hostnodes ? " @" : "", n->hostnodes ? n->hostnodes : "",
			n->policy ? " " : "", n->policy ? n->policy : "");
	}
	show_devices(&b, c, conf);
	AUTO_FREE char *cpus = c->affinity_cpus ? cpuset_format_list(c->affinity_cpus) : NULL;
	if (c->affinity)
		strbuf_printf(&b, " aff=%s(%s)", c->affinity, cpus ? cpus : "-");
	return b.s;
}

static void read_line(struct arena *a, const char *text, struct vm_config *ret)
{
	size_t n = strlen(text);
	char *line = arena_strdup(a, text);
	for (size_t i = 0; i < n; i++)
		if (line[i] == '|')
			line[i] = 0;
	struct qemu_args args;
	qemu_args_parse(a, line, n, &args);
	qemu_config_add(a, line, n, &args, ret);
	qemu_args_done(&args);
}

static void read_conf(struct arena *a, const char *text, struct vm_config *ret)
{
	struct pve_conf conf;
	pve_conf_parse(a, text, &conf);
	pve_conf_facts(a, &conf, ret);
}

/* "memory 512 MiB config/1024 MiB line": where they disagree. */
static char *show_disagreements(struct arena *a, struct vm_config *conf, struct vm_config *line)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	conf->source = "config";
	line->source = "line";
	vm_config_differ(a, conf, line);
	array_for_each (x, &conf->disagreements)
		strbuf_printf(&b, "%s%s: %s %s/%s %s", b.n ? "; " : "", x->what, x->said[0].value,
			x->said[0].source, x->said[1].value, x->said[1].source);
	return b.s;
}

static void test_pair(const struct pair *p)
{
	struct arena a = { 0 };
	struct vm_config conf = { 0 }, line = { 0 };
	read_conf(&a, p->conf, &conf);
	read_line(&a, p->cmdline, &line);
	AUTO_FREE char *by_conf = show(&conf, &line, &conf);
	AUTO_FREE char *by_line = show(&line, &conf, &conf);
	same_str(by_conf, p->want, "%s: config", p->what);
	same_str(by_line, p->want, "%s: command line", p->what);
	AUTO_FREE char *differ = show_disagreements(&a, &conf, &line);
	same_str(differ, "", "%s: they agree", p->what);
	arena_done(&a);
}

/* Changed by hand while the VM runs, or never what the manager thinks. */
static void test_disagreement(void)
{
	struct arena a = { 0 };
	struct vm_config conf = { 0 }, line = { 0 };
	read_conf(&a,
		"name: web\nsockets: 2\ncores: 2\nmemory: 2048\nnuma: 1\nhugepages: 2\n"
		"numa0: cpus=0-1,hostnodes=0,memory=1024,policy=bind\n"
		"numa1: cpus=2;3,hostnodes=1,memory=1024,policy=bind\n"
		"scsihw: virtio-scsi-single\nscsi0: local:1,iothread=1\nhostpci0: 01:00\n"
		"hostpci1: 02:00.0\n",
		&conf);
	read_line(&a,
		"/usr/bin/kvm|-id|100|-name|db,debug-threads=on|-smp|8,sockets=1,cores=8,maxcpus="
		"8|" MODEL
		"-m|4096|" BALLOON HUGE("0", "2048", "1048576", ",host-nodes=0,policy=bind") NODE(
			"0", "0-1") HUGE("1", "1024", "2048", ",host-nodes=0,policy=preferred")
			NODE("1", "2-3") "-device|virtio-scsi-pci,id=virtioscsi0,iothread="
					 "mine|-object|iothread,id=mine|-device|scsi-hd,bus="
					 "virtioscsi0.0,id=scsi0|" PCI("hostpci0.0", "0000:01:00.0")
						 PCI("hostpci0.1", "0000:01:00.1")
							 PCI("hostpci1", "0000:03:00.0"),
		&line);
	AUTO_FREE char *differ = show_disagreements(&a, &conf, &line);
	same_str(differ,
		"name: web config/db line; sockets: 2 config/1 line; cores of a socket: 2 config/8 "
		"line; most vCPUs: 4 config/8 line; memory: 2048 MiB config/4096 MiB line; "
		"guest node 0: memory: 1024 MiB config/2048 MiB line; guest node 0: page size: "
		"2048 "
		"KiB config/1048576 KiB line; guest node 1: host nodes: 1 config/0 line; guest "
		"node "
		"1: memory policy: bind config/preferred line; I/O thread of scsi0: "
		"iothread-virtioscsi0 config/mine line; address of hostpci1: 0000:02:00.0 "
		"config/0000:03:00.0 line",
		"sources that disagree");
	arena_done(&a);
}

/* What only the config knows. */
static const struct {
	const char *what, *conf, *want;
} confs[] = {
	{ "shares and limits", "cpuunits: 2048\ncpulimit: 2.5\n", "units=2048 limit=2.50" },
	{ "a limit out of range", "cpulimit: 200\n", "*" },
	{ "a limit without sense", "cpulimit: 2x\n", "*" },
	{ "tags", "tags: wideberth-rt;db, x\n", "tag=wideberth-rt tag=db tag=x" },
	{ "hook and lock", "hookscript: local:snippets/h.pl\nlock: backup\n",
		"hook=local:snippets/h.pl lock=backup" },
	{ "kept huge pages", "numa: 1\nhugepages: 2\nkeephugepages: TRUE\n", "keep" },
	{ "huge pages of no size", "numa: 1\nhugepages: 4\n", "*" },
	{ "huge pages without numa", "hugepages: 2\n", "*" },
	{ "a description", "#it%3A 100%25\n# second\ncores: 1\n#%zz%4\n",
		"text=it: 100%/ second/%zz%4" },
	{ "a description of old", "description: a%0Ab\n", "text=a/b" },
	{ "descriptions of sections", "[PENDING]\n#no\n[snap]\n#no\n", "" },
	{ "pending", "cores: 2\n[PENDING]\ncores: 8\ndelete: affinity,!net1 hostpci0\n",
		"next:cores=8 next:affinity- next:net1- next:hostpci0-" },
	{ "pending twice: the later one counts", "[PENDING]\ncores: 8\n[PENDING]\nname: a\n",
		"next:name=a" },
	{ "delete outside of pending is a key", "delete: affinity\n", "" },
	{ "blanks in affinity", "affinity: 0, 5\n", "aff=0, 5(0,5) *" },
	{ "numaN without policy", "numa: 1\nnuma0: cpus=0,hostnodes=0,memory=512\n", "*" },
	{ "numaN with another sum", "numa: 1\nnuma0: cpus=0,memory=256\n", "*" },
	{ "numaN without memory", "numa: 1\nnuma0: cpus=0\n", "**" },
	{ "numaN with huge pages, unbound", "numa: 1\nhugepages: 2\nnuma0: cpus=0,memory=512\n",
		"*" },
	{ "numaN with huge pages, node 10",
		"numa: 1\nhugepages: 2\nnuma0: cpus=0,memory=512,hostnodes=10,policy=bind\n", "*" },
	{ "numaN with vCPUs of no list", "numa: 1\nnuma0: cpus=a,memory=512\n", "*" },
	{ "a PCI address that is none", "hostpci0: gpu\n", "*" },
	{ "lines without sense", "a b\n=\n", "*" },
	{ "nothing", "", "" },
};

static char *show_conf(const struct vm_config *c)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, " ");
	if (c->cpuunits)
		strbuf_printf(&b, "units=%d ", c->cpuunits);
	if (c->cpulimit > 0)
		strbuf_printf(&b, "limit=%.2f ", c->cpulimit);
	array_for_each (tag, &c->tags)
		strbuf_printf(&b, "tag=%s ", *tag);
	if (c->hookscript)
		strbuf_printf(&b, "hook=%s ", c->hookscript);
	if (c->lock)
		strbuf_printf(&b, "lock=%s ", c->lock);
	if (c->keeps_hugepages)
		strbuf_puts(&b, "keep ");
	AUTO_FREE char *text = c->description ? xstrdup(c->description) : NULL;
	for (char *p = text; p && (p = strchr(p, '\n'));)
		*p = '/';
	if (text)
		strbuf_printf(&b, "text=%s ", text);
	array_for_each (p, &c->pending)
		strbuf_printf(
			&b, "next:%s%s%s ", p->key, p->value ? "=" : "-", p->value ? p->value : "");
	AUTO_FREE char *cpus = c->affinity_cpus ? cpuset_format_list(c->affinity_cpus) : NULL;
	if (c->affinity)
		strbuf_printf(&b, "aff=%s(%s) ", c->affinity, cpus ? cpus : "-");
	array_for_each (note, &c->notes)
		strbuf_puts(&b, "*");
	return b.s;
}

static void test_confs(void)
{
	for (size_t i = 0; i < N_ELEMENTS(confs); i++) {
		struct arena a = { 0 };
		struct vm_config c = { 0 };
		read_conf(&a, confs[i].conf, &c);
		AUTO_FREE char *text = show_conf(&c);
		same_str(str_trim(text), confs[i].want, "%s", confs[i].what);
		arena_done(&a);
	}
}

static void test_mapping(void)
{
	static const char table[] = "# of the cluster\ngpu\n"
				    "\tmap id=10de:2204,iommugroup=14,node=pve1,path=0000:01:00.0\n"
				    "\tmap id=10de:2204,node=pve2,path=0000:41:00.0\n"
				    "\tmdev 1\n\nnic\n"
				    "\tmap node=pve1,path=0000:02:00.0\n"
				    "\tmap node=pve1,path=0000:02:00.1\n";
	struct arena a = { 0 };
	same_str(pve_mapping_path(&a, table, "gpu", "pve2"), "0000:41:00.0", "by node");
	same_str(
		pve_mapping_path(&a, table, "nic", "pve1"), "0000:02:00.0;0000:02:00.1", "several");
	same_str(pve_mapping_path(&a, table, "nic", "pve2"), NULL, "not on this node");
	same_str(pve_mapping_path(&a, table, "map", "pve1"), NULL, "no such name");
	arena_done(&a);
}

int main(void)
{
	ok(N_ELEMENTS(pairs) >= 60, "%zu pairs", N_ELEMENTS(pairs));
	for (size_t i = 0; i < N_ELEMENTS(pairs); i++)
		test_pair(&pairs[i]);
	test_disagreement();
	test_confs();
	test_mapping();
	return tap_done();
}
