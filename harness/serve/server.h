/* SPDX-License-Identifier: Apache-2.0
 *
 * The verifier as a server (SPEC 4.6): what its parts share. http.c speaks HTTP and calls the handlers of routes.c; the
 * handlers know requests and replies, and no socket. */
#ifndef HARNESS_SERVE_SERVER_H
#define HARNESS_SERVE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "harness/secret.h"
#include "harness/serve/metrics.h"
#include "harness/serve/objects.h"
#include "verify/catalogue.h"
#include "verify/exchange.h"

enum {
	ASSAY_SMALL_BYTES_MAX = ASSAY_STEP_LINE_MAX - 1, /* of a message or a request, with its newline */
	ASSAY_UNDER_WAY_MAX = 10000,                     /* challenges of all keys that have not expired */
	ASSAY_GRACE_S = 2, /* after its end a challenge is given this long until its silence counts: for what has come
	                      but is not on the disk yet */
	ASSAY_VERIFIERS_MAX = 32,
	ASSAY_ATTEMPTS_MAX = 5,  /* at a verification that cannot be done */
	ASSAY_UPLOADS_MAX = 256, /* at a time */
};

struct assay_limits {
	uint64_t transcript_bytes;         /* of a transcript, whatever its challenge allows */
	uint64_t reserve_bytes;            /* with less room on the disk there are no new challenges */
	uint32_t key_challenges;           /* under way, of a key */
	uint32_t connections, per_address; /* at a time */
	uint32_t header_s, body_s;         /* for the headers, and for a small body; longer ones get more */
	uint32_t idle_s;                   /* for the next request and its headers: a segment lies between two */
	uint32_t verifiers;                /* threads that verify */
	uint32_t retry_s; /* after a verification that could not be done; then twice as long, and so on */
	uint32_t late_s;  /* after a start: files are taken whose time ended while the server was away */
};

struct assay_server {
	struct assay_secret secret;
	char keyid[ASSAY_HEX_MAX];
	uint8_t keyid_bytes[32];
	struct assay_limits limits;
	uint64_t started_s;
	struct assay_objects objects;
	struct assay_metrics metrics;
	struct assay_catalogue *catalogue; /* that claims about machines are held against */

	/* Of the store, and of what follows. Answers to one challenge come one after the other that way. */
	pthread_mutex_t mutex;
	struct assay_store *store;
	char uploads[ASSAY_UPLOADS_MAX][ASSAY_HEX_MAX];   /* challenges whose files are coming; "" = a free place */
	char judging[ASSAY_VERIFIERS_MAX][ASSAY_HEX_MAX]; /* that are being verified, by thread */
	struct assay_totals totals;                       /* as of a moment ago (show.c) */
	uint64_t totals_until_ns;
	pthread_cond_t work; /* there is something to verify, or the end */
	atomic_bool stopping;
};

uint64_t assay_now_ns(void); /* since 1970 */

/* One line on standard error: time, event, and up to 16 digits of a challenge or key (may be ""). */
void assay_log(const char *event, const char *id, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- What is told of keys (show.c) ---- */

/* A time, null for 0; a key with what became of its challenges. NULL when out of memory. */
json_t *assay_time_json(uint64_t seconds);
json_t *assay_holder_json(const struct assay_holder *holder);

/* ---- Verifying (judge.c) ---- */

/* Starts limits.verifiers threads that verify what is submitted, and one that ends what has expired. */
enum assay_status assay_judges_start(struct assay_server *server, struct assay_error *error) ASSAY_CHECK_RESULT;
/* After `stopping`: waits for the file at hand. */
void assay_judges_join(struct assay_server *server);

/* Before the threads: ends what is open in a store that was restored from a copy. What was answered since is not known,
 * and a challenge is answered once. */
enum assay_status assay_judges_restored(struct assay_server *server, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Once: ends what has expired. */
void assay_judges_sweep(struct assay_server *server);

#endif
