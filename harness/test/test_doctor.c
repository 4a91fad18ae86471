/* SPDX-License-Identifier: Apache-2.0
 *
 * assay doctor on machines that are made of files: what it finds, what it says to do, and its exit code. Drivers are
 * test doubles, or missing. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/test/support.h"
#include "verify/json.h"

static json_t *findings;

static void leave(void)
{
	json_decref(findings);
	findings = NULL;
	support_leave();
}

TestSuite(doctor, .fini = leave, .timeout = 120);

/* Parts of a machine, in shell; $R is its root. */
#define PARTS                                                                                                   \
	"R=$T/root; card() { d=$R/sys/bus/pci/devices/$1; mkdir -p $d; echo $2 >$d/vendor; echo $3 >$d/class; " \
	"ln -s ../../../../bus/pci/drivers/$4 $d/driver; }; "                                                   \
	"module() { mkdir -p $R/sys/module/$1; [ -z \"$2\" ] || echo \"$2\" >$R/sys/module/$1/version; }; "     \
	"nodes() { for n in \"$@\"; do mkdir -p $R/dev/$(dirname $n); : >$R/dev/$n; done; }; "                  \
	"icd() { mkdir -p $R/etc/OpenCL/vendors; echo \"$2\" >$R/etc/OpenCL/vendors/$1; }; "                    \
	"container() { mkdir -p $R; : >$R/.dockerenv; }; mkdir -p $R/sys $R/proc $R/dev $R/etc $R/run; "
#define NVIDIA "card 0000:01:00.0 0x10de 0x030200 nvidia; module nvidia 535.183.01; "
#define NVIDIA_NODES "nodes nvidiactl nvidia-uvm nvidia0 nvidia1; "
#define AMD "card 0000:03:00.0 0x1002 0x120000 amdgpu; card 0000:03:00.1 0x1002 0x040300 snd; module amdgpu; "
#define AMD_NODES "nodes kfd dri/renderD128; "
#define CUDA "ASSAY_CUDA_LIBRARY=$B/double/libcuda.so "
#define HIP "ASSAY_HIP_LIBRARY=$B/double/libamdhip64.so "

/* Whatever this machine has is out of sight. */
#define NOTHING                                                                                     \
	"env -u container -u KUBERNETES_SERVICE_HOST -u OCL_ICD_VENDORS ASSAY_DOCTOR_ROOT=$T/root " \
	"ASSAY_CUDA_LIBRARY=/nonexistent.so ASSAY_HIP_LIBRARY=/nonexistent.so ASSAY_OPENCL_LIBRARY=/nonexistent.so "

static void build(const char *parts)
{
	cr_assert_eq(support_run("rm -rf $T/root; " PARTS "%s", parts), 0, "%s: %s", parts, support_err);
}

/* Runs it in an environment; its exit code is the wanted one, and its output is canonical JSON. */
static void doctor(int code, const char *environment)
{
	int found = support_run(NOTHING "%s $A doctor --json", environment);

	cr_assert_eq(found, code, "exit %d: %s%s", found, support_out, support_err);
	cr_assert_str_empty(support_err);
	size_t len = strlen(support_out);
	cr_assert_gt(len, 0);
	cr_assert_eq(support_out[len - 1], '\n');
	json_decref(findings);
	findings = assay_json_parse(support_out, len - 1);
	cr_assert(json_is_array(findings), "%s", support_out);
	for (size_t i = 0; i < json_array_size(findings); i++)
		cr_assert(assay_json_is(json_array_get(findings, i), 4));
}

/* There is one finding of this id, with this status, and these words in its detail and its remedy (NULL = none). */
static void says(const char *id, const char *status, const char *detail, const char *remedy)
{
	const json_t *found = NULL, *finding;
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		if (strcmp(json_string_value(json_object_get(finding, "id")), id) != 0)
			continue;
		cr_assert_null(found, "%s: twice", id);
		found = finding;
	}
	cr_assert(found, "%s: not said", id);
	cr_expect_str_eq(json_string_value(json_object_get(found, "status")), status, "%s: %s", id, support_out);
	cr_expect(strstr(json_string_value(json_object_get(found, "detail")), detail), "%s: %s not in %s", id, detail,
	          support_out);
	const char *advice = json_string_value(json_object_get(found, "remedy"));
	cr_expect(remedy ? advice && strstr(advice, remedy) : !advice, "%s: %s", id, advice ? advice : "no remedy");
}

