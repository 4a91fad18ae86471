/* SPDX-License-Identifier: Apache-2.0
 *
 * races [BACKEND]: small rounds of every workload on device 0, by every variant of its kernels, for tools that look at
 * each access: Oclgrind (ci/races) and compute-sanitizer (ci/gpu.sh), under which the self-test would take minutes or
 * hours. Without an argument the device is opencl:0 and is to be Oclgrind's. Ends with 1 where roots differ from the
 * cpu's, and with 3 where there is no such device. */
#include <stdio.h>
#include <string.h>

#include "harness/workload.h"

static struct assay_error error;

static enum assay_status round_root(uint8_t root[32], struct assay_device *device, size_t workload)
{
	/* Products of four blocks, each operand of two items a row of the key stream; sixteen leaves of two digests; a
	 * table and four walkers. */
	static const struct {
		const struct assay_workload *workload;
		struct assay_params params;
	} rounds[] = {{&assay_workload_matmul_i8, {{1088, 32, 32}}},
	              {&assay_workload_matmul_i9, {{576, 32, 32}}},
	              {&assay_workload_matmul_f32, {{320, 32, 32}}},
	              {&assay_workload_matmul_f64, {{192, 32, 32}}},
	              {&assay_workload_sha256, {{1, 4}}},
	              {&assay_workload_memory, {{4, 65, 2}}}};
	const struct assay_workload *const wanted = assay_workloads[workload];
	struct assay_engine engine;
	uint8_t seed[32] = {9}, bands[64][32];
	size_t i = 0;

	while (rounds[i].workload != wanted)
		i++;
	enum assay_status status = assay_engine_prepare(&engine, device, wanted, &rounds[i].params, &error);
	if (!status)
		status = assay_engine_fill(&engine, seed, true, &error);
	if (!status)
		status = assay_engine_round(&engine, seed, root, bands, &error);
	assay_engine_finish(&engine);
	return status;
}

/* One round; 1 when its root is not the cpu's. */
static int compare(struct assay_device *cpu, struct assay_device *device, size_t workload, const char *variant)
{
	uint8_t root[2][32];

	if (round_root(root[0], cpu, workload) != ASSAY_OK || round_root(root[1], device, workload) != ASSAY_OK) {
		fprintf(stderr, "races: %s\n", error.text);
		return 3;
	}
	bool same = memcmp(root[0], root[1], 32) == 0;
	printf("races: %s, %s, %s: roots are %s\n", assay_workloads[workload]->work->name, variant,
	       device->info.variant, same ? "the cpu's" : "wrong");
	return !same;
}

static int compare_all(struct assay_device *cpu, struct assay_device *device)
{
	struct assay_variant variant;
	int code = 0;

	for (size_t w = 0; assay_workloads[w]; w++) {
		const enum assay_kernel_id id = assay_workloads[w]->kernel;
		for (uint32_t n = 0; device->backend->variant(device->handle, id, n, &variant); n++) {
			if (!variant.available)
				continue;
			if (n && assay_device_use(device, id, n, &error) != ASSAY_OK) {
				fprintf(stderr, "races: %s\n", error.text);
				return 3;
			}
			code |= compare(cpu, device, w, variant.name);
		}
	}
	return code;
}

int main(int argc, char **argv)
{
	/* One lane in groups, which is what a GPU gets; then lanes, or larger groups. */
	static const struct assay_tuning opencl[] = {{1, 4}, {4, 2}}, gpu[] = {{1, 32}, {1, 256}};
	const struct assay_backend *backend = &assay_backend_opencl;
	struct assay_device cpu, device;
	int code = 0;

	for (size_t i = 0; argc > 1 && assay_backends[i]; i++)
		if (strcmp(assay_backends[i]->name, argv[1]) == 0)
			backend = assay_backends[i];
	for (size_t t = 0; t < 2; t++) {
		/* First, because looking for OpenCL's devices forks. */
		if (assay_device_open(&device, backend, 0, argc > 1 ? &gpu[t] : &opencl[t], &error) != ASSAY_OK ||
		    assay_device_open(&cpu, &assay_backend_cpu, 0, NULL, &error) != ASSAY_OK) {
			fprintf(stderr, "races: %s\n", error.text);
			return 3;
		}
		if (argc == 1 && !strstr(device.info.name, "Oclgrind")) {
			fprintf(stderr, "races: opencl:0 is %s\n", device.info.name);
			return 3;
		}
		code |= compare_all(&cpu, &device);
		assay_device_close(&cpu);
		assay_device_close(&device);
	}
	return code;
}
