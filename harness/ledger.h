/* SPDX-License-Identifier: Apache-2.0
 *
 * A challenge that is being answered, on a disk: NAME.challenge.json, and beside it NAME.exchange.jsonl with every
 * message that was answered and its receipt, line by line. One process at a time answers. */
#ifndef HARNESS_LEDGER_H
#define HARNESS_LEDGER_H

#include "harness/answers.h"
#include "harness/state.h"

struct assay_ledger {
	struct assay_challenge challenge;
	struct assay_answers answers; /* which keeps itself */
	char path[ASSAY_PATH_MAX];    /* NAME.exchange.jsonl */
	int lock;
};

/* "NAME.exchange.jsonl" of "NAME.challenge.json", or of another name with that ending added; false when it is too long.
 */
bool assay_ledger_path(char path[ASSAY_PATH_MAX], const char *challenge);

/* Opens a challenge that this key has signed, expired or not, and what was answered to it. `secret` must outlast the
 * ledger, which does not move meanwhile. Errors: exchange.busy (another process answers it), exchange.state (what was
 * answered is damaged, cut off or of another challenge: what was lost may have been given out); challenge.*, io.*,
 * memory. To be closed also after an error. */
enum assay_status assay_ledger_open(struct assay_ledger *ledger, const char *challenge,
                                    const struct assay_secret *secret, struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_ledger_close(struct assay_ledger *ledger);

#endif
