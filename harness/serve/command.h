/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of assay-serve. Each takes its own arguments, argv[0] being "assay serve <name>", and returns an exit
 * code. */
#ifndef HARNESS_SERVE_COMMAND_H
#define HARNESS_SERVE_COMMAND_H

#include "verify/bytes.h"

enum { ASSAY_SERVE_ERROR = 3 /* usage, input/output */ };

int assay_serve_start(int argc, char **argv);
int assay_serve_token(int argc, char **argv);
int assay_serve_revoke(int argc, char **argv);
int assay_serve_list(int argc, char **argv);
int assay_serve_prune(int argc, char **argv);

/* The texts of --help. */
extern const char assay_serve_start_usage[], assay_serve_token_usage[], assay_serve_revoke_usage[],
    assay_serve_list_usage[], assay_serve_prune_usage[];

/* "assay: text (reason)" on standard error; returns ASSAY_SERVE_ERROR. */
int assay_serve_complain(const struct assay_error *error);

/* Prints a usage text, on standard output when it was asked for; returns the exit code. */
int assay_serve_usage(const char *text, bool asked);

/* A number of an option. Errors: option.number. */
enum assay_status assay_serve_number(uint64_t *number, const char *option, const char *text, uint64_t least,
                                     uint64_t most, struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
