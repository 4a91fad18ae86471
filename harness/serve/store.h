/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server remembers: tokens, keys, challenges, and what was said about each. Nothing outside store_sqlite*.c
 * knows how; another database takes their place. A store is used by one thread at a time; other processes may use the
 * same one. What a function has changed when it returns ASSAY_OK, or when the transaction around it ends, outlasts the
 * machine.
 *
 * Errors of all functions: store.busy (another process writes for too long), store.full, store.failed, memory. Times
 * are seconds since 1970. Digests are 64 hex digits, "" where there is none. */
#ifndef HARNESS_SERVE_STORE_H
#define HARNESS_SERVE_STORE_H

#include "verify/bytes.h"

struct assay_store;

/* A reason and its text: neither the database nor a file can grow. */
#define ASSAY_STORE_FULL                                                                                        \
	"store.full",                                                                                           \
	    "the server's disk is full: try again later, or tell its operator, who makes room by `assay serve " \
	    "prune`"

enum {
	ASSAY_HEX_MAX = 65,     /* with the terminator */
	ASSAY_NAME_MAX = 65,    /* of a token */
	ASSAY_WHY_MAX = 201,    /* why something was revoked */
	ASSAY_TERMS_MAX = 512,  /* what a token asks for, as text */
	ASSAY_ENTRIES_MAX = 64, /* of one question */
	ASSAY_STORE_WAIT_MS = 5000,
	ASSAY_DAY_S = 86400,
	ASSAY_PRUNE_MAX = 16, /* challenges and files of one transaction */
};

/* What became of a challenge. The first one is told apart by its steps. */
enum assay_stage {
	ASSAY_STAGE_OPEN,
	ASSAY_STAGE_SUBMITTED,  /* complete, not verified */
	ASSAY_STAGE_JUDGED,     /* verified */
	ASSAY_STAGE_SILENT,     /* had everything, and did not open */
	ASSAY_STAGE_UNFINISHED, /* begun */
	ASSAY_STAGE_EXPIRED,    /* not begun */
	ASSAY_STAGE_COUNT
};

/* How much is no longer kept of a challenge that has ended. */
enum assay_pruned {
	ASSAY_PRUNED_NOTHING,
	ASSAY_PRUNED_TRANSCRIPT,
	ASSAY_PRUNED_ALL, /* but what it came to: no file, not the challenge, nothing that was said */
};

struct assay_token {
	char name[ASSAY_NAME_MAX], terms[ASSAY_TERMS_MAX];
	uint32_t keys_max, keys; /* that may use it; that do */
	uint32_t per_day, day; /* challenges: 0 = any number; of the last ASSAY_DAY_S, counted when they are bounded */
	uint64_t day_first_s;  /* the first of these */
	uint64_t made_s, revoked_s; /* revoked_s: 0 = it is not */
	char why[ASSAY_WHY_MAX];
};

/* Outcomes by enum assay_outcome, whose values are below 5. */
struct assay_holder {
	char keyid[ASSAY_HEX_MAX];
	uint64_t enrolled_s, revoked_s;
	char why[ASSAY_WHY_MAX];
	uint64_t stages[ASSAY_STAGE_COUNT], outcomes[5];
	uint64_t drawn;      /* challenges of which it has all receipts, and the files are not there yet */
	uint64_t collisions; /* ids of its devices that another key has shown too */
};

struct assay_entry {
	char id[ASSAY_HEX_MAX], keyid[ASSAY_HEX_MAX], token[ASSAY_NAME_MAX];
	uint8_t key[ASSAY_KEY_BYTES];
	bool revoked; /* the key is */
	uint64_t issued_s, expires_s, ended_s;
	uint32_t steps, total;
	enum assay_stage stage;
	enum assay_pruned pruned;
	uint32_t attempts; /* at its verification */
	char attestation[ASSAY_HEX_MAX],
	    transcript[ASSAY_HEX_MAX];                        /* objects; the transcript that the attestation names */
	char receipts[ASSAY_HEX_MAX], verdict[ASSAY_HEX_MAX]; /* objects */
	char outcome[16], reason[40];                         /* of the verdict */
};

