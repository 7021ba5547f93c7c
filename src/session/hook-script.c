/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session/hook-script.h"

#include <errno.h>
#include <string.h>

#include "apply/hook-file.h"
#include "base/program.h"
#include "base/str.h"
#include "host/host.h"
#include "vm/pve-conf.h"

#define GUEST_SCRIPT  "wideberth-%d.sh"
#define GUEST_VOLUME  "local:snippets/" GUEST_SCRIPT
#define GUEST_PATH    "var/lib/vz/snippets/" GUEST_SCRIPT
#define LIBVIRT_PATH  "etc/libvirt/hooks/qemu.d/50-wideberth"
#define BEFORE_PREFIX "# before: "

/* Only a 1 is a word of the policy (strict = yes); all else that may go wrong fails no start. */
#define CALL                                                                                       \
	"command -v wideberth >/dev/null || exit 0\n"                                              \
	"wideberth hook %s \"$@\"\n"                                                               \
	"[ $? -ne 1 ]\n"

/* What became of it so far. */
struct deeds {
	struct strbuf *said; /* a sentence for each script */
	bool has_changed;    /* something is not as it was */
};

/* ---- Proxmox VE ---- */

/* The VM's hookscript as its config has it now, malloc'ed; *ret is NULL where it has none. */
static int read_key(struct host *h, int vmid, char **ret, struct err *e)
{
	CLEANUP(arena_done) struct arena a = { 0 };
	AUTO_FREE char *text = NULL;
	struct pve_conf conf;
	int r = host_read(h, &text, NULL, "etc/pve/qemu-server/%d.conf", vmid);
	if (r == -ENOENT)
		return err_say(
			e, r, "this node has no VM %d: /etc/pve/qemu-server/%d.conf", vmid, vmid);
	if (r < 0)
		return err_set(e, r, "read /etc/pve/qemu-server/%d.conf", vmid);
	pve_conf_parse(&a, text, &conf);
	const char *value = pve_conf_get(&conf, "hookscript");
	*ret = value ? xstrdup(value) : NULL;
	return 0;
}

/* volume: NULL: none. */
static int set_key(int vmid, const char *volume, struct err *e)
{
	AUTO_FREE char *id = xasprintf("%d", vmid);
	const char *const set[] = { "qm", "set", id, "--hookscript", volume, NULL },
			  *const unset[] = { "qm", "set", id, "--delete", "hookscript", NULL };
	return program_run(volume ? set : unset, NULL, e);
}

/* The file behind a volume, malloc'ed. */
static int path_of(const char *volume, char **ret, struct err *e)
{
	const char *const argv[] = { "pvesm", "path", volume, NULL };
	int r = program_run(argv, ret, e);
	if (r == 0)
		*strchrnul(*ret, '\n') = 0;
	if (r == 0 && (**ret != '/' || strchr(*ret, '\''))) {
		r = err_say(e, -EINVAL, "'pvesm path %s' names no file that can be called: '%s'",
			volume, *ret);
		free(*ret);
		*ret = NULL;
	}
	return r;
}

/* What stood in the config before, from our script; malloc'ed, or NULL. */
static char *before_of(const char *script)
{
	const char *line = strstr(script, "\n" BEFORE_PREFIX);
	if (!line)
		return NULL;
	line += strlen("\n" BEFORE_PREFIX);
	return xstrndup(line, strcspn(line, "\n"));
}

static char *guest_script(int vmid, const char *volume, const char *path)
{
	AUTO_STRBUF struct strbuf b = { 0 };
	strbuf_printf(&b,
		"#!/bin/sh\n# 'wideberth hook remove proxmox %d' takes this away; see "
		"wideberth(8).\n",
		vmid);
	if (volume)
		strbuf_printf(&b,
			BEFORE_PREFIX "%s\nif [ -x '%s' ]; then '%s' \"$@\" || exit; fi\n", volume,
			path, path);
	strbuf_printf(&b, CALL, "proxmox");
	return TAKE(b.s);
}

static int install_guest(struct host *h, int vmid, struct deeds *d, struct err *e)
{
	AUTO_FREE char *before = NULL, *path = NULL, *ours = xasprintf(GUEST_VOLUME, vmid),
		       *file = xasprintf(GUEST_PATH, vmid);
	int r = read_key(h, vmid, &before, e);
	if (r < 0)
		return r;
	if (before && streq(before, ours)) {
		strbuf_printf(d->said, "VM %d has its hook already.\n", vmid);
		return 0;
	}
	if (before && (r = path_of(before, &path, e)) < 0)
		return r;
	AUTO_FREE char *script = guest_script(vmid, before, path);
	if ((r = hook_file_put(h, file, script, e)) < 0)
		return r;
	if ((r = set_key(vmid, ours, e)) < 0) {
		struct err later;
		d->has_changed |= hook_file_remove(h, file, &later) < 0;
		return r;
	}
	d->has_changed = true;
	strbuf_printf(d->said, "VM %d calls /%s%s%s.\n", vmid, file,
		before ? ", which calls first what it called before, " : "", before ? before : "");
	return 0;
}

