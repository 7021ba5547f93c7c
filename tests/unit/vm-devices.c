/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VMs were given of the host, in every way that it can be said: devices, memory, I/O threads;
 * and that a second source adds to the first. */
#include "base/str.h"
#include "../machine/fake-proc.h"
#include "tap.h"
#include "vm/domain-xml.h"
#include "vm/qemu-config.h"

static void put_file(const char *path, const char *text)
{
	put(text, strlen(text), "%s", path);
}

static void put_link(const char *path, const char *target)
{
	AUTO_FREE char *full = xasprintf("%s/%s", root, path);
	put_file(path, "");
	unlink(full);
	ok(symlink(target, full) == 0, "a link");
}

static void put_pci(const char *address, const char *node, const char *driver)
{
	AUTO_FREE char *file = xasprintf("sys/bus/pci/devices/%s/numa_node", address);
	AUTO_FREE char *link = xasprintf("sys/bus/pci/devices/%s/driver", address);
	AUTO_FREE char *target = xasprintf("../../../../bus/pci/drivers/%s", driver);
	put_file(file, node);
	put_link(link, target);
}

#define UUID "00000001-0000-4000-8000-000000000001"

static void put_devices(void)
{
	put_pci("0000:06:10.1", "1", "vfio-pci");
	put_pci("0000:3b:00.0", "1", "nvidia");
	put_pci("0000:82:00.0", "0", "vfio-pci");
	put_pci("0000:17:00.2", "0", "mlx5_core");
	put_link("sys/bus/mdev/devices/" UUID,
		"../../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/" UUID);
	put_link("sys/class/vhost-vdpa/vhost-vdpa-0",
		"../../devices/pci0000:16/0000:16:02.0/0000:17:00.2/vdpa0/vhost-vdpa-0");
	put_file("proc/interrupts",
		"           CPU0\n 130:  9  PCI-MSIX-0000:06:10.1 0-edge "
		"vfio-msix[0](0000:06:10.1)\n");
}

/* Options that give a device, and what is shown of it: "kind address node driver part irqs". */
static const struct {
	const char *what, *options, *want;
} rows[] = {
	{ "a function", "-device|vfio-pci,host=0000:06:10.1", "pci 0000:06:10.1 1 vfio-pci - 1" },
	{ "... without domain", "-device|vfio-pci,host=06:10.1",
		"pci 0000:06:10.1 1 vfio-pci - 1" },
	{ "... in JSON", "-device|{\"driver\":\"vfio-pci\",\"host\":\"0000:06:10.1\",\"id\":\"h\"}",
		"pci 0000:06:10.1 1 vfio-pci - 1" },
	{ "... by its directory", "-device|vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:06:10.1",
		"pci 0000:06:10.1 1 vfio-pci - 1" },
	{ "... by its place",
		"-device|vfio-pci,sysfsdev=/sys/devices/pci0000:00/0000:00:02.0/0000:06:10.1",
		"pci 0000:06:10.1 1 vfio-pci - 1" },
	{ "... that cannot be plugged", "-device|vfio-pci-nohotplug,host=06:10.1",
		"pci 0000:06:10.1 1 vfio-pci - 1" },
	{ "one that is not here", "-device|vfio-pci,host=0000:99:00.0",
		"pci 0000:99:00.0 - - - 0" },
	{ "an mdev", "-device|vfio-pci,sysfsdev=/sys/bus/mdev/devices/" UUID,
		"mdev 0000:3b:00.0 1 nvidia " UUID " 0" },
	{ "... below its parent",
		"-device|{\"driver\":\"vfio-pci\",\"sysfsdev\":\"/sys/devices/pci0000:3a/"
		"0000:3a:00.0/"
		"0000:3b:00.0/" UUID "\"}",
		"mdev 0000:3b:00.0 1 nvidia " UUID " 0" },
	{ "... by the class", "-device|vfio-pci,sysfsdev=/sys/class/mdev_bus/0000:3b:00.0/" UUID,
		"mdev 0000:3b:00.0 1 nvidia " UUID " 0" },
	{ "... of nobody knows what", "-device|vfio-pci,sysfsdev=/sys/bus/mdev/devices/0-1",
		"mdev - - - 0-1 0" },
	{ "an NVMe disk",
		"-blockdev|{\"driver\":\"nvme\",\"device\":\"0000:82:00.0\",\"namespace\":1,"
		"\"node-name\":\"n\"}",
		"nvme 0000:82:00.0 0 vfio-pci - 0" },
	{ "... as a file of another",
		"-blockdev|driver=raw,node-name=r,file.driver=nvme,file.device=82:00.0",
		"nvme 0000:82:00.0 0 vfio-pci - 0" },
	{ "... as a drive", "-drive|file=nvme://0000:82:00.0/1,if=none,id=d",
		"nvme 0000:82:00.0 0 vfio-pci - 0" },
	{ "vfio-user",
		"-device|{\"driver\":\"vfio-user-pci\",\"socket\":{\"path\":\"/run/"
		"s\",\"type\":\"unix\"}}",
		"vfio-user - - - /run/s 0" },
	{ "... in short", "-device|vfio-user-pci,socket=/run/s", "vfio-user - - - /run/s 0" },
	{ "vdpa",
		"-netdev|vhost-vdpa,id=n,vhostdev=/dev/"
		"vhost-vdpa-0|-device|virtio-net-pci,netdev=n",
		"vdpa 0000:17:00.2 0 mlx5_core /dev/vhost-vdpa-0 0" },
	{ "no device of the host's",
		"-device|virtio-net-pci,netdev=n|-blockdev|driver=file,filename=x", "" },
};

