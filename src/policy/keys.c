/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of the keys, and how each kind of value is read. */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "policy/policy.h"

/* The words of an enum stand in the order of its constants. */
static const char *const level_words[] = { "none", "pinned", "fenced", "isolated", NULL };
static const char *const cores_words[] = { "full", "one-thread", "thread", "shared", NULL };
static const char *const place_words[] = { "one-l3", "one-node", "fewest-nodes", "any", NULL };
static const char *const housekeeping_words[] = { "auto", NULL };
static const char *const emulator_words[] = { "housekeeping", "spare", "own", NULL };
static const char *const iothreads_words[] = { "housekeeping", "own", NULL };
static const char *const memory_words[] = { "none", "preferred", "strict", "interleave", NULL };
/* In these the first word is the only one with an effect so far. */
static const char *const governor_words[] = { "keep", "performance", "powersave", "schedutil",
	"ondemand", "conservative", "userspace", NULL };
static const char *const scheduler_words[] = { "keep", NULL };
static const char *const none_words[] = { "none", NULL };
static const char *const near_words[] = { "none", NEAR_AUTO, NULL };
static const char *const kind_words[] = { "any", "performance", "efficiency", "big-cache", NULL };
static const char *const apart_words[] = { "core", "l3", "node", NULL };
static const char *const movable_words[] = { "no", "cpus", "memory", NULL };
static const char *const keep_words[] = { "keep", NULL };
static const char *const no_yes_words[] = { "no", "yes", NULL };

static int word_index(const char *text, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (streq(text, words[i]))
			return i;
	return -1;
}

/* An enum whose constants are in the order of the words. */
static int parse_enum(const struct policy_text *in, void *field)
{
	int i = word_index(in->text, in->key->words);
	if (i < 0)
		return -EINVAL;
	memcpy(field, &i, sizeof i);
	return 0;
}
static_assert(sizeof(enum level) == sizeof(int), "parse_enum() writes an int");

/* A cpulist that names at least one CPU. */
static int parse_cpus(const char *text, struct cpuset *ret)
{
	struct cpuset cpus;
	if (cpuset_parse_list(text, &cpus) < 0 || cpuset_is_empty(&cpus))
		return -EINVAL;
	*ret = cpus;
	return 0;
}

static int parse_helper(const struct policy_text *in, void *field)
{
	struct helper_place place = { .wish = HELPER_CPUS, .source = in->source };
	if (word_index(in->text, in->key->words) < 0) {
		if (parse_cpus(in->text, &place.cpus) < 0)
			return -EINVAL;
	} else {
		place.wish = streq(in->text, "own") ? HELPER_OWN
			: streq(in->text, "spare")  ? HELPER_SPARE
						    : HELPER_HOUSEKEEPING;
	}
	*(struct helper_place *)field = place;
	return 0;
}

static char *format_enum(const struct policy_key *key, const void *field)
{
	int i;
	memcpy(&i, field, sizeof i);
	return xstrdup(key->words[i]);
}

static char *format_helper(const struct policy_key *key, const void *field)
{
	static const char *const words[] = {
		[HELPER_HOUSEKEEPING] = "housekeeping",
		[HELPER_SPARE] = "spare",
		[HELPER_OWN] = "own",
	};
	const struct helper_place *place = field;
	(void)key;
	return place->wish == HELPER_CPUS ? cpuset_format_list(&place->cpus)
					  : xstrdup(words[place->wish]);
}

static char *format_number(const struct policy_key *key, const void *field)
{
	int n;
	(void)key;
	memcpy(&n, field, sizeof n);
	return n ? xasprintf("%d", n) : NULL;
}

static int parse_housekeeping(const struct policy_text *in, void *field)
{
	struct host_wish wish = { .wish = HOUSEKEEPING_AUTO, .source = in->source };
	int n = 0, end = 0;
	if (word_index(in->text, in->key->words) >= 0) {
		/* auto */
	} else if (sscanf(in->text, "%4d core%n", &n, &end) == 1 && end &&
		isdigit((unsigned char)*in->text)) {
		if (n < 1 || !(streq(in->text + end, "s") || streq(in->text + end, "")))
			return -EINVAL;
		wish.wish = HOUSEKEEPING_CORES;
		wish.cores = n;
	} else {
		wish.wish = HOUSEKEEPING_CPUS;
		if (parse_cpus(in->text, &wish.cpus) < 0)
			return -EINVAL;
	}
	*(struct host_wish *)field = wish;
	return 0;
}

