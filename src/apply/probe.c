/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "host/host-write.h"
#include "model/snapshot.h"

#define MOUNT "sys/fs/cgroup"
#define GROUP "wideberth-probe"

/* ---- without trying ---- */

/* "6.12.41+deb13-amd64" → 6012; 0: unknown */
static int release_of(struct host *h)
{
	AUTO_FREE char *text = NULL;
	char *end;
	if (host_read(h, &text, NULL, "proc/sys/kernel/osrelease") < 0)
		return 0;
	long major = strtol(text, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
	return major < 1 || major > 99 ? 0 : (int)(major * 1000 + (minor < 999 ? minor : 999));
}

bool release_keeps_lists(struct host *h)
{
	int release = release_of(h);
	return release && release < 7000;
}

static struct ability by_release(struct host *h, int first, const char *why)
{
	int release = release_of(h);
	if (!release)
		return (struct ability){ .why = "nothing tells the kernel's release" };
	return (struct ability){
		.answer = release >= first ? ANSWER_YES : ANSWER_NO, .how = "estimated", .why = why
	};
}

struct ability partition_by_files(const struct snapshot *s)
{
	if (!s->has_cpuset)
		return (struct ability){ ANSWER_NO, "seen",
			"no cgroup v2 hierarchy with the cpuset controller" };
	return s->has_remote_partitions
		? (struct ability){ ANSWER_YES, "estimated", "by cpuset.cpus.exclusive" }
		: (struct ability){ ANSWER_NO, "seen", "no cpuset.cpus.exclusive (since 6.7)" };
}

struct ability ability_estimate(struct host *h, const struct snapshot *s, enum ability_id id)
{
	switch (id) {
	case ABILITY_REMOTE_PARTITION:
		return partition_by_files(s);
	case ABILITY_OWN_MASK:
		return by_release(h, 6002, "by the kernel's release (since 6.2)");
	case ABILITY_EMPTY_LIST:
		return by_release(h, 7000, "by the kernel's release (since 7.0)");
	case ABILITY_DELEGATE:
	case N_ABILITIES:
		break;
	}
	if (!s->has_systemd)
		return (struct ability){ ANSWER_YES, "seen",
			"there is no systemd to take them away" };
	return (struct ability){ .why = "to try it takes a daemon-reload; apply reads it back" };
}

/* A partition that is in force below a group that is none. */
static const char *live_remote(const struct snapshot *s)
{
	for (size_t i = 1; i < s->n_cgroups; i++) {
		const struct cgroup *g = &s->cgroups[i];
		const struct cgroup *above = g->parent > 0 ? &s->cgroups[g->parent] : NULL;
		if (g->partition && streq(g->partition, "isolated") && above && above->partition &&
			streq(above->partition, "member"))
			return g->path;
	}
	return NULL;
}

/* ---- trying ---- */

/* Why nothing can be tried, or NULL. */
static const char *why_untried(struct host *h, const struct snapshot *s)
{
	if (!host_may_change(h))
		return "a tree or a recording is only read";
	if (host_is_live(h) && geteuid() != 0)
		return "only root can try it";
	if (host_is_live(h) && release_of(h) < 6012)
		return "on kernels before 6.12 it has not been seen yet to leave nothing behind";
	if (!s->has_cpuset || !s->n_cgroups)
		return "no cgroup v2 hierarchy with the cpuset controller";
	const char *given = s->cgroups[0].subtree_control;
	if (!given || !str_has_word(given, "cpuset"))
		return "the cpuset controller is not given to groups, and to enable it changes "
		       "others'";
	return NULL;
}

static void clean(struct host *h)
{
	(void)!host_rmdir(h, MOUNT "/" GROUP "/mask");
	(void)!host_rmdir(h, MOUNT "/" GROUP "/part");
	(void)!host_rmdir(h, MOUNT "/" GROUP);
}

static int write_list(struct host *h, const char *file, const struct cpuset *cpus)
{
	AUTO_FREE char *list = cpuset_format_list(cpus);
	return host_write(h, *list ? list : "\n", MOUNT "/" GROUP "/%s", file);
}

static struct ability tried(bool is_good)
{
	return (struct ability){ .answer = is_good ? ANSWER_YES : ANSWER_NO, .how = "tried" };
}

static struct ability failed(struct arena *a, const char *what, int r)
{
	return (struct ability){ .why = arena_printf(a, "the trial failed: %s: %s", what,
					 strerrordesc_np(-r)) };
}

/* The thread chooses one CPU; its group loses that CPU, and has it again. */
static struct ability try_mask(struct host *h, struct arena *a, int pid, const struct cpuset *own,
	const struct cpuset *both)
{
	struct cpuset rest = cpuset_minus(both, own), now = CPUSET_EMPTY;
	int r = write_list(h, "mask/cpuset.cpus", both);
	if (r == 0)
		r = host_set_affinity(h, pid, own);
	if (r == 0)
		r = write_list(h, "mask/cpuset.cpus", &rest);
	if (r == 0)
		r = write_list(h, "mask/cpuset.cpus", both);
	if (r == 0)
		r = host_get_affinity(h, pid, &now);
	return r < 0 ? failed(a, "cpuset.cpus", r) : tried(cpuset_equal(&now, own));
}

static struct ability try_empty(struct host *h, struct arena *a)
{
	struct cpuset none = CPUSET_EMPTY;
	int r = write_list(h, "mask/cpuset.cpus", &none);
	return r < 0 && r != -ENOSPC ? failed(a, "cpuset.cpus", r) : tried(r == 0);
}

static bool is_taken_from_root(struct host *h, const struct cpuset *own)
{
	AUTO_FREE char *text = NULL;
	struct cpuset root;
	return host_read(h, &text, NULL, MOUNT "/cpuset.cpus.effective") == 0 &&
		cpuset_parse_list(str_trim(text), &root) == 0 && !cpuset_intersects(&root, own);
}

/* In the order in which the kernel loses no CPU: see knobs of cgroup.exclusive. */
static struct ability try_partition(struct host *h, struct arena *a, const struct cpuset *own)
{
	struct cpuset none = CPUSET_EMPTY;
	AUTO_FREE char *state = NULL;
	struct ability ret;
	int r = host_mkdir(h, MOUNT "/" GROUP "/part");
	if (r == 0)
		r = write_list(h, "cpuset.cpus.exclusive", own);
	if (r == 0)
		r = write_list(h, "part/cpuset.cpus.exclusive", own);
	if (r == 0)
		r = host_write(h, "isolated", MOUNT "/" GROUP "/part/cpuset.cpus.partition");
	if (r == 0)
		r = host_read(h, &state, NULL, MOUNT "/" GROUP "/part/cpuset.cpus.partition");
	if (r < 0) {
		ret = failed(a, "a partition", r);
	} else {
		ret = tried(streq(str_trim(state), "isolated") && is_taken_from_root(h, own));
		if (ret.answer == ANSWER_NO)
			ret.why = arena_printf(a, "the kernel says: %s", str_trim(state));
	}
	(void)!host_write(h, "member", MOUNT "/" GROUP "/part/cpuset.cpus.partition");
	(void)!write_list(h, "part/cpuset.cpus.exclusive", &none);
	(void)!write_list(h, "cpuset.cpus.exclusive", &none);
	return ret;
}

/* True when the mask is what the thread's group gives to everybody: somebody who chose another
 * meanwhile has his. */
static bool is_group_mask(const struct snapshot *s, const struct task *t, const struct cpuset *now)
{
	const struct cpuset *group = NULL;
	for (int g = t->cgroup; g >= 0 && !group; g = s->cgroups[g].parent)
		group = s->cgroups[g].effective;
	return cpuset_equal(now, group ? group : &s->online_cpus);
}

/* Kernels take away masks of others' threads where a cpuset changes: all of them those of kernel
 * threads when a partition is made, old ones more. */
static void put_masks_back(struct host *h, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_tasks; i++) {
		const struct task *t = &s->tasks[i];
		struct cpuset now;
		if (task_is_immovable(t) || !t->allowed || host_get_affinity(h, t->tid, &now) < 0 ||
			cpuset_equal(&now, t->allowed) || !is_group_mask(s, t, &now))
			continue;
		(void)!host_set_affinity(h, t->tid, t->allowed);
	}
}

