/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzzers share. Each is a libFuzzer target: any input at all, and no crash, leak or broken promise. */
#ifndef VERIFY_TEST_FUZZ_H
#define VERIFY_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A broken promise. */
#define FUZZ_EXPECT(condition)                                                          \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

/* A file of these bytes, for functions that take a path; `*fd` is kept from call to call and starts as -1. */
static inline void fuzz_file(char path[40], int *fd, const uint8_t *data, size_t size)
{
	if (*fd < 0)
		*fd = memfd_create("fuzz", MFD_CLOEXEC);
	FUZZ_EXPECT(*fd >= 0 && ftruncate(*fd, 0) == 0 && pwrite(*fd, data, size, 0) == (ssize_t)size);
	snprintf(path, 40, "/proc/self/fd/%d", *fd);
}

/* Appends what there is room for to a text of at most `max` bytes, which then has a NUL. */
static inline void fuzz_put(char *text, size_t *text_len, size_t max, const void *bytes, size_t len)
{
	if (len > max - *text_len)
		len = max - *text_len;
	memcpy(text + *text_len, bytes, len);
	*text_len += len;
	text[*text_len] = '\0';
}

/* A directory and what is in it. */
static inline void fuzz_remove(const char *directory)
{
	char command[96];

	snprintf(command, sizeof command, "rm -rf %s", directory);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", directory);
}

#endif
