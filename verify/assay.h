/* SPDX-License-Identifier: Apache-2.0
 *
 * libassay: verifies Assay attestations on a CPU. This header is its manual; verify/SPEC.md is what it implements.
 *
 * The library reads an attestation (NAME.intoto.json), its transcript (NAME.transcript) and, where a verifier asked for
 * it, the receipts (NAME.receipts.jsonl), and gives a verdict. It starts no thread, prints nothing, never exits and
 * keeps no state between calls apart from libsodium's own initialisation. Calls with different verdicts may run at the
 * same time. Link with libassay, libsodium and jansson.
 *
 *     struct assay_policy policy = {.trusted = keys, .trusted_count = 1};
 *     struct assay_verdict verdict;
 *     if (assay_verify(&verdict, "node.intoto.json", NULL, &policy) != ASSAY_OK)
 *             fprintf(stderr, "%s\n", verdict.error.text);
 *     else if (verdict.outcome == ASSAY_PASS) ...
 *     assay_verdict_close(&verdict);
 */
#ifndef ASSAY_H
#define ASSAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_VERSION "0.1.0"
#define ASSAY_API __attribute__((visibility("default")))
#define ASSAY_CHECK_RESULT __attribute__((warn_unused_result))

enum {
	ASSAY_HASH_BYTES = 32,
	ASSAY_KEY_BYTES = 32,     /* a raw Ed25519 public key */
	ASSAY_SEGMENTS_MAX = 16,  /* SPEC 3.1 */
	ASSAY_DEVICES_MAX = 64,   /* SPEC 3.1 */
	ASSAY_SAMPLES_MAX = 8192, /* SPEC 3.1 */
	ASSAY_CLAIMS_MAX = 16,    /* SPEC 10.6 */
	ASSAY_MODELS_MAX = 256,   /* SPEC 10.8 */
};

/* What a function of the library reports. Everything a *file* can be wrong in is part of the verdict instead. */
enum assay_status {
	ASSAY_OK = 0,
	ASSAY_ERROR_INPUT,  /* a file or a text that was asked for is not usable */
	ASSAY_ERROR_IO,     /* reading or writing failed */
	ASSAY_ERROR_MEMORY, /* out of memory */
	ASSAY_ERROR_DEVICE, /* a device refused or failed */
};

/* One line for people, with what to do, and a stable code for programs. */
struct assay_error {
	char reason[40]; /* e.g. "io.open" */
	char text[480];
};

/* Verdicts; the values are the exit codes of assay-verify. 3 is left for usage and input/output. */
enum assay_outcome {
	ASSAY_PASS = 0,
	ASSAY_FAIL = 1,
	ASSAY_INCONCLUSIVE = 2,
	ASSAY_MALFORMED = 4,
};

/* The checks of SPEC 10.1, in the order of that section. */
enum assay_check_id {
	ASSAY_CHECK_ENVELOPE,
	ASSAY_CHECK_TRANSCRIPT,
	ASSAY_CHECK_SIGNATURE,
	ASSAY_CHECK_TRUST,
	ASSAY_CHECK_STATEMENT,
	ASSAY_CHECK_CHALLENGE,
	ASSAY_CHECK_RECORDS,
	ASSAY_CHECK_DIGEST,
	ASSAY_CHECK_DEVICES,
	ASSAY_CHECK_BINDING,
	ASSAY_CHECK_RECEIPTS,
	ASSAY_CHECK_PROFILE,
	ASSAY_CHECK_COST,
	ASSAY_CHECK_RECHECK,
	ASSAY_CHECK_COUNT
};

