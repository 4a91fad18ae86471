# SPDX-License-Identifier: Apache-2.0
#
# make certify   install what is missing, build, benchmark every device, sign, verify, plot
# make test      install what is missing, build, run every test (also under sanitizers)
# make help      the other targets

MAKEFLAGS += --no-builtin-rules
VERSION := 0.1.0
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
AR := ar
endif
PREFIX ?= /usr/local
PYTHON ?= $(shell for p in python3 /usr/bin/python3; do $$p -c 'import numpy' 2>/dev/null && { echo $$p; break; }; done || echo python3)
COMMIT := $(shell git describe --always --dirty --abbrev=12 --match=NOTHING 2>/dev/null || echo unknown)
MACHINE := $(shell $(CC) -dumpmachine)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wwrite-strings -Wundef
CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE -DCL_TARGET_OPENCL_VERSION=120
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 $(WARNINGS) $(CFLAGS) $(EXTRA) -fPIC -fvisibility=hidden -pthread -MMD -MP
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
FLAGS_avx2 := -mavx2
KERNEL_FLAGS_avx512 := -mavx512f -mavx512bw -mavx512vl -mavx512vnni -mprefer-vector-width=512
ARITH_FLAGS_avx512 := -mavx512f -mavx512bw -mprefer-vector-width=512
endif

KERNEL_SOURCES := kernels/dialect.h kernels/chacha20.cl kernels/matmul_i8.cl kernels/sha256.cl kernels/merkle.cl

ARITH_OBJECTS := $(LEVELS:%=$(BUILD)/verify/arith_%.o)
VERIFY_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out verify/arith.c verify/cli.c verify/main.c,$(wildcard verify/*.c))) \
                  $(ARITH_OBJECTS)
KERNEL_OBJECTS := $(LEVELS:%=$(BUILD)/kernels/kernels_%.o) $(BUILD)/kernels/source.o $(BUILD)/kernels/names.o
HARNESS_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(filter-out harness/main.c,$(wildcard harness/*.c)))
LIBRARY := $(BUILD)/libassay.a $(BUILD)/libassay.so.0 $(BUILD)/libassay.pc

.PHONY: all setup certify test check bench format vectors install help clean
all: $(BUILD)/assay $(BUILD)/assay-verify $(LIBRARY)

$(BUILD)/assay: $(BUILD)/harness/main.o $(HARNESS_OBJECTS) $(KERNEL_OBJECTS) $(BUILD)/verify/cli.o $(BUILD)/libassay.a
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ $(HARNESS_LIBS)

$(BUILD)/assay-verify: $(BUILD)/verify/main.o $(BUILD)/verify/cli.o $(BUILD)/libassay.a
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -o $@ $^ $(VERIFY_LIBS)

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

# The kernels' text, as bytes.
$(BUILD)/kernels/source.c: $(KERNEL_SOURCES)
	@mkdir -p $(@D)
	{ echo '/* Generated from $(KERNEL_SOURCES). */'; echo '#include "kernels/kernels.h"'; \
	  echo 'const unsigned char assay_kernel_source[] = {'; \
	  cat $(KERNEL_SOURCES) | od -An -v -tu1 | sed 's/  */,/g; s/^,//; s/$$/,/'; echo '};'; \
	  echo 'const size_t assay_kernel_source_len = sizeof assay_kernel_source;'; } > $@

$(BUILD)/kernels/source.o: $(BUILD)/kernels/source.c
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# Only these see the commit, so that a new commit does not rebuild everything.
$(BUILD)/commit: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@
$(BUILD)/verify/cli.o $(BUILD)/harness/main.o $(BUILD)/harness/attest.o: CPPFLAGS += -DASSAY_GIT_COMMIT='"$(COMMIT)"'
$(BUILD)/verify/cli.o $(BUILD)/harness/main.o $(BUILD)/harness/attest.o: $(BUILD)/commit
FORCE:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
