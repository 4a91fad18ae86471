/* SPDX-License-Identifier: Apache-2.0
 *
 * The world of fuzz_client.c: a server that says what an input says, over real connections of the real libcurl, and
 * a clock that only waiting moves. */
#ifndef HARNESS_TEST_FUZZ_CLIENT_H
#define HARNESS_TEST_FUZZ_CLIENT_H

#include "harness/answers.h"
#include "harness/fetched.h"
#include "verify/test/fuzz.h"

enum { FUZZ_EXPIRES_S = 600, FUZZ_REPLY_MAX = 1 << 18 };

#define FUZZ_HOST "127.0.0.1:8443"
#define FUZZ_URL "http://" FUZZ_HOST
#define FUZZ_TOKEN "assay1_a-token-that-nobody-else-may-see"

/* Of one input. */
struct fuzz_world {
	/* What the server still has to say: records with 0x1e between two; it is honest when there is none left. */
	const uint8_t *script;
	size_t script_len;
	bool liar;            /* the verifier itself: its key signed what an honest one does not */
	uint64_t now_ns;      /* since 1970 */
	uint64_t deadline_ns; /* no request begins later, unless it is the first one since this was set */
	bool is_first;

	struct assay_challenge challenge;
	char *challenge_text, *sealed, id[65];
	struct assay_answers answers;
};
extern struct fuzz_world fuzz_world;

/* The keys, which stay. */
extern struct assay_secret fuzz_prover, fuzz_verifier, fuzz_stranger;

/* Of the message in the last request, or 7 in each byte: what a server can know of a job. */
extern uint8_t fuzz_job[32], fuzz_commit[32];

/* Once: the keys, the clock, the server's thread. */
void fuzz_world_make(void);

/* For each input. */
void fuzz_world_begin(const uint8_t *script, size_t len);
void fuzz_world_end(void);

/* Requests from now on begin before so many seconds have passed. */
void fuzz_deadline(uint64_t seconds);

/* What an honest server would answer, and what the script makes of it, as bytes for a connection; `head` and `body` are
 * the request. (fuzz_client_script.c) */
struct fuzz_text {
	char bytes[FUZZ_REPLY_MAX + 1];
	size_t len;
};
void fuzz_honest(struct fuzz_text *reply, const char *head, const char *body, size_t len);
void fuzz_scripted(struct fuzz_text *reply, const uint8_t *record, size_t record_len, const char *body, size_t len);

#endif
