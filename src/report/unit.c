/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers and table cells as people read them. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "report/internal.h"

/* "1.23", "12.3", "123", "1.5": three significant digits at most. */
static char *three_digits(double value)
{
	int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
	char *s = xasprintf("%.*f", decimals, value), *end = s + strlen(s);
	while (decimals && end[-1] == '0')
		*--end = 0;
	if (decimals && (end[-1] < '0' || end[-1] > '9'))
		end[-1] = 0;
	return s;
}

/* Takes the value to the first unit in which it is short. The names are in rising order. */
static char *scaled(double value, double step, const char *const *names)
{
	/* What would be rounded up to the step belongs to the next unit. */
	while (names[1] && value >= step - 0.5) {
		value /= step;
		names++;
	}
	AUTO_FREE char *digits = three_digits(value);
	return xasprintf("%s %s", digits, *names);
}

/* Digits in groups of three. */
static char *grouped(const char *digits)
{
	struct strbuf b = { 0 };
	size_t n = strlen(digits);
	for (size_t i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			strbuf_puts(&b, " ");
		strbuf_add(&b, digits + i, 1);
	}
	return b.s;
}

static char *fraction(double value)
{
	if (value > 0 && value < 0.00005)
		return xstrdup("<0.01 %");
	AUTO_FREE char *digits = three_digits(value * 100);
	return xasprintf("%s %%", digits);
}

char *unit_format(enum unit unit, double value)
{
	static const char *const bytes[] = { "KiB", "MiB", "GiB", "TiB", "PiB", NULL };
	static const char *const times[] = { "ns", "us", "ms", "s", NULL };
	static const char *const hertz[] = { "kHz", "MHz", "GHz", NULL };
	if (!isfinite(value))
		return xstrdup("-");
	if (value < 0) {
		AUTO_FREE char *s = unit_format(unit, -value);
		return xasprintf("-%s", s);
	}
	switch (unit) {
	case UNIT_KIB:
		return scaled(value, 1024, bytes);
	case UNIT_NS:
		return scaled(value, 1000, times);
	case UNIT_KHZ:
		return scaled(value, 1000, hertz);
	case UNIT_FRACTION:
		return fraction(value);
	case UNIT_COUNT: {
		AUTO_FREE char *digits = xasprintf("%.0f", value);
		return grouped(digits);
	}
	case UNIT_NONE:
		break;
	}
	return xasprintf("%.15g", value);
}

static char *integer_text(json_int_t n, enum unit unit)
{
	if (unit == UNIT_NONE)
		return xasprintf("%" JSON_INTEGER_FORMAT, n);
	if (unit != UNIT_COUNT || n < 0)
		return unit_format(unit, (double)n);
	/* Not by way of a double, which holds no more than 53 bits. */
	AUTO_FREE char *digits = xasprintf("%" JSON_INTEGER_FORMAT, n);
	return grouped(digits);
}

static char *value_text(const json_t *value, enum unit unit);

static char *array_text(const json_t *array, enum unit unit)
{
	if (!json_array_size(array))
		return xstrdup("-");
	struct strbuf b = { 0 };
	for (size_t i = 0; i < json_array_size(array); i++) {
		AUTO_FREE char *s = value_text(json_array_get(array, i), unit);
		strbuf_printf(&b, "%s%s", i ? ", " : "", s);
	}
	return b.s;
}

static char *value_text(const json_t *value, enum unit unit)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return xstrdup(*json_string_value(value) ? json_string_value(value) : "-");
	case JSON_INTEGER:
		return integer_text(json_integer_value(value), unit);
	case JSON_REAL:
		return unit_format(unit, json_real_value(value));
	case JSON_TRUE:
		return xstrdup("yes");
	case JSON_FALSE:
		return xstrdup("no");
	case JSON_ARRAY:
		return array_text(value, unit);
	case JSON_OBJECT:
		return json_dumps(value, JSON_COMPACT);
	case JSON_NULL:
		break;
	}
	return xstrdup("-");
}

char *cell_text(const json_t *row, const struct column *column)
{
	if (!strchr(column->key, '.'))
		return value_text(json_object_get(row, column->key), column->unit);
	AUTO_FREE char *path = xstrdup(column->key);
	const json_t *value = row;
	for (char *key = path, *dot; key; key = dot) {
		dot = strchr(key, '.');
		if (dot)
			*dot++ = 0;
		value = json_object_get(value, key);
	}
	return value_text(value, column->unit);
}
