/* SPDX-License-Identifier: Apache-2.0
 *
 * What people are told of the time a job takes: it adds up, and a device that fails does not stop it. */
#include <stdio.h>
#include <string.h>

#include "harness/estimate.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(estimate, .init = shim_reset, .timeout = 120);

static struct assay_error error;
static struct assay_device devices[2];

static void job_fill(struct assay_job *job)
{
	*job = (struct assay_job){
	    .devices = devices,
	    .challenge = {.profile = "test",
	                  .devices = 2,
	                  .samples = 64,
	                  .segment_count = 3,
	                  .segments = {{.work = &assay_work_sha256, .params = {{1, 6}}, .duration_ms = 3000},
	                               {.work = &assay_work_matmul_i8, .params = {{64, 32, 32}}, .rounds = 50},
	                               {.work = &assay_work_sha256, .params = {{0, 5}}, .duration_ms = 2000}}}};
	for (uint32_t d = 0; d < 2; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
}

static void job_end(struct assay_job *job)
{
	assay_job_close(job);
	for (uint32_t d = 0; d < 2; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
}

Test(estimate, adds_up)
{
	const uint64_t second = 1000000000;
	struct assay_estimate e;
	struct assay_job job;

	job_fill(&job);
	assay_estimate_make(&e, &job);
	cr_assert_eq(e.segments, 3);
	cr_assert_eq(e.work_ns[0], 3 * second);
	cr_assert_eq(e.work_ns[2], 2 * second);
	uint64_t slower = e.round_ns[1][0] > e.round_ns[1][1] ? e.round_ns[1][0] : e.round_ns[1][1];
	cr_assert_eq(e.work_ns[1], 50 * slower, "fifty rounds of the slower device");
	for (uint32_t j = 0; j < 3; j++) {
		cr_assert_gt(e.setup_ns[j], 0);
		for (uint32_t d = 0; d < 2; d++)
			cr_assert_gt(e.round_ns[j][d], 0);
	}
	cr_assert_gt(e.rest_ns, 0);
	/* From the start to the end. */
	const uint64_t after_0 = e.setup_ns[1] + e.work_ns[1] + e.setup_ns[2] + e.work_ns[2] + e.rest_ns;
	cr_assert_eq(assay_estimate_ahead(&e, &job), e.setup_ns[0] + e.work_ns[0] + after_0);
	cr_assert_eq(assay_estimate_left(&e, 0, 0), e.work_ns[0] + after_0);
	cr_assert_eq(assay_estimate_left(&e, 0, second), 2 * second + after_0);
	cr_assert_eq(assay_estimate_left(&e, 0, 4 * second), after_0, "a segment that lasts longer takes nothing back");
	cr_assert_eq(assay_estimate_left(&e, 2, second / 2), second * 3 / 2 + e.rest_ns);
	cr_assert_eq(assay_estimate_left(&e, 2, 9 * second), e.rest_ns);
	/* Where a job was cut off: the device that is behind counts. */
	support_ok(assay_job_texts(&job, &error), error);
	cr_assert_eq(assay_estimate_ahead(&e, &job), e.setup_ns[0] + e.work_ns[0] + after_0);
	job.runs[4].rounds = job.runs[5].rounds = 1;
	job.runs[4].elapsed_ns = second;
	job.runs[5].elapsed_ns = second / 2;
	cr_assert_eq(assay_estimate_ahead(&e, &job), e.setup_ns[2] + second * 3 / 2 + e.rest_ns);
	job.runs[4].rounds = job.runs[5].rounds = 0;
	job_end(&job);
}

/* Openings that have to compute rounds again are counted. */
Test(estimate, band_roots_that_are_not_kept)
{
	struct assay_estimate kept, dropped;
	struct assay_job job;

	job_fill(&job);
	job.challenge.segments[0].duration_ms = job.challenge.segments[2].duration_ms = 86400000;
	job.band_bytes = SIZE_MAX;
	assay_estimate_make(&kept, &job);
	job.band_bytes = 1;
	assay_estimate_make(&dropped, &job);
	uint64_t least_ns = 0;
	for (uint32_t d = 0; d < 2; d++)
		least_ns += 60 * (dropped.round_ns[0][d] + dropped.round_ns[2][d]);
	cr_assert_gt(dropped.rest_ns, least_ns, "sixty-four rounds each, or nearly");
	cr_assert_gt(kept.rest_ns, 0);
	job_end(&job);
}

/* At every launch and every allocation: the other device is still probed. */
Test(estimate, devices_that_fail)
{
	static const enum shim_call kinds[] = {SHIM_ALLOC, SHIM_LAUNCH, SHIM_READ};
	struct assay_estimate e;
	struct assay_job job;
	char text[8192] = "";

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (uint32_t n = 1; n <= 9; n += 4) {
			shim_reset();
			shim.device = 1;
			shim.kind = kinds[k];
			shim.fail_at = n;
			shim.dead = true;
			job_fill(&job);
			assay_estimate_make(&e, &job);
			for (uint32_t j = 0; j < 3; j++)
				cr_assert_gt(e.round_ns[j][0], 0);
			cr_assert_eq(e.round_ns[2][1], 0, "kind %zu call %u", k, n);
			FILE *out = fmemopen(text, sizeof text, "w");
			cr_assert(out);
			assay_estimate_print(out, &e, &job);
			fclose(out);
			cr_assert(strstr(text, "plan      about ") && strstr(text, "sha256/1") &&
			              strstr(text, "rounds of "),
			          "%s", text);
			job_end(&job);
		}
}

Test(estimate, times_as_text)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} table[] = {{0, "0 s"},
	             {1, "1 s"},
	             {UINT64_C(1000000000), "1 s"},
	             {UINT64_C(59000000000), "59 s"},
	             {UINT64_C(59000000001), "1 min 00 s"},
	             {UINT64_C(140000000000), "2 min 20 s"},
	             {UINT64_C(3599000000000), "59 min 59 s"},
	             {UINT64_C(3600000000000), "1 h 00 min"},
	             {UINT64_C(3601000000000), "1 h 01 min"},
	             {UINT64_C(86340000000000), "23 h 59 min"},
	             {UINT64_C(86341000000000), "1 d 00 h"},
	             {UINT64_C(93600000000000), "1 d 02 h"}};
	char text[32];

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		assay_time_text(text, table[i].ns);
		cr_expect_str_eq(text, table[i].text);
	}
	assay_time_text(text, UINT64_MAX);
	cr_expect_lt(strlen(text), 32);
}
