/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetry from files of sysfs: of AMD's cards and of the processor, on trees of the test's own. One value at a time
 * is missing or a lie, and is then the only one that is unknown. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/source.h"
#include "harness/test/support.h"

#define PCI "0000:03:00.0"
#define CARD "bus/pci/devices/" PCI "/"
#define SENSORS CARD "hwmon/hwmon7/"
#define RAPL "class/powercap/intel-rapl:"
#define CPU "devices/system/cpu/cpu"
static const char uuid[] = "61316232633364346535663661376238"; /* "a1b2c3d4e5f6a7b8" */

static void enter(void)
{
	setenv("ASSAY_SYSFS", support_enter(), 1);
}

TestSuite(sources, .init = enter, .fini = support_leave, .timeout = 60);

static struct assay_device device(bool is_cpu, const char *its_uuid, const char *pci)
{
	struct assay_device device = {.info = {.is_cpu = is_cpu, .monitor = is_cpu ? NULL : &assay_monitor_sysfs}};

	snprintf(device.info.uuid, sizeof device.info.uuid, "%s", its_uuid);
	snprintf(device.info.pci, sizeof device.info.pci, "%s", pci);
	return device;
}

/* "clock memory power limit temperature width generation energy ecc xid reasons" of a sample, "-" for unknown. */
static const char *text_of(const struct assay_sample *sample)
{
	static char text[256];
	const int64_t values[] = {sample->clock_mhz,
	                          sample->memory_clock_mhz,
	                          sample->power_mw,
	                          sample->power_limit_mw,
	                          sample->temperature_mc,
	                          sample->pcie_width,
	                          sample->pcie_generation,
	                          sample->energy_uj,
	                          sample->ecc_errors,
	                          sample->xid_errors,
	                          sample->reasons == ASSAY_REASONS_UNKNOWN ? -1 : (int64_t)sample->reasons};
	size_t at = 0;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		at += values[i] < 0
		          ? (size_t)snprintf(text + at, sizeof text - at, i ? " -" : "-")
		          : (size_t)snprintf(text + at, sizeof text - at, i ? " %" PRId64 : "%" PRId64, values[i]);
	return text;
}

static const char *look(const struct assay_source *source, void *state)
{
	struct assay_sample sample = assay_sample_unknown;

	source->read(state, &sample);
	return text_of(&sample);
}

/* What one look finds; "none" when there is no such device. */
static const char *found(const struct assay_source *source, const struct assay_device *of)
{
	struct assay_reader reader;

	if (!source->open(&reader, of))
		return "none";
	const char *text = look(source, reader.state);
	source->close(reader.state);
	return text;
}

/* ---- AMD's cards ---- */

/* What an amdgpu card shows, and what is found without or with nonsense in it. */
static const struct {
	const char *name, *text, *without;
} card_files[] = {
    {CARD "vendor", "0x1002\n", "none"},
    {CARD "current_link_width", "16\n", "2100 1600 300000 400000 55000 - 4 9000 3 - -"},
    {CARD "current_link_speed", "16.0 GT/s PCIe\n", "2100 1600 300000 400000 55000 16 - 9000 3 - -"},
    {CARD "ras/umc_err_count", "ue: 1\nce: 2\n", "2100 1600 300000 400000 55000 16 4 9000 - - -"},
    {SENSORS "freq1_input", "2100000000\n", "- 1600 300000 400000 55000 16 4 9000 3 - -"},
    {SENSORS "freq2_input", "1600000000\n", "2100 - 300000 400000 55000 16 4 9000 3 - -"},
    {SENSORS "power1_average", "300000000\n", "2100 1600 - 400000 55000 16 4 9000 3 - -"},
    {SENSORS "power1_cap", "400000000\n", "2100 1600 300000 - 55000 16 4 9000 3 - -"},
    {SENSORS "energy1_input", "9000\n", "2100 1600 300000 400000 55000 16 4 - 3 - -"},
    {SENSORS "temp1_input", "55000\n", "2100 1600 300000 400000 - 16 4 9000 3 - -"},
};
enum { CARD_FILES = sizeof card_files / sizeof *card_files };

