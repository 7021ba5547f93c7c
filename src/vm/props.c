/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/props.h"

#include <string.h>
#include <jansson.h>

#include "base/str.h"

enum { DEPTH_MAX = 16 };

bool keyvals_next(struct keyvals *k)
{
	char *p = k->text;
	if (!*p)
		return false;
	size_t n = strcspn(p, "=,");
	bool has_key = p[n] == '=';
	if (has_key) {
		p[n] = 0;
		k->key = p;
		p += n + 1;
	}
	char *value = p, *end = p;
	while (*p) {
		if (*p == ',' && *++p != ',')
			break;
		*end++ = *p++;
	}
	*end = 0;
	k->text = p;
	k->value = value;
	if (!has_key && k->implied) {
		k->key = k->implied;
	} else if (!has_key) {
		const char *off = str_after(value, "no");
		k->key = off ? off : value;
		k->value = off ? "off" : "on";
	}
	k->implied = NULL;
	return true;
}

static void add(struct arena *a, struct props *p, const char *key, const char *value)
{
	*list_push(a, p) = (struct prop){ key, value };
}

static const char *scalar_text(struct arena *a, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return arena_strdup(a, json_string_value(v));
	case JSON_INTEGER:
		return arena_printf(a, "%lld", (long long)json_integer_value(v));
	case JSON_TRUE:
		return "on";
	case JSON_FALSE:
		return "off";
	default:
		return NULL;
	}
}

static const char *array_text(struct arena *a, const json_t *array)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	size_t i;
	json_t *v;
	strbuf_puts(&b, "");
	json_array_foreach (array, i, v) {
		const char *text = scalar_text(a, v);
		if (text)
			strbuf_printf(&b, "%s%s", b.n ? "," : "", text);
	}
	return arena_strdup(a, b.s);
}

static void flatten(struct arena *a, const char *prefix, json_t *o, int depth, struct props *ret);

/* "vqs":[0,1] is one value; of objects each has its number, as QEMU writes it: "map.0.iothread". */
static void flatten_value(
	struct arena *a, const char *name, json_t *v, int depth, struct props *ret)
{
	size_t i;
	json_t *item;
	if (json_is_object(v)) {
		if (depth < DEPTH_MAX)
			flatten(a, name, v, depth + 1, ret);
		return;
	}
	const char *text = json_is_array(v) ? array_text(a, v) : scalar_text(a, v);
	if (text)
		add(a, ret, name, text);
	json_array_foreach (v, i, item)
		if (json_is_object(item) && depth < DEPTH_MAX)
			flatten(a, arena_printf(a, "%s.%zu", name, i), item, depth + 1, ret);
}

static void flatten(struct arena *a, const char *prefix, json_t *o, int depth, struct props *ret)
{
	const char *key;
	json_t *v;
	json_object_foreach (o, key, v)
		flatten_value(a, arena_printf(a, "%s%s%s", prefix, *prefix ? "." : "", key), v,
			depth, ret);
}

bool props_parse(struct arena *a, const char *text, const char *implied, struct props *ret)
{
	*ret = (struct props){ 0 };
	if (*text == '{') {
		json_auto_t *o = json_loads(text, 0, NULL);
		if (o)
			flatten(a, "", o, 0, ret);
		return o != NULL;
	}
	struct keyvals k = { .text = arena_strdup(a, text), .implied = implied };
	while (keyvals_next(&k))
		add(a, ret, k.key, k.value);
	return true;
}

const char *props_get(const struct props *p, const char *key)
{
	for (size_t i = p->n; i-- > 0;)
		if (streq(p->v[i].key, key))
			return p->v[i].value;
	return NULL;
}

bool prop_is_on(const char *value)
{
	return value && (streq(value, "on") || streq(value, "yes") || streq(value, "true"));
}
