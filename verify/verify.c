/* SPDX-License-Identifier: Apache-2.0
 *
 * assay_verify: the checks of SPEC 10.1 in their order. Nothing of the statement is looked at
 * before its signature held, and every number comes from the challenge. */
#include <errno.h>
#include <fenv.h>
#include <stdlib.h>
#include <string.h>

#include "verify/aggregate.h"
#include "verify/chain.h"
#include "verify/claims.h"
#include "verify/machine.h"
#include "verify/session.h"
#include "verify/telemetry.h"

enum { BUDGET_DEFAULT = 1 << 30 };

bool assay_session_note(struct assay_session *session, enum assay_check_id id, enum assay_reason reason,
                        const char *detail)
{
	struct assay_check *check = &session->verdict->checks[id];

	check->reached = true;
	check->reason = reason;
	/* What had no memory was taken for something else. */
	session->no_memory = session->no_memory || (reason && errno == ENOMEM);
	if (detail && detail != check->detail)
		snprintf(check->detail, sizeof check->detail, "%s", detail);
	assay_printable(check->detail);
	return reason == ASSAY_REASON_NONE;
}

static bool check_signature(struct assay_session *session)
{
	char keyid[65];
	bool trusted = false;

	assay_keyid(keyid, session->transcript.key);
	if (strcmp(keyid, session->envelope.keyid) != 0)
		return assay_session_note(session, ASSAY_CHECK_SIGNATURE, ASSAY_REASON_SIGNATURE_KEYID,
		                          "the transcript holds another key than the envelope names");
	if (!assay_envelope_signed_by(&session->envelope, session->transcript.key))
		return assay_session_note(session, ASSAY_CHECK_SIGNATURE, ASSAY_REASON_SIGNATURE_INVALID, NULL);
	assay_session_note(session, ASSAY_CHECK_SIGNATURE, ASSAY_REASON_NONE, keyid);
	memcpy(session->verdict->keyid, keyid, sizeof keyid);
	session->verdict->assurance = "self-asserted";

	for (size_t i = 0; i < session->policy->trusted_count; i++)
		trusted |= memcmp(session->policy->trusted[i], session->transcript.key, ASSAY_KEY_BYTES) == 0;
	assay_session_note(session, ASSAY_CHECK_TRUST, trusted ? ASSAY_REASON_NONE : ASSAY_REASON_KEY_UNTRUSTED, NULL);
	return true;
}

static bool check_statement(struct assay_session *session)
{
	enum assay_reason reason =
	    assay_statement_parse(&session->statement, session->envelope.payload, session->envelope.payload_len);

	if (!assay_session_note(session, ASSAY_CHECK_STATEMENT, reason, NULL))
		return false;
	assay_hex(session->verdict->subject, session->statement.transcript_digest);
	session->verdict->stagger_ms = session->statement.stagger_ms;
	session->verdict->power_budget_w = session->statement.power_budget_w;
	session->verdict->pauses = session->statement.pauses;
	snprintf(session->verdict->finished, sizeof session->verdict->finished, "%s", session->statement.finished_at);
	return true;
}

static bool check_challenge(struct assay_session *session)
{
	struct assay_check *check = &session->verdict->checks[ASSAY_CHECK_CHALLENGE];
	enum assay_reason reason =
	    assay_challenge_parse(&session->challenge, session->transcript.challenge, session->transcript.challenge_len,
	                          check->detail, sizeof check->detail);

	if (!assay_session_note(session, ASSAY_CHECK_CHALLENGE, reason, check->detail))
		return false;
	snprintf(session->verdict->profile, sizeof session->verdict->profile, "%s", session->challenge.profile);
	session->verdict->asked = session->challenge.asked;
	session->verdict->leased = session->challenge.leased;
	session->verdict->samples = session->challenge.samples;
	return true;
}

static bool check_records(struct assay_session *session)
{
	struct assay_check *check = &session->verdict->checks[ASSAY_CHECK_RECORDS];
	uint8_t digest[32];
	enum assay_reason reason = assay_transcript_records(&session->transcript, &session->challenge, digest,
	                                                    check->detail, sizeof check->detail);

	if (!assay_session_note(session, ASSAY_CHECK_RECORDS, reason, check->detail))
		return false;
	return assay_session_note(session, ASSAY_CHECK_DIGEST,
	                          memcmp(digest, session->statement.transcript_digest, 32) == 0
	                              ? ASSAY_REASON_NONE
	                              : ASSAY_REASON_TRANSCRIPT_DIGEST,
	                          NULL);
}

