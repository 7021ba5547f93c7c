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

static const char *member(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* Settings of one knob that change alike are one row: a host has dozens of kernel threads. */
static json_t *group_rows(const json_t *changes)
{
	ARRAY(struct keys) groups = { 0 };
	json_t *rows = json_array(), *index = json_object(), *c;
	size_t i;
	json_array_foreach (changes, i, c) {
		const char *knob = member(c, "knob"), *before = shown(member(c, "before")),
			   *after = shown(member(c, "after"));
		AUTO_FREE char *alike = xasprintf("%s\n%s\n%s", knob, before, after);
		const json_t *at = json_object_get(index, alike);
		size_t n = at ? (size_t)json_integer_value(at) : groups.n;
		if (!at) {
			json_object_set_new(index, alike, json_integer((json_int_t)n));
			json_array_append_new(rows,
				OBJECT({ "knob", text_json(knob) }, { "before", text_json(before) },
					{ "after", text_json(after) }));
			*array_push(&groups) = (struct keys){ 0 };
		}
		add_key(&groups.v[n], member(c, "key"));
	}
	json_array_foreach (rows, i, c) {
		AUTO_FREE char *of = keys_text(&groups.v[i]);
		json_object_set_new(c, "of", text_json(of));
	}
	json_decref(index);
	free(groups.v);
	return rows;
}

static bool has_row(const json_t *rows, const char *knob, const char *why)
{
	json_t *o;
	size_t i;
	json_array_foreach (rows, i, o)
		if (streq(member(o, "knob"), knob) && streq(member(o, "why"), why))
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

/* What each knob that changes is for, once. */
static json_t *why_rows(const json_t *changes)
{
	json_t *rows = json_array(), *c;
	size_t i;
	json_array_foreach (changes, i, c)
		if (!has_row(rows, member(c, "knob"), member(c, "why")))
			json_array_append_new(rows,
				OBJECT({ "knob", text_json(member(c, "knob")) },
					{ "why", text_json(member(c, "why")) }));
	return rows;
}

/* all: as changes[] has them */
static void report_planned(const struct changes *changes, const json_t *all, struct report *r)
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
	json_t *rows = group_rows(all), *whys = why_rows(all);
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

static bool will_stay(const struct change *c)
{
	return c->stays && c->aim != AIM_BACK;
}

static bool is_left_alike(const struct change *a, const struct change *b)
{
	return a->knob == b->knob && value_equal(&a->left, &b->left) && streq(a->stays, b->stays);
}

/* True for the first of those that are told in one sentence. */
static bool is_first_alike(const struct changes *changes, const struct change *c)
{
	for (const struct change *other = changes->v.v; other < c; other++)
		if (will_stay(other) && is_left_alike(other, c))
			return false;
	return true;
}

/* The sentence that c begins. */
static void report_left(const struct changes *changes, const struct change *c, struct report *r)
{
	AUTO_STRBUF struct strbuf keys = { 0 };
	AUTO_FREE char *left = value_text(c->knob, &c->left);
	array_for_each (other, &changes->v) {
		if (will_stay(other) && is_left_alike(other, c))
			strbuf_printf(&keys, "%s%s", keys.n ? ", " : "", other->target.key);
	}
	report_note(r, "will stay after undo: %s '%s' of %s: %s", c->knob->name, left, keys.s,
		c->stays);
}

/* What undo will not be able to put back, said before anything is done. */
static void report_stays(const struct changes *changes, struct report *r)
{
	json_t *rows = report_rows(r, "stays");
	array_for_each (c, &changes->v) {
		if (!will_stay(c))
			continue;
		AUTO_FREE char *left = value_text(c->knob, &c->left);
		report_row(r, rows,
			OBJECT({ "knob", text_json(c->knob->name) },
				{ "key", text_json(c->target.key) }, { "value", text_json(left) },
				{ "why", text_json(c->stays) }));
		if (is_first_alike(changes, c))
			report_left(changes, c, r);
	}
}

void changes_report(const struct changes *changes, bool is_made, struct report *r)
{
	json_t *rows = report_rows(r, "changes"), *immovable = json_array();
	array_for_each (c, &changes->v) {
		bool is_immovable = c->state == CHANGE_IMMOVABLE || c->state == CHANGE_UNREADABLE;
		if (is_shown(c, is_made) && !is_immovable)
			report_row(r, rows, change_json(c, is_made));
		if (is_immovable)
			json_array_append_new(immovable,
				OBJECT({ "what",
					       format_json("%s %s", c->knob->name, c->target.key) },
					{ "why", optional_json(c->reason) }));
	}
	json_object_set_new(report_json(r), "immovable", immovable);
	if (!is_made)
		report_planned(changes, rows, r);
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

json_t *strangers_json(const struct ledger *l)
{
	json_t *rows = json_array();
	array_for_each (s, &l->strangers)
		json_array_append_new(
			rows, OBJECT({ "knob", text_json(s->knob) }, { "key", text_json(s->key) }));
	return rows;
}
