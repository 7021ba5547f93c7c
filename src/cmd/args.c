/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/args.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "policy/policy.h"

static const struct command *const table[] = {
	&cmd_show,
	&cmd_vms,
	&cmd_check,
	&cmd_plan,
	&cmd_apply,
	&cmd_confirm,
	&cmd_status,
	&cmd_undo,
	&cmd_measure,
	&cmd_compare,
	&cmd_daemon,
	&cmd_events,
	&cmd_hook,
	&cmd_explain,
};

const struct command *const *commands(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(table);
	return table;
}

static const struct option_row globals[] = {
	{ "root", "DIR", "read the host from a tree, a recording, or an archive of one" },
	{ "record", "DIR", "write a recording of what the command read" },
	{ "mask", NULL, "hide names of the host and of VMs in the recording" },
	{ "json", NULL, "print one JSON object, each of its rows in one line" },
	{ "no-color", NULL, "no colour" },
	{ "help", NULL, "this text" },
	{ "version", NULL, "the version" },
};

static const struct option_row policy_rows[] = {
	{ "policy", "FILE", "a policy file, instead of the host's own; may be repeated" },
	{ "vm", "VM",
		"this VM (id, name, UUID or glob); keys of the policy that follow are its own" },
	{ "repack", NULL,
		"where a VM would be refused, move as few VMs as can be found whose policy says "
		"movable, so that it fits" },
	{ "time-limit", "SECONDS",
		"where not all fit, look so long for a plan that admits more; without it the same "
		"host and policy give the same plan" },
	{ "migrate-memory", NULL,
		"memory = strict also for VMs that run: what they have elsewhere is moved to the "
		"NUMA nodes of their CPUs" },
};

const struct option_row *global_options(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(globals);
	return globals;
}

const struct option_row *policy_options(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(policy_rows);
	return policy_rows;
}

const char *args_get(const struct args *a, const char *name)
{
	for (size_t i = a->options.n; i-- > 0;)
		if (streq(a->options.v[i].name, name))
			return a->options.v[i].value ? a->options.v[i].value : "";
	return NULL;
}

enum exit_code exit_code_of(enum outcome outcome)
{
	static const enum exit_code codes[] = {
		[OUTCOME_DONE] = EXIT_OK,
		[OUTCOME_REPORT] = EXIT_REPORT,
		[OUTCOME_MISUSE] = EXIT_USAGE,
		[OUTCOME_UNCHANGED] = EXIT_UNCHANGED,
		[OUTCOME_RESIDUE] = EXIT_RESIDUE,
	};
	return codes[outcome];
}

static void add_rows(struct option_list *l, const struct option_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*array_push(&l->v) = rows[i];
}

void option_list_make(const struct command *c, struct option_list *l)
{
	*l = (struct option_list){ 0 };
	if (c)
		add_rows(l, c->options, c->n_options);
	if (c && c->flags & CMD_POLICY) {
		add_rows(l, policy_rows, N_ELEMENTS(policy_rows));
		size_t n;
		const struct policy_key *keys = policy_keys(&n);
		for (size_t i = 0; i < n; i++)
			*array_push(&l->v) = (struct option_row){
				.name = keys[i].key,
				.arg = keys[i].values,
				.help = policy_key_help(&keys[i], &l->arena),
				.words = keys[i].words,
			};
	}
	add_rows(l, globals, N_ELEMENTS(globals));
}

void option_list_done(struct option_list *l)
{
	free(l->v.v);
	arena_done(&l->arena);
}

static int unknown_option(const struct option_list *l, const char *name, size_t n, struct err *e)
{
	ARRAY(const char *) names = { 0 };
	array_for_each (row, &l->v)
		*array_push(&names) = row->name;
	*array_push(&names) = NULL;
	AUTO_FREE char *word = xstrndup(name, n);
	const char *near = str_nearest(word, names.v);
	free(names.v);
	return err_say(e, -EINVAL, "unknown option '--%s'%s%s%s", word,
		near ? " (did you mean '--" : "", near ? near : "", near ? "'?)" : "");
}

