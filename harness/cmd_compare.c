/* SPDX-License-Identifier: Apache-2.0
 *
 * assay compare: a yes or no on whether something became slower. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/amount.h"
#include "harness/command.h"
#include "harness/compare/files.h"
#include "harness/limit.h"
#include "harness/state.h"
#include "harness/trust.h"

static const char usage[] =
    "usage: assay compare --ab [--budget TIME|--pairs N] 'COMMAND A' 'COMMAND B'\n"
    "       assay compare [--floor FILE] [--trust KEY.pub|DIR]... BASE NEW\n"
    "       assay compare --history [--trust KEY.pub|DIR]... DIR\n"
    "       assay compare --calibrate N -o FILE 'COMMAND'\n"
    "\n"
    "Did it become slower? Of two commands on this machine (--ab: old, new), of two results, or in a directory.\n"
    "A command prints JSON of google-benchmark, nvbench, pytest-benchmark, Bencher (BMF), `assay bench --json` or\n"
    "`assay verify --json`, or writes it to the file $ASSAY_OUTPUT. BASE and NEW are files of these, or\n"
    "attestations, which are verified first; BASE may be a directory of them (see `assay baseline`).\n"
    "\n"
    "--ab launches A and B in random order, pair after pair, with a control beside them, and calls it a regression\n"
    "when the sign test says so at p < 0.01 and the change is more than --fail-on. With a budget it looks on\n"
    "the way and ends when it knows; all looks together have p < 0.01.\n"
    "\n"
    "      --fail-on SHARE      the change that is a regression (2%)\n"
    "      --absolute NUMBER    and it is more than this, in the metric's unit (times: seconds)\n"
    "      --inconclusive WHAT  pass, warn (the same, and said on standard error) or fail (exit 2) (warn)\n"
    "      --budget TIME        25s, 10m, 1h (10m)            --pairs N     so many pairs, one look\n"
    "      --canary TIME|off    control a pair (1s)           --timeout TIME   of one launch (10m)\n"
    "      --wall               compare how long the commands take, whatever they print\n"
    "      --seed N             of the random order (it is printed)\n"
    "      --floor FILE|SHARE   of results: how much launches of the same code differ (see --calibrate)\n"
    "      --calibrate N        launch COMMAND N times, 20 or more, and write that file (-o); --budget spreads them\n"
    "      --across             devices of BASE and NEW may differ\n"
    "      --filter PATTERN     only metrics with such a name (shell pattern)\n"
    "      --bigger PATTERN,... --smaller PATTERN,...   Bencher measures that are better so\n"
    "      --trust KEY.pub|DIR, --verifier KEY.pub|DIR   as in `assay verify` (trust: your own key)\n"
    "      --json               the comparison as one JSON object\n"
    "      --junit FILE, --markdown FILE, --bigger-json FILE, --openmetrics FILE\n"
    "\n"
    "exit  0 pass   1 regression   2 inconclusive, with --inconclusive fail   3 usage, input/output\n";

enum {
	AB,
	FAIL_ON,
	ABSOLUTE,
	ON_UNCLEAR,
	BUDGET,
	PAIRS,
	CANARY,
	TIMEOUT,
	WALL,
	SEED,
	FLOOR,
	CALIBRATE,
	ACROSS,
	HISTORY,
	FILTER,
	BIGGER,
	SMALLER,
	JSON,
	JUNIT,
	MARKDOWN,
	BIGGER_JSON,
	OPENMETRICS,
	TRUST = 't',
	VERIFIER = 'V',
	OUTPUT = 'o',
	HELP = 'h'
};

static const struct option options[] = {
    {"ab", no_argument, NULL, 256 + AB},
    {"fail-on", required_argument, NULL, 256 + FAIL_ON},
    {"absolute", required_argument, NULL, 256 + ABSOLUTE},
    {"inconclusive", required_argument, NULL, 256 + ON_UNCLEAR},
    {"budget", required_argument, NULL, 256 + BUDGET},
    {"pairs", required_argument, NULL, 256 + PAIRS},
    {"canary", required_argument, NULL, 256 + CANARY},
    {"timeout", required_argument, NULL, 256 + TIMEOUT},
    {"wall", no_argument, NULL, 256 + WALL},
    {"seed", required_argument, NULL, 256 + SEED},
    {"floor", required_argument, NULL, 256 + FLOOR},
    {"calibrate", required_argument, NULL, 256 + CALIBRATE},
    {"across", no_argument, NULL, 256 + ACROSS},
    {"history", no_argument, NULL, 256 + HISTORY},
    {"filter", required_argument, NULL, 256 + FILTER},
    {"bigger", required_argument, NULL, 256 + BIGGER},
    {"smaller", required_argument, NULL, 256 + SMALLER},
    {"json", no_argument, NULL, 256 + JSON},
    {"junit", required_argument, NULL, 256 + JUNIT},
    {"markdown", required_argument, NULL, 256 + MARKDOWN},
    {"bigger-json", required_argument, NULL, 256 + BIGGER_JSON},
    {"openmetrics", required_argument, NULL, 256 + OPENMETRICS},
    {"trust", required_argument, NULL, TRUST},
    {"verifier", required_argument, NULL, VERIFIER},
    {"output", required_argument, NULL, OUTPUT},
    {"help", no_argument, NULL, HELP},
    {0},
};

/* What was asked for. */
struct asked {
	bool ab, history, json, across;
	uint64_t calibrate;
	const char *output, *floor, *junit, *markdown, *bigger, *openmetrics;
	struct assay_interleave plan;
	struct assay_trusted trusted;
};

