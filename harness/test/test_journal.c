/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: what was noted is read again, what is torn or damaged is cut off, and a job
 * that was cut off anywhere and resumed is the same job. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/checkpoint.h"
#include "harness/resume.h"
#include "harness/test/journals.h"

TestSuite(journal, .init = shim_reset, .fini = support_leave, .timeout = 300);

/* Every round is on the disk when its device begins the next one. */
static void flush_each(void *context, const struct assay_job *job, uint32_t segment, uint32_t device, uint32_t rounds,
                       uint64_t elapsed_ns)
{
	(void)context, (void)segment, (void)device, (void)rounds, (void)elapsed_ns;
	support_ok(assay_journal_flush(job->journal, &error), error);
}

/* Runs the whole job with a checkpoint at `path`, which stays; the caller closes the job. */
static void run_whole(struct assay_job *job, const char *path)
{
	const struct assay_journal_wish here = wish(path);

	job_fill(job);
	job->progress = flush_each;
	support_ok(assay_job_texts(job, &error), error);
	support_ok(assay_journal_create(&job->journal, &here, job, 1700000000, false, &error), error);
	support_ok(assay_job_run(job, &error), error);
	assay_journal_close(job->journal, false);
	job->journal = NULL;
}

static size_t file_of(uint8_t bytes[FILE_MAX], const char *path)
{
	size_t len = support_read(path, bytes, FILE_MAX);

	cr_assert(len > 0 && len < FILE_MAX);
	return len;
}

/* Where its batches begin, the last one being empty and at the end; and the rounds before each, of `expected`. What
 * telemetry said may be in each of them. Their number. */
static size_t batches_of(size_t at[64], size_t rounds[64], const uint8_t *bytes, size_t len, size_t expected)
{
	size_t count = 0;

	at[0] = 8;
	for (int i = 0; i < 3; i++)
		at[0] += 4 + assay_le32_read(bytes + at[0]);
	at[0] += 32 + 8 + 4 + 4 + 4 + 32;
	for (rounds[0] = 0; at[count] < len; count++) {
		cr_assert_lt(count, 63);
		uint32_t records = assay_le32_read(bytes + at[count]);
		rounds[count + 1] = rounds[count];
		for (uint32_t i = 0; i < records; i++)
			rounds[count + 1] +=
			    assay_le32_read(bytes + at[count] + 4 + i * ASSAY_RECORD_BYTES) < ASSAY_SEGMENTS_MAX;
		at[count + 1] = at[count] + assay_batch_len(records);
	}
	cr_assert_eq(at[count], len);
	cr_assert_eq(rounds[count], expected);
	return count;
}

static size_t batches(size_t at[64], size_t rounds[64], const uint8_t *bytes, size_t len)
{
	return batches_of(at, rounds, bytes, len, DEVICES * (FIRST + SECOND));
}

/* The checkpoint's rounds are those of the whole job, as far as they go. */
static void is_prefix(const struct assay_checkpoint *checkpoint, const struct assay_job *whole)
{
	for (uint32_t i = 0; i < 2 * DEVICES; i++) {
		const struct assay_run_log *log = &checkpoint->runs[i], *all = &whole->runs[i];
		cr_assert_leq(log->rounds, all->rounds);
		if (log->rounds == 0)
			continue;
		cr_assert_arr_eq(log->roots, all->roots, log->rounds * sizeof *log->roots);
		if (checkpoint->pauses)
			continue; /* rounds done after it have times of their own */
		cr_assert_arr_eq(log->round_ns, all->round_ns, log->rounds * sizeof *log->round_ns);
		cr_assert(log->rounds < all->rounds || log->elapsed_ns == all->elapsed_ns);
	}
}

