/* SPDX-License-Identifier: Apache-2.0
 *
 * See cli.h. */
#include "verify/cli.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verify/claims.h"
#include "verify/machine.h"

#ifndef ASSAY_GIT_COMMIT
#define ASSAY_GIT_COMMIT "unknown"
#endif

enum { KEYS_MAX = 1024, EXIT_USAGE = 3 };

static const char usage[] =
    "usage: %s [--trust KEY.pub|DIR]... [--verifier KEY.pub|DIR]... [--claim CLAIM]... [--json] ATTESTATION...\n"
    "\n"
    "Verifies attestations (NAME.intoto.json, with NAME.transcript beside it) on this CPU:\n"
    "checks the signature and recomputes the drawn leaves from their seeds. Where a verifier\n"
    "asked for the work, its receipts (NAME.receipts.jsonl) say when it was done.\n"
    "\n"
    "  --trust KEY.pub|DIR      accept this public key (PEM), or every *.pub in this directory\n"
    "  --verifier KEY.pub|DIR   believe receipts that this key signed, or one of this directory\n"
    "  --claim CLAIM            hold the machine against this, 'nvidia/h100/80Gi/sxm x8' or a .json file\n"
    "  --catalogue FILE         what models can do, in place of what is built in\n"
    "  --budget UNITS           work limit, in units of about one SHA-256 compression (2^30)\n"
    "  --json                   one JSON verdict a line\n"
    "  --version, --help\n"
    "\n"
    "exit  0 pass   1 fail   2 inconclusive   3 usage or input/output   4 malformed\n";

void assay_quantity(char text[32], double value, const char *unit, const char *per)
{
	static const char prefixes[] = " kMGTPE";
	size_t i = 0;

	while (value >= 1000 && i + 2 < sizeof prefixes) {
		value /= 1000;
		i++;
	}
	const char *shown = strcmp(unit, "hash") == 0   ? "H"
	                    : strcmp(unit, "op") == 0   ? "OP"
	                    : strcmp(unit, "flop") == 0 ? "FLOP"
	                                                : unit;
	char prefix[2] = {i ? prefixes[i] : '\0', '\0'};
	snprintf(text, 32, "%.*f %s%s%s", value < 10 ? 2 : value < 100 ? 1 : 0, value, prefix, shown, per);
}

enum assay_status assay_keys_gather(uint8_t (*keys)[ASSAY_KEY_BYTES], size_t *count, size_t capacity, const char *path,
                                    struct assay_error *error)
{
	size_t added, before = *count;
	enum assay_status status = ASSAY_OK;
	DIR *directory = opendir(path);

	if (!directory) {
		status = assay_keys_read(keys + *count, &added, capacity - *count, path, error);
		*count += status ? 0 : added;
		return status;
	}
	for (const struct dirent *entry; !status && (entry = readdir(directory));) {
		char file[4096];
		size_t len = strlen(entry->d_name);
		if (len < 5 || strcmp(entry->d_name + len - 4, ".pub") != 0 ||
		    snprintf(file, sizeof file, "%s/%s", path, entry->d_name) >= (int)sizeof file)
			continue;
		status = assay_keys_read(keys + *count, &added, capacity - *count, file, error);
		if (status == ASSAY_OK)
			*count += added;
		/* Keys of other programs end in .pub too. */
		if (status && strcmp(error->reason, "key.malformed") == 0) {
			fprintf(stderr, "assay: left out: %s (%s)\n", error->text, error->reason);
			status = ASSAY_OK;
		}
	}
	closedir(directory);
	if (!status && *count == before)
		fprintf(stderr, "assay: no key in this directory: nothing in it is trusted\n");
	return status;
}

