/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 2, too: does the isolation hold, and against whom? */
#include "check/internal.h"
#include "kernel/partition.h"

/* ---- partitions ---- */

/* The pinned VM that has these CPUs, or whose group is in this one; NULL: none. */
static const struct check_vm *vm_at(
	const struct checking *c, const char *path, const struct cpuset *cpus)
{
	size_t n = strlen(path);
	for (size_t i = 0; i < c->n_vms; i++) {
		const char *group = c->vms[i].vm->cgroup;
		const char *rest = group ? str_after(path, group) : NULL;
		bool is_in =
			group && n && !strncmp(group, path, n) && (group[n] == '/' || !group[n]);
		if (is_in || (rest && (!*rest || *rest == '/')) ||
			(cpus && cpuset_intersects(&c->vms[i].vcpu_cpus, cpus)))
			return &c->vms[i];
	}
	return NULL;
}

RULE(partition)
{
	unknown_if(c, !c->s->n_cgroups, "the host has no cgroup v2");
	for (size_t i = 1; i < c->s->n_cgroups; i++) {
		const struct cgroup *g = &c->s->cgroups[i];
		struct partition_state p;
		struct cpuset wanted = CPUSET_EMPTY;
		bool is_exclusive = g->exclusive && *g->exclusive;
		const char *list = is_exclusive ? g->exclusive : g->cpus;
		if (!g->partition || partition_parse(g->partition, &p) < 0 ||
			!memmem(p.state, p.n_state, "invalid", 7))
			continue;
		if (!list || cpuset_parse_list(list, &wanted) < 0)
			wanted = CPUSET_EMPTY;
		const struct check_vm *v = vm_at(c, g->path, &wanted);
		if (v && !v->is_meant)
			continue;
		struct finding *f =
			found(c, v, "the partition %s is invalid: it isolates nothing (%.*s)",
				g->path, (int)p.n_reason, p.reason ? p.reason : "");
		f->cpus = wanted;
		if (v && v->is_pinned)
			quiet_below_hog(c, f, others_run(c, v));
		says(c, f, say(c, "%s/%s/cpuset.cpus.partition", c->s->cgroup_mount, g->path), "%s",
			g->partition);
		if (list)
			says(c, f,
				say(c, "%s/%s/cpuset.cpus%s", c->s->cgroup_mount, g->path,
					is_exclusive ? ".exclusive" : ""),
				"%s", list);
		if (v && v->placement) {
			do_this(c, f, "wideberth undo %s", quoted(c, v->vm->id));
			isolate(c, f, v);
		} else {
			do_this(c, f, "echo member > %s",
				quoted(c,
					say(c, "/%s/%s/cpuset.cpus.partition", c->s->cgroup_mount,
						g->path)));
		}
	}
}

/* Who may run on the VM's CPUs: the next one behind that, or the first. */
static const struct intruder *next_intruder(
	const struct intruders *all, const struct check_vm *v, const struct intruder *after)
{
	const struct intruder *end = all->found.v + all->found.n;
	for (const struct intruder *x = after ? after + 1 : all->found.v; x && x < end; x++)
		if (!x->vm || streq(x->vm, v->label))
			return x;
	return NULL;
}

static void tell_lost(struct checking *c, const struct check_vm *v, const struct intruders *all)
{
	const struct intruder *first = next_intruder(all, v, NULL);
	struct cpuset cpus = CPUSET_EMPTY;
	long n = 0;
	for (const struct intruder *x = first; x; x = next_intruder(all, v, x), n++)
		cpus = cpuset_or(&cpus, x->cpus);
	if (!first)
		return;
	const char *name = first->comm ? first->comm : first->unit ? first->unit : first->what;
	struct finding *f = found(
		c, v, "its isolation does not hold: %ld may run on its CPUs, such as %s", n, name);
	f->cpus = cpuset_is_empty(&cpus) ? v->placement->claim_cpus : cpus;
	quiet_below_hog(c, f, others_run(c, v));
	int told = 0;
	for (const struct intruder *x = first; x && told < 4; x = next_intruder(all, v, x), told++)
		says(c, f, say(c, "what the kernel says of %s", x->what), "%s%s%s: %s",
			x->comm ? x->comm : "", x->comm && x->unit ? " of " : "",
			x->unit ? x->unit : "", x->why);
	do_this(c, f, "wideberth undo %s", quoted(c, v->vm->id));
	do_this(c, f, "wideberth apply --vm %s", quoted(c, v->vm->id));
}

