/* SPDX-License-Identifier: Apache-2.0
 *
 * Plain random reads as a peer of memory/1 (ci/peers.sh): one thread a processor reads whole items of 128 bytes of one
 * table, at places that do not depend on what was read before. Prints the median of bytes a second. Not part of any
 * binary we ship. Argument: log2 of the number of items. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { WORDS = 16, READS = 1 << 23, REPETITIONS = 9, THREADS_MAX = 1024 };

static uint64_t *table, items;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void *reader(void *context)
{
	uint64_t x = (uintptr_t)context, sum = 0;

	for (uint32_t i = 0; i < READS; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		const uint64_t *item = table + ((x >> 32) * items >> 32) * WORDS;
		for (int w = 0; w < WORDS; w++)
			sum += item[w];
	}
	return (void *)(uintptr_t)sum;
}

int main(int argc, char **argv)
{
	long threads = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t running[THREADS_MAX];
	double times[REPETITIONS];
	volatile uintptr_t sink = 0;

	if (argc != 2 || threads < 1 || threads > THREADS_MAX)
		return 3;
	items = UINT64_C(1) << atoi(argv[1]);
	table = aligned_alloc(1 << 21, items * WORDS * 8);
	if (!table)
		return 3;
	madvise(table, items * WORDS * 8, MADV_HUGEPAGE);
	for (uint64_t i = 0; i < items * WORDS; i++)
		table[i] = i * 0x9e3779b97f4a7c15u;
	for (int i = -1; i < REPETITIONS; i++) {
		double start = now();
		for (long t = 0; t < threads; t++)
			if (pthread_create(&running[t], NULL, reader, (void *)(uintptr_t)(t + 1)) != 0)
				return 3;
		for (long t = 0; t < threads; t++) {
			void *sum;
			pthread_join(running[t], &sum);
			sink += (uintptr_t)sum;
		}
		if (i >= 0)
			times[i] = now() - start;
	}
	qsort(times, REPETITIONS, sizeof *times, ascending);
	printf("%.0f\n", (double)threads * READS * WORDS * 8 / times[REPETITIONS / 2]);
	free(table);
	return 0;
}
