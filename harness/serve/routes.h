/* SPDX-License-Identifier: Apache-2.0
 *
 * The requests of SPEC 4.6, and who answers them. */
#ifndef HARNESS_SERVE_ROUTES_H
#define HARNESS_SERVE_ROUTES_H

#include "harness/serve/reply.h"
#include "harness/serve/server.h"

struct assay_request;
typedef void assay_handler(struct assay_server *server, struct assay_request *request, struct assay_reply *reply);

struct assay_route {
	const char *method, *path; /* as openapi.json has it: "/v1/challenges/{id}/messages" */
	assay_handler *begin;      /* before the body, or NULL; a reply ends the request */
	assay_handler *handler;    /* after it */
	bool streams;              /* the body goes to a file */
	bool takes;                /* it has a body, of at most ASSAY_SMALL_BYTES_MAX unless it streams */
};

struct assay_request {
	const struct assay_route *route;
	char id[ASSAY_HEX_MAX];    /* of the path, or "" */
	const char *authorization; /* the header, or NULL */
	const char *body;
	size_t len;
	uint64_t most; /* bytes of a body that streams; `begin` says */
	struct assay_incoming incoming;
	bool uploads;        /* it holds one of server->uploads */
	uint64_t arrived_ns; /* when all of it had come, since 1970 */
};

extern const struct assay_route assay_routes[]; /* ended by a NULL method */

/* The route and the id in the path; NULL, and why: path.unknown; or method.unknown, with the methods that there are in
 * `allow`. */
const struct assay_route *assay_route_find(const char *method, const char *path, char id[ASSAY_HEX_MAX],
                                           const char **allow);
size_t assay_routes_count(void);

/* Handlers. A begin function of uploads takes a place in server->uploads, which assay_upload_release gives back. */
assay_handler assay_handle_key, assay_handle_issue, assay_handle_message, assay_begin_attestation,
    assay_handle_attestation, assay_begin_transcript, assay_handle_transcript, assay_handle_state,
    assay_handle_challenge, assay_handle_receipts, assay_handle_attestation_get, assay_handle_transcript_get,
    assay_handle_verdict, assay_handle_holder, assay_handle_revocations, assay_handle_openapi, assay_handle_health,
    assay_handle_metrics;

void assay_upload_release(struct assay_server *server, struct assay_request *request);

/* ---- What handlers share (show.c, exchange.c, upload.c) ---- */

/* Under server->mutex: the challenge of the request. False, and a refusal: challenge.unknown, errors of the store. */
bool assay_entry_find(struct assay_server *server, const struct assay_request *request, struct assay_entry *entry,
                      struct assay_reply *reply);

/* "issued", "begun", "drawn", "submitted", "judged", "silent", "unfinished", "expired". */
const char *assay_state_name(const struct assay_entry *entry);
json_t *assay_state_json(const struct assay_entry *entry);

/* The receipts so far, one line after the other, to be released with free(). Under server->mutex. */
enum assay_status assay_receipts_join(struct assay_server *server, const char *id, char **text, size_t *len,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* The refusal of what was there. */
#define ASSAY_OBJECT_PRUNED \
	"object.pruned", "it was too old to be kept: ask the prover for its copy; what it came to is still told"

/* Whether all of its files have come. */
bool assay_entry_is_complete(const struct assay_entry *entry);

/* Whether an entry had expired at this time, in nanoseconds since 1970. */
bool assay_entry_over(const struct assay_entry *entry, uint64_t at_ns);
/* When its files are no longer taken: that time has come, and the server was there all the while; or it was not, and
 * has been back for limits.late_s. Nothing else than silence hangs on when they come: what they open was committed. */
bool assay_entry_late(const struct assay_server *server, const struct assay_entry *entry, uint64_t at_ns);
/* Under limits.late_s after the server's start: then; else 0. What was issued before it may come late. */
uint64_t assay_late_since_s(const struct assay_server *server, uint64_t at_ns);

/* The challenge of an entry, and the digest of its payload. Under server->mutex. */
enum assay_status assay_entry_challenge(struct assay_server *server, const char *id, struct assay_challenge *challenge,
                                        uint8_t digest[32], struct assay_error *error) ASSAY_CHECK_RESULT;

extern const unsigned char assay_openapi[];
extern const size_t assay_openapi_len;

#endif
