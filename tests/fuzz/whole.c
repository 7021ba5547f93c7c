/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole inputs, changed with structure (mutate.h): a recording or a tree, and a policy, through
 * everything from the snapshot to the changes that apply would make, and the reports of it; trees
 * through apply and undo, too.
 *
 *	whole SECONDS [SEED]	new inputs for so long; the last line says runs, seconds, findings
 *	whole --replay DIR...	inputs that were found: DIR/recording or DIR/tree, DIR/policy
 *
 * The recordings that are changed are made at the start, of made-up hosts (tests/machine), so that
 * they have what the commands ask today. For builds with sanitizers: a finding is what ends a
 * child, a hang, JSON that is none, and text that a terminal should not get. Each is kept in
 * $WIDEBERTH_FINDINGS (./findings).
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../machine/files.h"
#include "../machine/host.h"
#include "../machine/root.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "mutate.h"
#include "trees.h"
#include "vm/redact.h"

enum { BATCH = 200, CPU_LIMIT_S = 30, N_RUNS = 6 };

static char *work; /* a directory of ours */

__attribute__((noreturn)) static void give_up(const char *what)
{
	perror(what);
	exit(99);
}

static struct progress { /* shared with children */
	uint64_t seed;
	uint64_t n_runs[N_INPUT_KINDS];
	uint64_t n_codes[N_RUNS][4]; /* how the commands ended */
	uint64_t n_apply_codes[5], n_undo_codes[5];
} * progress;

/* ---- one input through the program ---- */

/* What ends the child, and is a finding. */
__attribute__((noreturn)) static void found(const char *what, const char *text)
{
	fprintf(stderr, "FINDING: %s\n%.2000s\n", what, text);
	abort();
}

static void check_text(const char *command, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\n') || text[i] == 0x7f)
			found(command, text + (i > 100 ? i - 100 : 0));
}

static void check_json(const char *command, const char *text, size_t n)
{
	json_error_t why;
	json_t *root = json_loadb(text, n, 0, &why);
	if (!root)
		found(command, why.text);
	json_decref(root);
}

enum form { FORM_TEXT, FORM_JSON, FORM_SVG, N_FORMS };

static void print(const struct command *command, struct report *report, enum form form)
{
	static const struct text_style style = { .width = 80, .has_utf8 = true };
	char *text = NULL;
	size_t n = 0;
	struct err e = { 0 };
	FILE *f = open_memstream(&text, &n);
	if (!f)
		give_up("open_memstream");
	if (form == FORM_TEXT)
		(void)!report_print_text(report, f, &style, &e);
	else if (form == FORM_JSON)
		(void)!report_print_json(report, f, &e);
	else
		(void)!report_print_svg(report, f, &e);
	fclose(f);
	if (form == FORM_JSON)
		check_json(command->name, text, n);
	else
		check_text(command->name, text, n);
	free(text);
}

/* root: of the host; options: in pairs, NULL-terminated. */
static int run_command(const struct command *command, const char *root, const char *record,
	const char *const *options)
{
	AUTO_HOST struct host *h = NULL;
	AUTO_REPORT struct report *report = report_new(command->name, false);
	struct args args = { 0 };
	struct err e = { 0 };
	for (; options && options[0]; options += 2)
		*array_push(&args.options) = (struct option_value){ options[0], options[1] };
	struct context c = { .command = command->name, .report = report, .args = &args };
	int r = host_open(&h, root, &e);
	if (r == 0 && record)
		r = host_record_to(h, record, &redact_secrets, &e);
	c.h = h;
	int code = r < 0 ? EXIT_UNCHANGED : command->run(&c, &e);
	if (code < EXIT_OK || code > (command->flags & CMD_CHANGES ? EXIT_RESIDUE : EXIT_UNCHANGED))
		found(command->name, "an exit code that only changes have");
	if (code == EXIT_UNCHANGED && !e.code)
		found(command->name, "a failure without a word");
	for (int form = 0; r == 0 && !e.code && form < N_FORMS; form++)
		print(command, report, (enum form)form);
	if (record && host_finish(h, &e) < 0)
		give_up(e.text);
	free(args.options.v);
	return code;
}

struct run {
	const struct command *command;
	const char *options[9];
};

/* --policy DIR/policy stands where "" does. */
static const struct run runs[N_RUNS] = {
	{ &cmd_show, { "irqs", "", "cgroups", "", "settings", "" } },
	{ &cmd_vms, { "memory", "" } },
	{ &cmd_plan, { "policy", "" } },
	{ &cmd_plan, { "vm", "db01" } },
	{ &cmd_status, { NULL } },
	{ &cmd_check, { "policy", "" } },
};

static void run_all(const char *dir, const char *root, const char *record)
{
	AUTO_FREE char *policy = xasprintf("%s/policy", dir);
	for (size_t i = 0; i < N_ELEMENTS(runs); i++) {
		const char *options[9];
		AUTO_FREE char *to = record ? xasprintf("%s/%zu", record, i) : NULL;
		memcpy(options, runs[i].options, sizeof options);
		if (options[0] && streq(options[0], "policy"))
			options[1] = policy;
		int code = run_command(runs[i].command, root, to, options);
		progress->n_codes[i][code]++;
	}
}

