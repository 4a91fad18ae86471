/* SPDX-License-Identifier: Apache-2.0
 *
 * A budget of watts, for hosts whose supply trips: devices compute only while their power limits together fit in it.
 * The limits are those that telemetry reads, and are never set. Those that wait go in the order in which they came. */
#ifndef HARNESS_POWER_H
#define HARNESS_POWER_H

#include <pthread.h>

#include "harness/telemetry.h"
#include "verify/assay.h"

struct assay_power {
	uint32_t budget_w; /* 0 = none: everybody goes at once */
	uint64_t limits_mw[ASSAY_DEVICES_MAX];
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t used_mw, ticket, serving; /* the next ticket, and whose turn it is */
};

/* Errors: plan.power when a device's limit is not known, or is more than the budget. To be closed in any case. */
enum assay_status assay_power_open(struct assay_power *power, uint32_t budget_w, const struct assay_device *devices,
                                   uint32_t count, struct assay_telemetry *telemetry,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

/* Whether that would succeed, by a telemetry of its own. */
enum assay_status assay_power_check(uint32_t budget_w, const struct assay_device *devices, uint32_t count,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* Around whatever a device computes. */
void assay_power_enter(struct assay_power *power, uint32_t device);
void assay_power_leave(struct assay_power *power, uint32_t device);

void assay_power_close(struct assay_power *power);

#endif
