/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-serve as provers see it: a whole exchange, repetition, refusals, ends. SPEC 4.6. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test/serving.h"
#include "harness/test/support.h"
#include "verify/envelope.h"
#include "verify/key.h"

TestSuite(serve, .timeout = 120);

static struct serving serving;
static struct served served;

/* Work that was done passes, and what was handed in is there byte for byte. */
Test(serve, whole_exchange)
{
	char pem[ASSAY_PEM_MAX];
	const char *path;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	assay_key_pem(pem, serving.verifier.key);
	serving_is(serving_get(&serving, "/v1/key"), 200, pem, strlen(pem));
	served_open(&served, &serving, &serving.prover, 201);
	cr_expect_str_eq(serving_member(&serving, served.path, "state"), "issued");
	serving_is(serving_get(&serving, served_path(&served, "challenge")), 200, served.sealed, strlen(served.sealed));
	serving_is(serving_get(&serving, served_path(&served, "receipts")), 200, "", 0);
	serving_refused(serving_get(&serving, served_path(&served, "attestation")), 404, "object.missing");
	served_work(&served);
	cr_expect_str_eq(serving_member(&serving, served.path, "state"), "drawn");
	served_submit(&served);
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	cr_expect_str_eq(serving_member(&serving, served.path, "outcome"), "pass");
	cr_expect_str_eq(serving_member(&serving, served_path(&served, "verdict"), "verdict"), "pass");
	cr_expect_str_eq(serving_member(&serving, served_path(&served, "verdict"), "assurance"), "time-bracketed");
	serving_is(serving_get(&serving, served_path(&served, "receipts")), 200, served.receipts,
	           strlen(served.receipts));
	serving_is(serving_get(&serving, served_path(&served, "attestation")), 200, served.attestation,
	           strlen(served.attestation));
	serving_is(serving_get(&serving, served_path(&served, "transcript")), 200, served.transcript,
	           served.transcript_len);
	/* Anybody comes to the same verdict from these files. */
	support_write(support_path("n.intoto.json"), served.attestation, strlen(served.attestation));
	support_write(support_path("n.transcript"), served.transcript, served.transcript_len);
	support_write(support_path("n.receipts.jsonl"), served.receipts, strlen(served.receipts));
	cr_expect_eq(support_run("$V --verifier $T/verifier.pub --trust $T/prover.pub $T/n.intoto.json"), 0, "%s",
	             support_out);
	path = serving_key_path(&serving.prover);
	cr_expect_str_eq(serving_member(&serving, path, "pass"), "1");
	cr_expect_str_eq(serving_member(&serving, path, "silent"), "0");
	cr_expect_str_eq(serving_member(&serving, path, "identityCollisions"), "0");
	served_close(&served);
	serving_leave(&serving);
}

/* Everything may be said again, over another connection, and a complete submission stays. */
Test(serve, repetition)
{
	struct served again;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_open(&again, &serving, &serving.prover, 200);
	cr_expect_str_eq(again.sealed, served.sealed);
	served_close(&again);
	for (uint32_t number = 0; number < 2; number++) {
		struct serving_reply first = served_say(&served, number);
		cr_assert_eq(first.status, 200);
		serving_is(served_say(&served, number), 200, first.body, first.len);
		serving_free(&first);
	}
	served_pretend(&served);
	served_submit(&served);
	served_submit(&served);
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	cr_expect_str_eq(serving_member(&serving, served.path, "outcome"), "malformed");
	cr_expect_str_eq(serving_member(&serving, served.path, "reason"), "transcript.malformed");
	served_submit(&served);
	struct serving_reply verdict = serving_get(&serving, served_path(&served, "verdict"));
	serving_is(serving_get(&serving, served_path(&served, "verdict")), 200, verdict.body, verdict.len);
	serving_free(&verdict);
	serving_is(served_say(&served, 2), 200, NULL, 0);
	/* Another attestation of it, as well signed. */
	struct serving_reply receipts = serving_get(&serving, served_path(&served, "receipts"));
	serving_refused(served_put(&served, "attestation", served.attestation, strlen(served.attestation) - 1), 409,
	                "attestation.conflict");
	serving_refused(served_put(&served, "transcript", "other", 5), 422, "transcript.digest");
	serving_is(serving_get(&serving, served_path(&served, "receipts")), 200, receipts.body, receipts.len);
	serving_free(&receipts);
	/* Then there is room for the next one. */
	served_close(&served);
	served_open(&served, &serving, &serving.prover, 201);
	served_close(&served);
	serving_leave(&serving);
}

