/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/policy.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/str.h"
#include "policy/ini.h"

enum section_kind { SECTION_HOST, SECTION_CHECK, SECTION_CLASS, SECTION_VM, N_SECTIONS };
static const char *const section_words[] = { "host", "check", "class", "vm", NULL };
/* What a section's name is; NULL: it has none. */
static const char *const section_names[] = { NULL, NULL, "NAME", "GLOB" };

/* One "[kind name]" as it stands in a file, or one option of the command line. */
struct section {
	enum section_kind kind;
	const char *name; /* "" for [host] and [check] */
	bool is_command_line;
	const char *source;                  /* "FILE:LINE" or "command line" */
	const char *set_at[POLICY_KEYS_MAX]; /* by key: its "FILE:LINE"; NULL: not set */
	struct policy_values values;
};

struct policy {
	struct arena arena;
	ARRAY(struct section *) sections;
	struct limits limits;
	bool migrates_memory;
};

struct policy *policy_new(void)
{
	struct policy *p = xcalloc(1, sizeof *p);
	p->limits = limits_default();
	return p;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	free(p->sections.v);
	arena_done(&p->arena);
	free(p);
}

void policy_migrate_memory(struct policy *p)
{
	p->migrates_memory = true;
}

bool policy_migrates_memory(const struct policy *p)
{
	return p->migrates_memory;
}

static struct section *add_section(
	struct policy *p, enum section_kind kind, const char *name, const char *source)
{
	struct section *s = arena_alloc(&p->arena, sizeof *s);
	*s = (struct section){
		.kind = kind, .name = arena_strdup(&p->arena, name), .source = source
	};
	*array_push(&p->sections) = s;
	return s;
}

/* "[class latency]" or "[host]", for messages. */
static char *section_title(struct policy *p, const struct section *s)
{
	return arena_printf(
		&p->arena, "[%s%s%s]", section_words[s->kind], *s->name ? " " : "", s->name);
}

static bool key_fits(const struct policy_key *key, enum section_kind kind)
{
	return streq(key->section, section_words[kind]) ||
		(kind == SECTION_VM && streq(key->section, "class"));
}

static int unknown_key(struct policy *p, const struct section *s, const char *name,
	const char *source, struct err *e)
{
	size_t n;
	const struct policy_key *keys = policy_keys(&n);
	const char *words[POLICY_KEYS_MAX + 1] = { NULL };
	size_t n_words = 0;
	struct strbuf all AUTO_STRBUF = { 0 };
	const char *home = NULL;
	for (size_t i = 0; i < n; i++) {
		if (streq(keys[i].key, name))
			home = keys[i].section;
		if (!key_fits(&keys[i], s->kind))
			continue;
		words[n_words++] = keys[i].key;
		strbuf_printf(&all, "%s%s", all.n ? ", " : "", keys[i].key);
	}
	const char *title = section_title(p, s), *near = str_nearest(name, words);
	if (home)
		return err_say(e, -EINVAL, "%s: unknown key '%s' in %s (it belongs in [%s])",
			source, name, title, home);
	if (near)
		return err_say(e, -EINVAL, "%s: unknown key '%s' in %s (did you mean '%s'?)",
			source, name, title, near);
	return err_say(
		e, -EINVAL, "%s: unknown key '%s' in %s (valid: %s)", source, name, title, all.s);
}

static int bad_value(
	const struct policy_key *key, const char *value, const char *source, struct err *e)
{
	if (!*value)
		return err_say(e, -EINVAL, "%s: %s has no value (valid: %s)", source, key->key,
			key->values);
	const char *near = key->words ? str_nearest(value, key->words) : NULL;
	if (near)
		return err_say(e, -EINVAL, "%s: bad value '%s' for %s (did you mean '%s'?)", source,
			value, key->key, near);
	return err_say(e, -EINVAL, "%s: bad value '%s' for %s (valid: %s)", source, value, key->key,
		key->values);
}

/* A key of [check]: the later one counts. */
static int set_limit(
	struct policy *p, const char *name, const char *value, const char *source, struct err *e)
{
	size_t n;
	const struct limit_row *rows = limit_rows(&n);
	int r = limits_set(&p->limits, name, value);
	ARRAY(const char *) words = { 0 };
	for (size_t i = 0; i < n; i++) {
		*array_push(&words) = rows[i].key;
		if (r == -EINVAL && streq(rows[i].key, name))
			err_say(e, -EINVAL,
				"%s: bad value '%s' for %s (valid: a number from %g to %g)", source,
				value, name, rows[i].least, rows[i].most);
	}
	*array_push(&words) = NULL;
	AUTO_FREE const char **all = words.v;
	if (r != -ENOENT)
		return r;
	const char *near = str_nearest(name, all);
	return err_say(e, -EINVAL, "%s: unknown key '%s' in [check] (%s%s%s)", source, name,
		near ? "did you mean '" : "man wideberth lists them", near ? near : "",
		near ? "'?" : "");
}

