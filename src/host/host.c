/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "host/mask.h"
#include "host/recording.h"
#include "kernel/task-status.h"

/* What the caller's printf-style words come to. */
#define AUTO_PATH(path, fmt)                                                                       \
	va_list ap;                                                                                \
	va_start(ap, fmt);                                                                         \
	AUTO_FREE char *path = xvasprintf(fmt, ap);                                                \
	va_end(ap)

int host_record_to(
	struct host *h, const char *dir, const struct host_secrets *secrets, struct err *e)
{
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "create directory '%s'", dir);
	h->record = recording_new();
	h->record_dir = xstrdup(dir);
	h->secrets = secrets;
	return 0;
}

void host_mask_names(struct host *h)
{
	if (!h->mask)
		h->mask = mask_new();
}

int host_finish(struct host *h, struct err *e)
{
	if (!h->record)
		return 0;
	if (h->mask)
		recording_mask(h->record, h->mask);
	AUTO_FREE char *path = xasprintf("%s/recording", h->record_dir);
	return recording_save(h->record, path, e);
}

const char *host_root(const struct host *h)
{
	return h->root;
}

bool host_is_live(const struct host *h)
{
	return h->is_live;
}

size_t host_unanswered(const struct host *h, const char **ret_first)
{
	*ret_first = NULL;
	return h->replay ? recording_unanswered(h->replay, ret_first) : 0;
}

bool host_is_asked(const struct host *h, const char *path)
{
	return !h->replay || recording_has(h->replay, "file", path);
}

bool host_may_change(const struct host *h)
{
	return h->ops && h->ops->write && !h->unpacked;
}

static void learn_hostname(struct mask *m, const char *text, size_t n)
{
	AUTO_FREE char *copy = xstrndup(text, n);
	mask_hide(m, str_trim(copy), "host", -1);
}

void host_record_answer(
	struct host *h, const char *kind, const char *key, int r, const char *text, size_t n)
{
	AUTO_FREE char *redacted =
		text && h->secrets ? h->secrets->redact(kind, key, text, &n) : NULL;
	const char *kept = redacted ? redacted : text;
	recording_add(h->record, kind, key, r, kept, n);
	if (!kept || !h->mask)
		return;
	if (streq(kind, "file") && streq(key, "proc/sys/kernel/hostname"))
		learn_hostname(h->mask, kept, n);
	if (h->secrets)
		h->secrets->learn(h->mask, kind, key, kept, n);
}

/* What has no answer has none in the new recording either, and is told as that again. */
int host_replay(struct host *h, const char *kind, const char *key, char **ret_text, size_t *ret_n)
{
	size_t n = 0;
	int r = recording_ask(h->replay, kind, key, ret_text, &n);
	if (h->record && recording_has(h->replay, kind, key))
		host_record_answer(h, kind, key, r, r ? NULL : *ret_text, n);
	if (ret_n)
		*ret_n = n;
	return r;
}

static int ask_file(struct host *h, const char *path, char **ret_text, size_t *ret_n)
{
	if (h->replay)
		return host_replay(h, "file", path, ret_text, ret_n);
	int r = host_read_path(h, path, ret_text, ret_n);
	if (h->record)
		host_record_answer(h, "file", path, r, r ? NULL : *ret_text, r ? 0 : *ret_n);
	return r;
}

int host_read(struct host *h, char **ret_text, size_t *ret_len, const char *fmt, ...)
{
	AUTO_PATH(path, fmt);
	size_t n;
	return ask_file(h, path, ret_text, ret_len ? ret_len : &n);
}

/* The kernel makes each directory below /proc when it is first opened: the shorter path is half the
 * cost. A recording that has the longer one answers with that; so may a tree. */
int host_read_thread(struct host *h, char **ret_text, int pid, int tid, const char *name)
{
	AUTO_FREE char *own = xasprintf("proc/%d/task/%d/%s", pid, tid, name);
	AUTO_FREE char *shorter = xasprintf("proc/%d/%s", pid, name);
	bool is_recorded = h->replay && recording_has(h->replay, "file", own);
	size_t n;
	int r = pid != tid || is_recorded ? -ENOENT : ask_file(h, shorter, ret_text, &n);
	return r == -ENOENT && !(pid == tid && h->is_live) ? ask_file(h, own, ret_text, &n) : r;
}

