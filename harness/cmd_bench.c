/* SPDX-License-Identifier: Apache-2.0
 *
 * assay bench: for each workload and device the rate of its kernel alone, the rate of whole rounds (generation and
 * hashing included) and what lies between them; and what verifying a leaf costs beside doing the round again. Nothing
 * is signed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/choose.h"
#include "harness/command.h"
#include "harness/limit.h"
#include "harness/measure.h"
#include "harness/workload.h"
#include "verify/arith.h"
#include "verify/cli.h"

static const char usage[] =
    "usage: assay bench [-d DEV[,...]|all] [-w WORKLOAD[,...]|all] [--seconds N] [--variant NAME]\n"
    "                   [--max-time TIME] [--json]\n"
    "\n"
    "Bare kernel rates, rates of whole rounds, and the cost of a recheck. Signs nothing.\n"
    "\n"
    "  -d, --device DEV,...     devices (all)\n"
    "  -w, --workload NAME,...  workloads (all)\n"
    "      --seconds N          of each measurement, 1 to 600 (2)\n"
    "      --max-time TIME      end within 25s, 2m, 1h: what does not fit is left out (exit 3)\n"
    "      --variant NAME       of the kernels (the fastest that is sound)\n"
    "      --json               one JSON object a line\n";

enum { REPETITIONS_MAX = 100000, LEAVES_TIMED = 16 };

struct result {
	struct assay_spread bare, round, leaf; /* nanoseconds */
	uint32_t bare_count, round_count;
};

/* One timed step of a measurement. */
struct step {
	struct assay_engine *engine;
	uint8_t seed[ASSAY_HASH_BYTES], root[ASSAY_HASH_BYTES];
	uint8_t (*band_roots)[ASSAY_HASH_BYTES];
};

static enum assay_status bare_step(struct step *step, struct assay_error *error)
{
	struct assay_engine *engine = step->engine;
	enum assay_status status = engine->workload->bare(engine->state, engine->values, error);

	return status ? status : engine->device->backend->synchronise(engine->device->handle, error);
}

static enum assay_status round_step(struct step *step, struct assay_error *error)
{
	step->seed[0]++;
	return assay_engine_round(step->engine, step->seed, step->root, step->band_roots, error);
}

/* Repeats a step for this long, once before the clock starts, at least three times. */
static enum assay_status measure(struct assay_spread *spread, uint32_t *count, struct step *step, uint64_t duration_ns,
                                 enum assay_status (*function)(struct step *, struct assay_error *),
                                 struct assay_error *error)
{
	uint64_t *times = malloc(REPETITIONS_MAX * sizeof *times);
	enum assay_status status =
	    times ? function(step, error) : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	uint64_t start = assay_clock_ns(), before = start;

	*count = 0;
	while (!status && *count < REPETITIONS_MAX && (*count < 3 || before - start < duration_ns)) {
		status = function(step, error);
		uint64_t now = assay_clock_ns();
		times[(*count)++] = now - before;
		before = now;
	}
	if (!status)
		*spread = assay_spread_of(times, *count);
	free(times);
	return status;
}

static void measure_leaf(struct result *result, const struct assay_work *work, const struct assay_params *params)
{
	uint8_t values[ASSAY_LEAVES_MAX * ASSAY_LEAF_BYTES_MAX], seed[ASSAY_HASH_BYTES] = {1};
	struct assay_leaf list[ASSAY_LEAVES_MAX];
	uint64_t times[LEAVES_TIMED], leaves = UINT64_C(1) << work->depth(params);

	for (uint32_t i = 0; i < LEAVES_TIMED; i++) {
		uint64_t before = assay_clock_ns();
		for (uint32_t l = 0; l < ASSAY_LEAVES_MAX; l++)
			list[l] = (struct assay_leaf){seed, seed, (leaves / LEAVES_TIMED * i + l) % leaves};
		assay_work_leaves(values, work, params, list, ASSAY_LEAVES_MAX);
		times[i] = (assay_clock_ns() - before) / ASSAY_LEAVES_MAX;
	}
	result->leaf = assay_spread_of(times, LEAVES_TIMED);
}

static enum assay_status bench(struct result *result, struct assay_device *device, const struct assay_work *work,
                               const struct assay_params *params, uint64_t duration_ns, struct assay_error *error)
{
	struct assay_engine engine;
	struct step step = {.engine = &engine};

	memset(result, 0, sizeof *result);
	enum assay_status status = assay_engine_prepare(&engine, device, assay_workload_of(work), params, error);
	if (status)
		return status;
	step.band_roots = malloc(engine.bands * sizeof *step.band_roots);
	if (!step.band_roots)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status && engine.workload->fill) {
		status = engine.workload->reserve(engine.state, error);
		if (!status)
			status = engine.workload->fill(engine.state, step.seed, error);
	}
	if (!status)
		status = measure(&result->round, &result->round_count, &step, duration_ns, round_step, error);
	if (!status)
		status = measure(&result->bare, &result->bare_count, &step, duration_ns, bare_step, error);
	measure_leaf(result, work, params);
	free(step.band_roots);
	assay_engine_finish(&engine);
	return status;
}

