/* SPDX-License-Identifier: Apache-2.0
 *
 * Canonical JSON (SPEC 1.6): read with jansson, refused unless re-emitting it gives the same bytes. The readers below
 * are for objects with exactly the members that are asked for: read them all, then compare the count. */
#ifndef VERIFY_JSON_H
#define VERIFY_JSON_H

#include <jansson.h>

#include "verify/bytes.h"

#define ASSAY_JSON_INTEGER_MAX ((json_int_t)9007199254740991) /* 2^53 - 1 */

/* A canonical text as a value to be released with json_decref, or NULL when it is anything else, or, with errno ENOMEM,
 * when there is no memory to tell. */
json_t *assay_json_parse(const void *text, size_t len);

/* To be asked before jansson reads a text: where it has no memory it takes it for another one, or ends the process.
 * False, with errno ENOMEM, when there are not so many bytes. */
bool assay_json_has_memory(size_t bytes);

/* The canonical text of a value, to be released with free(); NULL when out of memory or not representable. */
char *assay_json_text(const json_t *value);

/* True when `object` is an object of exactly `count` members. */
bool assay_json_is(const json_t *object, size_t count);

/* Members: false (or NULL) when missing or of another type or range. */
bool assay_json_integer(uint64_t *out, const json_t *object, const char *name, uint64_t min, uint64_t max);
const char *assay_json_string(const json_t *object, const char *name, size_t max_len);
bool assay_json_hash(uint8_t out[ASSAY_HASH_BYTES], const json_t *object, const char *name);   /* 64 hex digits */
bool assay_json_digest(uint8_t out[ASSAY_HASH_BYTES], const json_t *object, const char *name); /* {"sha256":hash} */

/* A string that may be missing, or be something else: then, and when it is empty, `otherwise`. */
const char *assay_json_word(const json_t *object, const char *name, const char *otherwise);

#endif
