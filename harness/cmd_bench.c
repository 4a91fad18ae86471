/* SPDX-License-Identifier: Apache-2.0
 *
 * assay bench: for each workload and device the rate of its kernel alone, the rate of whole rounds (generation and
 * hashing included) and what lies between them; and what verifying a leaf costs beside doing the round again. Nothing
 * is signed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/amount.h"
#include "harness/choose.h"
#include "harness/command.h"
#include "harness/limit.h"
#include "harness/measure.h"
#include "harness/terms.h"
#include "harness/timing.h"
#include "harness/workload.h"
#include "verify/arith.h"
#include "verify/claims.h"
#include "verify/cli.h"

static const char usage[] =
    "usage: assay bench [-d DEV[,...]|all] [-w WORKLOAD[,...]|all] [--seconds N] [--variant NAME]\n"
    "                   [--max-time TIME] [--json]\n"
    "\n"
    "Rates of the kernels alone, rates of whole rounds (generation and hashing included), what lies between\n"
    "them, and the cost of a recheck. Times when telemetry says that the clock was held down are left out.\n"
    "Signs nothing.\n"
    "\n"
    "  -d, --device DEV,...     devices (all)\n"
    "  -w, --workload NAME,...  workloads (all)\n"
    "      --seconds N          the most for each measurement, 1 to 600 (2); it ends when the median is\n"
    "                           known to 1 % (95 % interval)\n"
    "      --max-time TIME      end within 25s, 2m, 1h: what does not fit is left out (exit 3)\n"
    "      --variant NAME       of the kernels (the fastest that is sound)\n"
    "      --json               one JSON object a line\n";

struct result {
	struct assay_timing bare, round;
	uint64_t leaf_ns;
};

/* What is repeated, and with what. */
struct bench {
	struct assay_engine *engine;
	uint8_t seed[ASSAY_HASH_BYTES], root[ASSAY_HASH_BYTES];
	uint8_t (*band_roots)[ASSAY_HASH_BYTES];
};

static enum assay_status bare_step(void *context, uint64_t *device_ns, struct assay_error *error)
{
	struct assay_engine *engine = ((struct bench *)context)->engine;
	const struct assay_backend *backend = engine->device->backend;
	void *device = engine->device->handle;

	backend->mark(device, 0);
	enum assay_status status = engine->workload->bare(engine->state, engine->values, error);
	backend->mark(device, 1);
	if (!status)
		status = backend->synchronise(device, error);
	if (status || !backend->elapsed(device, device_ns))
		*device_ns = ASSAY_NS_UNKNOWN;
	return status;
}

static enum assay_status round_step(void *context, uint64_t *device_ns, struct assay_error *error)
{
	struct bench *bench = context;

	bench->seed[0]++;
	enum assay_status status =
	    assay_engine_round(bench->engine, bench->seed, bench->root, bench->band_roots, error);
	*device_ns = bench->engine->device_ns;
	return status;
}

static enum assay_status bench(struct result *result, struct assay_device *device, const struct assay_work *work,
                               const struct assay_params *params, uint64_t limit_ns, struct assay_telemetry *telemetry,
                               struct assay_error *error)
{
	struct assay_engine engine;
	struct bench bench = {.engine = &engine};
	struct assay_timing_plan plan = {
	    .context = &bench, .limit_ns = limit_ns, .clock = assay_clock_ns, .telemetry = telemetry};

	memset(result, 0, sizeof *result);
	enum assay_status status = assay_engine_prepare(&engine, device, assay_workload_of(work), params, error);
	if (status)
		return status;
	bench.band_roots = malloc(engine.bands * sizeof *bench.band_roots);
	if (!bench.band_roots)
		status = assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status)
		status = assay_engine_fill(&engine, bench.seed, true, error);
	plan.step = round_step;
	if (!status)
		status = assay_timing_take(&result->round, &plan, error);
	plan.step = bare_step;
	if (!status)
		status = assay_timing_take(&result->bare, &plan, error);
	result->leaf_ns = assay_leaf_ns(work, params);
	free(bench.band_roots);
	assay_engine_finish(&engine);
	return status;
}

/* What is not as it should be, or known beside the rates, on lines of their own. */
static void print_notes(const char *what, const struct assay_timing *timing, double units, const char *unit)
{
	const struct assay_spread *spread = &timing->times.spread;
	char energy[32];

	if (!timing->converged)
		printf("  %-23s %s: %u times, too few or too far apart to know it to 1 %% (%.1f %%)\n", "", what,
		       timing->count - timing->left_out,
		       50.0 * (double)(spread->high - spread->low) / (double)(spread->median ? spread->median : 1));
	if (timing->throttled > 0)
		printf("  %-23s %s: %lld of %u times throttled, %s\n", "", what, (long long)timing->throttled,
		       timing->count, timing->left_out ? "left out" : "counted: it is what the device does");
	if (timing->energy_mj >= 0) {
		assay_energy_words(energy, (double)timing->energy_mj / 1e3 / (timing->count * units), unit);
		printf("  %-23s %s: %s\n", "", what, energy);
	}
}

