/* SPDX-License-Identifier: Apache-2.0
 *
 * assay: the table of subcommands. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/command.h"
#include "harness/state.h"
#include "harness/token.h"
#include "verify/cli.h"

static const struct {
	const char *name;
	int (*function)(int argc, char **argv);
	const char *arguments, *summary;
} commands[] = {
    {"devices", assay_command_devices, "[--kernels] [--json]", "list the devices"},
    {"doctor", assay_command_doctor, "[--json]", "check that GPUs can be used here"},
    {"keygen", assay_command_keygen, "[-o FILE]", "make a signing key"},
    {"run", assay_command_run, "[-d DEV,...] [-w WORKLOAD,...] [-p PROFILE] [-o PREFIX]", "benchmark, prove and sign"},
    {"verify", assay_verify_command, "[--trust KEY.pub|DIR]... ATTESTATION...", "check attestations"},
    {"report", assay_command_report, "[--trust KEY.pub|DIR]... -o DIR ATTESTATION...", "write a page for people"},
    {"status", assay_command_status, "[--max-age 7d] [--exit-map MAP] [--textfile FILE]", "what the last run came to"},
    {"challenge", assay_command_challenge, "-k KEY -o NAME --devices N --memory SIZE ...", "ask for a proof"},
    {"answer", assay_command_answer, "-k KEY NAME.challenge.json X.messages.jsonl", "answer one who proves"},
    {"serve", assay_command_serve, "start|token|revoke|list ...", "be a verifier for many, over HTTP"},
    {"submit", assay_command_submit, "PREFIX --verifier URL", "send a verifier what was done for it"},
    {"show", assay_command_show, "ATTESTATION", "print what an attestation says"},
    {"reproduce", assay_command_reproduce, "[-d DEV] ATTESTATION", "do an attestation's rounds again, bit for bit"},
    {"selftest", assay_command_selftest, "[-d DEV,...] [--variant NAME]", "check that devices compute correctly"},
    {"compare", assay_command_compare, "--ab 'COMMAND A' 'COMMAND B' | BASE NEW | --history DIR",
     "say whether something became slower"},
    {"baseline", assay_command_baseline, "add|list|prune DIR ...", "keep attestations to compare with"},
    {"bench", assay_command_bench, "[-d DEV,...] [-w WORKLOAD,...]", "measure, sign nothing"},
};

static int help(FILE *out, int code)
{
	fprintf(out, "usage: assay COMMAND ...\n\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(out, "  %-9s %-57s %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
	fprintf(out, "\nDEV is cpu, opencl:0 ... or all. `assay COMMAND --help` says more.\n"
	             "exit  0 pass   1 fail   2 inconclusive   3 usage, input/output or device   4 malformed\n");
	return code;
}

/* Standard streams that were closed stay unusable, but no file that is opened later takes their number. */
static void streams_reserve(void)
{
	for (int stream = 0; stream < 3; stream++)
		if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", stream ? O_RDONLY : O_WRONLY) != stream)
			_exit(ASSAY_EXIT_ERROR);
}

static int command(int argc, char **argv)
{
	static char name[64];

	if (argc < 2)
		return help(stderr, ASSAY_EXIT_ERROR);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return help(stdout, 0);
	if (strcmp(argv[1], "--version") == 0) {
		printf("assay %s (%s)\n", ASSAY_VERSION, ASSAY_GIT_COMMIT);
		return 0;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(argv[1], commands[i].name) != 0)
			continue;
		snprintf(name, sizeof name, "assay %s", commands[i].name);
		argv[1] = name;
		return commands[i].function(argc - 1, argv + 1);
	}
	fprintf(stderr, "assay: %s: no such command\n", argv[1]);
	return help(stderr, ASSAY_EXIT_ERROR);
}

int main(int argc, char **argv)
{
	streams_reserve();
	assay_token_hide();
	if (sodium_init() < 0) {
		fprintf(stderr, "assay: libsodium does not start\n");
		return ASSAY_EXIT_ERROR;
	}
	assay_state_signals();
	int code = command(argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "assay: standard output could not be written (io.write)\n");
		return ASSAY_EXIT_ERROR;
	}
	return code;
}
