# SPDX-License-Identifier: Apache-2.0
#
# make certify   install what is missing, build, benchmark every device, sign, verify, report
# make test      install what is missing, build, run every test (also under sanitizers)
# make help      the other targets

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
VERSION := 0.1.0
BUILD ?= build
SHARED ?= build
ifeq ($(origin CC),default)
CC := gcc
AR := ar
endif
PREFIX ?= /usr/local
PYTHON ?= $(shell for p in python3 /usr/bin/python3; do $$p -c 'import numpy' 2>/dev/null && { echo $$p; break; }; done || echo python3)
COMMIT := $(shell git describe --always --dirty --abbrev=12 --match=NOTHING 2>/dev/null || echo unknown)
MACHINE := $(shell $(CC) -dumpmachine)
JOBS := $(shell nproc)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wwrite-strings -Wundef
CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DCL_TARGET_OPENCL_VERSION=120
CFLAGS ?= -O2 -g
# What ci/carry brought to a machine without packages: headers, libraries and the kernels' images.
ifneq ($(CARRIED),)
CPPFLAGS += -isystem $(CARRIED)/include
LDFLAGS += -L$(CARRIED)/lib -Wl,--disable-new-dtags,-rpath,$(abspath $(CARRIED)/lib)
endif
ALL_CFLAGS = -std=c11 $(WARNINGS) $(CFLAGS) -ffp-contract=off $(EXTRA) -fPIC -fvisibility=hidden -pthread -MMD -MP
VERIFY_LIBS := -lsodium -ljansson -lm
HARNESS_LIBS := $(VERIFY_LIBS) -ldl -lpthread

# ---- What is built -----------------------------------------------------------------------------------------------

# The kernels and the verifier's inner loops are compiled once per level of instruction set.
LEVELS := baseline
LANES_baseline := 4
ifneq ($(filter x86_64%,$(MACHINE)),)
LEVELS += avx2 avx512
LANES_avx2 := 8
LANES_avx512 := 16
FLAGS_avx2 := -mavx2 -mfma
KERNEL_FLAGS_avx512 := -mfma -mavx512f -mavx512bw -mavx512vl -mavx512vnni -mprefer-vector-width=512
ARITH_FLAGS_avx512 := -mfma -mavx512f -mavx512bw -mprefer-vector-width=512
endif

# Programs for device compilers: each is these files, one after the other.
PROGRAMS := portable units
PROGRAM_portable := kernels/dialect.h kernels/floats.h kernels/chacha20.cl kernels/matmul_i8.cl kernels/matmul_i9.cl \
                    kernels/chacha20_floats.cl kernels/matmul_f32.cl kernels/matmul_f64.cl \
                    kernels/sha256.cl kernels/merkle.cl kernels/memory.cl
PROGRAM_units := kernels/dialect.h kernels/units.h kernels/block_units.cl kernels/matmul_i8_units.cl \
                 kernels/matmul_i9_units.cl

