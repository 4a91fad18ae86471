/* SPDX-License-Identifier: Apache-2.0
 *
 * See doctor.h. What differs between vendors is in one table. */
#include "harness/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void assay_finding_add(struct assay_doctor *doctor, enum assay_finding_status status, const char *id,
                       const char *remedy, const char *format, ...)
{
	struct assay_finding *finding = &doctor->findings[doctor->count];
	va_list arguments;

	if (doctor->count == ASSAY_FINDINGS_MAX)
		return;
	doctor->count++;
	finding->status = status;
	finding->id = id;
	snprintf(finding->remedy, sizeof finding->remedy, "%s", remedy ? remedy : "");
	va_start(arguments, format);
	vsnprintf(finding->detail, sizeof finding->detail, format, arguments);
	va_end(arguments);
	assay_printable(finding->remedy);
	assay_printable(finding->detail);
}

const struct assay_found *assay_doctor_found(const struct assay_doctor *doctor, const struct assay_backend *backend)
{
	size_t b = 0;

	while (assay_backends[b] != backend)
		b++;
	return &doctor->found[b];
}

const char *assay_doctor_text(char text[512], const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t len = file ? fread(text, 1, 511, file) : 0;

	if (file)
		fclose(file);
	text[len] = '\0';
	return text;
}

