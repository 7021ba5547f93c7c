/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/host-power.h"

#include <string.h>

#include "base/str.h"
#include "view/json.h"
#include "model/snapshot.h"
#include "report/report.h"

/* CPUs that share a row, and what is a sum over them. */
struct fold {
	json_t *row; /* what they have in common */
	struct cpuset cpus;
	int64_t sums[2];
	int64_t least, most;
};
struct folds {
	ARRAY(struct fold) v;
};

/* The row with the same values, or a new one. Takes 'row'. */
static struct fold *fold_into(struct folds *all, json_t *row)
{
	array_for_each (f, &all->v) {
		if (json_equal(f->row, row)) {
			json_decref(row);
			return f;
		}
	}
	struct fold *f = array_push(&all->v);
	*f = (struct fold){
		.row = row, .sums = { ABSENT, ABSENT }, .least = ABSENT, .most = ABSENT
	};
	return f;
}

static void add_sum(int64_t *sum, int64_t n)
{
	if (n != ABSENT && __builtin_add_overflow(*sum == ABSENT ? 0 : *sum, n, sum))
		*sum = INT64_MAX;
}

static void add_range(struct fold *f, int64_t n)
{
	if (n == ABSENT)
		return;
	f->least = f->least == ABSENT || n < f->least ? n : f->least;
	f->most = f->most == ABSENT || n > f->most ? n : f->most;
}

/* The rows as an array; the folds are empty then. sums and range: names of keys, or NULL. */
static json_t *rows_of(struct folds *all, const char *const sums[2], const char *const range[2])
{
	json_t *rows = json_array();
	array_for_each (f, &all->v) {
		json_t *row = OBJECT({ "cpus", cpus_json(&f->cpus) });
		json_object_update(row, f->row);
		for (int i = 0; sums && i < 2; i++)
			json_object_set_new(row, sums[i], count_json(f->sums[i]));
		if (range) {
			json_object_set_new(row, range[0], count_json(f->least));
			json_object_set_new(row, range[1], count_json(f->most));
		}
		json_array_append_new(rows, row);
		json_decref(f->row);
	}
	free(all->v.v);
	*all = (struct folds){ 0 };
	return rows;
}

static void put(struct report *r, const char *key, json_t *rows, const char *heading,
	const struct column *columns, size_t n, const char *absent)
{
	json_object_set_new(report_json(r), key, rows);
	report_heading(r, "%s", heading);
	if (json_array_size(rows))
		report_table(r, rows, columns, n);
	else
		report_text(r, "%s", absent);
}

static void show_frequency(const struct power *p, struct report *r)
{
	static const char *const now[] = { "cur_min_khz", "cur_max_khz" };
	static const struct column columns[] = {
		{ "cpus", "CPUs", .may_wrap = true }, { "driver", "driver" },
		{ "governor", "governor" }, { "epp", "EPP" }, { "min_khz", "from", UNIT_KHZ, true },
		{ "max_khz", "up to", UNIT_KHZ, true },
		{ "hw_max_khz", "possible", UNIT_KHZ, true }, /* the last: where it is not used */
	};
	struct folds all = { 0 };
	size_t n_columns = N_ELEMENTS(columns) - 1;
	for (size_t i = 0; i < p->n_policies; i++) {
		const struct freq_policy *f = &p->policies[i];
		struct fold *fold = fold_into(&all,
			OBJECT({ "driver", text_json(f->driver) },
				{ "governor", text_json(f->governor) },
				{ "governors", text_json(f->governors) },
				{ "epp", text_json(f->epp) }, { "min_khz", count_json(f->min_khz) },
				{ "max_khz", count_json(f->max_khz) },
				{ "hw_min_khz", count_json(f->hw_min_khz) },
				{ "hw_max_khz", count_json(f->hw_max_khz) }));
		if (f->cpus)
			fold->cpus = cpuset_or(&fold->cpus, f->cpus);
		add_range(fold, f->cur_khz);
		if (f->max_khz != f->hw_max_khz)
			n_columns = N_ELEMENTS(columns);
	}
	put(r, "frequency", rows_of(&all, NULL, now), "Frequency", columns, n_columns,
		"No cpufreq: the kernel does not choose the frequency here.");
}

