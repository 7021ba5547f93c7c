/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt's domains: its XML, and its processes and cgroups on a fake machine. */
#include <errno.h>
#include <signal.h>

#include "base/str.h"
#include "../machine/fake-proc.h"
#include "tap.h"
#include "vm/domain-xml.h"
#include "vm/libvirt.h"
#include "vm/provider.h"
#include "vm/xml.h"

/* ---- XML ---- */

static void show_element(void *context, const struct xml_element *e)
{
	struct strbuf *b = context;
	strbuf_printf(b, "%s", e->path);
	array_for_each (attr, &e->attrs)
		strbuf_printf(b, " %s=%s", attr->name, attr->value);
	strbuf_printf(b, "%s%s;", *e->text ? ":" : "", e->text);
}

static const struct {
	const char *what, *xml, *want; /* with "!" when refused */
} texts[] = {
	{ "nothing", "", "" },
	{ "an element", "<a/>", "a;" },
	{ "children come first", "<a><b/><c>x</c></a>", "a/b;a/c:x;a;" },
	{ "attributes in both quotes", "<a b='1' c=\"it's\"/>", "a b=1 c=it's;" },
	{ "over several lines", "<a\n\tb = '1'\n\tc='2'\n/>", "a b=1 c=2;" },
	{ "carriage returns", "<a>\r\n<b c='1'/>\r\n</a>\r\n", "a/b c=1;a;" },
	{ "text around children", "<a> x <b>y</b> z </a>", "a/b:y;a:x  z;" },
	{ "comments", "<a><!-- <b/> -- > --><c/></a>", "a/c;a;" },
	{ "a comment inside cputune", "<a>1<!-- 2 -->3</a>", "a:13;" },
	{ "a declaration", "<?xml version='1.0'?>\n<a/>", "a;" },
	{ "CDATA", "<a><![CDATA[<b>&amp;]]></a>", "a:<b>&amp;;" },
	{ "entities", "<a b='&lt;&amp;&quot;&apos;'>&gt;&#65;&#x42;&#233;</a>",
		"a b=<&\"':>AB\xc3\xa9;" },
	{ "characters of more bytes", "<a>&#x20ac;&#x1f600;</a>",
		"a:\xe2\x82\xac\xf0\x9f\x98\x80;" },
	{ "entities that are none", "<a>&x; & &#0; &#xd800; &#99999999; &#x;</a>",
		"a:&x; & &#0; &#xd800; &#99999999; &#x;;" },
	{ "namespaces", "<q:a xmlns:q='u'><q:b/></q:a>", "q:a/q:b;q:a xmlns:q=u;" },
	{ "a document type", "<!DOCTYPE a><a/>", "!" },
	{ "an entity bomb", "<!DOCTYPE a [<!ENTITY b 'x'>]><a>&b;</a>", "!" },
	{ "the wrong end", "<a><b></a>", "!" },
	{ "the end of nothing", "</a>", "!" },
	{ "no end", "<a><b/>", "a/b;!" },
	{ "a longer name", "<a></ab>", "!" },
	{ "an attribute without value", "<a b/>", "!" },
	{ "an attribute without quotes", "<a b=1/>", "!" },
	{ "an attribute without end", "<a b='1/>", "!" },
	{ "a comment without end", "<a/><!-- ", "a;!" },
	{ "CDATA without end", "<a><![CDATA[ </a>", "!" },
	{ "a lone bracket", "<", "!" },
	{ "a name and no more", "<a", "!" },
	{ "a slash in the middle", "<a / b='1'>", "!" },
};

static void test_xml(void)
{
	for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
		struct arena a = { 0 };
		AUTO_STRBUF struct strbuf b = { 0 };
		strbuf_puts(&b, "");
		if (xml_walk(&a, texts[i].xml, show_element, &b) < 0)
			strbuf_puts(&b, "!");
		same_str(b.s, texts[i].want, "XML: %s", texts[i].what);
		arena_done(&a);
	}
	AUTO_STRBUF struct strbuf deep = { 0 }, b = { 0 };
	for (int i = 0; i < 1000; i++)
		strbuf_puts(&deep, "<a>");
	struct arena a = { 0 };
	same_int(xml_walk(&a, deep.s, show_element, &b), -EINVAL, "XML: too deep");
	arena_done(&a);
}

/* ---- domains ---- */

