/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A journal or ledger that is cut short or has a wrong bit: what is intact in it is undone, and no
 * file ever gets a value that is neither the old one nor ours. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apply/ledger.h"
#include "base/str.h"
#include "../machine/machine.h"
#include "../unit/tap.h"

#define LOST "proc/3085/task/3091/status"

static const char apply[] = "apply --vm db01 --isolation isolated";

/* The file of the state directory, whole; malloc'ed. */
static char *read_state(const struct machine *m, const char *name, size_t *ret_n)
{
	AUTO_FREE char *path = xasprintf("%s/run/wideberth/%s", m->dir, name);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t n = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	char *text = n < 0 ? NULL : xcalloc((size_t)n + 1, 1);
	if (!text || pread(fd, text, (size_t)n, 0) != n)
		exit(99);
	*ret_n = (size_t)n;
	return text;
}

static void write_state(const struct machine *m, const char *name, const char *text, size_t n)
{
	AUTO_FREE char *path = xasprintf("%s/run/wideberth/%s", m->dir, name);
	AUTO_FILE FILE *f = fopen(path, "we");
	if (!f || fwrite(text, 1, n, f) != n)
		exit(99);
}

static size_t find_line(const char *text, size_t from)
{
	const char *end = strchr(text + from, '\n');
	return end ? (size_t)(end - text) + 1 : strlen(text);
}

/* ---- what is read from it ---- */

static bool is_same_entry(const struct entry *a, const struct entry *b)
{
	return a->knob == b->knob && streq(a->key, b->key) &&
		value_equal(&a->baseline, &b->baseline) && value_equal(&a->value, &b->value) &&
		!a->id == !b->id && (!a->id || streq(a->id, b->id)) &&
		a->is_released == b->is_released && a->is_optional == b->is_optional;
}

/* True when every entry read is one of the whole ledger, in the same order; counts them. */
static bool has_only_true_entries(
	const struct ledger *part, const struct ledger *whole, size_t *ret_n)
{
	size_t at = 0;
	for (size_t i = 0; i < part->entries.n; i++) {
		while (at < whole->entries.n &&
			!is_same_entry(&part->entries.v[i], &whole->entries.v[at]))
			at++;
		if (at++ == whole->entries.n)
			return false;
	}
	*ret_n = part->entries.n;
	return true;
}

/* At every length: the lines that are whole, and nothing else. */
static void cut_everywhere(const char *text, size_t n, const struct ledger *whole)
{
	size_t n_wrong = 0, n_lines = 0, n_records = whole->entries.n;
	for (size_t end = 0; end <= n; end++) {
		AUTO_FREE char *part = xstrndup(text, end);
		AUTO_LEDGER struct ledger *l = NULL;
		size_t n_entries = 0;
		if (end && text[end - 1] == '\n')
			n_lines++;
		/* a last line that lacks but its newline is whole */
		bool is_whole_line = end < n && text[end] == '\n';
		size_t n_whole = n_lines + is_whole_line;
		int r = ledger_parse(part, &l);
		if (!n_whole)
			n_wrong += r == 0;
		else if (r < 0 || !has_only_true_entries(l, whole, &n_entries))
			n_wrong++;
		else /* the header and the placement come first, the header comes last again */
			n_wrong += n_entries !=
				(n_whole < 2 ? 0 : n_whole - 2 - (n_whole > n_records + 2));
	}
	same_int(n_lines, n_records + 3,
		"the ledger: a header, a placement, %zu entries, the header", n_records);
	same_int(n_wrong, 0, "I5: cut at each of %zu bytes: what is whole is read, no more", n);
}

