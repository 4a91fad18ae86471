/* SPDX-License-Identifier: Apache-2.0
 *
 * The gallery of cheats: each is played, and must get the verdict that SPEC 13.5 says. Provers that skip work are
 * played thousands of times, and must escape as often as SPEC 9.2 says, redraws included. The table is printed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>
#include <sodium.h>

#include "verify/chain.h"
#include "verify/test/prover.h"
#include "verify/work.h"

TestSuite(gallery, .timeout = 300);

static void row(const char *cheat, const char *expected, const char *found)
{
	printf("cheat     %-68s  %-32s  %s\n", cheat, expected, strcmp(expected, found) == 0 ? "as it must" : found);
	fflush(stdout);
	cr_expect_str_eq(found, expected, "%s", cheat);
}

/* ---- Cheats that show by themselves: files of verify/vectors, made by ci/cases/ ---- */

Test(gallery, played_once)
{
	static const struct {
		const char *cheat, *file, *expected;
	} table[] = {
	    {"a round is left out", "work-round-skipped", "fail leaf.mismatch"},
	    {"a leaf of many is missing, and drawn", "work-one-leaf-missing", "fail leaf.mismatch"},
	    {"a leaf is shown twice", "work-one-leaf-repeated", "fail leaf.mismatch"},
	    {"one entry of a product is wrong, and drawn", "work-one-wrong-entry", "fail leaf.mismatch"},
	    {"sums of 16 bits", "work-matmul-16-bit", "fail leaf.mismatch"},
	    {"half of the products of a sum", "work-matmul-half-k", "fail leaf.mismatch"},
	    {"eight bits of nine", "work-nine-bits-as-eight", "fail leaf.mismatch"},
	    {"floats in another order", "work-floats-descending", "fail leaf.mismatch"},
	    {"floats with two roundings", "work-floats-two-roundings", "fail leaf.mismatch"},
	    {"floats with two partial sums", "work-floats-two-sums", "fail leaf.mismatch"},
	    {"floats of 16 bits", "work-floats-of-16-bits", "fail leaf.mismatch"},
	    {"roots without work", "work-root-invented", "fail leaf.mismatch"},
	    {"rounds that do not hang on each other", "work-round-not-chained", "fail leaf.mismatch"},
	    {"segments that do not hang on each other", "work-segment-not-chained", "fail leaf.mismatch"},
	    {"one device's run shown as another's", "work-run-copied", "fail leaf.mismatch"},
	    {"one table for two devices", "work-memory-table-of-other-device", "fail leaf.mismatch"},
	    {"half a table", "work-memory-half-a-table", "fail leaf.mismatch"},
	    {"eight bytes of an item", "work-memory-eight-byte-items", "fail leaf.mismatch"},
	    {"a walk that mixes less", "work-memory-mixed-once", "fail leaf.mismatch"},
	    {"draws made before the commitment", "work-draws-before-commit", "fail leaf.mismatch"},
	    {"draws that are all the same", "work-draws-all-the-same", "fail leaf.mismatch"},
	    {"a node shown as a leaf", "work-node-as-leaf", "fail leaf.mismatch"},
	    {"a path that is one level short", "work-path-from-parent", "fail leaf.mismatch"},
	    {"the path of another leaf", "work-path-of-other-leaf", "fail leaf.mismatch"},
	    {"parameters of its own", "replay-log2-digests", "fail leaf.mismatch"},
	    {"a profile that was not asked for", "replay-profile", "fail leaf.mismatch"},
	    {"an answer to another challenge", "replay-nonce", "fail leaf.mismatch"},
	    {"somebody else's work", "replay-work-of-stranger", "fail leaf.mismatch"},
	    {"other device names than the seed has", "replay-devices-renamed", "fail leaf.mismatch"},
	    {"a run that is empty", "run-empty", "inconclusive run.empty"},
	    {"fewer rounds than asked for", "run-short", "inconclusive run.short"},
	    {"a challenge of no samples", "caps-samples-0", "malformed challenge.caps"},
	    {"a challenge that costs too much to check", "cost-just-above", "inconclusive cost.exceeded"},
	    {"a transcript that was exchanged", "digest-other-job", "fail transcript.digest"},
	    {"a key that nobody trusts", "untrusted", "inconclusive key.untrusted"},
	    {"work begun before the verifier released a nonce", "receipts-work-nonce-not-awaited",
	     "fail leaf.mismatch"},
	    {"the first nonce used for all segments", "receipts-work-nonce-of-first-for-all", "fail leaf.mismatch"},
	    {"the draw begun before the entropy came", "receipts-work-entropy-not-awaited", "fail leaf.mismatch"},
	    {"the entropy of another challenge", "receipts-work-entropy-of-other-challenge", "fail leaf.mismatch"},
	    {"a draw that the prover chose", "receipts-work-draw-chosen", "fail receipts.signature"},
	    {"receipts forged in the verifier's name", "receipts-work-receipts-forged", "fail receipts.signature"},
	    {"receipts by the prover's own key", "receipts-untrusted-prover", "inconclusive receipts.untrusted"},
	    {"a second commitment for a segment", "receipts-work-second-commitment", "fail receipts.mismatch"},
	    {"receipts of another job", "receipts-mismatch-other-job", "fail receipts.mismatch"},
	    {"a time that was changed in a receipt", "receipts-digest-resigned-time", "fail receipts.digest"},
	    {"receipts after the challenge expired", "receipts-mismatch-all-after-expiry", "fail receipts.mismatch"},
	    {"receipts left out", "receipts-missing", "inconclusive receipts.missing"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char path[160], found[96];
		snprintf(path, sizeof path, "verify/vectors/reject/%s.intoto.json", table[i].file);
		const struct test_outcome outcome = test_verify(path, NULL);
		snprintf(found, sizeof found, "%s %s", assay_outcome_name(outcome.outcome),
		         assay_reason_name(outcome.reason));
		row(table[i].cheat, table[i].expected, found);
	}
}

/* ---- Provers that skip work, played many times ---- */

#ifdef __SANITIZE_ADDRESS__
enum { TRIES = 1000, GRINDERS = 20 };
#else
enum { TRIES = 10000, GRINDERS = 200 };
#endif

static uint64_t random_state;

/* SplitMix64. */
static uint64_t random_next(void)
{
	uint64_t x = random_state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Exactly so many leaves, one of the last round among them. */
static void skip(struct prover *prover, uint32_t count)
{
	prover->skipped[PROVER_TOTAL - 1 - random_next() % PROVER_LEAVES] = true;
	for (count--; count;) {
		bool *leaf = &prover->skipped[random_next() % PROVER_TOTAL];
		count -= !*leaf;
		*leaf = true;
	}
}

/* How often it passed is within the 99.9 % interval of what the law says. */
static void escapes(const char *cheat, uint32_t passed, uint32_t tries, double law)
{
	const double expected = tries * law, sigma = sqrt(tries * law * (1 - law));

	printf("cheat     %-68s  escapes %.4f of the time, by the law %.4f (%u of %u)\n", cheat, (double)passed / tries,
	       law, passed, tries);
	fflush(stdout);
	cr_expect_leq(fabs(passed - expected), 3.2905 * sigma + 0.5, "%s", cheat);
}

/* One try of `each` is shown to the verifier; what it would say of the others is known. */
static void lazy(uint32_t samples, uint32_t skipped, bool asked, uint32_t each)
{
	static struct prover prover;
	char cheat[96];
	uint32_t passed = 0;

	random_state = samples * 1000 + skipped + asked;
	for (uint32_t i = 0; i < TRIES; i++) {
		prover_init(&prover, samples, asked, i);
		skip(&prover, skipped);
		prover_work(&prover);
		const bool lucky = prover_is_lucky(&prover);
		passed += lucky;
		if (i % each)
			continue;
		const struct test_outcome outcome = prover_verify(&prover, prover.commit);
		cr_assert_eq(outcome.reason, lucky ? ASSAY_REASON_NONE : ASSAY_REASON_LEAF_MISMATCH, "try %u", i);
		cr_assert_str_eq(outcome.assurance, !lucky  ? "self-asserted"
		                                    : asked ? "time-bracketed"
		                                            : "work-proven");
	}
	snprintf(cheat, sizeof cheat, "%.1f %% of the leaves skipped, %u draws%s", 100.0 * skipped / PROVER_TOTAL,
	         samples, asked ? ", asked by a verifier" : "");
	escapes(cheat, passed, TRIES, pow(1 - (double)skipped / PROVER_TOTAL, samples));
}

Test(gallery, lazy_provers)
{
	lazy(16, 13, false, 1);
	lazy(8, 64, false, 10);
	lazy(32, 26, true, 10);
}

/* It looks at the draw that its roots give, and changes them until it likes it: by itself as often as it wants; before
 * a verifier not once. */
Test(gallery, grinders)
{
	enum { SAMPLES = 32, SKIPPED = 52, REDRAWS = 1000 };
	static struct prover prover;
	uint32_t passed = 0;

	random_state = 7;
	for (uint32_t i = 0; i < GRINDERS; i++) {
		prover_init(&prover, SAMPLES, false, i);
		skip(&prover, SKIPPED);
		prover_work(&prover);
		for (uint64_t redraw = 1; redraw < REDRAWS && !prover_is_lucky(&prover); redraw++)
			prover_grind(&prover, redraw);
		const bool lucky = prover_is_lucky(&prover);
		cr_assert_eq(prover_verify(&prover, NULL).reason,
		             lucky ? ASSAY_REASON_NONE : ASSAY_REASON_LEAF_MISMATCH);
		passed += lucky;
	}
	const double one = pow(1 - (double)SKIPPED / PROVER_TOTAL, SAMPLES);
	escapes("the same, 20.3 % and 32 draws, with 1,000 redraws", passed, GRINDERS, 1 - pow(1 - one, REDRAWS));
	/* What is certified allows for 2^64 of them. */
	cr_expect_geq(assay_estar_ppm(SAMPLES, 64), 203000);

	prover_init(&prover, SAMPLES, true, 0);
	skip(&prover, SKIPPED);
	prover_work(&prover);
	uint8_t committed[32];
	memcpy(committed, prover.commit, 32);
	for (uint64_t redraw = 1; !prover_is_lucky(&prover); redraw++)
		prover_grind(&prover, redraw);
	const struct test_outcome outcome = prover_verify(&prover, committed);
	char found[96];
	snprintf(found, sizeof found, "%s %s", assay_outcome_name(outcome.outcome), assay_reason_name(outcome.reason));
	row("the same before a verifier, which has the first commitment", "fail receipts.mismatch", found);
}

/* ---- Structured operands ---- */

enum { SIDE = 16, K = 64 };

/* All entries of a product by sliding along its diagonals: right when A[i][l] hangs on i + l alone, and B likewise; it
 * takes two multiplications an entry. */
static void slide(int32_t c[SIDE][SIDE], int8_t a[SIDE][K], int8_t b[SIDE][K])
{
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			c[i][j] = 0;
			if (i && j)
				c[i][j] = c[i - 1][j - 1] - a[i - 1][0] * b[j - 1][0] + a[i][K - 1] * b[j][K - 1];
			else
				for (int l = 0; l < K; l++)
					c[i][j] += a[i][l] * b[j][l];
		}
}

/* All rows of a product from its first two: right when the rows of A are sums of multiples of two, as those of A[i][l]
 * = u[i] v[l] + w[i] x[l]; it takes two multiplications an entry. */
static void combine(int32_t c[SIDE][SIDE], int8_t a[SIDE][K], int8_t b[SIDE][K])
{
	const int64_t all = a[0][0] * a[1][1] - a[0][1] * a[1][0];

	cr_assert_neq(all, 0);
	for (int i = 0; i < SIDE; i++) {
		/* Cramer's rule, by the first two columns. */
		const int64_t first = a[i][0] * a[1][1] - a[i][1] * a[1][0];
		const int64_t second = a[0][0] * a[i][1] - a[0][1] * a[i][0];
		for (int j = 0; j < SIDE; j++) {
			c[i][j] = 0;
			for (int l = 0; i < 2 && l < K; l++)
				c[i][j] += a[i][l] * b[j][l];
			if (i >= 2)
				c[i][j] = (int32_t)((first * c[0][j] + second * c[1][j]) / all);
		}
	}
}

typedef void shortcut(int32_t c[SIDE][SIDE], int8_t a[SIDE][K], int8_t b[SIDE][K]);

static bool is_right(shortcut *take, int8_t a[SIDE][K], int8_t b[SIDE][K])
{
	int32_t c[SIDE][SIDE];
	bool good = true;

	take(c, a, b);
	for (int i = 0; i < SIDE; i++)
		for (int j = 0; j < SIDE; j++) {
			int32_t sum = 0;
			for (int l = 0; l < K; l++)
				sum += a[i][l] * b[j][l];
			good = good && sum == c[i][j];
		}
	return good;
}

/* Ours (SPEC 5.1). */
static void expand(int8_t entries[SIDE][K], const char *label, const uint8_t seed[32])
{
	static const uint8_t nonce[12];
	uint8_t key[32];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, (const uint8_t *)label, strlen(label));
	crypto_hash_sha256_update(&state, seed, 32);
	crypto_hash_sha256_final(&state, key);
	crypto_stream_chacha20_ietf((uint8_t *)entries, SIDE * K, nonce, key);
}