static const char domain[] =
	"<domains><domain type='kvm' id='1'>\n"
	"<name>web</name><uuid>6b6a0d2c-7f5e-4a58-9a3e-2b1d0c9e8f70</uuid>\n"
	"<metadata><x:y xmlns:x='http://x'><name>no</name></x:y></metadata>\n"
	"<memory unit='KiB'>4194304</memory><currentMemory unit='KiB'>4194304</currentMemory>\n"
	"<memoryBacking><hugepages><page size='2048' unit='KiB' nodeset='0'/></hugepages>"
	"<locked/></memoryBacking>\n"
	"<vcpu placement='static' cpuset='2-5' current='4'>8</vcpu>\n"
	"<iothreads>3</iothreads><iothreadids><iothread id='1'/><iothread id='4'/></iothreadids>\n"
	"<cputune><shares>2048</shares><!-- by hand -->\n"
	"<vcpupin vcpu='0' cpuset='4'/><vcpupin vcpu=\"1\"\n\tcpuset=\"5,^4\"/>"
	"<emulatorpin cpuset='0-1'/><iothreadpin iothread='1' cpuset='0'/>"
	"<vcpusched vcpus='0-3' scheduler='fifo' priority='1'/>"
	"<emulatorsched scheduler='idle'/></cputune>\n"
	"<numatune><memory mode='strict' nodeset='0'/>"
	"<memnode cellid='1' mode='preferred' nodeset='1'/></numatune>\n"
	"<cpu mode='host-passthrough' check='none'><topology sockets='1' dies='2' cores='2'"
	" threads='2'/><numa><cell id='0' cpus='0-3' memory='2097152' unit='KiB'/>"
	"<cell id='1' cpus='4-7' memory='2' unit='GiB'/></numa></cpu>\n"
	"<devices><disk type='file' device='disk'><driver name='qemu' type='raw' queues='4' "
	"iothread='1'/><source file='/x'/><target dev='vda' bus='virtio'/></disk>\n"
	"<disk type='file' device='disk'><target dev='sda' bus='scsi'/>"
	"<address type='drive' controller='1' bus='0' target='0' unit='0'/></disk>\n"
	"<controller type='scsi' index='1' model='virtio-scsi'><driver queues='2' iothread='4'/>"
	"</controller>\n"
	"<interface type='network'><model type='virtio'/><driver name='vhost' queues='2'/>"
	"<alias name='net0'/></interface>\n"
	"<hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source><address "
	"domain='0x0000' bus='0x0b' slot='0x00' function='0x1'/></source><alias name='hostdev0'/>"
	"<address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/></hostdev>\n"
	"<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/></source></hostdev>\n"
	"<memballoon model='virtio'/></devices></domain>\n"
	"<domain type='qemu' id='2'><name>a &amp; b</name><uuid>u2</uuid><memory>524288</memory>"
	"<vcpu>2</vcpu><devices><memballoon model='none'/></devices></domain></domains>";

static char *show_domain(const struct domain *d)
{
	const struct vm_config *c = &d->config;
	struct strbuf b = { 0 };
	strbuf_printf(&b, "%s %dx%dx%d %d/%d %lluM huge=%lld%s%s", d->name, c->sockets, c->cores,
		c->threads, c->vcpus, c->max_vcpus, (unsigned long long)c->memory_mib,
		(long long)c->hugepages_kib, c->is_memory_locked ? " locked" : "",
		c->has_balloon ? " balloon" : "");
	array_for_each (n, &c->nodes)
		strbuf_printf(&b, " node %d{%s %lluM %s %s}", n->node, n->cpus,
			(unsigned long long)n->mib, n->hostnodes ? n->hostnodes : "-",
			n->policy ? n->policy : "-");
	if (c->numa_nodes)
		strbuf_printf(&b, " numa=%s:%s", c->numa_mode, c->numa_nodes);
	array_for_each (id, &c->iothreads)
		strbuf_printf(&b, " io=%s", *id);
	array_for_each (p, &c->pins)
		strbuf_printf(&b, " [%s %s]", p->what, p->value);
	array_for_each (disk, &c->disks)
		strbuf_printf(&b, " disk=%s/%s*%d", disk->id, disk->iothread, disk->queues);
	array_for_each (n, &c->nets)
		strbuf_printf(&b, " net=%s/%s*%d%s", n->id, n->model, n->queues,
			n->has_vhost ? "+vhost" : "");
	array_for_each (p, &c->pci)
		strbuf_printf(&b, " pci=%s/%s", p->id, p->address);
	return b.s;
}

