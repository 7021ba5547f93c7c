/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd is told, so that it does not undo behind our back what it owns. */
#include <errno.h>

#include "apply/knob.h"
#include "base/alloc.h"
#include "base/str.h"
#include "host/host-write.h"

static int read_cpus(struct host *h, const struct target *t, char **ret)
{
	int r = host_get_unit(h, t->key, "AllowedCPUs", ret);
	return r > 0 ? -ENOENT : r;
}

/* Unset is not "set to nothing": that would leave a drop-in behind. */
static int write_cpus(struct host *h, const struct target *t, const char *value)
{
	struct cpuset cpus;
	if (!*value) {
		int r = host_remove_file(h, HOST_UNIT_CPUS_DROPIN, t->key);
		if (r == -ENOENT)
			r = host_remove_file(h, HOST_UNIT_CPUS_DROPIN_TRANSIENT, t->key);
		return r == -ENOENT ? 0 : r;
	}
	int r = cpuset_parse_list(value, &cpus);
	return r < 0 ? r : host_set_unit_cpus(h, t->key, &cpus);
}

const struct knob knob_unit_cpus = {
	.name = "unit.allowed_cpus",
	.summary = "CPUs that systemd gives to a slice, scope or service",
	.source = "AllowedCPUs= over D-Bus, runtime (systemd.resource-control(5))",
	.read = read_cpus,
	.write = write_cpus,
	.is_same = cpulist_is_same,
	.settle = host_reload_units,
	.is_cpulist = true,
	.empty_is_all = true,
};

#define DELEGATE_DROPIN "run/systemd/system/%s.d/50-wideberth.conf"

/* Our drop-in counts before it took effect, and the property after the drop-in went: both must
 * be gone for a "no". */
static int read_delegate(struct host *h, const struct target *t, char **ret)
{
	AUTO_FREE char *text = NULL, *property = NULL;
	int r = host_get_unit(h, t->key, "Delegate", &property);
	bool is_set = host_read(h, &text, NULL, DELEGATE_DROPIN, t->key) == 0;
	if (r == HOST_NO_SYSTEMD || (r == HOST_NOT_LOADED && !is_set))
		return -ENOENT; /* a scope that ended leaves its drop-in behind */
	if (r < 0)
		return r;
	is_set |= property && streq(property, "yes");
	*ret = xstrdup(is_set ? "yes" : "no");
	return 0;
}

static int write_delegate(struct host *h, const struct target *t, const char *value)
{
	if (streq(value, "yes")) {
		AUTO_FREE char *text = xasprintf("[%s]\nDelegate=cpuset\n",
			str_has_suffix(t->key, ".scope") ? "Scope" : "Service");
		int r = host_put_file(h, text, DELEGATE_DROPIN, t->key);
		return r < 0 ? r : host_reload_units(h);
	}
	int r = host_remove_file(h, DELEGATE_DROPIN, t->key);
	return r == -ENOENT ? 0 : r;
}

const struct knob knob_unit_delegate = {
	.name = "unit.delegate",
	.summary = "systemd keeps its hands off the groups below a VM's scope or service",
	.source = "Delegate=cpuset in a runtime drop-in (systemd.resource-control(5))",
	.read = read_delegate,
	.write = write_delegate,
	.settle = host_reload_units,
};