/* A machine that works has kernels for its cards, too. */
static void images(void)
{
	if (!assay_images_cuda[0].architecture || !assay_images_hip[0].architecture)
		support_missing("images", "no clang for GPUs when this was built");
}

Test(doctor, a_machine_without_gpu)
{
	support_enter();
	build("");
	doctor(0, "");
	says("doctor.container", "fact", "no sign", NULL);
	says("doctor.nvidia-card", "fact", "none", NULL);
	says("doctor.nvidia-driver", "not-applicable", "no card", NULL);
	says("doctor.amd-card", "fact", "none", NULL);
	says("doctor.amd-node", "not-applicable", "no card", NULL);
	says("doctor.opencl-icd", "fact", "/etc/OpenCL/vendors", "pocl-opencl-icd");
	says("doctor.opencl", "not-applicable", "", NULL);
	says("doctor.state", "ok", "a key can be made", NULL);
	says("doctor.devices", "fact", "cpu 1, cuda 0, hip 0, opencl 0", NULL);
	/* Nothing was made. */
	cr_assert_eq(support_run("ls -A $T/.state $T/root"), 2);
}

Test(doctor, text_is_aligned_and_without_what_does_not_apply)
{
	support_enter();
	build(NVIDIA);
	cr_assert_eq(support_run(NOTHING "$A doctor"), 3, "%s", support_err);
	cr_assert_str_empty(support_err);
	cr_assert(strstr(support_out, "problem  doctor.nvidia-node     /dev/nvidiactl: No such file or directory\n"),
	          "%s", support_out);
	cr_assert_not(strstr(support_out, "doctor.amd-driver"), "%s", support_out);
	cr_assert_eq(
	    support_run(NOTHING
	                "$A doctor | grep -vE '^(ok|problem|fact) {1,8}doctor[.][a-z-]{1,15} +[^ ]|^ {32}-> .'"),
	    1, "%s", support_out);
	cr_assert_eq(support_run(NOTHING "$A doctor | awk 'length > 160' | grep ."), 1, "%s", support_out);
}

Test(doctor, nvidia_without_its_module)
{
	support_enter();
	build("card 0000:01:00.0 0x10de 0x030000 nouveau; card 0000:01:00.1 0x10de 0x040300 snd; ");
	doctor(3, "");
	says("doctor.nvidia-card", "ok", "bus: 1, driven by nouveau", NULL);
	says("doctor.nvidia-module", "problem", "not loaded", "install NVIDIA's driver");
	says("doctor.nvidia-node", "not-applicable", "needs the kernel module", NULL);
	says("doctor.nvidia-driver", "problem", "cuda: no NVIDIA driver here", "first what is said above");
	says("doctor.amd-card", "fact", "none", NULL);
}

Test(doctor, nvidia_in_a_container_without_nodes)
{
	support_enter();
	build("container; " NVIDIA);
	doctor(3, "");
	says("doctor.container", "fact", "/.dockerenv", NULL);
	says("doctor.nvidia-module", "ok", "nvidia 535.183.01", NULL);
	says("doctor.nvidia-node", "problem", "/dev/nvidiactl: No such file", "docker run --gpus all");
	says("doctor.nvidia-driver", "problem", "cuda: ", "first what is said above");
	says("doctor.nvidia-icd", "not-applicable", "", NULL);
	/* Nodes and no library. */
	build("container; " NVIDIA NVIDIA_NODES);
	doctor(3, "");
	says("doctor.nvidia-node", "ok", "", NULL);
	says("doctor.nvidia-driver", "problem", "cuda: no NVIDIA driver", "NVIDIA_DRIVER_CAPABILITIES=compute,utility");
	says("doctor.nvidia-icd", "fact", "does not know", "libnvidia-opencl.so.1");
	/* The module's version is in another file where sysfs is not to be seen. */
	build("container; mkdir -p $R/proc/driver/nvidia; "
	      "echo 'NVRM version: NVIDIA UNIX Kernel Module  550.1' >$R/proc/driver/nvidia/version; " NVIDIA_NODES);
	doctor(3, "");
	says("doctor.nvidia-card", "fact", "none", NULL);
	says("doctor.nvidia-module", "ok", "550.1", NULL);
}

