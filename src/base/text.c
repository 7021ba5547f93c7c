/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

size_t text_decode(const char *s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	size_t n = *u < 0x80 ? 1 : *u >> 5 == 6 ? 2 : *u >> 4 == 14 ? 3 : *u >> 3 == 30 ? 4 : 0;
	if (!n)
		return 0;
	uint32_t c = n == 1 ? *u : *u & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if (u[i] >> 6 != 2)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*ret = c;
	return n;
}

/* ---- shown ---- */

/* Characters that are no sign of their own but change how others are shown (Unicode 15, general
 * categories Cc, Zl, Zp, and those of Cf that are no part of ordinary words). */
static bool is_hidden(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} table[] = {
		{ 0x0, 0x1f },        /* C0 */
		{ 0x7f, 0x9f },       /* DEL, C1 */
		{ 0xad, 0xad },       /* soft hyphen */
		{ 0x61c, 0x61c },     /* Arabic letter mark */
		{ 0x180e, 0x180e },   /* Mongolian vowel separator */
		{ 0x200b, 0x200f },   /* zero width, marks of direction */
		{ 0x2028, 0x202e },   /* line, paragraph; embedding and override of direction */
		{ 0x2060, 0x206f },   /* word joiner, isolates, deprecated */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xfff9, 0xfffb },   /* annotations */
		{ 0xe0000, 0xe0fff }, /* tags */
	};
	for (size_t i = 0; i < N_ELEMENTS(table); i++) {
		if (c >= table[i].from && c <= table[i].to)
			return true;
	}
	return false;
}

size_t text_plain_length(const char *s)
{
	size_t n = 0;
	while (s[n] >= ' ' && s[n] < 0x7f)
		n++;
	return n;
}

char *text_visible(const char *s)
{
	struct strbuf b = { 0 };
	size_t n = text_plain_length(s);
	if (!s[n]) /* as nearly all are */
		return xstrndup(s, n);
	strbuf_add(&b, s, n);
	for (s += n; *s; s += n ? n : 1) {
		uint32_t c = 0;
		n = text_decode(s, &c);
		if (!n || is_hidden(c))
			strbuf_puts(&b, c == '\t' ? " " : "?");
		else
			strbuf_add(&b, s, n);
	}
	return b.s;
}

/* ---- kept ---- */

/* A byte that is no part of a character becomes this character plus the byte, of a plane that is
 * for private use; so do the bytes of such a character that was there before. */
enum { ESCAPED = 0x10fe00 };

static bool is_escape(uint32_t c)
{
	return c >= ESCAPED + 0x80 && c <= ESCAPED + 0xff;
}

static void put_escaped(struct strbuf *b, unsigned char byte)
{
	uint32_t c = ESCAPED + byte;
	const char utf8[] = { (char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
		(char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)) };
	strbuf_add(b, utf8, sizeof utf8);
}

char *text_escape(const char *s)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	while (*s) {
		uint32_t c;
		size_t n = text_decode(s, &c);
		if (n && !is_escape(c)) {
			strbuf_add(&b, s, n);
			s += n;
		} else {
			for (n = n ? n : 1; n; n--)
				put_escaped(&b, (unsigned char)*s++);
		}
	}
	return b.s;
}

void text_unescape(char *s)
{
	char *to = s;
	while (*s) {
		uint32_t c;
		size_t n = text_decode(s, &c);
		if (n && is_escape(c)) {
			*to++ = (char)(c - ESCAPED);
		} else {
			n = n ? n : 1;
			memmove(to, s, n);
			to += n;
		}
		s += n;
	}
	*to = 0;
}

char *text_shell_word(const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._-+@%:/,";
	struct strbuf b = { 0 };
	if (*word && strspn(word, plain) == strlen(word))
		return xstrdup(word);
	strbuf_puts(&b, "'");
	for (const char *p = word; *p; p++)
		if (*p == '\'')
			strbuf_puts(&b, "'\\''");
		else
			strbuf_add(&b, p, 1);
	strbuf_puts(&b, "'");
	return b.s;
}
