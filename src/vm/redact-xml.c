/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a recording keeps of libvirt's XML. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/mask.h"
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
	char top[32], device[32], part[32]; /* below <domain>, below <devices>, below the device */
};

/* Whether an element is kept, whose parent is at the place: sizes, pins, and the devices that have
 * threads or are the host's; no descriptions, metadata, kernel or QEMU arguments, no files. */
static bool is_kept_element(const struct xml_place *at, const char *name, size_t n)
{
	static const char *const tops[] = { "name", "uuid", "memory", "currentMemory",
		"memoryBacking", "vcpu", "vcpus", "iothreads", "iothreadids", "cputune", "numatune",
		"cpu", "devices" };
	static const char *const devices[] = { "disk", "controller", "interface", "hostdev" };
	static const char *const parts[] = { "driver", "target", "alias", "address", "model",
		"source", "iothreads" };
	if (at->depth == 2)
		return is_one_of(name, n, tops, N_ELEMENTS(tops));
	if (at->depth == 3 && streq(at->top, "devices"))
		return is_one_of(name, n, devices, N_ELEMENTS(devices));
	static const char *const inner[] = { "address", "iothreads" };
	if (at->depth < 4 || !streq(at->top, "devices"))
		return true;
	if (at->depth == 4)
		return is_one_of(name, n, parts, N_ELEMENTS(parts));
	return at->depth > 5 || is_one_of(name, n, inner, N_ELEMENTS(inner));
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
	char *where = at->depth == 2 ? at->top
		: at->depth == 3     ? at->device
		: at->depth == 4     ? at->part
				     : NULL;
	if (where)
		snprintf(where, sizeof at->top, "%.*s", (int)n, name);
	at->depth++;
}

/* Where a device is: its address is below; of the rest only a character device of vdpa. */
static void add_source(struct strbuf *b, const char *p, const char *end)
{
	static const char vdpa[] = "dev='/dev/vhost-vdpa-";
	const char *dev = memmem(p, (size_t)(end - p), vdpa, sizeof vdpa - 1);
	int n = dev ? (int)(sizeof vdpa - 1 + strspn(dev + sizeof vdpa - 1, "0123456789")) : 0;
	strbuf_printf(b, "<source%s%.*s%s%s>", n ? " " : "", n, dev ? dev : "", n ? "'" : "",
		end[-2] == '/' ? "/" : "");
}

void redact_learn_xml(struct mask *m, const char *text)
{
	static const char *const tags[] = { "<name>", "<uuid>" };
	for (size_t i = 0; i < N_ELEMENTS(tags); i++)
		for (const char *p = text; (p = strstr(p, tags[i]));) {
			p += strlen(tags[i]);
			AUTO_FREE char *name = xstrndup(p, strcspn(p, "<"));
			mask_hide(m, name, i ? "00000000-0000-4000-8000-" : "vm", i ? 12 : 0);
		}
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
		bool is_source = at.depth == 5 && !is_end && streq(at.top, "devices") &&
			streq(at.part, "source");
		if (!hidden && is_source)
			add_source(&b, p, end);
		else
			strbuf_add(&b, p, hidden ? 0 : (size_t)(end - p));
		if (is_end || end[-2] == '/') {
			hidden = hidden == at.depth ? 0 : hidden;
			at.depth -= at.depth > 0;
		}
	}
	*n = b.n;
	return TAKE(b.s);
}