static int set_key(struct policy *p, struct section *s, const char *name, const char *value,
	const char *source, struct err *e)
{
	size_t n, i = 0;
	const struct policy_key *keys = policy_keys(&n);
	if (s->kind == SECTION_CHECK)
		return set_limit(p, name, value, source, e);
	while (i < n && !(streq(keys[i].key, name) && key_fits(&keys[i], s->kind)))
		i++;
	if (i == n)
		return unknown_key(p, s, name, source, e);
	if (s->set_at[i])
		return err_say(e, -EINVAL, "%s: %s is set twice in %s, first at %s", source, name,
			section_title(p, s), s->set_at[i]);
	struct policy_text in = { &keys[i], arena_strdup(&p->arena, value), source };
	int r = *value ? keys[i].parse(&in, (char *)&s->values + keys[i].offset) : -EINVAL;
	if (r < 0)
		return bad_value(&keys[i], value, source, e);
	if (r == POLICY_LATER)
		return err_say(e, -EINVAL, "%s: %s = %s is not supported yet: left out, %s is %s",
			source, name, value, name, keys[i].fallback);
	s->set_at[i] = source;
	return 0;
}

/* "[host], [check], [class NAME], [vm GLOB]"; malloc'ed. */
static char *section_forms(void)
{
	struct strbuf b = { 0 };
	for (size_t i = 0; i < N_SECTIONS; i++)
		strbuf_printf(&b, "%s[%s%s%s]", i ? ", " : "", section_words[i],
			section_names[i] ? " " : "", section_names[i] ? section_names[i] : "");
	return b.s;
}

static int open_section(
	struct policy *p, const struct ini *ini, char *text, struct section **ret, struct err *e)
{
	AUTO_FREE char *valid = section_forms();
	char *name = text;
	const char *word = str_next_word(&name);
	if (!word)
		return err_say(e, -EINVAL, "%s:%d: [] has no name (valid: %s)", ini->file,
			ini->line, valid);
	name = str_trim(name);
	int kind = 0;
	while (kind < N_SECTIONS && !streq(section_words[kind], word))
		kind++;
	if (kind == N_SECTIONS) {
		const char *near = str_nearest(word, section_words);
		if (near)
			return err_say(e, -EINVAL,
				"%s:%d: unknown section [%s] (did you mean '%s'?)", ini->file,
				ini->line, word, near);
		return err_say(e, -EINVAL, "%s:%d: unknown section [%s] (valid: %s)", ini->file,
			ini->line, word, valid);
	}
	bool wants_name = section_names[kind];
	if (!wants_name && *name)
		return err_say(e, -EINVAL, "%s:%d: [%s] takes no name", ini->file, ini->line, word);
	if (wants_name && !*name)
		return err_say(e, -EINVAL, "%s:%d: [%s] needs a name: [%s %s]", ini->file,
			ini->line, word, word, kind == SECTION_VM ? "100" : "latency");
	*ret = add_section(p, (enum section_kind)kind, name,
		arena_printf(&p->arena, "%s:%d", ini->file, ini->line));
	return 0;
}

int policy_add_text(struct policy *p, const char *file, const char *text, struct err *e)
{
	AUTO_FREE char *copy = xstrdup(text);
	struct ini ini = { .file = file, .rest = copy };
	struct section *section = NULL;
	for (;;) {
		struct ini_item item;
		int r = ini_next(&ini, &item, e);
		if (r < 0)
			return r;
		if (item.kind == INI_END)
			return 0;
		if (item.kind == INI_SECTION)
			r = open_section(p, &ini, item.name, &section, e);
		else if (!section)
			r = err_say(e, -EINVAL, "%s:%d: '%s' stands before the first [section]",
				file, ini.line, item.name);
		else
			r = set_key(p, section, item.name, item.value,
				arena_printf(&p->arena, "%s:%d", file, ini.line), e);
		if (r < 0)
			return r;
	}
}

int policy_set(
	struct policy *p, const char *vm_glob, const char *key, const char *value, struct err *e)
{
	enum section_kind kind = vm_glob ? SECTION_VM : SECTION_HOST;
	struct section *s = add_section(p, kind, vm_glob ? vm_glob : "", "command line");
	s->is_command_line = true;
	return key ? set_key(p, s, key, value, "command line", e) : 0;
}

/* Copies what the section sets. */
static void merge(struct policy_values *to, const struct section *s)
{
	size_t n;
	const struct policy_key *keys = policy_keys(&n);
	for (size_t i = 0; i < n; i++)
		if (s->set_at[i] && keys[i].size)
			memcpy((char *)to + keys[i].offset,
				(const char *)&s->values + keys[i].offset, keys[i].size);
}

struct limits policy_limits(const struct policy *p)
{
	return p->limits;
}

struct host_wish policy_host(const struct policy *p)
{
	struct policy_values values = { 0 };
	for (int pass = 0; pass < 2; pass++) /* as in merge_vm() */
		array_for_each (s, &p->sections)
			if ((*s)->is_command_line == (pass == 1) && (*s)->kind == SECTION_HOST)
				merge(&values, *s);
	return values.host;
}