static struct serving_reply post(const char *token, const char *body)
{
	char header[256];

	snprintf(header, sizeof header, "Authorization: %s\r\n", token);
	return serving_ask(&serving, "POST", "/v1/challenges", *token ? header : "", body, strlen(body));
}

Test(serve, refused_requests)
{
	struct assay_secret other;
	char bearer[128];
	const char *path;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	snprintf(bearer, sizeof bearer, "Bearer %s", serving.token);
	char *request = serving_request(&serving.prover, serving.verifier.key);
	serving_refused(post("", request), 401, "token.missing");
	serving_refused(post("Basic YTpi", request), 401, "token.unknown");
	serving_refused(post("Bearer ", request), 401, "token.unknown");
	serving_refused(post("Bearer assay1_AAAA", request), 401, "token.unknown");
	/* Not without a token, whatever else is wrong. */
	serving_refused(post("", "x"), 401, "token.missing");
	serving_refused(post(bearer, ""), 400, "request.malformed");
	serving_refused(post(bearer, "{}\n"), 400, "request.malformed");
	serving_refused(post(bearer, "\"><script>\xff</script>\n"), 400, "request.malformed");
	/* Another key's signature under the same text. */
	assay_secret_make(&other);
	char *foreign = serving_request(&other, serving.verifier.key);
	const char *at = strstr(foreign, "\"sig\":\"");
	char *forged = strdup(request);
	memcpy(strstr(forged, "\"sig\":\""), at, 80);
	serving_refused(post(bearer, forged), 403, "request.signature");
	free(forged);
	char *elsewhere = serving_request(&serving.prover, other.key);
	serving_refused(post(bearer, elsewhere), 422, "request.verifier");
	free(elsewhere);
	/* None of these has taken the token's only key. */
	path = serving_key_path(&serving.prover);
	serving_refused(serving_get(&serving, path), 404, "key.unknown");
	serving_is(post(bearer, request), 201, NULL, 0);
	serving_refused(post(bearer, foreign), 403, "key.limit");
	path = serving_key_path(&other);
	serving_refused(serving_get(&serving, path), 404, "key.unknown");
	free(foreign);
	free(request);
	serving_leave(&serving);
}

/* Says a line that is refused, and that nothing has changed. */
static void say_refused(const char *line, unsigned status, const char *reason)
{
	struct serving_reply before = serving_get(&serving, served_path(&served, "receipts"));

	serving_refused(serving_ask(&serving, "POST", served_path(&served, "messages"), "", line, strlen(line)), status,
	                reason);
	serving_is(serving_get(&serving, served_path(&served, "receipts")), 200, before.body, before.len);
	serving_free(&before);
}

Test(serve, refused_messages)
{
	struct served other;
	char nowhere[128];

	serving_enter(&serving, "--keys 2");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_open(&other, &serving, &serving.verifier, 201);
	char *line = served_message(&served, 0);
	memset(nowhere, 'a', sizeof nowhere);
	memcpy(nowhere, "/v1/challenges/", 15);
	strcpy(nowhere + 15 + 64, "/messages");
	serving_refused(serving_ask(&serving, "POST", nowhere, "", line, strlen(line)), 404, "challenge.unknown");
	say_refused("", 422, "exchange.malformed");
	line[strlen(line) - 1] = '\0';
	say_refused(line, 422, "exchange.malformed");
	free(line);
	say_refused(served.sealed, 422, "exchange.malformed");
	/* Of the other challenge; then of this one by the key of the other, as first message. */
	line = served_message(&other, 0);
	say_refused(line, 422, "exchange.challenge");
	free(line);
	const struct assay_secret *key = served.key;
	served.key = &serving.verifier;
	line = served_message(&served, 0);
	say_refused(line, 409, "exchange.conflict");
	free(line);
	served.key = key;
	line = served_message(&served, 1);
	say_refused(line, 409, "exchange.order");
	free(line);
	served_step(&served, 0);
	/* Another job; and once there is a commitment, another one. */
	served.job[0] ^= 1;
	line = served_message(&served, 1);
	say_refused(line, 409, "exchange.conflict");
	free(line);
	served.job[0] ^= 1;
	served_step(&served, 1);
	served.commit[0] ^= 1;
	line = served_message(&served, 1);
	say_refused(line, 409, "exchange.conflict");
	free(line);
	served_close(&other);
	served_close(&served);
	serving_leave(&serving);
}