RULE(lost)
{
	unknown_if(c, !c->in->claims->n, "nothing is applied");
	for_each_vm(v, c)
	{
		if (c->in->intruders && v->placement && v->placement->level >= LEVEL_FENCED)
			tell_lost(c, v, c->in->intruders);
	}
}

/* ---- groups of others ---- */

/* What a group stands for by its name; NULL: no container. */
static const char *container_of(const char *path)
{
	static const struct {
		const char *part, *what;
	} names[] = {
		{ "docker-", "a Docker container" },
		{ "docker/", "a Docker container" },
		{ "libpod-", "a Podman container" },
		{ "cri-containerd-", "a pod's container" },
		{ "crio-", "a pod's container" },
		{ "lxc/", "an LXC container" },
		{ "lxc.payload", "an LXC container" },
		{ "machine.slice/machine-", "a container or machine" },
	};
	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		if (strstr(path, names[i].part) && !strstr(path, "lxc.monitor"))
			return names[i].what;
	return NULL;
}

/* The group's own list meets the VM's CPUs, and was chosen: it has not all of them. */
static bool is_pinned_there(const struct checking *c, const struct cgroup *g,
	const struct check_vm *v, struct cpuset *ret)
{
	if (!g->cpus || !*g->cpus || cpuset_parse_list(g->cpus, ret) < 0 ||
		cpuset_is_subset(&c->s->online_cpus, ret))
		return false;
	if (g->effective) /* a list that the groups above leave nothing of has theirs */
		*ret = cpuset_and(ret, g->effective);
	return cpuset_intersects(ret, &v->vcpu_cpus);
}

/* What the threads of the group, and of groups in it, ran on the VM's CPUs. */
static double group_ran(const struct checking *c, const struct check_vm *v, const char *path)
{
	double sum = 0;
	for (size_t i = 0; c->in->rates && i < c->in->rates->n_threads; i++) {
		const struct task *t = snapshot_task(c->s, c->in->rates->threads[i].tid);
		const char *its = t && t->cgroup >= 0 ? c->s->cgroups[t->cgroup].path : "";
		const char *rest = str_after(its, path);
		if (rest && (!*rest || *rest == '/'))
			sum += ran_there(c, v, t->tid, t->allowed, t->last_cpu);
	}
	return sum;
}

static bool is_within(const struct snapshot *s, int group, int above)
{
	while (group > above)
		group = s->cgroups[group].parent;
	return group == above;
}

static bool has_tasks(const struct snapshot *s, int group)
{
	for (size_t i = 0; i < s->n_tasks; i++)
		if (is_within(s, s->tasks[i].cgroup, group))
			return true;
	return false;
}

RULE(container)
{
	unknown_if(c, !c->s->n_cgroups, "the host has no cgroup v2");
	for_each_dedicated(v, c)
	{
		int told = 0; /* with it, the groups in it */
		for (int i = 1; i < (int)c->s->n_cgroups; i++) {
			const struct cgroup *g = &c->s->cgroups[i];
			struct cpuset cpus;
			if (!is_pinned_there(c, g, v, &cpus) || vm_at(c, g->path, NULL) ||
				(told && is_within(c->s, i, told)) || !has_tasks(c->s, i))
				continue;
			told = i;
			const char *what = container_of(g->path), *unit = strrchr(g->path, '/');
			struct cpuset both = cpuset_and(&cpus, &v->vcpu_cpus);
			struct cpuset left = cpuset_minus(&cpus, &v->vcpu_cpus);
			struct finding *f = found(c, v, "%s is pinned on its CPUs (%s): %s",
				what ? what : "a group", list_of(c, &both), g->path);
			f->cpus = both;
			quiet_below_hog(c, f, group_ran(c, v, g->path));
			says(c, f, say(c, "%s/%s/cpuset.cpus", c->s->cgroup_mount, g->path), "%s",
				g->cpus);
			unit = unit ? unit + 1 : g->path;
			left = cpuset_is_empty(&left) ? c->spare_cpus : left;
			if (cpuset_is_empty(&left))
				continue;
			if (str_has_suffix(unit, ".scope") || str_has_suffix(unit, ".service") ||
				str_has_suffix(unit, ".slice"))
				do_this(c, f, "systemctl set-property --runtime %s AllowedCPUs=%s",
					quoted(c, unit), list_of(c, &left));
			else
				do_this(c, f, "echo %s > %s", list_of(c, &left),
					quoted(c,
						say(c, "/%s/%s/cpuset.cpus", c->s->cgroup_mount,
							g->path)));
		}
	}
}

