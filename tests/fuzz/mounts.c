/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/mounts.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct mounts all;
	(void)!mounts_parse(&a, text, &all);
	for (size_t i = 0; i < all.n; i++) {
		const char *value = mount_option(&all.v[i], "pagesize");
		must(!value || (value > all.v[i].options && value[-1] == '='));
	}
	return 0;
}
