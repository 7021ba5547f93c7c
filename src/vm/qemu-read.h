/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of QEMU's command line share; not for others. */
#pragma once

#include "vm/ids.h"
#include "vm/props.h"
#include "vm/qemu-config.h"

/* Options of one kind, and those of them that have an id. */
struct qemu_options {
	LIST(struct props) v;
	struct ids ids;
};

struct qemu_reader {
	struct arena *a;
	struct vm_config *config;
	const struct qemu_smp *smp;
	const char *backend; /* of the machine's memory */
	struct qemu_options objects, devices, netdevs, numas;
};

/* "512M", "4G", "1048576k", or a number of 'unit' bytes; 0 for what is no size. */
uint64_t qemu_size_mib(const char *text, uint64_t unit);
/* 0 for what is no number. */
int qemu_count_of(const char *text);
/* The option with that id, or NULL. */
const struct props *qemu_by_id(struct qemu_options *kind, const char *id);
/* The guest's node of that number, or NULL. */
struct vm_node *qemu_node_of(struct qemu_reader *r, const char *number);
/* The socket of a vhost-user or vfio-user back end. */
void qemu_add_socket(struct qemu_reader *r, const struct props *p);
/* One -device. */
void qemu_add_device(struct qemu_reader *r, const struct props *p);
