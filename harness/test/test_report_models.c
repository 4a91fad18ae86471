/* SPDX-License-Identifier: Apache-2.0
 *
 * assay report: what is claimed of machines, and rates beside data sheets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/test/pages.h"
#include "harness/test/support.h"

TestSuite(report_models, .fini = support_leave, .timeout = 300);

/* Two devices, "device 0" and "device 1", by a verifier's clock. */
#define TWO "verify/vectors/good/receipts-two.intoto.json"
#define REPORT                                                                        \
	"PATH=/nonexistent $A report --trust verify/vectors/good/key.pem --verifier " \
	"verify/vectors/good/verifier.pem --catalogue $T/models "

static const char models[] =
    "model\tvendor\tkey\tinterface\tnames\tunits\tmemory_gib\tbandwidth_gbs\tcache_mib\tboost_mhz\tsha256_ops\t"
    "int8_tops\tf16_tflops\tf32_tflops\tf64_tflops\tf64_matrix_tflops\tmargin_percent\tsource\n"
    "Zero\tx\tzero\t\tDevice 0\t1\t1\t\t\t\t\t0.001\t\t\t\t\t10\t<a sheet>\n"
    "One\tx\tone\t\tDevice 1\t1\t1\t\t\t\t\t1\t\t\t\t\t10\t\n";

/* The Markdown of a page. */
static char *page(const char *name)
{
	char path[64];

	pages_hold(name, name);
	snprintf(path, sizeof path, "%s/report.md", name);
	return pages_read(path);
}

Test(report_models, claims)
{
	support_enter();
	support_file("models", models);
	/* No rate of theirs is that of a lesser model. */
	cr_assert_eq(support_run(REPORT "--claim 'x/zero' -o $T/p " TWO), 2, "%s", support_err);
	char *text = page("p");
	cr_expect(strstr(text,
	                 "| #0 | x/zero x1 | Zero | not-demonstrated | claim.capacity: showed 0.0 of 1 GiB of memory | "
	                 "Zero |"),
	          "%s", text);
	cr_expect(strstr(text, "--claim x/zero") || strstr(text, "--claim 'x/zero'"), "%s", text);
	free(text);
	/* The first one says that it is a lesser model. */
	cr_assert_eq(support_run(REPORT "--claim 'x/one x2' -o $T/q " TWO), 1, "%s", support_err);
	text = page("q");
	cr_expect(strstr(text, "**FAIL** the machine is not what is claimed of it"), "%s", text);
	cr_expect(strstr(text, "| #0 | x/one x2 | Zero | contradicted | claim.model: says that it is Zero | Zero |"),
	          "%s", text);
	cr_expect(strstr(text, "| claims | fail | 0 of 2 devices demonstrated | claim.model |"), "%s", text);
	free(text);
	/* What is no claim is an error, and no page. */
	cr_expect_eq(support_run(REPORT "--claim x -o $T/r " TWO), 3);
	cr_expect(strstr(support_err, "claim.malformed") && !support_exists(support_path("r")), "%s", support_err);
}

Test(report_models, rates_beside_ceilings)
{
	support_enter();
	support_file("models", models);
	cr_assert_eq(support_run(REPORT "-o $T/p " TWO), 2, "%s", support_err);
	char *text = page("p");
	cr_expect(strstr(text, "| matmul-i8/1 | #0 | Zero | 21.4 MOP/s | 1.00 GOP/s | 2.1 % |"), "%s", text);
	cr_expect(strstr(text, "| matmul-i8/1 | #1 | One | 21.4 MOP/s | 1.00 TOP/s | 0.0 % |"), "%s", text);
	cr_expect(!strstr(text, "What is claimed of the machine"), "%s", text);
	free(text);
	/* Models that the catalogue does not know have no such table. */
	cr_assert_eq(support_run("PATH=/nonexistent $A report -o $T/q " TWO), 2, "%s", support_err);
	text = page("q");
	cr_expect(!strstr(text, "can do at most"), "%s", text);
	free(text);
}
