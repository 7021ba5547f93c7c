/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes from a QMP socket: any bytes. */
#include "vm/qmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct qmp_facts facts;
	struct err e = { 0 };
	const char *text = arena_strndup(&a, (const char *)data, n);
	if (qmp_parse(text, &a, &facts, &e) == 0) {
		if (!facts.cpus.n)
			__builtin_trap();
		qmp_facts_done(&facts);
	}
	arena_done(&a);
	return 0;
}
