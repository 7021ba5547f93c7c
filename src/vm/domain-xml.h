/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libvirt's XML says about running domains. Pure; https://libvirt.org/formatdomain.html */
#pragma once

#include "vm/config.h"

struct domain {
	const char *name, *uuid;
	int id; /* libvirt's number of this life of it; -1: it has none */
	struct vm_config config;
};

struct domains {
	struct domain *v;
	size_t n, room;
};

/*
 * Reads "<domains><domain type='kvm' id='1'>…</domain>…</domains>": as the domains run, cputune
 * says where their threads are held now. In the arena. Returns 0, or -EINVAL where the text is not
 * well-formed; the domains before that are good.
 */
int domains_parse(struct arena *a, const char *xml, struct domains *ret);