static void print(const struct assay_device *device, const struct assay_work *work, const struct assay_params *params,
                  const struct result *result)
{
	double units = (double)work->round_work(params), round = (double)result->round.times.spread.median;
	double bare_round = (double)result->bare.times.spread.median;
	char bare[32], whole[32];

	assay_quantity(bare, units * 1e9 / bare_round, work->unit, "/s");
	assay_quantity(whole, units * 1e9 / round, work->unit, "/s");
	printf("  %-12s %-10s %13s %13s  %5.1f %%   %8.1f ms  %7.3f ms  %8.0f x\n", work->name, device->id, bare, whole,
	       100.0 * (round / bare_round - 1), round / 1e6, (double)result->leaf_ns / 1e6,
	       round / (double)result->leaf_ns);
	print_notes("bare kernel", &result->bare, units, work->unit);
	print_notes("whole round", &result->round, units, work->unit);
}

static json_t *known(int64_t number)
{
	return number < 0 ? json_null() : json_integer((json_int_t)number);
}

/* Members that begin with "bare" or "round". */
static void timing_json(json_t *object, const char *what, const struct assay_timing *timing)
{
	const struct assay_statistics *times = &timing->times;
	const struct {
		const char *name;
		int64_t value; /* -1 = unknown */
	} numbers[] = {
	    {"MedianNs", (int64_t)times->spread.median},
	    {"LowNs", (int64_t)times->spread.low},
	    {"HighNs", (int64_t)times->spread.high},
	    {"MadNs", (int64_t)times->mad_ns},
	    {"DeviceMedianNs", times->device_ns == ASSAY_NS_UNKNOWN ? -1 : (int64_t)times->device_ns},
	    {"Count", timing->count},
	    {"Throttled", timing->throttled},
	    {"LeftOut", timing->left_out},
	    {"Converged", timing->converged},
	    {"EnergyMj", timing->energy_mj},
	};
	char name[32];

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		snprintf(name, sizeof name, "%s%s", what, numbers[i].name);
		json_object_set_new(object, name, known(numbers[i].value));
	}
}

static void print_json(const struct assay_device *device, const struct assay_work *work,
                       const struct assay_params *params, const struct result *result)
{
	json_t *object = json_object();

	json_object_set_new(object, "device", json_string(device->id));
	json_object_set_new(object, "name", json_string(device->info.name));
	json_object_set_new(object, "workload", json_string(work->name));
	json_object_set_new(object, "unit", json_string(work->unit));
	json_object_set_new(object, "variant", json_string(device->info.variant));
	json_object_set_new(object, "leafMedianNs", known((int64_t)result->leaf_ns));
	json_object_set_new(object, "roundWork", known((int64_t)work->round_work(params)));
	/* May be below 0, when the two differ by less than their noise. */
	json_object_set_new(
	    object, "overheadNs",
	    json_integer((json_int_t)result->round.times.spread.median - (json_int_t)result->bare.times.spread.median));
	timing_json(object, "bare", &result->bare);
	timing_json(object, "round", &result->round);
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
	uint64_t seconds = 2;
	struct assay_error error;
	uint32_t device_count = 0, work_count = 0;
	bool json = false;

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
		} else if (option != 't' || !assay_amount_number(&seconds, optarg, 1, 600))
			return assay_usage(usage, option == 'h');
	}
	if (optind < argc)
		return assay_usage(usage, false);
	enum assay_status status = assay_terms_works(works, &work_count, work_list, &error);
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
		struct assay_telemetry *telemetry = status ? NULL : assay_telemetry_start(&devices[d], 1, NULL);
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
			status = bench(&result, &devices[d], works[w], params, UINT64_C(1000000000) * seconds,
			               telemetry, &error);
			if (!status)
				(json ? print_json : print)(&devices[d], works[w], params, &result);
			/* Not lost when the time is over. */
			fflush(stdout);
			if (assay_clock_ns() - start > longest_ns)
				longest_ns = assay_clock_ns() - start;
		}
		assay_telemetry_stop(telemetry);
	}
	for (uint32_t d = 0; d < device_count; d++)
		assay_device_close(&devices[d]);
	if (!status && !json)
		printf("\n  leaf check: one leaf recomputed from its seed by the verifier (%s), one core\n"
		       "  cheaper:    doing the round again on the device / checking one leaf of it\n",
		       assay_arith()->name);
	return status ? assay_complain(&error) : stopped ? ASSAY_EXIT_ERROR : 0;
}
