/* SPDX-License-Identifier: Apache-2.0
 *
 * assay selftest: known answers and operands at the rails, on each device. */
#include <stdio.h>

#include "harness/choose.h"
#include "harness/command.h"
#include "harness/limit.h"
#include "harness/report.h"
#include "harness/selftest.h"

static const char usage[] =
    "usage: assay selftest [-d DEV[,DEV...]|all] [--variant NAME] [--max-time TIME]\n"
    "\n"
    "Compares small rounds of every workload with the verifier's arithmetic, and checks operands at\n"
    "the ends of their range, with every variant of every kernel. `assay run` does this by itself before\n"
    "it starts. Exits 1 when a device computes wrong, 3 when one cannot be tested.\n"
    "\n"
    "  -d, --device DEV,...  devices (all)\n"
    "      --variant NAME    this variant only\n"
    "      --max-time TIME   end within 25s, 2m, 1h\n";

/* Each variant that the device has, on its own. */
static enum assay_status every_variant(struct assay_device *device, struct assay_error *error)
{
	struct assay_variant variant;
	enum assay_status status = assay_selftest(device, error);

	for (int kernel = 0; !status && kernel < ASSAY_KERNEL_COUNT; kernel++) {
		const enum assay_kernel_id id = (enum assay_kernel_id)kernel;
		for (uint32_t n = 1; !status && device->backend->variant(device->handle, id, n, &variant); n++) {
			if (!variant.available)
				continue;
			status = assay_device_use(device, id, n, error);
			if (!status)
				status = assay_selftest(device, error);
		}
		if (!status)
			status = assay_device_use(device, id, 0, error);
	}
	return status;
}

int assay_command_selftest(int argc, char **argv)
{
	static const struct option options[] = {{"device", required_argument, NULL, 'd'},
	                                        {"variant", required_argument, NULL, 'v'},
	                                        {"max-time", required_argument, NULL, 'T'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};
	static struct assay_device devices[ASSAY_DEVICES_MAX];
	struct assay_error error;
	const char *list = "all", *name = NULL;
	uint32_t count;
	int code = 0;

	for (int option; (option = getopt_long(argc, argv, "d:h", options, NULL)) != -1;) {
		if (option == 'd')
			list = optarg;
		else if (option == 'v')
			name = optarg;
		else if (option == 'T') {
			if (!assay_limit_option(optarg))
				return ASSAY_EXIT_ERROR;
		} else
			return assay_usage(usage, option == 'h');
	}
	if (optind < argc)
		return assay_usage(usage, false);
	assay_limit_doing("opening devices");
	if (assay_devices_open(devices, &count, list, &error) != ASSAY_OK)
		code = assay_complain(&error);
	assay_limit_doing("testing devices");
	for (uint32_t d = 0; d < count; d++) {
		enum assay_status status =
		    name ? assay_choose(&devices[d], name, NULL, &error) : every_variant(&devices[d], &error);
		if (!status) {
			printf("%-10s ok    %s\n", devices[d].id, devices[d].info.name);
		} else {
			assay_remark(&error);
			/* A wrong result is worse than none. */
			if (code != ASSAY_FAIL)
				code = assay_report_exit(&error);
		}
		assay_device_close(&devices[d]);
	}
	return code;
}
