/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/choice.h"

#include <string.h>

#include "base/str.h"

char *choice_parse(char *text)
{
	char *open = strchr(text, '['), *close = strchr(text, ']');
	if (!open && !close)
		return str_trim(text);
	if (!open || !close || close < open + 2 || strpbrk(open + 1, "[") ||
		strpbrk(close + 1, "[]"))
		return NULL;
	*close = 0;
	return open + 1;
}