/* A tree can be changed, too; not one with links, should they lead out of it. */
static void change_tree(const char *dir, const char *tree)
{
	AUTO_FREE char *policy = xasprintf("%s/policy", dir);
	const char *const apply[] = { "policy", policy, NULL, NULL };
	const char *const undo[] = { "all", "", NULL, NULL };
	progress->n_apply_codes[run_command(&cmd_apply, tree, NULL, apply)]++;
	progress->n_undo_codes[run_command(&cmd_undo, tree, NULL, undo)]++;
}

static void run_input(const char *dir)
{
	AUTO_FREE char *recording = xasprintf("%s/recording", dir);
	AUTO_FREE char *tree = xasprintf("%s/tree", dir), *links = xasprintf("%s/links", dir);
	bool is_tree = access(tree, F_OK) == 0;
	run_all(dir, is_tree ? tree : recording, NULL);
	if (is_tree && access(links, F_OK) < 0)
		change_tree(dir, tree);
}

static char *read_all(const char *path)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	if (strbuf_add_file(&b, path) < 0)
		give_up(path);
	return TAKE(b.s);
}

/* ---- what is changed ---- */

static ARRAY(struct input) seeds;
static ARRAY(struct tree {
	char *root;
	struct input files;
}) trees;

static void add_tree(const char *root)
{
	struct tree *t = array_push(&trees);
	t->root = xstrdup(root);
	tree_files(root, &t->files);
}

static bool is_known(const struct input *in, const char *question)
{
	array_for_each (a, &in->answers)
		if (streq(a->question, question))
			return true;
	return false;
}

/* One recording of all that the commands ask of the host. */
static void add_seed(const char *root)
{
	AUTO_FREE char *record = xasprintf("%s/record", work);
	struct input all = { .policy = xstrdup("[vm *]\n") };
	mkdir(record, 0700);
	run_all(work, root, record);
	for (size_t i = 0; i < N_ELEMENTS(runs); i++) {
		AUTO_FREE char *path = xasprintf("%s/%zu/recording", record, i);
		AUTO_FREE char *text = read_all(path);
		struct input one;
		input_parse(&one, text, "");
		array_for_each (a, &one.answers)
			if (!is_known(&all, a->question))
				*array_push(&all.answers) =
					(struct answer){ xstrdup(a->question), xstrdup(a->text) };
		input_done(&one);
	}
	*array_push(&seeds) = all;
}

static void apply(const char *root, const char *vm)
{
	const char *const options[] = { "vm", vm, NULL, NULL };
	if (run_command(&cmd_apply, root, NULL, options) != EXIT_OK)
		give_up("apply");
}

static void make_seeds(void)
{
	files_put(work, "[vm *]\n", "policy");
	for (int kind = 0; kind < N_ROOTS; kind++) {
		AUTO_FREE char *root = xasprintf("%s/root%d", work, kind);
		mkdir(root, 0700);
		make_root(root, (enum root_kind)kind);
		add_seed(root);
		apply(root, "db01");
		add_seed(root);
		add_tree(root);
	}
	static const struct shape shape = { .sockets = 2,
		.nodes = 2,
		.l3s = 1,
		.cores = 4,
		.threads = 2,
		.small = 4,
		.l3_kib = 32768,
		.mem_mib = 4096,
		.memory_nodes = 1,
		.no_memory = 1 };
	AUTO_FREE char *root = xasprintf("%s/host", work);
	struct shape_layout l;
	mkdir(root, 0700);
	shape_lay_out(&l, &shape);
	shape_put(&l, root);
	host_put(&l, root);
	settings_put(root, (int)l.cpus.n);
	if (!host_put_vm(&l, root, "100:db01:4:2:0-15") ||
		!host_put_vm(&l, root, "101:noisy:4:1:4-7"))
		give_up("the VMs");
	shape_done(&l);
	add_seed(root);
	add_tree(root);
}

/* ---- children, and how they end ---- */

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum input_kind kind_of(uint64_t seed)
{
	return (enum input_kind)(seed % N_INPUT_KINDS);
}

static void put_input(const char *dir, const struct input *in)
{
	AUTO_FREE char *recording = input_format(in);
	mkdir(dir, 0700);
	files_put(dir, recording, "recording");
	files_put(dir, in->policy, "policy");
}

static const struct tree *tree_of(uint64_t seed)
{
	return &trees.v[seed / N_INPUT_KINDS % trees.n];
}

static void make_input(uint64_t seed, struct input *ret)
{
	bool is_tree = kind_of(seed) == INPUT_TREE;
	*ret = input_copy(
		is_tree ? &tree_of(seed)->files : &seeds.v[seed / N_INPUT_KINDS % seeds.n]);
	input_mutate(ret, kind_of(seed), seed);
}

