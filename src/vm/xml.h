/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads XML as libvirt writes it, element by element. Pure; no document type definitions, so no
 * entities but the five of XML and character numbers, and nothing is ever fetched.
 *
 * Why not libxml2: then it would have to be there wherever wideberth runs, also to replay the
 * recording of a host that has libvirt.
 */
#pragma once

#include <stddef.h>

#include "base/list.h"

struct xml_attr {
	const char *name, *value;
};

struct xml_element {
	const char *path; /* "domain/cputune/vcpupin": this element and those around it */
	LIST(struct xml_attr) attrs;
	const char *text; /* its own, trimmed; "" when it has none */
};

/* Called at the end of each element: children before their parents. Texts live in the arena. */
typedef void xml_fn(void *context, const struct xml_element *e);

/* Returns 0, or -EINVAL where the text is not well-formed: what came before was reported. */
int xml_walk(struct arena *a, const char *text, xml_fn *fn, void *context);

/* The attribute's value, or NULL. */
const char *xml_attr(const struct xml_element *e, const char *name);
