/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What QEMU command lines say: every form that managers and people write. */
#include "vm/qemu-args.h"

#include <string.h>

#include "tap.h"

/* A command line is written with '|' for NUL. */
static size_t cmdline_of(const char *text, char *ret, size_t size)
{
	size_t n = strlen(text) + 1;
	memcpy(ret, text, n < size ? n : size);
	for (size_t i = 0; i < n; i++)
		if (ret[i] == '|')
			ret[i] = 0;
	return n;
}

/* "name uuid accel cpus/cores/threads io=… qmp=…" and "note" for each note. */
static char *show_args(const struct qemu_args *args)
{
	struct strbuf b = { 0 };
	strbuf_printf(&b, "%s %s %s %d/%d/%d", args->name ? args->name : "-",
		args->uuid ? args->uuid : "-", args->accel, args->smp.cpus, args->smp.cores,
		args->smp.threads);
	array_for_each (id, &args->iothreads)
		strbuf_printf(&b, " io=%s", *id);
	array_for_each (m, &args->monitors)
		strbuf_printf(&b, " qmp=%s", m->path ? m->path : m->why_not);
	array_for_each (n, &args->notes)
		strbuf_puts(&b, " note");
	return b.s;
}

#define Q "/usr/bin/qemu-system-x86_64|"

