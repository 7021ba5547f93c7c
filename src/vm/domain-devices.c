/* SPDX-License-Identifier: GPL-2.0-or-later */
/* <devices> of libvirt's XML. */
#include "vm/domain-read.h"

#include <stdlib.h>

#include "base/str.h"

int domain_number(const char *text, int otherwise)
{
	int n;
	return text && str_to_int(text, &n) == 0 ? n : otherwise;
}

static void add_disk_iothread(struct domain_reader *r, const char *id)
{
	*list_push(r->a, &r->disk.iothreads) = arena_printf(r->a, "iothread%s", id);
	r->disk.iothread = r->disk.iothreads.v[0];
}

/* <driver name='qemu' iothread='1' queues='4'/> of a disk or a controller */
static void read_disk_driver(struct domain_reader *r, const struct xml_element *e)
{
	const char *iothread = xml_attr(e, "iothread");
	if (iothread)
		add_disk_iothread(r, iothread);
	r->disk.queues = domain_number(xml_attr(e, "queues"), 0);
}

/* <driver …><iothreads><iothread id='1'><queue id='0'/></iothread></iothreads></driver> */
static void read_disk_iothread(struct domain_reader *r, const struct xml_element *e)
{
	const char *id = xml_attr(e, "id");
	if (id)
		add_disk_iothread(r, id);
}

static void read_target(struct domain_reader *r, const struct xml_element *e)
{
	r->disk.id = xml_attr(e, "dev");
	r->bus = xml_attr(e, "bus");
}

static void read_drive_address(struct domain_reader *r, const struct xml_element *e)
{
	r->at_controller = domain_number(xml_attr(e, "controller"), 0);
}

static void end_device(struct domain_reader *r)
{
	r->disk = (struct vm_disk){ 0 };
	r->net = (struct vm_net){ 0 };
	r->alias = r->address = r->bus = r->mdev = r->file = NULL;
	r->at_controller = 0;
}

static void add_pci(struct domain_reader *r, enum vm_pci_kind kind, const char *part)
{
	*list_push(r->a, &r->d.config.pci) = (struct vm_pci){
		.id = r->alias, .address = r->address, .kind = kind, .part = part
	};
}

/* <disk type='nvme'><source type='pci' namespace='1'><address …/></source></disk> */
static void end_disk(struct domain_reader *r, const struct xml_element *e)
{
	struct vm_config *c = &r->d.config;
	const char *type = xml_attr(e, "type");
	if (type && streq(type, "nvme") && r->address)
		add_pci(r, PCI_NVME, NULL);
	r->disk.alias = r->alias;
	if (r->disk.id) {
		if (r->bus && streq(r->bus, "scsi"))
			*list_push(r->a, &r->scsi_disks) =
				(struct scsi_disk){ c->disks.n, r->at_controller };
		*list_push(r->a, &c->disks) = r->disk;
	}
	end_device(r);
}

static void end_controller(struct domain_reader *r, const struct xml_element *e)
{
	const char *type = xml_attr(e, "type");
	if (type && streq(type, "scsi"))
		*list_push(r->a, &r->controllers) =
			(struct controller){ domain_number(xml_attr(e, "index"), 0), r->disk };
	end_device(r);
}

static void read_net_model(struct domain_reader *r, const struct xml_element *e)
{
	r->net.model = xml_attr(e, "type");
}

static void read_net_driver(struct domain_reader *r, const struct xml_element *e)
{
	const char *name = xml_attr(e, "name");
	r->net.queues = domain_number(xml_attr(e, "queues"), 1);
	r->net.has_vhost = name && streq(name, "vhost");
}

static void read_alias(struct domain_reader *r, const struct xml_element *e)
{
	r->alias = xml_attr(e, "name");
}

/* <interface type='hostdev'> is a function that was passed through, and no network of QEMU's;
 * 'vdpa' is QEMU's, and a card's. */
