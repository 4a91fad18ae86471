/* SPDX-License-Identifier: Apache-2.0
 *
 * See command.h. */
#include "harness/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/terms.h"

void assay_remark(const struct assay_error *why)
{
	fprintf(stderr, "assay: %s (%s)\n", why->text, why->reason);
}

int assay_complain(const struct assay_error *error)
{
	assay_remark(error);
	return ASSAY_EXIT_ERROR;
}

int assay_print_json(json_t *value)
{
	char *text = assay_json_text(value);

	json_decref(value);
	if (text)
		printf("%s\n", text);
	free(text);
	return text ? 0 : ASSAY_EXIT_ERROR;
}

int assay_usage(const char *text, bool asked)
{
	fputs(text, asked ? stdout : stderr);
	return asked ? 0 : ASSAY_EXIT_ERROR;
}

/* OpenCL platforms whose devices another backend drives too. A device must not count twice. */
static const struct {
	const struct assay_backend *backend;
	const char *platform;
} same_devices[] = {
    {&assay_backend_cuda, "NVIDIA CUDA"},
    {&assay_backend_hip, "AMD Accelerated Parallel Processing"},
};

static bool is_another(const struct assay_device *device, const struct assay_device *others, uint32_t count)
{
	for (size_t i = 0; i < sizeof same_devices / sizeof *same_devices; i++)
		for (uint32_t d = 0; d < count; d++)
			if (device->backend == &assay_backend_opencl && others[d].backend == same_devices[i].backend &&
			    strncmp(device->info.driver, same_devices[i].platform, strlen(same_devices[i].platform)) ==
			        0)
				return true;
	return false;
}

static enum assay_status open_all(struct assay_device *devices, uint32_t *count, struct assay_error *error)
{
	for (const struct assay_backend *const *backend = assay_backends; *backend; backend++) {
		uint32_t present = 0;
		if ((*backend)->count(&present, error) != ASSAY_OK)
			present = 0;
		for (uint32_t i = 0; i < present && *count < ASSAY_DEVICES_MAX; i++) {
			if (assay_device_open(&devices[*count], *backend, i, NULL, error) == ASSAY_OK) {
				if (is_another(&devices[*count], devices, *count))
					assay_device_close(&devices[*count]);
				else
					++*count;
			} else
				fprintf(stderr, "assay: left out: %s (%s)\n", error->text, error->reason);
		}
	}
	return *count ? ASSAY_OK : ASSAY_ERROR_DEVICE;
}

enum assay_status assay_devices_open(struct assay_device *devices, uint32_t *count, const char *list,
                                     struct assay_error *error)
{
	char name[64];
	uint32_t present;

	*count = 0;
	/* Backends look for their devices before any device has threads: looking may fork (opencl.c). */
	for (const struct assay_backend *const *backend = assay_backends; *backend; backend++)
		if (strcmp(list, "all") == 0 || strstr(list, (*backend)->name))
			(void)(*backend)->count(&present, NULL);
	if (strcmp(list, "all") == 0)
		return open_all(devices, count, error);
	while (assay_terms_next(name, &list)) {
		if (*count == ASSAY_DEVICES_MAX)
			return assay_fail(error, ASSAY_ERROR_INPUT, "device.id", "more than %d devices",
			                  ASSAY_DEVICES_MAX);
		enum assay_status status = assay_device_open_id(&devices[*count], name, error);
		if (status)
			return status;
		++*count;
		for (uint32_t d = 0; d + 1 < *count; d++)
			if (strcmp(devices[d].id, devices[*count - 1].id) == 0)
				return assay_fail(error, ASSAY_ERROR_INPUT, "device.id", "%s: named twice", name);
	}
	return *count ? ASSAY_OK : assay_fail(error, ASSAY_ERROR_INPUT, "device.id", "no device named");
}

const struct assay_row *assay_row_for(const struct assay_device *devices, uint32_t count)
{
	size_t smallest = ASSAY_ROWS - 1;

	for (uint32_t d = 0; d < count; d++) {
		size_t row = devices[d].info.is_cpu ? 0 : 1;
		while (!devices[d].info.is_cpu && row + 1 < ASSAY_ROWS &&
		       devices[d].info.memory_bytes >= assay_rows[row + 1].memory_min)
			row++;
		if (row < smallest)
			smallest = row;
	}
	return &assay_rows[smallest];
}
