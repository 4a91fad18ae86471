/* SPDX-License-Identifier: Apache-2.0
 *
 * Going on with a job that was cut off. */
#ifndef HARNESS_RESUME_H
#define HARNESS_RESUME_H

#include "harness/journal.h"

/* Opens the devices that the checkpoint names; `any`: as many processors when they are not there any more, which is
 * enough to open leaves. To be closed by the caller, also after an error. Errors: those of assay_devices_open. */
enum assay_status assay_resume_devices(const struct assay_checkpoint *checkpoint, struct assay_device *devices,
                                       uint32_t *count, bool any, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Chooses for device d of the job the variants that it had when the checkpoint was made. Errors: those of the
 * self-test. */
enum assay_status assay_resume_choose(const struct assay_checkpoint *checkpoint, uint32_t d,
                                      struct assay_device *device, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The job takes what the checkpoint holds; its devices and its key are set. They must be what they were; but `any`
 * devices will do when no more work is done. Errors: checkpoint.devices, checkpoint.key. */
enum assay_status assay_resume_job(struct assay_job *job, struct assay_checkpoint *checkpoint, bool any,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
