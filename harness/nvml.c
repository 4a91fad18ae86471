/* SPDX-License-Identifier: Apache-2.0
 *
 * See nvml.h. */
#include "harness/nvml.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

static struct nvml nvml;
static bool started;
static pthread_once_t loaded = PTHREAD_ONCE_INIT;

static void load(void)
{
	const char *given = getenv("ASSAY_NVML_LIBRARY");
	void *library = dlopen(given && *given ? given : "libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return;
#define NVML_LOAD(member, parameters, symbol) *(void **)&nvml.member = dlsym(library, symbol);
	NVML_FUNCTIONS(NVML_LOAD)
#undef NVML_LOAD
	started = nvml.init && nvml.init() == NVML_SUCCESS;
}

const struct nvml *assay_nvml_load(void)
{
	pthread_once(&loaded, load);
	return started ? &nvml : NULL;
}
