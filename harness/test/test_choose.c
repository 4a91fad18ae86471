/* SPDX-License-Identifier: Apache-2.0
 *
 * Choosing among variants: the fastest that is sound, or the one that was named. On the shim, whose variants are as
 * fast and as right as a test wants. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/choose.h"
#include "harness/test/shim.h"
#include "harness/test/support.h"

TestSuite(choose, .init = shim_reset, .fini = support_leave, .timeout = 120);

static struct assay_device device;
static struct assay_error error;
static unsigned notes;
static char noted[560];

static void note(const struct assay_error *why)
{
	notes++;
	snprintf(noted, sizeof noted, "%s (%s)", why->text, why->reason);
}

static enum assay_status choose(const char *name, uint32_t variants)
{
	support_enter();
	shim.variants = variants;
	support_ok(assay_device_open(&device, &shim_backend, 0, NULL, &error), error);
	return assay_choose(&device, name, note, &error);
}

static uint32_t chosen(void)
{
	uint32_t number = device.kernels[ASSAY_KERNEL_MATMUL_I8].variant;

	assay_device_close(&device);
	cr_expect_eq(shim.live, 0, "%d things are kept", shim.live);
	return number;
}

/* All variants are slower than number 2. */
static void slow_but_2(const struct shim_launch *launch)
{
	if (launch->id == ASSAY_KERNEL_MATMUL_I8 && launch->variant != 2)
		nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
}

static void wrong_2(const struct shim_launch *launch)
{
	if (launch->id == ASSAY_KERNEL_MATMUL_I8 && launch->variant == 2)
		((uint32_t *)launch->arguments[2].buffer)[200] += 1;
	slow_but_2(launch);
}

static void all_wrong(const struct shim_launch *launch)
{
	if (launch->id == ASSAY_KERNEL_MATMUL_I8)
		((uint32_t *)launch->arguments[2].buffer)[200] += 1;
}

Test(choose, only_one)
{
	support_ok(choose(NULL, 0), error);
	cr_expect_null(strstr(device.info.variant, "else"));
	cr_expect_eq(chosen(), 0);
	cr_expect_eq(notes, 0);
}

Test(choose, fastest)
{
	shim.after = slow_but_2;
	support_ok(choose(NULL, 3), error);
	cr_expect(strstr(device.info.variant, "matmul_i8 by shim2, by the shim; else"), "%s", device.info.variant);
	cr_expect_eq(chosen(), 2);
	cr_expect_eq(notes, 0);
}

Test(choose, wrong_is_left_out_loudly)
{
	shim.after = wrong_2;
	support_ok(choose(NULL, 3), error);
	cr_expect_neq(chosen(), 2);
	cr_expect_eq(notes, 1);
	cr_expect(strstr(noted, "shim:0: variant shim2 of matmul_i8 is not used") &&
	              strstr(noted, "(device.miscompute)"),
	          "%s", noted);
}

Test(choose, none_is_sound)
{
	shim.after = all_wrong;
	cr_expect_eq(choose(NULL, 1), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.miscompute");
	(void)chosen();
	cr_expect_eq(notes, 2);
}

Test(choose, unavailable_is_passed_over)
{
	shim.after = slow_but_2;
	shim.unavailable = 2;
	support_ok(choose(NULL, 2), error);
	cr_expect_neq(chosen(), 2);
}

Test(choose, named)
{
	shim.after = slow_but_2;
	support_ok(choose("shim1", 2), error);
	cr_expect_eq(chosen(), 1);
	support_ok(choose("portable", 2), error);
	cr_expect_eq(chosen(), 0);
}

Test(choose, named_but)
{
	cr_expect_eq(choose("turbo", 2), ASSAY_ERROR_INPUT);
	cr_expect_str_eq(error.reason, "variant.unknown");
	(void)chosen();
	shim.unavailable = 1;
	cr_expect_eq(choose("shim1", 2), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "variant.unavailable");
	cr_expect(strstr(error.text, "by the shim"), "%s", error.text);
	(void)chosen();
	/* The one that was asked for is not replaced by another when it errs. */
	shim.unavailable = 0;
	shim.after = wrong_2;
	cr_expect_eq(choose("shim2", 2), ASSAY_ERROR_DEVICE);
	cr_expect_str_eq(error.reason, "device.miscompute");
	(void)chosen();
}
