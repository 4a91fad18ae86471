/* SPDX-License-Identifier: Apache-2.0
 *
 * A test double of NVIDIA's management library, with one card at 0000:3b:00.0, so that the unmodified monitor runs
 * where there is none. The environment plays the card:
 *
 * ASSAY_DOUBLE_UTILISATION   percent, one for each reading in turn, the last again and again: "0,0,95"; "-" has none
 * ASSAY_DOUBLE_PROCESSES     how many compute on it
 * ASSAY_DOUBLE_MIG           0 or 1; without it the card does not know MIG
 * ASSAY_DOUBLE_VGPU          1: a guest's share of a card, else a card that is passed through
 * ASSAY_DOUBLE_NVML_FAIL     the function that fails: "nvmlInit_v2" */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What a function returns unless it has its own reason. */
static int answer(const char *function, const void *handle)
{
	const char *wanted = getenv("ASSAY_DOUBLE_NVML_FAIL");

	if (wanted && strcmp(wanted, function) == 0)
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
	const char *at = getenv("ASSAY_DOUBLE_UTILISATION");

	for (unsigned i = 0; at && i < calls && strchr(at, ','); i++)
		at = strchr(at, ',') + 1;
	calls++;
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
