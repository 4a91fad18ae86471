/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of memory/1 on every backend, launched directly, against the verifier's arithmetic; and whole jobs with a
 * fill and a walk. SPEC 5.6. */
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/job.h"
#include "harness/table.h"
#include "harness/test/cheats.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"
#include "verify/arith.h"

TestSuite(memory, .init = shim_reset, .fini = support_leave, .timeout = 300);

enum { ITEM = 128, MARGIN = 256, FILLER = 0xa5 };

static struct assay_error error;

static void *buffer_make(struct assay_device *device, size_t len)
{
	uint8_t *filler = malloc(len + MARGIN);
	void *buffer = NULL;

	memset(filler, FILLER, len + MARGIN);
	support_ok(device->backend->alloc(device->handle, &buffer, len + MARGIN, &error), error);
	support_ok(device->backend->write(device->handle, buffer, 0, filler, len + MARGIN, &error), error);
	free(filler);
	return buffer;
}

/* What is in a buffer, to be freed: what lies beyond `len` is as it was. */
static uint8_t *buffer_read(struct assay_device *device, const void *buffer, size_t len)
{
	uint8_t *data = malloc(len + MARGIN);

	support_ok(device->backend->read(device->handle, data, buffer, 0, len + MARGIN, &error), error);
	for (size_t i = 0; i < MARGIN; i++)
		cr_assert_eq(data[len + i], FILLER, "%s: a kernel writes past its end", device->id);
	return data;
}

static void launch(struct assay_device *device, enum assay_kernel_id id, uint64_t count, uint64_t a_launch_item,
                   const struct assay_argument *arguments, size_t argument_count)
{
	const uint32_t items = (uint32_t)((count + a_launch_item - 1) / a_launch_item);

	support_ok(assay_device_launch(device, id, items, arguments, argument_count, &error), error);
	support_ok(device->backend->synchronise(device->handle, &error), error);
}

/* A table of `items` in `count_parts` buffers, each made in two launches, and the walks first ... first + count - 1 in
 * it and without it. */
