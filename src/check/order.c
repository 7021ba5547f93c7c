/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folds what one finding explains of others under it, the root to mend first in front, and has told
 * in one what is so of many VMs. */
#include "check/internal.h"

/* ---- what explains what ---- */

/* Both are about the same CPUs, or, where one is about none, the same VM or the host. */
static bool are_near(const struct finding *a, const struct finding *b)
{
	if (!cpuset_is_empty(&a->cpus) && !cpuset_is_empty(&b->cpus))
		return cpuset_intersects(&a->cpus, &b->cpus);
	return a->of == b->of || !a->of || !b->of;
}

static bool explains(const struct finding *root, const struct finding *f)
{
	bool is_measured = f->rule->needs & NEED_RATES;
	return are_near(root, f) && !(root->is_quiet && is_measured);
}

/* As the rules ran, their findings stand: by row. */
static size_t first_of(const struct check *c, const struct rule *rule)
{
	return lower_bound(f, c->findings.v, c->findings.n, f->rule < rule);
}

/* The finding that explains this one: of the rule that stands first in its row. */
static ssize_t root_of(const struct check *c, size_t i)
{
	const struct finding *f = &c->findings.v[i];
	if (!f->rule->roots)
		return -1;
	AUTO_FREE char *copy = xstrdup(f->rule->roots);
	for (char *next = copy, *word; (word = str_next_word(&next));) {
		const struct rule *rule = check_rule(word);
		for (size_t k = first_of(c, rule); k < c->findings.n; k++) {
			if (c->findings.v[k].rule != rule)
				break;
			if (k != i && explains(&c->findings.v[k], f))
				return (ssize_t)k;
		}
	}
	return -1;
}

static size_t top_of(const struct check *c, size_t i)
{
	/* The rows form no circle: a test holds that. */
	while (c->findings.v[i].root >= 0)
		i = (size_t)c->findings.v[i].root;
	return i;
}

/* A cause is as grave as the gravest that comes of it, in every place where it is told. */
static void raise_roots(struct check *c)
{
	for (size_t i = 0; i < c->findings.n; i++) {
		struct finding *top = &c->findings.v[top_of(c, i)];
		if (c->findings.v[i].severity > top->severity)
			top->severity = c->findings.v[i].severity;
	}
}

/* What a root weighs: its severity, then whether something measured hangs on it, then the playbook.
 */
struct weight {
	size_t at;
	enum severity severity;
	bool is_measured;
};

static int heavier_first(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;
	if (x->severity != y->severity)
		return (int)y->severity - (int)x->severity;
	if (x->is_measured != y->is_measured)
		return (int)y->is_measured - (int)x->is_measured;
	return x->at < y->at ? -1 : 1;
}

static size_t weigh(const struct check *c, struct weight *ret)
{
	size_t n = 0, n_all = c->findings.n;
	AUTO_FREE bool *is_measured = xcalloc(n_all + 1, sizeof *is_measured);
	for (size_t i = 0; i < n_all; i++)
		is_measured[top_of(c, i)] |= c->findings.v[i].sure == SURE_MEASURED;
	for (size_t i = 0; i < n_all; i++)
		if (c->findings.v[i].root < 0)
			ret[n++] = (struct weight){ i, c->findings.v[i].severity, is_measured[i] };
	if (n)
		qsort(ret, n, sizeof *ret, heavier_first);
	return n;
}

/* Roots by weight, each with what it explains behind it. */
static void sort_by_root(struct check *c)
{
	size_t n_all = c->findings.n, at = 0;
	for (size_t i = 0; i < n_all; i++)
		c->findings.v[i].root = root_of(c, i);
	raise_roots(c);
	AUTO_FREE struct weight *roots = xcalloc(n_all + 1, sizeof *roots);
	size_t n = weigh(c, roots);
	struct finding *sorted = xcalloc(n_all + 1, sizeof *sorted);
	for (size_t r = 0; r < n; r++) {
		ssize_t head = (ssize_t)at;
		sorted[at++] = c->findings.v[roots[r].at];
		for (size_t i = 0; i < n_all; i++) {
			if (i == roots[r].at || top_of(c, i) != roots[r].at)
				continue;
			sorted[at] = c->findings.v[i];
			sorted[at++].root = head;
		}
	}
	free(c->findings.v);
	c->findings.v = sorted;
	c->findings.room = n_all + 1;
}

/* ---- told as one ---- */

/* Three of a kind fit a screen, and each has its commands there. */
enum { MANY_VMS = 4 };

static bool are_alike(const struct finding *a, const struct finding *b)
{
	return a->rule == b->rule && a->severity == b->severity && a->sure == b->sure &&
		a->root == b->root && a->of && b->of && b->alike < 0;
}

/* A rule may find several things of a VM. */
static size_t count_vms(const struct checking *c, size_t first)
{
	const struct check *out = c->out;
	AUTO_FREE bool *is_in = xcalloc(c->in->vms->n_vms + 1, sizeof *is_in);
	size_t n = 0;
	for (size_t i = first; i < out->findings.n; i++) {
		const struct finding *f = &out->findings.v[i];
		if (!are_alike(&out->findings.v[first], f))
			continue;
		n += !is_in[f->of - c->in->vms->vms];
		is_in[f->of - c->in->vms->vms] = true;
	}
	return n;
}

/* Of roots, or of what they explain. */
static void fold_alike(struct checking *c, bool is_of_roots)
{
	struct check *out = c->out;
	for (size_t i = 0; i < out->findings.n; i++) {
		struct finding *f = &out->findings.v[i];
		if ((f->root < 0) != is_of_roots || f->alike >= 0 || !f->of)
			continue;
		size_t n = count_vms(c, i);
		if (n < MANY_VMS)
			continue;
		f->who = some(c, (long)n, "VM");
		f->told = f->rule->title;
		for (size_t k = i + 1; k < out->findings.n; k++)
			if (are_alike(f, &out->findings.v[k]))
				out->findings.v[k].alike = (ssize_t)i;
	}
}

void order_findings(struct checking *c)
{
	struct check *out = c->out;
	sort_by_root(out);
	array_for_each (f, &out->findings) {
		f->who = f->vm;
		f->told = f->summary;
	}
	fold_alike(c, true);
	array_for_each (f, &out->findings) {
		ssize_t alike = f->root < 0 ? -1 : out->findings.v[f->root].alike;
		if (alike >= 0)
			f->root = alike;
	}
	fold_alike(c, false);
}
