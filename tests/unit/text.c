/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/text.h"

static void visible(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" }, { "db01", "db01" }, { "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "caf\xe9", "caf?" }, { "a\tb", "a b" },
		{ "x\n\nwarning: forged", "x??warning: forged" },
		{ "\x1b]0;pwned\x07", "?]0;pwned?" },
		{ "\xc2\x9b"
		  "31m",
			"?31m" }, /* C1: CSI */
		{ "\xe2\x80\xae"
		  "evil",
			"?evil" }, /* right-to-left override */
		{ "a\xe2\x80\xa8"
		  "b\xe2\x80\xa9"
		  "c",
			"a?b?c" }, /* line, paragraph */
		{ "\xe2\x81\xa6"
		  "iso\xe2\x81\xa9",
			"?iso?" }, /* isolates */
		{ "\xef\xbb\xbf"
		  "bom",
			"?bom" },
		{ "\xd8\x9c"
		  "alm",
			"?alm" },
		{ "\xf3\xa0\x81\x81"
		  "tag",
			"?tag" },
		{ "\xed\xa0\x80", "???" }, /* a surrogate */
		{ "\xc0\x8a", "??" },      /* a newline in two bytes */
		{ "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7" },
		{ "\xf0\x9f\x90", "???" }, /* cut short */
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FREE char *got = text_visible(rows[i].text), *again = text_visible(got);
		same_str(got, rows[i].want, "visible %zu", i);
		same_str(again, got, "... is visible");
	}
}

/* Any bytes, there and back, by way of JSON. */
static bool survives(const char *bytes)
{
	AUTO_FREE char *kept = text_escape(bytes);
	json_t *o = json_string(kept);
	AUTO_FREE char *back = xstrdup(o ? json_string_value(o) : "no UTF-8");
	json_decref(o);
	text_unescape(back);
	return streq(back, bytes);
}

static void kept(void)
{
	static const char *const same[] = { "", "db01", "machine-qemu\\x2d1.scope", "caf\xc3\xa9",
		"\x01\n" };
	for (size_t i = 0; i < N_ELEMENTS(same); i++) {
		AUTO_FREE char *got = text_escape(same[i]);
		same_str(got, same[i], "kept as it is: %zu", i);
	}
	bool are_whole = true;
	for (unsigned int c = 1; c < 256; c++)
		for (unsigned int d = 1; d < 256; d++) {
			const char bytes[] = { 'a', (char)c, (char)d, 0 };
			are_whole &= survives(bytes);
		}
	ok(are_whole, "any two bytes");
	srand(7);
	for (int i = 0; i < 20000; i++) {
		char bytes[33] = "";
		for (int k = 0; k < 32; k++)
			bytes[k] = (char)(1 + rand() % 255);
		are_whole &= survives(bytes);
	}
	ok(are_whole, "any bytes");
	AUTO_FREE char *once = text_escape("\xe9");
	ok(survives(once), "what is escaped already");
}

int main(void)
{
	visible();
	kept();
	return tap_done();
}
