/* SPDX-License-Identifier: Apache-2.0
 *
 * Where telemetry of a device comes from. A source finds a device among its own and reads it; whatever it cannot read
 * is unknown. To add one: a source_<name>.c with such a table, and a line in telemetry.c. */
#ifndef HARNESS_SOURCE_H
#define HARNESS_SOURCE_H

#include "harness/backend.h"

/* What can hold a clock down; their names are in the order of their bits, which is the alphabet's. */
enum {
	ASSAY_THROTTLE_HW_POWER_BRAKE,
	ASSAY_THROTTLE_HW_SLOWDOWN,
	ASSAY_THROTTLE_HW_THERMAL,
	ASSAY_THROTTLE_SW_POWER_CAP,
	ASSAY_THROTTLE_SW_THERMAL,
	ASSAY_THROTTLE_SYNC_BOOST,
	ASSAY_THROTTLE_THERMAL, /* by the counters of Linux */
	ASSAY_THROTTLES
};
extern const char *const assay_throttle_names[ASSAY_THROTTLES];

#define ASSAY_REASONS_UNKNOWN UINT32_MAX

/* One reading; -1 = unknown. */
struct assay_sample {
	int64_t clock_mhz, memory_clock_mhz, power_mw, power_limit_mw, temperature_mc, pcie_width, pcie_generation;
	int64_t energy_uj, ecc_errors, xid_errors; /* since some moment in the past, always the same */
	uint32_t reasons;                          /* bits of the above, or ASSAY_REASONS_UNKNOWN */
};

extern const struct assay_sample assay_sample_unknown;

/* A device that was found: by what, and what it is called there. */
struct assay_reader {
	const char *source, *joined; /* SPEC 8.5 */
	void *state;                 /* the source's own */
};

struct assay_source {
	bool (*open)(struct assay_reader *reader, const struct assay_device *device);
	void (*read)(void *state, struct assay_sample *sample); /* into one that knows nothing */
	void (*close)(void *state);
};

/* NVIDIA's management library; amdgpu's files in sysfs; Linux's own of the processor. */
extern const struct assay_source assay_source_nvml, assay_source_amdgpu, assay_source_host;

#endif
