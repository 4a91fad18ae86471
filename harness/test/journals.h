/* SPDX-License-Identifier: Apache-2.0
 *
 * A small job on two devices, for the tests of checkpoints, and what is in one. */
#ifndef HARNESS_TEST_JOURNALS_H
#define HARNESS_TEST_JOURNALS_H

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/checkpoint.h"
#include "harness/journal.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

enum { DEVICES = 2, FIRST = 4, SECOND = 3, BUDGET = 500, FILE_MAX = 1 << 16 };

static struct assay_error error;
static struct assay_secret secret;
static struct assay_device devices[DEVICES];

/* Two segments on two devices, always the same job. */
static void job_fill(struct assay_job *job)
{
	*job = (struct assay_job){
	    .devices = devices,
	    .stagger_ms = 1,
	    .repeat_every = 2,
	    .power_budget_w = BUDGET,
	    .challenge = {.profile = "test",
	                  .devices = DEVICES,
	                  .samples = 6,
	                  .segment_count = 2,
	                  .segments = {{.work = &assay_work_sha256, .params = {{0, 5}}, .rounds = FIRST},
	                               {.work = &assay_work_matmul_i8, .params = {{64, 16, 64}}, .rounds = SECOND}}}};
	memcpy(job->key, secret.key, sizeof job->key);
}

static void begin(void)
{
	setenv("ASSAY_SYSFS", support_enter(), 1);
	support_file("class/powercap/intel-rapl:0/name", "package-0\n");
	support_file("class/powercap/intel-rapl:0/constraint_0_power_limit_uw", "250000000\n");
	if (sodium_is_zero(secret.seed, sizeof secret.seed))
		assay_secret_make(&secret);
	for (uint32_t d = 0; d < DEVICES; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
}

static void end(void)
{
	for (uint32_t d = 0; d < DEVICES; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
}

static struct assay_journal_wish wish(const char *path)
{
	return (struct assay_journal_wish){.path = path, .interval_ms = 3600000};
}

/* Every round is on the disk when its device begins the next one. */
static inline void flush_each(void *context, const struct assay_job *job, uint32_t segment, uint32_t device,
                              uint32_t rounds, uint64_t elapsed_ns)
{
	(void)context, (void)segment, (void)device, (void)rounds, (void)elapsed_ns;
	support_ok(assay_journal_flush(job->journal, &error), error);
}

/* Runs the whole job with a checkpoint at `path`, which stays; the caller closes the job. */
static inline void run_whole(struct assay_job *job, const char *path)
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

static inline size_t file_of(uint8_t bytes[FILE_MAX], const char *path)
{
	size_t len = support_read(path, bytes, FILE_MAX);

	cr_assert(len > 0 && len < FILE_MAX);
	return len;
}

/* Where its batches begin, the last one being empty and at the end; and the rounds before each, of `expected`. What
 * telemetry said may be in each of them. Their number. */
static inline size_t batches_of(size_t at[64], size_t rounds[64], const uint8_t *bytes, size_t len, size_t expected)
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

static inline size_t batches(size_t at[64], size_t rounds[64], const uint8_t *bytes, size_t len)
{
	return batches_of(at, rounds, bytes, len, DEVICES * (FIRST + SECOND));
}

/* The checkpoint's rounds are those of the whole job, as far as they go. */
static inline void is_prefix(const struct assay_checkpoint *checkpoint, const struct assay_job *whole)
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

#endif
