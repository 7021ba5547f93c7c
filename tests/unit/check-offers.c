/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What check offers is taken: the lines of a policy by plan, on the very host that they are for,
 * and commands that are our own by the command line. */
#include "tap.h"

#include <wordexp.h>

#include "base/str.h"
#include "check-cases.h"
#include "cmd/args.h"

/* For a shell, and for a policy's file. */
static const char *const names[] = { NULL, "it's (10) #1; $x" };

static char *lines_of(const struct finding *x)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	array_for_each (line, &x->policy)
		strbuf_printf(&b, "%s\n", *line);
	return b.s;
}

static bool is_meant(const struct policy *p, const struct vm *vm)
{
	struct vm_wish wish;
	return policy_for_vm(p, vm->id, vm->name, vm->uuid, &wish);
}

/* They are read without an error, name a VM of this host, and all such VMs get a place. */
static void plan_takes(struct fix *f, const struct finding *x)
{
	AUTO_POLICY struct policy *p = policy_new();
	AUTO_PLACEMENTS struct placements *placed = NULL;
	struct err e = { 0 };
	AUTO_FREE char *text = lines_of(x);
	size_t wanted[64], n = 0;
	if (!ok(policy_add_text(p, "p", text, &e) == 0 && policy_check(p, &e) == 0,
		    "%s: the policy is one: %s", x->rule->id, text)) {
		printf("# %s\n", e.text);
		return;
	}
	for (size_t i = 0; i < f->h->vms.n_vms; i++)
		if (is_meant(p, &f->h->vms.vms[i]))
			wanted[n++] = i;
	ok(n, "%s: it means a VM of this host", x->rule->id);
	ok(place_vms(&f->h->s, &f->h->vms, p, wanted, n, NULL, 0, &placed, &e) == 0,
		"%s: plan takes it %s", x->rule->id, e.text);
	for (size_t i = 0; placed && i < placed->refused.n; i++)
		ok(false, "%s: %s is refused: %s", x->rule->id, placed->refused.v[i].vm,
			placed->refused.v[i].reason);
}

/* It is a line of shell, and if it calls us the words are those of a command. */
static void shell_takes(const struct finding *x, const char *command)
{
	struct command_line line;
	struct err e = { 0 };
	wordexp_t words;
	if (!str_after(command, "wideberth "))
		return;
	if (!ok(wordexp(command, &words, WRDE_NOCMD | WRDE_UNDEF) == 0, "%s: shell reads %s",
		    x->rule->id, command))
		return;
	ok(command_line_parse((int)words.we_wordc, words.we_wordv, &line, &e) == 0 && line.command,
		"%s: %s %s", x->rule->id, command, e.text);
	array_for_each (word, &line.args.options)
		if (streq(word->name, "vm"))
			ok(x->of && streq(word->value, x->of->id), "%s: it means %s", x->rule->id,
				word->value);
	command_line_done(&line);
	wordfree(&words);
}

static void take(size_t i, bool nearly, bool has_rates, const char *name)
{
	struct fix *f = fix_new();
	cases[i].make(f, nearly);
	if (name)
		f->vm->id = name;
	AUTO_CHECK struct check *c = fix_check(f, NULL, has_rates);
	array_for_each (x, &c->findings) {
		if (x->policy.n)
			plan_takes(f, x);
		array_for_each (command, &x->commands)
			shell_takes(x, *command);
	}
	fix_free(f);
}

int main(void)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		for (size_t k = 0; k < N_ELEMENTS(names); k++)
			for (int way = 0; way < 4; way++)
				take(i, way & 1, way & 2, names[k]);
	return tap_done();
}