/* Reason codes of SPEC 10.3; assay_reason_name gives their text. */
enum assay_reason {
	ASSAY_REASON_NONE,
	ASSAY_REASON_ENVELOPE_MALFORMED,
	ASSAY_REASON_TRANSCRIPT_MALFORMED,
	ASSAY_REASON_TRANSCRIPT_VERSION,
	ASSAY_REASON_SIGNATURE_KEYID,
	ASSAY_REASON_SIGNATURE_INVALID,
	ASSAY_REASON_KEY_UNTRUSTED,
	ASSAY_REASON_STATEMENT_MALFORMED,
	ASSAY_REASON_STATEMENT_VERSION,
	ASSAY_REASON_TRANSCRIPT_DIGEST,
	ASSAY_REASON_CHALLENGE_MALFORMED,
	ASSAY_REASON_CHALLENGE_CAPS,
	ASSAY_REASON_CHALLENGE_MODE,
	ASSAY_REASON_WORKLOAD_UNKNOWN,
	ASSAY_REASON_DEVICES_MALFORMED,
	ASSAY_REASON_BINDING_MISMATCH,
	ASSAY_REASON_RECEIPTS_MISSING,
	ASSAY_REASON_RECEIPTS_DIGEST,
	ASSAY_REASON_RECEIPTS_MALFORMED,
	ASSAY_REASON_RECEIPTS_MISMATCH,
	ASSAY_REASON_RECEIPTS_UNTRUSTED,
	ASSAY_REASON_RECEIPTS_SIGNATURE,
	ASSAY_REASON_PROFILE_UNKNOWN,
	ASSAY_REASON_COST_EXCEEDED,
	ASSAY_REASON_RUN_SHORT,
	ASSAY_REASON_RUN_EMPTY,
	ASSAY_REASON_LEAF_MISMATCH,
	ASSAY_REASON_CLAIM_MODEL,
	ASSAY_REASON_CLAIM_UNKNOWN,
	ASSAY_REASON_CLAIM_TIME,
	ASSAY_REASON_CLAIM_COUNT,
	ASSAY_REASON_CLAIM_MINIMUM,
	ASSAY_REASON_CLAIM_CAPACITY,
	ASSAY_REASON_CLAIM_LESSER,
	ASSAY_REASON_COUNT
};

struct assay_check {
	bool reached;             /* false: skipped, because an earlier check ended the verification */
	enum assay_reason reason; /* ASSAY_REASON_NONE: passed */
	char detail[200];         /* printable ASCII, may be empty */
};

/* When a segment was done, in nanoseconds since 1970 by the clock of a verifier that is trusted (SPEC 8.6); both 0
 * where no such verifier said so. */
struct assay_bracket {
	uint64_t released_ns, received_ns;
};

/* One device in one segment. What was proved and what is only said are apart. */
struct assay_run {
	uint32_t segment, device;
	const char *workload; /* "matmul-i8/1" */
	const char *unit;     /* "op", "hash", "B" */
	struct {
		bool shown;              /* every drawn leaf of this run was right; else the rest is 0 */
		uint32_t rounds;         /* rounds committed to */
		uint32_t leaves;         /* leaves recomputed */
		uint64_t work;           /* units in all rounds */
		uint64_t certified_work; /* work * (1 - e*), SPEC 9.3 */
		uint64_t table_bytes;    /* that a walk read from, SPEC 5.6; 0 for other workloads */
		struct assay_bracket bracket;
		double rate;             /* certified units a second of the bracket, SPEC 9.3; 0 without one */
		uint64_t capacity_bytes; /* of a table, at that rate, SPEC 5.6 */
	} proved;
	struct {
		uint64_t elapsed_ns;                 /* by the prover's clock; 0 = unknown */
		uint64_t median_ns, low_ns, high_ns; /* of a round, with the interval of SPEC 8.3 */
		uint64_t mad_ns;                     /* spread of the rounds' times */
		uint64_t first_ns;                   /* median of the rounds of the first two seconds */
		int64_t steady_ns;                   /* median of the rest; -1 = unknown, below too */
		int64_t drift_ppm;                   /* of the rest; INT64_MIN = unknown */
		int64_t device_median_ns;            /* by the device's own clock */
		int64_t throttled_rounds;            /* in which telemetry said that the clock was held down */
		int64_t energy_mj;                   /* by telemetry */
		uint64_t asked_ns;                   /* duration that the challenge asked for, or 0 */
		double rate;                         /* units a second, SPEC 9.3; 0 = unknown */
	} claimed;
	enum assay_reason reason;
};

