/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory of attestations to compare with: DIR/DEVICE-DRIVER/DATE-SUBJECT.intoto.json, with their transcripts and
 * receipts. It is files and nothing else, so that it can live in a branch; each is verified whenever it is read. */
#ifndef HARNESS_COMPARE_BASELINE_H
#define HARNESS_COMPARE_BASELINE_H

#include "harness/compare/benchmarks.h"

/* Verifies an attestation and copies it with its transcript and receipts; *path becomes where it is, to be released
 * with free(). One that is there already is left. Errors: attestation.unverified, io.open, io.read, io.write, memory.
 */
enum assay_status assay_baseline_add(char **path, const char *directory, const char *attestation,
                                     const struct assay_policy *policy, struct assay_error *error) ASSAY_CHECK_RESULT;

/* One stored attestation. */
struct assay_baseline {
	char *path;
	char key[96];  /* the directory below DIR */
	char date[40]; /* "" where it does not verify */
	char device[280], driver[280];
	struct assay_error why; /* it does not verify; reason "" = it does */
};

struct assay_baselines {
	struct assay_baseline *list;
	size_t count;
};

/* All of them, by key and from old to new; those that do not verify too. */
enum assay_status assay_baselines_list(struct assay_baselines *baselines, const char *directory,
                                       const struct assay_policy *policy, struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_baselines_release(struct assay_baselines *baselines);

/* Removes all but the newest `keep` of each key; one that does not verify is left where it is, and does not count.
 * *removed is how many. Errors: io.write. */
enum assay_status assay_baselines_prune(size_t *removed, const struct assay_baselines *baselines, size_t keep,
                                        struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
