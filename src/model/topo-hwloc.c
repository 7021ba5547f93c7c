/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/topo-hwloc.h"

#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/confined.h"
#include "base/str.h"
#include "model/topology.h"

extern char **environ;

/* Whoever calls the program could tell hwloc of another machine. */
static void forget_environment(void)
{
	for (size_t i = 0; environ[i];) {
		AUTO_FREE char *name = xstrndup(environ[i], strcspn(environ[i], "="));
		if (!str_after(name, "HWLOC_") || unsetenv(name) < 0)
			i++;
	}
	/* Its complaints about odd firmware go to stderr and are not for users; what it leaves out
	 * is for note_gaps() to say. */
	setenv("HWLOC_HIDE_ERRORS", "2", 1);
}

static int start(hwloc_topology_t *ret, struct err *e)
{
	forget_environment();
	if (hwloc_topology_init(ret) < 0)
		return err_set(e, -errno, "hwloc");
	/* What is not asked of it is not read: on a large machine that is a third of its files. */
	hwloc_topology_set_flags(*ret,
		HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED | HWLOC_TOPOLOGY_FLAG_NO_MEMATTRS |
			HWLOC_TOPOLOGY_FLAG_NO_CPUKINDS);
	hwloc_topology_set_type_filter(*ret, HWLOC_OBJ_L1CACHE, HWLOC_TYPE_FILTER_KEEP_NONE);
	/* hwloc's CPUID reader would visit every CPU of this machine, isolated ones too, and even
	 * mix what it finds there into a tree of another machine. */
	hwloc_topology_set_components(*ret, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
	return 0;
}

/* ---- what hwloc found, in our words ---- */

static struct cpuset set_of(hwloc_const_cpuset_t bitmap)
{
	struct cpuset s = CPUSET_EMPTY;
	int cpu;
	if (!bitmap || hwloc_bitmap_last(bitmap) < 0) /* infinite: hwloc's "not known" */
		return s;
	hwloc_bitmap_foreach_begin(cpu, bitmap) cpuset_add(&s, cpu);
	hwloc_bitmap_foreach_end();
	return s;
}

static void add_set(struct strbuf *b, enum topology_type type, hwloc_const_cpuset_t bitmap,
	int number, uint64_t bytes)
{
	struct topology_part p = { number, bytes / 1024, set_of(bitmap) };
	if (type == TOPOLOGY_NODE || !cpuset_is_empty(&p.cpus))
		topology_add(b, type, &p);
}

static bool is_type(hwloc_obj_t o, hwloc_obj_type_t type, const char *subtype)
{
	return o->type == type && (!subtype || (o->subtype && streq(o->subtype, subtype)));
}

/*
 * The objects of a type that have CPUs, in order. Found by way of the CPUs: hwloc's own lists know
 * a type only where all of its objects are equally deep, and they are not when a core with one
 * thread offline lies inside of its L2, and the others around theirs. Returns how many.
 */
static size_t add_objects(struct strbuf *b, hwloc_topology_t t, enum topology_type as,
	hwloc_obj_type_t type, const char *subtype)
{
	int n_pus = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_PU);
	hwloc_obj_t last = NULL;
	size_t n = 0;
	for (int i = 0; i < n_pus; i++) {
		hwloc_obj_t o = hwloc_get_obj_by_type(t, HWLOC_OBJ_PU, (unsigned)i);
		while (o && !is_type(o, type, subtype))
			o = o->parent;
		if (!o || o == last)
			continue;
		bool is_cache = as == TOPOLOGY_L2 || as == TOPOLOGY_L3;
		add_set(b, as, o->cpuset, 0, is_cache ? o->attr->cache.size : 0);
		last = o;
		n++;
	}
	return n;
}

static void add_nodes(struct strbuf *b, hwloc_topology_t t)
{
	int n = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_NUMANODE);
	for (int i = 0; i < n; i++) {
		hwloc_obj_t o = hwloc_get_obj_by_type(t, HWLOC_OBJ_NUMANODE, (unsigned)i);
		add_set(b, TOPOLOGY_NODE, o->cpuset, (int)o->os_index,
			o->attr->numanode.local_memory);
	}
}

static void add_distances(struct strbuf *b, hwloc_topology_t t)
{
	struct hwloc_distances_s *d = NULL;
	unsigned int n = 1;
	if (hwloc_distances_get_by_name(t, "NUMALatency", &n, &d, 0) < 0 || n == 0 || !d)
		return;
	for (size_t i = 0; i < d->nbobjs; i++)
		for (size_t k = 0; k < d->nbobjs; k++) {
			struct topology_part p = { .number = (int)d->objs[i]->os_index,
				.kib = d->values[i * d->nbobjs + k],
				.cpus = cpuset_of((int)d->objs[k]->os_index) };
			topology_add(b, TOPOLOGY_DISTANCE, &p);
		}
	hwloc_distances_release(t, d);
}

