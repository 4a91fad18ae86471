/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole rounds: the same seeds give the same round roots and band roots on every device, byte for byte, over chained
 * rounds; and openings of one device hold against the roots of another. */
#include <stdlib.h>
#include <string.h>

#include "harness/test/support.h"
#include "harness/workload.h"
#include "verify/chain.h"

TestSuite(roots, .fini = support_leave, .timeout = 300);

enum { ROUNDS = 4, BANDS_MAX = 4096, FILL = 77 };

static struct assay_error error;

static const struct {
	const struct assay_workload *workload;
	struct assay_params params;
} cases[] = {
    {&assay_workload_matmul_i8, {{64, 16, 16}}},
    {&assay_workload_matmul_i8, {{64, 256, 16}}},
    {&assay_workload_matmul_i8, {{1088, 16, 256}}},
    {&assay_workload_matmul_i8, {{1088, 64, 32}}},
    {&assay_workload_matmul_i8, {{2048, 128, 128}}},
    {&assay_workload_matmul_i9, {{64, 16, 16}}},
    {&assay_workload_matmul_i9, {{1088, 16, 256}}},
    {&assay_workload_matmul_i9, {{1088, 64, 32}}},
    {&assay_workload_matmul_i9, {{4160, 128, 64}}},
    {&assay_workload_matmul_i9, {{32704, 16, 16}}},
    {&assay_workload_matmul_f32, {{64, 16, 16}}},
    {&assay_workload_matmul_f32, {{1088, 64, 32}}},
    {&assay_workload_matmul_f32, {{320, 128, 256}}},
    {&assay_workload_matmul_f64, {{64, 16, 16}}},
    {&assay_workload_matmul_f64, {{1088, 16, 64}}},
    {&assay_workload_matmul_f64, {{320, 256, 64}}},
    {&assay_workload_sha256, {{0, 0}}},
    {&assay_workload_sha256, {{5, 1}}},
    {&assay_workload_sha256, {{14, 3}}},
    {&assay_workload_sha256, {{0, 10}}},
    {&assay_workload_sha256, {{2, 15}}}, /* bands of 32 */
    {&assay_workload_sha256, {{0, 16}}},
    {&assay_workload_memory, {{2, 64, 0}}},
    {&assay_workload_memory, {{8, 1000003, 3}}},
    {&assay_workload_memory, {{4, 4096, 9}}}, /* bands of 16, and several */
};
enum { CASES = sizeof cases / sizeof *cases };

/* What a device gives for one case. */
struct rounds {
	uint64_t bands;
	uint8_t seeds[ROUNDS][32], roots[ROUNDS][32], band_roots[ROUNDS][BANDS_MAX][32];
};

static void run(struct rounds *rounds, struct assay_device *device, size_t number)
{
	struct assay_engine engine;
	uint8_t seed[32];

	memset(rounds, 0, sizeof *rounds);
	memset(seed, (int)number + 1, sizeof seed);
	support_engine(&engine, device, cases[number].workload, &cases[number].params, FILL, true);
	cr_assert_leq(engine.bands, BANDS_MAX);
	rounds->bands = engine.bands;
	for (uint32_t r = 0; r < ROUNDS; r++) {
		memcpy(rounds->seeds[r], seed, 32);
		support_ok(assay_engine_round(&engine, seed, rounds->roots[r], rounds->band_roots[r], &error), error);
		assay_chain_round(seed, rounds->roots[r]);
	}
	assay_engine_finish(&engine);
}

static void node_root(uint8_t root[32], uint8_t (*level)[32], uint64_t count)
{
	for (; count > 1; count /= 2)
		for (uint64_t i = 0; i < count / 2; i++)
			assay_merkle_node(level[i], level[2 * i], level[2 * i + 1]);
	memcpy(root, level[0], 32);
}