static void card_files_write(void)
{
	for (size_t i = 0; i < CARD_FILES; i++)
		support_file(card_files[i].name, card_files[i].text);
}

Test(sources, amdgpu)
{
	const struct assay_device of = device(false, "", "0000:03:00.0");

	cr_expect_str_eq(found(&assay_source_amdgpu, &of), "none");
	card_files_write();
	cr_expect_str_eq(found(&assay_source_amdgpu, &of), "2100 1600 300000 400000 55000 16 4 9000 3 - -");
	for (size_t i = 0; i < CARD_FILES; i++) {
		static const char *const nonsense[] = {"", "\n", "-1\n", "N/A\n", "1.5x\n", "ue: 1\n"};
		for (size_t n = 0; n < sizeof nonsense / sizeof *nonsense; n++) {
			support_file(card_files[i].name, nonsense[n]);
			cr_expect_str_eq(found(&assay_source_amdgpu, &of), card_files[i].without, "%s %s",
			                 card_files[i].name, nonsense[n]);
		}
		cr_assert_eq(remove(support_path(card_files[i].name)), 0);
		cr_expect_str_eq(found(&assay_source_amdgpu, &of), card_files[i].without, "%s", card_files[i].name);
		card_files_write();
	}
	/* Other generations of cards say what they use now, not on average. */
	cr_assert_eq(remove(support_path(SENSORS "power1_average")), 0);
	support_file(SENSORS "power1_input", "250000000\n");
	cr_expect_str_eq(found(&assay_source_amdgpu, &of), "2100 1600 250000 400000 55000 16 4 9000 3 - -");
}

Test(sources, amdgpu_generations)
{
	static const char *const speeds[] = {"2.5 GT/s PCIe\n",  "5.0 GT/s PCIe\n",  "8.0 GT/s PCIe\n",
	                                     "16.0 GT/s PCIe\n", "32.0 GT/s PCIe\n", "64.0 GT/s PCIe\n"};
	const struct assay_device of = device(false, "", PCI);
	char expected[64];

	card_files_write();
	for (size_t i = 0; i < 6; i++) {
		support_file(CARD "current_link_speed", speeds[i]);
		snprintf(expected, sizeof expected, "2100 1600 300000 400000 55000 16 %zu 9000 3 - -", i + 1);
		cr_expect_str_eq(found(&assay_source_amdgpu, &of), expected);
	}
}

static const char *joined(const struct assay_source *source, const struct assay_device *of)
{
	struct assay_reader reader;

	if (!source->open(&reader, of))
		return "none";
	source->close(reader.state);
	return reader.joined;
}

Test(sources, amdgpu_joins)
{
	struct assay_device by_uuid = device(false, uuid, ""), by_pci = device(false, "", "0000:03:00.0");
	struct assay_device both = device(false, uuid, "0000:99:00.0"), neither = device(false, "", "");
	struct assay_device other = device(false, "62316232633364346535663661376238", "");

	card_files_write();
	cr_expect_str_eq(joined(&assay_source_amdgpu, &by_uuid), "none", "a card that tells no id");
	support_file(CARD "unique_id", "a1b2c3d4e5f6a7b8\n");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &by_uuid), "uuid");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &by_pci), "pci");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &both), "uuid");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &other), "none");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &neither), "unverified");
	neither.info.monitor = NULL;
	cr_expect_str_eq(joined(&assay_source_amdgpu, &neither), "none", "a device of whatever vendor");
	neither.info.monitor = &assay_monitor_nvml;
	cr_expect_str_eq(joined(&assay_source_amdgpu, &neither), "none", "a device of another vendor");
	neither.info.monitor = &assay_monitor_sysfs;
	/* Another card: of two nobody knows. */
	support_file("bus/pci/devices/0000:04:00.0/vendor", "0x1002\n");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &neither), "unverified", "it has no sensors: no amdgpu");
	support_file("bus/pci/devices/0000:04:00.0/hwmon/hwmon1/temp1_input", "1\n");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &neither), "none");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &by_uuid), "uuid");
	support_file("bus/pci/devices/0000:04:00.0/unique_id", "a1b2c3d4e5f6a7b8\n");
	cr_expect_str_eq(joined(&assay_source_amdgpu, &by_uuid), "none", "two of one id");
	by_pci.info.is_cpu = true;
	cr_expect_str_eq(joined(&assay_source_amdgpu, &by_pci), "none");
}

