/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules by their names, and their words. */
#include "base/str.h"
#include "check/check.h"

const struct rule *check_rule(const char *id)
{
	size_t n;
	const struct rule *rules = check_rules(&n);
	for (size_t i = 0; i < n; i++)
		if (streq(rules[i].id, id))
			return &rules[i];
	return NULL;
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = { "info", "warning", "critical" };
	return names[severity];
}

const char *stage_name(enum rule_stage stage)
{
	static const char *const names[] = {
		[STAGE_LOAD] = "load",
		[STAGE_PINS] = "pins",
		[STAGE_MEMORY] = "memory",
		[STAGE_POWER] = "power",
		[STAGE_RECIPE] = "recipe",
	};
	return names[stage];
}

const char *stage_title(enum rule_stage stage)
{
	static const char *const titles[] = {
		[STAGE_LOAD] = "DISKS, INTERRUPTS, OTHERS' WORK",
		[STAGE_PINS] = "PINS AND ISOLATION",
		[STAGE_MEMORY] = "MEMORY",
		[STAGE_POWER] = "POWER",
		[STAGE_RECIPE] = "RECIPES",
	};
	return titles[stage];
}

const char *sureness_text(enum sureness sure)
{
	static const char *const texts[] = {
		[SURE_STATE] = "certain: it is so, by the kernel's own files",
		[SURE_MEASURED] = "certain for the interval: it was measured",
		[SURE_LIKELY] = "likely: it fits, and something else may be behind it",
	};
	return texts[sure];
}
