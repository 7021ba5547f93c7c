/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What processors use of the power that they may use. */
#include <string.h>

#include "base/str.h"
#include "host/host.h"
#include "model/absent.h"
#include "model/reading.h"

#define POWERCAP "sys/class/powercap"

static int64_t read_number_of(struct host *h, const char *zone, const char *file)
{
	AUTO_FREE char *text = NULL;
	uint64_t n;
	if (host_read(h, &text, NULL, POWERCAP "/%s/%s", zone, file) < 0 ||
		str_to_u64(text, &n) < 0 || n > INT64_MAX)
		return ABSENT;
	return (int64_t)n;
}

/* "intel-rapl:0", whoever made the processor; "intel-rapl:0:0" is a part of it. */
static bool is_package(const char *zone)
{
	const char *rest = str_after(zone, "intel-rapl:");
	return rest && !strchr(rest, ':');
}

/* False: it has no limit in force, or does not tell its energy, which is for root. */
static bool read_package(
	struct host *h, struct arena *a, const char *zone, struct package_reading *ret)
{
	AUTO_FREE char *name = NULL, *limit = NULL;
	*ret = (struct package_reading){ .energy_uj = read_number_of(h, zone, "energy_uj") };
	if (ret->energy_uj == ABSENT || read_number_of(h, zone, "enabled") != 1 ||
		host_read(h, &limit, NULL, POWERCAP "/%s/constraint_0_name", zone) < 0 ||
		!streq(str_trim(limit), "long_term") ||
		host_read(h, &name, NULL, POWERCAP "/%s/name", zone) < 0)
		return false;
	ret->range_uj = read_number_of(h, zone, "max_energy_range_uj");
	ret->limit_uw = read_number_of(h, zone, "constraint_0_power_limit_uw");
	ret->most_uw = read_number_of(h, zone, "constraint_0_max_power_uw");
	ret->dir = arena_strdup(a, zone);
	ret->name = arena_strdup(a, str_trim(name));
	return ret->range_uj > 0 && ret->limit_uw > 0;
}

void reading_take_packages(struct host *h, struct reading *r)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(h, &names, POWERCAP) < 0)
		return;
	r->packages = arena_alloc(&r->arena, names.n * sizeof *r->packages);
	for (size_t i = 0; i < names.n; i++)
		if (is_package(names.v[i]) &&
			read_package(h, &r->arena, names.v[i], &r->packages[r->n_packages]))
			r->n_packages++;
}

static const struct package_reading *find(const struct reading *r, const char *dir)
{
	for (size_t i = 0; i < r->n_packages; i++)
		if (streq(r->packages[i].dir, dir))
			return &r->packages[i];
	return NULL;
}

void rates_add_packages(struct rates *r, const struct reading *before, const struct reading *after)
{
	r->packages = arena_alloc(&r->arena, after->n_packages * sizeof *r->packages);
	for (size_t i = 0; i < after->n_packages; i++) {
		const struct package_reading *now = &after->packages[i];
		const struct package_reading *old = find(before, now->dir);
		if (!old)
			continue;
		int64_t used_uj = now->energy_uj - old->energy_uj;
		if (used_uj < 0)
			used_uj += now->range_uj;
		r->packages[r->n_packages++] = (struct package_rate){
			.dir = arena_strdup(&r->arena, now->dir),
			.name = arena_strdup(&r->arena, now->name),
			.watts = (double)used_uj / 1e6 / r->window_s,
			.limit_w = (double)now->limit_uw / 1e6,
			.most_w = now->most_uw > 0 ? (double)now->most_uw / 1e6 : 0,
		};
	}
}
