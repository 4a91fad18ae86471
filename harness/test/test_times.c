/* SPDX-License-Identifier: Apache-2.0
 *
 * Times of rounds by the devices' own clocks: they hold the work, lie within what the monotonic clock says, and are
 * unknown, never an error, where a device does not say them. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/measure.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"
#include "harness/workload.h"

TestSuite(times, .init = shim_reset, .fini = support_leave, .timeout = 120);

static const struct assay_params params = {{2, 6}};

/* The time of a round by the device's clock, UINT64_MAX when it is unknown; `wall` is that by the monotonic clock. */
static uint64_t round_time(struct assay_engine *engine, uint64_t *wall)
{
	uint8_t seed[32] = {1}, root[32], bands[64][32];
	struct assay_error error;
	uint64_t start = assay_clock_ns();

	cr_assert_leq(engine->bands, 64);
	support_ok(assay_engine_round(engine, seed, root, bands, &error), error);
	*wall = assay_clock_ns() - start;
	return engine->device_ns;
}

static void engine_open(struct assay_engine *engine, struct assay_device *device)
{
	struct assay_error error;

	support_ok(assay_engine_prepare(engine, device, &assay_workload_sha256, &params, &error), error);
}

/* `which` rounds of ten, as bits, have no time. */
static void rounds_are_timed(struct assay_device *device, unsigned without)
{
	struct assay_engine engine;
	uint64_t wall;

	engine_open(&engine, device);
	for (unsigned r = 0; r < 10; r++) {
		uint64_t ns = round_time(&engine, &wall);
		if (without >> r & 1) {
			cr_expect_eq(ns, UINT64_MAX, "%s: round %u", device->id, r);
			continue;
		}
		cr_expect_gt(ns, 0, "%s: round %u", device->id, r);
		/* CUDA's times are half a microsecond fine. */
		cr_expect_leq(ns, wall + 1000, "%s: round %u: %zu of %zu", device->id, r, (size_t)ns, (size_t)wall);
	}
	assay_engine_finish(&engine);
}

static void after_launch(const struct shim_launch *launch)
{
	(void)launch;
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* All launches of a round lie between the marks: one of the workload, and one for each of seven levels. */
Test(times, hold_the_work)
{
	struct assay_device device;
	struct assay_engine engine;
	struct assay_error error;
	uint64_t wall;

	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	engine_open(&engine, &device);
	shim.after = after_launch;
	uint64_t ns = round_time(&engine, &wall);
	cr_expect_eq(atomic_load(&shim.calls[SHIM_LAUNCH]), 8);
	cr_expect_geq(ns, 8 * UINT64_C(2000000));
	cr_expect_leq(ns, wall);
	shim.after = NULL;
	shim.no_times = true;
	cr_expect_eq(round_time(&engine, &wall), UINT64_MAX);
	shim.no_times = false;
	cr_expect_neq(round_time(&engine, &wall), UINT64_MAX);
	assay_engine_finish(&engine);
	assay_device_close(&device);
}

/* A round that fails has none. */
Test(times, none_of_a_failed_round)
{
	uint8_t seed[32] = {1}, root[32], bands[64][32];
	struct assay_device device;
	struct assay_engine engine;
	struct assay_error error;
	uint64_t wall;

	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	engine_open(&engine, &device);
	cr_expect_neq(round_time(&engine, &wall), UINT64_MAX);
	shim.kind = SHIM_READ;
	shim.fail_at = atomic_load(&shim.calls[SHIM_READ]) + 1;
	cr_expect_neq(assay_engine_round(&engine, seed, root, bands, &error), ASSAY_OK);
	cr_expect_eq(engine.device_ns, UINT64_MAX);
	assay_engine_finish(&engine);
	assay_device_close(&device);
}

Test(times, cpu_and_opencl)
{
	struct assay_device cpu, opencl;

	cr_assert(support_cpu(&cpu, 0));
	rounds_are_timed(&cpu, 0);
	support_enter();
	support_opencl(&opencl, 0, 0);
	rounds_are_timed(&opencl, 0);
	assay_device_close(&opencl);
	assay_device_close(&cpu);
}

static void doubles(const char *ending, const char *fail, unsigned without)
{
	static const struct {
		const struct assay_backend *backend;
		const struct assay_image *images;
		const char *library, *variable;
	} vendors[] = {{&assay_backend_cuda, assay_images_cuda, "libcuda", "ASSAY_CUDA_LIBRARY"},
	               {&assay_backend_hip, assay_images_hip, "libamdhip64", "ASSAY_HIP_LIBRARY"}};
	const struct assay_tuning tuning = {.group = 4};
	char path[512], absolute[4096];
	struct assay_device device;
	struct assay_error error = {.text = ""};
	uint32_t count = 0;

	support_enter();
	for (size_t i = 0; i < 2; i++) {
		if (!vendors[i].images[0].architecture)
			support_missing("images", "no clang for GPUs when this was built");
		snprintf(path, sizeof path, "%s/double/%s%s.so", support_build(), vendors[i].library, ending);
		cr_assert(realpath(path, absolute), "%s", path);
		setenv(vendors[i].variable, absolute, 1);
		if (fail)
			setenv("ASSAY_DOUBLE_FAIL", fail, 1);
		if (*ending && (vendors[i].backend->count(&count, &error) != ASSAY_OK || count == 0))
			support_missing("opencl", error.text);
		support_ok(assay_device_open(&device, vendors[i].backend, 0, &tuning, &error), error);
		rounds_are_timed(&device, without);
		assay_device_close(&device);
	}
}

Test(times, gpu_over_opencl)
{
	doubles("_opencl", NULL, 0);
}

/* One call that fails takes the times that need it, and no more. */
static struct fault {
	char call[24];
	unsigned without;
} faults[] = {
    {"none:1", 0},
    {"event_create:1", 1 << 0},
    {"event_create:2", 1 << 0},
    {"event_record:1", 1 << 0},
    {"event_record:4", 1 << 1},
    {"event_record:20", 1 << 9},
    {"event_elapsed:1", 1 << 0},
    {"event_elapsed:10", 1 << 9},
};

ParameterizedTestParameters(times, faults)
{
	return cr_make_param_array(struct fault, faults, sizeof faults / sizeof *faults);
}

ParameterizedTest(struct fault *fault, times, faults)
{
	doubles("", fault->call, fault->without);
}
