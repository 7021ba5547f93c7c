/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/plan.h"

#include "base/str.h"
#include "report/report.h"
#include "session/host-can.h"
#include "session/planning.h"
#include "view/changes.h"
#include "view/intruders.h"
#include "view/json.h"
#include "view/placement.h"
#include "view/placements-picture.h"

static json_t *blocking_json(const struct blocking *b)
{
	return OBJECT({ "vm", text_json(b->vm) }, { "cpus", cpus_json(&b->cpus) },
		{ "text", text_json(b->text) });
}

static json_t *move_json(const struct move *m)
{
	return OBJECT({ "vm", text_json(m->vm) }, { "from", cpus_json(&m->from) },
		{ "to", cpus_json(&m->to) }, { "for", text_json(m->for_vms) });
}

static json_t *moves_json(const struct move *v, size_t n)
{
	json_t *moves = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(moves, move_json(&v[i]));
	return moves;
}

static json_t *alternative_json(const struct alternative *a)
{
	json_t *set = json_object();
	for (size_t i = 0; i < N_ELEMENTS(a->set); i++)
		if (a->set[i].key)
			json_object_set_new(set, a->set[i].key, text_json(a->set[i].value));
	return OBJECT({ "set", set },
		{ "vcpus", a->n_vcpus ? number_json((int)a->n_vcpus) : json_null() },
		{ "move", moves_json(a->moves, a->n_moves) }, { "text", text_json(a->text) });
}

static json_t *refusal_json(const struct refusal *f)
{
	json_t *blocking = json_array(), *alternatives = json_array();
	for (size_t i = 0; i < f->blocking.n; i++)
		json_array_append_new(blocking, blocking_json(&f->blocking.v[i]));
	for (size_t i = 0; i < f->alternatives.n; i++)
		json_array_append_new(alternatives, alternative_json(&f->alternatives.v[i]));
	return OBJECT({ "vm", text_json(f->vm) }, { "reason", text_json(f->reason) },
		{ "blocking", blocking }, { "alternatives", alternatives });
}

static void report_refused(const struct planning *p, struct report *r)
{
	json_t *refused = json_array();
	for (size_t i = 0; i < p->placements->refused.n; i++) {
		const struct refusal *f = &p->placements->refused.v[i];
		json_array_append_new(refused, refusal_json(f));
		AUTO_FREE char *label = vm_label(f->vm, f->name);
		report_warning(r, "%s: refused: %s", label, f->reason);
		for (size_t k = 0; k < f->blocking.n; k++)
			report_text(r, "  blocked by: %s", f->blocking.v[k].text);
		for (size_t k = 0; k < f->alternatives.n; k++)
			report_text(r, "  would fit: %s", f->alternatives.v[k].text);
	}
	json_object_set_new(report_json(r), "refused", refused);
}

static bool has_iothreads(const struct vm *vm)
{
	for (size_t i = 0; vm && i < vm->n_threads; i++)
		if (vm->threads[i].role == ROLE_IOTHREAD)
			return true;
	return false;
}

/* What decided, as far as that is known. */
static void report_decision(const struct explanation *x, const char *label, struct report *r)
{
	const char *by = x->decided < N_TERMS ? plan_term_name(x->decided) : NULL;
	const char *where = x->is_kept              ? ", where it is in force and stays"
		: x->is_other_better && x->is_batch ? ", beside what is planned with it"
						    : "";
	if (!x->runner_up)
		report_heading(r, "%s: %s%s; there is no place for it outside of that", label,
			x->place, where);
	else if (x->is_kept || x->is_other_better)
		report_heading(r, "%s: %s%s; %s would be %s%s", label, x->place, where,
			x->runner_up,
			!by                          ? "as good"
				: x->is_other_better ? "better by "
						     : "worse by ",
			by ? by : "");
	else if (!by)
		report_heading(
			r, "%s: %s as well as %s: the lower CPUs", label, x->place, x->runner_up);
	else
		report_heading(r, "%s: %s and not %s, by %s", label, x->place, x->runner_up, by);
}

/* The terms in their order, of the place and of the runner-up. */
static void report_explanation(const struct explanation *x, const char *label, struct report *r)
{
	const struct column columns[] = {
		{ "text", "TERM", UNIT_NONE, false, true },
		{ "chosen", x->place, UNIT_NONE, true, false },
		{ "runner_up", x->runner_up ? x->runner_up : "", UNIT_NONE, true, false },
	};
	json_t *o = explanation_json(x);
	report_decision(x, label, r);
	report_table(r, json_object_get(o, "terms"), columns, x->runner_up ? 3 : 2);
	json_decref(o);
}

