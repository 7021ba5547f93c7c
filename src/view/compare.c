/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/compare.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "vm/vm.h"
#include "view/json.h"

/* A number of a saved measure, NAN where it is null or missing. */
static double number(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);
	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static double per_s(const json_t *measure, double count)
{
	return count / (number(measure, "window_ns") / 1e9);
}

/* Shares to six digits behind the point, rates to one: more they are not worth. */
enum { SHARE = 1000000, RATE = 10 };

static json_t *real_or_null(double v, int steps)
{
	if (!isfinite(v))
		return json_null();
	return json_real(v < 1e9 ? (double)(int64_t)(v * steps + 0.5) / steps : v);
}

/* "38x less", "1.2x more": for people. At most two digits that count; NULL: nothing to say. */
static char *change_text(double before, double after)
{
	enum { MOST = 1000 };
	if (!isfinite(before) || !isfinite(after))
		return NULL;
	if (before <= 0 && after <= 0)
		return xstrdup("none");
	bool is_less = after < before;
	double high = is_less ? before : after, low = is_less ? after : before;
	const char *word = is_less ? "less" : "more";
	if (low <= 0 || high / low > MOST)
		return xasprintf(">%dx %s", MOST, word);
	double factor = high / low;
	if (factor < 1.05)
		return xstrdup("same");
	return xasprintf(factor < 9.95 ? "%.1fx %s" : "%.0fx %s", factor, word);
}

static json_t *figure(double before, double after, int steps)
{
	AUTO_FREE char *change = change_text(before, after);
	json_t *j = json_object();
	json_object_set_new(j, "before", real_or_null(before, steps));
	json_object_set_new(j, "after", real_or_null(after, steps));
	json_object_set_new(
		j, "ratio", real_or_null(before > 0 ? after / before : (double)NAN, SHARE));
	json_object_set_new(j, "change", change ? text_json(change) : json_null());
	return j;
}

/* A pair of objects (two vCPUs, two VMs) with the measures they are from. */
struct pair {
	const json_t *before, *after; /* the measures */
	const json_t *x, *y;          /* the objects */
};

static void add_plain(json_t *row, const struct pair *p, const char *key, int steps)
{
	json_object_set_new(row, key, figure(number(p->x, key), number(p->y, key), steps));
}

/* A count, or a time in ns, of both: made independent of the window. */
static json_t *rate_figure(const struct pair *p, double x, double y, int steps)
{
	double unit = steps == SHARE ? 1e9 : 1;
	return figure(per_s(p->before, x) / unit, per_s(p->after, y) / unit, steps);
}

static void add_rate(
	json_t *row, const struct pair *p, const char *key, const char *rate_key, int steps)
{
	json_object_set_new(
		row, rate_key, rate_figure(p, number(p->x, key), number(p->y, key), steps));
}

static json_t *compare_vcpu(const struct pair *p)
{
	json_t *row = json_object();
	json_object_set(row, "vcpu", json_object_get(p->x, "vcpu"));
	add_plain(row, p, "stolen", SHARE);
	add_rate(row, p, "wait_ns", "wait_share", SHARE);
	add_rate(row, p, "run_ns", "run_share", SHARE);
	add_rate(row, p, "preemptions", "preemptions_per_s", RATE);
	add_rate(row, p, "migrations", "migrations_per_s", RATE);
	add_plain(row, p, "interrupts_per_cpu_s", RATE);
	return row;
}

/* The object of the array whose member 'key' is equal, or NULL. */
static const json_t *partner(const json_t *array, const char *key, const json_t *value)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *o = json_array_get(array, i);
		if (value && json_equal(json_object_get(o, key), value))
			return o;
	}
	return NULL;
}

