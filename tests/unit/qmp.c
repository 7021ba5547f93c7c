/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QMP client: its parser, and the client against servers of every kind of bad manners. */
#include "vm/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "tap.h"

#define GREETING                                                                                   \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}}}}\r\n"
#define EVENT        "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"RESUME\"}\r\n"
#define CAPABILITIES "{\"return\": {}, \"id\": \"capabilities\"}\r\n"
#define CPUS                                                                                       \
	"{\"return\": [{\"thread-id\": 71, \"cpu-index\": 0, \"props\": {\"core-id\": 0, "         \
	"\"thread-id\": 0, \"socket-id\": 0}}, {\"thread-id\": 72, \"cpu-index\": 1, "             \
	"\"props\": {\"core-id\": 0, \"thread-id\": 1, \"socket-id\": 0}}], \"id\": \"cpus\"}\r\n"
#define IOTHREADS                                                                                  \
	"{\"return\": [{\"poll-max-ns\": 32768, \"thread-id\": 75, \"id\": \"io0\"}], "            \
	"\"id\": \"iothreads\"}\r\n"
#define NAME "{\"return\": {\"name\": \"guest\"}, \"id\": \"name\"}\r\n"
#define UUID                                                                                       \
	"{\"return\": {\"UUID\": \"00000000-0000-0000-0000-000000000000\"}, \"id\": \"uuid\"}\r\n"
#define REST CAPABILITIES CPUS IOTHREADS NAME UUID

/* "0:71@0/0/0 1:72@0/0/1 | io0:75 | name | uuid" */
static char *show(const struct qmp_facts *f)
{
	struct strbuf b = { 0 };
	array_for_each (c, &f->cpus)
		strbuf_printf(
			&b, "%d:%d@%d/%d/%d ", c->index, c->tid, c->socket, c->core, c->thread);
	strbuf_puts(&b, f->has_iothreads ? "|" : "?");
	array_for_each (i, &f->iothreads)
		strbuf_printf(&b, " %s:%d", i->id, i->tid);
	strbuf_printf(&b, " | %s | %s", f->name ? f->name : "-", f->uuid ? f->uuid : "-");
	return b.s;
}

static const struct {
	const char *what, *text, *want; /* NULL: refused */
} replies[] = {
	{ "everything", REST, "0:71@0/0/0 1:72@0/0/1 | io0:75 | guest | -" },
	{ "in another order", UUID NAME IOTHREADS CPUS,
		"0:71@0/0/0 1:72@0/0/1 | io0:75 | guest | -" },
	{ "no I/O threads", CPUS "{\"return\":[],\"id\":\"iothreads\"}\n",
		"0:71@0/0/0 1:72@0/0/1 | | - | -" },
	{ "a question it does not know",
		CPUS
		"{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"x\"},\"id\":\"iothreads\"}\n",
		"0:71@0/0/0 1:72@0/0/1 ? | - | -" },
	{ "a uuid", CPUS "{\"return\":{\"UUID\":\"6b6a0d2c-1\"},\"id\":\"uuid\"}\n",
		"0:71@0/0/0 1:72@0/0/1 ? | - | 6b6a0d2c-1" },
	{ "dies: cores counted on",
		"{\"id\":\"cpus\",\"return\":["
		"{\"thread-id\":1,\"cpu-index\":0,\"props\":"
		"{\"socket-id\":0,\"die-id\":0,\"core-id\":1,\"thread-id\":0}},"
		"{\"thread-id\":2,\"cpu-index\":1,\"props\":"
		"{\"socket-id\":0,\"die-id\":1,\"core-id\":1,\"thread-id\":0}}]}\n",
		"0:1@0/1/0 1:2@0/3/0 ? | - | -" },
	{ "no props", "{\"id\":\"cpus\",\"return\":[{\"thread-id\":9,\"cpu-index\":0}]}\n",
		"0:9@-1/-1/-1 ? | - | -" },
	{ "one thread for all",
		"{\"id\":\"cpus\",\"return\":[{\"thread-id\":9,\"cpu-index\":0},"
		"{\"thread-id\":9,\"cpu-index\":1}]}\n",
		"0:9@-1/-1/-1 1:9@-1/-1/-1 ? | - | -" },
	{ "rows without sense are left out",
		"{\"id\":\"cpus\",\"return\":[{\"thread-id\":-4,\"cpu-index\":0},7,null,{},"
		"{\"thread-id\":\"x\",\"cpu-index\":1},{\"thread-id\":5,\"cpu-index\":99999999999},"
		"{\"thread-id\":99999999999,\"cpu-index\":3},{\"thread-id\":6,\"cpu-index\":2}]}\n",
		"2:6@-1/-1/-1 ? | - | -" },
	{ "ids out of range",
		"{\"id\":\"cpus\",\"return\":[{\"thread-id\":6,\"cpu-index\":2,\"props\":"
		"{\"die-id\":65535,\"cluster-id\":65535,\"core-id\":65535,\"socket-id\":-3}}]}\n",
		"2:6@-1/-1/-1 ? | - | -" },
	{ "a damaged line between", CPUS "{\"return\": [{\"thr\n" IOTHREADS,
		"0:71@0/0/0 1:72@0/0/1 | io0:75 | - | -" },
	{ "nothing", "", NULL },
	{ "no vCPUs", CAPABILITIES IOTHREADS, NULL },
	{ "vCPUs are an object", "{\"id\":\"cpus\",\"return\":{\"thread-id\":1}}\n", NULL },
	{ "an error", "{\"id\":\"cpus\",\"error\":{\"class\":\"GenericError\",\"desc\":\"x\"}}\n",
		NULL },
	{ "ids are numbers", "{\"id\":1,\"return\":[{\"thread-id\":9,\"cpu-index\":0}]}\n", NULL },
	{ "not JSON", "hello\nworld\n", NULL },
	{ "other JSON", "[]\n7\n\"x\"\nnull\n{}\n", NULL },
};

