/* SPDX-License-Identifier: Apache-2.0
 *
 * The cpu backend: the plain-C kernels on one thread per processor of this process's affinity mask. Always there, and
 * what the other backends are compared with. A launch returns when it is done. */
#include "harness/backend.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/measure.h"

enum { THREADS_MAX = 1024, CHUNKS_A_THREAD = 16 };

struct cpu {
	const struct assay_kernel_set *set;
	uint32_t threads, started;
	pthread_t workers[THREADS_MAX];
	pthread_mutex_t lock;
	pthread_cond_t wake, done;

	/* The launch in progress; `turn` counts launches. */
	uint64_t turn;
	uint32_t busy;
	bool stop;
	assay_kernel_range *range;
	const void *arguments[ASSAY_ARGUMENTS_MAX];
	uint32_t items, chunk;
	atomic_uint_fast64_t next;

	uint64_t marks[2];
};

static void work(struct cpu *cpu)
{
	for (;;) {
		uint64_t first = atomic_fetch_add_explicit(&cpu->next, cpu->chunk, memory_order_relaxed);
		if (first >= cpu->items)
			return;
		uint64_t end = first + cpu->chunk < cpu->items ? first + cpu->chunk : cpu->items;
		cpu->range(cpu->arguments, (uint32_t)first, (uint32_t)end);
	}
}

static void *worker(void *context)
{
	struct cpu *cpu = context;
	uint64_t seen = 0;

	pthread_mutex_lock(&cpu->lock);
	for (;;) {
		while (cpu->turn == seen && !cpu->stop)
			pthread_cond_wait(&cpu->wake, &cpu->lock);
		if (cpu->stop)
			break;
		seen = cpu->turn;
		pthread_mutex_unlock(&cpu->lock);
		work(cpu);
		pthread_mutex_lock(&cpu->lock);
		if (--cpu->busy == 0)
			pthread_cond_signal(&cpu->done);
	}
	pthread_mutex_unlock(&cpu->lock);
	return NULL;
}

static enum assay_status cpu_count(uint32_t *count, struct assay_error *error)
{
	(void)error;
	*count = 1;
	return ASSAY_OK;
}

/* The best level that this processor can run, or the one with `lanes` lanes. */
static const struct assay_kernel_set *choose(uint32_t lanes)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if ((lanes == 0 || lanes == 16) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma"))
		return &assay_kernels_avx512;
	if ((lanes == 0 || lanes == 8) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &assay_kernels_avx2;
#endif
	return lanes == 0 || lanes == 4 ? &assay_kernels_baseline : NULL;
}

static void cpu_close(void *device)
{
	struct cpu *cpu = device;

	pthread_mutex_lock(&cpu->lock);
	cpu->stop = true;
	pthread_cond_broadcast(&cpu->wake);
	pthread_mutex_unlock(&cpu->lock);
	for (uint32_t i = 0; i < cpu->started; i++)
		pthread_join(cpu->workers[i], NULL);
	pthread_cond_destroy(&cpu->wake);
	pthread_cond_destroy(&cpu->done);
	pthread_mutex_destroy(&cpu->lock);
	free(cpu);
}

static enum assay_status cpu_open(void **device, uint32_t index, const struct assay_tuning *tuning,
                                  struct assay_error *error)
{
	const struct assay_kernel_set *set = choose(tuning->lanes);
	cpu_set_t mask;
	(void)index;

	if (!set)
		return assay_fail(error, ASSAY_ERROR_DEVICE, "device.open", "cpu: cannot run kernels with %u lanes",
		                  tuning->lanes);
	struct cpu *cpu = calloc(1, sizeof *cpu);
	if (!cpu)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "device.memory", "cpu: out of memory");
	cpu->set = set;
	/* The mask is too small for more than 1024 processors; there, all that are online count. */
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu->threads = 1;
	if (sched_getaffinity(0, sizeof mask, &mask) == 0)
		cpu->threads = (uint32_t)CPU_COUNT(&mask);
	else if (online > 1)
		cpu->threads = (uint32_t)online;
	if (cpu->threads > THREADS_MAX)
		cpu->threads = THREADS_MAX;
	pthread_mutex_init(&cpu->lock, NULL);
	pthread_cond_init(&cpu->wake, NULL);
	pthread_cond_init(&cpu->done, NULL);
	/* The caller is one of the threads. */
	while (cpu->started + 1 < cpu->threads) {
		if (pthread_create(&cpu->workers[cpu->started], NULL, worker, cpu) != 0) {
			uint32_t threads = cpu->threads;
			cpu_close(cpu);
			return assay_fail(error, ASSAY_ERROR_DEVICE, "device.open",
			                  "cpu: cannot start %u threads; raise the process limit (ulimit -u)", threads);
		}
		cpu->started++;
	}
	*device = cpu;
	return ASSAY_OK;
}

/* The value of the first line "key ... : value" of a /proc file. */
static void proc_value(char *value, size_t len, const char *path, const char *key)
{
	char line[512];
	FILE *file = fopen(path, "r");

	value[0] = '\0';
	while (file && fgets(line, sizeof line, file)) {
		char *colon = strchr(line, ':');
		if (strncmp(line, key, strlen(key)) != 0 || !colon)
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		colon[strcspn(colon, "\n")] = '\0';
		snprintf(value, len, "%s", colon);
		break;
	}
	if (file)
		fclose(file);
}

static uint64_t meminfo_bytes(const char *key)
{
	char value[64];

	proc_value(value, sizeof value, "/proc/meminfo", key);
	return strtoull(value, NULL, 10) * 1024;
}

