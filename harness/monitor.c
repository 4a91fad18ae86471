/* SPDX-License-Identifier: Apache-2.0
 *
 * See monitor.h. Sources: NVIDIA's NVML API reference; the kernel's documentation of amdgpu's files in sysfs. */
#include "harness/monitor.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verify/bytes.h"

/* How a monitor finds it again. */
struct card {
	void *handle;         /* NVML's */
	char directory[1024]; /* in sysfs */
};

struct assay_monitor {
	bool (*find)(struct card *card, const char *pci); /* by an address as address_normal makes it */
	int64_t (*utilisation)(const struct card *card);  /* percent, not yet checked; -1 = unknown */
	void (*rest)(struct assay_monitor_state *state, const struct card *card); /* all but the utilisation */
};

enum {
	NVML_SUCCESS = 0,
	NVML_NOT_SUPPORTED = 3,
	NVML_INSUFFICIENT_SIZE = 7,
	NVML_FUNCTION_NOT_FOUND = 13,
	NVML_VGPU = 2, /* a guest's share of a card; 1 is a card passed through, 3 and 4 are what a host sees */
};

struct nvml_rates {
	unsigned gpu, memory;
};

struct nvml_memory {
	unsigned long long total, free, used;
};

#define NVML_FUNCTIONS(X)                                                                    \
	X(init, (void), "nvmlInit_v2")                                                       \
	X(driver, (char *text, unsigned len), "nvmlSystemGetDriverVersion")                  \
	X(find, (const char *pci, void **handle), "nvmlDeviceGetHandleByPciBusId_v2")        \
	X(name, (void *handle, char *text, unsigned len), "nvmlDeviceGetName")               \
	X(rates, (void *handle, struct nvml_rates *rates), "nvmlDeviceGetUtilizationRates")  \
	X(memory, (void *handle, struct nvml_memory *memory), "nvmlDeviceGetMemoryInfo")     \
	X(mig, (void *handle, unsigned *current, unsigned *pending), "nvmlDeviceGetMigMode") \
	X(virtualisation, (void *handle, unsigned *mode), "nvmlDeviceGetVirtualizationMode") \
	X(processes, (void *handle, unsigned *count, void *array), "nvmlDeviceGetComputeRunningProcesses_v3")

static struct {
#define NVML_MEMBER(member, parameters, symbol) int(*member) parameters;
	NVML_FUNCTIONS(NVML_MEMBER)
#undef NVML_MEMBER
} nvml;
static bool nvml_started;
static pthread_once_t nvml_loaded = PTHREAD_ONCE_INIT;

/* What a function returns; what this library lacks answers as NVML does. */
#define NVML_CALL(member, ...) (nvml.member ? nvml.member(__VA_ARGS__) : NVML_FUNCTION_NOT_FOUND)

