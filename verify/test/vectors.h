/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads verify/vectors/NAME.txt: `[section]` lines, then `name = value` lines. Whatever a test does not look at can be
 * asked for at the end, so that no vector is left out unnoticed. What is missing or malformed fails the test. */
#ifndef VERIFY_TEST_VECTORS_H
#define VERIFY_TEST_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vectors;

struct vectors *vectors_open(const char *name); /* "merkle": verify/vectors/merkle.txt */
void vectors_close(struct vectors *vectors);

/* Selects the next section and tells its name, or NULL after the last one. */
const char *vectors_next_section(struct vectors *vectors);

/* Selects the section of that name. */
void vectors_select(struct vectors *vectors, const char *section);

/* Values of the selected section; `name` is a format. */
bool vectors_has(struct vectors *vectors, const char *name, ...) __attribute__((format(printf, 2, 3)));
const char *vectors_text(struct vectors *vectors, const char *name, ...) __attribute__((format(printf, 2, 3)));
uint64_t vectors_number(struct vectors *vectors, const char *name, ...) __attribute__((format(printf, 2, 3)));
/* Hexadecimal; the pointer is good until vectors_close. */
const uint8_t *vectors_hex(struct vectors *vectors, size_t *len, const char *name, ...)
    __attribute__((format(printf, 3, 4)));
const uint8_t *vectors_hash(struct vectors *vectors, const char *name, ...) __attribute__((format(printf, 2, 3)));

/* "section name" of the first value that no call above returned, or NULL. */
const char *vectors_unread(struct vectors *vectors);

/* Fails the test unless the bytes are those of a value of the selected section. */
void vectors_expect(struct vectors *vectors, const void *bytes, size_t len, const char *name, ...)
    __attribute__((format(printf, 4, 5)));

#endif
