/* SPDX-License-Identifier: Apache-2.0
 *
 * assay-verify: checks attestations on a CPU. */
#include "verify/cli.h"

int main(int argc, char **argv)
{
	return assay_verify_command(argc, argv);
}
