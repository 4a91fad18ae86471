/* SPDX-License-Identifier: Apache-2.0
 *
 * Which variant of each kernel a device uses. Every variant gives the same bits, so the fastest sound one is right. */
#ifndef HARNESS_CHOOSE_H
#define HARNESS_CHOOSE_H

#include "harness/backend.h"

/* Told of a variant that is left out although the device has it: one line. */
typedef void assay_choice_note(const struct assay_error *why);

/* Takes for each kernel the fastest of the variants that pass the self-test, by a short trial of its workload; or, with
 * a name, that variant where a kernel has it. device->info.variant then says what was taken. Errors: those of the
 * self-test, when no variant passes; variant.unknown, variant.unavailable. `note` may be NULL. */
enum assay_status assay_choose(struct assay_device *device, const char *name, assay_choice_note *note,
                               struct assay_error *error) ASSAY_CHECK_RESULT;

/* Takes the variants that info.variant named when the device said this text of itself. One that is not there any more
 * is left out, so that the device says another text now. Errors: those of the self-test. */
enum assay_status assay_choose_again(struct assay_device *device, const char *text,
                                     struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
