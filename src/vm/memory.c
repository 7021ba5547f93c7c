/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "host/host.h"
#include "vm/config.h"
#include "vm/vm.h"

static struct memory_node *node_of(struct arena *a, struct vm_memory *m, int number)
{
	array_for_each (n, &m->nodes)
		if (n->node == number)
			return n;
	struct memory_node *n = list_push(a, &m->nodes);
	*n = (struct memory_node){ .node = number };
	return n;
}

static void add_pages(
	struct arena *a, struct vm_memory *m, int node, uint64_t page_kib, uint64_t kib)
{
	struct memory_node *n = node_of(a, m, node);
	n->kib += kib;
	array_for_each (p, &n->pages) {
		if (p->page_kib == page_kib) {
			p->kib += kib;
			return;
		}
	}
	if (page_kib)
		*list_push(a, &n->pages) = (struct memory_pages){ page_kib, kib };
}

static int by_node(const void *a, const void *b)
{
	const struct memory_node *x = a, *y = b;
	return (x->node > y->node) - (x->node < y->node);
}

static void sort(struct vm_memory *m)
{
	if (m->nodes.n)
		qsort(m->nodes.v, m->nodes.n, sizeof *m->nodes.v, by_node);
}

/* A guest's memory is anonymous, of hugetlbfs, or shared through a memfd or /dev/shm; what else is
 * mapped are programs and libraries. */
static bool is_memory(const char *line)
{
	return strstr(line, " anon=") || strstr(line, " huge ") || strstr(line, " file=/memfd:") ||
		strstr(line, " file=/dev/shm/");
}

/* The sizes of mappings by their policy. */
struct policies {
	ARRAY(struct policy_sum {
		const char *name;
		uint64_t kib;
	})
	sums;
};

static void add_policy(struct arena *a, struct policies *all, const char *name, uint64_t kib)
{
	array_for_each (s, &all->sums) {
		if (streq(s->name, name)) {
			s->kib += kib;
			return;
		}
	}
	*array_push(&all->sums) = (struct policy_sum){ arena_strdup(a, name), kib };
}

/*
 * Documentation/filesystems/proc.rst, "numa_maps":
 *
 *	7f4340000000 bind:1 anon=262144 dirty=262144 active=0 N0=1024 N1=261120 kernelpagesize_kB=4
 *	7f4400000000 default file=/run/hugepages/kvm/2048kB/x huge dirty=512 N0=512
 *	kernelpagesize_kB=2048
 *
 * N0= counts pages of that size. Transparent huge pages are counted as small ones.
 */
static void read_mapping(
	struct arena *a, struct vm_memory *m, struct policies *policies, char *line)
{
	const char *size = strstr(line, "kernelpagesize_kB=");
	unsigned long long page_kib;
	if (!is_memory(line) || !size || sscanf(size, "kernelpagesize_kB=%llu", &page_kib) != 1)
		return;
	uint64_t sum = 0;
	(void)str_next_word(&line); /* the address */
	const char *policy = str_next_word(&line);
	for (char *word; (word = str_next_word(&line));) {
		unsigned long long pages;
		int node;
		if (sscanf(word, "N%d=%llu", &node, &pages) != 2 || node < 0)
			continue;
		add_pages(a, m, node, page_kib, pages * page_kib);
		sum += pages * page_kib;
	}
	if (policy)
		add_policy(a, policies, policy, sum);
}

void numa_maps_parse(struct arena *a, char *text, struct vm_memory *m)
{
	struct policies policies = { 0 };
	uint64_t most = 0;
	for (char *line; (line = str_next_line(&text));)
		read_mapping(a, m, &policies, line);
	array_for_each (p, &policies.sums) {
		if (p->kib < most)
			continue;
		most = p->kib;
		m->policy = p->name;
	}
	free(policies.sums.v);
	m->source = "numa_maps";
}

static void read_maps(struct host *h, struct arena *a, const struct vm *vm, struct vm_memory *m)
{
	AUTO_FREE char *text = NULL;
	if (host_read(h, &text, NULL, "proc/%d/numa_maps", vm->pid) == 0)
		numa_maps_parse(a, text, m);
}

/* Documentation/admin-guide/cgroup-v2.rst, memory.numa_stat: "anon N0=4096 N1=0", in bytes */
void numa_stat_parse(struct arena *a, char *text, struct vm_memory *m)
{
	for (char *line; (line = str_next_line(&text));) {
		const char *name = str_next_word(&line);
		if (!name || (!streq(name, "anon") && !streq(name, "shmem")))
			continue;
		for (char *word; (word = str_next_word(&line));) {
			unsigned long long bytes;
			int node;
			if (sscanf(word, "N%d=%llu", &node, &bytes) == 2 && node >= 0 && bytes)
				add_pages(a, m, node, 0, bytes / 1024);
		}
		m->source = "cgroup";
	}
}

static void read_cgroup(struct host *h, struct arena *a, const struct vm *vm, struct vm_memory *m)
{
	static const char mount[] = "sys/fs/cgroup"; /* the memory controller is nowhere else */
	AUTO_FREE char *text = NULL;
	if (host_read(h, &text, NULL, "%s/%s/memory.numa_stat", mount, vm->cgroup) == 0)
		numa_stat_parse(a, text, m);
}

static bool has_own_cgroup(const struct vms *v, const struct vm *vm)
{
	if (!vm->cgroup || !*vm->cgroup)
		return false;
	for (size_t i = 0; i < v->n_vms; i++) {
		const struct vm *other = &v->vms[i];
		const char *below =
			other != vm && other->cgroup ? str_after(other->cgroup, vm->cgroup) : NULL;
		if (below && (!*below || *below == '/'))
			return false;
	}
	return true;
}

/* "VmLck:\t  524288 kB"; -1 when it is not there */
static int64_t kib_of(const char *status, const char *key)
{
	const char *at = strstr(status, key);
	unsigned long long kib;
	return at && sscanf(at + strlen(key), " %llu kB", &kib) == 1 ? (int64_t)kib : -1;
}

static void read_status(struct host *h, struct arena *a, const struct vm *vm, struct vm_memory *m)
{
	static const char key[] = "\nMems_allowed_list:";
	AUTO_FREE char *text = NULL;
	struct cpuset nodes;
	if (host_read(h, &text, NULL, "proc/%d/status", vm->pid) < 0)
		return;
	m->locked_kib = kib_of(text, "\nVmLck:");
	m->hugetlb_kib = kib_of(text, "\nHugetlbPages:");
	char *at = strstr(text, key);
	if (!at)
		return;
	at += strlen(key);
	at[strcspn(at, "\n")] = 0;
	if (cpuset_parse_list(at, &nodes) == 0)
		m->mems_allowed = arena_dup(a, &nodes, 1, sizeof nodes);
}

void vm_memory_read(
	struct host *h, struct vms *v, const struct vm *vm, bool is_exact, struct vm_memory *ret)
{
	*ret = (struct vm_memory){ .locked_kib = -1, .hugetlb_kib = -1 };
	read_status(h, &v->arena, vm, ret);
	if (is_exact)
		read_maps(h, &v->arena, vm, ret);
	else if (ret->hugetlb_kib <= 0 && has_own_cgroup(v, vm))
		read_cgroup(h, &v->arena, vm, ret);
	sort(ret);
}
