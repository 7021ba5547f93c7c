/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tap.h"

#include <ctype.h>

#include "base/alloc.h"
#include "base/str.h"
#include "view/host-picture.h"
#include "model/snapshot.h"
#include "report/report.h"

static const struct text_style utf8_80 = { .has_utf8 = true, .width = 80 };
static const struct text_style ascii_80 = { .width = 80 };

static char *text_of(const struct report *r, struct text_style style)
{
	char *s = NULL;
	size_t n;
	struct err e;
	FILE *f = open_memstream(&s, &n);
	ok(f && report_print_text(r, f, &style, &e) == 0, "text is printed");
	fclose(f);
	return s;
}

static char *json_of(const struct report *r)
{
	char *s = NULL;
	size_t n;
	struct err e;
	FILE *f = open_memstream(&s, &n);
	ok(f && report_print_json(r, f, &e) == 0, "JSON is printed");
	fclose(f);
	return s;
}

static char *svg_of(const struct report *r)
{
	char *s = NULL;
	size_t n;
	struct err e;
	FILE *f = open_memstream(&s, &n);
	ok(f && report_print_svg(r, f, &e) == 0, "SVG is printed");
	fclose(f);
	return s;
}

/* The widest line in characters. */
static int widest_line(const char *s)
{
	int widest = 0, width = 0;
	for (; *s; s++) {
		width = *s == '\n' ? 0 : width + ((*s & 0xc0) != 0x80);
		widest = width > widest ? width : widest;
	}
	return widest;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++) {
		if (*s & 0x80 || (!isprint((unsigned char)*s) && *s != '\n'))
			return false;
	}
	return true;
}

static bool has_reference(const char *s)
{
	static const char *const known[] = { "&lt;", "&gt;", "&amp;", "&quot;", "&#39;" };
	for (size_t i = 0; i < N_ELEMENTS(known); i++) {
		if (str_after(s, known[i]))
			return true;
	}
	return false;
}

/* One tag, p behind its '<': checks the attributes' quotes; returns its end, or NULL. */
static const char *end_of_tag(const char *p)
{
	char quote = 0;
	for (; *p && (quote || *p != '>'); p++) {
		if (*p == '<' || (*p == '&' && !has_reference(p)))
			return NULL;
		if (*p == '"' || *p == '\'')
			quote = !quote ? *p : quote == *p ? 0 : quote;
	}
	return *p ? p : NULL;
}

/* True when the tags nest, attributes are quoted and there is no bare '<' or '&'. */
static bool is_well_formed(const char *p)
{
	const char *open[64];
	size_t depth = 0;
	for (; p && *p; p++) {
		if (*p == '&' && !has_reference(p))
			return false;
		if (*p != '<')
			continue;
		const char *name = ++p;
		if (!(p = end_of_tag(p)))
			return false;
		if (*name == '?' || p[-1] == '/')
			continue;
		if (*name != '/') {
			if (depth == N_ELEMENTS(open))
				return false;
			open[depth++] = name;
			continue;
		}
		size_t n = (size_t)(p - name - 1);
		if (!depth-- || strncmp(name + 1, open[depth], n) ||
			isalnum((unsigned char)open[depth][n]))
			return false;
	}
	return p && !depth;
}

static void same_unit(enum unit unit, double value, const char *want)
{
	AUTO_FREE char *got = unit_format(unit, value);
	same_str(got, want, "%.15g reads %s", value, want);
}

