/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was found out about this kernel since it booted: a plan, which tries nothing, knows it too.
 *	abilities: boot id, then a word for each ability:
 *	5e83dfbe-0dbb-4b5e-8a0f-9ab2d1e3a6a4	yes	yes	no	unknown */
#include <stdlib.h>
#include <string.h>

#include "apply/probe.h"
#include "apply/state-dir.h"
#include "base/record.h"
#include "base/str.h"
#include "host/host.h"

static const char file_name[] = "abilities";
enum { N_FIELDS = 1 + N_ABILITIES };

static enum answer answer_of(const char *word)
{
	for (enum answer i = ANSWER_YES; i <= ANSWER_NO; i++)
		if (streq(word, answer_name(i)))
			return i;
	return ANSWER_UNKNOWN;
}

static char *read_boot_id(struct host *h)
{
	AUTO_FREE char *text = NULL;
	if (host_read(h, &text, NULL, "proc/sys/kernel/random/boot_id") < 0)
		return xstrdup("");
	return xstrdup(str_trim(text));
}

static void recall(struct host *h, enum answer *ret)
{
	AUTO_FREE char *text = NULL;
	const char *fields[N_FIELDS];
	for (enum ability_id i = 0; i < N_ABILITIES; i++)
		ret[i] = ANSWER_UNKNOWN;
	/* One that was made before there was such a file has no answer, and needs none. */
	if (!host_is_asked(h, "run/wideberth/abilities") || state_read(h, file_name, &text) < 0)
		return;
	char *rest = text;
	AUTO_FREE char *boot_id = read_boot_id(h);
	if (record_next(&rest, fields, N_FIELDS) != N_FIELDS || !streq(fields[0], boot_id))
		return;
	for (enum ability_id i = 0; i < N_ABILITIES; i++)
		ret[i] = answer_of(fields[1 + i]);
}

/* That it cannot be kept is no error: it is found out again. */
static void keep(struct host *h, const enum answer *answers)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *boot_id = read_boot_id(h);
	const char *fields[N_FIELDS] = { boot_id };
	struct err e = { 0 };
	for (enum ability_id i = 0; i < N_ABILITIES; i++)
		fields[1 + i] = answer_name(answers[i]);
	record_add(&b, fields, N_FIELDS);
	(void)!state_write(h, file_name, b.s, &e);
}

enum answer ability_recall(struct host *h, enum ability_id id)
{
	enum answer answers[N_ABILITIES];
	recall(h, answers);
	return answers[id];
}

void ability_learn(struct host *h, enum ability_id id, enum answer answer)
{
	enum answer answers[N_ABILITIES];
	recall(h, answers);
	if (answers[id] == answer)
		return;
	answers[id] = answer;
	keep(h, answers);
}

void abilities_keep(struct host *h, struct abilities *a)
{
	enum answer answers[N_ABILITIES];
	bool has_news = false;
	recall(h, answers);
	for (enum ability_id i = 0; i < N_ABILITIES; i++) {
		struct ability *x = &a->v[i];
		if (x->how && streq(x->how, "tried")) {
			has_news |= answers[i] != x->answer;
			answers[i] = x->answer;
		} else if (answers[i] != ANSWER_UNKNOWN && !(x->how && streq(x->how, "seen"))) {
			*x = (struct ability){ answers[i], "tried", "since this boot" };
		}
	}
	if (has_news)
		keep(h, answers);
}
