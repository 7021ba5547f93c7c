/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a terminal can show, and text fit for it. */
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"
#include "base/text.h"
#include "report/internal.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 40 };

static bool locale_is_utf8(void)
{
	/* Not nl_langinfo(): nobody may have called setlocale(). */
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	if (!locale)
		return false;
	bool is_utf8 = streq(nl_langinfo_l(CODESET, locale), "UTF-8");
	freelocale(locale);
	return is_utf8;
}

static int terminal_width(FILE *f)
{
	struct winsize size;
	int width = 0;
	const char *columns = getenv("COLUMNS");
	if (!ioctl(fileno(f), TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col;
	else if (!columns || str_to_int(columns, &width) < 0 || !width)
		width = WIDTH_DEFAULT;
	return width < WIDTH_MIN ? WIDTH_MIN : width;
}

struct text_style text_style_of(FILE *f, bool no_colour)
{
	const char *term = getenv("TERM"), *depth = getenv("COLORTERM"), *no = getenv("NO_COLOR");
	bool is_dumb = !term || !*term || streq(term, "dumb");
	struct text_style style = { .has_utf8 = locale_is_utf8(), .width = terminal_width(f) };
	style.has_colour = isatty(fileno(f)) && !is_dumb && !no_colour && !(no && *no);
	style.has_256_colours = style.has_colour && (strstr(term, "256") || (depth && *depth));
	return style;
}

static const char *ascii_for(uint32_t c)
{
	static const struct {
		uint32_t c;
		const char *ascii;
	} table[] = {
		{ 0xa0, " " },
		{ 0xb5, "u" },
		{ 0xb7, "-" },
		{ 0xd7, "x" },
		{ 0x2009, " " },
		{ 0x2013, "-" },
		{ 0x2014, "-" },
		{ 0x2018, "'" },
		{ 0x2019, "'" },
		{ 0x201c, "\"" },
		{ 0x201d, "\"" },
		{ 0x2026, "..." },
		{ 0x202f, " " },
		{ 0x2190, "<-" },
		{ 0x2192, "->" },
		{ 0x2248, "~" },
		{ 0x2260, "!=" },
		{ 0x2264, "<=" },
		{ 0x2265, ">=" },
	};
	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		if (table[i].c == c)
			return table[i].ascii;
	}
	return "?";
}

char *text_clean(const char *s, bool has_utf8)
{
	AUTO_FREE char *visible = text_visible(s);
	struct strbuf b = { 0 };
	if (has_utf8)
		return TAKE(visible);
	strbuf_puts(&b, "");
	for (const char *p = visible; *p;) {
		uint32_t c;
		size_t n = text_decode(p, &c);
		if (c < 0x80)
			strbuf_add(&b, p, n);
		else
			strbuf_puts(&b, ascii_for(c));
		p += n;
	}
	return b.s;
}

/* Columns of one character: East Asian wide ones and emoji take two, combining marks none. */
static int char_width(uint32_t c)
{
	static const struct {
		uint32_t from, to;
		int width;
	} table[] = {
		{ 0x300, 0x36f, 0 },
		{ 0x1100, 0x115f, 2 },
		{ 0x200b, 0x200f, 0 },
		{ 0x2e80, 0xa4cf, 2 },
		{ 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 },
		{ 0xfe00, 0xfe0f, 0 },
		{ 0xfe30, 0xfe6f, 2 },
		{ 0xff00, 0xff60, 2 },
		{ 0x1f300, 0x1f64f, 2 },
		{ 0x1f900, 0x1f9ff, 2 },
		{ 0x20000, 0x3fffd, 2 },
	};
	for (size_t i = 0; c >= table[0].from && i < N_ELEMENTS(table); i++) {
		if (c >= table[i].from && c <= table[i].to)
			return table[i].width;
	}
	return 1;
}

int text_width(const char *s)
{
	size_t n_plain = text_plain_length(s);
	int width = (int)n_plain;
	s += n_plain;
	for (uint32_t c; *s;) {
		size_t n = text_decode(s, &c);
		width += n ? char_width(c) : 1;
		s += n ? n : 1;
	}
	return width;
}

size_t text_break(const char *s, int width, size_t *ret_next)
{
	size_t end = 0, blank = 0, comma = 0;
	int column = 0;
	while (s[end] && s[end] != '\n') {
		uint32_t c;
		size_t n = text_decode(s + end, &c);
		column += n ? char_width(c) : 1;
		if (s[end] == ' ')
			blank = end;
		if (column > width)
			break;
		end += n ? n : 1;
		if (strchr(",;/:=", s[end - 1]))
			comma = end;
	}
	if (s[end] && s[end] != '\n') {
		if (blank)
			end = blank;
		else if (comma)
			end = comma;
		else if (!end)
			end = 1; /* a wide character in one column: go on, whatever it looks like */
	}
	*ret_next = end;
	if (s[end] == '\n')
		(*ret_next)++;
	else
		*ret_next += strspn(s + end, " ");
	return end;
}

void text_wrap(FILE *f, const char *s, int width, int indent)
{
	for (bool is_first = true; *s || is_first; is_first = false) {
		/* Lines that begin with blanks (commands, lists) keep them when they are broken. */
		size_t next, own = strspn(s, " ");
		int room = width - indent - (int)own;
		bool is_broken = true;
		for (int line = 0; is_broken; line++, s += next) {
			size_t from = line ? 0 : own;
			size_t n = text_break(s + from, room > 8 ? room : 8, &next);
			if (n)
				fprintf(f, "%*s%.*s",
					is_first && !line ? (int)own : indent + (int)own, "",
					(int)n, s + from);
			fputc('\n', f);
			next += from;
			is_broken = s[next] && s[next - 1] != '\n';
		}
	}
}

void text_attr(FILE *f, const struct text_style *style, const char *attr)
{
	if (style->has_colour)
		fprintf(f, "\033[%sm", *attr ? attr : "0");
}
