/* SPDX-License-Identifier: Apache-2.0
 *
 * Little-endian integers, labelled SHA-256 (SPEC 1.1, 1.2) and errors: what every file of the verifier needs. */
#ifndef VERIFY_BYTES_H
#define VERIFY_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "verify/assay.h"

uint32_t assay_le32_read(const uint8_t bytes[4]);
uint64_t assay_le64_read(const uint8_t bytes[8]);
void assay_le32_write(uint8_t bytes[4], uint32_t value);
void assay_le64_write(uint8_t bytes[8], uint64_t value);

/* A part of what is hashed. */
struct assay_part {
	const void *data;
	size_t len;
};

/* out = SHA-256(label followed by the parts). `label` is a C string. */
void assay_hash(uint8_t out[ASSAY_HASH_BYTES], const char *label, const struct assay_part *parts, size_t count);

/* 64 hex digits and a terminator. */
void assay_hex(char hex[65], const uint8_t hash[ASSAY_HASH_BYTES]);

/* Fills *error and returns `status`, so that callers can `return assay_fail(...)`. The text is filtered to printable
 * ASCII; error may be NULL. */
enum assay_status assay_fail(struct assay_error *error, enum assay_status status, const char *reason,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The first bytes of a file, as a text with a terminator to be released with free(): *len is `most` + 1 for a file that
 * is longer than `most`. Errors: ASSAY_ERROR_IO, ASSAY_ERROR_MEMORY; *text is NULL then. */
enum assay_status assay_file_read(char **text, size_t *len, size_t most, const char *path,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* Replaces what is not printable ASCII by '?', in place. */
void assay_printable(char *text);

#endif
