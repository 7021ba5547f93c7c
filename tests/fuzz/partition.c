/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/partition.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	size_t n = strlen(text);
	struct partition_state p;
	if (partition_parse(text, &p) < 0)
		return 0;
	must(p.state == text && p.n_state >= strlen("root") && p.n_state <= n);
	must(!memchr(p.state, '(', p.n_state) && p.state[p.n_state - 1] != ' ');
	if (p.reason)
		must(p.reason > text && p.reason + p.n_reason < text + n && p.reason[-1] == '(' &&
			p.reason[p.n_reason] == ')');
	return 0;
}
