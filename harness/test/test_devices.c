/* SPDX-License-Identifier: Apache-2.0
 *
 * Several devices in one job, on test doubles of both vendors' drivers and on several devices of one OpenCL platform;
 * and what `assay run` says when one of them fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/devices.h"
#include "harness/segment.h"
#include "harness/test/support.h"
#include "verify/chain.h"

static struct assay_error error;
static struct assay_secret secret;

TestSuite(devices, .fini = support_leave, .timeout = 300);

/* The drivers' doubles, with this many devices each. */
static void doubles(const char *count)
{
	static const char *const libraries[2][2] = {{"ASSAY_CUDA_LIBRARY", "libcuda.so"},
	                                            {"ASSAY_HIP_LIBRARY", "libamdhip64.so"}};

	support_enter();
	/* Images are made where a clang for GPUs is installed. */
	if (!assay_images_cuda[0].architecture || !assay_images_hip[0].architecture)
		support_missing("images", "no clang for GPUs when this was built");
	for (size_t i = 0; i < 2; i++) {
		char path[512], absolute[4096];
		snprintf(path, sizeof path, "%s/double/%s", support_build(), libraries[i][1]);
		if (!realpath(path, absolute))
			support_missing("double", path);
		setenv(libraries[i][0], absolute, 1);
	}
	setenv("ASSAY_DOUBLE_DEVICES", count, 1);
}

/* ---- `assay run` when devices fail ---- */

/* How one that hangs ends: the others wait for it at the barrier no longer than it is allowed. */
Test(devices, one_hangs)
{
	doubles("2");
	/* What a hanging device holds is never given back. */
	cr_assert_eq(
	    support_run(
	        "ASAN_OPTIONS=detect_leaks=0 ASSAY_LAUNCH_SECONDS=1 ASSAY_DOUBLE_LOST=1:5:600 ASSAY_DOUBLE_LARGE=4096 "
	        "$A run --variant portable -d cpu,hip:1 -w sha256 --duration 1 --row host -o $T/x"),
	    2, "%s", support_err);
	cr_expect(strstr(support_err, "hip:1 failed in sha256/1 after 0 rounds") &&
	              strstr(support_err, "(device.timeout)"),
	          "%s", support_err);
	cr_expect(strstr(support_out, "hip:1         0 rounds   nothing to show"), "%s", support_out);
	cr_expect(strstr(support_out, "all 2"), "%s", support_out);
	cr_expect_eq(support_run("$V --trust $ASSAY_STATE_DIR/key.pub $T/x.intoto.json"), 2, "%s", support_err);
	cr_expect(strstr(support_out, "1 of 2       together"), "%s", support_out);
}

