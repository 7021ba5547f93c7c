/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target over every file of a directory, without libFuzzer. */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

int main(int argc, char **argv)
{
	AUTO_DIR DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	int n = 0;
	if (!dir)
		return 1;
	for (struct dirent *entry; (entry = readdir(dir));) {
		AUTO_FREE char *path = xasprintf("%s/%s", argv[1], entry->d_name);
		AUTO_FILE FILE *f = *entry->d_name == '.' ? NULL : fopen(path, "re");
		AUTO_STRBUF struct strbuf b = { 0 };
		char part[4096];
		if (!f)
			continue;
		strbuf_puts(&b, "");
		for (size_t got; (got = fread(part, 1, sizeof part, f));)
			strbuf_add(&b, part, got);
		/* Nothing behind the input's end, so that ASan sees reads there. */
		AUTO_FREE uint8_t *exact = xmalloc(b.n);
		memcpy(exact, b.s, b.n);
		LLVMFuzzerTestOneInput(exact, b.n);
		n++;
	}
	printf("%d inputs\n", n);
	return n ? 0 : 1;
}
