/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/recall.h"

#include <inttypes.h>
#include <string.h>

#include "apply/state-dir.h"
#include "base/record.h"
#include "base/str.h"

void recall_done(struct recall *r)
{
	free(r->repairs.v);
	free(r->tried.v);
	free(r->told.v);
	arena_done(&r->arena);
}

static void put_repair(struct strbuf *b, const struct repair *x)
{
	AUTO_STRBUF struct strbuf times = { 0 };
	for (size_t i = 0; i < x->n; i++)
		strbuf_printf(&times, "%s%" PRIu64, i ? " " : "", x->at_ns[i]);
	const char *const fields[] = { "repair", x->knob, x->key, x->id, x->writer, times.s,
		x->is_given_up ? "given-up" : "" };
	record_add(b, fields, N_ELEMENTS(fields));
}

char *recall_format(const struct recall *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	array_for_each (x, &r->repairs)
		put_repair(&b, x);
	array_for_each (t, &r->tried) {
		AUTO_FREE char *at = xasprintf("%" PRIu64, t->at_ns);
		const char *const fields[] = { "tried", t->knob, t->key, t->id, t->after, at };
		record_add(&b, fields, N_ELEMENTS(fields));
	}
	array_for_each (t, &r->told) {
		const char *const fields[] = { "told", t->what, t->of, t->text };
		record_add(&b, fields, N_ELEMENTS(fields));
	}
	return TAKE(b.s);
}

static void parse_repair(const char *const *f, struct recall *ret)
{
	struct repair *x = array_push(&ret->repairs);
	x->knob = arena_strdup(&ret->arena, f[1]);
	x->key = arena_strdup(&ret->arena, f[2]);
	x->id = *f[3] ? arena_strdup(&ret->arena, f[3]) : NULL;
	x->writer = arena_strdup(&ret->arena, f[4]);
	const char *p = f[5];
	while (x->n < REPAIRS_MAX && str_take_u64(&p, &x->at_ns[x->n]))
		x->n++;
	x->is_given_up = streq(f[6], "given-up");
}

void recall_parse(const char *text, struct recall *ret)
{
	AUTO_FREE char *copy = xstrdup(text);
	struct arena *a = &ret->arena;
	const char *f[7];
	for (char *rest = copy; record_next(&rest, f, N_ELEMENTS(f));) {
		if (streq(f[0], "repair")) {
			parse_repair(f, ret);
		} else if (streq(f[0], "tried")) {
			struct tried t = { arena_strdup(a, f[1]), arena_strdup(a, f[2]),
				*f[3] ? arena_strdup(a, f[3]) : NULL, arena_strdup(a, f[4]), 0 };
			if (str_to_u64(f[5], &t.at_ns) == 0)
				*array_push(&ret->tried) = t;
		} else if (streq(f[0], "told")) {
			*array_push(&ret->told) = (struct told){ arena_strdup(a, f[1]),
				arena_strdup(a, f[2]), arena_strdup(a, f[3]) };
		}
	}
}

void recall_read(struct host *h, struct recall *ret)
{
	AUTO_FREE char *text = NULL;
	*ret = (struct recall){ 0 };
	if (state_read(h, "recall", &text) == 0)
		recall_parse(text, ret);
}

int recall_write(struct host *h, const struct recall *r, struct err *e)
{
	AUTO_FREE char *text = recall_format(r), *now = NULL;
	if (state_read(h, "recall", &now) == 0 && streq(text, now))
		return 0;
	return *text ? state_write(h, "recall", text, e) : state_remove(h, "recall", e);
}

static bool is_same_id(const char *a, const char *b)
{
	return a && b ? streq(a, b) : a == b;
}

static struct repair *find_repair(struct recall *r, const struct repair *what)
{
	array_for_each (x, &r->repairs) {
		if (streq(x->knob, what->knob) && streq(x->key, what->key) &&
			is_same_id(x->id, what->id) && streq(x->writer, what->writer))
			return x;
	}
	struct repair *x = array_push(&r->repairs);
	*x = (struct repair){
		.knob = arena_strdup(&r->arena, what->knob),
		.key = arena_strdup(&r->arena, what->key),
		.id = arena_strdup(&r->arena, what->id),
		.writer = arena_strdup(&r->arena, what->writer),
	};
	return x;
}

static bool is_recent(uint64_t at_ns, uint64_t now_ns)
{
	return now_ns < at_ns + REPAIRS_NS;
}

enum repair_verdict recall_repair(struct recall *r, const struct repair *what, uint64_t now_ns)
{
	struct repair *x = find_repair(r, what);
	x->is_seen = true;
	if (x->is_given_up)
		return REPAIR_GIVEN_UP;
	if (x->n == REPAIRS_MAX && is_recent(x->at_ns[0], now_ns)) {
		x->is_given_up = true;
		return REPAIR_GIVES_UP;
	}
	if (x->n == REPAIRS_MAX)
		memmove(x->at_ns, x->at_ns + 1, --x->n * sizeof *x->at_ns);
	x->at_ns[x->n++] = now_ns;
	return REPAIR_NOW;
}

void recall_forget_repairs(struct recall *r, uint64_t now_ns)
{
	size_t n = 0;
	array_for_each (x, &r->repairs) {
		if (x->is_seen || (x->n && is_recent(x->at_ns[x->n - 1], now_ns)))
			r->repairs.v[n++] = *x;
	}
	r->repairs.n = n;
}

bool recall_is_news(struct recall *r, const char *what, const char *of, const char *text)
{
	for (size_t i = 0; i < r->told.n; i++) {
		struct told *t = &r->told.v[i];
		if (!streq(t->what, what) || !streq(t->of, of))
			continue;
		if (text && streq(t->text, text))
			return false;
		if (text)
			t->text = arena_strdup(&r->arena, text);
		else
			*t = r->told.v[--r->told.n];
		return true;
	}
	if (text)
		*array_push(&r->told) = (struct told){ arena_strdup(&r->arena, what),
			arena_strdup(&r->arena, of), arena_strdup(&r->arena, text) };
	return text;
}

/* How long a write that shows later only is believed, in ns: irqbalance looks every 10 s. */
#define DEFERRED_NS (30 * UINT64_C(1000000000))

bool recall_was_tried(const struct recall *r, const struct tried *what, uint64_t now_ns)
{
	array_for_each (t, &r->tried) {
		if (streq(t->knob, what->knob) && streq(t->key, what->key) &&
			is_same_id(t->id, what->id) && streq(t->after, what->after))
			return !now_ns || now_ns < t->at_ns + DEFERRED_NS;
	}
	return false;
}