Test(journal, holds_the_whole_job)
{
	static uint8_t bytes[FILE_MAX];
	struct assay_checkpoint checkpoint;
	struct assay_job job;

	begin();
	run_whole(&job, support_path("c"));
	support_ok(assay_checkpoint_read(&checkpoint, support_path("c"), &error), error);
	cr_assert_eq(checkpoint.rounds, DEVICES * (FIRST + SECOND));
	is_prefix(&checkpoint, &job);
	for (uint32_t i = 0; i < 2 * DEVICES; i++)
		cr_assert_eq(checkpoint.runs[i].rounds, job.runs[i].rounds);
	cr_assert_str_eq(checkpoint.challenge_text, job.challenge_text);
	cr_assert_str_eq(checkpoint.devices_text, job.devices_text);
	cr_assert_str_eq(checkpoint.ids, "shim:0,shim:1");
	cr_assert_arr_eq(checkpoint.key, secret.key, sizeof secret.key);
	cr_assert_eq(checkpoint.started, 1700000000);
	cr_assert_eq(checkpoint.stagger_ms, 1);
	cr_assert_eq(checkpoint.repeat_every, 2);
	cr_assert_eq(checkpoint.power_budget_w, BUDGET);
	cr_assert_eq(checkpoint.pauses, 0);
	cr_assert_eq(checkpoint.dropped, 0);
	size_t len = file_of(bytes, support_path("c"));
	cr_assert_eq(checkpoint.len, len);
	cr_assert_null(memmem(bytes, len, secret.seed, sizeof secret.seed), "a secret is in it");
	assay_checkpoint_close(&checkpoint);
	assay_job_close(&job);
	end();
}

/* Goes on with the checkpoint at `path` to its end; the result is that of the job that was never cut off. */
static void resume(const char *path, const struct assay_job *whole, uint32_t pauses)
{
	const struct assay_journal_wish here = wish(path);
	struct assay_checkpoint checkpoint;
	struct assay_verdict verdict;
	struct assay_job job = {.devices = devices, .progress = flush_each};

	support_ok(assay_checkpoint_read(&checkpoint, path, &error), error);
	is_prefix(&checkpoint, whole);
	uint64_t before = checkpoint.rounds;
	memcpy(job.key, secret.key, sizeof job.key);
	support_ok(assay_resume_job(&job, &checkpoint, false, &error), error);
	cr_assert_eq(job.pauses, pauses - 1);
	job.pauses++;
	support_ok(assay_journal_resume(&job.journal, &here, &checkpoint, true, &error), error);
	support_ok(assay_job_run(&job, &error), error);
	cr_assert_not(job.stopped);
	support_ok(assay_journal_flush(job.journal, &error), error);
	assay_journal_close(job.journal, false);
	assay_checkpoint_close(&checkpoint);

	cr_assert_arr_eq(job.sample_key, whole->sample_key, sizeof job.sample_key, "another job after %u rounds",
	                 (unsigned)before);
	for (uint32_t i = 0; i < 2 * DEVICES; i++) {
		uint64_t sum_ns = 0;
		cr_assert_eq(job.runs[i].rounds, whole->runs[i].rounds);
		cr_assert_arr_eq(job.runs[i].roots, whole->runs[i].roots, job.runs[i].rounds * 32);
		for (uint32_t r = 0; r < job.runs[i].rounds; r++)
			sum_ns += job.runs[i].round_ns[r];
		cr_assert_geq(job.runs[i].elapsed_ns, sum_ns, "the time of work before the pause counts");
	}
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = support_path("x"), .replace = true};
	support_ok(assay_attest_write(&attest, &verdict, &error), error);
	cr_assert_str_eq(verdict.assurance, "work-proven");
	cr_assert_eq(verdict.pauses, pauses);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	/* The checkpoint has followed. */
	support_ok(assay_checkpoint_read(&checkpoint, path, &error), error);
	cr_assert_eq(checkpoint.rounds, DEVICES * (FIRST + SECOND));
	cr_assert_eq(checkpoint.pauses, pauses);
	assay_checkpoint_close(&checkpoint);
}

/* Cut off after every batch, and at every byte of the last one and of the head: the same job comes out. */
Test(journal, cut_off_anywhere)
{
	static uint8_t bytes[FILE_MAX];
	struct assay_checkpoint checkpoint;
	struct assay_job whole;
	size_t at[64], rounds[64];

	begin();
	run_whole(&whole, support_path("c"));
	size_t len = file_of(bytes, support_path("c")), count = batches(at, rounds, bytes, len), last = at[count - 1];
	for (size_t i = 0; i <= count; i++) {
		support_write(support_path("cut"), bytes, at[i]);
		resume(support_path("cut"), &whole, 1);
		resume(support_path("cut"), &whole, 2); /* nothing is left to do, and nothing changes */
	}
	for (size_t cut = last + 1; cut < len; cut++) {
		support_write(support_path("cut"), bytes, cut);
		support_ok(assay_checkpoint_read(&checkpoint, support_path("cut"), &error), error);
		cr_assert_eq(checkpoint.rounds, rounds[count - 1], "%zu bytes", cut);
		cr_assert_eq(checkpoint.dropped, cut - last);
		cr_assert_eq(checkpoint.len, last);
		is_prefix(&checkpoint, &whole);
		assay_checkpoint_close(&checkpoint);
		if (cut % 16 == 0)
			resume(support_path("cut"), &whole, 1);
	}
	for (size_t cut = 0; cut < at[0]; cut++) {
		support_write(support_path("cut"), bytes, cut);
		cr_assert_eq(assay_checkpoint_read(&checkpoint, support_path("cut"), &error), ASSAY_ERROR_INPUT);
		cr_assert_str_eq(error.reason, "checkpoint.malformed");
		assay_checkpoint_close(&checkpoint);
	}
	assay_job_close(&whole);
	end();
}

