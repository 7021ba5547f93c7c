/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/pci.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "model/read.h"

const char *pci_class_name(unsigned int class)
{
	static const struct {
		unsigned int class, mask;
		const char *name;
	} rows[] = {
		{ 0x010800, 0xffff00, "NVMe" },
		{ 0x010000, 0xff0000, "storage" },
		{ 0x020000, 0xff0000, "NIC" },
		{ 0x028000, 0xffff00, "NIC" },
		{ 0x030000, 0xff0000, "GPU" },
		{ 0x040300, 0xffff00, "audio" },
		{ 0x0c0300, 0xffff00, "USB" },
		{ 0x0b4000, 0xffff00, "co-processor" },
		{ 0x120000, 0xff0000, "accelerator" },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		if ((class & rows[i].mask) == rows[i].class)
			return rows[i].name;
	return NULL;
}

/* "0x030000"; -1: absent */
static int read_id(struct host *h, struct snapshot *s, const char *address, const char *file)
{
	int64_t n = read_hex(h, s, "sys/bus/pci/devices/%s/%s", address, file);
	return n >= 0 && n <= 0xffffff ? (int)n : -1;
}

/* The last part of the link's target: a driver's name, a group's number. */
static const char *read_link(
	struct host *h, struct snapshot *s, const char *address, const char *file)
{
	AUTO_FREE char *target = NULL;
	if (host_readlink(h, &target, "sys/bus/pci/devices/%s/%s", address, file) < 0)
		return NULL;
	const char *slash = strrchr(target, '/');
	return arena_strdup(&s->arena, slash ? slash + 1 : target);
}

/* "0", or "-1" on boards that do not say. */
static int read_node(struct host *h, struct snapshot *s, const char *address)
{
	const char *text = read_text(h, s, "sys/bus/pci/devices/%s/numa_node", address);
	int node;
	if (!text || streq(text, "-1"))
		return -1;
	if (str_to_int(text, &node) == 0)
		return node;
	snapshot_note(s, "sys/bus/pci/devices/%s/numa_node: not a number: '%.20s'", address, text);
	return -1;
}

static void read_device(struct host *h, struct snapshot *s, struct pci_device *d)
{
	enum { BRIDGE = 0x06 };
	int class = read_id(h, s, d->address, "class"), group;
	d->class = class < 0 ? 0 : (unsigned int)class;
	d->vendor = d->device = d->node = d->iommu_group = -1;
	if (d->class >> 16 == BRIDGE)
		return;
	d->vendor = read_id(h, s, d->address, "vendor");
	d->device = read_id(h, s, d->address, "device");
	d->node = read_node(h, s, d->address);
	d->driver = read_link(h, s, d->address, "driver");
	const char *name = read_link(h, s, d->address, "iommu_group");
	if (name && str_to_int(name, &group) == 0)
		d->iommu_group = group;
}

void read_pci(struct host *h, struct snapshot *s)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, "sys/bus/pci/devices") < 0)
		return;
	s->pci_devices = arena_alloc(&s->arena, names.n * sizeof *s->pci_devices);
	for (size_t i = 0; i < names.n; i++) {
		struct pci_device *d = &s->pci_devices[s->n_pci_devices++];
		d->address = arena_strdup(&s->arena, names.v[i]);
		read_device(h, s, d);
	}
}
