/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <syslog.h>
#include <systemd/sd-journal.h>

#include "base/text.h"
#include "daemon/daemon.h"
#include "host/host.h"

/* Fields of the journal have one name each; what an event does not have is left empty. */
static const char *field(const char *text)
{
	return text ? text : "";
}

static void tell_journal(const struct event *e)
{
	AUTO_FREE char *text = event_text(e), *visible = text_visible(text);
	sd_journal_send("MESSAGE=%s", visible, "MESSAGE_ID=%s", event_message_id(e->what),
		"PRIORITY=%d", event_is_warning(e->what) ? LOG_WARNING : LOG_INFO,
		"SYSLOG_IDENTIFIER=wideberth", "WIDEBERTH_WHAT=%s", event_name(e->what),
		"WIDEBERTH_VM=%s", field(e->vm), "WIDEBERTH_KNOB=%s", field(e->knob),
		"WIDEBERTH_KEY=%s", field(e->key), "WIDEBERTH_BEFORE=%s", field(e->before),
		"WIDEBERTH_AFTER=%s", field(e->after), "WIDEBERTH_WHY=%s", field(e->why), NULL);
}

int daemon_tell(struct host *h, const struct events *l, struct err *e)
{
	if (host_is_live(h))
		array_for_each (event, &l->v)
			tell_journal(event);
	return events_write(h, l, e);
}
