/* SPDX-License-Identifier: Apache-2.0
 *
 * How large a table memory/1 gets on the devices of a run. */
#ifndef HARNESS_TABLE_H
#define HARNESS_TABLE_H

#include "harness/backend.h"
#include "verify/challenge.h"

enum { ASSAY_TABLE_ITEM_BYTES = 128, ASSAY_TABLE_CPU_ITEMS = 1 << 22 };

/* Parameters of memory/1 for all of these devices together: in profile quick those of the row; else as many items as
 * nine tenths of the free memory of the device with the least of it hold, or on CPUs a fixed number. */
struct assay_params assay_table_params(const struct assay_profile *profile, const struct assay_row *row,
                                       const struct assay_device *devices, uint32_t count);

#endif
