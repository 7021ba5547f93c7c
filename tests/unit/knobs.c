/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of knobs, how wishes are joined, and that every row of the table is whole. */
#include "tap.h"

#include <string.h>

#include "apply/ledger.h"
#include "base/str.h"
#include "plan/knobs.h"

static struct arena arena;

static struct value value_of(const struct knob *k, const char *text)
{
	struct value v = VALUE_IS_ABSENT;
	if (value_parse(k, text, &arena, &v) < 0)
		ok(false, "%s: '%s' is a value", k->name, text);
	return v;
}

/* ---- text and back ---- */

static void same_round(const char *knob, const char *text, enum value_kind kind)
{
	const struct knob *k = knob_find(knob);
	struct value v = value_of(k, text);
	AUTO_FREE char *again = value_text(k, &v);
	struct value copy = value_copy(&arena, &v);
	same_int(v.kind, kind, "%s: kind of '%s'", knob, text);
	same_str(again, text, "%s: '%s' as text", knob, text);
	ok(value_equal(&v, &copy), "%s: '%s' and its copy", knob, text);
}

static void not_a_value(const char *knob, const char *text)
{
	struct value v;
	same_int(value_parse(knob_find(knob), text, &arena, &v), -22, "%s: '%s' is none", knob,
		text);
}

static void test_text(void)
{
	same_round("irq.affinity", "0-3,8", VALUE_SET);
	same_round("thread.affinity", "all", VALUE_UNSET);
	same_round("cgroup.cpus", "", VALUE_UNSET);
	same_round("cgroup.cpus", "-", VALUE_ABSENT);
	same_round("thread.cgroup", "", VALUE_WORD);
	same_round("thread.cgroup", "qemu.slice/100.scope", VALUE_WORD);
	same_round("cgroup.cpuset", "enabled", VALUE_WORD);
	same_round("vm.stat_interval", "120", VALUE_NUMBER);
	same_round("memory.compact", "not done", VALUE_UNSET);
	same_round("memory.compact", "done", VALUE_WORD);
	not_a_value("memory.compact", "1");
	not_a_value("irq.affinity", "3-1");
	not_a_value("cgroup.cpus", "all");
	not_a_value("cgroup.cpuset", "on");
	not_a_value("vm.stat_interval", "0");
	not_a_value("vm.stat_interval", "1 s");
}

/* ---- joining ---- */

/* What A and B (or only A, when b is NULL) make of the baseline. */
static const char *joined(const char *knob, enum knob_combine rule, const char *baseline,
	const char *a, const char *b, const char *fallback)
{
	const struct knob *k = knob_find(knob);
	struct cpuset online, rest;
	struct value was = value_of(k, baseline), made;
	struct contributions by = { 0 };
	*list_push(&arena, &by) = (struct contribution){ "a", value_of(k, a) };
	if (b)
		*list_push(&arena, &by) = (struct contribution){ "b", value_of(k, b) };
	if (cpuset_parse_list("0-7", &online) < 0 ||
		(fallback && cpuset_parse_list(fallback, &rest) < 0))
		abort();
	const struct wishes w = { &by, &online, fallback ? &rest : NULL };
	if (!knob_join(k, rule, &w, &was, &arena, &made))
		return "nothing";
	AUTO_FREE char *text = value_text(k, &made);
	return arena_strdup(&arena, text);
}

