/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-serve that is killed, asked by many at once, stopped, and administered while it runs. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/test/serving.h"
#include "harness/test/support.h"

TestSuite(serve_kills, .timeout = 120);

static struct serving serving;
static struct served served;

static void kill_and_start(void)
{
	cr_assert_eq(serving_end(&serving, SIGKILL), 128 + SIGKILL);
	serving_start(&serving, "");
}

/* After each step the server dies at once: what it has said, it says again. */
Test(serve_kills, at_each_step)
{
	struct served again;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	kill_and_start();
	served_open(&again, &serving, &serving.prover, 200);
	cr_expect_str_eq(again.sealed, served.sealed);
	served_close(&again);
	for (uint32_t number = 0; number < 3; number++) {
		struct serving_reply before = served_say(&served, number);
		cr_assert_eq(before.status, 200);
		kill_and_start();
		serving_is(served_say(&served, number), 200, before.body, before.len);
		serving_free(&before);
	}
	served_pretend(&served);
	serving_is(serving_get(&serving, served_path(&served, "receipts")), 200, served.receipts,
	           strlen(served.receipts));
	serving_is(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 204, "", 0);
	kill_and_start();
	serving_is(served_put(&served, "transcript", served.transcript, served.transcript_len), 202, NULL, 0);
	kill_and_start();
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	struct serving_reply verdict = serving_get(&serving, served_path(&served, "verdict"));
	kill_and_start();
	serving_is(serving_get(&serving, served_path(&served, "verdict")), 200, verdict.body, verdict.len);
	serving_free(&verdict);
	served_close(&served);
	serving_leave(&serving);
}

/* Many requests are under way when it dies. A message that had a receipt keeps it. */
static atomic_bool over;

static void *ask_on(void *context)
{
	while (!atomic_load(&over)) {
		struct serving_reply reply = served_say(context, 0);
		serving_free(&reply);
		reply = served_say(context, 1);
		serving_free(&reply);
	}
	return NULL;
}