static void run_print(FILE *out, const struct assay_verdict *verdict, const struct assay_run *run)
{
	char work[32], certified[32], rate[32], device[48];

	snprintf(device, sizeof device, "#%u %.32s", run->device, verdict->devices[run->device].backend);
	if (!run->proved.shown && !run->reason) /* a fill, or not rechecked */
		return;
	if (!run->proved.shown) {
		fprintf(out, "        %-12s %-12s %s: %s\n", run->workload, device, assay_reason_name(run->reason),
		        assay_reason_remedy(run->reason));
		return;
	}
	assay_quantity(work, (double)run->proved.work, run->unit, "");
	assay_quantity(certified, (double)run->proved.certified_work, run->unit, "");
	fprintf(out, "        %-12s %-12s %6" PRIu32 " rounds  %11s done  %11s certified", run->workload, device,
	        run->proved.rounds, work, certified);
	if (run->proved.rate > 0) {
		assay_quantity(rate, run->proved.rate, run->unit, "/s");
		fprintf(out, "  %13s proven", rate);
	} else if (run->claimed.rate > 0) {
		assay_quantity(rate, run->claimed.rate, run->unit, "/s");
		fprintf(out, "  %13s claimed", rate);
	}
	if (run->proved.table_bytes)
		fprintf(out, "  table %.2f GiB", (double)run->proved.table_bytes / (1 << 30));
	if (run->proved.capacity_bytes)
		fprintf(out, ", %.2f GiB proven", (double)run->proved.capacity_bytes / (1 << 30));
	fputc('\n', out);
}

/* All devices of a segment; of one alone its run says the same. */
static void aggregate_print(FILE *out, const struct assay_verdict *verdict, const struct assay_aggregate *aggregate)
{
	char work[32], certified[32], rate[32], which[48];

	if (aggregate->runs == 0) /* a fill, or nothing was shown */
		return;
	snprintf(which, sizeof which, "%" PRIu32 " of %" PRIu32, aggregate->runs, verdict->device_count);
	assay_quantity(work, strtod(aggregate->work, NULL), aggregate->unit, "");
	assay_quantity(certified, strtod(aggregate->certified_work, NULL), aggregate->unit, "");
	const bool proven = *aggregate->proven_rate != '\0';
	assay_quantity(rate, strtod(proven ? aggregate->proven_rate : aggregate->claimed_rate, NULL), aggregate->unit,
	               "/s");
	fprintf(out, "        %-12s %-12s together       %11s done  %11s certified", aggregate->workload, which, work,
	        certified);
	if (proven || *aggregate->claimed_rate)
		fprintf(out, "  %13s %s", rate, proven ? "proven" : "claimed");
	fputc('\n', out);
}

/* When each segment was done, by the verifier's clock. */
static void brackets_print(FILE *out, const struct assay_verdict *verdict)
{
	if (!*verdict->receipts_from)
		return;
	fprintf(out, "        bracketed    by %.16s...:", verdict->receipts_from);
	for (uint32_t j = 0; j < verdict->segment_count; j++) {
		const struct assay_aggregate *aggregate = &verdict->aggregates[j];
		fprintf(out, "%s %s %.3f s", j ? "," : "", aggregate->workload,
		        (double)(aggregate->bracket.received_ns - aggregate->bracket.released_ns) / 1e9);
	}
	fputc('\n', out);
}

/* What is only said of a run that was shown. */
static void claims_print(FILE *out, const struct assay_run *run)
{
	char words[320];

	assay_claim_words(words, run, run->proved.work);
	if (run->proved.shown && *words)
		fprintf(out, "        claimed      #%u %s: %s\n", run->device, run->workload, words);
}

static void device_print(FILE *out, const struct assay_device_claim *device, uint32_t number)
{
	char words[480];

	fprintf(out, "        claimed      #%u is %s (%s)\n", number, device->name, device->architecture);
	assay_telemetry_words(words, &device->telemetry);
	if (*words)
		fprintf(out, "        claimed      #%u telemetry: %s\n", number, words);
}

/* A name may come from whoever made the files; terminals are shown printable ASCII only. */
static void path_print(FILE *out, const char *path)
{
	for (; *path; path++)
		fputc(*path < 0x20 || *path > 0x7e ? '?' : *path, out);
}