/* ---- The processor ---- */

static const struct assay_device cpu = {.info = {.is_cpu = true}};

static const struct {
	const char *name, *text, *without; /* of the second look */
} host_files[] = {
    {RAPL "0/energy_uj", "1500\n", "2400 - - 250000 61000 - - 0 7 - 0"},
    {RAPL "1/energy_uj", "2700\n", "2400 - - 250000 61000 - - 500 7 - 0"},
    {RAPL "0/constraint_0_power_limit_uw", "100000000\n", "2400 - - - 61000 - - 1200 7 - 0"},
    {RAPL "1/constraint_0_power_limit_uw", "150000000\n", "2400 - - - 61000 - - 1200 7 - 0"},
    {"class/thermal/thermal_zone3/temp", "61000\n", "2400 - - 250000 58000 - - 1200 7 - 0"},
    {CPU "0/cpufreq/scaling_cur_freq", "2500000\n", "2300 - - 250000 61000 - - 1200 7 - 0"},
    {CPU "1/cpufreq/scaling_cur_freq", "2300000\n", "2500 - - 250000 61000 - - 1200 7 - 0"},
    {"devices/system/edac/mc/mc0/ce_count", "4\n", "2400 - - 250000 61000 - - 1200 3 - 0"},
    {"devices/system/edac/mc/mc1/ue_count", "3\n", "2400 - - 250000 61000 - - 1200 4 - 0"},
};
enum { HOST_FILES = sizeof host_files / sizeof *host_files };

static void host_files_write(void)
{
	static const char *const others[][2] = {
	    {RAPL "0/name", "package-0\n"},
	    {RAPL "0/energy_uj", "1000\n"},
	    {RAPL "0/max_energy_range_uj", "10000\n"},
	    {RAPL "1/name", "package-1\n"},
	    {RAPL "1/energy_uj", "2000\n"},
	    {RAPL "1/max_energy_range_uj", "20000\n"},
	    /* Counts the packages once more. */
	    {RAPL "2/name", "psys\n"},
	    {RAPL "2/energy_uj", "777\n"},
	    {RAPL "2/max_energy_range_uj", "20000\n"},
	    /* A board's, which is not the processor's. */
	    {"class/thermal/thermal_zone0/type", "acpitz\n"},
	    {"class/thermal/thermal_zone0/temp", "99000\n"},
	    {"class/thermal/thermal_zone3/type", "x86_pkg_temp\n"},
	    {"class/hwmon/hwmon2/name", "coretemp\n"},
	    {"class/hwmon/hwmon2/temp1_input", "58000\n"},
	    {"class/hwmon/hwmon4/name", "nvme\n"},
	    {"class/hwmon/hwmon4/temp1_input", "90000\n"},
	    {CPU "0/thermal_throttle/core_throttle_count", "5\n"},
	    {CPU "1/thermal_throttle/package_throttle_count", "6\n"},
	};

	for (size_t i = 0; i < HOST_FILES; i++)
		support_file(host_files[i].name, host_files[i].text);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		support_file(others[i][0], others[i][1]);
}

/* Two looks, energy of both packages in between. */
static void host_use(void)
{
	support_file(RAPL "0/energy_uj", "1500\n");
	support_file(RAPL "1/energy_uj", "2700\n");
	support_file(RAPL "2/energy_uj", "9999\n");
}