static void table_and_walks(struct assay_device *device, uint32_t double_rounds, uint32_t items, uint32_t count_parts,
                            uint32_t first, uint32_t count)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
	const struct assay_params params = {{double_rounds, items, 22}};
	const uint8_t fill_seed[32] = {3}, seed[32] = {4};
	struct assay_part part = {fill_seed, 32};
	uint8_t key[32], table_key[ITEM], expected[ITEM];
	const uint32_t lanes = device->info.lanes, step = (items + count_parts - 1) / count_parts;

	assay_hash(key, "assay/1 memory/1 table\n", &part, 1);
	crypto_stream_chacha20_ietf(table_key, sizeof table_key, nonce, key);
	part.data = seed;
	assay_hash(key, "assay/1 memory/1 walkers\n", &part, 1);
	void *table_key_buffer = buffer_make(device, ITEM), *key_buffer = buffer_make(device, 32);
	void *parts[ASSAY_MEMORY_PARTS], *out = buffer_make(device, (size_t)count * ITEM);
	support_ok(device->backend->write(device->handle, table_key_buffer, 0, table_key, ITEM, &error), error);
	support_ok(device->backend->write(device->handle, key_buffer, 0, key, 32, &error), error);

	for (uint32_t p = 0; p < count_parts; p++) {
		const uint32_t begin = p * step, end = p + 1 < count_parts ? begin + step : items;
		const uint32_t middle = begin + (end - begin) / 3;
		parts[p] = buffer_make(device, (size_t)(end - begin) * ITEM);
		for (int late = 1; late >= 0; late--) {
			const uint32_t from = late ? middle : begin, to = late ? end : middle;
			const struct assay_argument fill[] = {ASSAY_BUFFER(table_key_buffer),
			                                      ASSAY_BUFFER(parts[p]),
			                                      ASSAY_VALUE(begin),
			                                      ASSAY_VALUE(from),
			                                      ASSAY_VALUE(to - from),
			                                      ASSAY_VALUE(double_rounds)};
			launch(device, ASSAY_KERNEL_MEMORY_FILL, to - from, lanes, fill, 6);
		}
		free(buffer_read(device, parts[p], (size_t)(end - begin) * ITEM));
	}
	for (uint32_t p = count_parts; p < ASSAY_MEMORY_PARTS; p++)
		parts[p] = key_buffer; /* too short to be read */

	const struct assay_argument in_table[] = {
	    ASSAY_BUFFER(parts[0]), ASSAY_BUFFER(parts[1]),   ASSAY_BUFFER(parts[2]), ASSAY_BUFFER(parts[3]),
	    ASSAY_VALUE(step),      ASSAY_BUFFER(key_buffer), ASSAY_BUFFER(out),      ASSAY_VALUE(first),
	    ASSAY_VALUE(count),     ASSAY_VALUE(items)};
	const struct assay_argument alone[] = {ASSAY_BUFFER(table_key_buffer),
	                                       ASSAY_BUFFER(key_buffer),
	                                       ASSAY_BUFFER(out),
	                                       ASSAY_VALUE(first),
	                                       ASSAY_VALUE(count),
	                                       ASSAY_VALUE(items),
	                                       ASSAY_VALUE(double_rounds)};
	for (int without = 0; without < 2; without++) {
		if (without)
			launch(device, ASSAY_KERNEL_MEMORY_WALK_ALONE, count, lanes, alone, 7);
		else
			launch(device, ASSAY_KERNEL_MEMORY_WALK, count, lanes * ASSAY_MEMORY_BATCH(lanes), in_table,
			       10);
		uint8_t *walked = buffer_read(device, out, (size_t)count * ITEM);
		for (uint32_t i = 0; i < count; i++) {
			const struct assay_leaf leaf = {seed, fill_seed, first + i};
			assay_work_leaves(expected, &assay_work_memory, &params, &leaf, 1);
			cr_assert_arr_eq(walked + (size_t)i * ITEM, expected, ITEM,
			                 "%s %s: %u items in %u, walker %u + %u%s", device->id, device->info.variant,
			                 items, count_parts, first, i, without ? ", alone" : "");
		}
		free(walked);
		/* Nothing that the first walks left may serve the second. */
		uint8_t *filler = malloc((size_t)count * ITEM);
		memset(filler, FILLER, (size_t)count * ITEM);
		support_ok(device->backend->write(device->handle, out, 0, filler, (size_t)count * ITEM, &error), error);
		free(filler);
	}
	void *const buffers[] = {table_key_buffer, key_buffer, out};
	for (size_t i = 0; i < 3; i++)
		device->backend->release(device->handle, buffers[i]);
	for (uint32_t p = 0; p < count_parts; p++)
		device->backend->release(device->handle, parts[p]);
}

static void every_kernel(struct assay_device *device)
{
	table_and_walks(device, 2, 64, 1, 0, 1);
	table_and_walks(device, 4, 77, 4, 5, 19);
	table_and_walks(device, 8, 1000, 2, (1u << 22) - 67, 67);
	table_and_walks(device, 2, 4096, 3, 128, 64);
	assay_device_close(device);
}

Test(memory, cpu)
{
	struct assay_device device;

	support_enter();
	for (uint32_t lanes = 4; lanes <= 16; lanes *= 2)
		if (support_cpu(&device, lanes))
			every_kernel(&device);
}

Test(memory, opencl)
{
	static const struct assay_tuning tunings[] = {{1, 1}, {1, 64}, {4, 2}, {8, 1}, {16, 1}, {16, 4}};
	struct assay_device device;

	support_enter();
	for (size_t i = 0; i < sizeof tunings / sizeof *tunings; i++) {
		support_opencl(&device, tunings[i].lanes, tunings[i].group);
		every_kernel(&device);
	}
}

static void on_double(const struct assay_backend *backend, const char *variable, const char *library)
{
	struct assay_device device;

	support_enter();
	support_double(variable, library, true);
	support_ok(assay_device_open(&device, backend, 0, NULL, &error), error);
	every_kernel(&device);
}

Test(memory, cuda_double)
{
	on_double(&assay_backend_cuda, "ASSAY_CUDA_LIBRARY", "libcuda.so");
}

Test(memory, hip_double)
{
	on_double(&assay_backend_hip, "ASSAY_HIP_LIBRARY", "libamdhip64.so");
}

/* ---- Provers that have less than the table. How much slower they are `make cheats` says. ---- */

