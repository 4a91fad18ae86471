/* SPDX-License-Identifier: Apache-2.0
 *
 * NVIDIA's management library by dlopen: $ASSAY_NVML_LIBRARY, else libnvidia-ml.so.1. Only read from: nothing is set or
 * reset. Source: NVIDIA's NVML API reference. */
#ifndef HARNESS_NVML_H
#define HARNESS_NVML_H

enum {
	NVML_SUCCESS = 0,
	NVML_NOT_SUPPORTED = 3,
	NVML_INSUFFICIENT_SIZE = 7,
	NVML_TIMEOUT = 10,
	NVML_FUNCTION_NOT_FOUND = 13,
};

struct nvml_rates {
	unsigned gpu, memory;
};

struct nvml_memory {
	unsigned long long total, free, used;
};

struct nvml_event {
	void *device;
	unsigned long long type, data;
	unsigned gpu_instance, compute_instance;
};

/* X(member, parameters, symbol); all return a code. A library may lack any of them. */
#define NVML_FUNCTIONS(X)                                                                                      \
	X(init, (void), "nvmlInit_v2")                                                                         \
	X(driver, (char *text, unsigned len), "nvmlSystemGetDriverVersion")                                    \
	X(count, (unsigned *count), "nvmlDeviceGetCount_v2")                                                   \
	X(at, (unsigned index, void **handle), "nvmlDeviceGetHandleByIndex_v2")                                \
	X(find, (const char *pci, void **handle), "nvmlDeviceGetHandleByPciBusId_v2")                          \
	X(find_uuid, (const char *uuid, void **handle), "nvmlDeviceGetHandleByUUID")                           \
	X(name, (void *handle, char *text, unsigned len), "nvmlDeviceGetName")                                 \
	X(rates, (void *handle, struct nvml_rates *rates), "nvmlDeviceGetUtilizationRates")                    \
	X(memory, (void *handle, struct nvml_memory *memory), "nvmlDeviceGetMemoryInfo")                       \
	X(mig, (void *handle, unsigned *current, unsigned *pending), "nvmlDeviceGetMigMode")                   \
	X(virtualisation, (void *handle, unsigned *mode), "nvmlDeviceGetVirtualizationMode")                   \
	X(processes, (void *handle, unsigned *count, void *array), "nvmlDeviceGetComputeRunningProcesses_v3")  \
	X(clock, (void *handle, unsigned type, unsigned *mhz), "nvmlDeviceGetClockInfo")                       \
	X(power, (void *handle, unsigned *mw), "nvmlDeviceGetPowerUsage")                                      \
	X(power_limit, (void *handle, unsigned *mw), "nvmlDeviceGetEnforcedPowerLimit")                        \
	X(energy, (void *handle, unsigned long long *mj), "nvmlDeviceGetTotalEnergyConsumption")               \
	X(temperature, (void *handle, unsigned sensor, unsigned *celsius), "nvmlDeviceGetTemperature")         \
	X(throttle, (void *handle, unsigned long long *reasons), "nvmlDeviceGetCurrentClocksThrottleReasons")  \
	X(throttle_new, (void *handle, unsigned long long *reasons), "nvmlDeviceGetCurrentClocksEventReasons") \
	X(ecc, (void *handle, unsigned type, unsigned counter, unsigned long long *count),                     \
	  "nvmlDeviceGetTotalEccErrors")                                                                       \
	X(pcie_generation, (void *handle, unsigned *generation), "nvmlDeviceGetCurrPcieLinkGeneration")        \
	X(pcie_width, (void *handle, unsigned *width), "nvmlDeviceGetCurrPcieLinkWidth")                       \
	X(events_create, (void **set), "nvmlEventSetCreate")                                                   \
	X(events_register, (void *handle, unsigned long long types, void *set), "nvmlDeviceRegisterEvents")    \
	X(events_wait, (void *set, struct nvml_event *event, unsigned ms), "nvmlEventSetWait_v2")              \
	X(events_free, (void *set), "nvmlEventSetFree")

struct nvml {
#define NVML_MEMBER(member, parameters, symbol) int(*member) parameters;
	NVML_FUNCTIONS(NVML_MEMBER)
#undef NVML_MEMBER
};

/* Loaded and started once a process; NULL when there is none. */
const struct nvml *assay_nvml_load(void);

/* What a function returns; what this library lacks answers as NVML does. */
#define NVML_CALL(nvml, member, ...) ((nvml)->member ? (nvml)->member(__VA_ARGS__) : NVML_FUNCTION_NOT_FOUND)

#endif
