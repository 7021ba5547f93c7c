/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must never be in a recording, and what must stay so that it replays. */
#include "vm/redact.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "host/mask.h"
#include "tap.h"

/* A command line, written with '|' for NUL, as a recording keeps it. */
static char *redacted_line(const char *text)
{
	AUTO_FREE char *line = xstrdup(text);
	size_t n = strlen(text) + 1;
	for (char *p = line; (p = strchr(p, '|'));)
		*p++ = 0;
	char *kept = redact_answer("file", "proc/7/cmdline", line, &n);
	for (size_t i = 0; i + 1 < n; i++)
		if (!kept[i])
			kept[i] = '|';
	return kept;
}

static void line_is(const char *text, const char *want, const char *what)
{
	AUTO_FREE char *got = redacted_line(text);
	same_str(got, want, "%s", what);
}

#define Q "/usr/bin/qemu-system-x86_64|"

static void options_that_say_who_and_how(void)
{
	static const char *const kept[] = {
		Q "-name|guest=db,debug-threads=on|-uuid|aa|-id|100|-pidfile|/run/100.pid",
		Q "-smp|4,sockets=1,cores=4|-m|size=4G,slots=2|-cpu|host,+x|-accel|kvm",
		Q "-machine|pc-q35-7.2,memory-backend=ram|-M|q35|-overcommit|mem-lock=on",
		Q "-object|iothread,id=io0|-object|memory-backend-ram,id=ram,host-nodes=0,policy="
		  "bind",
		Q "-object|{\"qom-type\":\"iothread\",\"id\":\"io1\"}",
		Q "-object|{\"qom-type\":\"memory-backend-memfd\",\"id\":\"m\",\"size\":1024}",
		Q "-numa|node,nodeid=0,cpus=0-3,memdev=ram|-mem-path|/run/hugepages",
		Q
		"-device|vfio-pci,host=0000:0b:00.0,id=hostpci0|-netdev|tap,id=n,vhost=on,queues=2",
		Q "-device|{\"driver\":\"virtio-scsi-pci\",\"iothread\":\"io0\"}",
		Q "-chardev|socket,id=mon0,path=/run/qmp|-mon|chardev=mon0,mode=control",
		Q "-qmp|unix:/run/a,server=on|-readconfig|/etc/q.cfg|-daemonize|-nodefaults",
	};
	for (size_t i = 0; i < N_ELEMENTS(kept); i++)
		line_is(kept[i], kept[i], kept[i] + strlen(Q));
}

static void secrets_of_a_command_line(void)
{
	line_is(Q "-object|secret,id=s0,data=hunter2", Q "-object|secret", "a secret");
	line_is(Q "-object|secret,id=s0,file=/etc/key", Q "-object|secret", "a secret's file");
	line_is(Q "-object|{\"qom-type\":\"secret\",\"data\":\"hunter2\"}", Q "-object|*",
		"a secret in JSON");
	line_is(Q "-object|tls-creds-x509,id=t,passwordid=p", Q "-object|tls-creds-x509",
		"credentials");
	line_is(Q "-spice|port=1,password=hunter2|-name|a", Q "-spice|*|-name|a", "SPICE");
	line_is(Q "-vnc|:1,password=on|-name|a", Q "-vnc|*|-name|a", "VNC");
	line_is(Q "-append|root=/dev/vda token=hunter2|-name|a", Q "-append|*|-name|a",
		"the guest's kernel command line");
	line_is(Q "-append|--token=hunter2|-name|a", Q "-append|*|-name|a",
		"one that looks like an option");
	line_is(Q "-fw_cfg|name=opt/x,string=hunter2", Q "-fw_cfg|*", "fw_cfg");
	line_is(Q "-smbios|type=11,value=hunter2", Q "-smbios|*", "SMBIOS strings");
	line_is(Q "-drive|file=https://u:hunter2@h/x", Q "-drive|*", "a drive's address");
	line_is(Q "-chardev|socket,id=c,host=h,password=hunter2,port=1",
		Q "-chardev|socket,id=c,host=h,password=*,port=1", "a key called password");
	line_is(Q "-device|{\"driver\":\"x\",\"password\":\"hun\\\"ter2\",\"id\":\"d\"}",
		Q "-device|{\"driver\":\"x\",\"password\":\"*\",\"id\":\"d\"}",
		"... in JSON, with a quote in it");
	line_is(Q "disk.img|-name|a", Q "*|-name|a", "an image");
	line_is("/usr/bin/mysql|-phunter2|db", "/usr/bin/mysql", "other programs' arguments");
	line_is("worker: hunter2@db", "worker:", "what a program wrote over its arguments");
}

static void file_is(const char *path, const char *text, const char *want, const char *what)
{
	size_t n = strlen(text);
	AUTO_FREE char *got = redact_answer("file", path, text, &n);
	same_str(got, want, "%s", what);
	ok(!got || strlen(got) == n, "... and its length");
}

