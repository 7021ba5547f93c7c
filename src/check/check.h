/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why is it slow? Rules over one snapshot of the host, its VMs, and rates of an interval where
 * there is one. Pure: nothing here reads the host.
 *
 * A rule is a row (rules.c), in the order of the playbook: is it scheduling or interrupts at all,
 * is the pinning real and complete, is the memory where the CPUs are, does the CPU have its speed,
 * and only then the pins and their recipes. What another finding explains is folded under it.
 */
#pragma once

#include "base/alloc.h"
#include "base/cpuset.h"
#include "plan/claims.h"
#include "plan/intruders.h"
#include "policy/limits.h"

struct irqbalance;
struct rates;
struct reading;
struct reading_list;
struct snapshot;
struct vm;
struct vms;

/* ---- what rules look at ---- */

struct check_input {
	const struct snapshot *s; /* SNAPSHOT_WHOLE */
	const struct vms *vms;    /* with memory, where it could be read */
	const struct claims *claims;
	const struct intruders *intruders;   /* of what is in force; NULL: nothing is */
	const struct rates *rates;           /* NULL: there was no interval */
	const struct reading_list *list;     /* what was read beside the snapshot */
	const struct reading *reading;       /* at its end; NULL: nothing */
	const struct irqbalance *irqbalance; /* NULL: not known */
	const struct limits *limits;
};

/* ---- what they find ---- */

enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL, N_SEVERITIES };

enum sureness {
	SURE_STATE,    /* it is so, by the kernel's own word */
	SURE_MEASURED, /* it was so within the interval */
	SURE_LIKELY,   /* it fits, and something else may */
};

struct evidence {
	const char *source; /* the file */
	const char *text;   /* what it says, with the number */
};

struct finding {
	const struct rule *rule;
	enum severity severity;
	const char *vm;      /* label: "100 (db01)"; NULL: the host */
	const struct vm *of; /* likewise */
	struct cpuset cpus;  /* that it is about; may be empty */
	const char *summary; /* a sentence, without the VM's name */
	ARRAY(struct evidence) evidence;
	ARRAY(const char *) commands; /* shell, as root, for this host and manager */
	ARRAY(const char *) policy;   /* lines of a policy that would do it */
	enum sureness sure;
	bool is_quiet; /* those whom it suspects hardly ran within the interval: it explains nothing
			* that was measured then */
	ssize_t root;  /* the finding that explains it, by index; -1: none does */
	ssize_t alike; /* the finding that it is told with, by index: the rule found it of many
			* VMs; -1: it is told itself */
	const char *who, *told; /* vm and summary; "200 VMs" and the rule's title for many */
};

enum check_status { CHECK_CLEAN, CHECK_FOUND, CHECK_SKIPPED };

struct check_result {
	const struct rule *rule;
	enum check_status status;
	const char *reason; /* of CHECK_SKIPPED */
};

struct checking; /* internal.h */

/* A figure of the host within the interval; see check_figure_rows(). */
struct figure_row {
	const char *name, *unit;
	double least;
	double (*of)(const struct checking *c); /* negative: not known */
};

struct check {
	struct arena arena;
	ARRAY(struct finding) findings;     /* roots by weight */
	ARRAY(struct check_result) results; /* every rule that was meant to run */
	const char *verdict;                /* one line, in plain words */
	ARRAY(double) figures;              /* by row; none: there was no interval */
	size_t n_vms;
};

/* ---- rules ---- */

enum rule_stage { STAGE_LOAD, STAGE_PINS, STAGE_MEMORY, STAGE_POWER, STAGE_RECIPE, N_STAGES };

enum rule_needs {
	NEED_VMS = 1,   /* a VM runs */
	NEED_PINS = 2,  /* one that has CPUs of its own */
	NEED_RATES = 4, /* an interval */
	NEED_NODES = 8, /* more than one NUMA node */
	NEED_TUNABLES = 16,
	NEED_POWER = 32,
	NEED_IRQS = 64,
	OFFERS_CPUS = 128, /* to a VM: it runs before those that move others to what is left */
};

struct rule {
	const char *id, *title;
	enum severity severity; /* as a rule; a finding may say less, and what it explains more */
	enum rule_stage stage;
	unsigned int needs;
	void (*run)(struct checking *c);
	const char *cause;  /* why it hurts */
	const char *advice; /* what to do */
	const char *surer;  /* what would raise the certainty */
	const char *roots;  /* ids of rules whose findings explain this one's */
};

const struct rule *check_rules(size_t *ret_n);
const struct rule *check_rule(const char *id); /* or NULL */
const char *severity_name(enum severity severity);
const char *stage_name(enum rule_stage stage);  /* "load" */
const char *stage_title(enum rule_stage stage); /* "IS IT LOAD" */
const char *sureness_text(enum sureness sure);

/* Runs the rules whose ids are in 'only' (n 0: all) over the VMs that are meant (NULL: all). The
 * caller frees with check_free(). */
struct check *check_run(const struct check_input *in, const char *const *only, size_t n_only,
	const bool *is_meant) MUST_CHECK;
void check_free(struct check *c);
DEFINE_CLEANUP(struct check, check_free)
#define AUTO_CHECK CLEANUP(check_freep)

const struct figure_row *check_figure_rows(size_t *ret_n);

/* The most severe of its findings; -1: it has none. */
int check_worst(const struct check *c);
