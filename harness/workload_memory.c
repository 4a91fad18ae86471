/* SPDX-License-Identifier: Apache-2.0
 *
 * memory/1 on a device (SPEC 5.6). A round reads from the table that the fill made; a leaf is opened without one, so
 * that openings need no memory and may be done on another device. */
#include "harness/workload.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { DOUBLE_ROUNDS, ITEMS, LOG2_WALKERS }; /* positions in assay_params */
enum { ITEM_BYTES = 128, LOG2_BAND_MIN = 4, LOG2_BANDS_MAX = 8 };

struct memory {
	struct assay_device *device;
	uint32_t double_rounds, items, log2_walkers;
	void *table_key, *walkers_key;
	void *parts[ASSAY_MEMORY_PARTS]; /* of the table, NULL where there is none */
	uint32_t step;                   /* items of each but the last */
};

static uint64_t band(const struct assay_params *params)
{
	const uint64_t walkers = params->value[LOG2_WALKERS];
	const uint64_t log2_band = walkers > LOG2_BANDS_MAX + LOG2_BAND_MIN ? walkers - LOG2_BANDS_MAX : LOG2_BAND_MIN;

	return UINT64_C(1) << (log2_band < walkers ? log2_band : walkers);
}

static void finish(void *state)
{
	struct memory *memory = state;
	const struct assay_device *device = memory->device;

	for (size_t i = 0; i < ASSAY_MEMORY_PARTS; i++)
		if (memory->parts[i])
			device->backend->release(device->handle, memory->parts[i]);
	if (memory->table_key)
		device->backend->release(device->handle, memory->table_key);
	if (memory->walkers_key)
		device->backend->release(device->handle, memory->walkers_key);
	free(memory);
}

static enum assay_status prepare(void **state, struct assay_device *device, const struct assay_params *params,
                                 struct assay_error *error)
{
	struct memory *memory = calloc(1, sizeof *memory);

	if (!memory)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	memory->device = device;
	memory->double_rounds = (uint32_t)params->value[DOUBLE_ROUNDS];
	memory->items = (uint32_t)params->value[ITEMS];
	memory->log2_walkers = (uint32_t)params->value[LOG2_WALKERS];
	enum assay_status status = device->backend->alloc(device->handle, &memory->table_key, ITEM_BYTES, error);
	if (!status)
		status = device->backend->alloc(device->handle, &memory->walkers_key, ASSAY_HASH_BYTES, error);
	if (status)
		finish(memory);
	else
		*state = memory;
	return status;
}

/* Items of part `i`. */
static uint32_t part_items(const struct memory *memory, uint32_t i)
{
	const uint64_t begin = (uint64_t)i * memory->step;

	return begin >= memory->items                 ? 0
	       : memory->items - begin < memory->step ? (uint32_t)(memory->items - begin)
	                                              : memory->step;
}

/* As few buffers as the device allows. */
static enum assay_status reserve(void *state, struct assay_error *error)
{
	struct memory *memory = state;
	struct assay_device *device = memory->device;
	const uint64_t most = device->info.buffer_bytes_max ? device->info.buffer_bytes_max / ITEM_BYTES : UINT32_MAX;
	enum assay_status status = ASSAY_OK;

	memory->step = memory->items < most ? memory->items : (uint32_t)most;
	if ((uint64_t)memory->step * ASSAY_MEMORY_PARTS < memory->items)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "device.memory",
		                  "%s: a table of %llu MiB, and %d buffers of it hold %llu MiB; choose a smaller one",
		                  device->id, (unsigned long long)memory->items * ITEM_BYTES >> 20, ASSAY_MEMORY_PARTS,
		                  (unsigned long long)memory->step * ASSAY_MEMORY_PARTS * ITEM_BYTES >> 20);
	for (uint32_t i = 0; !status && part_items(memory, i); i++)
		status = device->backend->alloc(device->handle, &memory->parts[i],
		                                (size_t)part_items(memory, i) * ITEM_BYTES, error);
	return status;
}

/* Launches of at most 2^30 coupled double rounds, so that none lasts seconds: watchdogs of displays stop such. */
static enum assay_status part_fill(struct memory *memory, uint32_t i, struct assay_error *error)
{
	const uint32_t lanes = memory->device->info.lanes, step = (UINT32_C(1) << 30) / memory->double_rounds;
	const uint64_t begin = (uint64_t)i * memory->step, end = begin + part_items(memory, i);
	enum assay_status status = ASSAY_OK;

