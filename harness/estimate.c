/* SPDX-License-Identifier: Apache-2.0
 *
 * See estimate.h. */
#include "harness/estimate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure.h"
#include "harness/timing.h"
#include "verify/arith.h"

/* What one device needs for a workload. */
struct needs {
	uint64_t setup_ns, round_ns, open_ns, fill_ns;
	uint64_t bands; /* of a round */
};

static enum assay_status timed_round(uint64_t *ns, struct assay_engine *engine, uint8_t (*bands)[ASSAY_HASH_BYTES])
{
	static const uint8_t seed[ASSAY_HASH_BYTES] = {1};
	uint8_t root[ASSAY_HASH_BYTES];
	uint64_t start = assay_clock_ns();

	enum assay_status status = assay_engine_round(engine, seed, root, bands, NULL);
	*ns = assay_clock_ns() - start;
	return status;
}

/* A walk. Where a table comes first none is made here, which may take long: leaves are computed without one, ever more
 * of them until they take long enough to time, and tell how long items and openings take. How fast a table is read is
 * not known. */
static enum assay_status probe_table(struct needs *needs, struct assay_device *device,
                                     const struct assay_segment *segment)
{
	enum { LONG_NS = 50000000 };
	static const uint8_t seed[ASSAY_HASH_BYTES] = {1};
	struct assay_engine engine;
	uint64_t ns = 0, count = 0;

	enum assay_status status =
	    assay_engine_prepare(&engine, device, assay_workload_of(segment->work), &segment->params, NULL);
	if (status)
		return status;
	status = assay_engine_fill(&engine, seed, false, NULL);
	for (uint64_t next = engine.band; !status && ns < LONG_NS && next <= engine.leaves; next *= 2) {
		uint64_t start = assay_clock_ns();
		status = engine.workload->leaves(engine.state, seed, 0, next, engine.values, NULL);
		if (!status)
			status = device->backend->synchronise(device->handle, NULL);
		ns = assay_clock_ns() - start;
		if (next == engine.band)
			needs->open_ns = ns;
		count = next;
	}
	/* A leaf is so many items, of which the table has params.value[1]. */
	if (!status)
		needs->fill_ns =
		    (uint64_t)((double)ns / (double)(count * ASSAY_ARITH_READS) * (double)segment->params.value[1]);
	needs->bands = engine.bands;
	assay_engine_finish(&engine);
	return status;
}

/* The first round warms up, the second one counts; and one leaf is opened. */
static enum assay_status probe(struct needs *needs, struct assay_device *device, const struct assay_segment *segment)
{
	static const uint8_t seed[ASSAY_HASH_BYTES] = {1};
	struct assay_engine engine;
	uint64_t start = assay_clock_ns();

	enum assay_status status =
	    assay_engine_prepare(&engine, device, assay_workload_of(segment->work), &segment->params, NULL);
	if (status)
		return status;
	uint8_t(*bands)[ASSAY_HASH_BYTES] = malloc(engine.bands * sizeof *bands);
	uint8_t *path = malloc(ASSAY_DEPTH_MAX * ASSAY_HASH_BYTES);
	if (!bands || !path)
		status = ASSAY_ERROR_MEMORY;
	if (!status)
		status = timed_round(&needs->round_ns, &engine, bands);
	needs->setup_ns = assay_clock_ns() - start;
	if (!status)
		status = timed_round(&needs->round_ns, &engine, bands);
	start = assay_clock_ns();
	if (!status)
		status = assay_engine_open(&engine, seed, (const uint8_t(*)[ASSAY_HASH_BYTES])bands, engine.leaves - 1,
		                           path, NULL);
	needs->open_ns = assay_clock_ns() - start;
	needs->bands = engine.bands;
	free(bands);
	free(path);
	assay_engine_finish(&engine);
	return status;
}

/* How many of `things` are expected among so many draws. */
static double distinct(double things, double draws)
{
	return things > 0 ? things * -expm1(draws * log1p(-1 / (things + 1))) : 0;
}

/* Openings of a run: each band that is drawn; and each round, where band roots will be too many to keep. */
static uint64_t openings_ns(const struct needs *needs, const struct assay_job *job, double rounds)
{
	const double samples = job->challenge.samples, bands = rounds * (double)needs->bands;
	double ns = distinct(bands, samples) * (double)needs->open_ns;

	if (bands * ASSAY_HASH_BYTES > (double)assay_band_share(job))
		ns += distinct(rounds, samples) * (double)needs->round_ns;
	return (uint64_t)ns;
}