/* All bits of the header and of the last records, and some in between. */
static void flip_everywhere(const char *text, size_t n, const struct ledger *whole)
{
	size_t n_wrong = 0, n_lost = 0, n_unread = 0, n_flips = 0;
	for (size_t i = 0; i < n; i++)
		for (int bit = 0; bit < 8; bit++) {
			if (i > 300 && i + 600 < n && (i % 4 || bit != i / 4 % 8))
				continue;
			n_flips++;
			AUTO_FREE char *bad = xstrndup(text, n);
			AUTO_LEDGER struct ledger *l = NULL;
			size_t n_entries = 0;
			bad[i] = (char)(bad[i] ^ 1 << bit);
			/* a newline more or less touches two lines, a NUL ends the text */
			bool is_cut = !bad[i] || bad[i] == '\n' || text[i] == '\n';
			if (ledger_parse(bad, &l) < 0) {
				n_unread += !is_cut;
				continue;
			}
			if (!has_only_true_entries(l, whole, &n_entries))
				n_wrong++;
			n_lost += !is_cut && n_entries + 1 < whole->entries.n;
		}
	same_int(
		n_wrong, 0, "I5: each of %zu bits flipped: no entry that was not written", n_flips);
	same_int(n_lost, 0, "a wrong bit costs one entry at most");
	same_int(n_unread, 0, "... also one of a header");
}

/* ---- what is done with it ---- */

static void try_damaged(struct machine *m, const char *name, const char *text, size_t n,
	const struct image *ours, const char *title)
{
	write_state(m, name, text, n);
	int code = machine_run(m, NULL, "undo --all");
	const char *foreign = image_mixes(m, m->pristine, ours);
	ok((code == 0 || code == 1 || code == 3 || code == 4) && !foreign, "%s", title);
	if (foreign)
		printf("%s", foreign);
	if (code > 4)
		printf("# exit code %d: %s\n", code, m->output);
}

/* From the state that is there. */
static void try_all(struct machine *m, const char *name, const struct image *ours)
{
	size_t n;
	AUTO_FREE char *text = read_state(m, name, &n);
	struct image *start = image_take(m);
	for (size_t at = 0; at < n; at = find_line(text, at)) {
		size_t length = find_line(text, at) - at;
		size_t cuts[] = { at, at + 4, at + length / 2, at + length - 2 };
		size_t step = at > n / 4 && at < n * 3 / 4 ? 6 : 2;
		for (size_t i = at / 97 % step; i < N_ELEMENTS(cuts); i += step) {
			AUTO_FREE char *title = xasprintf("I5: %s cut at byte %zu", name, cuts[i]);
			image_put(m, start);
			try_damaged(m, name, text, cuts[i], ours, title);
		}
		size_t bit = at * 5 % (length * 8);
		AUTO_FREE char *bad = xstrndup(text, n);
		AUTO_FREE char *title = xasprintf(
			"I5: %s with bit %zu of byte %zu wrong", name, bit % 8, at + bit / 8);
		bad[at + bit / 8] = (char)(bad[at + bit / 8] ^ 1 << bit % 8);
		image_put(m, start);
		try_damaged(m, name, bad, n, ours, title);
	}
	image_put(m, start);
	image_free(start);
}

/* What older records say is done although the last one is torn. */
static void older_records_count(struct machine *m)
{
	size_t n;
	AUTO_FREE char *text = read_state(m, "journal", &n);
	while (n && text[n - 1] == '\n')
		n--;
	while (n && text[n - 1] != '\n') /* the header that comes last */
		n--;
	write_state(m, "journal", text, n - 20);
	same_int(machine_run(m, NULL, "undo --all"), 4, "a torn last record: something is lost");
	ok(strstr(m->output, "damaged"), "... and it is said");
	machine_run(m, NULL, "undo --all");
	ok(streq(machine_read(m, "proc/irq/28/smp_affinity_list"), "6-11,18-23") &&
			streq(machine_read(m, "proc/irq/9/smp_affinity_list"), "0-23") &&
			!machine_has(m, "sys/fs/cgroup/qemu.slice/100.scope/vcpus"),
		"I5: a torn last record: the older ones are undone");
}

/* Flips a bit of the record that has the text. */
static void damage_record(struct machine *m, const char *text)
{
	size_t n;
	AUTO_FREE char *ledger = read_state(m, "ledger", &n);
	char *at = strstr(ledger, text);
	if (!at)
		exit(99);
	*at = (char)(*at ^ 1);
	write_state(m, "ledger", ledger, n);
}

