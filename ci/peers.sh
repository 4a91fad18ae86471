#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Our rates beside other people's, in one run on one machine, in turn so that a drift of the machine's speed meets both:
# matmul-i8 and matmul-f32 on the cpu device against OpenBLAS sgemm, matmul-f64 against dgemm (libopenblas-dev), matmul-i8
# against oneDNN's product of signed bytes (libdnnl-dev), sha256 through OpenCL and on the cpu device against hashcat -m 1400
# on the same OpenCL device (hashcat), memory against plain random reads of a table as large. Prints medians and ratios;
# judges nothing.
set -eu

turns=${TURNS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Units a second of whole rounds: field "roundWork" over "roundMedianNs" of `assay bench --json`.
ours() {
	build/assay bench -d "$1" -w "$2" --seconds 4 --json |
		sed 's/.*"roundMedianNs":\([0-9]*\).*"roundWork":\([0-9]*\).*/\1 \2/' | awk '{ printf "%.0f\n", $2 * 1e9 / $1 }'
}

median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

row() {
	awk -v name="$1" -v ours="$(median "$2")" -v peer="$3" -v theirs="$(median "$4")" -v scale="$5" -v unit="$6" 'BEGIN {
		printf "  %-24s %9.1f %-6s  %-20s %9.1f %-7s  ratio %.2f\n", name, ours / scale, unit, peer, theirs / scale,
			unit, ours / theirs }'
}

echo "peers     $turns turns each, medians; $(uname -m), $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"

if echo '#include <cblas.h>' | cc -E -xc - >/dev/null 2>&1; then
	cc -O2 -o "$work/sgemm" ci/gemm.c -lopenblas
	cc -O2 -DDOUBLE -o "$work/dgemm" ci/gemm.c -lopenblas
	# One that does not know a processor takes its oldest kernels, and would be no peer.
	if [ "$("$work/sgemm" core)" = Prescott ] && [ -z "${OPENBLAS_CORETYPE:-}" ]; then
		! grep -q ' avx2 ' /proc/cpuinfo || export OPENBLAS_CORETYPE=HASWELL
		! grep -q ' avx512f ' /proc/cpuinfo || export OPENBLAS_CORETYPE=SKYLAKEX
	fi
	core=$("$work/sgemm" core)
	for _ in $(seq "$turns"); do
		"$work/sgemm" >>"$work/sgemm.txt"
		ours cpu matmul-i8 >>"$work/matmul.txt"
		ours cpu matmul-f32 >>"$work/matmul_f32.txt"
		"$work/dgemm" >>"$work/dgemm.txt"
		ours cpu matmul-f64 >>"$work/matmul_f64.txt"
	done
	row "matmul-i8 cpu" "$work/matmul.txt" "sgemm of $core" "$work/sgemm.txt" 1e9 GOP/s
	row "matmul-f32 cpu" "$work/matmul_f32.txt" "sgemm of $core" "$work/sgemm.txt" 1e9 GFLOP/s
	row "matmul-f64 cpu" "$work/matmul_f64.txt" "dgemm of $core" "$work/dgemm.txt" 1e9 GFLOP/s
else
	echo "  matmul                   no peer: install libopenblas-dev"
fi

if echo '#include <dnnl.h>' | cc -E -xc - >/dev/null 2>&1; then
	cc -O2 -o "$work/s8gemm" ci/s8gemm.c -ldnnl
	for _ in $(seq "$turns"); do
		"$work/s8gemm" >>"$work/s8gemm.txt"
		ours cpu matmul-i8 >>"$work/matmul_i8.txt"
	done
	row "matmul-i8 cpu" "$work/matmul_i8.txt" "oneDNN s8s8s32" "$work/s8gemm.txt" 1e9 GOP/s
else
	echo "  matmul-i8                no peer: install libdnnl-dev"
fi

# Items of 128 bytes: as many as the bench's table has.
cc -O2 -o "$work/random" ci/random.c -lpthread
for _ in $(seq "$turns"); do
	"$work/random" 20 >>"$work/random.txt"
	ours cpu memory >>"$work/memory.txt"
done
row "memory cpu" "$work/memory.txt" "plain random reads" "$work/random.txt" 1e9 GB/s

if command -v hashcat >/dev/null && build/assay devices 2>/dev/null | grep -q '^opencl:0'; then
	for _ in $(seq "$turns"); do
		hashcat -b -m 1400 --backend-devices 1 --machine-readable 2>/dev/null |
			awk -F: '$1 == "1" { print $6 }' >>"$work/hashcat.txt"
		ours opencl:0 sha256 >>"$work/opencl.txt"
		ours cpu sha256 >>"$work/cpu.txt"
	done
	row "sha256 opencl:0" "$work/opencl.txt" "hashcat -m 1400" "$work/hashcat.txt" 1e6 MH/s
	row "sha256 cpu" "$work/cpu.txt" "hashcat -m 1400" "$work/hashcat.txt" 1e6 MH/s
else
	echo "  sha256                   no peer: install hashcat and an OpenCL driver"
fi