/* All devices of one segment together, as far as their runs were shown; SPEC 9.4. Sums may pass 64 bits: they are
 * decimal digits. */
struct assay_aggregate {
	const char *workload, *unit;
	uint32_t runs; /* that were shown */
	char work[48], certified_work[48];
	uint64_t claimed_ns;   /* the longest of the asked duration and of these runs, by the prover's clock */
	char claimed_rate[48]; /* units a second; "" = unknown */
	struct assay_bracket bracket;
	char proven_rate[48]; /* units a second; "" without a bracket */
};

/* Least, median and greatest of samples; all -1 = unknown. */
struct assay_range {
	int64_t min, median, max;
};

/* Telemetry of a device, as the prover tells it (SPEC 8.5); -1 = unknown. */
struct assay_telemetry_claim {
	char source[33]; /* "nvml"; "" = none, and then nothing is known */
	char joined[17]; /* how it was told that it is this device's: "uuid", "pci", "host", "unverified" */
	uint64_t samples;
	struct assay_range clock_mhz, memory_clock_mhz, power_mw, temperature_mc;
	int64_t power_limit_mw, ecc_errors, xid_errors, pcie_width, pcie_generation;
	bool reasons_known;
	char reasons[529]; /* why the clock was held down, with spaces between; "" = it was not, when it is known */
};

struct assay_device_claim {
	char backend[33], name[257], architecture[257];
	uint64_t compute_units, memory_bytes; /* 0 = unknown */
	char id[257];                         /* by which a verifier knows it again, SPEC 6; "" = none */
	struct assay_telemetry_claim telemetry;
};

/* Claims about a machine, by anybody, and the catalogue of models that they are held against; SPEC 10.6. */
struct assay_claims;

/* What came of one of these claims. */
struct assay_claim_result {
	char text[144];        /* "nvidia/h100/80Gi/sxm x8" */
	uint32_t count;        /* devices claimed */
	uint32_t demonstrated; /* devices that showed what takes such a model, or a better one */
	uint32_t leased;       /* that are let, and counted for this claim */
	uint32_t lacking;
	enum assay_reason reason; /* the first of its own and its devices' */
};

/* What came of a device. */
struct assay_claimed_device {
	int claim;                /* it belongs to, or was taken for; -1 = none */
	const char *says;         /* model that it says to be, or NULL; of the claims' catalogue */
	enum assay_reason reason; /* ASSAY_REASON_NONE: demonstrated */
	char detail[200];
	/* Models by their place in the catalogue, nothing where no rate is proven: which could have done what it
	 * showed, and those of them than which none of them is lesser. */
	bool consistent[ASSAY_MODELS_MAX], best[ASSAY_MODELS_MAX];
};

struct assay_verdict {
	enum assay_outcome outcome;
	const char *assurance; /* "time-bracketed", "work-proven", "self-asserted" or NULL */
	struct assay_check checks[ASSAY_CHECK_COUNT];

	char file[129]; /* last part of the attestation's name, printable ASCII */

	/* Filled when the signature held: */
	char subject[65];        /* hex SHA-256 of the transcript */
	char keyid[65];          /* the prover's key */
	bool asked;              /* by a verifier (mode `verifier`), else by the prover itself */
	uint32_t leased;         /* devices that were let, as the verifier knew */
	char receipts_from[65];  /* the key that signed the receipts; "" unless it is a trusted verifier's */
	char profile[65];        /* of the challenge */
	char finished[21];       /* claimed, UTC */
	uint32_t stagger_ms;     /* claimed: device d began d times this after the first one */
	uint32_t power_budget_w; /* claimed: devices computed only while their limits fit in it; 0 = none */
	uint32_t pauses;         /* claimed: how often the job was cut off and resumed */
	uint32_t samples, estar_ppm;
	uint64_t cost; /* predicted, in units of SPEC 12 */
	uint32_t device_count;
	struct assay_device_claim *devices; /* what the prover says they are */
	uint32_t segment_count;
	struct assay_aggregate aggregates[ASSAY_SEGMENTS_MAX];
	uint32_t run_count;
	struct assay_run *runs; /* segment by segment, device by device */

