/* SPDX-License-Identifier: Apache-2.0
 *
 * How a message reaches a verifier, and its receipt comes back (SPEC 4.5). */
#ifndef HARNESS_LINK_H
#define HARNESS_LINK_H

#include <stdatomic.h>

#include "verify/exchange.h"

struct assay_exchange;
struct assay_remote;

struct assay_link {
	/* Sends a line, which has been sent before when the process was killed meanwhile, and waits for what answers
	 * step `number`: a line to be released with free(). Errors: exchange.*, io.*; run.interrupted once *stop is
	 * true. */
	enum assay_status (*ask)(void *context, uint32_t number, const char *message, char **receipt,
	                         struct assay_error *error);
	void *context;
};

/* By two files, which somebody carries or a program looks at: messages are added to PREFIX.messages.jsonl, and
 * PREFIX.receipts.jsonl is looked at until it has one line more. */
struct assay_link_files {
	const char *prefix;
	uint64_t expires;        /* of the challenge, in seconds since 1970: nothing comes after it */
	const atomic_bool *stop; /* may be NULL */
};
struct assay_link assay_link_files(struct assay_link_files *files);

/* By requests to a server. */
struct assay_link_http {
	struct assay_remote *remote;
	const struct assay_exchange *exchange; /* whose receipts they are */
	char id[65];                           /* of the challenge */
};
struct assay_link assay_link_http(struct assay_link_http *http);

#endif