static void cheat_case(const struct cheat_level *level, uint32_t kept, uint32_t part_words, uint64_t least,
                       uint64_t most)
{
	enum { ITEMS = 1000 };
	static uint32_t states[CHEAT_WALKERS][32], expected[CHEAT_WALKERS][32];
	struct cheat cheat = {.items = ITEMS, .double_rounds = 6, .kept = kept, .part_words = part_words};

	randombytes_buf_deterministic(states, sizeof states, (const uint8_t[32]){8});
	randombytes_buf_deterministic(cheat.key, sizeof cheat.key, (const uint8_t[32]){9});
	memcpy(expected, states, sizeof states);
	cheat.table = malloc((size_t)ITEMS * ITEM);
	level->fill(&cheat);
	uint64_t computed = level->walk(&cheat, states, ASSAY_ARITH_READS);
	free(cheat.table);
	assay_arith()->walk(expected, CHEAT_WALKERS, cheat.key, ITEMS, cheat.double_rounds);
	cr_expect_arr_eq(states, expected, sizeof states, "%s: a wrong walk would be no cheat", level->name);
	cr_expect(computed >= least && computed <= most, "%s: %zu items computed", level->name, (size_t)computed);
}

Test(memory, cheats_compute_what_they_lack)
{
	const struct cheat_level *const levels[] = {&cheat_baseline, cheat_best()};
	const uint64_t reads = (uint64_t)CHEAT_WALKERS * ASSAY_ARITH_READS;

	for (size_t i = 0; i < 2; i++) {
		cheat_case(levels[i], 1000, 0, 0, 0);
		cheat_case(levels[i], 0, 0, reads, reads);
		cheat_case(levels[i], 500, 0, reads * 48 / 100, reads * 52 / 100);
		/* A part of every item saves nothing: the state takes in all of it. */
		cheat_case(levels[i], 1000, 2, reads, reads);
	}
}

/* ---- Jobs ---- */

static void job_of(struct assay_job *job, struct assay_secret *secret, struct assay_device *devices, uint32_t count)
{
	const struct assay_params one = {{4, 1000, 4}}, two = {{2, 64, 0}};
	const struct assay_segment segments[] = {
	    {.work = &assay_work_memory_fill, .params = one},
	    {.work = &assay_work_memory, .params = one, .rounds = 9},
	    {.work = &assay_work_sha256, .params = {{2, 6}}, .rounds = 2},
	    {.work = &assay_work_memory_fill, .params = two},
	    {.work = &assay_work_memory, .params = two, .rounds = 8},
	};

	memset(job, 0, sizeof *job);
	assay_secret_make(secret);
	memcpy(job->key, secret->key, sizeof job->key);
	job->devices = devices;
	job->challenge.devices = count;
	job->challenge.samples = 40;
	job->challenge.segment_count = 5;
	strcpy(job->challenge.profile, "test");
	memcpy(job->challenge.segments, segments, sizeof segments);
}

/* Two devices, two tables each: verified by the verifier and by its counterpart. */
Test(memory, a_job_with_two_tables)
{
	struct assay_device devices[2];
	struct assay_secret secret;
	struct assay_job job;
	struct assay_verdict verdict;

	support_enter();
	support_opencl(&devices[1], 0, 0);
	cr_assert(support_cpu(&devices[0], 0));
	devices[1].info.buffer_bytes_max = 300 * ITEM; /* so that its first table takes four */
	job_of(&job, &secret, devices, 2);
	support_ok(assay_job_run(&job, &error), error);
	cr_expect(!job.stopped, "a fill that is done is no reason to go on later");
	for (uint32_t i = 0; i < 2; i++) {
		cr_expect_eq(job.runs[i].rounds, 0, "a fill has no rounds");
		cr_expect_eq(job.runs[2 + i].rounds, 9);
		cr_expect_null(job.filled[i].device, "the table is given back after its walk");
	}
	struct assay_attest request = {.job = &job, .secret = &secret, .prefix = support_path("x")};
	support_ok(assay_attest_write(&request, &verdict, &error), error);
	cr_expect_eq(verdict.outcome, ASSAY_INCONCLUSIVE, "only the profile is unknown");
	cr_expect_str_eq(verdict.assurance, "work-proven");
	cr_expect_eq(support_run("$V $T/x.intoto.json"), 2, "%s", support_err);
	cr_expect(!strstr(support_out, "memory-fill/1") && strstr(support_out, "memory/1"), "%s", support_out);
	cr_expect_eq(support_run("python3 -c 'import numpy' 2>/dev/null && P=python3 || P=/usr/bin/python3; "
	                         "$P ci/vectors.py verify $T/x.intoto.json"),
	             2, "%s", support_err);
	cr_expect(strstr(support_out, "assurance: work-proven"), "%s", support_out);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < 2; d++)
		assay_device_close(&devices[d]);
}

