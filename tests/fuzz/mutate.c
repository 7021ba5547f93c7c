/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mutate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

const char *const input_kind_names[N_INPUT_KINDS] = { "recording", "command line", "QMP", "libvirt",
	"ledger", "policy", "tree" };

/* ---- random choices (xorshift64*) ---- */

static uint64_t state;

static uint64_t next_random(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * UINT64_C(2685821657736338717);
}

static size_t below(size_t n)
{
	return n ? (size_t)(next_random() >> 11) % n : 0;
}

static bool one_in(size_t n)
{
	return below(n) == 0;
}

#define pick(list) (list)[below(N_ELEMENTS(list))]

/* ---- inputs ---- */

static bool is_answer_line(const char *line)
{
	return *line == '\t' || *line == '!' || *line == '~';
}

void input_parse(struct input *ret, const char *recording, const char *policy)
{
	AUTO_FREE char *copy = xstrdup(recording);
	char *next = copy, *line = str_next_line(&next); /* the first says that it is one */
	*ret = (struct input){ .policy = xstrdup(policy) };
	while ((line = str_next_line(&next))) {
		if (!is_answer_line(line)) {
			*array_push(&ret->answers) = (struct answer){ xstrdup(line), xstrdup("") };
			continue;
		}
		if (!ret->answers.n)
			continue;
		struct answer *a = &ret->answers.v[ret->answers.n - 1];
		char *more = *a->text ? xasprintf("%s\n%s", a->text, line) : xstrdup(line);
		free(a->text);
		a->text = more;
	}
}

struct input input_copy(const struct input *in)
{
	struct input copy = { .policy = xstrdup(in->policy) };
	array_for_each (a, &in->answers)
		*array_push(&copy.answers) =
			(struct answer){ xstrdup(a->question), xstrdup(a->text) };
	return copy;
}

void input_done(struct input *in)
{
	array_for_each (a, &in->answers) {
		free(a->question);
		free(a->text);
	}
	free(in->answers.v);
	free(in->policy);
	*in = (struct input){ 0 };
}

char *input_format(const struct input *in)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "wideberth recording 1\n");
	array_for_each (a, &in->answers) {
		strbuf_printf(&b, "%s\n", a->question);
		if (*a->text)
			strbuf_printf(&b, "%s\n", a->text);
	}
	return TAKE(b.s);
}

/* ---- changes of a text ---- */

static void replace(char **text, char *with)
{
	free(*text);
	*text = with;
}

/* The text with n characters at 'at' replaced. */
static void splice(char **text, size_t at, size_t n, const char *with)
{
	replace(text, xasprintf("%.*s%s%s", (int)at, *text, with, *text + at + n));
}

static void change_number(char **text)
{
	static const char *const numbers[] = { "0", "1", "-1", "2", "63", "64", "255", "1023",
		"8191", "8192", "32768", "65536", "2147483647", "2147483648", "4294967295",
		"4294967296", "9223372036854775807", "18446744073709551615", "18446744073709551616",
		"1e9", "00", "999999999999999999999999", "0x7f", "" };
	size_t n = strlen(*text), at = below(n + 1), found = n;
	for (size_t i = 0; i < n && found == n; i++)
		if (isdigit((unsigned char)(*text)[(at + i) % n]))
			found = (at + i) % n;
	if (found == n)
		return;
	while (found && isdigit((unsigned char)(*text)[found - 1]))
		found--;
	size_t length = strspn(*text + found, "0123456789");
	char near[24];
	snprintf(near, sizeof near, "%llu",
		strtoull(*text + found, NULL, 10) + (one_in(2) ? 1ULL : -1ULL));
	splice(text, found, length, one_in(3) ? near : pick(numbers));
}

/* Never the tab that begins a line. */
static size_t place_in(const char *text)
{
	size_t at = below(strlen(text) + 1);
	return at < strlen(text) && (text[at] == '\t' || text[at] == '\n') ? at + 1 : at;
}

