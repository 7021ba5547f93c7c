/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/ledger.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "base/text.h"

enum { LEDGER_VERSION = 1 };

struct ledger *ledger_new(void)
{
	return xcalloc(1, sizeof(struct ledger));
}

void ledger_free(struct ledger *l)
{
	free(l->placements.v);
	free(l->before.v);
	free(l->entries.v);
	free(l->strangers.v);
	free(l->damaged.v);
	arena_done(&l->arena);
	free(l);
}

bool ledger_is_empty(const struct ledger *l)
{
	return !l->placements.n && !l->entries.n && !l->strangers.n && !l->damaged.n;
}

const struct entry *ledger_find(
	const struct ledger *l, const struct knob *knob, const struct target *target)
{
	array_for_each (entry, &l->entries) {
		const struct target t = { entry->key, entry->id };
		if (target_is_same(entry->knob, &t, knob, target))
			return entry;
	}
	return NULL;
}

bool ledger_is_newborn(const struct ledger *l, const char *start)
{
	uint64_t ticks;
	if (!l->damaged.n)
		return true;
	return l->ticks && start && str_to_u64(start, &ticks) == 0 && ticks > l->ticks;
}

char *ledger_tell_damaged(size_t n, const char *of)
{
	return xasprintf(n == 1 ? "%zu record of %s is damaged: what it says"
				: "%zu records of %s are damaged: what they say",
		n, of);
}

void ledger_set_baseline(struct ledger *l, const struct knob *knob, const struct target *target,
	const struct value *baseline)
{
	array_for_each (entry, &l->entries) {
		const struct target t = { entry->key, entry->id };
		if (target_is_same(knob, target, entry->knob, &t))
			entry->baseline = value_copy(&l->arena, baseline);
	}
}

static const struct cpuset *keep_set(struct arena *a, const struct cpuset *set)
{
	return set ? arena_dup(a, set, 1, sizeof *set) : NULL;
}

void ledger_add_entry(struct ledger *l, const struct entry *e)
{
	*array_push(&l->entries) = (struct entry){
		.knob = e->knob,
		.key = arena_strdup(&l->arena, e->key),
		.id = arena_strdup(&l->arena, e->id),
		.baseline = value_copy(&l->arena, &e->baseline),
		.value = value_copy(&l->arena, &e->value),
		.avoid = keep_set(&l->arena, e->avoid),
		.is_optional = e->is_optional,
		.is_released = e->is_released,
	};
}

/* By way of JSON: the placement then stands on this ledger's arena alone. */
static int copy(struct ledger *l, const struct placement *p, struct placement *ret)
{
	json_t *o = placement_to_json(p);
	int r = o ? placement_from_json(o, &l->arena, ret) : -EINVAL;
	json_decref(o);
	return r;
}

int ledger_add_placement(struct ledger *l, const struct placement *p)
{
	struct placement again;
	int r = copy(l, p, &again);
	if (r == 0)
		*array_push(&l->placements) = again;
	return r;
}

int ledger_add_before(struct ledger *l, const struct placement *p)
{
	struct placement again;
	int r = copy(l, p, &again);
	if (r == 0)
		*array_push(&l->before) = again;
	return r;
}

const struct placement *ledger_before(const struct ledger *l, const struct placement *p)
{
	array_for_each (before, &l->before) {
		if (before->pid == p->pid && before->start == p->start)
			return before;
	}
	return NULL;
}

static void add_stranger(struct ledger *l, const char *knob, const char *key, const char *text)
{
	array_for_each (s, &l->strangers) {
		if (streq(s->text, text))
			return;
	}
	*array_push(&l->strangers) = (struct stranger){
		.knob = arena_strdup(&l->arena, knob),
		.key = arena_strdup(&l->arena, key),
		.text = arena_strdup(&l->arena, text),
	};
}

static bool has_damaged(const struct ledger *l, const char *line)
{
	array_for_each (have, &l->damaged) {
		if (streq(*have, line))
			return true;
	}
	return false;
}

