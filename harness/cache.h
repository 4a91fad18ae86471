/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs that a device's compiler made, kept below the cache directory (state.h). A file is the digest of the program
 * and the program: a damaged one is never given to a driver. */
#ifndef HARNESS_CACHE_H
#define HARNESS_CACHE_H

#include "harness/state.h"

/* The file for what these parts make: everything the program depends on. False when there is no place for a cache. */
bool assay_cache_path(char path[ASSAY_PATH_MAX], const char *label, const struct assay_part *parts, size_t count);

/* The program, to be released with free(); NULL when it is not there, damaged or larger than 64 MiB. */
uint8_t *assay_cache_read(const char *path, size_t *len);

/* Stores it. A cache that cannot be written is no error. */
void assay_cache_write(const char *path, const void *program, size_t len);

#endif