/* The hash of a leaf by the verifier's arithmetic. */
static void reference_leaf(uint8_t hash[32], size_t number, const uint8_t *seed, uint64_t index)
{
	const struct assay_work *work = cases[number].workload->work;
	uint8_t fill[32], value[ASSAY_LEAF_BYTES_MAX];
	const struct assay_leaf leaf = {seed, fill, index};

	memset(fill, FILL, sizeof fill);
	assay_work_leaves(value, work, &cases[number].params, &leaf, 1);
	assay_merkle_leaf(hash, value, work->leaf_bytes);
}

/* The roots of a round and of its bands by the verifier's arithmetic. */
static void reference(const struct rounds *rounds, size_t number, uint32_t r)
{
	const struct assay_work *work = cases[number].workload->work;
	const struct assay_params *params = &cases[number].params;
	const uint64_t leaves = UINT64_C(1) << work->depth(params), band = leaves / rounds->bands;
	uint8_t(*level)[32] = malloc(band * 32), (*tops)[32] = malloc(rounds->bands * 32);
	uint8_t root[32];

	for (uint64_t b = 0; b < rounds->bands; b++) {
		for (uint64_t i = 0; i < band; i++)
			reference_leaf(level[i], number, rounds->seeds[r], b * band + i);
		node_root(tops[b], level, band);
		cr_assert_arr_eq(tops[b], rounds->band_roots[r][b], 32, "case %zu round %u band %zu", number, r,
		                 (size_t)b);
	}
	node_root(root, tops, rounds->bands);
	cr_assert_arr_eq(root, rounds->roots[r], 32, "case %zu round %u", number, r);
	free(level);
	free(tops);
}

/* Opens leaves on this device, in an order that goes back and forth, against roots from anywhere. */
static void open_all(struct assay_device *device, const struct rounds *rounds, size_t number)
{
	const struct assay_params *params = &cases[number].params;
	struct assay_engine engine;
	uint8_t path[ASSAY_DEPTH_MAX * 32], hash[32];

	support_engine(&engine, device, cases[number].workload, params, FILL, false);
	for (uint32_t turn = 0; turn < 24; turn++) {
		const uint32_t r = turn * 7 % ROUNDS;
		/* First and last leaves of the round, both sides of a band's edge, and others. */
		const uint64_t at[] = {0,           engine.leaves - 1, engine.band - 1,
		                       engine.band, engine.leaves / 3, turn * 2654435761u};
		const uint64_t leaf = at[turn % 6] % engine.leaves;
		support_ok(assay_engine_open(&engine, rounds->seeds[r], (const uint8_t(*)[32])rounds->band_roots[r],
		                             leaf, path, &error),
		           error);
		reference_leaf(hash, number, rounds->seeds[r], leaf);
		for (uint32_t level = 0; level < engine.depth; level++)
			assay_merkle_fold(hash, leaf, level, path + 32 * level);
		cr_assert_arr_eq(hash, rounds->roots[r], 32, "case %zu round %u leaf %zu", number, r, (size_t)leaf);
	}
	/* A round between openings uses the same buffers. */
	uint8_t root[32], (*band_roots)[32] = malloc(engine.bands * 32);
	support_ok(assay_engine_round(&engine, rounds->seeds[1], root, band_roots, &error), error);
	cr_assert_arr_eq(root, rounds->roots[1], 32);
	support_ok(assay_engine_open(&engine, rounds->seeds[0], (const uint8_t(*)[32])rounds->band_roots[0],
	                             engine.leaves - 1, path, &error),
	           error);

	/* Other roots than its own are noticed, and do no harm to what follows. */
	memcpy(band_roots, rounds->band_roots[0], engine.bands * 32);
	band_roots[engine.bands - 1][31] ^= 1;
	cr_assert_eq(assay_engine_open(&engine, rounds->seeds[0], (const uint8_t(*)[32])band_roots, engine.leaves - 1,
	                               path, &error),
	             ASSAY_ERROR_DEVICE);
	cr_assert_str_eq(error.reason, "device.miscompute");
	support_ok(assay_engine_open(&engine, rounds->seeds[0], (const uint8_t(*)[32])rounds->band_roots[0],
	                             engine.leaves - 1, path, &error),
	           error);
	free(band_roots);
	assay_engine_finish(&engine);
}

