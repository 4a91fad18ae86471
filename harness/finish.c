/* SPDX-License-Identifier: Apache-2.0
 *
 * See finish.h. */
#include "harness/finish.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "harness/command.h"
#include "harness/estimate.h"
#include "harness/last.h"
#include "harness/measure.h"
#include "harness/report.h"
#include "harness/state.h"

static enum assay_status output_check(const char *path, const char *exists, bool replace, struct assay_error *error)
{
	struct assay_output probe;
	struct stat info;

	if (lstat(path, &info) == 0 && (!replace || S_ISDIR(info.st_mode)))
		return assay_fail(error, ASSAY_ERROR_IO, "io.exists", exists, path, path);
	enum assay_status status = assay_output_open(&probe, path, 0644, error);
	if (!status)
		assay_output_close(&probe);
	return status;
}

enum assay_status assay_outputs_check(const char *prefix, bool checkpoint, bool replace, struct assay_error *error)
{
	static const char *const endings[] = {".transcript", ".intoto.json", ".checkpoint"};
	enum assay_status status = ASSAY_OK;
	char path[ASSAY_PATH_MAX];

	for (int i = 0; !status && i < (checkpoint ? 3 : 2); i++) {
		if (snprintf(path, sizeof path, "%s%s", prefix, endings[i]) >= ASSAY_PATH_MAX)
			return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long", prefix);
		status = output_check(path,
		                      i < 2 ? "%s: exists already; use --force or another -o"
		                            : "%s: a run of this name was cut off; go on with it (--resume %s), or use "
		                              "--force or another -o",
		                      replace, error);
	}
	return status;
}

static void print_written(const struct assay_finish *finish, const char *prefix, const struct assay_verdict *verdict,
                          uint64_t opening_ns, uint64_t verify_ns)
{
	uint64_t leaves = 0;

	for (uint32_t i = 0; i < verdict->run_count; i++)
		leaves += verdict->runs[i].proved.leaves;
	fprintf(finish->out, "wrote     %s.intoto.json   signed by %.16s...\n          %s.transcript\n", prefix,
	        verdict->keyid, prefix);
	fprintf(finish->out, "verify    %s: %" PRIu64 " leaves opened in %.1f s, rechecked on this CPU in %.2f s\n",
	        verdict->assurance, leaves, (double)opening_ns / 1e9, (double)verify_ns / 1e9);
	if (finish->json) {
		char *text = assay_verdict_json(verdict);
		fputs(text ? text : "{}\n", stdout);
		free(text);
	}
}

/* A place to which nothing else was to be written: beside the compiled kernels, and then where temporary files go. */
static bool other_place(char prefix[ASSAY_PATH_MAX], const char *wanted, int n)
{
	const char *slash = strrchr(wanted, '/'), *name = slash ? slash + 1 : wanted, *temporary = getenv("TMPDIR");
	struct assay_error ignored;

	if (n == 0)
		return assay_state_cache(prefix, name) && assay_state_parents(prefix, &ignored) == ASSAY_OK;
	return snprintf(prefix, ASSAY_PATH_MAX, "%s/%s", temporary && *temporary == '/' ? temporary : "/tmp", name) <
	       ASSAY_PATH_MAX;
}

/* The files, where they were to go; or elsewhere, when they and the checkpoint cannot be written there. */
static enum assay_status write_somewhere(struct assay_attest *attest, const struct assay_finish *finish,
                                         char other[ASSAY_PATH_MAX], struct assay_verdict *verdict,
                                         struct assay_error *error)
{
	enum assay_status status = assay_attest_write(attest, verdict, error);

	if (status != ASSAY_ERROR_IO || !finish->journal)
		return status;
	/* What was half written is gone, which may have made room. */
	if (assay_journal_flush(finish->journal, NULL) == ASSAY_OK)
		return status;
	assay_report_remark(error);
	for (int n = 0; status == ASSAY_ERROR_IO && n < 2; n++) {
		if (!other_place(other, finish->prefix, n))
			continue;
		attest->prefix = other;
		attest->replace = false;
		assay_verdict_close(verdict);
		status = assay_attest_write(attest, verdict, error);
	}
	return status;
}

void assay_finish_tell(const char *checkpoint)
{
	fprintf(
	    stderr,
	    "assay: what was done is kept in %s: assay run --resume %s -o ELSEWHERE, with --attest to do no more than "
	    "that\n",
	    checkpoint, checkpoint);
}

int assay_finish(const struct assay_finish *finish, bool *keep, char written[ASSAY_PATH_MAX])
{
	struct assay_attest attest = {.job = finish->job,
	                              .secret = finish->secret,
	                              .started = finish->started,
	                              .finished = time(NULL),
	                              .prefix = finish->prefix,
	                              .replace = finish->replace};
	struct assay_verdict verdict;
	struct assay_error error;
	char other[ASSAY_PATH_MAX];
	uint64_t start = assay_clock_ns();
	char rest[32];

	assay_time_text(rest, finish->rest_ns);
	if (finish->job->progress)
		fprintf(stderr, "  opening and checking the drawn leaves: %s%s ...", finish->rest_ns ? "about " : "",
		        finish->rest_ns ? rest : "a moment");
	enum assay_status status = write_somewhere(&attest, finish, other, &verdict, &error);
	assay_report_clear();
	int code = 0;
	*keep = true;
	snprintf(written, ASSAY_PATH_MAX, "%s", status ? "" : attest.prefix);
	if (status) {
		assay_remark(&error);
		code = assay_report_exit(&error);
		if (finish->checkpoint)
			assay_finish_tell(finish->checkpoint);
	} else {
		assay_report_claims(finish->out, finish->job, &verdict);
		print_written(finish, attest.prefix, &verdict, assay_clock_ns() - start - attest.verify_ns,
		              attest.verify_ns);
		code = assay_report_failures(finish->job, &verdict, attest.prefix);
		if (!code && verdict.checks[ASSAY_CHECK_RECHECK].reason)
			code = ASSAY_INCONCLUSIVE;
		*keep = finish->job->stopped;
		if (finish->checkpoint && finish->job->stopped)
			fprintf(
			    stderr,
			    "assay: stopped before its end; %s.intoto.json shows what was done. To go on: assay run "
			    "--resume %s --force\n",
			    attest.prefix, finish->checkpoint);
	}
	/* An error that says nothing of the devices leaves the verdict before it. */
	if (!status || code == ASSAY_FAIL)
		assay_last_store(&verdict, status ? &error : NULL, code, attest.finished);
	assay_verdict_close(&verdict);
	return code;
}