/* "--name", "--name=value" or "--name value" at argv[*i]. */
static int parse_option(
	const struct option_list *l, int argc, char **argv, int *i, struct args *ret, struct err *e)
{
	const char *name = argv[*i] + 2, *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	array_for_each (row, &l->v) {
		if (strlen(row->name) != n || strncmp(row->name, name, n))
			continue;
		struct option_value v = { .name = row->name, .value = equals ? equals + 1 : NULL };
		if (!row->arg && equals)
			return err_say(e, -EINVAL, "--%s takes no value", row->name);
		if (row->arg && !equals) {
			if (*i + 1 >= argc)
				return err_say(
					e, -EINVAL, "--%s needs a value: %s", row->name, row->arg);
			v.value = argv[++*i];
		}
		*array_push(&ret->options) = v;
		return 0;
	}
	return unknown_option(l, name, n, e);
}

static int find_command(const char *name, const struct command **ret, struct err *e)
{
	size_t n;
	const struct command *const *all = commands(&n);
	ARRAY(const char *) names = { 0 };
	for (size_t i = 0; i < n; i++) {
		*array_push(&names) = all[i]->name;
		if (streq(all[i]->name, name))
			*ret = all[i];
	}
	*array_push(&names) = NULL;
	const char *near = *ret ? NULL : str_nearest(name, names.v);
	free(names.v);
	if (*ret)
		return 0;
	return err_say(e, -EINVAL, "unknown command '%s'%s%s%s; see wideberth --help", name,
		near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static int check_rest(const struct command *c, const struct args *a, struct err *e)
{
	if (!c || a->rest.n <= c->max_args)
		return 0;
	const char *word = a->rest.v[c->max_args];
	if (c->flags & CMD_POLICY)
		return err_say(
			e, -EINVAL, "unexpected '%s' (a VM is named with --vm %s)", word, word);
	return err_say(e, -EINVAL, "unexpected '%s'; see wideberth %s --help", word, c->name);
}

/* What an option excludes and was given too; NULL: nothing. */
static const char *excluded(const struct option_row *row, const struct args *a)
{
	for (const char *const *no = row->not_with; no && *no; no++) {
		if (streq(*no, WORDS) ? a->rest.n > 0 : args_get(a, *no) != NULL)
			return *no;
	}
	return NULL;
}

static int check_options(const struct command *c, const struct args *a, struct err *e)
{
	for (size_t i = 0; c && i < c->n_options; i++) {
		const struct option_row *row = &c->options[i];
		const char *no = args_get(a, row->name) ? excluded(row, a) : NULL;
		if (no)
			return err_say(e, -EINVAL,
				"--%s does not go with %s%s; see wideberth %s --help", row->name,
				*no ? "--" : "", *no ? no : a->rest.v[0], c->name);
	}
	return 0;
}

int command_line_parse(int argc, char **argv, struct command_line *ret, struct err *e)
{
	struct option_list l;
	option_list_make(NULL, &l);
	bool is_rest = false;
	int r = 0;
	for (int i = 1; i < argc && r == 0; i++) {
		struct args *args = ret->command ? &ret->args : &ret->global;
		if (!is_rest && streq(argv[i], "--")) {
			is_rest = true;
		} else if (!is_rest && (streq(argv[i], "-h") || streq(argv[i], "-V"))) {
			*array_push(&args->options) =
				(struct option_value){ argv[i][1] == 'h' ? "help" : "version",
					NULL };
		} else if (!is_rest && str_after(argv[i], "--")) {
			r = parse_option(&l, argc, argv, &i, args, e);
		} else if (!is_rest && argv[i][0] == '-' && argv[i][1]) {
			r = err_say(e, -EINVAL, "unknown option '%s'", argv[i]);
		} else if (!ret->command) {
			r = find_command(argv[i], &ret->command, e);
			option_list_done(&l);
			option_list_make(ret->command, &l);
		} else {
			*array_push(&args->rest) = argv[i];
		}
	}
	option_list_done(&l);
	if (r == 0)
		r = check_rest(ret->command, &ret->args, e);
	return r < 0 ? r : check_options(ret->command, &ret->args, e);
}

void command_line_done(struct command_line *c)
{
	free(c->global.options.v);
	free(c->global.rest.v);
	free(c->args.options.v);
	free(c->args.rest.v);
}
