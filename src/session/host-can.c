/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/host-can.h"

#include <string.h>

#include "base/str.h"
#include "host/host.h"

/* ---- tuned ---- */

/* Profiles that isolate CPUs are these, or include one of them: "include=cpu-partitioning" in
 * [main] of /etc/tuned/NAME/tuned.conf, or /usr/lib/tuned/…. */
static bool isolates(const char *profile)
{
	static const char *const words[] = { "cpu-partitioning", "realtime" };
	for (size_t i = 0; i < N_ELEMENTS(words); i++)
		if (strstr(profile, words[i]))
			return true;
	return false;
}

/* The value of "include" in the text, into the arena; NULL: none. */
static const char *include_of(struct arena *a, char *text)
{
	char *next = text;
	for (char *line; (line = str_next_line(&next));) {
		const char *value = str_after(str_trim(line), "include");
		value = value ? str_after(value + strspn(value, " \t"), "=") : NULL;
		if (value)
			return arena_strdup(a, value + strspn(value, " \t"));
	}
	return NULL;
}

static const char *included_by(struct host *h, struct arena *a, const char *profile)
{
	static const char *const dirs[] = { "etc/tuned", "etc/tuned/profiles", "usr/lib/tuned",
		"usr/lib/tuned/profiles" };
	for (size_t i = 0; i < N_ELEMENTS(dirs) && !strchr(profile, '/'); i++) {
		AUTO_FREE char *text = NULL;
		if (host_read(h, &text, NULL, "%s/%s/tuned.conf", dirs[i], profile) == 0)
			return include_of(a, text);
	}
	return NULL;
}

const char *tuned_profile(
	struct host *h, const struct snapshot *s, struct arena *a, bool *ret_is_fighting)
{
	enum { DEPTH_MAX = 5 };
	struct service services[SERVICES_MAX];
	size_t n = snapshot_services(s, services);
	bool is_running = false;
	AUTO_FREE char *text = NULL;
	*ret_is_fighting = false;
	for (size_t i = 0; i < n; i++)
		is_running |= services[i].task && streq(services[i].name, "tuned");
	if (!is_running || host_read(h, &text, NULL, "etc/tuned/active_profile") < 0 ||
		!*str_trim(text))
		return NULL;
	const char *profile = arena_strdup(a, str_trim(text)), *at = profile;
	for (int i = 0; at && i < DEPTH_MAX && !*ret_is_fighting; i++) {
		*ret_is_fighting = isolates(at);
		at = included_by(h, a, at);
	}
	return profile;
}

char *tuned_advice(const char *profile)
{
	return xasprintf(
		"tuned's profile %s keeps CPUs free itself, and sets masks of threads and "
		"interrupts "
		"again and again: give tuned another (tuned-adm profile virtual-host) or leave "
		"those "
		"CPUs to it",
		profile);
}

/* ---- levels ---- */

void levels_judge(const struct snapshot *s, const struct ability *partition, struct host_level *ret)
{
	bool has_groups = s->n_cgroups && s->has_cpuset;
	ret[LEVEL_PINNED] = (struct host_level){ .answer = ANSWER_YES };
	ret[LEVEL_FENCED] = (struct host_level){
		.answer = has_groups ? ANSWER_YES : ANSWER_NO,
		.why = has_groups ? NULL : "no cgroup v2 hierarchy with the cpuset controller",
	};
	ret[LEVEL_ISOLATED] = (struct host_level){ partition->answer, partition->why };
}

int host_can_read(struct host *h, struct host_can *ret, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	*ret = (struct host_can){ 0 };
	int r = snapshot_read(h, SNAPSHOT_TASKS | SNAPSHOT_CGROUPS, &s, e);
	if (r < 0)
		return r;
	abilities_read(h, s, &ret->arena, &ret->abilities);
	abilities_keep(h, &ret->abilities);
	levels_judge(s, &ret->abilities.v[ABILITY_REMOTE_PARTITION], ret->levels);
	ret->n_services = snapshot_services(s, ret->services);
	for (size_t i = 0; i < ret->n_services; i++)
		if (ret->services[i].task) {
			ret->services[i].task = arena_dup(&ret->arena, ret->services[i].task, 1,
				sizeof *ret->services[i].task);
		}
	ret->tuned_profile = tuned_profile(h, s, &ret->arena, &ret->is_tuned_fighting);
	return 0;
}

void host_can_done(struct host_can *c)
{
	arena_done(&c->arena);
}
