/* SPDX-License-Identifier: Apache-2.0
 *
 * assay doctor: what stands between this machine and its GPUs, and what to do about it, a line a finding. For tests,
 * files of the system are looked for below $ASSAY_DOCTOR_ROOT. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/command.h"
#include "harness/doctor.h"
#include "harness/limit.h"
#include "harness/opencl.h"
#include "harness/secret.h"
#include "verify/json.h"

static const char usage[] = "usage: assay doctor [--json] [--max-time TIME]\n"
                            "\n"
                            "Checks that the GPUs of this machine can be used, and says what to do where one cannot.\n"
                            "\n"
                            "      --json   an array of findings, those that do not apply too\n"
                            "      --max-time TIME  end within 25s, 2m, 1h\n"
                            "\n"
                            "exit  0 nothing is wrong   3 a problem was found\n";

static const char *const status_names[] = {"ok", "problem", "fact", "not-applicable"};

/* ---- The place ---- */

static const char *container_sign(const struct assay_doctor *doctor)
{
	static const char *const files[] = {"/.dockerenv", "/run/.containerenv"};
	static const char *const variables[] = {"container", "KUBERNETES_SERVICE_HOST"};
	static const char *const groups[] = {"docker", "kubepods", "containerd", "libpod", "lxc"};
	char path[ASSAY_PATH_MAX], text[512];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (access(assay_doctor_path(path, doctor, files[i]), F_OK) == 0)
			return files[i];
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		if (getenv(variables[i]))
			return variables[i];
	assay_doctor_text(text, assay_doctor_path(path, doctor, "/proc/1/cgroup"));
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (strstr(text, groups[i]))
			return groups[i];
	return NULL;
}

/* "16.0 GiB". */
static const char *size_text(char out[32], uint64_t bytes)
{
	snprintf(out, 32, "%.1f %s", (double)bytes / (bytes >> 30 ? 1 << 30 : 1 << 20), bytes >> 30 ? "GiB" : "MiB");
	return out;
}

static void place_facts(struct assay_doctor *doctor)
{
	char path[ASSAY_PATH_MAX], text[512], memory[32] = "none", locked[32] = "none";
	struct rlimit limit;

	if (doctor->container)
		assay_finding_add(doctor, ASSAY_FINDING_FACT, "doctor.container", NULL, "inside one, by %s",
		                  doctor->container);
	else
		assay_finding_add(doctor, ASSAY_FINDING_FACT, "doctor.container", NULL, "no sign of one");
	assay_doctor_line(text, assay_doctor_path(path, doctor, "/sys/fs/cgroup/memory.max"));
	if (*text >= '0' && *text <= '9')
		size_text(memory, strtoull(text, NULL, 10));
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		size_text(locked, limit.rlim_cur);
	assay_finding_add(doctor, ASSAY_FINDING_FACT, "doctor.memory", NULL,
	                  "limit of the cgroup: %s; of locked memory: %s", memory, locked);
}

/* ---- OpenCL ---- */

/* Whether the library that a file names can be loaded; adds to `broken` when not. It stays loaded: not every driver
 * survives to be unloaded. */
static bool icd_loads(char broken[512], const char *path)
{
	char name[512];
	size_t len = strlen(broken);

	if (*assay_doctor_line(name, path) && dlopen(name, RTLD_LAZY | RTLD_LOCAL))
		return true;
	const char *why = *name ? dlerror() : "names no library";
	snprintf(broken + len, 512 - len, "%s%.100s: %.200s", len ? "; " : "",
	         strrchr(path, '/') ? strrchr(path, '/') + 1 : path, why ? why : name);
	return false;
}

static void opencl_check(struct assay_doctor *doctor)
{
	const struct assay_found *found = assay_doctor_found(doctor, &assay_backend_opencl);
	const char *place;
	char broken[512] = "";
	size_t bad = 0;
	glob_t icds;

	size_t count = assay_doctor_icds(&icds, &place, doctor, "");
	for (size_t i = 0; i < count; i++)
		bad += !icd_loads(broken, icds.gl_pathv[i]);
	globfree(&icds);
	if (count == 0)
		assay_finding_add(doctor, ASSAY_FINDING_FACT, "doctor.opencl-icd",
		                  "install the GPU's OpenCL driver, or pocl-opencl-icd for the CPU", "no driver in %s",
		                  place);
	else if (bad)
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, "doctor.opencl-icd",
		                  "install the driver again, or remove a file that is left over",
		                  "%zu of %zu do not load: %s", bad, count, broken);
	else
		assay_finding_add(doctor, ASSAY_FINDING_OK, "doctor.opencl-icd", NULL, "drivers that load: %zu", count);

	if (found->count)
		assay_finding_add(doctor, ASSAY_FINDING_OK, "doctor.opencl", NULL, "devices of opencl: %u",
		                  found->count);
	else if (count > bad && !assay_opencl_load(NULL))
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, "doctor.opencl",
		                  "install ocl-icd-libopencl1; clinfo shows a driver that crashes", "%s",
		                  found->error.text);
	else
		assay_finding_add(doctor, count ? ASSAY_FINDING_FACT : ASSAY_FINDING_SKIPPED, "doctor.opencl", NULL,
		                  "%s", found->error.text);
}

