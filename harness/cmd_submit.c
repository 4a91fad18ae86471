/* SPDX-License-Identifier: Apache-2.0
 *
 * assay submit: what was done for a verifier's server, and did not reach it. */
#include <string.h>

#include "harness/command.h"
#include "harness/limit.h"
#include "harness/submit.h"

static const char usage[] =
    "usage: assay submit PREFIX --verifier URL [--ca FILE] [--json]\n"
    "\n"
    "Sends PREFIX.intoto.json and PREFIX.transcript to the verifier that asked for them (assay run --verifier URL), "
    "and\n"
    "prints its verdict. For a run whose end did not reach the verifier; what it has already is not changed by it. No\n"
    "token and no key is needed.\n"
    "\n"
    "      --verifier URL      where the verifier is: https://HOST[:PORT][/PATH]\n"
    "      --ca FILE           trust only the authorities in this PEM file (ASSAY_CA_FILE; those of the system)\n"
    "      --max-time TIME     end within 25s, 2m, 1h\n"
    "      --json              the verdict as JSON on standard output\n"
    "\n"
    "exit  0 pass   1 fail   2 inconclusive, or no verdict yet   3 usage, input/output, refused   4 malformed\n";

static int submit(struct assay_remote *remote, const char *prefix, bool json)
{
	const struct assay_submission submission = {
	    .remote = remote, .prefix = prefix, .json = json, .out = json ? stderr : stdout};
	struct assay_error error;
	int code = ASSAY_EXIT_ERROR;

	assay_limit_doing("the verifier is asked for its verdict");
	enum assay_status status = assay_remote_open(remote, &error);
	if (!status)
		status = assay_submit(&submission, &code, &error);
	assay_remote_close(remote);
	if (!status)
		return code;
	assay_remark(&error);
	return strcmp(error.reason, "verdict.missing") == 0 ? ASSAY_INCONCLUSIVE : ASSAY_EXIT_ERROR;
}

int assay_command_submit(int argc, char **argv)
{
	static const struct option table[] = {
	    {"verifier", required_argument, NULL, 'V'}, {"ca", required_argument, NULL, 'a'},
	    {"max-time", required_argument, NULL, 'T'}, {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},           {0},
	};
	struct assay_remote remote = {.remark = assay_remark};
	bool json = false;

	for (int option; (option = getopt_long(argc, argv, "h", table, NULL)) != -1;) {
		switch (option) {
		case 'V':
			remote.url = optarg;
			break;
		case 'a':
			remote.ca = optarg;
			break;
		case 'T':
			if (!assay_limit_option(optarg))
				return ASSAY_EXIT_ERROR;
			break;
		case 'j':
			json = true;
			break;
		default:
			return assay_usage(usage, option == 'h');
		}
	}
	if (optind + 1 != argc || !remote.url || !assay_remote_is_url(remote.url))
		return assay_usage(usage, false);
	return submit(&remote, argv[optind], json);
}
