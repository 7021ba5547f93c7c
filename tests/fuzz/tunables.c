/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Choices in brackets, nohz_full with its "(null)", the kernel's command line. */
#include "fuzz.h"
#include "model/tunables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_ARENA struct arena a = { 0 };
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	struct cpuset set;
	struct boot_params params;
	(void)!nohz_full_parse(text, &set);
	boot_params_parse(&a, text, &params);
	for (size_t i = 0; i < params.n; i++)
		must(boot_param(&params, params.v[i].name));
	const char *word = choice_parse(text);
	if (word)
		must(!strpbrk(word, "[]"));
	return 0;
}