Test(serve, refused_files)
{
	struct served other;

	serving_enter(&serving, "--keys 2");
	serving_start(&serving, "");
	served_open(&other, &serving, &serving.verifier, 201);
	served_pretend(&other);
	served_open(&served, &serving, &serving.prover, 201);
	serving_refused(served_put(&served, "transcript", "x", 1), 409, "attestation.missing");
	/* Too early, and not one. */
	serving_refused(served_put(&served, "attestation", other.attestation, strlen(other.attestation)), 422,
	                "attestation.refused");
	served_pretend(&served);
	serving_refused(served_put(&served, "attestation", "x", 1), 422, "attestation.refused");
	serving_refused(served_put(&served, "attestation", other.attestation, strlen(other.attestation)), 422,
	                "attestation.refused");
	serving_refused(served_put(&served, "transcript", served.transcript, served.transcript_len), 409,
	                "attestation.missing");
	cr_expect_str_eq(serving_member(&serving, served.path, "state"), "drawn");
	/* The key's, of this challenge: taken. Another transcript than it names is not. */
	serving_is(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 204, "", 0);
	serving_refused(served_put(&served, "transcript", "other", 5), 422, "transcript.digest");
	serving_refused(serving_get(&serving, served_path(&served, "transcript")), 404, "object.missing");
	cr_expect_str_eq(serving_member(&serving, served.path, "state"), "drawn");
	struct serving_reply verdict = serving_get(&serving, served_path(&served, "verdict"));
	cr_expect_eq(verdict.status, 202, "%s", verdict.body);
	serving_free(&verdict);
	serving_is(served_put(&served, "transcript", served.transcript, served.transcript_len), 202, NULL, 0);
	cr_expect(serving_wait(&serving, served.path, "state", "judged"));
	served_close(&other);
	served_close(&served);
	serving_leave(&serving);
}

/* Tokens are for a minute at least; these are for three seconds. */
static void make_short(void)
{
	serving_sql("UPDATE tokens SET terms = replace(terms, '\"expires\":60', '\"expires\":3')");
}

Test(serve, silence_counts)
{
	struct served begun, issued, revoked;
	char keyid[65];
	const char *path;

	serving_enter(&serving, "--keys 2");
	make_short();
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_pretend(&served);
	serving_is(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 204, "", 0);
	path = serving_key_path(&serving.prover);
	cr_expect_str_eq(serving_member(&serving, path, "drawn"), "1");
	served_open(&begun, &serving, &serving.prover, 201);
	served_step(&begun, 0);
	cr_expect_str_eq(serving_member(&serving, path, "drawn"), "1");
	served_open(&issued, &serving, &serving.prover, 201);
	/* Of another key, from which nothing is taken any more. */
	served_open(&revoked, &serving, &serving.verifier, 201);
	served_pretend(&revoked);
	assay_keyid(keyid, serving.verifier.key);
	cr_assert_eq(support_run("$A serve revoke -s $T/store --key %s", keyid), 0, "%s", support_err);
	cr_assert(serving_wait(&serving, issued.path, "state", "expired"));
	cr_assert(serving_wait(&serving, begun.path, "state", "unfinished"));
	cr_assert(serving_wait(&serving, served.path, "state", "silent"));
	cr_assert(serving_wait(&serving, revoked.path, "state", "unfinished"));
	served_close(&revoked);
	serving_refused(served_say(&begun, 1), 410, "exchange.expired");
	serving_refused(served_say(&served, 2), 410, "exchange.expired");
	serving_refused(served_put(&served, "transcript", served.transcript, served.transcript_len), 410,
	                "exchange.expired");
	serving_refused(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 410,
	                "exchange.expired");
	serving_refused(serving_get(&serving, served_path(&issued, "verdict")), 410, "exchange.expired");
	cr_expect_str_eq(serving_member(&serving, served.path, "reason"), "opening.missing");
	cr_expect_str_eq(serving_member(&serving, served_path(&served, "verdict"), "verdict"), "fail");
	cr_expect_str_eq(serving_member(&serving, served_path(&begun, "verdict"), "verdict"), "inconclusive");
	cr_expect_str_eq(serving_member(&serving, path, "drawn"), "0");
	cr_expect_str_eq(serving_member(&serving, path, "silent"), "1");
	cr_expect_str_eq(serving_member(&serving, path, "unfinished"), "1");
	cr_expect_str_eq(serving_member(&serving, path, "fail"), "0");
	served_close(&served);
	served_close(&begun);
	served_close(&issued);
	serving_leave(&serving);
}

