/* SPDX-License-Identifier: Apache-2.0
 *
 * See link.h: the exchange by two files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/link.h"
#include "harness/state.h"

enum { LOOK_MS = 20, GRACE_S = 60 };

/* Line `number` of a file, to be released with free(); NULL when it is not there, or not whole. */
static char *line_of(const char *path, uint32_t number)
{
	char line[ASSAY_STEP_LINE_MAX], *found = NULL;
	FILE *file = fopen(path, "re");

	for (uint32_t i = 0; file && i <= number && fgets(line, sizeof line, file); i++)
		if (i == number && strchr(line, '\n'))
			found = strdup(line);
	if (file)
		fclose(file);
	return found;
}

/* Adds a message to the file, unless it is there: the process may have been killed after it was sent. */
static enum assay_status message_add(const char *path, uint32_t number, const char *message, struct assay_error *error)
{
	const char *lines[ASSAY_STEPS_MAX];
	size_t count = 0;
	char *there = line_of(path, number);
	const bool sent = there && strcmp(there, message) == 0;

	free(there);
	if (sent)
		return ASSAY_OK;
	for (uint32_t i = 0; i < number; i++)
		if ((lines[count] = line_of(path, i)) != NULL)
			count++;
	lines[count] = message;
	enum assay_status status = assay_output_write(path, 0644, lines, count + 1, true, error);
	while (count)
		free((char *)lines[--count]);
	return status;
}

static enum assay_status ask(void *context, uint32_t number, const char *message, char **receipt,
                             struct assay_error *error)
{
	const struct assay_link_files *files = context;
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	char messages[ASSAY_PATH_MAX], receipts[ASSAY_PATH_MAX];

	if (snprintf(messages, sizeof messages, "%s.messages.jsonl", files->prefix) >= (int)sizeof messages ||
	    snprintf(receipts, sizeof receipts, "%s.receipts.jsonl", files->prefix) >= (int)sizeof receipts)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", files->prefix);
	enum assay_status status = message_add(messages, number, message, error);
	while (!status && !(*receipt = line_of(receipts, number))) {
		if (files->stop && atomic_load(files->stop))
			return assay_fail(error, ASSAY_ERROR_IO, "run.interrupted",
			                  "stopped while waiting for the receipt of step %u in %s", number + 1,
			                  receipts);
		if ((uint64_t)time(NULL) > files->expires + GRACE_S)
			return assay_fail(
			    error, ASSAY_ERROR_IO, "exchange.expired",
			    "the challenge expired before the receipt of step %u came: ask for another one",
			    number + 1);
		nanosleep(&pause, NULL);
	}
	return status;
}

struct assay_link assay_link_files(struct assay_link_files *files)
{
	return (struct assay_link){.ask = ask, .context = files};
}
