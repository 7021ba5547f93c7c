/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 1, too: is it a quota that stops the VM? */
#include "check/internal.h"

/* The unit's own name: "qemu.slice/100.scope" → "100.scope". */
static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

struct quota {
	const char *path;
	const struct group_reading *g;
	double n_cpus;
	double now, ever; /* shares of the periods in which it stopped somebody: of the interval,
			   * since the group began; -1: not known */
};

static bool quota_of(const struct checking *c, const char *path, struct quota *ret)
{
	const struct group_reading *g = group_reading_of(c, path);
	const struct group_rate *rate = c->in->rates ? rates_group(c->in->rates, path) : NULL;
	if (!g || !g->has_max || !g->max.quota_us)
		return false;
	*ret = (struct quota){ .path = path,
		.g = g,
		.n_cpus = (double)g->max.quota_us / (double)g->max.period_us,
		.now = rate ? rate->throttled : -1,
		.ever = !g->has_stat ? -1
			: !g->stat.n_periods
			? 0
			: (double)g->stat.n_throttled / (double)g->stat.n_periods };
	return true;
}

/* What counts is the interval, where there was one. */
static double quota_share(const struct quota *q)
{
	return q->now >= 0 ? q->now : q->ever;
}

static const char *how_often(struct checking *c, const struct quota *q)
{
	if (quota_share(q) <= 0 && q->ever <= 0)
		return q->ever < 0 ? "" : ", which has not stopped it";
	if (q->now < 0)
		return say(c, ", which stopped it in %s %% of the periods since it began",
			percent(c, q->ever));
	return say(c,
		", which stopped it in %s %% of the periods of the interval, in %s %% since "
		"it began",
		percent(c, q->now), percent(c, q->ever));
}

static void tell_quota(
	struct checking *c, struct finding *f, const struct check_vm *v, const struct quota *q)
{
	const char *dir = say(c, "%s/%s", c->s->cgroup_mount, q->path);
	if (f->evidence.n < 8) {
		says(c, f, say(c, "%s/cpu.max", dir), "%llu us of each %llu us",
			(unsigned long long)q->g->max.quota_us,
			(unsigned long long)q->g->max.period_us);
		if (q->g->has_stat)
			says(c, f, say(c, "%s/cpu.stat", dir),
				"%llu of %llu periods throttled since it began",
				(unsigned long long)q->g->stat.n_throttled,
				(unsigned long long)q->g->stat.n_periods);
	}
	if (v->vm->config && v->vm->config->cpulimit > 0 && streq(q->path, v->vm->cgroup))
		do_this(c, f, "qm set %s --delete cpulimit", v->vm->id);
	if (str_has_suffix(q->path, ".scope") || str_has_suffix(q->path, ".slice") ||
		str_has_suffix(q->path, ".service"))
		do_this(c, f, "systemctl set-property --runtime %s CPUQuota=",
			quoted(c, last_part(q->path)));
	else
		do_this(c, f, "echo max > %s", quoted(c, say(c, "/%s/cpu.max", dir)));
}

/* Of one group, or of several that are alike: the first is the one that is stopped most. */
static void find_quota(
	struct checking *c, const struct check_vm *v, const struct quota *q, size_t n)
{
	double share = quota_share(q);
	bool is = share >= c->limits->throttled_share;
	struct finding *f = found(c, v, "its group %s%s a quota of %s CPU%s%s", last_part(q->path),
		n > 1 ? say(c, " has, as %s,", some(c, (long)n - 1, "other")) : " has",
		decimal(c, q->n_cpus), q->n_cpus == 1 ? "" : "s", how_often(c, q));
	f->severity = is ? SEVERITY_WARNING : SEVERITY_INFO;
	f->sure = is && q->now >= 0 ? SURE_MEASURED : SURE_STATE;
	f->is_quiet = c->in->rates && q->now >= 0 && !is;
	for (size_t i = 0; i < n; i++)
		tell_quota(c, f, v, &q[i]);
}

static int most_stopped_first(const void *a, const void *b)
{
	double x = quota_share(a), y = quota_share(b);
	return x > y ? -1 : x < y;
}

/* libvirt's vcpu_quota is one for each vCPU, in groups below the VM's. */
static void quotas_below(struct checking *c, const struct check_vm *v)
{
	const struct reading_list *l = c->in->list;
	AUTO_FREE struct quota *all = xcalloc(l->n_groups + 1, sizeof *all);
	size_t n = 0;
	for (size_t i = 0; i < l->n_groups; i++) {
		const char *rest = str_after(l->groups[i], v->vm->cgroup);
		n += rest && *rest == '/' && quota_of(c, l->groups[i], &all[n]);
	}
	if (!n)
		return;
	qsort(all, n, sizeof *all, most_stopped_first);
	find_quota(c, v, all, n);
}

RULE(quota)
{
	bool is_told = false;
	for (size_t i = 0; c->in->reading && i < c->in->list->n_groups; i++)
		is_told |= c->in->reading->groups[i].has_max;
	unknown_if(c, !is_told, "no group of a VM has a cpu.max");
	for_each_vm(v, c)
	{
		struct quota q;
		int g = v->vm->cgroup ? snapshot_cgroup(c->s, v->vm->cgroup) : -1;
		if (g > 0)
			quotas_below(c, v);
		for (; g > 0; g = c->s->cgroups[g].parent)
			if (quota_of(c, c->s->cgroups[g].path, &q))
				find_quota(c, v, &q, 1);
	}
}
