/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Placements in words, for tests. */
#pragma once

#include "base/str.h"
#include "../machine/fake-host.h"
#include "plan/claims.h"
#include "plan/place.h"

UNUSED static struct cgroup *add_group(struct fake_host *h, const char *path, const char *effective)
{
	struct snapshot *s = &h->s;
	AUTO_FREE char *above = xstrdup(path);
	char *slash = strrchr(above, '/');
	*(slash ? slash : above) = 0;
	struct cgroup *g = &s->cgroups[s->n_cgroups];
	struct cpuset set = effective ? cpus(effective) : CPUSET_EMPTY;
	*g = (struct cgroup){ .path = path, .parent = snapshot_cgroup(s, above) };
	g->effective = effective ? arena_dup(&s->arena, &set, 1, sizeof set) : NULL;
	s->n_cgroups++;
	return g;
}

/* One line per VM: "100 isolated 1 13 2 14 emulator=3 iothreads=15 (note)"; refusals behind. */
static char *describe(const struct placements *p)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t i = 0; i < p->n; i++) {
		const struct placement *pl = &p->v[i];
		strbuf_printf(&b, "%s%s %s", i ? "\n" : "", pl->vm, level_name(pl->level));
		for (size_t k = 0; k < pl->n_vcpus; k++) {
			AUTO_FREE char *list = cpuset_format_list(&pl->vcpus[k].cpus);
			strbuf_printf(&b, " %s", list);
		}
		AUTO_FREE char *emulator = cpuset_format_list(&pl->emulator_cpus);
		AUTO_FREE char *iothreads = cpuset_format_list(&pl->iothread_cpus);
		if (*emulator)
			strbuf_printf(&b, " emulator=%s", emulator);
		if (*iothreads)
			strbuf_printf(&b, " iothreads=%s", iothreads);
		for (size_t k = 0; k < pl->n_iothreads; k++) {
			AUTO_FREE char *list = cpuset_format_list(&pl->iothreads[k].cpus);
			strbuf_printf(&b, " %s=%s", pl->iothreads[k].id, list);
		}
		if (pl->why_less || pl->place_note)
			strbuf_printf(&b, " (%s)", pl->why_less ? pl->why_less : pl->place_note);
	}
	for (size_t i = 0; i < p->refused.n; i++) {
		const struct refusal *r = &p->refused.v[i];
		strbuf_printf(&b, "%s%s: %s", b.n ? "\n" : "", r->vm, r->reason);
		for (size_t k = 0; k < r->blocking.n; k++)
			strbuf_printf(&b, "\n- %s", r->blocking.v[k].text);
		for (size_t k = 0; k < r->alternatives.n; k++)
			strbuf_printf(&b, "\n+ %s", r->alternatives.v[k].text);
	}
	return b.s;
}

/* Of the host's VMs the first n are placed, beside what is in force. */
UNUSED static void placed_beside(struct fake_host *h, const char *policy, size_t n,
	const struct placements *in_force, const char *want, const char *what)
{
	AUTO_PLACEMENTS struct placements *p = NULL;
	struct err e = { 0 };
	int r = fake_place(h, policy, n, in_force, &p, &e);
	AUTO_FREE char *got = r < 0 ? xstrdup(e.text) : describe(p);
	same_str(got, want, "%s", what);
}

UNUSED static void placed_first(
	struct fake_host *h, const char *policy, size_t n, const char *want, const char *what)
{
	placed_beside(h, policy, n, NULL, want, what);
}

UNUSED static void placed(
	struct fake_host *h, const char *policy, const char *want, const char *what)
{
	placed_first(h, policy, 64, want, what);
}