	for (uint64_t first = begin; !status && first < end; first += step) {
		const uint64_t count = end - first < step ? end - first : step;
		const struct assay_argument arguments[] = {ASSAY_BUFFER(memory->table_key),
		                                           ASSAY_BUFFER(memory->parts[i]),
		                                           ASSAY_VALUE(begin),
		                                           ASSAY_VALUE(first),
		                                           ASSAY_VALUE(count),
		                                           ASSAY_VALUE(memory->double_rounds)};
		status = assay_device_launch(memory->device, ASSAY_KERNEL_MEMORY_FILL,
		                             (uint32_t)((count + lanes - 1) / lanes), arguments, 6, error);
		if (!status)
			status = memory->device->backend->synchronise(memory->device->handle, error);
	}
	return status;
}

static enum assay_status fill(void *state, const uint8_t seed[ASSAY_HASH_BYTES], struct assay_error *error)
{
	static const uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
	struct memory *memory = state;
	const struct assay_part part = {seed, ASSAY_HASH_BYTES};
	uint8_t key[ASSAY_HASH_BYTES], words[ITEM_BYTES];

	assay_hash(key, "assay/1 memory/1 table\n", &part, 1);
	crypto_stream_chacha20_ietf(words, sizeof words, nonce, key);
	enum assay_status status =
	    memory->device->backend->write(memory->device->handle, memory->table_key, 0, words, sizeof words, error);
	for (uint32_t i = 0; !status && i < ASSAY_MEMORY_PARTS && memory->parts[i]; i++)
		status = part_fill(memory, i, error);
	return status;
}

static enum assay_status walk(struct memory *memory, uint64_t first, uint64_t count, void *values,
                              struct assay_error *error)
{
	const uint32_t lanes = memory->device->info.lanes, side_by_side = lanes * ASSAY_MEMORY_BATCH(lanes);
	/* A part that there is not is never read. */
	void *const *parts = memory->parts, *first_part = parts[0];
	const struct assay_argument table[] = {ASSAY_BUFFER(first_part),
	                                       ASSAY_BUFFER(parts[1] ? parts[1] : first_part),
	                                       ASSAY_BUFFER(parts[2] ? parts[2] : first_part),
	                                       ASSAY_BUFFER(parts[3] ? parts[3] : first_part),
	                                       ASSAY_VALUE(memory->step),
	                                       ASSAY_BUFFER(memory->walkers_key),
	                                       ASSAY_BUFFER(values),
	                                       ASSAY_VALUE(first),
	                                       ASSAY_VALUE(count),
	                                       ASSAY_VALUE(memory->items)};
	const struct assay_argument alone[] = {ASSAY_BUFFER(memory->table_key),
	                                       ASSAY_BUFFER(memory->walkers_key),
	                                       ASSAY_BUFFER(values),
	                                       ASSAY_VALUE(first),
	                                       ASSAY_VALUE(count),
	                                       ASSAY_VALUE(memory->items),
	                                       ASSAY_VALUE(memory->double_rounds)};

	if (first_part)
		return assay_device_launch(memory->device, ASSAY_KERNEL_MEMORY_WALK,
		                           (uint32_t)((count + side_by_side - 1) / side_by_side), table, 10, error);
	return assay_device_launch(memory->device, ASSAY_KERNEL_MEMORY_WALK_ALONE,
	                           (uint32_t)((count + lanes - 1) / lanes), alone, 7, error);
}

static enum assay_status leaves(void *state, const uint8_t seed[ASSAY_HASH_BYTES], uint64_t first, uint64_t count,
                                void *values, struct assay_error *error)
{
	struct memory *memory = state;
	const struct assay_part part = {seed, ASSAY_HASH_BYTES};
	uint8_t key[ASSAY_HASH_BYTES];

	assay_hash(key, "assay/1 memory/1 walkers\n", &part, 1);
	enum assay_status status =
	    memory->device->backend->write(memory->device->handle, memory->walkers_key, 0, key, sizeof key, error);
	return status ? status : walk(memory, first, count, values, error);
}

static enum assay_status bare(void *state, void *values, struct assay_error *error)
{
	struct memory *memory = state;

	return walk(memory, 0, UINT64_C(1) << memory->log2_walkers, values, error);
}

static struct assay_params trial(uint32_t size)
{
	return (struct assay_params){{2, UINT64_C(1) << (16 + size), 6 + size}};
}

/* doubleRounds, items, log2Walkers: one walker; a number of items that is no power of two; several bands. */
static const struct assay_params cases[] = {{{2, 64, 0}}, {{6, 1000, 3}}, {{4, 4099, 7}}};

const struct assay_workload assay_workload_memory = {
    .work = &assay_work_memory,
    .band = band,
    .prepare = prepare,
    .finish = finish,
    .reserve = reserve,
    .fill = fill,
    .trial = trial,
    .leaves = leaves,
    .bare = bare,
    .kernel = ASSAY_KERNEL_MEMORY_WALK,
    .cases = cases,
    .case_count = sizeof cases / sizeof *cases,
};
