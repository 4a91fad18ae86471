/* SPDX-License-Identifier: Apache-2.0
 *
 * The workloads on devices, and the engine that turns one into rounds: leaf values, their Merkle tree, band roots. A
 * *band* is a run of leaves that is computed alone when one of them is opened, so that an opening never repeats a
 * round. To add a workload: its kernel (kernels/README.md), its reference (verify/work.h), a workload_<name>.c with
 * such a table here, and a line in engine.c. */
#ifndef HARNESS_WORKLOAD_H
#define HARNESS_WORKLOAD_H

#include "harness/backend.h"
#include "verify/work.h"

struct assay_workload {
	const struct assay_work *work;

	/* Leaves of a band: a power of two that divides the leaves of a round. */
	uint64_t (*band)(const struct assay_params *params);

	/* Buffers on the device for these parameters. */
	enum assay_status (*prepare)(void **state, struct assay_device *device, const struct assay_params *params,
	                             struct assay_error *error);
	void (*finish)(void *state);

	/* Where a fill comes before the rounds: room for what it makes, and making it from the fill's seed. Without
	 * room, `fill` makes only what `leaves` then needs to compute everything itself. NULL for others. */
	enum assay_status (*reserve)(void *state, struct assay_error *error);
	enum assay_status (*fill)(void *state, const uint8_t seed[ASSAY_HASH_BYTES], struct assay_error *error);

	/* Parameters for a trial of its speed; `size` grows from 0, to 5 at most. */
	struct assay_params (*trial)(uint32_t size);

	/* Launches what computes the values of leaves first .. first + count - 1 (whole bands) of the round with this
	 * seed into `values`, one after the other. */
	enum assay_status (*leaves)(void *state, const uint8_t seed[ASSAY_HASH_BYTES], uint64_t first, uint64_t count,
	                            void *values, struct assay_error *error);

	/* Drops what `leaves` keeps from one call to the next, so that the same seed is computed anew; NULL where
	 * nothing is kept. */
	void (*forget)(void *state);

	/* The main kernel, and what launches it alone for a whole round, over whatever `leaves` left: the bare rate. */
	enum assay_kernel_id kernel;
	enum assay_status (*bare)(void *state, void *values, struct assay_error *error);

	/* For the self-test: small rounds that are compared with the verifier's arithmetic; and operands that no seed
	 * would give, at the ends of their range (NULL where every operand is as good as another). */
	const struct assay_params *cases;
	size_t case_count;
	enum assay_status (*rails)(struct assay_device *device, struct assay_error *error);
};

extern const struct assay_workload assay_workload_matmul_i8, assay_workload_matmul_i9, assay_workload_matmul_f32,
    assay_workload_matmul_f64, assay_workload_sha256, assay_workload_memory;

/* In rails.c and rails_floats.c. Error: device.miscompute, or what the device reports. */
enum assay_status assay_rails_matmul_i8(struct assay_device *device, struct assay_error *error);
enum assay_status assay_rails_matmul_i9(struct assay_device *device, struct assay_error *error);
enum assay_status assay_rails_matmul_f32(struct assay_device *device, struct assay_error *error);
enum assay_status assay_rails_matmul_f64(struct assay_device *device, struct assay_error *error);

/* All workloads, ended by NULL; and the one that does a `struct assay_work`, which
 * may be its fill. */
extern const struct assay_workload *const assay_workloads[];
const struct assay_workload *assay_workload_of(const struct assay_work *work);

/* A workload prepared on a device with its parameters. */
struct assay_engine {
	const struct assay_workload *workload;
	struct assay_device *device;
	struct assay_params params;
	void *state;
	void *values, *tree; /* device buffers: all leaf values; all levels of the tree of digests, leaves first */
	uint32_t depth;
	uint64_t leaves, band, bands;
	uint64_t device_ns; /* of the last round, by the device's clock; ASSAY_NS_UNKNOWN where it says none */

	/* Of the band that was opened last: its tree, on the host. */
	uint8_t *subtree;
	uint8_t subtree_seed[ASSAY_HASH_BYTES];
	uint64_t subtree_band;
	bool subtree_valid;
};

/* Errors: device.memory and whatever the device reports. */
enum assay_status assay_engine_prepare(struct assay_engine *engine, struct assay_device *device,
                                       const struct assay_workload *workload, const struct assay_params *params,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_engine_finish(struct assay_engine *engine);

/* For a workload with a fill, else nothing: takes the room for what the fill makes, if `room`, and fills from its seed.
 */
enum assay_status assay_engine_fill(struct assay_engine *engine, const uint8_t seed[ASSAY_HASH_BYTES], bool room,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* One round: its root, and the roots of its bands (engine->bands of them). */
enum assay_status assay_engine_round(struct assay_engine *engine, const uint8_t seed[ASSAY_HASH_BYTES],
                                     uint8_t root[ASSAY_HASH_BYTES], uint8_t (*band_roots)[ASSAY_HASH_BYTES],
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* The path of a leaf, engine->depth hashes, from the band roots of its round. Repeated calls for one band are cheap. */
enum assay_status assay_engine_open(struct assay_engine *engine, const uint8_t seed[ASSAY_HASH_BYTES],
                                    const uint8_t (*band_roots)[ASSAY_HASH_BYTES], uint64_t leaf, uint8_t *path,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
