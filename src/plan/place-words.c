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

struct refusal *place_refuse(struct planner *p, const struct vm *vm, const char *fmt, ...)
{
	struct placements *out = p->out;
	struct refusal *r = list_push(&out->arena, &out->refused);
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
	va_start(ap, fmt);
	*list_push(&p->out->arena, &r->blocking) = (struct blocking){
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
	va_start(ap, fmt);
	what.text = format(p, fmt, ap);
	*list_push(&p->out->arena, &r->alternatives) = what;
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

const char *place_cpus(struct planner *p, const struct cpuset *cpus)
{
	AUTO_FREE char *text = cpuset_format_cpus(cpus);
	return arena_strdup(&p->out->arena, text);
}

const char *place_label(struct planner *p, const char *id, const char *name)
{
	AUTO_FREE char *text = vm_label(id, name);
	return arena_strdup(&p->out->arena, text);
}