Test(serve_kills, under_load)
{
	struct serving_reply before[2];
	pthread_t threads[4];

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	for (uint32_t round = 0; round < 4; round++) {
		atomic_store(&over, false);
		for (size_t i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, ask_on, &served);
		usleep(20000 * (round + 1));
		cr_assert_eq(serving_end(&serving, SIGKILL), 128 + SIGKILL);
		atomic_store(&over, true);
		for (size_t i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		serving_start(&serving, "");
		for (uint32_t number = 0; number < 2; number++) {
			struct serving_reply now = served_say(&served, number);
			cr_assert_eq(now.status, 200, "%s", now.body);
			if (round == 0) {
				before[number] = now;
				continue;
			}
			cr_expect_str_eq(now.body, before[number].body);
			serving_free(&now);
		}
	}
	serving_free(&before[0]);
	serving_free(&before[1]);
	served_close(&served);
	serving_leave(&serving);
}

/* Half a transcript: the rest never comes, and the server dies; or only the connection does. */
Test(serve_kills, half_a_file)
{
	char head[512];

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_pretend(&served);
	serving_is(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 204, "", 0);
	for (int round = 0; round < 2; round++) {
		const int connection = serving_connect(&serving);
		snprintf(head, sizeof head, "PUT %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\nno tra",
		         served_path(&served, "transcript"), served.transcript_len);
		cr_assert(serving_send(connection, head, strlen(head)));
		for (int i = 0; i < 100 && serving_objects("part-") == 0; i++)
			usleep(20000);
		cr_expect_eq(serving_objects("part-"), 1);
		/* One at a time. */
		serving_refused(served_put(&served, "transcript", served.transcript, served.transcript_len), 503,
		                "server.busy");
		if (round == 0)
			kill_and_start();
		close(connection);
		for (int i = 0; i < 100 && serving_objects("part-") > 0; i++)
			usleep(20000);
		cr_expect_eq(serving_objects("part-"), 0);
	}
	struct serving_reply reply = {.status = 503}; /* until its thread has seen that the connection is gone */
	for (int i = 0; i < 100 && reply.status == 503; i++) {
		serving_free(&reply);
		usleep(20000);
		reply = served_put(&served, "transcript", served.transcript, served.transcript_len);
	}
	serving_is(reply, 202, NULL, 0);
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	served_close(&served);
	serving_leave(&serving);
}

/* A file that the disk does not hold: nothing is left of it, and what fits is taken afterwards. */
Test(serve_kills, full_disk)
{
	const size_t len = 3 << 20;
	char *large = calloc(1, len);
	struct rlimit limit, before;

	serving_enter(&serving, "");
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 2 << 20;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	serving_start(&serving, "");
	setrlimit(RLIMIT_FSIZE, &before);
	served_open(&served, &serving, &serving.prover, 201);
	served_pretend(&served);
	serving_is(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 204, "", 0);
	serving_refused(served_put(&served, "transcript", large, len), 507, "store.full");
	cr_expect_eq(serving_objects("part-"), 0);
	cr_expect_str_eq(serving_member(&serving, served.path, "state"), "drawn");
	serving_is(served_put(&served, "transcript", served.transcript, served.transcript_len), 202, NULL, 0);
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	free(large);
	served_close(&served);
	serving_leave(&serving);
}

/* Nothing can be written any more, to the database neither: what was said stays, and all goes on when there is room. */
Test(serve_kills, full_database)
{
	const struct rlimit none = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
	struct rlimit before;

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	struct serving_reply first = served_say(&served, 0);
	cr_assert_eq(first.status, 200);
	cr_assert_eq(prlimit(serving.child, RLIMIT_FSIZE, &none, &before), 0);
	serving_is(served_say(&served, 0), 200, first.body, first.len);
	struct serving_reply refused = served_say(&served, 1);
	cr_expect(strstr(refused.head, "\r\nRetry-After: 60\r\n"), "%s", refused.head);
	serving_refused(refused, 507, "store.full");
	serving_refused(serving_post(&serving, &serving.prover), 507, "store.full");
	cr_expect_str_eq(serving_member(&serving, served.path, "steps"), "1");
	cr_assert_eq(prlimit(serving.child, RLIMIT_FSIZE, &before, NULL), 0);
	serving_is(served_say(&served, 0), 200, first.body, first.len);
	served_pretend(&served);
	cr_assert_eq(prlimit(serving.child, RLIMIT_FSIZE, &none, NULL), 0);
	serving_refused(served_put(&served, "attestation", served.attestation, strlen(served.attestation)), 507,
	                "store.full");
	cr_assert_eq(prlimit(serving.child, RLIMIT_FSIZE, &before, NULL), 0);
	cr_expect_eq(serving_objects(""), 0);
	served_submit(&served);
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	serving_free(&first);
	served_close(&served);
	serving_leave(&serving);
}

/* Little room is for what is under way. */
Test(serve_kills, reserve)
{
	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	served_step(&served, 0);
	cr_assert_eq(serving_end(&serving, SIGTERM), 0);
	serving_start(&serving, "--reserve 1048576GiB");
	serving_refused(serving_post(&serving, &serving.prover), 507, "store.full");
	served_pretend(&served);
	served_submit(&served);
	cr_assert(serving_wait(&serving, served.path, "state", "judged"));
	struct serving_reply reply = serving_get(&serving, "/metrics");
	cr_expect(strstr(reply.body, "\nassay_store_free_bytes ") && strstr(reply.body, "\nassay_faults_total 1\n"));
	cr_expect(strstr(reply.body, "route=\"/v1/challenges\",status=\"507\"} 1\n"), "%s", reply.body);
	serving_free(&reply);
	served_close(&served);
	serving_leave(&serving);
}

/* The first signal lets a request in progress end. */
Test(serve_kills, graceful_end)
{
	char head[256];

	serving_enter(&serving, "");
	serving_start(&serving, "");
	served_open(&served, &serving, &serving.prover, 201);
	char *line = served_message(&served, 0);
	const int connection = serving_connect(&serving);
	snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
	         served_path(&served, "messages"), strlen(line));
	cr_assert(serving_send(connection, head, strlen(head)));
	usleep(200000);
	cr_assert_eq(kill(serving.child, SIGTERM), 0);
	usleep(300000);
	cr_expect_eq(serving_connect(&serving), -1);
	cr_assert(serving_send(connection, line, strlen(line)));
	struct serving_reply reply = serving_receive(connection);
	cr_expect_eq(reply.status, 200, "%u %s", reply.status, reply.body);
	serving_free(&reply);
	free(line);
	cr_expect_eq(support_ended(serving.child, "server"), 0);
	cr_expect(strstr(support_err, " stop "));
	/* No token and no body is in the log. */
	cr_expect_null(strstr(support_err, serving.token));
	cr_expect_null(strstr(support_err, "payload"));
	serving.child = 0;
	served_close(&served);
	serving_leave(&serving);
}

