/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUs that come and go, and devices, whose interrupts appear: udev's word of the kernel's uevents,
 * which comes when they are ready. */
#include <systemd/sd-device.h>

#include "base/log.h"
#include "daemon/internal.h"

/* A disk or a network card is a PCI or virtio device too: those are told once. */
static const char *const subsystems[] = { "cpu", "memory", "pci", "virtio", "vfio", "usb" };

static int on_device(sd_device_monitor *m, sd_device *device, void *context)
{
	(void)m;
	(void)device;
	daemon_look(context, "a CPU or a device came or went");
	return 0;
}

static void refresh(struct daemon *d)
{
	bool is_whole = true;
	if (d->devices || sd_device_monitor_new(&d->devices) < 0)
		return;
	for (size_t i = 0; i < N_ELEMENTS(subsystems); i++)
		is_whole &= sd_device_monitor_filter_add_match_subsystem_devtype(
				    d->devices, subsystems[i], NULL) >= 0;
	if (is_whole && sd_device_monitor_attach_event(d->devices, d->event) >= 0 &&
		sd_device_monitor_start(d->devices, on_device, d) >= 0)
		return;
	log_debug("devices are not told of");
	d->devices = sd_device_monitor_unref(d->devices);
}

const struct source source_devices = { "devices", refresh, NULL };
