/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of a cgroup: cpuset.cpus.partition with its reason, cgroup.controllers, lists of CPUs. */
#include "base/cpuset.h"
#include "base/str.h"
#include "fuzz.h"
#include "model/cgroup.h"

static void partition(const char *text, size_t n)
{
	struct partition_state p;
	if (partition_parse(text, &p) < 0)
		return;
	must(p.state == text && p.n_state >= strlen("root") && p.n_state <= n);
	must(!memchr(p.state, '(', p.n_state) && p.state[p.n_state - 1] != ' ');
	if (p.reason)
		must(p.reason > text && p.reason + p.n_reason < text + n && p.reason[-1] == '(' &&
			p.reason[p.n_reason] == ')');
}

/* A word that is found stands between blanks. */
static void controllers(const char *text)
{
	if (str_has_word(text, "cpuset"))
		must(strstr(text, "cpuset"));
}

static void list(const char *text)
{
	struct cpuset set, again;
	if (cpuset_parse_list(text, &set) < 0)
		return;
	AUTO_FREE char *same = cpuset_format_list(&set);
	must(cpuset_parse_list(same, &again) == 0 && cpuset_equal(&set, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *text = xstrndup((const char *)data, size);
	partition(text, strlen(text));
	controllers(text);
	list(text);
	return 0;
}