Test(doctor, nvidia_that_works)
{
	support_enter();
	images();
	build(NVIDIA NVIDIA_NODES);
	doctor(0, CUDA);
	says("doctor.nvidia-driver", "ok", "cuda: 1", NULL);
	says("doctor.devices", "fact", "cuda 1", NULL);
	/* No module or nodes to be seen, as on WSL. */
	build("");
	doctor(0, CUDA);
	says("doctor.nvidia-card", "fact", "none", NULL);
	says("doctor.nvidia-module", "not-applicable", "not needed", NULL);
	says("doctor.nvidia-node", "not-applicable", "not needed", NULL);
	says("doctor.nvidia-driver", "ok", "cuda: 1", NULL);
	/* A second card that the driver does not have: of concern only where it was not left out on purpose. */
	build(NVIDIA "card 0000:02:00.0 0x10de 0x030200 nvidia; " NVIDIA_NODES);
	doctor(3, CUDA);
	says("doctor.nvidia-driver", "problem", "cuda: 1; cards on the bus: 2", "CUDA_VISIBLE_DEVICES");
	doctor(0, CUDA "container=podman ");
	says("doctor.container", "fact", "container", NULL);
	doctor(0, CUDA "ASSAY_DOUBLE_DEVICES=2 ");
}

Test(doctor, nvidia_whose_driver_does_not_start)
{
	support_enter();
	build(NVIDIA NVIDIA_NODES);
	doctor(3, CUDA "ASSAY_DOUBLE_DEVICES=0 ");
	says("doctor.nvidia-node", "ok", "", NULL);
	says("doctor.nvidia-driver", "problem", "does not start: double's error (error 100)", "reboot");
	/* A node that cannot be opened. */
	build(NVIDIA NVIDIA_NODES "rm $R/dev/nvidia1; mkdir $R/dev/nvidia1; ");
	doctor(3, "");
	says("doctor.nvidia-node", "problem", "/dev/nvidia1: Is a directory", "dmesg");
}

Test(doctor, amd)
{
	support_enter();
	build(AMD "nodes dri/renderD128; ");
	doctor(3, "");
	says("doctor.amd-card", "ok", "bus: 1, driven by amdgpu", NULL);
	says("doctor.amd-module", "ok", "amdgpu", NULL);
	says("doctor.amd-node", "problem", "/dev/kfd: No such file", "CONFIG_HSA_AMD");
	says("doctor.amd-driver", "problem", "hip: no ROCm runtime here", "first what is said above");
	says("doctor.nvidia-card", "fact", "none", NULL);
	doctor(3, "KUBERNETES_SERVICE_HOST=10.0.0.1 ");
	says("doctor.amd-node", "problem", "/dev/kfd: No such file", "--device /dev/kfd --device /dev/dri");
	build(AMD "nodes kfd; ");
	doctor(3, "");
	says("doctor.amd-node", "problem", "/dev/dri/renderD*: No such file", "amdgpu");
	build(AMD AMD_NODES);
	doctor(3, "");
	says("doctor.amd-driver", "problem", "hip: ", "libamdhip64");
	build("card 0000:03:00.0 0x1002 0x038000 vfio-pci; ");
	doctor(3, "");
	says("doctor.amd-module", "problem", "amdgpu is not loaded", "modprobe amdgpu");
}

Test(doctor, amd_that_works)
{
	support_enter();
	images();
	build(AMD AMD_NODES);
	doctor(0, HIP);
	says("doctor.amd-node", "ok", "", NULL);
	says("doctor.amd-driver", "ok", "hip: 1", NULL);
	says("doctor.amd-icd", "fact", "hip does without", "rocm-opencl");
}

/* Without kernels and a compiler for them a card is of no use. */
Test(doctor, kernels)
{
	bool built = assay_images_cuda[0].architecture;

	support_enter();
	build(NVIDIA NVIDIA_NODES);
	doctor(built ? 0 : 3, CUDA "ASSAY_NVRTC_LIBRARY=/nonexistent.so ");
	says("doctor.nvidia-kernels", built ? "ok" : "problem", "; libnvrtc for others: no",
	     built ? NULL : "install CUDA's libnvrtc");
}