static void test_parse(void)
{
	for (size_t i = 0; i < N_ELEMENTS(replies); i++) {
		struct arena a = { 0 };
		struct qmp_facts facts = { 0 };
		struct err e = { 0 };
		int r = qmp_parse(replies[i].text, &a, &facts, &e);
		AUTO_FREE char *got = r ? NULL : show(&facts);
		same_str(got, replies[i].want, "parse: %s", replies[i].what);
		if (r)
			ok(r == -EPROTO && *e.text, "parse: %s: says why", replies[i].what);
		qmp_facts_done(&facts);
		arena_done(&a);
	}
}

/* A server is a child that serves one client after another. */
typedef void serve_fn(int fd);

static void say(int fd, const char *text)
{
	size_t n = strlen(text);
	while (n) {
		ssize_t k = send(fd, text, n, MSG_NOSIGNAL);
		if (k <= 0)
			return;
		text += k;
		n -= (size_t)k;
	}
}

static void say_many(int fd, char c, int n_kib)
{
	char kib[1025];
	memset(kib, c, 1024);
	kib[1024] = 0;
	while (n_kib--)
		say(fd, kib);
}

static void hear(int fd)
{
	char buffer[4096];
	for (int lines = 0; lines < 5;) {
		ssize_t n = read(fd, buffer, sizeof buffer);
		if (n <= 0)
			return;
		for (ssize_t i = 0; i < n; i++)
			lines += buffer[i] == '\n';
	}
}

static void sleep_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void drip(int fd, const char *text, long ms)
{
	for (; *text; text++) {
		if (send(fd, text, 1, MSG_NOSIGNAL) <= 0)
			return;
		if (ms)
			sleep_ms(ms);
	}
}

static void linger(int fd)
{
	char c;
	while (read(fd, &c, 1) > 0)
		;
}

static void serve_well(int fd)
{
	say(fd, GREETING);
	hear(fd);
	say(fd, REST);
	linger(fd);
}

static void serve_events(int fd)
{
	say(fd, GREETING EVENT);
	hear(fd);
	say(fd,
		EVENT CAPABILITIES EVENT EVENT CPUS EVENT IOTHREADS
		"\r\n\r\n" NAME EVENT UUID EVENT);
	linger(fd);
}

