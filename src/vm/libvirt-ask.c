/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/libvirt.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	LIBVIRT_MS = 3000,             /* for all domains */
	ANSWER_MAX = 64 * 1024 * 1024, /* far more than thousands of domains have */
};

#if HAVE_LIBVIRT
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#define FUNCTIONS(X)                                                                               \
	X(virConnectOpenReadOnly)                                                                  \
	X(virConnectClose)                                                                         \
	X(virConnectListAllDomains)                                                                \
	X(virDomainGetXMLDesc)                                                                     \
	X(virDomainFree)                                                                           \
	X(virSetErrorFunc)

#define MEMBER(name) __typeof__(&name) name;
struct library {
	FUNCTIONS(MEMBER)
};

static bool load(struct library *l)
{
	void *so = dlopen("libvirt.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!so)
		return false;
#define LOAD(name)                                                                                 \
	if (!(l->name = (__typeof__(&name))dlsym(so, #name)))                                      \
		return false;
	FUNCTIONS(LOAD)
	return true;
}

/* What libvirt has to say goes to nobody: it prints on stderr by default. */
static void ignore_error(void *context, virErrorPtr error)
{
	(void)context;
	(void)error;
}

static bool put(FILE *f, const char *text)
{
	return fputs(text, f) >= 0;
}

/* A domain that stops meanwhile is left out. */
static int print_domains(const struct library *l, virConnectPtr connection, FILE *f)
{
	virDomainPtr *domains = NULL;
	int n = l->virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
	if (n < 0)
		return ECONNREFUSED;
	bool is_good = put(f, "<domains>\n");
	for (int i = 0; i < n; i++) {
		char *xml = l->virDomainGetXMLDesc(domains[i], 0);
		is_good &= !xml || put(f, xml);
		free(xml);
		l->virDomainFree(domains[i]);
	}
	free(domains);
	return is_good && put(f, "</domains>\n") && fflush(f) == 0 ? 0 : EIO;
}

static int child(const char *uri, FILE *f)
{
	struct library l;
	if (!load(&l))
		return ENOPKG;
	l.virSetErrorFunc(NULL, ignore_error);
	virConnectPtr connection = l.virConnectOpenReadOnly(uri);
	if (!connection)
		return ECONNREFUSED;
	int r = print_domains(&l, connection, f);
	l.virConnectClose(connection);
	return r;
}
#else
static int child(const char *uri, FILE *f)
{
	(void)uri;
	(void)f;
	return ENOPKG;
}
#endif

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Reads until the child closes its end. */
static int read_all(int fd, uint64_t deadline, struct strbuf *ret)
{
	char buffer[65536];
	for (;;) {
		uint64_t now = now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = now < deadline ? poll(&p, 1, (int)(deadline - now)) : 0;
		if (r == 0)
			return -ETIME;
		if (r < 0 && errno == EINTR)
			continue;
		ssize_t n = read(fd, buffer, sizeof buffer);
		if (n == 0)
			return 0;
		if (n < 0)
			return -errno;
		if (ret->n + (size_t)n > ANSWER_MAX)
			return -EMSGSIZE;
		strbuf_add(ret, buffer, (size_t)n);
	}
}

/* Never returns. exit(3) would run what the parent has registered. */
static void run_child(const char *uri, int fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	FILE *f = fdopen(fd, "w");
	_exit(f ? child(uri, f) : EIO);
}

int libvirt_ask(void *context, const char *key, char **ret_text)
{
	(void)context;
	(void)key;
	const char *uri = getenv("LIBVIRT_DEFAULT_URI");
	AUTO_STRBUF struct strbuf answer = { 0 };
	int fds[2], status = 0;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		close(fds[0]);
		run_child(uri ? uri : "qemu:///system", fds[1]);
	}
	close(fds[1]);
	int r = pid < 0 ? -EAGAIN : read_all(fds[0], now_ms() + LIBVIRT_MS, &answer);
	close(fds[0]);
	if (pid < 0)
		return r;
	if (r < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (r == 0)
		r = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
	if (r == 0 && !answer.n)
		r = -EIO;
	if (r == 0)
		*ret_text = TAKE(answer.s);
	return r;
}

const char *libvirt_outcome(int code)
{
	switch (-code) {
	case ENOPKG:
		return HAVE_LIBVIRT ? "libvirt.so.0 is not installed"
				    : "wideberth was built without it";
	case ETIME:
		return "no answer in time";
	case ECONNREFUSED:
		return "its daemon does not take connections";
	case EIO:
		return "asking it failed";
	default:
		return strerrordesc_np(-code);
	}
}
