/* SPDX-License-Identifier: Apache-2.0
 *
 * What several tests of the verifier need: files in memory, the vectors' key, attestations signed again, and commands.
 * Everything fails the test when it cannot be done. */
#ifndef VERIFY_TEST_SUPPORT_H
#define VERIFY_TEST_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

#include "verify/assay.h"

struct test_bytes {
	uint8_t *data; /* a zero byte follows; to be released with free() */
	size_t len;
};

struct test_bytes test_read(const char *path);
void test_write(const char *path, const void *data, size_t len);

/* A file that only this process sees, at `path`. */
struct test_file {
	int fd;
	char path[40];
};
void test_file_open(struct test_file *file, const void *data, size_t len);
void test_file_write(struct test_file *file, const void *data, size_t len);
void test_file_put(struct test_file *file, size_t at, uint8_t byte);
void test_file_close(struct test_file *file);

/* The policy that trusts verify/vectors/good/key.pem. */
struct assay_policy test_policy(void);

/* An attestation of verify/vectors and its transcript: "good/quick-host". */
struct test_pair {
	struct test_bytes envelope, transcript;
};
struct test_pair test_pair_read(const char *name);
void test_pair_free(struct test_pair *pair);

/* What assay_verify says of these files under test_policy(); it must not report an error of its own. */
struct test_outcome {
	enum assay_outcome outcome;
	enum assay_reason reason; /* the first one that is not profile.unknown */
	const char *assurance;
};
struct test_outcome test_outcome_of(const struct assay_verdict *verdict);
struct test_outcome test_verify(const char *envelope, const char *transcript);

/* The payload of an envelope, and an envelope of the vectors' prover over any payload. */
struct test_bytes test_payload(const struct test_bytes *envelope);
struct test_bytes test_sign(const void *payload, size_t len);

/* Replaces the only occurrence of a text by another one of the same length; false when it is not there once. */
bool test_replace(struct test_bytes *bytes, const void *from, const void *to, size_t len);

/* Runs a shell command. The result is its exit code; `output` (may be NULL) is its standard output, with a terminator,
 * cut at `size`. */
int test_run(char *output, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Fails the test when a command is not to be found where it is needed, skips it otherwise. */
void test_need(const char *command);

/* The build directory, from ASSAY_BUILD. */
const char *test_build(void);

/* A new empty directory, and its removal with what is in it. */
void test_directory_make(char path[64]);
void test_directory_remove(const char *path);

/* A repeatable source of numbers (splitmix64). */
uint64_t test_random(uint64_t *state);

#endif
