/* SPDX-License-Identifier: Apache-2.0
 *
 * verify/verdict.c: the tables of SPEC 10.3, and a verdict as JSON whatever its figures are. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "verify/claims.h"
#include "verify/telemetry.h"
#include "verify/aggregate.h"
#include "verify/test/support.h"

Test(verdict, reasons_as_the_specification_has_them)
{
	static const struct {
		const char *names;
		enum assay_outcome outcome;
		const char *kind;
	} table[] = {
	    {"envelope.malformed statement.malformed transcript.malformed challenge.malformed devices.malformed "
	     "receipts.malformed "
	     "challenge.caps",
	     ASSAY_MALFORMED, NULL},
	    {"transcript.version statement.version challenge.mode workload.unknown key.untrusted profile.unknown "
	     "cost.exceeded run.empty run.short receipts.missing receipts.untrusted claim.unknown claim.time "
	     "claim.count claim.minimum claim.capacity claim.lesser",
	     ASSAY_INCONCLUSIVE, "not-demonstrated"},
	    {"signature.invalid signature.keyid transcript.digest binding.mismatch leaf.mismatch "
	     "receipts.digest receipts.mismatch receipts.signature claim.model",
	     ASSAY_FAIL, "contradicted"},
	};
	int found = 0;

	for (int id = 1; id < ASSAY_REASON_COUNT; id++) {
		enum assay_reason reason = (enum assay_reason)id;
		for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
			if (!strstr(table[i].names, assay_reason_name(reason)))
				continue;
			found++;
			cr_expect_eq(assay_reason_outcome(reason), table[i].outcome, "%s", assay_reason_name(reason));
			const char *kind = assay_reason_kind(reason);
			cr_expect(table[i].kind ? kind && strcmp(kind, table[i].kind) == 0 : !kind, "%s",
			          assay_reason_name(reason));
			cr_expect_str_not_empty(assay_reason_remedy(reason));
		}
	}
	cr_expect_eq(found, ASSAY_REASON_COUNT - 1);
	/* The recheck reports the gravest by comparing these. */
	cr_expect(ASSAY_REASON_LEAF_MISMATCH > ASSAY_REASON_RUN_EMPTY &&
	          ASSAY_REASON_RUN_EMPTY > ASSAY_REASON_RUN_SHORT);
}

Test(verdict, checks_as_the_specification_has_them)
{
	static const char *const names[] = {"envelope",  "transcript", "signature", "trust",   "statement",
	                                    "challenge", "records",    "digest",    "devices", "binding",
	                                    "receipts",  "profile",    "cost",      "recheck"};

	cr_assert_eq(sizeof names / sizeof *names, ASSAY_CHECK_COUNT);
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		cr_expect_str_eq(assay_check_name((enum assay_check_id)id), names[id]);
	cr_expect_str_eq(assay_outcome_name(ASSAY_PASS), "pass");
	cr_expect_str_eq(assay_outcome_name(ASSAY_FAIL), "fail");
	cr_expect_str_eq(assay_outcome_name(ASSAY_INCONCLUSIVE), "inconclusive");
	cr_expect_str_eq(assay_outcome_name(ASSAY_MALFORMED), "malformed");
}

/* One line of canonical JSON; to be released with json_decref. */
static json_t *json_of(const struct assay_verdict *verdict)
{
	char *line = assay_verdict_json(verdict);

	cr_assert(line);
	size_t len = strlen(line);
	cr_assert_eq(strchr(line, '\n'), line + len - 1);
	json_t *root = assay_json_parse(line, len - 1);
	cr_assert(root, "%s", line);
	free(line);
	return root;
}