/* Keys of which only the first word has an effect so far. */
static int parse_first_word(const struct policy_text *in, void *field)
{
	(void)field;
	int i = word_index(in->text, in->key->words);
	return i < 0 ? -EINVAL : i == 0 ? 0 : POLICY_LATER;
}

static int parse_memory(const struct policy_text *in, void *field)
{
	int i = word_index(in->text, in->key->words);
	if (i == MEMORY_PREFERRED || i == MEMORY_INTERLEAVE)
		return POLICY_LATER;
	return parse_enum(in, field);
}

static int parse_scheduler(const struct policy_text *in, void *field)
{
	const char *priority = str_after(in->text, "fifo:");
	int n;
	if (!priority)
		return parse_first_word(in, field);
	if (!isdigit((unsigned char)*priority) || str_to_int(priority, &n) < 0 || n < 1 || n > 99)
		return -EINVAL;
	return POLICY_LATER;
}

static int parse_spare(const struct policy_text *in, void *field)
{
	int n;
	if (str_to_int(in->text, &n) < 0 || n < 0 || n > CPUSET_MAX)
		return -EINVAL;
	*(int *)field = n;
	return 0;
}

enum { PRIORITY_MAX = 1000 };

static int parse_priority(const struct policy_text *in, void *field)
{
	const char *digits = in->text + (*in->text == '-');
	int n;
	if (!isdigit((unsigned char)*digits) || str_to_int(digits, &n) < 0 || n > PRIORITY_MAX)
		return -EINVAL;
	*(int *)field = digits == in->text ? n : -n;
	return 0;
}

