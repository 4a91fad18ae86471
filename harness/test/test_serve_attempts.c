/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-serve that cannot verify what it has: it tries again, others do not wait for that, and it ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "harness/serve/server.h"
#include "harness/test/serving.h"
#include "harness/test/support.h"

TestSuite(serve_attempts, .timeout = 120);

static struct serving serving;

/* Where the server has its attestation. */
static const char *attestation_path(const struct served *served)
{
	char hex[65], path[128];
	uint8_t hash[32];

	crypto_hash_sha256(hash, (const uint8_t *)served->attestation, strlen(served->attestation));
	assay_hex(hex, hash);
	snprintf(path, sizeof path, "store/objects/%s", hex);
	return support_path(path);
}

/* One that is judged, made to be submitted only. */
static void submitted_again(struct served *served, bool without_file)
{
	char sql[256];

	served_open(served, &serving, &serving.prover, 201);
	served_pretend(served);
	served_submit(served);
	cr_assert(serving_wait(&serving, served->path, "state", "judged"));
	if (without_file)
		cr_assert_eq(unlink(attestation_path(served)), 0);
	snprintf(sql, sizeof sql,
	         "UPDATE challenges SET stage = 1, verdict = '', outcome = '', reason = '', attempts = 0 WHERE id = "
	         "'%s'",
	         served->id);
	serving_sql(sql);
}

static unsigned errors_counted(void)
{
	struct serving_reply reply = serving_get(&serving, "/metrics");
	const char *at = strstr(reply.body, "\nassay_verification_errors_total ");
	unsigned count = 0;

	cr_assert(at && sscanf(at + 1, "%*s %u", &count) == 1, "%s", reply.body);
	serving_free(&reply);
	return count;
}

static void not_verified(const struct served *served)
{
	cr_expect_str_eq(serving_member(&serving, served->path, "outcome"), "inconclusive");
	cr_expect_str_eq(serving_member(&serving, served->path, "reason"), "verification.failed");
	struct serving_reply verdict = serving_get(&serving, served_path(served, "verdict"));
	cr_expect(strstr(verdict.body, "\"reason\":\"verification.failed\""), "%s", verdict.body);
	serving_free(&verdict);
}

/* As many as there are threads that verify: the next one has its verdict while they are tried again. */
Test(serve_attempts, others_do_not_wait)
{
	struct served gone[2], whole;

	serving_enter(&serving, "");
	serving_start(&serving, "--retry-seconds 2");
	for (size_t i = 0; i < 2; i++)
		submitted_again(&gone[i], true);
	for (int i = 0; errors_counted() < 2 && i < 400; i++)
		usleep(50000);
	served_open(&whole, &serving, &serving.prover, 201);
	served_pretend(&whole);
	served_submit(&whole);
	cr_assert(serving_wait(&serving, whole.path, "state", "judged"));
	cr_expect_str_eq(serving_member(&serving, whole.path, "reason"), "transcript.malformed");
	for (size_t i = 0; i < 2; i++) {
		cr_expect_str_eq(serving_member(&serving, gone[i].path, "state"), "submitted");
		served_close(&gone[i]);
	}
	served_close(&whole);
	serving_leave(&serving);
}

/* In the end nobody is at fault; a file that is there again in time is verified. */
Test(serve_attempts, not_for_ever)
{
	struct served gone, back;

	serving_enter(&serving, "");
	serving_start(&serving, "--retry-seconds 1");
	submitted_again(&gone, true);
	submitted_again(&back, true);
	for (int i = 0; errors_counted() < 2 && i < 400; i++)
		usleep(50000);
	support_write(attestation_path(&back), back.attestation, strlen(back.attestation));
	cr_assert(serving_wait(&serving, back.path, "state", "judged"));
	cr_expect_str_eq(serving_member(&serving, back.path, "reason"), "transcript.malformed");
	for (int i = 0; i < 4 && !serving_wait(&serving, gone.path, "state", "judged"); i++)
		;
	not_verified(&gone);
	/* All of its attempts, and one or more of the other's. */
	cr_expect_geq(errors_counted(), ASSAY_ATTEMPTS_MAX + 1);
	served_close(&gone);
	served_close(&back);
	serving_leave(&serving);
}

/* What has ended the process so often is not begun again. A kill or two costs nothing. */
Test(serve_attempts, killed_too_often)
{
	struct served often, once;
	char sql[160];

	serving_enter(&serving, "");
	serving_start(&serving, "");
	submitted_again(&often, false);
	submitted_again(&once, false);
	cr_assert_eq(serving_end(&serving, SIGKILL), 128 + SIGKILL);
	snprintf(sql, sizeof sql, "UPDATE challenges SET stage = 1, attempts = %d WHERE id = '%s'", ASSAY_ATTEMPTS_MAX,
	         often.id);
	serving_sql(sql);
	snprintf(sql, sizeof sql, "UPDATE challenges SET stage = 1, attempts = 2 WHERE id = '%s'", once.id);
	serving_sql(sql);
	serving_start(&serving, "");
	cr_assert(serving_wait(&serving, often.path, "state", "judged"));
	not_verified(&often);
	cr_assert(serving_wait(&serving, once.path, "state", "judged"));
	cr_expect_str_eq(serving_member(&serving, once.path, "reason"), "transcript.malformed");
	served_close(&often);
	served_close(&once);
	serving_leave(&serving);
}
