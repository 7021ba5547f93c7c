/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI devices and where they are (Documentation/ABI/testing/sysfs-bus-pci). Files are below
 * /sys/bus/pci/devices/ADDRESS. */
#pragma once

#include "base/cpuset.h"

struct pci_device {
	const char *address; /* "0000:0b:00.0" */
	unsigned int class;  /* class: 0x030000 is a VGA controller */
	int vendor, device;  /* -1 where absent */
	int node;            /* numa_node: the kernel's number; -1 where unknown */
	const char *driver;  /* driver → …/drivers/vfio-pci; NULL without one */
	int iommu_group;     /* iommu_group → …/iommu_groups/12; -1 without an IOMMU */
};

/* "GPU", "NIC", "NVMe", "storage", "USB", "audio" …: what people call devices of the class; NULL
 * for bridges and what belongs to the board. */
const char *pci_class_name(unsigned int class);
