/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the planner says: refusals with their parts, and things by their names. */
#include <stdarg.h>
#include <string.h>

#include "plan/place.h"

PRINTF_LIKE(2, 0)
static const char *format(struct planner *p, const char *fmt, va_list ap)
{
	AUTO_FREE char *text = xvasprintf(fmt, ap);
	return arena_strdup(&p->out->arena, text);
}

/* One element more at the end of an array of n; the arena has no realloc: what
 * was full stays behind. */
static void *grow(struct planner *p, void *v, size_t n, size_t size)
{
	bool is_full = !(n & (n - 1));
	if (!is_full)
		return v;
	void *bigger = arena_alloc(&p->out->arena, (2 * n + 1) * size);
	if (n)
		memcpy(bigger, v, n * size);
	return bigger;
}

struct refusal *place_refuse(struct planner *p, const struct vm *vm, const char *fmt, ...)
{
	struct placements *out = p->out;
	out->refused = grow(p, out->refused, out->n_refused, sizeof *out->refused);
	struct refusal *r = &out->refused[out->n_refused++];
	va_list ap;
	va_start(ap, fmt);
	*r = (struct refusal){
		.vm = arena_strdup(&out->arena, vm->id),
		.name = arena_strdup(&out->arena, vm->name),
		.reason = format(p, fmt, ap),
	};
	va_end(ap);
	return r;
}

void place_blocking(struct planner *p, struct refusal *r, const char *vm, const struct cpuset *cpus,
	const char *fmt, ...)
{
	va_list ap;
	r->blocking = grow(p, r->blocking, r->n_blocking, sizeof *r->blocking);
	va_start(ap, fmt);
	r->blocking[r->n_blocking++] = (struct blocking){
		.vm = arena_strdup(&p->out->arena, vm),
		.cpus = cpus ? *cpus : CPUSET_EMPTY,
		.text = format(p, fmt, ap),
	};
	va_end(ap);
}

void place_alternative(
	struct planner *p, struct refusal *r, struct alternative what, const char *fmt, ...)
{
	va_list ap;
	r->alternatives = grow(p, r->alternatives, r->n_alternatives, sizeof *r->alternatives);
	va_start(ap, fmt);
	what.text = format(p, fmt, ap);
	r->alternatives[r->n_alternatives++] = what;
	va_end(ap);
}

void place_note(struct planner *p, const char **note, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = format(p, fmt, ap);
	va_end(ap);
	*note = *note ? arena_printf(&p->out->arena, "%s; %s", *note, text) : text;
}

const char *place_list(struct planner *p, const struct cpuset *cpus)
{
	AUTO_FREE char *text = cpuset_format_list(cpus);
	return arena_strdup(&p->out->arena, text);
}

const char *place_label(struct planner *p, const char *id, const char *name)
{
	AUTO_FREE char *text = vm_label(id, name);
	return arena_strdup(&p->out->arena, text);
}
