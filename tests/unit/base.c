/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/cpuset.h"
#include "base/err.h"
#include "base/str.h"

static void test_list(const char *text, const char *want)
{
	struct cpuset s;
	int r = cpuset_parse_list(text, &s);
	AUTO_FREE char *got =
		r < 0 ? xstrdup(r == -ERANGE ? "ERANGE" : "EINVAL") : cpuset_format_list(&s);
	same_str(got, want, "list '%s'", text);
}

static void test_mask(const char *text, const char *want_list)
{
	struct cpuset s;
	int r = cpuset_parse_mask(text, &s);
	AUTO_FREE char *got =
		r < 0 ? xstrdup(r == -ERANGE ? "ERANGE" : "EINVAL") : cpuset_format_list(&s);
	same_str(got, want_list, "mask '%s'", text);
	if (r < 0)
		return;
	AUTO_FREE char *mask = cpuset_format_mask(&s);
	struct cpuset again;
	ok(cpuset_parse_mask(mask, &again) == 0 && cpuset_equal(&s, &again),
		"mask '%s' survives formatting as '%s'", text, mask);
}

static void test_words(const char *text, const char *want, const char *verb)
{
	struct cpuset s;
	ok(cpuset_parse_list(text, &s) == 0, "a list");
	AUTO_FREE char *got = cpuset_format_cpus(&s);
	same_str(got, want, "'%s' with its noun", text);
	same_str(cpuset_is_or_are(&s), verb, "... and verb");
}

static void test_cpusets(void)
{
	test_words("4", "CPU 4", "is");
	test_words("4-5", "CPUs 4-5", "are");
	test_list("", "");
	test_list("\n", "");
	test_list("0-3,8,10-11\n", "0-3,8,10-11");
	test_list("3,2,1", "1-3");
	test_list("8191", "8191");
	test_list("8192", "ERANGE");
	test_list("99999999999999999999", "ERANGE");
	test_list("3-1", "EINVAL");
	test_list("1,", "EINVAL");
	test_list("1,,2", "EINVAL");
	test_list("1-", "EINVAL");
	test_list("-1", "EINVAL");
	test_list("1 2", "EINVAL");
	test_list("  (null)\n", "EINVAL");
	test_list("0x3", "EINVAL");
	test_mask("ff\n", "0-7");
	test_mask("0", "");
	test_mask("0x3", "0-1");
	test_mask("1,00000000", "32");
	test_mask("80000000,00000000,00000001", "0,95");
	test_mask("fg", "EINVAL");
	test_mask("1,2", "EINVAL");
	test_mask(",1", "EINVAL");
	test_mask("1,", "EINVAL");
	test_mask("", "EINVAL");

	struct cpuset a, b;
	ok(!cpuset_parse_list("0-3", &a) && !cpuset_parse_list("2-5,8000", &b), "two sets");
	struct cpuset both = cpuset_and(&a, &b), either = cpuset_or(&a, &b),
		      only_a = cpuset_minus(&a, &b);
	AUTO_FREE char *s1 = cpuset_format_list(&both), *s2 = NULL, *s3 = NULL;
	s2 = cpuset_format_list(&either);
	s3 = cpuset_format_list(&only_a);
	same_str(s1, "2-3", "and");
	same_str(s2, "0-5,8000", "or");
	same_str(s3, "0-1", "minus");
	same_int(cpuset_count(&either), 7, "count");
	same_int(cpuset_next(&either, 6), 8000, "next crosses words");
	ok(cpuset_is_subset(&both, &a) && !cpuset_is_subset(&b, &a), "subset");
	ok(!cpuset_has(&a, -1) && !cpuset_has(&a, CPUSET_MAX), "out of range is never a member");

	struct cpuset sum = a;
	cpuset_add_all(&sum, &b);
	ok(cpuset_equal(&sum, &either) && cpuset_equal(&either, &sum), "add all");
	cpuset_remove_all(&sum, &b);
	ok(cpuset_equal(&sum, &only_a) && cpuset_equal(&only_a, &sum),
		"remove all of a longer one");
	cpuset_remove_all(&b, &a);
	cpuset_remove(&b, 8000);
	ok(cpuset_count(&b) == 2 && cpuset_is_subset(&b, &either) && !cpuset_intersects(&b, &a),
		"remove all of a shorter one");
	struct arena arena = { 0 };
	const struct cpuset *kept = cpuset_keep(&arena, &only_a);
	ok(kept != &only_a && cpuset_equal(kept, &only_a), "a set is kept");
	ok(kept == cpuset_keep(&arena, &sum), "an equal one is the same, however it came to be");
	for (int i = 0; i < 200; i++) {
		struct cpuset one = cpuset_of(i);
		(void)cpuset_keep(&arena, &one);
	}
	ok(kept == cpuset_keep(&arena, &only_a), "and among many others");
	arena_done(&arena);
}

