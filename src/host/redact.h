/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stays out of recordings: secrets always, names on request. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/*
 * The text of a file as a recording keeps it, malloc'ed, its length in *n; NULL when the file is
 * kept as it is. Replaced are, by "*":
 *	proc/PID/cmdline	of other programs than QEMU all but argv[0]; of QEMU what is not
 *				one of the options that say who the VM is and how it is built,
 *				and in those whatever is called password, data, key or secret
 *	etc/pve/…/qemu-server/…	descriptions, passwords, keys and users of cloud-init; in args as in
 *				a command line
 *	proc/cmdline		values of parameters called password, secret, token, …
 */
char *redact_file(const char *path, const char *text, size_t *n);

/* The same for an answer that is no file, see host_ask(): of libvirt's XML only sizes, pins and
 * devices are kept. */
char *redact_answer(const char *kind, const char *text, size_t *n);

/* A parameter of the kernel's command line whose value is nobody's business; the name need not end
 * behind n. Its value is not shown either, or a recording would not replay to the same. */
bool redact_is_secret_param(const char *name, size_t n);

/* Names to hide, and what stands for them. */
struct mask;

struct mask *mask_new(void) MUST_CHECK;
void mask_free(struct mask *m);
/* Learns names from a file that is recorded: the host's, and -name and -uuid of VMs. */
void mask_learn(struct mask *m, const char *path, const char *text, size_t n);
/* The text with all names that are known replaced, malloc'ed. A name is replaced where it is a
 * word of its own: not inside a longer one. */
char *mask_apply(const struct mask *m, const char *text, size_t *n);