const char *assay_doctor_line(char text[512], const char *path)
{
	size_t len = strcspn(assay_doctor_text(text, path), "\r\n");

	while (len > 0 && strchr(" \t", text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

const char *assay_doctor_path(char path[ASSAY_PATH_MAX], const struct assay_doctor *doctor, const char *name)
{
	snprintf(path, ASSAY_PATH_MAX, "%s%s", doctor->root, name);
	return path;
}

size_t assay_doctor_list(glob_t *matches, const char *pattern)
{
	memset(matches, 0, sizeof *matches);
	return glob(pattern, 0, NULL, matches) == 0 ? matches->gl_pathc : 0;
}

size_t assay_doctor_icds(glob_t *files, const char **place, const struct assay_doctor *doctor, const char *word)
{
	const char *given = getenv("OCL_ICD_VENDORS"), *root = given && *given ? "" : doctor->root;
	char pattern[ASSAY_PATH_MAX];

	*place = given && *given ? given : "/etc/OpenCL/vendors";
	size_t len = strlen(*place);
	if (len > 4 && strcmp(*place + len - 4, ".icd") == 0)
		snprintf(pattern, sizeof pattern, "%s%s", root, *place);
	else
		snprintf(pattern, sizeof pattern, "%s%s/*%s*.icd", root, *place, word);
	return assay_doctor_list(files, pattern);
}

/* ---- A vendor's cards ---- */

/* What is looked at, in this order. */
enum check { CARD, MODULE, NODE, DRIVER, KERNELS, ICD, CHECKS };
enum { BARE, CONTAINER, PLACES };

static const struct vendor {
	const char *pci;
	const char *module, *version; /* of the kernel; the second file is for where the first has none */
	const char *nodes[4];         /* patterns; the first is of no other vendor */
	const char *groups;           /* whom the vendor lets use its nodes */
	const char *icd;              /* part of its OpenCL file's name */
	const struct assay_backend *backend;
	const struct assay_image *images;
	bool (*compiler)(void);
	const char *compiler_name;
	const char *ids[CHECKS], *remedies[CHECKS][PLACES]; /* in a container the first where there is no second */
	const char *fewer; /* remedy where the backend has fewer devices than the bus has cards */
} vendors[] = {
    {
        .pci = "0x10de",
        .module = "nvidia",
        .version = "/proc/driver/nvidia/version",
        .nodes = {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia[0-9]*"},
        .groups = "",
        .icd = "nvidia",
        .backend = &assay_backend_cuda,
        .images = assay_images_cuda,
        .compiler = assay_compiler_cuda,
        .compiler_name = "libnvrtc",
        .ids = {"doctor.nvidia-card", "doctor.nvidia-module", "doctor.nvidia-node", "doctor.nvidia-driver",
                "doctor.nvidia-kernels", "doctor.nvidia-icd"},
        .remedies =
            {[MODULE] = {"install NVIDIA's driver and reboot; with Secure Boot its module has to be signed",
                         "on the host: install NVIDIA's driver and reboot"},
             [NODE] = {"run nvidia-smi and nvidia-modprobe -u as root: they make the nodes, or say why not",
                       "docker run --gpus all (the host needs the NVIDIA Container Toolkit)"},
             [DRIVER] = {"install libcuda.so.1 of the kernel module's version; after an update of the driver, reboot",
                         "docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility; the image must not "
                         "bring a libcuda of its own (cuda-compat)"},
             [KERNELS] = {"install CUDA's libnvrtc, or build assay where clang-19 is installed"},
             [ICD] = {"install the driver's OpenCL part (nvidia-opencl-icd)",
                      "NVIDIA_DRIVER_CAPABILITIES=compute,utility, or ASSAY_OPENCL_LIBRARY=libnvidia-opencl.so.1"}},
        .fewer = "look for a card that is hidden (CUDA_VISIBLE_DEVICES) or lost (nvidia-smi, dmesg)",
    },
    {
        .pci = "0x1002",
        .module = "amdgpu",
        .nodes = {"/dev/kfd", "/dev/dri/renderD*"},
        .groups = " (ROCm asks for render and video)",
        .icd = "amdocl",
        .backend = &assay_backend_hip,
        .images = assay_images_hip,
        .compiler = assay_compiler_hip,
        .compiler_name = "libhiprtc",
        .ids = {"doctor.amd-card", "doctor.amd-module", "doctor.amd-node", "doctor.amd-driver", "doctor.amd-kernels",
                "doctor.amd-icd"},
        .remedies = {[MODULE] = {"modprobe amdgpu; a card newer than the kernel needs the package amdgpu-dkms",
                                 "on the host: modprobe amdgpu, or install amdgpu-dkms"},
                     [NODE] = {"modprobe amdgpu; the kernel needs CONFIG_HSA_AMD; dmesg says why if it has it",
                               "docker run --device /dev/kfd --device /dev/dri"},
                     [DRIVER] = {"install ROCm's runtime (libamdhip64), of a version that knows the card: rocminfo",
                                 "use an image with ROCm's runtime (libamdhip64) of a version that knows the card"},
                     [KERNELS] = {"install ROCm's libhiprtc, or build assay where clang-19 and lld-19 are installed"},
                     [ICD] = {"install ROCm's OpenCL (rocm-opencl-runtime)"}},
        .fewer = "look for a card that is hidden (HIP_VISIBLE_DEVICES) or that ROCm does not support (rocminfo)",
    },
};

/* Cards of a vendor: display controllers (class 03) and accelerators (12). `bound` is the kernel driver of one. */
static uint32_t cards_count(const struct assay_doctor *doctor, const struct vendor *vendor, char bound[64])
{
	char path[ASSAY_PATH_MAX], text[512];
	uint32_t count = 0;
	glob_t devices;

	snprintf(bound, 64, "nothing");
	size_t matches = assay_doctor_list(&devices, assay_doctor_path(path, doctor, "/sys/bus/pci/devices/*"));
	for (size_t i = 0; i < matches; i++) {
		snprintf(path, sizeof path, "%s/vendor", devices.gl_pathv[i]);
		if (strcmp(assay_doctor_line(text, path), vendor->pci) != 0)
			continue;
		snprintf(path, sizeof path, "%s/class", devices.gl_pathv[i]);
		assay_doctor_line(text, path);
		if (strncmp(text, "0x03", 4) != 0 && strncmp(text, "0x12", 4) != 0)
			continue;
		count++;
		snprintf(path, sizeof path, "%s/driver", devices.gl_pathv[i]);
		ssize_t len = readlink(path, text, sizeof text - 1);
		text[len > 0 ? len : 0] = '\0';
		if (len > 0)
			snprintf(bound, 64, "%.63s", strrchr(text, '/') ? strrchr(text, '/') + 1 : text);
	}
	globfree(&devices);
	return count;
}

static const char *remedy_of(const struct assay_doctor *doctor, const struct vendor *vendor, enum check check)
{
	const char *const *remedies = vendor->remedies[check];

	return doctor->container && remedies[CONTAINER] ? remedies[CONTAINER] : remedies[BARE];
}

/* What is missing is a problem unless the backend works without it (WSL has no such module and nodes). */
static void missing(struct assay_doctor *doctor, const struct vendor *vendor, enum check check, bool works,
                    const char *what)
{
	if (works)
		assay_finding_add(doctor, ASSAY_FINDING_SKIPPED, vendor->ids[check], NULL, "%s, and not needed", what);
	else
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, vendor->ids[check], remedy_of(doctor, vendor, check),
		                  "%s", what);
}

static bool module_check(struct assay_doctor *doctor, const struct vendor *vendor, bool works)
{
	char path[ASSAY_PATH_MAX], name[64], version[512];

	snprintf(name, sizeof name, "/sys/module/%s", vendor->module);
	bool loaded = access(assay_doctor_path(path, doctor, name), F_OK) == 0;
	snprintf(name, sizeof name, "/sys/module/%s/version", vendor->module);
	assay_doctor_line(version, assay_doctor_path(path, doctor, name));
	if (!*version && vendor->version)
		assay_doctor_line(version, assay_doctor_path(path, doctor, vendor->version));
	loaded = loaded || *version;
	snprintf(name, sizeof name, "the kernel module %s is not loaded", vendor->module);
	if (loaded)
		assay_finding_add(doctor, ASSAY_FINDING_OK, vendor->ids[MODULE], NULL, "%s %s", vendor->module,
		                  *version ? version : "as it comes with the kernel");
	else
		missing(doctor, vendor, MODULE, works, name);
	return loaded;
}

/* The first node of a vendor that cannot be opened, and why: an errno, or 0 when all can. */
static int nodes_open(char path[ASSAY_PATH_MAX], const struct assay_doctor *doctor, const struct vendor *vendor)
{
	int code = 0;

	for (size_t i = 0; !code && vendor->nodes[i]; i++) {
		glob_t nodes;
		if (assay_doctor_list(&nodes, assay_doctor_path(path, doctor, vendor->nodes[i])) == 0)
			code = ENOENT;
		for (size_t n = 0; !code && n < nodes.gl_pathc; n++) {
			snprintf(path, ASSAY_PATH_MAX, "%s", nodes.gl_pathv[n]);
			int file = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
			if (file < 0)
				code = errno;
			else
				close(file);
		}
		globfree(&nodes);
	}
	return code;
}

static bool nodes_check(struct assay_doctor *doctor, const struct vendor *vendor, bool works)
{
	char path[ASSAY_PATH_MAX], what[320], remedy[320];
	int code = nodes_open(path, doctor, vendor);
	struct stat info;

	snprintf(what, sizeof what, "%.200s: %s", path + strlen(doctor->root), strerror(code));
	if (code == 0)
		assay_finding_add(doctor, ASSAY_FINDING_OK, vendor->ids[NODE], NULL, "can be opened");
	else if (code == EACCES && stat(path, &info) == 0) {
		const struct group *group = getgrgid(info.st_gid);
		if (doctor->container)
			snprintf(remedy, sizeof remedy, "docker run --group-add %u%s", info.st_gid, vendor->groups);
		else if (group && (info.st_mode & 0060) == 0060)
			snprintf(remedy, sizeof remedy, "usermod -aG %s USER%s, then log in again", group->gr_name,
			         vendor->groups);
		else
			snprintf(remedy, sizeof remedy, "let a group use it, by a udev rule%s", vendor->groups);
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, vendor->ids[NODE], remedy,
		                  "%s; it is of group %s, mode %04o", what, group ? group->gr_name : "?",
		                  info.st_mode & 07777);
	} else if (code == ENOENT || code == EPERM)
		missing(doctor, vendor, NODE, works, what);
	else
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, vendor->ids[NODE], "dmesg says why", "%s", what);
	return code == 0;
}

/* `ready`: nothing before the driver was a problem. */
static void driver_check(struct assay_doctor *doctor, const struct vendor *vendor, uint32_t cards,
                         const struct assay_found *found, bool ready)
{
	if (found->count == 0)
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, vendor->ids[DRIVER],
		                  ready ? remedy_of(doctor, vendor, DRIVER) : "first what is said above", "%s",
		                  found->error.text);
	else if (found->count < cards && !doctor->container)
		assay_finding_add(doctor, ASSAY_FINDING_PROBLEM, vendor->ids[DRIVER], vendor->fewer,
		                  "devices of %s: %u; cards on the bus: %u", vendor->backend->name, found->count,
		                  cards);
	else
		assay_finding_add(doctor, ASSAY_FINDING_OK, vendor->ids[DRIVER], NULL, "devices of %s: %u",
		                  vendor->backend->name, found->count);
}

