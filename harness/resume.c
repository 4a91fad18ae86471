/* SPDX-License-Identifier: Apache-2.0
 *
 * See resume.h. */
#include "harness/resume.h"

#include <stdlib.h>
#include <string.h>

#include "harness/choose.h"
#include "harness/command.h"
#include "verify/json.h"

static enum assay_status other_devices(const struct assay_checkpoint *checkpoint, struct assay_error *error,
                                       const char *how)
{
	return assay_fail(
	    error, ASSAY_ERROR_INPUT, "checkpoint.devices",
	    "the run was on other devices (%.40s): %s; go on where it began, or attest what was done (--attest)",
	    checkpoint->ids, how);
}

enum assay_status assay_resume_devices(const struct assay_checkpoint *checkpoint, struct assay_device *devices,
                                       uint32_t *count, bool any, struct assay_error *error)
{
	enum assay_status status = assay_devices_open(devices, count, checkpoint->ids, error);

	if (!status || !any)
		return status;
	assay_remark(error);
	for (uint32_t d = 0; d < *count; d++)
		assay_device_close(&devices[d]);
	status = ASSAY_OK;
	for (*count = 0; !status && *count < checkpoint->challenge.devices; ++*count) {
		status = assay_device_open(&devices[*count], &assay_backend_cpu, 0, NULL, error);
		if (status)
			break;
	}
	return status;
}

enum assay_status assay_resume_choose(const struct assay_checkpoint *checkpoint, uint32_t d,
                                      struct assay_device *device, struct assay_error *error)
{
	json_t *block = assay_json_parse(checkpoint->devices_text, strlen(checkpoint->devices_text));
	const char *variant = json_string_value(json_object_get(json_array_get(block, d), "variant"));
	enum assay_status status = assay_choose_again(device, variant ? variant : "", error);

	json_decref(block);
	return status;
}

/* The first difference between the devices block then and now. */
static enum assay_status devices_differ(const struct assay_job *job, const struct assay_checkpoint *checkpoint,
                                        struct assay_error *error)
{
	json_t *then = assay_json_parse(checkpoint->devices_text, strlen(checkpoint->devices_text));
	json_t *now = assay_json_parse(job->devices_text, strlen(job->devices_text));
	enum assay_status status = other_devices(checkpoint, error, "they say other things of themselves now");
	char how[400];

	for (size_t d = 0; d < json_array_size(now) && d < job->challenge.devices; d++) {
		const char *name;
		json_t *value;
		json_object_foreach(json_array_get(now, d), name, value)
		{
			const json_t *before = json_object_get(json_array_get(then, d), name);
			if (json_equal(value, before))
				continue;
			snprintf(how, sizeof how, "the %s of %s was \"%.120s\" and is \"%.120s\"", name,
			         job->devices[d].id, json_is_string(before) ? json_string_value(before) : "another",
			         json_is_string(value) ? json_string_value(value) : "another");
			(void)other_devices(checkpoint, error, how);
		}
	}
	json_decref(then);
	json_decref(now);
	return status;
}

enum assay_status assay_resume_job(struct assay_job *job, struct assay_checkpoint *checkpoint, bool any,
                                   struct assay_error *error)
{
	char keyid[65];

	if (memcmp(job->key, checkpoint->key, sizeof job->key) != 0) {
		assay_keyid(keyid, checkpoint->key);
		return assay_fail(error, ASSAY_ERROR_INPUT, "checkpoint.key",
		                  "the run is bound to the key %.16s...; give that key (-k KEYFILE)", keyid);
	}
	job->challenge = checkpoint->challenge;
	job->stagger_ms = checkpoint->stagger_ms;
	job->power_budget_w = checkpoint->power_budget_w;
	job->repeat_every = checkpoint->repeat_every;
	job->pauses = checkpoint->pauses;
	job->runs = checkpoint->runs;
	checkpoint->runs = NULL;
	job->past = checkpoint->past;
	checkpoint->past = NULL;
	if (any) {
		/* What is attested is who did the work. */
		job->devices_text = checkpoint->devices_text;
		checkpoint->devices_text = NULL;
	}
	enum assay_status status = assay_job_texts(job, error);
	if (!status && !any && strcmp(job->devices_text, checkpoint->devices_text) != 0)
		status = devices_differ(job, checkpoint, error);
	if (!status && strcmp(job->challenge_text, checkpoint->challenge_text) != 0)
		status = assay_fail(error, ASSAY_ERROR_INPUT, "checkpoint.malformed", "its challenge is not canonical");
	return status;
}
