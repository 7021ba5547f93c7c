/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 5: settings that do not do what they look like, or what guides say of them. */
#include "check/internal.h"

RULE(no_kvm)
{
	bool is_told = false;
	for_each_vm(v, c) is_told |= v->vm->accel != NULL;
	unknown_if(c, !is_told, "no VM says by what it runs");
	for_each_vm(v, c)
	{
		if (!v->vm->accel || streq(v->vm->accel, "kvm"))
			continue;
		struct finding *f = found(c, v,
			"it runs without KVM (%s): each of its instructions is emulated",
			v->vm->accel);
		says(c, f, say(c, "proc/%d/cmdline", v->vm->pid), "accel=%s", v->vm->accel);
	}
}

RULE(unknown_vcpus)
{
	for_each_vm(v, c)
	{
		if (v->n_vcpus || !v->vm->how_to_tell)
			continue;
		struct finding *f = found(c, v,
			"nobody can tell which of its threads are vCPUs, and so "
			"whether they are pinned");
		says(c, f, say(c, "proc/%d/task/*/comm", v->vm->pid), "%s", v->vm->how_to_tell);
	}
}

/* What the reader of its configuration found odd. */
RULE(config)
{
	for_each_vm(v, c)
	{
		const struct vm_config *config = v->vm->config;
		struct finding *f = NULL;
		for (size_t i = 0; config && i < config->notes.n; i++) {
			const char *text = str_after(config->notes.v[i], "config: ");
			if (!text)
				continue;
			if (!f)
				f = found(c, v, "its configuration has a trap: %s", text);
			says(c, f, config->source, "%s", text);
		}
	}
}

struct affinity {
	const char *text;
	struct cpuset cpus;
};

/* What Proxmox VE reads at the next start: a change that waits for it goes before what is there.
 * False: nothing, or no list. */
static bool next_affinity(const struct vm_config *config, struct affinity *ret)
{
	const struct vm_pending *next = NULL;
	for (size_t i = 0; config && i < config->pending.n; i++)
		if (streq(config->pending.v[i].key, "affinity"))
			next = &config->pending.v[i];
	if (next) {
		ret->text = next->value;
		return ret->text && cpuset_parse_list(ret->text, &ret->cpus) == 0;
	}
	if (!config || !config->affinity_cpus)
		return false;
	*ret = (struct affinity){ config->affinity, *config->affinity_cpus };
	return true;
}

RULE(affinity_range)
{
	for_each_vm(v, c)
	{
		const struct vm_config *config = v->vm->config;
		struct affinity a;
		if (!next_affinity(config, &a) || cpuset_is_subset(&a.cpus, &c->s->online_cpus))
			continue;
		struct cpuset off = cpuset_minus(&a.cpus, &c->s->online_cpus);
		struct cpuset absent = cpuset_minus(&off, &c->s->present_cpus);
		bool has_none = cpuset_is_empty(&absent);
		struct finding *f = found(c, v, "its affinity names CPUs that %s (%s)",
			has_none ? "are switched off" : "this host does not have",
			list_of(c, has_none ? &off : &absent));
		says(c, f, config->source, "affinity: %s", a.text);
		says(c, f, "sys/devices/system/cpu/present", "%s", list_of(c, &c->s->present_cpus));
		says(c, f, "sys/devices/system/cpu/online", "%s", list_of(c, &c->s->online_cpus));
	}
}

/* Neither the mask that taskset gave it at the start, nor what its file has for the next one. */
RULE(affinity_stale)
{
	for_each_vm(v, c)
	{
		const struct vm_config *config = v->vm->config;
		struct cpuset all = CPUSET_EMPTY;
		struct affinity a;
		if (!next_affinity(config, &a) || v->placement)
			continue;
		for (size_t i = 0; i < v->vm->n_threads; i++)
			if (v->vm->threads[i].role == ROLE_VCPU && v->vm->threads[i].allowed)
				all = cpuset_or(&all, v->vm->threads[i].allowed);
		if (cpuset_is_empty(&all) || cpuset_is_subset(&all, &a.cpus) ||
			(config->affinity_cpus && cpuset_is_subset(&all, config->affinity_cpus)))
			continue;
		struct finding *f = found(c, v, "its affinity says %s, and its vCPUs may run on %s",
			a.text, list_of(c, &all));
		f->cpus = all;
		says(c, f, config->source, "affinity: %s", a.text);
		says(c, f, say(c, "proc/%d/task/*/status", v->vm->pid), "vCPUs: %s",
			list_of(c, &all));
		struct cpuset mask = cpuset_and(&a.cpus, &c->s->online_cpus);
		if (!cpuset_is_empty(&mask))
			do_this(c, f, "taskset -apc %s %d", list_of(c, &mask), v->vm->pid);
	}
}