static void change_bytes(char **text)
{
	static const char *const words[] = { "\\x00", "\\xff", "\\xe9", "\\x1b[31m", "\\x0a",
		"\\\\", " ", "  ", ",", "-", "/", ":", "=", "\"", "(", ")", "0", "{", "]", "é",
		"\xe2\x80\xae", "%s", "../", "cpu", "node", "\\x7f",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
	size_t at = place_in(*text), left = strlen(*text + at);
	splice(text, at, one_in(2) && left ? 1 + below(left < 8 ? left : 8) : 0,
		one_in(4) ? "" : pick(words));
}

static void change_list(char **text)
{
	static const char *const lists[] = { "", "0", "0-3", "0-8191", "3-0", "0,0,0", "0-23",
		"1-22,24-8191", "8192", "0-", ",", "-1", "0-4294967295", "7", "ffffffff,ffffffff",
		"ff", "all" };
	size_t at = place_in(*text);
	splice(text, at, strspn(*text + at, "0123456789,-"), pick(lists));
}

static char *line_at(char *text, size_t n)
{
	for (; n && (text = strchr(text, '\n')); n--)
		text++;
	return text;
}

static size_t count_lines(const char *text)
{
	size_t n = *text ? 1 : 0;
	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

/* Doubles, drops or cuts a line, or repeats one very often. */
static void change_lines(char **text)
{
	size_t n = count_lines(*text);
	char *line = n ? line_at(*text, below(n)) : NULL;
	if (!line)
		return;
	size_t at = (size_t)(line - *text), length = strcspn(line, "\n");
	AUTO_FREE char *whole = xasprintf("%.*s\n", (int)length, line);
	AUTO_STRBUF struct strbuf many = { 0 };
	size_t times = one_in(20) ? 1000 : 1;
	switch (below(3)) {
	case 0:
		for (size_t i = 0; i < times; i++)
			strbuf_puts(&many, whole);
		splice(text, at, 0, many.s);
		break;
	case 1:
		splice(text, at, length + (line[length] == '\n'), "");
		break;
	default:
		splice(text, at + length / 2, length - length / 2, "");
	}
}

static void change_text(char **text)
{
	static void (*const changes[])(char **text) = { change_number, change_number, change_bytes,
		change_list, change_lines };
	if (**text)
		pick(changes)(text);
}

/* ---- answers ---- */

static struct answer *random_answer(struct input *in, const char *prefix)
{
	size_t at = below(in->answers.n);
	for (size_t i = 0; i < in->answers.n; i++) {
		struct answer *a = &in->answers.v[(at + i) % in->answers.n];
		if (str_after(a->question, prefix))
			return a;
	}
	return NULL;
}

/* Of two answers of a kind one gets the other's text. */
static void take_other(struct input *in, struct answer *a)
{
	AUTO_FREE char *kind = xstrndup(a->question, strcspn(a->question, " "));
	const struct answer *other = random_answer(in, kind);
	if (other && other != a)
		replace(&a->text, xstrdup(other->text));
}

static void rename_question(struct answer *a)
{
	char *question = xstrdup(a->question);
	change_number(&question);
	replace(&a->question, question);
}

static void add_name(struct answer *a)
{
	static const char *const names[] = { "0", "1", "-1", "4294967296", "a.scope",
		"system.slice", "..", ".", "", "a/b", "\\xff", "100.scope", "vcpus", "cpu0",
		"cpu9999", "node7", "policy0", "lxc.monitor", "self", "99999", "é" };
	replace(&a->text, xasprintf("\t%s%s%s", pick(names), *a->text ? "\n" : "", a->text));
}

static void change_answer(struct input *in)
{
	static const char *const errors[] = { "!2 ENOENT", "!13 EACCES", "!5 EIO", "!3 ESRCH",
		"!21 EISDIR", "!4095 X", "~" };
	struct answer *a = random_answer(in, one_in(4) ? "list" : "");
	if (!a)
		return;
	switch (below(9)) {
	case 0:
		replace(&a->text, xstrdup(pick(errors)));
		break;
	case 1:
		take_other(in, a);
		break;
	case 2:
		rename_question(a);
		break;
	case 3:
		if (str_after(a->question, "list "))
			add_name(a);
		break;
	default:
		change_text(&a->text);
	}
}

/* ---- QEMU's command line ---- */

static void change_command_line(struct input *in)
{
	static const char *const words[] = { "-name", "guest=db01,debug-threads=on", "db02", "-smp",
		"4,sockets=2,cores=2,threads=1", "maxcpus=9999999", "8192,sockets=8192,cores=8192",
		"-m", "4096", "16G,slots=4,maxmem=1T", "-object", "iothread,id=io0",
		"{\"qom-type\":\"iothread\",\"id\":\"x\"}",
		"memory-backend-file,id=m,size=1G,mem-path=/x,host-nodes=0-99,policy=bind",
		"memory-backend-ram,id=m0,size=1G,host-nodes=0", "-numa", "node,memdev=m0,cpus=0-3",
		"cpu,node-id=0,socket-id=0", "-device", "vfio-pci,host=0000:01:00.0",
		"virtio-blk-pci,drive=d,iothread=io0",
		"{\"driver\":\"virtio-net-pci\",\"netdev\":\"n\"}", "-netdev",
		"tap,id=n,vhost=on,queues=4", "-qmp", "unix:/run/x.qmp,server=on", "-mon",
		"chardev=c,mode=control", "-chardev", "socket,id=c,path=/run/y", "-uuid",
		"00000000-0000-4000-8000-000000000100", "-id", "100", "-readconfig", "/etc/q.conf",
		"-accel", "tcg,thread=single", "-machine", "q35,accel=kvm", "-pidfile", "/run/p",
		"-cpu", "host", "-daemonize", "--", "-", "", "\xff\xfe", "a,,b=c,,d", "=" };
	struct answer *a = NULL;
	for (int i = 0; i < 40 && (!a || !strstr(a->question, "/cmdline")); i++)
		a = random_answer(in, "file proc/");
	if (!a || !str_after(a->text, "\t"))
		return;
	char *where = strstr(a->text + below(strlen(a->text)), "\\x00");
	if (!where || one_in(5)) {
		change_text(&a->text);
		return;
	}
	AUTO_STRBUF struct strbuf b = { 0 };
	size_t at = (size_t)(where - a->text), times = one_in(30) ? 3000 : 1;
	for (size_t i = 0; i < times; i++)
		strbuf_printf(&b, "\\x00%s", pick(words));
	char *end = strstr(where + 4, "\\x00");
	splice(&a->text, at, end && one_in(2) ? (size_t)(end - where) : 0, b.s);
}

/* ---- what monitors and libvirt say ---- */

static const char qmp_text[] =
	"\t{\"return\":{},\"id\":\"capabilities\"}\n"
	"\t{\"return\":[{\"cpu-index\":0,\"thread-id\":2003,\"props\":{\"socket-id\":0,\"core-id\":"
	"0,"
	"\"thread-id\":0}},{\"cpu-index\":1,\"thread-id\":2004,\"props\":{\"core-id\":1}}],"
	"\"id\":\"cpus\"}\n"
	"\t{\"return\":[{\"id\":\"io0\",\"thread-id\":2007,\"poll-max-ns\":32768}],\"id\":"
	"\"iothreads\"}\n"
	"\t{\"return\":{\"name\":\"db01\"},\"id\":\"name\"}\n"
	"\t{\"return\":{\"UUID\":\"00000000-0000-4000-8000-000000000100\"},\"id\":\"uuid\"}";

static const char libvirt_text[] =
	"\t<domains><domain type='kvm' id='1'><name>db01</name>"
	"<uuid>00000000-0000-4000-8000-000000000100</uuid>\n"
	"\t<vcpu placement='static' current='2'>4</vcpu><iothreads>1</iothreads><cputune>"
	"<vcpupin vcpu='0' cpuset='0-3'/><emulatorpin cpuset='1'/><iothreadpin iothread='1' "
	"cpuset='2'/>"
	"</cputune>\n"
	"\t<memory unit='KiB'>4194304</memory><numatune><memory mode='strict' "
	"nodeset='0'/></numatune>\n"
	"\t<cpu><topology sockets='1' dies='1' cores='2' threads='2'/><numa><cell id='0' "
	"cpus='0-3' "
	"memory='4194304'/></numa></cpu>\n"
	"\t<devices><hostdev mode='subsystem' type='pci'><source><address domain='0x0000' "
	"bus='0x01' "
	"slot='0x00' function='0x0'/></source></hostdev><disk type='file'><driver name='qemu' "
	"iothread='1'/></disk><interface type='hostdev'><source><address type='pci' domain='0' "
	"bus='1' slot='0' function='1'/></source></interface></devices></domain></domains>";

/* The answer of the kind, with a whole one in place of none. */
static void change_talk(struct input *in, const char *kind, const char *whole)
{
	struct answer *a = random_answer(in, kind);
	if (!a) {
		a = array_push(&in->answers);
		*a = (struct answer){ xasprintf("%s domains", kind), xstrdup(whole) };
	} else if (*a->text == '!' || one_in(10)) {
		replace(&a->text, xstrdup(whole));
	}
	if (!one_in(6))
		change_text(&a->text);
}

/* ---- the ledger, whose lines have a checksum ---- */

static uint32_t crc32(const char *text)
{
	uint32_t crc = ~UINT32_C(0);
	for (; *text; text++) {
		crc ^= (unsigned char)*text;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

static void change_ledger(struct input *in)
{
	struct answer *a = random_answer(
		in, one_in(8) ? "file run/wideberth/journal" : "file run/wideberth/ledger");
	size_t n = a ? count_lines(a->text) : 0;
	char *line = n ? line_at(a->text, below(n)) : NULL;
	if (!line || *line != '\t' || strlen(line) < 12)
		return;
	size_t at = (size_t)(line - a->text) + 1, length = strcspn(line, "\n") - 1;
	if (length < 10 || one_in(10)) {
		change_text(&a->text);
		return;
	}
	AUTO_FREE char *json = xstrndup(line + 10, length - 9);
	change_text(&json);
	json[strcspn(json, "\n")] = 0;
	AUTO_FREE char *good = xasprintf("%08x %s", crc32(json), json);
	splice(&a->text, at, length, good);
}

/* ---- policies ---- */

static void change_policy(struct input *in)
{
	static const char *const lines[] = { "[vm *]", "[vm db01]", "[vm db0?]", "[vm 100]",
		"[host]", "[class c]", "class = c", "class = latency", "cores = full",
		"cores = one-thread", "cores = thread", "cores = shared", "place = one-l3",
		"place = one-node", "place = fewest-nodes", "place = any", "isolation = none",
		"isolation = pinned", "isolation = fenced", "isolation = isolated",
		"emulator = own", "emulator = 0-1", "emulator = housekeeping", "iothreads = own",
		"iothreads = 3", "memory = strict", "memory = preferred", "memory = interleave",
		"strict = yes", "near = 0000:01:00.0", "near = auto", "owner = root", "vcpus = 6",
		"vcpus = 9999", "housekeeping = 0", "housekeeping = 2 cores",
		"housekeeping = 0-8191", "housekeeping = auto", "# x", "=", "[vm [x]]", "[",
		"governor = performance", "scheduler = fifo:5" };
	AUTO_STRBUF struct strbuf b = { 0 };
	size_t n = below(8);
	strbuf_puts(&b, one_in(3) ? in->policy : "[vm *]\n");
	for (size_t i = 0; i < n; i++)
		strbuf_printf(&b, "%s\n", pick(lines));
	replace(&in->policy, TAKE(b.s));
	if (one_in(6))
		change_bytes(&in->policy);
}

void input_mutate(struct input *in, enum input_kind kind, uint64_t seed)
{
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	for (size_t i = 0, n = 1 + below(8); i < n && in->answers.n; i++)
		switch (one_in(5) ? (enum input_kind)below(N_INPUT_KINDS) : kind) {
		case INPUT_COMMAND_LINE:
			change_command_line(in);
			break;
		case INPUT_QMP:
			change_talk(in, "qmp", qmp_text);
			break;
		case INPUT_LIBVIRT:
			change_talk(in, "libvirt", libvirt_text);
			break;
		case INPUT_LEDGER:
			change_ledger(in);
			break;
		case INPUT_POLICY:
			change_policy(in);
			break;
		default:
			change_answer(in);
		}
}
