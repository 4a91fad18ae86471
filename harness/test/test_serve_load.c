/* SPDX-License-Identifier: Apache-2.0
 *
 * assay serve with many hosts at once: nothing is lost or mixed up. How many it answers is printed, never judged;
 * `make load` does it with as many as ASSAY_HOSTS says, of the size of real ones. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/measure.h"
#include "harness/test/serving.h"
#include "harness/test/support.h"

TestSuite(serve_load, .timeout = 300);

enum { CLIENTS = 8, HOSTS_EACH = 4, SEGMENTS = 7 };

static struct serving serving;
static atomic_uint answered;

/* Hosts of eight devices and all workloads, each with a key of its own, one after the other. */
static void *hosts(void *context)
{
	(void)context;
	for (int i = 0; i < HOSTS_EACH; i++) {
		struct assay_secret key;
		struct served served;
		assay_secret_make(&key);
		served_open(&served, &serving, &key, 201);
		cr_assert_eq(served.challenge.segment_count, SEGMENTS);
		served_exchange(&served);
		atomic_fetch_add(&answered, assay_steps_of(&served.challenge));
		cr_assert_str_eq(serving_member(&serving, served.path, "state"), "drawn");
		served_close(&served);
	}
	return NULL;
}

Test(serve_load, many_hosts)
{
	enum { HOSTS = CLIENTS * HOSTS_EACH, STEPS = 2 * SEGMENTS + 1 };
	pthread_t threads[CLIENTS];

	serving_enter(&serving, "--devices 8 -w all -p standard --duration 20s --expires 1h --keys 32");
	serving_start(&serving, "");
	const uint64_t start_ns = assay_clock_ns();
	for (size_t i = 0; i < CLIENTS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, hosts, NULL), 0);
	for (size_t i = 0; i < CLIENTS; i++)
		pthread_join(threads[i], NULL);
	const double seconds = (double)(assay_clock_ns() - start_ns) / 1e9;
	cr_expect_eq(atomic_load(&answered), HOSTS * STEPS);
	printf("serve     %d hosts of %d steps each in %.2f s: %.0f steps a second, and so the exchanges of %.0f hosts "
	       "a day\n",
	       HOSTS, STEPS, seconds, HOSTS * STEPS / seconds, HOSTS / seconds * 86400);
	serving_leave(&serving);
}

/* ---- Everything a host asks for: challenge, exchange, upload, verification, verdict ---- */

enum { PREPARED = 2 };

static struct served prepared[PREPARED];
static struct assay_secret keys[PREPARED];
static atomic_int left;

/* The server has never seen its files. */
static void forget(const struct served *host)
{
	char sql[320];

	snprintf(sql, sizeof sql,
	         "UPDATE challenges SET stage = 0, attestation = '', transcript = '', receipts = '', verdict = '',"
	         " outcome = '', reason = '', attempts = 0 WHERE id = '%s'",
	         host->id);
	serving_sql(sql);
}

/* Each host has a challenge and an exchange of its own; the work of a few is handed in again and again. */
static void *whole_hosts(void *context)
{
	struct served *host = context;

	while (atomic_fetch_sub(&left, 1) > 0) {
		struct assay_secret key;
		struct served fresh;
		assay_secret_make(&key);
		served_open(&fresh, &serving, &key, 201);
		served_exchange(&fresh);
		served_close(&fresh);
		forget(host);
		served_submit(host);
		while (strcmp(serving_member(&serving, host->path, "state"), "judged") != 0)
			usleep(20000);
		cr_assert_str_eq(serving_member(&serving, host->path, "reason"), "");
		cr_assert_str_eq(serving_member(&serving, host->path, "outcome"), "pass");
		atomic_fetch_add(&answered, 1);
	}
	return NULL;
}

static double cpu_seconds(void)
{
	char path[64], text[1024];
	unsigned long user, system;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)serving.child);
	text[support_read(path, text, sizeof text - 1)] = '\0';
	const char *at = strrchr(text, ')');
	cr_assert(at && sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double memory_mib(void)
{
	char path[64], text[4096];
	unsigned long kib;

	snprintf(path, sizeof path, "/proc/%d/status", (int)serving.child);
	text[support_read(path, text, sizeof text - 1)] = '\0';
	const char *at = strstr(text, "VmHWM:");
	cr_assert(at && sscanf(at, "VmHWM: %lu", &kib) == 1);
	return (double)kib / 1024;
}

static void threads_run(void *(*function)(void *))
{
	pthread_t threads[PREPARED];

	for (size_t i = 0; i < PREPARED; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, function, &prepared[i]), 0);
	for (size_t i = 0; i < PREPARED; i++)
		pthread_join(threads[i], NULL);
}

Test(serve_load, verified_hosts, .timeout = 7200)
{
	support_long();
	const char *asked = getenv("ASSAY_HOSTS");
	const int hosts = asked ? atoi(asked) : 6;

	cr_assert(hosts > 0 && hosts <= 100000, "ASSAY_HOSTS: from 1 to 100000");
	serving_enter(&serving, asked ? "--devices 8 -w all -p standard --duration 20s --table 128MiB --expires 24h "
	                                "--keys 100000"
	                              : "--devices 2 -w sha256,matmul-i9 --duration 1s --expires 1h --keys 10");
	serving_start(&serving, "");
	for (size_t i = 0; i < PREPARED; i++) {
		assay_secret_make(&keys[i]);
		served_open(&prepared[i], &serving, &keys[i], 201);
		served_work(&prepared[i]);
	}
	const struct assay_challenge *challenge = &prepared[0].challenge;
	unsigned leaves = 0;
	for (uint32_t j = 0; j < challenge->segment_count; j++)
		leaves += challenge->segments[j].work->is_fill ? 0 : challenge->devices * challenge->samples;
	atomic_store(&left, hosts);
	atomic_store(&answered, 0);
	const double before = cpu_seconds();
	const uint64_t start_ns = assay_clock_ns();
	threads_run(whole_hosts);
	const double seconds = (double)(assay_clock_ns() - start_ns) / 1e9, cpu = cpu_seconds() - before;
	cr_expect_eq(atomic_load(&answered), (unsigned)hosts);
	printf(
	    "serve     %d hosts of %u devices, %u leaves and a transcript of %.2f MB each, from challenge to verdict: "
	    "%.1f s, %.0f hosts a day; %.2f CPU seconds of the server each, so %.0f a day for each core; %.0f MiB\n",
	    hosts, challenge->devices, leaves, (double)prepared[0].transcript_len / 1e6, seconds,
	    hosts / seconds * 86400, cpu / hosts, 86400 * hosts / cpu, memory_mib());
	fflush(stdout);
	for (size_t i = 0; i < PREPARED; i++)
		served_close(&prepared[i]);
	serving_leave(&serving);
}
