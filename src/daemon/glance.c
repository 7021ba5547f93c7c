/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "apply/knob.h"
#include "base/file.h"
#include "base/str.h"
#include "daemon/internal.h"
#include "host/host.h"

/* FNV-1a; a byte of end after each text, so that no two lists are the same bytes. */
#define HASH_OF_NOTHING 14695981039346656037u
static void add(uint64_t *hash, const char *text)
{
	do {
		*hash ^= (unsigned char)*text;
		*hash *= 1099511628211u;
	} while (*text++);
}

static void add_number(uint64_t *hash, uint64_t n)
{
	AUTO_FREE char *text = xasprintf("%llu", (unsigned long long)n);
	add(hash, text);
}

/* Links of a directory: two, and one for each in it. Nothing is listed. */
static void add_links(uint64_t *hash, const struct daemon *d, const char *dir)
{
	AUTO_FREE char *path = path_below(host_root(d->h), dir);
	struct stat st;
	add_number(hash, stat(path, &st) == 0 ? st.st_nlink : 0);
}

static void add_names(uint64_t *hash, struct daemon *d, const char *dir)
{
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(d->h, &names, "%s", dir) == 0)
		for (size_t i = 0; i < names.n; i++)
			add(hash, names.v[i]);
}

/* How many threads there are that stay: those of QEMU's pool come and go, and are born where they
 * belong. */
static uint64_t n_lasting_threads(struct daemon *d, int pid)
{
	AUTO_NAMES struct host_names tids = { 0 };
	uint64_t n = 0;
	if (host_list(d->h, &tids, "proc/%d/task", pid) < 0)
		return 0;
	for (size_t i = 0; i < tids.n; i++) {
		AUTO_FREE char *comm = NULL;
		int r = host_read(d->h, &comm, NULL, "proc/%d/task/%s/comm", pid, tids.v[i]);
		n += r == 0 && !streq(str_trim(comm), "worker");
	}
	return n;
}

/* What is not as it was set, of what can be read without asking a program, which takes its time.
 * Whether a thread is the same as then would cost as much again, and is not looked at: another one
 * is hardly ever as this one was set, and the next step does look. */
static void add_setting(uint64_t *hash, struct daemon *d, const struct entry *entry)
{
	const struct target t = { .key = entry->key };
	const struct knob *k = entry->knob;
	struct arena a = { 0 };
	struct value now;
	if (!k->path && k->dies_with != LIFE_THREAD)
		return;
	int r = knob_read(d->h, k, &t, &a, &now);
	if (r != 0 || !knob_holds(d->h, k, &t, &entry->value, entry->avoid, &now)) {
		AUTO_FREE char *text = r == 0 ? value_text(k, &now) : NULL;
		add(hash, k->name);
		add(hash, entry->key);
		add(hash, text ? text : "gone");
	}
	arena_done(&a);
}

/* Those of which the kernel tells, or the others. */
static void add_settings(uint64_t *hash, struct daemon *d, bool is_told)
{
	for (size_t i = 0; d->ledger && i < d->ledger->entries.n; i++)
		if (is_told == (i < d->is_told.n && d->is_told.v[i]))
			add_setting(hash, d, &d->ledger->entries.v[i]);
}

static void add_cluster_policy(uint64_t *hash, struct daemon *d)
{
	static const char dir[] = "etc/pve/wideberth";
	AUTO_NAMES struct host_names names = { 0 };
	if (host_list(d->h, &names, dir) < 0)
		return;
	for (size_t i = 0; i < names.n; i++) {
		AUTO_FREE char *text = NULL;
		add(hash, names.v[i]);
		if (str_has_suffix(names.v[i], ".conf") &&
			host_read(d->h, &text, NULL, "%s/%s", dir, names.v[i]) == 0)
			add(hash, text);
	}
}

uint64_t glance(struct daemon *d)
{
	uint64_t hash = HASH_OF_NOTHING;
	add_cluster_policy(&hash, d);
	add_names(&hash, d, "etc/pve/qemu-server"); /* guests to prepare for */
	/* services, of which one may be a VM without a manager */
	add_links(&hash, d, "sys/fs/cgroup/system.slice");
	if (!d->ledger)
		return hash;
	add_names(&hash, d, "run/irqbalance");
	add_settings(&hash, d, false);
	return hash;
}

uint64_t glance_at_told(struct daemon *d)
{
	uint64_t hash = HASH_OF_NOTHING;
	add_settings(&hash, d, true);
	return hash;
}

uint64_t glance_at_threads(struct daemon *d)
{
	uint64_t hash = HASH_OF_NOTHING;
	if (d->ledger)
		array_for_each (p, &d->ledger->placements)
			add_number(&hash, n_lasting_threads(d, p->pid));
	return hash;
}
