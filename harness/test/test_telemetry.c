/* SPDX-License-Identifier: Apache-2.0
 *
 * Telemetry from each source, by the thread that reads it: NVML on its double (double_nvml.c), sysfs on trees of the
 * test's own. How a device is joined, what is missing, what fails in the middle, and a library that hangs. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/compare/attested.h"
#include "harness/measure.h"
#include "harness/source.h"
#include "harness/telemetry.h"
#include "harness/test/support.h"

#define PCI "0000:3b:00.0"
#define UUID "00102030405060708090a0b0c0d0e0f0"
static char double_path[4096];

static void enter(void)
{
	char path[512];

	setenv("ASSAY_SYSFS", support_enter(), 1);
	snprintf(path, sizeof path, "%s/double/libnvidia-ml.so", support_build());
	if (!realpath(path, double_path))
		support_missing("double", path);
	setenv("ASSAY_NVML_LIBRARY", double_path, 1);
}

TestSuite(telemetry, .init = enter, .fini = support_leave, .timeout = 60);

static void wait_ms(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

static struct assay_device gpu(const char *uuid, const char *pci)
{
	struct assay_device device = {.id = "cuda:0", .info = {.monitor = &assay_monitor_nvml}};

	snprintf(device.info.uuid, sizeof device.info.uuid, "%s", uuid);
	snprintf(device.info.pci, sizeof device.info.pci, "%s", pci);
	snprintf(device.info.name, sizeof device.info.name, "NVIDIA Double");
	return device;
}

static struct assay_device host(void)
{
	return (struct assay_device){.id = "cpu", .info = {.is_cpu = true}};
}

/* One run of a device, of a round for each reading and a few more. */
static struct assay_telemetry_run run(const struct assay_device *device, unsigned ms,
                                      struct assay_telemetry_claim *claim)
{
	struct assay_telemetry *telemetry = assay_telemetry_start(device, 1, NULL);
	uint64_t start, before;

	assay_telemetry_begin(telemetry, 0, NULL);
	for (start = before = assay_clock_ns(); before - start < UINT64_C(1000000) * ms;) {
		wait_ms(20);
		uint64_t now = assay_clock_ns();
		assay_telemetry_round(telemetry, 0, before, now, NULL);
		before = now;
	}
	struct assay_telemetry_run result = assay_telemetry_end(telemetry, 0);
	assay_telemetry_claim(telemetry, 0, claim, NULL);
	assay_telemetry_stop(telemetry);
	return result;
}

static void range_is(const struct assay_range *range, int64_t value)
{
	cr_expect(range->min == value && range->median == value && range->max == value, "%lld %lld %lld, expected %lld",
	          (long long)range->min, (long long)range->median, (long long)range->max, (long long)value);
}

Test(telemetry, nvml)
{
	const struct assay_device device = gpu(UUID, PCI);
	struct assay_telemetry_claim claim;

	setenv("ASSAY_DOUBLE_XID", "2", 1);
	struct assay_telemetry_run result = run(&device, 500, &claim);
	cr_expect_str_eq(claim.source, "nvml");
	cr_expect_str_eq(claim.joined, "uuid");
	cr_expect_gt(claim.samples, 0);
	range_is(&claim.clock_mhz, 1980);
	range_is(&claim.memory_clock_mhz, 2619);
	range_is(&claim.power_mw, 700000);
	cr_expect_eq(claim.power_limit_mw, 650000);
	range_is(&claim.temperature_mc, 61000);
	cr_expect_gt(claim.ecc_errors, 0);
	cr_expect_eq(claim.xid_errors, 2);
	cr_expect_eq(claim.pcie_width, 16);
	cr_expect_eq(claim.pcie_generation, 5);
	cr_expect(claim.reasons_known);
	cr_expect_str_eq(claim.reasons, "");
	/* 7 J a reading, and part of two. */
	cr_expect_gt(result.energy_mj, 0);
	cr_expect_leq(result.energy_mj, 7000 * ((int64_t)claim.samples + 1));
	cr_expect_geq(result.energy_mj, 7000 * ((int64_t)claim.samples - 1));
	cr_expect_eq(result.throttled_rounds, 0);
}

