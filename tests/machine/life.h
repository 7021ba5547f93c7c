/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens on a made-up host (machine.h) without wideberth's doing: VMs come and go, others
 * change what they like, systemd reloads. By the kernel of such hosts: link machine_kernel whole.
 */
#pragma once

#include <stdint.h>

#include "base/cpuset.h"

struct machine;

struct guest {
	const char *name, *scope; /* "db01", "100.scope" in qemu.slice */
	int pid;                  /* 0: it does not run */
	int n_vcpus;
	uint64_t start; /* when its threads started, in ticks */
};

/* As Proxmox VE does it: QEMU in a scope of its own, its vCPUs named by QEMU. */
void guest_start(const struct machine *m, struct guest *g, int pid, uint64_t start);
/* Its threads end, and systemd forgets the scope and what it kept of it in /run. */
void guest_stop(const struct machine *m, struct guest *g);
/* device_add of a vCPU: a thread that has the mask and the group of QEMU's main thread. */
void guest_add_vcpu(const struct machine *m, struct guest *g);

/* By somebody else; whether it works or not. */
void foreign_affinity(const struct machine *m, int tid, const struct cpuset *cpus);
void foreign_irq(const struct machine *m, int irq, const struct cpuset *cpus);
void foreign_unit_cpus(const struct machine *m, const char *unit, const struct cpuset *cpus);
/* An isolated partition of these CPUs, in a group "theirs" of the root. */
void foreign_partition(const struct machine *m, const char *cpus);
void daemon_reload(const struct machine *m);