static bool word_matches(const char *word, const char *called, int flags)
{
	return called && (streq(word, called) || !fnmatch(word, called, flags));
}

static bool section_matches(
	const struct section *s, const char *id, const char *name, const char *uuid)
{
	return s->kind == SECTION_VM &&
		(word_matches(s->name, id, 0) || word_matches(s->name, name, 0) ||
			word_matches(s->name, uuid, FNM_CASEFOLD));
}

bool policy_vm_section(
	const struct policy *p, size_t i, const char **ret_name, const char **ret_source)
{
	array_for_each (s, &p->sections) {
		if ((*s)->kind != SECTION_VM || i--)
			continue;
		*ret_name = (*s)->name;
		*ret_source = (*s)->source;
		return true;
	}
	return false;
}

/* The matching sections of files, then those of the command line: policy_set() wins over texts
 * that are added after it. */
static void merge_vm(const struct policy *p, const char *id, const char *name, const char *uuid,
	struct policy_values *ret)
{
	for (int pass = 0; pass < 2; pass++)
		array_for_each (s, &p->sections)
			if ((*s)->is_command_line == (pass == 1) &&
				section_matches(*s, id, name, uuid)) {
				merge(ret, *s);
				ret->vm.source = (*s)->source;
			}
}

bool policy_for_vm(const struct policy *p, const char *id, const char *name, const char *uuid,
	struct vm_wish *ret)
{
	struct policy_values own = { 0 };
	merge_vm(p, id, name, uuid, &own);
	struct policy_values all = { .vm.isolation = LEVEL_ISOLATED };
	if (own.class_key.name)
		array_for_each (s, &p->sections)
			if ((*s)->kind == SECTION_CLASS && streq((*s)->name, own.class_key.name))
				merge(&all, *s);
	merge_vm(p, id, name, uuid, &all);
	*ret = all.vm;
	return all.vm.source;
}

static int check_class(const struct policy *p, const struct section *s, struct err *e)
{
	const char *want = s->values.class_key.name, *at = s->values.class_key.source;
	if (!want)
		return 0;
	ARRAY(const char *) names = { 0 };
	array_for_each (c, &p->sections)
		if ((*c)->kind == SECTION_CLASS)
			*array_push(&names) = (*c)->name;
	*array_push(&names) = NULL;
	AUTO_FREE const char **words = names.v;
	for (size_t i = 0; words[i]; i++)
		if (streq(words[i], want))
			return 0;
	const char *near = str_nearest(want, words);
	if (near)
		return err_say(
			e, -EINVAL, "%s: unknown class '%s' (did you mean '%s'?)", at, want, near);
	return err_say(
		e, -EINVAL, "%s: unknown class '%s' (there is no [class %s])", at, want, want);
}

/* True when both sections may be about one VM: then the later refines the earlier. */
static bool may_be_one_vm(const struct section *a, const struct section *b)
{
	return !fnmatch(a->name, b->name, 0) || !fnmatch(b->name, a->name, 0);
}

/* What the section's VMs get by explicit number, unless the same section later says otherwise. */
static const struct helper_place *explicit_place(const struct policy *p, size_t i, int which)
{
	size_t offset = which ? offsetof(struct policy_values, vm.iothreads)
			      : offsetof(struct policy_values, vm.emulator);
	const struct helper_place *place =
		(const void *)((const char *)&p->sections.v[i]->values + offset);
	if (p->sections.v[i]->kind != SECTION_VM || place->wish != HELPER_CPUS)
		return NULL;
	for (size_t j = i + 1; j < p->sections.n; j++) {
		const struct section *s = p->sections.v[j];
		const struct helper_place *later =
			(const void *)((const char *)&s->values + offset);
		if (s->kind == SECTION_VM && later->source &&
			streq(s->name, p->sections.v[i]->name))
			return NULL;
	}
	return place;
}

static int check_overlap(const struct policy *p, size_t i, size_t j, struct err *e)
{
	static const char *const names[] = { "emulator", "iothreads" };
	for (int k = 0; k < 4; k++) {
		const struct helper_place *a = explicit_place(p, i, k / 2),
					  *b = explicit_place(p, j, k % 2);
		if (!a || !b || !cpuset_intersects(&a->cpus, &b->cpus))
			continue;
		struct cpuset both = cpuset_and(&a->cpus, &b->cpus);
		AUTO_FREE char *cpus = cpuset_format_cpus(&both);
		return err_say(e, -EINVAL, "%s: %s of [vm %s] overlaps %s of [vm %s] at %s in %s",
			b->source, names[k % 2], p->sections.v[j]->name, names[k / 2],
			p->sections.v[i]->name, a->source, cpus);
	}
	return 0;
}

int policy_check(const struct policy *p, struct err *e)
{
	for (size_t i = 0; i < p->sections.n; i++) {
		int r = check_class(p, p->sections.v[i], e);
		for (size_t j = 0; r == 0 && j < i; j++)
			if (!may_be_one_vm(p->sections.v[j], p->sections.v[i]))
				r = check_overlap(p, j, i, e);
		if (r < 0)
			return r;
	}
	return 0;
}