static void cpu_describe(const void *device, struct assay_device_info *info)
{
	const struct cpu *cpu = device;

	proc_value(info->name, sizeof info->name, "/proc/cpuinfo", "model name");
	if (!info->name[0])
		snprintf(info->name, sizeof info->name, "CPU");
	assay_printable(info->name);
#if defined(__x86_64__)
	snprintf(info->architecture, sizeof info->architecture, "x86-64 %s", cpu->set->name);
#elif defined(__aarch64__)
	snprintf(info->architecture, sizeof info->architecture, "aarch64 %s", cpu->set->name);
#else
	snprintf(info->architecture, sizeof info->architecture, "%s", cpu->set->name);
#endif
	snprintf(info->driver, sizeof info->driver, "compiler %s", __VERSION__);
	assay_printable(info->driver);
	snprintf(info->variant, sizeof info->variant, "portable, %u lanes", cpu->set->lanes);
	info->compute_units = cpu->threads;
	info->memory_bytes = meminfo_bytes("MemTotal");
	info->cache_bytes = sysconf(_SC_LEVEL3_CACHE_SIZE) > 0 ? (uint64_t)sysconf(_SC_LEVEL3_CACHE_SIZE) : 0;
	info->lanes = cpu->set->lanes;
	info->is_cpu = true;
}

static enum assay_status cpu_alloc(void *device, void **buffer, size_t len, struct assay_error *error)
{
	const size_t huge = (size_t)1 << 21, align = len >= huge ? huge : 64;
	uint64_t available = meminfo_bytes("MemAvailable");
	(void)device;

	/* Linux promises more than it has, so look first. */
	if (available && len > available)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "device.memory",
		                  "cpu: out of memory allocating %zu MiB: %llu MiB are free; free some or choose "
		                  "smaller sizes (--row)",
		                  len >> 20, (unsigned long long)available >> 20);
	*buffer = aligned_alloc(align, (len + align - 1) / align * align);
	if (!*buffer)
		return assay_fail(error, ASSAY_ERROR_MEMORY, "device.memory",
		                  "cpu: out of memory allocating %zu MiB; free some or raise the limit (ulimit -v)",
		                  len >> 20);
	if (align == huge)
		madvise(*buffer, len, MADV_HUGEPAGE);
	return ASSAY_OK;
}

static void cpu_release(void *device, void *buffer)
{
	(void)device;
	free(buffer);
}

static enum assay_status cpu_write(void *device, void *buffer, size_t offset, const void *data, size_t len,
                                   struct assay_error *error)
{
	(void)device, (void)error;
	memcpy((uint8_t *)buffer + offset, data, len);
	return ASSAY_OK;
}

static enum assay_status cpu_read(void *device, void *data, const void *buffer, size_t offset, size_t len,
                                  struct assay_error *error)
{
	(void)device, (void)error;
	memcpy(data, (const uint8_t *)buffer + offset, len);
	return ASSAY_OK;
}

static bool cpu_variant(const void *device, enum assay_kernel_id id, uint32_t number, struct assay_variant *variant)
{
	const struct cpu *cpu = device;
	char route[64];
	(void)id;

	snprintf(route, sizeof route, "plain C for %s", cpu->set->name);
	return assay_variant_portable(variant, number, route);
}

static enum assay_status cpu_build(void *device, struct assay_kernel *kernel, enum assay_kernel_id id, uint32_t number,
                                   struct assay_error *error)
{
	struct cpu *cpu = device;
	(void)error, (void)number;
	kernel->handle = (void *)(uintptr_t)&cpu->set->range[id];
	return ASSAY_OK;
}

static void cpu_discard(void *device, struct assay_kernel *kernel)
{
	(void)device, (void)kernel;
}

static enum assay_status cpu_launch(void *device, const struct assay_kernel *kernel, uint32_t items,
                                    const struct assay_argument *arguments, size_t count, struct assay_error *error)
{
	struct cpu *cpu = device;
	(void)error;

	pthread_mutex_lock(&cpu->lock);
	cpu->range = *(assay_kernel_range *const *)kernel->handle;
	for (size_t i = 0; i < count; i++)
		cpu->arguments[i] = arguments[i].buffer ? (const void *)&arguments[i].buffer : &arguments[i].value;
	cpu->items = items;
	cpu->chunk = items / (cpu->threads * CHUNKS_A_THREAD) + 1;
	atomic_store(&cpu->next, 0);
	/* One item wakes nobody: the tops of trees have many such launches. */
	cpu->busy = items > 1 ? cpu->started : 0;
	if (cpu->busy) {
		cpu->turn++;
		pthread_cond_broadcast(&cpu->wake);
	}
	pthread_mutex_unlock(&cpu->lock);
	work(cpu);
	pthread_mutex_lock(&cpu->lock);
	while (cpu->busy)
		pthread_cond_wait(&cpu->done, &cpu->lock);
	pthread_mutex_unlock(&cpu->lock);
	return ASSAY_OK;
}

static enum assay_status cpu_synchronise(void *device, struct assay_error *error)
{
	(void)device, (void)error;
	return ASSAY_OK;
}

/* A launch is over when it returns. */
static void cpu_mark(void *device, uint32_t which)
{
	struct cpu *cpu = device;

	cpu->marks[which] = assay_clock_ns();
}

static bool cpu_elapsed(void *device, uint64_t *ns)
{
	const struct cpu *cpu = device;

	*ns = cpu->marks[1] - cpu->marks[0];
	return true;
}

const struct assay_backend assay_backend_cpu = {
    .name = "cpu",
    .count = cpu_count,
    .open = cpu_open,
    .close = cpu_close,
    .describe = cpu_describe,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .write = cpu_write,
    .read = cpu_read,
    .variant = cpu_variant,
    .build = cpu_build,
    .discard = cpu_discard,
    .launch = cpu_launch,
    .synchronise = cpu_synchronise,
    .mark = cpu_mark,
    .elapsed = cpu_elapsed,
};
