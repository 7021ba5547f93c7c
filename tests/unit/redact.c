/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must never be in a recording, and what must stay so that it replays. */
#include "vm/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	line_is(Q "-object|secret,id=s0,data=hunter2", Q "-object|*", "a secret");
	line_is(Q "-object|secret,id=s0,file=/etc/key", Q "-object|*", "a secret's file");
	line_is(Q "-object|{\"qom-type\":\"secret\",\"data\":\"hunter2\"}", Q "-object|*",
		"a secret in JSON");
	line_is(Q "-object|tls-creds-x509,id=t,passwordid=p", Q "-object|*", "credentials");
	line_is(Q "-spice|port=1,password=hunter2|-name|a", Q "-spice|*|-name|a", "SPICE");
	line_is(Q "-vnc|:1,password=on|-name|a", Q "-vnc|*|-name|a", "VNC");
	line_is(Q "-append|root=/dev/vda token=hunter2|-name|a", Q "-append|*|-name|a",
		"the guest's kernel command line");
	line_is(Q "-append|--token=hunter2|-name|a", Q "-append|*|-name|a",
		"one that looks like an option");
	line_is(Q "-fw_cfg|name=opt/x,string=hunter2", Q "-fw_cfg|*", "fw_cfg");
	line_is(Q "-smbios|type=11,value=hunter2", Q "-smbios|*", "SMBIOS strings");
	line_is(Q "-drive|file=https://u:hunter2@h/x", Q "-drive|*", "a drive's address");
	line_is(Q "-chardev|socket,id=c,host=h,password=hunter2,port=1", Q "-chardev|socket,id=c,*",
		"a key called password");
	line_is(Q "-chardev|socket,id=c,=hunter2", Q "-chardev|socket,id=c,*",
		"a key without a name");
	line_is(Q "-device|{\"driver\":\"x\",\"password\":\"hun\\\"ter2\",\"id\":\"d\"}",
		Q "-device|{\"driver\":\"x\",\"id\":\"d\"}", "... in JSON, with a quote in it");
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
		"root=* isolcpus=domain,2-5 token=* rd.iscsi.password=* * quiet\n",
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
		IN_DEVICES("<disk><source></source><target dev='vda'/></disk>"), "where a disk is");
	xml_is(IN_DOMAIN("<!-- hunter2 --><![CDATA[ hunter2 ]]><name>a</name>"),
		IN_DOMAIN("<name>a</name>"), "comments");
	xml_is(IN_DOMAIN("<title a='>'>hunter2</title>"), IN_DOMAIN(""), "a bracket in quotes");
	xml_is("<domains><domain><title>hunter2", "<domains><domain>", "one that was cut");
	xml_is("<domains><domain><title x='hunter2", "<domains><domain>", "... in a tag");
	size_t n = 3;
	ok(!redact_answer("qmp", "/run/a", "{}\n", &n), "other answers are kept as they are");
}

/* ---- planted words ---- */

