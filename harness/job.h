/* SPDX-License-Identifier: Apache-2.0
 *
 * A job: the answer to one challenge (SPEC 4). Segments one after the other, in each all devices at once from one
 * barrier, every device on its own thread; then the openings of the drawn leaves. */
#ifndef HARNESS_JOB_H
#define HARNESS_JOB_H

#include <stdatomic.h>

#include "harness/exchange.h"
#include "harness/power.h"
#include "harness/telemetry.h"
#include "harness/workload.h"
#include "verify/challenge.h"

/* What one device did in one segment. */
struct assay_run_log {
	uint32_t rounds, capacity;
	uint64_t bands;                          /* of a round */
	uint8_t (*roots)[ASSAY_HASH_BYTES];      /* one a round */
	uint8_t (*band_roots)[ASSAY_HASH_BYTES]; /* `bands` a round; NULL when they became too many to keep */
	bool bands_dropped;
	uint64_t *round_ns;  /* by the monotonic clock */
	uint64_t *device_ns; /* by the device's own clock; ASSAY_NS_UNKNOWN where it says none */
	uint64_t elapsed_ns; /* from the segment's start to the last root; of a resumed run, without the pauses */
	struct assay_telemetry_run telemetry;
};

/* Room for one more round: its root and times, not its band roots. */
enum assay_status assay_log_reserve(struct assay_run_log *log, struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_log_release(struct assay_run_log *log);

/* How a device ended before its work did. */
struct assay_failure {
	enum assay_status status; /* ASSAY_OK: it did not */
	uint32_t segment;         /* in which; challenge.segment_count in the openings */
	struct assay_error error;
};

struct assay_job;

/* Called from device threads, one at a time, after each round; `elapsed_ns` is since the barrier. */
typedef void assay_progress(void *context, const struct assay_job *job, uint32_t segment, uint32_t device,
                            uint32_t rounds, uint64_t elapsed_ns);

struct assay_job {
	struct assay_challenge challenge;
	uint8_t key[ASSAY_KEY_BYTES]; /* the prover's public key */
	struct assay_device *devices; /* challenge.devices of them; the caller's */
	assay_progress *progress;     /* may be NULL */
	void *progress_context;
	uint32_t stagger_ms;     /* device d begins, in each segment, d times this after the first one */
	uint32_t power_budget_w; /* devices compute while their power limits fit in it; 0 = none */
	void (*remark)(const struct assay_error *why); /* on devices that fail, one call at a time; may be NULL */
	uint32_t repeat_every;   /* rounds of which the first is computed twice and compared; 0 = none */
	size_t band_bytes;       /* for the band roots of all runs, 0 = 256 MiB: an opening is slower without them */
	const atomic_bool *stop; /* once it is true, devices end with the round that they are in; may be NULL */
	struct assay_exchange *exchange; /* with the verifier that asks; NULL in mode `self` */
	struct assay_journal *journal;   /* is told of each round; may be NULL */
	uint32_t pauses;                 /* how often the job was cut off and resumed */

	/* Made by assay_job_run; released by assay_job_close. A job that is resumed has the rounds of before in `runs`.
	 */
	bool stopped; /* before its end */
	char *challenge_text, *devices_text;
	uint8_t job[ASSAY_HASH_BYTES]; /* SPEC 4.1 */
	uint8_t segment_seeds[ASSAY_SEGMENTS_MAX][ASSAY_HASH_BYTES], commits[ASSAY_SEGMENTS_MAX][ASSAY_HASH_BYTES];
	uint8_t sample_key[ASSAY_HASH_BYTES];
	struct assay_run_log *runs;  /* [segment * devices + device] */
	struct assay_engine *filled; /* one a device, between a fill and the segment after it */
	struct assay_failure failures[ASSAY_DEVICES_MAX];
	struct assay_device spare; /* the cpu, where it had to open leaves for others */
	struct assay_telemetry *telemetry;
	struct assay_telemetry_past *past; /* one a device, of a job that is resumed; else NULL */
	struct assay_power power;          /* while segments run */
};

/* All segments. The caller fills the first part of the job and zeroes the rest. A device that fails keeps the rounds
 * that it has and does no more (job->failures); the others go on. An error is that of the first device when none has a
 * round, or one of what was asked for; a job with an error has nothing to attest. */
enum assay_status assay_job_run(struct assay_job *job, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The paths of the drawn leaves of one run, in draw order: samples * depth hashes, to be released with free(). NULL and
 * no error for a run without rounds. A device that failed, or fails now, is stood in for by another one or by the cpu.
 * Errors: those of the last one tried; device.miscompute when nobody has the result that the run committed to. */
enum assay_status assay_job_open(struct assay_job *job, uint32_t segment, uint32_t device, uint8_t **paths,
                                 struct assay_error *error) ASSAY_CHECK_RESULT;

/* The same on this device and no other. */
enum assay_status assay_job_open_on(const struct assay_job *job, uint32_t segment, uint32_t device,
                                    struct assay_device *on, uint8_t **paths,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

void assay_job_close(struct assay_job *job);

/* Makes the two texts and room for the runs, unless they are there; assay_job_run does it otherwise. */
enum assay_status assay_job_texts(struct assay_job *job, struct assay_error *error) ASSAY_CHECK_RESULT;

/* What one run may keep of band roots, in bytes. */
size_t assay_band_share(const struct assay_job *job);

#endif