static void test_units(void)
{
	same_unit(UNIT_KIB, 0, "0 KiB");
	same_unit(UNIT_KIB, 512, "512 KiB");
	same_unit(UNIT_KIB, 1536, "1.5 MiB");
	same_unit(UNIT_KIB, 67108864, "64 GiB");
	same_unit(UNIT_KIB, 1023.9, "1 MiB");
	same_unit(UNIT_KIB, 65738056, "62.7 GiB");
	same_unit(UNIT_KIB, 3.0 * 1024 * 1024 * 1024, "3 TiB");
	same_unit(UNIT_KHZ, 400000, "400 MHz");
	same_unit(UNIT_KHZ, 5050000, "5.05 GHz");
	same_unit(UNIT_NS, 999, "999 ns");
	same_unit(UNIT_NS, 1234567, "1.23 ms");
	same_unit(UNIT_NS, 999999, "1 ms");
	same_unit(UNIT_NS, 15000, "15 us");
	same_unit(UNIT_NS, 90e9, "90 s");
	same_unit(UNIT_COUNT, 999, "999");
	same_unit(UNIT_COUNT, 1234567, "1 234 567");
	same_unit(UNIT_FRACTION, 0.0123, "1.23 %");
	same_unit(UNIT_FRACTION, 1, "100 %");
	same_unit(UNIT_FRACTION, 0, "0 %");
	same_unit(UNIT_FRACTION, 0.00001, "<0.01 %");
	same_unit(UNIT_KIB, -2048, "-2 MiB");
	same_unit(UNIT_NONE, 0.25, "0.25");
}

static const struct column thief_columns[] = {
	{ .key = "vm", .head = "VM" },
	{ .key = "lost_ns", .head = "LOST", .unit = UNIT_NS, .is_right = true },
	{ .key = "thief.name", .head = "THIEF", .may_wrap = true },
	{ .key = "events", .head = "EVENTS", .unit = UNIT_COUNT, .is_right = true },
	{ .key = "pinned", .head = "PINNED" },
};

static struct report *thief_report(const char *thief, bool is_json)
{
	struct report *r = report_new("measure", is_json);
	json_t *rows = report_rows(r, "rows");
	report_row(r, rows,
		json_pack("{s:s, s:I, s:{s:s}, s:I, s:b}", "vm", "100", "lost_ns",
			(json_int_t)1234567, "thief", "name", thief, "events",
			(json_int_t)9007199254740993, "pinned", 1));
	report_row(r, rows, json_pack("{s:s, s:n}", "vm", "db01", "lost_ns"));
	json_object_set_new(report_json(r), "window", json_pack("{s:[i, i]}", "s", 1, 2));
	report_heading(r, "Who stole time");
	report_table(r, rows, thief_columns, N_ELEMENTS(thief_columns));
	return r;
}

static void test_tables(void)
{
	AUTO_REPORT struct report *r = thief_report("ksoftirqd", false);
	AUTO_REPORT struct report *unseen = thief_report("ksoftirqd", true);
	AUTO_FREE char *text = text_of(r, utf8_80), *json = json_of(r), *kept = json_of(unseen);
	same_str(text,
		"Who stole time\n"
		"VM       LOST  THIEF                     EVENTS  PINNED\n"
		"100   1.23 ms  ksoftirqd  9 007 199 254 740 993  yes\n"
		"db01        -  -                              -  -\n",
		"a table with units, nested keys and nothing where nothing is known");
	same_str(json,
		"{\n"
		"\"schema\": \"wideberth.measure/1\",\n"
		"\"rows\": [\n"
		"{\"vm\":\"100\",\"lost_ns\":1234567,\"thief\":{\"name\":\"ksoftirqd\"},"
		"\"events\":9007199254740993,\"pinned\":true},\n"
		"{\"vm\":\"db01\",\"lost_ns\":null}\n"
		"],\n"
		"\"window\": {\"s\":[1,2]}\n"
		"}\n",
		"the same values as JSON, a row in a line, in the order they were added");
	same_str(kept, json, "and where nobody sees the text");
	AUTO_REPORT struct report *unit = thief_report("machine-qemu\\x2d1\\x2ddb01.scope", false);
	AUTO_FREE char *cells = text_of(unit, utf8_80);
	ok(strstr(cells, " machine-qemu\\x2d1\\x2ddb01.scope "), "names as systemd writes them");
}

