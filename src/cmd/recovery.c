/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd/planning.h"

bool recovery_residue(const struct changes *back, struct strbuf *ret)
{
	bool has_any = false;
	if (!back)
		return false;
	array_for_each (c, &back->v) {
		if (c->result != CHANGE_FAILED)
			continue;
		strbuf_printf(ret, "%s %s of %s (%s)", has_any ? "," : "", c->knob->name,
			c->target.key, c->reason ? c->reason : "failed");
		has_any = true;
	}
	return has_any;
}

json_t *recovery_residue_json(const struct changes *back)
{
	json_t *rows = json_array();
	array_for_each (c, &back->v) {
		if (c->result == CHANGE_FAILED)
			json_array_append_new(rows,
				json_pack("{s:s, s:s, s:s, s:s*}", "knob", c->knob->name, "key",
					c->target.key, "value", c->after, "reason", c->reason));
	}
	return rows;
}

static bool is_among(const char *vm, const char *const *vms, size_t n_vms)
{
	if (!vms)
		return true;
	for (size_t i = 0; i < n_vms; i++)
		if (streq(vms[i], vm))
			return true;
	return false;
}

int undo_vms(struct context *c, const struct ledger *l, const char *const *vms, size_t n_vms,
	struct changes **ret, struct err *e)
{
	AUTO_SNAPSHOT struct snapshot *s = NULL;
	AUTO_VMS struct vms *all = NULL;
	AUTO_LEDGER struct ledger *next = ledger_new();
	AUTO_CHANGES struct changes *changes = NULL;
	next->boot_id = l->boot_id;
	next->operation = "undo";
	next->is_forward = true;
	if (!l->placements.n && !l->entries.n) {
		*ret = xcalloc(1, sizeof **ret);
		return 0;
	}
	array_for_each (p, &l->placements) {
		if (!is_among(p->vm, vms, n_vms) && placement_is_alive(c->h, p))
			ledger_add_placement(next, p);
	}
	if (snapshot_read(c->h, SNAPSHOT_ALL, &s, e) < 0 || vms_find(c->h, s, &all, e) < 0)
		return e->code;
	AUTO_SETTINGS struct settings *settings =
		settings_for(s, all, next->placements.v, next->placements.n);
	int r = changes_plan(c->h, l, settings, &changes, e);
	array_for_each (p, &l->placements) {
		if (r == 0 && is_among(p->vm, vms, n_vms) && placement_is_alive(c->h, p))
			r = changes_add_late_threads(c->h, l, p->pid, changes);
	}
	if (r == 0)
		r = transaction_run(c->h, changes, next, NULL, e);
	if (r == 0)
		*ret = TAKE(changes);
	return r;
}

/* The VMs of the last apply: "apply db01 db02". */
static int undo_unconfirmed(struct context *c, const struct ledger *l, struct err *e)
{
	AUTO_FREE char *words = xstrdup(l->operation);
	AUTO_CHANGES struct changes *changes = NULL;
	ARRAY(const char *) vms = { 0 };
	char *next = words;
	str_next_word(&next);
	for (char *vm; (vm = str_next_word(&next));)
		*array_push(&vms) = vm;
	int r = undo_vms(c, l, vms.v, vms.n, &changes, e);
	free(vms.v);
	if (r == 0)
		report_warning(c->report, "'%s' was not confirmed in time and has been undone",
			l->operation);
	return r;
}

int recovery_begin(struct context *c, int *ret_lock, struct err *e)
{
	AUTO_CHANGES struct changes *recovered = NULL;
	AUTO_LEDGER struct ledger *l = NULL;
	AUTO_STRBUF struct strbuf left = { 0 };
	if (ledger_lock(c->h, ret_lock, e) < 0 || transaction_recover(c->h, &recovered, e) < 0)
		return EXIT_UNCHANGED;
	if (recovered)
		report_warning(c->report, "an unfinished transaction was found and ended first");
	if (recovery_residue(recovered, &left)) {
		err_say(e, -EBUSY, "recovery could not restore:%s", left.s);
		return EXIT_RESIDUE;
	}
	if (recovered && recovered->n_damaged) {
		err_say(e, -EBADMSG,
			"%zu records of the journal are damaged: what they say was not put back",
			recovered->n_damaged);
		return EXIT_RESIDUE;
	}
	if (ledger_read(c->h, &l, e) < 0)
		return EXIT_UNCHANGED;
	if (l->confirm_ns && host_clock_ns(c->h) > l->confirm_ns && undo_unconfirmed(c, l, e) < 0)
		return EXIT_UNCHANGED;
	return 0;
}

/* ---- apply --confirm ---- */

static bool is_waiting(struct context *c, uint64_t confirm_ns)
{
	struct err e;
	AUTO_LEDGER struct ledger *l = NULL;
	return ledger_read(c->h, &l, &e) == 0 && l->confirm_ns == confirm_ns;
}

/* Until confirmed, or the time is up: woken by every change of the state directory. */
static bool wait_for_confirm(struct context *c, const char *dir, uint64_t confirm_ns)
{
	AUTO_CLOSE int fd = inotify_init1(IN_CLOEXEC);
	if (fd >= 0 && inotify_add_watch(fd, dir, IN_MOVED_TO | IN_DELETE) < 0)
		return false;
	while (is_waiting(c, confirm_ns)) {
		uint64_t now = host_clock_ns(c->h);
		if (now >= confirm_ns)
			return false;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char events[4096];
		if (poll(&p, 1, (int)((confirm_ns - now) / 1000000) + 1) > 0 &&
			read(fd, events, sizeof events) < 0)
			return false;
	}
	return true;
}

int confirm_watch(struct context *c, const struct ledger *l, int lock, struct err *e)
{
	AUTO_FREE char *dir = ledger_dir(c->h);
	pid_t pid = fork();
	if (pid < 0) {
		err_set(e, -errno,
			"start the watch for 'wideberth confirm'; confirm or undo by hand");
		return EXIT_RESIDUE;
	}
	if (pid > 0)
		return EXIT_OK;
	/* The watch: out of the terminal, without the parent's lock and files. */
	close(lock);
	setsid();
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	uint64_t confirm_ns = l->confirm_ns;
	if (wait_for_confirm(c, dir, confirm_ns))
		_exit(EXIT_OK);
	/* Any command that changes things undoes what is overdue. */
	const char *root = host_is_live(c->h) ? "/" : host_root(c->h);
	execl("/proc/self/exe", "wideberth", "--root", root, "undo", "--unconfirmed", NULL);
	_exit(EXIT_RESIDUE);
}