/* A PCI address, 0000:0b:00.0 or 0b:00.0: as the kernel writes it. */
static int parse_device(const struct policy_text *in, void *field)
{
	unsigned int domain = 0, bus, slot, function;
	int end = 0;
	const char *near = NULL;
	if (streq(in->text, NEAR_AUTO)) {
		near = NEAR_AUTO;
	} else if (word_index(in->text, in->key->words) < 0) {
		if (strspn(in->text, "0123456789abcdefABCDEF:.") != strlen(in->text))
			return -EINVAL;
		if (sscanf(in->text, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) !=
			4) {
			domain = 0;
			if (sscanf(in->text, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3)
				return -EINVAL;
		}
		if (in->text[end] || slot > 31 || function > 7)
			return -EINVAL;
		near = in->text;
	}
	*(const char **)field = near;
	return 0;
}

/* Words with blanks between; that there is a VM by such a name shows when one runs. */
static int parse_names(const struct policy_text *in, void *field)
{
	if (!in->text[strspn(in->text, " \t")])
		return -EINVAL;
	*(const char **)field = word_index(in->text, in->key->words) < 0 ? in->text : NULL;
	return 0;
}

static char *format_text(const struct policy_key *key, const void *field)
{
	const char *text = *(const char *const *)field;
	(void)key;
	return text ? xstrdup(text) : NULL;
}

static int parse_vcpus(const struct policy_text *in, void *field)
{
	int n;
	if (str_to_int(in->text, &n) < 0 || n < 1 || n > CPUSET_MAX)
		return -EINVAL;
	*(int *)field = n;
	return 0;
}

static int parse_seconds(const struct policy_text *in, void *field)
{
	int n = 0;
	bool is_kept = word_index(in->text, in->key->words) >= 0;
	if (!is_kept && (str_to_int(in->text, &n) < 0 || n < 1 || n > 86400))
		return -EINVAL;
	*(int *)field = n;
	return 0;
}

/* A user's name or number: whether there is one by that name shows when a VM is his. */
static int parse_owner(const struct policy_text *in, void *field)
{
	if (in->text[strcspn(in->text, " \t:/")])
		return -EINVAL;
	*(const char **)field = in->text;
	return 0;
}

static int parse_class(const struct policy_text *in, void *field)
{
	*(struct class_key *)field = (struct class_key){ in->text, in->source };
	return 0;
}

#define FIELD(member)                                                                              \
	.offset = offsetof(struct policy_values, member),                                          \
	.size = sizeof((struct policy_values *)NULL)->member

static const struct policy_key keys[] = {
	{ "host", "housekeeping", "auto | CPULIST | N cores", "auto",
		"CPUs that no VM gets; N cores: so many per NUMA node; auto: one core per NUMA "
		"node, and more, up to a quarter of them, where the host's own threads and QEMU's "
		"other ones have kept those more than half busy",
		.words = housekeeping_words, .parse = parse_housekeeping, FIELD(host) },
	{ "class", "cores", "full | one-thread | thread | shared", "full",
		"full: cores with all their SMT threads; one-thread: the other threads stay idle; "
		"thread: any threads; shared: no CPUs of its own",
		.words = cores_words, .parse = parse_enum, .format = format_enum, FIELD(vm.cores) },
	{ "class", "place", "one-l3 | one-node | fewest-nodes | any", "one-l3",
		"the smallest part of the host that its CPUs must be in, if the host has one so "
		"large; over several nodes they are split along the guest's own nodes, or evenly, "
		"but for any; a guest whose nodes are bound to different ones of the host is split "
		"along them in any case",
		.words = place_words, .parse = parse_enum, .format = format_enum, FIELD(vm.place) },
	{ "class", "isolation", "none | pinned | fenced | isolated", "isolated",
		"pinned: threads stay on their CPUs; fenced: and others off them; "
		"isolated: and the scheduler's load balancing",
		.words = level_words, .parse = parse_enum, .format = format_enum,
		FIELD(vm.isolation) },
	{ "class", "spare", "a number of CPUs", "0",
		"CPUs in the same L3 or node that the vCPUs may use beside their own, and nobody "
		"else; the scheduler balances them over these",
		.parse = parse_spare, .format = format_number, FIELD(vm.spare) },
	{ "class", "emulator", "housekeeping | spare | own | CPULIST", "housekeeping",
		"where QEMU's main loop and workers run; own: on a core kept for them; spare: on "
		"the spare CPUs",
		.words = emulator_words, .parse = parse_helper, .format = format_helper,
		FIELD(vm.emulator) },
	{ "class", "iothreads", "housekeeping | own | CPULIST", "housekeeping",
		"where I/O threads run; own: on a core kept for them", .words = iothreads_words,
		.parse = parse_helper, .format = format_helper, FIELD(vm.iothreads) },
	{ "class", "memory", "none | preferred | strict | interleave", "none",
		"strict: where the daemon runs a guest of Proxmox VE that starts, and where its "
		"hook "
		"is installed a domain of libvirt, gets its memory of the NUMA nodes of its CPUs "
		"and of no others, if these have enough free; of a VM that runs what it has "
		"elsewhere is moved there by apply --migrate-memory only",
		.later = "preferred, interleave", .words = memory_words, .parse = parse_memory,
		.format = format_enum, FIELD(vm.memory) },
	{ "class", "governor",
		"keep | performance | powersave | schedutil | ondemand | conservative | userspace",
		"keep", "frequency governor of the CPUs", .later = "everything but keep",
		.words = governor_words, .parse = parse_first_word },
	{ "class", "scheduler", "keep | fifo:PRIORITY", "keep",
		"scheduling policy of the vCPU threads", .later = "fifo:PRIORITY",
		.words = scheduler_words, .parse = parse_scheduler },
	{ "class", "stat-interval", "keep | SECONDS", "keep",
		"at least so long between two updates of the memory counters, which interrupt "
		"every CPU",
		.words = keep_words, .parse = parse_seconds, .format = format_number,
		FIELD(vm.stat_interval_s) },
	{ "class", "compact", "no | yes", "no",
		"yes: as it is placed, the free memory of its NUMA nodes is made contiguous, so "
		"that huge pages can be had",
		.words = no_yes_words, .parse = parse_enum, .format = format_enum,
		FIELD(vm.compact) },
	{ "class", "strict", "no | yes", "no",
		"yes: where the manager's hook is installed (wideberth hook install), the VM does "
		"not start when it would not get what its policy asks",
		.words = no_yes_words, .parse = parse_enum, .format = format_enum,
		FIELD(vm.is_strict) },
	{ "vm", "class", "the NAME of a [class NAME]", "none", "take the keys of this class",
		.parse = parse_class, FIELD(class_key) },
	{ "vm", "near", "none | auto | a PCI address", "none",
		"the NUMA node of this device is better than others, and the nearer the better; "
		"auto: of the devices passed through to it",
		.words = near_words, .parse = parse_device, .format = format_text, FIELD(vm.near) },
	{ "vm", "kind", "performance | efficiency | big-cache | any", "any",
		"which cores it may have, on hosts that have several kinds of cores (see kind in "
		"show), "
		"or L3s of different sizes: big-cache are those of the largest; any: fast ones "
		"first",
		.words = kind_words, .parse = parse_enum, .format = format_enum, FIELD(vm.kind) },
	{ "vm", "priority", "a number", "0",
		"who is admitted first where not all fit: the higher; within one, as many cores "
		"as possible",
		.parse = parse_priority, .format = format_number, FIELD(vm.priority) },
	{ "vm", "apart", "none | VM...", "none",
		"ids, names or globs of VMs that it must not be beside, and they not beside it",
		.words = none_words, .parse = parse_names, .format = format_text, FIELD(vm.apart) },
	{ "vm", "apart-by", "core | l3 | node", "core", "what they must not have in common",
		.words = apart_words, .parse = parse_enum, .format = format_enum,
		FIELD(vm.apart_by) },
	{ "vm", "movable", "no | cpus | memory", "no",
		"what --repack may do with it, to let others in: cpus: give it other CPUs, in the "
		"nodes of its memory; memory: in other nodes too, away from its memory, which "
		"stays where it is",
		.words = movable_words, .parse = parse_enum, .format = format_enum,
		FIELD(vm.movable) },
	{ "vm", "owner", "a user", "root",
		"who must run it, where neither Proxmox VE nor libvirt vouches for it: a QEMU of "
		"another user is not meant, whatever it calls itself",
		.parse = parse_owner, FIELD(vm.owner) },
	{ "vm", "vcpus", "a number", "read from the VM",
		"where no thread is known to be a vCPU: CPUs are kept for so many, and all "
		"threads that may be vCPUs share them",
		.parse = parse_vcpus, .format = format_number, FIELD(vm.vcpus) },
};

static_assert(N_ELEMENTS(keys) <= POLICY_KEYS_MAX, "room for all");

const struct policy_key *policy_keys(size_t *ret_n)
{
	*ret_n = N_ELEMENTS(keys);
	return keys;
}

char *policy_wish_format(const struct vm_wish *wish, size_t key)
{
	const struct policy_values values = { .vm = *wish };
	const struct policy_key *k = &keys[key];
	return k->format ? k->format(k, (const char *)&values + k->offset) : NULL;
}

int policy_wish_parse(const char *key, const char *value, struct vm_wish *ret)
{
	struct policy_values values = { .vm = *ret };
	for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
		struct policy_text in = { .key = &keys[i], .text = value };
		if (!keys[i].format || !streq(keys[i].key, key))
			continue;
		if (keys[i].parse(&in, (char *)&values + keys[i].offset) != 0)
			return -EINVAL;
		*ret = values.vm;
		return 0;
	}
	return -EINVAL;
}

const char *policy_key_help(const struct policy_key *key, struct arena *a)
{
	return arena_printf(a, "%s. Default: %s.%s%s%s", key->summary, key->fallback,
		key->later ? " Not supported yet: " : "", key->later ? key->later : "",
		key->later ? "." : "");
}

const char *kind_wish_name(enum kind_wish kind)
{
	return kind_words[kind];
}

const char *level_name(enum level level)
{
	return level_words[level];
}

int level_parse(const char *text, enum level *ret)
{
	int i = word_index(text, level_words);
	if (i < 0)
		return -EINVAL;
	*ret = (enum level)i;
	return 0;
}
