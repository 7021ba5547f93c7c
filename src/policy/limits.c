/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/limits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/str.h"

#define ROW(key, member, fallback, least, most, unit, why)                                         \
	{                                                                                          \
		key, unit, why, fallback, least, most, offsetof(struct limits, member)             \
	}

static const struct limit_row rows[] = {
	ROW("softirq-share", softirq_share, 0.05, 0, 1, "of a CPU's time",
		"stalls of a pinned vCPU show in the guest's p99 from a few percent on: a "
		"twentieth "
		"of the time taken is one request in twenty that meets it"),
	ROW("interrupts-per-second", interrupts_s, 1000, 1, 1e9, "of devices, per CPU",
		"each costs some 5 us with its exit from the guest: a thousand are half a percent "
		"of "
		"the CPU and a thousand exits; an idle disk or network card makes fewer than a "
		"hundred"),
	ROW("wait-share", wait_share, 0.05, 0, 1, "of the time that a vCPU wanted to run",
		"what the guest sees as steal; below a twentieth a host without pins is as well"),
	ROW("hog-share", hog_share, 0.05, 0, 1, "of a CPU's time",
		"what a thread that is no part of the VM may take of one of its CPUs; housekeeping "
		"threads of the kernel stay below a hundredth"),
	ROW("steal-share", steal_share, 0.01, 0, 1, "of a CPU's time",
		"a host on real hardware has none at all"),
	ROW("idle-share", idle_share, 0.5, 0, 1, "of the host's CPUs",
		"with half of them idle, a VM that waits is kept from them by its own pins"),
	ROW("io-pressure", io_pressure, 0.1, 0, 1, "of the time",
		"some thread of the VM waited for a disk: from a tenth of the time on disks, not "
		"CPUs, are what is to be looked at first"),
	ROW("disk-busy", disk_busy, 0.9, 0, 1, "of the time",
		"a single disk that is busy without a break has a queue; a flash drive serves many "
		"at once, so disk-await counts too"),
	ROW("disk-await", disk_await_ms, 20, 0.01, 1e6, "ms per request",
		"flash answers within 1 ms, a turning disk within 10; 20 are a queue"),
	ROW("txg-sync", txg_sync_s, 5, 0.01, 3600, "s to write a transaction group of ZFS",
		"zfs_txg_timeout gathers for 5 s: what takes longer to be written is not done when "
		"the next group is full"),
	ROW("throttled-share", throttled_share, 0.01, 0, 1, "of the quota's periods",
		"a VM that is stopped in one period of a hundred stands still for up to 100 ms"),
	ROW("busy-share", busy_share, 0.5, 0, 1, "of a CPU's time",
		"an idle CPU's frequency says nothing; one that is busy half of the time has asked "
		"for more"),
	ROW("frequency-share", frequency_share, 0.7, 0, 1, "of the highest frequency",
		"all cores at work reach 80 % and more of the highest frequency of one; below 70 % "
		"something holds them back"),
	ROW("power-share", power_share, 0.95, 0, 1, "of a processor's power limit",
		"the limit is one of the average: who is that near to it is being held below"),
	ROW("remote-share", remote_share, 0.1, 0, 1, "of the VM's memory",
		"QEMU itself and shared libraries are a few percent anywhere; a tenth of the "
		"guest's "
		"memory is remote for good"),
	ROW("min-free-share", min_free_share, 0.05, 0, 1, "of a node's memory",
		"min_free_kbytes is wanted to be 1 to 2 % of the memory; what it keeps no VM gets"),
	ROW("idle-latency", idle_latency_us, 100, 0, 1e6, "us to wake up",
		"deeper states than C1 and C1E take 100 us and more: as long as a whole request"),
	ROW("compare-ratio", compare_ratio, 1.5, 1, 1000, "times as much",
		"what two hosts of one kind differ by without a cause is less than a half"),
};

const struct limit_row *limit_rows(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(rows);
	return rows;
}

static double *field(struct limits *l, const struct limit_row *row)
{
	return (double *)(void *)((char *)l + row->offset);
}

struct limits limits_default(void)
{
	struct limits l;
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		*field(&l, &rows[i]) = rows[i].fallback;
	return l;
}

double limits_get(const struct limits *l, const struct limit_row *row)
{
	struct limits copy = *l;
	return *field(&copy, row);
}

int limits_set(struct limits *l, const char *key, const char *text)
{
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		char *end;
		if (!streq(rows[i].key, key))
			continue;
		if (strspn(text, "0123456789.") != strlen(text) || !*text)
			return -EINVAL;
		double value = strtod(text, &end);
		if (*end || !(value >= rows[i].least && value <= rows[i].most))
			return -EINVAL;
		*field(l, &rows[i]) = value;
		return 0;
	}
	return -ENOENT;
}