/* Two CPUs that nobody claims; the last is the one to take. */
static bool pick_cpus(const struct snapshot *s, struct cpuset *ret_own, struct cpuset *ret_both)
{
	struct cpuset usual = cpuset_minus(&s->online_cpus, &s->isolated_cpus);
	usual = cpuset_minus(&usual, &s->boot_isolated_cpus);
	for (size_t i = 1; i < s->n_cgroups; i++) {
		struct cpuset held;
		if (s->cgroups[i].exclusive &&
			cpuset_parse_list(s->cgroups[i].exclusive, &held) == 0)
			usual = cpuset_minus(&usual, &held);
	}
	int last = -1;
	cpuset_for_each (cpu, &usual)
		last = cpu;
	if (cpuset_count(&usual) < 3) /* the host keeps two at any time */
		return false;
	*ret_own = cpuset_of(last);
	*ret_both = cpuset_of(cpuset_first(&usual));
	cpuset_add(ret_both, last);
	return true;
}

/* Returns why it could not begin, or NULL. */
static const char *try_all(
	struct host *h, const struct snapshot *s, struct arena *a, struct abilities *ret)
{
	struct cpuset own, both;
	int pid;
	if (!pick_cpus(s, &own, &both))
		return "there are not three CPUs that nobody claims";
	clean(h); /* of a trial that was killed */
	int r = host_mkdir(h, MOUNT "/" GROUP);
	if (r == 0)
		r = host_write(h, "+cpuset", MOUNT "/" GROUP "/cgroup.subtree_control");
	if (r == 0)
		r = host_mkdir(h, MOUNT "/" GROUP "/mask");
	if (r == 0)
		r = host_start_idle(h, GROUP "/mask", &pid);
	if (r < 0) {
		clean(h);
		return arena_printf(
			a, "a group to try it in cannot be made: %s", strerrordesc_np(-r));
	}
	ret->v[ABILITY_OWN_MASK] = try_mask(h, a, pid, &own, &both);
	ret->v[ABILITY_EMPTY_LIST] = try_empty(h, a);
	host_end_idle(h, pid);
	struct ability *partition = &ret->v[ABILITY_REMOTE_PARTITION];
	bool gives_back = ret->v[ABILITY_EMPTY_LIST].answer == ANSWER_YES;
	if (gives_back && partition->answer == ANSWER_YES && !streq(partition->how, "seen"))
		*partition = try_partition(h, a, &own);
	clean(h);
	put_masks_back(h, s);
	return NULL;
}

