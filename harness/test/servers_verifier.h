/* SPDX-License-Identifier: Apache-2.0
 *
 * What the server of servers.h says when nothing goes wrong. */
#ifndef HARNESS_TEST_SERVERS_VERIFIER_H
#define HARNESS_TEST_SERVERS_VERIFIER_H

#include "harness/test/servers.h"

struct server_request {
	char head[8192], *body;
	size_t len; /* of the body */
};

struct server_reply {
	int status;
	const char *text;
	const char *more; /* header lines */
};

extern struct assay_secret server_stranger;

/* Before the server starts. */
void server_challenge_make(void);
void server_challenge_free(void);

struct server_reply server_handle(enum server_route route, const struct server_request *request);
struct server_reply server_refuse(int status, const char *reason, const char *why);

/* The receipt, signed by a stranger; to be released with free(). */
char *server_forge(const char *receipt);

#endif
