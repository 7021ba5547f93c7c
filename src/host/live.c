/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running machine: system calls, systemd on D-Bus, irqbalance on its socket. */
#include "host/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"

/* irqbalance is deaf for an interval (10 s) in each rescan, which any device that comes or goes
 * causes, a VM's network interface too: it sleeps between two counts of interrupts. */
enum {
	IRQBALANCE_SOON_MS = 500,
	IRQBALANCE_TIMEOUT_MS = 15 * 1000,
	SYSTEMD_TIMEOUT_US = 120 * 1000000
};

/* One that did not answer is asked again after a minute. */
static const uint64_t IRQBALANCE_FORGET_NS = 60ULL * 1000000000;

/* The kernel takes the set's words as they are: same layout as its cpumask on little endian. */
static int live_get_affinity(struct host *h, int tid, struct cpuset *ret)
{
	(void)h;
	cpu_set_t set[CPUSET_MAX / CPU_SETSIZE] = { 0 };
	if (sched_getaffinity(tid, sizeof set, set) < 0)
		return -errno;
	return cpuset_of_bytes(set, sizeof set, ret);
}

static int live_set_affinity(struct host *h, int tid, const struct cpuset *cpus)
{
	(void)h;
	cpu_set_t set[CPUSET_MAX / CPU_SETSIZE];
	memcpy(set, cpus->w, sizeof set);
	return sched_setaffinity(tid, sizeof set, set) < 0 ? -errno : 0;
}

static int live_write(struct host *h, const char *path, const char *text)
{
	return host_write_path(h, path, text, 0);
}

static int live_mkdir(struct host *h, const char *path)
{
	return mkdirat(h->root_fd, path, 0755) < 0 ? -errno : 0;
}