static void warn(json_t *warnings, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warn(json_t *warnings, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	json_array_append_new(warnings, text_json(text));
}

/* Sum of a member over the vCPUs; unknown when one of them is. */
static double vcpu_sum(const json_t *vm, const char *key)
{
	const json_t *vcpus = json_object_get(vm, "vcpus");
	double sum = 0;
	for (size_t i = 0; i < json_array_size(vcpus); i++)
		sum += number(json_array_get(vcpus, i), key);
	return sum;
}

static double worst_stolen(const json_t *vm)
{
	const json_t *vcpus = json_object_get(vm, "vcpus");
	return number(partner(vcpus, "vcpu", json_object_get(vm, "worst_vcpu")), "stolen");
}

static void add_sum(
	json_t *row, const struct pair *p, const char *key, const char *rate_key, int steps)
{
	json_object_set_new(
		row, rate_key, rate_figure(p, vcpu_sum(p->x, key), vcpu_sum(p->y, key), steps));
}

char *compare_label(const json_t *vm)
{
	return vm_label(json_string_value(json_object_get(vm, "vm")),
		json_string_value(json_object_get(vm, "name")));
}

/* Same load? Waiting less lets a VM run more, so only running and wanting both much more, or much
 * less, speaks of another load. */
static void check_load(const struct pair *p, const char *label, json_t *warnings)
{
	double run_x = per_s(p->before, vcpu_sum(p->x, "run_ns"));
	double run_y = per_s(p->after, vcpu_sum(p->y, "run_ns"));
	double run = run_y / run_x;
	double wanted = (run_y + per_s(p->after, vcpu_sum(p->y, "wait_ns"))) /
		(run_x + per_s(p->before, vcpu_sum(p->x, "wait_ns")));
	if (run > 1.5 && wanted > 1.5)
		warn(warnings, "%s: the vCPUs ran %.1f times as much as before: not the same load?",
			label, run);
	if (run < 1 / 1.5 && wanted < 1 / 1.5)
		warn(warnings, "%s: the vCPUs ran %.2f times as much as before: not the same load?",
			label, run);
}

/* A file may hold any characters. */
static json_t *copied_text(const json_t *o, const char *key)
{
	return text_json(json_string_value(json_object_get(o, key)));
}

/* A number of a manager's may be another VM's by now. */
static void check_same_vm(
	const struct pair *p, size_t n_in_both, const char *label, json_t *warnings)
{
	size_t n_x = json_array_size(json_object_get(p->x, "vcpus")),
	       n_y = json_array_size(json_object_get(p->y, "vcpus"));
	const char *x = json_string_value(json_object_get(p->x, "name")),
		   *y = json_string_value(json_object_get(p->y, "name"));
	AUTO_FREE char *had = str_some(n_x, "vCPU");
	if (x && y && !streq(x, y))
		warn(warnings, "%s was called %s after: is it the same VM?", label, y);
	if (n_x != n_y)
		warn(warnings, "%s: had %s before and %zu after", label, had, n_y);
	else if (n_in_both != n_x)
		warn(warnings, "%s: not all of its vCPUs have the same numbers before and after",
			label);
}

static json_t *compare_vm(const struct pair *p, json_t *warnings)
{
	AUTO_FREE char *label = compare_label(p->x);
	const json_t *x = json_object_get(p->x, "vcpus"), *y = json_object_get(p->y, "vcpus");
	json_t *row = json_object(), *vcpus = json_array();
	for (size_t i = 0; i < json_array_size(x); i++) {
		struct pair v = { p->before, p->after, json_array_get(x, i), NULL };
		v.y = partner(y, "vcpu", json_object_get(v.x, "vcpu"));
		if (v.y)
			json_array_append_new(vcpus, compare_vcpu(&v));
	}
	check_same_vm(p, json_array_size(vcpus), label, warnings);
	check_load(p, label, warnings);
	json_object_set_new(row, "vm", copied_text(p->x, "vm"));
	json_object_set_new(row, "name", copied_text(p->x, "name"));
	add_plain(row, p, "stolen", SHARE);
	json_object_set_new(
		row, "worst_stolen", figure(worst_stolen(p->x), worst_stolen(p->y), SHARE));
	add_sum(row, p, "wait_ns", "wait_share", SHARE);
	add_sum(row, p, "run_ns", "run_share", SHARE);
	add_sum(row, p, "preemptions", "preemptions_per_s", RATE);
	add_sum(row, p, "migrations", "migrations_per_s", RATE);
	add_plain(row, p, "interrupts_per_cpu_s", RATE);
	add_plain(row, p, "device_interrupts_per_cpu_s", RATE);
	add_rate(row, p, "others_ns", "others_share", SHARE);
	json_object_set_new(row, "vcpus", vcpus);
	return row;
}

/* VMs of x that y has not. */
static json_t *only_in(const json_t *x, const json_t *y, const char *when, json_t *warnings)
{
	json_t *names = json_array();
	for (size_t i = 0; i < json_array_size(x); i++) {
		json_t *vm = json_array_get(x, i), *id = json_object_get(vm, "vm");
		if (partner(y, "vm", id))
			continue;
		AUTO_FREE char *label = compare_label(vm);
		json_array_append(names, id);
		warn(warnings, "%s was measured only %s", label, when);
	}
	return names;
}

static void check_capture(const json_t *m, const char *when, json_t *warnings)
{
	double steal = number(m, "host_steal"), coverage = number(m, "coverage");
	if (steal > 0.01)
		warn(warnings,
			"%s: this host itself lost %.1f %% of its time to its hypervisor:"
			" compare shares and ratios, trust no absolute time",
			when, 100 * steal);
	if (isnan(steal))
		warn(warnings, "%s: the host's own steal is unknown", when);
	if (coverage < 0.95)
		warn(warnings,
			"%s: coverage is %.1f %%: the scheduler's figures do not explain all of"
			" the window",
			when, 100 * coverage);
}

static void check_same_way(const json_t *before, const json_t *after, json_t *warnings)
{
	double x = number(before, "window_ns") / 1e9, y = number(after, "window_ns") / 1e9;
	if (x > 1.1 * y || y > 1.1 * x)
		warn(warnings, "the windows differ: %.1f s before, %.1f s after", x, y);
	if (!json_equal(json_object_get(before, "source"), json_object_get(after, "source")))
		warn(warnings, "the sources differ: %s before, %s after",
			json_string_value(json_object_get(before, "source")),
			json_string_value(json_object_get(after, "source")));
}

/* Times and counts are not negative, a share is at most all. */
static bool has_sane_figures(const json_t *o)
{
	const char *key;
	const json_t *v;
	json_object_foreach ((json_t *)(uintptr_t)o, key, v) {
		double most = streq(key, "stolen") ? 1 : (double)INFINITY;
		if (json_is_number(v) &&
			!(json_number_value(v) >= 0 && json_number_value(v) <= most))
			return false;
	}
	return true;
}

static int check_vm(const json_t *vms, size_t i, const char *which, struct err *e)
{
	const json_t *vm = json_array_get(vms, i), *id = json_object_get(vm, "vm"),
		     *vcpus = json_object_get(vm, "vcpus");
	bool is_sane = has_sane_figures(vm), is_whole = json_is_array(vcpus) && json_is_string(id);
	for (size_t k = 0; k < json_array_size(vcpus); k++) {
		is_whole &= json_is_object(json_array_get(vcpus, k));
		is_sane &= has_sane_figures(json_array_get(vcpus, k));
	}
	if (!is_whole)
		return err_say(e, -EINVAL, "the measure %s is damaged: vms[%zu] has no vm or vcpus",
			which, i);
	if (!is_sane)
		return err_say(e, -EINVAL,
			"the measure %s is damaged: vms[%zu] has figures that cannot be", which, i);
	if (partner(vms, "vm", id) != vm)
		return err_say(e, -EINVAL, "the measure %s is damaged: it has the VM '%s' twice",
			which, json_string_value(id));
	return 0;
}

/* Is it a saved measure, as far as the comparison relies on its shape? */
static int check_shape(const json_t *m, const char *which, struct err *e)
{
	const char *schema = json_string_value(json_object_get(m, "schema"));
	const json_t *vms = json_object_get(m, "vms");
	if (!schema || !streq(schema, "wideberth.measure/1"))
		return err_say(e, -EINVAL,
			"the measure %s is not one: its \"schema\" is %s%s%s,"
			" not \"wideberth.measure/1\"",
			which, schema ? "\"" : "", schema ? schema : "missing", schema ? "\"" : "");
	if (!(number(m, "window_ns") > 0) || !json_is_array(vms) ||
		!json_is_string(json_object_get(m, "source")))
		return err_say(e, -EINVAL, "the measure %s is damaged: no window_ns, source or vms",
			which);
	int r = 0;
	for (size_t i = 0; i < json_array_size(vms) && r == 0; i++)
		r = check_vm(vms, i, which, e);
	return r;
}

static json_t *summary(const json_t *m)
{
	static const char *const keys[] = { "window_ns", "source", "coverage", "host_steal" };
	json_t *j = json_object();
	for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
		json_t *v = json_object_get(m, keys[i]);
		json_object_set_new(j, keys[i], v ? json_incref(v) : json_null());
	}
	return j;
}

int compare_json(const json_t *before, const json_t *after, json_t **ret, struct err *e)
{
	int r = check_shape(before, "BEFORE", e);
	if (!r)
		r = check_shape(after, "AFTER", e);
	if (r < 0)
		return r;
	const json_t *x = json_object_get(before, "vms"), *y = json_object_get(after, "vms");
	json_t *j = json_object(), *vms = json_array(), *warnings = json_array();
	for (size_t i = 0; i < json_array_size(x); i++) {
		struct pair p = { before, after, json_array_get(x, i), NULL };
		p.y = partner(y, "vm", json_object_get(p.x, "vm"));
		if (p.y)
			json_array_append_new(vms, compare_vm(&p, warnings));
	}
	check_same_way(before, after, warnings);
	check_capture(before, "before", warnings);
	check_capture(after, "after", warnings);
	json_object_set_new(j, "before", summary(before));
	json_object_set_new(j, "after", summary(after));
	json_object_set_new(j, "vms", vms);
	json_object_set_new(j, "only_before", only_in(x, y, "before", warnings));
	json_object_set_new(j, "only_after", only_in(y, x, "after", warnings));
	json_object_set_new(j, "warnings", warnings);
	*ret = j;
	return 0;
}
