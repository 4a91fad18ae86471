/* SPDX-License-Identifier: Apache-2.0
 *
 * What telemetry said of a job that was cut off, in its checkpoint. */
#include <stdio.h>
#include <string.h>

#include "harness/resume.h"
#include "harness/test/journals.h"

static unsigned throttles;

/* After some rounds the count of throttling has risen when the next reading comes. */
static void throttle_some(void *context, const struct assay_job *job, uint32_t segment, uint32_t device,
                          uint32_t rounds, uint64_t elapsed_ns)
{
	char count[16];

	if (rounds % 8 == 3) {
		snprintf(count, sizeof count, "%u\n", ++throttles);
		/* Whole at any time: the reader is another thread. */
		support_file("devices/system/cpu/cpu0/thermal_throttle/next", count);
		cr_assert_eq(rename(support_path("devices/system/cpu/cpu0/thermal_throttle/next"),
		                    support_path("devices/system/cpu/cpu0/thermal_throttle/core_throttle_count")),
		             0);
	}
	flush_each(context, job, segment, device, rounds, elapsed_ns);
}

static bool is_throttled(const struct assay_run_log *log, uint32_t round)
{
	for (uint32_t i = 0; i < log->telemetry.throttled.count; i++)
		if (round >= log->telemetry.throttled.ranges[i].first &&
		    round <= log->telemetry.throttled.ranges[i].last)
			return true;
	return false;
}

/* The reading that tells it comes after round 2, 10 and so on, when the next one has begun: that one is throttled, and
 * the one before too unless there was a reading in between. `cut` is a round that began anew after that. */
static void throttled_are(const struct assay_run_log *log, uint32_t cut)
{
	int64_t count = 0;

	for (uint32_t r = 0; r < log->rounds; r++) {
		const bool throttled = is_throttled(log, r);
		cr_assert(throttled || r % 8 != 3 || r == cut, "round %u is not throttled, cut at %u", r, cut);
		cr_assert(!throttled || r % 8 == 3 || r % 8 == 2, "round %u is throttled, cut at %u", r, cut);
		count += throttled;
	}
	cr_assert_eq(log->telemetry.throttled_rounds, count, "%d of %d, cut at %u",
	             (int)log->telemetry.throttled_rounds, (int)count, cut);
}

/* Which rounds were throttled, and when it was how hot, survives whatever ends the process, and wherever. */
Test(journal, telemetry_goes_on)
{
	enum { ROUNDS = 24 };
	static uint8_t bytes[FILE_MAX];
	struct assay_job job = {
	    .devices = devices,
	    .progress = throttle_some,
	    .challenge = {.profile = "test",
	                  .devices = 1,
	                  .samples = 4,
	                  .segment_count = 2,
	                  .segments = {{.work = &assay_work_sha256, .params = {{0, 5}}, .rounds = ROUNDS},
	                               {.work = &assay_work_sha256, .params = {{0, 4}}, .rounds = 2}}}};
	struct assay_journal_wish path = wish(NULL);

	begin();
	support_file("devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "0\n");
	support_file("class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
	support_file("class/thermal/thermal_zone0/temp", "45000\n");
	memcpy(job.key, secret.key, sizeof job.key);
	path.path = support_path("c");
	support_ok(assay_job_texts(&job, &error), error);
	support_ok(assay_journal_create(&job.journal, &path, &job, 1700000000, false, &error), error);
	support_ok(assay_job_run(&job, &error), error);
	assay_journal_close(job.journal, false);
	throttled_are(&job.runs[0], UINT32_MAX);
	cr_assert_eq(job.runs[1].telemetry.throttled_rounds, 0);
	assay_job_close(&job);

	size_t at[64], rounds[64], len = file_of(bytes, support_path("c")),
	                           count = batches_of(at, rounds, bytes, len, ROUNDS + 2);
	for (size_t cut = 0; cut <= count; cut++) {
		for (int attest_only = 0; attest_only < 2; attest_only++) {
			static atomic_bool stop;
			struct assay_checkpoint checkpoint;
			struct assay_telemetry_claim claim;
			struct assay_timeline line;
			support_write(support_path("cut"), bytes, at[cut]);
			support_file("class/thermal/thermal_zone0/temp", attest_only ? "99000\n" : "61000\n");
			atomic_store(&stop, attest_only);
			support_ok(assay_checkpoint_read(&checkpoint, support_path("cut"), &error), error);
			struct assay_job again = {.devices = devices, .progress = throttle_some, .stop = &stop};
			memcpy(again.key, secret.key, sizeof again.key);
			path.path = support_path("cut");
			support_ok(assay_resume_job(&again, &checkpoint, attest_only, &error), error);
			support_ok(assay_journal_resume(&again.journal, &path, &checkpoint, true, &error), error);
			const uint32_t before = again.runs[0].rounds;
			support_ok(assay_job_run(&again, &error), error);
			assay_telemetry_claim(again.telemetry, 0, &claim, &line);
			if (!attest_only) {
				throttled_are(&again.runs[0], before);
				cr_assert_eq(again.runs[1].telemetry.throttled_rounds, 0);
			} else if (before) {
				throttled_are(&again.runs[0], before);
				cr_assert_eq(claim.temperature_mc.max, 45000, "nothing was read but before");
			}
			if (before) {
				cr_assert_eq(assay_timeline_sum(&line, ASSAY_LINE_TEMPERATURE).min, 45000);
				cr_assert_eq(claim.temperature_mc.min, 45000);
				cr_assert_str_eq(claim.source, "sysfs");
			}
			if (!attest_only && before < ROUNDS)
				cr_assert_eq(assay_timeline_sum(&line, ASSAY_LINE_TEMPERATURE).max, 61000);
			assay_journal_close(again.journal, false);
			assay_job_close(&again);
			assay_checkpoint_close(&checkpoint);
		}
	}
	end();
}
