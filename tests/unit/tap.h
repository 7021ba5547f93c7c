/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Unit tests as small programs that print TAP. ok(condition, …), same_str(), same_int(); then
 * return tap_done(). */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_n, tap_failed;

__attribute__((format(printf, 4, 5), unused)) static bool tap_ok(
	bool is_ok, const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char name[300];
	vsnprintf(name, sizeof name, fmt, ap);
	va_end(ap);
	for (char *p = name; (p = strpbrk(p, "\n#"));)
		*p = ' ';
	printf("%sok %d - %s\n", is_ok ? "" : "not ", ++tap_n, name);
	if (!is_ok) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	return is_ok;
}

#define ok(condition, ...) tap_ok(condition, __FILE__, __LINE__, __VA_ARGS__)

#define same_int(got, want, ...)                                                                   \
	do {                                                                                       \
		long long got_ = (long long)(got), want_ = (long long)(want);                      \
		if (!ok(got_ == want_, __VA_ARGS__))                                               \
			printf("# got  %lld\n# want %lld\n", got_, want_);                         \
	} while (0)

#define same_str(got, want, ...)                                                                   \
	do {                                                                                       \
		const char *got_ = (got), *want_ = (want);                                         \
		bool same_ = got_ && want_ ? !strcmp(got_, want_) : got_ == want_;                 \
		if (!ok(same_, __VA_ARGS__))                                                       \
			printf("# got  '%s'\n# want '%s'\n", got_ ? got_ : "NULL",                 \
				want_ ? want_ : "NULL");                                           \
	} while (0)

__attribute__((unused)) static int tap_done(void)
{
	printf("1..%d\n", tap_n);
	return tap_failed ? 1 : 0;
}