static char *show_devices(const struct vm *vm)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t i = 0; i < vm->n_devices; i++) {
		const struct vm_device *d = &vm->devices[i];
		AUTO_FREE char *node = d->node < 0 ? xstrdup("-") : xasprintf("%d", d->node);
		strbuf_printf(&b, "%s%s %s %s %s %s %zu", b.n ? "; " : "", d->kind,
			d->address ? d->address : "-", node, d->driver ? d->driver : "-",
			d->part ? d->part : "-", d->n_irqs);
	}
	return b.s;
}

static void test_devices(void)
{
	struct found f;
	put_devices();
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		int pid = 100 + (int)i;
		AUTO_FREE char *line = xasprintf(Q "-name|vm%d|%s", pid, rows[i].options);
		put_process(pid, 1, 7, line, "", T({ pid, "q" }));
	}
	if (!find_all(&f, root, NULL))
		return;
	for (size_t i = 0; i < f.v->n_vms; i++) {
		AUTO_FREE char *got = show_devices(&f.v->vms[i]);
		const size_t row = (size_t)f.v->vms[i].pid - 100;
		same_str(got, rows[row].want, "%s", rows[row].what);
	}
	same_int((int)f.v->n_vms, N_ELEMENTS(rows), "all were looked at");
	found_done(&f);
}

/* ---- memory ---- */

static const struct {
	const char *what, *options, *want; /* overall; "node: cpus MiB pages host nodes" */
} memories[] = {
	{ "pages by the path", "-m|64|-mem-path|/dev/hugepages1G/x", "1048576" },
	{ "... by another's path", "-m|64|-mem-path|/run/hugepages/kvm/2048kB", "2048" },
	{ "... a path without size", "-m|64|-mem-path|/mnt/huge", "-1" },
	{ "a path that is none", "-m|64|-mem-path|/dev/shm", "0" },
	{ "the machine's backend",
		"-machine|q35,memory-backend=m|-object|memory-backend-ram,id=m,size=64M,host-nodes="
		"1,"
		"policy=bind",
		"0 on 1 bind" },
	{ "... with pages",
		"-M|q35,memory-backend=m|-object|memory-backend-memfd,id=m,size=64M,hugetlb=on,"
		"hugetlbsize=2M",
		"2048" },
	{ "nodes of different pages",
		"-object|memory-backend-file,id=a,size=32M,mem-path=/dev/hugepages1G/x|-numa|node,"
		"memdev=a,cpus=0|-object|memory-backend-file,id=b,size=16M,mem-path=/dev/"
		"hugepages2M/x|"
		"-numa|node,memdev=b,cpus=1",
		"-2; 0: 0 32 1048576 -; 1: 1 16 2048 -" },
	{ "nodes of the same",
		"-numa|node,memdev=a|-numa|node,memdev=b|-object|{\"qom-type\":"
		"\"memory-backend-memfd\",\"id\":\"a\",\"size\":1048576,\"hugetlb\":true,"
		"\"hugetlbsize\":2097152}|-object|memory-backend-memfd,id=b,size=1M,"
		"hugetlb=on,hugetlbsize=2M",
		"2048; 0: - 1 2048 -; 1: - 1 2048 -" },
	{ "a module of a node",
		"-object|memory-backend-ram,id=a,size=32M|-numa|node,memdev=a|-object|memory-"
		"backend-ram,"
		"id=d,size=16M|-device|pc-dimm,memdev=d,node=0",
		"0; 0: - 48 0 -" },
	{ "CPUs one by one",
		"-smp|8,sockets=2,cores=2,threads=2|-numa|node,nodeid=0|-numa|node,nodeid=1|-numa|"
		"cpu,"
		"node-id=0,socket-id=0|-numa|cpu,node-id=1,socket-id=1,core-id=0|-numa|cpu,node-id="
		"0,"
		"socket-id=1,core-id=1,thread-id=0|-numa|cpu,node-id=1,socket-id=1,core-id=1,"
		"thread-id=1",
		"0; 0: 0-3,6 0 0 -; 1: 4-5,7 0 0 -" },
	{ "CPUs by dies",
		"-smp|8,sockets=1,dies=2,cores=4|-numa|node|-numa|node|-numa|cpu,node-id=0,die-id="
		"0|-numa|"
		"cpu,node-id=1,die-id=1,core-id=1",
		"0; 0: 0-3 0 0 -; 1: 5 0 0 -" },
};

