/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proxmox VE: a running guest has its pid in /run/qemu-server/VMID.pid and its configuration in
 * /etc/pve/nodes/NODE/qemu-server/VMID.conf. /etc/pve/qemu-server is this node's; while a guest
 * migrates here, its file still is under the node that it comes from.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "kernel/locks.h"
#include "vm/provider.h"
#include "vm/pve-conf.h"

/* Proxmox VE itself asks here every 10 s, and there is room for one: who is not served at once goes
 * away again. */
enum { GREETING_NS = 50000000 };

/* "/var/run/qemu-server/100.pid" → 100; -1 for what is no such file. */
static int vmid_of_path(const char *path)
{
	const char *name = path ? str_after(path, "/var/run/qemu-server/") : NULL;
	if (!name && path)
		name = str_after(path, "/run/qemu-server/");
	int vmid;
	if (!name || !str_has_suffix(name, ".pid"))
		return -1;
	AUTO_FREE char *digits = xstrndup(name, strlen(name) - strlen(".pid"));
	return str_to_int(digits, &vmid) == 0 && vmid > 0 ? vmid : -1;
}

/* Reads DIR/VMID.conf, DIR being below etc/pve; its name goes to *ret_path. */
static int read_conf(
	struct vm_search *f, const char *dir, int vmid, char **ret_text, const char **ret_path)
{
	const char *path = arena_printf(f->arena, "etc/pve/%s/%d.conf", dir, vmid);
	int r = host_read(f->h, ret_text, NULL, "%s", path);
	if (r == 0)
		*ret_path = path;
	return r;
}

