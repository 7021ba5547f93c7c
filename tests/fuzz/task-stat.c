/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/task-stat.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct task_stat s;
	if (task_stat_parse(text, &s) < 0)
		return 0;
	must(s.tid >= 0 && s.last_cpu >= -1 && memchr(s.comm, 0, sizeof s.comm));
	must(strstr(text, s.comm) && strchr(text, '('));
	return 0;
}
