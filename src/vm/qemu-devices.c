/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -device of QEMU's command line, with what it is connected to. */
#include "vm/qemu-read.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* "512M", "4G", "1048576k", or a number of 'unit' bytes; 0 for what is no size. */
uint64_t qemu_size_mib(const char *text, uint64_t unit)
{
	static const char suffixes[] = "BKMGTP";
	char *end;
	if (!text || !isdigit((unsigned char)*text))
		return 0;
	double n = strtod(text, &end);
	const char *suffix = *end ? strchr(suffixes, toupper((unsigned char)*end)) : NULL;
	double bytes = n * (suffix ? (double)(1ULL << (10 * (suffix - suffixes))) : (double)unit);
	return bytes >= 0 && bytes < 1e18 ? (uint64_t)(bytes / 1048576) : 0;
}

int qemu_count_of(const char *text)
{
	int n;
	return text && str_to_int(text, &n) == 0 ? n : 0;
}

const struct props *qemu_by_id(struct qemu_options *kind, const char *id)
{
	size_t i = ids_find(&kind->ids, id);
	return i == IDS_NONE ? NULL : &kind->v.v[i];
}

/* Sockets to other processes: a chardev's, a network's "stream" or "dgram". */
void qemu_add_socket(struct qemu_reader *r, const struct props *p)
{
	static const char *const keys[] = { "path", "backend.data.addr.data.path", "addr.path",
		"remote.path", "socket.path", "socket" };
	for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
		const char *path = props_get(p, keys[i]);
		if (path && *path == '/')
			*list_push(r->a, &r->config->peers) = path;
	}
}

struct vm_node *qemu_node_of(struct qemu_reader *r, const char *number)
{
	array_for_each (n, &r->config->nodes)
		if (number && n->node == qemu_count_of(number))
			return n;
	return NULL;
}

/* The controller of a bus: "virtioscsi0.0" → virtioscsi0. */
static const struct props *controller_of(struct qemu_reader *r, const struct props *device)
{
	const char *bus = props_get(device, "bus");
	const char *dot = bus ? strrchr(bus, '.') : NULL;
	return dot ? qemu_by_id(&r->devices, arena_strndup(r->a, bus, (size_t)(dot - bus))) : NULL;
}

/* iothread=io0, or for some queues each: iothread-vq-mapping.0.iothread=io0, …1… */
static void add_iothreads(struct qemu_reader *r, const struct props *p, struct vm_disk *disk)
{
	for (size_t i = 0; p && i < p->n; i++) {
		const char *key = p->v[i].key;
		bool is_mapping =
			str_after(key, "iothread-vq-mapping.") && str_has_suffix(key, ".iothread");
		if (is_mapping || streq(key, "iothread"))
			*list_push(r->a, &disk->iothreads) = p->v[i].value;
	}
	disk->iothread = disk->iothreads.n ? disk->iothreads.v[0] : NULL;
}

static bool is_any(const char *driver, const char *const *prefixes)
{
	for (; *prefixes; prefixes++)
		if (str_after(driver, *prefixes))
			return true;
	return false;
}

/* -device virtio-blk-pci,drive=drive-virtio0,id=virtio0,iothread=iothread-virtio0,num-queues=4
 * -device virtio-scsi-pci,id=virtioscsi0,iothread=iothread-virtioscsi0,num_queues=4
 * -device scsi-hd,bus=virtioscsi0.0,drive=drive-scsi0,id=scsi0 */
static bool add_disk(struct qemu_reader *r, const struct props *p, const char *driver)
{
	static const char *const own[] = { "virtio-blk-", "ide-hd", "ide-cd", NULL };
	static const char *const behind[] = { "scsi-hd", "scsi-cd", "scsi-block", "scsi-generic",
		NULL };
	const char *id = props_get(p, "id");
	bool is_behind = is_any(driver, behind);
	if (!id || (!is_behind && !is_any(driver, own)))
		return false;
	const struct props *at = is_behind ? controller_of(r, p) : p;
	struct vm_disk *disk = list_push(r->a, &r->config->disks);
	disk->id = id;
	add_iothreads(r, at, disk);
	disk->queues =
		at ? qemu_count_of(props_get(at, is_behind ? "num_queues" : "num-queues")) : 0;
	return true;
}