Test(telemetry, nvml_throttles)
{
	static const struct {
		const char *bits, *names;
	} cases[] = {{"0x4", "sw-power-cap"},
	             {"0x8", "hw-slowdown"},
	             {"0x10", "sync-boost"},
	             {"0x20", "sw-thermal"},
	             {"0x40", "hw-thermal"},
	             {"0x80", "hw-power-brake"},
	             {"0x1", ""},
	             {"0x2", ""},
	             {"0x100", ""},
	             {"0x6d", "hw-slowdown hw-thermal sw-power-cap sw-thermal"}};
	const struct assay_device device = gpu(UUID, PCI);
	struct assay_telemetry_claim claim;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		setenv("ASSAY_DOUBLE_THROTTLE", cases[i].bits, 1);
		struct assay_telemetry_run result = run(&device, 150, &claim);
		cr_expect_str_eq(claim.reasons, cases[i].names, "%s", cases[i].bits);
		cr_expect_eq(result.throttled_rounds > 0, *cases[i].names != 0, "%s: %d rounds", cases[i].bits,
		             (int)result.throttled_rounds);
	}
}

/* By UUID, else by address, else because there is but one; never one that is known to be another. */
Test(telemetry, nvml_joins)
{
	static const struct {
		const char *uuid, *pci, *name, *cards, *joined;
	} cases[] = {
	    {UUID, PCI, "", "1", "uuid"},
	    {UUID, "", "", "2", "uuid"},
	    {UUID, "0000:ff:00.0", "", "2", "uuid"},
	    {"", PCI, "", "2", "pci"},
	    {"ffffffffffffffffffffffffffffffff", "00000000:3B:00.0", "", "2", "pci"},
	    {"", "", "NVIDIA Double", "1", "unverified"},
	    {"", "", "NVIDIA Double", "2", ""},
	    {"", "", "NVIDIA Doubl", "1", ""},
	    {"", "", "", "1", ""},
	    {"ffffffffffffffffffffffffffffffff", "", "NVIDIA Double", "1", ""},
	    {"", "0000:3c:00.0", "NVIDIA Double", "1", ""},
	    {"", "../../../etc", "NVIDIA Double", "1", ""},
	};
	struct assay_telemetry_claim claim;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct assay_device device = gpu(cases[i].uuid, cases[i].pci);
		snprintf(device.info.name, sizeof device.info.name, "%s", cases[i].name);
		setenv("ASSAY_DOUBLE_NVML_CARDS", cases[i].cards, 1);
		struct assay_telemetry *telemetry = assay_telemetry_start(&device, 1, NULL);
		assay_telemetry_claim(telemetry, 0, &claim, NULL);
		assay_telemetry_stop(telemetry);
		cr_expect_str_eq(claim.joined, cases[i].joined, "case %zu", i);
		cr_expect_str_eq(claim.source, *cases[i].joined ? "nvml" : "", "case %zu", i);
	}
}

/* "1980 2619 700000 61000 ecc xid 16 5 energy throttled", with "-" for what is not known. */
static const char *known(const struct assay_telemetry_claim *claim, const struct assay_telemetry_run *result)
{
	static char text[256];
	const int64_t values[] = {claim->clock_mhz.median, claim->memory_clock_mhz.median,
	                          claim->power_mw.median,  claim->temperature_mc.median,
	                          claim->ecc_errors,       claim->xid_errors,
	                          claim->pcie_width,       claim->pcie_generation,
	                          result->energy_mj,       result->throttled_rounds};
	static const char *const names[] = {"clock", "memory", "power", "temperature", "ecc",
	                                    "xid",   "width",  "speed", "energy",      "rounds"};
	size_t at = 0;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (values[i] < 0)
			at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", at ? " " : "", names[i]);
	text[at] = '\0';
	cr_expect_eq(claim->reasons_known, result->throttled_rounds >= 0);
	return text;
}