/* ---- What every machine has ---- */

/* The lowest directory above a file that exists; false, with errno, when nothing can be made in it. */
static bool can_be_made(char directory[ASSAY_PATH_MAX], const char *path)
{
	size_t len = strlen(path);

	do {
		while (len > 0 && path[len - 1] != '/')
			len--;
		snprintf(directory, ASSAY_PATH_MAX, "%.*s", len ? (int)len : 2, len ? path : "./");
		while (len > 0 && path[len - 1] == '/')
			len--;
		if (access(directory, W_OK | X_OK) == 0)
			return true;
	} while (errno == ENOENT && len > 0);
	return false;
}

/* Whether the key that signs can be read, or made. Nothing is. */
static void state_check(struct assay_doctor *doctor)
{
	static const char id[] = "doctor.state", remedy[] = "ASSAY_STATE_DIR=DIR, one that lasts and can be written";
	char path[ASSAY_PATH_MAX], directory[ASSAY_PATH_MAX];
	struct assay_secret secret;
	struct assay_error error;

	if (!assay_state_config(path, "key")) {
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, id, remedy, "no home directory to keep a key in");
	} else if (access(path, F_OK) == 0) {
		bool read = assay_secret_read(&secret, path, &error) == ASSAY_OK;
		assay_secret_forget(&secret);
		assay_finding_add(doctor, read ? ASSAY_FINDING_OK : ASSAY_FINDING_PROBLEM, id, read ? NULL : remedy,
		                  "%s", read ? path : error.text);
	} else if (can_be_made(directory, path)) {
		assay_finding_add(doctor, ASSAY_FINDING_OK, id, NULL, "a key can be made below %s", directory);
	} else {
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, id, remedy, "no key can be made below %s: %s",
		                  directory, strerror(errno));
	}
}

static void devices_list(struct assay_doctor *doctor)
{
	char text[256] = "";
	size_t len = 0;

	for (size_t b = 0; assay_backends[b] && b < ASSAY_FOUND_MAX; b++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%.16s %u", len ? ", " : "",
		                        assay_backends[b]->name, doctor->found[b].count);
	assay_finding_add(doctor, ASSAY_FINDING_FACT, "doctor.devices", NULL, "%s", text);
}

static int print(const struct assay_doctor *doctor)
{
	for (size_t i = 0; i < doctor->count; i++) {
		const struct assay_finding *finding = &doctor->findings[i];
		if (finding->status == ASSAY_FINDING_SKIPPED)
			continue;
		printf("%-8s %-22s %s\n", status_names[finding->status], finding->id, finding->detail);
		if (*finding->remedy)
			printf("%-32s-> %s\n", "", finding->remedy);
	}
	return 0;
}

static int print_json(const struct assay_doctor *doctor)
{
	json_t *array = json_array();

	for (size_t i = 0; i < doctor->count; i++) {
		const struct assay_finding *finding = &doctor->findings[i];
		json_array_append_new(array,
		                      json_pack("{s:s,s:s,s:s,s:o}", "id", finding->id, "status",
		                                status_names[finding->status], "detail", finding->detail, "remedy",
		                                *finding->remedy ? json_string(finding->remedy) : json_null()));
	}
	return assay_print_json(array);
}

int assay_command_doctor(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'},
	                                        {"max-time", required_argument, NULL, 'T'},
	                                        {"help", no_argument, NULL, 'h'},
	                                        {0}};
	static struct assay_doctor doctor;
	const char *root = getenv("ASSAY_DOCTOR_ROOT");
	bool json = false;

	for (int option; (option = getopt_long(argc, argv, "jh", options, NULL)) != -1;) {
		if (option == 'j')
			json = true;
		else if (option == 'T') {
			if (!assay_limit_option(optarg))
				return ASSAY_EXIT_ERROR;
		} else
			return assay_usage(usage, option == 'h');
	}
	if (optind < argc)
		return assay_usage(usage, false);
	doctor.root = root ? root : "";
	assay_limit_doing("asking drivers");
	/* First of all: drivers make their nodes on first use. */
	for (size_t b = 0; assay_backends[b] && b < ASSAY_FOUND_MAX; b++)
		if (assay_backends[b]->count(&doctor.found[b].count, &doctor.found[b].error) != ASSAY_OK)
			doctor.found[b].count = 0;
	doctor.container = container_sign(&doctor);
	place_facts(&doctor);
	assay_doctor_cards(&doctor);
	opencl_check(&doctor);
	state_check(&doctor);
	devices_list(&doctor);

	int code = json ? print_json(&doctor) : print(&doctor);
	for (size_t i = 0; i < doctor.count; i++)
		if (doctor.findings[i].status == ASSAY_FINDING_PROBLEM)
			code = ASSAY_EXIT_ERROR;
	return code;
}
