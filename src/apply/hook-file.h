/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scripts of ours that managers of VMs call: no settings, so neither journal nor ledger has them.
 */
#pragma once

#include "base/err.h"

struct host;

/* path: below the root, "etc/libvirt/hooks/qemu.d/50-wideberth"; its directory and the one above
 * are made where they are missing. The script can be executed. Returns 0 or a negative errno. */
int hook_file_put(struct host *h, const char *path, const char *text, struct err *e) MUST_CHECK;
/* That it is not there is no error. */
int hook_file_remove(struct host *h, const char *path, struct err *e) MUST_CHECK;