/* "db01: isolated on 4-5,16-17; vCPUs 0→4 1→16 2→5 3→17; the rest on 0-3,6-15,18-23" */
static void report_placement(const struct planning *p, const struct placement *v, struct report *r)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *claim = cpuset_format_list(&v->claim_cpus);
	struct cpuset emulator_cpus = placement_rest(v, &p->claims, &v->emulator_cpus),
		      iothread_cpus = placement_rest(v, &p->claims, &v->iothread_cpus);
	AUTO_FREE char *rest = cpuset_format_list(&emulator_cpus);
	AUTO_FREE char *iothreads = cpuset_format_list(&iothread_cpus);
	AUTO_FREE char *label = vm_label(v->vm, v->name);
	bool is_guess = v->n_vcpus && v->vcpus[0].vcpu < 0;
	bool is_shared = v->wish.cores == CORES_SHARED;
	AUTO_FREE char *shared = cpuset_format_list(&v->vcpu_cpus);
	strbuf_printf(&b, "%s: %s on %s; vCPUs", label, level_name(v->level),
		*claim ? claim : "no CPUs of its own");
	if (is_guess)
		strbuf_printf(&b, " unknown: %d of %zu threads,", v->wish.vcpus, v->n_vcpus);
	if (is_guess || is_shared)
		strbuf_printf(&b, " all on %s", shared);
	for (size_t i = 0; i < v->n_vcpus && !is_guess && !is_shared; i++) {
		AUTO_FREE char *cpus = cpuset_format_list(&v->vcpus[i].cpus);
		strbuf_printf(&b, " %d:%s", v->vcpus[i].vcpu, cpus);
	}
	if (!streq(iothreads, rest) && has_iothreads(placement_vm(v, p->vms)))
		strbuf_printf(&b, "; I/O threads on %s", iothreads);
	strbuf_printf(&b, "; QEMU's other threads on %s", rest);
	report_text(r, "%s", b.s);
	if (v->why_less)
		report_warning(r, "%s: %s instead of %s: %s", label, level_name(v->level),
			level_name(v->wish.isolation), v->why_less);
	if (v->place_note)
		report_note(r, "%s: %s", label, v->place_note);
	if (v->verdict)
		report_note(r, "%s: think twice: %s", label, v->verdict);
	if (v->explanation)
		report_explanation(v->explanation, label, r);
}

/* Who moves, and what that buys. */
static void report_moves(const struct planning *p, struct report *r)
{
	const struct placements *all = p->placements;
	json_object_set_new(report_json(r), "moves", moves_json(all->moves.v, all->moves.n));
	for (size_t i = 0; i < all->moves.n; i++) {
		const struct move *m = &all->moves.v[i];
		AUTO_FREE char *label = vm_label(m->vm, m->name),
			       *from = cpuset_format_cpus(&m->from),
			       *to = cpuset_format_list(&m->to);
		report_text(r, "%s moves from %s to %s, which makes room for %s", label, from, to,
			m->for_vms);
	}
	if (!all->moves.n)
		report_text(r,
			all->refused.n ? "No moves were found that make room for what is refused."
				       : "No VM in force has to move.");
}

static void add_warning(json_t *rows, const char *text, struct report *r)
{
	report_warning(r, "%s", text);
	json_array_append_new(rows, text_json(text));
}

/* What is in force as far as it can be seen, and who else is at it. */
static void report_warnings(const struct planning *p, struct report *r)
{
	const struct ledger *l = p->ledger;
	json_t *rows = json_array();
	AUTO_FREE char *tuned = p->tuned_profile ? tuned_advice(p->tuned_profile) : NULL,
		       *told = ledger_tell_damaged(l->damaged.n, l->path),
		       *damaged = xasprintf("%s is kept, but cannot be put back", told);
	if (tuned)
		add_warning(rows, tuned, r);
	if (l->is_hidden)
		add_warning(rows, LEDGER_HIDDEN, r);
	if (l->damaged.n)
		add_warning(rows, damaged, r);
	json_object_set_new(report_json(r), "warnings", rows);
}

/* For who reads it. */
static void report_places(const struct planning *p, struct report *r)
{
	report_picture(r,
		placements_picture(
			p->snapshot, p->all.v, p->all.n, &p->placements->housekeeping_cpus, NULL));
	for (size_t i = 0; i < p->placements->n; i++)
		report_placement(p, &p->placements->v[i], r);
}

void plan_report(const struct planning *p, struct report *r)
{
	json_t *vms = report_rows(r, "vms"), *o = report_json(r);
	for (size_t i = 0; i < p->placements->n; i++) {
		const struct placement *v = &p->placements->v[i];
		report_row(r, vms, placement_json(v, &p->claims, placement_vm(v, p->vms)));
	}
	json_object_set_new(o, "housekeeping", cpus_json(&p->placements->housekeeping_cpus));
	json_object_set_new(o, "housekeeping_note", text_json(p->placements->housekeeping_note));
	if (!report_is_json(r))
		report_places(p, r);
	if (p->is_repack)
		report_moves(p, r);
	if (p->placements->housekeeping_note)
		report_note(r, "housekeeping: %s", p->placements->housekeeping_note);
	if (p->placements->verdict)
		report_note(r, "think twice: %s", p->placements->verdict);
	json_object_set_new(o, "verdict", text_json(p->placements->verdict));
	json_object_set_new(o, "plan_ns", json_integer((json_int_t)p->placements->plan_ns));
	report_refused(p, r);
	report_warnings(p, r);
	displaced_report(p->displaced, r);
}
