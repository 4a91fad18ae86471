/* SPDX-License-Identifier: Apache-2.0
 *
 * See job.h. */
#include "harness/job.h"

#include <stdlib.h>
#include <string.h>

#include "harness/devices.h"
#include "harness/journal.h"
#include "harness/measure.h"
#include "harness/repeat.h"
#include "harness/seeds.h"
#include "harness/segment.h"
#include "verify/chain.h"

size_t assay_band_share(const struct assay_job *job)
{
	enum { BAND_BYTES = 256 << 20 };

	return (job->band_bytes ? job->band_bytes : BAND_BYTES) / job->challenge.segment_count / job->challenge.devices;
}

enum assay_status assay_log_reserve(struct assay_run_log *log, struct assay_error *error)
{
	if (log->rounds < log->capacity)
		return ASSAY_OK;
	uint32_t capacity = log->capacity ? 2 * log->capacity : 16;
	void *roots = realloc(log->roots, (size_t)capacity * sizeof *log->roots);
	if (roots)
		log->roots = roots;
	void *times = realloc(log->round_ns, (size_t)capacity * sizeof *log->round_ns);
	if (times)
		log->round_ns = times;
	void *device_times = realloc(log->device_ns, (size_t)capacity * sizeof *log->device_ns);
	if (device_times)
		log->device_ns = device_times;
	if (!roots || !times || !device_times)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory for the results of %u rounds",
		                  capacity);
	log->capacity = capacity;
	return ASSAY_OK;
}

/* Room for one more round, and for its band roots while they fit. */
static enum assay_status log_grow(const struct assay_job *job, struct assay_run_log *log, struct assay_error *error)
{
	const uint32_t before = log->capacity;
	enum assay_status status = assay_log_reserve(log, error);
	size_t bands_len = (size_t)log->capacity * log->bands * sizeof *log->band_roots;
	void *bands = NULL;

	if (status || log->capacity == before)
		return status;
	if (!log->bands_dropped && bands_len <= assay_band_share(job))
		bands = realloc(log->band_roots, bands_len);
	if (bands) {
		log->band_roots = bands;
	} else {
		free(log->band_roots);
		log->band_roots = NULL;
		log->bands_dropped = true;
	}
	return ASSAY_OK;
}

void assay_log_release(struct assay_run_log *log)
{
	free(log->roots);
	free(log->band_roots);
	free(log->round_ns);
	free(log->device_ns);
	memset(log, 0, sizeof *log);
}

/* Whether a run has not reached the length of its segment. */
static bool is_unfinished(const struct assay_segment *segment, const struct assay_run_log *log)
{
	const uint64_t asked_ns = UINT64_C(1000000) * segment->duration_ms;

	return assay_segment_rounds_allowed(segment, log->rounds + 1) &&
	       (segment->rounds ? log->rounds < segment->rounds : log->elapsed_ns < asked_ns);
}

static bool is_stopped(const struct assay_job *job)
{
	return job->stop && atomic_load(job->stop);
}

/* The next round, from `before` to *now; and where it is due the same once more: what is refuted is not committed. */
static enum assay_status next_round(struct assay_device_run *run, struct assay_engine *engine, uint64_t before,
                                    uint64_t *now)
{
	struct assay_job *job = run->shared->job;
	struct assay_run_log *log = run->log;
	uint8_t *root = log->roots[log->rounds];

	enum assay_status status = assay_engine_round(engine, run->seed, root, run->bands, &run->error);
	if (status)
		return status;
	*now = assay_clock_ns();
	assay_telemetry_round(job->telemetry, run->device, before, *now, NULL);
	log->round_ns[log->rounds] = *now - before;
	log->device_ns[log->rounds] = engine->device_ns;
	if (job->repeat_every && log->rounds % job->repeat_every == 0) {
		status = assay_repeat_round(&run->repeat, run->seed, root, log->rounds, &run->error);
		*now = assay_clock_ns();
	}
	return status;
}