/* Names as one text, a line each, and back: "/" stands for a newline, for no name has it. */
static void names_of_text(char *text, struct host_names *ret)
{
	ARRAY(char *) names = { 0 };
	for (char *line; (line = str_next_line(&text));)
		if (*line && !streq(line, ".") && !streq(line, ".."))
			*array_push(&names) = xstrdup(str_swap(line, '/', '\n'));
	*ret = (struct host_names){ names.v, names.n };
}

static void record_names(struct host *h, const char *path, int r, const struct host_names *names)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t i = 0, at; r == 0 && i < names->n; i++) {
		at = b.n;
		strbuf_puts(&b, names->v[i]);
		str_swap(b.s + at, '\n', '/');
		strbuf_puts(&b, "\n");
	}
	recording_add(h->record, "list", path, r, b.s, b.n);
}

static int list(struct host *h, const char *path, int flags, struct host_names *ret)
{
	if (h->replay) {
		AUTO_FREE char *text = NULL;
		int r = host_replay(h, "list", path, &text, NULL);
		if (r == 0)
			names_of_text(text, ret);
		return r;
	}
	int r = host_list_path(h, path, flags, ret);
	if (h->record)
		record_names(h, path, r, ret);
	return r;
}

int host_list(struct host *h, struct host_names *ret, const char *fmt, ...)
{
	AUTO_PATH(path, fmt);
	return list(h, path, 0, ret);
}

int host_list_below(struct host *h, struct host_names *ret, const char *fmt, ...)
{
	AUTO_PATH(path, fmt);
	return strlen(path) < PATH_MAX ? list(h, path, O_NOFOLLOW, ret) : -ENAMETOOLONG;
}

int host_check_owner(struct host *h, const char *path, struct err *e)
{
	if (!h->is_live)
		return 0;
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH);
	AUTO_FREE char *name = xasprintf("/%s", path);
	return fd < 0 ? 0 : file_check_owner(fd, name, e);
}

