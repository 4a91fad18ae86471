/* SPDX-License-Identifier: Apache-2.0
 *
 * Names, kinds and remedies of the reason codes (SPEC 10.3), and the verdict as JSON. */
#include <stdlib.h>
#include <string.h>

#include "verify/aggregate.h"
#include "verify/machine.h"
#include "verify/statement.h"
#include "verify/telemetry.h"

static const struct {
	const char *name;
	enum assay_outcome outcome;
	const char *remedy;
} reasons[ASSAY_REASON_COUNT] = {
    [ASSAY_REASON_NONE] = {"", ASSAY_PASS, ""},
    [ASSAY_REASON_ENVELOPE_MALFORMED] = {"envelope.malformed", ASSAY_MALFORMED,
                                         "the file was damaged or made by another program: get it again"},
    [ASSAY_REASON_TRANSCRIPT_MALFORMED] = {"transcript.malformed", ASSAY_MALFORMED,
                                           "the file was damaged or made by another program: get it again"},
    [ASSAY_REASON_TRANSCRIPT_VERSION] = {"transcript.version", ASSAY_INCONCLUSIVE, "use a newer verifier"},
    [ASSAY_REASON_SIGNATURE_KEYID] = {"signature.keyid", ASSAY_FAIL, "do not rely on this file"},
    [ASSAY_REASON_SIGNATURE_INVALID] = {"signature.invalid", ASSAY_FAIL, "do not rely on this file"},
    [ASSAY_REASON_KEY_UNTRUSTED] = {"key.untrusted", ASSAY_INCONCLUSIVE,
                                    "name the provider's public key: --trust KEY.pub"},
    [ASSAY_REASON_STATEMENT_MALFORMED] = {"statement.malformed", ASSAY_MALFORMED,
                                          "the file was made by another program: get it again"},
    [ASSAY_REASON_STATEMENT_VERSION] = {"statement.version", ASSAY_INCONCLUSIVE, "use a newer verifier"},
    [ASSAY_REASON_TRANSCRIPT_DIGEST] = {"transcript.digest", ASSAY_FAIL,
                                        "the transcript is not the one that was signed: get it again"},
    [ASSAY_REASON_CHALLENGE_MALFORMED] = {"challenge.malformed", ASSAY_MALFORMED,
                                          "the file was made by another program: get it again"},
    [ASSAY_REASON_CHALLENGE_CAPS] = {"challenge.caps", ASSAY_MALFORMED,
                                     "the challenge asks for more than SPEC 3.3 allows"},
    [ASSAY_REASON_CHALLENGE_MODE] = {"challenge.mode", ASSAY_INCONCLUSIVE, "use a newer verifier"},
    [ASSAY_REASON_WORKLOAD_UNKNOWN] = {"workload.unknown", ASSAY_INCONCLUSIVE, "use a newer verifier"},
    [ASSAY_REASON_DEVICES_MALFORMED] = {"devices.malformed", ASSAY_MALFORMED,
                                        "the file was made by another program: get it again"},
    [ASSAY_REASON_BINDING_MISMATCH] = {"binding.mismatch", ASSAY_FAIL, "do not rely on this file"},
    [ASSAY_REASON_RECEIPTS_MISSING] = {"receipts.missing", ASSAY_INCONCLUSIVE,
                                       "get NAME.receipts.jsonl, which the prover and the verifier have"},
    [ASSAY_REASON_RECEIPTS_DIGEST] = {"receipts.digest", ASSAY_FAIL,
                                      "the receipts are not those that were signed: get them again"},
    [ASSAY_REASON_RECEIPTS_MALFORMED] = {"receipts.malformed", ASSAY_MALFORMED,
                                         "the file was made by another program: get it again"},
    [ASSAY_REASON_RECEIPTS_MISMATCH] = {"receipts.mismatch", ASSAY_FAIL, "do not rely on this file"},
    [ASSAY_REASON_RECEIPTS_UNTRUSTED] = {"receipts.untrusted", ASSAY_INCONCLUSIVE,
                                         "name the verifier's public key, if you trust it: --verifier KEY.pub"},
    [ASSAY_REASON_RECEIPTS_SIGNATURE] = {"receipts.signature", ASSAY_FAIL, "do not rely on this file"},
    [ASSAY_REASON_PROFILE_UNKNOWN] = {"profile.unknown", ASSAY_INCONCLUSIVE,
                                      "ask for a run of a profile: quick, standard or soak"},
    [ASSAY_REASON_COST_EXCEEDED] = {"cost.exceeded", ASSAY_INCONCLUSIVE, "raise the limit: --budget UNITS"},
    [ASSAY_REASON_RUN_EMPTY] = {"run.empty", ASSAY_INCONCLUSIVE, "run again on a free, healthy device"},
    [ASSAY_REASON_RUN_SHORT] = {"run.short", ASSAY_INCONCLUSIVE, "run again on a free, healthy device"},
    [ASSAY_REASON_LEAF_MISMATCH] = {"leaf.mismatch", ASSAY_FAIL, "do not rely on this file"},
    [ASSAY_REASON_CLAIM_MODEL] = {"claim.model", ASSAY_FAIL,
                                  "what is claimed is not what was signed or shown: do not rely on it"},
    [ASSAY_REASON_CLAIM_UNKNOWN] =
        {"claim.unknown", ASSAY_INCONCLUSIVE,
         "name the model as the catalogue does, or a catalogue that has it: --catalogue FILE"},
    [ASSAY_REASON_CLAIM_TIME] = {"claim.time", ASSAY_INCONCLUSIVE,
                                 "rates are by the prover's clock: ask for the work (assay challenge)"},
    [ASSAY_REASON_CLAIM_COUNT] = {"claim.count", ASSAY_INCONCLUSIVE,
                                  "run on all devices, or say in the challenge how many are let"},
    [ASSAY_REASON_CLAIM_MINIMUM] = {"claim.minimum", ASSAY_INCONCLUSIVE, "run again on a free, healthy device"},
    [ASSAY_REASON_CLAIM_CAPACITY] = {"claim.capacity", ASSAY_INCONCLUSIVE,
                                     "ask for a larger table: profile standard, --memory"},
    [ASSAY_REASON_CLAIM_LESSER] = {"claim.lesser", ASSAY_INCONCLUSIVE,
                                   "what was shown needs no such model: ask for more workloads, or run on a free "
                                   "device"},
};