/* A table is filled again for a walk that is not over, and only then. */
Test(journal, cut_off_in_a_walk)
{
	static const struct assay_params table = {{2, 64, 0}};
	const struct assay_segment segments[] = {{.work = &assay_work_memory_fill, .params = table},
	                                         {.work = &assay_work_memory, .params = table, .rounds = 9},
	                                         {.work = &assay_work_sha256, .params = {{0, 5}}, .rounds = 2}};
	static uint8_t bytes[FILE_MAX];
	struct assay_job whole, job;

	begin();
	for (uint32_t cut = 0; cut <= 9 + 2; cut++) {
		struct assay_checkpoint checkpoint;
		if (cut == 0) {
			const struct assay_journal_wish here = wish(support_path("c"));
			job_fill(&whole);
			whole.challenge.devices = 1;
			whole.challenge.segment_count = 3;
			memcpy(whole.challenge.segments, segments, sizeof segments);
			whole.progress = flush_each;
			support_ok(assay_job_texts(&whole, &error), error);
			support_ok(assay_journal_create(&whole.journal, &here, &whole, 1, false, &error), error);
			support_ok(assay_job_run(&whole, &error), error);
			assay_journal_close(whole.journal, false);
		}
		size_t at[64], rounds[64], len = file_of(bytes, support_path("c")), batch = 0;
		(void)batches_of(at, rounds, bytes, len, 9 + 2);
		while (rounds[batch] < cut)
			batch++;
		support_write(support_path("cut"), bytes, at[batch]);
		for (int attest_only = 0; attest_only < 2; attest_only++) {
			static atomic_bool stop;
			struct assay_verdict verdict;
			atomic_store(&stop, attest_only);
			support_ok(assay_checkpoint_read(&checkpoint, support_path("cut"), &error), error);
			cr_assert_eq(checkpoint.rounds, cut);
			job = (struct assay_job){.devices = devices, .stop = &stop};
			memcpy(job.key, secret.key, sizeof job.key);
			support_ok(assay_resume_job(&job, &checkpoint, attest_only, &error), error);
			uint32_t before = atomic_load(&shim.calls[SHIM_LAUNCH]);
			support_ok(assay_job_run(&job, &error), error);
			cr_assert_eq(job.failures[0].status, ASSAY_OK, "%s", job.failures[0].error.text);
			if (attest_only || cut == 11)
				cr_assert_eq(atomic_load(&shim.calls[SHIM_LAUNCH]), before, "nothing is computed");
			if (!attest_only) {
				cr_assert_arr_eq(job.sample_key, whole.sample_key, 32, "another job after %u rounds",
				                 cut);
				cr_assert_eq(job.runs[0].rounds, 0);
				cr_assert_eq(job.runs[1].rounds, 9);
			}
			struct assay_attest attest = {
			    .job = &job, .secret = &secret, .prefix = support_path("x"), .replace = true};
			support_ok(assay_attest_write(&attest, &verdict, &error), error);
			const enum assay_reason reason = verdict.checks[ASSAY_CHECK_RECHECK].reason;
			cr_assert_eq(reason,
			             attest_only && cut < 10   ? ASSAY_REASON_RUN_EMPTY
			             : attest_only && cut < 11 ? ASSAY_REASON_RUN_SHORT
			                                       : ASSAY_REASON_NONE,
			             "cut %u: %s", cut, verdict.checks[ASSAY_CHECK_RECHECK].detail);
			assay_verdict_close(&verdict);
			assay_job_close(&job);
			assay_checkpoint_close(&checkpoint);
		}
	}
	assay_job_close(&whole);
	end();
}

