/* SPDX-License-Identifier: Apache-2.0
 *
 * A verifier's server (SPEC 4.6) for tests of the prover's side: a process of its own on 127.0.0.1, with real receipts
 * and real verdicts, and whatever can go wrong between it and a prover. */
#ifndef HARNESS_TEST_SERVERS_H
#define HARNESS_TEST_SERVERS_H

#include <stdatomic.h>

#include "harness/answers.h"

enum server_route {
	SERVER_KEY,
	SERVER_CHALLENGES,
	SERVER_MESSAGES,
	SERVER_ATTESTATION,
	SERVER_TRANSCRIPT,
	SERVER_VERDICT,
	SERVER_RECEIPTS,
	SERVER_ROUTES
};

enum server_fault {
	SERVER_RIGHT,
	SERVER_DROP_BEFORE,  /* the request did not go through */
	SERVER_DROP_AFTER,   /* it did, and the answer is lost */
	SERVER_TRUNCATE,     /* half an answer */
	SERVER_CUT,          /* half an answer, that looks whole */
	SERVER_DELAY,        /* 300 ms */
	SERVER_TWICE,        /* it goes through twice */
	SERVER_OLD,          /* answered with what was answered before */
	SERVER_EMPTY,        /* 200, and no bytes */
	SERVER_GARBAGE,      /* 200, and other bytes */
	SERVER_NO_HTTP,      /* bytes that are not HTTP */
	SERVER_ENDLESS,      /* 200, and bytes without end */
	SERVER_ENDLESS_HEAD, /* a head without end */
	SERVER_TRICKLE,      /* a byte now and then */
	SERVER_BUSY,         /* 503 */
	SERVER_LATER,        /* 503, again after five seconds */
	SERVER_TOO_MANY,     /* 429, again after a second */
	SERVER_QUOTA,        /* 429, a reason, again after most of a day */
	SERVER_TIMEOUT,      /* 408 */
	SERVER_REDIRECT,     /* 302 to another server */
	SERVER_HTML,         /* 404, and a page */
	SERVER_REFUSE,       /* 403, a reason, and a text that is no text for a terminal */
	SERVER_FOLDED,       /* 200, and a first header that begins with a space */
	SERVER_POSE,         /* 409, and a reason that is this machine's own */
	SERVER_LINES,        /* the right answer, which is JSON, in several lines */
	SERVER_EXPIRED,      /* 410 */
	SERVER_FORGED,       /* a receipt that another key signed */
	SERVER_FAULTS
};

enum { SERVER_FAULTS_MAX = 32 };

/* In memory that the test and the server share. */
struct server {
	/* The test's, before the server starts; zeroes: nothing goes wrong. The challenge is one segment of a second.
	 */
	uint64_t expires;     /* seconds since 1970; 0: in ten minutes */
	bool other_key;       /* it shows another key than it signs with */
	bool other_challenge; /* another key signs the challenge */
	uint32_t pending;     /* so many times there is no verdict yet */

	/* Changed at any time: what becomes of the next requests of this kind. */
	_Atomic enum server_route at;
	_Atomic enum server_fault faults[SERVER_FAULTS_MAX];
	atomic_uint fault_count;

	/* The server's. */
	uint16_t port;
	atomic_uint connections, requests[SERVER_ROUTES];
	atomic_uint answered; /* receipts that there are */
	atomic_bool token_elsewhere, agent_wrong;
	char id[65];
};
extern struct server *server;

/* The keys: written to `provider` and `verifier` in the test's directory. */
extern struct assay_secret server_prover, server_verifier;
#define SERVER_TOKEN "tok-en.1~+/="

/* support_enter, and the above. */
void server_enter(void);
void server_leave(void);

/* Starts it; its port, URL and challenge are known then. */
void server_start(void);
const char *server_url(void);

/* The next requests of a kind: faults, SERVER_RIGHT ends them. */
void server_fail(enum server_route at, uint32_t count, const enum server_fault *faults);

#endif
