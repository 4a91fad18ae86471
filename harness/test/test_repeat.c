/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounds computed twice: a sound device gives the same job with and without them; a bit that flips once in a repeated
 * round is found, and its device, workload, round and leaf are named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/attest.h"
#include "harness/report.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(repeat, .init = shim_reset, .fini = support_leave, .timeout = 120);

enum { EVERY = 4, ROUNDS = 10, LEAVES = 64 };

static struct assay_error error;
static struct assay_secret secret;

/* Rounds 0, 4 and 8 are repeated. */
static enum assay_status job_run(struct assay_job *job, struct assay_device *devices, uint32_t count,
                                 const struct assay_work *work)
{
	static const struct assay_params matmul = {{64, 64, 256}}, sha256 = {{1, 6}};

	*job = (struct assay_job){.devices = devices,
	                          .repeat_every = EVERY,
	                          .challenge = {.profile = "test",
	                                        .devices = count,
	                                        .samples = 4,
	                                        .segment_count = 1,
	                                        .segments = {{.work = work,
	                                                      .params = work == &assay_work_sha256 ? sha256 : matmul,
	                                                      .rounds = ROUNDS}}}};
	memcpy(job->key, secret.key, sizeof job->key);
	return assay_job_run(job, &error);
}

/* What is to go wrong: in the at-th launch of a kernel, counted from 1. */
static struct {
	enum assay_kernel_id id;
	uint32_t at, count, word, level; /* `level` of the tree, for hashes above the leaves */
} fault;

static uint32_t *output_of(const struct shim_launch *launch)
{
	const struct assay_argument *arguments = launch->arguments;

	if (launch->id == ASSAY_KERNEL_SHA256_LEAVES || launch->id == ASSAY_KERNEL_CHACHA20_ROWS)
		return arguments[1].buffer;
	return arguments[2].buffer;
}

static void flip(const struct shim_launch *launch)
{
	uint32_t *words = output_of(launch);

	if (launch->id != fault.id)
		return;
	/* Of the hashes of a tree, only one level counts. */
	if (launch->id == ASSAY_KERNEL_MERKLE_HASH) {
		if (launch->arguments[6].value != (uint32_t)LEAVES >> fault.level)
			return;
		words += 8 * launch->arguments[3].value;
	}
	if (++fault.count == fault.at)
		words[fault.word] ^= 1u << 9;
}

/* The roots of the second of two sound devices. */
static uint8_t (*reference(const struct assay_work *work))[32]
{
	static uint8_t roots[2][ROUNDS][32];
	static bool known[2];
	static struct assay_device devices[2];
	const int w = work == &assay_work_sha256;
	struct assay_job job;

	if (!known[w]) {
		for (uint32_t d = 0; d < 2; d++)
			support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
		support_ok(job_run(&job, devices, 2, work), error);
		memcpy(roots[w], job.runs[1].roots, sizeof roots[w]);
		known[w] = true;
		assay_job_close(&job);
		for (uint32_t d = 0; d < 2; d++)
			assay_device_close(&devices[d]);
	}
	return roots[w];
}