/* A byte that is another one: in the head it is refused, in a batch that one and what follows are cut off. */
Test(journal, damaged_anywhere)
{
	static uint8_t bytes[FILE_MAX];
	struct assay_checkpoint checkpoint;
	struct assay_job whole;
	size_t at[64], rounds[64], batch = 0;

	begin();
	run_whole(&whole, support_path("c"));
	size_t len = file_of(bytes, support_path("c"));
	(void)batches(at, rounds, bytes, len);
	for (size_t byte = 0; byte < len; byte++) {
		bytes[byte] ^= (uint8_t)(1 << byte % 8);
		support_write(support_path("cut"), bytes, len);
		bytes[byte] ^= (uint8_t)(1 << byte % 8);
		while (byte >= at[batch + 1])
			batch++;
		enum assay_status status = assay_checkpoint_read(&checkpoint, support_path("cut"), &error);
		cr_assert_eq(status, byte < at[0] ? ASSAY_ERROR_INPUT : ASSAY_OK, "byte %zu", byte);
		if (status) {
			cr_assert_str_eq(error.reason, "checkpoint.malformed");
		} else {
			cr_assert_eq(checkpoint.rounds, rounds[batch], "byte %zu", byte);
			is_prefix(&checkpoint, &whole);
		}
		assay_checkpoint_close(&checkpoint);
	}
	assay_job_close(&whole);
	end();
}

/* A file that was made to mislead: its checks hold. */
static void forged(const uint8_t *head, size_t head_len, uint32_t count, const uint32_t (*places)[2], uint64_t elapsed,
                   enum assay_status expected)
{
	static uint8_t bytes[FILE_MAX];
	struct assay_checkpoint checkpoint;
	uint8_t *batch = bytes + head_len;
	const uint8_t root[32] = {1};

	memcpy(bytes, head, head_len);
	assay_le32_write(batch, count);
	for (uint32_t i = 0; i < count; i++)
		assay_record_write(batch + 4 + i * ASSAY_RECORD_BYTES, places[i][0], places[i][1], root, 5,
		                   elapsed - i);
	assay_batch_check(batch + 4 + count * ASSAY_RECORD_BYTES, head + head_len - 32, batch, count);
	support_write(support_path("forged"), bytes, head_len + assay_batch_len(count));
	cr_assert_eq(assay_checkpoint_read(&checkpoint, support_path("forged"), &error), expected);
	if (expected)
		cr_assert_str_eq(error.reason, "checkpoint.malformed");
	else
		cr_assert_eq(checkpoint.rounds, count);
	assay_checkpoint_close(&checkpoint);
}

Test(journal, forged)
{
	static uint8_t bytes[FILE_MAX];
	static const uint32_t good[][2] = {{0, 1}, {1, 0}}, back[][2] = {{1, 0}, {0, 0}}, segment[][2] = {{2, 0}},
	                      device[][2] = {{0, DEVICES}}, many[FIRST + 1][2] = {{0, 0}}, same[][2] = {{0, 0}, {0, 0}},
	                      half[][2] = {{UINT32_MAX, 0}};
	struct assay_checkpoint checkpoint;
	struct assay_job whole;

	begin();
	run_whole(&whole, support_path("c"));
	size_t at[64], rounds[64], len = file_of(bytes, support_path("c"));
	(void)batches(at, rounds, bytes, len);
	len = at[0];
	forged(bytes, len, 2, good, 100, ASSAY_OK);
	forged(bytes, len, 2, back, 100, ASSAY_ERROR_INPUT);
	forged(bytes, len, 1, segment, 100, ASSAY_ERROR_INPUT);
	forged(bytes, len, 1, device, 100, ASSAY_ERROR_INPUT);
	forged(bytes, len, 1, half, 100, ASSAY_ERROR_INPUT);
	forged(bytes, len, FIRST + 1, many, UINT64_C(0) - 1, ASSAY_ERROR_INPUT);
	forged(bytes, len, 2, same, 100, ASSAY_ERROR_INPUT); /* time that runs back */
	/* A count that the file cannot hold. */
	assay_le32_write(bytes + len, UINT32_MAX);
	support_write(support_path("forged"), bytes, len + assay_batch_len(2));
	support_ok(assay_checkpoint_read(&checkpoint, support_path("forged"), &error), error);
	cr_assert_eq(checkpoint.rounds, 0);
	assay_checkpoint_close(&checkpoint);
	cr_assert_eq(assay_checkpoint_read(&checkpoint, support_path("none"), &error), ASSAY_ERROR_IO);
	cr_assert_eq(assay_checkpoint_read(&checkpoint, support_path("."), &error), ASSAY_ERROR_IO);
	assay_job_close(&whole);
	end();
}