static const char *const checks[ASSAY_CHECK_COUNT] = {
    [ASSAY_CHECK_ENVELOPE] = "envelope", [ASSAY_CHECK_TRANSCRIPT] = "transcript", [ASSAY_CHECK_SIGNATURE] = "signature",
    [ASSAY_CHECK_TRUST] = "trust",       [ASSAY_CHECK_STATEMENT] = "statement",   [ASSAY_CHECK_CHALLENGE] = "challenge",
    [ASSAY_CHECK_RECORDS] = "records",   [ASSAY_CHECK_DIGEST] = "digest",         [ASSAY_CHECK_DEVICES] = "devices",
    [ASSAY_CHECK_BINDING] = "binding",   [ASSAY_CHECK_RECEIPTS] = "receipts",     [ASSAY_CHECK_PROFILE] = "profile",
    [ASSAY_CHECK_COST] = "cost",         [ASSAY_CHECK_RECHECK] = "recheck",
};

const char *assay_reason_name(enum assay_reason reason)
{
	return reasons[reason].name;
}

const char *assay_reason_kind(enum assay_reason reason)
{
	switch (reasons[reason].outcome) {
	case ASSAY_FAIL:
		return "contradicted";
	case ASSAY_INCONCLUSIVE:
		return "not-demonstrated";
	default:
		return NULL;
	}
}

const char *assay_reason_remedy(enum assay_reason reason)
{
	return reasons[reason].remedy;
}

enum assay_outcome assay_reason_outcome(enum assay_reason reason)
{
	return reasons[reason].outcome;
}

const char *assay_check_name(enum assay_check_id check)
{
	return checks[check];
}

const char *assay_outcome_name(enum assay_outcome outcome)
{
	switch (outcome) {
	case ASSAY_PASS:
		return "pass";
	case ASSAY_FAIL:
		return "fail";
	case ASSAY_INCONCLUSIVE:
		return "inconclusive";
	default:
		return "malformed";
	}
}

