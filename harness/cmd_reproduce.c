/* SPDX-License-Identifier: Apache-2.0
 *
 * assay reproduce: does the rounds of an attestation again on a device of this machine and compares every root: the
 * same bits, or the first round that differs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/amount.h"
#include "harness/choose.h"
#include "harness/command.h"
#include "harness/limit.h"
#include "harness/selftest.h"
#include "harness/workload.h"
#include "verify/chain.h"
#include "verify/cli.h"
#include "verify/receipts.h"
#include "verify/statement.h"
#include "verify/transcript.h"

static const char usage[] =
    "usage: assay reproduce [-d DEV] [--rounds N] [--variant NAME] [--max-time TIME] ATTESTATION\n"
    "\n"
    "Does every round of an attestation again, on a device of this machine, and compares each root. What a\n"
    "verifier samples is here all of it: the same bits, or the first round that differs.\n"
    "\n"
    "  -d, --device DEV     on this device (cpu)\n"
    "      --rounds N       at most so many rounds of each run, from its start (all)\n"
    "      --variant NAME   of the kernels (the fastest that is sound)\n"
    "      --max-time TIME  end within 25s, 2m, 1h\n"
    "\n"
    "exit  0 all roots are the same   1 a root differs   2 the attestation shows nothing   3 usage, input/output\n"
    "      or device   4 malformed\n";

/* The attestation that is done again. */
struct original {
	struct assay_transcript transcript;
	struct assay_challenge challenge;
};

/* The roots of a run, to be released with free(). */
static uint8_t *roots_read(const struct original *original, uint32_t j, uint32_t d)
{
	const struct assay_transcript *transcript = &original->transcript;
	const uint32_t rounds = transcript->rounds[j][d];
	uint8_t *roots = malloc((size_t)rounds * ASSAY_HASH_BYTES);

	if (roots && (fseeko(transcript->file, assay_transcript_run_at(transcript, &original->challenge, j, d) + 4,
	                     SEEK_SET) != 0 ||
	              fread(roots, ASSAY_HASH_BYTES, rounds, transcript->file) != rounds)) {
		free(roots);
		return NULL;
	}
	return roots;
}

/* The first of `rounds` rounds that comes out otherwise; `rounds` when none does. */
static enum assay_status rounds_compare(uint32_t *same, struct assay_engine *engine, const uint8_t *roots,
                                        uint32_t rounds, uint8_t seed[ASSAY_HASH_BYTES], struct assay_error *error)
{
	uint8_t(*bands)[ASSAY_HASH_BYTES] = malloc(engine->bands * sizeof *bands);
	uint8_t root[ASSAY_HASH_BYTES];
	enum assay_status status = bands ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory");

	for (*same = 0; !status && *same < rounds; ++*same) {
		status = assay_engine_round(engine, seed, root, bands, error);
		if (!status && memcmp(root, roots + (size_t)*same * ASSAY_HASH_BYTES, sizeof root) != 0)
			break;
		assay_chain_round(seed, root);
	}
	free(bands);
	return status;
}

static enum assay_status run_again(uint32_t *same, const struct original *original, uint32_t j, uint32_t d,
                                   uint32_t rounds, struct assay_device *device, struct assay_error *error)
{
	const struct assay_segment *segment = &original->challenge.segments[j];
	struct assay_engine engine = {0};
	uint8_t seed[ASSAY_HASH_BYTES], fill[ASSAY_HASH_BYTES], *roots = roots_read(original, j, d);

	if (!roots)
		return assay_fail(error, ASSAY_ERROR_IO, "io.changed", "the transcript changed meanwhile");
	enum assay_status status =
	    assay_engine_prepare(&engine, device, assay_workload_of(segment->work), &segment->params, error);
	if (!status && segment->work->fill) {
		assay_chain_run(fill, original->transcript.segment_seeds[j - 1], d);
		status = assay_engine_fill(&engine, fill, true, error);
	}
	assay_chain_run(seed, original->transcript.segment_seeds[j], d);
	if (!status)
		status = rounds_compare(same, &engine, roots, rounds, seed, error);
	assay_engine_finish(&engine);
	free(roots);
	return status;
}

/* Every run; 0, 1 or 2, or ASSAY_EXIT_ERROR. */
static int reproduce(const struct original *original, uint32_t rounds_max, struct assay_device *device)
{
	const struct assay_challenge *challenge = &original->challenge;
	uint64_t done = 0;
	int code = 0;

	for (uint32_t i = 0; i < challenge->segment_count * challenge->devices; i++) {
		const uint32_t j = i / challenge->devices, d = i % challenge->devices;
		const uint32_t all = original->transcript.rounds[j][d], rounds = all < rounds_max ? all : rounds_max;
		struct assay_error error;
		uint32_t same = 0;
		if (rounds == 0)
			continue;
		printf("  %-12s #%-3u ", challenge->segments[j].work->name, d);
		fflush(stdout);
		if (run_again(&same, original, j, d, rounds, device, &error)) {
			putchar('\n');
			return assay_complain(&error);
		}
		done += same;
		if (same == rounds)
			printf("%6u of %u rounds: the same bits\n", rounds, all);
		else
			printf("round %u DIFFERS; %u before it are the same\n", same, same);
		code = same == rounds ? code : ASSAY_FAIL;
	}
	if (code == 0 && done == 0)
		return ASSAY_INCONCLUSIVE;
	printf("%s  %" PRIu64 " rounds done again on %s\n", code ? "DIFFERS" : "REPRODUCED", done, device->id);
	return code;
}

