/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-serve under test: the program itself on a port of its own, requests by bare sockets, and a prover that speaks
 * to it. Files are below support_path(). */
#ifndef HARNESS_TEST_SERVING_H
#define HARNESS_TEST_SERVING_H

#include "harness/secret.h"
#include "harness/serve/store.h"
#include "verify/exchange.h"

struct serving {
	pid_t child;
	uint16_t port;
	char token[80];
	struct assay_secret verifier, prover;
};

/* What a token asks for in most tests: sha256 for a second, and a draw of 128. */
#define SERVING_TERMS "--devices 1 --memory cpu -p quick -w sha256 --duration 1s --samples 128 --expires 60s"

/* Keys, a token named "one" of SERVING_TERMS and more of these words, no server. In a directory of its own. */
void serving_enter(struct serving *serving, const char *terms);
/* A server with these further options; waits until it listens. */
void serving_start(struct serving *serving, const char *options);
/* Ends it by a signal; its exit status as a shell shows it. */
int serving_end(struct serving *serving, int number);
/* Ends what runs, checks the store, removes the directory. */
void serving_leave(struct serving *serving);

/* Something is done to the store, from outside. */
void serving_sql(const char *sql);
/* Files in the store whose names begin like that. */
unsigned serving_objects(const char *begin);
/* The first value that a question has as its answer, to be released with free(). */
char *serving_told(const char *question);
unsigned serving_counted(const char *question); /* a number */

struct serving_reply {
	unsigned status; /* 0 = the connection ended before */
	char head[2048];
	char *body; /* with a terminator; to be released by serving_free */
	size_t len;
};

/* A connection, -1 when there is none; what is sent and received on it. */
int serving_connect(const struct serving *serving);
int serving_connect_from(const struct serving *serving, const char *address); /* of this machine: 127.0.0.2 */
bool serving_send(int connection, const void *data, size_t len);
struct serving_reply serving_receive(int connection); /* to its end, and closes it */

/* One request on a connection of its own. `headers` are whole lines ("A: b\r\n"), or "". `body` may be NULL. */
struct serving_reply serving_ask(const struct serving *serving, const char *method, const char *path,
                                 const char *headers, const void *body, size_t len);
struct serving_reply serving_get(const struct serving *serving, const char *path);
void serving_free(struct serving_reply *reply);

/* That the reply is this refusal, as JSON; or this success. Both release it. */
void serving_refused(struct serving_reply reply, unsigned status, const char *reason);
void serving_is(struct serving_reply reply, unsigned status, const void *body, size_t len);

/* A key's record, good until the next call. */
const char *serving_key_path(const struct assay_secret *secret);

/* A member of a JSON object at a path, good until the next call: "" for null. */
const char *serving_member(const struct serving *serving, const char *path, const char *member);
/* Waits until a member has that value; false after ten seconds. */
bool serving_wait(const struct serving *serving, const char *path, const char *member, const char *value);

/* ---- A prover ---- */

struct served {
	const struct serving *serving;
	const struct assay_secret *key;
	struct assay_challenge challenge;
	char *sealed, *payload, id[ASSAY_HEX_MAX], path[256];
	uint8_t digest[32], job[32], commit[32], nonces[ASSAY_SEGMENTS_MAX + 1][32];
	char *devices, *receipts; /* all of them */
	char *transcript, *attestation;
	size_t transcript_len;
	bool idle; /* set after served_open: it answers in time, and does not one round */
};

char *serving_request(const struct assay_secret *key, const uint8_t verifier[ASSAY_KEY_BYTES]);
struct serving_reply serving_post(const struct serving *serving, const struct assay_secret *key);

/* A challenge for this key, which must be `status` (201 new, 200 again). */
void served_open(struct served *served, const struct serving *serving, const struct assay_secret *key, unsigned status);
void served_close(struct served *served);

/* A path below that of the challenge, good until the fourth next call. */
const char *served_path(const struct served *served, const char *name);

/* The message of a step, sealed by its key, to be released with free(). */
char *served_message(const struct served *served, uint32_t number);
struct serving_reply served_say(const struct served *served, uint32_t number);
/* Says it, and takes the receipt. */
void served_step(struct served *served, uint32_t number);

/* All steps without any work. */
void served_exchange(struct served *served);
/* An attestation, and a transcript that ends with its header, of this magic and challenge. */
void served_show(struct served *served, const char *magic, const char *challenge);
/* All steps without any work, and these of its challenge. */
void served_pretend(struct served *served);
/* All steps with the work, by the cpu with as few rounds as there may be, and both files. */
void served_work(struct served *served);
/* A file is put; both are, and taken. */
struct serving_reply served_put(const struct served *served, const char *name, const char *body, size_t len);
void served_submit(struct served *served);

#endif
