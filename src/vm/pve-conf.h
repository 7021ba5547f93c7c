/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The config file of a Proxmox VE guest, /etc/pve/nodes/NODE/qemu-server/VMID.conf. Pure. */
#pragma once

#include "vm/config.h"

/*
 * A file has the guest as it is now, then sections:
 *
 *	#web server%3A don't stop
 *	cores: 4
 *	name: web
 *	scsi0: local-lvm:vm-100-disk-0,iothread=1,size=32G
 *
 *	[PENDING]
 *	cores: 8
 *	delete: affinity
 *
 *	[before_update]
 *	cores: 2
 *	snaptime: 1700000000
 *
 * Snapshots and unknown sections are left out.
 */
struct pve_value {
	const char *key, *value;
};

struct pve_conf {
	LIST(struct pve_value) keys; /* of the guest as it is; the last of a name counts */
	LIST(struct vm_pending) pending;
	const char *description; /* decoded; NULL: none */
	size_t n_odd_lines;      /* that are no grammar, and that Proxmox VE drops */
};

/* Texts are copied into the arena. There is no failure: what is no grammar is counted. */
void pve_conf_parse(struct arena *a, const char *text, struct pve_conf *ret);
/* The last value of the key, or NULL. */
const char *pve_conf_get(const struct pve_conf *conf, const char *key);

/* Makes facts of the keys; what Proxmox VE would refuse is among the notes of 'ret'. */
void pve_conf_facts(struct arena *a, const struct pve_conf *conf, struct vm_config *ret);

/*
 * The devices behind a cluster-wide name on one node, from /etc/pve/mapping/pci.cfg; as a
 * hostpci key would have them, "0000:01:00.0;0000:01:00.1"; NULL when there are none:
 *
 *	gpu
 *		map id=10de:2204,iommugroup=14,node=pve1,path=0000:01:00.0
 */
const char *pve_mapping_path(struct arena *a, const char *text, const char *name, const char *node);

/* Adds one word of the shell at *p, with a NUL behind it: 'a b', "a b" and a\ b, as args has them;
 * false at the end. */
bool pve_args_next(const char **p, struct strbuf *ret);
