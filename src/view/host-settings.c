/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/host-settings.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "view/host-power.h"
#include "view/json.h"
#include "model/snapshot.h"
#include "report/report.h"

/* ---- boot parameters ---- */

/* CPUs whose RCU callbacks run in threads of their own: "rcuop/3", "rcuos/3"
 * (Documentation/admin-guide/kernel-parameters.txt, rcu_nocbs=). NULL without such threads. */
static const struct cpuset *rcu_offloaded(const struct snapshot *s, struct cpuset *ret)
{
	*ret = CPUSET_EMPTY;
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct task *t = &s->tasks[i];
		int cpu;
		if (task_is_kthread(t) && sscanf(t->comm, "rcuo%*1[ps]/%d", &cpu) == 1)
			cpuset_add(ret, cpu);
	}
	return cpuset_is_empty(ret) ? NULL : ret;
}

/* What became of a parameter: its effect, and where that is seen. */
struct effect {
	const char *name;
	bool is_missed; /* said too where the parameter is not set */
	const struct cpuset *cpus;
	const char *text, *seen_in;
};
enum { EFFECTS_MAX = 12 };

/* What effects need that the snapshot does not hold as it is. */
struct derived {
	struct cpuset offloaded;
	struct strbuf pools;
};

/* All pages of the size. */
static uint64_t pool_total(const struct snapshot *s, uint64_t size_kib)
{
	uint64_t total = 0;
	for (size_t i = 0; i < s->n_nodes; i++)
		for (size_t k = 0; k < s->nodes[i].n_hugepages; k++)
			if (s->nodes[i].hugepages[k].size_kib == size_kib)
				total += s->nodes[i].hugepages[k].total;
	return total;
}

/* The smallest size above the other of any node; 0: there is none. A node without memory has no
 * pools. */
static uint64_t next_pool(const struct snapshot *s, uint64_t above_kib)
{
	uint64_t next = 0;
	for (size_t i = 0; i < s->n_nodes; i++)
		for (size_t k = 0; k < s->nodes[i].n_hugepages; k++) {
			uint64_t size = s->nodes[i].hugepages[k].size_kib;
			if (size > above_kib && (!next || size < next))
				next = size;
		}
	return next;
}

/* "8192 x 2 MiB, 4 x 1 GiB" of all nodes together; nothing where no node has pools. */
static const char *pools_text(const struct snapshot *s, struct strbuf *ret)
{
	for (uint64_t size = 0; (size = next_pool(s, size));) {
		AUTO_FREE char *text = unit_format(UNIT_KIB, (double)size);
		strbuf_printf(ret, "%s%llu x %s", ret->n ? ", " : "",
			(unsigned long long)pool_total(s, size), text);
	}
	return ret->s;
}

static size_t effects_of(
	const struct snapshot *s, struct derived *d, struct effect ret[EFFECTS_MAX])
{
	const struct tunables *t = s->tunables;
	const struct cpuset *isolated = s->has_isolated_file ? &s->boot_isolated_cpus : NULL;
	const struct effect all[] = {
		{ "isolcpus", true, isolated, NULL, "sys/devices/system/cpu/isolated" },
		{ "nohz_full", true, t->nohz_full_cpus, NULL, "sys/devices/system/cpu/nohz_full" },
		{ "rcu_nocbs", true, rcu_offloaded(s, &d->offloaded), NULL, "threads rcuop/N" },
		{ "irqaffinity", true, s->default_smp_affinity, NULL,
			"proc/irq/default_smp_affinity" },
		{ "hugepages", true, NULL, pools_text(s, &d->pools),
			"sys/devices/system/node/nodeN/hugepages" },
		{ "transparent_hugepage", false, NULL, t->thp_enabled,
			"sys/kernel/mm/transparent_hugepage/enabled" },
		{ "nosmt", false, NULL, t->smt_control, "sys/devices/system/cpu/smt/control" },
		{ "intel_pstate", false, NULL, t->intel_pstate,
			"sys/devices/system/cpu/intel_pstate/status" },
		{ "amd_pstate", false, NULL, t->amd_pstate,
			"sys/devices/system/cpu/amd_pstate/status" },
		{ "cpuidle.off", false, NULL, t->idle_driver,
			"sys/devices/system/cpu/cpuidle/current_driver" },
		{ "clocksource", false, NULL, t->clocksource,
			"sys/devices/system/clocksource/clocksource0/current_clocksource" },
	};
	_Static_assert(N_ELEMENTS(all) <= EFFECTS_MAX, "room for all");
	memcpy(ret, all, sizeof all);
	return N_ELEMENTS(all);
}

/* value: NULL where the parameter is not set. */
static json_t *boot_json(const char *name, const char *value, const struct effect *e)
{
	json_t *effect = !e ? json_null() : e->text ? text_json(e->text) : cpus_json(e->cpus);
	return OBJECT({ "parameter", text_json(name) }, { "is_set", json_boolean(value != NULL) },
		{ "value", text_json(value) }, { "effect", effect },
		{ "seen_in", text_json(e ? e->seen_in : NULL) });
}

