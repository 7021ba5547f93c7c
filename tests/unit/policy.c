/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/str.h"
#include "policy/policy.h"

/* Texts that are refused, and the whole message. All are read as "p.conf". */
static const struct {
	const char *text, *message;
} refused[] = {
	/* syntax */
	{ "[host", "p.conf:1: a section ends with ']' on the same line" },
	{ "\n[vm 1\n", "p.conf:2: a section ends with ']' on the same line" },
	{ "[]\n", "p.conf:1: [] has no name (valid: [host], [check], [class NAME], [vm GLOB])" },
	{ "[hots]\n", "p.conf:1: unknown section [hots] (did you mean 'host'?)" },
	{ "[network]\n",
		"p.conf:1: unknown section [network] (valid: [host], [check], [class NAME], [vm "
		"GLOB])" },
	{ "[host here]\n", "p.conf:1: [host] takes no name" },
	{ "[vm]\n", "p.conf:1: [vm] needs a name: [vm 100]" },
	{ "[class]\n", "p.conf:1: [class] needs a name: [class latency]" },
	{ "# x\ncores = full\n", "p.conf:2: 'cores' stands before the first [section]" },
	{ "[vm 1]\n\ncores\n", "p.conf:3: expected 'key = value', '[section]' or a comment" },
	{ "[vm 1]\n= full\n", "p.conf:2: expected 'key = value', '[section]' or a comment" },
	{ "[vm 1]\ncores = \"full\n", "p.conf:2: a quote is not closed" },
	{ "[vm 1]\ncores = \"full\" x\n", "p.conf:2: there is text behind the closing quote" },
	{ "[vm 1]\ncores = 'full'#\n", "p.conf:2: there is text behind the closing quote" },
	/* keys */
	{ "[class latency]\nisolaton = none\n",
		"p.conf:2: unknown key 'isolaton' in [class latency] (did you mean 'isolation'?)" },
	{ "[host]\ncolour = red\n",
		"p.conf:2: unknown key 'colour' in [host] (valid: housekeeping)" },
	{ "[vm a b]\nzzzzzzzz = 1\n",
		"p.conf:2: unknown key 'zzzzzzzz' in [vm a b] (valid: cores, place, isolation, "
		"spare, "
		"emulator, iothreads, memory, governor, scheduler, stat-interval, compact, strict, "
		"class, "
		"near, kind, priority, apart, apart-by, movable, owner, vcpus)" },
	{ "[host]\ncores = full\n",
		"p.conf:2: unknown key 'cores' in [host] (it belongs in [class])" },
	{ "[class a]\nvcpus = 4\n",
		"p.conf:2: unknown key 'vcpus' in [class a] (it belongs in [vm])" },
	{ "[vm 1]\nhousekeeping = auto\n",
		"p.conf:2: unknown key 'housekeeping' in [vm 1] (it belongs in [host])" },
	{ "[vm 1]\nCores = full\n",
		"p.conf:2: unknown key 'Cores' in [vm 1] (did you mean 'cores'?)" },
	{ "[vm 1]\ncores = full\n\ncores = full\n",
		"p.conf:4: cores is set twice in [vm 1], first at p.conf:2" },
	{ "[vm 1]\ncores =\n",
		"p.conf:2: cores has no value "
		"(valid: full | one-thread | thread | shared)" },
	{ "[vm 1]\ncores = # full\n",
		"p.conf:2: cores has no value "
		"(valid: full | one-thread | thread | shared)" },
	{ "[vm 1]\nclass = \"\"\n",
		"p.conf:2: class has no value (valid: the NAME of a [class NAME])" },
	/* values */
	{ "[host]\nhousekeeping = aut\n",
		"p.conf:2: bad value 'aut' for housekeeping (did you mean 'auto'?)" },
	{ "[host]\nhousekeeping = 3-1\n",
		"p.conf:2: bad value '3-1' for housekeeping "
		"(valid: auto | CPULIST | N cores)" },
	{ "[host]\nhousekeeping = 0 cores\n",
		"p.conf:2: bad value '0 cores' for housekeeping "
		"(valid: auto | CPULIST | N cores)" },
	{ "[host]\nhousekeeping = 2 corese\n",
		"p.conf:2: bad value '2 corese' for housekeeping "
		"(valid: auto | CPULIST | N cores)" },
	{ "[host]\nhousekeeping = -2 cores\n",
		"p.conf:2: bad value '-2 cores' for housekeeping "
		"(valid: auto | CPULIST | N cores)" },
	{ "[host]\nhousekeeping = 99999\n",
		"p.conf:2: bad value '99999' for housekeeping "
		"(valid: auto | CPULIST | N cores)" },
	{ "[vm 1]\ncores = fully\n",
		"p.conf:2: bad value 'fully' for cores (did you mean 'full'?)" },
	{ "[vm 1]\nplace = one-l2\n",
		"p.conf:2: bad value 'one-l2' for place (did you mean 'one-l3'?)" },
	{ "[vm 1]\nplace = somewhere\n",
		"p.conf:2: bad value 'somewhere' for place "
		"(valid: one-l3 | one-node | fewest-nodes | any)" },
	{ "[vm 1]\nisolation = isolatd\n",
		"p.conf:2: bad value 'isolatd' for isolation (did you mean 'isolated'?)" },
	{ "[vm 1]\nspare = some\n",
		"p.conf:2: bad value 'some' for spare (valid: a number of CPUs)" },
	{ "[vm 1]\nspare = -1\n", "p.conf:2: bad value '-1' for spare (valid: a number of CPUs)" },
	{ "[vm 1]\nemulator = 1-\n",
		"p.conf:2: bad value '1-' for emulator "
		"(valid: housekeeping | spare | own | CPULIST)" },
	{ "[vm 1]\niothreads = spare\n",
		"p.conf:2: bad value 'spare' for iothreads "
		"(valid: housekeeping | own | CPULIST)" },
	{ "[vm 1]\nmemory = stict\n",
		"p.conf:2: bad value 'stict' for memory (did you mean 'strict'?)" },
	{ "[vm 1]\ngovernor = performanc\n",
		"p.conf:2: bad value 'performanc' for governor (did you mean 'performance'?)" },
	{ "[vm 1]\nscheduler = fifo:0\n",
		"p.conf:2: bad value 'fifo:0' for scheduler "
		"(valid: keep | fifo:PRIORITY)" },
	{ "[vm 1]\nscheduler = fifo:100\n",
		"p.conf:2: bad value 'fifo:100' for scheduler "
		"(valid: keep | fifo:PRIORITY)" },
	{ "[vm 1]\nstrict = true\n", "p.conf:2: bad value 'true' for strict (valid: no | yes)" },
	{ "[vm 1]\nnear = gpu\n",
		"p.conf:2: bad value 'gpu' for near (valid: none | auto | a PCI "
		"address)" },
	{ "[vm 1]\nnear = 0b:00.9\n",
		"p.conf:2: bad value '0b:00.9' for near (valid: none | auto | a PCI "
		"address)" },
	{ "[vm 1]\npriority = 1001\n",
		"p.conf:2: bad value '1001' for priority (valid: a number)" },
	{ "[vm 1]\npriority = --1\n", "p.conf:2: bad value '--1' for priority (valid: a number)" },
	{ "[vm 1]\nkind = performanc\n",
		"p.conf:2: bad value 'performanc' for kind (did you mean 'performance'?)" },
	{ "[vm 1]\napart =\n", "p.conf:2: apart has no value (valid: none | VM...)" },
	{ "[vm 1]\nvcpus = 0\n", "p.conf:2: bad value '0' for vcpus (valid: a number)" },
	/* good values whose effect comes later */
	{ "[vm 1]\nmemory = preferred\n",
		"p.conf:2: memory = preferred is not supported yet: left out, memory is none" },
	{ "[class a]\nmemory = interleave\n",
		"p.conf:2: memory = interleave is not supported yet: left out, memory is none" },
	{ "[vm 1]\ngovernor = performance\n",
		"p.conf:2: governor = performance is not supported yet: left out, governor is "
		"keep" },
	{ "[vm 1]\nscheduler = fifo:1\n",
		"p.conf:2: scheduler = fifo:1 is not supported yet: left out, scheduler is keep" },
	/* across sections */
	{ "[class latency]\n[vm 1]\nclass = latencyy\n",
		"p.conf:3: unknown class 'latencyy' (did you mean 'latency'?)" },
	{ "[vm 1]\nclass = latency\n",
		"p.conf:2: unknown class 'latency' (there is no [class latency])" },
	{ "[vm 1]\nemulator = 2-5\n[vm 2]\niothreads = 4-9\n",
		"p.conf:4: iothreads of [vm 2] overlaps emulator of [vm 1] at p.conf:2 in CPUs "
		"4-5" },
	{ "[vm 1]\niothreads = 3\n[vm 2]\niothreads = 3\n",
		"p.conf:4: iothreads of [vm 2] overlaps iothreads of [vm 1] at p.conf:2 in CPU 3" },
};