/* "#0 ... #3", from the first device on that has the same to say. */
static void claimed_devices_print(FILE *out, const struct assay_verdict *verdict, int claim)
{
	char line[480], last[480] = "";
	uint32_t first = 0, count = 0;

	for (uint32_t d = 0; d <= verdict->device_count; d++) {
		const bool is_one = d < verdict->device_count && verdict->claimed_devices[d].claim == claim;
		if (d < verdict->device_count && !is_one)
			continue;
		if (is_one)
			assay_claimed_device_words(line, verdict, d);
		if (count && (!is_one || strcmp(line, last) != 0)) {
			fprintf(out, "        claim        #%" PRIu32, first);
			if (count > 1)
				fprintf(out, " and %" PRIu32 " more", count - 1);
			fprintf(out, " %s\n", last);
			count = 0;
		}
		if (!is_one)
			break;
		if (count++ == 0)
			first = d;
		memcpy(last, line, sizeof last);
	}
}

static void claims_results_print(FILE *out, const struct assay_verdict *verdict)
{
	char words[480];

	for (uint32_t c = 0; assay_claim_result_words(words, verdict, c); c++) {
		fprintf(out, "        claim        %s\n", words);
		claimed_devices_print(out, verdict, (int)c);
	}
}

static void reason_print(FILE *out, const struct assay_check *check)
{
	if (check->reason)
		fprintf(out, "        %s%s%s%s\n          %s\n", assay_reason_name(check->reason),
		        *check->detail ? " (" : "", check->detail, *check->detail ? ")" : "",
		        assay_reason_remedy(check->reason));
}

void assay_verdict_print(FILE *out, const char *path, const struct assay_verdict *verdict)
{
	static const char *const words[] = {"PASS", "FAIL", "INCONCLUSIVE", "", "MALFORMED"};

	path_print(out, path);
	fprintf(out, "\n  %s  %s\n", words[verdict->outcome],
	        verdict->assurance ? verdict->assurance : "nothing shown");
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		reason_print(out, &verdict->checks[id]);
	reason_print(out, &verdict->claims_check);
	claims_results_print(out, verdict);
	if (verdict->run_count) {
		fprintf(out,
		        "        rechecked    %" PRIu32 " leaves a run, %s; e* = %.1f %%: (1-e*)^%" PRIu32
		        "%s = 2^-20\n",
		        verdict->samples, verdict->profile, verdict->estar_ppm / 1e4, verdict->samples,
		        *verdict->receipts_from ? "" : " x 2^64");
		brackets_print(out, verdict);
		for (uint32_t j = 0; verdict->device_count > 1 && j < verdict->segment_count; j++)
			aggregate_print(out, verdict, &verdict->aggregates[j]);
		for (uint32_t i = 0; i < verdict->run_count; i++)
			run_print(out, verdict, &verdict->runs[i]);
		for (uint32_t i = 0; i < verdict->run_count; i++)
			claims_print(out, &verdict->runs[i]);
		for (uint32_t d = 0; d < verdict->device_count; d++)
			device_print(out, &verdict->devices[d], d);
		if (verdict->stagger_ms)
			fprintf(out, "        claimed      #N began N x %" PRIu32 " ms after #0 in each segment\n",
			        verdict->stagger_ms);
		if (verdict->power_budget_w)
			fprintf(out,
			        "        claimed      devices took turns, so that their power limits fit in %" PRIu32
			        " W\n",
			        verdict->power_budget_w);
		if (verdict->pauses)
			fprintf(out,
			        "        claimed      cut off and resumed %" PRIu32 " times; the pauses do not count\n",
			        verdict->pauses);
		if (verdict->leased)
			fprintf(out,
			        "        let          %" PRIu32 " devices more, as the verifier knew: not looked at\n",
			        verdict->leased);
		fprintf(
		    out,
		    "        claimed      finished %s; times and rates that are claimed are by the prover's own clock\n"
		    "        not proven   %slocality, exclusivity, identity, partition, service\n",
		    verdict->finished, *verdict->receipts_from ? "" : "when; ");
	}
	if (*verdict->keyid)
		fprintf(out, "        signed by    %s\n", verdict->keyid);
}

int assay_code_worse(int a, int b)
{
	static const int rank[] = {0, 2, 1, 4, 3};
	return rank[a] > rank[b] ? a : b;
}