/* Where power has a budget, waits for a share of it; false when the segment is over by then. */
static bool power_enter(struct assay_device_run *run, uint64_t start, uint64_t *before)
{
	struct assay_job *job = run->shared->job;
	const uint64_t asked_ns = UINT64_C(1000000) * job->challenge.segments[run->shared->segment].duration_ms;

	if (!job->power.budget_w)
		return true;
	assay_power_enter(&job->power, run->device);
	*before = assay_clock_ns();
	if (!is_stopped(job) && (run->log->rounds == 0 || asked_ns == 0 || *before - start < asked_ns))
		return true;
	assay_power_leave(&job->power, run->device);
	return false;
}

/* Rounds until the segment's length is reached: a number of them, or a duration. */
static enum assay_status rounds(struct assay_device_run *run, struct assay_engine *engine, uint64_t start)
{
	struct assay_segment_run *shared = run->shared;
	struct assay_job *job = shared->job;
	const struct assay_segment *segment = &job->challenge.segments[shared->segment];
	struct assay_run_log *log = run->log;
	const uint64_t worked_ns = log->elapsed_ns;
	/* A late start is no part of a round, nor is waiting for power, but of the time that counts. */
	uint64_t now, before = start + UINT64_C(1000000) * job->stagger_ms * run->device;

	while (is_unfinished(segment, log) && !is_stopped(job) && power_enter(run, start, &before)) {
		enum assay_status status = log_grow(job, log, &run->error);
		if (!status)
			status = next_round(run, engine, before, &now);
		assay_power_leave(&job->power, run->device);
		if (status)
			return status;
		log->elapsed_ns = worked_ns + now - start;
		before = now;
		if (log->band_roots)
			memcpy(log->band_roots + (size_t)log->rounds * log->bands, run->bands,
			       log->bands * sizeof *run->bands);
		if (job->journal)
			assay_journal_round(job->journal, shared->segment, run->device, log->rounds,
			                    log->roots[log->rounds], log->round_ns[log->rounds], log->elapsed_ns);
		assay_chain_round(run->seed, log->roots[log->rounds]);
		log->rounds++;
		if (job->progress) {
			pthread_mutex_lock(&shared->report_lock);
			job->progress(job->progress_context, job, shared->segment, run->device, log->rounds,
			              log->elapsed_ns);
			pthread_mutex_unlock(&shared->report_lock);
		}
	}
	return ASSAY_OK;
}

/* The seed of the run's next round; *last is that of its last one, if it has any. */
static void seed_find(struct assay_device_run *run, uint8_t last[ASSAY_HASH_BYTES])
{
	assay_chain_run(run->seed, run->shared->job->segment_seeds[run->shared->segment], run->device);
	for (uint32_t r = 0; r < run->log->rounds; r++) {
		memcpy(last, run->seed, ASSAY_HASH_BYTES);
		assay_chain_round(run->seed, run->log->roots[r]);
	}
}

/* A round that does not count: of a resumed run the last one once more, which must be what it was; else one from a seed
 * that no job has. */
static enum assay_status round_apart(struct assay_device_run *run, struct assay_engine *engine)
{
	static const uint8_t nobody[ASSAY_HASH_BYTES];
	const struct assay_job *job = run->shared->job;
	const struct assay_run_log *log = run->log;
	uint8_t last[ASSAY_HASH_BYTES], root[ASSAY_HASH_BYTES];

	memcpy(last, nobody, sizeof last);
	seed_find(run, last);
	enum assay_status status = assay_engine_round(engine, last, root, run->bands, &run->error);
	if (!status && log->rounds && memcmp(root, log->roots[log->rounds - 1], sizeof root) != 0)
		status =
		    assay_fail(&run->error, ASSAY_ERROR_DEVICE, "device.miscompute",
		               "%s: %s: round %u, the last of the checkpoint, comes out otherwise now; the device is "
		               "faulty, or the checkpoint is not its own",
		               job->devices[run->device].id, engine->workload->work->name, log->rounds - 1);
	return status;
}

/* A segment holds no more rounds than SPEC 3.3 allows; what is left of a long duration would count against the rate. */
static enum assay_status rounds_fit(struct assay_device_run *run, struct assay_engine *engine)
{
	const struct assay_job *job = run->shared->job;
	const struct assay_segment *segment = &job->challenge.segments[run->shared->segment];
	uint64_t start = assay_clock_ns();

