/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/boot-params.h"

#include <ctype.h>
#include <string.h>

#include "base/alloc.h"

/* Blanks in double quotes are part of a value: dyndbg="file kvm.c +p". */
static size_t word_length(const char *p)
{
	bool is_quoted = false;
	size_t n = 0;
	for (; p[n] && (is_quoted || !isspace((unsigned char)p[n])); n++)
		is_quoted ^= p[n] == '"';
	return n;
}

static bool is_secret_param(const char *name, size_t n)
{
	static const char *const words[] = { "password", "passwd", "secret", "token",
		"credential" };
	for (size_t i = 0; i < N_ELEMENTS(words); i++)
		if (memmem(name, n, words[i], strlen(words[i])))
			return true;
	return false;
}

void boot_params_parse(struct arena *a, const char *text, struct boot_params *ret)
{
	ARRAY(struct boot_param) all = { 0 };
	for (const char *p = text;;) {
		while (isspace((unsigned char)*p))
			p++;
		size_t n = word_length(p);
		if (!n || (n == 2 && !strncmp(p, "--", 2)))
			break;
		const char *equals = memchr(p, '=', n);
		size_t n_name = equals ? (size_t)(equals - p) : n;
		struct boot_param *param = array_push(&all);
		param->name = arena_strndup(a, p, n_name);
		param->value = !equals               ? ""
			: is_secret_param(p, n_name) ? "*"
						     : arena_strndup(a, equals + 1, n - n_name - 1);
		p += n;
	}
	ret->v = arena_dup(a, all.v, all.n, sizeof *all.v);
	ret->n = all.n;
	free(all.v);
}

/* "quiet rd.iscsi.password=x" → "quiet rd.iscsi.password=*": blanks in double quotes are part of a
 * value. */
char *boot_params_redact(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t i = 0; i < *n;) {
		bool is_quoted = false, is_secret = false;
		size_t start = i, value = 0;
		for (; i < *n && (is_quoted || !isspace((unsigned char)text[i])); i++) {
			is_quoted ^= text[i] == '"';
			if (text[i] == '=' && !value) {
				value = i + 1;
				is_secret = is_secret_param(text + start, i - start);
			}
		}
		strbuf_add(&b, text + start, (is_secret ? value : i) - start);
		strbuf_puts(&b, is_secret ? "*" : "");
		for (; i < *n && isspace((unsigned char)text[i]); i++)
			strbuf_add(&b, text + i, 1);
	}
	*n = b.n;
	return TAKE(b.s);
}

bool boot_param_is(const struct boot_param *p, const char *name)
{
	const char *a = p->name, *b = name;
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

const char *boot_param(const struct boot_params *p, const char *name)
{
	for (size_t i = p->n; i-- > 0;)
		if (boot_param_is(&p->v[i], name))
			return p->v[i].value;
	return NULL;
}