/* What was complete in time is verified, whenever: here by a server that starts after the end. */
Test(serve, complete_in_time_is_verified_later)
{
	serving_enter(&serving, "");
	make_short();
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_pretend(&served);
	served_submit(&served);
	cr_expect_eq(serving_end(&serving, SIGKILL), 128 + SIGKILL);
	serving_sql("UPDATE challenges SET stage = 1, verdict = '', outcome = '', reason = '', ended = 0, expires = 1");
	serving_start(&serving, "");
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	cr_expect_str_eq(serving_member(&serving, served.path, "outcome"), "malformed");
	/* Said again it has the same answer. */
	served_submit(&served);
	served_close(&served);
	serving_leave(&serving);
}

/* Whoever had all receipts when the server went away hands in later, whenever it is back; others' time is over. */
Test(serve, away_at_the_end)
{
	struct served begun, silent;
	const char *path;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_pretend(&served);
	served_open(&silent, &serving, &serving.prover, 201);
	served_exchange(&silent);
	served_open(&begun, &serving, &serving.prover, 201);
	served_step(&begun, 0);
	cr_expect_eq(serving_end(&serving, SIGKILL), 128 + SIGKILL);
	serving_sql("UPDATE challenges SET issued = 1, expires = 2");
	serving_start(&serving, "");
	cr_assert(serving_wait(&serving, begun.path, "state", "unfinished"));
	serving_refused(served_say(&served, 0), 410, "exchange.expired");
	served_submit(&served);
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	cr_expect_str_eq(serving_member(&serving, silent.path, "state"), "drawn");
	path = serving_key_path(&serving.prover);
	cr_expect_str_eq(serving_member(&serving, path, "drawn"), "1");
	cr_expect_eq(support_run("$A serve list -s $T/store"), 0, "%s", support_err);
	cr_expect(strstr(support_out, " 1 drawn and not opened yet"), "%s", support_out);
	/* Not for ever. */
	cr_expect_eq(serving_end(&serving, SIGTERM), 0);
	serving_start(&serving, "--late-seconds 0");
	cr_assert(serving_wait(&serving, silent.path, "state", "silent"));
	serving_refused(served_put(&silent, "attestation", "x", 1), 410, "exchange.expired");
	served_close(&served);
	served_close(&silent);
	served_close(&begun);
	serving_leave(&serving);
}

/* A copy of the store does not know what was answered since: the same step had another nonce then. */
Test(serve, restored_from_a_copy)
{
	struct served issued;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_step(&served, 0);
	served_open(&issued, &serving, &serving.prover, 201);
	cr_expect_eq(serving_end(&serving, SIGTERM), 0);
	cr_assert_eq(support_run("cd $T && cp -a store copy"), 0);
	serving_start(&serving, "");
	served_exchange(&served);
	cr_expect_eq(serving_end(&serving, SIGTERM), 0);
	cr_assert_eq(support_run("cd $T && rm -r store && mv copy store"), 0);
	serving_start(&serving, "--restored");
	serving_refused(served_say(&served, 1), 410, "exchange.expired");
	serving_refused(served_say(&issued, 0), 410, "exchange.expired");
	cr_expect_str_eq(serving_member(&serving, served.path, "state"), "unfinished");
	cr_expect_str_eq(serving_member(&serving, issued.path, "state"), "unfinished");
	cr_expect_str_eq(serving_member(&serving, served_path(&served, "verdict"), "verdict"), "inconclusive");
	served_close(&served);
	served_open(&served, &serving, &serving.prover, 201);
	served_exchange(&served);
	served_close(&served);
	served_close(&issued);
	serving_leave(&serving);
}

/* One of them may have copied what the other says: a fault of neither, which the operator sees. */
Test(serve, one_device_under_two_keys)
{
	struct assay_secret other;
	const char *path;

	serving_enter(&serving, "--keys 2");
	serving_start(&serving, "");
	assay_secret_make(&other);
	const struct assay_secret *const keys[] = {&serving.prover, &other};
	for (size_t i = 0; i < 2; i++) {
		served_open(&served, &serving, keys[i], 201);
		served_work(&served);
		served_submit(&served);
		cr_assert(serving_wait(&serving, served.path, "outcome", "pass"));
		served_close(&served);
	}
	for (size_t i = 0; i < 2; i++) {
		path = serving_key_path(keys[i]);
		cr_expect_str_eq(serving_member(&serving, path, "identityCollisions"), "1");
		cr_expect_str_eq(serving_member(&serving, path, "pass"), "1");
	}
	cr_expect_eq(support_run("$A serve list -s $T/store"), 0, "%s", support_err);
	cr_expect(strstr(support_out, "have shown 1 of its device ids too"), "%s", support_out);
	serving_leave(&serving);
}
