/* SPDX-License-Identifier: Apache-2.0
 *
 * The monitors: NVML on its double (double_nvml.c), sysfs on a tree of the test's own. What is missing, fails or lies
 * is unknown, one value at a time. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/measure.h"
#include "harness/monitor.h"
#include "harness/test/support.h"

#define PCI "0000:3b:00.0"
static const struct assay_monitor *const monitors[] = {&assay_monitor_nvml, &assay_monitor_sysfs};
static char double_path[4096];

static void monitor_enter(void)
{
	char path[512];

	setenv("ASSAY_SYSFS", support_enter(), 1);
	snprintf(path, sizeof path, "%s/double/libnvidia-ml.so", support_build());
	if (!realpath(path, double_path))
		support_missing("double", path);
	setenv("ASSAY_NVML_LIBRARY", double_path, 1);
}

TestSuite(monitor, .init = monitor_enter, .fini = support_leave, .timeout = 60);

/* Every file that is read of a card of amdgpu, and what an idle one says. */
static const struct {
	const char *name, *idle;
} files[] = {
    {"bus/pci/devices/" PCI "/gpu_busy_percent", "0\n"},
    {"bus/pci/devices/" PCI "/mem_info_vram_used", "1073741824\n"},
    {"bus/pci/devices/" PCI "/driver/module/version", "6.8.5\n"},
    {"bus/pci/devices/" PCI "/current_compute_partition", "SPX\n"},
};
enum { UTILISATION, MEMORY, DRIVER, PARTITION, FILES };

static void sysfs_card(void)
{
	for (size_t i = 0; i < FILES; i++)
		support_file(files[i].name, files[i].idle);
}

/* "0% 1073741824 0 580.159.04 whole", good until the next call; "-" is what is unknown. */
static const char *reading(const struct assay_monitor *monitor, const char *pci)
{
	static char text[256];
	struct assay_monitor_state state;
	bool known = assay_monitor_read(&state, monitor, pci);

	snprintf(text, sizeof text, "%d%% %lld %d %s %s", state.utilisation_percent, (long long)state.memory_used_bytes,
	         state.processes, *state.driver ? state.driver : "-", *state.partition ? state.partition : "-");
	cr_expect_eq(known, strcmp(text, "-1% -1 -1 - -") != 0, "%s", text);
	return text;
}

Test(monitor, idle)
{
	sysfs_card();
	for (int turn = 0; turn < 2; turn++) {
		cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), "0% 1073741824 0 580.159.04? whole");
		cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), "0% 1073741824 -1 6.8.5 whole");
	}
	cr_expect_eq(assay_monitor_busy(&assay_monitor_nvml, PCI, 0), 0);
	cr_expect_eq(assay_monitor_busy(&assay_monitor_sysfs, PCI, 0), 0);
}

Test(monitor, busy)
{
	setenv("ASSAY_DOUBLE_UTILISATION", "95", 1);
	setenv("ASSAY_DOUBLE_PROCESSES", "3", 1);
	sysfs_card();
	support_file(files[UTILISATION].name, "100\n");
	cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), "95% 1073741824 3 580.159.04? whole");
	cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), "100% 1073741824 -1 6.8.5 whole");
	cr_expect_eq(assay_monitor_busy(&assay_monitor_sysfs, PCI, 100), 100);
}

Test(monitor, busy_is_the_mean_over_a_while)
{
	uint64_t start = assay_clock_ns();

	setenv("ASSAY_DOUBLE_UTILISATION", "0,0,95,100", 1);
	cr_expect_eq(assay_monitor_busy(&assay_monitor_nvml, PCI, 299), 32);
	cr_expect_geq(assay_clock_ns() - start, 200000000u);
	cr_expect_eq(assay_monitor_busy(&assay_monitor_nvml, PCI, 0), 100);
}

Test(monitor, busy_is_unknown_when_a_sample_is)
{
	uint64_t start = assay_clock_ns();

	setenv("ASSAY_DOUBLE_UTILISATION", "50,-,50,101", 1);
	cr_expect_eq(assay_monitor_busy(&assay_monitor_nvml, PCI, 50000), -1);
	cr_expect_eq(assay_monitor_busy(&assay_monitor_nvml, PCI, 50000), -1, "more than all");
	cr_expect_eq(assay_monitor_busy(&assay_monitor_sysfs, PCI, 50000), -1, "no such card");
	cr_expect_lt(assay_clock_ns() - start, 10000000000u);
}