static int verify_one(const char *path, const struct assay_policy *policy, bool json)
{
	struct assay_verdict verdict;
	enum assay_status status = assay_verify(&verdict, path, NULL, policy);

	if (status)
		fprintf(stderr, "assay: %s (%s)\n", verdict.error.text, verdict.error.reason);
	if (json) {
		char *text = assay_verdict_json(&verdict);
		fputs(text ? text : "{\"verdict\":\"inconclusive\"}\n", stdout);
		free(text);
	} else if (!status) {
		assay_verdict_print(stdout, path, &verdict);
	}
	int code = status ? EXIT_USAGE : (int)verdict.outcome;
	assay_verdict_close(&verdict);
	return code;
}

int assay_verify_command(int argc, char **argv)
{
	static const struct option options[] = {
	    {"trust", required_argument, NULL, 't'},
	    {"verifier", required_argument, NULL, 'V'},
	    {"claim", required_argument, NULL, 'c'},
	    {"catalogue", required_argument, NULL, 'C'},
	    {"budget", required_argument, NULL, 'b'},
	    {"json", no_argument, NULL, 'j'},
	    {"version", no_argument, NULL, 'v'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	static uint8_t keys[KEYS_MAX][ASSAY_KEY_BYTES], verifiers[KEYS_MAX][ASSAY_KEY_BYTES];
	struct assay_policy policy = {.trusted = (const uint8_t(*)[ASSAY_KEY_BYTES])keys,
	                              .verifiers = (const uint8_t(*)[ASSAY_KEY_BYTES])verifiers};
	const char *texts[ASSAY_CLAIMS_MAX], *catalogue = NULL;
	size_t texts_count = 0;
	struct assay_claims *claims = NULL;
	struct assay_error error;
	bool json = false;
	int code = 0;
	char *end;

	optind = 1;
	for (int option; (option = getopt_long(argc, argv, "t:jh", options, NULL)) != -1;) {
		switch (option) {
		case 't':
		case 'V':
			if (assay_keys_gather(option == 't' ? keys : verifiers,
			                      option == 't' ? &policy.trusted_count : &policy.verifiers_count, KEYS_MAX,
			                      optarg, &error) != ASSAY_OK) {
				fprintf(stderr, "assay: %s (%s)\n", error.text, error.reason);
				return EXIT_USAGE;
			}
			break;
		case 'c':
			if (texts_count == ASSAY_CLAIMS_MAX) {
				fprintf(stderr, "assay: --claim: more than %d\n", ASSAY_CLAIMS_MAX);
				return EXIT_USAGE;
			}
			texts[texts_count++] = optarg;
			break;
		case 'C':
			catalogue = optarg;
			break;
		case 'b':
			errno = 0;
			policy.budget = strtoull(optarg, &end, 10);
			if (*optarg < '0' || *optarg > '9' || *end || errno || policy.budget == 0) {
				fprintf(stderr, "assay: --budget: not a number of units\n");
				return EXIT_USAGE;
			}
			break;
		case 'j':
			json = true;
			break;
		case 'v':
			printf("assay-verify %s (%s)\n", ASSAY_VERSION, ASSAY_GIT_COMMIT);
			return 0;
		case 'h':
			printf(usage, argv[0]);
			return 0;
		default:
			fprintf(stderr, usage, argv[0]);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		fprintf(stderr, usage, argv[0]);
		return EXIT_USAGE;
	}
	if ((texts_count || catalogue) &&
	    assay_claims_open(&claims, texts, texts_count, catalogue, &error) != ASSAY_OK) {
		fprintf(stderr, "assay: %s (%s)\n", error.text, error.reason);
		return EXIT_USAGE;
	}
	policy.claims = texts_count ? claims : NULL;
	for (int i = optind; i < argc; i++)
		code = assay_code_worse(verify_one(argv[i], &policy, json), code);
	assay_claims_close(claims);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "assay: the verdict could not be written (io.write)\n");
		return EXIT_USAGE;
	}
	return code;
}
