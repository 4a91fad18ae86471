/* SPDX-License-Identifier: Apache-2.0
 *
 * cuBLASLt's int8 product as a peer of matmul-i8 (ci/gpu.sh): cublaslt M N K SECONDS prints the median rate over as
 * many products as fit, two operations a multiply-add, in operations a second; the rest goes to standard error. Random
 * bytes, rows of A and columns of B contiguous (the layout that its matrix-unit kernels want), the fastest of the
 * algorithms that its heuristic names, and some results checked. Libraries are opened at run time: no header of theirs
 * is needed. Sources: cuda.h and cublasLt.h of CUDA 13.0. Not part of any binary we ship. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern char **environ;

enum {
	COMPUTE_32I = 72,   /* CUBLAS_COMPUTE_32I */
	TYPE_8I = 3,        /* CUDA_R_8I */
	TYPE_32I = 10,      /* CUDA_R_32I */
	TRANSPOSED = 1,     /* CUBLAS_OP_T */
	DESC_TRANSA = 3,    /* CUBLASLT_MATMUL_DESC_TRANSA */
	PREF_WORKSPACE = 1, /* CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES */
	ALGORITHMS = 8,
	TRIALS = 5,
	CHECKS = 64,
	REPETITIONS_MAX = 100000
};

/* cublasLtMatmulHeuristicResult_t */
struct algorithm {
	uint64_t algorithm[8];
	size_t workspace;
	int status;
	float waves;
	int reserved[4];
};

/* X(name, parameters, symbol) of the driver and of the library; all return 0 for success. */
#define DRIVER(X)                                                                            \
	X(init, (unsigned flags), "cuInit")                                                  \
	X(device_get, (int *device, int index), "cuDeviceGet")                               \
	X(device_name, (char *name, int len, int device), "cuDeviceGetName")                 \
	X(context_retain, (void **context, int device), "cuDevicePrimaryCtxRetain")          \
	X(context_use, (void *context), "cuCtxSetCurrent")                                   \
	X(stream_create, (void **stream, unsigned flags), "cuStreamCreate")                  \
	X(stream_wait, (void *stream), "cuStreamSynchronize")                                \
	X(memory_alloc, (uint64_t * address, size_t len), "cuMemAlloc_v2")                   \
	X(memory_write, (uint64_t address, const void *data, size_t len), "cuMemcpyHtoD_v2") \
	X(memory_read, (void *data, uint64_t address, size_t len), "cuMemcpyDtoH_v2")        \
	X(event_create, (void **event, unsigned flags), "cuEventCreate")                     \
	X(event_record, (void *event, void *stream), "cuEventRecord")                        \
	X(event_wait, (void *event), "cuEventSynchronize")                                   \
	X(event_elapsed, (float *milliseconds, void *start, void *end), "cuEventElapsedTime")
#define LIBRARY(X)                                                                                                \
	X(create, (void **handle), "cublasLtCreate")                                                              \
	X(desc_create, (void **desc, int compute, int scale), "cublasLtMatmulDescCreate")                         \
	X(desc_set, (void *desc, int attribute, const void *value, size_t len), "cublasLtMatmulDescSetAttribute") \
	X(layout_create, (void **layout, int type, uint64_t rows, uint64_t columns, int64_t leading),             \
	  "cublasLtMatrixLayoutCreate")                                                                           \
	X(preference_create, (void **preference), "cublasLtMatmulPreferenceCreate")                               \
	X(preference_set, (void *preference, int attribute, const void *value, size_t len),                       \
	  "cublasLtMatmulPreferenceSetAttribute")                                                                 \
	X(heuristic,                                                                                              \
	  (void *handle, void *desc, void *a, void *b, void *c, void *d, void *preference, int wanted,            \
	   struct algorithm *results, int *count),                                                                \
	  "cublasLtMatmulAlgoGetHeuristic")                                                                       \
	X(matmul,                                                                                                 \
	  (void *handle, void *desc, const void *alpha, uint64_t a, void *a_layout, uint64_t b, void *b_layout,   \
	   const void *beta, uint64_t c, void *c_layout, uint64_t d, void *d_layout, const uint64_t *algorithm,   \
	   uint64_t workspace, size_t workspace_len, void *stream),                                               \
	  "cublasLtMatmul")

