/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of any bytes: whoever chose them, what is applied goes back, and nothing but signs reaches
 * terminal, JSON and SVG, by either stream. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/text.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

static const char *const names[] = {
	"caf\xe9",                      /* Latin-1 */
	"caf\xc3\xa9 \xf0\x9f\x90\xa7", /* UTF-8: nothing is wrong with it */
	"\x1b]0;pwned\x07",             /* an escape sequence */
	"\xc2\x9b"
	"31m", /* one of C1 */
	"x\n\nwarning: forged\ndb09: isolated on 1-4",
	"\xe2\x80\xae"
	"gpj.exe", /* right to left */
	"a\xe2\x80\xa8"
	"b\xe2\x80\xa9"
	"c", /* line and paragraph separators */
	"\xe2\x81\xa6iso\xe2\x81\xa9",
	"\xef\xbb\xbf"
	"bom",
	"<script>\"&'</script>", "%s%n%99999d", "back\\slash\\x2d\\",
	"\xf4\x8f\xb8\x80\xff", /* what the ledger escapes with, and what no text has */
	"\xed\xa0\x80\xc0\xaf", /* a surrogate, an overlong slash */
};

/* Every line is ours, every character can be shown. */
static bool is_harmless(const char *what, const char *text)
{
	AUTO_FREE char *lines = xstrdup(text);
	bool is_fine = true;
	char *next = lines;
	for (char *line; (line = str_next_line(&next));) {
		AUTO_FREE char *visible = text_visible(line);
		if (!streq(line, visible) || str_after(line, "warning: forged") ||
			str_after(line, "db09")) {
			printf("# %s: a line is '%s'\n", what, visible);
			is_fine = false;
		}
	}
	return is_fine;
}

static bool is_json(const char *what, const char *text)
{
	json_error_t e;
	json_t *o = json_loads(text, 0, &e);
	if (!o)
		printf("# %s: %s\n", what, e.text);
	json_decref(o);
	return o;
}

/* Runs it in both forms. */
static bool run(struct machine *m, const char *args, int code)
{
	AUTO_FREE char *json = xasprintf("--json %s", args);
	int r = machine_run(m, NULL, args);
	bool is_fine = is_harmless(args, m->output);
	if (r != code)
		printf("# %s: exit code %d, not %d: %s\n", args, r, code, m->output);
	if (strstr(args, "apply") || strstr(args, "undo"))
		return is_fine && r == code;
	return machine_run(m, NULL, json) == code && is_harmless(json, m->output) &&
		is_json(json, m->output) && is_fine && r == code;
}

/* Each way in which a name comes: a VM, a group beside it, a group of the VM's own. */
enum where { OF_VM, OF_GROUP, OF_BOTH, N_WHERE };

static void give_names(const struct machine *m, enum where where, const char *name)
{
	AUTO_FREE char *group = xstrdup(name);
	for (char *p = group; (p = strpbrk(p, "/\n"));)
		*p = '\r'; /* a group's name may hold all but these */
	if (where != OF_GROUP)
		machine_name_vm(m, DB01, name);
	if (where != OF_VM)
		machine_name_group(m, "batch", group);
}

static void there_and_back(const char *name, enum where where)
{
	static const char *const wheres[] = { "a VM", "a group beside it", "both" };
	struct machine *m = machine_new(ROOT_6_12);
	AUTO_FREE char *policy = xasprintf("%s/p.conf", m->dir);
	AUTO_FREE char *apply = xasprintf("apply --policy %s", policy);
	AUTO_FREE char *plan = xasprintf("plan --policy %s", policy);
	AUTO_FREE char *svg = xasprintf("%s/show.svg", m->dir);
	AUTO_FREE char *show = xasprintf("show --svg %s", svg);
	AUTO_FREE char *visible = text_visible(name);
	const char *why;
	give_names(m, where, name);
	machine_write(m, "p.conf", "[vm *]\n");
	image_free(m->pristine);
	m->pristine = image_take(m);
	bool is_fine = run(m, "vms", 0) && run(m, plan, 0) && run(m, apply, 0) &&
		run(m, "status", 0) && run(m, show, 0) &&
		is_harmless("SVG", machine_read(m, "show.svg")) && run(m, "show --cgroups", 0);
	ok(is_fine, "%s called '%s': shown", wheres[where], visible);
	unlink(svg);
	is_fine = run(m, "undo --all", 0) && machine_is_pristine(m, &why);
	ok(is_fine, "... applied and undone");
	if (!is_fine)
		printf("%s", why ? why : "");
	machine_free(m);
}

/* What is wrong is told by way of standard error, with what strangers wrote. */
static void errors(void)
{
	static const char *const args[] = { "plan --vm \x1b]0;x\x07", "--\x1b[2J",
		"pl\xe2\x80\xae"
		"an",
		"plan --vm db01 --emulator \x1b[31m",
		"status \xc2\x9b"
		"2J" };
	struct machine *m = machine_new(ROOT_6_12);
	for (size_t i = 0; i < N_ELEMENTS(args); i++) {
		int r = machine_run(m, NULL, args[i]);
		ok((r == 2 || r == 3) && is_harmless("an error", m->output), "error %zu", i);
	}
	AUTO_FREE char *plan = xasprintf("plan --policy %s/p.conf", m->dir);
	machine_write(m, "p.conf", "[vm a\x1b]0;x\x07]\nisolation = \xe2\x80\xae\n");
	same_int(machine_run(m, NULL, plan), 2, "a policy of strangers");
	ok(is_harmless("an error", m->output), "... is told harmlessly");
	machine_free(m);
}

/* A death in the middle is undone, whatever the names. */
static void killed(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	const char *why;
	give_names(m, OF_BOTH, "caf\xe9\xff");
	image_free(m->pristine);
	m->pristine = image_take(m);
	same_int(machine_run(m, "kill-after:9", "apply --vm caf*"), KILLED, "killed");
	same_int(machine_run(m, NULL, "status"), 1, "said");
	ok(is_harmless("status", m->output), "... harmlessly");
	same_int(machine_run(m, NULL, "undo --all"), 0, "undone");
	bool is_pristine = machine_is_pristine(m, &why);
	ok(is_pristine, "all is as it was");
	if (!is_pristine)
		printf("%s", why);
	machine_free(m);
}

int main(void)
{
	for (size_t i = 0; i < N_ELEMENTS(names); i++)
		there_and_back(names[i], (enum where)(i % N_WHERE));
	there_and_back(names[0], OF_GROUP);
	there_and_back(names[4], OF_VM);
	errors();
	killed();
	return tap_done();
}