/* -netdev vhost-vdpa,vhostdev=/dev/vhost-vdpa-0 */
static void add_vdpa(struct qemu_reader *r, const struct props *back, const char *id)
{
	const char *type = back ? props_get(back, "type") : NULL;
	if (type && streq(type, "vhost-vdpa"))
		*list_push(r->a, &r->config->pci) = (struct vm_pci){
			.id = id, .kind = PCI_VDPA, .part = props_get(back, "vhostdev")
		};
}

static int count_fds(const char *fds)
{
	int n = 1;
	for (; (fds = strchr(fds, ':')); fds++)
		n++;
	return n;
}

/* -netdev type=tap,id=net0,ifname=tap100i0,vhost=on,queues=4
 * -device virtio-net-pci,netdev=net0,id=net0,mq=on; libvirt has vhostfds=30:31 instead */
static bool add_net(struct qemu_reader *r, const struct props *p, const char *driver)
{
	const char *id = props_get(p, "id"), *netdev = props_get(p, "netdev");
	const struct props *back = qemu_by_id(&r->netdevs, netdev);
	if (!netdev)
		return false;
	struct vm_net *net = list_push(r->a, &r->config->nets);
	const char *fds = back ? props_get(back, "fds") : NULL;
	net->id = id ? id : netdev;
	net->model = str_after(driver, "virtio-net-") ? "virtio" : driver;
	net->queues = back ? qemu_count_of(props_get(back, "queues")) : 0;
	if (fds)
		net->queues = count_fds(fds);
	if (!net->queues)
		net->queues = 1;
	add_vdpa(r, back, net->id);
	net->has_vhost = back &&
		(prop_is_on(props_get(back, "vhost")) || props_get(back, "vhostfd") ||
			props_get(back, "vhostfds"));
	return true;
}

/*
 * -device vfio-pci,host=0000:01:00.0,id=hostpci0.0
 * -device vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:06:10.1
 * -device vfio-pci,sysfsdev=/sys/bus/mdev/devices/UUID (a part of one; where, only the link says)
 */
static void add_pci(struct qemu_reader *r, const struct props *p)
{
	const char *host = props_get(p, "host"), *dev = props_get(p, "sysfsdev");
	const char *last = dev ? strrchr(dev, '/') : NULL;
	struct vm_pci *pci = list_push(r->a, &r->config->pci);
	pci->id = props_get(p, "id");
	pci->address = host ? pci_address(r->a, host) : dev ? pci_address_in(r->a, dev) : NULL;
	if (!host && last && !pci_address(r->a, last + 1)) {
		pci->kind = PCI_MDEV;
		pci->part = last + 1;
	}
}

/* -device vfio-user-pci,socket=/run/x or {"driver":"vfio-user-pci","socket":{"path":"/run/x",…}} */
static void add_vfio_user(struct qemu_reader *r, const struct props *p)
{
	const char *path = props_get(p, "socket.path");
	*list_push(r->a, &r->config->pci) = (struct vm_pci){
		.id = props_get(p, "id"),
		.kind = PCI_VFIO_USER,
		.part = path ? path : props_get(p, "socket"),
	};
	qemu_add_socket(r, p);
}

/* -device pc-dimm,id=dimm0,memdev=mem-dimm0,node=0 */
static void add_dimm(struct qemu_reader *r, const struct props *p, uint64_t mib)
{
	struct vm_node *node = qemu_node_of(r, props_get(p, "node"));
	r->config->memory_mib += mib;
	if (node)
		node->mib += mib;
}

void qemu_add_device(struct qemu_reader *r, const struct props *p)
{
	const char *driver = props_get(p, "driver");
	if (!driver || add_disk(r, p, driver) || add_net(r, p, driver))
		return;
	const struct props *memdev = qemu_by_id(&r->objects, props_get(p, "memdev"));
	if (str_after(driver, "vfio-pci"))
		add_pci(r, p);
	else if (str_after(driver, "vfio-user"))
		add_vfio_user(r, p);
	else if (str_has_suffix(driver, "-cpu")) /* kvm64-x86_64-cpu,id=cpu2,socket-id=0,… */
		r->config->vcpus++;
	else if (streq(driver, "pc-dimm") && memdev)
		add_dimm(r, p, qemu_size_mib(props_get(memdev, "size"), 1));
	else if (str_after(driver, "virtio-balloon"))
		r->config->has_balloon = true;
}
