/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay DIR CHANGES: the system calls of an apply or an undo, and nothing else: no planning, no
 * journal, no reading back. CHANGES is what "apply --json" or "undo --json" said; DIR a made-up
 * host, or / in the lab, that is as it was before that.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "host/host-write.h"

#define GROUPS "sys/fs/cgroup/"

#define DROPIN "run/systemd/system/%s.d/50-wideberth.conf"

/* Where a knob's text is written; %s: the key. And what is written for no value; NULL: nothing. */
static const struct {
	const char *knob, *path, *none;
} files[] = {
	{ "irq.affinity", "proc/irq/%s/smp_affinity_list", NULL },
	{ "cgroup.cpus", GROUPS "%s/cpuset.cpus", "\n" },
	{ "cgroup.exclusive", GROUPS "%s/cpuset.cpus.exclusive", "\n" },
	{ "cgroup.partition", GROUPS "%s/cpuset.cpus.partition", "member" },
	{ "cgroup.type", GROUPS "%s/cgroup.type", NULL },
};

/* Drop-ins that went, and of which systemd does not know yet. */
static bool is_reload_owed;

static int write_mask(struct host *h, const char *list, const char *path)
{
	struct cpuset cpus;
	int r = cpuset_parse_list(list, &cpus);
	AUTO_FREE char *mask = cpuset_format_mask(&cpus);
	return r < 0 ? r : host_write(h, mask, "%s", path);
}

static int write_file(struct host *h, const char *knob, const char *key, const char *value)
{
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		const char *at = strstr(files[i].path, "%s");
		const char *text = streq(value, "-") || !*value ? files[i].none : value;
		if (streq(files[i].knob, knob))
			return !text ? 0
				     : host_write(h, text, "%.*s%s%s", (int)(at - files[i].path),
					       files[i].path, key, at + strlen("%s"));
	}
	fprintf(stderr, "replay: %s is not known here\n", knob);
	exit(2);
}

static int unset_unit_list(struct host *h, const char *unit, const char *property)
{
	int r = host_remove_file(h, HOST_UNIT_DROPIN, unit, property);
	is_reload_owed = true;
	return r == -ENOENT ? host_remove_file(h, HOST_UNIT_DROPIN_TRANSIENT, unit, property) : r;
}

static int delegate(struct host *h, const char *unit, bool is_on)
{
	is_reload_owed |= !is_on;
	if (!is_on)
		return host_remove_file(h, DROPIN, unit);
	int r = host_put_file(h, "[Scope]\nDelegate=cpuset\n", DROPIN, unit);
	return r < 0 ? r : host_reload_units(h);
}

static int make(struct host *h, const char *knob, const char *key, const char *text)
{
	struct cpuset cpus;
	bool is_set = cpuset_parse_list(text, &cpus) == 0;
	if (streq(text, "all")) /* as many as there can be: the kernel takes what it has */
		is_set = cpuset_parse_list("0-1023", &cpus) == 0;
	if (str_has_suffix(knob, ".affinity") && !streq(knob, "irq.affinity") && is_set)
		return host_set_affinity(h, atoi(key), &cpus);
	if (streq(knob, "irq.default_affinity"))
		return write_mask(h, text, "proc/irq/default_smp_affinity");
	if (streq(knob, "workqueue.cpumask"))
		return write_mask(h, text, "sys/devices/virtual/workqueue/cpumask");
	if (streq(knob, "irqbalance.banned"))
		return host_set_irqbalance(h, &cpus);
	if (streq(knob, "unit.allowed_cpus"))
		return is_set && *text ? host_set_unit_list(h, key, "AllowedCPUs", &cpus)
				       : unset_unit_list(h, key, "AllowedCPUs");
	if (streq(knob, "unit.delegate"))
		return delegate(h, key, streq(text, "yes"));
	if (streq(knob, "cgroup.dir"))
		return streq(text, "-") ? host_rmdir(h, GROUPS "%s", key)
					: host_mkdir(h, GROUPS "%s", key);
	if (streq(knob, "thread.cgroup"))
		return host_write(h, key, GROUPS "%s/cgroup.threads", text);
	if (streq(knob, "cgroup.cpuset"))
		return host_write(h, streq(text, "enabled") ? "+cpuset" : "-cpuset",
			GROUPS "%s%scgroup.subtree_control", key, *key ? "/" : "");
	return write_file(h, knob, key, text);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));
	return text ? text : "";
}

/* Of apply those that were made, of undo all: what was right already is told there too, and rare.
 */
static size_t make_all(struct host *h, const json_t *rows, const char *value)
{
	size_t i, n_failed = 0;
	json_t *o;
	json_array_foreach (rows, i, o) {
		const char *knob = text_of(o, "knob"), *result = text_of(o, "result");
		if (*result && !streq(result, "done"))
			continue;
		if (is_reload_owed && !str_after(knob, "unit.")) {
			n_failed += host_reload_units(h) < 0;
			is_reload_owed = false;
		}
		int r = make(h, knob, text_of(o, "key"), text_of(o, value));
		if (r < 0)
			fprintf(stderr, "replay: %s of %s to '%s': %s\n", knob, text_of(o, "key"),
				text_of(o, value), strerror(-r));
		n_failed += r < 0;
	}
	return n_failed;
}

int main(int argc, char **argv)
{
	struct err e;
	json_error_t error;
	AUTO_HOST struct host *h = NULL;
	json_t *said = argc == 3 ? json_load_file(argv[2], 0, &error) : NULL;
	if (!said || host_open(&h, argv[1], &e) < 0) {
		fprintf(stderr, "usage: replay DIR CHANGES\n");
		return 2;
	}
	size_t n_failed = make_all(h, json_object_get(said, "changes"), "after") +
		make_all(h, json_object_get(said, "restored"), "value");
	json_decref(said);
	return n_failed > 0;
}
