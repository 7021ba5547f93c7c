/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hwloc reads the topology of a host by itself; this asks it, and says what it found in our own
 * words (topology.h).
 *
 * hwloc trusts what it reads: it aborts, or worse, on a tree or an XML of somebody who wants it to.
 * So it reads those in a process of its own, which cannot look beyond the tree, and whose end is a
 * message.
 */
#pragma once

#include "base/confined.h"
#include "base/err.h"

/* Of the running kernel, below root. *ret is malloc'ed. */
int topo_of_kernel(const char *root, char **ret, struct err *e) MUST_CHECK;
/* Of somebody's tree: begun, while the caller reads what else is in it, and ended. */
int topo_start(const char *root, struct confined *ret, struct err *e) MUST_CHECK;
int topo_of_tree(struct confined *begun, const char *root, char **ret, struct err *e) MUST_CHECK;
/* Of hwloc's XML, which recordings had instead of our own form. */
int topo_of_xml(const char *xml, char **ret, struct err *e) MUST_CHECK;