static int find_conf(
	struct vm_search *f, struct vm_draft *d, int vmid, char **ret_text, const char **ret_path)
{
	AUTO_NAMES struct host_names nodes = { 0 };
	int r = read_conf(f, "qemu-server", vmid, ret_text, ret_path);
	if (r != -ENOENT || host_list(f->h, &nodes, "etc/pve/nodes") < 0)
		return r;
	for (size_t i = 0; i < nodes.n; i++) {
		AUTO_FREE char *dir = xasprintf("nodes/%s/qemu-server", nodes.v[i]);
		r = read_conf(f, dir, vmid, ret_text, ret_path);
		bool is_here = f->s->hostname && streq(f->s->hostname, nodes.v[i]);
		if (r == 0 && !is_here)
			vm_note(f, d, "its config is under node %s: it is migrating", nodes.v[i]);
		if (r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

/* The name of a cluster-wide mapping, by the device's id: "hostpci0.1" is of hostpci0. */
static const char *mapping_of(const struct vm_config *conf, const char *id)
{
	array_for_each (p, &conf->pci) {
		const char *rest = id && p->id ? str_after(id, p->id) : NULL;
		if (p->mapping && rest && (!*rest || *rest == '.'))
			return p->mapping;
	}
	return NULL;
}

/* A mapping that the command line does not resolve, by the cluster's own table. */
static void resolve_mappings(struct vm_search *f, struct vm_config *conf)
{
	AUTO_FREE char *text = NULL;
	const char *host = f->s->hostname;
	array_for_each (p, &conf->pci) {
		if (!p->mapping || p->address || p->part || !host)
			continue;
		if (!text && host_read(f->h, &text, NULL, "etc/pve/mapping/pci.cfg") < 0)
			return;
		const char *node = arena_strndup(f->arena, host, strcspn(host, "."));
		const char *path = pve_mapping_path(f->arena, text, p->mapping, node);
		/* Several: which one was taken stands nowhere. */
		if (path && !strchr(path, ';'))
			p->address = pci_address(f->arena, path);
	}
}

/* What the command line knows better: which devices it got, and which page size was chosen; and all
 * that the config leaves to Proxmox VE. */
static void merge(struct vm_search *f, struct vm_config *conf, const struct vm_config *line)
{
	vm_config_differ(f->arena, conf, line);
	if (line->pci.n) {
		struct vm_config found = { 0 };
		array_for_each (p, &line->pci) {
			struct vm_pci *pci = list_push(f->arena, &found.pci);
			*pci = *p;
			pci->mapping = mapping_of(conf, p->id);
		}
		conf->pci = found.pci;
	}
	vm_config_merge(f->arena, conf, line);
	resolve_mappings(f, conf);
}

/* CPUs that taskset would be given at the next start. */
static void check_affinity(struct vm_search *f, struct vm_draft *d, const struct vm_config *conf)
{
	if (!conf->affinity_cpus || cpuset_is_empty(&f->s->present_cpus))
		return;
	struct cpuset absent = cpuset_minus(conf->affinity_cpus, &f->s->present_cpus);
	AUTO_FREE char *list = cpuset_format_cpus(&absent);
	if (cpuset_equal(&absent, conf->affinity_cpus))
		vm_note(f, d, "config: affinity: this host has no %s: the VM will not start again",
			list);
	else if (!cpuset_is_empty(&absent))
		vm_note(f, d, "config: affinity: this host has no %s: left out", list);
}

static int read_config(struct vm_search *f, struct vm_draft *d, int vmid)
{
	AUTO_FREE char *text = NULL;
	const char *path;
	int r = find_conf(f, d, vmid, &text, &path);
	if (r < 0) {
		vm_note(f, d, "its config cannot be read: %s",
			r == -ENOENT ? "there is none below /etc/pve" : strerrordesc_np(-r));
		return r;
	}
	struct pve_conf conf;
	struct vm_config *config = arena_alloc(f->arena, sizeof *config);
	pve_conf_parse(f->arena, text, &conf);
	pve_conf_facts(f->arena, &conf, config);
	config->source = path;
	merge(f, config, d->config);
	array_for_each (note, &config->notes)
		vm_note(f, d, "%s", *note);
	check_affinity(f, d, config);
	d->config = config;
	if (config->name)
		d->vm.name = config->name;
	/* A guest that does not run is started for its backup, with its CPUs stopped. */
	d->vm.is_for_backup = config->lock && streq(config->lock, "backup") && d->args.is_stopped;
	if (d->vm.is_for_backup)
		vm_note(f, d, "it was started for a backup: its guest does not run");
	return 0;
}

int vm_proxmox_expect(struct vm_search *f, struct vm_draft *d, int vmid)
{
	d->owner = &vm_provider_proxmox;
	d->vm.is_managed = true;
	d->vmid = vmid;
	d->vm.id = arena_printf(f->arena, "%d", vmid);
	return read_config(f, d, vmid);
}

/* Its config is a help, and not what a running one is known by. */
static void claim(struct vm_search *f, struct vm_draft *d, int vmid)
{
	(void)!vm_proxmox_expect(f, d, vmid);
}

/* Proxmox VE starts a guest in qemu.slice/VMID.scope, where root alone can put it. Without cgroup
 * v2 there is nothing to see. */
static bool is_in_scope(const struct vm_draft *d)
{
	const char *scope;
	size_t n;
	return !d->vm.cgroup ||
		(str_after(d->vm.cgroup, "qemu.slice/") && vm_scope(&d->vm, &scope, &n));
}

/* As Proxmox VE tells its own: the file has the pid of a QEMU that was given this very file. A pid
 * that was used again may be anybody's, and so may be what a command line says: the group is proof.
 */
static void claim_by_pidfile(struct vm_search *f, const char *name)
{
	AUTO_FREE char *text = NULL, *path = xasprintf("/run/qemu-server/%s", name);
	int vmid = vmid_of_path(path), pid;
	if (vmid < 0 || host_read(f->h, &text, NULL, "run/qemu-server/%s", name) < 0 ||
		str_to_int(text, &pid) < 0)
		return;
	struct vm_draft *d = vm_draft_of(f, pid);
	if (!d || vmid_of_path(d->args.pidfile) != vmid)
		return;
	if (is_in_scope(d))
		claim(f, d, vmid);
	else
		vm_note(f, d,
			"it is not in qemu.slice, where Proxmox VE starts its guests: taken for "
			"a QEMU of its own");
}

/* /run/qemu-server is closed to users: they go by the command line and the scope. */
static void claim_unseen(struct vm_search *f)
{
	array_for_each (d, &f->drafts) {
		int vmid = vmid_of_path(d->args.pidfile);
		if (vmid < 0 || d->is_dropped || !is_in_scope(d))
			continue;
		vm_note(f, d, "only root may read /run/qemu-server: known by its command line");
		claim(f, d, vmid);
	}
}

static int find(struct vm_search *f, struct err *e)
{
	(void)e;
	AUTO_NAMES struct host_names names = { 0 };
	int r = host_list(f->h, &names, "run/qemu-server");
	if (r == -EACCES || r == -EPERM)
		claim_unseen(f);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		claim_by_pidfile(f, names.v[i]);
	return 0;
}

/*
 * True while Proxmox VE holds the guest's lock: it starts, stops or changes the guest. The lock is
 * a flock(2) on /run/lock/qemu-server/lock-VMID.conf; /proc/locks shows it without touching it.
 */
static bool is_locked(struct vm_search *f, int vmid)
{
	AUTO_FREE char *locks = NULL;
	uint64_t inode;
	return host_inode(f->h, &inode, "run/lock/qemu-server/lock-%d.conf", vmid) == 0 &&
		host_read(f->h, &locks, NULL, "proc/locks") == 0 && locks_has_flock(locks, inode);
}

static int ask(struct vm_search *f, struct vm_draft *d, struct qmp_facts *ret)
{
	const char *lock = d->config->lock;
	if (!d->is_about)
		return -ENOENT;
	if (lock || is_locked(f, d->vmid)) {
		vm_note(f, d,
			"not asked through QMP: Proxmox VE is at work on it (%s); thread names are "
			"used",
			lock ? lock : "its config is locked");
		return -EBUSY;
	}
	return vm_ask_qmp(f, d, GREETING_NS, ret);
}

const struct vm_provider vm_provider_proxmox = {
	.name = "proxmox",
	.find = find,
	.ask = ask,
};