	const struct assay_claims *claims; /* that it was to be held against, or NULL; they must stay open */
	struct assay_check claims_check;   /* after those above; never reached without claims */
	struct assay_claim_result claim_results[ASSAY_CLAIMS_MAX];
	struct assay_claimed_device *claimed_devices; /* device_count of them, once that check was reached */

	struct assay_error error; /* when the call did not return ASSAY_OK */
};

struct assay_policy {
	const uint8_t (*trusted)[ASSAY_KEY_BYTES]; /* raw public keys that are accepted */
	size_t trusted_count;
	const uint8_t (*verifiers)[ASSAY_KEY_BYTES]; /* of verifiers whose receipts are believed */
	size_t verifiers_count;
	const char *receipts;              /* their file; NULL: beside the attestation, NAME.receipts.jsonl */
	uint64_t budget;                   /* cost units; 0 = the default, 2^30 */
	const struct assay_claims *claims; /* to hold the machine against, or NULL */
};

/* Verifies an attestation. `transcript` may be NULL: the attestation's path with ".intoto.json" replaced by
 * ".transcript". The verdict is always initialised; release it with assay_verdict_close. Errors: ASSAY_ERROR_IO (a file
 * cannot be read), ASSAY_ERROR_MEMORY; whatever is wrong *in* the files is the verdict. */
ASSAY_API enum assay_status assay_verify(struct assay_verdict *verdict, const char *attestation, const char *transcript,
                                         const struct assay_policy *policy) ASSAY_CHECK_RESULT;

/* Releases what a verdict holds. Takes NULL. */
ASSAY_API void assay_verdict_close(struct assay_verdict *verdict);

/* The verdict as canonical JSON with a final newline (SPEC 10.4), to be released with free(); NULL when out of memory.
 * After a call that did not return ASSAY_OK its "verdict" is null and "error" has the reason and the text. */
ASSAY_API char *assay_verdict_json(const struct assay_verdict *verdict);

/* Reads public keys from an SPKI PEM file ("-----BEGIN PUBLIC KEY-----"). `keys` has room for `capacity` keys; *count
 * is how many there are. Errors: ASSAY_ERROR_IO, ASSAY_ERROR_INPUT (no key, another kind of key, damaged, too many). */
ASSAY_API enum assay_status assay_keys_read(uint8_t (*keys)[ASSAY_KEY_BYTES], size_t *count, size_t capacity,
                                            const char *path, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Reads claims about a machine, each a line ("nvidia/h100/80Gi/sxm x8") or a file that ends in .json (SPEC 10.7), and a
 * catalogue of models; with NULL the one that is built in. To be released with assay_claims_close. Errors:
 * ASSAY_ERROR_INPUT (claim.malformed, catalogue.malformed), ASSAY_ERROR_IO, ASSAY_ERROR_MEMORY. */
ASSAY_API enum assay_status assay_claims_open(struct assay_claims **claims, const char *const *texts, size_t count,
                                              const char *catalogue, struct assay_error *error) ASSAY_CHECK_RESULT;
ASSAY_API void assay_claims_close(struct assay_claims *claims);

/* keyid of SPEC 1.4: 64 hex digits and a terminator. */
ASSAY_API void assay_keyid(char keyid[65], const uint8_t key[ASSAY_KEY_BYTES]);

/* "leaf.mismatch"; "contradicted" or "not-demonstrated" or NULL; what to do; "recheck"; "pass". */
ASSAY_API const char *assay_reason_name(enum assay_reason reason);
ASSAY_API const char *assay_reason_kind(enum assay_reason reason);
ASSAY_API const char *assay_reason_remedy(enum assay_reason reason);
ASSAY_API enum assay_outcome assay_reason_outcome(enum assay_reason reason);
ASSAY_API const char *assay_check_name(enum assay_check_id check);
ASSAY_API const char *assay_outcome_name(enum assay_outcome outcome);

#ifdef __cplusplus
}
#endif

#endif
