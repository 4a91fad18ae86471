/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetry of NVIDIA's cards. See source.h, nvml.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/nvml.h"
#include "harness/source.h"

enum {
	CLOCK_SM = 1,
	CLOCK_MEMORY = 2,
	SENSOR_GPU = 0,
	ECC_CORRECTED = 0,
	ECC_UNCORRECTED = 1,
	ECC_VOLATILE = 0, /* since the driver was loaded */
};
#define EVENT_XID 0x8ull

struct card {
	const struct nvml *nvml;
	void *handle, *events; /* events: NULL when they are not told */
	int64_t xid_errors;
};

/* NVML's bits. Idleness and clocks that somebody set are none. */
static const struct {
	unsigned long long bit;
	uint32_t reason;
} reasons[] = {{0x4, ASSAY_THROTTLE_SW_POWER_CAP}, {0x8, ASSAY_THROTTLE_HW_SLOWDOWN},
               {0x10, ASSAY_THROTTLE_SYNC_BOOST},  {0x20, ASSAY_THROTTLE_SW_THERMAL},
               {0x40, ASSAY_THROTTLE_HW_THERMAL},  {0x80, ASSAY_THROTTLE_HW_POWER_BRAKE}};

/* By UUID: 32 hexadecimal digits as "GPU-8-4-4-4-12". */
static bool find_uuid(struct card *card, const char *uuid)
{
	char text[64];

	if (strlen(uuid) != 32)
		return false;
	snprintf(text, sizeof text, "GPU-%.8s-%.4s-%.4s-%.4s-%.12s", uuid, uuid + 8, uuid + 12, uuid + 16, uuid + 20);
	return NVML_CALL(card->nvml, find_uuid, text, &card->handle) == NVML_SUCCESS;
}

/* A card alone, of the device's name: there is no other that it could be, but nothing says so. */
static bool find_alone(struct card *card, const char *device_name)
{
	char name[96] = "";
	unsigned count = 0;

	return NVML_CALL(card->nvml, count, &count) == NVML_SUCCESS && count == 1 &&
	       NVML_CALL(card->nvml, at, 0, &card->handle) == NVML_SUCCESS &&
	       NVML_CALL(card->nvml, name, card->handle, name, sizeof name - 1) == NVML_SUCCESS &&
	       strcmp(name, device_name) == 0;
}

static const char *find(struct card *card, const struct assay_device_info *info)
{
	char pci[32];

	if (find_uuid(card, info->uuid))
		return "uuid";
	if (assay_pci_address(pci, info->pci) && NVML_CALL(card->nvml, find, pci, &card->handle) == NVML_SUCCESS)
		return "pci";
	/* Where an address is known, a card at another is another. */
	return !*info->uuid && !*info->pci && find_alone(card, info->name) ? "unverified" : NULL;
}

static bool nvml_open(struct assay_reader *reader, const struct assay_device *device)
{
	struct card card = {.nvml = assay_nvml_load()};

	if (!card.nvml || device->info.is_cpu || !(reader->joined = find(&card, &device->info)))
		return false;
	if (NVML_CALL(card.nvml, events_create, &card.events) != NVML_SUCCESS)
		card.events = NULL;
	if (card.events && NVML_CALL(card.nvml, events_register, card.handle, EVENT_XID, card.events) != NVML_SUCCESS) {
		(void)NVML_CALL(card.nvml, events_free, card.events);
		card.events = NULL;
	}
	struct card *kept = malloc(sizeof *kept);
	if (!kept)
		return false;
	*kept = card;
	reader->source = "nvml";
	reader->state = kept;
	return true;
}

/* What a call that returned `code` left in *value, or unknown: by address, since the call is an argument beside it. */
static int64_t small(int code, const unsigned *value)
{
	return code == NVML_SUCCESS ? (int64_t)*value : -1;
}

/* What is too large to be true is unknown. */
static int64_t large(int code, const unsigned long long *value)
{
	return code == NVML_SUCCESS && *value <= INT64_MAX / 1000 ? (int64_t)*value : -1;
}

static int64_t count_ecc(const struct card *card)
{
	unsigned long long corrected = 0, uncorrected = 0;
	int64_t one =
	    large(NVML_CALL(card->nvml, ecc, card->handle, ECC_CORRECTED, ECC_VOLATILE, &corrected), &corrected);
	int64_t other =
	    large(NVML_CALL(card->nvml, ecc, card->handle, ECC_UNCORRECTED, ECC_VOLATILE, &uncorrected), &uncorrected);

	return one < 0 || other < 0 ? -1 : one + other;
}

/* Those since the last look. */
static int64_t count_xid(struct card *card)
{
	enum { EVENTS_A_LOOK = 100 };
	struct nvml_event event = {0};
	int code = NVML_SUCCESS;

	for (int i = 0; card->events && code == NVML_SUCCESS && i < EVENTS_A_LOOK; i++) {
		code = NVML_CALL(card->nvml, events_wait, card->events, &event, 0);
		if (code == NVML_SUCCESS && event.type == EVENT_XID)
			card->xid_errors++;
	}
	return card->events && (code == NVML_SUCCESS || code == NVML_TIMEOUT) ? card->xid_errors : -1;
}

static uint32_t read_reasons(const struct card *card)
{
	unsigned long long bits = 0;
	uint32_t found = 0;
	int code = NVML_CALL(card->nvml, throttle, card->handle, &bits);

	if (code == NVML_FUNCTION_NOT_FOUND)
		code = NVML_CALL(card->nvml, throttle_new, card->handle, &bits);
	if (code != NVML_SUCCESS)
		return ASSAY_REASONS_UNKNOWN;
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (bits & reasons[i].bit)
			found |= UINT32_C(1) << reasons[i].reason;
	return found;
}

static void nvml_read(void *state, struct assay_sample *sample)
{
	struct card *card = state;
	const struct nvml *nvml = card->nvml;
	unsigned value = 0;
	unsigned long long energy = 0;

	sample->clock_mhz = small(NVML_CALL(nvml, clock, card->handle, CLOCK_SM, &value), &value);
	sample->memory_clock_mhz = small(NVML_CALL(nvml, clock, card->handle, CLOCK_MEMORY, &value), &value);
	sample->power_mw = small(NVML_CALL(nvml, power, card->handle, &value), &value);
	sample->power_limit_mw = small(NVML_CALL(nvml, power_limit, card->handle, &value), &value);
	int64_t celsius = small(NVML_CALL(nvml, temperature, card->handle, SENSOR_GPU, &value), &value);
	sample->temperature_mc = celsius < 0 || celsius > 1000 ? -1 : 1000 * celsius;
	int64_t energy_mj = large(NVML_CALL(nvml, energy, card->handle, &energy), &energy);
	sample->energy_uj = energy_mj < 0 ? -1 : 1000 * energy_mj;
	sample->ecc_errors = count_ecc(card);
	sample->xid_errors = count_xid(card);
	sample->pcie_width = small(NVML_CALL(nvml, pcie_width, card->handle, &value), &value);
	sample->pcie_generation = small(NVML_CALL(nvml, pcie_generation, card->handle, &value), &value);
	sample->reasons = read_reasons(card);
}

static void nvml_close(void *state)
{
	struct card *card = state;

	if (card->events)
		(void)NVML_CALL(card->nvml, events_free, card->events);
	free(card);
}

const struct assay_source assay_source_nvml = {nvml_open, nvml_read, nvml_close};