static int load(hwloc_topology_t t, bool is_xml, char **ret, struct err *e)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	if (hwloc_topology_load(t) < 0)
		return err_set(e, errno ? -errno : -EINVAL, "hwloc could not load the topology");
	add_set(&b, TOPOLOGY_CPUS, hwloc_topology_get_complete_cpuset(t), 0, 0);
	add_set(&b, TOPOLOGY_USABLE, hwloc_topology_get_topology_cpuset(t), 0, 0);
	/* Without topology files each CPU is its own. */
	if (!add_objects(&b, t, TOPOLOGY_CORE, HWLOC_OBJ_CORE, NULL))
		add_objects(&b, t, TOPOLOGY_CORE, HWLOC_OBJ_PU, NULL);
	add_objects(&b, t, TOPOLOGY_L2, HWLOC_OBJ_L2CACHE, NULL);
	add_objects(&b, t, TOPOLOGY_L3, HWLOC_OBJ_L3CACHE, NULL);
	/* Dies are a type of their own, clusters groups with a name. */
	add_objects(&b, t, TOPOLOGY_DIE, HWLOC_OBJ_DIE, NULL);
	add_objects(&b, t, TOPOLOGY_CLUSTER, HWLOC_OBJ_GROUP, "Cluster");
	add_objects(&b, t, TOPOLOGY_SOCKET, HWLOC_OBJ_PACKAGE, NULL);
	add_nodes(&b, t);
	if (is_xml) /* else the kernel's files have them */
		add_distances(&b, t);
	*ret = b.s ? TAKE(b.s) : xstrdup("");
	return 0;
}

/* ---- from where ---- */

int topo_of_kernel(const char *root, char **ret, struct err *e)
{
	hwloc_topology_t t;
	int r = start(&t, e);
	if (r < 0)
		return r;
	/* hwloc takes another root from the environment only. */
	if (!streq(root, "/"))
		setenv("HWLOC_FSROOT", root, 1);
	r = load(t, false, ret, e);
	unsetenv("HWLOC_FSROOT");
	hwloc_topology_destroy(t);
	return r;
}

struct question {
	const char *root, *xml;
};

/* DT_REG, …: some file systems do not tell it with the name. */
static int type_of(int dir_fd, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	return fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? DT_REG
									    : IFTODT(st.st_mode);
}

enum { LONGEST_PATH = 1000 }; /* hwloc's are shorter */

static int find_odd_file(int parent, const char *name, const char *path, struct err *e)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	AUTO_DIR DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int r = 0;
	for (struct dirent *entry; d && r == 0 && (entry = readdir(d));) {
		const char *its = entry->d_name;
		bool is_process = streq(path, "proc") && *its >= '0' && *its <= '9';
		int type = *its == '.' || is_process ? DT_REG : type_of(fd, entry);
		if (type == DT_REG || type == DT_LNK || strlen(path) > LONGEST_PATH)
			continue;
		AUTO_FREE char *below = xasprintf("%s/%s", path, its);
		if (type == DT_DIR)
			r = find_odd_file(fd, its, below, e);
		else
			r = err_say(e, -EBADMSG, "%s is neither a file nor a directory nor a link",
				below);
	}
	return r;
}

/* hwloc opens what it finds, and waits for ever for somebody to write into a FIFO. As a walk
 * through a large machine costs a third of what hwloc does, it is for where hwloc is not back soon.
 */
static int refuse_odd_files(const void *context, struct err *e)
{
	const struct question *q = context;
	AUTO_CLOSE int fd = open(q->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? err_set(e, -errno, "open") : find_odd_file(fd, "sys", "sys", e);
	return r < 0 ? r : find_odd_file(fd, "proc", "proc", e);
}

/* In a process of its own. */
static int answer(const void *context, char **ret, struct err *e)
{
	const struct question *q = context;
	hwloc_topology_t t;
	int r = start(
		&t, e); /* before it is confined: hwloc may load plugins, not those of a tree */
	if (r < 0)
		return r;
	const char *root = NULL;
	r = q->root ? confine_to_tree(q->root, &root, e) : confine_to_nothing(e);
	if (r == 0 && root)
		setenv("HWLOC_FSROOT", root, 1);
	if (r == 0 && q->xml &&
		hwloc_topology_set_xmlbuffer(t, q->xml, (int)strlen(q->xml) + 1) < 0)
		r = err_say(e, -EINVAL, "the XML is damaged");
	return r < 0 ? r : load(t, q->xml, ret, e);
}

int topo_start(const char *root, struct confined *ret, struct err *e)
{
	const struct question q = { .root = root };
	return confined_start(answer, &q, ret, e);
}

int topo_of_tree(struct confined *begun, const char *root, char **ret, struct err *e)
{
	const struct question q = { .root = root };
	int r = confined_finish(begun, refuse_odd_files, &q, ret, e);
	if (r < 0)
		err_ctx(e, "topology files of '%s'", root);
	return r;
}

int topo_of_xml(const char *xml, char **ret, struct err *e)
{
	const struct question q = { .xml = xml };
	struct confined child;
	int r = confined_start(answer, &q, &child, e);
	if (r == 0)
		r = confined_finish(&child, NULL, &q, ret, e);
	if (r < 0)
		err_ctx(e, "the recording's hwloc XML");
	return r;
}