int host_make_dir(struct host *h, const char *path)
{
	if (!host_may_change(h))
		return -EROFS;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	AUTO_FREE char *above = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup("");
	AUTO_CLOSE int parent = host_open_path(h, above, O_RDONLY | O_DIRECTORY);
	if (parent < 0)
		return parent;
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void host_on_wait(struct host *h, host_wait_fn *fn, void *context)
{
	h->tell_wait = fn;
	h->wait_context = context;
}

void host_tell_wait(const struct host *h, const char *whom)
{
	if (h->tell_wait)
		h->tell_wait(h->wait_context, whom);
}

/* What is asked like files: kind is "link", "inode", "unit". ask: NULL where nobody can answer. */
static int answer(struct host *h, const char *kind, const char *key, host_ask_fn *ask,
	void *context, char **ret)
{
	if (h->replay)
		return host_replay(h, kind, key, ret, NULL);
	int r = ask ? ask(context, key, ret) : -ENOENT;
	if (h->record)
		host_record_answer(h, kind, key, r, r ? NULL : *ret, r ? 0 : strlen(*ret));
	return r;
}

static int ask_link(void *context, const char *path, char **ret)
{
	struct host *h = context;
	AUTO_CLOSE int fd = host_open_path(h, path, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	char target[4096];
	ssize_t n = readlinkat(fd, "", target, sizeof target);
	if (n < 0)
		return errno == ENOENT ? -EINVAL : -errno; /* not a link: as readlink(2) says it */
	*ret = xstrndup(target, (size_t)n);
	return 0;
}

int host_readlink(struct host *h, char **ret, const char *fmt, ...)
{
	AUTO_PATH(path, fmt);
	return answer(h, "link", path, ask_link, h, ret);
}

static int ask_inode(void *context, const char *path, char **ret)
{
	struct host *h = context;
	struct stat st;
	int r = host_stat_path(h, path, &st);
	if (r == 0)
		*ret = xasprintf("%llu", (unsigned long long)st.st_ino);
	return r;
}

int host_inode(struct host *h, uint64_t *ret, const char *fmt, ...)
{
	AUTO_PATH(path, fmt);
	AUTO_FREE char *text = NULL;
	int r = answer(h, "inode", path, ask_inode, h, &text);
	return r < 0 ? r : str_to_u64(text, ret);
}

int host_ask(struct host *h, const char *kind, const char *key, host_ask_fn *ask, void *context,
	char **ret_text)
{
	if (h->unasked && streq(h->unasked, kind))
		return -EBUSY;
	return answer(h, kind, key, h->is_live ? ask : NULL, context, ret_text);
}

void host_never_ask(struct host *h, const char *kind)
{
	h->unasked = kind;
}

int host_record_fact(
	struct host *h, const char *kind, const char *key, host_ask_fn *ask, void *context)
{
	if (!h->record)
		return 0;
	AUTO_FREE char *text = NULL;
	int r = ask(context, key, &text);
	host_record_answer(h, kind, key, r, r ? NULL : text, r ? 0 : strlen(text));
	return r;
}

static int ask_clock(void *context, const char *key, char **ret)
{
	struct host *h = context;
	uint64_t ns;
	(void)key;
	int r = h->ops->get_clock ? h->ops->get_clock(h, &ns) : -ENOENT;
	if (r == 0)
		*ret = xasprintf("%llu", (unsigned long long)ns);
	return r;
}

uint64_t host_clock_ns(struct host *h)
{
	AUTO_FREE char *text = NULL;
	uint64_t ns = 0;
	if (answer(h, "clock", "monotonic", ask_clock, h, &text) < 0 || str_to_u64(text, &ns) < 0)
		return 0;
	return ns;
}

/* The facts below are asked of a tree too, not only of the live machine: both know them. */

static int ask_affinity(void *context, const char *key, char **ret)
{
	struct host *h = context;
	int tid;
	struct cpuset cpus;
	int r = str_to_int(key, &tid);
	if (r == 0)
		r = h->ops->get_affinity(h, tid, &cpus);
	if (r == 0)
		*ret = cpuset_format_list(&cpus);
	return r;
}

static int parse_cpus(int r, const char *text, struct cpuset *ret)
{
	return r < 0 ? r : cpuset_parse_list(text, ret);
}

int host_get_affinity(struct host *h, int tid, struct cpuset *ret)
{
	if (!h->replay && !h->record)
		return h->ops->get_affinity(h, tid, ret);
	char key[16];
	snprintf(key, sizeof key, "%d", tid);
	AUTO_FREE char *text = NULL;
	int r = answer(h, "affinity", key, ask_affinity, h, &text);
	return parse_cpus(r, text, ret);
}

static int status_affinity(struct host *h, int pid, int tid, struct cpuset *ret)
{
	AUTO_FREE char *text = NULL;
	struct task_status s;
	int r = host_read_thread(h, &text, pid, tid, "status");
	if (r < 0)
		return r;
	task_status_parse(text, &s);
	if (!s.has_cpus)
		return -ENODATA;
	*ret = s.cpus_allowed;
	return 0;
}

int host_get_thread_affinity(struct host *h, int pid, int tid, struct cpuset *ret)
{
	if (!h->is_live && !h->replay)
		return status_affinity(h, pid, tid, ret);
	/* A recording of a tree has the file. */
	char key[16];
	snprintf(key, sizeof key, "%d", tid);
	if (h->replay && !recording_has(h->replay, "affinity", key))
		return status_affinity(h, pid, tid, ret);
	return host_get_affinity(h, tid, ret);
}

static int ask_unit(void *context, const char *key, char **ret)
{
	struct host *h = context;
	AUTO_FREE char *unit = xstrdup(key);
	char *property = strchr(unit, ' ');
	if (!property)
		return -EINVAL;
	*property++ = 0;
	return h->ops->get_unit(h, unit, property, ret);
}

int host_get_unit(struct host *h, const char *unit, const char *property, char **ret)
{
	AUTO_FREE char *key = xasprintf("%s %s", unit, property);
	int r = answer(h, "unit", key, ask_unit, h, ret);
	return r == -ENOENT ? HOST_NO_SYSTEMD : r == -ENOTUNIQ ? HOST_NOT_LOADED : r;
}

static int ask_irqbalance(void *context, const char *key, char **ret)
{
	(void)key;
	struct host *h = context;
	struct cpuset banned;
	int r = h->ops->get_irqbalance ? h->ops->get_irqbalance(h, &banned) : -ENOENT;
	if (r == 0)
		*ret = cpuset_format_list(&banned);
	return r;
}

int host_get_irqbalance(struct host *h, struct cpuset *ret)
{
	AUTO_FREE char *text = NULL;
	int r = answer(h, "irqbalance", "banned", ask_irqbalance, h, &text);
	return parse_cpus(r, text, ret);
}
