/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenBLAS sgemm, or dgemm with DOUBLE, as a peer of our products (ci/peers.sh): the median rate over repeated products,
 * two operations a multiply-add, printed in operations a second; with an argument, which processor it takes this for. Not
 * part of any binary we ship. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(DOUBLE)
#define GEMM cblas_dgemm
typedef double number;
#else
#define GEMM cblas_sgemm
typedef float number;
#endif

enum { N = 4096, REPETITIONS = 9 };

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

int main(int argc, char **argv)
{
	const size_t count = (size_t)N * N;
	number *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b), *c = malloc(count * sizeof *c);
	double times[REPETITIONS];

	(void)argv;
	if (argc > 1) {
		puts(openblas_get_corename());
		return 0;
	}
	if (!a || !b || !c)
		return 3;
	srand(1);
	for (size_t i = 0; i < count; i++) {
		a[i] = (number)rand() / (number)RAND_MAX - (number)0.5;
		b[i] = (number)rand() / (number)RAND_MAX - (number)0.5;
		c[i] = 0;
	}
	for (int i = -1; i < REPETITIONS; i++) {
		double start = now();
		GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, N, N, N, 1, a, N, b, N, 0, c, N);
		if (i >= 0)
			times[i] = now() - start;
	}
	qsort(times, REPETITIONS, sizeof *times, ascending);
	printf("%.0f\n", 2.0 * N * N * N / times[REPETITIONS / 2]);
	free(a);
	free(b);
	free(c);
	return 0;
}