/* The leaf by a shortcut, of which so many entries are right: these are the operands, and the shortcut is none. */
static void structured(const char *cheat, shortcut *take, uint32_t right)
{
	const struct assay_params params = {{K, SIDE, SIDE}};
	const uint8_t seed[32] = {9};
	int8_t a[SIDE][K], b[SIDE][K];
	int32_t c[SIDE][SIDE];
	uint8_t value[ASSAY_LEAF_BYTES_MAX], cheap[ASSAY_LEAF_BYTES_MAX];

	expand(a, "assay/1 matmul-i8/1 A\n", seed);
	expand(b, "assay/1 matmul-i8/1 B\n", seed);
	assay_work_matmul_i8.leaf(value, &params, seed, 0);
	take(c, a, b);
	for (int i = 0; i < SIDE * SIDE; i++)
		assay_le32_write(cheap + 4 * i, (uint32_t)c[i / SIDE][i % SIDE]);
	row(cheat, "another leaf", memcmp(value, cheap, 4 * SIDE * SIDE) == 0 ? "the leaf" : "another leaf");
	cr_expect_arr_eq(value, cheap, 4 * right);
}

Test(gallery, structured_operands)
{
	int8_t a[SIDE][K], b[SIDE][K], two[4][K];

	/* A generator by the index, as deployed checkers have had: the cheat is right. */
	for (int i = 0; i < SIDE; i++)
		for (int l = 0; l < K; l++) {
			random_state = (uint64_t)(i + l);
			a[i][l] = (int8_t)random_next();
			b[i][l] = (int8_t)random_next();
		}
	cr_assert(is_right(slide, a, b), "the cheat does not work where it should");
	structured("products by sliding along diagonals, as of Hankel matrices", slide, SIDE);

	/* One that spreads a few numbers over many entries, as generators for large matrices do to be fast: rank 2. */
	random_state = 8;
	for (int l = 0; l < 4 * K; l++)
		two[l / K][l % K] = (int8_t)(random_next() % 15) - 7;
	for (int i = 0; i < SIDE; i++)
		for (int l = 0; l < K; l++) {
			a[i][l] = (int8_t)(two[0][i] * two[1][l] + two[2][i] * two[3][l]);
			b[i][l] = (int8_t)random_next();
		}
	cr_assert(is_right(combine, a, b), "the cheat does not work where it should");
	structured("products from two of their rows, as of matrices of rank 2", combine, 2 * SIDE);
}