static const struct {
	const char *cmdline, *want;
} lines[] = {
	/* names */
	{ Q, "- - tcg 1/1/1" },
	{ Q "-name|web", "web - tcg 1/1/1" },
	{ Q "--name|web", "web - tcg 1/1/1" },
	{ Q "-name|guest=web,debug-threads=on", "web - tcg 1/1/1" },
	{ Q "-name|web,process=x,debug-threads=on", "web - tcg 1/1/1" },
	{ Q "-name|debug-threads=on,guest=web", "web - tcg 1/1/1" },
	{ Q "-name|guest=a,,b,,,,c,debug-threads=on", "a,b,,c - tcg 1/1/1" },
	{ Q "-name|a,,b", "a,b - tcg 1/1/1" },
	{ Q "-name|my guest", "my guest - tcg 1/1/1" },
	{ Q "-name|a|-name|b", "b - tcg 1/1/1" },
	{ Q "-name|a|-name|debug-threads=on", "a - tcg 1/1/1" },
	{ Q "-name|", "- - tcg 1/1/1" },
	{ Q "-name", "- - tcg 1/1/1" },
	{ Q "-name|guest=", "- - tcg 1/1/1" },
	{ Q "-name|,", "- - tcg 1/1/1" },
	{ Q "-name|-smp|-smp|2", "-smp - tcg 2/2/1" },
	{ Q "-append|-name|-name|x", "x - tcg 1/1/1" },
	{ Q "-kernel|k|-append|-name foo -smp 8", "- - tcg 1/1/1" },
	{ Q "-uuid|6b6a0d2c-7f5e-4a58-9a3e-2b1d0c9e8f70",
		"- 6b6a0d2c-7f5e-4a58-9a3e-2b1d0c9e8f70 tcg 1/1/1" },
	/* accelerators */
	{ Q "-enable-kvm", "- - kvm 1/1/1" },
	{ Q "-accel|kvm,dirty-ring-size=4096", "- - kvm 1/1/1" },
	{ Q "-accel|kvm|-accel|tcg", "- - kvm 1/1/1" },
	{ Q "-accel|tcg,thread=single", "- - tcg 1/1/1" },
	{ Q "-machine|q35,accel=kvm", "- - kvm 1/1/1" },
	{ Q "-M|type=pc-q35-7.2,accel=kvm:tcg,usb=off", "- - kvm 1/1/1" },
	{ "/usr/bin/kvm|-m|1024", "- - kvm 1/1/1" },
	/* CPUs */
	{ Q "-smp|4", "- - tcg 4/4/1" },
	{ Q "-smp|cpus=4", "- - tcg 4/4/1" },
	{ Q "-smp|4,sockets=1,cores=2,threads=2", "- - tcg 4/2/2" },
	{ Q "-smp|4,sockets=2,cores=2,maxcpus=4", "- - tcg 4/2/1" },
	{ Q "-smp|2,sockets=2,cores=4,maxcpus=8", "- - tcg 2/4/1" },
	{ Q "-smp|8,sockets=2", "- - tcg 8/4/1" },
	{ Q "-smp|8,threads=2", "- - tcg 8/4/2" },
	{ Q "-smp|8,cores=4", "- - tcg 8/4/1" },
	{ Q "-smp|8,sockets=1,cores=4", "- - tcg 8/4/2" },
	{ Q "-smp|16,sockets=1,dies=2,cores=4,threads=2", "- - tcg 16/8/2" },
	{ Q "-smp|16,sockets=1,clusters=2,modules=2,cores=2,threads=2", "- - tcg 16/8/2" },
	{ Q "-smp|sockets=2,cores=3,threads=2", "- - tcg 12/3/2" },
	{ Q "-smp|maxcpus=6", "- - tcg 6/6/1" },
	{ Q "-smp|2|-smp|maxcpus=4,cores=4", "- - tcg 2/4/1" },
	{ Q "-M|q35,smp.cpus=4,smp.threads=2", "- - tcg 4/2/2" },
	{ Q "-smp|8,drawers=2,books=2,sockets=2,cores=1", "- - tcg 8/1/1" },
	/* machines before 6.2 fill sockets first */
	{ Q "-machine|pc-q35-3.1|-smp|8", "- - tcg 8/1/1" },
	{ Q "-smp|8|-M|pc-i440fx-6.1", "- - tcg 8/1/1" },
	{ Q "-M|pc-q35-6.2|-smp|8", "- - tcg 8/8/1" },
	{ Q "-M|pc-q35-9.0+pve0|-smp|8", "- - tcg 8/8/1" },
	{ Q "-M|pc-i440fx-5.1+pve0|-smp|8,sockets=2", "- - tcg 8/4/1" },
	{ Q "-M|pc-q35-rhel8.4.0|-smp|8,cores=2", "- - tcg 8/2/1" },
	{ Q "-M|pc-q35-rhel8.4.0|-smp|8", "- - tcg 8/1/1" },
	{ Q "-M|pc-q35-rhel9.0.0|-smp|8", "- - tcg 8/8/1" },
	{ Q "-M|pc-i440fx-focal|-smp|8,threads=2", "- - tcg 8/1/2" },
	{ Q "-M|pc-q35-jammy|-smp|8", "- - tcg 8/8/1" },
	{ Q "-M|type=virt-4.2,gic-version=3|-smp|4", "- - tcg 4/1/1" },
	{ Q "-M|pc-1.3|-smp|4", "- - tcg 4/1/1" },
	{ Q "-smp|0x4", "- - tcg 4/4/1" },
	{ Q "-smp|4,cores=0x2", "- - tcg 4/2/1" },
	{ Q "-smp|four", "- - tcg 1/1/1 note" },
	{ Q "-smp|4,cores=-2", "- - tcg 4/4/1 note" },
	{ Q "-smp|99999999999", "- - tcg 1/1/1 note" },
	{ Q "-smp|4,wings=2", "- - tcg 4/4/1 note" },
	{ Q "-smp|8192,sockets=8192,dies=8192,cores=8192,threads=8192", "- - tcg 8192/8192/8192" },
	{ Q "-smp|0", "- - tcg 1/1/1" },
	/* I/O threads */
	{ Q "-object|iothread,id=io0|-object|iothread,poll-max-ns=0,id=io1",
		"- - tcg 1/1/1 io=io0 io=io1" },
	{ Q "-object|{\"qom-type\":\"iothread\",\"id\":\"iothread1\"}",
		"- - tcg 1/1/1 io=iothread1" },
	{ Q "-object|qom-type=iothread,id=a,,b", "- - tcg 1/1/1 io=a,b" },
	{ Q "-object|memory-backend-ram,id=ram,size=1G", "- - tcg 1/1/1" },
	{ Q "-object|{\"qom-type\":\"rng-random\",\"id\":\"r\"}", "- - tcg 1/1/1" },
	{ Q "-object|{\"qom-type\":", "- - tcg 1/1/1 note" },
	{ Q "-object|iothread", "- - tcg 1/1/1" },
	/* monitors */
	{ Q "-qmp|unix:/run/a.qmp,server=on,wait=off", "- - tcg 1/1/1 qmp=/run/a.qmp" },
	{ Q "-qmp|unix:/run/a.qmp,server,nowait", "- - tcg 1/1/1 qmp=/run/a.qmp" },
	{ Q "-qmp|unix:a,,b,server=yes", "- - tcg 1/1/1 qmp=a,b" },
	{ Q "-qmp|unix:path=/run/a,server=true", "- - tcg 1/1/1 qmp=/run/a" },
	{ Q "-qmp-pretty|unix:/run/a.qmp,server=on", "- - tcg 1/1/1 qmp=/run/a.qmp" },
	{ Q "-qmp|unix:/run/a.qmp", "- - tcg 1/1/1 qmp=QEMU dials out on it" },
	{ Q "-qmp|unix:a,server=on,abstract=on",
		"- - tcg 1/1/1 qmp=abstract sockets are not asked" },
	{ Q "-qmp|tcp:localhost:4444,server=on,wait=off",
		"- - tcg 1/1/1 qmp=TCP sockets are not asked" },
	{ Q "-qmp|stdio", "- - tcg 1/1/1 qmp='stdio' is not a unix socket" },
	{ Q "-qmp|none", "- - tcg 1/1/1" },
	{ Q "-qmp|chardev:m|-chardev|socket,id=m,path=/run/m,server=on",
		"- - tcg 1/1/1 qmp=/run/m" },
	{ Q "-mon|chardev=m,mode=control|-chardev|socket,id=m,path=/run/m,server=on,wait=off",
		"- - tcg 1/1/1 qmp=/run/m" },
	{ Q "-chardev|socket,path=/run/m,server=on,id=m|-mon|m,mode=control,pretty=on",
		"- - tcg 1/1/1 qmp=/run/m" },
	{ Q "-chardev|socket,id=m,path=/run/m,server=on|-mon|chardev=m,mode=readline",
		"- - tcg 1/1/1" },
	{ Q "-chardev|socket,id=m,path=/run/m,server=on|-mon|chardev=m", "- - tcg 1/1/1" },
	{ Q "-chardev|socket,id=m,fd=35,server=on,wait=off|-mon|chardev=m,id=monitor,mode=control",
		"- - tcg 1/1/1 qmp=its manager opened the socket and passed it on (fd=)" },
	{ Q "-chardev|socket,id=m,host=::1,port=4444,server=on|-mon|chardev=m,mode=control",
		"- - tcg 1/1/1 qmp=TCP sockets are not asked" },
	{ Q "-chardev|pty,id=m|-mon|chardev=m,mode=control",
		"- - tcg 1/1/1 qmp=its chardev is not a socket" },
	{ Q "-mon|chardev=m,mode=control",
		"- - tcg 1/1/1 qmp=its chardev is not on the command line" },
	{ Q "-chardev|{\"id\":\"m\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{\"type\":"
	    "\"unix\",\"data\":{\"path\":\"/run/m\"}},\"server\":true}}}|-mon|m,mode=control",
		"- - tcg 1/1/1 qmp=/run/m" },
	{ Q "-chardev|{\"id\":\"m\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{\"type\":"
	    "\"inet\",\"data\":{\"host\":\"::\",\"port\":\"1\"}}}}}|-mon|m,mode=control",
		"- - tcg 1/1/1 qmp=it is no unix socket that listens" },
	{ Q "-chardev|{\"id\":\"m\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{\"type\":"
	    "\"unix\",\"data\":{\"path\":\"m\",\"abstract\":true}}}}}|-mon|m,mode=control",
		"- - tcg 1/1/1 qmp=abstract sockets are not asked" },
	{ Q "-chardev|{\"id\":\"m\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{\"type\":"
	    "\"unix\",\"data\":{\"path\":\"/m\"}},\"server\":false}}}|-mon|m,mode=control",
		"- - tcg 1/1/1 qmp=QEMU dials out on it" },
	{ Q "-chardev|{\"id\":7}|-mon|m,mode=control",
		"- - tcg 1/1/1 qmp=its chardev is not on the command line note" },
	{ Q "-chardev|socket,path=/x", "- - tcg 1/1/1 note" },
	{ Q "-readconfig|/etc/vm.cfg", "- - tcg 1/1/1" },
	/* whole ones, as managers write them */
	{ "/usr/bin/kvm|-id|100|-name|db,debug-threads=on|-no-shutdown|"
	  "-chardev|socket,id=qmp,path=/var/run/qemu-server/100.qmp,server=on,wait=off|"
	  "-mon|chardev=qmp,mode=control|"
	  "-chardev|socket,id=qmp-event,path=/var/run/qmeventd.sock,reconnect-ms=5000|"
	  "-mon|chardev=qmp-event,mode=control|-pidfile|/var/run/qemu-server/100.pid|"
	  "-daemonize|-smp|4,sockets=1,cores=4,maxcpus=4|-cpu|host|-m|4096|"
	  "-object|iothread,id=iothread-virtio0",
		"db - kvm 4/4/1 io=iothread-virtio0 qmp=/var/run/qemu-server/100.qmp "
		"qmp=QEMU dials out on it" },
	{ Q "-name|guest=vm1,debug-threads=on|-S|-machine|pc-q35-9.2,usb=off,memory-backend=pc.ram|"
	    "-accel|kvm|-smp|4,maxcpus=8,sockets=1,dies=1,clusters=1,cores=4,threads=2|"
	    "-object|{\"qom-type\":\"iothread\",\"id\":\"iothread1\"}|-uuid|aa-bb",
		"vm1 aa-bb kvm 4/4/2 io=iothread1" },
};

