/* SPDX-License-Identifier: Apache-2.0
 *
 * assay keygen: a signing key and its public half. */
#include <stdio.h>

#include "harness/command.h"
#include "harness/secret.h"
#include "harness/state.h"

static const char usage[] =
    "usage: assay keygen [-o FILE] [--force]\n"
    "\n"
    "Makes an Ed25519 key: FILE (secret, mode 0600) and FILE.pub (to give to verifiers), both PEM.\n"
    "\n"
    "  -o, --output FILE   where (~/.config/assay/key)\n"
    "      --force         replace an existing key\n";

int assay_command_keygen(int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
	                                        {"force", no_argument, NULL, 'f'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};
	char path[ASSAY_PATH_MAX], keyid[65];
	struct assay_secret secret;
	struct assay_error error;
	const char *output = NULL;
	bool replace = false;

	for (int option; (option = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
		if (option == 'o')
			output = optarg;
		else if (option == 'f')
			replace = true;
		else
			return assay_usage(usage, option == 'h');
	}
	if (optind < argc)
		return assay_usage(usage, false);
	if (!output) {
		if (!assay_state_config(path, "key")) {
			fprintf(stderr, "assay: no home directory to keep a key in; name a file with -o (io.open)\n");
			return ASSAY_EXIT_ERROR;
		}
		output = path;
	}
	assay_secret_make(&secret);
	enum assay_status status = assay_secret_write(&secret, output, replace, &error);
	assay_keyid(keyid, secret.key);
	assay_secret_forget(&secret);
	if (status)
		return assay_complain(&error);
	printf("%s\n%s.pub\nkeyid %s\n", output, output, keyid);
	return 0;
}
