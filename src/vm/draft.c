/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drafts of VMs: what is noted of them, and which one is meant. */
#include <stdarg.h>

#include "vm/provider.h"

void vm_note(struct vm_search *f, struct vm_draft *d, const char *fmt, ...)
{
	enum { NOTES_MAX = 32 };
	va_list ap;
	if (d->notes.n > NOTES_MAX)
		return;
	if (d->notes.n == NOTES_MAX) {
		*array_push(&d->notes) = "there is more that is not understood";
		return;
	}
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	*array_push(&d->notes) = arena_strdup(f->arena, text);
}

void vm_search_note(struct vm_search *f, const char *fmt, ...)
{
	enum { NOTES_MAX = 8 };
	if (f->notes.n >= NOTES_MAX)
		return;
	va_list ap;
	va_start(ap, fmt);
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	va_end(ap);
	*array_push(&f->notes) = arena_strdup(f->arena, text);
}

/* They come by pid, as the tasks do. */
struct vm_draft *vm_draft_of(struct vm_search *f, int pid)
{
	size_t i = lower_bound(at, f->drafts.v, f->drafts.n, at->vm.pid < pid);
	struct vm_draft *d = f->drafts.v + i;
	return i < f->drafts.n && d->vm.pid == pid && !d->is_dropped ? d : NULL;
}
