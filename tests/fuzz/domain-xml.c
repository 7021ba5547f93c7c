/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt's XML: any bytes. */
#include "vm/domain-xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct domains all;
	const char *text = arena_strndup(&a, (const char *)data, n);
	(void)domains_parse(&a, text, &all);
	array_for_each (d, &all)
		if (!d->name || d->config.cores < 1 || d->config.threads < 1 ||
			d->config.sockets < 1 || d->config.vcpus < 1 ||
			d->config.vcpus > d->config.max_vcpus)
			__builtin_trap();
	arena_done(&a);
	return 0;
}