static void kernels_check(struct assay_doctor *doctor, const struct vendor *vendor)
{
	bool compiler = vendor->compiler();
	char text[256] = "none";
	size_t len = 0;

	/* A device needs the portable ones. */
	for (const struct assay_image *image = vendor->images; image->architecture && len < sizeof text - 16; image++)
		if (image->program == ASSAY_PROGRAM_PORTABLE)
			len += (size_t)snprintf(text + len, sizeof text - len, "%s%.15s", len ? " " : "",
			                        image->architecture);
	const bool built = len > 0;
	assay_finding_add(doctor, built || compiler ? ASSAY_FINDING_OK : ASSAY_FINDING_PROBLEM, vendor->ids[KERNELS],
	                  built || compiler ? NULL : remedy_of(doctor, vendor, KERNELS),
	                  "in this program: %s; %s for others: %s", text, vendor->compiler_name,
	                  compiler ? "yes" : "no");
}

static void vendor_check(struct assay_doctor *doctor, const struct vendor *vendor)
{
	const struct assay_found *found = assay_doctor_found(doctor, vendor->backend);
	const char *place;
	char path[ASSAY_PATH_MAX], bound[64];
	uint32_t cards = cards_count(doctor, vendor, bound);
	bool works = found->count > 0, node = access(assay_doctor_path(path, doctor, vendor->nodes[0]), F_OK) == 0;
	glob_t icds;

	if (cards)
		assay_finding_add(doctor, ASSAY_FINDING_OK, vendor->ids[CARD], NULL, "on the PCI bus: %u, driven by %s",
		                  cards, bound);
	else
		assay_finding_add(doctor, ASSAY_FINDING_FACT, vendor->ids[CARD], NULL, "none on the PCI bus");
	if (!cards && !works && !node) {
		for (int check = CARD + 1; check < CHECKS; check++)
			assay_finding_add(doctor, ASSAY_FINDING_SKIPPED, vendor->ids[check], NULL, "no card");
		return;
	}
	bool ready = module_check(doctor, vendor, works);
	if (ready || works)
		ready = nodes_check(doctor, vendor, works);
	else
		assay_finding_add(doctor, ASSAY_FINDING_SKIPPED, vendor->ids[NODE], NULL, "needs the kernel module");
	driver_check(doctor, vendor, cards, found, ready);
	kernels_check(doctor, vendor);
	size_t files = assay_doctor_icds(&icds, &place, doctor, vendor->icd);
	globfree(&icds);
	if (!node)
		assay_finding_add(doctor, ASSAY_FINDING_SKIPPED, vendor->ids[ICD], NULL, "needs the device's nodes");
	else if (files)
		assay_finding_add(doctor, ASSAY_FINDING_OK, vendor->ids[ICD], NULL, "OpenCL knows its driver");
	else
		assay_finding_add(doctor, ASSAY_FINDING_FACT, vendor->ids[ICD], remedy_of(doctor, vendor, ICD),
		                  "OpenCL does not know its driver; %s does without", vendor->backend->name);
}

void assay_doctor_cards(struct assay_doctor *doctor)
{
	for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
		vendor_check(doctor, &vendors[i]);
}