static atomic_bool stopped;

enum { TIME_S_MAX = 7 * 86400 };

static bool time_parse(uint64_t *ns, const char *text)
{
	uint64_t seconds;

	if (!assay_amount_time(&seconds, text, 1, TIME_S_MAX))
		return false;
	*ns = seconds * 1000000000;
	return true;
}

static bool unclear_parse(enum assay_on_unclear *what, const char *text)
{
	static const char *const names[] = {"warn", "pass", "fail"};

	for (int i = 0; i < 3; i++)
		if (strcmp(text, names[i]) == 0) {
			*what = (enum assay_on_unclear)i;
			return true;
		}
	return false;
}

static bool absolute_parse(double *value, const char *text)
{
	char *end;

	*value = strtod(text, &end);
	return *text >= '0' && *text <= '9' && !*end && isfinite(*value);
}

/* One option. False: it is none of ours, or cannot be what it is given. */
static bool option_take(struct asked *asked, struct assay_comparison *comparison, int option)
{
	double share = 0;
	uint64_t number = 0;

	switch (option - 256) {
	case AB:
		return asked->ab = true;
	case FAIL_ON:
		if (!assay_percent_parse(&share, optarg))
			return false;
		comparison->rule.fail_on = log1p(share);
		return true;
	case ABSOLUTE:
		return absolute_parse(&comparison->rule.absolute, optarg);
	case ON_UNCLEAR:
		return unclear_parse(&comparison->on_unclear, optarg);
	case BUDGET:
		asked->plan.pairs = 0;
		return time_parse(&asked->plan.budget_ns, optarg);
	case PAIRS:
		asked->plan.budget_ns = 0;
		if (!assay_amount_number(&number, optarg, 8, ASSAY_PAIRS_MAX))
			return false;
		asked->plan.pairs = (uint32_t)number;
		return true;
	case CANARY:
		asked->plan.canary_ns = 0;
		if (strcmp(optarg, "off") != 0 && !time_parse(&asked->plan.canary_ns, optarg))
			return false;
		asked->plan.canary_ns /= 2; /* half of it beside each side */
		return true;
	case TIMEOUT:
		return time_parse(&asked->plan.timeout_ns, optarg);
	case WALL:
		return asked->plan.wall = true;
	case SEED:
		return assay_amount_number(&comparison->seed, optarg, 0, UINT64_MAX);
	case FLOOR:
		asked->floor = optarg;
		return true;
	case CALIBRATE:
		return assay_amount_number(&asked->calibrate, optarg, ASSAY_CALIBRATE_MIN, ASSAY_CALIBRATE_MAX);
	case ACROSS:
		return asked->across = true;
	case HISTORY:
		return asked->history = true;
	case FILTER:
		asked->plan.filter = optarg;
		return true;
	case BIGGER:
		assay_bigger_pattern = optarg;
		return true;
	case SMALLER:
		assay_smaller_pattern = optarg;
		return true;
	case JSON:
		return asked->json = true;
	case JUNIT:
		asked->junit = optarg;
		return true;
	case MARKDOWN:
		asked->markdown = optarg;
		return true;
	case BIGGER_JSON:
		asked->bigger = optarg;
		return true;
	case OPENMETRICS:
		asked->openmetrics = optarg;
		return true;
	default:
		asked->output = optarg;
		return option == OUTPUT;
	}
}

