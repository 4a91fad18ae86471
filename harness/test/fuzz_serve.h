/* SPDX-License-Identifier: Apache-2.0
 *
 * The server of fuzz_serve.c, with a store that has a challenge in each state. */
#ifndef HARNESS_TEST_FUZZ_SERVE_H
#define HARNESS_TEST_FUZZ_SERVE_H

#include "harness/serve/server.h"
#include "harness/serve/store.h"
#include "verify/test/fuzz.h"

#define FUZZ_TOKEN "assay1_fuzz"

/* States of a challenge: @0 to @5 in an input. */
enum { FUZZ_ISSUED, FUZZ_BEGUN, FUZZ_DRAWN, FUZZ_ATTESTED, FUZZ_SUBMITTED, FUZZ_SILENT, FUZZ_STATES };

extern struct assay_server fuzz_server;
extern struct assay_secret fuzz_prover, fuzz_stranger;
/* Of the challenge in each state; the prover's key and its keyid. */
extern char fuzz_ids[FUZZ_STATES][ASSAY_HEX_MAX], fuzz_key[65], fuzz_keyid[65];
/* The beginning of one for each challenge, and its digest. */
extern struct fuzz_transcript {
	char bytes[4096], digest[ASSAY_HEX_MAX];
	size_t len;
} fuzz_transcripts[FUZZ_STATES];

/* Once: the server, and a challenge in each state, as requests bring it there. */
void fuzz_server_make(void);

/* After each input: as at first. */
void fuzz_server_reset(void);

/* One request, as an input has it (fuzz_serve.c). */
void fuzz_request(const uint8_t *data, size_t len);

#endif
