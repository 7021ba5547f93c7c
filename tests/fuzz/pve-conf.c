/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Proxmox VE's config files: any bytes. */
#include "vm/pve-conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena a = { 0 };
	struct pve_conf conf;
	struct vm_config config;
	const char *text = arena_strndup(&a, (const char *)data, n);
	pve_conf_parse(&a, text, &conf);
	pve_conf_facts(&a, &conf, &config);
	(void)pve_mapping_path(&a, text, "gpu", "pve1");
	if (config.sockets < 1 || config.cores < 1 || config.threads < 1 || config.vcpus < 1)
		__builtin_trap();
	arena_done(&a);
	return 0;
}
