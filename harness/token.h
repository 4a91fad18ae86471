/* SPDX-License-Identifier: Apache-2.0
 *
 * The token with which a prover asks a server for a challenge (SPEC 4.6). It comes from a file that nobody else can
 * read, or from the environment, and is never an argument, printed, or left to a child process. */
#ifndef HARNESS_TOKEN_H
#define HARNESS_TOKEN_H

#include "verify/bytes.h"

enum { ASSAY_TOKEN_MAX = 512 };

/* Takes $ASSAY_TOKEN out of the environment, where children and /proc would show it. Once, before anything else. */
void assay_token_hide(void);

/* From the file `path`; NULL: from $ASSAY_TOKEN_FILE, else what assay_token_hide took. Errors: token.missing,
 * token.mode (others than the owner can read the file), token.malformed; io.open. To be forgotten, also after an
 * error. */
enum assay_status assay_token_get(char token[ASSAY_TOKEN_MAX + 1], const char *path,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* This one, and what was taken. */
void assay_token_forget(char token[ASSAY_TOKEN_MAX + 1]);

#endif