static int remove_guest(struct host *h, int vmid, struct deeds *d, struct err *e)
{
	AUTO_FREE char *now = NULL, *script = NULL, *ours = xasprintf(GUEST_VOLUME, vmid),
		       *file = xasprintf(GUEST_PATH, vmid);
	int r = host_read(h, &script, NULL, "%s", file);
	if (r == -ENOENT) {
		strbuf_printf(d->said, "VM %d has no hook of wideberth's.\n", vmid);
		return 0;
	}
	if (r < 0)
		return err_set(e, r, "read /%s", file);
	r = read_key(h, vmid, &now, e);
	if (r < 0 && r != -ENOENT)
		return r;
	*e = (struct err){ 0 };
	AUTO_FREE char *before = before_of(script);
	/* what somebody has set since is left as it is, and a VM that is gone needs nothing */
	bool is_ours = now && streq(now, ours);
	if (is_ours && (r = set_key(vmid, before, e)) < 0)
		return r;
	d->has_changed |= is_ours;
	if ((r = hook_file_remove(h, file, e)) < 0)
		return r;
	d->has_changed = true;
	strbuf_printf(d->said, "VM %d calls %s again.\n", vmid,
		!is_ours && now  ? now
			: before ? before
				 : "no hook");
	return 0;
}

/* ---- libvirt ---- */

static int install_libvirt(struct host *h, struct strbuf *done, struct err *e)
{
	AUTO_FREE char *script = xasprintf("#!/bin/sh\n"
					   "# 'wideberth hook remove libvirt' takes this away; see "
					   "wideberth(8).\n" CALL,
		"libvirt");
	int r = hook_file_put(h, LIBVIRT_PATH, script, e);
	if (r == -ENOENT)
		err_say(e, r, "there is no /etc/libvirt: install libvirt first");
	if (r == 0)
		strbuf_puts(done,
			"libvirt calls /" LIBVIRT_PATH " when a domain starts and ends. Where it "
			"had no hook before, 'systemctl reload libvirtd' makes it look.\n");
	return r;
}

static int remove_libvirt(struct host *h, struct strbuf *done, struct err *e)
{
	AUTO_FREE char *script = NULL;
	int r = host_read(h, &script, NULL, "%s", LIBVIRT_PATH);
	if (r == -ENOENT) {
		strbuf_puts(done, "libvirt has no hook of wideberth's.\n");
		return 0;
	}
	if ((r = hook_file_remove(h, LIBVIRT_PATH, e)) == 0)
		strbuf_puts(done, "libvirt does not call wideberth any more.\n");
	return r;
}

/* ---- both ---- */

static int check_vmids(const struct hook_wish *wish, struct err *e)
{
	int vmid;
	for (size_t i = 0; i < wish->n_vms; i++)
		if (str_to_int(wish->vms[i], &vmid) < 0 || vmid < 1)
			return err_say(e, -EINVAL, "'%s' is no VMID", wish->vms[i]);
	return wish->n_vms ? 0 : err_say(e, -EINVAL, "name the VMs: hook install proxmox VMID...");
}

/* Ends with the first that fails; those behind it are named. */
static int do_guests(struct host *h, const struct hook_wish *wish, struct deeds *d, struct err *e)
{
	for (size_t i = 0; i < wish->n_vms; i++) {
		int vmid = 0;
		(void)!str_to_int(wish->vms[i], &vmid);
		int r = wish->is_removal ? remove_guest(h, vmid, d, e)
					 : install_guest(h, vmid, d, e);
		if (r >= 0)
			continue;
		while (++i < wish->n_vms)
			strbuf_printf(d->said, "VM %s was not tried.\n", wish->vms[i]);
		return err_ctx(e, "VM %d", vmid);
	}
	return 0;
}

enum outcome hook_script(
	struct host *h, const struct hook_wish *wish, struct strbuf *done, struct err *e)
{
	struct deeds d = { .said = done };
	int r;
	if (streq(wish->manager, "proxmox")) {
		if (check_vmids(wish, e) < 0)
			return OUTCOME_MISUSE;
		r = do_guests(h, wish, &d, e);
	} else if (streq(wish->manager, "libvirt") && !wish->n_vms) {
		r = wish->is_removal ? remove_libvirt(h, done, e) : install_libvirt(h, done, e);
	} else {
		err_say(e, -EINVAL, "hooks are for: proxmox VMID..., libvirt");
		return OUTCOME_MISUSE;
	}
	if (r >= 0)
		return OUTCOME_DONE;
	return d.has_changed ? OUTCOME_RESIDUE : OUTCOME_UNCHANGED;
}
