/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/expected.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "vm/domain-xml.h"
#include "vm/libvirt.h"
#include "vm/memory.h"
#include "vm/provider.h"

static struct vm_thread *add_thread(struct vm_search *f, struct vm_draft *d, enum thread_role role)
{
	struct vm_thread *t = array_push(&d->threads);
	*t = (struct vm_thread){ .role = role,
		.index = -1,
		.allowed = &f->s->online_cpus,
		.cpu = -1,
		.policy = "other",
		.guest_socket = -1,
		.guest_core = -1,
		.guest_thread = -1 };
	return t;
}

/* QEMU numbers them thread by thread, core by core. */
static void add_vcpus(struct vm_search *f, struct vm_draft *d)
{
	const struct vm_config *c = d->config;
	int threads = c->threads > 0 ? c->threads : 1, cores = c->cores > 0 ? c->cores : 1;
	for (int i = 0; i < c->vcpus; i++) {
		struct vm_thread *t = add_thread(f, d, ROLE_VCPU);
		t->index = i;
		t->guest_thread = i % threads;
		t->guest_core = i / threads % cores;
		t->guest_socket = i / threads / cores;
	}
	d->vm.n_vcpus = c->vcpus;
	d->vm.guest_threads = threads;
}

static void add_threads(struct vm_search *f, struct vm_draft *d)
{
	add_vcpus(f, d);
	add_thread(f, d, ROLE_EMULATOR);
	array_for_each (id, &d->config->iothreads)
		add_thread(f, d, ROLE_IOTHREAD)->id = *id;
}

static int read_domain(struct vm_search *f, struct vm_draft *d, const char *xml)
{
	/* What a hook gets may have "<?xml …?>" before it, which is allowed at the very beginning
	 * only. */
	const char *begin = strstr(xml, "<domain");
	AUTO_FREE char *all = xasprintf("<domains>%s</domains>", begin ? begin : "");
	struct domains domains;
	if (domains_parse(f->arena, all, &domains) < 0 || domains.n != 1)
		return -EINVAL;
	struct domain *domain = &domains.v[0];
	*d->config = domain->config;
	d->owner = &vm_provider_libvirt;
	d->vm.name = domain->name;
	d->vm.uuid = domain->uuid;
	d->vm.id = domain->name;
	AUTO_FREE char *scope = domain->id < 0 ? xasprintf("%s.scope", domain->name)
					       : libvirt_scope(domain->id, domain->name);
	d->vm.cgroup = arena_printf(f->arena, "machine.slice/%s", scope);
	return 0;
}

static int read_guest(struct vm_search *f, struct vm_draft *d, int vmid)
{
	int r = vm_proxmox_expect(f, d, vmid);
	d->vm.cgroup = arena_printf(f->arena, "qemu.slice/%d.scope", vmid);
	return r;
}

static bool find_running(const struct vms *v, int vmid, size_t *ret)
{
	AUTO_FREE char *id = xasprintf("%d", vmid);
	for (size_t i = 0; i < v->n_vms; i++)
		if (v->vms[i].is_managed && streq(v->vms[i].manager, vm_provider_proxmox.name) &&
			streq(v->vms[i].id, id)) {
			*ret = i;
			return true;
		}
	return false;
}

/* Nothing of it is there yet. */
static void add_memory(struct vm_search *f, struct vm_draft *d)
{
	const struct vm_memory none = { .source = "not started" };
	d->vm.memory = arena_dup(f->arena, &none, 1, sizeof none);
}

static void add(struct vm_search *f, struct vm_draft *d, struct vms *v, size_t *ret)
{
	struct vm *vms = arena_alloc(&v->arena, (v->n_vms + 1) * sizeof *vms);
	if (v->n_vms)
		memcpy(vms, v->vms, v->n_vms * sizeof *vms);
	v->vms = vms;
	add_threads(f, d);
	add_memory(f, d);
	d->vm.manager = d->owner->name;
	d->vm.is_managed = true;
	*ret = v->n_vms;
	vm_of_draft(f, d, &v->vms[v->n_vms++]);
}

int vms_expect(struct host *h, const struct snapshot *s, const struct vm_expectation *who,
	struct vms *v, size_t *ret, struct err *e)
{
	CLEANUP(vm_search_done) struct vm_search f = { .h = h, .s = s, .arena = &v->arena };
	if (who->vmid && find_running(v, who->vmid, ret))
		return 0;
	struct vm_config config = { 0 };
	struct vm_draft *d = array_push(&f.drafts);
	*d = (struct vm_draft){ .config = arena_dup(&v->arena, &config, 1, sizeof config) };
	int r = who->vmid ? read_guest(&f, d, who->vmid) : read_domain(&f, d, who->xml);
	if (r < 0)
		return err_set(e, r, "read the configuration of the VM that is to start");
	if (d->config->vcpus < 1)
		return err_say(e, -EINVAL, "the VM that is to start tells no vCPUs");
	add(&f, d, v, ret);
	return 0;
}
