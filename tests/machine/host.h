/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs on a made-up host: a Proxmox node, and what it is set to. */
#pragma once

#include <stdbool.h>

#include "shape.h"

/* Interrupts, cgroups, kernel threads, sshd; without VMs. The host is called as its directory. */
void host_put(const struct shape_layout *l, const char *dir);
/* "100:db01:4:2:0-23": VMID, name, vCPUs, I/O threads, the CPUs of the vCPU threads. False when it
 * is none. */
bool host_put_vm(const struct shape_layout *l, const char *dir, const char *vm);

/* The settings of an AMD desktop of so many CPUs: boot parameters, memory, scheduler, KVM, cpufreq,
 * cpuidle, resctrl, services. The last four CPUs are set to performance, with their deep idle state
 * switched off. */
void settings_put(const char *dir, int n_cpus);
