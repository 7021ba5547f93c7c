/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd is told, so that it does not undo behind our back what it owns. */
#include <errno.h>
#include <string.h>

#include "apply/knob.h"
#include "apply/start-dropin.h"
#include "base/str.h"
#include "host/host-write.h"

/* Only systemd's own word that it has no such unit means that it is gone: while it cannot be asked
 * its properties are owed. */
static int get_unit(struct host *h, const struct target *t, const char *property, char **ret)
{
	int r = host_get_unit(h, t->key, property, ret);
	return r == HOST_NOT_LOADED ? KNOB_GONE : r == HOST_NO_SYSTEMD ? -ENOTCONN : r;
}

enum unit_state { UNIT_RUNS, UNIT_HAS_NO_GROUP, UNIT_IS_ANOTHER };

/* A group has the name of a unit, and need not be it: anybody may make a group ssh.service below
 * his own. A unit that does not run has no group; its properties tell more. */
static int check_unit(struct host *h, const struct target *t, enum unit_state *ret)
{
	AUTO_FREE char *group = NULL;
	int r = t->id ? host_get_unit(h, t->key, "ControlGroup", &group) : HOST_NO_SYSTEMD;
	bool is_its_own = r == 0 && *group == '/' && streq(group + 1, t->id);
	*ret = r || is_its_own ? UNIT_RUNS : *group ? UNIT_IS_ANOTHER : UNIT_HAS_NO_GROUP;
	return r < 0 ? r : 0;
}

/* What will count when a unit that has ended starts again: a slice keeps its drop-in.
 *	[Slice]
 *	AllowedCPUs=
 *	AllowedCPUs=0-1 6-11 */
static int read_set_dropin(struct host *h, const struct target *t, const char *property, char **ret)
{
	AUTO_FREE char *text = NULL, *key = xasprintf("%s=", property);
	const char *list = "";
	int r = host_read(h, &text, NULL, HOST_UNIT_DROPIN, t->key, property);
	if (r < 0)
		return r == -ENOENT ? KNOB_GONE : r;
	char *next = text;
	for (char *line; (line = str_next_line(&next));) {
		const char *value = str_after(line, key);
		list = value ? value : list;
	}
	*ret = xstrdup(list);
	for (char *blank = *ret; (blank = strchr(blank, ' '));)
		*blank = ',';
	return 0;
}

static const char *property_of(const struct knob *k)
{
	return (streq(k->name, unit_mems_ops.name) ? unit_mems_ops : unit_cpus_ops).unit_property;
}

static int read_set(struct host *h, const struct knob *k, const struct target *t, struct arena *a,
	struct value *ret)
{
	const char *property = property_of(k);
	AUTO_FREE char *text = NULL;
	enum unit_state state;
	int r = check_unit(h, t, &state);
	if (r == 0 && state == UNIT_IS_ANOTHER)
		return KNOB_GONE;
	if (r == 0 && (r = get_unit(h, t, property, &text)) == KNOB_GONE)
		r = read_set_dropin(h, t, property, &text);
	if (r == 0)
		r = value_parse(k, text, a, ret);
	bool has_nothing = r == 0 && state == UNIT_HAS_NO_GROUP && ret->kind == VALUE_UNSET;
	return has_nothing ? KNOB_GONE : r;
}

/* Unset is not "set to nothing": that would leave a drop-in behind. */
static int write_set(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	const char *property = property_of(k);
	if (v->kind == VALUE_SET)
		return host_set_unit_list(h, t->key, property, v->cpus);
	int r = host_remove_file(h, HOST_UNIT_DROPIN, t->key, property);
	if (r == -ENOENT)
		r = host_remove_file(h, HOST_UNIT_DROPIN_TRANSIENT, t->key, property);
	return r == -ENOENT ? 0 : r;
}

const struct knob_ops unit_cpus_ops = {
	.name = "unit.allowed_cpus",
	.unit_property = "AllowedCPUs",
	.read = read_set,
	.write = write_set,
	.settle = host_reload_units,
};

const struct knob_ops unit_mems_ops = {
	.name = "unit.memory_nodes",
	.unit_property = "AllowedMemoryNodes",
	.read = read_set,
	.write = write_set,
	.settle = host_reload_units,
};

#define DELEGATE_DROPIN "run/systemd/system/%s.d/50-wideberth.conf"

/* Our drop-in counts before it took effect: "yes". The property without it is somebody else's word,
 * "given": the unit's own, what was prepared for its start, or ours until systemd reads again. */
static int read_delegate(struct host *h, const struct knob *k, const struct target *t,
	struct arena *a, struct value *ret)
{
	(void)k;
	(void)a;
	AUTO_FREE char *text = NULL, *property = NULL, *dropin = xasprintf(DELEGATE_DROPIN, t->key);
	enum unit_state state;
	int r = check_unit(h, t, &state);
	if (r == 0 && state == UNIT_IS_ANOTHER)
		return KNOB_GONE;
	if (r == 0)
		r = get_unit(h, t, "Delegate", &property);
	bool is_set = host_read(h, &text, NULL, "%s", dropin) == 0;
	if (r == KNOB_GONE && !is_set)
		return r; /* a scope that ended leaves its drop-in behind */
	if (r < 0)
		return r;
	bool is_given = property && streq(property, "yes");
	*ret = value_word(is_set ? "yes" : is_given ? "given" : "no");
	return 0;
}

static bool is_prepared(struct host *h, const struct target *t)
{
	AUTO_FREE char *text = start_dropin_read(h, t->key);
	return text && strstr(text, "Delegate=");
}

/* Who has it given has it as well; and who gave it may take it back, which is not for us to mend.
 * Nor is what was prepared for the VM's start since nobody had given it. */
static bool is_same_delegate(
	struct host *h, const struct target *t, const struct value *wanted, const struct value *now)
{
	if (value_equal(wanted, now) || wanted->kind != VALUE_WORD || now->kind != VALUE_WORD)
		return value_equal(wanted, now);
	if (streq(now->word, "given"))
		return streq(wanted->word, "yes") || is_prepared(h, t);
	return streq(wanted->word, "given") && streq(now->word, "no");
}

static int write_delegate(
	struct host *h, const struct knob *k, const struct target *t, const struct value *v)
{
	(void)k;
	if (v->kind == VALUE_WORD && streq(v->word, "yes")) {
		AUTO_FREE char *text = xasprintf("[%s]\nDelegate=cpuset\n",
			str_has_suffix(t->key, ".scope") ? "Scope" : "Service");
		int r = host_put_file(h, text, DELEGATE_DROPIN, t->key);
		return r < 0 ? r : host_reload_units(h);
	}
	int r = host_remove_file(h, DELEGATE_DROPIN, t->key);
	return r == -ENOENT ? 0 : r;
}

const struct knob_ops unit_delegate_ops = {
	.name = "unit.delegate",
	.read = read_delegate,
	.write = write_delegate,
	.is_same = is_same_delegate,
	.settle = host_reload_units,
};