/* Options, and in each a word LEAK that must not stay. */
static const char *const planted_options[] = {
	"-object|secret,id=s0,data=LEAK",
	"-object|{\"qom-type\":\"secret\",\"id\":\"s1\",\"data\":\"LEAK\"}",
	"-object|{\"id\":\"s1\",\"qom-type\":\"secret\",\"data\":\"LEAK\"}",
	"-object|{ \"qom-type\": \"secret\", \"id\":\"s1\", \"data\" : \"LEAK\"}",
	"-object|id=s0,qom-type=secret,data=LEAK",
	"-object|qom-type=secret,id=s0,data=LEAK",
	"-object|iothread,id=x,data=LEAK",
	"-object|tls-cipher-suites,id=a,priority=LEAK",
	"-object|sev-guest,id=sev0,session-file=x,policy=1,LEAK",
	"-drive|file=rbd:pool/img:id=a:key=LEAK",
	"-blockdev|{\"driver\":\"https\",\"url\":\"https://u:LEAK@h/x\"}",
	"-netdev|l2tpv3,id=n,src=a,dst=b,rxcookie=LEAK,txcookie=LEAK",
	"-netdev|user,id=u,guestfwd=tcp:10.0.2.100:1-cmd:curl -u user:LEAK x",
	"-netdev|user,id=u,tftp=/srv,hostname=h,LEAK",
	"-device|{\"driver\":\"x\",\"password\":\"LEAK\"}",
	"-device|{\"driver\":\"x\",\"pass\\u0077ord\":\"LEAK\"}",
	"-device|{\"driver\":\"x\",\"password\": \"LEAK\"}",
	"-device|{\"driver\":\"x\",\"opts\":{\"secret\":{\"a\":\"LEAK\"}}}",
	"-device|x,auth-token=LEAK",
	"-device|usb-storage,serial=LEAK",
	"-chardev|socket,id=c,path=/x,password=LEAK",
	"-chardev|pipe,id=c,path=/run/LEAK",
	"-mon|chardev=c,LEAK",
	"-fw_cfg|name=opt/x,string=LEAK",
	"-smbios|type=11,value=io.systemd.credential:p=LEAK",
	"-append|console=x token=LEAK",
	"-append|--token=LEAK",
	"-append|-LEAK",
	"-kernel-args|-LEAK",
	"-incoming|exec:sshpass -p LEAK",
	"-set|object.s0.data=LEAK",
	"-vnc|:1,password=LEAK",
	"-spice|password=LEAK",
	"-M|pc,x-secret=LEAK",
	"-m|1G,key=LEAK",
	"-cpu|host,password=LEAK",
	"-numa|node,secret=LEAK",
	"-qmp|unix:/x,password=LEAK",
	"-readconfig|/etc/LEAK",
	"-iscsi|user=x,password=LEAK",
	"-LEAK",
	"--object=secret,id=s,data=LEAK|x",
	/* more of these kinds */
	"-object|{\"qom-type\":\"iothread\",\"id\":\"i\",\"x\":{\"y\":[\"LEAK\"]}}",
	"-object|{\"qom-type\" :\t\"secret_keyring\",\"serial\":\"LEAK\"}",
	"-object|memory-backend-file,id=m,mem-path=/dev/shm,x=LEAK",
	"-object|authz-list,id=a,rules.0.match=LEAK",
	"-object|cryptodev-backend-lkcf,id=LEAK",
	"-object|{\"qom-type\":\"secret\",\"data\":\"LEAK\"",
	"-object|{LEAK",
	"-object|LEAK",
	"-netdev|socket,id=n,connect=LEAK:1",
	"-netdev|{\"type\":\"user\",\"password\":\"LEAK\"}",
	"-netdev|tap,id=n,script=/etc/LEAK",
	"-netdev|bridge,id=n,helper=/x --key LEAK",
	"-device|virtio-blk-pci,serial=LEAK",
	"-device|{\"driver\":\"nvme\",\"serial\": \"LEAK\"}",
	"-device|ipmi-bmc-sim,guid=LEAK",
	"-device|scsi-hd,wwn=0x1,product=LEAK,id=x",
	"-device|e1000,mac=LEAK,id=n",
	"-chardev|socket,id=c,host=LEAK,port=1",
	"-chardev|file,path=/tmp/x,logfile=LEAK",
	("-chardev|{\"id\":\"c\",\"backend\":{\"type\":\"socket\",\"data\":{\"password\": "
	 "\"LEAK\"}}}"),
	"-chardev|{ \"id\": \"c\", \"tls-creds\" : \"LEAK\" }",
	"-chardev|udp,id=c,host=a,localaddr=LEAK",
	"-mon|chardev=c,mode=control,x=LEAK",
	"-qmp|tcp:LEAK:4444,server=on",
	"-qmp|LEAK",
	"-qmp-pretty|unix:/run/x sock LEAK",
	"-monitor|telnet:LEAK:1",
	"-serial|tcp:LEAK:1",
	"-parallel|LEAK",
	"-machine|pc,memory-encryption=LEAK",
	"-machine|{\"type\":\"pc\",\"key\":\"LEAK\"}",
	"-accel|kvm,x=LEAK",
	"-smp|4,x=LEAK",
	"-uuid|LEAK and more",
	"-id|LEAK more",
	"-cpu|host,model-id=LEAK",
	"-cpu|host,hv-vendor-id=LEAK",
	"-pidfile|/tmp/LEAK",
	"-mem-path|/x LEAK",
	"-overcommit|LEAK",
	"-kernel|/boot/LEAK",
	"-initrd|/LEAK",
	"-dtb|/LEAK",
	"-bios|/LEAK",
	"-L|/LEAK",
	"-D|/var/log/LEAK",
	"-fsdev|local,id=f,path=/LEAK",
	"-virtfs|local,path=/LEAK",
	"-hda|/LEAK",
	"-cdrom|LEAK",
	"-global|driver=x,property=y,value=LEAK",
	"-boot|splash=LEAK",
	"-rtc|base=LEAK",
	"-sandbox|LEAK",
	"-runas|LEAK",
	"-trace|LEAK",
	"-blockdev|driver=luks,key-secret=LEAK,file.filename=x",
	"-blockdev|{\"driver\":\"rbd\",\"user\" : \"LEAK\"}",
	"-drive|file.password-secret=LEAK,if=none",
	"-drive|file=nvme://LEAK@0/1",
	"-tpmdev|passthrough,id=t,path=/LEAK",
	"-device|LEAK more",
	"-readconfig|/etc/a b LEAK.cfg",
	"LEAK",
	"-nodefaults|LEAK",
	"--password=LEAK",
	"-p LEAK",
	"--|LEAK",
	"-name|x,process=LEAK",
	"-prom-env|LEAK=1",
	"-audiodev|pa,id=a,server=LEAK",
	"-add-fd|fd=1,set=2,opaque=LEAK",
	"-action|LEAK",
	"-compat|LEAK",
	"-plugin|/x,arg=LEAK",
	"-seed|LEAK",
	"-semihosting-config|arg=LEAK",
};

