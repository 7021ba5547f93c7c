/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a manager of VMs has to provide, and what vm.c offers it. Private to src/vm/.
 *
 * A VM is a process. The first provider (qemu) finds every QEMU process; those of managers then
 * claim the ones that are theirs, by pid, and say what they know better: id, name, manager, and
 * how to ask for the threads. A new manager is one file and a row in vm.c.
 */
#pragma once

#include "base/attr.h"
#include "host/host.h"
#include "model/snapshot.h"
#include "vm/config.h"
#include "vm/qemu-args.h"
#include "vm/qmp.h"
#include "vm/vm.h"

struct vm_provider;

/* A VM while it is being found. */
struct vm_draft {
	struct vm vm; /* without threads and notes */
	const struct vm_provider *owner;
	const struct task *task; /* the main thread */
	bool is_dropped;         /* no VM after all, or gone */
	bool is_about;           /* its monitor may be asked */
	const char *cmdline;
	size_t cmdline_len;
	const char *options;       /* the command line with the options of files in it */
	size_t n_options, n_files; /* files: that were named so far */
	struct qemu_args args;
	struct vm_config *config; /* by the command line, or better */
	struct vm_config *line;   /* by the command line alone */
	int vmid;                 /* of Proxmox VE */
	struct strings notes;
	struct {
		struct vm_thread *v;
		size_t n, room;
	} threads, helpers;
	size_t n_known; /* of the threads: in the snapshot, by tid */
};

/* A vCPU as the kernel knows it. */
struct kvm_vcpu {
	int pid; /* the process whose VM it is */
	int id;  /* to KVM; the order is that of QEMU's numbers */
	int tid; /* 0: it has not run yet */
};

struct vm_user {
	int uid;
	const char *name;
	uint64_t qmp_ns; /* that monitors of this user's VMs may still take */
};

struct vm_search {
	struct host *h;
	const struct snapshot *s;
	struct arena *arena; /* of the result */
	struct {
		struct vm_draft *v;
		size_t n, room;
	} drafts;
	const struct task **by_pid; /* all tasks, by pid, then tid */
	ARRAY(struct kvm_vcpu) kvm; /* by pid, then id; none where debugfs cannot be read */
	uint64_t qmp_ns;            /* that monitors of managers' and root's VMs may still take */
	uint64_t others_qmp_ns;     /* that those of all other users may */
	ARRAY(struct vm_user) users;
	ARRAY(const char *) notes; /* of the whole search */
	const char *unseen;        /* see struct vms */
};

struct vm_provider {
	const char *name; /* the "manager" of its VMs */
	/* Adds drafts, or claims those of others. Fails only where nothing can be said at all. */
	int (*find)(struct vm_search *f, struct err *e);
	/* Finds out who the VM's threads are, from its monitor or otherwise. Returns 0 with facts
	 * to be freed, or a negative errno after it has noted why; NULL: only the threads' names
	 * are used. */
	int (*ask)(struct vm_search *f, struct vm_draft *d, struct qmp_facts *ret);
};

extern const struct vm_provider vm_provider_qemu, vm_provider_proxmox, vm_provider_libvirt;

/* Frees what a search holds beside its arena. */
void vm_search_done(struct vm_search *f);
/* Makes a VM of its draft. */
void vm_of_draft(struct vm_search *f, struct vm_draft *d, struct vm *ret);

/* A guest of Proxmox VE that may have no process, by its configuration: -ENOENT where it has none
 * here. */
int vm_proxmox_expect(struct vm_search *f, struct vm_draft *d, int vmid) MUST_CHECK;

void vm_note(struct vm_search *f, struct vm_draft *d, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same of what is no VM's; the first few are kept. */
void vm_search_note(struct vm_search *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The draft of the process, or NULL. */
struct vm_draft *vm_draft_of(struct vm_search *f, int pid);
/* The threads of a process: a part of by_pid. */
const struct task **vm_tasks_of(const struct vm_search *f, int pid, size_t *ret_n);
/* Asks the monitors that the command line names; see vm_provider.ask. greeting_ns: how long one may
 * take to greet, where that is less than the rest (0: no less). */
int vm_ask_qmp(
	struct vm_search *f, struct vm_draft *d, uint64_t greeting_ns, struct qmp_facts *ret);
/* The index of the cgroup that the task's whole process is in, or -1: threads may sit in
 * threaded children of it. */
int vm_domain_cgroup(const struct snapshot *s, const struct task *t);

/* "CPU 12/KVM" or "CPU 0/TCG": the number, or -1. One "ALL CPUs/TCG" thread runs them all. */
int vm_vcpu_of_name(const char *comm);

/* Reads what the kernel says of all VMs. */
void vm_kvm_read(struct vm_search *f);
/* The vCPUs of a process: a part of f->kvm. */
const struct kvm_vcpu *vm_kvm_of(const struct vm_search *f, int pid, size_t *ret_n);

/* Gives every thread of the VM its role: as facts say (NULL: none), else by name. */
void vm_threads(struct vm_search *f, struct vm_draft *d, const struct qmp_facts *facts);
/* Notes where what runs is not what the manager says. live: who tells what runs; facts: a
 * monitor's, or NULL. The command line has what the VM was started with: its word counts where
 * nothing tells what has become of it. */
void vm_differ_live(
	struct vm_search *f, struct vm_draft *d, const char *live, const struct qmp_facts *facts);
/* Finds the processes that serve one VM each. */
void vm_helpers(struct vm_search *f);
/* The task as a thread of the VM, without a role. */
struct vm_thread *vm_add_thread(
	const struct vm_search *f, struct vm_draft *d, const struct task *task);
/* A thread of a process that is called so. */
void vm_add_helper_thread(
	struct vm_search *f, struct vm_draft *d, const struct task *task, const char *name);
/* Gives the kernel threads that serve VMs to the drafts. */
void vm_kernel_threads(struct vm_search *f);
/* The VM's group, with or without threaded ones below it, as parts: true where it is NAME.scope
 * below slices of the system's, and so root or a manager made it: users have theirs below
 * user.slice, and containers below a scope or service of their own. *ret_scope: "100.scope", in the
 * path. */
bool vm_scope(const struct vm *vm, const char **ret_scope, size_t *ret_n);
/* Finds out who runs the VM. */
void vm_identify(struct vm_search *f, struct vm *vm);
/* The user with this uid, or NULL. */
struct vm_user *vm_user_of(struct vm_search *f, int uid);
/* Sees to it that no VM's id is what another is called, but for what managers vouch for: those go
 * by their pids. */
void vm_ids_unique(struct vm_search *f);
/* Finds out the page sizes of memory in files. */
void vm_pages(struct vm_search *f, struct vm_draft *d);
/* Gives the drafts the PCI devices of their configs. */
void vm_devices(struct vm_search *f);
