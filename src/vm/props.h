/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The argument of a QEMU option as keys and values, in both of QEMU's spellings. Pure. */
#pragma once

#include <stdbool.h>

#include "base/list.h"

/*
 * Walks "guest=a,,b,debug-threads=on" in place: a doubled comma stands for one, the first key may
 * be implied ("web,process=x"), and a key alone is a switch ("server,nowait").
 */
struct keyvals {
	char *text;
	const char *implied; /* the first key where it has none, or NULL */
	const char *key, *value;
};

bool keyvals_next(struct keyvals *k);

struct prop {
	const char *key, *value;
};

struct props {
	struct prop *v;
	size_t n, room;
};

/*
 * Both spellings as one list, in the arena:
 *	virtio-net-pci,id=net0,mq=on
 *	{"driver":"virtio-net-pci","id":"net0","mq":true,"host-nodes":[0,1],"file":{"aio":"native"}}
 * Members of objects are called "file.aio"; arrays are joined with commas, and
 * objects in them called "map.0.iothread". False for text that
 * begins like JSON and is none.
 */
bool props_parse(struct arena *a, const char *text, const char *implied, struct props *ret);

/* The last value of the key, or NULL. */
const char *props_get(const struct props *p, const char *key);
/* "on", "yes" or "true"; NULL is not. */
bool prop_is_on(const char *value);