/* cuda:1 is lost in its first round; the processor goes on. */
Test(devices, one_is_lost)
{
	doubles("2");
	cr_assert_eq(support_run("ASSAY_DOUBLE_LOST=1:5 ASSAY_DOUBLE_LARGE=4096 $A run --variant portable -d "
	                         "cpu,cuda:1 -w sha256 --duration 1 --row host "
	                         "-o $T/x --json"),
	             2, "%s", support_err);
	cr_expect(strstr(support_err, "assay: cuda:1 failed in sha256/1 after 0 rounds: cuda:1: "), "%s", support_err);
	cr_expect(strstr(support_err, "(device.lost)"), "%s", support_err);
	cr_expect(strstr(support_err, "inconclusive (run.empty)"), "%s", support_err);
	cr_expect(strstr(support_err, "run without it: -d cpu\n"), "%s", support_err);
	/* The verdict is all that standard output has. */
	json_t *verdict = json_loads(support_out, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_str_eq(json_string_value(json_object_get(verdict, "verdict")), "inconclusive", "%s", support_out);
	const json_t *runs = json_object_get(verdict, "segments");
	cr_expect_str_eq(json_string_value(json_object_get(json_array_get(runs, 1), "reason")), "run.empty");
	cr_expect(json_is_object(json_object_get(json_array_get(runs, 0), "proved")));
	json_decref(verdict);
	cr_expect_eq(support_files(), 2);
	cr_expect_eq(support_run("$V --trust $ASSAY_STATE_DIR/key.pub $T/x.intoto.json"), 2, "%s", support_err);
}

Test(devices, the_only_one_is_lost)
{
	doubles("1");
	cr_assert_eq(support_run("ASSAY_DOUBLE_LOST=0:5 ASSAY_DOUBLE_LARGE=4096 $A run --variant portable -d hip -w "
	                         "sha256 --row host -o $T/x"),
	             3, "%s", support_err);
	cr_expect(strstr(support_err, "assay: hip:0: "), "%s", support_err);
	cr_expect(strstr(support_err, "(device.lost)"), "%s", support_err);
	cr_expect_eq(support_files(), 0, "something was written");
}

/* ---- Many devices ---- */

enum { MANY = 8, SEGMENTS = 3, ROUNDS = 3, SAMPLES = 6 };

static const struct assay_segment segments[SEGMENTS] = {
    {.work = &assay_work_matmul_i8, .params = {{64, 32, 64}}, .rounds = ROUNDS},
    {.work = &assay_work_sha256, .params = {{2, 6}}, .rounds = ROUNDS},
    {.work = &assay_work_matmul_i8, .params = {{64, 32, 64}}, .rounds = ROUNDS},
};

static void job_fill(struct assay_job *job, struct assay_device *devices, uint32_t count)
{
	*job = (struct assay_job){
	    .devices = devices,
	    .challenge = {.profile = "test", .devices = count, .samples = SAMPLES, .segment_count = SEGMENTS}};
	if (sodium_is_zero(secret.seed, sizeof secret.seed))
		assay_secret_make(&secret);
	memcpy(job->key, secret.key, sizeof job->key);
	memcpy(job->challenge.segments, segments, sizeof segments);
}

static enum assay_status attest(struct assay_job *job, struct assay_verdict *verdict)
{
	struct assay_attest request = {.job = job, .secret = &secret, .prefix = support_path("x"), .replace = true};

	return assay_attest_write(&request, verdict, &error);
}

static void only_the_profile_is_unknown(const struct assay_verdict *verdict)
{
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		cr_assert_eq(verdict->checks[id].reason,
		             id == ASSAY_CHECK_PROFILE ? ASSAY_REASON_PROFILE_UNKNOWN : ASSAY_REASON_NONE, "%s",
		             verdict->checks[id].detail);
	cr_assert_str_eq(verdict->assurance, "work-proven");
}

/* No two rounds of a job are the same, whoever did them: each device has a seed of its own. */
static void all_differ(const struct assay_job *job)
{
	const uint8_t *roots[SEGMENTS * MANY * ROUNDS];
	uint32_t count = 0;

	for (uint32_t i = 0; i < SEGMENTS * job->challenge.devices; i++)
		for (uint32_t r = 0; r < job->runs[i].rounds; r++) {
			for (uint32_t k = 0; k < count; k++)
				cr_assert_neq(memcmp(roots[k], job->runs[i].roots[r], 32), 0, "run %u round %u", i, r);
			roots[count++] = job->runs[i].roots[r];
		}
}

static void sound(struct assay_device *devices, uint32_t count)
{
	struct assay_verdict verdict;
	struct assay_job job;
	char work[48];

	job_fill(&job, devices, count);
	support_ok(assay_job_run(&job, &error), error);
	all_differ(&job);
	support_ok(attest(&job, &verdict), error);
	only_the_profile_is_unknown(&verdict);
	cr_assert_eq(verdict.run_count, SEGMENTS * count);
	for (uint32_t j = 0; j < SEGMENTS; j++) {
		snprintf(work, sizeof work, "%llu",
		         (unsigned long long)(segments[j].work->round_work(&segments[j].params) * ROUNDS * count));
		cr_assert_eq(verdict.aggregates[j].runs, count);
		cr_assert_str_eq(verdict.aggregates[j].work, work);
	}
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < count; d++)
		assay_device_close(&devices[d]);
}

static struct assay_device devices[MANY];

static void open_many(const struct assay_backend *backend, uint32_t first, uint32_t count)
{
	for (uint32_t d = 0; d < count; d++)
		support_ok(assay_device_open(&devices[first + d], backend, d, NULL, &error), error);
}

Test(devices, eight_of_cuda)
{
	doubles("8");
	open_many(&assay_backend_cuda, 0, 8);
	sound(devices, 8);
}

Test(devices, eight_of_hip)
{
	doubles("8");
	open_many(&assay_backend_hip, 0, 8);
	sound(devices, 8);
}

