/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/choice.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	AUTO_FREE char *whole = xstrdup(text);
	const char *word = choice_parse(text);
	if (word)
		must(!strpbrk(word, "[]") && strstr(whole, word));
	return 0;
}
