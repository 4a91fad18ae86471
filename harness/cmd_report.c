/* SPDX-License-Identifier: Apache-2.0
 *
 * assay report: attestations as a page for people, verified while it is written. The same files give the same bytes: no
 * time, name or path of the machine that writes it gets into it, but the names that were given. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/command.h"
#include "harness/report/page_report.h"
#include "harness/state.h"
#include "harness/trust.h"

static const char usage[] =
    "usage: assay report [--trust KEY.pub|DIR]... [--verifier KEY.pub|DIR]... [--claim CLAIM]... -o DIR [--force] "
    "ATTESTATION...\n"
    "\n"
    "Verifies attestations as `assay verify` does and writes what they show, for people: DIR/index.html, one file\n"
    "without scripts that needs no network; DIR/report.md, the same as Markdown; and its plots as DIR/*.png, if "
    "gnuplot\n"
    "is there. Several attestations are compared.\n"
    "\n"
    "  -o DIR                   where to write; made if it is not there\n"
    "  --trust KEY.pub|DIR      accept this public key (PEM), or every *.pub in this directory\n"
    "  --verifier KEY.pub|DIR   believe receipts that this key signed, or one of this directory\n"
    "  --claim CLAIM            hold the machines against this, 'nvidia/h100/80Gi/sxm x8' or a .json file\n"
    "  --catalogue FILE         what models can do, in place of what is built in\n"
    "  --force                  replace a report that is there\n"
    "\n"
    "exit  0 pass   1 fail   2 inconclusive   3 usage or input/output   4 malformed: the worst verdict\n";

struct request {
	const char *directory;
	bool replace;
	struct assay_trusted trusted;
	const char *claims[ASSAY_CLAIMS_MAX], *catalogue;
	size_t claims_count;
	struct assay_claims *held;
	char *recheck; /* options with keys, as they were given */
	size_t recheck_len;
	FILE *options;
};

static int complete(struct request *request, struct assay_page *page, struct assay_exhibit *exhibits, size_t count,
                    struct assay_error *error)
{
	struct assay_report_page report = {.page = *page,
	                                   .directory = request->directory,
	                                   .recheck = request->recheck,
	                                   .catalogue = request->held->catalogue,
	                                   .replace = request->replace};
	char title[128];
	int code = 0;

	if (count == 1)
		snprintf(title, sizeof title, "Assay report: %s", exhibits[0].name);
	else
		snprintf(title, sizeof title, "Assay report: %zu attestations", count);
	assay_page_begin(&report.page, title);
	if (count > 1)
		assay_page_several(&report, exhibits, count);
	for (size_t i = 0; i < count; i++) {
		assay_page_exhibit(&report, &exhibits[i], i + 1, count);
		code = assay_code_worse(code, assay_exhibit_code(&exhibits[i]));
	}
	assay_page_words(&report.page, exhibits, count);
	assay_page_end(&report.page);
	*error = report.error;
	return report.status ? -1 : code;
}

static enum assay_status write_all(struct request *request, struct assay_exhibit *exhibits, size_t count, int *code,
                                   struct assay_error *error)
{
	struct assay_output html = {.slot = -1}, markdown = {.slot = -1};
	char path[2][ASSAY_PATH_MAX];

	if (mkdir(request->directory, 0755) != 0 && errno != EEXIST)
		return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%s: cannot be made: %s; choose another place (-o)",
		                  request->directory, strerror(errno));
	for (int i = 0; i < 2; i++) {
		struct stat info;
		if (snprintf(path[i], ASSAY_PATH_MAX, "%s/%s", request->directory, i ? "report.md" : "index.html") >=
		    ASSAY_PATH_MAX)
			return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long",
			                  request->directory);
		if (!request->replace && lstat(path[i], &info) == 0)
			return assay_fail(error, ASSAY_ERROR_IO, "io.exists",
			                  "%s: exists already; use --force or another -o", path[i]);
	}
	enum assay_status status = assay_output_open(&html, path[0], 0644, error);
	if (!status)
		status = assay_output_open(&markdown, path[1], 0644, error);
	if (!status) {
		struct assay_page page = {.html = html.file, .markdown = markdown.file};
		*code = complete(request, &page, exhibits, count, error);
		status = *code < 0 ? ASSAY_ERROR_IO : ASSAY_OK;
	}
	if (!status)
		status = assay_output_flush(&html, error);
	if (!status)
		status = assay_output_flush(&markdown, error);
	if (!status)
		status = assay_output_commit(&markdown, request->replace, error);
	if (!status)
		status = assay_output_commit(&html, request->replace, error);
	assay_output_close(&html);
	assay_output_close(&markdown);
	return status;
}

