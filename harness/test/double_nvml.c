/* SPDX-License-Identifier: Apache-2.0
 *
 * A test double of NVIDIA's management library, with one card at 0000:3b:00.0, so that the unmodified monitor runs
 * where there is none. The environment plays the card:
 *
 *     ASSAY_DOUBLE_UTILISATION   percent, one for each reading in turn, the last again and again: "0,0,95"; "-": none
 *     ASSAY_DOUBLE_PROCESSES     how many compute on it
 *     ASSAY_DOUBLE_MIG           0 or 1; without it the card does not know MIG
 *     ASSAY_DOUBLE_VGPU          1: a guest's share of a card, else a card that is passed through
 *     ASSAY_DOUBLE_POWER         milliwatts, one for each reading in turn
 *     ASSAY_DOUBLE_CLOCK         MHz, likewise
 *     ASSAY_DOUBLE_TEMPERATURE   degrees Celsius, likewise
 *     ASSAY_DOUBLE_THROTTLE      the bits of the reasons, one for each reading in turn
 *     ASSAY_DOUBLE_XID           how many errors there were, told one by one
 *     ASSAY_DOUBLE_NVML_FAIL     the function that fails: "nvmlInit_v2"; with ":5", from its fifth call on
 *     ASSAY_DOUBLE_NVML_HANG     nvmlDeviceGetPowerUsage does not return from its call of this number
 *
 * Each reading of the energy finds 7 J more, each of corrected errors of memory one more. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALL(name, ...)                                               \
	__attribute__((visibility("default"))) int name(__VA_ARGS__); \
	__attribute__((visibility("default"))) int name(__VA_ARGS__)

enum {
	SUCCESS = 0,
	UNINITIALISED = 1,
	INVALID_ARGUMENT = 2,
	NOT_SUPPORTED = 3,
	NOT_FOUND = 6,
	INSUFFICIENT_SIZE = 7,
	UNKNOWN = 999,
};

static bool initialised;
static char card;

static unsigned number(const char *name)
{
	const char *text = getenv(name);

	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

/* The value of a list's turn, the last one when it has no more. */
static const char *turn(const char *name, unsigned calls)
{
	const char *at = getenv(name);

	for (unsigned i = 0; at && i < calls && strchr(at, ','); i++)
		at = strchr(at, ',') + 1;
	return at;
}

/* What a function returns unless it has its own reason. */
static int answer(const char *function, const void *handle)
{
	static atomic_uint calls;
	const char *wanted = getenv("ASSAY_DOUBLE_NVML_FAIL");
	size_t len = strlen(function);

	if (wanted && strncmp(wanted, function, len) == 0 && (wanted[len] == '\0' || wanted[len] == ':') &&
	    (wanted[len] == '\0' || atomic_fetch_add(&calls, 1) + 1 >= strtoul(wanted + len + 1, NULL, 10)))
		return UNKNOWN;
	return !initialised ? UNINITIALISED : handle != &card ? INVALID_ARGUMENT : SUCCESS;
}

/* Once is enough. */
CALL(nvmlInit_v2, void)
{
	if (initialised)
		return UNKNOWN;
	initialised = true;
	return answer(__func__, &card);
}

CALL(nvmlSystemGetDriverVersion, char *text, unsigned len)
{
	snprintf(text, len, "580.159.04\033");
	return answer(__func__, &card);
}

CALL(nvmlDeviceGetHandleByPciBusId_v2, const char *pci, void **handle)
{
	unsigned domain, bus, device;

	*handle = &card;
	if (sscanf(pci, "%x:%x:%x.0", &domain, &bus, &device) != 3 || domain != 0 || bus != 0x3b || device != 0)
		return NOT_FOUND;
	return answer(__func__, *handle);
}

CALL(nvmlDeviceGetName, void *handle, char *text, unsigned len)
{
	snprintf(text, len, "%s", number("ASSAY_DOUBLE_VGPU") ? "GRID Double-16Q" : "NVIDIA Double");
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetUtilizationRates, void *handle, unsigned rates[2])
{
	static unsigned calls;
	const char *at = turn("ASSAY_DOUBLE_UTILISATION", calls++);

	rates[0] = at ? (unsigned)strtoul(at, NULL, 10) : 0;
	rates[1] = 50;
	/* NVML has no rates of a card that MIG divides. */
	return (at && *at == '-') || number("ASSAY_DOUBLE_MIG") ? NOT_SUPPORTED : answer(__func__, handle);
}

CALL(nvmlDeviceGetMemoryInfo, void *handle, unsigned long long memory[3])
{
	memory[0] = 80ull << 30;
	memory[1] = 79ull << 30;
	memory[2] = 1ull << 30;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetMigMode, void *handle, unsigned *current, unsigned *pending)
{
	*current = *pending = number("ASSAY_DOUBLE_MIG");
	return getenv("ASSAY_DOUBLE_MIG") ? answer(__func__, handle) : NOT_SUPPORTED;
}

