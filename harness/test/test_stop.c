/* SPDX-License-Identifier: Apache-2.0
 *
 * Jobs that are stopped attest what they did; a full disk costs a checkpoint nothing that it had. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/test/journals.h"

TestSuite(stop, .init = shim_reset, .fini = support_leave, .timeout = 300);

/* ---- Stopping ---- */

static atomic_bool stop;
static uint32_t stop_segment, stop_after;

static void stop_there(void *context, const struct assay_job *job, uint32_t segment, uint32_t device, uint32_t rounds,
                       uint64_t elapsed_ns)
{
	(void)context, (void)job, (void)device, (void)elapsed_ns;
	if (segment == stop_segment && rounds >= stop_after)
		atomic_store(&stop, true);
}

/* Devices end with the round that they are in, later segments are empty, and what was done is attested. */
Test(stop, stopped)
{
	begin();
	for (stop_segment = 0; stop_segment < 2; stop_segment++)
		for (stop_after = 1; stop_after <= 3; stop_after++) {
			struct assay_verdict verdict;
			struct assay_job job;
			bool empty = false;
			job_fill(&job);
			job.progress = stop_there;
			job.stop = &stop;
			atomic_store(&stop, false);
			support_ok(assay_job_run(&job, &error), error);
			for (uint32_t d = 0; d < DEVICES; d++) {
				cr_assert_leq(job.runs[d].rounds, FIRST);
				cr_assert(stop_segment == 1 || job.runs[DEVICES + d].rounds == 0);
				empty = empty || !job.runs[d].rounds || !job.runs[DEVICES + d].rounds;
			}
			uint32_t last = job.runs[DEVICES].rounds + job.runs[DEVICES + 1].rounds;
			cr_assert_eq(job.stopped, last < DEVICES * SECOND);
			struct assay_attest attest = {
			    .job = &job, .secret = &secret, .prefix = support_path("x"), .replace = true};
			support_ok(assay_attest_write(&attest, &verdict, &error), error);
			enum assay_reason reason = verdict.checks[ASSAY_CHECK_RECHECK].reason;
			cr_assert_eq(reason, empty         ? ASSAY_REASON_RUN_EMPTY
			                     : job.stopped ? ASSAY_REASON_RUN_SHORT
			                                   : ASSAY_REASON_NONE);
			/* The same work is refused when nobody stopped it. */
			assay_verdict_close(&verdict);
			if (job.stopped) {
				job.stopped = false;
				cr_assert_eq(assay_attest_write(&attest, &verdict, &error), ASSAY_ERROR_DEVICE);
				cr_assert_str_eq(error.reason, "attest.refused");
				assay_verdict_close(&verdict);
			}
			assay_job_close(&job);
		}
	/* Before it began. */
	struct assay_job job;
	job_fill(&job);
	job.stop = &stop;
	atomic_store(&stop, true);
	support_ok(assay_job_run(&job, &error), error);
	cr_assert(job.stopped);
	for (uint32_t i = 0; i < 2 * DEVICES; i++)
		cr_assert_eq(job.runs[i].rounds, 0);
	assay_job_close(&job);
	end();
}

/* ---- A full disk ---- */

static unsigned notes;
static char note_text[600];

static void note(const struct assay_error *why)
{
	notes++;
	snprintf(note_text, sizeof note_text, "%s (%s)", why->text, why->reason);
}

static bool limit(rlim_t bytes)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_FSIZE, &now) != 0)
		return false;
	now.rlim_cur = bytes;
	return setrlimit(RLIMIT_FSIZE, &now) == 0;
}

#define NEED(condition)                            \
	do {                                       \
		if (!(condition))                  \
			_exit(__LINE__ % 200 + 1); \
	} while (0)

/* In a process of its own, whose files may have 3000 bytes and then more. */
static void full_disk(const char *path)
{
	struct assay_journal_wish here = wish(path);
	struct assay_journal *journal;
	struct assay_checkpoint checkpoint;
	struct assay_job job;
	uint8_t root[32] = {0};

	here.note = note;
	signal(SIGXFSZ, SIG_IGN);
	job_fill(&job);
	job.challenge.segments[0].rounds = 1000;
	NEED(assay_job_texts(&job, &error) == ASSAY_OK);
	NEED(limit(3000));
	NEED(assay_journal_create(&journal, &here, &job, 1, false, &error) == ASSAY_OK);
	for (uint32_t r = 0; r < 200; r++) {
		root[0] = (uint8_t)r;
		assay_journal_round(journal, 0, 0, r, root, 10, 10 * r + 10);
		if (r % 10 == 9 && assay_journal_flush(journal, &error))
			NEED(strcmp(error.reason, "checkpoint.write") == 0);
		/* What had room is whole, whenever one looks. */
		NEED(assay_checkpoint_read(&checkpoint, path, &error) == ASSAY_OK);
		NEED(checkpoint.dropped == 0 && (checkpoint.rounds == (r + 1) / 10 * 10 || notes == 1));
		assay_checkpoint_close(&checkpoint);
	}
	NEED(notes == 1 && strstr(note_text, "the run goes on"));
	NEED(limit(RLIM_INFINITY));
	NEED(assay_journal_flush(journal, &error) == ASSAY_OK);
	NEED(notes == 2 && strstr(note_text, "written again"));
	NEED(assay_checkpoint_read(&checkpoint, path, &error) == ASSAY_OK);
	NEED(checkpoint.rounds == 200 && checkpoint.dropped == 0 && checkpoint.runs[0].elapsed_ns == 2000);
	for (uint32_t r = 0; r < 200; r++)
		NEED(checkpoint.runs[0].roots[r][0] == r);
	_exit(0);
}

Test(stop, full_disk)
{
	int status;

	begin();
	pid_t child = support_fork();
	if (child == 0)
		full_disk(support_path("c"));
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "line %d or so", WEXITSTATUS(status) - 1);
	end();
}

/* The writer's own thread writes without being asked. */
Test(stop, by_itself)
{
	struct assay_journal_wish here = wish(support_path("c"));
	struct assay_checkpoint checkpoint = {.rounds = 0};
	struct assay_journal *journal;
	struct assay_job job;
	const uint8_t root[32] = {7};

	begin();
	here = wish(support_path("c"));
	here.interval_ms = 20;
	job_fill(&job);
	support_ok(assay_job_texts(&job, &error), error);
	support_ok(assay_journal_create(&journal, &here, &job, 1, false, &error), error);
	assay_journal_round(journal, 1, 1, 0, root, 10, 20);
	while (checkpoint.rounds == 0) {
		assay_checkpoint_close(&checkpoint);
		support_ok(assay_checkpoint_read(&checkpoint, support_path("c"), &error), error);
		usleep(5000);
	}
	cr_assert_arr_eq(checkpoint.runs[3].roots[0], root, 32);
	assay_checkpoint_close(&checkpoint);
	/* A name that is taken. */
	struct assay_journal *other;
	cr_assert_eq(assay_journal_create(&other, &here, &job, 1, false, &error), ASSAY_ERROR_IO);
	cr_assert_str_eq(error.reason, "io.exists");
	assay_journal_close(journal, true);
	assay_journal_close(NULL, true);
	cr_assert_not(support_exists(support_path("c")));
	assay_job_close(&job);
	end();
}