#define MEMBER(name, parameters, symbol) int(*name) parameters;
static struct {
	DRIVER(MEMBER)
} cu;
static struct {
	LIBRARY(MEMBER)
} lt;

_Noreturn static void stop(const char *what, int code)
{
	fprintf(stderr, "cublaslt: %s (%d)\n", what, code);
	exit(3);
}

#define CHECK(call)                         \
	do {                                \
		int code_ = (call);         \
		if (code_ != 0)             \
			stop(#call, code_); \
	} while (0)

static void *open_first(const char *const *names)
{
	void *library = NULL;

	for (const char *const *name = names; !library && *name; name++)
		library = dlopen(*name, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		stop(dlerror(), 0);
	return library;
}

static void *symbol_of(void *library, const char *name)
{
	void *symbol = dlsym(library, name);

	if (!symbol)
		stop(name, 0);
	return symbol;
}

static void libraries_open(void)
{
	const char *given = getenv("ASSAY_CUBLASLT_LIBRARY");
	void *driver = open_first((const char *const[]){"libcuda.so.1", NULL});
	void *library = open_first(
	    (const char *const[]){given ? given : "libcublasLt.so.13", "libcublasLt.so.13", "libcublasLt.so.12", NULL});
	size_t (*version)(void);

#define LOAD_DRIVER(name, parameters, symbol) *(void **)&cu.name = symbol_of(driver, symbol);
#define LOAD_LIBRARY(name, parameters, symbol) *(void **)&lt.name = symbol_of(library, symbol);
	DRIVER(LOAD_DRIVER)
	LIBRARY(LOAD_LIBRARY)
	*(void **)&version = symbol_of(library, "cublasLtGetVersion");
	fprintf(stderr, "cublaslt: version %zu", version());
}

/* Nothing of the environment may turn products into emulated ones. */
static void environment_clear(void)
{
	for (char **at = environ; *at;) {
		char name[128];
		size_t len = strcspn(*at, "=");
		if (strncmp(*at, "CUBLAS_EMUL", 11) == 0 && len < sizeof name) {
			memcpy(name, *at, len);
			name[len] = '\0';
			unsetenv(name); /* moves the rest */
		} else {
			at++;
		}
	}
}

static uint64_t next_random(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* `len` uniform bytes, on the device and (the return value) here. */
static int8_t *operand(uint64_t *address, size_t len)
{
	int8_t *bytes = malloc(len + 8);

	if (!bytes)
		stop("out of memory", 0);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t value = next_random();
		memcpy(bytes + i, &value, 8);
	}
	CHECK(cu.memory_alloc(address, len));
	CHECK(cu.memory_write(*address, bytes, len));
	return bytes;
}

static int ascending(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return x < y ? -1 : x > y;
}

static struct {
	uint64_t m, n, k, a, b, c, workspace;
	size_t workspace_len;
	void *handle, *desc, *a_layout, *b_layout, *c_layout, *stream, *start, *end;
} job;

/* One product; its time in milliseconds, or a negative one when the library refuses. */
static float product(const struct algorithm *algorithm)
{
	const int32_t alpha = 1, beta = 0;
	float time;

	CHECK(cu.event_record(job.start, job.stream));
	if (lt.matmul(job.handle, job.desc, &alpha, job.a, job.a_layout, job.b, job.b_layout, &beta, job.c,
	              job.c_layout, job.c, job.c_layout, algorithm->algorithm, job.workspace, job.workspace_len,
	              job.stream) != 0)
		return -1;
	CHECK(cu.event_record(job.end, job.stream));
	CHECK(cu.event_wait(job.end));
	CHECK(cu.event_elapsed(&time, job.start, job.end));
	return time;
}

/* The fastest of what the heuristic names, each tried a few times after a warm-up. */
static struct algorithm choose(void)
{
	struct algorithm found[ALGORITHMS];
	void *preference;
	int count = 0, best = -1;
	float least = 0;

	CHECK(lt.preference_create(&preference));
	CHECK(lt.preference_set(preference, PREF_WORKSPACE, &job.workspace_len, sizeof job.workspace_len));
	CHECK(lt.heuristic(job.handle, job.desc, job.a_layout, job.b_layout, job.c_layout, job.c_layout, preference,
	                   ALGORITHMS, found, &count));
	for (int i = 0; i < count; i++) {
		float times[TRIALS];
		if (found[i].status != 0 || found[i].workspace > job.workspace_len || product(&found[i]) < 0)
			continue;
		for (int t = 0; t < TRIALS; t++)
			times[t] = product(&found[i]);
		qsort(times, TRIALS, sizeof *times, ascending);
		if (times[0] >= 0 && (best < 0 || times[TRIALS / 2] < least)) {
			best = i;
			least = times[TRIALS / 2];
		}
	}
	if (best < 0)
		stop("no algorithm for these sizes", count);
	fprintf(stderr, ", algorithm %d of %d\n", best + 1, count);
	return found[best];
}

static void check(const int8_t *a, const int8_t *b)
{
	for (int i = 0; i < CHECKS; i++) {
		uint64_t row = next_random() % job.m, column = next_random() % job.n;
		int32_t expected = 0, got;
		for (uint64_t l = 0; l < job.k; l++)
			expected += a[row * job.k + l] * b[column * job.k + l];
		CHECK(cu.memory_read(&got, job.c + 4 * (column * job.m + row), 4));
		if (got != expected)
			stop("the product is wrong", i);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	const int32_t transposed = TRANSPOSED;
	static float times[REPETITIONS_MAX];
	char name[128] = "";
	double seconds, start;
	size_t count = 0;
	void *context;
	int device;

	if (argc != 5 || (seconds = atof(argv[4])) <= 0 || (job.m = strtoul(argv[1], NULL, 10)) % 16 || !job.m ||
	    (job.n = strtoul(argv[2], NULL, 10)) % 16 || !job.n || (job.k = strtoul(argv[3], NULL, 10)) % 16 ||
	    !job.k || job.k > 131071) {
		fprintf(stderr, "usage: cublaslt M N K SECONDS\n");
		return 3;
	}
	environment_clear();
	libraries_open();
	CHECK(cu.init(0));
	CHECK(cu.device_get(&device, 0));
	CHECK(cu.device_name(name, sizeof name - 1, device));
	CHECK(cu.context_retain(&context, device));
	CHECK(cu.context_use(context));
	CHECK(cu.stream_create(&job.stream, 1)); /* does not wait for the default stream */
	CHECK(cu.event_create(&job.start, 0));
	CHECK(cu.event_create(&job.end, 0));
	int8_t *a = operand(&job.a, job.m * job.k), *b = operand(&job.b, job.n * job.k);
	CHECK(cu.memory_alloc(&job.c, job.m * job.n * 4));
	job.workspace_len = (size_t)64 << 20;
	CHECK(cu.memory_alloc(&job.workspace, job.workspace_len));

	CHECK(lt.create(&job.handle));
	CHECK(lt.desc_create(&job.desc, COMPUTE_32I, TYPE_32I));
	CHECK(lt.desc_set(job.desc, DESC_TRANSA, &transposed, sizeof transposed));
	/* By columns: A transposed and B have k rows, C has m. */
	CHECK(lt.layout_create(&job.a_layout, TYPE_8I, job.k, job.m, (int64_t)job.k));
	CHECK(lt.layout_create(&job.b_layout, TYPE_8I, job.k, job.n, (int64_t)job.k));
	CHECK(lt.layout_create(&job.c_layout, TYPE_32I, job.m, job.n, (int64_t)job.m));
	struct algorithm algorithm = choose();
	check(a, b);

	/* A third of the time to warm up. */
	for (start = now(); now() - start < seconds / 3;)
		if (product(&algorithm) < 0)
			stop("cublasLtMatmul", 0);
	for (start = now(); count < REPETITIONS_MAX && (count < 3 || now() - start < seconds); count++)
		if ((times[count] = product(&algorithm)) <= 0)
			stop("cublasLtMatmul", 0);
	check(a, b);
	qsort(times, count, sizeof *times, ascending);
	double work = 2.0 * (double)job.m * (double)job.n * (double)job.k * 1e3;
	fprintf(stderr,
	        "cublaslt: %s: %llu x %llu x %llu, %zu products, GOP/s: median %.0f, lowest %.0f, highest %.0f\n", name,
	        (unsigned long long)job.m, (unsigned long long)job.n, (unsigned long long)job.k, count,
	        work / times[count / 2] / 1e9, work / times[count - 1] / 1e9, work / times[0] / 1e9);
	printf("%.0f\n", work / times[count / 2]);
	free(a);
	free(b);
	return 0;
}