/* ---- interrupts that may come ---- */

/* Its own word, or what follows from how it was configured. */
static void tell_ban(struct checking *c, struct finding *f)
{
	const struct irqbalance *b = c->in->irqbalance;
	if (!b || !b->is_told)
		f->sure = SURE_LIKELY;
	if (b && b->is_told)
		says(c, f, "irqbalance's socket", "banned CPUs: %s", list_of(c, &b->banned_cpus));
	else if (b && b->has_list)
		says(c, f, b->file, "banned CPUs: %s", list_of(c, &b->configured_cpus));
	else if (b)
		says(c, f, b->file,
			"no list of banned CPUs: those of isolcpus= and nohz_full= (%s)",
			list_of(c, &b->configured_cpus));
}

RULE(irqbalance)
{
	struct cpuset at = CPUSET_EMPTY;
	const struct task *task = irqbalance_on(c, &c->pinned_cpus);
	if (!task || cpuset_is_empty(&c->pinned_cpus))
		return;
	struct cpuset open = c->pinned_cpus;
	if (c->in->irqbalance)
		cpuset_remove_all(&open, &c->in->irqbalance->banned_cpus);
	const struct irq *first = NULL;
	AUTO_FREE int *irqs = xcalloc(c->s->n_irqs + 1, sizeof *irqs);
	size_t n = 0;
	for (size_t i = 0; i < c->s->n_irqs; i++) {
		const struct irq *irq = &c->s->irqs[i];
		if (!irq->effective || !cpuset_intersects(irq->effective, &open) ||
			irq->managed == IRQ_MANAGED)
			continue;
		struct cpuset both = cpuset_and(irq->effective, &open);
		at = cpuset_or(&at, &both);
		first = first ? first : irq;
		irqs[n++] = irq->irq;
	}
	struct finding *f =
		found(c, NULL, "irqbalance runs, and may use the pinned %s%s", cpus_of(c, &open),
			n ? say(c, ": %s there now", some(c, (long)n, "interrupt")) : "");
	f->severity = n ? SEVERITY_WARNING : SEVERITY_INFO;
	f->cpus = cpuset_is_empty(&at) ? open : at;
	says(c, f, say(c, "proc/%d/comm", task->pid), "irqbalance");
	tell_ban(c, f);
	if (first)
		says(c, f, say(c, "proc/irq/%d/effective_affinity_list", first->irq), "%s (%s)",
			list_of(c, first->effective), first->action);
	move_irqs(c, f, irqs, n, &open); /* a ban alone leaves there what is there */
}

RULE(irq_may)
{
	for_each_dedicated(v, c)
	{
		size_t n = 0, n_managed = 0;
		struct cpuset at = CPUSET_EMPTY;
		for (size_t i = 0; i < c->s->n_irqs; i++) {
			const struct irq *irq = &c->s->irqs[i];
			if (!irq->effective || !cpuset_intersects(irq->effective, &v->vcpu_cpus))
				continue;
			n_managed += irq->managed == IRQ_MANAGED;
			at = cpuset_or(&at, irq->effective);
			n++;
		}
		if (!n)
			continue;
		struct finding *f =
			found(c, v, "%s of devices come%s to its CPUs, of which %zu managed",
				some(c, (long)n, "interrupt"), n == 1 ? "s" : "", n_managed);
		f->cpus = cpuset_and(&at, &v->vcpu_cpus);
		says(c, f, "proc/irq/*/effective_affinity_list", "%zu of %zu name its CPUs", n,
			c->s->n_irqs);
		in_policy(c, f, v, "isolation = fenced");
	}
}

