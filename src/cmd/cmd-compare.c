/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "base/alloc.h"
#include "cmd/cmd.h"
#include "view/keys.h"
#include "view/measure.h"

static json_t *load(const char *path, struct err *e)
{
	json_error_t error;
	AUTO_FILE FILE *f = fopen(path, "re");
	if (!f) {
		err_set(e, -errno, "open '%s'", path);
		return NULL;
	}
	json_t *o = json_loadf(f, 0, &error);
	if (!o)
		err_say(e, -EINVAL, "'%s' is no measure that 'measure --save' wrote: line %d: %s",
			path, error.line, error.text);
	return o;
}

static int run(struct context *c, struct err *e)
{
	if (c->args->rest.n != 2) {
		err_say(e, -EINVAL, "needs two files that 'measure --save' wrote");
		return EXIT_USAGE;
	}
	json_t *before = load(c->args->rest.v[0], e);
	json_t *after = before ? load(c->args->rest.v[1], e) : NULL;
	int r = after ? compare_report(before, after, c->report, e) : -EINVAL;
	json_decref(before);
	json_decref(after);
	return r < 0 ? EXIT_UNCHANGED : r == COMPARE_NOTHING ? EXIT_REPORT : EXIT_OK;
}

const struct command cmd_compare = {
	.name = "compare",
	.args = "BEFORE AFTER",
	.max_args = 2,
	.summary = "two saved measures side by side",
	.help = "Compares two files of 'wideberth measure --save', VM by VM and vCPU by vCPU. "
		"Exit 1: no VM is in both.",
	.flags = CMD_FILES,
	.keys = compare_keys,
	.run = run,
};