/* A device whose buffers are too small for the table says so. */
Test(memory, more_than_four_buffers)
{
	struct assay_device device;
	struct assay_secret secret;
	struct assay_job job;

	support_enter();
	cr_assert(support_cpu(&device, 0));
	device.info.buffer_bytes_max = 249 * ITEM;
	job_of(&job, &secret, &device, 1);
	cr_expect_neq(assay_job_run(&job, &error), ASSAY_OK);
	cr_expect_str_eq(error.reason, "device.memory", "%s", error.text);
	assay_job_close(&job);
	assay_device_close(&device);
}

/* Every call that can fail, in a job: the device fails, and nothing is left. */
Test(memory, failing_calls)
{
	struct assay_secret secret;
	struct assay_job job;

	support_enter();
	for (int kind = 0; kind < SHIM_CALLS; kind++) {
		bool all = false;
		for (uint32_t n = 1; !all; n += n < 12 ? 1 : 7) {
			struct assay_device device;
			shim_reset();
			support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
			device.info.buffer_bytes_max = 400 * ITEM;
			const int live = shim.live;
			for (int i = 0; i < SHIM_CALLS; i++)
				atomic_store(&shim.calls[i], 0);
			shim.kind = (enum shim_call)kind;
			shim.fail_at = n;
			job_of(&job, &secret, &device, 1);
			enum assay_status status = assay_job_run(&job, &error);
			all = atomic_load(&shim.calls[kind]) < n;
			cr_expect(all == (status == ASSAY_OK && !job.failures[0].status), "call %u of kind %d", n,
			          kind);
			assay_job_close(&job);
			cr_expect_eq(shim.live, live, "call %u of kind %d leaves %d things", n, kind, shim.live - live);
			assay_device_close(&device);
		}
	}
}

/* ---- How large a table is ---- */

Test(memory, tables_fit_their_devices)
{
	const struct assay_profile *quick = &assay_profiles[0], *standard = &assay_profiles[1];
	const uint64_t gib = UINT64_C(1) << 30;
	struct assay_device devices[2] = {{.info = {.memory_bytes = 24 * gib, .memory_used_bytes = 4 * gib}},
	                                  {.info = {.memory_bytes = 16 * gib, .memory_used_bytes = UINT64_MAX}}};

	struct assay_params params = assay_table_params(standard, &assay_rows[3], devices, 1);
	cr_expect_eq(params.value[0], 1536);
	const uint64_t params_free = 18 * gib / ITEM / (1 << 17) * (1 << 17);
	cr_expect_eq(params.value[1], params_free, "nine tenths of what is free");
	cr_expect_eq(params.value[2], 17);
	/* The device with the least room, of which nobody knows how much is in use. */
	params = assay_table_params(standard, &assay_rows[3], devices, 2);
	cr_expect(params.value[1] <= 12 * gib * 9 / 10 / ITEM && params.value[1] > 12 * gib * 8 / 10 / ITEM);
	devices[0].info.buffer_bytes_max = 6 * gib;
	cr_expect_eq(assay_table_params(standard, &assay_rows[3], devices, 1).value[1], params_free, "in four buffers");
	devices[0].info.buffer_bytes_max = 3 * gib;
	cr_expect_eq(assay_table_params(standard, &assay_rows[3], devices, 1).value[1], 12 * gib / ITEM);
	devices[1].info.is_cpu = true;
	cr_expect_eq(assay_table_params(standard, &assay_rows[0], devices + 1, 1).value[1], 1 << 22);
	cr_expect_eq(assay_table_params(quick, &assay_rows[4], devices, 1).value[1], 1 << 24);
	cr_expect_eq(assay_table_params(quick, &assay_rows[4], devices, 1).value[0], 512);
	/* No less than the profile's least, however little there is. */
	devices[0].info.memory_bytes = 1;
	cr_expect_eq(assay_table_params(standard, &assay_rows[1], devices, 1).value[1], 1 << 20);
}
