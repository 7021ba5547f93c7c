/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live half of the QMP client: one connection, one deadline. */
#include "vm/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <jansson.h>

#include "base/str.h"

enum {
	MESSAGE_MAX = 256 * 1024, /* about 1000 vCPUs */
	BUSY_MS = 15,             /* a polite client is gone by then */
};

static const char questions[] = "{\"execute\":\"qmp_capabilities\",\"id\":\"capabilities\"}\n"
				"{\"execute\":\"query-cpus-fast\",\"id\":\"cpus\"}\n"
				"{\"execute\":\"query-iothreads\",\"id\":\"iothreads\"}\n"
				"{\"execute\":\"query-name\",\"id\":\"name\"}\n"
				"{\"execute\":\"query-uuid\",\"id\":\"uuid\"}\n";
enum { N_QUESTIONS = 5 };

struct talk {
	int fd;
	uint64_t deadline_ns;
	uint64_t answers_ns; /* the deadline once it is greeted */
	struct strbuf in;    /* received and not yet understood */
	struct strbuf out;   /* replies, a line each */
	bool is_greeted;
	int n_replies;
};

static void talk_done(struct talk *t)
{
	cleanup_close_(&t->fd);
	strbuf_done(&t->in);
	strbuf_done(&t->out);
}

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int left_ms(const struct talk *t)
{
	uint64_t now = now_ns();
	return now < t->deadline_ns ? (int)((t->deadline_ns - now) / 1000000) : 0;
}

/* connect(2) on a unix socket never waits: EAGAIN means that the queue of listen(2) is full. */
static int connect_once(struct talk *t, const struct sockaddr_un *address)
{
	cleanup_close_(&t->fd);
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0 || connect(t->fd, (const struct sockaddr *)address, sizeof *address) < 0)
		return -errno;
	return 0;
}

static int connect_in_time(struct talk *t, const struct sockaddr_un *address)
{
	int r = connect_once(t, address);
	if (r == -EAGAIN) {
		/* Not in step with others that wait for the same monitor. */
		int wait_ms = BUSY_MS + (int)(now_ns() / 1000 % BUSY_MS);
		poll(NULL, 0, wait_ms < left_ms(t) ? wait_ms : left_ms(t));
		r = connect_once(t, address);
	}
	return r == -EAGAIN ? -EBUSY : r;
}

/* Who called listen(2) there; see unix(7). Of another PID namespace it is 0 where we do not see it.
 */
