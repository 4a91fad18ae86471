/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetry of the processor from Linux's files: energy by RAPL where it may be read, temperatures, clocks, counts of
 * throttling and of memory errors. It is of the whole machine, whoever uses it. See source.h, sysfs.h. Source: the
 * kernel's documentation of powercap, thermal, hwmon, cpufreq, EDAC. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/source.h"
#include "harness/sysfs.h"

/* How many of each are looked at: every look takes a moment from what is measured. */
enum { PACKAGES = 16, ZONES = 64, PROCESSORS = 16, CONTROLLERS = 32 };

struct host {
	/* A counter runs to `range` and begins again. */
	struct {
		int64_t last, range;
	} packages[PACKAGES];
	int64_t energy_uj, throttled;
};

/* "psys" would count all once more. */
static bool is_package(unsigned number)
{
	char name[64];

	assay_sysfs_text(name, "class/powercap/intel-rapl:%u/name", number);
	return strncmp(name, "package", 7) == 0;
}

static int64_t package_energy(unsigned number)
{
	return is_package(number) ? assay_sysfs_number("class/powercap/intel-rapl:%u/energy_uj", number) : -1;
}

/* The long-term limits of all packages; -1 when one has none. */
static int64_t power_limit_mw(void)
{
	int64_t sum = 0;
	bool any = false;

	for (unsigned i = 0; i < PACKAGES; i++) {
		if (!is_package(i))
			continue;
		int64_t uw = assay_sysfs_number("class/powercap/intel-rapl:%u/constraint_0_power_limit_uw", i);
		if (uw < 0 || uw / 1000 > INT32_MAX)
			return -1;
		sum += uw / 1000;
		any = true;
	}
	return any ? sum : -1;
}

/* All packages together since the first look; -1 when there is none, or one that was there is not. */
static int64_t energy(struct host *host)
{
	bool any = false, lost = false;

	for (unsigned i = 0; i < PACKAGES; i++) {
		int64_t now = package_energy(i), last = host->packages[i].last, range = host->packages[i].range;
		if (last < 0)
			continue;
		any = true;
		/* It came round at most once: a range lasts a minute or more. */
		if (now < 0 || (now < last && (range < last || range - last > INT64_MAX - now))) {
			lost = true;
			continue;
		}
		host->energy_uj += now >= last ? now - last : range - last + now;
		host->packages[i].last = now;
	}
	return any && !lost ? host->energy_uj : -1;
}

/* The hottest of the sensors in the processor. */
static int64_t temperature(void)
{
	static const char *const zones[] = {"x86_pkg_temp", "cpu-thermal", "cpu_thermal", NULL};
	static const char *const chips[] = {"coretemp", "k10temp", "zenpower", NULL};
	int64_t hottest = -1;

	for (unsigned i = 0; i < ZONES; i++) {
		char name[64];
		int64_t found = -1;
		assay_sysfs_text(name, "class/thermal/thermal_zone%u/type", i);
		for (const char *const *known = zones; *known; known++)
			if (strcmp(name, *known) == 0)
				found = assay_sysfs_number("class/thermal/thermal_zone%u/temp", i);
		if (found > hottest)
			hottest = found;
		assay_sysfs_text(name, "class/hwmon/hwmon%u/name", i);
		for (const char *const *known = chips; *known; known++)
			if (strcmp(name, *known) == 0)
				found = assay_sysfs_number("class/hwmon/hwmon%u/temp1_input", i);
		if (found > hottest)
			hottest = found;
	}
	return hottest;
}

/* The mean of those that tell. */
static int64_t clock_mhz(void)
{
	int64_t sum = 0, count = 0;

	for (unsigned i = 0; i < PROCESSORS; i++) {
		int64_t khz = assay_sysfs_number("devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", i);
		if (khz < 0 || khz > INT32_MAX)
			continue;
		sum += khz;
		count++;
	}
	return count ? sum / count / 1000 : -1;
}

/* The sum of two counters of each processor or memory controller; -1 when there is none. */
static int64_t counts(const char *each, const char *one, const char *other, unsigned most)
{
	const char *const names[] = {one, other};
	int64_t sum = 0;
	bool any = false;

	for (unsigned i = 0; i < most; i++)
		for (size_t n = 0; n < 2; n++) {
			int64_t count = assay_sysfs_number("%s%u/%s", each, i, names[n]);
			if (count < 0 || count > INT32_MAX)
				continue;
			sum += count;
			any = true;
		}
	return any ? sum : -1;
}

/* A count that rose since the last look. */
static uint32_t reasons(struct host *host)
{
	const int64_t before = host->throttled;

	host->throttled = counts("devices/system/cpu/cpu", "thermal_throttle/core_throttle_count",
	                         "thermal_throttle/package_throttle_count", PROCESSORS);
	if (before < 0 || host->throttled < 0)
		return ASSAY_REASONS_UNKNOWN;
	return host->throttled > before ? UINT32_C(1) << ASSAY_THROTTLE_THERMAL : 0;
}

static void host_read(void *state, struct assay_sample *sample)
{
	struct host *host = state;

	sample->energy_uj = energy(host);
	sample->power_limit_mw = power_limit_mw();
	sample->temperature_mc = temperature();
	sample->clock_mhz = clock_mhz();
	sample->reasons = reasons(host);
	sample->ecc_errors = counts("devices/system/edac/mc/mc", "ce_count", "ue_count", CONTROLLERS);
}

static bool host_open(struct assay_reader *reader, const struct assay_device *device)
{
	struct assay_sample sample = assay_sample_unknown;

	if (!device->info.is_cpu)
		return false;
	struct host *host = calloc(1, sizeof *host);
	if (!host)
		return false;
	for (unsigned i = 0; i < PACKAGES; i++) {
		host->packages[i].last = package_energy(i);
		host->packages[i].range = assay_sysfs_number("class/powercap/intel-rapl:%u/max_energy_range_uj", i);
	}
	host->throttled = -1;
	host_read(host, &sample);
	bool any = sample.energy_uj >= 0 || sample.power_limit_mw >= 0 || sample.temperature_mc >= 0 ||
	           sample.clock_mhz >= 0 || host->throttled >= 0 || sample.ecc_errors >= 0;
	if (!any) {
		free(host);
		return false;
	}
	reader->source = sample.energy_uj >= 0 ? "rapl" : "sysfs";
	reader->joined = "host";
	reader->state = host;
	return true;
}

const struct assay_source assay_source_host = {host_open, host_read, free};