static json_t *boots_json(const struct snapshot *s)
{
	struct derived d = { 0 };
	struct effect effects[EFFECTS_MAX];
	size_t n = effects_of(s, &d, effects);
	json_t *rows = json_array();
	for (size_t i = 0; i < s->boot_params.n; i++) {
		const struct boot_param *p = &s->boot_params.v[i];
		const struct effect *found = NULL;
		for (size_t k = 0; !found && k < n; k++)
			found = boot_param_is(p, effects[k].name) ? &effects[k] : NULL;
		json_array_append_new(rows, boot_json(p->name, p->value, found));
	}
	for (size_t k = 0; s->cmdline && k < n; k++)
		if (effects[k].is_missed && !boot_param(&s->boot_params, effects[k].name))
			json_array_append_new(rows, boot_json(effects[k].name, NULL, &effects[k]));
	strbuf_done(&d.pools);
	return rows;
}

/* For people: not set is said in words, and no CPU too. */
static json_t *boot_row(const json_t *o)
{
	const char *value = json_string_value(json_object_get(o, "value"));
	const char *effect = json_string_value(json_object_get(o, "effect"));
	return OBJECT({ "parameter", json_incref(json_object_get(o, "parameter")) },
		{ "value", text_json(value ? value : "not set") },
		{ "effect", text_json(effect && !*effect ? "none" : effect) },
		{ "seen_in", json_incref(json_object_get(o, "seen_in")) });
}

/* Those with an effect as a table, the others in a paragraph. */
static void show_boot(const struct snapshot *s, struct report *r)
{
	static const struct column columns[] = {
		{ "parameter", "parameter" },
		{ "value", "value", .may_wrap = true },
		{ "effect", "in effect", .may_wrap = true },
		{ "seen_in", "seen in", .may_wrap = true },
	};
	json_t *all = boots_json(s), *shown = json_array(), *o;
	AUTO_STRBUF struct strbuf others = { 0 };
	size_t i;
	json_array_foreach (all, i, o) {
		const char *value = json_string_value(json_object_get(o, "value"));
		if (!json_is_null(json_object_get(o, "seen_in")))
			json_array_append_new(shown, boot_row(o));
		else
			strbuf_printf(&others, "%s%s%s%s", others.n ? " " : "",
				json_string_value(json_object_get(o, "parameter")),
				*value ? "=" : "", value);
	}
	json_object_set_new(report_json(r), "boot", all);
	report_heading(r, "Boot parameters");
	if (s->cmdline)
		report_table(r, shown, columns, N_ELEMENTS(columns));
	else
		report_note(r, "there is no /proc/cmdline");
	if (others.n)
		report_text(r, "Others: %s", others.s);
	json_decref(shown);
}

/* ---- tunables ---- */

static json_t *value_json(struct tunable_value v)
{
	if (v.is_number)
		return count_json(v.number);
	return v.cpus ? cpus_json(v.cpus) : text_json(v.text);
}

static const char *const group_names[] = {
	[TUNABLE_MEMORY] = "memory",
	[TUNABLE_SCHEDULER] = "scheduler",
	[TUNABLE_POWER] = "power",
	[TUNABLE_KVM] = "kvm",
};

/* "200000 ns" */
static json_t *tunable_row_json(const struct tunable_row *row, struct tunable_value v)
{
	AUTO_FREE char *text = v.is_number
		? xasprintf("%lld%s%s", (long long)v.number, row->unit ? " " : "",
			  row->unit ? row->unit : "")
		: v.cpus ? cpuset_format_list(v.cpus)
			 : xstrdup(v.text);
	return OBJECT({ "name", text_json(row->name) }, { "value", text_json(text) },
		{ "about", text_json(row->about) });
}

static bool is_absent(struct tunable_value v)
{
	return v.is_number ? v.number == ABSENT : !v.cpus && !v.text;
}