/* What is not known when a function fails. */
static struct lack {
	char function[48], unknown[96];
} lacks[] = {
    {"nvmlDeviceGetClockInfo", "clock memory"},
    /* Energy tells power. */
    {"nvmlDeviceGetPowerUsage", ""},
    /* Power tells energy. */
    {"nvmlDeviceGetTotalEnergyConsumption", ""},
    {"nvmlDeviceGetTemperature", "temperature"},
    {"nvmlDeviceGetCurrentClocksThrottleReasons", "rounds"},
    {"nvmlDeviceGetTotalEccErrors", "ecc"},
    {"nvmlDeviceGetCurrPcieLinkGeneration", "speed"},
    {"nvmlDeviceGetCurrPcieLinkWidth", "width"},
    {"nvmlEventSetCreate", "xid"},
    {"nvmlDeviceRegisterEvents", "xid"},
    {"nvmlEventSetWait_v2", "xid"},
    {"nvmlEventSetFree", ""},
    {"none", ""},
};

ParameterizedTestParameters(telemetry, nvml_fails)
{
	return cr_make_param_array(struct lack, lacks, sizeof lacks / sizeof *lacks);
}

ParameterizedTest(struct lack *lack, telemetry, nvml_fails)
{
	const struct assay_device device = gpu(UUID, PCI);
	struct assay_telemetry_claim claim;

	setenv("ASSAY_DOUBLE_NVML_FAIL", lack->function, 1);
	struct assay_telemetry_run result = run(&device, 250, &claim);
	cr_expect_str_eq(known(&claim, &result), lack->unknown, "%s", lack->function);
}

ParameterizedTestParameters(telemetry, nvml_lacks)
{
	return cr_make_param_array(struct lack, lacks, sizeof lacks / sizeof *lacks);
}

/* A copy of the double in which the function has another name. Reasons have two names. */
ParameterizedTest(struct lack *lack, telemetry, nvml_lacks)
{
	static char library[4 << 20];
	size_t len = support_read(double_path, library, sizeof library), name_len = strlen(lack->function) + 1;
	const struct assay_device device = gpu(UUID, PCI);
	struct assay_telemetry_claim claim;
	char *at = library;

	cr_assert(len > 0 && len < sizeof library);
	while ((at = memmem(at, len - (size_t)(at - library), lack->function, name_len)))
		*at = 'x';
	support_write(support_path("lacking.so"), library, len);
	setenv("ASSAY_NVML_LIBRARY", support_path("lacking.so"), 1);
	setenv("ASSAY_DOUBLE_THROTTLE", "0x40", 1);
	struct assay_telemetry_run result = run(&device, 250, &claim);
	const bool reasons = strcmp(lack->function, "nvmlDeviceGetCurrentClocksThrottleReasons") == 0;
	cr_expect_str_eq(known(&claim, &result), reasons ? "" : lack->unknown, "%s", lack->function);
	cr_expect_str_eq(claim.reasons, "hw-thermal");
}

/* From some reading on nothing is told any more: what was read stays, what needed all is not known. */
Test(telemetry, nvml_fails_in_the_middle)
{
	const struct assay_device device = gpu(UUID, PCI);
	struct assay_telemetry_claim claim;

	setenv("ASSAY_DOUBLE_NVML_FAIL", "nvmlDeviceGetCurrentClocksThrottleReasons:3", 1);
	struct assay_telemetry_run result = run(&device, 500, &claim);
	cr_expect_eq(result.throttled_rounds, -1);
	cr_expect_not(claim.reasons_known);
	cr_expect_gt(result.energy_mj, 0);
	range_is(&claim.clock_mhz, 1980);
}

