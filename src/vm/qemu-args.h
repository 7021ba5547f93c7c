/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a QEMU command line says about the VM. Pure: text in, facts out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/alloc.h"
#include "vm/qemu-smp.h"

struct strings {
	const char **v;
	size_t n, room;
};

/* A monitor that speaks QMP: the unix socket where it listens, or why it can't be asked. */
struct qmp_socket {
	const char *path;
	const char *why_not; /* set when path is NULL */
};

struct qemu_args {
	const char *name, *uuid; /* NULL when not given */
	const char *id;          /* -id, an option of Proxmox VE's QEMU */
	const char *pidfile;
	const char *accel;       /* "kvm", "tcg", …: the first choice; NULL: unknown */
	bool is_partial;         /* there are options elsewhere: what is not given is unknown */
	bool has_smp, has_accel; /* they were given */
	struct qemu_smp smp;
	bool is_daemonized;
	bool is_stopped;          /* it was started with its guest stopped, by -S */
	struct strings iothreads; /* ids of -object iothread */
	struct {
		struct qmp_socket *v;
		size_t n, room;
	} monitors;
	struct strings notes; /* what was not understood */
};

/*
 * True when the process is QEMU: by the base name of its executable (exe may be NULL) or of
 * argv[0], never by comm, which QEMU changes: "qemu-system-x86_64", "qemu-virtiofs-system-x86_64",
 * ".qemu-system-aarch64-wrapped", and, with options of QEMU's, "kvm" and "qemu-kvm". cmdline is
 * /proc/PID/cmdline, NULs and all:
 *	"/usr/bin/kvm\0-id\0100\0-name\0web,debug-threads=on\0…"
 */
bool qemu_args_is_qemu(const char *cmdline, size_t len, const char *exe);

/* True when the command line has two of QEMU's usual options: of a process that is known to run a
 * VM, under whatever name. */
bool qemu_args_has_options(const char *cmdline, size_t len);

/* The next argument of a command line that ends at end, where the buffer has a NUL; NULL at its
 * end. */
const char *qemu_args_next(const char **p, const char *end);
/* The option's name without its dashes, or NULL when the argument is none. */
const char *qemu_args_option(const char *arg);

/* Reads the command line. Texts live in the arena; free with qemu_args_done(). What is not
 * understood becomes a note: there is no failure. */
void qemu_args_parse(struct arena *a, const char *cmdline, size_t len, struct qemu_args *ret);
/* Options stand in a file that cannot be read, or the program is another: defaults are no facts. */
void qemu_args_set_partial(struct qemu_args *args);
void qemu_args_done(struct qemu_args *args);
