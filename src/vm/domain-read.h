/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of libvirt's XML share; not for others. */
#pragma once

#include "vm/domain-xml.h"
#include "vm/xml.h"

/* A disk's I/O thread may be its controller's. */
struct scsi_disk {
	size_t disk;
	int controller;
};

struct controller {
	int index;
	struct vm_disk as; /* what its disks get */
};

/* <page size='2048' unit='KiB' nodeset='0'/> */
struct page {
	int64_t kib;
	bool is_for_all;
	struct cpuset nodes; /* of the guest */
};

struct domain_reader {
	struct arena *a;
	struct domains *all;
	struct domain d;
	int n_iothreads;
	/* the device that is being read */
	struct vm_disk disk;
	struct vm_net net;
	const char *alias, *address, *bus, *mdev, *file;
	int at_controller;
	LIST(struct scsi_disk) scsi_disks;
	LIST(struct controller) controllers;
	LIST(struct page) pages;
};

/* A row: what reads the element of that path below <domain>. */
struct domain_handler {
	const char *path;
	void (*read)(struct domain_reader *r, const struct xml_element *e);
};

/* The text as a number, or the other one. */
int domain_number(const char *text, int otherwise);
/* Elements below <devices>, whose children come first. Other paths are left alone. */
void domain_read_device(struct domain_reader *r, const char *path, const struct xml_element *e);
/* Disks get what their controllers have. */
void domain_settle_disks(struct domain_reader *r);