static int check_peer(const struct talk *t, const struct qmp_budget *b)
{
	struct ucred peer;
	socklen_t n = sizeof peer;
	if (!b->pid)
		return 0;
	if (getsockopt(t->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return -errno;
	bool is_user = b->uid < 0 || peer.uid == 0 || peer.uid == (uid_t)b->uid;
	return peer.pid == b->pid && is_user ? 0 : -EOWNERDEAD;
}

/* The file is opened once, and what was looked at is what is connected to. */
static int open_socket(struct talk *t, const char *path, const struct qmp_budget *b)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	AUTO_CLOSE int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? -ECONNREFUSED : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	if (b->pid && b->uid >= 0 && st.st_uid != 0 && st.st_uid != (uid_t)b->uid)
		return -EOWNERDEAD;
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", fd);
	int r = connect_in_time(t, &address);
	if (r == 0)
		r = check_peer(t, b);
	return r == -ENOENT ? -ECONNREFUSED : r;
}

static int send_questions(struct talk *t)
{
	size_t n = sizeof questions - 1;
	/* A fresh socket has room for so little. */
	return send(t->fd, questions, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -ECONNRESET;
}

/* One message: the greeting {"QMP":…}, a reply {"return":…} or {"error":…}, or an event. */
static int take_message(struct talk *t, const json_t *message)
{
	if (!t->is_greeted) {
		if (!json_object_get(message, "QMP"))
			return -EPROTO;
		t->is_greeted = true;
		t->deadline_ns = t->answers_ns;
		return send_questions(t);
	}
	if (!json_object_get(message, "return") && !json_object_get(message, "error"))
		return json_object_get(message, "event") ? 0 : -EPROTO;
	AUTO_FREE char *line = json_dumps(message, JSON_COMPACT);
	if (!line)
		return -EPROTO;
	strbuf_puts(&t->out, line);
	strbuf_puts(&t->out, "\n");
	t->n_replies++;
	return 0;
}

/*
 * Takes the complete messages off t->in. A message is a JSON object that ends a line, on one line
 * or, where the monitor is "pretty", on several; so only text up to the last newline is looked
 * at, and running out of it means that the rest is still to come.
 */
static int take_messages(struct talk *t)
{
	const char *end;
	while (t->in.n && t->n_replies < N_QUESTIONS && (end = memrchr(t->in.s, '\n', t->in.n))) {
		size_t n = (size_t)(end - t->in.s) + 1;
		if (strspn(t->in.s, " \t\r\n") >= n) {
			t->in.n = (size_t)(t->in.s + t->in.n - end) - 1;
			memmove(t->in.s, end + 1, t->in.n);
			return 0;
		}
		json_error_t error;
		json_auto_t *message = json_loadb(t->in.s, n, JSON_DISABLE_EOF_CHECK, &error);
		if (!message && json_error_code(&error) == json_error_premature_end_of_input)
			return 0;
		int r = message ? take_message(t, message) : -EPROTO;
		if (r < 0)
			return r;
		t->in.n -= (size_t)error.position;
		memmove(t->in.s, t->in.s + error.position, t->in.n);
	}
	return 0;
}

/* Waits for more and receives it. */
static int receive(struct talk *t)
{
	char buffer[16384];
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	int ms = left_ms(t);
	if (ms <= 0 || poll(&p, 1, ms) == 0)
		return t->is_greeted ? -ETIMEDOUT : -EBUSY;
	ssize_t n = recv(t->fd, buffer, sizeof buffer, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -ECONNRESET;
	if (n == 0)
		return -ECONNRESET;
	if (t->in.n + (size_t)n > MESSAGE_MAX)
		return -EMSGSIZE;
	strbuf_add(&t->in, buffer, (size_t)n);
	return 0;
}

static int talk(struct talk *t, const char *path, const struct qmp_budget *b)
{
	int r = open_socket(t, path, b);
	while (r == 0 && t->n_replies < N_QUESTIONS) {
		r = receive(t);
		if (r == 0)
			r = take_messages(t);
	}
	return r;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

int qmp_ask(void *context, const char *key, char **ret_text)
{
	struct qmp_budget *b = context;
	uint64_t budget = b->vm_ns < b->all_ns ? b->vm_ns : b->all_ns;
	if (budget < 1000000)
		return -ETIME;
	uint64_t start = now_ns();
	uint64_t greeting = b->greeting_ns && b->greeting_ns < budget ? b->greeting_ns : budget;
	CLEANUP(talk_done)
	struct talk t = {
		.fd = -1,
		.deadline_ns = start + greeting,
		.answers_ns = start + budget,
	};
	int r = talk(&t, key, b);
	uint64_t spent = now_ns() - start;
	b->vm_ns = minus(b->vm_ns, spent);
	b->all_ns = minus(b->all_ns, spent);
	if (r == 0)
		*ret_text = TAKE(t.out.s);
	return r;
}

const char *qmp_outcome(int code)
{
	switch (-code) {
	case ETIME:
		return "not asked: other monitors used up the time";
	case ECONNREFUSED:
		return "nobody listens there";
	case EBUSY:
		return "it serves another client, or QEMU hangs";
	case ETIMEDOUT:
		return "no answer in time";
	case ECONNRESET:
		return "it hung up before the answer";
	case EPROTO:
		return "what it says is not QMP";
	case EMSGSIZE:
		return "its answer is too long";
	case ENOTSOCK:
		return "it is no socket";
	case EOWNERDEAD:
		return "it is not this QEMU that listens there";
	case EACCES:
	case EPERM:
		return "only root may ask";
	default:
		return strerrordesc_np(-code);
	}
}
