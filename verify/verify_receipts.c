/* SPDX-License-Identifier: Apache-2.0
 *
 * The check of receipts (SPEC 8.6, 10.1), whoever's word they are. See session.h. */
#include <string.h>

#include <sodium.h>

#include "verify/chain.h"
#include "verify/session.h"

/* The key of the verifier that the challenge names, when the caller trusts it and it is not the prover's, which would
 * tell of its own time. */
static const uint8_t *verifier_key(const struct assay_session *session)
{
	const struct assay_policy *policy = session->policy;
	char keyid[65], wanted[65];

	assay_hex(wanted, session->challenge.verifier);
	for (size_t i = 0; i < policy->verifiers_count; i++) {
		assay_keyid(keyid, policy->verifiers[i]);
		if (strcmp(keyid, wanted) == 0 && memcmp(policy->verifiers[i], session->transcript.key, 32) != 0)
			return policy->verifiers[i];
	}
	return NULL;
}

/* Of receipts that were read: that they are of this job, and whose word they are. */
static bool receipts_believed(struct assay_session *session)
{
	const struct assay_transcript *transcript = &session->transcript;
	struct assay_verdict *verdict = session->verdict;
	struct assay_check *check = &verdict->checks[ASSAY_CHECK_RECEIPTS];
	struct assay_receipts_of of = {.challenge = &session->challenge, .commits = transcript->commits};

	crypto_hash_sha256(of.digest, transcript->challenge, transcript->challenge_len);
	assay_chain_job(of.job, transcript->challenge, transcript->challenge_len, transcript->key, transcript->devices,
	                transcript->devices_len);
	enum assay_reason reason = assay_receipts_match(&session->receipts, &of, check->detail, sizeof check->detail);
	if (reason)
		return assay_session_note(session, ASSAY_CHECK_RECEIPTS, reason, check->detail);
	const uint8_t *key = verifier_key(session);
	if (!key) {
		assay_session_note(session, ASSAY_CHECK_RECEIPTS, ASSAY_REASON_RECEIPTS_UNTRUSTED,
		                   session->receipts.envelopes[0].keyid);
		return true;
	}
	if (!assay_receipts_signed_by(&session->receipts, key))
		return assay_session_note(session, ASSAY_CHECK_RECEIPTS, ASSAY_REASON_RECEIPTS_SIGNATURE, NULL);
	assay_keyid(verdict->receipts_from, key);
	return assay_session_note(session, ASSAY_CHECK_RECEIPTS, ASSAY_REASON_NONE, verdict->receipts_from);
}

bool assay_session_receipts(struct assay_session *session, const char *path, enum assay_status *status)
{
	struct assay_error *error = &session->verdict->error;
	uint8_t nonces[32 * (ASSAY_SEGMENTS_MAX + 1)] = {0}, job[32];
	enum assay_reason reason;

	if (session->challenge.asked) {
		*status =
		    assay_receipts_read(&session->receipts, assay_steps_of(&session->challenge), path, &reason, error);
		if (*status)
			return false;
		if (reason != ASSAY_REASON_RECEIPTS_MISSING &&
		    memcmp(session->receipts.digest, session->statement.receipts_digest, 32) != 0)
			reason = ASSAY_REASON_RECEIPTS_DIGEST;
		if (reason)
			return assay_session_note(session, ASSAY_CHECK_RECEIPTS, reason, NULL);
		if (!receipts_believed(session))
			return false;
		assay_receipts_nonces(&session->receipts, nonces);
	} else {
		assay_session_note(session, ASSAY_CHECK_RECEIPTS, ASSAY_REASON_NONE, "none in mode self");
	}
	assay_transcript_chain(&session->transcript, &session->challenge, nonces, job);
	return true;
}