ARITH_OBJECTS := $(LEVELS:%=$(BUILD)/verify/arith_%.o)
VERIFY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out verify/arith.c verify/cli.c verify/main.c,$(wildcard verify/*.c))) \
                  $(ARITH_OBJECTS) $(BUILD)/verify/gpu_catalogue.o
KERNEL_OBJECTS := $(LEVELS:%=$(BUILD)/kernels/kernels_%.o) $(BUILD)/kernels/source.o $(BUILD)/kernels/names.o \
                  $(BUILD)/kernels/images.o

# Programs for GPUs are the same in all builds (SHARED), and made ahead of time where a clang that knows them is at hand:
# VENDOR_PROGRAM_ARCHITECTURE. PTX of ISA 7.0 loads on NVIDIA drivers from 450 on; each text serves its compute capability
# and later ones. A code object serves one AMD architecture.
GPU_CLANG ?= $(firstword $(foreach v,19 20 18,$(shell command -v clang-$v 2>/dev/null)))
ifneq ($(GPU_CLANG),)
IMAGES := $(addprefix cuda_portable_,61 75) $(addprefix cuda_units_,75 80)
# AMD's are linked.
ifneq ($(shell command -v $(subst clang-,lld-,$(GPU_CLANG)) 2>/dev/null),)
IMAGES += $(addprefix hip_portable_,gfx906 gfx908 gfx90a gfx942 gfx1030 gfx1100 gfx1201) \
          $(addprefix hip_units_,gfx908 gfx90a gfx942 gfx1100 gfx1201)
endif
endif
# Machine code for NVIDIA's matrix units, where nvcc is at hand. Drivers older than nvcc's release do not load it.
NVCC ?= $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
ifneq ($(NVCC),)
CUBINS := $(addprefix cuda_units_,75 80 86 89 90a 100a 120)
endif
# Layers of the harness that `assay` has; harness/serve is the server.
HARNESS := harness harness/compare harness/report
# The GPU backend is compiled once a vendor.
GPU_SOURCES := harness/backend_gpu.c harness/gpu.c
HARNESS_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out harness/main.c $(GPU_SOURCES),$(wildcard $(HARNESS:%=%/*.c)))) \
                   $(foreach vendor,cuda hip,$(GPU_SOURCES:%.c=$(BUILD)/%_$(vendor).o))
LIBRARY := $(BUILD)/libassay.a $(BUILD)/libassay.so.0 $(BUILD)/libassay.pc

# The verifier as a server is a program of its own: provers need none of its libraries. It is built where they are.
SERVE_LIBS := -lmicrohttpd -lsqlite3 $(VERIFY_LIBS) -lpthread
SERVE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out harness/serve/main.c,$(wildcard harness/serve/*.c))) \
                 $(BUILD)/harness/serve/openapi.o
SERVE_SHARED := $(addprefix $(BUILD)/harness/,amount.o answers.o ask.o limit.o measure.o secret.o state.o terms.o)
ifeq ($(shell pkg-config --exists libmicrohttpd sqlite3 2>/dev/null && echo yes),yes)
SERVE := $(BUILD)/assay-serve
endif

# Not of the test program: other programs and libraries, and what is compiled in its own way.
TEST_SOURCES := $(filter-out verify/test/fuzz_%.c harness/test/fuzz_%.c harness/test/double%.c harness/test/cheats.c harness/test/slowdown.c \
                $(addprefix harness/test/,threads.c races.c units.c group.c halves.c hip_over_cuda.c soft.c), \
                $(wildcard verify/test/*.c harness/test/*.c))
# The server's own are left out on a machine that things are carried to: it has neither of its libraries, and no use for it.
SERVE_TESTS := harness/test/serving.c harness/test/served.c $(wildcard harness/test/test_serve*.c)
ifneq ($(CARRIED),)
TEST_SOURCES := $(filter-out $(SERVE_TESTS),$(TEST_SOURCES))
else
TEST_SERVE := $(SERVE_OBJECTS)
TEST_SERVE_PROGRAM := $(BUILD)/assay-serve
TEST_SERVE_LIBS := -lmicrohttpd -lsqlite3
endif
TEST_OBJECTS := $(TEST_SOURCES:%.c=$(BUILD)/%.o)

.PHONY: all certify test check bench peers cheats load detection format vectors install help clean
all: $(BUILD)/assay $(BUILD)/assay-verify $(LIBRARY) $(SERVE)

$(BUILD)/assay: $(BUILD)/harness/main.o $(HARNESS_OBJECTS) $(KERNEL_OBJECTS) $(BUILD)/verify/cli.o $(BUILD)/libassay.a
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ $(HARNESS_LIBS)

$(BUILD)/assay-verify: $(BUILD)/verify/main.o $(BUILD)/verify/cli.o $(BUILD)/libassay.a
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ $(VERIFY_LIBS)

$(BUILD)/assay-serve: $(BUILD)/harness/serve/main.o $(SERVE_OBJECTS) $(SERVE_SHARED) $(BUILD)/libassay.a
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ $(SERVE_LIBS)

$(BUILD)/harness/serve/openapi.c: harness/serve/openapi.json ci/embed
	@mkdir -p $(@D)
	ci/embed file assay_openapi $< > $@

$(BUILD)/verify/gpu_catalogue.c: verify/gpu_catalogue.tsv ci/embed
	@mkdir -p $(@D)
	ci/embed file assay_gpu_catalogue $< > $@

$(BUILD)/harness/serve/openapi.o $(BUILD)/verify/gpu_catalogue.o: %.o: %.c
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/libassay.a: $(VERIFY_OBJECTS)
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libassay.so.0: $(VERIFY_OBJECTS)
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -shared -Wl,-soname,libassay.so.0 -o $@ $^ $(VERIFY_LIBS)

$(BUILD)/libassay.pc: Makefile
	@mkdir -p $(@D)
	printf 'prefix=%s\nName: libassay\nDescription: verifies Assay attestations\nVersion: %s\nRequires.private: libsodium jansson\nLibs: -L$${prefix}/lib -lassay\nLibs.private: -lm\nCflags: -I$${prefix}/include\n' \
	  '$(PREFIX)' '$(VERSION)' > $@

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Device code is compiled at -O3; -Wpedantic and -Wconversion do not know the vector types.
$(BUILD)/kernels/kernels_%.o: kernels/kernels.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -O3 -Wno-pedantic -Wno-conversion -DKERNELS_LEVEL=$* -DLANES=$(LANES_$*) \
	  $(FLAGS_$*) $(KERNEL_FLAGS_$*) -c -o $@ $<

$(BUILD)/verify/arith_%.o: verify/arith.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -O3 -DARITH_LEVEL=$* -DARITH_LANES=$(LANES_$*) $(FLAGS_$*) $(ARITH_FLAGS_$*) \
	  -c -o $@ $<

# The programs' texts, and the same as bytes.
PROGRAM_TEXTS := $(foreach program,$(PROGRAMS),$(patsubst %,%/kernels/$(program).cl,$(sort $(BUILD) $(SHARED))))
$(PROGRAM_TEXTS): $(wildcard kernels/*.h kernels/*.cl)
	@mkdir -p $(@D)
	cat $(PROGRAM_$(basename $(@F))) > $@

$(BUILD)/%/source.c: $(BUILD)/%/portable.cl $(BUILD)/kernels/units.cl ci/embed
	ci/embed programs $(filter %.cl,$^) > $@

.PRECIOUS: $(BUILD)/%/source.c
$(BUILD)/%/source.o: $(BUILD)/%/source.c
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

define IMAGE_RULES
$$(SHARED)/kernels/cuda_$1_%.image: $$(SHARED)/kernels/$1.cl
	$$(GPU_CLANG) -x cuda -nocudainc -nocudalib --cuda-device-only --cuda-gpu-arch=sm_$$* --cuda-feature=+ptx70 \
	  -Wno-unknown-cuda-version -O3 -DLANES=1 -S -o $$@ $$<

$$(SHARED)/kernels/cuda_$1_%.cubin: $$(SHARED)/kernels/$1.cl
	$$(NVCC) -x cu -cubin -gencode arch=compute_$$*,code=sm_$$* -diag-suppress 177 -DLANES=1 -o $$@ $$<

$$(SHARED)/kernels/hip_$1_%.image: $$(SHARED)/kernels/$1.cl
	$$(GPU_CLANG) -x hip --offload-arch=$$* --offload-device-only --no-gpu-bundle-output -nogpuinc -nogpulib \
	  -O3 -DLANES=1 -o $$@ $$<
endef
$(foreach program,$(PROGRAMS),$(eval $(call IMAGE_RULES,$(program))))

ifneq ($(CARRIED),)
$(BUILD)/kernels/images.c: $(CARRIED)/images.c
	@mkdir -p $(@D)
	@grep '  kernels/' $(CARRIED)/tree.sha256 | grep -v '\.md$$' | sha256sum -c --quiet || \
	  { echo '$(CARRIED) has images of other kernels: run ci/carry again' >&2; exit 1; }
	cp $< $@
else
$(BUILD)/kernels/images.c: $(IMAGES:%=$(SHARED)/kernels/%.image) $(CUBINS:%=$(SHARED)/kernels/%.cubin) ci/embed
	@mkdir -p $(@D)
	NVCC='$(NVCC)' ci/embed images $(filter %.image %.cubin,$^) > $@
endif

$(BUILD)/kernels/images.o: $(BUILD)/kernels/images.c
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/harness/%_cuda.o: harness/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -DVENDOR_CUDA -c -o $@ $<

$(BUILD)/harness/%_hip.o: harness/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -DVENDOR_HIP -c -o $@ $<

# Only these see the commit, so that a new commit does not rebuild everything.
$(BUILD)/commit: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@
$(BUILD)/verify/cli.o $(BUILD)/harness/main.o $(BUILD)/harness/attest.o: CPPFLAGS += -DASSAY_GIT_COMMIT='"$(COMMIT)"'
$(BUILD)/verify/cli.o $(BUILD)/harness/main.o $(BUILD)/harness/attest.o: $(BUILD)/commit
FORCE:

# ---- What people call --------------------------------------------------------------------------------------------

certify:
	@ci/setup certify
	@echo 'build     build/assay, build/assay-verify'
	@$(MAKE) -s --no-print-directory -j$(JOBS) all
	@ci/certify

# Where variables live in each instruction takes gcc most of its time in code that is unrolled, and no test reads it.
SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -fno-var-tracking
SANITIZE_tsan := -fsanitize=thread -fno-var-tracking

test:
	@ci/setup test
	@$(MAKE) -s --no-print-directory -j$(JOBS) all $(BUILD)/assay-tests
	@$(MAKE) -s --no-print-directory -j$(JOBS) BUILD=build/asan EXTRA='$(SANITIZE_asan)' all build/asan/assay-tests
	@$(MAKE) -s --no-print-directory -j$(JOBS) BUILD=build/tsan EXTRA='$(SANITIZE_tsan)' build/tsan/threads $(if $(CARRIED),,build/tsan/assay-serve)
	@ci/test

# Those that take longest first; then what measures, alone; then what takes all processors by itself.
CHECKS := vectors gcc kernels clang races templates results style law size scripts python alerts readme manual

check:
	@ci/setup check
	@$(MAKE) -s --no-print-directory -j$(JOBS) all build/lint/done
	@$(MAKE) -s --no-print-directory -j$(JOBS) -Orecurse $(CHECKS:%=check-%)
	@$(MAKE) -s --no-print-directory check-pipelines
	@echo 'check     fuzzers: $(FUZZ_SECONDS) s each'
	@$(MAKE) -s --no-print-directory -j$(JOBS) fuzz
	@echo 'check     ok'

check-%:
	+@PYTHON='$(PYTHON)' FORMATTED='$(FORMATTED)' ci/check $*

# What checks ci/templates/, from PyPI.
build/lint/done: ci/lint.txt
	@mkdir -p build
	$(PYTHON) -m venv --clear build/lint
	build/lint/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r $<
	touch $@

help:
	@echo 'make certify   install what is missing, build, benchmark every device, sign, verify, report'
	@echo 'make test      install what is missing, build, run every test, also under sanitizers'
	@echo 'make check     what CI checks besides: style, include law, warnings, vectors, results, templates, fuzzers'
	@echo 'make           build/assay, build/assay-verify, libassay; build/assay-serve where its libraries are'
	@echo 'make bench     bare and whole rates, and the cost of a recheck'
	@echo 'make peers     the same side by side with OpenBLAS and hashcat'
	@echo 'make cheats    how much slower provers of memory/1 are that have less than the table'
	@echo 'make load      hosts a day that assay serve verifies, and what one costs it'
	@echo 'make detection how often assay compare is wrong, on synthetic and recorded series'
	@echo 'make vectors   regenerate verify/vectors with the Python implementation'
	@echo 'make format    clang-format everything'
	@echo 'make install   to $$DESTDIR$$PREFIX (/usr/local)'

bench: all
	$(BUILD)/assay bench
	@start=$$(date +%s%N); for i in $$(seq 100); do $(BUILD)/assay status >/dev/null || true; done; \
		printf 'assay status: %d us a call, the start of the process and its end included (mean of 100)\n' \
		$$(( ($$(date +%s%N) - start) / 100000 ))

peers: all
	ci/peers.sh

cheats: $(BUILD)/cheats
	$(BUILD)/cheats

# Whole hosts of eight devices and six workloads for a server on this machine.
load: $(BUILD)/assay-tests
	ASSAY_HOSTS=$${ASSAY_HOSTS:-100} $(BUILD)/assay-tests --filter 'serve_load/verified_hosts'

# How often `assay compare` is wrong, beside a rule of means.
detection: $(BUILD)/assay-tests
	ASSAY_TRIALS=$${ASSAY_TRIALS:-1000} $(BUILD)/assay-tests --filter 'detection/*'

vectors:
	OMP_NUM_THREADS=1 $(PYTHON) ci/vectors.py write verify/vectors
	OMP_NUM_THREADS=1 $(PYTHON) ci/stats.py > harness/test/stats.txt

FORMATTED = $(wildcard kernels/*.[ch] kernels/*.cl verify/*.[ch] verify/test/*.[ch] harness/*.[ch] harness/*/*.[ch])
format:
	clang-format -i $(FORMATTED)