Test(telemetry, nvml_clock_fails_in_the_middle)
{
	const struct assay_device device = gpu(UUID, PCI);
	struct assay_telemetry_claim claim;

	/* In the eleventh sample: on a busy machine the first ones are taken before the run begins. */
	setenv("ASSAY_DOUBLE_NVML_FAIL", "nvmlDeviceGetClockInfo:21", 1);
	struct assay_telemetry_run result = run(&device, 1500, &claim);
	cr_expect_eq(claim.clock_mhz.median, 1980);
	cr_expect_eq(result.throttled_rounds, 0);
}

/* Nobody waits for ever, and what was asked for is not known. */
Test(telemetry, nvml_hangs)
{
	const struct assay_device device = gpu(UUID, PCI);
	struct assay_telemetry_claim claim;

	setenv("ASSAY_DOUBLE_NVML_HANG", "3", 1);
	struct assay_telemetry_run result = run(&device, 300, &claim);
	cr_expect_eq(result.energy_mj, -1);
	cr_expect_eq(result.throttled_rounds, -1);
	cr_expect_str_eq(claim.source, "nvml");
}

Test(telemetry, none)
{
	const struct assay_device devices[] = {gpu(UUID, PCI), host()};
	struct assay_telemetry_claim claim;

	setenv("ASSAY_NVML_LIBRARY", "/nonexistent.so", 1);
	cr_expect_null(assay_telemetry_start(devices, 2, NULL));
	struct assay_telemetry_run result = run(&devices[1], 20, &claim);
	cr_expect_eq(result.energy_mj, -1);
	cr_expect_eq(result.throttled_rounds, -1);
	cr_expect_str_eq(claim.source, "");
	cr_expect_eq(claim.pcie_width, -1);
}

/* From a card to a verdict: a job on the driver's double, its attestation, and what a verifier reads of it. */
Test(telemetry, attested)
{
	struct assay_device device;
	struct assay_secret secret;
	struct assay_verdict verdict;
	struct assay_error error;
	struct assay_job job = {
	    .devices = &device,
	    .challenge = {.profile = "test",
	                  .devices = 1,
	                  .samples = 4,
	                  .segment_count = 2,
	                  .segments = {{.work = &assay_work_sha256, .params = {{0, 4}}, .duration_ms = 300},
	                               {.work = &assay_work_sha256, .params = {{1, 4}}, .duration_ms = 300}}}};
	char path[512], library[4096];

	if (!assay_images_cuda[0].architecture)
		support_missing("images", "no clang for GPUs when this was built");
	snprintf(path, sizeof path, "%s/double/libcuda.so", support_build());
	cr_assert(realpath(path, library), "%s", path);
	setenv("ASSAY_CUDA_LIBRARY", library, 1);
	setenv("ASSAY_DOUBLE_THROTTLE", "0x20", 1);
	setenv("ASSAY_DOUBLE_CLOCK", "1980,1980,1410,1980", 1);
	support_ok(assay_device_open(&device, &assay_backend_cuda, 0, NULL, &error), error);
	assay_secret_make(&secret);
	memcpy(job.key, secret.key, sizeof job.key);
	support_ok(assay_job_run(&job, &error), error);
	struct assay_attest attest = {.job = &job, .secret = &secret, .prefix = support_path("x")};
	support_ok(assay_attest_write(&attest, &verdict, &error), error);
	cr_assert_eq(verdict.device_count, 1);
	cr_expect_str_eq(verdict.devices[0].telemetry.source, "nvml");
	cr_expect_str_eq(verdict.devices[0].telemetry.joined, "uuid");
	cr_expect_str_eq(verdict.devices[0].telemetry.reasons, "sw-thermal");
	cr_expect_eq(verdict.devices[0].telemetry.clock_mhz.max, 1980);
	/* Which rounds they were, and when the clock was how. */
	struct assay_envelope envelope = {0};
	struct assay_statement statement = {0};
	support_ok(assay_attestation_read(&envelope, &statement, support_path("x.intoto.json"), &error), error);
	const json_t *series = json_object_get(json_array_get(statement.telemetry, 0), "series"),
	             *least = json_object_get(json_object_get(series, "clockMhz"), "min");
	const size_t points = json_array_size(least);
	const json_int_t step = json_integer_value(json_object_get(series, "stepMs"));
	cr_expect(points >= 1 && step % 100 == 0);
	uint64_t whole_ns = 0;
	json_int_t lowest = 1980;
	for (size_t p = 0; p < points; p++)
		if (json_is_integer(json_array_get(least, p)) && json_integer_value(json_array_get(least, p)) < lowest)
			lowest = json_integer_value(json_array_get(least, p));
	cr_expect_eq(lowest, verdict.devices[0].telemetry.clock_mhz.min, "no extreme is lost");
	for (uint32_t i = 0; i < 2; i++) {
		const json_t *ranges =
		                 json_object_get(json_array_get(json_array_get(statement.segments, i), 0), "throttled"),
		             *range = json_array_get(ranges, 0);
		cr_expect_eq(json_array_size(ranges), 1);
		cr_expect_eq(json_integer_value(json_array_get(range, 0)), 0);
		cr_expect_eq(json_integer_value(json_array_get(range, 1)), verdict.runs[i].proved.rounds - 1);
		whole_ns += verdict.runs[i].claimed.elapsed_ns;
	}
	cr_expect_leq((uint64_t)step * (points - 1) * 1000000, whole_ns, "the line is no longer than the job");
	free(envelope.payload);
	json_decref(statement.root);
	for (uint32_t i = 0; i < 2; i++) {
		cr_expect_gt(verdict.runs[i].claimed.energy_mj, 0);
		cr_expect_gt(verdict.runs[i].claimed.device_median_ns, 0);
		cr_expect_eq(verdict.runs[i].claimed.throttled_rounds, verdict.runs[i].proved.rounds);
	}
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	assay_device_close(&device);
}

