/* SPDX-License-Identifier: Apache-2.0
 *
 * See monitor.h. Source of sysfs's files: the kernel's documentation of amdgpu. */
#include "harness/monitor.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/nvml.h"
#include "harness/sysfs.h"
#include "verify/bytes.h"

/* How a monitor finds it again. */
struct card {
	void *handle;       /* NVML's */
	char directory[64]; /* in sysfs */
};

struct assay_monitor {
	bool (*find)(struct card *card, const char *pci); /* by an address as assay_pci_address makes it */
	int64_t (*utilisation)(const struct card *card);  /* percent, not yet checked; -1 = unknown */
	void (*rest)(struct assay_monitor_state *state, const struct card *card); /* all but the utilisation */
};

enum { NVML_VGPU = 2 }; /* a guest's share of a card; 1 is a card passed through, 3 and 4 are what a host sees */

static bool nvml_find(struct card *card, const char *pci)
{
	const struct nvml *nvml = assay_nvml_load();

	return nvml && NVML_CALL(nvml, find, pci, &card->handle) == NVML_SUCCESS;
}

static int64_t nvml_utilisation(const struct card *card)
{
	const struct nvml *nvml = assay_nvml_load();
	struct nvml_rates rates;

	return NVML_CALL(nvml, rates, card->handle, &rates) == NVML_SUCCESS ? (int64_t)rates.gpu : -1;
}

static const char *nvml_partition(void *handle)
{
	const struct nvml *nvml = assay_nvml_load();
	unsigned mig = 0, pending = 0, mode = 0;
	char name[96] = "";
	int mig_code = NVML_CALL(nvml, mig, handle, &mig, &pending);
	bool mode_known = NVML_CALL(nvml, virtualisation, handle, &mode) == NVML_SUCCESS;

	if (mig_code == NVML_SUCCESS && mig)
		return "MIG";
	if (mode_known && mode == NVML_VGPU)
		return "vGPU";
	if (!mode_known && NVML_CALL(nvml, name, handle, name, sizeof name - 1) == NVML_SUCCESS &&
	    strncmp(name, "GRID ", 5) == 0)
		return "vGPU";
	/* A card that MIG cannot divide says that it is not supported. */
	return mode_known && (mig_code == NVML_SUCCESS || mig_code == NVML_NOT_SUPPORTED) ? ASSAY_MONITOR_WHOLE : "";
}

static void nvml_rest(struct assay_monitor_state *state, const struct card *card)
{
	const struct nvml *nvml = assay_nvml_load();
	struct nvml_memory memory;
	unsigned count = 0;
	/* Without an array it only counts. */
	int code = NVML_CALL(nvml, processes, card->handle, &count, NULL);

	if ((code == NVML_SUCCESS || code == NVML_INSUFFICIENT_SIZE) && count <= INT_MAX)
		state->processes = (int)count;
	if (NVML_CALL(nvml, memory, card->handle, &memory) == NVML_SUCCESS && memory.used <= INT64_MAX)
		state->memory_used_bytes = (int64_t)memory.used;
	if (NVML_CALL(nvml, driver, state->driver, sizeof state->driver - 1) != NVML_SUCCESS)
		state->driver[0] = '\0';
	snprintf(state->partition, sizeof state->partition, "%s", nvml_partition(card->handle));
}

const struct assay_monitor assay_monitor_nvml = {nvml_find, nvml_utilisation, nvml_rest};

static bool sysfs_find(struct card *card, const char *pci)
{
	char path[1024];
	int len = snprintf(card->directory, sizeof card->directory, "bus/pci/devices/%s", pci);

	return len > 0 && (size_t)len < sizeof card->directory && assay_sysfs_path(path, "%s", card->directory);
}

static int64_t sysfs_utilisation(const struct card *card)
{
	return assay_sysfs_number("%s/gpu_busy_percent", card->directory);
}

static void sysfs_rest(struct assay_monitor_state *state, const struct card *card)
{
	state->memory_used_bytes = assay_sysfs_number("%s/mem_info_vram_used", card->directory);
	/* Of the driver that has this card; one that came with the kernel has none. */
	assay_sysfs_text(state->driver, "%s/driver/module/version", card->directory);
	assay_sysfs_text(state->partition, "%s/current_compute_partition", card->directory);
	if (strcmp(state->partition, "SPX") == 0)
		snprintf(state->partition, sizeof state->partition, "%s", ASSAY_MONITOR_WHOLE);
	else if (strcmp(state->partition, "UNKNOWN") == 0)
		state->partition[0] = '\0';
}

const struct assay_monitor assay_monitor_sysfs = {sysfs_find, sysfs_utilisation, sysfs_rest};

/* The text is a driver's and becomes part of a path: digits in their places, and nothing else. */
bool assay_pci_address(char normal[32], const char *text)
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

	return monitor && pci && assay_pci_address(normal, pci) && monitor->find(card, normal);
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
