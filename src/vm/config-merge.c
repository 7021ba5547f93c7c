/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration from two sources: each adds what it knows. */
#include <string.h>

#include "base/str.h"
#include "vm/config.h"

static bool is_same_text(const char *a, const char *b)
{
	return a && b && streq(a, b);
}

static void merge_iothreads(struct arena *a, struct vm_config *to, const struct vm_config *from)
{
	array_for_each (id, &from->iothreads) {
		bool is_there = false;
		array_for_each (old, &to->iothreads)
			is_there |= streq(*old, *id);
		if (!is_there)
			*list_push(a, &to->iothreads) = *id;
	}
}

/* By the id of its device in QEMU. */
static struct vm_disk *disk_of(struct vm_config *c, const struct vm_disk *other)
{
	array_for_each (d, &c->disks)
		if (streq(d->id, other->id) || is_same_text(d->alias, other->id))
			return d;
	return NULL;
}

static bool has_aliases(const struct vm_config *c)
{
	array_for_each (d, &c->disks)
		if (d->alias)
			return true;
	return !c->disks.n;
}

static void merge_disks(struct arena *a, struct vm_config *to, const struct vm_config *from)
{
	bool is_known = has_aliases(to);
	array_for_each (disk, &from->disks) {
		struct vm_disk *old = disk_of(to, disk);
		if (!old && is_known)
			*list_push(a, &to->disks) = *disk;
		if (!old)
			continue;
		old->queues = old->queues ? old->queues : disk->queues;
		if (old->iothreads.n < disk->iothreads.n) {
			old->iothreads.v = disk->iothreads.v;
			old->iothreads.n = old->iothreads.room = disk->iothreads.n;
			old->iothread = disk->iothread;
		}
	}
}

/* The command line knows which network got vhost, and what the XML leaves to libvirt. */
static void merge_nets(struct arena *a, struct vm_config *to, const struct vm_config *from)
{
	array_for_each (net, &from->nets) {
		struct vm_net *old = NULL;
		array_for_each (n, &to->nets)
			if (streq(n->id, net->id))
				old = n;
		if (!old) {
			*list_push(a, &to->nets) = *net;
			continue;
		}
		old->has_vhost = net->has_vhost;
		old->model = old->model ? old->model : net->model;
	}
}

static bool is_same_device(const struct vm_pci *a, const struct vm_pci *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->part && b->part)
		return streq(a->part, b->part);
	if (a->address && b->address)
		return pci_covers(a->address, b->address) || pci_covers(b->address, a->address);
	return is_same_text(a->id, b->id);
}

static void merge_pci(struct arena *a, struct vm_config *to, const struct vm_config *from)
{
	array_for_each (pci, &from->pci) {
		struct vm_pci *old = NULL;
		array_for_each (p, &to->pci)
			if (is_same_device(p, pci))
				old = p;
		if (!old) {
			*list_push(a, &to->pci) = *pci;
			continue;
		}
		old->id = old->id ? old->id : pci->id;
		old->address = old->address ? old->address : pci->address;
		old->mapping = old->mapping ? old->mapping : pci->mapping;
	}
}

static bool is_size(int64_t pages)
{
	return pages > 0;
}

static void merge_nodes(struct arena *a, struct vm_config *to, const struct vm_config *from)
{
	array_for_each (node, &from->nodes) {
		struct vm_node *old = NULL;
		array_for_each (n, &to->nodes)
			if (n->node == node->node)
				old = n;
		if (!old) {
			*list_push(a, &to->nodes) = *node;
			continue;
		}
		old->cpus = old->cpus ? old->cpus : node->cpus;
		old->mib = old->mib ? old->mib : node->mib;
		old->policy = old->hostnodes ? old->policy : node->policy;
		old->hostnodes = old->hostnodes ? old->hostnodes : node->hostnodes;
		old->mem_path = old->mem_path ? old->mem_path : node->mem_path;
		if (!old->hugepages_kib || is_size(node->hugepages_kib))
			old->hugepages_kib = node->hugepages_kib;
	}
	to->has_numa |= from->has_numa;
}

void vm_config_settle_pages(struct vm_config *c)
{
	for (size_t i = 0; i < c->nodes.n; i++) {
		int64_t pages = c->nodes.v[i].hugepages_kib;
		if (i && pages != c->hugepages_kib)
			pages = HUGEPAGES_MIXED;
		c->hugepages_kib = pages;
	}
}

void vm_config_merge(struct arena *a, struct vm_config *to, const struct vm_config *from)
{
	if (!to->sockets) {
		to->sockets = from->sockets;
		to->cores = from->cores;
		to->threads = from->threads;
	}
	to->vcpus = to->vcpus ? to->vcpus : from->vcpus;
	to->max_vcpus = to->max_vcpus ? to->max_vcpus : from->max_vcpus;
	to->memory_mib = to->memory_mib ? to->memory_mib : from->memory_mib;
	to->cpu = to->cpu ? to->cpu : from->cpu;
	to->is_memory_locked |= from->is_memory_locked;
	to->has_balloon |= from->has_balloon;
	to->mem_path = to->mem_path ? to->mem_path : from->mem_path;
	if (!to->numa_nodes) {
		to->numa_nodes = from->numa_nodes;
		to->numa_mode = from->numa_mode;
	}
	if (!to->hugepages_kib || is_size(from->hugepages_kib) ||
		from->hugepages_kib == HUGEPAGES_MIXED)
		to->hugepages_kib = from->hugepages_kib ? from->hugepages_kib : to->hugepages_kib;
	array_for_each (path, &from->peers)
		*list_push(a, &to->peers) = *path;
	merge_iothreads(a, to, from);
	merge_disks(a, to, from);
	merge_nets(a, to, from);
	merge_pci(a, to, from);
	merge_nodes(a, to, from);
	bool has_pages = false;
	array_for_each (n, &to->nodes)
		has_pages |= n->hugepages_kib != HUGEPAGES_NONE;
	if (has_pages)
		vm_config_settle_pages(to);
}
