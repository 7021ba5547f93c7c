/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/qemu-smp.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *const qemu_smp_keys[N_SMP_KEYS] = {
	"cpus",
	"maxcpus",
	"drawers",
	"books",
	"sockets",
	"dies",
	"clusters",
	"modules",
	"cores",
	"threads",
};

static int or_one(int n)
{
	return n > 0 ? n : 1;
}

/* Multiplies without overflow: no real guest comes near the limit. */
static int times(int a, int b)
{
	long n = (long)a * b;
	return n > SMP_MAX ? SMP_MAX : (int)n;
}

/*
 * Whether sockets fill up before cores: as machines did before 6.2, and those of a distribution
 * that are made after one of these. "pc-q35-3.1", "pc-i440fx-5.1+pve0", "pc-q35-rhel8.4.0",
 * "virt-4.2".
 */
static bool prefers_sockets(const char *machine)
{
	static const struct {
		const char *mark; /* behind it stands the distribution's version */
		int major, minor; /* the first that is as new as 6.2 */
	} versions[] = { { "-rhel", 8, 6 }, { "-", 6, 2 } };
	static const char *const old[] = { "-trusty", "-utopic", "-vivid", "-wily", "-xenial",
		"-yakkety", "-zesty", "-artful", "-bionic", "-cosmic", "-disco", "-eoan", "-focal",
		"-groovy", "-hirsute", "-impish" }; /* Ubuntu's, before jammy */
	for (size_t i = 0; i < N_ELEMENTS(old); i++)
		if (machine && strstr(machine, old[i]))
			return true;
	for (size_t i = 0; machine && i < N_ELEMENTS(versions); i++) {
		int major, minor;
		for (const char *p = machine; (p = strstr(p, versions[i].mark)); p++)
			if (sscanf(p + strlen(versions[i].mark), "%d.%d", &major, &minor) == 2)
				return major < versions[i].major ||
					(major == versions[i].major && minor < versions[i].minor);
	}
	return false;
}

/* "8,sockets=2" is 2 sockets of 4 cores, 8 alone one socket of 8, or 8 sockets of an old machine;
 * see machine_parse_smp_config() in QEMU's hw/core/machine-smp.c. */
struct qemu_smp qemu_smp_resolve(const int *v, const char *machine)
{
	bool is_old = prefers_sockets(machine);
	int above = times(or_one(v[SMP_DRAWERS]), or_one(v[SMP_BOOKS]));
	int dies = or_one(v[SMP_DIES]);
	int inside = times(times(dies, or_one(v[SMP_CLUSTERS])), or_one(v[SMP_MODULES]));
	int sockets = v[SMP_SOCKETS], cores = v[SMP_CORES], threads = v[SMP_THREADS];
	int all = v[SMP_MAXCPUS] ? v[SMP_MAXCPUS] : v[SMP_CPUS];
	int rest = all / times(above, inside);
	if (all && is_old && !sockets)
		sockets = rest / times(or_one(cores), or_one(threads));
	else if (all && !cores)
		cores = rest / times(or_one(sockets), or_one(threads));
	else if (all && !sockets)
		sockets = rest / times(cores, or_one(threads));
	if (all && !threads)
		threads = rest / times(or_one(sockets), or_one(cores));
	struct qemu_smp smp = { .cores = times(inside, or_one(cores)), .threads = or_one(threads) };
	smp.dies = dies;
	smp.sockets = times(above, or_one(sockets));
	smp.max = all ? all : times(smp.sockets, times(smp.cores, smp.threads));
	smp.cpus = v[SMP_CPUS] ? v[SMP_CPUS] : smp.max;
	return smp;
}