Test(monitor, nvml_partitions)
{
	setenv("ASSAY_DOUBLE_MIG", "0", 1);
	cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), "0% 1073741824 0 580.159.04? whole");
	setenv("ASSAY_DOUBLE_MIG", "1", 1);
	cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), "-1% 1073741824 0 580.159.04? MIG");
	unsetenv("ASSAY_DOUBLE_MIG");
	setenv("ASSAY_DOUBLE_VGPU", "1", 1);
	cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), "0% 1073741824 0 580.159.04? vGPU");
	/* By its name. */
	setenv("ASSAY_DOUBLE_NVML_FAIL", "nvmlDeviceGetVirtualizationMode", 1);
	cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), "0% 1073741824 0 580.159.04? vGPU");
}

Test(monitor, sysfs_partitions)
{
	sysfs_card();
	support_file(files[PARTITION].name, "CPX\n");
	cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), "0% 1073741824 -1 6.8.5 CPX");
	support_file(files[PARTITION].name, "DPX");
	cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), "0% 1073741824 -1 6.8.5 DPX");
	support_file(files[PARTITION].name, "UNKNOWN\n");
	cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), "0% 1073741824 -1 6.8.5 -");
}

/* What is read of a card without one function of NVML. */
static struct lack {
	char function[48], expected[64];
} lacks[] = {
    {"nvmlInit_v2", "-1% -1 -1 - -"},
    {"nvmlSystemGetDriverVersion", "0% 1073741824 0 - whole"},
    {"nvmlDeviceGetHandleByPciBusId_v2", "-1% -1 -1 - -"},
    {"nvmlDeviceGetName", "0% 1073741824 0 580.159.04? whole"},
    {"nvmlDeviceGetUtilizationRates", "-1% 1073741824 0 580.159.04? whole"},
    {"nvmlDeviceGetMemoryInfo", "0% -1 0 580.159.04? whole"},
    {"nvmlDeviceGetMigMode", "0% 1073741824 0 580.159.04? -"},
    {"nvmlDeviceGetVirtualizationMode", "0% 1073741824 0 580.159.04? -"},
    {"nvmlDeviceGetComputeRunningProcesses_v3", "0% 1073741824 -1 580.159.04? whole"},
};

ParameterizedTestParameters(monitor, nvml_fails)
{
	return cr_make_param_array(struct lack, lacks, sizeof lacks / sizeof *lacks);
}

ParameterizedTest(struct lack *lack, monitor, nvml_fails)
{
	setenv("ASSAY_DOUBLE_MIG", "0", 1);
	setenv("ASSAY_DOUBLE_NVML_FAIL", lack->function, 1);
	cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), lack->expected, "%s", lack->function);
}

ParameterizedTestParameters(monitor, nvml_lacks)
{
	return cr_make_param_array(struct lack, lacks, sizeof lacks / sizeof *lacks);
}

/* A copy of the double in which the function has another name. */
ParameterizedTest(struct lack *lack, monitor, nvml_lacks)
{
	static char library[4 << 20];
	size_t len = support_read(double_path, library, sizeof library), name_len = strlen(lack->function);
	char *at = library;

	cr_assert(len > 0 && len < sizeof library);
	cr_assert(memmem(library, len, lack->function, name_len));
	while ((at = memmem(at, len - (size_t)(at - library), lack->function, name_len)))
		*at = 'x';
	support_write(support_path("lacking.so"), library, len);
	setenv("ASSAY_NVML_LIBRARY", support_path("lacking.so"), 1);
	setenv("ASSAY_DOUBLE_MIG", "0", 1);
	cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), lack->expected, "%s", lack->function);
}

Test(monitor, sysfs_lacks)
{
	static const char *const expected[] = {
	    "-1% 1073741824 -1 6.8.5 whole",
	    "0% -1 -1 6.8.5 whole",
	    "0% 1073741824 -1 - whole",
	    "0% 1073741824 -1 6.8.5 -",
	};

	for (size_t i = 0; i < FILES; i++) {
		sysfs_card();
		support_file(files[i].name, "");
		cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), expected[i]);
		cr_assert_eq(remove(support_path(files[i].name)), 0);
		cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), expected[i]);
	}
	for (size_t i = 0; i < FILES - 1; i++)
		cr_assert_eq(remove(support_path(files[i].name)), 0);
	cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), "-1% -1 -1 - -");
}

