/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that are born in a placed VM, and vCPUs of any: the kernel's proc connector
 * (Documentation/driver-api/connector.rst, linux/cn_proc.h), behind a filter in the kernel that
 * lets nobody else's through. QEMU names a vCPU's thread "CPU 0/KVM" before it runs: of a VM that
 * no manager has, that is the first sign. Before 6.6 it wants CAP_NET_ADMIN, which the service does
 * not have: the sweep finds them there.
 */
#include <arpa/inet.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/internal.h"

enum {
	EVENT_AT = NLMSG_HDRLEN + sizeof(struct cn_msg),
	WHAT_AT = EVENT_AT + offsetof(struct proc_event, what),
	TGID_AT = EVENT_AT + offsetof(struct proc_event, event_data.fork.child_tgid),
	PID_AT = EVENT_AT + offsetof(struct proc_event, event_data.fork.child_pid),
	COMM_AT = EVENT_AT + offsetof(struct proc_event, event_data.comm.comm),
};

/* A thread has no name of its own yet when it is born, and may be one of QEMU's pool, which are
 * born where they belong: a glance after that time says. */
enum { NAMED_US = 3000 };

static int on_named(sd_event_source *source, uint64_t usec, void *context)
{
	struct daemon *d = context;
	(void)source;
	(void)usec;
	if (d->has_new_vcpu)
		daemon_look(d, "a VM has a new vCPU");
	else if (d->child || glance_at_threads(d) != d->threads)
		daemon_look(d, "a VM has a new thread");
	d->has_new_vcpu = false;
	return 0;
}

static bool is_name(const char *message, size_t n)
{
	uint32_t what = 0;
	if (n >= WHAT_AT + sizeof what)
		memcpy(&what, message + WHAT_AT, sizeof what);
	return what == PROC_EVENT_COMM;
}

static int on_birth(sd_event_source *source, int fd, uint32_t revents, void *context)
{
	struct daemon *d = context;
	char buffer[4096];
	ssize_t n;
	(void)source;
	(void)revents;
	/* -ENOBUFS, too, says that there was something */
	while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0)
		d->has_new_vcpu |= is_name(buffer, (size_t)n);
	if (d->born)
		sd_event_source_set_time_relative(d->born, NAMED_US);
	else if (sd_event_add_time_relative(
			 d->event, &d->born, CLOCK_MONOTONIC, NAMED_US, 1, on_named, d) < 0)
		daemon_look(d, "a VM has a new thread");
	sd_event_source_set_enabled(d->born, SD_EVENT_ONESHOT);
	return 0;
}

static bool listen_to(int fd)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
	const enum proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
	_Alignas(struct nlmsghdr) char
		message[NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof operation] = { 0 };
	struct nlmsghdr *header = (void *)message;
	struct cn_msg *body = NLMSG_DATA(header);
	*header = (struct nlmsghdr){ .nlmsg_len = sizeof message, .nlmsg_type = NLMSG_DONE };
	body->id = (struct cb_id){ CN_IDX_PROC, CN_VAL_PROC };
	body->len = sizeof operation;
	memcpy(body->data, &operation, sizeof operation);
	return bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
		send(fd, message, sizeof message, 0) == sizeof message;
}

static bool begin(struct daemon *d)
{
	if (d->births >= 0)
		return true;
	if (d->has_no_births)
		return false;
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
	if (fd >= 0 && listen_to(fd) &&
		sd_event_add_io(d->event, NULL, fd, EPOLLIN, on_birth, d) >= 0) {
		d->births = fd;
		return true;
	}
	log_debug("new threads are not told of: %m");
	d->has_no_births = true;
	if (fd >= 0)
		close(fd);
	return false;
}

#define LOAD(at)          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define KEEP_IN_X         BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define RETURN(n)         BPF_STMT(BPF_RET | BPF_K, n)
#define IF_EQUAL(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)
#define IF_X(t, f)        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, t, f)

struct program {
	ARRAY(struct sock_filter) v;
};

static void add(struct program *p, struct sock_filter f)
{
	*array_push(&p->v) = f;
}

/* Names that begin with "CPU ". */
static void let_names_through(struct program *p)
{
	enum { CPU_AND_BLANK = 0x43505520 };
	add(p, (struct sock_filter)LOAD(WHAT_AT));
	add(p, (struct sock_filter)IF_EQUAL(htonl(PROC_EVENT_COMM), 0, 4));
	add(p, (struct sock_filter)LOAD(COMM_AT));
	add(p, (struct sock_filter)IF_EQUAL(CPU_AND_BLANK, 0, 1));
	add(p, (struct sock_filter)RETURN(UINT32_MAX));
	add(p, (struct sock_filter)RETURN(0));
}

/* And births, only of threads (no processes), only in these processes. A filter reads big-endian,
 * and the message is the machine's. */
static bool let_through(struct daemon *d, const struct ledger *l)
{
	struct program p = { 0 };
	let_names_through(&p);
	add(&p, (struct sock_filter)LOAD(WHAT_AT));
	add(&p, (struct sock_filter)IF_EQUAL(htonl(PROC_EVENT_FORK), 1, 0));
	add(&p, (struct sock_filter)RETURN(0));
	add(&p, (struct sock_filter)LOAD(PID_AT));
	add(&p, (struct sock_filter)KEEP_IN_X);
	add(&p, (struct sock_filter)LOAD(TGID_AT));
	add(&p, (struct sock_filter)IF_X(0, 1));
	add(&p, (struct sock_filter)RETURN(0));
	array_for_each (placed, &l->placements) {
		add(&p, (struct sock_filter)IF_EQUAL(htonl((uint32_t)placed->pid), 0, 1));
		add(&p, (struct sock_filter)RETURN(UINT32_MAX));
	}
	add(&p, (struct sock_filter)RETURN(0));
	const struct sock_fprog program = { (unsigned short)p.v.n, p.v.v };
	bool is_set = p.v.n <= BPF_MAXINSNS &&
		setsockopt(d->births, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
	if (!is_set)
		log_debug("cannot choose whose new threads are told of");
	free(p.v.v);
	return is_set;
}

static void follow(struct daemon *d)
{
	d->are_births_told = begin(d) && let_through(d, d->ledger);
}

const struct source source_births = { "births", NULL, follow };
