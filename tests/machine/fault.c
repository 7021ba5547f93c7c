/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults on demand, in place of the product's none. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/internal.h"

/* Opening waits for the writer, reading until it has closed. */
static void wait_for_writer(const char *fifo)
{
	AUTO_CLOSE int fd = open(fifo, O_RDONLY | O_CLOEXEC);
	char c;
	while (fd >= 0 && read(fd, &c, 1) > 0)
		;
}

/*
 * $WIDEBERTH_FAULT: "kill-before:N" and "kill-after:N" kill the process
 * around the N-th change (from 1), "wait-before:N:FIFO" lets it wait there for as long as somebody
 * has FIFO open for writing, and until somebody has (a stop by signal is none where a debugger
 * traces), "errno:N:E" makes it fail with errno E, "always:N:E" this one and all later ones of the
 * same file or thread, "signal:N:S" is signal S behind it, "count:FILE" writes the number of
 * changes so far to FILE.
 */
int host_fault(bool is_before, const char *what)
{
	static int n;
	static char *always;
	const char *plan = getenv("WIDEBERTH_FAULT"), *file;
	int at, error, end = 0;
	n += is_before;
	if (!plan)
		return 0;
	if ((file = str_after(plan, "count:"))) {
		AUTO_FILE FILE *f = fopen(file, "we");
		if (f)
			fprintf(f, "%d\n", n);
	}
	if (sscanf(plan, is_before ? "kill-before:%d" : "kill-after:%d", &at) == 1 && at == n)
		raise(SIGKILL);
	if (!is_before && sscanf(plan, "signal:%d:%d", &at, &error) == 2 && at == n)
		raise(error);
	if (is_before && sscanf(plan, "wait-before:%d:%n", &at, &end) == 1 && end && at == n)
		wait_for_writer(plan + end);
	if (is_before && sscanf(plan, "errno:%d:%d", &at, &error) == 2 && at == n)
		return -error;
	if (is_before && sscanf(plan, "always:%d:%d", &at, &error) == 2) {
		if (at == n)
			always = xstrdup(what);
		return always && streq(always, what) ? -error : 0;
	}
	return 0;
}
