/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/knob.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/str.h"
#include "host/host-write.h"
#include "kernel/cpus.h"

static const struct knob *const table[] = {
	&knob_irqbalance,
	&knob_irq_default,
	&knob_irq,
	&knob_workqueue,
	&knob_unit_cpus,
	&knob_unit_delegate,
	&knob_cgroup_cpuset,
	&knob_cgroup_cpus,
	&knob_cgroup_dir,
	&knob_cgroup_type,
	&knob_cgroup_exclusive,
	&knob_cgroup_partition,
	&knob_thread_cgroup,
	&knob_thread_affinity,
	&knob_task_affinity,
	&knob_kthread_affinity,
};

const struct knob *const *knobs(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(table);
	return table;
}

const struct knob *knob_find(const char *name)
{
	for (size_t i = 0; i < N_ELEMENTS(table); i++)
		if (streq(table[i]->name, name))
			return table[i];
	return NULL;
}

bool knob_is_same_thing(const char *a, const char *b)
{
	if (streq(a, b))
		return true;
	const struct knob *x = knob_find(a), *y = knob_find(b);
	return x && y && x->write == y->write;
}

bool target_is_same(
	const char *knob_a, const struct target *a, const char *knob_b, const struct target *b)
{
	bool has_same_id = a->id && b->id ? streq(a->id, b->id) : a->id == b->id;
	return streq(a->key, b->key) && has_same_id && knob_is_same_thing(knob_a, knob_b);
}

bool knob_is_same(const struct knob *k, struct host *h, const struct target *t, const char *wanted,
	const char *now)
{
	return k->is_same ? k->is_same(h, t, wanted, now) : streq(wanted, now);
}

bool knob_holds(const struct knob *k, struct host *h, const struct target *t, const char *wanted,
	const char *avoid, const char *now)
{
	struct cpuset out, set;
	if (knob_is_same(k, h, t, wanted, now))
		return true;
	return avoid && cpuset_parse_list(avoid, &out) == 0 && cpuset_parse_list(now, &set) == 0 &&
		!cpuset_is_empty(&set) && !cpuset_intersects(&set, &out);
}

bool knob_is_ours(const struct knob *k, struct host *h, const struct target *t, const char *ours,
	const char *avoid, const char *now)
{
	if (k->is_collateral || knob_is_same(k, h, t, ours, now))
		return true;
	if (k->is_ours && k->is_ours(h, t, ours, now))
		return true;
	return k->has_manager && knob_holds(k, h, t, ours, avoid, now) && k->has_manager(h);
}

bool knob_is_gone(int error)
{
	return error == -ENOENT || error == -ESRCH || error == -ENODEV;
}

const char *knob_explain(const struct knob *k, int error)
{
	const char *why = k->explain ? k->explain(error) : NULL;
	return why ? why : strerrordesc_np(-error);
}

bool cpulist_is_same(struct host *h, const struct target *t, const char *wanted, const char *now)
{
	(void)h;
	(void)t;
	struct cpuset a, b;
	if (cpuset_parse_list(wanted, &a) < 0 || cpuset_parse_list(now, &b) < 0)
		return streq(wanted, now);
	return cpuset_equal(&a, &b);
}

/* The kernel trims what it is given to what there is. */
bool cpulist_is_part(struct host *h, const struct target *t, const char *ours, const char *now)
{
	(void)h;
	(void)t;
	struct cpuset a, b;
	if (cpuset_parse_list(ours, &a) < 0 || cpuset_parse_list(now, &b) < 0)
		return false;
	return !cpuset_is_empty(&b) && cpuset_is_subset(&b, &a);
}

static int read_set(struct host *h, char **ret, const char *path,
	int (*parse)(const char *text, struct cpuset *ret))
{
	AUTO_FREE char *text = NULL;
	struct cpuset set;
	int r = host_read(h, &text, NULL, "%s", path);
	if (r == 0)
		r = parse(text, &set);
	if (r == 0)
		*ret = cpuset_format_list(&set);
	return r;
}

int knob_read_mask(struct host *h, char **ret, const char *path)
{
	return read_set(h, ret, path, cpuset_parse_mask);
}

int knob_read_list(struct host *h, char **ret, const char *path)
{
	return read_set(h, ret, path, cpus_parse_list);
}

int knob_write_mask(struct host *h, const char *path, const char *list)
{
	struct cpuset set;
	int r = cpuset_parse_list(list, &set);
	if (r < 0)
		return r;
	AUTO_FREE char *mask = cpuset_format_mask(&set);
	return host_write(h, mask, "%s", path);
}