/* A count of any size, as a decimal string. */
static json_t *decimal(uint64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)number);
	return json_string(text);
}

/* Below 2^123. */
static json_t *decimal_wide(assay_wide number)
{
	char text[48];

	assay_wide_text(text, number);
	return json_string(text);
}

static json_t *claimed_rate(const struct assay_run *run)
{
	return run->proved.shown && run->claimed.elapsed_ns ? decimal_wide(assay_rate_claimed(run)) : json_null();
}

static json_t *claimed_capacity(const struct assay_run *run)
{
	return run->proved.table_bytes && run->claimed.elapsed_ns
	           ? decimal(assay_capacity(run->proved.table_bytes, assay_rate_claimed(run)))
	           : json_null();
}

static json_t *proven_rate(const struct assay_run *run)
{
	return run->proved.shown && assay_bracket_ns(&run->proved.bracket, run->claimed.asked_ns)
	           ? decimal_wide(assay_rate_proven(run))
	           : json_null();
}

static json_t *proven_capacity(const struct assay_run *run)
{
	return run->proved.table_bytes && assay_bracket_ns(&run->proved.bracket, run->claimed.asked_ns)
	           ? decimal(run->proved.capacity_bytes)
	           : json_null();
}

/* floor(energy / work) in 10^-18 J (SPEC 9.5): below 2^103. */
static json_t *claimed_energy(const struct assay_run *run)
{
	const assay_wide attojoules_a_millijoule = UINT64_C(1000000000000000);

	if (!run->proved.shown || !run->claimed.elapsed_ns || !run->proved.work || run->claimed.energy_mj < 0)
		return json_null();
	return decimal_wide((assay_wide)run->claimed.energy_mj * attojoules_a_millijoule / run->proved.work);
}

static json_t *known(uint64_t number)
{
	return number ? json_integer((json_int_t)number) : json_null();
}

/* Of a run that has claims. */
static json_t *known_or(int64_t unknown, const struct assay_run *run, int64_t number)
{
	return run->claimed.elapsed_ns && number != unknown ? json_integer((json_int_t)number) : json_null();
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static json_t *run_json(const struct assay_run *run)
{
	json_t *proved = json_null();

	if (run->proved.shown)
		proved = json_pack("{s:i,s:i,s:o,s:o,s:o}", "rounds", (int)run->proved.rounds, "leavesRechecked",
		                   (int)run->proved.leaves, "work", decimal(run->proved.work), "certifiedWork",
		                   decimal(run->proved.certified_work), "tableBytes",
		                   run->proved.table_bytes ? decimal(run->proved.table_bytes) : json_null());
	json_t *claimed =
	    json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "elapsedNs", known(run->claimed.elapsed_ns), "medianNs",
	              known(run->claimed.median_ns), "lowNs", known(run->claimed.low_ns), "highNs",
	              known(run->claimed.high_ns), "rate", claimed_rate(run), "capacityBytes", claimed_capacity(run));
	const struct {
		const char *name;
		int64_t number, unknown;
	} more[] = {{"madNs", (int64_t)run->claimed.mad_ns, -1},
	            {"firstNs", (int64_t)run->claimed.first_ns, -1},
	            {"steadyNs", run->claimed.steady_ns, -1},
	            {"driftPpm", run->claimed.drift_ppm, INT64_MIN},
	            {"deviceMedianNs", run->claimed.device_median_ns, -1},
	            {"throttledRounds", run->claimed.throttled_rounds, -1},
	            {"energyMj", run->claimed.energy_mj, -1}};
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		json_object_set_new(claimed, more[i].name, known_or(more[i].unknown, run, more[i].number));
	json_object_set_new(claimed, "energyPerUnitAj", claimed_energy(run));
	return json_pack("{s:i,s:i,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "segment", (int)run->segment, "device",
	                 (int)run->device, "workload", run->workload, "unit", run->unit, "proved", proved, "claimed",
	                 claimed, "provenRate", proven_rate(run), "provenCapacityBytes", proven_capacity(run),
	                 "timeBracket", assay_bracket_json(&run->proved.bracket), "reason",
	                 text_or_null(assay_reason_name(run->reason)));
}

