/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of settings_for(): the list under construction. Only src/plan/settings*.c include this. */
#pragma once

#include "model/snapshot.h"
#include "plan/settings.h"
#include "vm/vm.h"

struct builder {
	const struct snapshot *s;
	const struct vms *vms;
	const struct claims *claims;
	const struct placement *placements; /* the claims' */
	size_t n_placements;
	const struct cpuset *housekeeping; /* by placement: for its threads without another place */
	struct arena *arena;
	ARRAY(struct setting) list;
	const struct cpuset *claimed, *open; /* see struct claims */
	struct contributions wanted;         /* the claim of each VM that has one */
	/* Of these the VMs that have no partition to keep others off: what fences are for. */
	size_t n_fences;
};

/* A new setting at the end of the list, of the knob of that name; the key is copied. */
struct setting *builder_add(struct builder *b, const char *knob, const char *key, const char *why);
/* The setting of that knob and key, or NULL. */
struct setting *builder_find(const struct builder *b, const char *knob, const char *key);
/* What the placed VM wants of the setting, beside what others do. */
void builder_want(
	struct builder *b, struct setting *s, const struct placement *p, struct value value);
void builder_want_cpus(
	struct builder *b, struct setting *s, const struct placement *p, const struct cpuset *cpus);
/* Every VM's claim counts in it. */
void builder_want_claims(struct builder *b, struct setting *s);
/* Its value will be the set that it was, without the claims. */
void builder_take_out(struct builder *b, struct setting *s);
/* The same, but for the CPUs of partitions, which the kernel keeps processes off, and for those of
 * the VMs in this group. */
void builder_fence(struct builder *b, struct setting *s, const char *group);
/* A copy that lives as long as the list. */
const struct cpuset *builder_keep(struct builder *b, const struct cpuset *set);
/* The name of a setting; key and id are not copied. */
const struct setting_name *builder_name(
	struct builder *b, const char *knob, const char *key, const char *id);
/* The online CPUs beside these. */
const struct cpuset *builder_others(struct builder *b, const struct cpuset *cpus);
/* The placed VM, or NULL when it is no longer there. */
const struct vm *builder_vm(const struct builder *b, const struct placement *p);

/* Is the path that of the group or of one below it? */
bool group_is_inside(const char *path, const char *group);
/* Is it the VM's own group, or below? A VM in the root group has none of its own. */
bool group_is_of(const char *path, const struct placement *p);

/* settings-cgroup.c */

/* Fences around what is beside the VMs, along the way from the root to their groups. */
void add_fences(struct builder *b);
/* Room in the groups that libvirt made for the threads of a VM. */
void add_manager_groups(struct builder *b, const struct placement *p, const struct vm *vm);
/* The nodes that its memory is held on, as one property of its unit. */
void add_vm_memory(struct builder *b, const struct placement *p);
/* A threaded group for the vCPUs of an isolated VM, and the CPUs handed down to it. */
void add_vm_group(struct builder *b, const struct placement *p);
/* Closes it. Behind add_vm_threads(): threads cannot enter a partition that has other CPUs. */
void add_partition(struct builder *b, const struct placement *p);

/* settings-thread.c */

/* Where one thread of a placed VM goes; b->housekeeping where it has no place of its own. */
const struct cpuset *thread_place(
	const struct builder *b, const struct placement *p, const struct vm_thread *t);
/* Is that place only what housekeeping has? */
bool is_housekeeping(const struct builder *b, const struct cpuset *place);
/* Into the partition go those whose CPUs are the VM's own. The process as a whole cannot. */
bool thread_goes_into_partition(const struct builder *b, const struct placement *p,
	const struct vm *vm, const struct vm_thread *t);
/* Into the partition, then everybody to his place. */
void add_vm_threads(struct builder *b, const struct placement *p, const struct vm *vm);
/* The threads that neither fence nor partition holds. */
void add_other_threads(struct builder *b);