/* Texts that are good. */
static const char *const accepted[] = {
	"", "\n\n  # only\n;comments", "\xef\xbb\xbf[host]\r\nhousekeeping = auto\r\n",
	"[host]\nhousekeeping = 0-3,8", "[host]\nhousekeeping = 2 cores",
	"[host]\nhousekeeping = \"1 core\"",
	"[class a]\ncores = one-thread\nplace = any\nisolation = none\nspare = 0\nemulator = own\n"
	"iothreads = own\nmemory = none\ngovernor = keep\nscheduler = keep\nstrict = no\n"
	"[vm 1]\nclass = a\nvcpus = 6\n",
	"[vm 1]\nemulator = 4-5\niothreads = 4-5\n[vm 2]\nemulator = 6\n", /* one VM may overlap */
	"[vm web*]\nemulator = 4\n[vm web1]\nemulator = 4-5\n", /* the second refines the first */
	"[vm 1]\nemulator = 4\n[vm 2]\nemulator = 5\n[vm 1]\nemulator = 6\n[vm 3]\nemulator = 4\n",
	"[host]\nhousekeeping = 0-3\n[vm 1]\nemulator = 2\n",
	"[vm 1]\nclass = a\n[class a]\n", /* the order does not matter */
};

static int read_all(struct policy *p, const char *text, struct err *e)
{
	int r = policy_add_text(p, "p.conf", text, e);
	return r < 0 ? r : policy_check(p, e);
}