static json_t *check_json(const char *name, const struct assay_check *check)
{
	const char *status = "pass";

	if (!check->reached)
		status = "skipped";
	else if (check->reason)
		status = assay_reason_outcome(check->reason) == ASSAY_INCONCLUSIVE ? "unverifiable" : "fail";
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o}", "id", name, "status", status, "reason",
	                 text_or_null(assay_reason_name(check->reason)), "kind",
	                 text_or_null(assay_reason_kind(check->reason)), "detail", text_or_null(check->detail),
	                 "remedy", text_or_null(assay_reason_remedy(check->reason)));
}

char *assay_verdict_json(const struct assay_verdict *verdict)
{
	json_t *list = json_array(), *segments = json_array(), *devices = json_array();

	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		json_array_append_new(list,
		                      check_json(assay_check_name((enum assay_check_id)id), &verdict->checks[id]));
	if (verdict->claims)
		json_array_append_new(list, check_json("claims", &verdict->claims_check));
	for (uint32_t i = 0; i < verdict->run_count; i++)
		json_array_append_new(segments, run_json(&verdict->runs[i]));
	for (uint32_t d = 0; d < verdict->device_count; d++)
		json_array_append_new(devices, json_pack("{s:s,s:s,s:o,s:o,s:s?,s:s,s:o}", "architecture",
		                                         verdict->devices[d].architecture, "backend",
		                                         verdict->devices[d].backend, "computeUnits",
		                                         known(verdict->devices[d].compute_units), "memoryBytes",
		                                         known(verdict->devices[d].memory_bytes), "id",
		                                         *verdict->devices[d].id ? verdict->devices[d].id : NULL,
		                                         "name", verdict->devices[d].name, "telemetry",
		                                         assay_telemetry_json(&verdict->devices[d].telemetry)));

	/* 2^-20 is the chance that less than the certified work was done, SPEC 9.2. */
	json_t *root = json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "verdict",
	                         assay_outcome_name(verdict->outcome), "verifier", "assay-verify " ASSAY_VERSION,
	                         "assurance", text_or_null(verdict->assurance), "subject",
	                         text_or_null(verdict->subject), "keyid", text_or_null(verdict->keyid), "profile",
	                         text_or_null(verdict->profile), "claimedFinishedAt", text_or_null(verdict->finished),
	                         "eStarPpm", known(verdict->estar_ppm), "samples", known(verdict->samples),
	                         "escapeProbability", verdict->estar_ppm ? json_string("2^-20") : json_null(), "checks",
	                         list, "claimedDevices", devices, "segments", segments);
	json_object_set_new(root, "mode",
	                    *verdict->profile ? json_string(verdict->asked ? "verifier" : "self") : json_null());
	json_object_set_new(root, "leasedDevices", *verdict->profile ? json_integer(verdict->leased) : json_null());
	json_object_set_new(root, "receiptsFrom", text_or_null(verdict->receipts_from));
	json_object_set_new(root, "claimedStaggerMs",
	                    *verdict->finished ? json_integer(verdict->stagger_ms) : json_null());
	json_object_set_new(root, "claimedPowerBudgetW",
	                    *verdict->finished ? json_integer(verdict->power_budget_w) : json_null());
	json_object_set_new(root, "aggregates", assay_aggregates_json(verdict));
	json_object_set_new(root, "claimedPauses", *verdict->finished ? json_integer(verdict->pauses) : json_null());
	json_object_set_new(root, "claims", assay_claims_verdict_json(verdict));
	json_object_set_new(root, "catalogue", assay_claims_catalogue_json(verdict));
	json_object_set_new(root, "nonClaims", assay_non_claims());
	json_object_set_new(root, "file", json_string(verdict->file));
	json_object_set_new(root, "error", json_null());
	if (*verdict->error.reason) {
		json_object_set_new(root, "verdict", json_null());
		json_object_set_new(
		    root, "error",
		    json_pack("{s:s,s:s}", "reason", verdict->error.reason, "text", verdict->error.text));
	}
	char *text = assay_json_text(root), *line = NULL;
	json_decref(root);
	if (text) {
		size_t len = strlen(text);
		line = realloc(text, len + 2);
		if (line)
			memcpy(line + len, "\n", 2);
		else
			free(text);
	}
	return line;
}
