/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request takes in one domain. Only src/plan/place-spot.c and place-take*.c include this. */
#pragma once

#include "plan/place.h"

/* What cells of a domain may be used. */
struct filter {
	unsigned int kinds; /* bits 1 << enum cpu_kind */
	bool is_boot_isolated_only, is_unpinned_only;
	bool is_helper_apart; /* in the same node, but outside the L3; of several L3s: anywhere */
	int64_t floor_kib;    /* what the node must have of memory, at least */
};

struct candidate {
	int cell, capacity, cores; /* cores: left */
};

/* Cores for the vCPUs, of those cells of the domain that the filter lets through. list: to work in,
 * as long as cells. False: there are not enough, and ret holds nothing of use. */
bool take_cores(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, const struct cell_list *cells, const struct filter *f,
	struct candidate *list, struct take_list *ret);
/* The same for the whole host, by the parts of the request, each in a node; place-take-split.c. */
bool take_split(const struct solver *s, const struct room *room, const struct request *req,
	const struct filter *f, struct candidate *list, struct take_list *ret);
/* Adds a core for the helpers, where it needs one, in the domain of the scope. False: there is
 * none. */
bool take_helper(const struct solver *s, const struct room *room, const struct request *req,
	enum scope scope, int domain, const struct filter *f, enum fit fit, struct take_list *ret);
/* What a node can have of the request's memory, with what is there; in KiB. */
int64_t take_memory(
	const struct solver *s, const struct room *room, const struct request *req, int node);
