/* SPDX-License-Identifier: Apache-2.0
 *
 * What people name: profiles, rows of sizes, workloads, and the segments that they make (SPEC 3, 11). */
#ifndef HARNESS_TERMS_H
#define HARNESS_TERMS_H

#include "verify/challenge.h"

/* Cuts the next name out of a list separated by commas. False at its end. */
bool assay_terms_next(char name[64], const char **list);

/* "quick", "standard", "soak". Errors: profile.unknown. */
enum assay_status assay_terms_profile(const struct assay_profile **profile, const char *name,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

/* "host" to "huge". Errors: profile.row. */
enum assay_status assay_terms_row(const struct assay_row **row, const char *name,
                                  struct assay_error *error) ASSAY_CHECK_RESULT;

/* Of a workload: what is asked for, or what the profile has for these (0). Errors: profile.duration. */
enum assay_status assay_terms_duration(uint32_t *duration_ms, uint32_t duration_s, const struct assay_profile *profile,
                                       const struct assay_work *const *works, uint32_t segments,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;

/* The challenge's segments. */
void assay_terms_segments(struct assay_challenge *challenge, const struct assay_work *const *works, uint32_t segments,
                          const struct assay_row *row, const struct assay_params *table, uint32_t duration_ms);

/* The workloads of a list: "all", or names with or without their version ("matmul-i8"). At most ASSAY_SEGMENTS_MAX. */
enum assay_status assay_terms_works(const struct assay_work **works, uint32_t *count, const char *list,
                                    struct assay_error *error) ASSAY_CHECK_RESULT;

#endif