static void test_domains(void)
{
	struct arena a = { 0 };
	struct domains all;
	same_int(domains_parse(&a, domain, &all), 0, "two domains");
	if (ok(all.n == 2, "both are there")) {
		AUTO_FREE char *one = show_domain(&all.v[0]), *two = show_domain(&all.v[1]);
		same_str(one,
			"web 1x4x2 4/8 4096M huge=-2 locked balloon node 1{4-7 2048M 1 "
			"preferred} "
			"node 0{0-3 2048M - -} numa=strict:0 io=iothread1 io=iothread4 "
			"io=iothread2 "
			"[vcpu 0 4] [vcpu 1 5,^4] [emulator 0-1] [iothread 1 0] "
			"[scheduler of vcpus 0-3 fifo:1] [scheduler of emulator idle] "
			"disk=vda/iothread1*4 disk=sda/iothread4*2 net=net0/virtio*2+vhost "
			"pci=hostdev0/0000:0b:00.1",
			"everything");
		same_str(two, "a & b 2x1x1 2/2 512M huge=0", "next to nothing");
	}
	arena_done(&a);
	same_int(domains_parse(&a, "<domains><domain><name>x</name></domain><domain>", &all),
		-EINVAL, "cut short");
	same_int(all.n, 1, "what came before is good");
	arena_done(&a);
}

/* As real ones are called (libvirt 9 and 11); in a host's name there is no underscore. */
static const struct scope_row {
	int id;
	const char *name, *scope;
} scope_rows[] = {
	{ 1, "web", "machine-qemu\\x2d1\\x2dweb.scope" },
	{ 12, "db-01.lan", "machine-qemu\\x2d12\\x2ddb\\x2d01.lan.scope" },
	{ 3, "-a--b_c.", "machine-qemu\\x2d3\\x2da\\x2dbc.scope" },
	{ 4, "\xc3\xa4", "machine-qemu\\x2d4.scope" },
};