static char *show_memory(const struct vm_config *c)
{
	struct strbuf b = { 0 };
	strbuf_printf(&b, "%lld", (long long)c->hugepages_kib);
	if (c->numa_nodes)
		strbuf_printf(&b, " on %s %s", c->numa_nodes, c->numa_mode);
	array_for_each (n, &c->nodes)
		strbuf_printf(&b, "; %d: %s %llu %lld %s", n->node, n->cpus ? n->cpus : "-",
			(unsigned long long)n->mib, (long long)n->hugepages_kib,
			n->hostnodes ? n->hostnodes : "-");
	return b.s;
}

/* A command line, written with '|' for NUL, as a config. */
static void read_line(struct arena *a, const char *options, struct vm_config *ret)
{
	char text[2048];
	AUTO_FREE char *line = xasprintf(Q "%s", options);
	size_t n = cmdline_of(line, text, sizeof text);
	const char *kept = arena_strndup(a, text, n);
	struct qemu_args args;
	qemu_args_parse(a, kept, n, &args);
	*ret = (struct vm_config){ 0 };
	qemu_config_add(a, kept, n, &args, ret);
	qemu_args_done(&args);
}

static void test_memory(void)
{
	for (size_t i = 0; i < N_ELEMENTS(memories); i++) {
		struct arena a = { 0 };
		struct vm_config c;
		read_line(&a, memories[i].options, &c);
		AUTO_FREE char *got = show_memory(&c);
		same_str(got, memories[i].want, "memory: %s", memories[i].what);
		arena_done(&a);
	}
}

/* The mounts are believed, whatever a directory is called. */
static void test_mounts(void)
{
	static const char mounts[] =
		"none / ext4 rw 0 0\nhugetlbfs /mnt/pages hugetlbfs rw,relatime,pagesize=1024M 0 "
		"0\n"
		"none /mnt/pages/old hugetlbfs rw 0 0\ntmpfs /dev/hugepages tmpfs rw 0 0\n";
	static const struct {
		const char *path, *want;
	} paths[] = {
		{ "/mnt/pages", "1048576" },
		{ "/mnt/pages/libvirt/x", "1048576" },
		{ "/mnt/pages/old/x", "2048" },
		{ "/mnt/pagesX", "0" },
		{ "/dev/hugepages/x", "0" },
	};
	struct found f;
	put_file("proc/meminfo", "MemTotal: 9 kB\nHugepagesize:       2048 kB\n");
	put_file("proc/self/mounts", mounts);
	for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
		int pid = 300 + (int)i;
		AUTO_FREE char *line = xasprintf(Q "-m|64|-mem-path|%s", paths[i].path);
		put_process(pid, 1, 7, line, "", T({ pid, "q" }));
	}
	if (!find_all(&f, root, NULL))
		return;
	for (size_t i = 0; i < f.v->n_vms; i++) {
		const struct vm *vm = &f.v->vms[i];
		AUTO_FREE char *got = show_memory(vm->config);
		if (vm->pid >= 300)
			same_str(got, paths[vm->pid - 300].want, "mounted: %s",
				paths[vm->pid - 300].path);
	}
	found_done(&f);
}