/* The claimed rate of a run is floor(work * 10^9 / time), without overflow and without rounding. SPEC 9.3. */
Test(verdict, claimed_rates_are_exact)
{
	static const struct {
		uint64_t work, elapsed_ns, asked_ns;
		const char *rate;
	} table[] = {
	    {1, 1, 0, "1000000000"},
	    {1, 1000000001, 0, "0"},
	    {137438953472, 5001000000, 5000000000, "27482294235"},
	    {137438953472, 1, 5000000000, "27487790694"},
	    {137438953472, 1, 0, "137438953472000000000"},
	    {(UINT64_C(1) << 62) + 1, 1000000000, 0, "4611686018427387905"},
	    {UINT64_MAX >> 1, 1, 0, "9223372036854775807000000000"},
	    {UINT64_MAX >> 1, 9007199254740991, 0, "1024000000000"},
	    {1000000000, 1, 0, "1000000000000000000"},
	    {1000000000, 0, 0, NULL},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_run run = {.workload = "sha256/1",
		                        .unit = "hash",
		                        .proved = {.shown = true, .rounds = 1, .leaves = 512, .work = table[i].work},
		                        .claimed = {.elapsed_ns = table[i].elapsed_ns, .asked_ns = table[i].asked_ns}};
		const struct assay_verdict verdict = {.run_count = 1, .runs = &run};
		json_t *root = json_of(&verdict);
		const json_t *entry = json_array_get(json_object_get(root, "segments"), 0);
		const char *rate = json_string_value(json_object_get(json_object_get(entry, "claimed"), "rate"));
		if (table[i].rate)
			cr_expect_str_eq(rate ? rate : "null", table[i].rate, "row %zu", i);
		else
			cr_expect_null(rate);
		json_decref(root);
	}
}

/* A walk of 1,000 bytes a nanosecond by the prover's clock, and of 100 by the verifier's; and without receipts. */
Test(verdict, capacity)
{
	struct assay_run run = {.workload = "memory/1",
	                        .unit = "B",
	                        .proved = {.shown = true, .work = 1 << 30, .table_bytes = 1 << 30},
	                        .claimed = {.elapsed_ns = (1 << 30) / 1000}};
	const struct assay_verdict verdict = {.run_count = 1, .runs = &run};

	for (int timed = 0; timed < 2; timed++) {
		run.proved.bracket.received_ns = timed ? (1 << 30) / 100 : 0;
		run.proved.capacity_bytes = timed ? assay_capacity(1 << 30, 100 * UINT64_C(1000000000)) : 0;
		json_t *root = json_of(&verdict);
		const json_t *entry = json_array_get(json_object_get(root, "segments"), 0);
		const json_t *proven = json_object_get(entry, "provenCapacityBytes");
		cr_expect_str_eq(json_string_value(json_object_get(json_object_get(entry, "claimed"), "capacityBytes")),
		                 "987842543");
		if (timed)
			cr_expect_str_eq(json_string_value(proven), "214748364");
		else
			cr_expect(json_is_null(proven));
		json_decref(root);
	}
}