static int report(struct request *request, char **paths, size_t count)
{
	struct assay_policy policy = assay_trusted_policy(&request->trusted);
	struct assay_error error;
	struct assay_exhibit *exhibits;
	int code = ASSAY_EXIT_ERROR;

	if (count > ASSAY_EXHIBITS_MAX) {
		assay_fail(&error, ASSAY_ERROR_INPUT, "usage", "a report is of at most %d attestations",
		           ASSAY_EXHIBITS_MAX);
		return assay_complain(&error);
	}
	if (assay_claims_open(&request->held, request->claims, request->claims_count, request->catalogue, &error) !=
	    ASSAY_OK)
		return assay_complain(&error);
	policy.claims = request->claims_count ? request->held : NULL;
	exhibits = calloc(count, sizeof *exhibits);
	if (!exhibits) {
		assay_fail(&error, ASSAY_ERROR_MEMORY, "memory", "out of memory");
		return assay_complain(&error);
	}
	for (size_t i = 0; i < count; i++) {
		assay_exhibit_open(&exhibits[i], paths[i], &policy);
		if (exhibits[i].status)
			(void)assay_complain(&exhibits[i].verdict.error);
	}
	assay_exhibits_name(exhibits, count);
	if (write_all(request, exhibits, count, &code, &error) != ASSAY_OK)
		code = assay_complain(&error);
	else
		printf("wrote     %s/index.html\n          %s/report.md\n", request->directory, request->directory);
	for (size_t i = 0; i < count; i++)
		assay_exhibit_close(&exhibits[i]);
	free(exhibits);
	assay_claims_close(request->held);
	return code;
}

static void again(struct request *request, const char *option)
{
	fprintf(request->options, "%s ", option);
	assay_page_quote(request->options, optarg);
	fputc(' ', request->options);
}

static int key_option(struct request *request, bool verifier)
{
	struct assay_error error;

	if (assay_trusted_add(&request->trusted, verifier, optarg, &error) != ASSAY_OK)
		return assay_complain(&error);
	again(request, verifier ? "--verifier" : "--trust");
	return 0;
}

static int claim_option(struct request *request)
{
	if (request->claims_count == ASSAY_CLAIMS_MAX)
		return assay_usage(usage, false);
	request->claims[request->claims_count++] = optarg;
	again(request, "--claim");
	return 0;
}

static int options_read(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {{"trust", required_argument, NULL, 't'},
	                                        {"verifier", required_argument, NULL, 'V'},
	                                        {"claim", required_argument, NULL, 'c'},
	                                        {"catalogue", required_argument, NULL, 'C'},
	                                        {"force", no_argument, NULL, 'f'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};

	for (int option; (option = getopt_long(argc, argv, "o:t:h", options, NULL)) != -1;) {
		if (option == 'o')
			request->directory = optarg;
		else if (option == 'f')
			request->replace = true;
		else if (option == 'C') {
			request->catalogue = optarg;
			again(request, "--catalogue");
		} else if (option == 't' || option == 'V' || option == 'c') {
			const int code = option == 'c' ? claim_option(request) : key_option(request, option == 'V');
			if (code)
				return code;
		} else
			return assay_usage(usage, option == 'h');
	}
	if (!request->directory || !*request->directory || optind == argc)
		return assay_usage(usage, false);
	return -1;
}

int assay_command_report(int argc, char **argv)
{
	static struct request request;

	request.options = open_memstream(&request.recheck, &request.recheck_len);
	if (!request.options)
		return ASSAY_EXIT_ERROR;
	int code = options_read(&request, argc, argv);
	if (fclose(request.options) == 0 && code < 0)
		code = report(&request, argv + optind, (size_t)(argc - optind));
	free(request.recheck);
	return code < 0 ? ASSAY_EXIT_ERROR : code;
}
