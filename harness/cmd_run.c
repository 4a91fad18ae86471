/* SPDX-License-Identifier: Apache-2.0
 *
 * assay run: opens devices, checks them, does the work of a self-made challenge, signs and verifies what came of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/attest.h"
#include "harness/choose.h"
#include "harness/command.h"
#include "harness/guard.h"
#include "harness/limit.h"
#include "harness/measure.h"
#include "harness/order.h"
#include "harness/report.h"
#include "harness/selftest.h"
#include "harness/state.h"
#include "verify/cli.h"

static const char usage[] =
    "usage: assay run [-d DEV[,DEV...]|all] [-w WORKLOAD[,...]|all] [-p quick|standard|soak] [-k KEYFILE] [-o PREFIX]\n"
    "\n"
    "Benchmarks devices, all at once, and writes PREFIX.intoto.json (signed) and PREFIX.transcript (the proof).\n"
    "\n"
    "  -d, --device DEV,...    devices (all); see `assay devices`\n"
    "  -w, --workload NAME,... workloads (all): matmul-i8, matmul-i9, matmul-f32,\n"
    "                          matmul-f64, sha256, memory\n"
    "  -p, --profile NAME      quick: 10 s in all, 1 to 5 s a workload (default); standard: 20 s a workload;\n"
    "                          soak: --duration a workload, and every 16th round is computed twice and\n"
    "                          must be the same (about 6 % of the time; else device.miscompute, exit 1)\n"
    "      --duration TIME     of each workload, for soak: 90, 90s, 10m, 1h (20 s, or what --max-time leaves)\n"
    "      --max-time TIME     end within 25s, 2m, 1h: soak is shortened, and what cannot fit is not begun\n"
    "      --row NAME          sizes: host, small, medium, large, huge (what the smallest device can hold)\n"
    "      --variant NAME      of the kernels (the fastest that is sound); see `assay devices --kernels`\n"
    "      --stagger MS        start device N of the list N x MS late, where a supply trips (0); lowers rates\n"
    "      --share             also on a device that others use, or a part of a card: never certified\n"
    "      --strict            draw 2048 leaves a run instead of 512: e* 2.8 % instead of 10.7 %\n"
    "  -k, --key KEYFILE       signing key (~/.config/assay/key, made on first use)\n"
    "  -o, --output PREFIX     where to write (assay-TIME in this directory)\n"
    "      --force             replace existing files\n"
    "      --json              the verdict as JSON on standard output\n";

enum { DURATION_MS_MAX = 86400000, REPEAT_EVERY = 16 };

/* Where results go for people: standard output, or standard error when standard output is for a program. */
static FILE *text_out;

/* The key that was named; else the one in the configuration directory, made on first use; else one for this run only.
 */
static enum assay_status key_get(struct assay_secret *secret, const char *given, struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];

	if (given)
		return assay_secret_read(secret, given, error);
	if (!assay_state_config(path, "key")) {
		assay_secret_make(secret);
		fprintf(stderr, "assay: no home or state directory: signing with a key for this run only; set "
		                "ASSAY_STATE_DIR to keep one\n");
		return ASSAY_OK;
	}
	if (access(path, F_OK) == 0)
		return assay_secret_read(secret, path, error);
	assay_secret_make(secret);
	if (assay_secret_write(secret, path, false, error) == ASSAY_OK)
		fprintf(text_out, "key       made %s (secret) and %s.pub\n", path, path);
	else if (strcmp(error->reason, "io.exists") == 0 && access(path, F_OK) == 0) /* another run was faster */
		return assay_secret_read(secret, path, error);
	else
		fprintf(stderr, "assay: %s: signing with a key for this run only; set ASSAY_STATE_DIR to keep one\n",
		        error->text);
	return ASSAY_OK;
}

static enum assay_status guards(const struct assay_order *options, const struct assay_device *devices, uint32_t count,
                                struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	for (uint32_t d = 0; !status && !options->share && d < count; d++)
		status = assay_guard(&devices[d], error);
	return status;
}

/* Whether another variant than the portable one was chosen for a kernel. */
static bool device_is_tuned(const struct assay_device *device)
{
	bool tuned = false;

	for (int id = 0; id < ASSAY_KERNEL_COUNT; id++)
		tuned = tuned || device->kernels[id].variant != 0;
	return tuned;
}

/* The kernels are chosen among the sound ones, and what was chosen is tested once more. */
static enum assay_status selftests(const struct assay_order *options, struct assay_device *devices, uint32_t count,
                                   struct assay_error *error)
{
	uint32_t on_processor = 0;

