/* SPDX-License-Identifier: Apache-2.0
 *
 * Files the harness keeps: where they belong (XDG directories, none needed), and writing them whole or not at all. */
#ifndef HARNESS_STATE_H
#define HARNESS_STATE_H

#include <stdatomic.h>
#include <stdio.h>

#include "verify/bytes.h"

enum { ASSAY_PATH_MAX = 4096 };

/* A path below $XDG_CONFIG_HOME/assay (or $HOME/.config/assay), $XDG_CACHE_HOME/assay (or $HOME/.cache/assay) and
 * $XDG_STATE_HOME/assay (or $HOME/.local/state/assay). $ASSAY_STATE_DIR replaces all three. False when there is no such
 * directory to name. Nothing is created. */
bool assay_state_config(char path[ASSAY_PATH_MAX], const char *name);
bool assay_state_cache(char path[ASSAY_PATH_MAX], const char *name);
bool assay_state_kept(char path[ASSAY_PATH_MAX], const char *name);

/* Creates the directories above a file, mode 0700. */
enum assay_status assay_state_parents(const char *path, struct assay_error *error) ASSAY_CHECK_RESULT;

/* A file being written under a temporary name beside its own. A signal that ends the process removes it
 * (assay_state_signals). */
struct assay_output {
	FILE *file;
	char path[ASSAY_PATH_MAX], temporary[ASSAY_PATH_MAX];
	int slot;
};

/* mode as for open(2). Errors: io.open. */
enum assay_status assay_output_open(struct assay_output *output, const char *path, unsigned mode,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

/* Flushes it to the disk; the file is complete under its temporary name. Errors: io.write (disk full, for one). */
enum assay_status assay_output_flush(struct assay_output *output, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Gives it its own name; an existing file is replaced only with `replace`. Errors: io.exists, io.write. */
enum assay_status assay_output_commit(struct assay_output *output, bool replace,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* Removes what was not committed. Takes NULL and outputs that were never opened. */
void assay_output_close(struct assay_output *output);

/* All of that for a text in parts. Errors: io.open, io.write, io.exists. */
enum assay_status assay_output_write(const char *path, unsigned mode, const char *const *parts, size_t count,
                                     bool replace, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Removes the files that are being written, for a process that ends at once. */
void assay_state_clean(void);

/* SIGINT, SIGTERM and SIGHUP remove unfinished files and end the process at once, as process 1 of a container too. */
void assay_state_signals(void);

/* From now on the first such signal only makes *stop true, and the next one does as above. NULL: as before. */
void assay_state_stop(atomic_bool *stop);

#endif