/* Host CPU numbers where the guest's vCPUs belong. */
RULE(numa_cpus)
{
	for_each_vm(v, c)
	{
		const struct vm_config *config = v->vm->config;
		int max = config ? config->max_vcpus ? config->max_vcpus : v->vm->n_vcpus : 0;
		if (!config || !max)
			continue;
		array_for_each (n, &config->nodes) {
			struct cpuset cpus;
			if (!n->cpus || cpuset_parse_list(n->cpus, &cpus) < 0 ||
				cpuset_next(&cpus, max) < 0)
				continue;
			struct finding *f = found(c, v,
				"numa%d cpus=%s names CPUs that the guest does not have: "
				"these are its vCPUs, not the host's CPUs",
				n->node, n->cpus);
			says(c, f, config->source, "numa%d: cpus=%s; it has %d vCPUs", n->node,
				n->cpus, max);
			break;
		}
	}
}

RULE(numa_only)
{
	for_each_vm(v, c)
	{
		const struct vm_config *config = v->vm->config;
		bool is_bound = config && config->numa_nodes;
		if (!config || !config->has_numa || c->s->n_nodes < 2 || v->placement)
			continue;
		array_for_each (n, &config->nodes)
			is_bound |= n->hostnodes != NULL;
		if (is_bound)
			continue;
		struct finding *f = found(c, v,
			"NUMA is on for the guest, and nothing binds its nodes to the "
			"host's");
		says(c, f, config->source, "numa without hostnodes");
	}
}

RULE(one_mask)
{
	for_each_dedicated(v, c)
	{
		const struct vm_config *config = v->vm->config;
		if (!config || !config->affinity_cpus || v->is_one_to_one ||
			!streq(v->vm->manager, "proxmox"))
			continue;
		struct finding *f = found(
			c, v, "affinity: %s is one mask for all of its threads", config->affinity);
		f->cpus = v->vcpu_cpus;
		says(c, f, config->source, "affinity: %s", config->affinity);
		in_policy(c, f, v, "isolation = pinned");
		do_this(c, f, "wideberth apply --vm %s --isolation pinned", quoted(c, v->vm->id));
	}
}

RULE(hook)
{
	for_each_vm(v, c)
	{
		const struct vm_config *config = v->vm->config;
		if (!config || !config->hookscript)
			continue;
		struct finding *f = found(c, v, "a hook script may pin it: %s", config->hookscript);
		says(c, f, config->source, "hookscript: %s", config->hookscript);
	}
}

/* AllowedCPUs= with all CPUs is how guides "undo" a fence. */
RULE(all_cpus)
{
	struct cpuset at = CPUSET_EMPTY;
	const char *first = NULL;
	AUTO_STRBUF struct strbuf b = { 0 };
	bool has_ours = c->in->claims->n;
	for (size_t i = 1; !has_ours && i < c->s->n_cgroups; i++) {
		const struct cgroup *g = &c->s->cgroups[i];
		bool is_top = !strchr(g->path, '/') &&
			(str_has_suffix(g->path, ".slice") || streq(g->path, "init.scope"));
		if (!is_top || !g->cpus || !*g->cpus || cpuset_parse_list(g->cpus, &at) < 0 ||
			!cpuset_is_subset(&c->s->online_cpus, &at))
			continue;
		first = first ? first : g->path;
		strbuf_printf(&b, " %s", g->path);
	}
	if (!first)
		return;
	struct finding *f = found(c, NULL, "slices have a list of all CPUs written down:%s", b.s);
	says(c, f, say(c, "%s/%s/cpuset.cpus", c->s->cgroup_mount, first), "%s",
		list_of(c, &c->s->online_cpus));
	do_this(c, f, "for u in%s; do systemctl set-property --runtime $u AllowedCPUs=; done", b.s);
}

/* In a group whose CPUs do not have those of the configuration. */
RULE(group_narrow)
{
	for_each_vm(v, c)
	{
		const struct cpuset *group = group_cpus(c->s, v->vm->cgroup);
		struct affinity a;
		if (!group || v->placement || !next_affinity(v->vm->config, &a))
			continue;
		/* CPUs that are not there no group can have: affinity-out-of-range. */
		struct cpuset there = cpuset_and(&a.cpus, &c->s->online_cpus);
		if (cpuset_is_subset(&there, group))
			continue;
		struct finding *f = found(c, v, "its group %s has only %s, its affinity wants %s",
			v->vm->cgroup, cpus_of(c, group), a.text);
		says(c, f, say(c, "%s/%s/cpuset.cpus.effective", c->s->cgroup_mount, v->vm->cgroup),
			"%s", list_of(c, group));
		says(c, f, v->vm->config->source, "affinity: %s", a.text);
	}
}
