/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that a server keeps, by the SHA-256 of what is in them: DIR/objects/<digest>. They are written under another
 * name first, so that an object is whole and on the disk, or is not there. */
#ifndef HARNESS_SERVE_OBJECTS_H
#define HARNESS_SERVE_OBJECTS_H

#include <sodium.h>

#include "harness/serve/store.h"
#include "harness/state.h"

struct assay_objects {
	char path[ASSAY_PATH_MAX - 128]; /* of the directory */
};

/* Makes the directories that are not there, 0700. Errors: io.open; store.mode (others can read DIR). */
enum assay_status assay_objects_open(struct assay_objects *objects, const char *directory,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* One server a store: the lock goes with the process. *taken is false when another one has it. Errors: io.open,
 * io.lock. */
enum assay_status assay_objects_lock(const char *directory, bool *taken, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Removes what was being written when a process ended. Nobody else may be writing. */
void assay_objects_clean(const struct assay_objects *objects);

void assay_objects_path(char path[ASSAY_PATH_MAX], const struct assay_objects *objects, const char *digest);

/* An object that is being received. */
struct assay_incoming {
	int file; /* -1 = none: then it is only hashed */
	char path[ASSAY_PATH_MAX];
	crypto_hash_sha256_state state;
	uint64_t len;
};

/* Errors: io.write, store.full. `digest` is of what came; the file goes with `close` unless it was kept. `sync` does
 * what takes long of `keep` before. */
enum assay_status assay_incoming_open(struct assay_incoming *incoming, const struct assay_objects *objects,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_incoming_write(struct assay_incoming *incoming, const void *data, size_t len,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_incoming_digest(const struct assay_incoming *incoming, char digest[ASSAY_HEX_MAX]);
enum assay_status assay_incoming_sync(struct assay_incoming *incoming, struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_incoming_keep(struct assay_incoming *incoming, const struct assay_objects *objects,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_incoming_close(struct assay_incoming *incoming);

/* All of that for a text. */
enum assay_status assay_objects_put(const struct assay_objects *objects, const void *text, size_t len,
                                    char digest[ASSAY_HEX_MAX], struct assay_error *error) ASSAY_CHECK_RESULT;

/* Bytes that the file system has for it; 0 when it does not say. */
uint64_t assay_objects_room(const struct assay_objects *objects);

/* Removes one, and says how long it was; no error when it is not there. Errors: io.remove. That it is gone outlasts the
 * machine after `settle`. */
enum assay_status assay_objects_remove(const struct assay_objects *objects, const char *digest, uint64_t *len,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;
enum assay_status assay_objects_settle(const struct assay_objects *objects,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* Opens one to be read; -1, and `error` says why. */
int assay_objects_read(const struct assay_objects *objects, const char *digest, uint64_t *len,
                       struct assay_error *error);

#endif
