/* SPDX-License-Identifier: Apache-2.0
 *
 * See timing.h. */
#include "harness/timing.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_MIN = 3, STEPS_MAX = 100000, STEPS_CONVERGED = 20 };

struct steps {
	uint64_t *ns, *device_ns, *scratch;
	bool *throttled;
};

static bool steps_make(struct steps *steps)
{
	steps->ns = malloc(STEPS_MAX * sizeof *steps->ns);
	steps->device_ns = malloc(STEPS_MAX * sizeof *steps->device_ns);
	steps->scratch = malloc(STEPS_MAX * sizeof *steps->scratch);
	steps->throttled = calloc(STEPS_MAX, sizeof *steps->throttled);
	return steps->ns && steps->device_ns && steps->scratch && steps->throttled;
}

static void steps_release(struct steps *steps)
{
	free(steps->ns);
	free(steps->device_ns);
	free(steps->scratch);
	free(steps->throttled);
}

bool assay_timing_converged(const struct assay_spread *spread)
{
	/* No overflow: neither side passes 2^64. */
	return (spread->high - spread->low) / 2 <= spread->median / 100;
}

bool assay_timing_finish(struct assay_timing *timing, uint64_t *ns, uint64_t *device_ns, const bool *throttled)
{
	uint32_t held = 0, kept = 0;

	for (uint32_t i = 0; i < timing->count; i++)
		held += throttled[i];
	const bool leave = timing->throttled > 0 && 2 * held <= timing->count && timing->count - held >= STEPS_MIN;
	timing->left_out = leave ? held : 0;
	for (uint32_t i = 0; i < timing->count; i++) {
		if (leave && throttled[i])
			continue;
		ns[kept] = ns[i];
		device_ns[kept++] = device_ns[i];
	}
	if (!assay_statistics_of(&timing->times, ns, device_ns, kept))
		return false;
	timing->converged = kept >= STEPS_CONVERGED && assay_timing_converged(&timing->times.spread);
	return true;
}

/* Looked at again when there is a quarter more: sorting is not to take the time. */
static bool is_enough(const struct steps *steps, uint32_t count, uint32_t *next)
{
	if (count < *next)
		return false;
	*next = count + (count + 3) / 4;
	memcpy(steps->scratch, steps->ns, count * sizeof *steps->scratch);
	const struct assay_spread spread = assay_spread_of(steps->scratch, count);
	return assay_timing_converged(&spread);
}

static enum assay_status steps_take(struct assay_timing *timing, const struct steps *steps,
                                    const struct assay_timing_plan *plan, struct assay_error *error)
{
	uint64_t unused;
	uint32_t next = STEPS_CONVERGED;
	bool enough = false;
	/* Memory is mapped and programs are compiled before the clock starts. */
	enum assay_status status = plan->step(plan->context, &unused, error);

	assay_telemetry_begin(plan->telemetry, 0, NULL);
	const uint64_t start = plan->clock();
	uint64_t before = start;
	while (!status && timing->count < STEPS_MAX && !enough &&
	       (timing->count < STEPS_MIN || before - start < plan->limit_ns)) {
		const uint32_t i = timing->count;
		status = plan->step(plan->context, &steps->device_ns[i], error);
		const uint64_t now = plan->clock();
		assay_telemetry_round(plan->telemetry, 0, before, now, &steps->throttled[i]);
		steps->ns[i] = now - before;
		timing->count++;
		enough = is_enough(steps, timing->count, &next);
		/* Looking is no part of a step. */
		before = plan->clock();
	}
	const struct assay_telemetry_run run = assay_telemetry_end(plan->telemetry, 0);
	timing->throttled = run.throttled_rounds;
	timing->energy_mj = run.energy_mj;
	return status;
}

enum assay_status assay_timing_take(struct assay_timing *timing, const struct assay_timing_plan *plan,
                                    struct assay_error *error)
{
	struct steps steps;

	memset(timing, 0, sizeof *timing);
	bool room = steps_make(&steps);
	enum assay_status status = room ? steps_take(timing, &steps, plan, error) : ASSAY_OK;
	if (!status && room)
		room = assay_timing_finish(timing, steps.ns, steps.device_ns, steps.throttled);
	steps_release(&steps);
	return status || room ? status : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
}

uint64_t assay_leaf_ns(const struct assay_work *work, const struct assay_params *params)
{
	enum { TRIALS = 16 };
	static const uint8_t seed[ASSAY_HASH_BYTES] = {1};
	uint8_t values[ASSAY_LEAVES_MAX * ASSAY_LEAF_BYTES_MAX];
	struct assay_leaf list[ASSAY_LEAVES_MAX];
	uint64_t times[TRIALS], leaves = UINT64_C(1) << work->depth(params);

	for (uint32_t i = 0; i < TRIALS; i++) {
		uint64_t before = assay_clock_ns();
		for (uint32_t l = 0; l < ASSAY_LEAVES_MAX; l++)
			list[l] = (struct assay_leaf){seed, seed, (leaves / TRIALS * i + l) % leaves};
		assay_work_leaves(values, work, params, list, ASSAY_LEAVES_MAX);
		times[i] = (assay_clock_ns() - before) / ASSAY_LEAVES_MAX;
	}
	return assay_spread_of(times, TRIALS).median;
}
