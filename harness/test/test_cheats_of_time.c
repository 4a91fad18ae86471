/* SPDX-License-Identifier: Apache-2.0
 *
 * The gallery of cheats, those that play with time: how many devices the verdict's aggregates show before a verifier
 * whose clock runs by what the prover's cards really had to do (SPEC 9.4, 13.5). The table is printed. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/test/support.h"
#include "verify/chain.h"
#include "verify/envelope.h"

enum { RUNS = 8, SAMPLES = 256 };

/* What a card takes: a round of sha256, a table, and all rounds of a walk through it. */
static const uint64_t SECOND = 1000000000, ROUND_S = 1, FILL_S = 5, WALK_S = 3;

static struct assay_secret prover, asker;
static struct assay_device devices[RUNS];
static struct assay_error error;

/* The verifier's clock, and how long it runs in each segment. */
static uint64_t clock_ns, takes_s[ASSAY_SEGMENTS_MAX];

static void enter(void)
{
	support_enter();
	cr_assert_geq(sodium_init(), 0);
	assay_secret_make(&prover);
	assay_secret_make(&asker);
	for (uint32_t d = 0; d < RUNS; d++)
		support_ok(assay_device_open(&devices[d], &assay_backend_cpu, 0, NULL, &error), error);
	clock_ns = UINT64_C(1700000000) * SECOND;
}

static void leave(void)
{
	for (uint32_t d = 0; d < RUNS; d++)
		assay_device_close(&devices[d]);
	support_leave();
}

TestSuite(cheats_of_time, .init = enter, .fini = leave, .timeout = 120);

static enum assay_status ask(void *context, uint32_t number, const char *message, char **receipt,
                             struct assay_error *why)
{
	struct assay_envelope envelope;
	struct assay_step step;
	(void)context, (void)why;

	cr_assert(assay_envelope_parse(&envelope, ASSAY_TYPE_MESSAGE, message, strlen(message)));
	cr_assert(assay_message_parse(&step, envelope.payload, envelope.payload_len));
	free(envelope.payload);
	clock_ns += step.is_commit ? takes_s[number / 2] * SECOND : SECOND;
	step.at_ns = clock_ns;
	if (!step.is_commit)
		randombytes_buf(step.nonce, sizeof step.nonce);
	char *text = assay_receipt_text(&step);
	*receipt = assay_secret_seal(&asker, ASSAY_TYPE_RECEIPT, text);
	free(text);
	return ASSAY_OK;
}

/* The verdict on eight runs of these segments; `lies` says that they took a nanosecond by its own clock. */
static void prove(struct assay_verdict *verdict, const struct assay_segment *segments, uint32_t count, bool lies)
{
	struct assay_exchange exchange = {.secret = &prover, .link = {.ask = ask}, .prefix = support_path("x")};
	struct assay_job job = {.devices = devices,
	                        .challenge = {.asked = true,
	                                      .expires = 4102444800, /* the year 2100 */
	                                      .profile = "test",
	                                      .devices = RUNS,
	                                      .samples = SAMPLES,
	                                      .segment_count = count},
	                        .exchange = &exchange};
	struct assay_attest request = {.job = &job, .secret = &prover, .prefix = support_path("x"), .replace = true};
	char keyid[65];

	memcpy(job.challenge.segments, segments, count * sizeof *segments);
	assay_keyid(keyid, asker.key);
	sodium_hex2bin(job.challenge.verifier, 32, keyid, 64, NULL, NULL, NULL);
	exchange.challenge = &job.challenge;
	memcpy(exchange.verifier, asker.key, ASSAY_KEY_BYTES);
	memcpy(job.key, prover.key, ASSAY_KEY_BYTES);
	remove(support_path("x.receipts.jsonl"));
	support_ok(assay_job_run(&job, &error), error);
	for (uint32_t i = 0; lies && i < count * RUNS; i++) {
		job.runs[i].elapsed_ns = job.runs[i].rounds;
		for (uint32_t r = 0; r < job.runs[i].rounds; r++)
			job.runs[i].round_ns[r] = 1;
	}
	support_ok(assay_attest_write(&request, verdict, &error), error);
	cr_assert_str_eq(verdict->assurance, "time-bracketed");
	assay_exchange_close(&exchange);
	assay_job_close(&job);
}

/* How many devices a segment showed, of such that do `work` in so many seconds. */
static void row(const char *prover_is, const char *expected, const struct assay_aggregate *aggregate, double work,
                double seconds)
{
	const double certified = 1 - assay_estar_ppm(SAMPLES, 0) / 1e6;
	char found[32];

	snprintf(found, sizeof found, "%.2f devices shown",
	         strtod(aggregate->proven_rate, NULL) / (work * certified / seconds));
	printf("cheat     %-68s  %-32s  %s\n", prover_is, expected,
	       strcmp(expected, found) == 0 ? "as it must" : found);
	fflush(stdout);
	cr_expect_str_eq(found, expected, "%s", prover_is);
}

static void rounds(const char *prover_is, const char *expected, uint32_t each, uint64_t seconds, bool lies)
{
	const struct assay_segment segment = {.work = &assay_work_sha256, .params = {{2, 6}}, .rounds = each};
	struct assay_verdict verdict;

	takes_s[0] = seconds;
	prove(&verdict, &segment, 1, lies);
	const double work = (double)assay_work_sha256.round_work(&segment.params);
	row(prover_is, expected, &verdict.aggregates[0], work, (double)ROUND_S);
	cr_expect_eq(verdict.runs[0].proved.bracket.received_ns - verdict.runs[0].proved.bracket.released_ns,
	             seconds * SECOND);
	if (lies)
		cr_expect_gt(verdict.runs[0].claimed.rate, 1e6 * work, "the claim is as large as it wants");
	assay_verdict_close(&verdict);
}

Test(cheats_of_time, one_device_as_eight)
{
	rounds("honest: eight devices", "8.00 devices shown", 8, 8 * ROUND_S, false);
	rounds("one device as eight, in turns within the time of one", "1.00 devices shown", 1, 8 * ROUND_S, false);
	rounds("one device as eight, in eight times the time", "1.00 devices shown", 8, 64 * ROUND_S, false);
	rounds("the same with a clock that says a nanosecond a round", "1.00 devices shown", 8, 64 * ROUND_S, true);
}

/* One card has memory for one table. In the fill's time it makes the first; the others while the walk's time runs. */
Test(cheats_of_time, tables_one_after_another)
{
	const struct assay_params table = {{8, 512, 3}};
	const struct assay_segment segments[] = {{&assay_work_memory_fill, table, 0, 0},
	                                         {&assay_work_memory, table, 0, 8}};
	const double work = 8 * (double)assay_work_memory.round_work(&table);
	struct assay_verdict verdict;

	takes_s[0] = FILL_S;
	takes_s[1] = WALK_S;
	prove(&verdict, segments, 2, false);
	row("honest: eight devices, each with its table", "8.00 devices shown", &verdict.aggregates[1], work,
	    (double)WALK_S);
	assay_verdict_close(&verdict);
	takes_s[1] = 8 * WALK_S + 7 * FILL_S;
	prove(&verdict, segments, 2, false);
	row("eight tables one after another in the memory of one device", "0.41 devices shown", &verdict.aggregates[1],
	    work, (double)WALK_S);
	assay_verdict_close(&verdict);
}
