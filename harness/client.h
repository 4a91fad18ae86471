/* SPDX-License-Identifier: Apache-2.0
 *
 * One request over HTTP and its answer, over a connection that stays open from request to request. HTTPS is verified,
 * and nothing turns that off; no redirect is followed; what arrives is bounded while it arrives. */
#ifndef HARNESS_CLIENT_H
#define HARNESS_CLIENT_H

#include <stdatomic.h>
#include <stdio.h>

#include "verify/bytes.h"

enum {
	ASSAY_CLIENT_REFUSAL_MAX = 16384, /* bytes of an answer that is not 2xx */
	ASSAY_CLIENT_HEADERS_MAX = 65536, /* bytes of an answer's head */
};

struct assay_client;

struct assay_client_request {
	const char *url;
	const char *type;   /* of the body */
	const char *bearer; /* a token, or NULL */
	const char *body;   /* of a POST, `len` bytes; a GET has neither body nor file */
	size_t len;
	FILE *file; /* of a PUT, from its beginning on, `file_bytes` */
	uint64_t file_bytes;
	size_t answer_max; /* bytes of an answer that is 2xx */
	uint32_t timeout_ms;
};

struct assay_client_answer {
	uint32_t status;        /* 0: none came; `cause` says why */
	uint32_t retry_after_s; /* 0: not said */
	bool too_long;          /* it went on after its bound, and is cut there */
	char *body;             /* `len` bytes and a terminator, to be released with free(); may be NULL */
	size_t len;
	char cause[200];
};

/* `ca`: the only authorities that are trusted, as a PEM file, else (NULL) the system's. `plain`: http:// and only that,
 * never by way of a proxy; else https:// and only that. Requests end early once *stop is true (may be NULL). Errors:
 * verifier.library, verifier.ca, memory. */
enum assay_status assay_client_open(struct assay_client **client, const char *ca, bool plain, const atomic_bool *stop,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* One attempt. No answer is no error. Errors: verifier.certificate, verifier.ca; run.interrupted; memory. */
enum assay_status assay_client_ask(struct assay_client *client, const struct assay_client_request *request,
                                   struct assay_client_answer *answer, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Takes NULL. */
void assay_client_close(struct assay_client *client);

#endif
