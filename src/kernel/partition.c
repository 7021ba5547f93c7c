/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/partition.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool has_state(const struct partition_state *p, const char *state)
{
	return p->n_state == strlen(state) && !strncmp(p->state, state, p->n_state);
}

int partition_parse(const char *text, struct partition_state *ret)
{
	static const char *const states[] = { "member", "root", "isolated", "root invalid",
		"isolated invalid" };
	size_t n = strcspn(text, "(\n");
	struct partition_state p = { .state = text, .n_state = n };
	while (p.n_state && text[p.n_state - 1] == ' ')
		p.n_state--;
	const char *close = text[n] == '(' ? strrchr(text + n, ')') : NULL;
	if (text[n] == '(' && !close)
		return -EINVAL;
	if (close) {
		p.reason = text + n + 1;
		p.n_reason = (size_t)(close - p.reason);
	}
	for (size_t i = 0; i < N_ELEMENTS(states); i++) {
		if (!has_state(&p, states[i]))
			continue;
		*ret = p;
		return 0;
	}
	return -EINVAL;
}
