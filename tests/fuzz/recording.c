/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings: a damaged one is an error with its line. */
#include "base/str.h"
#include "fuzz.h"
#include "host/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size), *answer = NULL;
	struct recording *r;
	struct err e = { 0 };
	size_t n;
	if (recording_parse(&r, "fuzz", text, &e) < 0) {
		must(str_after(e.text, "fuzz:"));
		return 0;
	}
	if (recording_ask(r, "file", "proc/stat", &answer, &n) == 0)
		must(strlen(answer) <= n);
	recording_free(r);
	return 0;
}