clean:
	rm -rf build

install: all $(BUILD)/assay.1 $(BUILD)/assay.bash
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig \
	  $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install $(BUILD)/assay $(BUILD)/assay-verify $(SERVE) $(DESTDIR)$(PREFIX)/bin
	install -m 644 verify/assay.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(BUILD)/libassay.a $(DESTDIR)$(PREFIX)/lib
	install $(BUILD)/libassay.so.0 $(DESTDIR)$(PREFIX)/lib
	ln -sf libassay.so.0 $(DESTDIR)$(PREFIX)/lib/libassay.so
	install -m 644 $(BUILD)/libassay.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 $(BUILD)/assay.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 $(BUILD)/assay.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/assay

# Manual page and completion come from the commands' own help.
$(BUILD)/assay.1 $(BUILD)/assay.bash &: $(BUILD)/assay $(SERVE) ci/manual
	ci/manual $(BUILD)

# ---- Tests -------------------------------------------------------------------------------------------------------

# Kernels with matrix units on groups of coroutines: the real kernel, compiled once a kind of unit. With a sanitizer gcc takes three
# times longer to optimize them as usual; those with a mistake, which must be found, go without.
UNITS_WRONG := no_barrier too_late
UNITS := mma_k16 mma_k32 mfma_k16 mfma_k32 wmma_11 wmma_12 $(UNITS_WRONG)
UNITS_FLAGS_no_barrier := -DUNITS_MMA_K32
UNITS_FLAGS_too_late := -DUNITS_MMA_K32 -DHALF_SUMMANDS=8192
UNITS_OBJECTS := $(UNITS:%=$(BUILD)/harness/test/units_%.o) $(BUILD)/harness/test/group.o $(BUILD)/harness/test/halves.o
$(BUILD)/harness/test/group.o: harness/test/group.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out $(EXTRA),$(ALL_CFLAGS)) -c -o $@ $<
$(BUILD)/harness/test/units_%.o: harness/test/units.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(if $(filter $(UNITS_WRONG),$*),$(filter-out $(EXTRA),$(ALL_CFLAGS)),$(ALL_CFLAGS) \
	  $(if $(findstring -fsanitize,$(EXTRA)),-O1)) -Wno-pedantic -Wno-conversion -Wno-psabi \
	  -Wno-unused-parameter -fno-var-tracking -DUNITS_KIND=$* \
	  -DUNITS_$(shell echo $* | tr a-z A-Z) $(UNITS_FLAGS_$*) -c -o $@ $<

