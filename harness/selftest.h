/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device must get right before it may work: small rounds of every workload against the verifier's arithmetic,
 * and operands at the rails, which random ones never reach. Runs before every job. */
#ifndef HARNESS_SELFTEST_H
#define HARNESS_SELFTEST_H

#include "harness/backend.h"

/* Errors: device.miscompute, with the case that was wrong; and whatever the device reports. */
enum assay_status assay_selftest(struct assay_device *device, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The error device.miscompute for a device that got `what` wrong. */
enum assay_status assay_selftest_wrong(const struct assay_device *device, const char *what, struct assay_error *error);

#endif
