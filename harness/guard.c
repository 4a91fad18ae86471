/* SPDX-License-Identifier: Apache-2.0
 *
 * See guard.h. */
#include "harness/guard.h"

#include <string.h>

enum { LOOK_MS = 2000, BUSY_PERCENT = 10 };

/* What a driver and an idle program take: no more than this, or than a fiftieth of a large card. */
static uint64_t memory_floor(uint64_t memory_bytes)
{
	const uint64_t least = UINT64_C(2) << 30, share = memory_bytes / 50;

	return share > least ? share : least;
}

enum assay_status assay_guard(const struct assay_device *device, struct assay_error *error)
{
	const struct assay_device_info *info = &device->info;

	if (*info->partition && strcmp(info->partition, ASSAY_MONITOR_WHOLE) != 0)
		return assay_fail(
		    error, ASSAY_ERROR_DEVICE, "device.partition",
		    "%s: is not a whole card (%s), and cannot be certified as one; give it the whole card, or "
		    "--share for a run that is never certified",
		    device->id, info->partition);
	if (info->memory_used_bytes != UINT64_MAX && info->memory_used_bytes > memory_floor(info->memory_bytes))
		return assay_fail(
		    error, ASSAY_ERROR_DEVICE, "device.busy",
		    "%s: busy: %.1f of %.1f GiB in use; left alone. Try later, or --share for a run that is "
		    "never certified",
		    device->id, (double)info->memory_used_bytes / (1 << 30), (double)info->memory_bytes / (1 << 30));
	if (info->processes > 0)
		return assay_fail(
		    error, ASSAY_ERROR_DEVICE, "device.busy",
		    "%s: busy: %d other processes use it; left alone. Try later, or --share for a run that is "
		    "never certified",
		    device->id, info->processes);
	int busy = info->monitor ? assay_monitor_busy(info->monitor, info->pci, LOOK_MS) : -1;
	if (busy >= BUSY_PERCENT)
		return assay_fail(
		    error, ASSAY_ERROR_DEVICE, "device.busy",
		    "%s: busy: %d %% utilised over %d s; left alone. Try later, or --share for a run that is "
		    "never certified",
		    device->id, busy, LOOK_MS / 1000);
	return ASSAY_OK;
}
