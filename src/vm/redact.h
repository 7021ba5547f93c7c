/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of VMs stays out of recordings: secrets always, names on request. */
#pragma once

#include <stddef.h>

#include "host/host.h"

/*
 * An answer as a recording keeps it, see struct host_secrets. Replaced are, by "*":
 *	file proc/PID/cmdline	of other programs than QEMU all but argv[0]; of QEMU what is not
 *				one of the options that say who the VM is and how it is built,
 *				and in those whatever is called password, data, key or secret
 *	file etc/pve/…/qemu-server/…	descriptions, passwords, keys and users of cloud-init; in
 *args as in a command line file proc/cmdline	values of parameters called password, secret, token,
 *… libvirt			only sizes, pins and devices are kept of its XML
 */
char *redact_answer(const char *kind, const char *key, const char *text, size_t *n);

/* Learns what -name and -uuid of QEMU say. */
void redact_learn(struct mask *m, const char *kind, const char *key, const char *text, size_t n);

/* Both, for host_record_to(). */
extern const struct host_secrets redact_secrets;

/* Copies libvirt's XML but for what is in elements that are not kept. */
char *redact_xml(const char *text, size_t *n) MUST_CHECK;