Test(sources, host)
{
	struct assay_reader reader;

	cr_expect_str_eq(found(&assay_source_host, &cpu), "none");
	host_files_write();
	cr_assert(assay_source_host.open(&reader, &cpu));
	cr_expect_str_eq(reader.source, "rapl");
	cr_expect_str_eq(reader.joined, "host");
	host_use();
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - 1200 7 - 0");
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - 1200 7 - 0");
	support_file(CPU "1/thermal_throttle/package_throttle_count", "7\n");
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - 1200 7 - 64");
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - 1200 7 - 0");
	assay_source_host.close(reader.state);
	cr_expect_eq(1 << ASSAY_THROTTLE_THERMAL, 64);
	struct assay_device no_cpu = device(false, "", "");
	cr_expect_str_eq(found(&assay_source_host, &no_cpu), "none");
}

/* Each file missing from the first look on. */
Test(sources, host_lacks)
{
	static const char *const nonsense[] = {"", "-5\n", "12k\n", "99999999999999999999\n"};
	struct assay_reader reader;

	for (size_t i = 0; i < HOST_FILES; i++)
		for (size_t n = 0; n <= sizeof nonsense / sizeof *nonsense; n++) {
			host_files_write();
			if (n)
				support_file(host_files[i].name, nonsense[n - 1]);
			else
				cr_assert_eq(remove(support_path(host_files[i].name)), 0);
			cr_assert(assay_source_host.open(&reader, &cpu));
			cr_expect_str_eq(reader.source, "rapl");
			if (i != 0)
				support_file(RAPL "0/energy_uj", "1500\n");
			if (i != 1)
				support_file(RAPL "1/energy_uj", "2700\n");
			/* Of one package: what the other used. */
			cr_expect_str_eq(look(&assay_source_host, reader.state),
			                 i == 0 ? "2400 - - 250000 61000 - - 700 7 - 0" : host_files[i].without,
			                 "%s %zu", host_files[i].name, n);
			assay_source_host.close(reader.state);
		}
}

/* Without RAPL, which only root may read on most machines. */
Test(sources, host_without_energy)
{
	struct assay_reader reader;

	host_files_write();
	for (int i = 0; i < 3; i++) {
		char name[64];
		snprintf(name, sizeof name, RAPL "%d/energy_uj", i);
		cr_assert_eq(remove(support_path(name)), 0);
	}
	cr_assert(assay_source_host.open(&reader, &cpu));
	cr_expect_str_eq(reader.source, "sysfs");
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - - 7 - 0");
	assay_source_host.close(reader.state);
}

/* A counter that comes round; one that cannot have; one whose range nobody tells; one that is lost for a while. */
Test(sources, rapl_wraps)
{
	struct assay_reader reader;

	host_files_write();
	support_file(RAPL "0/energy_uj", "9900\n");
	cr_assert(assay_source_host.open(&reader, &cpu));
	support_file(RAPL "0/energy_uj", "50\n");
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - 150 7 - 0");
	support_file(RAPL "0/energy_uj", "60\n");
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - 160 7 - 0");
	support_file(RAPL "0/energy_uj", "59\n");
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - 10159 7 - 0");
	cr_assert_eq(remove(support_path(RAPL "0/energy_uj")), 0);
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - - 7 - 0");
	support_file(RAPL "0/energy_uj", "79\n");
	cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - 10179 7 - 0");
	assay_source_host.close(reader.state);

	static const char *const ranges[] = {"", "5\n", "1000\n"};
	for (size_t i = 0; i < 3; i++) {
		host_files_write();
		support_file(RAPL "0/max_energy_range_uj", ranges[i]);
		support_file(RAPL "0/energy_uj", "1500\n");
		cr_assert(assay_source_host.open(&reader, &cpu));
		support_file(RAPL "0/energy_uj", "1400\n");
		cr_expect_str_eq(look(&assay_source_host, reader.state), "2400 - - 250000 61000 - - - 7 - 0", "%s",
		                 ranges[i]);
		assay_source_host.close(reader.state);
	}
}

Test(sources, overlong_root)
{
	static char root[5001];
	const struct assay_device of = device(false, uuid, PCI);

	memset(root, '/', sizeof root - 1);
	setenv("ASSAY_SYSFS", root, 1);
	cr_expect_str_eq(found(&assay_source_amdgpu, &of), "none");
	cr_expect_str_eq(found(&assay_source_host, &cpu), "none");
}
