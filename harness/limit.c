/* SPDX-License-Identifier: Apache-2.0
 *
 * See limit.h. A thread and not a signal: the kernel may give a signal to the very thread that hangs in a driver. */
#include "harness/limit.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/amount.h"
#include "harness/command.h"
#include "harness/measure.h"
#include "harness/state.h"

enum { SECONDS_MAX = 7 * 24 * 3600 };
enum { RUNNING, HELD, ENDING };

static atomic_int state = RUNNING;
static sem_t started;
static uint64_t end_ns; /* 0 = no limit; set before the thread starts */
static char given[32];
static _Atomic(const char *) doing = "starting";

static void wait_until(uint64_t ns)
{
	struct timespec until = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static void *watch(void *context)
{
	int expected = RUNNING;
	(void)context;

	sem_post(&started);
	wait_until(end_ns);
	for (; !atomic_compare_exchange_strong(&state, &expected, ENDING); expected = RUNNING)
		wait_until(assay_clock_ns() + 1000000);
	/* Streams may be locked by a thread that hangs. */
	dprintf(STDERR_FILENO,
	        "%sassay: --max-time %s has passed while %s; ended, and nothing was written (time.exceeded)\n",
	        isatty(STDERR_FILENO) ? "\r\033[K" : "", given, atomic_load(&doing));
	assay_state_clean();
	_exit(ASSAY_EXIT_ERROR);
}

bool assay_limit_option(const char *text)
{
	uint64_t seconds;
	pthread_t thread;

	if (!assay_amount_time(&seconds, text, 1, SECONDS_MAX)) {
		fprintf(stderr, "assay: --max-time %.32s: not a time like 25s, 2m or 1h, at most 7 days (time.limit)\n",
		        text);
		return false;
	}
	if (end_ns) {
		fprintf(stderr, "assay: --max-time is given twice (time.limit)\n");
		return false;
	}
	snprintf(given, sizeof given, "%s", text);
	end_ns = assay_clock_ns() + seconds * 1000000000;
	if (sem_init(&started, 0, 0) != 0 || pthread_create(&thread, NULL, watch, NULL) != 0) {
		fprintf(stderr, "assay: --max-time: no thread can be started to watch it (time.limit)\n");
		return false;
	}
	pthread_detach(thread);
	/* A command may end at once; a thread that is still being made would look like a leak. */
	while (sem_wait(&started) != 0)
		;
	return true;
}

uint64_t assay_limit_left_ns(void)
{
	uint64_t now = assay_clock_ns();

	return end_ns == 0 ? UINT64_MAX : now < end_ns ? end_ns - now : 0;
}

void assay_limit_doing(const char *what)
{
	atomic_store(&doing, what);
}

void assay_limit_hold(void)
{
	/* Too late: the process is about to end. */
	for (int expected = RUNNING; !atomic_compare_exchange_strong(&state, &expected, HELD) && expected == ENDING;
	     expected = RUNNING)
		pause();
}

void assay_limit_release(void)
{
	atomic_store(&state, RUNNING);
}
