/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI devices that VMs were given: where they are, and their interrupts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kernel/counts.h"
#include "kernel/cpus.h"
#include "vm/provider.h"

/* One line of /proc/interrupts that vfio requested. */
struct vector {
	int irq, vector;
	const char *address, *kind;
};

struct vectors {
	ARRAY(struct vector) v;
	bool is_read;
};

/*
 * What requested interrupts, as drivers/vfio/pci/vfio_pci_intrs.c names them:
 *
 *	vfio-msix[3](0000:0b:00.0)
 *	vfio-msi[0](0000:0b:00.1)
 *	vfio-intx(0000:05:00.0)
 */
static bool parse_action(struct arena *a, const char *action, struct vector *ret)
{
	const char *kind = str_after(action, "vfio-");
	size_t n = kind ? strcspn(kind, "[(") : 0;
	const char *open = kind ? strchr(kind, '(') : NULL,
		   *close = open ? strchr(open, ')') : NULL;
	if (!close)
		return false;
	AUTO_FREE char *address = xstrndup(open + 1, (size_t)(close - open) - 1);
	ret->kind = arena_strndup(a, kind, n);
	ret->address = pci_address(a, address);
	ret->vector = 0;
	if (kind[n] == '[' && sscanf(kind + n, "[%d]", &ret->vector) != 1)
		return false;
	return ret->address != NULL;
}

static void read_vectors(struct vm_search *f, struct vectors *ret)
{
	AUTO_FREE char *text = NULL;
	CLEANUP(arena_done) struct arena a = { 0 };
	struct count_table all;
	ret->is_read = true;
	if (host_read(f->h, &text, NULL, "proc/interrupts") < 0 ||
		count_table_parse(&a, text, &all) < 0)
		return;
	for (size_t i = 0; i < all.n_rows; i++) {
		struct vector v = { .irq = all.rows[i].irq };
		if (v.irq >= 0 && parse_action(f->arena, all.rows[i].action, &v))
			*array_push(&ret->v) = v;
	}
}

static const struct cpuset *affinity_of(struct vm_search *f, int irq)
{
	AUTO_FREE char *text = NULL;
	struct cpuset cpus;
	if (host_read(f->h, &text, NULL, "proc/irq/%d/smp_affinity_list", irq) < 0 ||
		cpus_parse_list(text, &cpus) < 0)
		return NULL;
	return arena_dup(f->arena, &cpus, 1, sizeof cpus);
}

static void add_irqs(struct vm_search *f, struct vectors *vectors, struct vm_device *device)
{
	LIST(struct vm_irq) irqs = { 0 };
	if (!vectors->is_read)
		read_vectors(f, vectors);
	array_for_each (v, &vectors->v)
		if (streq(v->address, device->address))
			*list_push(f->arena, &irqs) = (struct vm_irq){ v->irq, v->vector, v->kind,
				affinity_of(f, v->irq) };
	device->irqs = irqs.v;
	device->n_irqs = irqs.n;
}

/* …/numa_node is -1 where the firmware does not say. */
static int read_node(struct vm_search *f, const char *address, int *ret)
{
	AUTO_FREE char *text = NULL;
	int r = host_read(f->h, &text, NULL, "sys/bus/pci/devices/%s/numa_node", address);
	if (r == 0 && str_to_int(text, ret) < 0)
		*ret = -1;
	return r;
}

/* The name of the driver, by the link to it: "../../../../bus/pci/drivers/vfio-pci" */
static const char *read_driver(struct vm_search *f, const char *address)
{
	AUTO_FREE char *link = NULL;
	if (host_readlink(f->h, &link, "sys/bus/pci/devices/%s/driver", address) < 0)
		return NULL;
	const char *slash = strrchr(link, '/');
	return arena_strdup(f->arena, slash ? slash + 1 : link);
}

/* Where a part of a device is: "../../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/UUID" */
static const char *parent_of(struct vm_search *f, const struct vm_pci *pci)
{
	AUTO_FREE char *link = NULL;
	const char *slash = pci->part ? strrchr(pci->part, '/') : NULL;
	const char *name = slash ? slash + 1 : pci->part;
	int r = -ENOENT;
	if (name && *name && pci->kind == PCI_MDEV)
		r = host_readlink(f->h, &link, "sys/bus/mdev/devices/%s", name);
	else if (name && *name && pci->kind == PCI_VDPA)
		r = host_readlink(f->h, &link, "sys/class/vhost-vdpa/%s", name);
	return r == 0 ? pci_address_in(f->arena, link) : NULL;
}

typedef LIST(struct vm_device) devices;

static struct vm_device *push_device(struct vm_search *f, const struct vm_pci *pci, devices *all)
{
	static const char *const kinds[N_PCI_KINDS] = {
		[PCI_WHOLE] = "pci",
		[PCI_MDEV] = "mdev",
		[PCI_NVME] = "nvme",
		[PCI_VFIO_USER] = "vfio-user",
		[PCI_VDPA] = "vdpa",
	};
	struct vm_device *d = list_push(f->arena, all);
	*d = (struct vm_device){
		.kind = kinds[pci->kind],
		.part = pci->part,
		.id = pci->id,
		.mapping = pci->mapping,
		.node = -1,
	};
	return d;
}

/* One function. What is not on this host is left out, where the config did not name it. */
static void add_function(struct vm_search *f, struct vectors *vectors, const struct vm_pci *pci,
	const char *address, devices *all)
{
	int node = -1;
	bool is_here = read_node(f, address, &node) == 0;
	if (!is_here && address != pci->address)
		return;
	struct vm_device *d = push_device(f, pci, all);
	d->address = address;
	d->node = node;
	d->driver = is_here ? read_driver(f, address) : NULL;
	add_irqs(f, vectors, d);
}

static void add_pci(
	struct vm_search *f, struct vectors *vectors, const struct vm_pci *pci, devices *all)
{
	struct vm_pci known = *pci;
	if (!known.address)
		known.address = parent_of(f, pci);
	if (!known.address) {
		if (pci->kind != PCI_WHOLE)
			push_device(f, pci, all);
		return;
	}
	if (strchr(known.address, '.')) {
		add_function(f, vectors, &known, known.address, all);
		return;
	}
	/* all functions of it */
	for (int i = 0; i < 8; i++)
		add_function(
			f, vectors, &known, arena_printf(f->arena, "%s.%d", known.address, i), all);
}

/* A command line names what it likes, and for each there are files to read. */
enum { DEVICES_MAX = 256 };

void vm_devices(struct vm_search *f)
{
	struct vectors vectors = { 0 };
	array_for_each (d, &f->drafts) {
		devices all = { 0 };
		size_t n = 0;
		if (d->is_dropped)
			continue;
		array_for_each (pci, &d->config->pci)
			if (n++ < DEVICES_MAX)
				add_pci(f, &vectors, pci, &all);
		if (n > DEVICES_MAX)
			vm_note(f, d, "of its %zu PCI devices only %d were looked at", n,
				DEVICES_MAX);
		d->vm.devices = all.v;
		d->vm.n_devices = all.n;
	}
	free(vectors.v.v);
}