Test(monitor, sysfs_lies)
{
	static const char *const numbers[] = {"-1\n",  " 5\n",  "5 \n", "0x5\n", "five\n",
	                                      "5.0\n", "101\n", "\n",   "\n5\n", "99999999999999999999\n"};

	sysfs_card();
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		support_file(files[UTILISATION].name, numbers[i]);
		cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), "-1% 1073741824 -1 6.8.5 whole", "%s", numbers[i]);
	}
	support_file(files[MEMORY].name, "9223372036854775808\n");
	support_file(files[DRIVER].name, "6.8\033[31m\xc3\xa9\n");
	support_file(files[PARTITION].name, "0123456789012345678901234567890123456789012345678901234567890123456789\n");
	cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI),
	                 "-1% -1 -1 6.8?[31m?? 012345678901234567890123456789012345678901234567890123456789012");
}

Test(monitor, addresses)
{
	static const char *const good[] = {PCI, "0000:3B:00.0", "00000000:3b:00.0", "00000000:3B:00.0"};

	sysfs_card();
	for (size_t i = 0; i < 2; i++) {
		for (size_t g = 0; g < sizeof good / sizeof *good; g++)
			cr_expect_neq(assay_monitor_busy(monitors[i], good[g], 0), -1, "%s", good[g]);
		cr_expect_str_eq(reading(monitors[i], "0000:3c:00.0"), "-1% -1 -1 - -");
		cr_expect_str_eq(reading(monitors[i], "00010000:3b:00.0"), "-1% -1 -1 - -");
	}
	/* The kernel's form of a domain above 16 bits. */
	support_file("bus/pci/devices/10000:e1:00.7/gpu_busy_percent", "7\n");
	cr_expect_eq(assay_monitor_busy(&assay_monitor_sysfs, "00010000:E1:00.7", 0), 7);
}

/* Files lie where a path that takes the text as it is would find them. */
Test(monitor, hostile_addresses)
{
	static char overlong[100001];
	const char *const hostile[] = {
	    NULL,
	    "",
	    ".",
	    "..",
	    "../../etc",
	    "../../../etc",
	    "0000:3b:00/0",
	    "0000:3b:../x",
	    "0000:3b:00.0/",
	    "3b:00.0",
	    "000:3b:00.0",
	    "00000:3b:00.0",
	    "000000000:3b:00.0",
	    PCI "\n",
	    "\n" PCI,
	    " 000:3b:00.0",
	    "+000:3b:00.0",
	    "0x00:3b:00.0",
	    "0000:3b:-1.0",
	    "0000:3b: 0.0",
	    "0000:3b:00.\001",
	    "\0330000:3b:00.",
	    "0000:3b:00,0",
	    "0000.3b.00:0",
	    "0000:3b:20.0",
	    "0000:3b:00.8",
	    "0000:3g:00.0",
	    "%s%s%s%s%s%n",
	    overlong,
	};

	memset(overlong, '0', sizeof overlong - 1);
	sysfs_card();
	support_file("bus/etc/gpu_busy_percent", "50\n");
	support_file("etc/gpu_busy_percent", "50\n");
	support_file("bus/pci/devices/gpu_busy_percent", "50\n");
	support_file("bus/pci/devices/0000:3b:00/0/gpu_busy_percent", "50\n");
	for (size_t i = 0; i < 2; i++)
		for (size_t h = 0; h < sizeof hostile / sizeof *hostile; h++) {
			cr_expect_str_eq(reading(monitors[i], hostile[h]), "-1% -1 -1 - -", "%.32s", hostile[h]);
			cr_expect_eq(assay_monitor_busy(monitors[i], hostile[h], 1000), -1);
		}
}

Test(monitor, overlong_root)
{
	static char root[5001];

	memset(root, '/', sizeof root - 1);
	setenv("ASSAY_SYSFS", root, 1);
	cr_expect_str_eq(reading(&assay_monitor_sysfs, PCI), "-1% -1 -1 - -");
}

Test(monitor, no_monitor)
{
	setenv("ASSAY_NVML_LIBRARY", "/nonexistent.so", 1);
	setenv("ASSAY_SYSFS", "/nonexistent", 1);
	for (size_t i = 0; i < 2; i++)
		cr_expect_str_eq(reading(monitors[i], PCI), "-1% -1 -1 - -");
	cr_expect_str_eq(reading(NULL, PCI), "-1% -1 -1 - -");
	cr_expect_eq(assay_monitor_busy(NULL, PCI, 50000), -1);
}

/* A library that is not NVML. */
Test(monitor, another_library)
{
	setenv("ASSAY_NVML_LIBRARY", "libm.so.6", 1);
	cr_expect_str_eq(reading(&assay_monitor_nvml, PCI), "-1% -1 -1 - -");
}
