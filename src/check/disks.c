/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 1: is it the disks, before any CPU is blamed? */
#include "check/internal.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "sda1" of "sda", "nvme0n1p2" of "nvme0n1"; but "sdaa", "dm-10", "nvme1n10" are disks
 * (block/partitions/core.c: 'p' where the disk's name ends in a digit). */
static bool is_part_of(const char *name, const char *disk)
{
	size_t n = strlen(disk);
	const char *rest = str_after(name, disk);
	if (rest && n && is_digit(disk[n - 1]))
		rest = str_after(rest, "p");
	return rest && *rest && rest[strspn(rest, "0123456789")] == 0;
}

/* Of a disk that is there; and what is no hardware. */
static bool is_part(const struct rates *r, const char *name)
{
	static const char *const none[] = { "loop", "ram", "zram", "sr" };
	for (size_t i = 0; i < N_ELEMENTS(none); i++)
		if (str_after(name, none[i]))
			return true;
	for (size_t i = 0; i < r->n_disks; i++)
		if (is_part_of(name, r->disks[i].name))
			return true;
	return false;
}

RULE(disk)
{
	const struct rates *r = c->in->rates;
	for (size_t i = 0; i < r->n_disks; i++) {
		const struct disk_rate *d = &r->disks[i];
		if (d->busy < c->limits->disk_busy || d->await_ms < c->limits->disk_await_ms ||
			is_part(r, d->name))
			continue;
		struct finding *f = found(c, NULL,
			"the disk %s is busy %s %% of the time and takes %.0f ms per request",
			d->name, percent(c, d->busy), d->await_ms);
		says(c, f, "proc/diskstats", "%s: %.0f requests per s, %.1f ms each, busy %s %%",
			d->name, d->requests_s, d->await_ms, percent(c, d->busy));
	}
}

/* The groups of the last minute, or so: one begins every few seconds. Returns how many; their mean.
 */
static size_t last_groups(const struct txgs *t, double *ret_mean_s)
{
	enum { LAST = 10 };
	size_t n = 0;
	double sum = 0;
	for (size_t i = t->n; i-- > 0 && n < LAST;) {
		if (!t->v[i].is_committed)
			continue;
		sum += (double)t->v[i].sync_ns / 1e9;
		n++;
	}
	*ret_mean_s = n ? sum / (double)n : 0;
	return n;
}

RULE(pool)
{
	const struct reading *r = c->in->reading;
	unknown_if(c, !r || !r->n_pools, "the host tells of no ZFS pool");
	for (size_t i = 0; r && i < r->n_pools; i++) {
		double mean_s;
		size_t n = last_groups(&r->pools[i].txgs, &mean_s);
		if (!n || mean_s < c->limits->txg_sync_s)
			continue;
		struct finding *f = found(c, NULL,
			"the ZFS pool %s takes %.1f s to write what it gathered in some seconds",
			r->pools[i].name, mean_s);
		says(c, f, say(c, "proc/spl/kstat/zfs/%s/txgs", r->pools[i].name),
			"stime of the last %s: %.1f s on average",
			some(c, (long)n, "transaction group"), mean_s);
	}
}

RULE(storage)
{
	bool is_told = false;
	for_each_vm(v, c)
	{
		const struct group_rate *g = rates_group(c->in->rates, v->vm->cgroup);
		is_told |= g && g->io_some >= 0;
	}
	unknown_if(c, !is_told, "no group of a VM has an io.pressure");
	for_each_vm(v, c)
	{
		const struct group_rate *g = rates_group(c->in->rates, v->vm->cgroup);
		if (!g || g->io_some < c->limits->io_pressure)
			continue;
		struct finding *f =
			found(c, v, "it waits for disks %s %% of the time", percent(c, g->io_some));
		says(c, f, say(c, "%s/%s/io.pressure", c->s->cgroup_mount, g->path),
			"some: %s %% of %.1f s; full: %s %%", percent(c, g->io_some),
			c->in->rates->window_s, percent(c, g->io_full));
	}
}

RULE(host_steal)
{
	const struct rates *r = c->in->rates;
	double sum = 0;
	for (size_t i = 0; i < r->n_cpus; i++)
		sum += r->cpus[i].steal;
	if (!r->n_cpus || sum / (double)r->n_cpus < c->limits->steal_share)
		return;
	double steal = sum / (double)r->n_cpus;
	struct finding *f = found(c, NULL,
		"this host is a guest itself, and its hypervisor takes %s %% of its CPUs' time",
		percent(c, steal));
	says(c, f, "proc/stat", "steal: %s %% on average over %s", percent(c, steal),
		some(c, (long)r->n_cpus, "CPU"));
}
