/* SPDX-License-Identifier: Apache-2.0
 *
 * See choose.h. */
#include "harness/choose.h"

#include <stdio.h>
#include <string.h>

#include "harness/measure.h"
#include "harness/selftest.h"
#include "harness/workload.h"

enum { NONE = 0xffff, TRIAL_NS = 2000000, TRIAL_SIZES = 6, REPEATS = 3 };

/* The workload whose main kernel this is; NULL when there is none. */
static const struct assay_workload *workload_with(enum assay_kernel_id id)
{
	for (const struct assay_workload *const *workload = assay_workloads; *workload; workload++)
		if ((*workload)->kernel == id)
			return *workload;
	return NULL;
}

/* The shortest of some launches of the main kernel alone. */
static enum assay_status trial(uint64_t *best_ns, struct assay_device *device, const struct assay_workload *workload,
                               const struct assay_params *params, struct assay_error *error)
{
	struct assay_engine engine;
	enum assay_status status = assay_engine_prepare(&engine, device, workload, params, error);

	if (status)
		return status;
	*best_ns = UINT64_MAX;
	for (int i = 0; !status && i <= REPEATS; i++) {
		uint64_t start = assay_clock_ns();
		status = workload->bare(engine.state, engine.values, error);
		if (!status)
			status = device->backend->synchronise(device->handle, error);
		uint64_t ns = assay_clock_ns() - start;
		/* The first warms up. */
		if (i > 0 && ns < *best_ns)
			*best_ns = ns;
	}
	assay_engine_finish(&engine);
	return status;
}

/* Work per second of the kernel that the device has now: at growing sizes, until a launch is long enough to time. */
static enum assay_status rate_of(double *rate, struct assay_device *device, const struct assay_workload *workload,
                                 struct assay_error *error)
{
	uint64_t ns = 0;
	enum assay_status status = ASSAY_OK;

	for (uint32_t size = 0; !status && size < TRIAL_SIZES && ns < TRIAL_NS; size++) {
		const struct assay_params params = workload->trial(size);
		status = trial(&ns, device, workload, &params, error);
		if (!status)
			*rate = (double)workload->work->round_work(&params) * 1e9 / (double)(ns + 1);
	}
	return status;
}

/* The number of the variant with this name; NONE when the kernel has no such. */
static uint32_t named(const struct assay_device *device, enum assay_kernel_id id, const char *name,
                      struct assay_variant *variant)
{
	for (uint32_t number = 0; device->backend->variant(device->handle, id, number, variant); number++)
		if (strcmp(variant->name, name) == 0)
			return number;
	return NONE;
}

static enum assay_status take_named(struct assay_device *device, const char *name, struct assay_error *error)
{
	struct assay_variant variant;
	enum assay_status status = ASSAY_OK;
	bool known = false;

	for (int i = 0; !status && i < ASSAY_KERNEL_COUNT; i++) {
		const enum assay_kernel_id id = (enum assay_kernel_id)i;
		uint32_t number = named(device, id, name, &variant);
		if (number == NONE)
			continue;
		known = true;
		status = variant.available
		             ? assay_device_use(device, id, number, error)
		             : assay_fail(error, ASSAY_ERROR_DEVICE, "variant.unavailable", "%s: variant %s of %s: %s",
		                          device->id, name, assay_kernel_names[id], variant.route);
	}
	if (!status && !known)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "variant.unknown",
		                    "%s: no kernel here has a variant %s; `assay devices --kernels` lists them",
		                    device->id, name);
	return status ? status : assay_selftest(device, error);
}

/* Takes the fastest sound variant of one kernel. */
static enum assay_status take_fastest(struct assay_device *device, enum assay_kernel_id id, assay_choice_note *note,
                                      struct assay_error *error)
{
	const struct assay_workload *workload = workload_with(id);
	struct assay_variant variant;
	uint32_t best = NONE;
	double best_rate = 0;

