/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommands, and what they share. Each cmd_<name>.c has one function that takes its own arguments, argv[0] being
 * "assay <name>", and returns an exit code. */
#ifndef HARNESS_COMMAND_H
#define HARNESS_COMMAND_H

#include <getopt.h>

#include "harness/backend.h"
#include "verify/challenge.h"

enum {
	ASSAY_EXIT_ERROR = 3, /* usage, input/output, devices */
};

int assay_command_answer(int argc, char **argv);
int assay_command_baseline(int argc, char **argv);
int assay_command_challenge(int argc, char **argv);
int assay_command_compare(int argc, char **argv);
int assay_command_devices(int argc, char **argv);
int assay_command_doctor(int argc, char **argv);
int assay_command_keygen(int argc, char **argv);
int assay_command_run(int argc, char **argv);
int assay_command_serve(int argc, char **argv);
int assay_command_show(int argc, char **argv);
int assay_command_submit(int argc, char **argv);
int assay_command_selftest(int argc, char **argv);
int assay_command_bench(int argc, char **argv);
int assay_command_reproduce(int argc, char **argv);
int assay_command_report(int argc, char **argv);
int assay_command_status(int argc, char **argv);

/* "assay: text (reason)" on standard error; returns ASSAY_EXIT_ERROR. */
int assay_complain(const struct assay_error *error);

/* The same for what is no error: something is left out, and why. */
void assay_remark(const struct assay_error *why);

/* Prints JSON as one line, and releases it. Returns the exit code. */
int assay_print_json(json_t *value);

/* Prints a usage text, on standard output when it was asked for; returns the exit code. */
int assay_usage(const char *text, bool asked);

/* Opens the devices of a list: "all", or ids separated by commas. At most ASSAY_DEVICES_MAX. With "all", a device that
 * cannot be opened is reported and left out, and OpenCL's view of a device that another backend drives is left out. To
 * be closed by the caller, also after an error. */
enum assay_status assay_devices_open(struct assay_device *devices, uint32_t *count, const char *list,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

/* The row of SPEC 11 for these devices: what the smallest of them can hold. */
const struct assay_row *assay_row_for(const struct assay_device *devices, uint32_t count);

#endif
