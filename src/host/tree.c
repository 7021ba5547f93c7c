/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/internal.h"

const struct host_ops host_tree_ops = { 0 };