static void files(void)
{
	file_is("etc/pve/nodes/a/qemu-server/1.conf",
		"# hunter2\nname: db\ncores: 4\ncipassword: $5$x\nciuser: me\nsshkeys: "
		"ssh-rsa%20x\n"
		"description: hunter2\nargs: -smp 4 -spice password=hunter2 -append x\n[snap]\n"
		"cipassword: y\nmemory: 1024\n",
		"#*\nname: db\ncores: 4\ncipassword: *\nciuser: *\nsshkeys: *\n"
		"description: *\nargs: -smp 4 -spice * -append *\n[snap]\n"
		"cipassword: *\nmemory: 1024\n",
		"a config of Proxmox VE");
	file_is("proc/cmdline",
		"root=UUID=1 isolcpus=domain,2-5 token=hunter2 rd.iscsi.password=\"a hunter2\" "
		"x.secret quiet\n",
		"root=UUID=1 isolcpus=domain,2-5 token=* rd.iscsi.password=* x.secret quiet\n",
		"the kernel's command line");
	file_is("proc/7/stat", "7 (x) S", NULL, "a file without secrets is kept as it is");
	file_is("proc/cmdline", "", NULL, "an empty command line is kept as it is");
}

static void xml_is(const char *text, const char *want, const char *what)
{
	size_t n = strlen(text);
	AUTO_FREE char *got = redact_answer("libvirt", "domains", text, &n);
	same_str(got, want, "%s", what);
}

#define IN_DOMAIN(text)  "<domains><domain type='kvm'>" text "</domain></domains>"
#define IN_DEVICES(text) IN_DOMAIN("<devices>" text "</devices>")

static void libvirts_xml(void)
{
	static const char kept[] = IN_DOMAIN(
		"<name>a</name><memory unit='KiB'>1</memory><cputune><vcpupin vcpu='0' "
		"cpuset='4'/></cputune><devices><hostdev type='pci'><source><address bus='0x0b'/>"
		"</source></hostdev></devices>");
	xml_is(kept, kept, "sizes, pins and the host's devices stay");
	xml_is(IN_DOMAIN("<title>hunter2</title><description>hunter2</description><name>a</name>"),
		IN_DOMAIN("<name>a</name>"), "title and description");
	xml_is(IN_DOMAIN("<metadata><m:x xmlns:m='http://m'><name>hunter2</name></m:x></metadata>"),
		IN_DOMAIN(""), "metadata");
	xml_is(IN_DOMAIN("<os><cmdline>token=hunter2</cmdline></os>"), IN_DOMAIN(""),
		"the guest's kernel command line");
	xml_is(IN_DOMAIN("<qemu:commandline><qemu:arg value='hunter2'/>"
			 "<qemu:env name='A' value='hunter2'/></qemu:commandline>"),
		IN_DOMAIN(""), "arguments and environment");
	xml_is(IN_DOMAIN("<sysinfo><entry name='a'>hunter2</entry></sysinfo>"), IN_DOMAIN(""),
		"SMBIOS strings");
	xml_is(IN_DEVICES("<graphics type='vnc' passwd='hunter2'/>"), IN_DEVICES(""), "VNC");
	xml_is(IN_DEVICES("<disk><auth username='u'><secret uuid='s'/></auth><source query='t=x'>"
			  "<source file='x'/></source><target dev='vda'/></disk>"),
		IN_DEVICES("<disk><target dev='vda'/></disk>"), "where a disk is");
	xml_is(IN_DOMAIN("<!-- hunter2 --><![CDATA[ hunter2 ]]><name>a</name>"),
		IN_DOMAIN("<name>a</name>"), "comments");
	xml_is(IN_DOMAIN("<title a='>'>hunter2</title>"), IN_DOMAIN(""), "a bracket in quotes");
	xml_is("<domains><domain><title>hunter2", "<domains><domain>", "one that was cut");
	xml_is("<domains><domain><title x='hunter2", "<domains><domain>", "... in a tag");
	size_t n = 3;
	ok(!redact_answer("qmp", "/run/a", "{}\n", &n), "other answers are kept as they are");
}

static void masked(struct mask *m, const char *text, const char *want)
{
	size_t n = strlen(text);
	AUTO_FREE char *got = mask_apply(m, text, &n);
	same_str(got, want, "%s", text);
}

static void names(void)
{
	static const char line[] = "qemu-kvm\0-name\0guest=db-01,debug-threads=on\0-uuid\0aa-bb";
	static const char other[] = "qemu-kvm\0-name\0db";
	struct mask *m = mask_new();
	mask_hide(m, "pve1", "host", -1);
	redact_learn(m, "file", "proc/7/cmdline", line, sizeof line);
	redact_learn(m, "file", "proc/8/cmdline", other, sizeof other);
	redact_learn(m, "file", "proc/9/cmdline", "bash\0-name\0home", 16);
	masked(m, "pve1", "host");
	masked(m, "etc/pve/nodes/pve1/qemu-server", "etc/pve/nodes/host/qemu-server");
	masked(m, "db-01 and db", "vm1 and vm2");
	masked(m, "machine-qemu\\x2d1\\x2ddb\\x2d01.scope", "machine-qemu\\x2d1\\x2dvm1.scope");
	masked(m, "uuid aa-bb", "uuid 00000000-0000-4000-8000-000000000001");
	masked(m, "dbus pve12 xpve1 _db db_", "dbus pve12 xpve1 _db db_");
	masked(m, "home", "home");
	mask_free(m);
}

int main(void)
{
	options_that_say_who_and_how();
	secrets_of_a_command_line();
	files();
	libvirts_xml();
	names();
	return tap_done();
}