/* Opens the store in a directory that is there; with `create` makes it. Errors: store.missing, store.version (a newer
 * program made it). */
enum assay_status assay_store_open(struct assay_store **store, const char *directory, bool create,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_store_close(struct assay_store *store);

/* The keyid whose challenges these are: taken when there was none, else errors store.key. */
enum assay_status assay_store_own(struct assay_store *store, const char *keyid,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* That it can be written to. */
enum assay_status assay_store_check(struct assay_store *store, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Everything until `finish` happens, or nothing. `finish` takes the status so far, and takes everything back unless it
 * is ASSAY_OK. */
enum assay_status assay_store_begin(struct assay_store *store, struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_store_finish(struct assay_store *store, enum assay_status status,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* ---- Tokens and keys ---- */

/* Errors: token.exists. */
enum assay_status assay_store_token_add(struct assay_store *store, const struct assay_token *token,
                                        const uint8_t hash[32], struct assay_error *error) ASSAY_CHECK_RESULT;

/* By the hash of its text; an empty name when there is none. */
enum assay_status assay_store_token_find(struct assay_store *store, struct assay_token *token, const uint8_t hash[32],
                                         uint64_t now_s, struct assay_error *error) ASSAY_CHECK_RESULT;

/* A claim about its machines (SPEC 10.7), as somebody said it; all of them in order, while `visit` returns ASSAY_OK. */
enum assay_status assay_store_claim_add(struct assay_store *store, const char *token, uint32_t number, const char *text,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;
typedef enum assay_status assay_claim_visit(void *context, const char *text, struct assay_error *error);
enum assay_status assay_store_claims(struct assay_store *store, const char *token, assay_claim_visit *visit,
                                     void *context, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Revokes what is not revoked yet. Errors: token.unknown, key.unknown. */
enum assay_status assay_store_token_revoke(struct assay_store *store, const char *name, const char *why, uint64_t now_s,
                                           struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_store_key_revoke(struct assay_store *store, const char *keyid, const char *why, uint64_t now_s,
                                         struct assay_error *error) ASSAY_CHECK_RESULT;

/* An empty keyid when there is none. */
enum assay_status assay_store_key_find(struct assay_store *store, struct assay_holder *holder, const char *keyid,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* That this key may use the token, which notes it. Errors: key.limit. */
enum assay_status assay_store_key_enrol(struct assay_store *store, const struct assay_token *token, const char *keyid,
                                        const uint8_t key[ASSAY_KEY_BYTES], uint64_t now_s,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

typedef void assay_token_visit(void *context, const struct assay_token *token);
typedef void assay_holder_visit(void *context, const struct assay_holder *holder);
enum assay_status assay_store_tokens(struct assay_store *store, uint64_t now_s, assay_token_visit *visit, void *context,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_store_keys(struct assay_store *store, bool revoked_only, assay_holder_visit *visit,
                                   void *context, struct assay_error *error) ASSAY_CHECK_RESULT;

/* ---- Challenges ---- */

/* id, token, keyid, issued_s, expires_s and total count. */
enum assay_status assay_store_add(struct assay_store *store, const struct assay_entry *entry, const char *envelope,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* An empty id when there is none. */
enum assay_status assay_store_find(struct assay_store *store, struct assay_entry *entry, const char *id,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

/* The envelope, to be released with free(). */
enum assay_status assay_store_envelope(struct assay_store *store, char **envelope, const char *id,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* One of this key and token that expires after `now_s` and has no steps: its id, or "". How many of this key are under
 * way or have no verdict yet, and of all keys. */
enum assay_status assay_store_waiting(struct assay_store *store, char id[ASSAY_HEX_MAX], const char *keyid,
                                      const char *token, uint64_t now_s, struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_store_under_way(struct assay_store *store, uint64_t *of_key, uint64_t *of_all,
                                        const char *keyid, uint64_t now_s,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

enum assay_status assay_store_step_add(struct assay_store *store, const char *id, uint32_t number, const char *message,
                                       const char *receipt, struct assay_error *error) ASSAY_CHECK_RESULT;

/* In order, while `visit` returns ASSAY_OK. */
typedef enum assay_status assay_step_visit(void *context, const char *message, const char *receipt,
                                           struct assay_error *error);
enum assay_status assay_store_steps(struct assay_store *store, const char *id, assay_step_visit *visit, void *context,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* The attestation, and the transcript that it names, of an open one. */
enum assay_status assay_store_attest(struct assay_store *store, const char *id, const char *attestation,
                                     const char *transcript, struct assay_error *error) ASSAY_CHECK_RESULT;

/* An open one is complete; its receipts are an object. */
enum assay_status assay_store_submit(struct assay_store *store, const char *id, const char *receipts, uint64_t now_s,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* A verification of a submitted one begins, which counts; one that could not be done begins no earlier than `again_s`,
 * and so many have counted. */
enum assay_status assay_store_attempt(struct assay_store *store, const char *id,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_store_postpone(struct assay_store *store, const char *id, uint32_t attempts, uint64_t again_s,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* An open or submitted one ends. The outcome is a name, or "". */
enum assay_status assay_store_end(struct assay_store *store, const char *id, enum assay_stage stage,
                                  const char *verdict, const char *outcome, const char *reason, uint64_t now_s,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* That the key has shown work by a device of this id (SPEC 6), first in this challenge. */
enum assay_status assay_store_device_add(struct assay_store *store, const char *device, const char *keyid,
                                         const char *challenge, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Ids, at most ASSAY_ENTRIES_MAX: those that are submitted and not to wait until after `now_s`, first those whose
 * verification failed least often; open ones that expired before `before_s`, but not those
 * that were issued before `since_s` and have all receipts; oldest first. */
struct assay_ids {
	uint32_t count;
	char id[ASSAY_ENTRIES_MAX][ASSAY_HEX_MAX];
};
enum assay_status assay_store_submitted(struct assay_store *store, struct assay_ids *ids, uint64_t now_s,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_store_overdue(struct assay_store *store, struct assay_ids *ids, uint64_t before_s,
                                      uint64_t since_s, struct assay_error *error) ASSAY_CHECK_RESULT;

/* ---- What is old ----
 *
 * A file may be of several challenges, and another process may be writing it: whoever keeps a file does that and tells
 * of it in one transaction, and so does whoever removes one that nobody tells of. */

/* Of ASSAY_PRUNE_MAX challenges that ended and expired before `before_s`, and of which more than that is there, all of
 * this is forgotten; the names of their files wait to be removed. Those that were not begun go as a whole. */
struct assay_pruning {
	uint64_t challenges, not_begun; /* more of them each time */
	bool more;
};
enum assay_status assay_store_prune(struct assay_store *store, struct assay_pruning *pruning, enum assay_pruned what,
                                    uint64_t before_s, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The same challenges, all of them, and nothing is changed. */
typedef void assay_old_visit(void *context, const struct assay_entry *entry);
enum assay_status assay_store_old(struct assay_store *store, enum assay_pruned what, uint64_t before_s,
                                  assay_old_visit *visit, void *context, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Removes, by `remove`, at most ASSAY_PRUNE_MAX of the waiting files, but none that a challenge still has. At last
 * `remove` is called with NULL: when it returns, they are gone for good. */
typedef enum assay_status assay_file_remove(void *context, const char *digest, struct assay_error *error);
enum assay_status assay_store_garbage(struct assay_store *store, assay_file_remove *remove, void *context, bool *more,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* Gives a part of the database's free room back, in a short transaction. *able is false when the store is of a version
 * that could not, until assay_store_rebuild was done once: nobody can write while that goes on, and it needs as much
 * room again as the database has. */
enum assay_status assay_store_shrink(struct assay_store *store, bool *able, bool *more,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_store_rebuild(struct assay_store *store, struct assay_error *error) ASSAY_CHECK_RESULT;

/* ---- All of it ---- */

/* All challenges by what they are in: open ones as issued, begun and drawn; and by outcome. */
struct assay_totals {
	uint64_t issued, begun, drawn, stages[ASSAY_STAGE_COUNT], outcomes[5];
};
enum assay_status assay_store_totals(struct assay_store *store, struct assay_totals *totals,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