/* What it is bound to. */
Test(journal, of_another)
{
	struct assay_checkpoint checkpoint;
	struct assay_job whole, job = {.devices = devices};

	begin();
	run_whole(&whole, support_path("c"));
	support_ok(assay_checkpoint_read(&checkpoint, support_path("c"), &error), error);
	cr_assert_eq(assay_resume_job(&job, &checkpoint, true, &error), ASSAY_ERROR_INPUT);
	cr_assert_str_eq(error.reason, "checkpoint.key");
	memcpy(job.key, secret.key, sizeof job.key);
	snprintf(devices[1].info.driver, sizeof devices[1].info.driver, "another");
	cr_assert_eq(assay_resume_job(&job, &checkpoint, false, &error), ASSAY_ERROR_INPUT);
	cr_assert_str_eq(error.reason, "checkpoint.devices");
	cr_assert(strstr(error.text, "driver of shim:1") && strstr(error.text, "\"another\""), "%s", error.text);
	assay_job_close(&job);
	assay_checkpoint_close(&checkpoint);

	/* To open leaves any devices will do, and the file says who did the work. */
	support_ok(assay_checkpoint_read(&checkpoint, support_path("c"), &error), error);
	job = (struct assay_job){.devices = devices};
	memcpy(job.key, secret.key, sizeof job.key);
	support_ok(assay_resume_job(&job, &checkpoint, true, &error), error);
	struct assay_verdict verdict;
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = support_path("x")};
	support_ok(assay_job_run(&job, &error), error);
	cr_assert_str_eq(job.devices_text, whole.devices_text);
	support_ok(assay_attest_write(&attest, &verdict, &error), error);
	cr_assert_str_eq(verdict.assurance, "work-proven");
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	assay_checkpoint_close(&checkpoint);

	/* Two at once. */
	struct assay_journal *one, *two;
	const struct assay_journal_wish here = wish(support_path("c"));
	support_ok(assay_checkpoint_read(&checkpoint, support_path("c"), &error), error);
	support_ok(assay_journal_resume(&one, &here, &checkpoint, false, &error), error);
	cr_assert_eq(assay_journal_resume(&two, &here, &checkpoint, false, &error), ASSAY_ERROR_INPUT);
	cr_assert_str_eq(error.reason, "checkpoint.busy");
	assay_journal_close(one, false);
	support_ok(assay_journal_resume(&two, &here, &checkpoint, false, &error), error);
	assay_journal_close(two, true);
	cr_assert_not(support_exists(support_path("c")), "it has done its work");
	assay_checkpoint_close(&checkpoint);
	assay_job_close(&whole);
	end();
}

/* A device that gives another result now, or rounds that it never had. */
Test(journal, last_round_differs)
{
	struct assay_checkpoint checkpoint;
	struct assay_job whole, job = {.devices = devices};
	static uint8_t bytes[FILE_MAX];

	begin();
	run_whole(&whole, support_path("c"));
	size_t at[64], rounds[64], len = file_of(bytes, support_path("c")), count = batches(at, rounds, bytes, len);
	/* One device at least has a round of the second segment and misses one. */
	for (len = at[--count]; rounds[count] >= DEVICES * (FIRST + SECOND) - 1;)
		len = at[--count];
	support_write(support_path("cut"), bytes, len);
	support_ok(assay_checkpoint_read(&checkpoint, support_path("cut"), &error), error);
	memcpy(job.key, secret.key, sizeof job.key);
	support_ok(assay_resume_job(&job, &checkpoint, false, &error), error);
	uint32_t d = job.runs[DEVICES].rounds && job.runs[DEVICES].rounds < SECOND ? 0 : 1;
	struct assay_run_log *log = &job.runs[DEVICES + d];
	cr_assert(log->rounds > 0 && log->rounds < SECOND);
	log->roots[log->rounds - 1][31] ^= 1;
	support_ok(assay_job_run(&job, &error), error);
	cr_assert_eq(job.failures[d].status, ASSAY_ERROR_DEVICE);
	cr_assert_str_eq(job.failures[d].error.reason, "device.miscompute");
	cr_assert_eq(job.failures[1 - d].status, ASSAY_OK);
	assay_job_close(&job);
	assay_checkpoint_close(&checkpoint);
	assay_job_close(&whole);
	end();
}

/* ---- Telemetry ---- */

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