static const char *const planted_programs[] = { "qemu-nbd|--object=secret,id=s,data=LEAK|-f|raw",
	"qemu-img|convert|--object=secret,data=LEAK", "/usr/local/bin/kvm-backup|--password=LEAK",
	"/opt/qemu-agent|-pLEAK", "mysql|-pLEAK", "python3|/usr/bin/qemu-backup|--password=LEAK",
	"qemu-storage-daemon|--object|secret,id=s,data=LEAK|--blockdev|driver=nbd,x=LEAK",
	"/usr/bin/virtqemud|--token=LEAK", "sshd: LEAK [priv]", "swtpm|socket|--key|pwd=LEAK",
	"virtiofsd|--shared-dir|/LEAK|--socket-path=/run/v.sock", "passt|--password|LEAK",
	"kvm|LEAK", "qemu-kvm|-pLEAK", "ssh|-M|-m|LEAK|host", "curl|-m|5|-u|u:LEAK", "kvm: LEAK" };

static const char *const planted_params[] = { "netroot=iscsi:chap:LEAK@10.0.0.1::::iqn",
	"rd.iscsi.password=LEAK", "systemd.set_credential=a:LEAK", "ds=nocloud;s=http://u:LEAK@h/",
	"rd.luks.key=LEAK", "ipxe_pass=LEAK", "\"x password=LEAK\"", "api_key=LEAK",
	"PASSWORD=LEAK", "rd.iscsi.in.password=\"a LEAK\"", "pw=LEAK", "init=/x -- --token=LEAK",
	"LEAK", "ip=LEAK", "nfsroot=h:/LEAK", "root=nfs:u:LEAK@h", "rd.luks.uuid=LEAK",
	"quiet x=LEAK", "isolcpus=\"LEAK\"", "kvm.x=http://LEAK@h" };