/* Sums over the runs that were shown, beyond 64 bits too, over one window. SPEC 9.4. */
Test(verdict, aggregates_are_exact)
{
	enum { MOST = ASSAY_DEVICES_MAX };
	static const uint64_t most = UINT64_MAX >> 1;
	static struct assay_run runs[3 * MOST];
	static struct assay_verdict verdict = {.run_count = 3 * MOST, .runs = runs};
	static const struct {
		int runs;
		const char *work, *certified, *rate;
		json_int_t elapsed_ns;
	} table[] = {
	    /* 64 runs of the most work there is, in a nanosecond. */
	    {64, "590295810358705651648", "64", "590295810358705651648000000000", 1},
	    /* 3 runs of 5 s asked for, the longest took 6 s; one that took 9 s was not shown, and one is empty. */
	    {3, "600", "300", "100", 6000000000},
	    {0, "0", "0", NULL, 0},
	};

	for (uint32_t i = 0; i < 3 * MOST; i++) {
		runs[i] =
		    (struct assay_run){.segment = i / MOST, .device = i % MOST, .workload = "sha256/1", .unit = "hash"};
		runs[i].claimed.asked_ns = i / MOST == 1 ? 5000000000 : 0;
		if (i < MOST) {
			runs[i].proved.shown = true;
			runs[i].proved.work = most;
			runs[i].proved.certified_work = 1;
			runs[i].claimed.elapsed_ns = 1;
		} else if (i < MOST + 3) {
			runs[i].proved.shown = true;
			runs[i].proved.work = 200;
			runs[i].proved.certified_work = 100;
			runs[i].claimed.elapsed_ns = i == MOST + 1 ? 6000000000 : 1000000000;
		} else if (i == MOST + 3) {
			runs[i].reason = ASSAY_REASON_LEAF_MISMATCH;
			runs[i].claimed.elapsed_ns = 9000000000;
		}
	}
	assay_aggregates_fill(&verdict);
	json_t *root = json_of(&verdict);
	const json_t *aggregates = json_object_get(root, "aggregates");
	cr_assert_eq(json_array_size(aggregates), 3);
	for (size_t j = 0; j < 3; j++) {
		const json_t *entry = json_array_get(aggregates, j), *claimed = json_object_get(entry, "claimed");
		cr_expect_eq(json_integer_value(json_object_get(entry, "segment")), (json_int_t)j);
		cr_expect_eq(json_integer_value(json_object_get(entry, "runs")), table[j].runs);
		cr_expect_str_eq(json_string_value(json_object_get(entry, "work")), table[j].work);
		cr_expect_str_eq(json_string_value(json_object_get(entry, "certifiedWork")), table[j].certified);
		cr_expect_eq(json_integer_value(json_object_get(claimed, "elapsedNs")), table[j].elapsed_ns);
		if (table[j].rate)
			cr_expect_str_eq(json_string_value(json_object_get(claimed, "rate")), table[j].rate);
		else
			cr_expect(json_is_null(json_object_get(claimed, "rate")) &&
			          json_is_null(json_object_get(claimed, "elapsedNs")));
	}
	json_decref(root);
}

/* What is claimed of late starts, and of turns for want of power, is told in the signed file's own number. */
Test(verdict, pace_is_told)
{
	const struct assay_policy policy = test_policy();
	static const struct {
		const char *name;
		uint32_t stagger_ms, power_budget_w;
	} table[] = {{"staggered", 250, 0},
	             {"staggered-most", 86400000, 0},
	             {"budget", 0, 3500},
	             {"budget-most", 0, 1000000},
	             {"duration", 0, 0}};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_verdict verdict;
		char path[128];
		snprintf(path, sizeof path, "verify/vectors/good/%s.intoto.json", table[i].name);
		cr_assert_eq(assay_verify(&verdict, path, NULL, &policy), ASSAY_OK);
		cr_expect_eq(verdict.stagger_ms, table[i].stagger_ms);
		cr_expect_eq(verdict.power_budget_w, table[i].power_budget_w);
		json_t *root = json_of(&verdict);
		cr_expect_eq(json_integer_value(json_object_get(root, "claimedStaggerMs")), table[i].stagger_ms);
		cr_expect_eq(json_integer_value(json_object_get(root, "claimedPowerBudgetW")), table[i].power_budget_w);
		json_decref(root);
		assay_verdict_close(&verdict);
	}
}

static const json_t *claim_of(json_t *root, const char *name)
{
	const json_t *entry = json_array_get(json_object_get(root, "segments"), 0);

	return json_object_get(json_object_get(entry, "claimed"), name);
}