	for (uint32_t d = 0; d < count; d++) {
		const struct assay_device_info *info = &devices[d].info;
		enum assay_status status = assay_choose(&devices[d], options->variant, assay_remark, error);
		if (!status)
			status = assay_selftest(&devices[d], error);
		if (status)
			return status;
		fprintf(text_out, "  %-10s %s, %u compute units, %s   self-test ok\n", devices[d].id, info->name,
		        info->compute_units, info->architecture);
		if (device_is_tuned(&devices[d]))
			fprintf(text_out, "             %s\n", info->variant);
		on_processor += info->is_cpu;
	}
	if (on_processor > 1)
		fprintf(text_out,
		        "             these share the processor: run them one by one (-d) for the rate of each\n");
	return ASSAY_OK;
}

/* Fails early when the files could not be written at the end. */
static enum assay_status outputs_check(const struct assay_order *options, struct assay_error *error)
{
	char path[ASSAY_PATH_MAX];

	for (int i = 0; i < 2; i++) {
		struct assay_output probe;
		if (snprintf(path, sizeof path, "%s%s", options->prefix, i ? ".intoto.json" : ".transcript") >=
		    ASSAY_PATH_MAX)
			return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long",
			                  options->prefix);
		struct stat info;
		if (lstat(path, &info) == 0 && (!options->force || S_ISDIR(info.st_mode)))
			return assay_fail(error, ASSAY_ERROR_IO, "io.exists",
			                  "%s: exists already; use --force or another -o", path);
		enum assay_status status = assay_output_open(&probe, path, 0644, error);
		if (status)
			return status;
		assay_output_close(&probe);
	}
	return ASSAY_OK;
}

static void print_written(const struct assay_order *options, const struct assay_verdict *verdict, uint64_t opening_ns,
                          uint64_t verify_ns)
{
	uint64_t leaves = 0;

	for (uint32_t i = 0; i < verdict->run_count; i++)
		leaves += verdict->runs[i].proved.leaves;
	fprintf(text_out, "wrote     %s.intoto.json   signed by %.16s...\n          %s.transcript\n", options->prefix,
	        verdict->keyid, options->prefix);
	fprintf(text_out, "verify    %s: %" PRIu64 " leaves opened in %.1f s, rechecked on this CPU in %.2f s\n",
	        verdict->assurance, leaves, (double)opening_ns / 1e9, (double)verify_ns / 1e9);
	if (options->json) {
		char *text = assay_verdict_json(verdict);
		fputs(text ? text : "{}\n", stdout);
		free(text);
	}
}

static uint32_t duration_s(const struct assay_challenge *challenge)
{
	uint64_t ms = 0;

	for (uint32_t j = 0; j < challenge->segment_count; j++)
		ms += challenge->segments[j].duration_ms;
	return (uint32_t)(ms / 1000);
}

/* Devices that are open, fit to be measured, and tested; and what they are asked to do. */
static enum assay_status prepare(const struct assay_order *options, struct assay_job *job, struct assay_device *devices,
                                 uint32_t *count, struct assay_secret *secret, struct assay_error *error)
{
	const uint64_t start_ns = assay_clock_ns();
	enum assay_status status = outputs_check(options, error);

	assay_limit_doing("opening devices");
	if (!status)
		status = assay_devices_open(devices, count, options->devices, error);
	if (!status)
		status = guards(options, devices, *count, error);
	if (!status)
		status = assay_order_challenge(&job->challenge, options, devices, *count, error);
	if (!status)
		status = key_get(secret, options->key, error);
	if (status)
		return status;
	fprintf(text_out, "\nAssay %s   %u device%s   profile %s", ASSAY_VERSION, *count, *count == 1 ? "" : "s",
	        options->profile);
	if (assay_limit_left_ns() == UINT64_MAX)
		fprintf(text_out, ", about %u s", duration_s(&job->challenge));
	fprintf(text_out, "\n\n");
	assay_limit_doing("testing devices");
	status = selftests(options, devices, *count, error);
	return status ? status : assay_order_fit(&job->challenge, devices, options, start_ns, text_out, error);
}

