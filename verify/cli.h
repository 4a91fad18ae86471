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

/* The verdict as text for people. */
void assay_verdict_print(FILE *out, const char *path, const struct assay_verdict *verdict);

/* "412.6 GOP/s", "12.9 MH/s": a rate or an amount of work with its SI prefix. `per` is "/s" or "". */
void assay_quantity(char text[32], double value, const char *unit, const char *per);

#endif
