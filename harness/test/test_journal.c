/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints: what was noted is read again, what is torn is cut off, and a job that was cut off anywhere and resumed
 * is the same job. What is damaged is in test_journal_damaged.c, telemetry in test_journal_telemetry.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/resume.h"
#include "harness/test/journals.h"

TestSuite(journal, .init = shim_reset, .fini = support_leave, .timeout = 300);

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
