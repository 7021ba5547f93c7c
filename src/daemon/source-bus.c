/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd tells: units that come and go, and that it read its files again, after which it may
 * have written what is ours. */
#include "base/str.h"
#include "daemon/internal.h"

/* A VM without a manager is in a scope, or a service, which the sweep sees; all else that comes and
 * goes is no VM. */
static int on_unit(sd_bus_message *m, void *context, sd_bus_error *error)
{
	const char *unit;
	(void)error;
	if (sd_bus_message_read(m, "s", &unit) < 0)
		return 0;
	if (str_has_suffix(unit, ".scope") && !str_after(unit, "session-"))
		daemon_look(context, "a scope came or went");
	return 0;
}

static int on_reload(sd_bus_message *m, void *context, sd_bus_error *error)
{
	int is_begin;
	(void)error;
	if (sd_bus_message_read(m, "b", &is_begin) >= 0 && !is_begin)
		daemon_look(context, "systemd has read its units again");
	return 0;
}

/* Who sets what is ours when it begins, or was told what to leave alone. */
static int on_job(sd_bus_message *m, void *context, sd_bus_error *error)
{
	static const char *const writers[] = { "irqbalance.service", "tuned.service",
		"libvirtd.service", "virtqemud.service" };
	const char *unit;
	uint32_t id;
	(void)error;
	if (sd_bus_message_read(m, "uos", &id, NULL, &unit) < 0)
		return 0;
	for (size_t i = 0; i < N_ELEMENTS(writers); i++)
		if (streq(unit, writers[i]))
			daemon_look(context, "a service that sets such things began or ended");
	return 0;
}

static int match(struct daemon *d, const char *member, sd_bus_message_handler_t handler)
{
	return sd_bus_match_signal_async(d->bus, NULL, "org.freedesktop.systemd1",
		"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", member, handler,
		NULL, d);
}

/* Nothing here waits for an answer. */
static void refresh(struct daemon *d)
{
	if (d->bus && sd_bus_is_open(d->bus) > 0)
		return;
	bool is_again = d->bus;
	d->bus = sd_bus_close_unref(d->bus);
	if (sd_bus_open_system(&d->bus) < 0)
		return;
	if (sd_bus_attach_event(d->bus, d->event, SD_EVENT_PRIORITY_NORMAL) < 0 ||
		match(d, "UnitNew", on_unit) < 0 || match(d, "UnitRemoved", on_unit) < 0 ||
		match(d, "Reloading", on_reload) < 0 || match(d, "JobRemoved", on_job) < 0 ||
		sd_bus_call_method_async(d->bus, NULL, "org.freedesktop.systemd1",
			"/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
			"Subscribe", NULL, NULL, "") < 0) {
		d->bus = sd_bus_close_unref(d->bus);
		return;
	}
	if (is_again)
		daemon_look(d, "the bus is back");
}

const struct source source_bus = { "bus", refresh, NULL };