static int live_rmdir(struct host *h, const char *path)
{
	return unlinkat(h->root_fd, path, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* ---- systemd: org.freedesktop.systemd1(5) ---- */

static const char systemd[] = "org.freedesktop.systemd1";
static const char manager_path[] = "/org/freedesktop/systemd1";
static const char manager[] = "org.freedesktop.systemd1.Manager";

void host_live_close(struct host *h)
{
	if (h->bus)
		sd_bus_flush_close_unref(h->bus);
	h->bus = NULL;
}

/* Below another root the bus has no address that libsystemd knows. */
static int connect_bus(const struct host *h, sd_bus **ret)
{
	CLEANUP(sd_bus_unrefp) sd_bus *bus = NULL;
	if (!h->is_confined)
		return sd_bus_open_system(ret);
	AUTO_FREE char *address =
		xasprintf("unix:path=/proc/self/fd/%d/run/dbus/system_bus_socket", h->root_fd);
	int r = sd_bus_new(&bus);
	if (r < 0 || (r = sd_bus_set_address(bus, address)) < 0 ||
		(r = sd_bus_set_bus_client(bus, 1)) < 0 || (r = sd_bus_start(bus)) < 0)
		return r;
	*ret = TAKE(bus);
	return 0;
}

/* -ENOENT: no systemd here. That it does not answer is another thing. */
static int open_bus(struct host *h, sd_bus **ret)
{
	if (h->bus && sd_bus_is_open(h->bus) <= 0)
		host_live_close(h); /* the bus was restarted */
	if (!h->bus) {
		sd_bus *bus = NULL;
		if (faccessat(h->root_fd, "run/systemd/system", F_OK, 0) < 0)
			return -ENOENT;
		int r = connect_bus(h, &bus);
		if (r < 0) {
			log_debug("system bus: %s", strerror(-r));
			return r == -ENOENT ? -ECONNREFUSED : r;
		}
		/* A reload of a busy host takes its time. */
		sd_bus_set_method_call_timeout(bus, SYSTEMD_TIMEOUT_US);
		h->bus = bus;
	}
	*ret = h->bus;
	return 0;
}

/* The D-Bus interface that has a unit's resource settings: by its kind. */
static const char *unit_interface(const char *unit)
{
	static const struct {
		const char *suffix, *interface;
	} kinds[] = {
		{ ".slice", "org.freedesktop.systemd1.Slice" },
		{ ".scope", "org.freedesktop.systemd1.Scope" },
		{ ".service", "org.freedesktop.systemd1.Service" },
	};
	for (size_t i = 0; i < N_ELEMENTS(kinds); i++)
		if (str_has_suffix(unit, kinds[i].suffix))
			return kinds[i].interface;
	return NULL;
}

/* AllowedCPUs and AllowedMemoryNodes are little-endian bitmaps: "ay 2 15 0" is 0-3. */
static int read_set_property(
	sd_bus *bus, const char *path, const char *interface, const char *property, char **ret)
{
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_get_property(bus, systemd, path, interface, property, &error, &reply, "ay");
	if (r < 0)
		return r;
	const void *array;
	size_t n;
	r = sd_bus_message_read_array(reply, 'y', &array, &n);
	if (r < 0)
		return r;
	struct cpuset set;
	if (cpuset_of_bytes(array, n, &set) < 0)
		return -ERANGE;
	*ret = cpuset_format_list(&set);
	return 0;
}

static int live_get_unit(struct host *h, const char *unit, const char *property, char **ret)
{
	const char *interface = unit_interface(unit);
	sd_bus *bus;
	int r = interface ? open_bus(h, &bus) : -ENOTUNIQ;
	if (r < 0)
		return r;
	AUTO_FREE char *path = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);
	if (r < 0)
		return r;
	AUTO_FREE char *state = NULL;
	r = sd_bus_get_property_string(
		bus, systemd, path, "org.freedesktop.systemd1.Unit", "ActiveState", &error, &state);
	if (r < 0 || !streq(state, "active"))
		return -ENOTUNIQ;
	if (str_has_suffix(property, "CPUs") || str_has_suffix(property, "Nodes"))
		return read_set_property(bus, path, interface, property, ret);
	if (streq(property, "ControlGroup"))
		return sd_bus_get_property_string(
			bus, systemd, path, interface, property, &error, ret);
	int is_set = 0;
	sd_bus_error_free(&error);
	r = sd_bus_get_property_trivial(
		bus, systemd, path, interface, property, &error, 'b', &is_set);
	if (r < 0)
		return r;
	*ret = xstrdup(is_set ? "yes" : "no");
	return 0;
}

/* SetUnitProperties("system.slice", runtime=true, [("AllowedCPUs", <ay …>)]). The second call is
 * a round trip behind which systemd has written the cgroup: it does so before its next request. */
static int live_set_unit_list(
	struct host *h, const char *unit, const char *property, const struct cpuset *set)
{
	sd_bus *bus;
	int r = open_bus(h, &bus);
	if (r < 0)
		return r;
	CLEANUP(sd_bus_message_unrefp) sd_bus_message *m = NULL;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	size_t n = sizeof set->w;
	while (n && !((const char *)set->w)[n - 1])
		n--;
	r = sd_bus_message_new_method_call(
		bus, &m, systemd, manager_path, manager, "SetUnitProperties");
	if (r < 0 || (r = sd_bus_message_append(m, "sb", unit, 1)) < 0 ||
		(r = sd_bus_message_open_container(m, 'a', "(sv)")) < 0 ||
		(r = sd_bus_message_open_container(m, 'r', "sv")) < 0 ||
		(r = sd_bus_message_append(m, "s", property)) < 0 ||
		(r = sd_bus_message_open_container(m, 'v', "ay")) < 0 ||
		(r = sd_bus_message_append_array(m, 'y', set->w, n)) < 0 ||
		(r = sd_bus_message_close_container(m)) < 0 ||
		(r = sd_bus_message_close_container(m)) < 0 ||
		(r = sd_bus_message_close_container(m)) < 0)
		return r;
	AUTO_FREE char *what = xasprintf("systemd (%s)", property);
	host_tell_wait(h, what);
	r = sd_bus_call(bus, m, 0, &error, NULL);
	if (r < 0) {
		log_debug("SetUnitProperties %s: %s", unit, error.message);
		return r;
	}
	AUTO_FREE char *unused = NULL;
	return live_get_unit(h, unit, property, &unused);
}

static int live_reload_units(struct host *h)
{
	sd_bus *bus;
	int r = open_bus(h, &bus);
	if (r < 0)
		return r;
	CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	host_tell_wait(h, "systemd (daemon-reload)");
	r = sd_bus_call_method(bus, systemd, manager_path, manager, "Reload", &error, NULL, NULL);
	if (r < 0)
		log_debug("daemon-reload: %s", error.message ? error.message : strerror(-r));
	return r < 0 ? r : 0;
}

/* ---- irqbalance(1): /run/irqbalance/irqbalancePID.sock, "setup" and "settings cpus LIST" ---- */

/* Connects to the one irqbalance; -ENOENT when there is none. */
static int irqbalance_connect(struct host *h)
{
	AUTO_NAMES struct host_names names = { 0 };
	int r = host_list(h, &names, "run/irqbalance");
	if (r < 0)
		return -ENOENT;
	for (size_t i = 0; i < names.n; i++) {
		if (!str_has_suffix(names.v[i], ".sock"))
			continue;
		struct sockaddr_un address = { .sun_family = AF_UNIX };
		snprintf(address.sun_path, sizeof address.sun_path,
			"/proc/self/fd/%d/run/irqbalance/%s", h->root_fd, names.v[i]);
		AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
			return TAKE_FD(fd);
	}
	return -ENOENT;
}

/* irqbalance takes commands only with credentials attached. */
static int irqbalance_send(int fd, const char *command)
{
	struct ucred credentials = { .pid = getpid(), .uid = geteuid(), .gid = getegid() };
	union {
		char space[CMSG_SPACE(sizeof credentials)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = strdupa(command), .iov_len = strlen(command) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof control.space };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof credentials);
	memcpy(CMSG_DATA(c), &credentials, sizeof credentials);
	return sendmsg(fd, &msg, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Reads until irqbalance closes. */
static int irqbalance_receive(const struct host *h, int fd, struct strbuf *reply)
{
	char part[4096];
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = poll(&p, 1, IRQBALANCE_SOON_MS);
		if (r == 0) {
			host_tell_wait(h, "irqbalance (it looks for devices; 15 s at most)");
			r = poll(&p, 1, IRQBALANCE_TIMEOUT_MS);
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		ssize_t n = read(fd, part, sizeof part);
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		strbuf_add(reply, part, (size_t)n);
	}
}

/* "SLEEP 10 IRQ 24 LOAD 0 DIFF 0 CLASS 5 BANNED 00000000,00000f00 " */
static int live_get_irqbalance(struct host *h, struct cpuset *ret)
{
	bool is_hung = h->irqbalance_hung_ns &&
		host_now_ns() - h->irqbalance_hung_ns < IRQBALANCE_FORGET_NS;
	AUTO_CLOSE int fd = is_hung ? -ETIMEDOUT : irqbalance_connect(h);
	if (fd < 0)
		return fd;
	AUTO_STRBUF struct strbuf reply = { 0 };
	int r = irqbalance_send(fd, "setup");
	if (r == 0)
		r = irqbalance_receive(h, fd, &reply);
	h->irqbalance_hung_ns = r == -ETIMEDOUT ? host_now_ns() : 0;
	if (r < 0)
		return r;
	char *banned = reply.s ? strstr(reply.s, "BANNED ") : NULL;
	if (!banned)
		return -EPROTO;
	banned += strlen("BANNED ");
	banned[strcspn(banned, " \n")] = 0;
	return cpuset_parse_mask(banned, ret);
}

static int live_set_irqbalance(struct host *h, const struct cpuset *banned)
{
	AUTO_CLOSE int fd = irqbalance_connect(h);
	if (fd < 0)
		return fd;
	AUTO_FREE char *list = cpuset_format_list(banned);
	AUTO_FREE char *command = xasprintf("settings cpus %s", *list ? list : "NULL");
	return irqbalance_send(fd, command);
}

static int live_get_clock(struct host *h, uint64_t *ret_ns)
{
	(void)h;
	*ret_ns = host_now_ns();
	return 0;
}

static void live_end_idle(struct host *h, int pid)
{
	(void)h;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The child does nothing but wait: it is not this program any more once it is ended. */
static int live_start_idle(struct host *h, const char *group, int *ret_pid)
{
	AUTO_FREE char *path = xasprintf("sys/fs/cgroup/%s/cgroup.procs", group);
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	AUTO_FREE char *text = xasprintf("%d", pid);
	int r = live_write(h, path, text);
	*ret_pid = pid;
	if (r < 0)
		live_end_idle(h, pid);
	return r;
}

const struct host_ops host_live_ops = {
	.get_affinity = live_get_affinity,
	.get_unit = live_get_unit,
	.get_irqbalance = live_get_irqbalance,
	.get_clock = live_get_clock,
	.write = live_write,
	.mkdir = live_mkdir,
	.rmdir = live_rmdir,
	.set_affinity = live_set_affinity,
	.set_unit_list = live_set_unit_list,
	.reload_units = live_reload_units,
	.set_irqbalance = live_set_irqbalance,
	.start_idle = live_start_idle,
	.end_idle = live_end_idle,
};