/* Thread 3091, which was started at tick 4091, had a mask of its own; its record is damaged. */
static struct machine *lose_old_value(const char *uptime, char **ret_ours)
{
	struct machine *m = machine_new(ROOT_6_12);
	ok(strstr(machine_read(m, LOST), "Cpus_allowed_list:\t2-3\n"), "somebody pinned a thread");
	machine_write(m, "proc/uptime", uptime);
	same_int(machine_run(m, NULL, "apply --vm db01 --isolation pinned"), 0, "applied");
	*ret_ours = xstrdup(strstr(machine_read(m, LOST), "Cpus_allowed_list:"));
	damage_record(m, "\"3091\"");
	return m;
}

static bool is_told_as_restored(const struct machine *m)
{
	const char *restored = strstr(m->output, "\"restored\":"),
		   *failed = strstr(m->output, "\"failed\":"),
		   *thread = strstr(m->output, "\"key\":\"3091\"");
	return !restored || !failed || failed < restored || (thread && thread < failed);
}

/* It is not one that was born since the transaction... */
static void old_value_is_lost(void)
{
	AUTO_FREE char *ours = NULL;
	struct machine *m = lose_old_value("50.00 1.00\n", &ours);
	same_int(machine_run(m, NULL, "--json undo --all"), 4,
		"a record is lost, and it was needed");
	ok(!is_told_as_restored(m) && strstr(m->output, "\"key\":\"3091\""),
		"a thread whose record is damaged is not told as restored");
	ok(strstr(m->output, "\"damaged\": 1"), "... and JSON has the damage");
	ok(strstr(machine_read(m, LOST), ours), "... and gets no value that it never had");
	machine_free(m);
}

/* ... for another apply neither: what it has is what it goes back to. */
static void old_value_is_not_made_up(void)
{
	AUTO_FREE char *ours = NULL;
	struct machine *m = lose_old_value("50.00 1.00\n", &ours);
	machine_write(m, "proc/uptime", "60.00 1.00\n");
	same_int(machine_run(m, NULL, "apply --vm db01 --isolation fenced"), 1,
		"applied anew, and the damage told");
	same_int(machine_run(m, NULL, "--json undo --all"), 4, "and undone");
	ok(!is_told_as_restored(m), "it is not told as restored");
	ok(strstr(machine_read(m, LOST), ours), "... and gets no value that it never had");
	machine_free(m);
}

/* One that was born since is in no record, whole or not: its start tells. */
static void newborn_is_known(void)
{
	AUTO_FREE char *ours = NULL;
	struct machine *m = lose_old_value("40.91 1.00\n", &ours);
	same_int(machine_run(m, NULL, "--json undo --all"), 4, "of the same tick as the apply");
	ok(!is_told_as_restored(m), "... it may have a record");
	machine_free(m);
	ours = (free(ours), NULL);
	m = lose_old_value("40.90 1.00\n", &ours);
	same_int(machine_run(m, NULL, "--json undo --all"), 4, "of a later one");
	ok(is_told_as_restored(m) && !strstr(machine_read(m, LOST), ours),
		"... it has none, and is let go");
	machine_free(m);
}

static void end_to_end(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	int n = machine_count(m, apply);
	struct image *ours = image_take(m);
	try_all(m, "ledger", ours);
	AUTO_FREE char *fault = xasprintf("kill-before:%d", n - 2);
	machine_reset(m);
	same_int(machine_run(m, fault, apply), KILLED, "killed near the end");
	struct image *killed = image_take(m);
	try_all(m, "journal", ours);
	image_put(m, killed);
	older_records_count(m);
	image_free(killed);
	image_free(ours);
	machine_free(m);
}

int main(void)
{
	struct machine *m = machine_new(ROOT_6_12);
	AUTO_LEDGER struct ledger *whole = NULL;
	size_t n = 0;
	same_int(machine_run(m, NULL, apply), 0, "applied");
	AUTO_FREE char *text = read_state(m, "ledger", &n);
	same_int(ledger_parse(text, &whole), 0, "the ledger is readable");
	if (whole) {
		cut_everywhere(text, n, whole);
		flip_everywhere(text, n, whole);
	}
	machine_free(m);
	end_to_end();
	old_value_is_lost();
	old_value_is_not_made_up();
	newborn_is_known();
	return tap_done();
}
