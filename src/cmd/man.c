/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The man page, from the same rows as help: man(7) format. */
#include <string.h>

#include "check/check.h"
#include "cmd/args.h"
#include "plan/knobs.h"
#include "policy/policy.h"
#include "view/keys.h"

/* Dashes that may be typed, backslashes, and dots at the start of a line. */
static void put(FILE *f, const char *text)
{
	bool is_start = true;
	for (; *text; text++) {
		if (is_start && (*text == '.' || *text == '\''))
			fputs("\\&", f);
		if (*text == '-' || *text == '\\')
			fputc('\\', f);
		fputc(*text, f);
		is_start = *text == '\n';
	}
}

static void put_item(FILE *f, const char *name, const char *arg, const char *text)
{
	fputs(".TP\n\\fB", f);
	put(f, name);
	fputs("\\fR", f);
	if (arg) {
		fputs(" \\fI", f);
		put(f, arg);
		fputs("\\fR", f);
	}
	fputc('\n', f);
	if (!*text)
		return;
	put(f, text);
	fputc('\n', f);
}

static void put_options(FILE *f, const struct option_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *name = xasprintf("--%s", rows[i].name);
		put_item(f, name, rows[i].arg, rows[i].help);
	}
}

static void put_key_parts(FILE *f, const struct key_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < parts[i].n; k++) {
			AUTO_FREE char *key = xasprintf("%s%s", parts[i].at, parts[i].rows[k].key);
			put_item(f, key, NULL, parts[i].rows[k].help);
		}
}

static void put_keys(FILE *f)
{
	size_t n_commands, n;
	const struct command *const *all = commands(&n_commands);
	const struct key_part *parts = common_keys(&n);
	fputs(".SH JSON\nWith \\-\\-json a command prints one object. Numbers have their unit in "
	      "the "
	      "name;\nnull is what the host does not have or say. Every object has\n",
		f);
	put_key_parts(f, parts, n);
	for (size_t i = 0; i < n_commands; i++) {
		parts = all[i]->keys(&n);
		fprintf(f, ".SH JSON OF %s\n", all[i]->name);
		put_key_parts(f, parts, n);
	}
}

static void put_commands(FILE *f)
{
	size_t n;
	const struct command *const *all = commands(&n);
	fputs(".SH COMMANDS\n", f);
	for (size_t i = 0; i < n; i++) {
		fputs(".SS ", f);
		put(f, all[i]->name);
		fputc(' ', f);
		put(f, all[i]->args);
		fputc('\n', f);
		put(f, all[i]->help);
		fputc('\n', f);
		put_options(f, all[i]->options, all[i]->n_options);
		if (all[i]->flags & CMD_POLICY) {
			size_t n_policy;
			const struct option_row *rows = policy_options(&n_policy);
			put_options(f, rows, n_policy);
		}
	}
}

static void put_limits(FILE *f)
{
	size_t n;
	const struct limit_row *rows = limit_rows(&n);
	fputs(".SS [check]\nFrom which figure on check says something.\n", f);
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *value = xasprintf("= %g", rows[i].fallback);
		AUTO_FREE char *text = xasprintf("%s: %s", rows[i].unit, rows[i].why);
		put_item(f, rows[i].key, value, text);
	}
}

static void put_policy(FILE *f)
{
	struct arena arena = { 0 };
	size_t n;
	const struct policy_key *keys = policy_keys(&n);
	fputs(".SH POLICY\nThe files are /etc/pve/wideberth/*.conf, which the nodes of a Proxmox "
	      "VE\n"
	      "cluster share, /etc/wideberth/wideberth.conf, and\n"
	      "/etc/wideberth/wideberth.conf.d/*.conf; where two say something, the later "
	      "counts.\n"
	      "Sections are [host], [check], [class NAME] and [vm VM]; keys of [class] may stand "
	      "in [vm] "
	      "too.\n"
	      "The same keys are options of plan and apply.\n",
		f);
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *values = xasprintf("= %s", keys[i].values);
		AUTO_FREE char *text =
			xasprintf("[%s] %s", keys[i].section, policy_key_help(&keys[i], &arena));
		put_item(f, keys[i].key, values, text);
	}
	arena_done(&arena);
	put_limits(f);
}

static void put_knobs(FILE *f)
{
	size_t n;
	const struct knob *all = knobs(&n);
	fputs(".SH KNOBS\nWhat apply changes and undo puts back.\n", f);
	for (size_t i = 0; i < n; i++) {
		AUTO_FREE char *text = xasprintf("%s. %s", all[i].summary, all[i].source);
		put_item(f, all[i].name, NULL, text);
	}
}

