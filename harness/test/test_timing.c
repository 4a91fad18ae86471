/* SPDX-License-Identifier: Apache-2.0
 *
 * When a measurement ends and which of its steps count, on a clock of the test's own. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "harness/timing.h"

TestSuite(timing, .timeout = 60);

static uint64_t now;
static unsigned steps, fails_at;
static uint64_t (*length)(unsigned step);

static uint64_t clock_of_test(void)
{
	return now;
}

static enum assay_status step(void *context, uint64_t *device_ns, struct assay_error *error)
{
	(void)context;
	steps++;
	if (steps == fails_at)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.launch", "step %u", steps);
	now += length(steps);
	*device_ns = length(steps) - 1;
	return ASSAY_OK;
}

static enum assay_status take(struct assay_timing *timing, uint64_t (*lengths)(unsigned), uint64_t limit_ns)
{
	const struct assay_timing_plan plan = {.step = step, .limit_ns = limit_ns, .clock = clock_of_test};
	struct assay_error error;

	now = 1000;
	steps = 0;
	length = lengths;
	return assay_timing_take(timing, &plan, &error);
}

/* The first, which does not count, is long. */
static uint64_t even(unsigned number)
{
	return number == 1 ? 1000000 : 1000;
}

static uint64_t noisy(unsigned number)
{
	return 1000 + 500 * (number % 2);
}

/* Noise of a few thousandths. */
static uint64_t calm(unsigned number)
{
	return 100000 + 7 * (number * 7919 % 101);
}

static uint64_t nothing(unsigned number)
{
	(void)number;
	return 1;
}

Test(timing, converges)
{
	struct assay_timing timing;

	cr_assert_eq(take(&timing, even, UINT64_MAX), ASSAY_OK);
	cr_expect_eq(timing.count, 20);
	cr_expect_eq(steps, 21);
	cr_expect(timing.converged);
	cr_expect_eq(timing.times.spread.median, 1000);
	cr_expect_eq(timing.times.device_ns, 999);
	cr_expect_eq(timing.throttled, -1);
	cr_expect_eq(timing.energy_mj, -1);
	cr_expect_eq(timing.left_out, 0);
	cr_assert_eq(take(&timing, calm, UINT64_MAX), ASSAY_OK);
	cr_expect_eq(timing.count, 20);
	cr_expect(timing.converged);
}

Test(timing, ends_when_the_time_is_over)
{
	struct assay_timing timing;

	cr_assert_eq(take(&timing, noisy, 100000), ASSAY_OK);
	cr_expect_eq(timing.count, 80);
	cr_expect_not(timing.converged);
	/* A few are better than none. */
	cr_assert_eq(take(&timing, even, 1), ASSAY_OK);
	cr_expect_eq(timing.count, 3);
	cr_expect_not(timing.converged);
	cr_assert_eq(take(&timing, nothing, UINT64_MAX), ASSAY_OK);
	cr_expect_eq(timing.count, 20);
}

/* A median that is not known better with more of them. */
Test(timing, ends_when_there_is_no_more_room)
{
	struct assay_timing timing;

	cr_assert_eq(take(&timing, noisy, UINT64_MAX), ASSAY_OK);
	cr_expect_eq(timing.count, 100000);
}

Test(timing, a_step_that_fails)
{
	struct assay_timing timing;

	for (fails_at = 1; fails_at < 6; fails_at++)
		cr_expect_eq(take(&timing, even, UINT64_MAX), ASSAY_ERROR_DEVICE, "step %u", fails_at);
}

Test(timing, half_a_hundredth_to_each_side)
{
	cr_expect(assay_timing_converged(&(struct assay_spread){.median = 1000, .low = 995, .high = 1015}));
	cr_expect(assay_timing_converged(&(struct assay_spread){.median = 1000, .low = 990, .high = 1010}));
	cr_expect_not(assay_timing_converged(&(struct assay_spread){.median = 1000, .low = 990, .high = 1012}));
	cr_expect_not(assay_timing_converged(&(struct assay_spread){.median = 999, .low = 990, .high = 1010}));
	cr_expect(assay_timing_converged(&(struct assay_spread){UINT64_MAX, UINT64_MAX - 1, UINT64_MAX}));
}

/* `held` of `count` steps are throttled: the last ones, and longer. */
static struct assay_timing finish(uint32_t count, uint32_t held, bool known)
{
	uint64_t ns[64], device_ns[64];
	bool throttled[64] = {false};
	struct assay_timing timing = {.count = count, .throttled = known ? (int64_t)held : -1};

	for (uint32_t i = 0; i < count; i++) {
		throttled[i] = known && i % (count / (held ? held : 1)) == 0 && i / (count / (held ? held : 1)) < held;
		ns[i] = throttled[i] ? 5000 : 1000;
		device_ns[i] = ns[i] - 1;
	}
	cr_assert(assay_timing_finish(&timing, ns, device_ns, throttled));
	return timing;
}

Test(timing, throttled_steps)
{
	struct assay_timing timing = finish(40, 0, true);
	cr_expect_eq(timing.left_out, 0);
	cr_expect_eq(timing.times.spread.high, 1000);

	timing = finish(40, 10, true);
	cr_expect_eq(timing.left_out, 10);
	cr_expect_eq(timing.throttled, 10);
	cr_expect_eq(timing.times.spread.high, 1000);
	cr_expect_eq(timing.times.mad_ns, 0);
	cr_expect_eq(timing.times.device_ns, 999);
	cr_expect(timing.converged);

	/* Too few are left to have converged. */
	timing = finish(40, 20, true);
	cr_expect_eq(timing.left_out, 20);
	cr_expect(timing.converged);
	timing = finish(20, 5, true);
	cr_expect_eq(timing.left_out, 5);
	cr_expect_not(timing.converged);

	/* Being throttled is what it does. */
	timing = finish(40, 40, true);
	cr_expect_eq(timing.left_out, 0);
	cr_expect_eq(timing.times.spread.median, 5000);

	/* Unknown: all count. */
	timing = finish(40, 10, false);
	cr_expect_eq(timing.left_out, 0);
	cr_expect_eq(timing.throttled, -1);

	/* Fewer than three would be left. */
	timing = finish(4, 2, true);
	cr_expect_eq(timing.left_out, 0);
}
