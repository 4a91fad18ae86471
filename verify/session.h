/* SPDX-License-Identifier: Apache-2.0
 *
 * One verification in progress: verify.c does its checks in order, verify_receipts.c one of them. */
#ifndef VERIFY_SESSION_H
#define VERIFY_SESSION_H

#include "verify/receipts.h"
#include "verify/statement.h"
#include "verify/transcript.h"

struct assay_session {
	const struct assay_policy *policy;
	struct assay_verdict *verdict;
	struct assay_envelope envelope;
	struct assay_statement statement;
	struct assay_transcript transcript;
	struct assay_challenge challenge;
	struct assay_receipts receipts;
	bool no_memory; /* for some check */
};

/* Notes the outcome of a check; true when it passed. */
bool assay_session_note(struct assay_session *session, enum assay_check_id id, enum assay_reason reason,
                        const char *detail);

/* The receipts at `path`, where the challenge asks for any, and the seeds that hang on them. False when that ends the
 * verification; *status is an error when they could not be read. */
bool assay_session_receipts(struct assay_session *session, const char *path, enum assay_status *status);

#endif
