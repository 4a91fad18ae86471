/* SPDX-License-Identifier: Apache-2.0
 *
 * Checkpoints that are not as they were written: damaged, forged, of another key or machine, or of a device that has
 * another result now. */
#include <stdio.h>
#include <string.h>

#include "harness/resume.h"
#include "harness/test/journals.h"

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
