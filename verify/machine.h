/* SPDX-License-Identifier: Apache-2.0
 *
 * What somebody claims of a machine (SPEC 10.6, 10.7), to be held against what its prover showed. Not what a prover
 * claims in an attestation: that is claims.h. */
#ifndef VERIFY_MACHINE_H
#define VERIFY_MACHINE_H

#include <jansson.h>

#include "verify/catalogue.h"

enum { ASSAY_CLAIM_TEXT_MAX = 144, ASSAY_CLAIM_BYTES_MAX = 65536 };

struct assay_machine_claim {
	char vendor[33], model[33], interface[33]; /* the last one may be "" */
	uint64_t memory_bytes;                     /* of the label; 0 = not said */
	uint32_t count;                            /* devices */
	uint64_t minimum[ASSAY_CEILING_COUNT];     /* units a second; 0 = not said */
};

struct assay_claims {
	struct assay_catalogue *catalogue;
	uint32_t count;
	struct assay_machine_claim claims[ASSAY_CLAIMS_MAX];
};

/* "nvidia/h100/80Gi/sxm x8". */
void assay_machine_claim_text(char text[ASSAY_CLAIM_TEXT_MAX], const struct assay_machine_claim *claim);

/* The text of a claim that somebody names: a line itself, or what is in a file that ends in .json; to be released with
 * free(). Errors: ASSAY_ERROR_IO, ASSAY_ERROR_INPUT (claim.malformed), ASSAY_ERROR_MEMORY. */
enum assay_status assay_claim_source(char **text, size_t *len, const char *name,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* Adds what a text says, in a form of SPEC 10.7, to claims that already hold some; `name` stands in errors. Errors:
 * ASSAY_ERROR_INPUT (claim.malformed), ASSAY_ERROR_MEMORY. */
enum assay_status assay_claims_add(struct assay_claims *claims, const char *name, const char *text, size_t len,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

/* The parts of which the forms are made; false when they are not such parts. A missing word is "". */
bool assay_claim_words_set(struct assay_machine_claim *claim, const char *vendor, const char *model, const char *memory,
                           const char *interface);
bool assay_claim_line(struct assay_machine_claim *claim, const char *line);      /* any form that is a line */
bool assay_claim_attribute(struct assay_machine_claim *claim, const char *line); /* "...vendor/nvidia/model/h100" */
bool assay_claims_json(struct assay_claims *claims, const json_t *root);

/* Holds a verdict's devices against its claims and fills what came of it, with the check. */
void assay_claims_judge(struct assay_verdict *verdict);

/* In words for people: of a claim, false when there is no such one or it was not looked at; and of a device that
 * belongs to one. */
bool assay_claim_result_words(char text[480], const struct assay_verdict *verdict, uint32_t claim);
void assay_claimed_device_words(char text[480], const struct assay_verdict *verdict, uint32_t device);

/* "A, B, C and 3 more": of a catalogue. */
void assay_models_words(char text[180], const struct assay_catalogue *catalogue, const bool which[ASSAY_MODELS_MAX]);

/* The members `claims` and `catalogue` of SPEC 10.11, to be released with json_decref. */
json_t *assay_claims_verdict_json(const struct assay_verdict *verdict);
json_t *assay_claims_catalogue_json(const struct assay_verdict *verdict);

#endif
