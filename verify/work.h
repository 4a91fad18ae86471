/* SPDX-License-Identifier: Apache-2.0
 *
 * The workloads as the verifier knows them (SPEC 5): sizes that follow from the parameters, and the value of any leaf.
 * To add one: a work_<name>.c with a constant of this type, a line in the table of work.c, and its section in the SPEC.
 */
#ifndef VERIFY_WORK_H
#define VERIFY_WORK_H

#include "verify/bytes.h"

enum {
	ASSAY_PARAMS_MAX = 4,
	ASSAY_LEAF_BYTES_MAX = 1024,
	ASSAY_DEPTH_MAX = 32,
	ASSAY_LEAVES_MAX = 16, /* of one call of assay_work_leaves */
};

/* Values of a workload's parameters, in the order of its `params` names. */
struct assay_params {
	uint64_t value[ASSAY_PARAMS_MAX];
};

/* Which leaf: of the round with this seed and, where a fill comes before the workload, after the fill with that. */
struct assay_leaf {
	const uint8_t *seed, *fill;
	uint64_t index;
};

struct assay_work {
	const char *name;
	const char *unit;
	const char *params[ASSAY_PARAMS_MAX + 1]; /* names, sorted, ended by NULL */
	uint32_t leaf_bytes;

	/* True when the parameters are within the caps of the workload's section. The functions below need that. */
	bool (*allowed)(const struct assay_params *params);
	uint32_t (*depth)(const struct assay_params *params); /* leaves = 2^depth, depth <= 32 */
	uint64_t (*round_work)(const struct assay_params *params);
	uint64_t (*leaf_cost)(const struct assay_params *params); /* SPEC 12, without depth and the constant */

	/* The value of leaf `index` of the round with this seed; or, where several at once are cheaper or a fill comes
	 * before, what assay_work_leaves does. */
	void (*leaf)(uint8_t *value, const struct assay_params *params, const uint8_t seed[ASSAY_HASH_BYTES],
	             uint64_t index);
	void (*leaves)(uint8_t *values, const struct assay_params *params, const struct assay_leaf *leaves,
	               uint32_t count);

	/* A fill has no rounds; the segment after it is of the workload that has it here, with the same parameters. */
	bool is_fill;
	const struct assay_work *fill;

	/* For a workload with a fill: bytes that the fill makes. */
	uint64_t (*table_bytes)(const struct assay_params *params);

	/* Rounds below which a run shows too little, or NULL. */
	uint32_t (*rounds_min)(const struct assay_params *params);
};

extern const struct assay_work assay_work_matmul_i8, assay_work_matmul_i9, assay_work_matmul_f32, assay_work_matmul_f64,
    assay_work_sha256, assay_work_memory_fill, assay_work_memory;

/* Values of `count` leaves, at most ASSAY_LEAVES_MAX, one behind the other. */
void assay_work_leaves(uint8_t *values, const struct assay_work *work, const struct assay_params *params,
                       const struct assay_leaf *leaves, uint32_t count);

/* The workload of that name, or NULL. */
const struct assay_work *assay_work_find(const char *name);

/* All workloads, ended by NULL. */
extern const struct assay_work *const assay_works[];

#endif
