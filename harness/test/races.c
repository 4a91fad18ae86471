/* SPDX-License-Identifier: Apache-2.0
 *
 * Small rounds of every workload on opencl:0, which is to be Oclgrind's device (ci/races): a program of its own,
 * because Oclgrind interprets every instruction and needs minutes for the self-test. One lane in groups, which is what
 * a GPU gets, then lanes. Ends with 1 where roots differ from the cpu's, and with 3 where there is no such device. */
#include <stdio.h>
#include <string.h>

#include "harness/workload.h"

static struct assay_error error;

static enum assay_status round_root(uint8_t root[32], struct assay_device *device, size_t workload)
{
	/* Four tiles, each operand of two items a row of the key stream; sixteen leaves of two digests. */
	static const struct assay_params params[] = {{{1088, 32, 32}}, {{1, 4}}};
	struct assay_engine engine;
	uint8_t seed[32] = {9}, bands[64][32];
	enum assay_status status =
	    assay_engine_prepare(&engine, device, assay_workloads[workload], &params[workload], &error);

	if (!status)
		status = assay_engine_round(&engine, seed, root, bands, &error);
	assay_engine_finish(&engine);
	return status;
}

int main(void)
{
	static const struct assay_tuning tunings[] = {{1, 4}, {4, 2}};
	struct assay_device cpu, device;
	uint8_t root[2][32];
	int code = 0;

	for (size_t t = 0; t < sizeof tunings / sizeof *tunings; t++) {
		/* First, because looking for it forks. */
		if (assay_device_open(&device, &assay_backend_opencl, 0, &tunings[t], &error) != ASSAY_OK ||
		    assay_device_open(&cpu, &assay_backend_cpu, 0, NULL, &error) != ASSAY_OK)
			goto failed;
		if (!strstr(device.info.name, "Oclgrind")) {
			fprintf(stderr, "races: opencl:0 is %s\n", device.info.name);
			return 3;
		}
		for (size_t w = 0; assay_workloads[w]; w++) {
			if (round_root(root[0], &cpu, w) != ASSAY_OK || round_root(root[1], &device, w) != ASSAY_OK)
				goto failed;
			bool same = memcmp(root[0], root[1], 32) == 0;
			printf("races: %s, %s: roots are %s\n", assay_workloads[w]->work->name, device.info.variant,
			       same ? "the cpu's" : "wrong");
			code |= !same;
		}
		assay_device_close(&cpu);
		assay_device_close(&device);
	}
	return code;
failed:
	fprintf(stderr, "races: %s\n", error.text);
	return 3;
}
