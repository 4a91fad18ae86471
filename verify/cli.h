/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of `assay-verify`, which is `assay verify` too. */
#ifndef VERIFY_CLI_H
#define VERIFY_CLI_H

#include <stdio.h>

#include "verify/assay.h"

/* Verifies the attestations that are named and prints a verdict for each. argv[0] is the name to show. The result is an
 * exit code: that of the worst verdict, or 3 for usage and input/output. */
int assay_verify_command(int argc, char **argv);

/* Adds the keys of a file (PEM) to `keys`, which has room for `capacity` and holds *count, or those of every *.pub in a
 * directory; files there that hold no key are named on standard error. Errors: those of assay_keys_read. */
enum assay_status assay_keys_gather(uint8_t (*keys)[ASSAY_KEY_BYTES], size_t *count, size_t capacity, const char *path,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* The worse of two exit codes: from good to bad 0, 2, 1, 4, 3. */
int assay_code_worse(int a, int b);

/* The verdict as text for people. */
void assay_verdict_print(FILE *out, const char *path, const struct assay_verdict *verdict);

/* "412.6 GOP/s", "12.9 MH/s": a rate or an amount of work with its SI prefix. `per` is "/s" or "". */
void assay_quantity(char text[32], double value, const char *unit, const char *per);

#endif
