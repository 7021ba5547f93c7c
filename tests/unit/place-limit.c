/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Planning that goes on for as long as somebody says so: never worse for it, and the same without.
 */
#include "tap.h"

#include "../machine/fake-host.h"
#include "placed.h"

enum { N_VMS = 60 };

struct patience {
	long n_left, n_asked, first, last, most; /* first, last: cores that it was told of */
};

static bool goes_on(void *context, const struct plan_progress *progress)
{
	struct patience *p = context;
	if (!p->n_asked++)
		p->first = progress->cores;
	p->last = progress->cores;
	p->most = progress->most;
	return p->n_left-- > 0;
}

/* More than there is room for, and not to be counted out exactly. */
static struct fake_host *crowd(unsigned int seed)
{
	static const struct shape shape = { 2, 2, 4, 8, 2, true };
	struct fake_host *h = fake_host(shape);
	for (int i = 0; i < N_VMS; i++) {
		AUTO_FREE char *id = xasprintf("%d", 1000 + i);
		seed = seed * 1103515245 + 12345;
		fake_vm(h, id, 1 + (int)(seed >> 16) % 13, 1, 0);
	}
	return h;
}

static const char policy[] = "[vm *]\nplace = one-l3\n[vm *5]\ncores = one-thread\n"
			     "[vm *7]\ncores = thread\n[vm *2]\nemulator = own\n";

static struct placements *plan(struct fake_host *h, struct patience *patience)
{
	const struct plan_options options = { .goes_on = patience ? goes_on : NULL,
		.context = patience };
	AUTO_POLICY struct policy *p = fake_policy(policy);
	struct placements *ret = NULL;
	size_t wanted[N_VMS];
	struct err e;
	for (size_t i = 0; i < h->vms.n_vms; i++)
		wanted[i] = i;
	if (place_vms_as(&h->s, &h->vms, p, wanted, h->vms.n_vms, NULL, 0, &options, &ret, &e) < 0)
		abort();
	return ret;
}

int main(void)
{
	enum { N = 4, TIMES = 200 };
	for (unsigned int seed = 1; seed <= N; seed++) {
		struct fake_host *h = crowd(seed);
		struct patience none = { 0 }, some = { .n_left = TIMES };
		AUTO_PLACEMENTS struct placements *usual = plan(h, NULL), *at_once = plan(h, &none),
						  *longer = plan(h, &some);
		AUTO_FREE char *x = describe(usual), *y = describe(at_once);
		same_int(none.n_asked, 1, "%u: asked once, and told to end", seed);
		same_str(y, x, "... which is as without a limit");
		same_int(some.n_asked, TIMES + 1, "... or goes on for as long as it is told");
		ok(some.first <= some.last && some.last < some.most, "... and has no less for it");
		ok(longer->n + longer->refused.n == N_VMS, "... and every VM is placed or refused");
		fake_free(h);
	}
	return tap_done();
}
