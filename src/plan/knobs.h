/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The knobs: every kind of setting that wideberth changes, a row each. This half is data: what a
 * value is, how the wishes of several VMs become one value, when in a transaction it is written,
 * and whom to suspect when it changes. How it is read and written is the other half, apply/knob.h.
 *
 * A sysctl or a sysfs attribute is a row with a path and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/list.h"

enum value_kind {
	VALUE_ABSENT, /* the host has no such thing: no directory, the file of a controller that is
			 off; text "-" */
	VALUE_UNSET,  /* nobody chose: an empty list, a thread that may run where its group may */
	VALUE_SET,    /* CPUs */
	VALUE_NUMBER, /* in the row's unit */
	VALUE_WORD,   /* a word, a path, which may be empty */
};

/* What a setting is; text only in the ledger and on the screen. What it points to lives in an
 * arena, or as long as whom it was taken from. */
struct value {
	enum value_kind kind;
	union {
		const struct cpuset *cpus;
		int64_t number;
		const char *word;
	};
};

enum knob_type {
	KNOB_CPUSET, /* ABSENT, UNSET or SET */
	KNOB_NUMBER, /* NUMBER, min to max */
	KNOB_WORD,   /* ABSENT or WORD */
	KNOB_CHOICE, /* ABSENT or one of the row's words */
	KNOB_ACTION, /* UNSET, then the row's one word: done once, told, never undone */
};

/* How the contributions of several VMs to one setting are joined, over what it was before any. */
enum knob_combine {
	COMBINE_ONE,   /* there is only one */
	COMBINE_AGREE, /* all want the same */
	COMBINE_UNION, /* the set that it was, and theirs */
	COMBINE_MINUS, /* the set that it was, without theirs */
	COMBINE_SUM,   /* what it was, and theirs added */
	COMBINE_MIN,
	COMBINE_MAX,
};

/* The order in which a transaction writes; undo goes backwards. Within a phase the order is that in
 * which the settings were made: groups from the top down. */
enum knob_phase {
	PHASE_WRITERS, /* programs that would set it back are told first */
	PHASE_INTERRUPTS,
	PHASE_KERNEL,      /* kernel work and sysctls */
	PHASE_DELEGATION,  /* before groups are made below a unit, and until they are gone */
	PHASE_CONTROLLERS, /* before the lists of groups */
	PHASE_FENCES,
	PHASE_GROUPS,     /* a VM's own, with the CPUs that are handed down */
	PHASE_MOVES,      /* threads into their group, */
	PHASE_PINS,       /* to their CPUs, */
	PHASE_PARTITIONS, /* and only then closed: a closed group balances no load */
	PHASE_LAST,       /* what the others may have disturbed */
};

/* What takes the setting along when it ends. */
enum knob_life { LIFE_HOST, LIFE_THREAD, LIFE_GROUP, LIFE_UNIT, LIFE_INTERRUPT };

struct knob {
	const char *name;
	const char *summary; /* one line */
	const char *source;  /* the file or call, and the document that describes it */
	const char *unit;    /* of a number, or NULL */
	enum knob_type type;
	enum knob_combine combine;
	enum knob_phase phase;
	/* The file, "%s" being the key: read and written as it is where apply has no functions for
	 * the row, and by them otherwise. May be NULL then. */
	const char *path;
	int64_t min, max;           /* of a number */
	const char *const *choices; /* NULL-terminated; of a choice */
	const char *suspects;       /* who else writes here */
	enum knob_life dies_with;
	const char *(*explain)(int error); /* why the kernel refuses with this errno, or NULL */
	const char *same_as;               /* the row that sets the same thing, or NULL */

	const char *unset;  /* the text of UNSET where that is not "" */
	bool unset_is_all;  /* UNSET and ABSENT are all online CPUs to take some out of */
	bool hides_unset;   /* by reading UNSET cannot be told from a set: it is always written */
	bool is_mask;       /* the file has the mask form */
	bool is_deferred;   /* a write shows only later: always written, and not read back */
	bool is_collateral; /* the kernel changes it too, as a consequence of other knobs */
	bool settles_first; /* on the way back only after the others' settle() */
	bool is_remembered; /* somebody may still know a value whose file is gone: in recovery it
			       is always written */
};

/* The rows. */
const struct knob *knobs(size_t *ret_n);
/* NULL when there is no such knob. */
const struct knob *knob_find(const char *name);
/* True when both set the same thing, seen by different rules: a thread's mask. */
bool knob_is_same_thing(const struct knob *a, const struct knob *b);

/* ---- values (value.c) ---- */

static inline struct value value_cpus(const struct cpuset *cpus)
{
	return (struct value){ .kind = VALUE_SET, .cpus = cpus };
}
static inline struct value value_number(int64_t number)
{
	return (struct value){ .kind = VALUE_NUMBER, .number = number };
}
static inline struct value value_word(const char *word)
{
	return (struct value){ .kind = VALUE_WORD, .word = word };
}
#define VALUE_IS_UNSET  ((struct value){ .kind = VALUE_UNSET })
#define VALUE_IS_ABSENT ((struct value){ .kind = VALUE_ABSENT })

bool value_equal(const struct value *a, const struct value *b);
/* A copy that stands in the arena alone. */
struct value value_copy(struct arena *a, const struct value *v);
/* For the ledger and the screen, malloc'ed. */
char *value_text(const struct knob *k, const struct value *v) MUST_CHECK;
/* And back, into the arena: -EINVAL when it is no value of this knob. */
int value_parse(
	const struct knob *k, const char *text, struct arena *a, struct value *ret) MUST_CHECK;

/* What one VM wants of a setting. */
struct contribution {
	const char *vm; /* its id */
	struct value value;
};
struct contributions {
	LIST(struct contribution);
};

/* What a value is made of. */
struct wishes {
	const struct contributions *by; /* one at least */
	const struct cpuset *online;    /* what UNSET stands for */
	const struct cpuset *fallback;  /* the set to have when nothing online is left, or NULL */
};

/* The value that the rule makes of the wishes over the baseline, in the arena. False: nothing can
 * be derived from this baseline. */
bool knob_join(const struct knob *k, enum knob_combine rule, const struct wishes *w,
	const struct value *baseline, struct arena *a, struct value *ret);