static void end_interface(struct domain_reader *r, const struct xml_element *e)
{
	const char *type = xml_attr(e, "type");
	if (type && streq(type, "hostdev")) {
		if (r->address)
			add_pci(r, PCI_WHOLE, NULL);
		end_device(r);
		return;
	}
	if (type && streq(type, "vdpa"))
		add_pci(r, PCI_VDPA, r->file);
	struct vm_net *net = list_push(r->a, &r->d.config.nets);
	*net = r->net;
	net->id = r->alias ? r->alias : "net";
	net->queues = net->queues > 0 ? net->queues : 1;
	end_device(r);
}

/* <source dev='/dev/vhost-vdpa-0'/> */
static void read_source(struct domain_reader *r, const struct xml_element *e)
{
	r->file = xml_attr(e, "dev");
}

/* <source><address domain='0x0000' bus='0x0b' slot='0x00' function='0x0'/></source> */
static void read_source_address(struct domain_reader *r, const struct xml_element *e)
{
	static const char *const parts[] = { "domain", "bus", "slot", "function" };
	r->mdev = xml_attr(e, "uuid");
	if (r->mdev || !xml_attr(e, "bus"))
		return;
	unsigned long n[N_ELEMENTS(parts)] = { 0 };
	for (size_t i = 0; i < N_ELEMENTS(parts); i++) {
		const char *value = xml_attr(e, parts[i]);
		n[i] = value ? strtoul(value, NULL, 0) : 0;
	}
	r->address = arena_printf(r->a, "%04lx:%02lx:%02lx.%lx", n[0] & 0xffffffff, n[1] & 0xff,
		n[2] & 0x1f, n[3] & 7);
}

/* type='mdev': <source><address uuid='…'/></source> */
static void end_hostdev(struct domain_reader *r, const struct xml_element *e)
{
	const char *type = xml_attr(e, "type");
	if (type && streq(type, "pci") && r->address)
		add_pci(r, PCI_WHOLE, NULL);
	else if (type && streq(type, "mdev") && r->mdev)
		add_pci(r, PCI_MDEV, r->mdev);
	end_device(r);
}

static void read_balloon(struct domain_reader *r, const struct xml_element *e)
{
	const char *model = xml_attr(e, "model");
	r->d.config.has_balloon = model && !streq(model, "none");
	end_device(r);
}

static const struct domain_handler handlers[] = {
	{ "/devices/disk/driver", read_disk_driver },
	{ "/devices/disk/driver/iothreads/iothread", read_disk_iothread },
	{ "/devices/disk/source/address", read_source_address },
	{ "/devices/disk/alias", read_alias },
	{ "/devices/disk/target", read_target },
	{ "/devices/disk/address", read_drive_address },
	{ "/devices/disk", end_disk },
	{ "/devices/controller/driver", read_disk_driver },
	{ "/devices/controller/driver/iothreads/iothread", read_disk_iothread },
	{ "/devices/controller", end_controller },
	{ "/devices/interface/model", read_net_model },
	{ "/devices/interface/driver", read_net_driver },
	{ "/devices/interface/alias", read_alias },
	{ "/devices/interface/source", read_source },
	{ "/devices/interface/source/address", read_source_address },
	{ "/devices/interface", end_interface },
	{ "/devices/hostdev/alias", read_alias },
	{ "/devices/hostdev/source/address", read_source_address },
	{ "/devices/hostdev", end_hostdev },
	{ "/devices/memballoon", read_balloon },
};

void domain_read_device(struct domain_reader *r, const char *path, const struct xml_element *e)
{
	for (size_t i = 0; i < N_ELEMENTS(handlers); i++)
		if (streq(path, handlers[i].path))
			handlers[i].read(r, e);
}

void domain_settle_disks(struct domain_reader *r)
{
	array_for_each (s, &r->scsi_disks)
		array_for_each (c, &r->controllers) {
			struct vm_disk *disk = &r->d.config.disks.v[s->disk];
			if (c->index != s->controller)
				continue;
			disk->iothread = c->as.iothread;
			disk->iothreads.v = c->as.iothreads.v;
			disk->iothreads.n = disk->iothreads.room = c->as.iothreads.n;
			disk->queues = c->as.queues;
		}
}