static void nvml_load(void)
{
	const char *given = getenv("ASSAY_NVML_LIBRARY");
	void *library = dlopen(given && *given ? given : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return;
#define NVML_LOAD(member, parameters, symbol) *(void **)&nvml.member = dlsym(library, symbol);
	NVML_FUNCTIONS(NVML_LOAD)
#undef NVML_LOAD
	nvml_started = nvml.init && nvml.init() == NVML_SUCCESS;
}

static bool nvml_find(struct card *card, const char *pci)
{
	pthread_once(&nvml_loaded, nvml_load);
	return nvml_started && NVML_CALL(find, pci, &card->handle) == NVML_SUCCESS;
}

static int64_t nvml_utilisation(const struct card *card)
{
	struct nvml_rates rates;

	return NVML_CALL(rates, card->handle, &rates) == NVML_SUCCESS ? (int64_t)rates.gpu : -1;
}

static const char *nvml_partition(void *handle)
{
	unsigned mig = 0, pending = 0, mode = 0;
	char name[96] = "";
	int mig_code = NVML_CALL(mig, handle, &mig, &pending);
	bool mode_known = NVML_CALL(virtualisation, handle, &mode) == NVML_SUCCESS;

	if (mig_code == NVML_SUCCESS && mig)
		return "MIG";
	if (mode_known && mode == NVML_VGPU)
		return "vGPU";
	if (!mode_known && NVML_CALL(name, handle, name, sizeof name - 1) == NVML_SUCCESS &&
	    strncmp(name, "GRID ", 5) == 0)
		return "vGPU";
	/* A card that MIG cannot divide says that it is not supported. */
	return mode_known && (mig_code == NVML_SUCCESS || mig_code == NVML_NOT_SUPPORTED) ? ASSAY_MONITOR_WHOLE : "";
}

static void nvml_rest(struct assay_monitor_state *state, const struct card *card)
{
	struct nvml_memory memory;
	unsigned count = 0;
	/* Without an array it only counts. */
	int code = NVML_CALL(processes, card->handle, &count, NULL);

	if ((code == NVML_SUCCESS || code == NVML_INSUFFICIENT_SIZE) && count <= INT_MAX)
		state->processes = (int)count;
	if (NVML_CALL(memory, card->handle, &memory) == NVML_SUCCESS && memory.used <= INT64_MAX)
		state->memory_used_bytes = (int64_t)memory.used;
	if (NVML_CALL(driver, state->driver, sizeof state->driver - 1) != NVML_SUCCESS)
		state->driver[0] = '\0';
	snprintf(state->partition, sizeof state->partition, "%s", nvml_partition(card->handle));
}

const struct assay_monitor assay_monitor_nvml = {nvml_find, nvml_utilisation, nvml_rest};

/* The first line of a card's file; "" when there is none. */
static void sysfs_text(char text[64], const struct card *card, const char *name)
{
	char path[sizeof card->directory + 64];

	snprintf(path, sizeof path, "%s/%s", card->directory, name);
	FILE *file = fopen(path, "re");
	if (!file || !fgets(text, 64, file))
		text[0] = '\0';
	if (file)
		fclose(file);
	text[strcspn(text, "\n")] = '\0';
}

/* -1 unless it is a whole number, nothing else. */
static int64_t sysfs_number(const struct card *card, const char *name)
{
	char text[64], *end;

	sysfs_text(text, card, name);
	errno = 0;
	long long value = strtoll(text, &end, 10);
	return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 ? value : -1;
}

static bool sysfs_find(struct card *card, const char *pci)
{
	const char *given = getenv("ASSAY_SYSFS");
	int len = snprintf(card->directory, sizeof card->directory, "%s/bus/pci/devices/%s",
	                   given && *given ? given : "/sys", pci);

	return len > 0 && (size_t)len < sizeof card->directory;
}

static int64_t sysfs_utilisation(const struct card *card)
{
	return sysfs_number(card, "gpu_busy_percent");
}

static void sysfs_rest(struct assay_monitor_state *state, const struct card *card)
{
	state->memory_used_bytes = sysfs_number(card, "mem_info_vram_used");
	/* Of the driver that has this card; one that came with the kernel has none. */
	sysfs_text(state->driver, card, "driver/module/version");
	sysfs_text(state->partition, card, "current_compute_partition");
	if (strcmp(state->partition, "SPX") == 0)
		snprintf(state->partition, sizeof state->partition, "%s", ASSAY_MONITOR_WHOLE);
	else if (strcmp(state->partition, "UNKNOWN") == 0)
		state->partition[0] = '\0';
}

const struct assay_monitor assay_monitor_sysfs = {sysfs_find, sysfs_utilisation, sysfs_rest};

/* "0000:3b:00.0", as sysfs has it and NVML takes it. The text is a driver's and becomes part of a path: digits in their
 * places, and nothing else. */
static bool address_normal(char normal[32], const char *text)
{
	static const char shape[] = "xxxxxxxx:xx:xx.x";
	unsigned domain, bus, device, function;
	size_t len = strnlen(text, sizeof shape);

	if (len != 12 && len != 16)
		return false;
	for (const char *expected = shape + 16 - len, *at = text; *expected; expected++, at++)
		if (*expected == 'x' ? !isxdigit((unsigned char)*at) : *at != *expected)
			return false;
	if (sscanf(text, "%x:%x:%x.%x", &domain, &bus, &device, &function) != 4 || device > 31 || function > 7)
		return false;
	snprintf(normal, 32, "%04x:%02x:%02x.%x", domain, bus, device, function);
	return true;
}

static bool card_find(struct card *card, const struct assay_monitor *monitor, const char *pci)
{
	char normal[32];

	return monitor && pci && address_normal(normal, pci) && monitor->find(card, normal);
}

static int utilisation(const struct assay_monitor *monitor, const struct card *card)
{
	int64_t percent = monitor->utilisation(card);

	return percent <= 100 ? (int)percent : -1;
}

bool assay_monitor_read(struct assay_monitor_state *state, const struct assay_monitor *monitor, const char *pci)
{
	struct card card;

	*state = (struct assay_monitor_state){.utilisation_percent = -1, .memory_used_bytes = -1, .processes = -1};
	if (!card_find(&card, monitor, pci))
		return false;
	state->utilisation_percent = utilisation(monitor, &card);
	monitor->rest(state, &card);
	assay_printable(state->driver);
	assay_printable(state->partition);
	return state->utilisation_percent >= 0 || state->memory_used_bytes >= 0 || state->processes >= 0 ||
	       *state->driver || *state->partition;
}

int assay_monitor_busy(const struct assay_monitor *monitor, const char *pci, unsigned ms)
{
	enum { INTERVAL_MS = 100 };
	const struct timespec interval = {.tv_nsec = INTERVAL_MS * 1000000L};
	struct card card;
	int64_t sum = 0;

	if (!card_find(&card, monitor, pci))
		return -1;
	for (unsigned samples = 1;; samples++) {
		int percent = utilisation(monitor, &card);
		if (percent < 0)
			return -1;
		sum += percent;
		if (samples > ms / INTERVAL_MS)
			return (int)((sum + samples / 2) / samples);
		nanosleep(&interval, NULL);
	}
}
