/* SPDX-License-Identifier: Apache-2.0
 *
 * What a verifier asks a prover for, as options, and the challenge that they make (SPEC 3, 11). */
#ifndef HARNESS_ASK_H
#define HARNESS_ASK_H

#include <getopt.h>

#include "harness/secret.h"
#include "verify/challenge.h"

struct assay_ask {
	const char *profile, *works, *row;  /* names; row NULL = by the memory */
	uint64_t memory_bytes, table_bytes; /* 0 = not said */
	bool is_cpu;
	uint32_t devices, leased, samples, duration_s; /* devices 0 = not said; duration_s 0 = the profile's */
	uint64_t expires_s;                            /* from now on */
};

/* Nothing said but what has a default. */
#define ASSAY_ASK_DEFAULT ((struct assay_ask){.profile = "quick", .works = "all", .samples = 256, .expires_s = 86400})

/* Options for getopt_long, -p and -w being short ones too, and the lines of a usage text about them. */
#define ASSAY_ASK_SHORT "p:w:"
/* clang-format off */
#define ASSAY_ASK_LONG \
	{"profile", required_argument, NULL, 'p'}, {"workload", required_argument, NULL, 'w'}, \
	{"devices", required_argument, NULL, 'n'}, {"leased", required_argument, NULL, 'l'}, \
	{"memory", required_argument, NULL, 'm'}, {"row", required_argument, NULL, 'r'}, \
	{"table", required_argument, NULL, 'T'}, {"duration", required_argument, NULL, 't'}, \
	{"samples", required_argument, NULL, 's'}, {"expires", required_argument, NULL, 'e'}
/* clang-format on */
#define ASSAY_ASK_USAGE                                                                                                \
	"  -p, --profile NAME      quick (default), standard, soak; see `assay run --help`\n"                          \
	"  -w, --workload NAME,... workloads (all): matmul-i8, matmul-i9, matmul-f32, matmul-f64, sha256, memory\n"    \
	"      --devices N         how many devices work at once, 1 to 64\n"                                           \
	"      --leased N          how many more of that machine are let, and are left alone (0)\n"                    \
	"      --memory SIZE       of each device, as its label says: 24GB, 80GiB (which are the same here), or "      \
	"cpu:\n"                                                                                                       \
	"                          sizes that fit, and a table for `memory` of 80 % of it, on CPUs of 512 MiB\n"       \
	"      --row NAME          sizes by name instead: host, small, medium, large, huge\n"                          \
	"      --table SIZE        of the table of `memory`: 512MiB, 4GiB. Profile quick has small ones\n"             \
	"      --duration TIME     of each workload, for soak: 90, 90s, 10m, 1h (20 s)\n"                              \
	"      --samples N         leaves drawn a run: 128, 256, 512 or 2048 (256)\n"                                  \
	"      --expires TIME      from now on, 1m to 366d: then nothing is answered any more, and the files must be " \
	"with\n"                                                                                                       \
	"                          you (24h)\n"

/* Takes an option of that table; *known is false for another one. `value` must outlast the ask. Errors:
 * challenge.devices, .leased, .samples, .memory, .table, .expires, profile.duration. */
enum assay_status assay_ask_option(struct assay_ask *ask, int option, const char *value, bool *known,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

/* Whether devices and one of --memory and --row were said. */
bool assay_ask_is_complete(const struct assay_ask *ask);

/* A challenge by this verifier, from now on, with a fresh nonce, and its row. Errors: profile.unknown, .row, .duration,
 * workload.unknown, challenge.table, challenge.expires (there is no time for the work). */
enum assay_status assay_ask_make(struct assay_challenge *challenge, const struct assay_row **row,
                                 const struct assay_ask *ask, const uint8_t verifier[ASSAY_KEY_BYTES],
                                 struct assay_error *error) ASSAY_CHECK_RESULT;

/* The challenge's signed envelope, as NAME.challenge.json has it, to be released with free(). Errors:
 * challenge.malformed, which nobody would take; memory. */
enum assay_status assay_ask_seal(char **text, const struct assay_challenge *challenge,
                                 const struct assay_secret *secret, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Seconds of work that a challenge asks for, rounded up. */
uint64_t assay_ask_work_s(const struct assay_challenge *challenge);

#endif
