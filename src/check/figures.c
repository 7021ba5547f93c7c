/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures of the whole host within the interval, for comparing it with another one. */
#include "check/internal.h"

static double mean_of(const struct checking *c, double (*of)(const struct cpu_rate *r))
{
	const struct rates *r = c->in->rates;
	double sum = 0;
	for (size_t i = 0; i < r->n_cpus; i++)
		sum += of(&r->cpus[i]);
	return r->n_cpus ? 100 * sum / (double)r->n_cpus : -1;
}

static double irq_share(const struct cpu_rate *r)
{
	return r->irq + r->softirq;
}

static double steal_share(const struct cpu_rate *r)
{
	return r->steal;
}

static double interrupts(const struct checking *c)
{
	return mean_of(c, irq_share);
}

static double steal(const struct checking *c)
{
	return mean_of(c, steal_share);
}

static double device_interrupts(const struct checking *c)
{
	const struct count_table *t = &c->in->rates->interrupts;
	double n = 0;
	for (size_t i = 0; i < t->n_rows; i++)
		for (size_t k = 0; t->rows[i].is_device && k < t->n_cpus; k++)
			n += (double)t->rows[i].counts[k];
	return t->n_rows ? n / c->in->rates->window_s : -1;
}

/* Of the time that the VMs' vCPUs wanted to run. */
static double vcpus_wait(const struct checking *c)
{
	double run = 0, wait = 0;
	for_each_vm(v, c) for (size_t i = 0; i < v->vm->n_threads; i++)
	{
		const struct vm_thread *t = &v->vm->threads[i];
		const struct thread_rate *r = t->role == ROLE_VCPU ? rate_of(c, t->tid) : NULL;
		run += r ? r->run : 0;
		wait += r ? r->wait : 0;
	}
	return run + wait > 0 ? 100 * wait / (run + wait) : -1;
}

static double disks_wait(const struct checking *c)
{
	return 100 * c->in->rates->host.io_some;
}

static double memory_wait(const struct checking *c)
{
	return 100 * c->in->rates->host.memory_some;
}

/* Of all requests: a disk that answers one an hour weighs nothing. */
static double disk_answer(const struct checking *c)
{
	const struct rates *r = c->in->rates;
	double n = 0, ms = 0;
	for (size_t i = 0; i < r->n_disks; i++) {
		n += r->disks[i].requests_s;
		ms += r->disks[i].requests_s * r->disks[i].await_ms;
	}
	return n > 0 ? ms / n : -1;
}

static double frequency(const struct checking *c)
{
	double sum = 0, n = 0;
	cpuset_for_each (cpu, &c->in->rates->freq_cpus) {
		const struct cpu_rate *r = rates_cpu(c->in->rates, cpu);
		int64_t khz = rates_khz(c->in->rates, cpu);
		if (!r || khz <= 0 || 1 - r->idle < c->limits->busy_share)
			continue;
		sum += (double)khz / 1e6;
		n++;
	}
	return n > 0 ? sum / n : -1;
}

/* least: below it on both hosts a difference says nothing. */
static const struct figure_row rows[] = {
	{ "interrupts and softirqs", "% of the CPUs' time", 1, interrupts },
	{ "interrupts of devices", "per s", 1000, device_interrupts },
	{ "steal", "% of the CPUs' time", 1, steal },
	{ "vCPUs that wait", "% of the time that they want to run", 1, vcpus_wait },
	{ "waiting for disks", "% of the time", 1, disks_wait },
	{ "a disk's answer", "ms", 1, disk_answer },
	{ "waiting for memory", "% of the time", 1, memory_wait },
	{ "frequency of busy CPUs of VMs", "GHz", 0.1, frequency },
};

const struct figure_row *check_figure_rows(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(rows);
	return rows;
}

void take_figures(struct checking *c)
{
	if (!c->in->rates)
		return;
	for (size_t i = 0; i < N_ELEMENTS(rows); i++)
		*array_push(&c->out->figures) = rows[i].of(c);
}
