/* SPDX-License-Identifier: Apache-2.0
 *
 * assay baseline: the attestations that new ones are compared with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/amount.h"
#include "harness/command.h"
#include "harness/compare/baseline.h"
#include "harness/trust.h"

static const char usage[] =
    "usage: assay baseline add DIR ATTESTATION... [--trust KEY.pub|DIR]...\n"
    "       assay baseline list DIR [--json] [--trust KEY.pub|DIR]...\n"
    "       assay baseline prune DIR --keep N [--trust KEY.pub|DIR]...\n"
    "\n"
    "A directory of attestations, by device and driver, for `assay compare DIR NEW`. Each is verified when it is\n"
    "added and whenever it is read, so that none can be edited unnoticed. prune keeps the newest of each device and\n"
    "driver, and leaves those alone that do not verify.\n"
    "\n"
    "      --trust KEY.pub|DIR, --verifier KEY.pub|DIR   as in `assay verify` (trust: your own key)\n"
    "      --keep N             1 to 1000\n"
    "      --json               one JSON object a line\n"
    "\n"
    "exit  0 done   1 list: one does not verify   3 usage, input/output, an attestation that does not verify\n";

static int add(const char *directory, char **attestations, int count, const struct assay_policy *policy)
{
	struct assay_error error;
	char *path;

	for (int i = 0; i < count; i++) {
		if (assay_baseline_add(&path, directory, attestations[i], policy, &error) != ASSAY_OK)
			return assay_complain(&error);
		printf("%s\n", path);
		free(path);
	}
	return 0;
}

static int list(const struct assay_baselines *baselines, bool json)
{
	int code = 0;

	for (size_t i = 0; i < baselines->count; i++) {
		const struct assay_baseline *entry = &baselines->list[i];
		const bool good = !*entry->why.reason;
		code = good ? code : ASSAY_FAIL;
		if (json)
			(void)assay_print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?}", "key", entry->key, "path",
			                                 entry->path, "date", entry->date, "device", entry->device,
			                                 "driver", entry->driver, "reason",
			                                 good ? NULL : entry->why.reason));
		else if (good)
			printf("  %s  %s, %s\n    %s\n", entry->date, entry->device, entry->driver, entry->path);
		else
			printf("  NOT VERIFIED          %s (%s)\n    %s\n", entry->why.text, entry->why.reason,
			       entry->path);
	}
	return code;
}

int assay_command_baseline(int argc, char **argv)
{
	static const struct option options[] = {
	    {"trust", required_argument, NULL, 't'}, {"verifier", required_argument, NULL, 'V'},
	    {"keep", required_argument, NULL, 'k'},  {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},        {0},
	};
	static struct assay_trusted trusted;
	struct assay_baselines baselines;
	struct assay_error error;
	uint64_t keep = 0;
	bool json = false;

	for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (option == 't' || option == 'V') {
			if (assay_trusted_add(&trusted, option == 'V', optarg, &error) != ASSAY_OK)
				return assay_complain(&error);
		} else if (option == 'j') {
			json = true;
		} else if (option != 'k' || !assay_amount_number(&keep, optarg, 1, 1000)) {
			return assay_usage(usage, option == 'h');
		}
	}
	const int count = argc - optind;
	const char *what = count > 0 ? argv[optind] : "";
	const bool adds = strcmp(what, "add") == 0, lists = strcmp(what, "list") == 0;
	if (count < 2 || (adds ? count < 3 || keep || json : count != 2) || (lists && keep) ||
	    (!adds && !lists && (strcmp(what, "prune") != 0 || !keep || json)))
		return assay_usage(usage, false);
	if (assay_trusted_own(&trusted, &error) != ASSAY_OK)
		return assay_complain(&error);
	const struct assay_policy policy = assay_trusted_policy(&trusted);
	const char *directory = argv[optind + 1];
	if (adds)
		return add(directory, argv + optind + 2, count - 2, &policy);
	if (assay_baselines_list(&baselines, directory, &policy, &error) != ASSAY_OK)
		return assay_complain(&error);
	size_t removed = 0;
	int code = 0;
	if (lists)
		code = list(&baselines, json);
	else if (assay_baselines_prune(&removed, &baselines, keep, &error) != ASSAY_OK)
		code = assay_complain(&error);
	else
		printf("removed %zu\n", removed);
	assay_baselines_release(&baselines);
	return code;
}
