/* SPDX-License-Identifier: Apache-2.0
 *
 * assay selftest: known answers and operands at the rails, on each device. */
#include <stdio.h>

#include "harness/command.h"
#include "harness/selftest.h"

static const char usage[] =
    "usage: assay selftest [-d DEV[,DEV...]|all]\n"
    "\n"
    "Compares small rounds of every workload with the verifier's arithmetic, and checks operands at\n"
    "the ends of their range. `assay run` does this by itself before it starts.\n";

int assay_command_selftest(int argc, char **argv)
{
	static const struct option options[] = {
	    {"device", required_argument, NULL, 'd'}, {"help", no_argument, NULL, 'h'}, {0}};
	static struct assay_device devices[ASSAY_DEVICES_MAX];
	struct assay_error error;
	const char *list = "all";
	uint32_t count;
	int code = 0;

	for (int option; (option = getopt_long(argc, argv, "d:h", options, NULL)) != -1;) {
		if (option == 'd')
			list = optarg;
		else
			return assay_usage(usage, option == 'h');
	}
	if (optind < argc)
		return assay_usage(usage, false);
	if (assay_devices_open(devices, &count, list, &error) != ASSAY_OK)
		code = assay_complain(&error);
	for (uint32_t d = 0; d < count; d++) {
		if (code == 0 && assay_selftest(&devices[d], &error) == ASSAY_OK)
			printf("%-10s ok    %s\n", devices[d].id, devices[d].info.name);
		else if (code == 0)
			code = assay_complain(&error);
		assay_device_close(&devices[d]);
	}
	return code;
}
