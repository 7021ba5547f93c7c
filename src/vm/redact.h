/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of VMs stays out of recordings: secrets always, names on request. */
#pragma once

#include <stddef.h>

#include "base/alloc.h"
#include "host/host.h"

/*
 * An answer as a recording keeps it, see struct host_secrets. Lists say what is kept; all else is
 *"*": file proc/PID/cmdline	of QEMU options that say who the VM is and how it is built, and of
 *				those the keys that are read; of what serves VMs what ties it to
 *one; of other programs argv[0] qemu-config		the same of the files of -readconfig file
 *etc/pve/…/qemu-server/…	keys that are read; in args as in a command line file proc/cmdline
 *see boot_params_redact() file etc/passwd		names and numbers libvirt
 *sizes, pins and devices
 */
char *redact_answer(const char *kind, const char *key, const char *text, size_t *n);

/* Learns what -name and -uuid of QEMU say. */
void redact_learn(struct mask *m, const char *kind, const char *key, const char *text, size_t n);

/* Both, for host_record_to(). */
extern const struct host_secrets redact_secrets;

/* Copies libvirt's XML but for what is in elements that are not kept. */
char *redact_xml(const char *text, size_t *n) MUST_CHECK;
/* Names and UUIDs of domains. */
void redact_learn_xml(struct mask *m, const char *text);
/* Adds what is kept of options, a NUL behind each word. */
void redact_options(struct strbuf *b, const char *text, size_t n);
/* The same of a file of -readconfig, malloc'ed. */
char *redact_config(const char *text, size_t *n) MUST_CHECK;