/* floor(energy * 10^15 / work) without overflow; SPEC 9.5. */
Test(verdict, claimed_energy_is_exact)
{
	static const struct {
		uint64_t work;
		int64_t energy_mj;
		const char *attojoules;
		bool shown;
	} table[] = {
	    {1000000000000, 3500, "3500000", true},
	    {3, 1, "333333333333333", true},
	    {1, 9007199254740991, "9007199254740991000000000000000", true},
	    {UINT64_MAX >> 1, 1, "0", true},
	    {1000, 0, "0", true},
	    {1000, -1, NULL, true},
	    {0, 5, NULL, true},
	    {1000, 5, NULL, false},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct assay_run run = {.workload = "sha256/1",
		                        .unit = "hash",
		                        .proved = {.shown = table[i].shown, .work = table[i].work},
		                        .claimed = {.elapsed_ns = 1, .energy_mj = table[i].energy_mj}};
		const struct assay_verdict verdict = {.run_count = 1, .runs = &run};
		json_t *root = json_of(&verdict);
		const char *text = json_string_value(claim_of(root, "energyPerUnitAj"));
		cr_expect_str_eq(text ? text : "null", table[i].attojoules ? table[i].attojoules : "null", "row %zu",
		                 i);
		json_decref(root);
	}
}

/* What is unknown is null, and zero is not; nothing is claimed of a run without claims. */
Test(verdict, claims_that_are_unknown)
{
	static const char *const perhaps[] = {"steadyNs", "driftPpm", "deviceMedianNs", "throttledRounds", "energyMj"};
	static const char *const known[] = {"madNs", "firstNs"};
	struct assay_run run = {.workload = "sha256/1", .unit = "hash", .claimed = {.elapsed_ns = 1}};
	const struct assay_verdict verdict = {.run_count = 1, .runs = &run};

	for (int unknown = 0; unknown < 3; unknown++) {
		if (unknown == 1) {
			run.claimed.steady_ns = run.claimed.device_median_ns = -1;
			run.claimed.throttled_rounds = run.claimed.energy_mj = -1;
			run.claimed.drift_ppm = INT64_MIN;
		} else if (unknown == 2) {
			run.claimed.elapsed_ns = 0;
		}
		json_t *root = json_of(&verdict);
		for (size_t i = 0; i < 5; i++)
			cr_expect_eq(json_is_null(claim_of(root, perhaps[i])), unknown > 0, "%s", perhaps[i]);
		for (size_t i = 0; i < 2; i++)
			cr_expect_eq(json_is_null(claim_of(root, known[i])), unknown > 1, "%s", known[i]);
		json_decref(root);
	}
}

Test(verdict, claims_in_words)
{
	struct assay_run run = {.unit = "op",
	                        .claimed = {.elapsed_ns = 10000000000,
	                                    .median_ns = 66000000,
	                                    .low_ns = 65000000,
	                                    .high_ns = 67000000,
	                                    .mad_ns = 100000,
	                                    .first_ns = 70000000,
	                                    .steady_ns = 65500000,
	                                    .drift_ppm = -12345,
	                                    .device_median_ns = 64000000,
	                                    .throttled_rounds = 3,
	                                    .energy_mj = 7000000}};
	struct assay_telemetry_claim telemetry = assay_telemetry_none;
	char words[480];

	assay_claim_words(words, &run, UINT64_C(14000000000000000));
	cr_expect_str_eq(words,
	                 "round 66.000 ms (65.000 ... 67.000), MAD 0.100, 64.000 by the device; first 2 s 70.000, then "
	                 "65.500, drift -1.23 %; 3 rounds throttled; 500 fJ/OP");
	run.claimed.steady_ns = run.claimed.device_median_ns = run.claimed.throttled_rounds = run.claimed.energy_mj =
	    -1;
	run.claimed.drift_ppm = INT64_MIN;
	assay_claim_words(words, &run, 1);
	cr_expect_str_eq(words, "round 66.000 ms (65.000 ... 67.000), MAD 0.100");
	run.claimed.elapsed_ns = 0;
	assay_claim_words(words, &run, 1);
	cr_expect_str_eq(words, "");
	assay_telemetry_words(words, &telemetry);
	cr_expect_str_eq(words, "");
	strcpy(telemetry.source, "nvml");
	strcpy(telemetry.joined, "pci");
	assay_telemetry_words(words, &telemetry);
	cr_expect_str_eq(words, "nvml, joined by pci");
	telemetry.power_mw = (struct assay_range){600000, 650000, 700000};
	telemetry.power_limit_mw = 700000;
	telemetry.reasons_known = true;
	telemetry.xid_errors = 1;
	assay_telemetry_words(words, &telemetry);
	cr_expect_str_eq(words, "nvml, joined by pci, 650 W (600 ... 700), limit 700 W, throttled: no, 1 Xid errors");
}

