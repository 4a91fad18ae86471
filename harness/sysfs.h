/* SPDX-License-Identifier: Apache-2.0
 *
 * Files below $ASSAY_SYSFS, else /sys. What is missing, malformed or cannot be read is unknown. */
#ifndef HARNESS_SYSFS_H
#define HARNESS_SYSFS_H

#include <stdbool.h>
#include <stdint.h>

/* A path below the root; false when it is too long. */
bool assay_sysfs_path(char path[1024], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first line of a file, without its end; "" when there is none. */
void assay_sysfs_text(char text[64], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -1 unless the first line is a whole number from 0 to INT64_MAX, nothing else. */
int64_t assay_sysfs_number(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
