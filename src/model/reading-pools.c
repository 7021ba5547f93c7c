/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ZFS keeps of its pools' last transaction groups. */
#include "host/host.h"
#include "model/reading.h"

#define ZFS "proc/spl/kstat/zfs"

/* Pools are the directories that have such a file; beside them are files of the module's own. */
void reading_take_pools(struct host *h, struct reading *r)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, ZFS) < 0)
		return;
	r->pools = arena_alloc(&r->arena, names.n * sizeof *r->pools);
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *text = NULL;
		struct pool_reading *p = &r->pools[r->n_pools];
		if (host_read(h, &text, NULL, ZFS "/%s/txgs", names.v[i]) < 0 ||
			txgs_parse(&r->arena, text, &p->txgs) < 0)
			continue;
		p->name = arena_strdup(&r->arena, names.v[i]);
		r->n_pools++;
	}
}
