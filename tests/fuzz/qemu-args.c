/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command lines, newlines for NULs: any bytes. */
#include "vm/qemu-config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct qemu_args args;
	struct vm_config config = { 0 };
	char *line = arena_strndup(&a, (const char *)data, n);
	for (size_t i = 0; i < n; i++)
		if (line[i] == '\n')
			line[i] = 0;
	(void)qemu_args_is_qemu(line, n, NULL);
	qemu_args_parse(&a, line, n, &args);
	qemu_config_add(&a, line, n, &args, &config);
	if (config.sockets < 1 || config.cores < 1 || config.threads < 1)
		__builtin_trap();
	qemu_args_done(&args);
	arena_done(&a);
	return 0;
}