CALL(nvmlDeviceGetVirtualizationMode, void *handle, unsigned *mode)
{
	*mode = number("ASSAY_DOUBLE_VGPU") ? 2 : 1;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetComputeRunningProcesses_v3, void *handle, unsigned *count, void *processes)
{
	unsigned capacity = *count;

	*count = number("ASSAY_DOUBLE_PROCESSES");
	if (*count > capacity)
		return INSUFFICIENT_SIZE;
	return *count == 0 || processes ? answer(__func__, handle) : INVALID_ARGUMENT;
}

/* ---- Telemetry ---- */

CALL(nvmlDeviceGetCount_v2, unsigned *count)
{
	*count = getenv("ASSAY_DOUBLE_NVML_CARDS") ? number("ASSAY_DOUBLE_NVML_CARDS") : 1;
	return answer(__func__, &card);
}

CALL(nvmlDeviceGetHandleByIndex_v2, unsigned index, void **handle)
{
	*handle = &card;
	return index == 0 ? answer(__func__, *handle) : INVALID_ARGUMENT;
}

/* That of the first device of the driver's double. */
CALL(nvmlDeviceGetHandleByUUID, const char *uuid, void **handle)
{
	*handle = &card;
	return strcmp(uuid, "GPU-00102030-4050-6070-8090-a0b0c0d0e0f0") == 0 ? answer(__func__, *handle) : NOT_FOUND;
}

CALL(nvmlDeviceGetClockInfo, void *handle, unsigned type, unsigned *mhz)
{
	static unsigned calls;
	const char *at = type == 1 ? turn("ASSAY_DOUBLE_CLOCK", calls++) : NULL;

	*mhz = at ? (unsigned)strtoul(at, NULL, 10) : type == 1 ? 1980 : type == 2 ? 2619 : 345;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetPowerUsage, void *handle, unsigned *mw)
{
	static unsigned calls;
	const char *at = turn("ASSAY_DOUBLE_POWER", calls++);

	while (number("ASSAY_DOUBLE_NVML_HANG") && calls >= number("ASSAY_DOUBLE_NVML_HANG"))
		sleep(1);
	*mw = at ? (unsigned)strtoul(at, NULL, 10) : 700000;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetEnforcedPowerLimit, void *handle, unsigned *mw)
{
	*mw = 650000;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetTotalEnergyConsumption, void *handle, unsigned long long *mj)
{
	static unsigned calls;

	*mj = 1000000 + 7000ull * calls++;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetTemperature, void *handle, unsigned sensor, unsigned *celsius)
{
	static unsigned calls;
	const char *at = turn("ASSAY_DOUBLE_TEMPERATURE", calls++);

	*celsius = at ? (unsigned)strtoul(at, NULL, 10) : 61;
	return sensor == 0 ? answer(__func__, handle) : INVALID_ARGUMENT;
}

/* The newer name of the one below. */
CALL(nvmlDeviceGetCurrentClocksEventReasons, void *handle, unsigned long long *reasons)
{
	static unsigned calls;
	const char *at = turn("ASSAY_DOUBLE_THROTTLE", calls++);

	*reasons = at ? strtoull(at, NULL, 0) : 0;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetCurrentClocksThrottleReasons, void *handle, unsigned long long *reasons)
{
	static unsigned calls;
	const char *at = turn("ASSAY_DOUBLE_THROTTLE", calls++);

	*reasons = at ? strtoull(at, NULL, 0) : 0;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetTotalEccErrors, void *handle, unsigned type, unsigned counter, unsigned long long *count)
{
	static unsigned calls;

	*count = type == 0 ? 40 + calls++ : 2;
	return counter == 0 && type < 2 ? answer(__func__, handle) : INVALID_ARGUMENT;
}

CALL(nvmlDeviceGetCurrPcieLinkGeneration, void *handle, unsigned *generation)
{
	*generation = 5;
	return answer(__func__, handle);
}

CALL(nvmlDeviceGetCurrPcieLinkWidth, void *handle, unsigned *width)
{
	*width = 16;
	return answer(__func__, handle);
}

struct event {
	void *device;
	unsigned long long type, data;
	unsigned gpu_instance, compute_instance;
};

static char event_set;

CALL(nvmlEventSetCreate, void **set)
{
	*set = &event_set;
	return answer(__func__, &card);
}

CALL(nvmlDeviceRegisterEvents, void *handle, unsigned long long types, void *set)
{
	return types == 8 && set == &event_set ? answer(__func__, handle) : INVALID_ARGUMENT;
}

CALL(nvmlEventSetWait_v2, void *set, struct event *event, unsigned ms)
{
	enum { TIMEOUT = 10 };
	static unsigned told, looks;
	int code = answer(__func__, &card);

	if (set != &event_set || ms != 0)
		return INVALID_ARGUMENT;
	/* None before the first look, which is not of a run. */
	if (code || looks++ == 0 || told >= number("ASSAY_DOUBLE_XID"))
		return code ? code : TIMEOUT;
	told++;
	*event = (struct event){&card, 8, 79, 0, 0};
	return SUCCESS;
}

CALL(nvmlEventSetFree, void *set)
{
	return set == &event_set ? answer(__func__, &card) : INVALID_ARGUMENT;
}
