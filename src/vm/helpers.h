/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes beside QEMU that serve one VM: virtiofsd, swtpm, passt, vhost-user back ends. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

/* Whether a program that is called so serves a VM: "/usr/libexec/virtiofsd". */
bool vm_is_helper_program(const char *argv0);

/* The socket in an argument that ties it to its VM, malloc'ed; NULL: there is none.
 * "--socket-path=/run/fs.sock", "type=unixio,path=/run/1-web-swtpm.sock,mode=0600" */
char *vm_helper_tie(const char *arg) MUST_CHECK;