static void test_lines(void)
{
	for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
		char text[2048];
		size_t n = cmdline_of(lines[i].cmdline, text, sizeof text);
		struct arena a = { 0 };
		struct qemu_args args;
		qemu_args_parse(&a, text, n, &args);
		AUTO_FREE char *got = show_args(&args);
		same_str(got, lines[i].want, "%s", lines[i].cmdline);
		qemu_args_done(&args);
		arena_done(&a);
	}
}

/* Every beginning of every command line: no crash (for the sanitizers). */
static void test_truncated(void)
{
	size_t n_parsed = 0;
	for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
		char text[2048];
		size_t n = cmdline_of(lines[i].cmdline, text, sizeof text);
		for (size_t k = 0; k < n; k++) {
			AUTO_FREE char *part = xstrndup("", 0);
			part = xrealloc(part, k + 1, 1);
			memcpy(part, text, k);
			part[k] = 0;
			struct arena a = { 0 };
			struct qemu_args args;
			(void)qemu_args_is_qemu(part, k, NULL);
			qemu_args_parse(&a, part, k, &args);
			n_parsed += args.smp.cpus > 0 && args.smp.cores > 0 && args.smp.threads > 0;
			qemu_args_done(&args);
			arena_done(&a);
			n_parsed--;
		}
	}
	same_int(n_parsed, 0, "every beginning of a command line gives a sane topology");
}