static void test_messages(void)
{
	for (size_t i = 0; i < N_ELEMENTS(refused); i++) {
		AUTO_POLICY struct policy *p = policy_new();
		struct err e = { 0 };
		same_int(read_all(p, refused[i].text, &e), -EINVAL, "refused: %s", refused[i].text);
		same_str(e.text, refused[i].message, "message: %s", refused[i].text);
	}
	for (size_t i = 0; i < N_ELEMENTS(accepted); i++) {
		AUTO_POLICY struct policy *p = policy_new();
		struct err e = { 0 };
		same_int(read_all(p, accepted[i], &e), 0, "accepted: %s", accepted[i]);
		same_str(e.text, "", "no message: %s", accepted[i]);
	}
}

static struct vm_wish wish_of(const char *text, const char *id, const char *name, const char *uuid)
{
	AUTO_POLICY struct policy *p = policy_new();
	struct err e = { 0 };
	struct vm_wish wish;
	same_int(read_all(p, text, &e), 0, "read: %s", text);
	bool is_selected = policy_for_vm(p, id, name, uuid, &wish);
	ok(is_selected == (wish.source != NULL), "selected when a section is its source");
	wish.source = is_selected ? "yes" : NULL; /* the rest dies with the policy */
	return wish;
}

static void test_defaults(void)
{
	struct vm_wish w = wish_of("[vm 101]\n", "100", "db", NULL);
	same_str(w.source, NULL, "another VM's section does not select");
	w = wish_of("[vm 100]\n", "100", "db", NULL);
	same_str(w.source, "yes", "an empty section selects");
	ok(w.isolation == LEVEL_ISOLATED && w.cores == CORES_FULL && w.place == PLACE_ONE_L3 &&
			w.emulator.wish == HELPER_HOUSEKEEPING &&
			w.iothreads.wish == HELPER_HOUSEKEEPING && w.vcpus == 0,
		"defaults");
}

