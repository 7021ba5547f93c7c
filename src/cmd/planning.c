/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/planning.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "cmd/placements-picture.h"
#include "model/json.h"
#include "model/task.h"

void planning_done(struct planning *p)
{
	changes_freep(&p->changes);
	settings_freep(&p->settings);
	free(p->all.v);
	placements_freep(&p->placements);
	ledger_freep(&p->ledger);
	policy_freep(&p->policy);
	vms_freep(&p->vms);
	snapshot_freep(&p->snapshot);
}

bool placement_is_called(const struct placement *p, const char *word)
{
	return streq(p->vm, word) || (p->name && streq(p->name, word));
}

bool placement_is_alive(struct host *h, const struct placement *p)
{
	AUTO_FREE char *stat = NULL;
	struct task t;
	return host_read(h, &stat, NULL, "proc/%d/stat", p->pid) == 0 &&
		task_parse_stat(stat, &t) == 0 && t.start == p->start;
}

/* ---- policy: files, then options ---- */

static int add_file(
	struct context *c, struct policy *p, const char *path, bool is_host, struct err *e)
{
	AUTO_FREE char *text = NULL;
	if (is_host) {
		int r = host_read(c->h, &text, NULL, "%s", path);
		if (r == -ENOENT)
			return 0;
		return r < 0 ? err_set(e, r, "read '/%s'", path)
			     : policy_add_text(p, path, text, e);
	}
	AUTO_FILE FILE *f = fopen(path, "re");
	AUTO_STRBUF struct strbuf b = { 0 };
	if (!f)
		return err_set(e, -errno, "open policy '%s'", path);
	char part[4096];
	strbuf_puts(&b, "");
	for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
		strbuf_add(&b, part, n);
	if (ferror(f))
		return err_set(e, errno ? -errno : -EIO, "read policy '%s'", path);
	return policy_add_text(p, path, b.s, e);
}

static int add_default_files(struct context *c, struct policy *p, struct err *e)
{
	static const char dir[] = "etc/wideberth/wideberth.conf.d";
	AUTO_NAMES struct host_names names = { 0 };
	int r = add_file(c, p, "etc/wideberth/wideberth.conf", true, e);
	if (r < 0)
		return r;
	if (host_list(c->h, &names, "%s", dir) < 0)
		return 0;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		AUTO_FREE char *path = xasprintf("%s/%s", dir, names.v[i]);
		if (str_has_suffix(path, ".conf"))
			r = add_file(c, p, path, true, e);
	}
	return r;
}

