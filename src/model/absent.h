/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Absent is not zero: the number of a file that the host does not have. */
#pragma once

#include <stdint.h>

#define ABSENT INT64_MIN
