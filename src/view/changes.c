/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/changes.h"

#include "apply/changes.h"
#include "base/str.h"
#include "report/report.h"
#include "view/json.h"

static json_t *change_json(const struct change *c, bool is_made)
{
	AUTO_FREE char *before = value_text(c->knob, &c->before),
		       *after = value_text(c->knob, &c->after);
	json_t *o = OBJECT({ "knob", text_json(c->knob->name) },
		{ "key", text_json(c->target.key) }, { "before", optional_json(before) },
		{ "after", optional_json(after) }, { "why", optional_json(c->why) });
	if (is_made) {
		json_object_set_new(o, "result", text_json(change_result_name(c)));
		if (c->reason)
			json_object_set_new(o, "reason", text_json(c->reason));
	}
	return o;
}

static bool is_alike(const struct change *a, const struct change *b)
{
	return a->knob == b->knob && value_equal(&a->after, &b->after) &&
		value_equal(&a->before, &b->before);
}

static const char *shown(const char *value)
{
	return *value ? value : "unset";
}

/* What settings are of: numbers as ranges, for there are thousands of interrupts on some hosts. */
struct keys {
	ARRAY(int) numbers;
	struct strbuf words;
	size_t n;
};

static int by_number(const void *a, const void *b)
{
	const int *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static void add_key(struct keys *k, const char *key)
{
	int number;
	k->n++;
	if (*key && str_to_int(key, &number) == 0)
		*array_push(&k->numbers) = number;
	else
		strbuf_printf(&k->words, "%s%s", k->words.n ? ", " : "", *key ? key : "/");
}

/* "0, 9, 24-31": ranges like the kernel's, and how many there are where these are many. */
static char *keys_text(struct keys *k)
{
	enum { RANGES_MAX = 24 };
	struct strbuf b = { 0 };
	size_t n_ranges = 0;
	strbuf_puts(&b, k->words.s ? k->words.s : "");
	if (k->numbers.n)
		qsort(k->numbers.v, k->numbers.n, sizeof *k->numbers.v, by_number);
	for (size_t i = 0, last; i < k->numbers.n; i = last + 1) {
		last = i;
		while (last + 1 < k->numbers.n && k->numbers.v[last + 1] == k->numbers.v[last] + 1)
			last++;
		if (n_ranges++ >= RANGES_MAX)
			continue;
		strbuf_printf(&b, "%s%d", b.n ? ", " : "", k->numbers.v[i]);
		if (last > i)
			strbuf_printf(&b, "-%d", k->numbers.v[last]);
	}
	if (n_ranges > RANGES_MAX)
		strbuf_printf(&b, ", … (%zu in all)", k->n);
	free(k->numbers.v);
	free(k->words.s);
	return b.s;
}

/* What came to nothing has its reason told whatever the values are. */
static bool is_shown(const struct change *c, bool is_made)
{
	bool is_done = c->state == CHANGE_DONE || c->state == CHANGE_WRITTEN;
	if (!is_made)
		return change_is_needed(c) && change_is_one(c);
	return c->state != CHANGE_SAME && (!is_done || change_is_one(c));
}

/* Settings of one knob that change alike are one row: a host has dozens of kernel threads. */
static json_t *group_row(const struct changes *list, const struct change *first)
{
	struct keys keys = { 0 };
	for (const struct change *c = list->v.v; c < list->v.v + list->v.n; c++) {
		if (c->knob != first->knob || !is_shown(c, false) || !is_alike(c, first))
			continue;
		if (c < first)
			return NULL; /* has its row already: it would have been met before any key
				      */
		add_key(&keys, c->target.key);
	}
	AUTO_FREE char *of = keys_text(&keys);
	AUTO_FREE char *before = value_text(first->knob, &first->before),
		       *after = value_text(first->knob, &first->after);
	return OBJECT({ "knob", text_json(first->knob->name) },
		{ "before", text_json(shown(before)) }, { "after", text_json(shown(after)) },
		{ "of", text_json(of) });
}

static bool has_row(const json_t *rows, const char *knob, const char *why)
{
	json_t *o;
	size_t i;
	json_array_foreach (rows, i, o)
		if (streq(json_string_value(json_object_get(o, "knob")), knob) &&
			streq(json_string_value(json_object_get(o, "why")), why))
			return true;
	return false;
}

static void report_unreadable(const struct changes *changes, struct report *r)
{
	array_for_each (c, &changes->v)
		if (c->state == CHANGE_UNREADABLE)
			report_note(r, "stays: %s of %s cannot be read: %s", c->knob->name,
				c->target.key, c->reason);
}

static void report_planned(const struct changes *changes, struct report *r)
{
	static const struct column columns[] = {
		{ .key = "knob", .head = "KNOB" },
		{ .key = "before", .head = "BEFORE", .may_wrap = true },
		{ .key = "after", .head = "AFTER", .may_wrap = true },
		{ .key = "of", .head = "OF", .may_wrap = true },
	};
	static const struct column reasons[] = {
		{ .key = "knob", .head = "KNOB" },
		{ .key = "why", .head = "WHY", .may_wrap = true },
	};
	json_t *rows = json_array(), *whys = json_array();
	array_for_each (c, &changes->v) {
		if (!is_shown(c, false))
			continue;
		json_t *row = group_row(changes, c);
		if (row)
			json_array_append_new(rows, row);
		if (!has_row(whys, c->knob->name, c->why))
			json_array_append_new(whys,
				OBJECT({ "knob", text_json(c->knob->name) },
					{ "why", text_json(c->why) }));
	}
	if (json_array_size(rows)) {
		report_heading(r, "Changes");
		report_table(r, rows, columns, N_ELEMENTS(columns));
		report_table(r, whys, reasons, N_ELEMENTS(reasons));
	} else {
		report_text(r,
			changes->is_unsure
				? "As far as the recording tells, there is nothing to change."
				: "Nothing to change.");
	}
	report_unreadable(changes, r);
	json_decref(rows);
	json_decref(whys);
}

/* What undo will not be able to put back, said before anything is done. */
static void report_stays(const struct changes *changes, struct report *r)
{
	AUTO_STRBUF struct strbuf keys = { 0 };
	const struct change *first = NULL;
	json_t *rows = json_array();
	array_for_each (c, &changes->v) {
		if (!c->stays || c->aim == AIM_BACK)
			continue;
		AUTO_FREE char *left = value_text(c->knob, &c->left);
		json_array_append_new(rows,
			OBJECT({ "knob", text_json(c->knob->name) },
				{ "key", text_json(c->target.key) }, { "value", text_json(left) },
				{ "why", text_json(c->stays) }));
		strbuf_printf(&keys, "%s%s", keys.n ? ", " : "", c->target.key);
		first = first ? first : c;
	}
	json_object_set_new(report_json(r), "stays", rows);
	if (!first)
		return;
	AUTO_FREE char *left = value_text(first->knob, &first->left);
	report_note(r, "will stay after undo: %s '%s' of %s: %s", first->knob->name, left, keys.s,
		first->stays);
}

void changes_report(const struct changes *changes, bool is_made, struct report *r)
{
	json_t *rows = json_array(), *immovable = json_array();
	array_for_each (c, &changes->v) {
		bool is_immovable = c->state == CHANGE_IMMOVABLE || c->state == CHANGE_UNREADABLE;
		if (is_shown(c, is_made) && !is_immovable)
			json_array_append_new(rows, change_json(c, is_made));
		if (is_immovable)
			json_array_append_new(immovable,
				OBJECT({ "what",
					       format_json("%s %s", c->knob->name, c->target.key) },
					{ "why", optional_json(c->reason) }));
	}
	json_object_set_new(report_json(r), "changes", rows);
	json_object_set_new(report_json(r), "immovable", immovable);
	if (!is_made)
		report_planned(changes, r);
	report_stays(changes, r);
}

json_t *residue_json(const struct changes *back)
{
	json_t *rows = json_array();
	array_for_each (c, &back->v) {
		AUTO_FREE char *after = value_text(c->knob, &c->after);
		if (c->state == CHANGE_FAILED)
			json_array_append_new(rows,
				OBJECT({ "knob", text_json(c->knob->name) },
					{ "key", text_json(c->target.key) },
					{ "value", text_json(after) },
					{ "reason", optional_json(c->reason) }));
	}
	return rows;
}