Test(roots, cpu_is_the_reference)
{
	struct rounds *rounds = malloc(sizeof *rounds);
	struct assay_device device;

	support_enter();
	cr_assert(support_cpu(&device, 0));
	for (size_t i = 0; i < CASES; i++) {
		run(rounds, &device, i);
		reference(rounds, i, 0);
		reference(rounds, i, ROUNDS - 1);
		open_all(&device, rounds, i);
	}
	assay_device_close(&device);
	free(rounds);
}

static void compare(struct assay_device *one, struct assay_device *other)
{
	struct rounds *here = malloc(sizeof *here), *there = malloc(sizeof *there);

	for (size_t i = 0; i < CASES; i++) {
		run(here, one, i);
		run(there, other, i);
		cr_assert_arr_eq(here, there, sizeof *here, "case %zu: %s %s and %s %s differ", i, one->id,
		                 one->info.variant, other->id, other->info.variant);
		open_all(one, there, i);
		open_all(other, here, i);
	}
	free(here);
	free(there);
}

Test(roots, every_level_of_the_cpu)
{
	struct assay_device one, other;

	support_enter();
	cr_assert(support_cpu(&one, 4));
	for (uint32_t lanes = 8; lanes <= 16; lanes *= 2) {
		if (!support_cpu(&other, lanes))
			continue;
		compare(&one, &other);
		assay_device_close(&other);
	}
	assay_device_close(&one);
}

Test(roots, opencl)
{
	/* Its own choice, and what a GPU gets. */
	static const struct assay_tuning tunings[] = {{0, 0}, {1, 64}, {4, 4}};
	struct assay_device cpu, opencl;

	support_enter();
	for (size_t i = 0; i < sizeof tunings / sizeof *tunings; i++) {
		support_opencl(&opencl, tunings[i].lanes, tunings[i].group);
		cr_assert(support_cpu(&cpu, 0));
		compare(&cpu, &opencl);
		assay_device_close(&opencl);
		assay_device_close(&cpu);
	}
}

/* A round that is too large for the kernels' counters, or for the memory, is refused before anything is launched. */
Test(roots, too_large)
{
	const struct assay_params sha256 = {{0, 31}}, matmul = {{131008, 1 << 20, 1 << 20}};
	struct assay_device device;
	struct assay_engine engine;

	support_enter();
	cr_assert(support_cpu(&device, 0));
	cr_assert_eq(assay_engine_prepare(&engine, &device, &assay_workload_sha256, &sha256, &error),
	             ASSAY_ERROR_INPUT);
	cr_assert_str_eq(error.reason, "plan.size");
	assay_engine_finish(&engine);
	cr_assert_neq(assay_engine_prepare(&engine, &device, &assay_workload_matmul_i8, &matmul, &error), ASSAY_OK);
	assay_engine_finish(&engine);
	assay_device_close(&device);
}

/* Kernels that another program has damaged in the cache are made again. */
Test(roots, damaged_cache)
{
	struct assay_device device;
	char bytes[4096];

	support_enter();
	support_opencl(&device, 4, 1);
	assay_device_close(&device);
	cr_assert_eq(support_run("ls $T/.state/*.program"), 0, "%s", support_err);
	memset(bytes, 'x', sizeof bytes);
	support_out[strcspn(support_out, "\n")] = '\0';
	const char *path = strcpy(bytes, support_out);
	static const char *const damages[] = {": > $F",
	                                      "head -c 100 $F > $F.s; mv $F.s $F",
	                                      "head -c 3000 $F > $F.s; mv $F.s $F",
	                                      "head -c 5000 /dev/urandom > $F",
	                                      "chmod 0 $F",
	                                      "rm $F; mkdir $F"};
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		cr_assert_eq(support_run("F=%s; %s", path, damages[i]), 0, "%s", support_err);
		support_opencl(&device, 4, 1);
		assay_device_close(&device);
	}
}
