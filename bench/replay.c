/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay DIR CHANGES: the system calls of an apply, and nothing else: no planning, no journal, no
 * reading back. CHANGES is what "apply --json" said; DIR a made-up host that is as it was before.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "host/host-write.h"

#define GROUPS "sys/fs/cgroup/"

/* Where a knob's text is written; %s: the key. */
static const struct {
	const char *knob, *path;
} files[] = {
	{ "irq.affinity", "proc/irq/%s/smp_affinity_list" },
	{ "cgroup.cpus", GROUPS "%s/cpuset.cpus" },
	{ "cgroup.exclusive", GROUPS "%s/cpuset.cpus.exclusive" },
	{ "cgroup.partition", GROUPS "%s/cpuset.cpus.partition" },
	{ "cgroup.type", GROUPS "%s/cgroup.type" },
};

static int write_mask(struct host *h, const char *list, const char *path)
{
	struct cpuset cpus;
	int r = cpuset_parse_list(list, &cpus);
	AUTO_FREE char *mask = cpuset_format_mask(&cpus);
	return r < 0 ? r : host_write(h, mask, "%s", path);
}

static int write_file(struct host *h, const char *knob, const char *key, const char *text)
{
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		const char *at = strstr(files[i].path, "%s");
		if (streq(files[i].knob, knob))
			return host_write(h, text, "%.*s%s%s", (int)(at - files[i].path),
				files[i].path, key, at + strlen("%s"));
	}
	fprintf(stderr, "replay: %s is not known here\n", knob);
	exit(2);
}

static int delegate(struct host *h, const char *unit)
{
	int r = host_put_file(
		h, "[Scope]\nDelegate=cpuset\n", "run/systemd/system/%s.d/50-wideberth.conf", unit);
	return r < 0 ? r : host_reload_units(h);
}

static int make(struct host *h, const char *knob, const char *key, const char *text)
{
	struct cpuset cpus;
	bool is_set = cpuset_parse_list(text, &cpus) == 0;
	if (str_has_suffix(knob, ".affinity") && !streq(knob, "irq.affinity") && is_set)
		return host_set_affinity(h, atoi(key), &cpus);
	if (streq(knob, "irq.default_affinity"))
		return write_mask(h, text, "proc/irq/default_smp_affinity");
	if (streq(knob, "workqueue.cpumask"))
		return write_mask(h, text, "sys/devices/virtual/workqueue/cpumask");
	if (streq(knob, "irqbalance.banned"))
		return host_set_irqbalance(h, &cpus);
	if (streq(knob, "unit.allowed_cpus"))
		return host_set_unit_cpus(h, key, &cpus);
	if (streq(knob, "unit.delegate"))
		return delegate(h, key);
	if (streq(knob, "cgroup.dir"))
		return host_mkdir(h, GROUPS "%s", key);
	if (streq(knob, "thread.cgroup"))
		return host_write(h, key, GROUPS "%s/cgroup.threads", text);
	if (streq(knob, "cgroup.cpuset"))
		return host_write(
			h, "+cpuset", GROUPS "%s%scgroup.subtree_control", key, *key ? "/" : "");
	return write_file(h, knob, key, text);
}

int main(int argc, char **argv)
{
	struct err e;
	json_error_t error;
	AUTO_HOST struct host *h = NULL;
	json_t *said = argc == 3 ? json_load_file(argv[2], 0, &error) : NULL, *o;
	size_t i, n_failed = 0;
	if (!said || host_open(&h, argv[1], &e) < 0) {
		fprintf(stderr, "usage: replay DIR CHANGES\n");
		return 2;
	}
	json_array_foreach (json_object_get(said, "changes"), i, o) {
		const char *after = json_string_value(json_object_get(o, "after"));
		const char *result = json_string_value(json_object_get(o, "result"));
		if (after && result && streq(result, "done"))
			n_failed +=
				make(h, json_string_value(json_object_get(o, "knob")),
					json_string_value(json_object_get(o, "key")), after) < 0;
	}
	json_decref(said);
	if (n_failed)
		fprintf(stderr, "replay: %zu changes failed\n", n_failed);
	return n_failed > 0;
}
