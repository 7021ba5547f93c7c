/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For bench/check: idle N starts N threads that sleep, says "up", and ends when its input does;
 * idle read [ROOT] reads the stat and the mask of every thread of this machine, or of a made-up
 * host, by bare system calls, and prints their number and the CPU time in ms.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpu.h"

static void *sleeps(void *unused)
{
	pause();
	return unused;
}

static int be_idle(int n)
{
	pthread_attr_t a;
	pthread_t t;
	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 16384);
	for (int i = 0; i < n; i++)
		if (pthread_create(&t, &a, sleeps, NULL))
			return 1;
	puts("up");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}

static const char *root = "";

static bool read_file(const char *pid, const char *tid, const char *name)
{
	char path[4096], text[4096];
	snprintf(path, sizeof path, "%s/proc/%.20s/task/%.20s/%s", root, pid, tid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_read = read(fd, text, sizeof text) > 0;
	close(fd);
	return is_read;
}

/* A made-up host has the mask in a file only. */
static bool read_mask(const char *pid, const char *tid)
{
	cpu_set_t set[16]; /* 16,384 CPUs */
	return *root ? read_file(pid, tid, "status")
		     : sched_getaffinity(atoi(tid), sizeof set, set) == 0;
}

static long read_process(const char *pid)
{
	char path[4096];
	long n = 0;
	snprintf(path, sizeof path, "%s/proc/%.20s/task", root, pid);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		n += *e->d_name != '.' && read_file(pid, e->d_name, "stat") &&
			read_mask(pid, e->d_name);
	if (d)
		closedir(d);
	return n;
}

static long read_all(void)
{
	char path[4096];
	long n = 0;
	snprintf(path, sizeof path, "%s/proc", root);
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		n += *e->d_name >= '0' && *e->d_name <= '9' ? read_process(e->d_name) : 0;
	if (d)
		closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3)
		return 2;
	if (strcmp(argv[1], "read"))
		return be_idle(atoi(argv[1]));
	if (argc == 3)
		root = argv[2];
	long n = read_all();
	printf("%ld %.1f\n", n, (double)cpu_us() / 1e3);
	return 0;
}
