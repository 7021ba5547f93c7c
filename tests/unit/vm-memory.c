/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a VM's memory is: by its mappings, by its cgroup, and what is not known. */
#include "vm/memory.h"

#include "base/str.h"
#include "../machine/fake-proc.h"
#include "tap.h"

static void put_text(const char *path, const char *text)
{
	put(text, strlen(text), "%s", path);
}

/* "0:1028[4:4,2048:1024] 1:8[]": nodes with their KiB, of them by page size */
static char *show(const struct vm_memory *m)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, m->source ? m->source : "unknown");
	array_for_each (n, &m->nodes) {
		strbuf_printf(&b, " %d:%llu[", n->node, (unsigned long long)n->kib);
		array_for_each (p, &n->pages)
			strbuf_printf(&b, "%s%llu:%llu", p == n->pages.v ? "" : ",",
				(unsigned long long)p->page_kib, (unsigned long long)p->kib);
		strbuf_puts(&b, "]");
	}
	strbuf_printf(&b, " %s locked=%lld huge=%lld", m->policy ? m->policy : "-",
		(long long)m->locked_kib, (long long)m->hugetlb_kib);
	return b.s;
}

static void memory_is(bool is_exact, const char *want, const char *what)
{
	struct found f;
	struct vm_memory m;
	if (find_all(&f, root, NULL) && ok(f.v->n_vms > 0, "a VM")) {
		vm_memory_read(f.h, f.v, &f.v->vms[0], is_exact, &m);
		AUTO_FREE char *got = show(&m);
		same_str(got, want, "%s", what);
	}
	found_done(&f);
}

int main(void)
{
	if (!mkdtemp(root))
		return 1;
	put("memory\n", 7, "sys/fs/cgroup/cgroup.controllers");
	put_cgroup("vm", "domain");
	put_process(100, 1, 9, Q "-name|a", "vm", T({ 100, "q" }, { 101, "CPU 0/KVM" }));
	memory_is(false, "unknown - locked=-1 huge=-1", "nothing is there");
	memory_is(true, "unknown - locked=-1 huge=-1", "... nor to be walked");
	put_text("sys/fs/cgroup/vm/memory.numa_stat",
		"anon N0=4096 N1=8192\nfile N0=40960 N1=0\nshmem N0=4096 N1=0\n");
	memory_is(false, "cgroup 0:8[] 1:8[] - locked=-1 huge=-1", "its cgroup counts");
	put_text("proc/100/status",
		"Name:\tq\nVmLck:\t  64 kB\nHugetlbPages:\t 0 kB\n"
		"Mems_allowed_list:\t0-1\n");
	memory_is(false, "cgroup 0:8[] 1:8[] - locked=64 huge=0", "locked, no huge pages");
	put_text("proc/100/status", "Name:\tq\nVmLck:\t  0 kB\nHugetlbPages:\t 2048 kB\n");
	memory_is(
		false, "unknown - locked=0 huge=2048", "huge pages are not in the cgroup's count");
	put_text("proc/100/numa_maps",
		"55d0 default file=/usr/bin/q mapped=700 N0=700 kernelpagesize_kB=4\n"
		"7f43 bind:1 anon=3 dirty=3 N0=1 N1=2 kernelpagesize_kB=4\n"
		"7f44 bind:1 file=/run/x huge dirty=1 N1=1 kernelpagesize_kB=2048\n"
		"7f45 default file=/memfd:r N1=1 kernelpagesize_kB=4\n"
		"7ffd default stack\n");
	memory_is(true, "numa_maps 0:4[4:4] 1:2060[4:12,2048:2048] bind:1 locked=0 huge=2048",
		"its mappings, without programs");
	/* A group that others are in too says nothing of one. */
	put_process(200, 1, 9, Q "-name|b", "vm", T({ 200, "q" }, { 201, "CPU 0/KVM" }));
	put_text("proc/100/status", "Name:\tq\nHugetlbPages:\t 0 kB\n");
	memory_is(false, "unknown - locked=-1 huge=0", "a group of two VMs");
	clear_root();
	return tap_done();
}
