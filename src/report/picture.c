/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/cpuset.h"
#include "base/str.h"
#include "base/text.h"
#include "report/internal.h"

static const char *picture_text(struct picture *p, const char *s)
{
	AUTO_FREE char *visible = s ? text_visible(s) : NULL;
	return arena_strdup(&p->arena, visible);
}

/* Light fills carry black ink, dark ones white: the number on it must be readable first. */
static const struct look vm_looks[] = {
	{ "#e69f00", "#000000", "38;5;16;48;5;214", "30;43" },
	{ "#56b4e9", "#000000", "38;5;16;48;5;74", "30;46" },
	{ "#009e73", "#000000", "38;5;16;48;5;36", "30;42" },
	{ "#f0e442", "#000000", "38;5;16;48;5;227", "30;103" },
	{ "#0072b2", "#ffffff", "38;5;231;48;5;25", "37;44" },
	{ "#d55e00", "#000000", "38;5;16;48;5;166", "30;41" },
	{ "#cc79a7", "#000000", "38;5;16;48;5;175", "30;45" },
};

static const struct look style_looks[] = {
	[OWNER_HOUSEKEEPING] = { "#c9d1d9", "#1f2933", "38;5;16;48;5;250", "30;47" },
	[OWNER_FREE] = { "#ffffff", "#52606d", "", "" },
	[OWNER_OFFLINE] = { "url(#wb-offline)", "#7b8794", "38;5;244", "2" },
	[OWNER_RESERVED] = { "#616e7c", "#ffffff", "38;5;231;48;5;240", "7" },
};

struct picture *picture_new(const char *title)
{
	struct picture *p = xcalloc(1, sizeof *p);
	p->title = picture_text(p, title);
	p->heat_label = "load";
	array_push(&p->items);
	return p;
}

void picture_free(struct picture *p)
{
	if (!p)
		return;
	arena_done(&p->arena);
	free(p->owners.v);
	free(p->items.v);
	free(p->facts.v);
	free(p);
}

int picture_owner(struct picture *p, enum owner_style style, char symbol, const char *label)
{
	int n_looks = N_ELEMENTS(vm_looks);
	struct owner *o = array_push(&p->owners);
	*o = (struct owner){ .style = style, .symbol = symbol, .label = picture_text(p, label) };
	if (style == OWNER_VM) {
		o->look = p->n_vms % n_looks;
		o->round = p->n_vms++ / n_looks;
	}
	return (int)p->owners.n - 1;
}

const struct look *owner_look(const struct owner *owner)
{
	return owner->style == OWNER_VM ? &vm_looks[owner->look] : &style_looks[owner->style];
}

static int add_item(struct picture *p, int parent, const char *text, const char *note)
{
	struct item *item = array_push(&p->items);
	int i = (int)p->items.n - 1;
	item->text = picture_text(p, text);
	item->note = note && *note ? picture_text(p, note) : NULL;
	struct item *above = &p->items.v[parent];
	if (above->last)
		p->items.v[above->last].next = i;
	else
		above->first = i;
	above->last = i;
	return i;
}

void picture_fact(struct picture *p, int box, const char *text)
{
	*array_push(&p->facts) = (struct fact){ .text = picture_text(p, text) };
	int *link = &p->items.v[box].first_fact;
	while (*link)
		link = &p->facts.v[*link - 1].next;
	*link = (int)p->facts.n;
}

void picture_bar(struct picture *p, int box, const double parts[PICTURE_BAR_PARTS])
{
	struct item *item = &p->items.v[box];
	item->has_bar = true;
	double rest = 1;
	for (int i = 0; i < PICTURE_BAR_PARTS; i++) {
		item->bar[i] = parts[i] < 0 ? 0 : parts[i] > rest ? rest : parts[i];
		rest -= item->bar[i];
	}
}

void picture_bar_labels(
	struct picture *p, const char *const labels[PICTURE_BAR_PARTS], const char *rest)
{
	for (int i = 0; i < PICTURE_BAR_PARTS; i++)
		p->bar_labels[i] = picture_text(p, labels[i]);
	p->bar_labels[PICTURE_BAR_PARTS] = picture_text(p, rest);
}

bool picture_has_bar(const struct picture *p)
{
	array_for_each (item, &p->items)
		if (item->has_bar)
			return p->bar_labels[0] != NULL;
	return false;
}

int picture_box(struct picture *p, int parent, const char *title, const char *note)
{
	return add_item(p, parent, title, note);
}

void picture_cell(
	struct picture *p, int box, const char *label, const char *mark, int owner, double heat)
{
	int i = add_item(p, box, label, mark); /* may move the items */
	struct item *cell = &p->items.v[i];
	cell->is_cell = true;
	cell->owner = owner;
	cell->heat = heat > 1 ? 1 : heat;
}

void picture_heat_label(struct picture *p, const char *label)
{
	p->heat_label = picture_text(p, label);
}

struct legend_entry *picture_legend(const struct picture *p, struct arena *a, size_t *ret_n)
{
	struct legend_entry *legend = arena_alloc(a, (p->owners.n + 1) * sizeof *legend);
	size_t n = 0;
	for (int owner = 0; owner < (int)p->owners.n; owner++) {
		struct cpuset numbers = CPUSET_EMPTY;
		int n_cells = 0, number;
		array_for_each (item, &p->items) {
			if (!item->is_cell || item->owner != owner)
				continue;
			n_cells++;
			if (!str_to_int(item->text, &number))
				cpuset_add(&numbers, number);
		}
		if (!n_cells)
			continue;
		AUTO_FREE char *list = cpuset_format_list(&numbers);
		legend[n++] = (struct legend_entry){ &p->owners.v[owner], n_cells,
			arena_strdup(a, list) };
	}
	*ret_n = n;
	return legend;
}

const char *picture_hint(const struct picture *p, bool is_flat)
{
	array_for_each (item, &p->items) {
		int child = item->first;
		if (item != p->items.v && !item->text && child && p->items.v[child].next)
			return is_flat ? "CPUs joined by a bar are SMT siblings: one core"
				       : "CPUs on top of each other are SMT siblings: one core";
	}
	return NULL;
}

bool picture_has_heat(const struct picture *p)
{
	array_for_each (item, &p->items) {
		if (item->is_cell && item->heat >= 0)
			return true;
	}
	return false;
}

int picture_label_width(const struct picture *p)
{
	int max = 1;
	array_for_each (item, &p->items) {
		if (item->is_cell && text_width(item->text) > max)
			max = text_width(item->text);
	}
	return max;
}

int picture_mark_width(const struct picture *p)
{
	int max = 0;
	array_for_each (item, &p->items) {
		if (item->is_cell && item->note && text_width(item->note) > max)
			max = text_width(item->note);
	}
	return max;
}
