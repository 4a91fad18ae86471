/* SPDX-License-Identifier: Apache-2.0
 *
 * What the system says of a card beside its compute driver: how busy it is, and whether it is a whole card. Only read:
 * nothing is set or reset. No monitor is never an error; what cannot be read is unknown, never 0. All of it is a claim,
 * since the driver is the provider's. */
#ifndef HARNESS_MONITOR_H
#define HARNESS_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

/* A place where it is read. */
struct assay_monitor;

/* NVIDIA's management library: $ASSAY_NVML_LIBRARY, else libnvidia-ml.so.1. */
extern const struct assay_monitor assay_monitor_nvml;

/* The files of Linux's amdgpu driver, below $ASSAY_SYSFS, else /sys. */
extern const struct assay_monitor assay_monitor_sysfs;

#define ASSAY_MONITOR_WHOLE "whole"

/* Untrusted text, printable ASCII only; "" and -1 = unknown. Where a card is divided the numbers may be those of all of
 * it. */
struct assay_monitor_state {
	int utilisation_percent;   /* 0 to 100: of the last moments (NVML: 1/6 s to 1 s), how long a kernel ran */
	int64_t memory_used_bytes; /* by whomever, the driver's own share included */
	int processes;             /* that compute on it, the caller too once it has opened it; NVML only */
	char driver[64];           /* the version: "580.159.04" */
	char partition[64];        /* ASSAY_MONITOR_WHOLE, or what divides the card: NVML "MIG", "vGPU"; sysfs "CPX" */
};

/* The card at a PCI address: "0000:3b:00.0", in either case, with a domain of four or eight digits. False, and all is
 * unknown, when nothing can be read. `monitor` and `pci` may be NULL. */
bool assay_monitor_read(struct assay_monitor_state *state, const struct assay_monitor *monitor, const char *pci);

/* "0000:3b:00.0", as sysfs has it and NVML takes it, from a text in either case with a domain of four or eight digits;
 * false when it is anything else. */
bool assay_pci_address(char normal[32], const char *text);

/* The mean utilisation, in percent, over `ms` milliseconds: of samples 100 ms apart, the first at once. -1, without
 * further waiting, when a sample is unknown. */
int assay_monitor_busy(const struct assay_monitor *monitor, const char *pci, unsigned ms);

#endif