static void serve_pretty(int fd)
{
	say(fd, "{\n    \"QMP\": {\n        \"capabilities\": [\n        ]\n    }\n}\r\n");
	hear(fd);
	say(fd, CAPABILITIES "{\n \"return\": [\n  {\n   \"thread-id\": 7");
	sleep_ms(5);
	say(fd, "1,\n   \"cpu-index\": 0\n  }\n ],\n \"id\": \"cpus\"\n}\r\n" IOTHREADS NAME "{\n");
	sleep_ms(5);
	say(fd, "\"error\": {}, \"id\": \"uuid\"\n}\r\n");
	linger(fd);
}

static void serve_errors(int fd)
{
	say(fd, GREETING);
	hear(fd);
	for (int i = 0; i < 5; i++)
		say(fd, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}}\r\n");
	linger(fd);
}

static void serve_bytes(int fd)
{
	drip(fd, GREETING, 0);
	hear(fd);
	drip(fd, REST, 0);
	linger(fd);
}

static void serve_drip(int fd)
{
	drip(fd, GREETING, 0);
	hear(fd);
	drip(fd, CAPABILITIES CPUS, 5);
	linger(fd);
}

static void serve_slow_greeting(int fd)
{
	drip(fd, GREETING, 20);
	linger(fd);
}

static void serve_nothing_after(int fd)
{
	say(fd, GREETING);
	linger(fd);
}

static void serve_garbage(int fd)
{
	say(fd, "SSH-2.0-OpenSSH_9.2\r\n");
	linger(fd);
}

static void serve_garbage_later(int fd)
{
	say(fd, GREETING);
	hear(fd);
	say(fd, CAPABILITIES "{\"return\": [{]\r\n");
	linger(fd);
}

static void serve_other_json(int fd)
{
	say(fd, "{\"hello\": \"world\"}\r\n");
	linger(fd);
}

static void serve_number(int fd)
{
	say(fd, GREETING);
	hear(fd);
	say(fd, "7\r\n[]\r\n");
	linger(fd);
}

static void serve_megabyte(int fd)
{
	say(fd, GREETING);
	hear(fd);
	say_many(fd, ' ', 1024);
	linger(fd);
}

static void serve_deep(int fd)
{
	say(fd, GREETING);
	hear(fd);
	say_many(fd, '[', 100);
	say(fd, "\r\n");
	linger(fd);
}

static void serve_event_flood(int fd)
{
	say(fd, GREETING);
	while (send(fd, EVENT, sizeof EVENT - 1, MSG_NOSIGNAL) > 0)
		;
}

static void serve_and_close(int fd)
{
	say(fd, GREETING);
	hear(fd);
	say(fd, CAPABILITIES "{\"return\": [{\"thread");
}

static void serve_goodbye(int fd)
{
	(void)fd;
}

static int listen_at(const char *path, int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, backlog) < 0)
		return -1;
	return fd;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	strcpy(a.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return connect(fd, (struct sockaddr *)&a, sizeof a) < 0 ? -1 : fd;
}

static pid_t start_server(int listener, serve_fn *serve)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			_exit(0);
		serve(fd);
		close(fd);
	}
}

