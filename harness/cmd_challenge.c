/* SPDX-License-Identifier: Apache-2.0
 *
 * assay challenge: what a verifier asks for, signed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/ask.h"
#include "harness/command.h"
#include "harness/ledger.h"
#include "harness/table.h"
#include "verify/chain.h"
#include "verify/envelope.h"

static const char usage[] =
    "usage: assay challenge -k VERIFIERKEY -o NAME --devices N (--memory 80GiB|cpu | --row NAME) [-p PROFILE] ...\n"
    "\n"
    "Makes NAME.challenge.json, which asks a prover for work at a time of your choice: `assay run --challenge` does "
    "it,\n"
    "and `assay answer` answers meanwhile, so that your clock says how long it took. A challenge is answered once.\n"
    "\n"
    "  -k, --key KEYFILE       your own signing key; make one for this purpose only: assay keygen -o KEYFILE\n"
    "  -o, --output NAME       where to write\n" ASSAY_ASK_USAGE
    "      --force             replace a challenge that nobody has begun\n";

static enum assay_status challenge_write(const char *path, const struct assay_challenge *challenge,
                                         const struct assay_secret *secret, bool replace, struct assay_error *error)
{
	char state[ASSAY_PATH_MAX], *text = NULL;

	if (!assay_ledger_path(state, path))
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", path);
	/* What is known of an exchange that has begun is never lost. */
	if (access(state, F_OK) == 0)
		return assay_fail(error, ASSAY_ERROR_IO, "io.exists",
		                  "%s: a challenge of that name was answered; take another -o", state);
	enum assay_status status = assay_ask_seal(&text, challenge, secret, error);
	if (!status)
		status = assay_output_write(path, 0644, (const char *const *)&text, 1, replace, error);
	free(text);
	return status;
}

static void print(const char *path, const struct assay_challenge *challenge, const char *key, const char *name,
                  const struct assay_row *row)
{
	const double estar = assay_estar_ppm(challenge->samples, 0) / 1e4;
	const struct assay_segment *table = NULL;
	char expires[21], keyid[65];

	assay_utc_text(expires, challenge->expires);
	assay_hex(keyid, challenge->verifier);
	printf("%s\n  profile     %s: %" PRIu64 " s of work\n  workloads  ", path, challenge->profile,
	       assay_ask_work_s(challenge));
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		if (challenge->segments[j].work->is_fill)
			table = &challenge->segments[j];
		else
			printf(" %s", challenge->segments[j].work->name);
	}
	printf("\n  sizes       row %s", row->name);
	if (table)
		printf(", and a table of %.2f GiB", (double)table->params.value[1] * ASSAY_TABLE_ITEM_BYTES / 0x1p30);
	printf("\n  devices     %u at once", challenge->devices);
	if (challenge->leased)
		printf("; %u more are let", challenge->leased);
	printf("\n  samples     %u a run: e* = %.1f %%, what is not certified of the work\n  expires     %s\n  "
	       "verifier    %s\n",
	       challenge->samples, estar, expires, keyid);
	printf("\nnext, the prover:   assay run --challenge %s --verifier %s.pub -o %s\n"
	       "meanwhile, you:     assay answer -k %s --follow %s %s.messages.jsonl\n"
	       "at the end, you:    assay verify --verifier %s.pub --trust PROVER.pub %s.intoto.json\n",
	       path, key, name, key, path, name, key, name);
}

int assay_command_challenge(int argc, char **argv)
{
	static const struct option table[] = {ASSAY_ASK_LONG,
	                                      {"key", required_argument, NULL, 'k'},
	                                      {"output", required_argument, NULL, 'o'},
	                                      {"force", no_argument, NULL, 'f'},
	                                      {"help", no_argument, NULL, 'h'},
	                                      {0}};
	struct assay_ask ask = ASSAY_ASK_DEFAULT;
	const char *key = NULL, *name = NULL;
	bool replace = false;
	struct assay_secret secret;
	struct assay_challenge challenge;
	const struct assay_row *row;
	struct assay_error error;
	char path[ASSAY_PATH_MAX];

	for (int option; (option = getopt_long(argc, argv, "k:o:h" ASSAY_ASK_SHORT, table, NULL)) != -1;) {
		bool known = true;
		if (option == 'k')
			key = optarg;
		else if (option == 'o')
			name = optarg;
		else if (option == 'f')
			replace = true;
		else if (assay_ask_option(&ask, option, optarg, &known, &error) != ASSAY_OK)
			return assay_complain(&error);
		if (!known)
			return assay_usage(usage, option == 'h');
	}
	if (optind < argc || !key || !name || !assay_ask_is_complete(&ask))
		return assay_usage(usage, false);
	if (snprintf(path, sizeof path, "%s.challenge.json", name) >= ASSAY_PATH_MAX) {
		(void)assay_fail(&error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", name);
		return assay_complain(&error);
	}
	enum assay_status status = assay_secret_read(&secret, key, &error);
	if (status)
		return assay_complain(&error);
	status = assay_ask_make(&challenge, &row, &ask, secret.key, &error);
	if (!status)
		status = challenge_write(path, &challenge, &secret, replace, &error);
	assay_secret_forget(&secret);
	if (status)
		return assay_complain(&error);
	print(path, &challenge, key, name, row);
	return 0;
}