static void test_join(void)
{
	static const struct {
		const char *knob, *baseline, *a, *b, *fallback, *wanted;
		enum knob_combine rule;
	} rows[] = {
		{ "irq.affinity", "0-7", "1", "2-3", "0,4-7", "0,4-7", COMBINE_MINUS },
		{ "irq.affinity", "0-7", "2-3", "1", "0,4-7", "0,4-7", COMBINE_MINUS },
		{ "irq.affinity", "1-3", "1", "2-3", "0,4-7", "0,4-7", COMBINE_MINUS },
		{ "irq.affinity", "1-3,9", "1-3", NULL, "0,4-7", "0,4-7", COMBINE_MINUS },
		{ "cgroup.cpus", "", "1", NULL, NULL, "0,2-7", COMBINE_MINUS },
		{ "cgroup.cpus", "-", "1", NULL, NULL, "0,2-7", COMBINE_MINUS },
		{ "cgroup.cpus", "", "9", NULL, NULL, "", COMBINE_MINUS },
		{ "irq.affinity", "-", "1", NULL, NULL, "nothing", COMBINE_MINUS },
		{ "irqbalance.banned", "", "1", "2", NULL, "1-2", COMBINE_UNION },
		{ "irqbalance.banned", "0", "2", "1", NULL, "0-2", COMBINE_UNION },
		{ "cgroup.exclusive", "-", "4", NULL, NULL, "4", COMBINE_UNION },
		{ "thread.affinity", "0-7", "5", NULL, NULL, "5", COMBINE_ONE },
		{ "cgroup.cpuset", "disabled", "enabled", "enabled", NULL, "enabled",
			COMBINE_AGREE },
		{ "vm.stat_interval", "1", "10", "120", NULL, "120", COMBINE_MAX },
		{ "vm.stat_interval", "1", "120", "10", NULL, "120", COMBINE_MAX },
		{ "vm.stat_interval", "300", "120", "10", NULL, "300", COMBINE_MAX },
		{ "vm.stat_interval", "20", "10", "30", NULL, "10", COMBINE_MIN },
		{ "vm.stat_interval", "20", "10", "30", NULL, "60", COMBINE_SUM },
		{ "vm.stat_interval", "86000", "1000", NULL, NULL, "86400", COMBINE_SUM },
		{ "vm.stat_interval", "-", "10", NULL, NULL, "nothing", COMBINE_MAX },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		same_str(joined(rows[i].knob, rows[i].rule, rows[i].baseline, rows[i].a, rows[i].b,
				 rows[i].fallback),
			rows[i].wanted, "%s: '%s' with %s and %s", rows[i].knob, rows[i].baseline,
			rows[i].a, rows[i].b ? rows[i].b : "none");
}

/* ---- the table ---- */

static bool is_number_rule(enum knob_combine rule)
{
	return rule == COMBINE_SUM || rule == COMBINE_MIN || rule == COMBINE_MAX;
}

static void test_rows(void)
{
	size_t n;
	const struct knob *all = knobs(&n);
	for (size_t i = 0; i < n; i++) {
		const struct knob *k = &all[i];
		const char *at = k->path ? strstr(k->path, "%s") : NULL;
		bool is_set_rule = k->combine == COMBINE_MINUS || k->combine == COMBINE_UNION;
		ok(k->summary && k->source && k->suspects && knob_find(k->name) == k,
			"%s: has its words, and its name alone", k->name);
		ok(!at || !strchr(at + 1, '%'), "%s: one key in its path", k->name);
		ok((!is_set_rule || k->type == KNOB_CPUSET) &&
				is_number_rule(k->combine) == (k->type == KNOB_NUMBER),
			"%s: its rule fits its type", k->name);
		ok((k->type == KNOB_NUMBER) == (k->min < k->max && k->unit) &&
				(k->type == KNOB_CHOICE || k->type == KNOB_ACTION) ==
					(k->choices != NULL),
			"%s: its range fits its type", k->name);
		ok(!k->same_as || knob_find(k->same_as), "%s: what it is the same as is a row",
			k->name);
	}
}

/* ---- the ledger ---- */

/* An entry of a knob that this version does not know is kept as it is, through a round of text and
 * into another ledger. */
static void test_stranger(void)
{
	AUTO_LEDGER struct ledger *l = ledger_new(), *again = NULL, *next = ledger_new();
	static const char record[] = "{\"type\":\"entry\",\"knob\":\"cpu.turbo\",\"key\":\"7\","
				     "\"baseline\":\"1\",\"value\":\"0\",\"new\":[1,2]}";
	*array_push(&l->strangers) =
		(struct stranger){ .knob = "cpu.turbo", .key = "7", .text = record };
	ledger_add_entry(l,
		&(struct entry){ .knob = knob_find("vm.stat_interval"),
			.key = "host",
			.baseline = value_number(1),
			.value = value_number(10) });
	AUTO_FREE char *text = ledger_format(l);
	same_int(ledger_parse(text, &again), 0, "a ledger of another version");
	same_int(again->entries.n, 1, "what is known of it");
	same_int(again->damaged.n, 0, "nothing is damaged");
	same_int(again->strangers.n, 1, "what is not known");
	same_str(again->strangers.v[0].text, record, "... is kept as it is");
	ledger_add_strangers(next, again);
	ledger_add_strangers(next, again);
	ok(next->strangers.n == 1 && !ledger_is_empty(next), "... once, and is owed");
	AUTO_FREE char *kept = ledger_format(next);
	ok(strstr(kept, record), "... and written again");
}

/* Where a record is damaged, the start of a thread that no other names tells whether it had one. */
static void test_newborn(void)
{
	AUTO_LEDGER struct ledger *l = ledger_new(), *again = NULL;
	l->ticks = 4091;
	AUTO_FREE char *text = ledger_format(l);
	same_int(ledger_parse(text, &again), 0, "a ledger");
	ok(ledger_is_newborn(again, "4091") && ledger_is_newborn(again, NULL), "all is readable");
	*array_push(&again->damaged) = "?";
	ok(!ledger_is_newborn(again, "4091"), "it was there when the transaction began");
	ok(ledger_is_newborn(again, "4092"), "it was not");
	ok(!ledger_is_newborn(again, NULL), "who knows");
	again->ticks = 0;
	ok(!ledger_is_newborn(again, "4092"), "nor when the ledger does not say when that was");
}

int main(void)
{
	test_text();
	test_join();
	test_rows();
	test_stranger();
	test_newborn();
	arena_done(&arena);
	return tap_done();
}