/* A run is told of exactly when it has rounds, and no other rounds than these were throttled. */
static bool is_run_bound(const json_t *run, uint32_t rounds)
{
	const json_t *ranges = json_object_get(run, "throttled");
	const size_t count = json_array_size(ranges);
	const json_t *last = json_array_get(json_array_get(ranges, count - 1), 1);

	return json_is_null(run) == (rounds == 0) && (count == 0 || json_integer_value(last) < (json_int_t)rounds);
}

/* The statement speaks of this challenge and these devices, entry by entry. */
static bool is_bound(const struct assay_session *session, const json_t *devices)
{
	const struct assay_challenge *challenge = &session->challenge;
	const struct assay_statement *statement = &session->statement;
	uint8_t digest[32];

	crypto_hash_sha256(digest, session->transcript.challenge, session->transcript.challenge_len);
	if (memcmp(digest, statement->challenge_digest, 32) != 0 ||
	    strcmp(statement->mode, challenge->asked ? "verifier" : "self") != 0 ||
	    strcmp(statement->profile, challenge->profile) != 0 || !json_equal(statement->devices, devices) ||
	    json_array_size(statement->work) != challenge->segment_count ||
	    json_array_size(statement->segments) != challenge->segment_count ||
	    json_array_size(statement->telemetry) != challenge->devices)
		return false;
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		const json_t *runs = json_array_get(statement->segments, j);
		if (strcmp(json_string_value(json_array_get(statement->work, j)), challenge->segments[j].work->name) !=
		        0 ||
		    json_array_size(runs) != challenge->devices)
			return false;
		for (uint32_t d = 0; d < challenge->devices; d++)
			if (!is_run_bound(json_array_get(runs, d), session->transcript.rounds[j][d]))
				return false;
	}
	return true;
}

static bool devices_copy(struct assay_verdict *verdict, const json_t *devices, const json_t *telemetry)
{
	const uint32_t count = (uint32_t)json_array_size(devices);

	verdict->devices = calloc(count, sizeof *verdict->devices);
	if (!verdict->devices)
		return false;
	verdict->device_count = count;
	for (uint32_t d = 0; d < count; d++) {
		const json_t *device = json_array_get(devices, d);
		struct assay_device_claim *claim = &verdict->devices[d];
		snprintf(claim->backend, sizeof claim->backend, "%.32s", assay_json_string(device, "backend", 256));
		snprintf(claim->name, sizeof claim->name, "%s", assay_json_string(device, "name", 256));
		snprintf(claim->architecture, sizeof claim->architecture, "%s",
		         assay_json_string(device, "architecture", 256));
		if (json_is_string(json_object_get(device, "deviceId")))
			snprintf(claim->id, sizeof claim->id, "%s", assay_json_string(device, "deviceId", 256));
		claim->compute_units = (uint64_t)json_integer_value(json_object_get(device, "computeUnits"));
		claim->memory_bytes = (uint64_t)json_integer_value(json_object_get(device, "memoryBytes"));
		assay_telemetry_read(&claim->telemetry, json_array_get(telemetry, d));
	}
	return true;
}

/* Devices and binding. */
static bool check_devices(struct assay_session *session, bool *no_memory)
{
	json_t *devices = assay_devices_parse(session->transcript.devices, session->transcript.devices_len,
	                                      session->challenge.devices);
	bool good = assay_session_note(session, ASSAY_CHECK_DEVICES,
	                               devices ? ASSAY_REASON_NONE : ASSAY_REASON_DEVICES_MALFORMED, NULL);

	if (good)
		good = assay_session_note(
		    session, ASSAY_CHECK_BINDING,
		    is_bound(session, devices) ? ASSAY_REASON_NONE : ASSAY_REASON_BINDING_MISMATCH, NULL);
	*no_memory = good && !devices_copy(session->verdict, devices, session->statement.telemetry);
	json_decref(devices);
	return good && !*no_memory;
}

static bool check_cost(struct assay_session *session)
{
	struct assay_verdict *verdict = session->verdict;
	uint64_t budget = session->policy->budget ? session->policy->budget : BUDGET_DEFAULT;
	char detail[96];

	assay_session_note(session, ASSAY_CHECK_PROFILE,
	                   assay_challenge_in_profile(&session->challenge) ? ASSAY_REASON_NONE
	                                                                   : ASSAY_REASON_PROFILE_UNKNOWN,
	                   session->challenge.profile);
	verdict->estar_ppm = assay_estar_ppm(session->challenge.samples, *verdict->receipts_from ? 0 : 64);
	verdict->cost = assay_challenge_cost(&session->challenge);
	snprintf(detail, sizeof detail, "%llu of %llu units of about one SHA-256 compression",
	         (unsigned long long)verdict->cost, (unsigned long long)budget);
	return assay_session_note(session, ASSAY_CHECK_COST,
	                          verdict->cost <= budget ? ASSAY_REASON_NONE : ASSAY_REASON_COST_EXCEEDED, detail);
}

