/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a recording keeps of libvirt's XML. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "vm/redact.h"

static bool is_one_of(const char *word, size_t n, const char *const *list, size_t n_list)
{
	for (size_t i = 0; i < n_list; i++)
		if (strlen(list[i]) == n && !strncmp(list[i], word, n))
			return true;
	return false;
}

/* The element that a scan is in. */
struct xml_place {
	size_t depth;
	char top[32], device[32]; /* below <domain>, below <devices> */
};

/* Whether an element is kept, whose parent is at the place: sizes, pins, and the devices that have
 * threads or are the host's; no descriptions, metadata, kernel or QEMU arguments, no files. */
static bool is_kept_element(const struct xml_place *at, const char *name, size_t n)
{
	static const char *const tops[] = { "name", "uuid", "memory", "currentMemory",
		"memoryBacking", "vcpu", "vcpus", "iothreads", "iothreadids", "cputune", "numatune",
		"cpu", "devices" };
	static const char *const devices[] = { "disk", "controller", "interface", "hostdev" };
	static const char *const files[] = { "source", "auth", "backingStore", "mirror", "serial",
		"wwn", "encryption" };
	if (at->depth == 2)
		return is_one_of(name, n, tops, N_ELEMENTS(tops));
	if (at->depth == 3 && streq(at->top, "devices"))
		return is_one_of(name, n, devices, N_ELEMENTS(devices));
	if (at->depth == 4 && streq(at->device, "disk"))
		return !is_one_of(name, n, files, N_ELEMENTS(files));
	return true;
}

/* Behind the tag, comment or section that begins at p; NULL when it does not end. */
static const char *markup_end(const char *p)
{
	const char *end;
	if (str_after(p, "<!--"))
		return (end = strstr(p, "-->")) ? end + 3 : NULL;
	if (str_after(p, "<![CDATA["))
		return (end = strstr(p, "]]>")) ? end + 3 : NULL;
	for (char quote = 0; *p && (quote || *p != '>'); p++)
		if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? 0 : *p;
	return *p ? p + 1 : NULL;
}

static void enter(struct xml_place *at, const char *name, size_t n)
{
	char *where = at->depth == 2 ? at->top : at->depth == 3 ? at->device : NULL;
	if (where)
		snprintf(where, sizeof at->top, "%.*s", (int)n, name);
	at->depth++;
}

char *redact_xml(const char *text, size_t *n)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	struct xml_place at = { 0 };
	size_t hidden = 0; /* depth of the element that is left out; 0: none */
	strbuf_puts(&b, "");
	for (const char *p = text, *end; *p; p = end) {
		size_t n_text = strcspn(p, "<");
		strbuf_add(&b, p, hidden ? 0 : n_text);
		p += n_text;
		end = *p ? markup_end(p) : p;
		if (!end)
			break;
		if (!*p || p[1] == '!' || p[1] == '?')
			continue;
		bool is_end = p[1] == '/';
		size_t n_name = strcspn(p + 1 + is_end, " \t\r\n/>");
		if (!is_end) {
			if (!hidden && !is_kept_element(&at, p + 1, n_name))
				hidden = at.depth + 1;
			enter(&at, p + 1, n_name);
		}
		strbuf_add(&b, p, hidden ? 0 : (size_t)(end - p));
		if (is_end || end[-2] == '/') {
			hidden = hidden == at.depth ? 0 : hidden;
			at.depth -= at.depth > 0;
		}
	}
	*n = b.n;
	return TAKE(b.s);
}