Test(devices, two_of_each)
{
	doubles("2");
	open_many(&assay_backend_cuda, 0, 2);
	open_many(&assay_backend_hip, 2, 2);
	open_many(&assay_backend_cpu, 4, 1);
	sound(devices, 5);
}

/* PoCL shows the processor as often as it is told to. */
static void pocl(const char *list, uint32_t count)
{
	struct assay_error why = {.text = "no device"};
	uint32_t found = 0;

	support_enter();
	if (support_thread_sanitizer())
		support_missing("opencl", "a device compiler's threads are not for the thread sanitizer");
	setenv("POCL_DEVICES", list, 1);
	if (assay_backend_opencl.count(&found, &why) != ASSAY_OK || found == 0)
		support_missing("opencl", why.text);
	if (found != count)
		support_missing("pocl", "another OpenCL than PoCL alone");
}

Test(devices, two_of_opencl)
{
	pocl("pthread pthread", 2);
	open_many(&assay_backend_opencl, 0, 2);
	sound(devices, 2);
}

Test(devices, eight_of_opencl_and_the_cpu)
{
	pocl("pthread pthread pthread pthread basic basic basic", 7);
	open_many(&assay_backend_opencl, 0, 7);
	open_many(&assay_backend_cpu, 7, 1);
	sound(devices, 8);
}

/* One of eight is lost at some launch: it alone ends there, and its neighbours open what it did. */
static void lost(const struct assay_backend *backend, const char *where, uint32_t segment)
{
	struct assay_verdict verdict;
	struct assay_job job;

	doubles("8");
	setenv("ASSAY_DOUBLE_LOST", where, 1);
	open_many(backend, 0, 8);
	job_fill(&job, devices, 8);
	support_ok(assay_job_run(&job, &error), error);
	cr_assert_eq(job.failures[5].status, ASSAY_ERROR_DEVICE);
	cr_assert_str_eq(job.failures[5].error.reason, "device.lost");
	cr_assert_eq(job.failures[5].segment, segment);
	for (uint32_t j = 0; j < SEGMENTS; j++)
		for (uint32_t d = 0; d < 8; d++) {
			const uint32_t rounds = job.runs[j * 8 + d].rounds;
			if (d != 5 || j < segment)
				cr_assert_eq(rounds, ROUNDS, "segment %u device %u", j, d);
			else
				cr_assert(j == segment ? rounds > 0 && rounds < ROUNDS : rounds == 0);
		}
	all_differ(&job);
	support_ok(attest(&job, &verdict), error);
	cr_assert_null(job.spare.handle, "its neighbours are well");
	cr_assert_eq(verdict.outcome, ASSAY_INCONCLUSIVE);
	cr_assert_eq(verdict.checks[ASSAY_CHECK_RECHECK].reason,
	             segment + 1 < SEGMENTS ? ASSAY_REASON_RUN_EMPTY : ASSAY_REASON_RUN_SHORT);
	cr_assert_eq(verdict.aggregates[0].runs, 8);
	cr_assert_eq(verdict.aggregates[SEGMENTS - 1].runs, segment + 1 < SEGMENTS ? 7 : 8);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < 8; d++)
		assay_device_close(&devices[d]);
}

Test(devices, one_of_eight_is_lost_early)
{
	lost(&assay_backend_cuda, "5:20", 0);
}

Test(devices, one_of_eight_is_lost_in_the_middle)
{
	lost(&assay_backend_hip, "5:50", 1);
}

Test(devices, one_of_eight_is_lost_late)
{
	lost(&assay_backend_cuda, "5:78", 2);
}

/* ---- One device that serves as eight (SPEC 13.5) ---- */

/* Nothing here is timed: what a device can do in a window is said to be this many rounds. */
enum { WINDOW_MS = 1000, WINDOW_ROUNDS = 16 };

