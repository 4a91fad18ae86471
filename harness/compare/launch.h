/* SPDX-License-Identifier: Apache-2.0
 *
 * A command of somebody else, in a process group of its own, with what it prints and an end that comes. */
#ifndef HARNESS_COMPARE_LAUNCH_H
#define HARNESS_COMPARE_LAUNCH_H

#include <stdatomic.h>

#include "verify/bytes.h"

enum assay_ending {
	ASSAY_ENDED,    /* exit 0 */
	ASSAY_EXITED,   /* another exit code */
	ASSAY_KILLED,   /* by a signal */
	ASSAY_TIMEOUT,  /* it took too long and was killed */
	ASSAY_TOO_MUCH, /* it printed too much and was killed */
	ASSAY_STOPPED,  /* we were asked to stop, and it was killed */
};

struct assay_launch {
	enum assay_ending ending;
	int code;            /* exit code or signal */
	uint64_t wall_ns;    /* from its start to its end */
	char *output;        /* what it printed, with a final 0; NULL when it could not be run at all */
	size_t len;          /* of that */
	char complaint[200]; /* the last line on its standard error, printable */
};

/* Runs `command` by /bin/sh, with nothing on its standard input, and $ASSAY_OUTPUT naming a file that it may write its
 * result to: then that is its output. Once `command` has ended whatever is left of its process group is killed. `stop`
 * may be NULL. An error is one of this machine's (launch.failed, io.open, io.read, memory); how the command ended is no
 * error. To be released also after one. */
enum assay_status assay_launch(struct assay_launch *launch, const char *command, uint64_t timeout_ns,
                               const atomic_bool *stop, struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_launch_close(struct assay_launch *launch);

/* "exit 1: ...", "signal 11", "longer than 600 s": how it ended, for people. */
void assay_launch_words(char text[256], const struct assay_launch *launch, uint64_t timeout_ns);

#endif
