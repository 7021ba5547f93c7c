/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking libvirt: which domains run, and their XML. */
#pragma once

#include "base/alloc.h"

/*
 * A host_ask_fn for the key "domains": *ret_text is "<domains>", the XML of each running domain,
 * and "</domains>". Asked is $LIBVIRT_DEFAULT_URI, or qemu:///system.
 *
 * A daemon that hangs must not hang us, and no call of libvirt's takes a time limit; so a child
 * process asks, and is killed when it takes too long. It also keeps libvirt's threads and
 * libraries out of this process. libvirt.so is loaded at run time, and the connection is
 * read-only. Returns 0, or
 *
 *	-ENOPKG		libvirt is not installed, or wideberth was built without it
 *	-ETIME		no answer in time
 *	-ECONNREFUSED	its daemon does not take connections
 *	-EIO		the child died
 *
 * -ENOENT is never returned: it is what host_ask() says where there is no machine to ask.
 */
int libvirt_ask(void *context, const char *key, char **ret_text) MUST_CHECK;

/* The scope that systemd-machined makes for a domain in this life of it, malloc'ed: of "web", 1
 * "machine-qemu\\x2d1\\x2dweb.scope". */
char *libvirt_scope(int id, const char *name) MUST_CHECK;
/* The id in the name of such a scope; -1: it is none. */
int libvirt_scope_id(const char *scope);

/* These outcomes in words. */
const char *libvirt_outcome(int code);
