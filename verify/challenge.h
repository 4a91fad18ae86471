/* SPDX-License-Identifier: Apache-2.0
 *
 * The challenge (SPEC 3), its profile (SPEC 11) and its cost (SPEC 12). Every number that a verification uses comes
 * from here. */
#ifndef VERIFY_CHALLENGE_H
#define VERIFY_CHALLENGE_H

#include "verify/json.h"
#include "verify/work.h"

enum {
	ASSAY_CHALLENGE_BYTES_MAX = 65536,
	ASSAY_ROUNDS_MAX = 1 << 22,
};

struct assay_segment {
	const struct assay_work *work;
	struct assay_params params;
	uint32_t duration_ms; /* 0 when `rounds` is given */
	uint32_t rounds;      /* 0 when `duration_ms` is given, and in a fill */
};

struct assay_challenge {
	bool asked;       /* by a verifier (mode `verifier`), else by the prover itself */
	uint64_t expires; /* seconds since 1970, and the verifier's keyid; both 0 in mode `self` */
	uint8_t verifier[32];
	uint32_t leased; /* devices of the machine that are let and left alone */
	char profile[65];
	uint8_t nonce[32];
	uint32_t devices, samples, segment_count;
	struct assay_segment segments[ASSAY_SEGMENTS_MAX];
};

/* Reads a challenge payload. ASSAY_REASON_NONE, or why it is refused, with a detail of at most `detail_len` bytes. */
enum assay_reason assay_challenge_parse(struct assay_challenge *challenge, const void *text, size_t len, char *detail,
                                        size_t detail_len);

/* The payload of a challenge as canonical JSON, to be released with free(); NULL when out of memory. */
char *assay_challenge_text(const struct assay_challenge *challenge);

/* "YYYY-MM-DDThh:mm:ssZ" of seconds since 1970, from 2000 to 9999, and back; false when it is no such time. */
void assay_utc_text(char text[21], uint64_t seconds);
bool assay_utc_parse(uint64_t *seconds, const char *text);

/* True when that many rounds of the segment stay within SPEC 3.3. */
bool assay_segment_rounds_allowed(const struct assay_segment *segment, uint64_t rounds);

/* SPEC 11. */
bool assay_challenge_in_profile(const struct assay_challenge *challenge);

/* SPEC 12: the sum over all runs, in units of about one SHA-256 compression. */
uint64_t assay_challenge_cost(const struct assay_challenge *challenge);

/* ---- Profiles, for those who write challenges ---- */

struct assay_profile {
	const char *name;
	uint32_t duration_ms_min, duration_ms_max; /* of a segment */
	uint32_t memory_double_rounds, memory_items_max;
};

extern const struct assay_profile assay_profiles[]; /* ended by a NULL name */

enum { ASSAY_ROWS = 5 };

/* A row of the table of sizes: for devices from this much memory on; the first one is for CPUs. */
struct assay_row {
	const char *name;
	uint64_t memory_min;
};

extern const struct assay_row assay_rows[ASSAY_ROWS];

/* Parameters of memory/1 in a profile for a table of about so many items: at most that, unless it is below the least.
 */
enum { ASSAY_MEMORY_ITEMS_MIN = 1 << 20, ASSAY_MEMORY_STEP = 1 << 17, ASSAY_MEMORY_LOG2_SHARE = 10 };
struct assay_params assay_memory_params(const struct assay_profile *profile, uint64_t items);

/* A workload's parameters in a row, or NULL when the profiles do not have that workload. */
const struct assay_params *assay_row_params(const struct assay_row *row, const struct assay_work *work);

#endif
