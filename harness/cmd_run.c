/* SPDX-License-Identifier: Apache-2.0
 *
 * assay run: what can be asked of it. The rest is in session.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/amount.h"
#include "harness/command.h"
#include "harness/limit.h"
#include "harness/remote.h"
#include "harness/session.h"
#include "harness/state.h"
#include "verify/statement.h"

static const char usage[] =
    "usage: assay run [-d DEV[,DEV...]|all] [-w WORKLOAD[,...]|all] [-p quick|standard|soak] [-k KEYFILE] [-o PREFIX]\n"
    "\n"
    "Benchmarks devices, all at once, and writes PREFIX.intoto.json (signed) and PREFIX.transcript (the proof).\n"
    "\n"
    "  -d, --device DEV,...    devices (all); see `assay devices`\n"
    "  -w, --workload NAME,... workloads (all): matmul-i8, matmul-i9, matmul-f32, matmul-f64, sha256, memory\n"
    "  -p, --profile NAME      quick: 10 s in all, 1 to 5 s a workload (default); standard: 20 s a workload;\n"
    "                          soak: --duration a workload, and every 16th round is computed twice and\n"
    "                          must be the same (about 6 % of the time; else device.miscompute, exit 1)\n"
    "      --duration TIME     of each workload, for soak: 90, 90s, 10m, 1h (20 s, or what --max-time leaves)\n"
    "      --max-time TIME     end within 25s, 2m, 1h: soak is shortened, and what cannot fit is not begun\n"
    "      --row NAME          sizes: host, small, medium, large, huge (what the smallest device can hold)\n"
    "      --variant NAME      of the kernels (the fastest that is sound); see `assay devices --kernels`\n"
    "      --stagger MS        start device N of the list N x MS late, where a supply trips (0); lowers rates\n"
    "      --power-budget W    devices compute only while their power limits, which are read and never set, together\n"
    "                          fit in W watts: they take turns, and rates fall\n"
    "      --share             also on a device that others use, or a part of a card: never certified\n"
    "      --strict            draw 2048 leaves a run instead of 512: e* 2.8 % instead of 10.7 %\n"
    "  -k, --key KEYFILE       signing key (~/.config/assay/key, made on first use)\n"
    "  -o, --output PREFIX     where to write (assay-TIME in this directory)\n"
    "      --force             replace existing files\n"
    "      --checkpoint SEC    write PREFIX.checkpoint every so often (30; only for a soak and from 60 s of work on).\n"
    "                          Ctrl-C then attests what was done\n"
    "      --resume FILE       go on with a run that was cut off, from its checkpoint, on the same devices\n"
    "      --attest            with --resume: do no more work, attest what the checkpoint has\n"
    "      --challenge FILE    do what a verifier asks for (assay challenge), in exchange with it (assay answer):\n"
    "                          PREFIX.messages.jsonl is for the verifier, its answers go to PREFIX.receipts.jsonl\n"
    "      --verifier KEY.pub  the verifier's public key, for --challenge and for resuming such a run\n"
    "      --verifier URL      do what the verifier at https://HOST[:PORT][/PATH] asks for, and print its verdict, "
    "which\n"
    "                          is the exit code; PREFIX.challenge.json and .verifier.pub are what it sent. What did "
    "not\n"
    "                          reach it: --resume with the same URL, or assay submit\n"
    "      --token-file FILE   with a URL: the token that the verifier gave you, in a file that nobody else can read\n"
    "                          (ASSAY_TOKEN_FILE, or the token itself in ASSAY_TOKEN)\n"
    "      --verifier-key FILE with a URL: the verifier's public key, if you have it (what the URL says on first use)\n"
    "      --ca FILE           with a URL: trust only the authorities in this PEM file (ASSAY_CA_FILE; the system's)\n"
    "      --json              the verdict as JSON on standard output\n";

enum { DURATION_S_MAX = 86400, CHECKPOINT_S_MAX = 3600 };

/* The name of the checkpoint without its ending; else one by the time. */
static const char *prefix_default(char prefix[ASSAY_PATH_MAX], const char *checkpoint)
{
	static const char ending[] = ".checkpoint";
	size_t len = checkpoint ? strlen(checkpoint) : 0;
	time_t now = time(NULL);
	struct tm parts;

	if (len >= sizeof ending && len < ASSAY_PATH_MAX && strcmp(checkpoint + len - (sizeof ending - 1), ending) == 0)
		snprintf(prefix, ASSAY_PATH_MAX, "%.*s", (int)(len - (sizeof ending - 1)), checkpoint);
	else
		strftime(prefix, ASSAY_PATH_MAX, "assay-%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
	return prefix;
}

/* Whether what is said of a verifier goes together. */
static bool asked_well(const struct assay_order *options, bool sized)
{
	const bool at_url = options->verifier && assay_remote_is_url(options->verifier);

	if ((options->verifier && !at_url && !options->challenge && !options->resume) ||
	    (!at_url && (options->verifier_key || options->token_file || options->ca))) {
		(void)assay_usage(usage, false);
		return false;
	}
	if (at_url && (sized || options->challenge)) {
		fprintf(stderr,
		        "assay: --verifier URL says what is to be done: it does not go with --challenge, -w, -p, "
		        "--duration, --row, --strict or --share (run.challenge)\n");
		return false;
	}
	if (options->challenge && (sized || !options->verifier)) {
		fprintf(stderr,
		        "assay: --challenge says what is to be done: it goes with --verifier KEY.pub, and not with "
		        "-w, -p, --duration, --row, --strict or --share (run.challenge)\n");
		return false;
	}
	return true;
}

int assay_command_run(int argc, char **argv)
{
	static const struct option table[] = {
	    {"device", required_argument, NULL, 'd'},
	    {"workload", required_argument, NULL, 'w'},
	    {"profile", required_argument, NULL, 'p'},
	    {"key", required_argument, NULL, 'k'},
	    {"row", required_argument, NULL, 'r'},
	    {"output", required_argument, NULL, 'o'},
	    {"json", no_argument, NULL, 'j'},
	    {"duration", required_argument, NULL, 't'},
	    {"strict", no_argument, NULL, 's'},
	    {"force", no_argument, NULL, 'f'},
	    {"variant", required_argument, NULL, 'v'},
	    {"share", no_argument, NULL, 'S'},
	    {"stagger", required_argument, NULL, 'g'},
	    {"power-budget", required_argument, NULL, 'P'},
	    {"max-time", required_argument, NULL, 'T'},
	    {"checkpoint", required_argument, NULL, 'c'},
	    {"resume", required_argument, NULL, 'R'},
	    {"attest", no_argument, NULL, 'A'},
	    {"challenge", required_argument, NULL, 'C'},
	    {"verifier", required_argument, NULL, 'V'},
	    {"verifier-key", required_argument, NULL, 'K'},
	    {"token-file", required_argument, NULL, 'F'},
	    {"ca", required_argument, NULL, 'a'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	struct assay_order options = {.workloads = "all", .profile = "quick", .samples = 512, .devices = "all"};
	char prefix[ASSAY_PATH_MAX];
	uint64_t number;
	bool shaped = false; /* an option that a checkpoint has settled */
	bool sized = false;  /* one that a challenge has */

	for (int option; (option = getopt_long(argc, argv, "d:w:p:k:o:h", table, NULL)) != -1;) {
		shaped = shaped || strchr("dwptrsvSgPC", option);
		sized = sized || strchr("wptrsS", option);
		switch (option) {
		case 'd':
			options.devices = optarg;
			break;
		case 'w':
			options.workloads = optarg;
			break;
		case 'p':
			options.profile = optarg;
			break;
		case 'k':
			options.key = optarg;
			break;
		case 'o':
			options.prefix = optarg;
			break;
		case 't':
			if (!assay_amount_time(&number, optarg, 1, DURATION_S_MAX)) {
				fprintf(stderr,
				        "assay: --duration %s: not 1 to 86400 seconds, as 90, 90s, 10m or 1h "
				        "(profile.duration)\n",
				        optarg);
				return ASSAY_EXIT_ERROR;
			}
			options.duration_s = (uint32_t)number;
			break;
		case 'T':
			if (!assay_limit_option(optarg))
				return ASSAY_EXIT_ERROR;
			break;
		case 'g':
			if (!assay_amount_number(&number, optarg, 0, ASSAY_STAGGER_ASKED_MAX)) {
				fprintf(stderr, "assay: --stagger %s: not 0 to %d milliseconds (plan.stagger)\n",
				        optarg, ASSAY_STAGGER_ASKED_MAX);
				return ASSAY_EXIT_ERROR;
			}
			options.stagger_ms = (uint32_t)number;
			break;
		case 'P':
			if (!assay_amount_number(&number, optarg, 1, ASSAY_POWER_BUDGET_W_MAX)) {
				fprintf(stderr, "assay: --power-budget %s: not 1 to %d watts (plan.power)\n", optarg,
				        ASSAY_POWER_BUDGET_W_MAX);
				return ASSAY_EXIT_ERROR;
			}
			options.power_budget_w = (uint32_t)number;
			break;
		case 'c':
			if (!assay_amount_number(&number, optarg, 1, CHECKPOINT_S_MAX)) {
				fprintf(stderr, "assay: --checkpoint %s: not 1 to %d seconds (plan.checkpoint)\n",
				        optarg, CHECKPOINT_S_MAX);
				return ASSAY_EXIT_ERROR;
			}
			options.checkpoint_s = (uint32_t)number;
			break;
		case 'C':
			options.challenge = optarg;
			break;
		case 'V':
			options.verifier = optarg;
			break;
		case 'K':
			options.verifier_key = optarg;
			break;
		case 'F':
			options.token_file = optarg;
			break;
		case 'a':
			options.ca = optarg;
			break;
		case 'R':
			options.resume = optarg;
			break;
		case 'A':
			options.attest = true;
			break;
		case 's':
			options.samples = 2048;
			break;
		case 'r':
			options.row = optarg;
			break;
		case 'v':
			options.variant = optarg;
			break;
		case 'S':
			options.share = true;
			break;
		case 'f':
			options.force = true;
			break;
		case 'j':
			options.json = true;
			break;
		default:
			return assay_usage(usage, option == 'h');
		}
	}
	if (optind < argc || (options.attest && !options.resume))
		return assay_usage(usage, false);
	if (!asked_well(&options, sized))
		return ASSAY_EXIT_ERROR;
	if (options.resume && shaped) {
		fprintf(
		    stderr,
		    "assay: --resume goes on with what the checkpoint says: only -k, -o, --force, --json, --max-time, "
		    "--checkpoint, --attest and --verifier go with it (run.resume)\n");
		return ASSAY_EXIT_ERROR;
	}
	if (!options.prefix)
		options.prefix = prefix_default(prefix, options.resume);
	return assay_session_run(&options);
}
