/* SPDX-License-Identifier: Apache-2.0
 *
 * See session.h: devices are opened and checked, a job is made or taken from its checkpoint, done, and attested. */
#include "harness/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/asker.h"
#include "harness/choose.h"
#include "harness/command.h"
#include "harness/estimate.h"
#include "harness/finish.h"
#include "harness/guard.h"
#include "harness/limit.h"
#include "harness/measure.h"
#include "harness/report.h"
#include "harness/resume.h"
#include "harness/selftest.h"
#include "harness/state.h"
#include "harness/submit.h"

enum { REPEAT_EVERY = 16 };

/* ---- The steps ---- */

/* One run, from its options to its files. */
struct session {
	const struct assay_order *options;
	struct assay_device *devices;
	uint32_t *count;
	struct assay_job job;
	struct assay_secret secret;
	struct assay_checkpoint checkpoint; /* that is resumed */
	struct assay_journal *journal;      /* that is written */
	const char *journal_path;
	bool key_is_lost; /* at the end of the process */
	time_t started;
	struct assay_estimate estimate;
	struct assay_asker asker; /* a verifier; nobody for a job of one's own */
};

/* Where results go for people: standard output, or standard error when standard output is for a program. */
static FILE *text_out;

/* A signal stops a long job at the end of a round, and any other at once. */
static atomic_bool stop;

/* The key that was named; else the one in the configuration directory, made on first use; else one for this run only.
 */
static enum assay_status key_get(struct session *session, struct assay_error *error)
{
	struct assay_secret *secret = &session->secret;
	const char *given = session->options->key;
	char path[ASSAY_PATH_MAX];