/* As sched_getaffinity(2) and systemd have it. */
static void test_bytes(void)
{
	const unsigned char bytes[CPUSET_MAX / 8 + 1] = { 0x05, 0, 0x80, 0, 0, 0, 0, 0, 0x01 };
	unsigned char beyond[CPUSET_MAX / 8 + 1] = { 0 };
	struct cpuset set = cpuset_of(7);
	same_int(cpuset_of_bytes(bytes, sizeof bytes, &set), 0, "a mask, zeros behind it");
	AUTO_FREE char *list = cpuset_format_list(&set);
	same_str(list, "0,2,23,64", "its members");
	ok(memcmp(set.w, bytes, sizeof set.w) == 0, "and bytes again");
	same_int(cpuset_of_bytes(bytes, 3, &set), 0, "three bytes");
	AUTO_FREE char *few = cpuset_format_list(&set);
	same_str(few, "0,2,23", "all of them");
	beyond[CPUSET_MAX / 8] = 1;
	same_int(cpuset_of_bytes(beyond, sizeof beyond, &set), -ERANGE, "a CPU that no set has");
}

static void test_strings(void)
{
	int n;
	uint64_t u;
	ok(str_to_int(" 42\n", &n) == 0 && n == 42, "number with white space");
	same_int(str_to_int("42x", &n), -EINVAL, "trailing garbage");
	same_int(str_to_int("-1", &n), -EINVAL, "negative");
	same_int(str_to_int("2147483648", &n), -ERANGE, "too big for int");
	same_int(str_to_u64("18446744073709551616", &u), -ERANGE, "too big for u64");
	ok(str_has_word("memory cpuset pids\n", "cpuset"), "word in the middle");
	ok(!str_has_word("cpusets", "cpuset") && !str_has_word("xcpuset", "cpuset"), "not a part");
	static const char *const words[] = { "housekeeping", "isolation", "emulator", NULL };
	same_str(str_nearest("isolaton", words), "isolation", "nearest");
	same_str(str_nearest("zzz", words), NULL, "nothing near");
	char text[] = "a b\n\nc";
	char *p = text;
	same_str(str_next_line(&p), "a b", "first line");
	same_str(str_next_line(&p), "", "empty line");
	same_str(str_next_line(&p), "c", "line without newline");
	same_str(str_next_line(&p), NULL, "end");
}

static void test_errors(void)
{
	struct err e;
	same_int(err_set(&e, -EACCES, "open '%s'", "x"), -EACCES, "err_set returns the code");
	err_ctx(&e, "plan VM %s", "db01");
	same_str(e.text, "plan VM db01: open 'x': Permission denied", "context");
	char big[1000];
	memset(big, 'a', sizeof big);
	big[999] = 0;
	err_say(&e, -EINVAL, "%s", big);
	err_ctx(&e, "%s", big);
	same_int(strlen(e.text), sizeof e.text - 1, "long texts are cut, not overrun");
}

int main(void)
{
	test_cpusets();
	test_bytes();
	test_strings();
	test_errors();
	return tap_done();
}
