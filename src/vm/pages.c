/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pages the memory in a file has: the mounts know, whatever the directory is called. */
#include <string.h>

#include "base/str.h"
#include "kernel/meminfo.h"
#include "kernel/mounts.h"
#include "vm/provider.h"

/* The mounts that the VM's process sees (Documentation/admin-guide/mm/hugetlbpage.rst). */
struct seen_mounts {
	struct mounts all;
	int64_t default_kib; /* of a mount that does not say; 0: unknown */
	bool is_read;
};

static void read_mounts(struct vm_search *f, int pid, struct seen_mounts *m)
{
	AUTO_FREE char *text = NULL;
	m->is_read = true;
	if (host_read(f->h, &text, NULL, "proc/%d/mounts", pid) == 0 ||
		host_read(f->h, &text, NULL, "proc/self/mounts") == 0)
		(void)!mounts_parse(f->arena, text, &m->all);
}

static int64_t default_pages(struct vm_search *f)
{
	AUTO_FREE char *text = NULL;
	uint64_t kib;
	return host_read(f->h, &text, NULL, "proc/meminfo") == 0 &&
			meminfo_value(text, "Hugepagesize", &kib)
		? (int64_t)kib
		: 0;
}

/* "…,pagesize=1024M" → 1048576 */
static int64_t pages_of_mount(struct vm_search *f, struct seen_mounts *m, const struct mount *mount)
{
	const char *at = mount_option(mount, "pagesize");
	uint64_t n;
	if (at && str_take_u64(&at, &n))
		return (int64_t)n * (*at == 'G' ? 1048576 : *at == 'M' ? 1024 : 1);
	if (!m->default_kib)
		m->default_kib = default_pages(f);
	return m->default_kib ? m->default_kib : HUGEPAGES_ANY;
}

/* Where the path is mounted: the longest directory above it, and of equals the last. */
static const struct mount *mount_of(const struct mounts *m, const char *path)
{
	const struct mount *best = NULL;
	size_t n_best = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct mount *mount = &m->v[i];
		const char *rest = str_after(path, mount->dir);
		size_t n = strlen(mount->dir);
		bool is_above = rest && (!*rest || *rest == '/' || streq(mount->dir, "/"));
		if (is_above && n >= n_best) {
			best = mount;
			n_best = n;
		}
	}
	return best;
}

static void settle_path(struct vm_search *f, struct vm_draft *d, struct seen_mounts *m,
	const char *path, int64_t *pages)
{
	if (!path || *path != '/' || *pages > 0)
		return;
	if (!m->is_read)
		read_mounts(f, d->vm.pid, m);
	const struct mount *mount = mount_of(&m->all, path);
	if (mount)
		*pages = streq(mount->type, "hugetlbfs") ? pages_of_mount(f, m, mount)
							 : HUGEPAGES_NONE;
}

void vm_pages(struct vm_search *f, struct vm_draft *d)
{
	struct seen_mounts m = { 0 };
	bool has_path = false;
	settle_path(f, d, &m, d->config->mem_path, &d->config->hugepages_kib);
	array_for_each (n, &d->config->nodes) {
		settle_path(f, d, &m, n->mem_path, &n->hugepages_kib);
		has_path |= n->mem_path != NULL;
	}
	if (has_path)
		vm_config_settle_pages(d->config);
}