	if (given)
		return assay_secret_read(secret, given, error);
	if (!assay_state_config(path, "key")) {
		assay_secret_make(secret);
		session->key_is_lost = true;
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
	else {
		session->key_is_lost = true;
		fprintf(stderr, "assay: %s: signing with a key for this run only; set ASSAY_STATE_DIR to keep one\n",
		        error->text);
	}
	return ASSAY_OK;
}

static enum assay_status guards(bool share, const struct assay_device *devices, uint32_t count,
                                struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	for (uint32_t d = 0; !status && !share && d < count; d++)
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
static enum assay_status selftests(struct session *session, struct assay_error *error)
{
	const struct assay_order *options = session->options;
	struct assay_device *devices = session->devices;
	uint32_t on_processor = 0;

	assay_limit_doing("testing devices");
	for (uint32_t d = 0; d < *session->count; d++) {
		const struct assay_device_info *info = &devices[d].info;
		enum assay_status status = options->resume && !options->attest
		                               ? assay_resume_choose(&session->checkpoint, d, &devices[d], error)
		                               : assay_choose(&devices[d], options->variant, assay_remark, error);
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

/* Milliseconds of work that a job asks for. */
static uint64_t work_ms(const struct assay_challenge *challenge)
{
	uint64_t ms = 0;

	for (uint32_t j = 0; j < challenge->segment_count; j++)
		ms += challenge->segments[j].duration_ms;
	return ms;
}

static void print_head(const struct session *session)
{
	const struct assay_challenge *challenge = &session->job.challenge;

	fprintf(text_out, "\nAssay %s   %u device%s   profile %s, %llu s of work\n\n", ASSAY_VERSION, *session->count,
	        *session->count == 1 ? "" : "s", challenge->profile + strlen("assay/1 "),
	        (unsigned long long)work_ms(challenge) / 1000);
}

/* Long jobs are written down while they run. */
static bool is_long(const struct session *session)
{
	enum { LONG_MS = 60000 };

	return work_ms(&session->job.challenge) >= LONG_MS || session->job.repeat_every ||
	       session->options->checkpoint_s || session->job.challenge.asked;
}

/* A job that is new. */
static enum assay_status begin_new(struct session *session, struct assay_error *error)
{
	const struct assay_order *options = session->options;
	const uint64_t start_ns = assay_clock_ns();
	struct assay_job *job = &session->job;

	enum assay_status status = assay_devices_open(session->devices, session->count, options->devices, error);
	if (!status)
		status = guards(options->share, session->devices, *session->count, error);
	/* A server gives a challenge to a key. */
	if (!status && session->asker.at_url)
		status = key_get(session, error);
	if (!status && session->key_is_lost)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "run.key",
		                    "a verifier at a URL gives challenges to a key that is kept: name one (-k)");
	if (!status && options->verifier)
		status =
		    assay_asker_challenge(&session->asker, &job->challenge, *session->count, &session->secret, error);
	else if (!status)
		status = assay_order_challenge(&job->challenge, options, session->devices, *session->count, error);
	if (!status)
		status = assay_power_check(options->power_budget_w, session->devices, *session->count, error);
	job->repeat_every = strcmp(job->challenge.profile, "assay/1 soak") == 0 ? REPEAT_EVERY : 0;
	if (!status)
		status = assay_outputs_check(options->prefix, is_long(session), options->force, error);
	if (!status && !session->asker.at_url)
		status = key_get(session, error);
	if (status)
		return status;
	memcpy(job->key, session->secret.key, sizeof job->key);
	job->stagger_ms = options->stagger_ms;
	job->power_budget_w = options->power_budget_w;
	session->started = time(NULL);
	print_head(session);
	status = selftests(session, error);
	if (status || options->verifier) {
		if (!status)
			assay_asker_join(&session->asker, job, &session->secret);
		return status;
	}
	return assay_order_fit(&job->challenge, session->devices, options, start_ns, text_out, error);
}

/* A job that was cut off. */
static enum assay_status begin_again(struct session *session, struct assay_error *error)
{
	const struct assay_order *options = session->options;
	struct assay_checkpoint *checkpoint = &session->checkpoint;
	struct assay_job *job = &session->job;

	enum assay_status status = assay_checkpoint_read(checkpoint, options->resume, error);
	if (!status && options->attest && checkpoint->rounds == 0)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "checkpoint.empty",
		                    "%s: holds no round yet; resume it without --attest", options->resume);
	if (status)
		return status;
	if (checkpoint->dropped)
		fprintf(stderr, "assay: %s: its last %llu bytes are torn or damaged, and left out\n", options->resume,
		        (unsigned long long)checkpoint->dropped);
	job->challenge = checkpoint->challenge;
	status = assay_asker_again(&session->asker, &job->challenge, checkpoint->challenge_text, error);
	if (status)
		return status;
	status = assay_resume_devices(checkpoint, session->devices, session->count, options->attest, error);
	if (!status && !options->attest)
		status = guards(strstr(job->challenge.profile, ", shared") != NULL, session->devices, *session->count,
		                error);
	if (!status)
		status = key_get(session, error);
	if (status)
		return status;
	memcpy(job->key, session->secret.key, sizeof job->key);
	session->started = (time_t)checkpoint->started;
	print_head(session);
	status = selftests(session, error);
	if (!status)
		status = assay_resume_job(job, checkpoint, options->attest, error);
	if (!status)
		fprintf(text_out, "resumed   %s: %llu rounds are done\n", options->resume,
		        (unsigned long long)checkpoint->rounds);
	if (!status && job->challenge.asked)
		assay_asker_join(&session->asker, job, &session->secret);
	return status;
}

static enum assay_status journal_begin(struct session *session, char path[ASSAY_PATH_MAX], struct assay_error *error)
{
	const struct assay_order *options = session->options;
	const uint32_t seconds = options->checkpoint_s ? options->checkpoint_s : ASSAY_JOURNAL_SECONDS;
	const struct assay_journal_wish wish = {.path = options->resume ? options->resume : path,
	                                        .interval_ms = 1000 * seconds,
	                                        .note = assay_report_remark};
	struct assay_job *job = &session->job;
	enum assay_status status = ASSAY_OK;

	if (options->resume) {
		session->journal_path = options->resume;
		if (options->attest)
			return ASSAY_OK;
		job->pauses++;
		status = assay_journal_resume(&session->journal, &wish, &session->checkpoint, true, error);
	} else if (is_long(session) && session->key_is_lost) {
		fprintf(stderr,
		        "assay: no checkpoint is written, as nobody could go on without the key: name one (-k)\n");
	} else if (is_long(session)) {
		if (snprintf(path, ASSAY_PATH_MAX, "%s.checkpoint", options->prefix) >= ASSAY_PATH_MAX)
			return assay_fail(error, ASSAY_ERROR_IO, "io.open", "%.80s...: the name is too long",
			                  options->prefix);
		status = assay_job_texts(job, error);
		if (!status)
			status = assay_journal_create(&session->journal, &wish, job, (uint64_t)session->started,
			                              options->force, error);
		if (!status) {
			session->journal_path = path;
			fprintf(text_out, "checkpoint %s, every %u s: Ctrl-C attests what was done\n", path, seconds);
		}
	}
	job->journal = session->journal;
	return status;
}

static bool has_rounds(const struct assay_job *job)
{
	bool has = false;

	for (uint32_t i = 0; job->runs && i < job->challenge.segment_count * job->challenge.devices; i++)
		has = has || job->runs[i].rounds > 0;
	return has;
}

/* The work itself. */
static enum assay_status work(struct session *session, struct assay_error *error)
{
	struct assay_job *job = &session->job;

	job->stop = &stop;
	atomic_store(&stop, session->options->attest);
	if (session->journal || is_long(session))
		assay_state_stop(&stop);
	assay_limit_doing("the devices work");
	enum assay_status status = assay_job_run(job, error);
	assay_report_clear();
	if (!status && !has_rounds(job))
		status = assay_fail(error, ASSAY_ERROR_DEVICE, "run.interrupted",
		                    "stopped before the first round: there is nothing to attest");
	return status;
}

/* Says how long it will take. Who only attests is not kept waiting for that. */
static void plan(struct session *session)
{
	assay_limit_doing("trying how long a round takes");
	if (session->options->attest)
		return;
	assay_estimate_make(&session->estimate, &session->job);
	assay_estimate_print(text_out, &session->estimate, &session->job);
	fflush(text_out);
	session->job.progress_context = &session->estimate;
}

int assay_session_run(const struct assay_order *options)
{
	static struct assay_device devices[ASSAY_DEVICES_MAX];
	uint32_t count = 0;
	struct session session = {.options = options,
	                          .asker = {.order = options, .stop = &stop},
	                          .devices = devices,
	                          .count = &count,
	                          .job = {.progress = isatty(STDERR_FILENO) ? assay_report_progress : NULL,
	                                  .remark = assay_report_remark,
	                                  .devices = devices}};
	struct assay_error error;
	char path[ASSAY_PATH_MAX];
	char written[ASSAY_PATH_MAX] = "";
	bool keep = true;
	int code;

	text_out = session.asker.out = options->json ? stderr : stdout;
	assay_limit_doing("opening devices");
	enum assay_status status = assay_asker_open(&session.asker, &error);
	if (!status && assay_asker_is_done(&session.asker)) {
		code = assay_asker_submit(&session.asker, options->prefix, 0);
		assay_asker_close(&session.asker);
		return code;
	}
	if (!status)
		status = assay_outputs_check(options->prefix, false, options->force, &error);
	if (!status)
		status = options->resume ? begin_again(&session, &error) : begin_new(&session, &error);
	if (!status)
		status = journal_begin(&session, path, &error);
	if (!status) {
		plan(&session);
		fputc('\n', text_out);
		status = work(&session, &error);
	}
	if (!status) {
		const struct assay_finish finish = {.job = &session.job,
		                                    .secret = &session.secret,
		                                    .journal = session.journal,
		                                    .checkpoint = session.journal_path,
		                                    .prefix = options->prefix,
		                                    .replace = options->force,
		                                    .json = options->json && !session.asker.at_url,
		                                    .started = session.started,
		                                    .rest_ns = session.estimate.rest_ns,
		                                    .out = text_out};
		assay_report_rates(text_out, &session.job);
		fputc('\n', text_out);
		assay_limit_doing("drawn leaves are opened and checked");
		code = assay_finish(&finish, &keep, written);
		code = assay_asker_submit(&session.asker, written, code);
	} else {
		assay_remark(&error);
		code = assay_report_exit(&error);
		/* A verifier may have given a nonce before there is a round. */
		keep = options->resume || session.job.exchange || has_rounds(&session.job);
		if (keep && session.journal)
			assay_asker_tell(&session.asker, session.journal_path);
	}
	if (session.journal && keep && assay_journal_flush(session.journal, &error))
		assay_remark(&error);
	assay_journal_close(session.journal, !keep);
	if (!session.journal && !keep && session.journal_path)
		unlink(session.journal_path);
	assay_secret_forget(&session.secret);
	assay_checkpoint_close(&session.checkpoint);
	assay_asker_close(&session.asker);
	assay_job_close(&session.job);
	for (uint32_t d = 0; d < count; d++)
		assay_device_close(&devices[d]);
	return code;
}
