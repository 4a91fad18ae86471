/* SPDX-License-Identifier: Apache-2.0
 *
 * See guard.h. */
#include "harness/guard.h"

#include <stdio.h>
#include <string.h>

enum { LOOK_MS = 2000, BUSY_PERCENT = 10 };

/* What a driver and an idle program take: no more than this, or than a fiftieth of a large card. */
static uint64_t memory_floor(uint64_t memory_bytes)
{
	const uint64_t least = UINT64_C(2) << 30, share = memory_bytes / 50;

	return share > least ? share : least;
}

static enum assay_status busy(const struct assay_device *device, const char *why, struct assay_error *error)
{
	return assay_fail(error, ASSAY_ERROR_DEVICE, "device.busy",
	                  "%s: busy: %s; left alone. Try later, or --share for a run that is never certified",
	                  device->id, why);
}

enum assay_status assay_guard(const struct assay_device *device, struct assay_error *error)
{
	const struct assay_device_info *info = &device->info;
	char why[96];

	if (*info->partition && strcmp(info->partition, ASSAY_MONITOR_WHOLE) != 0)
		return assay_fail(
		    error, ASSAY_ERROR_DEVICE, "device.partition",
		    "%s: is not a whole card (%s), and cannot be certified as one; give it the whole card, or "
		    "--share for a run that is never certified",
		    device->id, info->partition);
	if (info->memory_used_bytes != UINT64_MAX && info->memory_used_bytes > memory_floor(info->memory_bytes)) {
		snprintf(why, sizeof why, "%.1f of %.1f GiB in use", (double)info->memory_used_bytes / (1 << 30),
		         (double)info->memory_bytes / (1 << 30));
		return busy(device, why, error);
	}
	if (info->processes > 0) {
		snprintf(why, sizeof why, "%d other processes use it", info->processes);
		return busy(device, why, error);
	}
	int percent = info->monitor ? assay_monitor_busy(info->monitor, info->pci, LOOK_MS) : -1;
	if (percent >= BUSY_PERCENT) {
		snprintf(why, sizeof why, "%d %% utilised over %d s", percent, LOOK_MS / 1000);
		return busy(device, why, error);
	}
	return ASSAY_OK;
}
