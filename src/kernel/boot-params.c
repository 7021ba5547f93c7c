/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/boot-params.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"

/* Blanks in double quotes are part of a value: dyndbg="file kvm.c +p". */
static size_t word_length(const char *p)
{
	bool is_quoted = false;
	size_t n = 0;
	for (; p[n] && (is_quoted || !isspace((unsigned char)p[n])); n++)
		is_quoted ^= p[n] == '"';
	return n;
}

/* Parameters whose values are kept: of CPUs, memory, interrupts, virtualisation, devices' drivers.
 * A prefix where it ends in a dot or a dash. */
static const char *const kept[] = { "isolcpus", "nohz", "nohz_full", "rcu_nocbs", "rcu_nocb_poll",
	"rcutree.", "rcupdate.", "irqaffinity", "irqpoll", "irqfixup", "threadirqs", "mitigations",
	"spectre_", "spec_store_bypass_disable", "spec_rstack_overflow", "retbleed", "l1tf",
	"l1d_flush", "mds", "srbds", "tsx", "tsx_async_abort", "mmio_stale_data",
	"gather_data_sampling", "reg_file_data_sampling", "pti", "kpti", "nopti",
	"split_lock_detect", "intel_iommu", "amd_iommu", "iommu", "iommu.", "intel_idle.",
	"processor.", "idle", "intel_pstate", "amd_pstate", "amd_prefcore", "cpufreq.", "cpuidle.",
	"hugepages", "hugepagesz", "default_hugepagesz", "hugetlb_cma", "hugetlb_free_vmemmap",
	"transparent_hugepage", "numa", "numa_balancing", "numa_zonelist_order", "kvm.",
	"kvm-intel.", "kvm-amd.", "vfio-pci.", "vfio.", "vfio-iommu-type1.", "pci", "pcie-aspm",
	"pcie-acs-override", "nosmt", "maxcpus", "nr-cpus", "possible-cpus", "cgroup-disable",
	"cgroup-no-v1", "systemd.unified-cgroup-hierarchy", "psi", "workqueue.", "skew-tick", "tsc",
	"clocksource", "nmi-watchdog", "nowatchdog", "watchdog-thresh", "audit", "preempt",
	"sched-", "mem", "movablecore", "kernelcore", "memory-hotplug", "module-blacklist",
	"modprobe.blacklist", "quiet", "splash", "ro", "rw", "nomodeset", "nosoftlockup", "nohlt",
	"highres", "noapic", "nolapic", "x2apic-phys", "intremap", "acpi", "acpi-irq-balance",
	"efi", "rcu-normal-after-boot", "tick-", "timer-migration", "kthread-cpus", "idxd.",
	"managed-irq", "log-buf-len", "apparmor", "selinux", "mce", "nosmap", "pti", "page-poison",
	"init-on-alloc", "init-on-free", "slab-nomerge", "randomize-kstack-offset", "loglevel",
	"earlyprintk", "BOOT-IMAGE", "root", "console", "panic", "net.ifnames", "biosdevname",
	"no-timer-check", "systemd.show-status" };

static char plain(char c)
{
	return c == '_' ? '-' : c;
}

static bool is_kept_name(const char *name, size_t n)
{
	for (size_t i = 0; i < N_ELEMENTS(kept); i++) {
		const char *k = kept[i];
		size_t n_k = strlen(k), same = 0;
		bool is_prefix = strchr("._-", k[n_k - 1]);
		while (same < n && same < n_k && plain(k[same]) == plain(name[same]))
			same++;
		if (same == n_k && (is_prefix || n == n_k))
			return true;
	}
	return false;
}

/* What of numbers, lists and words a value may have to be kept. */
static bool is_secret_param(const char *name, size_t n, const char *value, size_t n_value)
{
	static const char tame[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   ".,:;_/+-^*";
	if (!is_kept_name(name, n))
		return true;
	for (size_t i = 0; i < n_value; i++)
		if (!strchr(tame, value[i]))
			return true;
	return false;
}

/* A word is "*" behind its name where it is nobody's business; one without a value, or in quotes,
 * as a whole, but for those that are known. */
static size_t kept_length(const char *word, size_t n, bool *ret_is_secret)
{
	const char *equals = memchr(word, '=', n);
	size_t n_name = equals ? (size_t)(equals - word) : n;
	size_t n_value = equals ? n - n_name - 1 : 0;
	*ret_is_secret = is_secret_param(word, n_name, equals ? equals + 1 : "", n_value);
	if (!*ret_is_secret)
		return n;
	return equals && *word != '"' ? n_name + 1 : 0;
}

void boot_params_parse(struct arena *a, const char *text, struct boot_params *ret)
{
	ARRAY(struct boot_param) all = { 0 };
	for (const char *p = text;;) {
		while (isspace((unsigned char)*p))
			p++;
		size_t n = word_length(p);
		if (!n || (n == 2 && !strncmp(p, "--", 2)))
			break;
		bool is_secret;
		size_t n_kept = kept_length(p, n, &is_secret);
		const char *equals = memchr(p, '=', n);
		size_t n_name = is_secret ? n_kept - (n_kept > 0)
			: equals          ? (size_t)(equals - p)
					  : n;
		struct boot_param *param = array_push(&all);
		param->name = n_name ? arena_strndup(a, p, n_name) : "*";
		param->value = is_secret ? equals && n_name ? "*" : ""
			: equals         ? arena_strndup(a, equals + 1, n - n_name - 1)
					 : "";
		p += n;
	}
	ret->v = arena_dup(a, all.v, all.n, sizeof *all.v);
	ret->n = all.n;
	free(all.v);
}

/* "quiet rd.iscsi.password=x" → "quiet rd.iscsi.password=*"; what stands behind "--" is init's. */
char *boot_params_redact(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	AUTO_FREE char *copy = xstrndup(text, *n);
	strbuf_puts(&b, "");
	for (const char *p = copy;;) {
		size_t n_blank = strspn(p, " \t\n\r");
		strbuf_add(&b, p, n_blank);
		p += n_blank;
		size_t n_word = word_length(p);
		if (!n_word)
			break;
		if (n_word == 2 && !strncmp(p, "--", 2)) {
			strbuf_puts(&b, "-- *\n");
			break;
		}
		bool is_secret;
		strbuf_add(&b, p, kept_length(p, n_word, &is_secret));
		strbuf_puts(&b, is_secret ? "*" : "");
		p += n_word;
	}
	*n = b.n;
	return TAKE(b.s);
}

bool boot_param_is(const struct boot_param *p, const char *name)
{
	const char *a = p->name, *b = name;
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

const char *boot_param(const struct boot_params *p, const char *name)
{
	for (size_t i = p->n; i-- > 0;)
		if (boot_param_is(&p->v[i], name))
			return p->v[i].value;
	return NULL;
}