static void show_idle(const struct power *p, struct report *r)
{
	static const char *const sums[] = { "usage", "time_us" };
	static const struct column columns[] = {
		{ "state", "state" },
		{ "cpus", "CPUs", .may_wrap = true },
		{ "latency_us", "exit takes us", UNIT_COUNT, true },
		{ "disabled", "disabled" },
		{ "usage", "entered", UNIT_COUNT, true },
	};
	struct folds all = { 0 };
	for (size_t i = 0; i < p->n_cpus; i++) {
		for (size_t k = 0; k < p->cpus[i].n_idle_states; k++) {
			const struct idle_state *state = &p->cpus[i].idle_states[k];
			struct fold *fold = fold_into(&all,
				OBJECT({ "state", text_json(state->name) },
					{ "latency_us", count_json(state->latency_us) },
					{ "disabled",
						state->disable == ABSENT
							? json_null()
							: json_boolean(state->disable != 0) }));
			cpuset_add(&fold->cpus, p->cpus[i].cpu);
			add_sum(&fold->sums[0], state->usage);
			add_sum(&fold->sums[1], state->time_us);
		}
	}
	put(r, "idle_states", rows_of(&all, sums, NULL), "Idle states", columns,
		N_ELEMENTS(columns), "No cpuidle: the kernel does not choose idle states here.");
}

/* Said as people mean it; any other text as it is. */
static const char *limit_text(const char *resume_latency)
{
	if (streq(resume_latency, "0"))
		return "no limit";
	return streq(resume_latency, "n/a") ? "no latency at all" : resume_latency;
}

/* How long leaving an idle state may take (PM QoS). */
static void show_limits(const struct power *p, struct report *r)
{
	static const struct column columns[] = {
		{ "cpus", "CPUs", .may_wrap = true },
		{ "limit", "limit" },
		{ "resume_latency_us", "pm_qos_resume_latency_us" },
	};
	struct folds all = { 0 };
	for (size_t i = 0; i < p->n_cpus; i++) {
		const char *text = p->cpus[i].resume_latency;
		if (!text)
			continue;
		struct fold *fold = fold_into(&all,
			OBJECT({ "resume_latency_us", text_json(text) },
				{ "limit", text_json(limit_text(text)) }));
		cpuset_add(&fold->cpus, p->cpus[i].cpu);
	}
	put(r, "latency_limits", rows_of(&all, NULL, NULL),
		"Latency of leaving an idle state (PM QoS)", columns, N_ELEMENTS(columns),
		"The host does not say.");
}

static void show_throttling(const struct power *p, struct report *r)
{
	static const struct column columns[] = {
		{ "cpus", "CPUs", .may_wrap = true },
		{ "core", "core throttled", UNIT_COUNT, true },
		{ "package", "package throttled", UNIT_COUNT, true },
	};
	struct folds all = { 0 };
	for (size_t i = 0; i < p->n_cpus; i++) {
		const struct cpu_power *c = &p->cpus[i];
		if (c->core_throttle_count == ABSENT && c->package_throttle_count == ABSENT)
			continue;
		struct fold *fold = fold_into(&all,
			OBJECT({ "core", count_json(c->core_throttle_count) },
				{ "package", count_json(c->package_throttle_count) }));
		cpuset_add(&fold->cpus, c->cpu);
	}
	put(r, "throttled", rows_of(&all, NULL, NULL), "Throttled by heat, times since boot",
		columns, N_ELEMENTS(columns), "The host does not count it.");
}

void show_power(const struct snapshot *s, struct report *r)
{
	show_frequency(s->power, r);
	show_idle(s->power, r);
	show_limits(s->power, r);
	show_throttling(s->power, r);
}