static void test_wrapping(void)
{
	AUTO_REPORT struct report *r = thief_report(
		"a kernel thread with a very long explanation of what it is and of why nobody can "
		"ever move it away, "
		"0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32,34,36,38,40,42,44",
		false);
	AUTO_FREE char *text = text_of(r, utf8_80), *narrow = NULL;
	ok(widest_line(text) <= 80, "a table gives way to the width");
	ok(strstr(text, "why nobody") && strstr(text, ",24,"), "but nothing is lost");
	narrow = text_of(r, (struct text_style){ .has_utf8 = true, .width = 60 });
	ok(widest_line(narrow) <= 60, "however narrow");

	/* heads give way as texts do, and keep their words */
	static const struct column columns[] = {
		{ .key = "a", .head = "WHO", .may_wrap = true },
		{ .key = "b", .head = "WHAT THE KERNEL AND SYSTEMD DO", .may_wrap = true },
		{ .key = "c", .head = "WHY IT IS SO", .may_wrap = true },
	};
	AUTO_REPORT struct report *heads = report_new("status", false);
	json_t *rows = json_pack("[{s:s, s:s, s:s}]", "a", "systemd leaves groups below alone", "b",
		"yes", "c", "it is not to be asked of a tree");
	report_table(heads, rows, columns, N_ELEMENTS(columns));
	json_decref(rows);
	for (int width = 30; width <= 80; width += 10) {
		AUTO_FREE char *table = text_of(heads, (struct text_style){ .width = width });
		ok(widest_line(table) <= width && strstr(table, "KERNEL"), "... at %d", width);
	}

	AUTO_REPORT struct report *prose = report_new("check", false);
	report_text(prose, "%s", "one two three four five six");
	report_more(prose, "  %s", "seven eight nine ten");
	report_note(prose, "%s", "first second third");
	report_note(prose, "%s", "fourth");
	AUTO_FREE char *wrapped = text_of(prose, (struct text_style){ .width = 14 });
	same_str(wrapped,
		"one two three\nfour five six\n  seven eight\n  nine ten\n\n"
		"note: first\n      second\n      third\nnote: fourth\n",
		"paragraphs wrap at blanks and keep their indent");
}

static void test_terminal_safety(void)
{
	AUTO_REPORT struct report *r = thief_report("\033]0;owned\007 µ→é", false);
	report_heading(r, "%s", "Bold");
	report_text(r, "%s", "\033[31m naïve – “quotes” … \xff");
	AUTO_FREE char *text = text_of(r, ascii_80), *utf8 = NULL;
	ok(is_ascii(text), "without UTF-8 there is nothing but ASCII");
	ok(strstr(text, "?[31m na?ve - \"quotes\" ..."), "known signs become their ASCII likeness");
	utf8 = text_of(r, utf8_80);
	ok(!strchr(utf8, '\033') && !strchr(utf8, '\007'), "no escape sequence gets through");
	ok(strstr(utf8, "naïve"), "UTF-8 is kept where the terminal has it");
	AUTO_FREE char *colour = text_of(r, (struct text_style){ .has_colour = true, .width = 80 });
	ok(strstr(colour, "\033[1mBold\n\033[0m"), "headings are bold in colour");
}

