/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a running VM is not what its configuration says. */
#include "base/str.h"
#include "vm/provider.h"

static void disagree(struct vm_search *f, struct vm_draft *d, const char *what, struct vm_said one,
	struct vm_said other)
{
	if (one.value && other.value && !streq(one.value, other.value))
		vm_config_disagree(f->arena, d->config, what, &one, &other);
}

static struct vm_said count_said(struct vm_search *f, const char *source, int n)
{
	return (struct vm_said){ source, n ? arena_printf(f->arena, "%d", n) : NULL };
}

void vm_differ_live(
	struct vm_search *f, struct vm_draft *d, const char *live, const struct qmp_facts *facts)
{
	const struct vm_said config = count_said(f, d->config->source, d->config->vcpus);
	bool has_vcpus = false;
	array_for_each (t, &d->threads)
		has_vcpus |= t->role == ROLE_VCPU;
	if (facts)
		disagree(f, d, "name", (struct vm_said){ d->config->source, d->vm.name },
			(struct vm_said){ live, facts->name });
	if (d->config == d->line)
		return;
	if (has_vcpus)
		disagree(f, d, "vCPUs", config, count_said(f, live, d->vm.n_vcpus));
	else
		disagree(f, d, "vCPUs", config, count_said(f, d->line->source, d->line->vcpus));
}
