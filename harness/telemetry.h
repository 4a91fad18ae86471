/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetry of devices while they run (SPEC 8.3, 8.5): one thread reads them all, ten times a second, from the vendors'
 * own interfaces. No telemetry is never an error, and a library that hangs holds nobody up for longer than it takes to
 * notice. All functions take NULL, which knows nothing. */
#ifndef HARNESS_TELEMETRY_H
#define HARNESS_TELEMETRY_H

#include "harness/backend.h"
#include "harness/card.h"
#include "verify/telemetry.h"

struct assay_telemetry;

/* NULL when there is nothing to read. The devices' descriptions are looked at before it returns. `past` is what was
 * known of each when the job was cut off, and NULL for one that begins. */
struct assay_telemetry *assay_telemetry_start(const struct assay_device *devices, uint32_t count,
                                              const struct assay_telemetry_past *past);

/* From now on, and before any run, what assay_telemetry_save is to give is kept. */
void assay_telemetry_keep(struct assay_telemetry *telemetry);

/* A device begins to run now; see assay_card_begin. */
void assay_telemetry_begin(struct assay_telemetry *telemetry, uint32_t device,
                           const struct assay_telemetry_place *place);

/* A round of it is over, by the monotonic clock, which began no earlier than the end of the one before. *throttled,
 * which may be NULL and is to live until the run is over, becomes true if the clock was held down meanwhile. */
void assay_telemetry_round(struct assay_telemetry *telemetry, uint32_t device, uint64_t begin_ns, uint64_t end_ns,
                           bool *throttled);

/* What telemetry knows of a run; -1 = unknown. */
struct assay_telemetry_run {
	int64_t energy_mj, throttled_rounds;
	struct assay_throttled throttled; /* which they are, where the run had a place */
};

/* The device's run is over. Waits for one more reading. */
struct assay_telemetry_run assay_telemetry_end(struct assay_telemetry *telemetry, uint32_t device);

/* What was read of a device in all its runs so far; and when. `line` may be NULL. */
void assay_telemetry_claim(struct assay_telemetry *telemetry, uint32_t device, struct assay_telemetry_claim *claim,
                           struct assay_timeline *line);

/* How far a run is written down: of the rounds of a segment these. */
struct assay_telemetry_limit {
	uint32_t segment, rounds;
};

/* For a checkpoint: what was kept since the last time, but of no rounds beyond the limits, of which there is one a
 * device. Waits for a reading that speaks for those. `put` is to call nothing of this. */
void assay_telemetry_save(struct assay_telemetry *telemetry, const struct assay_telemetry_limit *limits,
                          assay_telemetry_put *put, void *context);

/* The power limit in milliwatts that held at the last reading; -1 = unknown. */
int64_t assay_telemetry_power_limit(struct assay_telemetry *telemetry, uint32_t device);

void assay_telemetry_stop(struct assay_telemetry *telemetry);

#endif
