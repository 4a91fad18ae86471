/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-serve: the table of its commands. `assay serve` executes it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/serve/command.h"
#include "harness/state.h"

/* clang-format off */
static const struct {
	const char *name;
	int (*function)(int argc, char **argv);
	const char *usage;
} commands[] = {
    {"start", assay_serve_start, assay_serve_start_usage},
    {"token", assay_serve_token, assay_serve_token_usage},
    {"revoke", assay_serve_revoke, assay_serve_revoke_usage},
    {"list", assay_serve_list, assay_serve_list_usage},
    {"prune", assay_serve_prune, assay_serve_prune_usage},
};
/* clang-format on */
enum { COMMANDS = sizeof commands / sizeof *commands };

static int help(bool asked)
{
	FILE *out = asked ? stdout : stderr;

	fprintf(out, "A verifier as a server: it gives out challenges, answers provers, takes and verifies what they "
	             "show (SPEC 4.6).\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "%s%s", i ? "\n" : "", commands[i].usage);
	return asked ? 0 : ASSAY_SERVE_ERROR;
}

static int command(int argc, char **argv)
{
	static char name[64];

	if (argc < 2)
		return help(false);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return help(true);
	if (strcmp(argv[1], "--version") == 0) {
		printf("assay-serve %s\n", ASSAY_VERSION);
		return 0;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		snprintf(name, sizeof name, "assay serve %s", commands[i].name);
		argv[1] = name;
		return commands[i].function(argc - 1, argv + 1);
	}
	fprintf(stderr, "assay: serve: no such command; there are start, token, revoke, list and prune\n");
	return ASSAY_SERVE_ERROR;
}

/* Standard streams that were closed stay unusable, but no file that is opened later takes their number. */
static void streams_reserve(void)
{
	for (int stream = 0; stream < 3; stream++)
		if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", stream ? O_RDONLY : O_WRONLY) != stream)
			_exit(ASSAY_SERVE_ERROR);
}

int main(int argc, char **argv)
{
	streams_reserve();
	if (sodium_init() < 0) {
		fprintf(stderr, "assay: libsodium does not start\n");
		return ASSAY_SERVE_ERROR;
	}
	umask(077);
	assay_state_signals();
	int code = command(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "assay: standard output could not be written (io.write)\n");
		return ASSAY_SERVE_ERROR;
	}
	return code;
}