static void stop_server(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* What an event ends is waited for, however busy the machine is: as good as for ever. */
#define PATIENCE_NS 60000000000ULL

static struct qmp_budget budget_of(uint64_t ns)
{
	return (struct qmp_budget){ .vm_ns = ns, .all_ns = ns };
}

/* What only the clock ends is asked with the budget of one VM; where not even the greeting came in
 * that, with twice as much. A client that does not keep to its budget never returns: no server
 * ends by itself. */
static char *ask(const char *path, int want, const char *what)
{
	bool is_clocked = want == -EBUSY || want == -ETIMEDOUT;
	uint64_t ns = is_clocked ? QMP_VM_NS : PATIENCE_NS;
	struct qmp_budget b = budget_of(ns);
	char *text = NULL;
	int r = qmp_ask(&b, path, &text);
	while (want == -ETIMEDOUT && r == -EBUSY && ns < PATIENCE_NS) {
		b = budget_of(ns *= 2);
		r = qmp_ask(&b, path, &text);
	}
	same_int(r, want, "%s: %s", what, want ? qmp_outcome(want) : "answers");
	ok(is_clocked ? b.vm_ns < 2000000 : b.vm_ns > 0, "%s: spends %s", what,
		is_clocked ? "what it has" : "no more than it needs");
	ok(b.vm_ns < ns && b.all_ns == b.vm_ns, "%s: pays for its time", what);
	return text;
}

static const struct {
	const char *what;
	serve_fn *serve;
	int want;
	const char *facts;
} servers[] = {
	{ "correct", serve_well, 0, "0:71@0/0/0 1:72@0/0/1 | io0:75 | guest | -" },
	{ "events between", serve_events, 0, "0:71@0/0/0 1:72@0/0/1 | io0:75 | guest | -" },
	{ "pretty", serve_pretty, 0, "0:71@-1/-1/-1 | io0:75 | guest | -" },
	{ "byte by byte", serve_bytes, 0, "0:71@0/0/0 1:72@0/0/1 | io0:75 | guest | -" },
	{ "errors only", serve_errors, 0, NULL },
	{ "silent", linger, -EBUSY, NULL },
	{ "silent after the greeting", serve_nothing_after, -ETIMEDOUT, NULL },
	{ "slow drip", serve_drip, -ETIMEDOUT, NULL },
	{ "slow greeting", serve_slow_greeting, -EBUSY, NULL },
	{ "garbage", serve_garbage, -EPROTO, NULL },
	{ "garbage later", serve_garbage_later, -EPROTO, NULL },
	{ "another protocol in JSON", serve_other_json, -EPROTO, NULL },
	{ "no objects", serve_number, -EPROTO, NULL },
	{ "a megabyte", serve_megabyte, -EMSGSIZE, NULL },
	{ "deep nesting", serve_deep, -EPROTO, NULL },
	{ "a flood of events", serve_event_flood, -ETIMEDOUT, NULL },
	{ "closes midway", serve_and_close, -ECONNRESET, NULL },
	{ "closes at once", serve_goodbye, -ECONNRESET, NULL },
};

static void test_servers(const char *path)
{
	for (size_t i = 0; i < N_ELEMENTS(servers); i++) {
		unlink(path);
		AUTO_CLOSE int listener = listen_at(path, 4);
		pid_t pid = start_server(listener, servers[i].serve);
		AUTO_FREE char *text = ask(path, servers[i].want, servers[i].what);
		stop_server(pid);
		struct arena a = { 0 };
		struct qmp_facts facts = { 0 };
		bool is_parsed = text && qmp_parse(text, &a, &facts, &(struct err){ 0 }) == 0;
		AUTO_FREE char *got = is_parsed ? show(&facts) : NULL;
		same_str(got, servers[i].facts, "%s: facts", servers[i].what);
		qmp_facts_done(&facts);
		arena_done(&a);
	}
}

/* A monitor serves one client; others wait in the queue, without a greeting. */
static void test_busy(const char *path)
{
	unlink(path);
	AUTO_CLOSE int listener = listen_at(path, 4);
	pid_t pid = start_server(listener, serve_well);
	int other = connect_to(path);
	free(ask(path, -EBUSY, "busy for long"));
	pid_t closer = fork();
	if (!closer) {
		sleep_ms(60);
		_exit(0); /* its copy of 'other' was the last */
	}
	close(other);
	struct qmp_budget b = budget_of(PATIENCE_NS);
	AUTO_FREE char *later = NULL;
	same_int(qmp_ask(&b, path, &later), 0, "busy for a while: gets its turn");
	waitpid(closer, NULL, 0);
	stop_server(pid);
}

/* The queue of listen(2) is full, and for is_long stays so. */
static int ask_full(const char *path, bool is_long, struct qmp_budget *b)
{
	unlink(path);
	AUTO_CLOSE int full = listen_at(path, 0);
	AUTO_CLOSE int waiting = connect_to(path);
	AUTO_FREE char *text = NULL;
	pid_t pid = fork();
	if (!pid) {
		if (is_long)
			pause();
		sleep_ms(5); /* the second attempt comes after 15 ms */
		close(accept(full, NULL, NULL));
		serve_well(accept(full, NULL, NULL));
		_exit(0);
	}
	int r = qmp_ask(b, path, &text);
	stop_server(pid);
	return waiting >= 0 ? r : -EBADF;
}

static void test_full(const char *path)
{
	struct qmp_budget b = budget_of(PATIENCE_NS);
	same_int(ask_full(path, true, &b), -EBUSY, "queue full: no answer");
	ok(b.vm_ns > PATIENCE_NS / 2, "queue full: no waiting either");
	int r = -EBUSY;
	/* On a loaded machine the server may come too late for both attempts. */
	for (int i = 0; i < 100 && r; i++)
		r = ask_full(path, false, &b);
	same_int(r, 0, "queue full for a moment: the second attempt gets through");
}

static void test_absent(const char *path)
{
	unlink(path);
	free(ask(path, -ECONNREFUSED, "absent"));
	close(listen_at(path, 1));
	free(ask(path, -ECONNREFUSED, "left behind by a dead QEMU"));
	char deep[200];
	memset(deep, 'x', sizeof deep);
	deep[0] = '/';
	deep[sizeof deep - 1] = 0;
	free(ask(deep, -ECONNREFUSED, "a path longer than an address"));
	free(ask("/dev/null", -ENOTSOCK, "not a socket"));

	struct qmp_budget b = { .vm_ns = QMP_VM_NS };
	char *text = NULL;
	same_int(qmp_ask(&b, path, &text), -ETIME, "not asked without budget");
	b = (struct qmp_budget){ .vm_ns = PATIENCE_NS, .all_ns = 30000000 };
	unlink(path);
	AUTO_CLOSE int listener = listen_at(path, 4);
	ok(listener >= 0 && qmp_ask(&b, path, &text) == -EBUSY, "the rest of the common budget");
	ok(b.vm_ns > PATIENCE_NS / 2 && b.all_ns < 2000000, "is all that is spent");
}

/* Who listens: this process, as it made the socket. */
static void test_peer(const char *path)
{
	static const struct {
		const char *what;
		int pid, uid; /* 1: somebody else's */
		int want;
	} rows[] = {
		{ "its own", 0, 0, 0 },
		{ "... of a user that nobody knows", 0, -1, 0 },
		{ "another process", 1, 0, -EOWNERDEAD },
		{ "another process of nobody knows whom", 1, -1, -EOWNERDEAD },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		unlink(path);
		AUTO_CLOSE int listener = listen_at(path, 4);
		pid_t pid = start_server(listener, serve_well);
		struct qmp_budget b = budget_of(PATIENCE_NS);
		b.pid = rows[i].pid ? pid : getpid();
		b.uid = rows[i].uid < 0 ? -1 : (int)getuid();
		AUTO_FREE char *text = NULL;
		int r = qmp_ask(&b, path, &text);
		same_int(r, rows[i].want, "peer: %s: %s", rows[i].what,
			r ? qmp_outcome(r) : "asked");
		stop_server(pid);
	}
	/* A socket file of somebody else's is not even connected to. */
	struct qmp_budget b = budget_of(PATIENCE_NS);
	AUTO_CLOSE int watched = -1;
	AUTO_FREE char *text = NULL;
	unlink(path);
	watched = listen_at(path, 4);
	if (geteuid() == 0 && chown(path, 1000, 1000) == 0) {
		b.pid = getpid();
		b.uid = 1001;
		same_int(qmp_ask(&b, path, &text), -EOWNERDEAD, "peer: another user's file");
		ok(fcntl(watched, F_SETFL, O_NONBLOCK) == 0 && accept(watched, NULL, NULL) < 0,
			"peer: nobody knocked there");
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	char dir[] = "/tmp/wideberth-qmp-XXXXXX";
	if (!mkdtemp(dir))
		return 1;
	char path[64];
	snprintf(path, sizeof path, "%s/qmp", dir);
	test_parse();
	test_servers(path);
	test_busy(path);
	test_full(path);
	test_absent(path);
	test_peer(path);
	unlink(path);
	rmdir(dir);
	return tap_done();
}
