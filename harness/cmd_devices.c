/* SPDX-License-Identifier: Apache-2.0
 *
 * assay devices: what there is to run on, and why other backends have none. */
#include <stdio.h>

#include "harness/command.h"
#include "harness/devices.h"
#include "harness/limit.h"

static const char usage[] = "usage: assay devices [--kernels] [--json] [--max-time TIME]\n"
                            "\n"
                            "Lists the devices that `assay run` can use.\n"
                            "\n"
                            "      --kernels  each kernel's variants: how the device gets them, or why it does not\n"
                            "      --json     one JSON array\n"
                            "      --max-time TIME  end within 25s, 2m, 1h\n";

static void print_kernels(const struct assay_device *device)
{
	struct assay_variant variant;

	for (int id = 0; id < ASSAY_KERNEL_COUNT; id++)
		for (uint32_t n = 0; device->backend->variant(device->handle, (enum assay_kernel_id)id, n, &variant);
		     n++)
			printf("%-10s %-14s  %-10s  %s%s\n", device->id, assay_kernel_names[id], variant.name,
			       variant.available ? "" : "out: ", variant.route);
}

static json_t *kernels_json(const struct assay_device *device)
{
	json_t *array = json_array();
	struct assay_variant variant;

	for (int id = 0; id < ASSAY_KERNEL_COUNT; id++)
		for (uint32_t n = 0; device->backend->variant(device->handle, (enum assay_kernel_id)id, n, &variant);
		     n++)
			json_array_append_new(array, json_pack("{s:i,s:s,s:s,s:s}", "available", variant.available,
			                                       "kernel", assay_kernel_names[id], "route", variant.route,
			                                       "variant", variant.name));
	return array;
}

static void print(const struct assay_device *device)
{
	const struct assay_device_info *info = &device->info;

	printf("%-10s %s\n           %s, %u compute units, %.1f GiB, %s\n           %s\n", device->id,
	       device->info.name, device->info.architecture, device->info.compute_units,
	       (double)device->info.memory_bytes / (1 << 30), device->info.variant, device->info.driver);
	if (*info->pci)
		printf("           PCI %s, UUID %s%s%s\n", info->pci, *info->uuid ? info->uuid : "unknown",
		       *info->partition ? ", " : "", info->partition);
}

static int print_json(const struct assay_device *devices, uint32_t count, bool kernels)
{
	json_t *array = assay_devices_json(devices, count, NULL);

	for (uint32_t d = 0; d < count; d++) {
		json_object_set_new(json_array_get(array, d), "id", json_string(devices[d].id));
		if (kernels)
			json_object_set_new(json_array_get(array, d), "kernels", kernels_json(&devices[d]));
	}
	return assay_print_json(array);
}

int assay_command_devices(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
	                                        {"kernels", no_argument, NULL, 'k'},
	                                        {"max-time", required_argument, NULL, 'T'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};
	static struct assay_device devices[ASSAY_DEVICES_MAX];
	struct assay_error error;
	uint32_t count;
	bool json = false, kernels = false;

	for (int option; (option = getopt_long(argc, argv, "jh", options, NULL)) != -1;) {
		if (option == 'j')
			json = true;
		else if (option == 'k')
			kernels = true;
		else if (option == 'T') {
			if (!assay_limit_option(optarg))
				return ASSAY_EXIT_ERROR;
		} else
			return assay_usage(usage, option == 'h');
	}
	if (optind < argc)
		return assay_usage(usage, false);
	assay_limit_doing("opening devices");
	if (assay_devices_open(devices, &count, "all", &error) != ASSAY_OK)
		return assay_complain(&error);
	for (uint32_t d = 0; !json && d < count; d++)
		(kernels ? print_kernels : print)(&devices[d]);
	int code = json ? print_json(devices, count, kernels) : 0;
	for (uint32_t d = 0; d < count; d++)
		assay_device_close(&devices[d]);
	for (const struct assay_backend *const *backend = assay_backends; *backend; backend++) {
		uint32_t present = 0;
		error.text[0] = '\0';
		if ((*backend)->count(&present, &error) != ASSAY_OK || present == 0)
			fprintf(stderr, "assay: none of %s\n", error.text);
	}
	return code;
}