/* One entry for each run, with what is claimed of it. */
static bool runs_prepare(struct assay_session *session)
{
	const struct assay_challenge *challenge = &session->challenge;
	struct assay_verdict *verdict = session->verdict;

	verdict->runs = calloc((size_t)challenge->segment_count * challenge->devices, sizeof *verdict->runs);
	if (!verdict->runs)
		return false;
	verdict->run_count = challenge->segment_count * challenge->devices;
	for (uint32_t i = 0; i < verdict->run_count; i++) {
		struct assay_run *run = &verdict->runs[i];
		run->segment = i / challenge->devices;
		run->device = i % challenge->devices;
		const struct assay_segment *segment = &challenge->segments[run->segment];
		const json_t *claim =
		    json_array_get(json_array_get(session->statement.segments, run->segment), run->device);
		run->workload = segment->work->name;
		run->unit = segment->work->unit;
		run->claimed.asked_ns = UINT64_C(1000000) * segment->duration_ms;
		if (*verdict->receipts_from)
			run->proved.bracket =
			    (struct assay_bracket){session->receipts.steps[2 * run->segment].at_ns,
			                           session->receipts.steps[2 * run->segment + 1].at_ns};
		assay_claim_read(run, claim);
	}
	return true;
}

static void run_report(void *context, uint32_t segment, uint32_t device, uint32_t leaves, enum assay_reason reason)
{
	struct assay_session *session = context;
	const struct assay_segment *asked = &session->challenge.segments[segment];
	struct assay_run *run = &session->verdict->runs[segment * session->challenge.devices + device];

	run->reason = reason;
	if ((reason != ASSAY_REASON_NONE && reason != ASSAY_REASON_RUN_SHORT) || asked->work->is_fill)
		return;
	run->proved.shown = true;
	run->proved.rounds = session->transcript.rounds[segment][device];
	run->proved.leaves = leaves;
	run->proved.work = run->proved.rounds * asked->work->round_work(&asked->params);
	run->proved.table_bytes = asked->work->table_bytes ? asked->work->table_bytes(&asked->params) : 0;
	run->proved.certified_work = assay_certified(run->proved.work, session->verdict->estar_ppm);

	const uint64_t bracket_ns = assay_bracket_ns(&run->proved.bracket, run->claimed.asked_ns);
	if (bracket_ns)
		run->proved.rate = (double)run->proved.certified_work * 1e9 / (double)bracket_ns;
	run->proved.capacity_bytes = assay_capacity(run->proved.table_bytes, assay_rate_proven(run));
	uint64_t time =
	    run->claimed.elapsed_ns > run->claimed.asked_ns ? run->claimed.elapsed_ns : run->claimed.asked_ns;
	if (run->claimed.elapsed_ns)
		run->claimed.rate = (double)run->proved.work * 1e9 / (double)time;
}

/* False when the files could not be read to the end. */
static bool check_recheck(struct assay_session *session)
{
	struct assay_verdict *verdict = session->verdict;
	enum assay_reason worst = ASSAY_REASON_NONE;
	char detail[120] = "";
	uint64_t leaves = 0;

	if (!runs_prepare(session) ||
	    !assay_transcript_recheck(&session->transcript, &session->challenge, run_report, session))
		return false;
	for (uint32_t i = 0; i < verdict->run_count; i++) {
		const struct assay_run *run = &verdict->runs[i];
		leaves += run->proved.leaves;
		/* The gravest of all runs: the codes stand in that order from RUN_SHORT to LEAF_MISMATCH. */
		if (run->reason > worst) {
			worst = run->reason;
			snprintf(detail, sizeof detail, "%s on device %u (segment %u)", run->workload, run->device,
			         run->segment);
		}
	}
	assay_aggregates_fill(verdict);
	if (!worst)
		snprintf(detail, sizeof detail, "%llu leaves recomputed", (unsigned long long)leaves);
	if (assay_session_note(session, ASSAY_CHECK_RECHECK, worst, detail))
		verdict->assurance = *verdict->receipts_from ? "time-bracketed" : "work-proven";
	return true;
}

/* SPEC 10.6. Nothing is left to say of the machine of one who did not do the work. */
static enum assay_status check_claims(struct assay_verdict *verdict)
{
	if (!verdict->claims || verdict->checks[ASSAY_CHECK_RECHECK].reason == ASSAY_REASON_LEAF_MISMATCH)
		return ASSAY_OK;
	verdict->claimed_devices = calloc(verdict->device_count, sizeof *verdict->claimed_devices);
	if (!verdict->claimed_devices)
		return assay_fail(&verdict->error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	assay_claims_judge(verdict);
	return ASSAY_OK;
}

/* The checks, as far as they can be made. */
static enum assay_status checks(struct assay_session *session, const char *transcript, const char *receipts)
{
	struct assay_error *error = &session->verdict->error;
	enum assay_reason reason;
	bool no_memory = false;