static void test_matching(void)
{
	const char *uuid = "4c4c4544-0043-3510-8052-b4c04f4d3132";
	same_str(wish_of("[vm db*]\n", "100", "db01", NULL).source, "yes", "name by glob");
	same_str(wish_of("[vm db[0-9]1]\n", "100", "db01", NULL).source, "yes",
		"glob with brackets");
	same_str(wish_of("[vm \t 1?? ] ; x\n", "100", NULL, NULL).source, "yes", "id by glob");
	same_str(wish_of("[vm my db]\n", "1", "my db", NULL).source, "yes", "a name with a blank");
	same_str(wish_of("[vm 4C4C4544-*]\n", "1", "x", uuid).source, "yes", "UUID, any case");
	same_str(wish_of("[vm x]\n", NULL, NULL, NULL).source, NULL, "a VM without any name");
}

static void test_layers(void)
{
	const char *text = "[class a]\ncores = thread\nplace = any\nisolation = fenced\n"
			   "[vm 100]\nisolation = pinned ; own key wins over the class\nclass = a\n"
			   "[vm 1*]\nplace = 'one-node' # a later section wins\n"
			   "[class a]\nemulator = 4,6#7\n";
	AUTO_POLICY struct policy *p = policy_new();
	struct err e = { 0 };
	same_int(read_all(p, text, &e), -EINVAL, "'#' within a value is no comment");
	same_str(e.text,
		"p.conf:11: bad value '4,6#7' for emulator "
		"(valid: housekeeping | spare | own | CPULIST)",
		"message");
	struct vm_wish w = wish_of("[class a]\ncores = thread\nplace = any\nisolation = fenced\n"
				   "[vm 100]\nisolation = pinned ; x\nclass = a\nvcpus = 3\n"
				   "[vm 1*]\nplace = 'one-node' # x\n"
				   "[class a]\nemulator = 4,6 #7\niothreads = own\n",
		"100", NULL, NULL);
	ok(w.cores == CORES_THREAD, "from the class");
	ok(w.isolation == LEVEL_PINNED, "the VM's key wins over its class");
	ok(w.place == PLACE_ONE_NODE, "the later section wins");
	AUTO_FREE char *cpus = cpuset_format_list(&w.emulator.cpus);
	same_str(cpus, "4,6", "the class is continued");
	ok(w.emulator.wish == HELPER_CPUS && w.iothreads.wish == HELPER_OWN && w.vcpus == 3,
		"rest");
}

static void test_command_line(void)
{
	AUTO_POLICY struct policy *p = policy_new();
	struct err e = { 0 };
	struct vm_wish w;
	same_int(policy_set(p, "100", "cores", "shared", &e), 0, "set");
	same_int(policy_set(p, "100", "class", "a", &e), 0, "set class");
	same_int(policy_set(p, "100", "emulator", "3", &e), 0, "set emulator");
	same_int(policy_add_text(p, "p.conf", "[vm 100]\ncores = full\nemulator = 1\n", &e), 0,
		"text");
	same_int(policy_check(p, &e), -EINVAL, "the class is missing");
	same_str(e.text, "command line: unknown class 'a' (there is no [class a])", "message");
	same_int(policy_add_text(p, "q.conf", "[class a]\nplace = any\n", &e), 0, "another file");
	same_int(policy_check(p, &e), 0, "now it is there");
	ok(policy_for_vm(p, "100", NULL, NULL, &w), "selected");
	ok(w.cores == CORES_SHARED && w.place == PLACE_ANY, "the command line wins over files");
	same_str(w.source, "command line", "source");
	same_str(w.emulator.source, "command line", "source of the key");
	same_int(policy_set(p, "100", "isolation", "isolatd", &e), -EINVAL, "bad value");
	same_str(e.text,
		"command line: bad value 'isolatd' for isolation "
		"(did you mean 'isolated'?)",
		"message");
	same_int(policy_set(p, "100", "housekeeping", "0", &e), -EINVAL, "not a VM's key");
	same_int(policy_set(p, "100", "governor", "performance", &e), -EINVAL, "later");
	same_str(e.text,
		"command line: governor = performance is not supported yet: left out, governor is "
		"keep",
		"message");
}