static void print(const struct assay_device *device, const struct assay_work *work, const struct assay_params *params,
                  const struct result *result)
{
	double units = (double)work->round_work(params);
	char bare[32], whole[32];

	assay_quantity(bare, units * 1e9 / (double)result->bare.median, work->unit, "/s");
	assay_quantity(whole, units * 1e9 / (double)result->round.median, work->unit, "/s");
	printf("  %-12s %-10s %13s %13s  %5.1f %%   %8.1f ms  %7.3f ms  %8.0f x\n", work->name, device->id, bare, whole,
	       100.0 * ((double)result->round.median / (double)result->bare.median - 1),
	       (double)result->round.median / 1e6, (double)result->leaf.median / 1e6,
	       (double)result->round.median / (double)result->leaf.median);
}

static void print_json(const struct assay_device *device, const struct assay_work *work,
                       const struct assay_params *params, const struct result *result)
{
	json_t *object = json_object();
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
	    {"bareMedianNs", result->bare.median},   {"bareLowNs", result->bare.low},
	    {"bareHighNs", result->bare.high},       {"bareCount", result->bare_count},
	    {"roundMedianNs", result->round.median}, {"roundLowNs", result->round.low},
	    {"roundHighNs", result->round.high},     {"roundCount", result->round_count},
	    {"leafMedianNs", result->leaf.median},   {"roundWork", work->round_work(params)},
	};

	json_object_set_new(object, "device", json_string(device->id));
	json_object_set_new(object, "name", json_string(device->info.name));
	json_object_set_new(object, "workload", json_string(work->name));
	json_object_set_new(object, "unit", json_string(work->unit));
	json_object_set_new(object, "variant", json_string(device->info.variant));
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		json_object_set_new(object, numbers[i].name, json_integer((json_int_t)numbers[i].value));
	(void)assay_print_json(object);
}

int assay_command_bench(int argc, char **argv)
{
	static const struct option options[] = {
	    {"device", required_argument, NULL, 'd'},  {"workload", required_argument, NULL, 'w'},
	    {"seconds", required_argument, NULL, 't'}, {"json", no_argument, NULL, 'j'},
	    {"variant", required_argument, NULL, 'v'}, {"max-time", required_argument, NULL, 'T'},
	    {"help", no_argument, NULL, 'h'},          {0},
	};
	static struct assay_device devices[ASSAY_DEVICES_MAX];
	const struct assay_work *works[ASSAY_SEGMENTS_MAX];
	const char *device_list = "all", *work_list = "all", *variant = NULL;
	unsigned long seconds = 2;
	struct assay_error error;
	uint32_t device_count = 0, work_count = 0;
	bool json = false;
	char *end;

	for (int option; (option = getopt_long(argc, argv, "d:w:jh", options, NULL)) != -1;) {
		if (option == 'd')
			device_list = optarg;
		else if (option == 'w')
			work_list = optarg;
		else if (option == 'j')
			json = true;
		else if (option == 'v')
			variant = optarg;
		else if (option == 'T') {
			if (!assay_limit_option(optarg))
				return ASSAY_EXIT_ERROR;
		} else if (option != 't' || (seconds = strtoul(optarg, &end, 10)) < 1 || seconds > 600 || *end)
			return assay_usage(usage, option == 'h');
	}
	if (optind < argc)
		return assay_usage(usage, false);
	enum assay_status status = assay_works_find(works, &work_count, work_list, &error);
	assay_limit_doing("opening devices");
	if (!status)
		status = assay_devices_open(devices, &device_count, device_list, &error);
	if (!status && !json)
		printf("  %-12s %-10s %13s %13s  %7s   %11s  %10s  %10s\n", "workload", "device", "bare kernel",
		       "whole round", "over it", "round", "leaf check", "cheaper");
	uint64_t longest_ns = UINT64_C(2000000000) * seconds;
	bool stopped = false;
	assay_limit_doing("measuring");
	for (uint32_t d = 0; !status && !stopped && d < device_count; d++) {
		status = assay_choose(&devices[d], variant, assay_remark, &error);
		const struct assay_row *row = assay_row_for(&devices[d], 1);
		for (uint32_t w = 0; !status && !stopped && w < work_count; w++) {
			if (works[w]->is_fill)
				continue;
			/* Not begun when it would not end: as long as the longest so far. */
			stopped = assay_limit_left_ns() <= longest_ns;
			if (stopped) {
				(void)assay_fail(&error, ASSAY_OK, "time.exceeded",
				                 "--max-time leaves no time for %s on %s and what comes after it",
				                 works[w]->name, devices[d].id);
				assay_remark(&error);
				break;
			}
			const uint64_t start = assay_clock_ns();
			const struct assay_params *params = assay_row_params(row, works[w]);
			struct result result;
			status = bench(&result, &devices[d], works[w], params, UINT64_C(1000000000) * seconds, &error);
			if (!status)
				(json ? print_json : print)(&devices[d], works[w], params, &result);
			/* Not lost when the time is over. */
			fflush(stdout);
			if (assay_clock_ns() - start > longest_ns)
				longest_ns = assay_clock_ns() - start;
		}
	}
	for (uint32_t d = 0; d < device_count; d++)
		assay_device_close(&devices[d]);
	if (!status && !json)
		printf("\n  leaf check: one leaf recomputed from its seed by the verifier (%s), one core\n"
		       "  cheaper:    doing the round again on the device / checking one leaf of it\n",
		       assay_arith()->name);
	return status ? assay_complain(&error) : stopped ? ASSAY_EXIT_ERROR : 0;
}