/* DIR/recording and DIR/policy, and of a tree DIR/tree, and DIR/links where it has some. */
static void put_seed(const char *dir, uint64_t seed)
{
	AUTO_FREE char *tree = xasprintf("%s/tree", dir), *links = xasprintf("%s/links", dir);
	AUTO_FREE char *clean = xasprintf("rm -rf '%s' '%s'", tree, links);
	bool has_links = seed / N_INPUT_KINDS % 3 == 0;
	struct input in;
	make_input(seed, &in);
	put_input(dir, &in);
	if (access(tree, F_OK) == 0 && system(clean) != 0)
		give_up(tree);
	if (kind_of(seed) == INPUT_TREE) {
		tree_make(tree, tree_of(seed)->root, &tree_of(seed)->files, &in, has_links);
		if (has_links)
			files_put(dir, "", "links");
	}
	input_done(&in);
}

/*
 * SIGPROF ends who uses more. Of CPU time, not of the clock's: who is stopped or does not get a CPU
 * does not hang. 0: no limit.
 */
static void limit_cpu_time(int s)
{
	const struct itimerval limit = { .it_value.tv_sec = s };
	if (setitimer(ITIMER_PROF, &limit, NULL) < 0)
		give_up("setitimer");
}

__attribute__((noreturn)) static void be_child(uint64_t from, double end_s, const char *log)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
		give_up(log);
	for (uint64_t seed = from; seed < from + BATCH && now_s() < end_s; seed++) {
		progress->seed = seed;
		put_seed(work, seed);
		limit_cpu_time(CPU_LIMIT_S);
		run_input(work);
		limit_cpu_time(0);
		progress->n_runs[kind_of(seed)]++;
	}
	_exit(0);
}

static void keep_finding(uint64_t seed, const char *log, int status)
{
	const char *to = getenv("WIDEBERTH_FINDINGS");
	AUTO_FREE char *dir = xasprintf("%s/%llu", to ? to : "findings", (unsigned long long)seed);
	AUTO_FREE char *text = read_all(log);
	mkdir(to ? to : "findings", 0700);
	put_seed(dir, seed);
	files_put(dir, text, "log");
	printf("finding: seed %llu (%s), %s: %s\n", (unsigned long long)seed,
		input_kind_names[kind_of(seed)],
		WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "a sanitizer ended it", dir);
	fflush(stdout);
}

/* A batch in a child; returns the number of findings, and where to go on. */
static int run_batch(double end_s, uint64_t *seed)
{
	AUTO_FREE char *log = xasprintf("%s/log", work);
	int status = 0;
	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		give_up("fork");
	if (pid == 0)
		be_child(*seed, end_s, log);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			give_up("waitpid");
	bool is_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (!is_good)
		keep_finding(progress->seed, log, status);
	*seed = is_good ? *seed + BATCH : progress->seed + 1;
	return !is_good;
}

static int soak(double seconds, uint64_t seed)
{
	struct progress *p =
		mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		give_up("mmap");
	double began = now_s(), end = began + seconds;
	int n_findings = 0;
	while (now_s() < end && n_findings < 50)
		n_findings += run_batch(end, &seed);
	uint64_t n = 0;
	for (int i = 0; i < N_INPUT_KINDS; i++) {
		printf("%-13s %llu\n", input_kind_names[i],
			(unsigned long long)progress->n_runs[i]);
		n += progress->n_runs[i];
	}
	for (int i = 0; i < N_RUNS; i++) {
		const uint64_t *codes = progress->n_codes[i];
		printf("%-6s ended %llu times with 0, %llu with 1, %llu with 2, %llu with 3\n",
			runs[i].command->name, (unsigned long long)codes[0],
			(unsigned long long)codes[1], (unsigned long long)codes[2],
			(unsigned long long)codes[3]);
	}
	for (int code = 0; code < 5; code++)
		printf("trees: with %d ended apply %llu times, undo %llu\n", code,
			(unsigned long long)progress->n_apply_codes[code],
			(unsigned long long)progress->n_undo_codes[code]);
	printf("%llu runs, %.0f s, %d findings\n", (unsigned long long)n, now_s() - began,
		n_findings);
	return n_findings || !n;
}

int main(int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	progress = mmap(
		NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (progress == MAP_FAILED)
		give_up("mmap");
	unsetenv("WIDEBERTH_STATE_DIR");
	work = xasprintf("%s/wideberth-whole-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(work))
		give_up(work);
	int code = 0, seconds = 0;
	uint64_t seed = 1;
	if (argc > 2 && streq(argv[1], "--replay")) {
		for (int i = 2; i < argc; i++)
			run_input(argv[i]);
		printf("%d inputs\n", argc - 2);
	} else if (argc < 2 || argc > 3 || str_to_int(argv[1], &seconds) < 0 ||
		(argc == 3 && str_to_u64(argv[2], &seed) < 0)) {
		fprintf(stderr, "usage: whole SECONDS [SEED] | whole --replay DIR...\n");
		code = 2;
	} else {
		make_seeds();
		code = soak(seconds, seed);
		array_for_each (in, &seeds)
			input_done(in);
		free(seeds.v);
		array_for_each (t, &trees) {
			free(t->root);
			input_done(&t->files);
		}
		free(trees.v);
	}
	AUTO_FREE char *clean = xasprintf("rm -rf '%s'", work);
	if (system(clean) != 0)
		give_up(work);
	free(work);
	return code;
}
