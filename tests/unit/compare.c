/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include <errno.h>

#include "base/alloc.h"
#include "view/compare.h"

static json_t *saved(const char *vms, double steal, double window_s)
{
	json_t *j = json_pack("{s:s, s:I, s:s, s:n, s:f, s:o}", "schema", "wideberth.measure/1",
		"window_ns", (json_int_t)(window_s * 1e9), "source", "procfs", "coverage",
		"host_steal", steal, "vms", json_loads(vms, 0, NULL));
	return j;
}

static const char before_vms[] =
	"[{\"vm\":\"db01\",\"stolen\":0.38,\"worst_vcpu\":0,\"others_ns\":2000000000,"
	"\"interrupts_per_cpu_s\":100,\"device_interrupts_per_cpu_s\":50,\"vcpus\":["
	"{\"vcpu\":0,\"stolen\":0.4,\"run_ns\":600000000,\"wait_ns\":400000000,"
	"\"preemptions\":285,\"migrations\":4,\"interrupts_per_cpu_s\":100},"
	"{\"vcpu\":1,\"stolen\":0,\"run_ns\":0,\"wait_ns\":0,\"preemptions\":0,"
	"\"migrations\":null,\"interrupts_per_cpu_s\":100}]},"
	"{\"vm\":\"101\",\"name\":\"gone\",\"vcpus\":[]}]";
static const char after_vms[] =
	"[{\"vm\":\"db01\",\"stolen\":0.01,\"worst_vcpu\":0,\"others_ns\":0,"
	"\"interrupts_per_cpu_s\":101,\"device_interrupts_per_cpu_s\":0,\"vcpus\":["
	"{\"vcpu\":0,\"stolen\":0.01,\"run_ns\":1960000000,\"wait_ns\":20000000,"
	"\"preemptions\":0,\"migrations\":0,\"interrupts_per_cpu_s\":101},"
	"{\"vcpu\":1,\"stolen\":0.5,\"run_ns\":0,\"wait_ns\":0,\"preemptions\":0,"
	"\"migrations\":null,\"interrupts_per_cpu_s\":0}]}]";

static void figure_is(const json_t *row, const char *key, double before, double after, double ratio,
	const char *change)
{
	const json_t *f = json_object_get(row, key);
	double x = json_number_value(json_object_get(f, "before"));
	double y = json_number_value(json_object_get(f, "after"));
	const json_t *q = json_object_get(f, "ratio");
	double z = json_is_number(q) ? json_number_value(q) : -1;
	if (!ok(x > before - 1e-6 && x < before + 1e-6 && y > after - 1e-6 && y < after + 1e-6 &&
			    z > ratio - 1e-6 && z < ratio + 1e-6,
		    "%s", key))
		printf("# got %g %g %g\n", x, y, z);
	same_str(json_string_value(json_object_get(f, "change")), change, "in words");
}

static bool has_warning(const json_t *j, const char *part)
{
	const json_t *all = json_object_get(j, "warnings");
	for (size_t i = 0; i < json_array_size(all); i++)
		if (strstr(json_string_value(json_array_get(all, i)), part))
			return true;
	return false;
}

static void test_compare(void)
{
	json_t *x = saved(before_vms, 0.02, 1), *y = saved(after_vms, 0.0, 2), *j = NULL;
	struct err e = { 0 };
	if (!ok(compare_json(x, y, &j, &e) == 0, "compare: %s", e.text))
		return;
	const json_t *vm = json_array_get(json_object_get(j, "vms"), 0);
	const json_t *vcpu = json_array_get(json_object_get(vm, "vcpus"), 0);
	figure_is(vm, "stolen", 0.38, 0.01, 0.026316, "38x less");
	figure_is(vm, "worst_stolen", 0.4, 0.01, 0.025, "40x less");
	figure_is(vm, "others_share", 2, 0, 0, ">1000x less");
	figure_is(vm, "interrupts_per_cpu_s", 100, 101, 1.01, "same");
	figure_is(vcpu, "wait_share", 0.4, 0.01, 0.025, "40x less");
	figure_is(vcpu, "run_share", 0.6, 0.98, 1.633333, "1.6x more");
	figure_is(vcpu, "preemptions_per_s", 285, 0, 0, ">1000x less");
	figure_is(vcpu, "migrations_per_s", 4, 0, 0, ">1000x less");
	vcpu = json_array_get(json_object_get(vm, "vcpus"), 1);
	figure_is(vcpu, "stolen", 0, 0.5, -1, ">1000x more");
	figure_is(vcpu, "wait_share", 0, 0, -1, "none");
	ok(json_is_null(json_object_get(json_object_get(vcpu, "migrations_per_s"), "change")),
		"unknown before and after: nothing said");
	ok(has_warning(j, "windows differ") &&
			has_warning(j, "101 (gone) was measured only before") &&
			has_warning(j, "lost 2.0 % of its time") && !has_warning(j, "same load"),
		"gates");
	AUTO_FREE char *text = json_dumps(j, JSON_COMPACT);
	ok(text && !strstr(text, "inf") && !strstr(text, "nan"), "no inf, no nan");
	json_decref(j);
	json_object_set_new(y, "schema", json_string("wideberth.show/1"));
	same_int(compare_json(x, y, &j, &e), -EINVAL, "another schema is refused");
	ok(strstr(e.text, "AFTER") && strstr(e.text, "wideberth.show/1"), "by name: %s", e.text);
	json_object_clear(x);
	same_int(compare_json(x, y, &j, &e), -EINVAL, "an empty object is refused");
	json_decref(x);
	json_decref(y);
	static const char *const damaged[] = { "[1, {\"vm\": 3}]",
		"[{\"vm\": \"1\", \"vcpus\": []}, {\"vm\": \"1\", \"vcpus\": []}]",
		"[{\"vm\": \"1\", \"stolen\": 7, \"vcpus\": []}]",
		"[{\"vm\": \"1\", \"vcpus\": [{\"vcpu\": 0, \"run_ns\": -5}]}]",
		"[{\"vm\": \"1\", \"vcpus\": [5]}]" };
	for (size_t i = 0; i < N_ELEMENTS(damaged); i++) {
		x = saved(damaged[i], 0, 1);
		same_int(compare_json(x, x, &j, &e), -EINVAL, "refused: %s", damaged[i]);
		ok(strstr(e.text, "BEFORE is damaged: "), "%s", e.text);
		json_decref(x);
	}
	x = saved("[{\"vm\":\"1\",\"name\":\"a\",\"vcpus\":[{\"vcpu\":0}]}]", 0, 1);
	y = saved("[{\"vm\":\"1\",\"name\":\"b\",\"vcpus\":[{\"vcpu\":1}]}]", 0, 1);
	same_int(compare_json(x, y, &j, &e), 0, "one number, two names");
	ok(has_warning(j, "1 (a) was called b after: is it the same VM?") &&
			has_warning(j, "not all of its vCPUs have the same numbers"),
		"is told");
	json_decref(j);
	json_decref(y);
	json_decref(x);
	x = saved("[1]", 0, 1);
	same_int(compare_json(x, x, &j, &e), -EINVAL, "VMs that are none are refused");
	json_decref(x);
}

int main(void)
{
	test_compare();
	return tap_done();
}