static void test_host(void)
{
	AUTO_POLICY struct policy *p = policy_new();
	struct err e = { 0 };
	ok(policy_host(p).wish == HOUSEKEEPING_AUTO, "auto by default");
	same_int(policy_add_text(p, "a", "[host]\nhousekeeping = 3 cores\n", &e), 0, "cores");
	ok(policy_host(p).wish == HOUSEKEEPING_CORES && policy_host(p).cores == 3, "3 cores");
	same_int(policy_add_text(p, "b", "[host]\n\nhousekeeping = 0-1,12\n", &e), 0, "list");
	struct host_wish w = policy_host(p);
	AUTO_FREE char *cpus = cpuset_format_list(&w.cpus);
	same_str(cpus, "0-1,12", "the later file wins");
	same_str(w.source, "b:3", "source");
	same_int(policy_set(p, NULL, "housekeeping", "auto", &e), 0, "command line");
	same_int(policy_add_text(p, "c", "[host]\nhousekeeping = 5\n", &e), 0, "a later file");
	ok(policy_host(p).wish == HOUSEKEEPING_AUTO, "the command line wins");
	struct vm_wish vm;
	ok(!policy_for_vm(p, "7", NULL, NULL, &vm), "no section");
	same_int(policy_set(p, "7", NULL, NULL, &e), 0, "a VM without a key");
	ok(policy_for_vm(p, "7", NULL, NULL, &vm), "is selected");
}

/* Every row of the table can be set, and its fallback (where it is a value) is accepted. */
static void test_table(void)
{
	size_t n;
	const struct policy_key *keys = policy_keys(&n);
	same_int(n, 22, "keys");
	for (size_t i = 0; i < n; i++) {
		const struct policy_key *k = &keys[i];
		ok(k->values && k->fallback && k->summary && k->parse, "%s is complete", k->key);
		if (!k->words && !streq(k->key, "spare"))
			continue;
		AUTO_FREE char *text = xasprintf("[%s%s]\n%s = %s\n", k->section,
			streq(k->section, "host") ? "" : " x", k->key, k->fallback);
		AUTO_POLICY struct policy *p = policy_new();
		struct err e = { 0 };
		same_int(policy_add_text(p, "x", text, &e), 0, "fallback of %s", k->key);
		for (size_t j = 0; k->words && k->words[j]; j++)
			ok(strstr(k->values, k->words[j]), "%s names %s", k->key, k->words[j]);
	}
	enum level level;
	for (int i = LEVEL_NONE; i <= LEVEL_ISOLATED; i++)
		ok(level_parse(level_name((enum level)i), &level) == 0 && (int)level == i,
			"level %d", i);
	same_int(level_parse("loose", &level), -EINVAL, "no such level");
}

/* [check]: every limit has a reason, a default within its bounds, and is a key. */
static void test_limits(void)
{
	size_t n;
	const struct limit_row *rows = limit_rows(&n);
	struct limits l = limits_default();
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *most = xasprintf("%.0f", rows[i].most);
		ok(strlen(rows[i].why) > 20 && *rows[i].unit, "%s: has a reason", rows[i].key);
		ok(rows[i].fallback >= rows[i].least && rows[i].fallback <= rows[i].most,
			"%s: its default is one", rows[i].key);
		same_int(limits_set(&l, rows[i].key, most), 0, "%s: can be set", rows[i].key);
		ok(limits_get(&l, &rows[i]) == rows[i].most, "%s: and is", rows[i].key);
		same_int(limits_set(&l, rows[i].key, "-1"), -EINVAL, "%s: not to -1", rows[i].key);
		same_int(limits_set(&l, rows[i].key, "1e"), -EINVAL, "%s: nor to 1e", rows[i].key);
	}
	same_int(limits_set(&l, "nonsense", "1"), -ENOENT, "no such limit");
	AUTO_POLICY struct policy *p = policy_new();
	struct err e = { 0 };
	ok(policy_limits(p).hog_share == limits_default().hog_share, "a policy has the defaults");
	same_int(policy_add_text(p, "f",
			 "[check]\nhog-share = 0.2\n[vm a]\n[check]\nhog-share = "
			 "0.3\n",
			 &e),
		0, "[check] twice");
	ok(policy_limits(p).hog_share == 0.3, "the later counts");
	same_int(policy_add_text(p, "f", "[check]\ncores = full\n", &e), -EINVAL,
		"a key of VMs is none of it");
}

int main(void)
{
	test_limits();
	test_messages();
	test_defaults();
	test_matching();
	test_layers();
	test_command_line();
	test_host();
	test_table();
	return tap_done();
}
