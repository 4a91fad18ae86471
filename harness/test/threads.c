/* SPDX-License-Identifier: Apache-2.0
 *
 * The threaded parts for ThreadSanitizer: a program of its own, because Criterion's runner does not start under it.
 * Devices are opened and closed, jobs run on three of them with a progress callback, and one of two fails at every
 * launch in turn. Takes a prefix for two files, which it removes. Prints what is wrong and ends with 1. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/journal.h"
#include "harness/selftest.h"
#include "harness/test/shim.h"

#define NEED(condition, ...)                                                        \
	do {                                                                        \
		if (!(condition)) {                                                 \
			fprintf(stderr, "threads: line %d: " #condition, __LINE__); \
			fprintf(stderr, __VA_ARGS__);                               \
			exit(1);                                                    \
		}                                                                   \
	} while (0)

static struct assay_error error;
static struct assay_secret secret;

/* Not atomic: calls come one at a time. */
static unsigned long progressed;

static void progress(void *context, const struct assay_job *job, uint32_t segment, uint32_t device, uint32_t rounds,
                     uint64_t elapsed_ns)
{
	(void)context, (void)job, (void)segment, (void)device, (void)elapsed_ns;
	progressed += rounds ? 1 : 0;
}

static void job_fill(struct assay_job *job, struct assay_device *devices, uint32_t count)
{
	*job = (struct assay_job){
	    .devices = devices,
	    .progress = progress,
	    .challenge = {.profile = "test",
	                  .devices = count,
	                  .samples = 8,
	                  .segment_count = 3,
	                  .segments = {{.work = &assay_work_matmul_i8, .params = {{128, 32, 32}}, .rounds = 3},
	                               {.work = &assay_work_sha256, .params = {{1, 7}}, .rounds = 3},
	                               {.work = &assay_work_sha256, .params = {{0, 4}}, .duration_ms = 50}}},
	};
	memcpy(job->key, secret.key, sizeof job->key);
}

static enum assay_status job_run(struct assay_job *job, struct assay_device *devices, uint32_t count)
{
	job_fill(job, devices, count);
	return assay_job_run(job, &error);
}

static void sound_job(const char *prefix)
{
	static struct assay_device devices[3];
	struct assay_verdict verdict;
	struct assay_job job;
	struct assay_checkpoint checkpoint;
	char path[3][4096];

	for (uint32_t d = 0; d < 3; d++)
		NEED(assay_device_open(&devices[d], d ? &assay_backend_cpu : &shim_backend, 0, NULL, &error) ==
		         ASSAY_OK,
		     ": %s\n", error.text);
	/* With a checkpoint that is written all the time, and rounds that are repeated. */
	snprintf(path[2], sizeof path[2], "%s.checkpoint", prefix);
	const struct assay_journal_wish wish = {.path = path[2], .interval_ms = 1};
	job_fill(&job, devices, 3);
	job.repeat_every = 2;
	NEED(assay_job_texts(&job, &error) == ASSAY_OK, ": %s\n", error.text);
	NEED(assay_journal_create(&job.journal, &wish, &job, 1, true, &error) == ASSAY_OK, ": %s\n", error.text);
	NEED(assay_job_run(&job, &error) == ASSAY_OK, ": %s\n", error.text);
	NEED(assay_journal_flush(job.journal, &error) == ASSAY_OK, ": %s\n", error.text);
	NEED(assay_checkpoint_read(&checkpoint, path[2], &error) == ASSAY_OK, ": %s\n", error.text);
	NEED(checkpoint.rounds == progressed, ": %lu\n", progressed);
	assay_checkpoint_close(&checkpoint);
	assay_journal_close(job.journal, true);
	job.journal = NULL;
	NEED(progressed >= 21, ": %lu\n", progressed);
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = prefix, .replace = true};
	NEED(assay_attest_write(&attest, &verdict, &error) == ASSAY_OK, ": %s\n", error.text);
	NEED(strcmp(verdict.assurance, "work-proven") == 0, "\n");
	snprintf(path[0], sizeof path[0], "%s.transcript", prefix);
	snprintf(path[1], sizeof path[1], "%s.intoto.json", prefix);
	NEED(unlink(path[0]) == 0 && unlink(path[1]) == 0, "\n");
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < 3; d++)
		assay_device_close(&devices[d]);
}

static void failing_jobs(void)
{
	static struct assay_device devices[2];
	bool failed = true;

	for (uint32_t n = 1; n <= 40 || failed; n += 3) {
		struct assay_job job;
		shim_reset();
		shim.device = 1;
		shim.kind = n % 2 ? SHIM_LAUNCH : SHIM_ALLOC;
		shim.fail_at = n % 2 ? n : n / 2;
		for (uint32_t d = 0; d < 2; d++)
			NEED(assay_device_open(&devices[d], &shim_backend, d, NULL, &error) == ASSAY_OK, ": %s\n",
			     error.text);
		NEED(job_run(&job, devices, 2) == ASSAY_OK, ": %s\n", error.text);
		failed = job.failures[1].status != ASSAY_OK;
		NEED(job.failures[0].status == ASSAY_OK && job.runs[0].rounds == 3, "\n");
		assay_job_close(&job);
		for (uint32_t d = 0; d < 2; d++)
			assay_device_close(&devices[d]);
		NEED(shim.live == 0, ": %d\n", shim.live);
		NEED(n < 10000, "\n");
	}
	shim_reset();
}

/* A device of its own for each of several threads: nothing is shared that should not be. */
static void *lonely(void *context)
{
	struct assay_device device;
	struct assay_error why;
	(void)context;

	for (int turn = 0; turn < 20; turn++) {
		NEED(assay_device_open(&device, &assay_backend_cpu, 0, NULL, &why) == ASSAY_OK, ": %s\n", why.text);
		if (turn == 0)
			NEED(assay_selftest(&device, &why) == ASSAY_OK, ": %s\n", why.text);
		assay_device_close(&device);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[3];

	NEED(argc == 2 && sodium_init() >= 0, "\n");
	assay_secret_make(&secret);
	for (int i = 0; i < 3; i++)
		NEED(pthread_create(&threads[i], NULL, lonely, NULL) == 0, "\n");
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	sound_job(argv[1]);
	failing_jobs();
	printf("threads: ok\n");
	return 0;
}
