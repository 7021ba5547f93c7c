/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that serve one VM, and how they are known to. */
#include "base/str.h"
#include "../machine/fake-proc.h"
#include "tap.h"
#include "vm/helpers.h"

/* "name:tid+tid" of each VM's helpers */
static char *show(const struct found *f, int pid)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, "");
	for (size_t i = 0; f->v && i < f->v->n_vms; i++) {
		const struct vm *vm = &f->v->vms[i];
		for (size_t k = 0; vm->pid == pid && k < vm->n_helpers; k++) {
			const struct vm_thread *t = &vm->helpers[k];
			bool is_first = t->tid == t->pid;
			strbuf_printf(&b, "%s%s%s%d", b.n && is_first ? " " : "",
				is_first ? t->id : "+", is_first ? ":" : "", t->tid);
		}
	}
	return b.s;
}

static void serves(const struct found *f, int pid, const char *want, const char *what)
{
	AUTO_FREE char *got = show(f, pid);
	same_str(got, want, "%s", what);
}

static void put_host(void)
{
	put_cgroup("", "");
	put_cgroup("qemu.slice", "domain");
	put_cgroup("qemu.slice/100.scope", "domain");
	put_cgroup("qemu.slice/shared.scope", "domain");
	put_cgroup("machine.slice", "domain");
	put_cgroup("machine.slice/machine-qemu-1.scope", "domain");
	put_cgroup("machine.slice/machine-qemu-1.scope/libvirt", "domain");
	put_process(100, 1, 7, Q "-name|a|-chardev|socket,id=c,path=/run/a-fs.sock", "",
		T({ 100, "q" }));
	put_process(110, 1, 7, "/usr/libexec/virtiofsd|--socket-path=/run/a-fs.sock|-o|source=/",
		"", T({ 110, "virtiofsd" }, { 111, "virtiofsd" }));
	put_process(120, 1, 7, "passt|--socket|/run/b.sock", "", T({ 120, "passt" }));
	put_process(200, 1, 7,
		Q "-name|b|-netdev|{\"type\":\"stream\",\"id\":\"n\",\"addr\":{\"type\":\"unix\","
		  "\"path\":"
		  "\"/run/b.sock\"}}",
		"", T({ 200, "q" }));
	/* in its scope */
	put_process(300, 1, 7, Q "-name|c", "qemu.slice/100.scope", T({ 300, "q" }));
	put_process(
		310, 1, 7, "swtpm|socket|--daemon", "qemu.slice/100.scope", T({ 310, "swtpm" }));
	put_process(320, 1, 7, "bash", "qemu.slice/100.scope", T({ 320, "bash" }));
	put_process(400, 1, 7, Q "-name|d", "machine.slice/machine-qemu-1.scope/libvirt",
		T({ 400, "q" }));
	put_process(410, 1, 7, "/usr/bin/virtiofsd|--fd=3", "machine.slice/machine-qemu-1.scope",
		T({ 410, "virtiofsd" }));
	/* a scope of two, so whose it is nobody knows; and a child */
	put_process(500, 1, 7, Q "-name|e", "qemu.slice/shared.scope", T({ 500, "q" }));
	put_process(510, 1, 7, Q "-name|f", "qemu.slice/shared.scope", T({ 510, "q" }));
	put_process(520, 1, 7, "swtpm|socket", "qemu.slice/shared.scope", T({ 520, "swtpm" }));
	put_process(530, 510, 7, "slirp-helper|--fd|3", "", T({ 530, "slirp-helper" }));
	/* a back end of vfio-user's, and one by its long name */
	put_process(600, 1, 7, Q "-name|g|-device|vfio-user-pci,socket=/run/g.sock", "",
		T({ 600, "q" }));
	put_process(610, 1, 7,
		"qemu-storage-daemon|--export|type=vhost-user-blk,addr.path=/run/g.sock", "",
		T({ 610, "qemu-storage-da" }));
	/* nobody's */
	put_process(
		700, 1, 7, "virtiofsd|--socket-path=/run/none.sock", "", T({ 700, "virtiofsd" }));
	put_process(710, 1, 7, "swtpm", "", T({ 710, "swtpm" }));
}

static void test_ties(void)
{
	static const char *const rows[][2] = {
		{ "--socket-path=/run/a.sock", "/run/a.sock" },
		{ "type=unixio,path=/run/libvirt/swtpm/1-web-swtpm.sock,mode=0600",
			"/run/libvirt/swtpm/1-web-swtpm.sock" },
		{ "unix:/tmp/passt_1.socket", "/tmp/passt_1.socket" },
		{ "/run/sockets/key", NULL },
		{ "source=/srv", NULL },
		{ "/run/a b.sock", NULL },
		{ "", NULL },
	};
	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		AUTO_FREE char *got = vm_helper_tie(rows[i][0]);
		same_str(got, rows[i][1], "tie: '%s'", rows[i][0]);
	}
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root))
		return 1;
	struct found f;
	test_ties();
	put_host();
	if (find_all(&f, root, NULL)) {
		serves(&f, 100, "virtiofsd:110+111", "by the socket");
		serves(&f, 200, "passt:120", "by a network's socket");
		serves(&f, 300, "swtpm:310", "by the scope, and nothing else that is in it");
		serves(&f, 400, "virtiofsd:410", "by the scope above its group");
		serves(&f, 500, "", "a scope of two tells nothing");
		serves(&f, 510, "slirp-helper:530", "by the parent");
		serves(&f, 600, "qemu-storage-da:610", "a device that is a process");
	}
	found_done(&f);
	clear_root();
	return tap_done();
}