void abilities_read(
	struct host *h, const struct snapshot *s, struct arena *a, struct abilities *ret)
{
	*ret = (struct abilities){ .why_untried = why_untried(h, s) };
	for (enum ability_id i = 0; i < N_ABILITIES; i++)
		ret->v[i] = ability_estimate(h, s, i);
	const char *live = live_remote(s);
	if (live)
		ret->v[ABILITY_REMOTE_PARTITION] =
			(struct ability){ ANSWER_YES, "seen", arena_printf(a, "%s is one", live) };
	if (!ret->why_untried)
		ret->why_untried = try_all(h, s, a, ret);
}

const char *ability_name(enum ability_id id)
{
	static const char *const names[N_ABILITIES] = {
		[ABILITY_REMOTE_PARTITION] = "remote-partition",
		[ABILITY_OWN_MASK] = "own-mask",
		[ABILITY_EMPTY_LIST] = "empty-list",
		[ABILITY_DELEGATE] = "delegate",
	};
	return names[id];
}

const char *ability_text(enum ability_id id)
{
	static const char *const texts[N_ABILITIES] = {
		[ABILITY_REMOTE_PARTITION] = "an isolated partition below a group that is none",
		[ABILITY_OWN_MASK] = "a thread's own mask outlives a change of its group's CPUs",
		[ABILITY_EMPTY_LIST] = "the CPU list of a group in use can be emptied again",
		[ABILITY_DELEGATE] = "systemd leaves groups below a running scope alone",
	};
	return texts[id];
}

const char *answer_name(enum answer answer)
{
	static const char *const names[] = {
		[ANSWER_UNKNOWN] = "unknown",
		[ANSWER_YES] = "yes",
		[ANSWER_NO] = "no",
	};
	return names[answer];
}