/* How many of the n are the VM's own. */
static size_t own_threads(
	const struct checking *c, const struct check_vm *v, const struct cpuset *cpus, size_t n)
{
	size_t own = 0;
	for (size_t i = 0; i < v->vm->n_threads; i++) {
		const struct task *t = snapshot_task(c->s, v->vm->threads[i].tid);
		own += t && t->allowed && !task_is_immovable(t) &&
			cpuset_intersects(t->allowed, cpus);
	}
	return own < n ? own : n;
}

/* Pinned, and nobody kept off. */
RULE(open)
{
	for_each_dedicated(v, c)
	{
		struct cpuset open = cpuset_minus(&v->vcpu_cpus, &c->s->isolated_cpus);
		size_t n = 0;
		if ((v->placement && v->placement->level >= LEVEL_FENCED) || cpuset_is_empty(&open))
			continue;
		array_for_each (m, &c->masks)
			n += cpuset_intersects(m->mask, &open) ? m->n : 0;
		n -= own_threads(c, v, &open, n);
		if (!n)
			continue;
		struct finding *f = found(c, v, "its %s %s pinned, not isolated: %s may run there",
			cpus_of(c, &open), cpuset_is_or_are(&open),
			some(c, (long)n, "other thread"));
		f->cpus = open;
		says(c, f, "proc/*/task/*/status",
			"Cpus_allowed_list of %zu threads has some of them", n);
		isolate(c, f, v);
	}
}

/* ---- boot parameters ---- */

/* "managed_irq,domain,4-7": the list alone. */
static bool list_after_flags(const char *value, struct cpuset *ret)
{
	const char *p = value;
	while (p && *p && !(*p >= '0' && *p <= '9')) {
		p = strchr(p, ',');
		p = p ? p + 1 : NULL;
	}
	return p && *p && cpuset_parse_list(p, ret) == 0;
}

static bool has_flag(const char *value, const char *flag)
{
	for (const char *p = value; p; p = strchr(p, ',')) {
		p += *p == ',';
		const char *rest = str_after(p, flag);
		if (rest && *rest == ',')
			return true;
	}
	return false;
}

/* Admin-guide/kernel-parameters.txt: isolcpus=[flag-list,]cpu-list; without a flag that the kernel
 * knows it is "domain", and only that makes CPUs isolated. */
static bool is_domain(const char *value)
{
	return has_flag(value, "domain") ||
		!(has_flag(value, "nohz") || has_flag(value, "managed_irq"));
}

struct boot_list {
	const char *name, *value;
	struct cpuset cpus;
};

static size_t boot_lists(const struct checking *c, struct boot_list ret[3])
{
	static const char *const names[] = { "isolcpus", "nohz_full", "rcu_nocbs" };
	size_t n = 0;
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		const char *value = boot_param(&c->s->boot_params, names[i]);
		struct boot_list b = { names[i], value, CPUSET_EMPTY };
		if (value && list_after_flags(value, &b.cpus))
			ret[n++] = b;
	}
	return n;
}

RULE(boot_lists)
{
	unknown_if(c, !c->s->cmdline, "there is no /proc/cmdline");
	struct boot_list lists[3];
	size_t n = boot_lists(c, lists);
	for (size_t i = 1; i < n; i++) {
		if (cpuset_equal(&lists[i].cpus, &lists[0].cpus))
			continue;
		struct finding *f = found(c, NULL, "%s=%s and %s=%s name different CPUs",
			lists[0].name, lists[0].value, lists[i].name, lists[i].value);
		struct cpuset a = cpuset_minus(&lists[0].cpus, &lists[i].cpus),
			      b = cpuset_minus(&lists[i].cpus, &lists[0].cpus);
		f->cpus = cpuset_or(&a, &b);
		for (size_t k = 0; k < n; k++)
			says(c, f, "proc/cmdline", "%s=%s", lists[k].name, lists[k].value);
		return;
	}
}

