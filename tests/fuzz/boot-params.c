/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/boot-params.h"

#include <ctype.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct boot_params all;
	boot_params_parse(&a, text, &all);
	for (size_t i = 0; i < all.n; i++) {
		must(boot_param_is(&all.v[i], all.v[i].name) && strstr(text, all.v[i].name));
		must(!*all.v[i].name || !isspace((unsigned char)*all.v[i].name));
		must(boot_param(&all, all.v[i].name));
	}
	return 0;
}