static void test_is_qemu(void)
{
	static const struct {
		const char *cmdline, *exe;
		bool want;
	} cases[] = {
		{ "/usr/bin/qemu-system-x86_64|-m|1", NULL, true },
		{ "qemu-system-aarch64", NULL, true },
		{ "guest|-m|1", "/usr/bin/qemu-system-x86_64", true },
		{ "guest|-m|1", "/usr/bin/qemu-system-x86_64 (deleted)", true },
		{ "/usr/bin/kvm|-id|100|-name|a", "/usr/bin/qemu-system-x86_64", true },
		{ "/usr/bin/kvm|-id|100|-name|a", NULL, true },
		{ "/usr/libexec/qemu-kvm|-machine|q35", NULL, true },
		{ "kvm|--enable-kvm", NULL, true },
		{ "kvm", NULL, false },
		{ "kvm|list|vms", NULL, false },
		{ "/usr/bin/kvm-ok|-m|1", NULL, false },
		{ "taskset|-c|0|/usr/bin/kvm|-m|1", "/usr/bin/taskset", false },
		{ "sudo|qemu-system-x86_64|-m|1", "/usr/bin/sudo", false },
		{ "vim|qemu-system-x86_64", "/usr/bin/vim", false },
		{ "/usr/bin/qemu-img|convert", NULL, false },
		{ "/usr/bin/qemu-x86_64|./a.out", NULL, false },
		{ "qemu-storage-daemon|--chardev|x", NULL, false },
		{ "/opt/qemu-system-x86_64/bin/sh", NULL, false },
	};
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char text[256];
		size_t n = cmdline_of(cases[i].cmdline, text, sizeof text);
		same_int(qemu_args_is_qemu(text, n, cases[i].exe), cases[i].want, "is QEMU: %s",
			cases[i].cmdline);
	}
	ok(!qemu_args_is_qemu("", 0, "/usr/bin/qemu-system-x86_64"), "is QEMU: no command line");
}

int main(void)
{
	test_lines();
	test_truncated();
	test_is_qemu();
	return tap_done();
}
