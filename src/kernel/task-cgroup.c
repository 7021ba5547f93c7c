/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/task-cgroup.h"

#include "base/alloc.h"
#include "base/str.h"

char *task_cgroup_parse(const char *text)
{
	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		end = str_line_end(line);
		const char *path = str_after(line, "0::/");
		if (!path)
			continue;
		const char *above = str_after(path, "..");
		if (above && (above == end || *above == '/'))
			return NULL;
		return xstrndup(path, (size_t)(end - path));
	}
	return NULL;
}