static const char *const planted_conf[] = { "#descr LEAK", "args:-vnc :1,password=LEAK",
	"args: -append \"x --token=LEAK\" -vnc :1,password=LEAK",
	"args: -fw_cfg 'name=a,string=b -pLEAK'", "cipassword: LEAK", "cipassword:LEAK",
	"ciuser: LEAK", "sshkeys: LEAK", "description: LEAK",
	"smbios1: uuid=1,serial=LEAK,base64=1", "tags: LEAK", "cicustom: user=local:LEAK",
	" cipassword: LEAK", "[snap]\n#LEAK", "[PENDING]\ncipassword: LEAK",
	"args: -append \"a --x=LEAK\"", "[special:cloudinit]\ncipassword: LEAK", "LEAK",
	"searchdomain: LEAK", "nameserver: LEAK", "citype: LEAK", "vmgenid: LEAK",
	"ipconfig0: LEAK", "args: LEAK", "args: -name x\\ LEAK", "name2: LEAK", "\t# LEAK",
	"spice_enhancements: LEAK", "meta: LEAK", "rng0: source=LEAK", "tpmstate0: LEAK",
	"efidisk0: LEAK", "serial0: /dev/LEAK", "usb0: host=LEAK", "startdate: LEAK",
	"watchdog: LEAK" };

static void no_leak(const char *kind, const char *key, const char *text, size_t n, const char *what)
{
	AUTO_FREE char *got = redact_answer(kind, key, text, &n);
	bool has_leak = got && memmem(got, n, "LEAK", 4);
	for (size_t i = 0; has_leak && i + 1 < n; i++)
		if (!got[i])
			got[i] = '|';
	ok(got && !has_leak, "planted: %s", what);
	if (has_leak)
		printf("# kept '%s'\n", got);
}

static void planted_line(const char *line)
{
	AUTO_FREE char *copy = xstrdup(line);
	size_t n = strlen(line) + 1;
	for (char *p = copy; (p = strchr(p, '|'));)
		*p++ = 0;
	no_leak("file", "proc/7/cmdline", copy, n, line);
}

static void planted_words(void)
{
	size_t n = N_ELEMENTS(planted_options) + N_ELEMENTS(planted_programs) +
		N_ELEMENTS(planted_params) + N_ELEMENTS(planted_conf);
	for (size_t i = 0; i < N_ELEMENTS(planted_options); i++) {
		AUTO_FREE char *line = xasprintf(Q "-smp|1|%s|-m|64", planted_options[i]);
		planted_line(line);
	}
	for (size_t i = 0; i < N_ELEMENTS(planted_programs); i++)
		planted_line(planted_programs[i]);
	for (size_t i = 0; i < N_ELEMENTS(planted_params); i++)
		no_leak("file", "proc/cmdline", planted_params[i], strlen(planted_params[i]),
			planted_params[i]);
	for (size_t i = 0; i < N_ELEMENTS(planted_conf); i++)
		no_leak("file", "etc/pve/qemu-server/7.conf", planted_conf[i],
			strlen(planted_conf[i]), planted_conf[i]);
	ok(n >= 150, "%zu words were planted", n);
}