void assay_estimate_make(struct assay_estimate *estimate, const struct assay_job *job)
{
	const struct assay_challenge *challenge = &job->challenge;

	memset(estimate, 0, sizeof *estimate);
	estimate->segments = challenge->segment_count;
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		const struct assay_segment *segment = &challenge->segments[j];
		estimate->work_ns[j] = UINT64_C(1000000) * segment->duration_ms;
		for (uint32_t d = 0; d < challenge->devices; d++) {
			struct needs needs = {0};
			if (segment->work->is_fill) /* told by its walk */
				continue;
			if (segment->work->fill) {
				if (probe_table(&needs, &job->devices[d], segment) != ASSAY_OK)
					continue;
				if (needs.fill_ns > estimate->work_ns[j - 1])
					estimate->work_ns[j - 1] = needs.fill_ns;
				estimate->rest_ns += challenge->samples *
				                     (needs.open_ns + assay_leaf_ns(segment->work, &segment->params));
				continue;
			}
			if (probe(&needs, &job->devices[d], segment) != ASSAY_OK || needs.round_ns == 0)
				continue;
			uint64_t all_ns = segment->rounds * needs.round_ns;
			double rounds = segment->rounds ? segment->rounds
			                                : ceil((double)estimate->work_ns[j] / (double)needs.round_ns);
			estimate->round_ns[j][d] = needs.round_ns;
			if (needs.setup_ns > estimate->setup_ns[j])
				estimate->setup_ns[j] = needs.setup_ns;
			if (all_ns > estimate->work_ns[j])
				estimate->work_ns[j] = all_ns;
			estimate->rest_ns += openings_ns(&needs, job, rounds) +
			                     challenge->samples * assay_leaf_ns(segment->work, &segment->params);
		}
	}
}

uint64_t assay_estimate_left(const struct assay_estimate *estimate, uint32_t j, uint64_t elapsed_ns)
{
	uint64_t left_ns = estimate->rest_ns;

	if (elapsed_ns < estimate->work_ns[j])
		left_ns += estimate->work_ns[j] - elapsed_ns;
	for (j++; j < estimate->segments; j++)
		left_ns += estimate->setup_ns[j] + estimate->work_ns[j];
	return left_ns;
}

uint64_t assay_estimate_ahead(const struct assay_estimate *estimate, const struct assay_job *job)
{
	const uint32_t count = job->challenge.devices;
	uint64_t least_ns = UINT64_MAX;
	uint32_t j = 0;

	for (uint32_t i = 0; job->runs && i < job->challenge.segment_count * count; i++)
		if (job->runs[i].rounds)
			j = i / count;
	for (uint32_t d = 0; job->runs && d < count; d++)
		if (job->runs[j * count + d].elapsed_ns < least_ns)
			least_ns = job->runs[j * count + d].elapsed_ns;
	return estimate->setup_ns[j] + assay_estimate_left(estimate, j, job->runs ? least_ns : 0);
}

void assay_time_text(char text[32], uint64_t ns)
{
	const uint64_t s = ns / 1000000000 + (ns % 1000000000 != 0), min = (s + 59) / 60, h = (min + 59) / 60;

	if (s < 60)
		snprintf(text, 32, "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(text, 32, "%" PRIu64 " min %02" PRIu64 " s", s / 60, s % 60);
	else if (min < 24 * 60)
		snprintf(text, 32, "%" PRIu64 " h %02" PRIu64 " min", min / 60, min % 60);
	else
		snprintf(text, 32, "%" PRIu64 " d %02" PRIu64 " h", h / 24, h % 24);
}

/* A line for a workload: its rounds, those of the slowest and of the fastest device. */
static void print_rounds(FILE *out, const struct assay_estimate *estimate, const struct assay_job *job, uint32_t j)
{
	uint64_t slowest_ns = 0, fastest_ns = UINT64_MAX;

	for (uint32_t d = 0; d < job->challenge.devices; d++) {
		const uint64_t ns = estimate->round_ns[j][d];
		slowest_ns = ns > slowest_ns ? ns : slowest_ns;
		fastest_ns = ns && ns < fastest_ns ? ns : fastest_ns;
	}
	if (slowest_ns == 0)
		return;
	const uint64_t least = (estimate->work_ns[j] + slowest_ns - 1) / slowest_ns;
	const uint64_t most = (estimate->work_ns[j] + fastest_ns - 1) / fastest_ns;
	fprintf(out, "          %-16s about %" PRIu64, job->challenge.segments[j].work->name, least);
	if (most > least)
		fprintf(out, " to %" PRIu64, most);
	fprintf(out, " rounds of %.1f ms", (double)slowest_ns / 1e6);
	if (most > least)
		fprintf(out, " to %.1f ms", (double)fastest_ns / 1e6);
	fputc('\n', out);
}

void assay_estimate_print(FILE *out, const struct assay_estimate *estimate, const struct assay_job *job)
{
	const struct assay_challenge *challenge = &job->challenge;
	char all[32], work[32], rest[32];
	uint64_t work_ns = 0;

	for (uint32_t j = 0; j < challenge->segment_count; j++)
		work_ns += estimate->work_ns[j];
	assay_time_text(all, assay_estimate_ahead(estimate, job));
	assay_time_text(work, work_ns);
	assay_time_text(rest, estimate->rest_ns);
	fprintf(out, "plan      about %s from here: %s of work in all, then openings and checks of %s\n", all, work,
	        rest);
	for (uint32_t j = 0; j < challenge->segment_count; j++)
		print_rounds(out, estimate, job, j);
}
