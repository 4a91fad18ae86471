/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a device can be measured fairly: a whole card that nobody else works on. */
#ifndef HARNESS_GUARD_H
#define HARNESS_GUARD_H

#include "harness/backend.h"

/* Looks for two seconds where a monitor tells. What is unknown is no reason to refuse. Errors: device.partition (part
 * of a card, or a virtual one), device.busy (memory in use by others, or kernels that run). */
enum assay_status assay_guard(const struct assay_device *device, struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