/* ---- I/O threads, and two sources ---- */

static char *show_disks(const struct vm_config *c)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	array_for_each (d, &c->disks) {
		strbuf_printf(&b, "%s%s*%d", b.n ? " " : "", d->id, d->queues);
		array_for_each (id, &d->iothreads)
			strbuf_printf(&b, "+%s", *id);
	}
	array_for_each (n, &c->nets)
		strbuf_printf(&b, " %s/%s%s", n->id, n->model ? n->model : "?",
			n->has_vhost ? "+vhost" : "");
	array_for_each (p, &c->pci)
		strbuf_printf(&b, " [%d %s %s]", p->kind, p->id ? p->id : "-",
			p->address ? p->address : p->part);
	return b.s;
}

static const char domain[] =
	"<domains><domain><name>x</name><vcpu>2</vcpu><devices><disk><driver queues='4'><iothreads>"
	"<iothread id='1'><queue id='0'/></iothread><iothread id='2'/></iothreads></driver>"
	"<target dev='vda'/><alias name='virtio-disk0'/></disk>"
	"<disk type='nvme'><source type='pci' namespace='1'><address domain='0x0000' bus='0x82' "
	"slot='0x00' function='0x0'/></source><target dev='vdb'/><alias "
	"name='virtio-disk1'/></disk>"
	"<interface type='bridge'><model type='virtio'/><alias name='net0'/></interface>"
	"<interface type='hostdev'><source><address type='pci' domain='0x0000' bus='0x06' "
	"slot='0x10' "
	"function='0x1'/></source><alias name='hostdev0'/></interface>"
	"<hostdev type='mdev'><source><address uuid='" UUID "'/></source><alias name='hostdev1'/>"
	"</hostdev></devices></domain></domains>";

static void test_merge(void)
{
	struct arena a = { 0 };
	struct domains all;
	struct vm_config line;
	same_int(domains_parse(&a, domain, &all), 0, "a domain");
	AUTO_FREE char *alone = show_disks(&all.v[0].config);
	same_str(alone,
		"vda*4+iothread1+iothread2 vdb*0 net0/virtio [2 virtio-disk1 0000:82:00.0] [0 "
		"hostdev0 "
		"0000:06:10.1] [1 hostdev1 " UUID "]",
		"the XML alone");
	read_line(&a,
		"-blockdev|{\"driver\":\"nvme\",\"device\":\"0000:82:00.0\",\"node-name\":\"s\"}|"
		"-netdev|tap,id=h0,vhost=on|-device|virtio-net-pci,netdev=h0,id=net0|"
		"-device|vfio-pci,host=0000:06:10.1,id=hostdev0|"
		"-device|vfio-pci,host=0000:07:00.0,id=mine|"
		"-device|virtio-blk-pci,id=virtio-disk0,num-queues=4|"
		"-device|virtio-blk-pci,id=extra,iothread=io9|-object|iothread,id=io9|"
		"-netdev|tap,id=h1|-device|virtio-net-pci,netdev=h1,id=net1",
		&line);
	vm_config_merge(&a, &all.v[0].config, &line);
	AUTO_FREE char *both = show_disks(&all.v[0].config);
	same_str(both,
		"vda*4+iothread1+iothread2 vdb*0 extra*0+io9 net0/virtio+vhost net1/virtio [2 "
		"virtio-disk1 "
		"0000:82:00.0] [0 hostdev0 0000:06:10.1] [1 hostdev1 " UUID
		"] [0 mine 0000:07:00.0]",
		"... and what only the command line has");
	read_line(&a,
		"-object|iothread,id=a|-device|{\"driver\":\"virtio-blk-pci\",\"id\":\"d\","
		"\"iothread-vq-"
		"mapping\":[{\"iothread\":\"a\",\"vqs\":[0]},{\"iothread\":\"b\"}]}|"
		"-device|virtio-scsi-pci,id=s,iothread-vq-mapping.0.iothread=a,"
		"iothread-vq-mapping.1.iothread=b|-device|scsi-hd,bus=s.0,id=h",
		&line);
	AUTO_FREE char *mapped = show_disks(&line);
	same_str(mapped, "d*0+a+b h*0+a+b", "several I/O threads of a disk");
	arena_done(&a);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root))
		return 1;
	test_devices();
	test_memory();
	test_mounts();
	test_merge();
	clear_root();
	return tap_done();
}