/* The longest that a statement may claim does not overrun anything. */
Test(verdict, longest_words)
{
	const struct assay_range most = {INT64_MAX, INT64_MAX, INT64_MAX};
	struct assay_run run = {.unit = "hash",
	                        .claimed = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
	                                    INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, 0, 0}};
	struct assay_telemetry_claim telemetry = {.clock_mhz = most,
	                                          .memory_clock_mhz = most,
	                                          .power_mw = most,
	                                          .temperature_mc = most,
	                                          .power_limit_mw = INT64_MAX,
	                                          .ecc_errors = INT64_MAX,
	                                          .xid_errors = INT64_MAX,
	                                          .pcie_width = INT64_MAX,
	                                          .pcie_generation = INT64_MAX,
	                                          .reasons_known = true};
	char words[480];

	assay_claim_words(words, &run, 1);
	cr_expect_lt(strlen(words), 320);
	memset(telemetry.source, 'a', sizeof telemetry.source - 1);
	memset(telemetry.joined, 'b', sizeof telemetry.joined - 1);
	memset(telemetry.reasons, 'c', sizeof telemetry.reasons - 1);
	assay_telemetry_words(words, &telemetry);
	cr_expect_lt(strlen(words), 480);
}

/* So are pauses. */
Test(verdict, pauses_are_told)
{
	const struct assay_policy policy = test_policy();
	static const struct {
		const char *name;
		uint32_t pauses;
	} table[] = {{"paused", 2}, {"paused-most", 1000000}, {"duration", 0}};

	for (size_t i = 0; i < 3; i++) {
		struct assay_verdict verdict;
		char path[128];
		snprintf(path, sizeof path, "verify/vectors/good/%s.intoto.json", table[i].name);
		cr_assert_eq(assay_verify(&verdict, path, NULL, &policy), ASSAY_OK);
		cr_expect_eq(verdict.pauses, table[i].pauses);
		json_t *root = json_of(&verdict);
		cr_expect_eq(json_integer_value(json_object_get(root, "claimedPauses")), table[i].pauses);
		json_decref(root);
		assay_verdict_close(&verdict);
	}
}

/* Every good file that is quickly verified and every tenth rejected one: whatever the verdict, its JSON is canonical.
 */
Test(verdict, json_of_every_kind)
{
	static const char *const folders[] = {"good", "reject"};
	const struct assay_policy policy = test_policy();

	for (size_t f = 0; f < 2; f++) {
		char path[512], *rest = NULL;
		unsigned count = 0;
		snprintf(path, sizeof path, "verify/vectors/%s/index.txt", folders[f]);
		struct test_bytes index = test_read(path);
		for (char *line = strtok_r((char *)index.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
			struct assay_verdict verdict;
			if (*line == '#' || (f == 1 && count++ % 10) || strstr(line, "quick-host"))
				continue;
			snprintf(path, sizeof path, "verify/vectors/%s/%.*s.intoto.json", folders[f],
			         (int)strcspn(line, " "), line);
			cr_assert_eq(assay_verify(&verdict, path, NULL, &policy), ASSAY_OK);
			json_t *root = json_of(&verdict);
			cr_expect_str_eq(json_string_value(json_object_get(root, "verdict")),
			                 assay_outcome_name(verdict.outcome));
			cr_expect_eq(json_array_size(json_object_get(root, "checks")), ASSAY_CHECK_COUNT);
			cr_expect_eq(json_array_size(json_object_get(root, "segments")), verdict.run_count);
			json_decref(root);
			assay_verdict_close(&verdict);
		}
		free(index.data);
	}
}
