/* SPDX-License-Identifier: Apache-2.0
 *
 * assay serve with many hosts at once: nothing is lost or mixed up. How many it answers is printed, never judged. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

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
		for (uint32_t number = 0; number < assay_steps_of(&served.challenge); number++) {
			served_step(&served, number);
			atomic_fetch_add(&answered, 1);
		}
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