/* One job on two devices, the second one faulty at this launch; expects to be told of it, or not. */
static void one_fault(enum assay_kernel_id id, uint32_t at, uint32_t word, const struct assay_work *work,
                      const char *told)
{
	static struct assay_device devices[2];
	struct assay_job job;

	shim_reset();
	const uint8_t(*sound)[32] = (const uint8_t(*)[32])reference(work);
	shim.device = 1;
	shim.after = flip;
	fault.id = id;
	fault.at = at;
	fault.word = word;
	fault.count = 0;
	for (uint32_t d = 0; d < 2; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
	memset(&error, 0, sizeof error);
	support_ok(job_run(&job, devices, 2, work), error);
	const struct assay_failure *failure = &job.failures[1];
	cr_assert_eq(job.failures[0].status, ASSAY_OK);
	cr_assert_eq(job.runs[0].rounds, ROUNDS, "the sound device goes on");
	if (told) {
		const char *text = failure->error.text;
		cr_assert_eq(failure->status, ASSAY_ERROR_DEVICE, "launch %u: not found", at);
		cr_assert_str_eq(failure->error.reason, "device.miscompute");
		cr_assert(strstr(text, "shim:1: ") && strstr(text, work->name), "%s", text);
		cr_assert(strstr(text, told), "launch %u: '%s' is not '%s'", at, text, told);
		unsigned round = 0;
		cr_assert_eq(sscanf(strstr(text, ": round "), ": round %u", &round), 1);
		cr_assert_eq(job.runs[1].rounds, round, "what is refuted is not committed");
		cr_assert_arr_eq(job.runs[1].roots, sound, round * 32, "nor is anything before it wrong");
	} else {
		cr_assert_eq(failure->status, ASSAY_OK);
		cr_assert_geq(fault.count, at, "the fault was injected");
	}
	assay_job_close(&job);
	for (uint32_t d = 0; d < 2; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
}

/* A launch of the main kernel each for the warm-up and, in this order, rounds 0 0' 1 2 3 4 4' 5 6 7 8 8' 9. */
Test(repeat, every_round_with_a_fault)
{
	static const int repeated[] = {-1, 0, 0, -1, -1, -1, 4, 4, -1, -1, -1, 8, 8, -1};
	char told[64];

	for (uint32_t at = 1; at <= sizeof repeated / sizeof *repeated; at++) {
		uint32_t leaf = 5 * at % LEAVES;
		snprintf(told, sizeof told, ": round %d, leaf %u;", repeated[at - 1], leaf);
		one_fault(ASSAY_KERNEL_SHA256_LEAVES, at, 8 * leaf + at % 8, &assay_work_sha256,
		          repeated[at - 1] >= 0 ? told : NULL);
		one_fault(ASSAY_KERNEL_MATMUL_I8, at, 256 * leaf + 17 * at % 256, &assay_work_matmul_i8,
		          repeated[at - 1] >= 0 ? told : NULL);
	}
}

/* Every leaf of a round, the first and the last ones included. */
Test(repeat, every_leaf)
{
	char told[64];

	for (uint32_t leaf = 0; leaf < LEAVES; leaf++) {
		snprintf(told, sizeof told, ": round 4, leaf %u;", leaf);
		one_fault(ASSAY_KERNEL_SHA256_LEAVES, 7, 8 * leaf, &assay_work_sha256, told);
	}
}

/* A hash that went wrong although what it is of is the same. */
Test(repeat, hashes_of_each_level)
{
	for (fault.level = 0; fault.level <= 6; fault.level++) {
		uint32_t nodes = LEAVES >> fault.level, node = nodes - 1;
		char told[64];
		snprintf(told, sizeof told, ": round 8, the hash over leaves %u to %u;", node << fault.level,
		         LEAVES - 1);
		if (fault.level == 0)
			snprintf(told, sizeof told, ": round 8, leaf %u;", node);
		one_fault(ASSAY_KERNEL_MERKLE_HASH, 12, 8 * node + 3, &assay_work_sha256, told);
	}
	fault.level = 0;
}

/* Operands that were generated wrong: they are not kept for the second computation. */
Test(repeat, operands)
{
	/* B and then A of the seventh round computed, which is 4, and of the eighth, which is 4 again. */
	for (uint32_t at = 2 * 7 - 1; at <= 2 * 8; at++)
		one_fault(ASSAY_KERNEL_CHACHA20_ROWS, at, 0, &assay_work_matmul_i8, ": round 4, leaf 0;");
}

/* The second tree is memory that may be missing, and reads that may fail. */
Test(repeat, without_memory)
{
	uint32_t found = 0;

	for (uint32_t n = 1; n <= 12; n++) {
		struct assay_device device;
		struct assay_job job;
		shim_reset();
		shim.kind = SHIM_ALLOC;
		shim.fail_at = n;
		support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
		if (job_run(&job, &device, 1, &assay_work_sha256)) { /* it has no round */
			cr_assert_str_eq(error.reason, "device.memory");
			found++;
		}
		assay_job_close(&job);
		assay_device_close(&device);
		cr_assert_eq(shim.live, 0);
	}
	cr_assert_eq(found, 4, "values, tree, seed and the second tree, not %u", found);
}

/* The same roots with and without, and what the second computation takes is time of the run but of no round. */
Test(repeat, changes_nothing)
{
	struct assay_device device;
	struct assay_job with, without;

	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	support_ok(job_run(&with, &device, 1, &assay_work_sha256), error);
	without = (struct assay_job){.devices = &device, .challenge = with.challenge};
	support_ok(assay_job_run(&without, &error), error);
	uint64_t sum_with = 0, sum_without = 0;
	cr_assert_eq(with.runs[0].rounds, ROUNDS);
	cr_assert_arr_eq(with.runs[0].roots, without.runs[0].roots, ROUNDS * sizeof *with.runs[0].roots);
	cr_assert_arr_eq(with.sample_key, without.sample_key, sizeof with.sample_key);
	for (uint32_t r = 0; r < ROUNDS; r++) {
		sum_with += with.runs[0].round_ns[r];
		sum_without += without.runs[0].round_ns[r];
	}
	cr_assert_eq(sum_without, without.runs[0].elapsed_ns);
	cr_assert_lt(sum_with, with.runs[0].elapsed_ns);
	assay_job_close(&with);
	assay_job_close(&without);
	assay_device_close(&device);
}

/* The GPU backends on doubles of their drivers (double.c). */
static void on_double(const struct assay_backend *backend, const char *library, const char *variable)
{
	struct assay_device device;
	struct assay_job job;
	char path[512], absolute[4096];

	support_enter();
	snprintf(path, sizeof path, "%s/double/%s", support_build(), library);
	cr_assert(realpath(path, absolute), "%s", path);
	setenv(variable, absolute, 1);
	uint32_t count = 0;
	if (!(backend == &assay_backend_cuda ? assay_images_cuda : assay_images_hip)[0].architecture)
		support_missing("images", "no clang for GPUs when this was built");
	support_ok(backend->count(&count, &error), error);
	cr_assert_eq(count, 1, "%s", error.text);
	support_ok(assay_device_open(&device, backend, 0, NULL, &error), error);
	/* The warm-up, 0 0' 1 2 3 4; then the second computation of 4. */
	assay_secret_make(&secret);
	setenv("ASSAY_DOUBLE_FLIP", "sha256_leaves:8:1:200", 1);
	support_ok(job_run(&job, &device, 1, &assay_work_sha256), error);
	const struct assay_error *found = &job.failures[0].error;
	cr_assert_eq(job.failures[0].status, ASSAY_ERROR_DEVICE, "not found");
	cr_assert_str_eq(found->reason, "device.miscompute");
	cr_assert(strstr(found->text, device.id) && strstr(found->text, "sha256/1") &&
	              strstr(found->text, ": round 4, leaf 25;"),
	          "%s", found->text);

	/* The rounds before it are attested; the command ends with 1 all the same. */
	struct assay_attest request = {
	    .job = &job, .secret = &secret, .started = 1700000000, .finished = 1700000003, .prefix = support_path("x")};
	struct assay_verdict verdict;
	support_ok(assay_attest_write(&request, &verdict, &error), error);
	cr_assert_eq(job.runs[0].rounds, 4);
	cr_assert_eq(assay_report_failures(&job, &verdict, "x"), ASSAY_FAIL);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	assay_device_close(&device);
}

Test(repeat, cuda_double)
{
	on_double(&assay_backend_cuda, "libcuda.so", "ASSAY_CUDA_LIBRARY");
}

Test(repeat, hip_double)
{
	on_double(&assay_backend_hip, "libamdhip64.so", "ASSAY_HIP_LIBRARY");
}
