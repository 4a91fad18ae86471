/* SPDX-License-Identifier: Apache-2.0
 *
 * A verifier's server as a prover sees it (SPEC 4.6): requests that may be repeated, and are until there is an answer,
 * with growing pauses; refusals with their reasons. */
#ifndef HARNESS_REMOTE_H
#define HARNESS_REMOTE_H

#include "harness/client.h"

enum { ASSAY_URL_MAX = 512 };

struct assay_remote {
	/* The caller's; what follows `remark` may change between requests. */
	const char *url;         /* https://HOST[:PORT][/PATH]; http:// only to this machine itself */
	const char *ca;          /* a PEM file; NULL: $ASSAY_CA_FILE, else the system's authorities */
	const atomic_bool *stop; /* may be NULL */
	void (*remark)(const struct assay_error *why); /* that an answer is waited for; may be NULL */
	uint64_t expires; /* of the challenge, in seconds since 1970; 0: there is none yet */
	uint64_t until;   /* no longer tried again then; 0: when the challenge has expired, or a minute after a request
	                     began */
	uint32_t timeout_ms; /* of a small request; 0: the default */
	uint32_t tries;      /* so many answers that are none make an error; 0: the default */

	char base[ASSAY_URL_MAX]; /* the URL without a / at its end */
	struct assay_client *client;
	uint64_t answered_ns; /* when the last answer came, by assay_clock_ns; 0: none did */
};

struct assay_remote_request {
	const char *path; /* "/v1/key" */
	const char *type, *bearer, *body;
	size_t len;
	FILE *file;
	uint64_t file_bytes;
	size_t answer_max;
	/* The time of a segment runs until there is an answer: it is tried again soon, after at most 0.4 s or a
	 * sixteenth of the time that has passed, and what stalls is given up earlier. */
	bool is_timed;
	uint32_t ok, ok_too; /* 200, and another status that is an answer, or 0 */
	/* Whether it is an answer to this: what a confused or hostile proxy says instead is asked for again, and comes
	 * to the caller after so many times. May be NULL. */
	bool (*fits)(const void *context, const struct assay_client_answer *answer);
	const void *context;
};

/* Whether a --verifier is a URL and not a file. */
bool assay_remote_is_url(const char *text);

/* Errors: verifier.url, verifier.library, verifier.ca, memory. Always to be closed. */
enum assay_status assay_remote_open(struct assay_remote *remote, struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_remote_close(struct assay_remote *remote);

/* Asks until there is an answer of status `ok` or `ok_too`: its body is to be released with free(). Errors: the reason
 * that the server gives, or verifier.refused when it gives none; verifier.unreachable, or exchange.expired where a
 * challenge did; verifier.redirect, verifier.answer; those of assay_client_ask. */
enum assay_status assay_remote_ask(struct assay_remote *remote, const struct assay_remote_request *request,
                                   struct assay_client_answer *answer, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Makes the connection, unless something came over it a moment ago: what follows does not wait for that. */
void assay_remote_warm(struct assay_remote *remote);

/* Milliseconds, slept through in parts. False once *stop is true. */
bool assay_remote_pause(const struct assay_remote *remote, uint64_t ms);

#endif