static void progress(uint32_t pairs, uint32_t of, uint64_t left_ns)
{
	if (!isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%u", pairs);
	if (of)
		fprintf(stderr, " of %u", of);
	if (left_ns < UINT64_MAX)
		fprintf(stderr, " pairs, at most %.0f s more", (double)left_ns / 1e9);
	fflush(stderr);
}

/* Text and files; the exit code. */
static int tell(const struct asked *asked, const struct assay_comparison *comparison)
{
	const struct {
		const char *path;
		enum assay_status (*write)(const struct assay_comparison *comparison, const char *path,
		                           struct assay_error *error);
	} files[] = {
	    {asked->junit, assay_comparison_junit},
	    {asked->markdown, assay_comparison_markdown},
	    {asked->bigger, assay_comparison_bigger},
	    {asked->openmetrics, assay_comparison_openmetrics},
	};
	struct assay_error error;
	int code = assay_comparison_exit(comparison);

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (!asked->json) {
		assay_comparison_print(stdout, comparison);
	} else {
		json_t *json = assay_comparison_json(comparison);
		char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
		json_decref(json);
		if (text)
			puts(text);
		else
			code = ASSAY_EXIT_ERROR;
		free(text);
	}
	/* A file that cannot be written does not hide a regression. */
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i].path && files[i].write(comparison, files[i].path, &error) != ASSAY_OK) {
			(void)assay_complain(&error);
			code = code == ASSAY_FAIL ? code : ASSAY_EXIT_ERROR;
		}
	if (assay_comparison_verdict(comparison) == ASSAY_UNCLEAR && comparison->on_unclear == ASSAY_UNCLEAR_WARNS)
		fprintf(stderr, "assay: inconclusive: a regression may be hidden by noise; give it more time, or see "
		                "--inconclusive (compare.inconclusive)\n");
	return code;
}

static enum assay_status work(struct asked *asked, struct assay_comparison *comparison, char **arguments,
                              struct assay_error *error)
{
	struct assay_floors floors = {NULL, -1};
	struct assay_policy policy = assay_trusted_policy(&asked->trusted);
	const struct assay_files files = {&policy, &floors, asked->plan.filter, asked->across};
	enum assay_status status = asked->floor ? assay_floors_read(&floors, asked->floor, error) : ASSAY_OK;

	if (asked->ab && asked->plan.pairs == 0 && asked->plan.budget_ns == 0)
		asked->plan.budget_ns = UINT64_C(600000000000);
	asked->plan.commands[0] = arguments[0];
	asked->plan.commands[1] = arguments[1];
	if (!status && asked->calibrate)
		status = assay_calibrate(asked->output, &asked->plan, (uint32_t)asked->calibrate, error);
	else if (!status && asked->ab)
		status = assay_interleave(comparison, &asked->plan, error);
	else if (!status && asked->history)
		status = assay_compare_history(comparison, arguments[0], &files, error);
	else if (!status)
		status = assay_compare_files(comparison, arguments[0], arguments[1], &files, error);
	assay_floors_close(&floors);
	return status;
}

int assay_command_compare(int argc, char **argv)
{
	static struct asked asked;
	struct assay_comparison comparison = {.rule = {.fail_on = log1p(0.02), .alpha = 0.01}};
	struct assay_error error;

	asked.plan = (struct assay_interleave){
	    .timeout_ns = UINT64_C(600000000000), .canary_ns = 500000000, .stop = &stopped, .progress = progress};
	comparison.seed = ((uint64_t)randombytes_random() << 20) ^ randombytes_random();
	/* Commands are ours only up to the first that is none. */
	for (int option; (option = getopt_long(argc, argv, "o:h", options, NULL)) != -1;) {
		if (option == HELP || option == '?')
			return assay_usage(usage, option == HELP);
		if (option == TRUST || option == VERIFIER) {
			if (assay_trusted_add(&asked.trusted, option == VERIFIER, optarg, &error) != ASSAY_OK)
				return assay_complain(&error);
		} else if (!option_take(&asked, &comparison, option)) {
			return assay_usage(usage, false);
		}
	}
	const int modes = asked.ab + asked.history + (asked.calibrate > 0);
	const int wanted = asked.history || asked.calibrate ? 1 : 2;
	if (modes > 1 || argc - optind != wanted || (asked.calibrate > 0) != (asked.output != NULL) ||
	    (asked.floor && (asked.ab || asked.calibrate)))
		return assay_usage(usage, false);
	if (!asked.ab && !asked.calibrate && assay_trusted_own(&asked.trusted, &error) != ASSAY_OK)
		return assay_complain(&error);
	if (asked.ab || asked.calibrate)
		assay_state_stop(&stopped);
	enum assay_status status = work(&asked, &comparison, argv + optind, &error);
	const int code = status ? assay_complain(&error) : asked.calibrate ? 0 : tell(&asked, &comparison);
	assay_comparison_close(&comparison);
	return code;
}