/* --vm VM begins a section of its own; keys of the policy behind it belong to it. */
static int add_options(struct context *c, struct policy *p, struct err *e)
{
	const char *vm = NULL;
	array_for_each (o, &c->args->options) {
		int r = 0;
		if (streq(o->name, "vm")) {
			vm = o->value;
			r = policy_set(p, vm, NULL, NULL, e);
		} else if (!streq(o->name, "policy")) {
			size_t n;
			const struct policy_key *keys = policy_keys(&n);
			for (size_t i = 0; i < n && r == 0; i++) {
				if (!streq(keys[i].key, o->name))
					continue;
				bool is_host = streq(keys[i].section, "host");
				if (!vm && !is_host)
					return err_say(e, -EINVAL, "--%s must stand behind --vm VM",
						o->name);
				r = policy_set(p, is_host ? NULL : vm, o->name, o->value, e);
			}
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_policy(struct context *c, struct policy **ret, struct err *e)
{
	AUTO_POLICY struct policy *p = policy_new();
	int r = 0;
	bool has_files = false;
	array_for_each (o, &c->args->options) {
		if (r == 0 && streq(o->name, "policy")) {
			has_files = true;
			r = add_file(c, p, o->value, false, e);
		}
	}
	if (r == 0 && !has_files)
		r = add_default_files(c, p, e);
	if (r == 0)
		r = add_options(c, p, e);
	if (r == 0)
		r = policy_check(p, e);
	if (r == 0)
		*ret = TAKE(p);
	return r;
}

/* ---- which VMs ---- */

static bool is_named(const struct args *a, const struct vm *vm)
{
	bool has_names = false;
	array_for_each (o, &a->options) {
		if (!streq(o->name, "vm"))
			continue;
		has_names = true;
		if (vm_matches(vm, o->value))
			return true;
	}
	return !has_names;
}

struct indexes {
	ARRAY(size_t) v;
};

/* With --vm those, else all that a section of the policy names. */
static int select_vms(struct context *c, struct planning *p, struct indexes *ret, struct err *e)
{
	for (size_t i = 0; i < p->vms->n_vms; i++) {
		const struct vm *vm = &p->vms->vms[i];
		struct vm_wish wish;
		if (is_named(c->args, vm) &&
			policy_for_vm(p->policy, vm->id, vm->name, vm->uuid, &wish))
			*array_push(&ret->v) = i;
	}
	array_for_each (o, &c->args->options) {
		if (streq(o->name, "vm") && !vms_lookup(p->vms, o->value))
			return err_say(e, -ENOENT, "no running VM matches '%s'; see wideberth vms",
				o->value);
	}
	if (!ret->v.n)
		return err_say(e, -ENOENT,
			"no running VM is named by the policy; name one with --vm VM, or in a [vm "
			"NAME]"
			" section of /etc/wideberth/wideberth.conf");
	return 0;
}

/* Those in force whose VM lives, and is not placed anew. */
static void collect(struct context *c, struct planning *p)
{
	array_for_each (old, &p->ledger->placements) {
		bool is_new = !placement_is_alive(c->h, old);
		for (size_t i = 0; i < p->placements->n; i++)
			is_new |= p->placements->v[i].pid == old->pid;
		if (!is_new)
			*array_push(&p->all) = *old;
	}
	p->n_kept = p->all.n;
	for (size_t i = 0; i < p->placements->n; i++)
		*array_push(&p->all) = p->placements->v[i];
}

static int place(struct context *c, struct planning *p, struct err *e)
{
	struct indexes wanted = { 0 };
	ARRAY(struct placement) alive = { 0 };
	int r = select_vms(c, p, &wanted, e);
	array_for_each (old, &p->ledger->placements) {
		if (placement_is_alive(c->h, old))
			*array_push(&alive) = *old;
	}
	if (r == 0)
		r = place_vms(p->snapshot, p->vms, p->policy, wanted.v.v, wanted.v.n, alive.v,
			alive.n, &p->placements, e);
	free(wanted.v.v);
	free(alive.v);
	return r;
}

int planning_make(struct context *c, struct planning *p, struct err *e)
{
	if (read_policy(c, &p->policy, e) < 0)
		return EXIT_USAGE;
	if (ledger_read(c->h, &p->ledger, e) < 0 ||
		snapshot_read(c->h, SNAPSHOT_ALL, &p->snapshot, e) < 0 ||
		vms_find(c->h, p->snapshot, &p->vms, e) < 0)
		return EXIT_UNCHANGED;
	int r = place(c, p, e);
	if (r < 0)
		return r == -EINVAL ? EXIT_USAGE : EXIT_UNCHANGED;
	collect(c, p);
	p->settings = settings_for(p->snapshot, p->vms, p->all.v, p->all.n);
	if (changes_plan(c->h, p->ledger, p->settings, &p->changes, e) < 0)
		return EXIT_UNCHANGED;
	return 0;
}

/* ---- showing it ---- */

static json_t *change_json(const struct change *c, bool is_made)
{
	json_t *o = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "knob", c->knob->name, "key",
		c->target.key, "before", c->before, "after", c->after, "why", c->why);
	if (is_made) {
		json_object_set_new(o, "result", json_string(change_result_name(c->result)));
		if (c->reason)
			json_object_set_new(o, "reason", json_string(c->reason));
	}
	return o;
}

static bool is_alike(const struct change *a, const struct change *b)
{
	return a->knob == b->knob && streq(a->after, b->after) && streq(a->before, b->before);
}

static const char *shown(const char *value)
{
	return *value ? value : "unset";
}

/* Settings of one knob that change alike are one row: a host has dozens of kernel threads. */
static json_t *group_row(const struct changes *list, const struct change *first)
{
	AUTO_STRBUF struct strbuf keys = { 0 };
	for (const struct change *c = list->v.v; c < list->v.v + list->v.n; c++) {
		if (!change_is_needed(c) || !is_alike(c, first))
			continue;
		if (c < first)
			return NULL; /* has its row already */
		strbuf_printf(
			&keys, "%s%s", keys.n ? ", " : "", *c->target.key ? c->target.key : "/");
	}
	return json_pack("{s:s, s:s, s:s, s:s}", "knob", first->knob->name, "before",
		shown(first->before), "after", shown(first->after), "of", keys.s);
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
		if (!change_is_needed(c) || !c->before)
			continue;
		json_t *row = group_row(changes, c);
		if (row)
			json_array_append_new(rows, row);
		if (!has_row(whys, c->knob->name, c->why))
			json_array_append_new(whys,
				json_pack("{s:s, s:s}", "knob", c->knob->name, "why", c->why));
	}
	if (json_array_size(rows)) {
		report_heading(r, "Changes");
		report_table(r, rows, columns, N_ELEMENTS(columns));
		report_table(r, whys, reasons, N_ELEMENTS(reasons));
	} else {
		report_text(r, "Nothing to change.");
	}
	json_decref(rows);
	json_decref(whys);
}

void changes_report(const struct changes *changes, bool is_made, struct report *r)
{
	json_t *rows = json_array(), *immovable = json_array();
	array_for_each (c, &changes->v) {
		bool is_shown = is_made ? c->result != CHANGE_SAME : change_is_needed(c);
		if (is_shown && c->result != CHANGE_IMMOVABLE)
			json_array_append_new(rows, change_json(c, is_made));
		if (is_made && c->result == CHANGE_IMMOVABLE)
			json_array_append_new(immovable,
				json_pack("{s:s++, s:s*}", "what", c->knob->name, " ",
					c->target.key, "why", c->reason));
	}
	json_object_set_new(report_json(r), "changes", rows);
	json_object_set_new(report_json(r), "immovable", immovable);
	if (!is_made)
		report_planned(changes, r);
}

static json_t *refusal_json(const struct refusal *f)
{
	json_t *blocking = json_array(), *alternatives = json_array();
	for (size_t i = 0; i < f->n_blocking; i++)
		json_array_append_new(blocking, json_string(f->blocking[i]));
	for (size_t i = 0; i < f->n_alternatives; i++)
		json_array_append_new(alternatives, json_string(f->alternatives[i]));
	return json_pack("{s:s, s:s, s:o, s:o}", "vm", f->vm, "reason", f->reason, "blocking",
		blocking, "alternatives", alternatives);
}

static void report_refused(const struct planning *p, struct report *r)
{
	json_t *refused = json_array();
	for (size_t i = 0; i < p->placements->n_refused; i++) {
		const struct refusal *f = &p->placements->refused[i];
		json_array_append_new(refused, refusal_json(f));
		AUTO_FREE char *label = vm_label(f->vm, f->name);
		report_warning(r, "%s: refused: %s", label, f->reason);
		for (size_t k = 0; k < f->n_blocking; k++)
			report_text(r, "  blocked by: %s", f->blocking[k]);
		for (size_t k = 0; k < f->n_alternatives; k++)
			report_text(r, "  would fit: %s", f->alternatives[k]);
	}
	json_object_set_new(report_json(r), "refused", refused);
}

/* "db01: isolated on 4-5,16-17; vCPUs 0→4 1→16 2→5 3→17; the rest on 0-3,6-15,18-23" */
static void report_placement(const struct planning *p, const struct placement *v, struct report *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *claim = cpuset_format_list(&v->claim_cpus);
	AUTO_FREE char *rest = cpuset_format_list(cpuset_is_empty(&v->emulator_cpus)
			? &p->placements->housekeeping_cpus
			: &v->emulator_cpus);
	AUTO_FREE char *label = vm_label(v->vm, v->name);
	strbuf_printf(&b, "%s: %s on %s; vCPUs", label, level_name(v->level), claim);
	for (size_t i = 0; i < v->n_vcpus; i++) {
		AUTO_FREE char *cpus = cpuset_format_list(&v->vcpus[i].cpus);
		strbuf_printf(&b, " %d:%s", v->vcpus[i].vcpu, cpus);
	}
	strbuf_printf(&b, "; QEMU's other threads on %s", rest);
	report_text(r, "%s", b.s);
	if (v->why_less)
		report_warning(r, "%s: %s instead of %s: %s", label, level_name(v->level),
			level_name(v->wanted), v->why_less);
	if (v->place_note)
		report_note(r, "%s: %s", label, v->place_note);
}

void planning_report(const struct planning *p, struct report *r)
{
	json_t *vms = json_array(), *o = report_json(r);
	for (size_t i = 0; i < p->placements->n; i++)
		json_array_append_new(vms, placement_to_json(&p->placements->v[i]));
	json_object_set_new(o, "vms", vms);
	json_object_set_new(o, "housekeeping", cpus_json(&p->placements->housekeeping_cpus));
	report_picture(r,
		placements_picture(
			p->snapshot, p->all.v, p->all.n, &p->placements->housekeeping_cpus, NULL));
	for (size_t i = 0; i < p->placements->n; i++)
		report_placement(p, &p->placements->v[i], r);
	report_refused(p, r);
}
