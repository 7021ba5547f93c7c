/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of -readconfig: options that stand elsewhere. Pure. */
#pragma once

#include "base/alloc.h"

/*
 * Adds what the file says to the command line, as options and values with a NUL behind each. QEMU's
 * docs/config and util/qemu-config.c; Incus and LXD start all their VMs so:
 *
 *	# Memory
 *	[memory]
 *	size = "1024M"
 *	[chardev "monitor"]
 *	backend = "socket"
 *	path = "/run/incus/v1/qemu.monitor"
 *
 * becomes "-m", "size=1024M", "-chardev", "id=monitor,backend=socket,path=/run/incus/…". Returns
 *how many lines are not understood.
 */
size_t readconfig_add(struct strbuf *b, const char *text) MUST_CHECK;