/* As a user whom a node does not let in. */
Test(doctor, permissions)
{
	support_enter();
	if (geteuid() != 0)
		support_missing("root", "only root can become somebody else");
	if (support_run("setpriv --reuid=65534 --regid=65534 --clear-groups env $A --version") != 0)
		support_missing("setpriv", "nobody cannot run the binary here");
	const char *nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
	char line[256];
	build(AMD AMD_NODES "chmod 666 $R/dev/dri/*; chgrp 44 $R/dev/kfd; chmod 660 $R/dev/kfd; ");
	doctor(3, nobody);
	says("doctor.amd-node", "problem", "/dev/kfd: Permission denied; it is of group", "render and video");
	if (support_run("getent group 44 | grep ^video:") == 0)
		says("doctor.amd-node", "problem", "group video, mode 0660", "usermod -aG video USER");
	snprintf(line, sizeof line, "container=lxc %s", nobody);
	doctor(3, line);
	says("doctor.amd-node", "problem", "/dev/kfd: Permission denied", "docker run --group-add 44");
	build(NVIDIA NVIDIA_NODES "chmod 666 $R/dev/*; chmod 600 $R/dev/nvidia0; ");
	doctor(3, nobody);
	says("doctor.nvidia-node", "problem", "/dev/nvidia0: Permission denied", "udev");
	/* A state directory that others own. */
	build("");
	doctor(3, "ASSAY_STATE_DIR=$T setpriv --reuid=65534 --regid=65534 --clear-groups ");
	says("doctor.state", "problem", "Permission denied", "ASSAY_STATE_DIR");
}

Test(doctor, opencl_files)
{
	support_enter();
	build("icd good.icd libm.so.6; icd gone.icd libnothing-of-this-name.so.1; icd empty.icd ''; ");
	doctor(3, "");
	says("doctor.opencl-icd", "problem",
	     "2 of 3 do not load: empty.icd: names no library; gone.icd: libnothing-of-this",
	     "install the driver again");
	/* One that loads, and no loader. */
	build(NVIDIA NVIDIA_NODES "icd nvidia.icd 'libm.so.6  '; ");
	doctor(3, CUDA);
	says("doctor.opencl-icd", "ok", "1", NULL);
	says("doctor.nvidia-icd", "ok", "", NULL);
	says("doctor.opencl", "problem", "opencl: /nonexistent.so", "ocl-icd-libopencl1");
	/* $OCL_ICD_VENDORS in its place: a directory, or a file. */
	build("");
	cr_assert_eq(support_run("mkdir $T/icds; echo libnothing.so >$T/icds/a.icd"), 0);
	doctor(3, "OCL_ICD_VENDORS=$T/icds ");
	says("doctor.opencl-icd", "problem", "1 of 1 do not load: a.icd: libnothing.so", "left over");
	doctor(3, "OCL_ICD_VENDORS=$T/icds/a.icd ");
	says("doctor.opencl-icd", "problem", "1 of 1 do not load", "left over");
	doctor(0, "OCL_ICD_VENDORS=$T/none ");
	says("doctor.opencl-icd", "fact", "/none", "pocl");
}

Test(doctor, key)
{
	support_enter();
	build("");
	cr_assert_eq(support_run("$A keygen -o $T/key && chmod 644 $T/key && : >$T/file"), 0);
	doctor(3, "ASSAY_STATE_DIR=$T ");
	says("doctor.state", "problem", "others can read", "ASSAY_STATE_DIR");
	cr_assert_eq(support_run("chmod 600 $T/key"), 0);
	doctor(0, "ASSAY_STATE_DIR=$T ");
	says("doctor.state", "ok", "/key", NULL);
	doctor(3, "ASSAY_STATE_DIR=$T/file/state ");
	says("doctor.state", "problem", "Not a directory", "ASSAY_STATE_DIR");
	doctor(3, "env -u ASSAY_STATE_DIR -u HOME -u XDG_CONFIG_HOME ");
	says("doctor.state", "problem", "no home", "ASSAY_STATE_DIR");
	doctor(0, "ASSAY_STATE_DIR=new/state ");
	says("doctor.state", "ok", "below ./", NULL);
}

Test(doctor, facts)
{
	support_enter();
	build("mkdir -p $R/sys/fs/cgroup $R/proc/1; echo 17179869184 >$R/sys/fs/cgroup/memory.max; "
	      "echo 0::/kubepods.slice/pod1 >$R/proc/1/cgroup; "
	      "card 0000:01:00.0 0x10de 0x030000 nvidia; module nvidia \"$(printf '535\\033[31m\\377')\"; ");
	doctor(3, "");
	says("doctor.memory", "fact", "limit of the cgroup: 16.0 GiB", NULL);
	says("doctor.container", "fact", "kubepods", NULL);
	says("doctor.nvidia-module", "ok", "nvidia 535?[31m?", NULL);
	build("mkdir -p $R/sys/fs/cgroup $R/run; echo max >$R/sys/fs/cgroup/memory.max; : >$R/run/.containerenv; ");
	doctor(0, "");
	says("doctor.memory", "fact", "limit of the cgroup: none", NULL);
	says("doctor.container", "fact", "/run/.containerenv", NULL);
}