void ledger_add_strangers(struct ledger *l, const struct ledger *from)
{
	array_for_each (line, &from->damaged) {
		if (!has_damaged(l, *line))
			*array_push(&l->damaged) = arena_strdup(&l->arena, *line);
	}
	array_for_each (s, &from->strangers)
		add_stranger(l, s->knob, s->key, s->text);
}

/* CRC-32 as in zlib and Ethernet, bit by bit: ledgers are a few KiB. */
static uint32_t crc32(const char *text, size_t n)
{
	uint32_t crc = ~UINT32_C(0);
	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

static void put_text(struct strbuf *b, const char *text)
{
	strbuf_printf(b, "%08x %s\n", crc32(text, strlen(text)), text);
}

/*
 * Names (of VMs, groups, threads) may hold any bytes, and paths are written back as they are: in
 * memory the JSON has the bytes, in the file what text_escape() makes of them.
 */
static void convert_texts(json_t *o, bool is_to_file)
{
	const char *key;
	json_t *value;
	size_t i;
	json_object_foreach (o, key, value)
		convert_texts(value, is_to_file);
	json_array_foreach (o, i, value)
		convert_texts(value, is_to_file);
	if (!json_is_string(o))
		return;
	const char *was = json_string_value(o);
	AUTO_FREE char *text = is_to_file ? text_escape(was) : xstrdup(was);
	if (!is_to_file)
		text_unescape(text);
	json_string_set_nocheck(o, text);
}

/* Takes the object. */
static void put_line(struct strbuf *b, json_t *o)
{
	convert_texts(o, true);
	char *text = json_dumps(o, JSON_COMPACT);
	put_text(b, text);
	free(text);
	json_decref(o);
}

static json_t *raw(const char *text)
{
	return text ? json_string_nocheck(text) : NULL;
}

static void put_placements(struct strbuf *b, const char *type, const struct placement *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put_line(b,
			json_pack(
				"{s:s, s:o}", "type", type, "placement", placement_to_json(&v[i])));
}

static json_t *entry_json(const struct entry *e)
{
	AUTO_FREE char *baseline = value_text(e->knob, &e->baseline),
		       *value = value_text(e->knob, &e->value),
		       *avoid = e->avoid ? cpuset_format_list(e->avoid) : NULL;
	return json_pack("{s:s, s:s, s:o, s:o*, s:o, s:o, s:s*, s:b, s:b}", "type", "entry", "knob",
		e->knob->name, "key", raw(e->key), "id", raw(e->id), "baseline", raw(baseline),
		"value", raw(value), "avoid", avoid, "optional", e->is_optional, "released",
		e->is_released);
}

static void put_header(struct strbuf *b, const struct ledger *l)
{
	put_line(b,
		json_pack("{s:s, s:i, s:o*, s:o*, s:b, s:I}", "type", "header", "version",
			LEDGER_VERSION, "boot_id", raw(l->boot_id), "operation", raw(l->operation),
			"forward", l->is_forward, "ticks", (json_int_t)l->ticks));
}

/* The header twice: without one nothing of the rest may be used. */
char *ledger_format(const struct ledger *l)
{
	struct strbuf b = { 0 };
	put_header(&b, l);
	put_placements(&b, "placement", l->placements.v, l->placements.n);
	put_placements(&b, "before", l->before.v, l->before.n);
	array_for_each (e, &l->entries)
		put_line(&b, entry_json(e));
	array_for_each (stranger, &l->strangers)
		put_text(&b, stranger->text);
	array_for_each (line, &l->damaged)
		strbuf_printf(&b, "%s\n", *line);
	put_header(&b, l);
	return b.s;
}

static int parse_header(struct ledger *l, const json_t *o)
{
	const char *boot_id = NULL, *operation = NULL;
	int version, is_forward = 0;
	json_int_t ticks = 0; /* none in what older versions wrote */
	if (json_unpack((json_t *)(uintptr_t)o, "{s:i, s?s, s?s, s?b, s?I}", "version", &version,
		    "boot_id", &boot_id, "operation", &operation, "forward", &is_forward, "ticks",
		    &ticks) < 0 ||
		version != LEDGER_VERSION)
		return -EINVAL;
	l->boot_id = arena_strdup(&l->arena, boot_id);
	l->operation = arena_strdup(&l->arena, operation);
	l->is_forward = is_forward;
	l->ticks = ticks > 0 ? (uint64_t)ticks : 0;
	return 0;
}

static int parse_entry(struct ledger *l, const json_t *o, const char *text)
{
	struct entry e = { 0 };
	struct cpuset cpus;
	const char *knob, *baseline, *value, *avoid = NULL;
	int is_optional = 0, is_released = 0;
	if (json_unpack((json_t *)(uintptr_t)o, "{s:s, s:s, s?s, s:s, s:s, s?s, s?b, s?b}", "knob",
		    &knob, "key", &e.key, "id", &e.id, "baseline", &baseline, "value", &value,
		    "avoid", &avoid, "optional", &is_optional, "released", &is_released) < 0)
		return -EINVAL;
	e.knob = knob_find(knob);
	if (!e.knob) {
		add_stranger(l, knob, e.key, text);
		return 0;
	}
	if (value_parse(e.knob, baseline, &l->arena, &e.baseline) < 0 ||
		value_parse(e.knob, value, &l->arena, &e.value) < 0 ||
		(avoid && cpuset_parse_list(avoid, &cpus) < 0))
		return -EINVAL;
	e.avoid = avoid ? &cpus : NULL;
	e.is_optional = is_optional;
	e.is_released = is_released;
	ledger_add_entry(l, &e);
	return 0;
}

static int parse_line(struct ledger *l, const char *line, bool *has_header)
{
	char *end;
	unsigned long crc = strtoul(line, &end, 16);
	if (end != line + 8 || *end != ' ' || crc != crc32(end + 1, strlen(end + 1)))
		return -EINVAL;
	json_t *o = json_loads(end + 1, 0, NULL);
	convert_texts(o, false);
	const char *type = json_string_value(json_object_get(o, "type"));
	struct placement p;
	int r = -EINVAL;
	if (!type) {
		r = -EINVAL;
	} else if (streq(type, "header")) {
		r = parse_header(l, o);
		*has_header |= r == 0;
	} else if (streq(type, "entry")) {
		r = parse_entry(l, o, end + 1);
	} else if (streq(type, "placement") || streq(type, "before")) {
		r = placement_from_json(json_object_get(o, "placement"), &l->arena, &p);
		if (r == 0 && streq(type, "before"))
			*array_push(&l->before) = p;
		else if (r == 0)
			*array_push(&l->placements) = p;
	}
	json_decref(o);
	return r;
}

/* Before there was a deadline for each placement, the header had one for all. */
static void take_old_deadline(struct ledger *l, const char *text)
{
	const char *at = strstr(text, "\"confirm_ns\":"), *end = strchr(text, '\n');
	uint64_t ns = at && at < end ? strtoull(at + strlen("\"confirm_ns\":"), NULL, 10) : 0;
	array_for_each (p, &l->placements)
		p->confirm_ns = p->confirm_ns ? p->confirm_ns : ns;
}

int ledger_parse(const char *text, struct ledger **ret)
{
	AUTO_LEDGER struct ledger *l = ledger_new();
	AUTO_FREE char *lines = xstrdup(text);
	char *next = lines;
	bool has_header = false;
	for (char *line; (line = str_next_line(&next));)
		if (parse_line(l, line, &has_header) < 0)
			*array_push(&l->damaged) = arena_strdup(&l->arena, line);
	if (!has_header)
		return -EINVAL;
	take_old_deadline(l, text);
	*ret = TAKE(l);
	return 0;
}