/* A second signal ends it at once, whatever is in progress. */
Test(serve_kills, second_signal)
{
	serving_enter(&serving, "");
	serving_start(&serving, "");
	const int connection = serving_connect(&serving);
	static const char half[] = "POST /v1/challenges HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx";
	cr_assert(serving_send(connection, half, sizeof half - 1));
	usleep(200000);
	cr_assert_eq(kill(serving.child, SIGTERM), 0);
	usleep(300000);
	cr_expect_eq(serving_end(&serving, SIGTERM), 128 + SIGTERM);
	close(connection);
	serving_leave(&serving);
}

/* ---- Many at once ---- */

enum { PROVERS = 6 };
static struct assay_secret secrets[PROVERS];
static atomic_uint judged;

static void *prove(void *context)
{
	struct served mine;

	served_open(&mine, &serving, context, 201);
	served_pretend(&mine);
	served_submit(&mine);
	served_close(&mine);
	atomic_fetch_add(&judged, 1);
	return NULL;
}

Test(serve_kills, many_at_once)
{
	pthread_t threads[PROVERS];
	char body[64];

	serving_enter(&serving, "--keys 6");
	serving_start(&serving, "");
	for (size_t i = 0; i < PROVERS; i++) {
		assay_secret_make(&secrets[i]);
		cr_assert_eq(pthread_create(&threads[i], NULL, prove, &secrets[i]), 0);
	}
	for (size_t i = 0; i < PROVERS; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(atomic_load(&judged), PROVERS);
	snprintf(body, sizeof body, "assay_challenges{state=\"judged\"} %d\n", PROVERS);
	bool all = false;
	for (int i = 0; i < 100 && !all; i++) {
		struct serving_reply reply = serving_get(&serving, "/metrics");
		all = strstr(reply.body, body) != NULL;
		serving_free(&reply);
		usleep(50000);
	}
	cr_expect(all);
	serving_leave(&serving);
}

/* ---- Administration ---- */

Test(serve_kills, revocation)
{
	struct served second;
	char keyid[65];

	serving_enter(&serving, "");
	serving_start(&serving, "");
	assay_keyid(keyid, serving.prover.key);
	served_open(&served, &serving, &serving.prover, 201);
	served_step(&served, 0);
	/* A revoked token gives out nothing; what was begun goes on. */
	cr_assert_eq(support_run("$A serve revoke -s $T/store --token one --reason lost"), 0, "%s", support_err);
	serving_refused(serving_post(&serving, &serving.prover), 403, "token.revoked");
	served_step(&served, 1);
	cr_assert_eq(support_run("$A serve token -s $T/store two " SERVING_TERMS), 0, "%s", support_err);
	cr_assert_eq(sscanf(support_out, "%79s", serving.token), 1);
	served_open(&second, &serving, &serving.prover, 201);
	served_close(&second);
	/* A revoked key is answered nothing any more. */
	cr_assert_eq(support_run("$A serve revoke -s $T/store --key %s --reason 'sold on'", keyid), 0, "%s",
	             support_err);
	serving_refused(serving_post(&serving, &serving.prover), 403, "key.revoked");
	serving_refused(served_say(&served, 1), 403, "key.revoked");
	serving_refused(served_put(&served, "attestation", "x", 1), 403, "key.revoked");
	serving_refused(served_put(&served, "transcript", "x", 1), 403, "key.revoked");
	struct serving_reply list = serving_get(&serving, "/v1/revocations");
	cr_expect(strstr(list.body, keyid) && strstr(list.body, "sold on"), "%s", list.body);
	serving_free(&list);
	cr_assert_eq(support_run("$A serve list -s $T/store --json"), 0);
	cr_expect(strstr(support_out, "\"revokedReason\":\"lost\"") && strstr(support_out, keyid), "%s", support_out);
	cr_expect_null(strstr(support_out, serving.token));
	cr_assert_eq(support_run("$A serve list -s $T/store"), 0);
	cr_expect(strstr(support_out, "revoked: sold on"), "%s", support_out);
	served_close(&served);
	serving_leave(&serving);
}

static void fails(const char *line, const char *reason)
{
	cr_expect_eq(support_run("%s", line), 3, "%s", line);
	cr_expect(strstr(support_err, reason), "%s: %s", line, support_err);
	cr_expect_str_empty(support_out);
}

Test(serve_kills, commands_that_fail)
{
	char line[512];

	serving_enter(&serving, "");
	fails("$A serve", "usage:");
	fails("$A serve stop", "no such command");
	fails("cp $A $T/alone; PATH=/usr/bin:/bin $T/alone serve list -s $T/store", "(serve.missing)");
	cr_expect_eq(support_run("PATH=/usr/bin:/bin $T/alone serve --help"), 0);
	cr_expect(strstr(support_out, "not installed here"));
	fails("$A serve start -s $T/store", "usage:");
	fails("$A serve token -s $T/store one " SERVING_TERMS, "(token.exists)");
	fails("$A serve token -s $T/store 'a b' " SERVING_TERMS, "(token.name)");
	fails("$A serve token -s $T/store b --keys 0 " SERVING_TERMS, "(option.number)");
	fails("$A serve token -s $T/store b --per-day 0 " SERVING_TERMS, "(option.number)");
	fails("$A serve token -s $T/store b --devices 1 --memory cpu -p quick --duration 9m", "(profile.duration)");
	fails("$A serve token -s $T/store b -p quick", "usage:");
	fails("$A serve revoke -s $T/store --token b", "(token.unknown)");
	fails("$A serve revoke -s $T/store --key 00", "(key.unknown)");
	fails("$A serve revoke -s $T/store", "usage:");
	fails("$A serve list -s $T/nowhere", "(store.missing)");
	fails("$A serve prune -s $T/nowhere --older-than 90d", "(store.missing)");
	fails("$A serve prune -s $T/store --older-than 23h", "(prune.age)");
	fails("$A serve prune -s $T/store", "usage:");
	fails("$A serve start -k $T/verifier -s $T/store --listen 0.0.0.0:0", "(listen.insecure)");
	fails("$A serve start -k $T/verifier -s $T/store --listen '[::]:0'", "(listen.insecure)");
	fails("$A serve start -k $T/verifier -s $T/store --listen localhost:1", "(listen.address)");
	fails("$A serve start -k $T/verifier -s $T/store --listen 127.0.0.1", "(listen.address)");
	fails("$A serve start -k $T/verifier -s $T/store --listen 127.0.0.1:70000", "(listen.address)");
	fails("$A serve start -k $T/verifier -s $T/store --cert $T/verifier", "usage:");
	fails("$A serve start -k $T/verifier -s $T/store --reserve 12", "(option.size)");
	fails("chmod 644 $T/prover; $A serve start -k $T/verifier -s $T/store --cert $T/prover --cert-key $T/prover",
	      "(key.mode)");
	fails("chmod 600 $T/prover; $A serve start -k $T/verifier -s $T/store --listen 127.0.0.1:0 --cert $T/prover "
	      "--cert-key $T/prover",
	      "(tls.malformed)");
	fails("chmod 755 $T/store; $A serve start -k $T/verifier -s $T/store --listen 127.0.0.1:0", "(store.mode)");
	cr_assert_eq(support_run("chmod 700 $T/store"), 0);
	serving_start(&serving, "");
	cr_expect_eq(support_mode(support_path("store/store.sqlite")), 0600);
	fails("$A serve start -k $T/verifier -s $T/store --listen 127.0.0.1:0", "(store.locked)");
	snprintf(line, sizeof line, "$A serve start -k $T/verifier -s $T/other --listen 127.0.0.1:%u", serving.port);
	fails(line, "(io.listen)");
	cr_expect_eq(serving_end(&serving, SIGTERM), 0, "%s", support_err);
	/* Another key would not know its own challenges. */
	fails("$A serve start -k $T/prover -s $T/store --listen 127.0.0.1:0", "(store.key)");
	serving_sql("PRAGMA user_version = 5");
	fails("$A serve start -k $T/verifier -s $T/store --listen 127.0.0.1:0", "(store.version)");
	serving_sql("PRAGMA user_version = 4");
	serving_leave(&serving);
}