	enum assay_status status = assay_transcript_open(&session->transcript, transcript, &reason, error);
	if (status)
		return status;
	if (!assay_session_note(session, ASSAY_CHECK_TRANSCRIPT, reason, reason ? "its header" : NULL))
		return ASSAY_OK;
	if (!check_signature(session) || !check_statement(session) || !check_challenge(session))
		return ASSAY_OK;
	if (!check_records(session)) {
		if (session->transcript.io_error)
			return assay_fail(error, ASSAY_ERROR_IO, "io.read", "%s: cannot be read", transcript);
		return ASSAY_OK;
	}
	if (!check_devices(session, &no_memory))
		return no_memory ? assay_fail(error, ASSAY_ERROR_MEMORY, "memory", "out of memory") : ASSAY_OK;
	if (!assay_session_receipts(session, receipts, &status) || !check_cost(session))
		return status;
	if (!check_recheck(session))
		return assay_fail(error, ASSAY_ERROR_IO, "io.changed",
		                  "%s: could not be read a second time, or changed meanwhile; verify a copy",
		                  transcript);
	return check_claims(session->verdict);
}

static bool has(const struct assay_verdict *verdict, enum assay_outcome outcome)
{
	const enum assay_reason claims = verdict->claims_check.reason;

	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		if (verdict->checks[id].reason && assay_reason_outcome(verdict->checks[id].reason) == outcome)
			return true;
	return claims && assay_reason_outcome(claims) == outcome;
}

/* Malformed, then fail, then inconclusive, then pass. */
static enum assay_outcome outcome(const struct assay_verdict *verdict)
{
	static const enum assay_outcome order[] = {ASSAY_MALFORMED, ASSAY_FAIL, ASSAY_INCONCLUSIVE};

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (has(verdict, order[i]))
			return order[i];
	/* Nothing spoke against it; it passes only when everything spoke for it. */
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		if (!verdict->checks[id].reached)
			return ASSAY_INCONCLUSIVE;
	return verdict->claims && !verdict->claims_check.reached ? ASSAY_INCONCLUSIVE : ASSAY_PASS;
}

enum assay_status assay_verify(struct assay_verdict *verdict, const char *attestation, const char *transcript,
                               const struct assay_policy *policy)
{
	struct assay_session *session = calloc(1, sizeof *session);
	char *beside = NULL, *receipts = NULL;
	enum assay_status status;
	const char *slash = strrchr(attestation, '/');

	memset(verdict, 0, sizeof *verdict);
	verdict->outcome = ASSAY_INCONCLUSIVE;
	verdict->claims = policy->claims;
	snprintf(verdict->file, sizeof verdict->file, "%s", slash ? slash + 1 : attestation);
	assay_printable(verdict->file);
	if (!session || sodium_init() < 0) {
		free(session);
		return assay_fail(&verdict->error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	}
	session->policy = policy;
	session->verdict = verdict;
	bool good;
	fenv_t callers;
	/* SPEC 5.4 rounds to the nearest, whatever the caller does. */
	fegetenv(&callers);
	fesetenv(FE_DFL_ENV);
	errno = 0;
	status = assay_envelope_read(&session->envelope, ASSAY_TYPE_STATEMENT, &good, attestation, &verdict->error);
	if (status || !assay_session_note(session, ASSAY_CHECK_ENVELOPE,
	                                  good ? ASSAY_REASON_NONE : ASSAY_REASON_ENVELOPE_MALFORMED, NULL))
		goto done;
	if (!transcript)
		transcript = beside = assay_beside(attestation, ".transcript");
	if (!transcript) {
		status = assay_fail(&verdict->error, ASSAY_ERROR_INPUT, "io.name",
		                    "%s: does not end in .intoto.json, so its transcript is not known; name it",
		                    attestation);
		goto done;
	}
	if (!policy->receipts)
		receipts = assay_beside(attestation, ".receipts.jsonl");
	status = checks(session, transcript, policy->receipts ? policy->receipts : receipts);
done:
	if (!status && session->no_memory)
		status = assay_fail(&verdict->error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
	if (!status)
		verdict->outcome = outcome(verdict);
	free(beside);
	free(receipts);
	free(session->envelope.payload);
	json_decref(session->statement.root);
	assay_transcript_close(&session->transcript);
	assay_receipts_close(&session->receipts);
	free(session);
	fesetenv(&callers);
	return status;
}

void assay_verdict_close(struct assay_verdict *verdict)
{
	if (!verdict)
		return;
	free(verdict->devices);
	free(verdict->runs);
	free(verdict->claimed_devices);
	memset(verdict, 0, sizeof *verdict);
}