/* Does the runs of `count` devices one after the other on one, and claims that they ran side by side. */
static void serve(struct assay_job *job, struct assay_device *one, uint32_t count, uint32_t rounds, bool one_seed)
{
	const struct assay_segment segment = {.work = &assay_work_sha256, .params = {{1, 5}}, .duration_ms = WINDOW_MS};
	uint8_t seed[32], commit_hash[32];
	struct assay_engine engine;
	struct assay_commit commit;

	for (uint32_t d = 0; d < count; d++) {
		devices[d] = *one;
		snprintf(devices[d].id, sizeof devices[d].id, "card:%u", d);
	}
	job_fill(job, devices, count);
	job->challenge.samples = 512;
	job->challenge.segment_count = 1;
	job->challenge.segments[0] = segment;
	json_t *block = assay_devices_json(devices, count, NULL);
	job->challenge_text = assay_challenge_text(&job->challenge);
	job->devices_text = assay_json_text(block);
	json_decref(block);
	job->runs = calloc(count, sizeof *job->runs);
	assay_chain_job(seed, job->challenge_text, strlen(job->challenge_text), job->key, job->devices_text,
	                strlen(job->devices_text));
	assay_chain_first_segment(job->segment_seeds[0], seed, assay_nonce_self);
	support_ok(assay_engine_prepare(&engine, one, assay_workload_of(segment.work), &segment.params, &error), error);
	assay_commit_start(&commit, 0);
	for (uint32_t d = 0; d < count; d++) {
		struct assay_run_log *log = &job->runs[d];
		*log = (struct assay_run_log){.rounds = rounds,
		                              .capacity = rounds,
		                              .bands = engine.bands,
		                              .roots = calloc(rounds, 32),
		                              .band_roots = calloc(rounds * engine.bands, 32),
		                              .round_ns = calloc(rounds, sizeof *log->round_ns),
		                              .elapsed_ns = UINT64_C(1000000) * WINDOW_MS};
		assay_chain_run(seed, job->segment_seeds[0], one_seed ? 0 : d);
		assay_commit_rounds(&commit, rounds);
		for (uint32_t r = 0; r < rounds; r++) {
			support_ok(assay_engine_round(&engine, seed, log->roots[r], log->band_roots + r * engine.bands,
			                              &error),
			           error);
			log->round_ns[r] = UINT64_C(1000000) * WINDOW_MS / rounds;
			assay_chain_round(seed, log->roots[r]);
			assay_commit_root(&commit, log->roots[r]);
		}
	}
	assay_commit_finish(&commit, commit_hash);
	assay_chain_next_segment(job->sample_key, job->segment_seeds[0], commit_hash, assay_nonce_self);
	assay_engine_finish(&engine);
}

/* The aggregate of such a job. */
static struct assay_aggregate served(struct assay_device *one, uint32_t count, uint32_t rounds)
{
	struct assay_verdict verdict;
	struct assay_job job;

	serve(&job, one, count, rounds, false);
	support_ok(attest(&job, &verdict), error);
	only_the_profile_is_unknown(&verdict);
	cr_assert_eq(verdict.run_count, count);
	cr_assert_eq(verdict.segment_count, 1);
	struct assay_aggregate aggregate = verdict.aggregates[0];
	cr_assert_eq(aggregate.runs, count);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	return aggregate;
}

Test(devices, one_serves_as_eight)
{
	struct assay_device one;
	struct assay_verdict verdict;
	struct assay_job job;

	support_enter();
	support_ok(assay_device_open(&one, &assay_backend_cpu, 0, NULL, &error), error);
	const struct assay_aggregate alone = served(&one, 1, WINDOW_ROUNDS);

	/* In the window: eight runs hold together what one device does, and that is what the verdict says. */
	const struct assay_aggregate divided = served(&one, 8, WINDOW_ROUNDS / 8);
	cr_expect_str_eq(divided.work, alone.work);
	cr_expect_str_eq(divided.claimed_rate, alone.claimed_rate);
	cr_expect_eq(divided.claimed_ns, alone.claimed_ns);
	cr_expect_leq(strtoull(divided.certified_work, NULL, 10), strtoull(alone.certified_work, NULL, 10));

	/* Not detected: eight windows one after the other, told as one. The work was done; only its time is a lie, and
	 * time is claimed. */
	const struct assay_aggregate stretched = served(&one, 8, WINDOW_ROUNDS);
	cr_expect_eq(strtoull(stretched.work, NULL, 10), 8 * strtoull(alone.work, NULL, 10));
	cr_expect_eq(strtoull(stretched.claimed_rate, NULL, 10), 8 * strtoull(alone.claimed_rate, NULL, 10));

	/* One run shown eight times is not eight runs. */
	serve(&job, &one, 8, WINDOW_ROUNDS, true);
	cr_assert_eq(attest(&job, &verdict), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.miscompute", "%s", error.text);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	assay_device_close(&one);
}
