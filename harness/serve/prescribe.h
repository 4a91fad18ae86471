/* SPDX-License-Identifier: Apache-2.0
 *
 * What a token asks for, as the text that the store keeps. */
#ifndef HARNESS_SERVE_PRESCRIBE_H
#define HARNESS_SERVE_PRESCRIBE_H

#include "harness/ask.h"
#include "harness/serve/store.h"
#include "verify/json.h"

/* Errors: token.terms (too long). */
enum assay_status assay_prescribe_text(char text[ASSAY_TERMS_MAX], const struct assay_ask *ask,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* The ask's texts are those of *root, which is to be released with json_decref. Errors: store.failed. */
enum assay_status assay_prescribe_read(struct assay_ask *ask, json_t **root, const char *text,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* The same for people: "standard, all workloads, 8 devices of 80 GiB, 256 samples, within 24 h". */
enum { ASSAY_PRESCRIBE_WORDS_MAX = 2 * ASSAY_TERMS_MAX };
void assay_prescribe_words(char words[ASSAY_PRESCRIBE_WORDS_MAX], const char *text);

#endif
