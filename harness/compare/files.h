/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparison of results that were measured at two times, and of all in a directory. */
#ifndef HARNESS_COMPARE_FILES_H
#define HARNESS_COMPARE_FILES_H

#include "harness/compare/compare.h"
#include "harness/compare/floor.h"

struct assay_files {
	const struct assay_policy *policy; /* whose attestations count */
	const struct assay_floors *floors;
	const char *filter; /* names of metrics, as fnmatch(3) has it; NULL = all */
	bool across;        /* devices may differ */
};

/* Files end here in a directory: more are not looked at. */
enum { ASSAY_FILES_MAX = 4096 };

/* One file: an attestation, which is verified, or other people's JSON. */
enum assay_status assay_results_read(struct assay_benchmarks *benchmarks, const char *path,
                                     const struct assay_policy *policy, struct assay_error *error) ASSAY_CHECK_RESULT;

/* BASE and NEW. BASE may be a directory: all results in it and below that are of the same device and driver as NEW;
 * with twenty and more of them their own spread is the floor. What is compared is one number a launch. Launches of the
 * same code differ by up to the floor, one time of a hundred, and the rounds within one tell nothing of that; so the
 * spread of a change has both parts: of the floor, and of the medians of both by a bootstrap of their rounds. Without a
 * floor everything is unclear. */
enum assay_status assay_compare_files(struct assay_comparison *comparison, const char *base, const char *fresh,
                                      const struct assay_files *files, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The series of each metric in a directory, oldest first, for each device by itself: the last change is what is judged.
 */
enum assay_status assay_compare_history(struct assay_comparison *comparison, const char *directory,
                                        const struct assay_files *files, struct assay_error *error) ASSAY_CHECK_RESULT;

/* Files that end in .json below a directory, sorted; those of git and hidden ones are left out. To be released with
 * assay_paths_release. Errors: io.open, memory, files.many. */
enum assay_status assay_paths_list(char ***paths, size_t *count, const char *directory,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_paths_release(char **paths, size_t count);

#endif
