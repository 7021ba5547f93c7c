/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/xml.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { DEPTH_MAX = 32 };

/* An element that is open. */
struct frame {
	struct xml_element e;
	size_t path_before; /* length of the path without it */
	size_t text_start;  /* in reader.text */
};

struct reader {
	struct arena *a;
	const char *p;
	xml_fn *fn;
	void *context;
	struct frame frames[DEPTH_MAX];
	size_t depth;
	struct strbuf path, text;
};

/* The character number of "&#65;" or "&#x41;" as UTF-8; false when it is none. */
static bool add_number(struct strbuf *b, const char *digits, const char *end)
{
	char *stop;
	unsigned long c =
		*digits == 'x' ? strtoul(digits + 1, &stop, 16) : strtoul(digits, &stop, 10);
	char utf8[4];
	size_t n = 0;
	if (stop != end || !c || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	if (c < 0x80) {
		utf8[n++] = (char)c;
	} else if (c < 0x800) {
		utf8[n++] = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		utf8[n++] = (char)(0xe0 | c >> 12);
		utf8[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		utf8[n++] = (char)(0xf0 | c >> 18);
		utf8[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		utf8[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		utf8[n++] = (char)(0x80 | (c & 0x3f));
	strbuf_add(b, utf8, n);
	return true;
}

/* "&amp;" at s: its length when it was understood, else 0. */
static size_t add_entity(struct strbuf *b, const char *s, size_t n)
{
	static const struct {
		const char *name;
		char c;
	} known[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' }, { "&quot;", '"' },
		{ "&apos;", '\'' } };
	for (size_t i = 0; i < N_ELEMENTS(known); i++) {
		size_t len = strlen(known[i].name);
		if (len <= n && memcmp(s, known[i].name, len) == 0) {
			strbuf_add(b, &known[i].c, 1);
			return len;
		}
	}
	const char *end = memchr(s, ';', n);
	if (n > 3 && s[1] == '#' && end && add_number(b, s + 2, end))
		return (size_t)(end - s) + 1;
	return 0;
}

static void add_text(struct strbuf *b, const char *s, size_t n)
{
	while (n) {
		const char *amp = memchr(s, '&', n);
		size_t plain = amp ? (size_t)(amp - s) : n;
		strbuf_add(b, s, plain);
		s += plain;
		n -= plain;
		if (!n)
			break;
		size_t len = add_entity(b, s, n);
		if (!len) { /* an unknown one stays as it is */
			strbuf_add(b, s, 1);
			len = 1;
		}
		s += len;
		n -= len;
	}
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c & 0x80 || (c && strchr("_-.:", c));
}

static size_t name_length(const char *s)
{
	size_t n = 0;
	while (is_name(s[n]))
		n++;
	return n;
}

static void skip_blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->p))
		r->p++;
}

/* vcpu='0' or vcpu = "0" */
static bool read_attr(struct reader *r, struct xml_element *e)
{
	size_t n = name_length(r->p);
	const char *name = arena_strndup(r->a, r->p, n);
	r->p += n;
	skip_blanks(r);
	if (!n || *r->p++ != '=')
		return false;
	skip_blanks(r);
	char quote = *r->p++;
	const char *end = quote == '"' || quote == '\'' ? strchr(r->p, quote) : NULL;
	if (!end)
		return false;
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	add_text(&b, r->p, (size_t)(end - r->p));
	*list_push(r->a, &e->attrs) = (struct xml_attr){ name, arena_strdup(r->a, b.s) };
	r->p = end + 1;
	return true;
}

static void close_element(struct reader *r)
{
	struct frame *f = &r->frames[--r->depth];
	char *text = arena_strndup(r->a, r->text.s + f->text_start, r->text.n - f->text_start);
	f->e.text = str_trim(text);
	r->fn(r->context, &f->e);
	r->path.n = f->path_before;
	r->text.n = f->text_start;
}

/* Behind '<': a name, attributes, '>' or '/>'. */
static bool read_open(struct reader *r)
{
	size_t n = name_length(r->p);
	if (!n || r->depth == DEPTH_MAX)
		return false;
	struct frame *f = &r->frames[r->depth++];
	*f = (struct frame){ .path_before = r->path.n, .text_start = r->text.n };
	strbuf_add(&r->path, "/", r->path.n ? 1 : 0);
	strbuf_add(&r->path, r->p, n);
	f->e.path = arena_strndup(r->a, r->path.s, r->path.n);
	r->p += n;
	for (skip_blanks(r); *r->p != '>' && *r->p != '/'; skip_blanks(r))
		if (!read_attr(r, &f->e))
			return false;
	bool is_empty = *r->p == '/';
	r->p += is_empty;
	if (*r->p++ != '>')
		return false;
	if (is_empty)
		close_element(r);
	return true;
}

/* Behind '</'. */
static bool read_close(struct reader *r)
{
	size_t n = name_length(r->p);
	const char *path = r->depth ? r->frames[r->depth - 1].e.path : "";
	const char *slash = strrchr(path, '/'), *open = slash ? slash + 1 : path;
	if (!n || strlen(open) != n || strncmp(open, r->p, n) != 0)
		return false;
	r->p += n;
	skip_blanks(r);
	if (*r->p++ != '>')
		return false;
	close_element(r);
	return true;
}

/* Skips to behind the word. */
static bool skip_to(struct reader *r, const char *word)
{
	const char *at = strstr(r->p, word);
	r->p = at ? at + strlen(word) : r->p;
	return at;
}

static bool read_markup(struct reader *r)
{
	const char *cdata = str_after(r->p, "<![CDATA[");
	if (str_after(r->p, "<!--")) {
		r->p += strlen("<!--");
		return skip_to(r, "-->");
	}
	if (str_after(r->p, "<?"))
		return skip_to(r, "?>");
	if (cdata) {
		r->p = cdata;
		if (!skip_to(r, "]]>"))
			return false;
		strbuf_add(&r->text, cdata, (size_t)(r->p - cdata) - strlen("]]>"));
		return true;
	}
	r->p++;
	if (*r->p != '/')
		return read_open(r); /* refuses <!DOCTYPE */
	r->p++;
	return read_close(r);
}

int xml_walk(struct arena *a, const char *text, xml_fn *fn, void *context)
{
	struct reader *r = xcalloc(1, sizeof *r);
	*r = (struct reader){ .a = a, .p = text, .fn = fn, .context = context };
	bool is_good = true;
	strbuf_puts(&r->text, "");
	while (is_good && *r->p) {
		size_t n = strcspn(r->p, "<");
		add_text(&r->text, r->p, n);
		r->p += n;
		is_good = !*r->p || read_markup(r);
	}
	is_good &= r->depth == 0;
	strbuf_done(&r->path);
	strbuf_done(&r->text);
	free(r);
	return is_good ? 0 : -EINVAL;
}

const char *xml_attr(const struct xml_element *e, const char *name)
{
	array_for_each (attr, &e->attrs)
		if (streq(attr->name, name))
			return attr->value;
	return NULL;
}