/* Its seeds: with the receipts' nonces where a verifier asked for it. */
static enum assay_status original_open(struct original *original, const char *attestation, struct assay_error *error)
{
	static struct assay_receipts receipts;
	uint8_t nonces[32 * (ASSAY_SEGMENTS_MAX + 1)] = {0}, hash[32];
	char *path = assay_beside(attestation, ".transcript");
	char *receipts_path = assay_beside(attestation, ".receipts.jsonl");
	char detail[200];
	enum assay_reason reason;

	enum assay_status status = assay_transcript_open(&original->transcript, path, &reason, error);
	bool good =
	    !status && reason == ASSAY_REASON_NONE &&
	    assay_challenge_parse(&original->challenge, original->transcript.challenge,
	                          original->transcript.challenge_len, detail, sizeof detail) == ASSAY_REASON_NONE &&
	    assay_transcript_records(&original->transcript, &original->challenge, hash, detail, sizeof detail) ==
	        ASSAY_REASON_NONE;
	if (good && original->challenge.asked) {
		status =
		    assay_receipts_read(&receipts, assay_steps_of(&original->challenge), receipts_path, &reason, error);
		good = !status && !reason;
		if (good)
			assay_receipts_nonces(&receipts, nonces);
		assay_receipts_close(&receipts);
	}
	if (good)
		assay_transcript_chain(&original->transcript, &original->challenge, nonces, hash);
	else if (!status)
		status = assay_fail(error, ASSAY_ERROR_IO, "io.changed", "%s: changed meanwhile", path);
	free(path);
	free(receipts_path);
	return status;
}

/* What is no attestation, or shows a lie by itself, is not done again. */
static int verified(const char *attestation)
{
	const struct assay_policy policy = {.budget = UINT64_MAX};
	struct assay_verdict verdict;
	enum assay_status status = assay_verify(&verdict, attestation, NULL, &policy);
	int code = 0;

	if (status)
		code = assay_complain(&verdict.error);
	else if (verdict.outcome == ASSAY_FAIL || verdict.outcome == ASSAY_MALFORMED || verdict.run_count == 0) {
		assay_verdict_print(stderr, attestation, &verdict);
		code = verdict.outcome == ASSAY_PASS ? ASSAY_INCONCLUSIVE : (int)verdict.outcome;
	}
	assay_verdict_close(&verdict);
	return code;
}

int assay_command_reproduce(int argc, char **argv)
{
	static const struct option options[] = {
	    {"device", required_argument, NULL, 'd'},  {"rounds", required_argument, NULL, 'r'},
	    {"variant", required_argument, NULL, 'v'}, {"max-time", required_argument, NULL, 'T'},
	    {"help", no_argument, NULL, 'h'},          {0}};
	static struct assay_device devices[ASSAY_DEVICES_MAX];
	static struct original original;
	const char *id = "cpu", *variant = NULL;
	uint64_t rounds = UINT32_MAX;
	struct assay_error error;
	uint32_t count = 0;

	for (int option; (option = getopt_long(argc, argv, "d:h", options, NULL)) != -1;) {
		if (option == 'd') {
			id = optarg;
		} else if (option == 'v') {
			variant = optarg;
		} else if (option == 'r') {
			if (!assay_amount_number(&rounds, optarg, 1, ASSAY_ROUNDS_MAX)) {
				fprintf(stderr, "assay: --rounds %s: not 1 to %d (plan.rounds)\n", optarg,
				        ASSAY_ROUNDS_MAX);
				return ASSAY_EXIT_ERROR;
			}
		} else if (option == 'T') {
			if (!assay_limit_option(optarg))
				return ASSAY_EXIT_ERROR;
		} else {
			return assay_usage(usage, option == 'h');
		}
	}
	if (optind != argc - 1)
		return assay_usage(usage, false);
	assay_limit_doing("the attestation is verified");
	int code = verified(argv[optind]);
	if (code)
		return code;
	enum assay_status status = original_open(&original, argv[optind], &error);
	assay_limit_doing("the device is tested");
	if (!status)
		status = assay_devices_open(devices, &count, id, &error);
	if (!status && count != 1)
		status = assay_fail(&error, ASSAY_ERROR_INPUT, "device.id", "-d %s: name one device", id);
	if (!status)
		status = assay_choose(&devices[0], variant, assay_remark, &error);
	if (!status)
		status = assay_selftest(&devices[0], &error);
	assay_limit_doing("rounds are done again");
	code = status ? assay_complain(&error) : reproduce(&original, (uint32_t)rounds, &devices[0]);
	assay_transcript_close(&original.transcript);
	for (uint32_t d = 0; d < count; d++)
		assay_device_close(&devices[d]);
	return code;
}
