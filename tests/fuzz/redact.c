/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What recordings leave out: command lines, configurations, names. */
#include "fuzz.h"
#include "host/mask.h"
#include "vm/redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "proc/1/cmdline", "etc/pve/qemu-server/1.conf",
		"proc/cmdline" };
	/* Files are read with a NUL behind them. */
	AUTO_FREE char *text = xstrndup("", size);
	text = xrealloc(text, size + 1, 1);
	memcpy(text, data, size);
	text[size] = 0;
	for (size_t i = 0; size && i < N_ELEMENTS(paths); i++) {
		size_t n = size, n_masked;
		struct mask *m = mask_new();
		AUTO_FREE char *redacted = redact_answer("file", paths[i], text, &n);
		must(redacted);
		redact_learn(m, "file", paths[i], redacted, n);
		n_masked = n;
		AUTO_FREE char *masked = mask_apply(m, redacted, &n_masked);
		must(masked);
		mask_free(m);
	}
	size_t n = strlen(text), n_text = n;
	AUTO_FREE char *answer = redact_answer("libvirt", "domains", text, &n);
	must(answer && strlen(answer) == n && n <= n_text);
	return 0;
}