static json_t *tunables_json(const struct snapshot *s)
{
	json_t *all = json_array();
	size_t n;
	const struct tunable_row *rows = tunable_rows(&n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(all,
			OBJECT({ "group", text_json(group_names[rows[i].group]) },
				{ "name", text_json(rows[i].name) },
				{ "value", value_json(tunable_value(s->tunables, &rows[i])) },
				{ "unit", text_json(rows[i].unit) },
				{ "file", text_json(rows[i].path) }));
	return all;
}

/* Of text only what the host has; a group that it lacks whole is said to be absent. */
static void show_group(const struct snapshot *s, struct report *r, enum tunable_group group,
	const char *heading, const char *absent)
{
	static const struct column columns[] = {
		{ "name", "setting" },
		{ "value", "value", .is_right = true },
		{ "about", "what it is", .may_wrap = true },
	};
	json_t *shown = json_array();
	size_t n;
	const struct tunable_row *rows = tunable_rows(&n);
	for (size_t i = 0; i < n; i++) {
		struct tunable_value v = tunable_value(s->tunables, &rows[i]);
		if (rows[i].group == group && !is_absent(v))
			json_array_append_new(shown, tunable_row_json(&rows[i], v));
	}
	report_heading(r, "%s", heading);
	if (json_array_size(shown))
		report_table(r, shown, columns, N_ELEMENTS(columns));
	else
		report_text(r, "%s", absent);
	json_decref(shown);
}

/* ---- zones ---- */

static void show_zones(const struct snapshot *s, struct report *r)
{
	static const struct column columns[] = {
		{ "node", "node", .is_right = true },
		{ "zone", "zone" },
		{ "free_pages", "free", UNIT_COUNT, true },
		{ "min_pages", "min", UNIT_COUNT, true },
		{ "low_pages", "low", UNIT_COUNT, true },
		{ "high_pages", "high", UNIT_COUNT, true },
		{ "managed_pages", "of", UNIT_COUNT, true },
	};
	json_t *rows = json_array();
	for (size_t i = 0; i < s->zones.n; i++) {
		const struct zone *z = &s->zones.v[i];
		json_array_append_new(rows,
			OBJECT({ "node", json_integer(z->node) }, { "zone", text_json(z->name) },
				{ "free_pages", json_integer((json_int_t)z->free) },
				{ "min_pages", json_integer((json_int_t)z->min) },
				{ "low_pages", json_integer((json_int_t)z->low) },
				{ "high_pages", json_integer((json_int_t)z->high) },
				{ "managed_pages", json_integer((json_int_t)z->managed) }));
	}
	json_object_set_new(report_json(r), "zones", rows);
	report_heading(r, "Memory zones, in pages: below low the kernel reclaims, up to high");
	if (s->zones.n)
		report_table(r, rows, columns, N_ELEMENTS(columns));
	else
		report_text(r, "There is no /proc/zoneinfo.");
}

/* ---- what else is there ---- */

static void show_services(const struct snapshot *s, struct report *r)
{
	struct service services[SERVICES_MAX];
	size_t n = snapshot_services(s, services);
	json_t *rows = json_array();
	AUTO_STRBUF struct strbuf on = { 0 }, off = { 0 };
	for (size_t i = 0; i < n; i++) {
		const struct task *t = services[i].task;
		if (t)
			strbuf_printf(&on, "%s%s (%d)", on.n ? ", " : "", services[i].name, t->pid);
		else
			strbuf_printf(&off, "%s%s", off.n ? ", " : "", services[i].name);
		json_array_append_new(rows,
			OBJECT({ "service", text_json(services[i].name) },
				{ "running", json_boolean(t != NULL) },
				{ "pid", number_json(t ? t->pid : -1) }));
	}
	json_object_set_new(report_json(r), "services", rows);
	report_heading(r, "Services that change what wideberth sets, or compete with it");
	report_text(
		r, "Running: %s. Not running: %s.", on.n ? on.s : "none", off.n ? off.s : "none");
}

static void show_resctrl(const struct snapshot *s, struct report *r)
{
	static const struct column columns[] = {
		{ "group", "group" },
		{ "cpus", "CPUs", .may_wrap = true },
		{ "schemata", "schemata", .may_wrap = true },
	};
	json_t *rows = json_array();
	for (size_t i = 0; i < s->n_resctrl; i++) {
		const struct resctrl_group *g = &s->resctrl[i];
		json_array_append_new(rows,
			OBJECT({ "group", *g->name ? text_json(g->name) : text_json("/") },
				{ "cpus", cpus_json(g->cpus) },
				{ "schemata", text_json(g->schemata) }));
	}
	json_object_set_new(report_json(r), "resctrl", rows);
	report_heading(r, "Cache and memory bandwidth (resctrl)");
	if (s->n_resctrl)
		report_table(r, rows, columns, N_ELEMENTS(columns));
	else
		report_text(r, "Not mounted.");
}

/* The payload has them already, see show. */
static void show_devices(struct report *r)
{
	static const struct column columns[] = {
		{ "address", "address" },
		{ "kind", "kind" },
		{ "node", "node", .is_right = true },
		{ "driver", "driver" },
		{ "iommu_group", "IOMMU group", .is_right = true },
	};
	json_t *devices = json_object_get(report_json(r), "devices");
	report_heading(r, "PCI devices");
	if (json_array_size(devices))
		report_table(r, devices, columns, N_ELEMENTS(columns));
	else
		report_text(r, "None.");
}

void show_settings(const struct snapshot *s, struct report *r)
{
	json_object_set_new(report_json(r), "tunables", tunables_json(s));
	show_boot(s, r);
	show_group(s, r, TUNABLE_MEMORY, "Memory", "The host says nothing.");
	show_zones(s, r);
	show_group(
		s, r, TUNABLE_SCHEDULER, "Scheduler, watchdogs, clock", "The host says nothing.");
	show_group(s, r, TUNABLE_POWER, "Power", "The host says nothing.");
	show_power(s, r);
	show_group(s, r, TUNABLE_KVM, "KVM", "The modules are not loaded.");
	show_services(s, r);
	show_resctrl(s, r);
	show_devices(r);
}