static void test_scopes(void)
{
	for (size_t i = 0; i < N_ELEMENTS(scope_rows); i++) {
		AUTO_FREE char *scope = libvirt_scope(scope_rows[i].id, scope_rows[i].name);
		same_str(scope, scope_rows[i].scope, "the scope of '%s'", scope_rows[i].name);
		same_int(libvirt_scope_id(scope), scope_rows[i].id, "... and back");
	}
	AUTO_FREE char *longest = libvirt_scope(
		1, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg");
	same_int((int)strlen(longest),
		(int)(strlen("machine-.scope") + 64 + 2 * strlen("\\x2d") - 2),
		"a machine's name is no longer than a host's");
	ok(libvirt_scope_id("100.scope") < 0 &&
			libvirt_scope_id("machine-qemu\\x2dweb.scope") < 0 &&
			libvirt_scope_id("machine-qemu\\x2d1") < 0,
		"others are none of its");
}

/* ---- processes ---- */

#define LIBVIRT(name, uuid)                                                                        \
	Q "-name|guest=" name ",debug-threads=on|-S|-uuid|" uuid "|-smp|2|-chardev|socket,"        \
	  "id=charmonitor,fd=24,server=on,wait=off|-mon|chardev=charmonitor,id=monitor,mode="      \
	  "control|-object|{\"qom-type\":\"iothread\",\"id\":\"iothread1\"}"
#define SCOPE "machine.slice/machine-qemu-1.scope"

static void put_domains(void)
{
	put_cgroup("", "");
	put_cgroup("machine.slice", "domain");
	put_cgroup(SCOPE, "domain");
	put_cgroup(SCOPE "/libvirt", "domain threaded");
	static const char *const groups[] = { "emulator", "vcpu0", "vcpu1", "iothread1", "vcpus" };
	for (size_t i = 0; i < N_ELEMENTS(groups); i++) {
		AUTO_FREE char *path = xasprintf(SCOPE "/libvirt/%s", groups[i]);
		put_cgroup(path, "threaded");
	}
	/* names that say nothing, or lie: the cgroups tell, but for who was taken out of them */
	put_process(500, 1, 9, LIBVIRT("web", "U-1"), SCOPE "/libvirt/emulator",
		T({ 500, "qemu-system-x86" }, { 501, "qemu-system-x86", SCOPE "/libvirt/vcpu1" },
			{ 502, "CPU 7/KVM", SCOPE "/libvirt/vcpu0" },
			{ 503, "kvm-nx-lpage-re", SCOPE "/libvirt/vcpu0" },
			{ 504, "qemu-system-x86", SCOPE "/libvirt/iothread1" },
			{ 505, "vhost-500" }, { 506, "IO mon_iothread" },
			{ 507, "CPU 2/KVM", SCOPE "/libvirt/vcpus" },
			{ 508, "IO iothread2", SCOPE "/libvirt/vcpus" }));
	/* no cgroups: the names do, and it is known by its pid file */
	put("600\n", 4, "run/libvirt/qemu/db.pid");
	put_process(600, 1, 9, LIBVIRT("db", "U-2"), "machine.slice",
		T({ 600, "qemu-system-x86" }, { 601, "CPU 0/KVM" }, { 602, "IO iothread1" },
			{ 603, "CPU 1/KVM" }));
	put_process(700, 1, 9, Q "-name|bare", "", T({ 700, "q" }, { 701, "CPU 0/KVM" }));
}

static char *show_roles(const struct vm *vm)
{
	struct strbuf b = { 0 };
	strbuf_printf(&b, "%s:", vm->manager);
	for (size_t i = 0; i < vm->n_threads; i++) {
		const struct vm_thread *t = &vm->threads[i];
		strbuf_printf(&b, " %d=%s", t->tid, thread_role_name(t->role));
		if (t->role == ROLE_VCPU)
			strbuf_printf(&b, "%d", t->index);
		if (t->id)
			strbuf_printf(&b, ":%s", t->id);
	}
	return b.s;
}

static void same_roles(const struct found *f, const char *id, const char *want)
{
	const struct vm *vm = vms_lookup(f->v, id);
	if (!ok(vm != NULL, "%s is there", id))
		return;
	AUTO_FREE char *roles = show_roles(vm);
	same_str(roles, want, "threads of %s", id);
}

static void test_tree(void)
{
	struct found f;
	if (!find_all(&f, root, NULL))
		return;
	same_roles(&f, "web",
		"libvirt: 502=vcpu0 501=vcpu1 507=vcpu2 500=emulator 504=iothread:iothread1 "
		"508=iothread:iothread2 505=vhost 506=worker 503=kvm");
	same_roles(&f, "db", "libvirt: 601=vcpu0 603=vcpu1 600=emulator 602=iothread:iothread1");
	same_roles(&f, "bare", "qemu: 701=vcpu0 700=emulator");
	same_int(vms_lookup(f.v, "web")->n_notes, 0, "a tree has no daemon to complain about");
	found_done(&f);
}

/* A recording of the same machine in which libvirt answered. */
static void test_answer(void)
{
	struct found f;
	AUTO_FREE char *dir = xasprintf("%s/recorded", root);
	if (!find_all(&f, root, dir))
		return;
	found_done(&f);
	edit_recording(dir, "libvirt domains",
		"<domains><domain><name>Web</name><uuid>u-1</uuid><vcpu>2</vcpu><cputune>"
		"<vcpupin vcpu='0' cpuset='3'/></cputune></domain></domains>");
	if (!find_all(&f, dir, NULL))
		return;
	const struct vm *web = vms_lookup(f.v, "Web"), *db = vms_lookup(f.v, "db");
	if (ok(web && db, "both domains are there")) {
		same_str(web->config->source, "libvirt", "the XML was taken");
		ok(web->config->pins.n == 1 && streq(web->config->pins.v[0].value, "3"), "its pin");
		same_str(db->config->source, "command line", "without XML: the command line");
		ok(db->n_notes == 1 && strstr(db->notes[0], "does not list it"), "a note says so");
	}
	found_done(&f);
}

/* No daemon here, or not even the library: an answer in time all the same. */
static void test_ask(void)
{
	AUTO_FREE char *text = NULL;
	setenv("LIBVIRT_DEFAULT_URI", "qemu+unix:///system?socket=/nonexistent/socket", 1);
	int r = libvirt_ask(NULL, "domains", &text);
	ok(r == -ECONNREFUSED || r == -ENOPKG, "nobody there: %s", libvirt_outcome(r));
	ok(*libvirt_outcome(-ETIME) && *libvirt_outcome(-EIO) && *libvirt_outcome(-EACCES),
		"outcomes have words");
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(root))
		return 1;
	test_xml();
	test_domains();
	test_scopes();
	put_domains();
	test_tree();
	test_answer();
	test_ask();
	clear_root();
	return tap_done();
}
