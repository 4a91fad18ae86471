/* SPDX-License-Identifier: Apache-2.0
 *
 * A small job on two devices, for the tests of checkpoints. */
#ifndef HARNESS_TEST_JOURNALS_H
#define HARNESS_TEST_JOURNALS_H

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "harness/attest.h"
#include "harness/journal.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

enum { DEVICES = 2, FIRST = 4, SECOND = 3, BUDGET = 500, FILE_MAX = 1 << 16 };

static struct assay_error error;
static struct assay_secret secret;
static struct assay_device devices[DEVICES];

/* Two segments on two devices, always the same job. */
static void job_fill(struct assay_job *job)
{
	*job = (struct assay_job){
	    .devices = devices,
	    .stagger_ms = 1,
	    .repeat_every = 2,
	    .power_budget_w = BUDGET,
	    .challenge = {.profile = "test",
	                  .devices = DEVICES,
	                  .samples = 6,
	                  .segment_count = 2,
	                  .segments = {{.work = &assay_work_sha256, .params = {{0, 5}}, .rounds = FIRST},
	                               {.work = &assay_work_matmul_i8, .params = {{64, 16, 64}}, .rounds = SECOND}}}};
	memcpy(job->key, secret.key, sizeof job->key);
}

static void begin(void)
{
	setenv("ASSAY_SYSFS", support_enter(), 1);
	support_file("class/powercap/intel-rapl:0/name", "package-0\n");
	support_file("class/powercap/intel-rapl:0/constraint_0_power_limit_uw", "250000000\n");
	if (sodium_is_zero(secret.seed, sizeof secret.seed))
		assay_secret_make(&secret);
	for (uint32_t d = 0; d < DEVICES; d++)
		support_ok(assay_device_open(&devices[d], &shim_backend, d, NULL, &error), error);
}

static void end(void)
{
	for (uint32_t d = 0; d < DEVICES; d++)
		assay_device_close(&devices[d]);
	cr_assert_eq(shim.live, 0);
}

static struct assay_journal_wish wish(const char *path)
{
	return (struct assay_journal_wish){.path = path, .interval_ms = 3600000};
}

#endif