	enum assay_status status = round_apart(run, engine);
	uint64_t longest_ms = (assay_clock_ns() - start) * (ASSAY_ROUNDS_MAX / 5 * 4) / 1000000;
	if (!status && segment->duration_ms > longest_ms)
		status = assay_fail(
		    &run->error, ASSAY_ERROR_INPUT, "plan.rounds",
		    "%s: %s would do more than %d rounds in %u s; ask for at most %llu s, or larger sizes (--row)",
		    job->devices[run->device].id, segment->work->name, ASSAY_ROUNDS_MAX, segment->duration_ms / 1000,
		    (unsigned long long)(longest_ms / 1000));
	return status;
}

/* Before the barrier: memory is mapped, programs are compiled for this size; and a long segment is checked. */
static enum assay_status warm_up(struct assay_device_run *run, struct assay_engine *engine)
{
	enum { LONG_MS = 60000 };
	const struct assay_segment *segment = &run->shared->job->challenge.segments[run->shared->segment];

	run->log->bands = engine->bands;
	run->bands = malloc(engine->bands * sizeof *run->bands);
	enum assay_status status = run->bands ? log_grow(run->shared->job, run->log, &run->error)
	                                      : assay_fail(&run->error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status && run->shared->job->repeat_every)
		status = assay_repeat_open(&run->repeat, engine, &run->error);
	if (!status)
		status = round_apart(run, engine);
	if (!status && segment->duration_ms > LONG_MS)
		status = rounds_fit(run, engine);
	return status;
}

enum assay_status assay_run_ready(struct assay_device_run *run, struct assay_engine *engine)
{
	struct assay_job *job = run->shared->job;
	const struct assay_segment *segment = &job->challenge.segments[run->shared->segment];
	const struct assay_workload *workload = assay_workload_of(segment->work);
	enum assay_status status = ASSAY_OK;

	if (segment->work->fill) {
		*engine = job->filled[run->device];
		memset(&job->filled[run->device], 0, sizeof *engine);
	} else {
		status =
		    assay_engine_prepare(engine, &job->devices[run->device], workload, &segment->params, &run->error);
	}
	if (segment->work->is_fill)
		return status ? status : workload->reserve(engine->state, &run->error);
	return status ? status : warm_up(run, engine);
}

static enum assay_status fill(struct assay_device_run *run, struct assay_engine *engine)
{
	struct assay_job *job = run->shared->job;
	const struct assay_device *device = &job->devices[run->device];
	uint8_t seed[ASSAY_HASH_BYTES];

	assay_chain_run(seed, job->segment_seeds[run->shared->segment], run->device);
	assay_power_enter(&job->power, run->device);
	enum assay_status status = engine->workload->fill(engine->state, seed, &run->error);
	if (!status)
		status = device->backend->synchronise(device->handle, &run->error);
	assay_power_leave(&job->power, run->device);
	if (!status) {
		job->filled[run->device] = *engine;
		memset(engine, 0, sizeof *engine);
	}
	return status;
}

enum assay_status assay_run_go(struct assay_device_run *run, struct assay_engine *engine, uint64_t start)
{
	struct assay_telemetry *telemetry = run->shared->job->telemetry;
	const struct assay_telemetry_place place = assay_run_place(run, start);
	const bool is_fill = run->shared->job->challenge.segments[run->shared->segment].work->is_fill;
	uint8_t last[ASSAY_HASH_BYTES];

	/* Not before the barrier: the nonce came there. */
	seed_find(run, last);
	assay_telemetry_begin(telemetry, run->device, is_fill ? NULL : &place);
	enum assay_status status = is_fill ? fill(run, engine) : rounds(run, engine, start);
	run->log->telemetry = assay_telemetry_end(telemetry, run->device);
	return status;
}

/* The first failure, when no device has a round. */
static enum assay_status nothing_done(const struct assay_job *job, struct assay_error *error)
{
	for (uint32_t i = 0; i < job->challenge.segment_count * job->challenge.devices; i++)
		if (job->runs[i].rounds)
			return ASSAY_OK;
	for (uint32_t d = 0; d < job->challenge.devices; d++)
		if (job->failures[d].status) {
			if (error)
				*error = job->failures[d].error;
			return job->failures[d].status;
		}
	return ASSAY_OK;
}

