/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory zones. */
#include "kernel/zoneinfo.h"
#include "model/read.h"

void read_zones(struct host *h, struct snapshot *s)
{
	static const char path[] = "proc/zoneinfo";
	AUTO_FREE char *text = NULL;
	if (read_file(h, s, path, &text) == 0)
		note_odd(s, path, zoneinfo_parse(&s->arena, text, &s->zones));
}
