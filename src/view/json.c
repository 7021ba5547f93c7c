/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/json.h"

#include <stdarg.h>

#include "base/text.h"
#include "model/absent.h"

json_t *text_json(const char *text)
{
	if (!text)
		return json_null();
	size_t n = text_plain_length(text);
	if (!text[n]) /* as nearly all are */
		return json_stringn_nocheck(text, n);
	AUTO_FREE char *visible = text_visible(text);
	return json_string_nocheck(visible);
}

json_t *optional_json(const char *text)
{
	return text ? text_json(text) : NULL;
}

json_t *format_json(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	return text_json(text);
}

json_t *strings_json(const char *const *v, size_t n)
{
	json_t *all = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all, text_json(v[i]));
	return all;
}

json_t *cpus_json(const struct cpuset *cpus)
{
	if (!cpus)
		return json_null();
	AUTO_FREE char *list = cpuset_format_list(cpus);
	return text_json(list);
}

json_t *number_json(int n)
{
	return n < 0 ? json_null() : json_integer(n);
}

json_t *count_json(int64_t n)
{
	return n == ABSENT ? json_null() : json_integer(n);
}

json_t *object_json(const struct json_member *m)
{
	json_t *o = json_object();
	for (; m->key; m++)
		if (m->value)
			json_object_set_new_nocheck(o, m->key, m->value);
	return o;
}