void print_checks(FILE *f)
{
	size_t n;
	const struct rule *all = check_rules(&n);
	enum rule_stage stage = N_STAGES;
	fputs(".TH WIDEBERTH-CHECKS 7 \"\" \"wideberth " WIDEBERTH_VERSION "\"\n.SH NAME\n"
	      "wideberth-checks \\- what wideberth check looks for\n.SH DESCRIPTION\n"
	      "Rules run in this order: whether it is scheduling or interrupts at all, whether "
	      "the\n"
	      "pinning is real and complete, whether the memory is where the CPUs are, whether "
	      "the\n"
	      "CPU has its speed, and only then the pins' recipes. What another finding explains "
	      "is\n"
	      "told behind it. The figures from which on they speak are the keys of [check], see\n"
	      "wideberth(8).\n",
		f);
	for (size_t i = 0; i < n; i++) {
		if (all[i].stage != stage)
			fprintf(f, ".SH %s\n", stage_title(all[i].stage));
		stage = all[i].stage;
		put_item(f, all[i].id, severity_name(all[i].severity), all[i].title);
		fputs(".IP\n", f);
		put(f, all[i].cause);
		fputs("\n.IP\nTo do: ", f);
		put(f, all[i].advice);
		fputs("\n.IP\nSurer: ", f);
		put(f, all[i].surer);
		fputs("\n", f);
		if (!all[i].roots)
			continue;
		fputs(".IP\nExplained by: ", f);
		put(f, all[i].roots);
		fputs("\n", f);
	}
	fputs(".SH SEE ALSO\n.BR wideberth (8)\n", f);
}

static void put_exit_codes(FILE *f)
{
	fputs(".SH EXIT STATUS\n.TP\n0\ndone, nothing to report\n.TP\n1\nsomething to report: "
	      "findings, drift, a VM that\nwas refused\n.TP\n2\nusage or policy error\n.TP\n3\n"
	      "failed, and the machine is as it was\n.TP\n4\nfailed, and something could not be "
	      "restored, or was done before it failed (each named)\n",
		f);
}

static void put_surroundings(FILE *f)
{
	static const struct option_row files[] = {
		{ "/run/wideberth/", NULL,
			"the ledger of what is applied, and the journal of a transaction under "
			"way; "
			"both are gone at a reboot, as the settings are" },
		{ "/var/lib/wideberth/events", NULL,
			"what the daemon decided; and events.1, what is older" },
		{ "/etc/wideberth/wideberth.conf", NULL,
			"the policy, with /etc/wideberth/wideberth.conf.d/*.conf and, on Proxmox "
			"VE, "
			"/etc/pve/wideberth/*.conf: see wideberth.conf(5)" },
	};
	static const struct option_row environment[] = {
		{ "WIDEBERTH_STATE_DIR", NULL,
			"instead of /run/wideberth and /var/lib/wideberth, for tests" },
		{ "TMPDIR", NULL, "where packed hosts and recordings are unpacked (/tmp)" },
		{ "COLUMNS", NULL, "the width of text, where it is no terminal's" },
		{ "NO_COLOR", NULL, "no colour" },
		{ "TERM", NULL, "no colour where it is dumb or not set" },
		{ "COLORTERM", NULL, "which colours the terminal has" },
		{ "LIBVIRT_DEFAULT_URI", NULL, "which libvirt is asked (qemu:///system)" },
		{ "WIDEBERTH_DEBUG", NULL, "tells on stderr what D-Bus answered" },
	};
	fputs(".SH FILES\n", f);
	for (size_t i = 0; i < N_ELEMENTS(files); i++)
		put_item(f, files[i].name, NULL, files[i].help);
	fputs(".SH ENVIRONMENT\n", f);
	for (size_t i = 0; i < N_ELEMENTS(environment); i++)
		put_item(f, environment[i].name, NULL, environment[i].help);
	fputs(".SH SEE ALSO\n.BR wideberth.conf (5),\n.BR wideberth\\-checks (7)\n", f);
}

void print_man(FILE *f)
{
	size_t n;
	const struct option_row *options = global_options(&n);
	fputs(".TH WIDEBERTH 8 \"\" \"wideberth " WIDEBERTH_VERSION "\"\n.SH NAME\n"
	      "wideberth \\- a piece of a KVM host for a virtual machine, and nothing else on it\n"
	      ".SH SYNOPSIS\n.B wideberth\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGS\\fR]\n"
	      ".SH DESCRIPTION\nPlaces the vCPUs of running QEMU VMs on CPUs of their own, keeps\n"
	      "interrupts, kernel threads, QEMU's other threads, host services and other VMs off "
	      "them,\n"
	      "measures the difference, and puts every setting back.\n.SH OPTIONS\n",
		f);
	put_options(f, options, n);
	put_commands(f);
	put_policy(f);
	put_knobs(f);
	put_keys(f);
	put_exit_codes(f);
	put_surroundings(f);
}

void print_man_conf(FILE *f)
{
	fputs(".TH WIDEBERTH.CONF 5 \"\" \"wideberth " WIDEBERTH_VERSION "\"\n.SH NAME\n"
	      "wideberth.conf \\- which virtual machines get CPUs of their own, and how\n"
	      ".SH DESCRIPTION\nWithout a [vm] section nothing is done. With one, 'wideberth "
	      "apply'\nplaces the VMs that run and that it names, and the daemon keeps them so, "
	      "from "
	      "their\nstart to their end. A file or directory that others than root may write is "
	      "refused.\n",
		f);
	put_policy(f);
	fputs(".SH EXAMPLE\n.nf\n[class latency]\nplace = one\\-l3\n\n[vm 100]\nclass = latency\n"
	      ".fi\n.SH SEE ALSO\n.BR wideberth (8)\n",
		f);
}
