/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt: a QEMU that its system daemon started is known by what root alone can have made: its
 * scope, or its pid file. The domain's XML, asked of the daemon, says how it is configured; which
 * thread is which vCPU stands in the cgroups that libvirt made for them. Its monitor is left alone:
 * libvirt holds it.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "vm/domain-xml.h"
#include "vm/libvirt.h"
#include "vm/provider.h"

/* The scope that libvirt has machined make, "machine-qemu\\x2d1\\x2dweb.scope"; without systemd it
 * makes groups itself, "machine/qemu-1-web.libvirt-qemu". */
static bool has_scope(const struct vm_draft *d)
{
	const char *scope, *own = d->vm.cgroup ? str_after(d->vm.cgroup, "machine/") : NULL;
	size_t n;
	if (own)
		return strstr(own, ".libvirt-qemu");
	return vm_scope(&d->vm, &scope, &n) && str_after(scope, "machine-qemu");
}

/* /run/libvirt/qemu/NAME.pid, where it makes no groups: the pid is no user's, who may have got it
 * after the VM's end. */
static bool has_pidfile(struct vm_search *f, const struct vm_draft *d)
{
	AUTO_FREE char *text = NULL;
	int pid;
	if (!d->args.name || strchr(d->args.name, '/') ||
		(d->vm.cgroup && str_after(d->vm.cgroup, "user.slice/")))
		return false;
	return host_read(f->h, &text, NULL, "run/libvirt/qemu/%s.pid", d->args.name) == 0 &&
		str_to_int(text, &pid) == 0 && pid == d->vm.pid;
}

static const struct domain *domain_of(const struct domains *all, const struct vm_draft *d)
{
	array_for_each (domain, all)
		if (domain->uuid && d->args.uuid && strcasecmp(domain->uuid, d->args.uuid) == 0)
			return domain;
	return NULL;
}

static void describe(struct vm_search *f, struct vm_draft *d, const struct domains *all)
{
	const struct domain *domain = domain_of(all, d);
	if (!domain) {
		vm_note(f, d, "libvirt's system daemon does not list it: it starts or stops");
		return;
	}
	struct vm_config *config = arena_dup(f->arena, &domain->config, 1, sizeof *config);
	vm_config_differ(f->arena, config, d->config);
	vm_config_merge(f->arena, config, d->config);
	d->config = config;
	d->vm.name = domain->name;
	d->vm.uuid = domain->uuid;
}

/* Claims libvirt's; returns their number. */
static size_t claim(struct vm_search *f)
{
	size_t n = 0;
	array_for_each (d, &f->drafts) {
		if (d->is_dropped || d->owner != &vm_provider_qemu ||
			!(has_scope(d) || has_pidfile(f, d)))
			continue;
		d->owner = &vm_provider_libvirt;
		d->vm.is_managed = true;
		n++;
	}
	return n;
}

static int find(struct vm_search *f, struct err *e)
{
	(void)e;
	AUTO_FREE char *xml = NULL;
	struct domains all = { 0 };
	if (!claim(f))
		return 0;
	int r = host_ask(f->h, "libvirt", "domains", libvirt_ask, NULL, &xml);
	if (r == 0)
		r = domains_parse(f->arena, xml, &all);
	array_for_each (d, &f->drafts) {
		if (d->is_dropped || d->owner != &vm_provider_libvirt)
			continue;
		if (r == 0)
			describe(f, d, &all);
		else if (r != -ENOENT)
			vm_note(f, d, "libvirt: %s; known by its command line", libvirt_outcome(r));
	}
	return 0;
}

/* The last part of its cgroup's path: "vcpu3" of
 * "machine.slice/machine-qemu\x2d1\x2dweb.scope/libvirt/vcpu3"; "" where there is none. */
static const char *group_of(const struct snapshot *s, const struct task *t)
{
	const char *slash = t->cgroup < 0 ? NULL : strrchr(s->cgroups[t->cgroup].path, '/');
	return slash ? slash + 1 : "";
}

static int number_behind(const char *group, const char *prefix)
{
	const char *digits = str_after(group, prefix);
	int n;
	return digits && str_to_int(digits, &n) == 0 ? n : -1;
}

/* The kernel may put a thread of its own beside the vCPU: "kvm-nx-lpage-re". */
static bool is_guests(const struct task *t)
{
	return t->tid != t->pid && !str_after(t->comm, "kvm-") && !str_after(t->comm, "vhost-");
}

/* What libvirt's groups say, and of a thread that somebody took out of them (for a partition of its
 * own) its name, which libvirt lets QEMU give. True where it is in a group of a vCPU. */
static bool add_thread(struct vm_search *f, const struct task *t, struct qmp_facts *facts)
{
	const char *group = group_of(f->s, t);
	int in_group = number_behind(group, "vcpu");
	int vcpu = in_group, iothread = number_behind(group, "iothread");
	if (vcpu < 0 && iothread < 0 && !streq(group, "emulator")) {
		vcpu = vm_vcpu_of_name(t->comm);
		iothread = number_behind(t->comm, "IO iothread");
	}
	if (vcpu >= 0)
		*array_push(&facts->cpus) = (struct qmp_cpu){ vcpu, t->tid, -1, -1, -1 };
	else if (iothread >= 0)
		*array_push(&facts->iothreads) =
			(struct qmp_iothread){ arena_printf(f->arena, "iothread%d", iothread),
				t->tid };
	return in_group >= 0;
}

static int ask(struct vm_search *f, struct vm_draft *d, struct qmp_facts *ret)
{
	size_t n;
	const struct task **tasks = vm_tasks_of(f, d->vm.pid, &n);
	struct qmp_facts facts = { 0 };
	bool has_groups = false;
	for (size_t i = 0; i < n; i++)
		if (is_guests(tasks[i]))
			has_groups |= add_thread(f, tasks[i], &facts);
	facts.has_iothreads = facts.iothreads.n > 0;
	if (!has_groups) { /* libvirt without cgroups: it always names the threads */
		qmp_facts_done(&facts);
		return -ENODATA;
	}
	*ret = facts;
	return 0;
}

const struct vm_provider vm_provider_libvirt = {
	.name = "libvirt",
	.find = find,
	.ask = ask,
};