RULE(boot_effect)
{
	unknown_if(c, !c->s->cmdline, "there is no /proc/cmdline");
	struct boot_list lists[3];
	size_t n = boot_lists(c, lists);
	const struct cpuset *nohz = c->s->tunables ? c->s->tunables->nohz_full_cpus : NULL;
	for (size_t i = 0; i < n; i++) {
		bool is_isol = streq(lists[i].name, "isolcpus");
		const struct cpuset *now = is_isol          ? &c->s->boot_isolated_cpus
			: streq(lists[i].name, "nohz_full") ? nohz
							    : NULL;
		struct cpuset lacks = now ? cpuset_minus(&lists[i].cpus, now) : CPUSET_EMPTY;
		lacks = cpuset_and(&lacks, &c->s->online_cpus);
		bool is_told = !is_isol || (c->s->has_isolated_file && is_domain(lists[i].value));
		if (!now || cpuset_is_empty(&lacks) || !is_told)
			continue;
		struct finding *f = found(c, NULL, "%s=%s has no effect on %s", lists[i].name,
			lists[i].value, list_of(c, &lacks));
		f->cpus = lacks;
		says(c, f, "proc/cmdline", "%s=%s", lists[i].name, lists[i].value);
		says(c, f,
			is_isol ? "sys/devices/system/cpu/isolated"
				: "sys/devices/system/cpu/nohz_full",
			"%s", list_of(c, now));
	}
}

RULE(boot_housekeeping)
{
	unknown_if(c, !c->s->has_isolated_file, "the host does not say");
	const struct cpuset *isolated = &c->s->boot_isolated_cpus;
	struct cpuset left = cpuset_minus(&c->s->online_cpus, isolated), whole = CPUSET_EMPTY;
	if (cpuset_is_empty(isolated))
		return;
	for (size_t i = 0; i < c->s->n_cores; i++)
		if (!cpuset_is_empty(&c->s->cores[i].cpus) &&
			cpuset_is_subset(&c->s->cores[i].cpus, &left))
			whole = cpuset_or(&whole, &c->s->cores[i].cpus);
	bool has_cpu0 = cpuset_has(isolated, 0);
	if (!has_cpu0 && !cpuset_is_empty(&whole))
		return;
	struct finding *f = found(c, NULL,
		has_cpu0 ? "isolcpus= takes CPU 0 from the host"
			 : "isolcpus= leaves the host no whole core");
	f->cpus = has_cpu0 ? cpuset_of(0) : left;
	says(c, f, "sys/devices/system/cpu/isolated", "%s", list_of(c, isolated));
	says(c, f, "sys/devices/system/cpu/online", "%s", list_of(c, &c->s->online_cpus));
}

RULE(boot_unused)
{
	unknown_if(c, !c->s->has_isolated_file, "the host does not say");
	struct cpuset idle = cpuset_and(&c->s->boot_isolated_cpus, &c->s->online_cpus);
	for (size_t i = 0; i < c->n_vms; i++)
		idle = cpuset_minus(&idle, &c->vms[i].vcpu_cpus);
	array_for_each (m, &c->masks)
		if (cpuset_is_subset(m->mask, &c->s->boot_isolated_cpus))
			cpuset_remove_all(&idle, m->mask);
	struct cpuset cores = whole_cores(c->s, &c->pinned_cpus);
	idle = cpuset_minus(&idle, &cores);
	if (cpuset_is_empty(&idle))
		return;
	struct finding *f =
		found(c, NULL, "nobody is pinned to the isolated %s", cpus_of(c, &idle));
	f->cpus = idle;
	says(c, f, "sys/devices/system/cpu/isolated", "%s", list_of(c, &c->s->isolated_cpus));
}
