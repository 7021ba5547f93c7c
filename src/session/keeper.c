/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/keeper.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "apply/state-dir.h"
#include "base/record.h"
#include "base/str.h"
#include "host/host.h"
#include "model/task.h"

static const char file_name[] = "daemon";
enum { N_FIELDS = 7 };

int keeper_write(struct host *h, const struct keeper *k, struct err *e)
{
	const uint64_t numbers[N_FIELDS] = { (uint64_t)k->pid, k->start, k->since_us, k->last_us,
		k->n_looks, (uint64_t)k->code, k->is_shadow };
	char texts[N_FIELDS][24];
	const char *fields[N_FIELDS];
	AUTO_STRBUF struct strbuf b = { 0 };
	for (size_t i = 0; i < N_FIELDS; i++) {
		snprintf(texts[i], sizeof texts[i], "%" PRIu64, numbers[i]);
		fields[i] = texts[i];
	}
	record_add(&b, fields, N_FIELDS);
	return state_write(h, file_name, b.s, e);
}

int keeper_read(struct host *h, struct keeper *ret)
{
	AUTO_FREE char *text = NULL;
	const char *fields[N_FIELDS];
	uint64_t numbers[N_FIELDS] = { 0 };
	*ret = (struct keeper){ 0 };
	int r = state_read(h, file_name, &text);
	if (r < 0)
		return r == -EACCES ? r : 0;
	char *rest = text;
	if (record_next(&rest, fields, N_FIELDS) != N_FIELDS)
		return 0;
	for (size_t i = 0; i < N_FIELDS; i++)
		if (str_to_u64(fields[i], &numbers[i]) < 0)
			return 0;
	ret->pid = (int)numbers[0];
	ret->start = numbers[1];
	ret->since_us = numbers[2];
	ret->last_us = numbers[3];
	ret->n_looks = numbers[4];
	ret->code = (int)numbers[5];
	ret->is_shadow = numbers[6];
	ret->is_running = ret->pid && task_check(h, ret->pid, ret->start) == 0;
	recall_read(h, &ret->recall);
	return 0;
}

void keeper_done(struct keeper *k)
{
	recall_done(&k->recall);
}
