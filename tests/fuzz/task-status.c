/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/task-status.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct task_status s;
	task_status_parse(text, &s);
	must(s.tgid >= -1 && s.uid >= -1 && s.euid >= -1 && s.voluntary >= -1);
	must(!s.has_cpus || strstr(text, "Cpus_allowed_list:"));
	must(!s.has_mems || strstr(text, "Mems_allowed_list:"));
	return 0;
}
