/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static size_t hex_run(const char *s)
{
	return strspn(s, "0123456789abcdefABCDEF");
}

/* [DOMAIN:]BUS:DEVICE[.FUNCTION]: "0000:0b:00.0", "01:00" */
const char *pci_address(struct arena *a, const char *text)
{
	const char *p = text;
	size_t n = hex_run(p);
	bool has_domain = n >= 4 && n <= 8 && p[n] == ':';
	if (has_domain)
		p += n + 1;
	if (hex_run(p) != 2 || p[2] != ':' || hex_run(p + 3) != 2)
		return NULL;
	p += 5;
	if (*p == '.' && p[1] >= '0' && p[1] <= '7')
		p += 2;
	if (*p)
		return NULL;
	char *address = arena_printf(a, "%s%s", has_domain ? "" : "0000:", text);
	for (char *c = address; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return address;
}

const char *pci_address_in(struct arena *a, const char *path)
{
	const char *last = NULL;
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		const char *address = pci_address(a, arena_strndup(a, p, strcspn(p, "/")));
		last = address && strchr(address, '.') ? address : last;
	}
	return last;
}

bool pci_covers(const char *address, const char *whole)
{
	const char *rest = str_after(whole, address);
	return rest && (!*rest || (*rest == '.' && !strchr(address, '.')));
}