enum assay_status assay_job_texts(struct assay_job *job, struct assay_error *error)
{
	const struct assay_challenge *challenge = &job->challenge;
	json_t *devices =
	    assay_devices_json(job->devices, challenge->devices, challenge->asked ? challenge->verifier : NULL);

	if (!job->challenge_text)
		job->challenge_text = assay_challenge_text(challenge);
	if (!job->devices_text)
		job->devices_text = devices ? assay_json_text(devices) : NULL;
	if (!job->runs)
		job->runs = calloc((size_t)challenge->segment_count * challenge->devices, sizeof *job->runs);
	if (!job->filled)
		job->filled = calloc(challenge->devices, sizeof *job->filled);
	json_decref(devices);
	return job->challenge_text && job->devices_text && job->runs && job->filled
	           ? ASSAY_OK
	           : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
}

/* A segment in which nothing is left to do. In a resumed job it is over too when a later one has begun, whatever it
 * has. */
static bool is_over(const struct assay_job *job, uint32_t j)
{
	const uint32_t count = job->challenge.devices;

	/* A table is needed as long as its walk is not over. */
	if (job->challenge.segments[j].work->is_fill)
		return is_over(job, j + 1);
	for (uint32_t i = (j + 1) * count; i < job->challenge.segment_count * count; i++)
		if (job->runs[i].rounds)
			return true;
	for (uint32_t d = 0; d < count; d++)
		if (!job->failures[d].status && is_unfinished(&job->challenge.segments[j], &job->runs[j * count + d]))
			return false;
	return true;
}

/* One segment, unless there is nothing to do in it, and its commitment, which a verifier takes only once: a job that is
 * stopped in the middle is to be resumed then. */
static enum assay_status segment(struct assay_job *job, uint32_t j, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	/* Rounds of before need their seed before the barrier. */
	(void)assay_seeds_known(job, j);
	if (!is_over(job, j) && !is_stopped(job))
		status = assay_segment_run(job, j, error);
	if (!status && job->exchange && is_stopped(job))
		status = assay_fail(error, ASSAY_ERROR_IO, "run.interrupted",
		                    "stopped before segment %u was committed: the verifier waits for it", j);
	/* What has nothing to do is ready at once. */
	if (!status)
		status = assay_seeds_ready(job, j, error);
	return status ? status : assay_seeds_commit(job, j, error);
}

enum assay_status assay_job_run(struct assay_job *job, struct assay_error *error)
{
	const struct assay_challenge *challenge = &job->challenge;
	enum assay_status status = assay_job_texts(job, error);

	if (!status)
		status = assay_seeds_begin(job, error);
	if (status)
		return status;
	job->telemetry = assay_telemetry_start(job->devices, challenge->devices, job->past);
	if (job->journal)
		assay_journal_telemetry(job->journal, job->telemetry);
	status = assay_power_open(&job->power, is_stopped(job) ? 0 : job->power_budget_w, job->devices,
	                          challenge->devices, job->telemetry, error);
	for (uint32_t j = 0; !status && j < challenge->segment_count; j++)
		status = segment(job, j, error);
	if (!status)
		status = assay_seeds_ready(job, challenge->segment_count, error);
	assay_power_close(&job->power);
	for (uint32_t j = 0; j < challenge->segment_count; j++)
		job->stopped = job->stopped || !is_over(job, j);
	return status ? status : nothing_done(job, error);
}

void assay_job_close(struct assay_job *job)
{
	if (!job)
		return;
	for (uint32_t i = 0; job->runs && i < job->challenge.segment_count * job->challenge.devices; i++)
		assay_log_release(&job->runs[i]);
	for (uint32_t d = 0; job->filled && d < job->challenge.devices; d++)
		assay_engine_finish(&job->filled[d]);
	assay_device_close(&job->spare);
	assay_telemetry_stop(job->telemetry);
	free(job->filled);
	free(job->past);
	free(job->runs);
	free(job->challenge_text);
	free(job->devices_text);
	job->runs = NULL;
	job->filled = NULL;
	job->past = NULL;
	job->telemetry = NULL;
	job->challenge_text = job->devices_text = NULL;
}