# The kernels' HIP source as SPIR, which PoCL runs: so the C++ of the dialect is executed where there is no GPU.
ifneq ($(and $(shell command -v clang-15),$(shell command -v llvm-spirv-15)),)
SPIR := $(BUILD)/kernels/hip.spir $(BUILD)/mutants/rotate/hip.spir
endif
DOUBLES := $(foreach library,libcuda libamdhip64,$(BUILD)/double/$(library).so $(BUILD)/double/$(library)_opencl.so) \
           $(BUILD)/double/libamdhip64_cuda.so $(BUILD)/double/libnvidia-ml.so

# Cheating provers of memory/1, compiled as the kernels are; `make cheats` says how slow they are.
CHEATS_OBJECTS := $(LEVELS:%=$(BUILD)/harness/test/cheats_%.o)
$(BUILD)/harness/test/cheats_%.o: harness/test/cheats.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -O3 -Wno-pedantic -Wno-conversion -Wno-unused-function -DCHEAT_LEVEL=$* \
	  -DLANES=$(LANES_$*) $(FLAGS_$*) $(KERNEL_FLAGS_$*) -c -o $@ $<
$(BUILD)/cheats: $(BUILD)/harness/test/slowdown.o $(CHEATS_OBJECTS) $(BUILD)/harness/measure.o
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ -lm

