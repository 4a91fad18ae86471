/* SPDX-License-Identifier: Apache-2.0
 *
 * The devices block (SPEC 6): what devices say of themselves, in an order that is kept. */
#ifndef HARNESS_DEVICES_H
#define HARNESS_DEVICES_H

#include "harness/backend.h"
#include "verify/json.h"

/* As a JSON array, to be released with json_decref. With a verifier's keyid, devices that tell their UUID have an id
 * that this verifier knows again, and nobody else does. */
json_t *assay_devices_json(const struct assay_device *devices, uint32_t count, const uint8_t *verifier);

#endif
