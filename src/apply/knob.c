/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/knob.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

static const struct knob_ops *const table[] = {
	&irqbalance_ops,
	&irq_ops,
	&workqueue_ops,
	&unit_cpus_ops,
	&unit_mems_ops,
	&unit_delegate_ops,
	&cgroup_cpuset_ops,
	&cgroup_cpus_ops,
	&cgroup_mems_ops,
	&cgroup_dir_ops,
	&cgroup_type_ops,
	&cgroup_exclusive_ops,
	&cgroup_partition_ops,
	&thread_cgroup_ops,
	&thread_affinity_ops,
	&task_affinity_ops,
	&kthread_affinity_ops,
};

static const struct knob_ops file_ops = { .read = knob_read_file, .write = knob_write_file };

static const struct knob_ops *ops_of(const struct knob *k)
{
	for (size_t i = 0; i < N_ELEMENTS(table); i++)
		if (streq(table[i]->name, k->name))
			return table[i];
	return &file_ops;
}

bool target_is_same(const struct knob *knob_a, const struct target *a, const struct knob *knob_b,
	const struct target *b)
{
	bool has_same_id = a->id && b->id ? streq(a->id, b->id) : a->id == b->id;
	return streq(a->key, b->key) && has_same_id && knob_is_same_thing(knob_a, knob_b);
}

int knob_read(struct host *h, const struct knob *k, const struct target *t, struct arena *a,
	struct value *ret)
{
	return ops_of(k)->read(h, k, t, a, ret);
}

int knob_write(struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	return ops_of(k)->write(h, k, t, v);
}

struct value knob_baseline(
	struct host *h, const struct knob *k, const struct target *t, const struct value *now)
{
	const struct knob_ops *ops = ops_of(k);
	return ops->is_unset && ops->is_unset(h, t, now) ? VALUE_IS_UNSET : *now;
}

const char *knob_parent(
	struct host *h, const struct knob *k, const struct target *t, struct arena *a)
{
	const struct knob_ops *ops = ops_of(k);
	return ops->parent ? ops->parent(h, t, a) : NULL;
}

const char *knob_unit_property(const struct knob *k)
{
	return ops_of(k)->unit_property;
}

const char *knob_stays(struct host *h, const struct knob *k)
{
	const struct knob_ops *ops = ops_of(k);
	return ops->stays ? ops->stays(h) : NULL;
}

knob_settle_fn *knob_settle(const struct knob *k)
{
	return ops_of(k)->settle;
}

bool knob_is_same(struct host *h, const struct knob *k, const struct target *t,
	const struct value *wanted, const struct value *now)
{
	const struct knob_ops *ops = ops_of(k);
	if (ops->is_unset && wanted->kind == VALUE_UNSET)
		return ops->is_unset(h, t, now);
	return ops->is_same ? ops->is_same(h, t, wanted, now) : value_equal(wanted, now);
}

bool knob_holds(struct host *h, const struct knob *k, const struct target *t,
	const struct value *wanted, const struct cpuset *avoid, const struct value *now)
{
	bool is_off = avoid && now->kind == VALUE_SET && !cpuset_is_empty(now->cpus) &&
		!cpuset_intersects(now->cpus, avoid);
	return is_off || knob_is_same(h, k, t, wanted, now);
}

bool knob_is_ours(struct host *h, const struct knob *k, const struct target *t,
	const struct value *ours, const struct cpuset *avoid, const struct value *now)
{
	const struct knob_ops *ops = ops_of(k);
	if (k->is_collateral || knob_is_same(h, k, t, ours, now))
		return true;
	if (ops->is_ours && ops->is_ours(h, t, ours, now))
		return true;
	return ops->has_manager && knob_holds(h, k, t, ours, avoid, now) && ops->has_manager(h);
}

bool knob_is_back(struct host *h, const struct knob *k, const struct target *t,
	const struct value *written, const struct value *now)
{
	const struct knob_ops *ops = ops_of(k);
	return knob_is_same(h, k, t, written, now) ||
		(ops->is_left && ops->is_left(h, t, written, now));
}

const char *knob_explain(const struct knob *k, int error)
{
	const char *why = k->explain ? k->explain(error) : NULL;
	return why ? why : strerrordesc_np(-error);
}
