/* SPDX-License-Identifier: Apache-2.0
 *
 * One request from its head to its reply, without HTTP: what http.c does with libmicrohttpd, a fuzzer does without. */
#ifndef HARNESS_SERVE_CALL_H
#define HARNESS_SERVE_CALL_H

#include "harness/serve/routes.h"

enum {
	ASSAY_DRAIN_BYTES_MAX = 1 << 20, /* of the body of a refused request that is still read, so that the refusal
	                                    is seen */
};

/* What was said before the body. Headers are NULL where there are none. */
struct assay_head {
	const char *method, *path;
	const char *authorization, *length, *transfer, *encoding, *type;
};

struct assay_call {
	struct assay_request request;
	struct assay_reply reply; /* status > 0: a refusal, before all of the body has come */
	size_t number;            /* of the route, or SIZE_MAX */
	uint64_t to_come;         /* bytes of the body, as its head says; 0 when that is no number */
	char body[ASSAY_SMALL_BYTES_MAX + 1];
};

/* Fills a zeroed call. What `head` points to must outlast it. */
void assay_call_begin(struct assay_server *server, struct assay_call *call, const struct assay_head *head);

/* Whether it is answered without reading its body. */
bool assay_call_is_over(const struct assay_call *call, const struct assay_head *head);

/* The next part of the body. */
void assay_call_take(struct assay_call *call, const void *data, size_t len);

/* All of it has come: there is a reply afterwards, and nothing else that the call holds. */
void assay_call_answer(struct assay_server *server, struct assay_call *call);

/* Gives back what it holds but the reply. Once more does nothing. */
void assay_call_release(struct assay_server *server, struct assay_call *call);

#endif