/* Each has its own, whichever has none. */
Test(telemetry, several_devices)
{
	const struct assay_device devices[] = {host(), gpu(UUID, PCI), gpu("", "0000:3c:00.0"), host()};
	struct assay_telemetry_claim claim[4];
	bool throttled[2][3] = {{true, true, true}, {false}};

	support_file("class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
	support_file("class/thermal/thermal_zone0/temp", "45000\n");
	setenv("ASSAY_DOUBLE_THROTTLE", "0x20", 1);
	struct assay_telemetry *telemetry = assay_telemetry_start(devices, 4, NULL);
	assay_telemetry_begin(telemetry, 0, NULL);
	assay_telemetry_begin(telemetry, 1, NULL);
	for (unsigned r = 0; r < 3; r++) {
		uint64_t before = assay_clock_ns();
		wait_ms(100);
		uint64_t now = assay_clock_ns();
		for (uint32_t d = 0; d < 2; d++)
			assay_telemetry_round(telemetry, d, before, now, &throttled[d][r]);
	}
	struct assay_telemetry_run one = assay_telemetry_end(telemetry, 0), other = assay_telemetry_end(telemetry, 1);
	for (uint32_t d = 0; d < 4; d++)
		assay_telemetry_claim(telemetry, d, &claim[d], NULL);
	assay_telemetry_stop(telemetry);
	cr_expect_str_eq(claim[0].source, "sysfs");
	range_is(&claim[0].temperature_mc, 45000);
	cr_expect_eq(one.throttled_rounds, -1);
	cr_expect_eq(one.energy_mj, -1);
	cr_expect_str_eq(claim[1].source, "nvml");
	cr_expect_eq(other.throttled_rounds, 3);
	for (unsigned r = 0; r < 3; r++)
		cr_expect(throttled[1][r], "round %u", r);
	cr_expect_str_eq(claim[2].source, "");
	cr_expect_str_eq(claim[3].source, "sysfs");
	cr_expect_eq(claim[3].samples, 0, "it did not run");
}
