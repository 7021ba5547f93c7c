/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/meminfo.h"

#include <string.h>

#include "base/alloc.h"
#include "base/str.h"

/* "       65849216 kB" */
static bool kib_parse(const char *p, uint64_t *ret)
{
	uint64_t n;
	p += strspn(p, " \t");
	size_t digits = strspn(p, "0123456789");
	AUTO_FREE char *number = xstrndup(p, digits);
	if (!digits || str_to_u64(number, &n) < 0 || n > INT64_MAX / 1024 ||
		!str_after(p + digits, " kB"))
		return false;
	*ret = n;
	return true;
}

bool meminfo_value(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);
	for (const char *at = text; (at = strstr(at, key)); at += n) {
		bool is_word = at == text || strchr(" \n", at[-1]);
		if (is_word && at[n] == ':')
			return kib_parse(at + n + 1, ret);
	}
	return false;
}
