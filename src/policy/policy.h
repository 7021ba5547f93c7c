/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user wants: systemd-style ini text to structs, driven by one table of keys.
 *
 * Files are parsed in order; later values win. Sections: [host], [check], [class NAME], [vm GLOB].
 * A VM's effective wishes: built-in defaults, then its class, then its [vm] section(s) in order,
 * then options of the command line. A section that stands twice is continued; a key that stands
 * twice in one is an error.
 */
#pragma once

#include <stdbool.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/err.h"
#include "policy/limits.h"

enum level { /* what is done to keep others off; see 10-contract */
	LEVEL_NONE,
	LEVEL_PINNED,
	LEVEL_FENCED,
	LEVEL_ISOLATED,
};

enum cores_wish { CORES_FULL, CORES_ONE_THREAD, CORES_THREAD, CORES_SHARED };
enum place_wish { PLACE_ONE_L3, PLACE_ONE_NODE, PLACE_FEWEST_NODES, PLACE_ANY };
enum memory_wish { MEMORY_NONE, MEMORY_PREFERRED, MEMORY_STRICT, MEMORY_INTERLEAVE };
enum movable_wish { MOVABLE_NO, MOVABLE_CPUS, MOVABLE_MEMORY };
enum kind_wish { KIND_ANY, KIND_PERFORMANCE, KIND_EFFICIENCY, KIND_BIG_CACHE };

/* Where a class of helper threads goes. */
enum helper_wish { HELPER_HOUSEKEEPING, HELPER_SPARE, HELPER_OWN, HELPER_CPUS };
struct helper_place {
	enum helper_wish wish;
	struct cpuset cpus; /* HELPER_CPUS */
	const char *source; /* "FILE:LINE" of the key, "command line", or NULL: the default */
};

/* How far from each other VMs are that must be apart. */
enum apart_wish { APART_CORE, APART_L3, APART_NODE };

#define NEAR_AUTO "auto" /* near the VM's own devices */

struct vm_wish {
	enum level isolation;
	enum cores_wish cores;
	enum place_wish place;
	enum memory_wish memory;
	int spare; /* CPUs that the vCPUs have beside their own */
	struct helper_place emulator, iothreads;
	const char *near; /* a PCI address with domain, or NEAR_AUTO; NULL: nothing */
	enum kind_wish kind;
	int priority;      /* higher ones are admitted first */
	const char *apart; /* ids, names or globs of VMs, with blanks between; NULL: none */
	enum apart_wish apart_by;
	enum movable_wish movable;
	int vcpus;           /* 0: read from the VM */
	int stat_interval_s; /* 0: kept */
	int compact;         /* not 0: the memory of its nodes is compacted first */
	int is_strict;       /* not 0: it must not start without what this asks */
	const char *owner;   /* whose VM it is, where no manager vouches for it; NULL: root's */
	const char *source;  /* "FILE:LINE" of its last section; "command line"; NULL: no section */
};

enum housekeeping_wish { HOUSEKEEPING_AUTO, HOUSEKEEPING_CPUS, HOUSEKEEPING_CORES };
struct host_wish {
	enum housekeeping_wish wish;
	struct cpuset cpus;
	int cores;          /* per NUMA node that has CPUs */
	const char *source; /* "FILE:LINE" of the key, or NULL: the default */
};

const char *kind_wish_name(enum kind_wish kind);

/* A wish as it would stand in a [vm] section, key by key, and back: for what remembers it. The
 * value is malloc'ed; NULL when the key says nothing about a wish, or is not set. */
char *policy_wish_format(const struct vm_wish *wish, size_t key) MUST_CHECK;
/* Starts from the defaults where *ret is all zeros. -EINVAL: no such key, or a bad value. */
int policy_wish_parse(const char *key, const char *value, struct vm_wish *ret) MUST_CHECK;

struct policy; /* opaque: parsed files */

struct policy *policy_new(void);
void policy_free(struct policy *p);
DEFINE_CLEANUP(struct policy, policy_free)
#define AUTO_POLICY CLEANUP(policy_freep)

/* Adds the text of one file; stops at the first error, after which the policy is only good for
 * policy_free(). On a bad line returns -EINVAL with "FILE:LINE: what, nearest word". */
int policy_add_text(struct policy *p, const char *file, const char *text, struct err *e) MUST_CHECK;

/* Sets one key as if it stood in a last [vm GLOB] section, or in [host] when vm_glob is NULL: for
 * --KEY VALUE on the command line. key may be NULL: the section alone says that the VM is meant. */
int policy_set(struct policy *p, const char *vm_glob, const char *key, const char *value,
	struct err *e) MUST_CHECK;

/* After the last text: that every class named exists, and that CPUs named explicitly for two VMs
 * do not overlap. */
int policy_check(const struct policy *p, struct err *e) MUST_CHECK;

/* --migrate-memory: memory = strict holds for VMs that run, too: theirs is moved. */
void policy_migrate_memory(struct policy *p);
bool policy_migrates_memory(const struct policy *p);

struct host_wish policy_host(const struct policy *p);
/* What [check] says, and the defaults. */
struct limits policy_limits(const struct policy *p);

/* True when a [vm] section or policy_set() matches (any of the three may be NULL). Fills the wish
 * in either case, with the defaults where nothing matches; valid as long as the policy lives. */
bool policy_for_vm(const struct policy *p, const char *id, const char *name, const char *uuid,
	struct vm_wish *ret);

/* The names of the [vm] sections, those of policy_set() too, and where they stand: i from 0 on,
 * until it returns false. */
bool policy_vm_section(
	const struct policy *p, size_t i, const char **ret_name, const char **ret_source);

/* A value as it is written, for the key's parse(). */
struct policy_text {
	const struct policy_key *key;
	const char *text, *source; /* live as long as the policy */
};

/* Every key of the table, for the parser, help, completion and the man page. */
struct policy_key {
	const char *section; /* "host", "class" (and thus also "vm"), or "vm" */
	const char *key, *values, *fallback, *summary;
	const char *later; /* non-NULL: values with an effect that is not supported yet */

	/* How the parser reads it. words: its fixed values, or NULL. Writes size bytes to field and
	 * returns 0; -EINVAL: bad value; POLICY_LATER: good, but not supported yet. */
	const char *const *words;
	int (*parse)(const struct policy_text *in, void *field);
	/* The way back, malloc'ed; NULL for keys that are no wish of a VM's. */
	char *(*format)(const struct policy_key *key, const void *field);
	size_t offset, size; /* in struct policy_values */
};
enum { POLICY_LATER = 1 };
enum { POLICY_KEYS_MAX = 32 };
const struct policy_key *policy_keys(size_t *ret_n);
/* A sentence or two for people: what it means, its default, and what has no effect yet. */
const char *policy_key_help(const struct policy_key *key, struct arena *a) MUST_CHECK;

struct class_key {
	const char *name, *source; /* NULL: not set */
};

/* What one section says; the table has a row for every member. */
struct policy_values {
	struct host_wish host;
	struct vm_wish vm;
	struct class_key class_key;
};

const char *level_name(enum level level);
int level_parse(const char *text, enum level *ret) MUST_CHECK;