static int run(const struct assay_order *options, struct assay_device *devices, uint32_t *count)
{
	struct assay_job job = {.progress = isatty(STDERR_FILENO) ? assay_report_progress : NULL,
	                        .remark = assay_report_remark};
	struct assay_verdict verdict = {0};
	struct assay_secret secret = {0};
	struct assay_error error;
	uint64_t start;
	int code = 0;

	enum assay_status status = prepare(options, &job, devices, count, &secret, &error);
	if (status)
		goto done;
	fputc('\n', text_out);

	struct assay_attest attest = {.job = &job,
	                              .secret = &secret,
	                              .started = time(NULL),
	                              .prefix = options->prefix,
	                              .replace = options->force};
	job.devices = devices;
	job.stagger_ms = options->stagger_ms;
	job.repeat_every = strcmp(options->profile, "soak") == 0 ? REPEAT_EVERY : 0;
	memcpy(job.key, secret.key, sizeof job.key);
	assay_limit_doing("the devices work");
	status = assay_job_run(&job, &error);
	assay_report_clear();
	if (status)
		goto done;
	attest.finished = time(NULL);
	assay_report_rates(text_out, &job);
	fputc('\n', text_out);
	assay_limit_doing("drawn leaves are opened and checked");
	start = assay_clock_ns();
	if (job.progress)
		fprintf(stderr, "  opening and checking the drawn leaves ...");
	status = assay_attest_write(&attest, &verdict, &error);
	assay_report_clear();
	if (!status) {
		assay_report_claims(text_out, &job, &verdict);
		print_written(options, &verdict, assay_clock_ns() - start - attest.verify_ns, attest.verify_ns);
		code = assay_report_failures(&job, &verdict, options->prefix);
	}
done:
	if (status) {
		assay_remark(&error);
		code = assay_report_exit(&error);
	}
	assay_secret_forget(&secret);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	return code;
}

int assay_command_run(int argc, char **argv)
{
	static const struct option table[] = {
	    {"device", required_argument, NULL, 'd'},  {"workload", required_argument, NULL, 'w'},
	    {"profile", required_argument, NULL, 'p'}, {"key", required_argument, NULL, 'k'},
	    {"row", required_argument, NULL, 'r'},     {"output", required_argument, NULL, 'o'},
	    {"json", no_argument, NULL, 'j'},          {"duration", required_argument, NULL, 't'},
	    {"strict", no_argument, NULL, 's'},        {"force", no_argument, NULL, 'f'},
	    {"variant", required_argument, NULL, 'v'}, {"share", no_argument, NULL, 'S'},
	    {"stagger", required_argument, NULL, 'g'}, {"max-time", required_argument, NULL, 'T'},
	    {"help", no_argument, NULL, 'h'},          {0},
	};
	static struct assay_device devices[ASSAY_DEVICES_MAX];
	struct assay_order options = {.devices = "all", .workloads = "all", .profile = "quick", .samples = 512};
	char prefix[64], *end;
	unsigned long milliseconds;
	uint64_t duration_ms;
	uint32_t count = 0;

	for (int option; (option = getopt_long(argc, argv, "d:w:p:k:o:h", table, NULL)) != -1;) {
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
			if (!assay_limit_parse(&duration_ms, optarg) || duration_ms > DURATION_MS_MAX) {
				fprintf(stderr,
				        "assay: --duration %s: not 1 to 86400 seconds, as 90, 90s, 10m or 1h "
				        "(profile.duration)\n",
				        optarg);
				return ASSAY_EXIT_ERROR;
			}
			options.duration_s = (uint32_t)(duration_ms / 1000);
			break;
		case 'T':
			if (!assay_limit_option(optarg))
				return ASSAY_EXIT_ERROR;
			break;
		case 'g':
			milliseconds = strtoul(optarg, &end, 10);
			if (*optarg < '0' || *optarg > '9' || *end || milliseconds > ASSAY_STAGGER_ASKED_MAX) {
				fprintf(stderr, "assay: --stagger %s: not 0 to %d milliseconds (plan.stagger)\n",
				        optarg, ASSAY_STAGGER_ASKED_MAX);
				return ASSAY_EXIT_ERROR;
			}
			options.stagger_ms = (uint32_t)milliseconds;
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
	if (optind < argc)
		return assay_usage(usage, false);
	text_out = options.json ? stderr : stdout;
	if (!options.prefix) {
		time_t now = time(NULL);
		struct tm parts;
		strftime(prefix, sizeof prefix, "assay-%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
		options.prefix = prefix;
	}
	int code = run(&options, devices, &count);
	for (uint32_t d = 0; d < count; d++)
		assay_device_close(&devices[d]);
	return code;
}