/* What is kept must be as good as the whole: JSON with blanks, lists, sockets of helpers, files. */
static void what_must_stay(void)
{
	file_is("etc/wideberth/wideberth.conf",
		"# for LEAK\n[vm a]\ncores = full # LEAK\n ; LEAK\n", "\n[vm a]\ncores = full\n \n",
		"a policy without comments");
	line_is(Q "-object|{ \"qom-type\": \"iothread\", \"id\" : \"io0\" }",
		Q "-object|{\"qom-type\":\"iothread\",\"id\":\"io0\"}", "JSON with blanks");
	line_is(Q "-device|{\"driver\":\"x\",\"iothread-vq-mapping\":[{\"iothread\":\"a\",\"vqs\":["
		  "0]}]}",
		Q "-device|{\"driver\":\"x\",\"iothread-vq-mapping\":[{\"iothread\":\"a\",\"vqs\":["
		  "0]}]}",
		"objects in lists");
	line_is(Q "-object|memory-backend-ram,id=a,host-nodes=0,2,policy=bind",
		Q "-object|memory-backend-ram,id=a,host-nodes=0,2,policy=bind", "a list of nodes");
	line_is(Q "-blockdev|{\"driver\":\"nvme\",\"device\":\"0000:82:00.0\",\"node-name\":\"n\"}",
		Q "-blockdev|driver=nvme,device=0000:82:00.0,node-name=n",
		"an NVMe disk's address");
	line_is(Q "-name|guest=a,,b,debug-threads=on", Q "-name|guest=a,,b,debug-threads=on",
		"a comma in a name");
	line_is("/usr/libexec/virtiofsd|--socket-path=/run/v.sock|-o|source=/srv",
		"/usr/libexec/virtiofsd|/run/v.sock|*|*", "what ties a helper to its VM");
	line_is("/opt/x/hypervisor|-name|b|-smp|2|-p|x", "/opt/x/hypervisor|-name|b|-smp|2|-*|*",
		"QEMU under another name");
	static const char config[] =
		"[chardev \"monitor\"]\n  path = \"/run/q.sock\"\n"
		"[object \"s\"]\nqom-type = \"secret\"\ndata = \"LEAK\"\n# LEAK\n"
		"[memory]\nsize = \"1G\"\n[x LEAK]\ny = \"LEAK\"\n";
	size_t n = sizeof config - 1;
	AUTO_FREE char *got = redact_answer("qemu-config", "run/q.conf", config, &n);
	same_str(got,
		"[chardev \"monitor\"]\npath = \"/run/q.sock\"\n[object \"s\"]\nqom-type = "
		"\"secret\"\n"
		"data = \"*\"\n[memory]\nsize = \"1G\"\n[x]\nx = \"*\"\n",
		"a file of options");
	static const char users[] =
		"root:x:0:0:LEAK:/root:/bin/sh\nalice:$6$LEAK:1000:1000:LEAK:/LEAK:/x\n";
	n = sizeof users - 1;
	AUTO_FREE char *names = redact_answer("file", "etc/passwd", users, &n);
	same_str(names, "root:*:0:*:*:*:*\nalice:*:1000:*:*:*:*\n", "users");
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
	static const char other[] = "qemu-kvm\0--name\0debug-threads=on,guest=db";
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
	static const char blank[] = "qemu-kvm\0-name\0guest=custE db,debug-threads=on";
	static const char policy[] = "[vm custC-shop]\nclass = x\n[vm web*]\n[vm 100]\n";
	static const char domain[] = "<domains><domain><name>pay</name><uuid>cc-dd</uuid></domain>";
	redact_learn(m, "file", "proc/8/cmdline", blank, sizeof blank);
	redact_learn(m, "file", "etc/pve/wideberth/a.conf", policy, sizeof policy - 1);
	redact_learn(m, "libvirt", "domains", domain, sizeof domain - 1);
	redact_learn(m, "file", "etc/pve/qemu-server/7.conf", "name: sql\n", 10);
	masked(m, "machine-qemu\\x2d1\\x2dcustE\\x20db.scope", "machine-qemu\\x2d1\\x2dvm3.scope");
	masked(m, "custE db, custC-shop, web, 100, pay, cc-dd, sql",
		"vm3, vm4, web, 100, vm5, 00000000-0000-4000-8000-000000000002, vm6");
	mask_free(m);
}

int main(void)
{
	options_that_say_who_and_how();
	secrets_of_a_command_line();
	files();
	libvirts_xml();
	planted_words();
	what_must_stay();
	names();
	return tap_done();
}
