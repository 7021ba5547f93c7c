/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libvirt calls the machine of a domain, and systemd-machined the scope of that: seen with
 * libvirt 9 and 11, systemd 252 and 257. */
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "vm/libvirt.h"

#define BEGINNING "machine-qemu\\x2d"

enum { MACHINE_MAX = 64 }; /* a host's name may be so long, and a machine's is one */

/* "qemu-1-" and of the domain's name what a host's name may have: letters, digits, and between
 * them single dots and dashes. */
static char *machine_of(int id, const char *name)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_printf(&b, "qemu-%d-", id);
	for (const char *p = name; *p && b.n < MACHINE_MAX; p++) {
		bool is_mark = *p == '.' || *p == '-';
		char last = b.s[b.n - 1];
		if (isalnum((unsigned char)*p) || (is_mark && last != '.' && last != '-'))
			strbuf_add(&b, p, 1);
	}
	while (b.s[b.n - 1] == '.' || b.s[b.n - 1] == '-')
		b.s[--b.n] = 0;
	return TAKE(b.s);
}

/* A dash in a unit's name stands for a slash: its own are escaped (systemd.unit(5)). */
char *libvirt_scope(int id, const char *name)
{
	AUTO_FREE char *machine = machine_of(id, name);
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_puts(&b, "machine-");
	for (const char *p = machine; *p; p++)
		strbuf_add(&b, *p == '-' ? "\\x2d" : p, *p == '-' ? strlen("\\x2d") : 1);
	strbuf_puts(&b, ".scope");
	return TAKE(b.s);
}

int libvirt_scope_id(const char *scope)
{
	const char *digits = str_after(scope, BEGINNING);
	int id;
	if (!digits || !str_has_suffix(scope, ".scope"))
		return -1;
	AUTO_FREE char *text = xstrndup(digits, strspn(digits, "0123456789"));
	return str_to_int(text, &id) == 0 ? id : -1;
}