# Doubles in integers on the processor.
LANES_soft := 4
KERNEL_FLAGS_soft := -DSOFT_F64
SOFT_OBJECTS := $(BUILD)/kernels/kernels_soft.o $(BUILD)/harness/test/soft.o
$(BUILD)/harness/test/soft.o: harness/test/soft.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -O3 -Wno-pedantic -Wno-conversion -DLANES=$(LANES_soft) -c -o $@ $<

# What the tests run is built too; they find it by ASSAY_BUILD.
$(BUILD)/assay-tests: $(TEST_OBJECTS) $(UNITS_OBJECTS) $(SOFT_OBJECTS) $(CHEATS_OBJECTS) $(HARNESS_OBJECTS) $(KERNEL_OBJECTS) $(TEST_SERVE) \
                      $(BUILD)/verify/cli.o $(BUILD)/libassay.a \
                      | $(BUILD)/assay $(BUILD)/assay-verify $(TEST_SERVE_PROGRAM) $(BUILD)/libassay.so.0 $(DOUBLES) $(SPIR)
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ -lcriterion $(TEST_SERVE_LIBS) $(HARNESS_LIBS)

# Doubles of the vendors' drivers, with the kernels as plain C of one lane.
LANES_scalar := 1
DOUBLE_SOURCES := harness/test/double.c harness/test/double_programs.c
DOUBLE_OBJECTS := $(BUILD)/kernels/kernels_scalar.o $(BUILD)/kernels/kernels_long.o $(BUILD)/kernels/names.o \
                  $(UNITS_OBJECTS)