static void test_style(void)
{
	AUTO_FILE FILE *f = fopen("/dev/null", "w");
	setenv("COLUMNS", "123", 1);
	setenv("LC_ALL", "C", 1);
	struct text_style style = text_style_of(f, false);
	ok(!style.has_colour && !style.has_utf8, "no terminal, no colour; C locale, no UTF-8");
	same_int(style.width, 123, "COLUMNS counts where there is no terminal");
	setenv("COLUMNS", "wide", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	style = text_style_of(f, false);
	ok(style.has_utf8 && style.width == 80, "a UTF-8 locale; 80 columns if nothing is known");
}

/* Any bytes, any width: every line ends, and nothing but the layout changes. */
static void test_any_text(void)
{
	uint32_t seed = 1;
	bool is_fine = true;
	for (int round = 0; round < 2000; round++) {
		char bytes[64];
		size_t n = 0;
		for (; n < sizeof bytes - 1 && (seed >> 8) % 40; n++) {
			seed = seed * 1664525 + 1013904223;
			bytes[n] = (char)("ab ,\n\303\251\360\237\230\200"[(seed >> 16) % 11]);
			bytes[n] = bytes[n] ? bytes[n] : 'x';
		}
		seed += 12345;
		bytes[n] = 0;
		AUTO_REPORT struct report *r = report_new("x", false);
		report_note(r, "%s", bytes);
		struct err e;
		AUTO_FREE char *s = NULL;
		FILE *f = open_memstream(&s, &n);
		struct text_style style = { .has_utf8 = round % 2, .width = round % 30 };
		is_fine &= !report_print_text(r, f, &style, &e);
		fclose(f);
		is_fine &= n && s[n - 1] == '\n' && (style.has_utf8 || is_ascii(s));
	}
	ok(is_fine, "any text can be wrapped");
}

/* A synthetic host: sockets × L3 domains × cores × threads, one node per socket. */
struct shape {
	int sockets, l3s, cores, threads;
	bool is_interleaved; /* CPU numbers go round the sockets, siblings are neighbours */
	int n_offline;
};

static int cpu_number(const struct shape *h, int socket, int core, int thread)
{
	int per_socket = (h->l3s ? h->l3s : 1) * h->cores;
	if (h->is_interleaved)
		return (core * h->sockets + socket) * h->threads + thread;
	return thread * h->sockets * per_socket + socket * per_socket + core;
}

static int by_number(const void *a, const void *b)
{
	return ((const struct cpu *)a)->cpu - ((const struct cpu *)b)->cpu;
}

static void fake_host(struct snapshot *s, const struct shape *h)
{
	int l3s = h->l3s ? h->l3s : 1, per_socket = l3s * h->cores;
	size_t n = (size_t)h->sockets * per_socket * h->threads;
	*s = (struct snapshot){
		.n_sockets = h->sockets, .n_nodes = h->sockets, .n_l3s = h->sockets * h->l3s
	};
	s->cpus = arena_alloc(&s->arena, (n + h->n_offline) * sizeof *s->cpus);
	s->nodes = arena_alloc(&s->arena, s->n_nodes * sizeof *s->nodes);
	s->l3s = arena_alloc(&s->arena, (s->n_l3s + 1) * sizeof *s->l3s);
	for (int socket = 0; socket < h->sockets; socket++) {
		s->nodes[socket] = (struct node){ .node = socket,
			.has_memory = true,
			.mem_total_kib = 65738056,
			.mem_free_kib = 42949672 };
		for (int i = 0; i < per_socket * h->threads; i++) {
			int core = i / h->threads,
			    cpu = cpu_number(h, socket, core, i % h->threads);
			int l3 = h->l3s ? socket * l3s + core / h->cores : -1;
			s->cpus[s->n_cpus++] = (struct cpu){ .cpu = cpu,
				.socket = socket,
				.node = socket,
				.l3 = l3,
				.core = socket * per_socket + core,
				.is_online = true };
			cpuset_add(&s->nodes[socket].cpus, cpu);
		}
	}
	for (size_t i = 0; i < s->n_l3s; i++)
		s->l3s[i].size_kib = 32768;
	for (int i = 0; i < h->n_offline; i++)
		s->cpus[s->n_cpus++] = (struct cpu){
			.cpu = (int)n + i, .socket = -1, .node = -1, .l3 = -1, .core = -1
		};
	qsort(s->cpus, s->n_cpus, sizeof *s->cpus, by_number);
}

/* A report with the picture of such a host with two VMs of four vCPUs. */
static struct report *host_report(const struct shape *shape, bool has_vms, bool has_heat)
{
	struct snapshot s;
	fake_host(&s, shape);
	struct cpuset housekeeping = CPUSET_EMPTY;
	struct vcpu_mark marks[2][4];
	struct host_picture_owner vms[2] = { { .vm = "100 <win&11>" }, { .vm = "db01" } };
	double heat[CPUSET_MAX];
	for (int i = 0; i < CPUSET_MAX; i++)
		heat[i] = i % 8 / 7.0;
	for (size_t i = 0; i < s.n_cpus; i++) {
		const struct cpu *c = &s.cpus[i];
		size_t vm = c->core >= 2 && c->core < 6 ? 0 : c->core >= 6 && c->core < 10 ? 1 : 2;
		if (c->core >= 0 && c->core < 2)
			cpuset_add(&housekeeping, c->cpu);
		if (vm == 2)
			continue;
		int vcpu = (int)vms[vm].n_marks;
		if (vcpu < 4) {
			marks[vm][vcpu] = (struct vcpu_mark){ vcpu, c->cpu };
			vms[vm].n_marks++;
		}
		cpuset_add(&vms[vm].claim_cpus, c->cpu);
	}
	vms[0].marks = marks[0];
	vms[1].marks = marks[1];
	struct host_picture h = { .title = "node-7 — a <big> & \"quoted\" host",
		.owners = vms,
		.n_owners = has_vms ? 2 : 0,
		.housekeeping = has_vms ? &housekeeping : NULL,
		.heat = heat,
		.n_heat = has_heat ? CPUSET_MAX : 0,
		.heat_label = "time lost" };
	struct report *r = report_new("show", false);
	report_picture(r, host_picture(&s, &h));
	arena_done(&s.arena);
	return r;
}

/* Whether the text has the CPU's number as a word, its owner's symbol behind it. */
static bool shows_cpu(const char *text, int cpu)
{
	char number[16];
	size_t n = (size_t)snprintf(number, sizeof number, "%d", cpu);
	for (const char *p = text; (p = strstr(p, number)); p++) {
		bool starts = p == text || strchr(" |", p[-1]) || (p[-1] & 0x80);
		if (starts && (strchr(".hABx", p[n]) || (p[n] == ' ' && strchr(".hABx", p[n + 1]))))
			return true;
	}
	return false;
}

static void test_host(const char *name, struct shape shape, bool has_vms, bool has_heat)
{
	AUTO_REPORT struct report *r = host_report(&shape, has_vms, has_heat);
	AUTO_REPORT struct report *again = host_report(&shape, has_vms, has_heat);
	AUTO_FREE char *ascii = text_of(r, ascii_80), *utf8 = NULL, *svg = NULL, *svg2 = NULL;
	utf8 = text_of(r, utf8_80);
	svg = svg_of(r);
	svg2 = svg_of(again);
	ok(is_ascii(ascii), "%s: ASCII has no other bytes", name);
	ok(widest_line(ascii) <= 80 && widest_line(utf8) <= 80, "%s: fits in 80 columns", name);
	ok(is_well_formed(svg), "%s: SVG is well-formed", name);
	same_str(svg2, svg, "%s: twice the same SVG", name);
	AUTO_FREE char *ascii2 = text_of(again, ascii_80);
	same_str(ascii2, ascii, "%s: twice the same text", name);
	ok(strstr(svg, "a &lt;big&gt; &amp; &quot;quoted&quot; host"), "%s: escaped", name);
	int n = shape.sockets * (shape.l3s ? shape.l3s : 1) * shape.cores * shape.threads;
	int n_shown = 0, n_titled = 0;
	for (int cpu = 0; cpu < n + shape.n_offline; cpu++) {
		char title[40];
		snprintf(title, sizeof title, "<title>CPU %d: ", cpu);
		n_titled += strstr(svg, title) != NULL;
		n_shown += shows_cpu(ascii, cpu) && shows_cpu(utf8, cpu);
	}
	same_int(n_shown, n + shape.n_offline, "%s: every CPU is in the text", name);
	same_int(n_titled, n + shape.n_offline, "%s: every CPU is in the SVG", name);
}

static void test_pictures(void)
{
	test_host("one socket, two L3, SMT", (struct shape){ 1, 2, 6, 2 }, true, true);
	test_host("two sockets, interleaved", (struct shape){ 2, 1, 8, 2, true }, true, false);
	test_host("no L3, offline", (struct shape){ 1, 0, 4, 1, .n_offline = 2 }, false, false);
	test_host("256 CPUs", (struct shape){ 2, 8, 8, 2 }, true, false);
	test_host("256 CPUs, heat", (struct shape){ 2, 8, 8, 2, true }, true, true);
	test_host("128 cores in one L3", (struct shape){ 1, 1, 128, 1 }, true, false);

	AUTO_REPORT struct report *r = host_report(&(struct shape){ 1, 1, 4, 2 }, false, false);
	AUTO_FREE char *text = text_of(r, ascii_80);
	same_str(text,
		"node-7 - a <big> & \"quoted\" host\n"
		"+ socket 0 - node 0 - L3 32 MiB  62.7 GiB, 41 free +\n"
		"|  0.|4.  1.|5.  2.|6.  3.|7.                      |\n"
		"+--------------------------------------------------+\n"
		" .  no VM  8 CPUs  0-7\n"
		" CPUs joined by a bar are SMT siblings: one core\n",
		"levels with one member share a title");

	AUTO_REPORT struct report *empty = report_new("show", false);
	report_picture(empty, picture_new(""));
	AUTO_FREE char *svg = svg_of(empty);
	ok(is_well_formed(svg), "an empty picture");
	ok(!is_well_formed("<a><b></a></b>") && !is_well_formed("<a>&</a>") &&
			!is_well_formed("<a b=\"<\"/>") && !is_well_formed("<a>"),
		"the check for well-formedness can fail");
}

static char *bare_picture(const struct snapshot *s, const struct host_picture *h)
{
	AUTO_REPORT struct report *r = report_new("show", false);
	report_picture(r, host_picture(s, h));
	return text_of(r, ascii_80);
}

static void test_odd_hosts(void)
{
	struct host_picture h = { .title = "odd" };
	struct snapshot s;
	fake_host(&s, &(struct shape){ 1, 1, 8, 1 });
	struct node nodes[3] = { s.nodes[0], s.nodes[0], s.nodes[0] };
	nodes[0].node = 0;
	nodes[1].node = 1;
	nodes[2] = (struct node){
		.node = 8, .has_memory = true, .tier = -1, .mem_total_kib = 1048576
	};
	s.nodes = nodes;
	s.n_nodes = 3;
	for (int i = 4; i < 8; i++)
		s.cpus[i].node = 1;
	AUTO_FREE char *clusters = bare_picture(&s, &h), *kinds = NULL, *shared = NULL;
	same_str(clusters,
		"odd\n"
		"+ socket 0 - L3 32 MiB ---------------------------------------+\n"
		"| + node 0  62.7 GiB, 41 free + + node 1  62.7 GiB, 41 free + |\n"
		"| |  0.  1.  2.  3.           | |  4.  5.  6.  7.           | |\n"
		"| +---------------------------+ +---------------------------+ |\n"
		"+-------------------------------------------------------------+\n"
		"+ node 8 ------------------------ 1 GiB, 0 KiB free - no CPUs +\n"
		"+-------------------------------------------------------------+\n"
		" .  no VM  8 CPUs  0-7\n",
		"an L3 around two nodes; a node of memory only");

	s.n_nodes = 1;
	for (int i = 0; i < 8; i++) {
		s.cpus[i].node = 0;
		s.cpus[i].kind = i < 4 ? CPU_PERFORMANCE : CPU_EFFICIENCY;
	}
	kinds = bare_picture(&s, &h);
	ok(strstr(kinds, " performance cores ") && strstr(kinds, " efficiency cores "),
		"kinds of cores have boxes of their own");

	struct vcpu_mark marks[] = { { 0, 1 }, { 1, 2 }, { 2, 2 }, { 3, 9999 } };
	struct host_picture_owner vms[] = {
		{ .vm = "a", .claim_cpus = cpuset_of(1), .marks = marks, .n_marks = 4 },
		{ .vm = "b", .claim_cpus = cpuset_of(1) },
	};
	s.cpus[3].is_isolated = true;
	h.owners = vms;
	h.n_owners = 2;
	shared = bare_picture(&s, &h);
	ok(strstr(shared, " 0 .    1 +    2 Av+  3 i "), "shared by VMs, by vCPUs, isolated");
	ok(strstr(shared, " several VMs: a, b "), "and who shares");
	h.owners = (struct host_picture_owner[]){ { .vm = "a name that nobody would ever give to "
							  "a virtual machine but who knows",
		.claim_cpus = cpuset_of(2) } };
	h.n_owners = 1;
	AUTO_FREE char *wordy = bare_picture(&s, &h);
	ok(widest_line(wordy) <= 80 && strstr(wordy, "who knows  1 CPU\n    2\n"),
		"long names wrap");
	arena_done(&s.arena);
}

/* VMs on housekeeping's CPUs: all CPUs of both, and nobody told as alone where others are. */
static void test_guests(void)
{
	struct snapshot s;
	fake_host(&s, &(struct shape){ 1, 1, 8, 1 });
	struct cpuset housekeeping = CPUSET_EMPTY, low = CPUSET_EMPTY;
	struct cpuset pair = cpuset_of(6);
	for (int cpu = 0; cpu < 5; cpu++)
		cpuset_add(&housekeeping, cpu);
	for (int cpu = 2; cpu < 6; cpu++)
		cpuset_add(&low, cpu);
	struct host_picture_owner vms[] = {
		{ .vm = "a", .claim_cpus = low, .is_guest = true },
		{ .vm = "b", .claim_cpus = pair },
	};
	struct host_picture h = {
		.title = "odd", .owners = vms, .n_owners = 2, .housekeeping = &housekeeping
	};
	AUTO_FREE char *got = bare_picture(&s, &h);
	ok(strstr(got,
		   " A  a                               1 CPU   5\n"
		   " B  b                               1 CPU   6\n"
		   " h  housekeeping                    2 CPUs  0-1\n"
		   " *  housekeeping, and VMs on it: a  3 CPUs  2-4\n"
		   " .  free                            1 CPU   7\n"),
		"guests of housekeeping: %s", got);
	s.cpus[7].is_isolated = true;
	h.n_owners = 0;
	AUTO_FREE char *bare = bare_picture(&s, &h);
	ok(strstr(bare, " i  isolated      1 CPU   7\n"), "no word of VMs that nobody looked for");
	arena_done(&s.arena);
}

static void test_json_of_text(void)
{
	AUTO_REPORT struct report *r = report_new("show", false);
	json_object_set_new(report_json(r), "name", json_string("<&\"> é"));
	json_object_set_new(report_json(r), "share", json_real(0.1));
	AUTO_FREE char *json = json_of(r);
	same_str(json,
		"{\n\"schema\": \"wideberth.show/1\",\n\"name\": \"<&\\\"> é\",\n"
		"\"share\": 0.1\n}\n",
		"JSON escapes what it must and keeps short numbers short");
	struct err e;
	AUTO_FILE FILE *full = fopen("/dev/full", "w");
	ok(full && report_print_json(r, full, &e) == -28, "a full disk is an error: %s", e.text);
}

int main(void)
{
	test_units();
	test_tables();
	test_wrapping();
	test_terminal_safety();
	test_style();
	test_any_text();
	test_pictures();
	test_odd_hosts();
	test_guests();
	test_json_of_text();
	return tap_done();
}
