/* SPDX-License-Identifier: Apache-2.0
 *
 * assay serve: the program assay-serve, which has libraries that this one does without. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/command.h"
#include "harness/state.h"

static const char usage[] = "usage: assay serve start|token|revoke|list ...\n"
                            "\n"
                            "A verifier as a server. It is the program assay-serve, which is not installed here.\n";

/* Beside this program. */
static bool beside(char path[ASSAY_PATH_MAX])
{
	const ssize_t len = readlink("/proc/self/exe", path, ASSAY_PATH_MAX - sizeof "assay-serve");
	char *slash =
	    len > 0 && len < (ssize_t)(ASSAY_PATH_MAX - sizeof "assay-serve") ? memrchr(path, '/', (size_t)len) : NULL;

	if (slash)
		strcpy(slash + 1, "assay-serve");
	return slash != NULL;
}

int assay_command_serve(int argc, char **argv)
{
	char path[ASSAY_PATH_MAX];
	struct assay_error error;

	if (beside(path))
		execv(path, argv);
	if (errno == ENOENT)
		execvp("assay-serve", argv);
	const int cause = errno;
	if (argc > 1 && strcmp(argv[1], "--help") == 0 && cause == ENOENT)
		return assay_usage(usage, true);
	(void)assay_fail(&error, ASSAY_ERROR_IO, "serve.missing",
	                 "assay-serve: %s; build it with `make` where libmicrohttpd-dev and libsqlite3-dev are, or "
	                 "install it beside assay",
	                 strerror(cause));
	return assay_complain(&error);
}