	for (uint32_t number = 0; device->backend->variant(device->handle, id, number, &variant); number++) {
		double rate = 0;
		if (!variant.available)
			continue;
		enum assay_status status = assay_device_use(device, id, number, error);
		if (!status)
			status = assay_selftest(device, error);
		if (!status)
			status = rate_of(&rate, device, workload, error);
		if (status && note) {
			struct assay_error why = *error;
			snprintf(why.text, sizeof why.text, "%.120s: variant %s of %s is not used: %.300s", device->id,
			         variant.name, assay_kernel_names[id], error->text);
			note(&why);
		} else if (rate > best_rate) {
			best = number;
			best_rate = rate;
		}
	}
	return best == NONE ? ASSAY_ERROR_DEVICE : assay_device_use(device, id, best, error);
}

/* The names of the kernels from `first` on that are computed in the same way, and that way: "matmul_i8, matmul_i9 by
 * mma, PTX for sm_80". They are struck out of `left`. */
static void say_one(char text[256], const struct assay_device *device, bool left[ASSAY_KERNEL_COUNT], int first)
{
	struct assay_variant variant, other;
	size_t len = 0;

	if (!device->backend->variant(device->handle, (enum assay_kernel_id)first, device->kernels[first].variant,
	                              &variant))
		return;
	for (int i = first; i < ASSAY_KERNEL_COUNT && len < 200; i++) {
		const enum assay_kernel_id id = (enum assay_kernel_id)i;
		if (!left[i] || !device->backend->variant(device->handle, id, device->kernels[i].variant, &other) ||
		    strcmp(variant.name, other.name) != 0 || strcmp(variant.route, other.route) != 0)
			continue;
		left[i] = false;
		len += (size_t)snprintf(text + len, 256 - len, "%s%.32s", len ? ", " : "", assay_kernel_names[i]);
	}
	snprintf(text + len, 256 - len, " by %s, %.100s", variant.name, variant.route);
}

/* "matmul_i8, matmul_i9 by mma, PTX for sm_80; else portable, ..." */
static void say(struct assay_device *device)
{
	char *text = device->info.variant, otherwise[sizeof device->info.variant], one[256];
	bool left[ASSAY_KERNEL_COUNT];

	for (int i = 0; i < ASSAY_KERNEL_COUNT; i++)
		left[i] = device->kernels[i].variant != 0;
	for (int i = 0; i < ASSAY_KERNEL_COUNT; i++) {
		if (!left[i])
			continue;
		*one = '\0';
		say_one(one, device, left, i);
		snprintf(otherwise, sizeof otherwise, "%s", text);
		snprintf(text, sizeof device->info.variant, "%.150s; else %.96s", one, otherwise);
	}
}

enum assay_status assay_choose(struct assay_device *device, const char *name, assay_choice_note *note,
                               struct assay_error *error)
{
	struct assay_variant second;
	enum assay_status status = name ? take_named(device, name, error) : ASSAY_OK;

	for (int i = 0; !name && !status && i < ASSAY_KERNEL_COUNT; i++)
		if (device->backend->variant(device->handle, (enum assay_kernel_id)i, 1, &second))
			status = take_fastest(device, (enum assay_kernel_id)i, note, error);
	if (!status)
		say(device);
	return status;
}

enum assay_status assay_choose_again(struct assay_device *device, const char *text, struct assay_error *error)
{
	enum assay_status status = ASSAY_OK;

	for (int i = 0; i < ASSAY_KERNEL_COUNT; i++) {
		const enum assay_kernel_id id = (enum assay_kernel_id)i;
		struct assay_variant variant;
		for (uint32_t n = 1; !status && device->backend->variant(device->handle, id, n, &variant); n++) {
			char named_so[64];
			snprintf(named_so, sizeof named_so, "%s by %s,", assay_kernel_names[id], variant.name);
			if (variant.available && strstr(text, named_so))
				status = assay_device_use(device, id, n, error);
		}
	}
	if (!status)
		status = assay_selftest(device, error);
	if (!status)
		say(device);
	return status;
}
