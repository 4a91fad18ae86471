/* SPDX-License-Identifier: Apache-2.0
 *
 * The device interface. A backend is a table of functions, all required; `struct assay_device` is an open device with
 * its kernels built, which is what the rest of the harness uses. To add a backend: a backend_<name>.c with such a
 * table, and a line in backend.c. */
#ifndef HARNESS_BACKEND_H
#define HARNESS_BACKEND_H

#include "harness/monitor.h"
#include "kernels/kernels.h"
#include "verify/bytes.h"

enum { ASSAY_ARGUMENTS_MAX = 10 };

/* What a device says of itself: untrusted text, printable ASCII only. */
struct assay_device_info {
	char name[257], architecture[257], driver[257], variant[257];
	uint32_t compute_units;
	uint64_t memory_bytes;
	uint64_t buffer_bytes_max; /* of one buffer; 0 = no limit of its own */
	uint64_t cache_bytes;      /* of the last level of cache; 0 = unknown */
	uint32_t lanes;            /* 32-bit values a work-item holds side by side: 1, 4, 8 or 16 */
	bool is_cpu;

	/* Shown here, never in a file that travels; "" = unknown. */
	char uuid[48], pci[32]; /* "3d9f...": 16 bytes in hexadecimal; "0000:3b:00.0" */

	/* What would make a measurement of it unfair. */
	char partition[64];                  /* "whole", what divides the card ("MIG", "CPX"), or "" = unknown */
	int processes;                       /* of others that compute on it; -1 = unknown */
	uint64_t memory_used_bytes;          /* by whomever, when it was opened; UINT64_MAX = unknown */
	const struct assay_monitor *monitor; /* tells how busy it is; NULL = nobody does */
};

/* Choices that are the device's own unless they are given; 0 = the device's own. */
struct assay_tuning {
	uint32_t lanes;
	uint32_t group; /* work-items of a group, a power of two */
};

/* One way to compute a kernel on a device. Number 0 is the portable one. */
struct assay_variant {
	char name[16];   /* "portable", "mma" */
	char route[192]; /* how the device gets it ("PTX for sm_75, compiled by the driver"), or why it cannot */
	bool available;
};

/* A kernel that was built for a device. */
struct assay_kernel {
	void *handle;             /* the backend's own */
	uint32_t variant;         /* its number */
	struct assay_shape shape; /* all 0 where work-items are independent */
};

/* A kernel's argument: a buffer of the same device, or a 32-bit value when `buffer` is NULL. */
struct assay_argument {
	void *buffer;
	uint32_t value;
};

/* `device` and `buffer` are the backend's own. All functions that return a status fill *error when it is not
 * ASSAY_OK; reasons are device.open, device.memory, device.build, device.launch, device.transfer. */
struct assay_backend {
	const char *name;

	/* Devices present. None is not an error; *error then says why, and what would change it. */
	enum assay_status (*count)(uint32_t *count, struct assay_error *error);
	enum assay_status (*open)(void **device, uint32_t index, const struct assay_tuning *tuning,
	                          struct assay_error *error);
	void (*close)(void *device);
	void (*describe)(const void *device, struct assay_device_info *info); /* into one that knows nothing */

	enum assay_status (*alloc)(void *device, void **buffer, size_t len, struct assay_error *error);
	void (*release)(void *device, void *buffer);
	enum assay_status (*write)(void *device, void *buffer, size_t offset, const void *data, size_t len,
	                           struct assay_error *error);
	enum assay_status (*read)(void *device, void *data, const void *buffer, size_t offset, size_t len,
	                          struct assay_error *error);

	/* Variant `number` of a kernel; false when there are no more. */
	bool (*variant)(const void *device, enum assay_kernel_id id, uint32_t number, struct assay_variant *variant);
	enum assay_status (*build)(void *device, struct assay_kernel *kernel, enum assay_kernel_id id, uint32_t number,
	                           struct assay_error *error);
	void (*discard)(void *device, struct assay_kernel *kernel);

	/* Runs `items` work-items, in order with other calls on this device, not necessarily before it returns; whole
	 * groups where the kernel has a shape. Copies the arguments. */
	enum assay_status (*launch)(void *device, const struct assay_kernel *kernel, uint32_t items,
	                            const struct assay_argument *arguments, size_t count, struct assay_error *error);
	enum assay_status (*synchronise)(void *device, struct assay_error *error);

	/* Time by the device's own clock: mark 0, then mark 1, each in order with launches; and what lay between them,
	 * once both have passed (after `synchronise` or a read). A mark that fails is no error: false, the time is
	 * unknown. */
	void (*mark)(void *device, uint32_t which);
	bool (*elapsed)(void *device, uint64_t *ns);
};

extern const struct assay_backend assay_backend_cpu, assay_backend_cuda, assay_backend_hip, assay_backend_opencl;

/* Whether a vendor's compiler of kernels can be loaded. A device needs it that no image in this program serves. */
bool assay_compiler_cuda(void), assay_compiler_hip(void);

/* All backends, ended by NULL. */
extern const struct assay_backend *const assay_backends[];

struct assay_device {
	const struct assay_backend *backend;
	char id[32]; /* "cpu", "opencl:0" */
	void *handle;
	struct assay_kernel kernels[ASSAY_KERNEL_COUNT];
	struct assay_device_info info;
};

/* Opens a device of a backend and builds its portable kernels. `tuning` may be NULL. */
enum assay_status assay_device_open(struct assay_device *device, const struct assay_backend *backend, uint32_t index,
                                    const struct assay_tuning *tuning, struct assay_error *error) ASSAY_CHECK_RESULT;

/* The same from an id: "cpu", "opencl:1", or a backend's name for its device 0. */
enum assay_status assay_device_open_id(struct assay_device *device, const char *id,
                                       struct assay_error *error) ASSAY_CHECK_RESULT;
void assay_device_close(struct assay_device *device);

/* Takes another variant of a kernel. After an error the device has the kernel that it had. */
enum assay_status assay_device_use(struct assay_device *device, enum assay_kernel_id id, uint32_t number,
                                   struct assay_error *error) ASSAY_CHECK_RESULT;

/* Work-items for a launch over rows x columns tiles: one a tile, or whole groups of the kernel's shape. */
uint32_t assay_device_items(const struct assay_device *device, enum assay_kernel_id id, uint64_t rows,
                            uint64_t columns);

/* For backends with one variant only: what `variant` returns. */
bool assay_variant_portable(struct assay_variant *variant, uint32_t number, const char *route);

/* Launches one of the device's kernels. */
enum assay_status assay_device_launch(struct assay_device *device, enum assay_kernel_id id, uint32_t items,
                                      const struct assay_argument *arguments, size_t count,
                                      struct assay_error *error) ASSAY_CHECK_RESULT;

#define ASSAY_BUFFER(pointer) ((struct assay_argument){.buffer = (pointer)})
#define ASSAY_VALUE(number) ((struct assay_argument){.value = (uint32_t)(number)})

#endif