# Never with a sanitizer, which sees the same source in the cpu device. For products that are long: four lanes.
LANES_long := 4
$(BUILD)/kernels/kernels_scalar.o $(BUILD)/kernels/kernels_long.o: $(BUILD)/kernels/kernels_%.o: kernels/kernels.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out $(EXTRA),$(ALL_CFLAGS)) -O3 -Wno-pedantic -Wno-conversion -DKERNELS_LEVEL=$* \
	  -DLANES=$(LANES_$*) -c -o $@ $<
$(BUILD)/double/libcuda.so: $(DOUBLE_SOURCES) harness/test/double.h harness/vendor.h $(wildcard kernels/*.h) $(DOUBLE_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(ALL_CFLAGS)) -DVENDOR_CUDA -shared -o $@ $(DOUBLE_SOURCES) $(DOUBLE_OBJECTS)
$(BUILD)/double/libamdhip64.so: $(DOUBLE_SOURCES) harness/test/double.h harness/vendor.h $(wildcard kernels/*.h) $(DOUBLE_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(ALL_CFLAGS)) -DVENDOR_HIP -shared -o $@ $(DOUBLE_SOURCES) $(DOUBLE_OBJECTS)

# A double of NVIDIA's management library, which the monitor reads.
$(BUILD)/double/libnvidia-ml.so: harness/test/double_nvml.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(ALL_CFLAGS)) -shared -o $@ $<

# HIP's calls over CUDA's driver, whichever that is: the HIP backend on an NVIDIA device.
SHIM_OBJECTS := $(BUILD)/harness/gpu_cuda.o $(BUILD)/kernels/source.o $(BUILD)/kernels/images.o $(BUILD)/verify/bytes.o \
                $(BUILD)/harness/cache.o $(BUILD)/harness/state.o
$(BUILD)/double/libamdhip64_cuda.so: harness/test/hip_over_cuda.c $(wildcard harness/*.h kernels/*.h) $(SHIM_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(LDFLAGS) -shared -o $@ $< $(SHIM_OBJECTS) -lsodium -ldl -lpthread

# Doubles over OpenCL.
$(BUILD)/double/libcuda_opencl.so: VENDOR := CUDA
$(BUILD)/double/libamdhip64_opencl.so: VENDOR := HIP
$(BUILD)/double/%_opencl.so: harness/test/double_opencl.c harness/vendor.h $(wildcard kernels/*.h) $(BUILD)/kernels/source.o $(BUILD)/kernels/names.o
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(ALL_CFLAGS)) -DVENDOR_$(VENDOR) -shared -o $@ $(filter %.c %.o,$^) -l:libOpenCL.so.1

# SPIR of LLVM 15 by way of SPIR-V, which leaves what only OpenCL knows.
$(BUILD)/%/hip.spir: $(BUILD)/%/portable.cl
	clang-15 -x hip --offload=spirv64 --offload-device-only -nogpuinc -nogpulib -fvisibility=default -O1 -DLANES=1 \
	  -emit-llvm -c -o $@.bc $<
	llvm-spirv-15 --spirv-max-version=1.2 -o $@.spv $@.bc
	llvm-spirv-15 -r --spirv-target-env=CL1.2 -o $@ $@.spv

# Kernels with a mistake that must be found: a rotate of SHA-256 by 8 instead of 7; two work-items that write one digest.
MUTANTS := rotate race
MUTATE_rotate := s/\(rotr(w.*, \)7)/\18)/
MUTATE_race := s/out_first + first)/out_first + first \/ 2)/
$(MUTANTS:%=$(BUILD)/mutants/%/portable.cl): $(BUILD)/mutants/%/portable.cl: $(BUILD)/kernels/portable.cl
	@mkdir -p $(@D)
	sed '$(MUTATE_$*)' $< > $@
	test "$$(diff $< $@ | grep -c '^>')" = 1

# Small rounds for Oclgrind, with the kernels as they are and with mistakes (ci/races).
RACES_OBJECTS := $(BUILD)/harness/test/races.o $(HARNESS_OBJECTS) $(filter-out %/source.o,$(KERNEL_OBJECTS)) \
                 $(BUILD)/verify/cli.o $(BUILD)/libassay.a
RACES := $(BUILD)/kernels/races $(MUTANTS:%=$(BUILD)/mutants/%/races)
.PHONY: races
races: $(RACES)
$(RACES): %/races: %/source.o $(RACES_OBJECTS)
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ $(HARNESS_LIBS)

# For ThreadSanitizer, under which Criterion's runner does not start.
$(BUILD)/threads: $(BUILD)/harness/test/threads.o $(BUILD)/harness/test/shim.o $(HARNESS_OBJECTS) $(KERNEL_OBJECTS) \
                  $(BUILD)/verify/cli.o $(BUILD)/libassay.a
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ $(HARNESS_LIBS)

-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)

# ---- Fuzzers -----------------------------------------------------------------------------------------------------

# libFuzzer is clang's: everything below build/fuzz is compiled again, with what its coverage needs.
FUZZ_CC ?= clang
FUZZ_SECONDS ?= 10
FUZZ_SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_OBJECTS := $(VERIFY_OBJECTS:$(BUILD)/%=$(BUILD)/fuzz/%)
FUZZERS := $(patsubst verify/test/%.c,$(BUILD)/fuzz/%,$(wildcard verify/test/fuzz_*.c))
# The harness's own: readers of what nobody vouches for.
FUZZ_BENCHMARKS_OBJECTS := $(addprefix $(BUILD)/fuzz/harness/,test/fuzz_benchmarks.o $(addprefix compare/,benchmarks.o \
                           benchmarks_formats.o benchmarks_text.o stats.o)) $(BUILD)/fuzz/verify/cli.o
# The server's handlers, without its sockets and its start.
ifneq ($(SERVE),)
FUZZ_SERVE := $(BUILD)/fuzz/fuzz_serve
FUZZ_SERVE_OBJECTS := $(patsubst $(BUILD)/%,$(BUILD)/fuzz/%,$(filter-out %/start.o %/http.o %/address.o %/watch.o,$(SERVE_OBJECTS)) $(SERVE_SHARED))
endif
# What a prover reads of a server: libcurl is real, and time is the fuzzer's.
FUZZ_CLIENT := $(BUILD)/fuzz/fuzz_client
FUZZ_CLIENT_OBJECTS := $(addprefix $(BUILD)/fuzz/harness/,$(addprefix test/fuzz_client,.o _script.o _world.o) answers.o asked.o client.o \
                       curl.o exchange.o fetched.o link_http.o remote.o secret.o state.o submit.o token.o) $(BUILD)/fuzz/verify/cli.o
FUZZ_COMPILE = $(FUZZ_CC) $(CPPFLAGS) $(filter-out $(EXTRA),$(ALL_CFLAGS)) -O1 -fsanitize=fuzzer-no-link $(FUZZ_SANITIZE)

FUZZ_RUNS := $(patsubst %,%.run,$(FUZZERS) $(BUILD)/fuzz/fuzz_benchmarks $(FUZZ_SERVE) $(FUZZ_CLIENT))
.PHONY: fuzz $(FUZZ_RUNS)
fuzz: $(FUZZ_RUNS)
$(FUZZ_RUNS): %.run: % $(BUILD)/fuzz/seeds
	@mkdir -p $*.corpus
	@$* -max_total_time=$(FUZZ_SECONDS) -max_len=24000 -timeout=10 -print_final_stats=1 -artifact_prefix=$*. \
	  $*.corpus $(BUILD)/fuzz/seeds/$(*F) >$*.log 2>&1 || { tail -n 40 $*.log; exit 1; }
	@sed -n 's|^stat::number_of_executed_units: |$(*F): runs: |p' $*.log

$(FUZZERS): $(BUILD)/fuzz/%: $(BUILD)/fuzz/verify/test/%.o
$(BUILD)/fuzz/fuzz_benchmarks: $(FUZZ_BENCHMARKS_OBJECTS)
$(FUZZ_SERVE): $(addprefix $(BUILD)/fuzz/harness/test/fuzz_serve,.o _states.o) $(FUZZ_SERVE_OBJECTS)
$(FUZZ_SERVE): FUZZ_LIBS := -lsqlite3 -lpthread
$(FUZZ_CLIENT): $(FUZZ_CLIENT_OBJECTS)
$(FUZZ_CLIENT): FUZZ_LIBS := -ldl -lpthread -Wl,--wrap=time,--wrap=nanosleep,--wrap=assay_curl_load
$(FUZZERS) $(BUILD)/fuzz/fuzz_benchmarks $(FUZZ_SERVE) $(FUZZ_CLIENT): $(FUZZ_OBJECTS)
	$(FUZZ_CC) -g -fsanitize=fuzzer $(FUZZ_SANITIZE) $(LDFLAGS) -o $@ $^ $(FUZZ_LIBS) $(VERIFY_LIBS)

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_COMPILE) -c -o $@ $<

$(BUILD)/fuzz/harness/serve/openapi.o $(BUILD)/fuzz/verify/gpu_catalogue.o: $(BUILD)/fuzz/%.o: $(BUILD)/%.c
	@mkdir -p $(@D)
	$(FUZZ_COMPILE) -c -o $@ $<

$(BUILD)/fuzz/verify/arith_%.o: verify/arith.c
	@mkdir -p $(@D)
	$(FUZZ_COMPILE) -DARITH_LEVEL=$* -DARITH_LANES=$(LANES_$*) $(FLAGS_$*) $(ARITH_FLAGS_$*) -c -o $@ $<

$(BUILD)/fuzz/seeds: verify/test/fuzz_seeds.sh harness/test/fuzz_benchmarks.jsonl $(wildcard verify/vectors/*/index.txt)
	rm -rf $@ && mkdir -p $@/fuzz_benchmarks
	split -l 1 harness/test/fuzz_benchmarks.jsonl $@/fuzz_benchmarks/
	sh verify/test/fuzz_seeds.sh $@

-include $(wildcard $(BUILD)/fuzz/*/*.d $(BUILD)/fuzz/*/*/*.d)
