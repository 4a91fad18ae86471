/* SPDX-License-Identifier: Apache-2.0
 *
 * assay show: what an attestation says, without checking that it is true. With --rounds, the times of the rounds in its
 * transcript, for plots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command.h"
#include "harness/compare/attested.h"
#include "harness/rounds.h"
#include "verify/claims.h"
#include "verify/cli.h"
#include "verify/statement.h"
#include "verify/telemetry.h"

static const char usage[] = "usage: assay show [--json|--rounds] ATTESTATION\n"
                            "\n"
                            "Prints what an attestation says. Nothing is checked: that is what `assay verify` does.\n"
                            "\n"
                            "  --json     the signed statement itself\n"
                            "  --rounds   one line a round: segment, device, workload, unit, seconds since the start,\n"
                            "             claimed units a second (tab-separated)\n";

static const char *work_name(const struct assay_statement *statement, size_t segment)
{
	const char *name = json_string_value(json_array_get(statement->work, segment));

	return name ? name : "unknown";
}

/* Which rounds of a run were throttled, where it says so: the first few ranges. */
static void print_throttled(const json_t *run)
{
	enum { SHOWN = 8 };
	const json_t *ranges = json_object_get(run, "throttled");
	const size_t count = json_array_size(ranges);

	for (size_t i = 0; i < count && i < SHOWN; i++) {
		const json_t *range = json_array_get(ranges, i);
		const json_int_t first = json_integer_value(json_array_get(range, 0)),
		                 last = json_integer_value(json_array_get(range, 1));
		printf(i ? ", %lld" : "              throttled rounds: %lld", (long long)first);
		if (last > first)
			printf("-%lld", (long long)last);
	}
	if (count > SHOWN)
		printf(" and %zu ranges more", count - SHOWN);
	if (count)
		putchar('\n');
}

static void print(const struct assay_envelope *envelope, const struct assay_statement *statement)
{
	const json_t *predicate = json_object_get(statement->root, "predicate");
	const json_t *harness = json_object_get(predicate, "harness");

	printf("an attestation that says (unchecked; see `assay verify`):\n");
	printf("  signed by   %s\n", envelope->keyid);
	printf("  made by     %s %s (%s)\n", assay_json_word(harness, "name", "unknown"),
	       assay_json_word(harness, "version", "unknown"), assay_json_word(harness, "gitCommit", "unknown"));
	printf("  challenge   mode %s, profile %s\n", statement->mode, statement->profile);
	printf("  time        %s to %s, by the prover's clock\n",
	       assay_json_word(json_object_get(predicate, "claimed"), "startedAt", "unknown"), statement->finished_at);
	if (statement->stagger_ms)
		printf("  stagger     device #N began N x %u ms after #0 in each segment\n", statement->stagger_ms);
	if (statement->power_budget_w)
		printf("  power       devices took turns, so that their limits fit in %u W\n",
		       statement->power_budget_w);
	if (statement->pauses)
		printf("  pauses      cut off and resumed %u times; the pauses do not count\n", statement->pauses);
	for (size_t d = 0; d < json_array_size(statement->devices); d++) {
		const json_t *device = json_array_get(statement->devices, d);
		struct assay_telemetry_claim telemetry;
		char words[480];
		printf("  device #%zu   %s: %s (%s)\n              %s; %s\n", d,
		       assay_json_word(device, "backend", "unknown"), assay_json_word(device, "name", "unknown"),
		       assay_json_word(device, "architecture", "unknown"),
		       assay_json_word(device, "variant", "unknown"), assay_json_word(device, "driver", "unknown"));
		assay_telemetry_read(&telemetry, json_array_get(statement->telemetry, d));
		assay_telemetry_words(words, &telemetry);
		if (*words)
			printf("              telemetry: %s\n", words);
	}
	for (size_t j = 0; j < json_array_size(statement->segments); j++) {
		const json_t *runs = json_array_get(statement->segments, j);
		for (size_t d = 0; d < json_array_size(runs); d++) {
			struct assay_run run = {0};
			char words[320];
			assay_claim_read(&run, json_array_get(runs, d));
			assay_claim_words(words, &run, 0);
			printf("  segment %zu   %s on #%zu: ", j, work_name(statement, j), d);
			if (!*words)
				printf("no rounds\n");
			else if (run.claimed.energy_mj >= 0)
				printf("%.3f s, %s; %.1f J\n", (double)run.claimed.elapsed_ns / 1e9, words,
				       (double)run.claimed.energy_mj / 1e3);
			else
				printf("%.3f s, %s\n", (double)run.claimed.elapsed_ns / 1e9, words);
			print_throttled(json_array_get(runs, d));
		}
	}
	printf("  not proven  locality, exclusivity, identity, partition, service\n");
}

static enum assay_status print_rounds(const char *attestation, struct assay_error *error)
{
	struct assay_rounds rounds;
	uint32_t j, d, count;
	uint64_t ns;
	enum assay_status status = assay_rounds_open(&rounds, attestation, error);

	while (!status && assay_rounds_run(&rounds, &j, &d, &count)) {
		const struct assay_segment *segment = &rounds.challenge.segments[j];
		const double work = (double)segment->work->round_work(&segment->params);
		for (double since = 0; assay_rounds_next(&rounds, &ns);) {
			const double seconds = (double)ns / 1e9;
			since += seconds;
			printf("%u\t%u\t%s\t%s\t%.6f\t%.6e\n", j, d, segment->work->name, segment->work->unit, since,
			       seconds > 0 ? work / seconds : 0);
		}
	}
	if (!status && rounds.malformed)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "transcript.malformed",
		                    "%s: not with a transcript of this version (see `assay verify`)", attestation);
	assay_rounds_close(&rounds);
	return status;
}

int assay_command_show(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
	                                        {"rounds", no_argument, NULL, 'r'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};
	struct assay_envelope envelope = {0};
	struct assay_statement statement = {0};
	struct assay_error error;
	bool json = false, rounds = false;

	for (int option; (option = getopt_long(argc, argv, "jh", options, NULL)) != -1;) {
		if (option == 'j')
			json = true;
		else if (option == 'r')
			rounds = true;
		else
			return assay_usage(usage, option == 'h');
	}
	if (optind + 1 != argc)
		return assay_usage(usage, false);
	enum assay_status status = assay_attestation_read(&envelope, &statement, argv[optind], &error);
	if (!status && rounds)
		status = print_rounds(argv[optind], &error);
	else if (!status && json)
		printf("%.*s\n", (int)envelope.payload_len, (const char *)envelope.payload);
	else if (!status)
		print(&envelope, &statement);
	free(envelope.payload);
	json_decref(statement.root);
	if (!status)
		return 0;
	(void)assay_complain(&error);
	return status == ASSAY_ERROR_INPUT ? ASSAY_MALFORMED : ASSAY_EXIT_ERROR;
}
