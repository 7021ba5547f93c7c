/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/boot-params.h"

#include <ctype.h>

#include "base/str.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct boot_params all;
	boot_params_parse(&a, text, &all);
	for (size_t i = 0; i < all.n; i++) {
		const char *name = all.v[i].name;
		must(boot_param_is(&all.v[i], name) && boot_param(&all, name));
		/* "*": of a word that may be a secret as a whole */
		must(streq(name, "*") || strstr(text, name));
		must(!*name || !isspace((unsigned char)*name));
	}
	return 0;
}
