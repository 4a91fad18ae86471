/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetry of AMD's cards from the files of the amdgpu driver, which AMD's own libraries read too. See source.h,
 * sysfs.h. Source: the kernel's documentation of amdgpu and of hwmon. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/source.h"
#include "harness/sysfs.h"

struct card {
	char directory[64];  /* "bus/pci/devices/0000:03:00.0" */
	char hwmon[64 + 40]; /* the directory of its sensors below that; "" = none */
};

static bool is_amdgpu(const char *pci)
{
	char vendor[64], path[1024];

	assay_sysfs_text(vendor, "bus/pci/devices/%s/vendor", pci);
	if (strcmp(vendor, "0x1002") != 0 || !assay_sysfs_path(path, "bus/pci/devices/%s/hwmon", pci))
		return false;
	DIR *hwmon = opendir(path);
	if (hwmon)
		closedir(hwmon);
	return hwmon != NULL;
}

/* The UUID that HIP tells is the 16 letters of the card's unique id. */
static bool has_uuid(const char *pci, const char *uuid)
{
	char id[64], hex[33];

	assay_sysfs_text(id, "bus/pci/devices/%s/unique_id", pci);
	if (strlen(id) != 16)
		return false;
	for (size_t i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)id[i]);
	return strcmp(hex, uuid) == 0;
}

/* The address of the card with this UUID; or, without one, of the only card that there is. */
static bool find(char pci[32], const char *uuid)
{
	char path[1024], normal[32];
	unsigned found = 0;
	DIR *cards = assay_sysfs_path(path, "bus/pci/devices") ? opendir(path) : NULL;

	for (const struct dirent *entry; cards && (entry = readdir(cards));) {
		if (!assay_pci_address(normal, entry->d_name) || !is_amdgpu(normal) ||
		    (*uuid && !has_uuid(normal, uuid)))
			continue;
		snprintf(pci, 32, "%s", normal);
		found++;
	}
	if (cards)
		closedir(cards);
	return found == 1;
}

static const char *join(char pci[32], const struct assay_device_info *info)
{
	if (*info->uuid && find(pci, info->uuid))
		return "uuid";
	if (assay_pci_address(pci, info->pci) && is_amdgpu(pci))
		return "pci";
	/* A device of another vendor has its own source. */
	return !*info->uuid && !*info->pci && info->monitor == &assay_monitor_sysfs && find(pci, "") ? "unverified"
	                                                                                             : NULL;
}

static bool amdgpu_open(struct assay_reader *reader, const struct assay_device *device)
{
	char pci[32], path[1024];

	if (device->info.is_cpu || !(reader->joined = join(pci, &device->info)))
		return false;
	struct card *card = calloc(1, sizeof *card);
	if (!card)
		return false;
	snprintf(card->directory, sizeof card->directory, "bus/pci/devices/%s", pci);
	DIR *sensors = assay_sysfs_path(path, "%s/hwmon", card->directory) ? opendir(path) : NULL;
	for (const struct dirent *entry; sensors && (entry = readdir(sensors));)
		if (strncmp(entry->d_name, "hwmon", 5) == 0 && strlen(entry->d_name) < 24)
			snprintf(card->hwmon, sizeof card->hwmon, "%s/hwmon/%.24s", card->directory, entry->d_name);
	if (sensors)
		closedir(sensors);
	reader->source = "sysfs";
	reader->state = card;
	return true;
}

static int64_t sensor(const struct card *card, const char *name, int64_t divisor)
{
	int64_t value = *card->hwmon ? assay_sysfs_number("%s/%s", card->hwmon, name) : -1;

	return value < 0 ? -1 : value / divisor;
}

static int64_t first_known(int64_t one, int64_t other)
{
	return one >= 0 ? one : other;
}

/* "16.0 GT/s PCIe": the rate of a lane tells the generation. */
static int64_t generation(const struct card *card)
{
	static const char *const rates[] = {"2.5 ", "5.0 ", "8.0 ", "16.0 ", "32.0 ", "64.0 "};
	char text[64];

	assay_sysfs_text(text, "%s/current_link_speed", card->directory);
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		if (strncmp(text, rates[i], strlen(rates[i])) == 0)
			return (int64_t)i + 1;
	return -1;
}

/* "ue: 0" and "ce: 0", a line each. */
static int64_t ecc_errors(const struct card *card)
{
	unsigned long uncorrected, corrected;
	char path[1024];
	FILE *file = assay_sysfs_path(path, "%s/ras/umc_err_count", card->directory) ? fopen(path, "re") : NULL;
	bool good = file && fscanf(file, "ue: %9lu ce: %9lu", &uncorrected, &corrected) == 2;

	if (file)
		fclose(file);
	return good ? (int64_t)(uncorrected + corrected) : -1;
}

static void amdgpu_read(void *state, struct assay_sample *sample)
{
	const struct card *card = state;

	sample->clock_mhz = sensor(card, "freq1_input", 1000000);
	sample->memory_clock_mhz = sensor(card, "freq2_input", 1000000);
	sample->power_mw = first_known(sensor(card, "power1_average", 1000), sensor(card, "power1_input", 1000));
	sample->power_limit_mw = sensor(card, "power1_cap", 1000);
	sample->energy_uj = sensor(card, "energy1_input", 1);
	sample->temperature_mc = sensor(card, "temp1_input", 1);
	sample->pcie_width = assay_sysfs_number("%s/current_link_width", card->directory);
	sample->pcie_generation = generation(card);
	sample->ecc_errors = ecc_errors(card);
}

const struct assay_source assay_source_amdgpu = {amdgpu_open, amdgpu_read, free};
