/* SPDX-License-Identifier: Apache-2.0
 *
 * assay status: what the last run on this machine came to, in a line and an exit code for programs that watch machines.
 * It reads one file, and touches no device. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/amount.h"
#include "harness/command.h"
#include "harness/last.h"

/* node-problem-detector cuts what a plugin prints at max_output_length, in its examples 80. */
enum { LINE_LEN = 80, AGE_S_MAX = 3650 * 86400 };

static const char usage[] =
    "usage: assay status [--max-age 7d] [--exit-map npd|slurm|nagios] [--textfile FILE.prom] [--json]\n"
    "\n"
    "Prints in a line of at most 80 characters what the last `assay run` of this state directory came to. Touches no\n"
    "device.\n"
    "\n"
    "  --max-age AGE      a pass that is older (7d, 12h, 30m, 90s) is stale\n"
    "  --exit-map MAP     exit codes for a watcher, below\n"
    "  --textfile FILE    write it for node_exporter's textfile collector too\n"
    "  --json             as JSON, with the verdict\n"
    "\n"
    "exit           pass fail inconclusive stale none unreadable malformed\n"
    "               0    1    2            5     6    3          4\n"
    "  npd          0    1    2            2     2    2          2\n"
    "  slurm        0    1    0            1     1*   0          0          * with --max-age only, else 0\n"
    "  nagios       0    2    1            1     3    3          3\n";

static const struct map {
	const char *name;
	uint8_t codes[ASSAY_LAST_STATES];
} maps[] = {
    {"default", {0, 1, 2, 5, 6, 3, 4}},
    /* node-problem-detector, pkg/custompluginmonitor/types/types.go: 0 OK, 1 NonOK, 2 Unknown; others are Unknown.
     * https://github.com/kubernetes/node-problem-detector/blob/master/docs/custom_plugin_monitor.md */
    {"npd", {0, 1, 2, 2, 2, 2, 2}},
    /* Slurm drains a node whose Prolog exits with anything but 0: what says nothing against the node must be 0. Whoever
     * asks for an age wants a verdict to be there. https://slurm.schedmd.com/prolog_epilog.html */
    {"slurm", {0, 1, 0, 1, 1, 0, 0}},
    /* Nagios and its kin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
     * https://nagios-plugins.org/doc/guidelines.html, "Plugin Return Codes" */
    {"nagios", {0, 2, 1, 1, 3, 3, 3}},
};

struct request {
	const struct map *map;
	uint64_t max_age_s;
	const char *textfile;
	bool json;
};

static int code_of(const struct request *request, enum assay_last_state state)
{
	if (state == ASSAY_LAST_NONE && strcmp(request->map->name, "slurm") == 0 && !request->max_age_s)
		return 0;
	return request->map->codes[state];
}

/* "3 h ago". */
static void age_words(char text[32], const struct assay_last *last, uint64_t now)
{
	const uint64_t age = now > last->finished ? now - last->finished : 0;

	if (last->finished > now + 300)
		snprintf(text, 32, "in the future");
	else if (age < 120)
		snprintf(text, 32, "%u s ago", (unsigned)age);
	else if (age < 7200)
		snprintf(text, 32, "%u min ago", (unsigned)(age / 60));
	else if (age < 172800)
		snprintf(text, 32, "%u h ago", (unsigned)(age / 3600));
	else
		snprintf(text, 32, "%llu d ago", (unsigned long long)(age / 86400));
}

/* The line is cut rather than too long. '|' would begin what Nagios takes for numbers. */
static void line_print(const struct request *request, const struct assay_last *last, uint64_t now)
{
	static const char *const words[ASSAY_LAST_STATES] = {"PASS", "FAIL",       "INCONCLUSIVE", "STALE",
	                                                     "NONE", "UNREADABLE", "MALFORMED"};
	static const char *const nagios[] = {"ASSAY OK: ", "ASSAY WARNING: ", "ASSAY CRITICAL: ", "ASSAY UNKNOWN: "};
	const char *before = strcmp(request->map->name, "nagios") == 0 ? nagios[code_of(request, last->state)] : "";
	const size_t devices = json_array_size(json_object_get(last->verdict, "claimedDevices"));
	char line[400], age[32] = "";

	if (last->root)
		age_words(age, last, now);
	if (last->state == ASSAY_LAST_PASS)
		snprintf(line, sizeof line, "%sPASS %.20s %.24s, %zu device%s, %s", before,
		         assay_json_word(last->verdict, "assurance", "unknown"),
		         assay_json_word(last->verdict, "profile", "unknown"), devices, devices == 1 ? "" : "s", age);
	else
		snprintf(line, sizeof line, "%s%s %s%s%s: %s", before, words[last->state], last->reason,
		         *age ? ", " : "", age, last->text);
	assay_printable(line);
	for (char *at = line; *at; at++)
		if (*at == '|')
			*at = '/';
	printf("%.*s\n", LINE_LEN, line);
}

static int json_print(const struct assay_last *last, uint64_t now, int code)
{
	const bool known = last->root != NULL;
	json_t *age = known && last->finished <= now ? json_integer((json_int_t)(now - last->finished)) : json_null();

	return assay_print_json(json_pack("{s:s,s:o,s:o,s:i,s:o,s:o,s:o}", "status", assay_last_name(last->state),
	                                  "reason", *last->reason ? json_string(last->reason) : json_null(), "text",
	                                  *last->text ? json_string(last->text) : json_null(), "exitCode", code,
	                                  "ageSeconds", age, "finishedAt",
	                                  known ? json_string(last->finished_at) : json_null(), "verdict",
	                                  known ? json_incref(last->verdict) : json_null()));
}

static int status(const struct request *request)
{
	const uint64_t now = (uint64_t)time(NULL);
	struct assay_last last;
	struct assay_error error;
	int code;

	assay_last_read(&last, request->max_age_s, now);
	code = code_of(request, last.state);
	/* What is told is the state of the machine; a file that cannot be written is no fault of it. */
	if (request->textfile && assay_last_textfile(&last, request->textfile, &error) != ASSAY_OK) {
		(void)assay_complain(&error);
		code = code ? code : code_of(request, ASSAY_LAST_UNREADABLE);
	}
	if (!request->json)
		line_print(request, &last, now);
	else if (json_print(&last, now, code) != 0)
		code = ASSAY_EXIT_ERROR;
	json_decref(last.root);
	return code;
}

int assay_command_status(int argc, char **argv)
{
	static const struct option options[] = {
	    {"max-age", required_argument, NULL, 'a'},  {"exit-map", required_argument, NULL, 'm'},
	    {"textfile", required_argument, NULL, 't'}, {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},           {0}};
	struct request request = {.map = maps};

	for (int option; (option = getopt_long(argc, argv, "jh", options, NULL)) != -1;) {
		/* With a unit: whoever writes 7 seldom means seconds. */
		if (option == 'a' && optarg[strspn(optarg, "0123456789")] &&
		    assay_amount_time(&request.max_age_s, optarg, 1, AGE_S_MAX))
			continue;
		if (option == 't' && *optarg) {
			request.textfile = optarg;
			continue;
		}
		if (option == 'j') {
			request.json = true;
			continue;
		}
		request.map = NULL;
		for (size_t i = 1; option == 'm' && i < sizeof maps / sizeof *maps; i++)
			if (strcmp(optarg, maps[i].name) == 0)
				request.map = &maps[i];
		if (!request.map)
			return assay_usage(usage, option == 'h');
	}
	if (optind != argc)
		return assay_usage(usage, false);
	return status(&request);
}
