/* SPDX-License-Identifier: Apache-2.0
 *
 * oneDNN's product of signed bytes as a peer of matmul-i8 (ci/peers.sh): the median rate over repeated products, two
 * operations a multiply-add, printed in operations a second. Not part of any binary we ship. */
#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { N = 4096, K = 4096, REPETITIONS = 9 };

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

int main(void)
{
	int8_t *a = malloc((size_t)N * K), *b = malloc((size_t)N * K);
	int32_t *c = malloc((size_t)N * N * sizeof *c), offset = 0;
	double times[REPETITIONS];

	if (!a || !b || !c)
		return 3;
	srand(1);
	for (size_t i = 0; i < (size_t)N * K; i++) {
		a[i] = (int8_t)(rand() >> 8);
		b[i] = (int8_t)(rand() >> 8);
	}
	for (int i = -1; i < REPETITIONS; i++) {
		double start = now();
		if (dnnl_gemm_s8s8s32('N', 'T', 'F', N, N, K, 1, a, K, 0, b, K, 0, 0, c, N, &offset) != dnnl_success)
			return 1;
		if (i >= 0)
			times[i] = now() - start;
	}
	qsort(times, REPETITIONS, sizeof *times, ascending);
	printf("%.0f\n", 2.0 * N * N * K / times[REPETITIONS / 2]);
	free(a);
	free(b);
	free(c);
	return 0;
}
