#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# ci/gpu.sh: everything that needs a GPU, in one command of less than ten minutes: builds, compares every variant of every
# kernel with plain C, measures beside the vendor's library, signs and verifies a run, then the test-suite, HIP over CUDA,
# OpenCL and compute-sanitizer. Needs no package and no network if ci/carry filled carried/ elsewhere. Prints a line a stage,
# goes on after one that fails, and then exits with 1. Changes no setting of the card.
#
# Leaves in $OUT (results/local/gpu-<time>) an attestation that a verifier on this machine asked for, so that its rates are
# proven, with transcript, receipts, key.pub and verifier.pub, figures.txt and log.txt.
#
# ci/gpu.sh [STAGE...]             all stages, or these beside `build` and `devices`, by their first word: rates, tests ...
# ci/gpu.sh --check                says what is missing here, and nothing else
# ci/gpu.sh --rehearse [STAGE...]  plays the GPU with the double of libcuda; all is marked and in a temporary directory, nothing
#                                  is a result
#
# shellcheck disable=SC2317 # stages are functions called by name
set -eu

cd "$(dirname "$0")/.."
started=$(date +%s)
last=$((started + 570))
cuda=${CUDA_HOME:-/usr/local/cuda}
PATH=$PATH:$cuda/bin:$cuda/compute-sanitizer
cc=${CC:-gcc}
mode=
mark=
case ${1:-} in
--check | --rehearse)
	mode=$1
	shift
	;;
esac
[ "$mode" != --rehearse ] || mark=REHEARSAL-
wanted=" $* " stages=" self-test rates attestation tests HIP OpenCL memcheck racecheck "
for name; do
	case $stages in
	*" $name "*) ;;
	*)
		echo "usage: ci/gpu.sh [--check|--rehearse] [STAGE...]; stages are$stages" >&2
		exit 3
		;;
	esac
done

# ---- What is here ----

have() {
	command -v "$1" >/dev/null 2>&1
}

for library in "${ASSAY_CUDA_LIBRARY:-}" "${ASSAY_HIP_LIBRARY:-}"; do
	if [ -z "$mark" ] && [ -e "$library" ] && grep -qaE 'ASSAY_DOUBLE_|HIP over CUDA' "$library"; then
		echo "gpu       $library is a test double: it makes no results; use --rehearse" >&2
		exit 3
	fi
done

vendor=
if [ -n "$mark" ] || [ -e /dev/nvidiactl ] || nvidia-smi -L >/dev/null 2>&1; then
	vendor=cuda
elif [ -e /dev/kfd ]; then
	vendor=hip
fi
device=$vendor:0
# A double is far too slow to be measured, and for all but the smallest run.
measured=$device profile=standard sizes=
if [ -n "$mark" ]; then
	measured=cpu profile=quick sizes="-w sha256 --row host"
fi

# What comes from packages, or else from carried/.
absent=
for header in sodium.h jansson.h CL/cl.h criterion/criterion.h; do
	echo "#include <$header>" | "$cc" -E -xc - >/dev/null 2>&1 || absent="$absent $header"
done
have clang-19 || have clang-20 || have clang-18 || absent="$absent clang-19"
carried=
if [ -n "$absent" ] && [ -e carried/images.c ]; then
	carried=carried
	absent=
fi

missing=0
lacks() {
	printf 'gpu       missing: %-18s %s\n' "$1" "$2"
}
for tool in "$cc" make awk od timeout sha256sum; do
	have "$tool" || { lacks "$tool" "nothing can be built" && missing=1; }
done
[ -n "$vendor" ] || { lacks "a GPU" "no /dev/nvidiactl, no nvidia-smi, no /dev/kfd" && missing=1; }
for name in $absent; do
	case $name in
	criterion/*) lacks "$name" "no test-suite" ;;
	clang-19) lacks "$name" "no kernels ahead of time: they come from NVRTC or hipRTC, where that is" ;;
	*) lacks "$name" "nothing can be built" && missing=1 ;;
	esac
done
[ -z "$absent" ] || echo "gpu       make carried/ with ci/carry where packages are, and bring it here; or run ci/setup check"
cublaslt=${ASSAY_CUBLASLT_LIBRARY:-}
if [ "$vendor" = cuda ]; then
	have nvidia-smi || lacks nvidia-smi "no driver version, clocks and power in figures.txt"
	have compute-sanitizer || lacks compute-sanitizer "no memcheck, no racecheck"
	# CUDA's own, else what came with Python's packages.
	python=$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))' 2>/dev/null || true)
	for file in "$cuda"/lib64/libcublasLt.so.1[23] "$cuda"/targets/*/lib/libcublasLt.so.1[23] \
		"$python"/nvidia/*/lib/libcublasLt.so.1[23]; do
		[ -n "$cublaslt" ] || [ ! -e "$file" ] || cublaslt=$file
	done
	[ -n "$cublaslt" ] || ldconfig -p 2>/dev/null | grep -q 'libcublasLt\.so\.1[23]' || lacks libcublasLt "no peer to measure beside"
fi
if [ "$mode" = --check ]; then
	[ "$missing" != 0 ] || echo "gpu       ready: $device${carried:+, with carried/}"
	exit "$missing"
fi
if [ "$missing" != 0 ]; then
	echo "gpu       nothing was run" >&2
	exit 1
fi

# ---- Stages ----

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=${OUT:-results/local/gpu-$(date -u +%Y%m%dT%H%M%SZ)}
[ -z "$mark" ] || out=$(mktemp -d /tmp/assay-rehearsal-XXXXXX)
mkdir -p "$out"
log=$out/${mark}log.txt figures=$out/${mark}figures.txt
: >"$log"
: >"$figures"
[ -z "$mark" ] || echo "REHEARSAL on a test double: nothing here is a result" | tee "$log" >"$figures"

failed=0 blocked=

# stage NAME SECONDS FUNCTION...: runs it under its own limit and that of the whole. It returns 77 for "skipped"; the last line
# of its output is the reason.
stage() {
	word=${1%%[, ]*}
	case $wanted in
	"  " | *" $word "*) ;;
	*) [ "$word" = build ] || [ "$word" = devices ] || return 0 ;;
	esac
	stage=$1 begun=$(date +%s%N) result=0
	end=$(($(date +%s) + $2))
	[ "$end" -le "$last" ] || end=$last
	shift 2
	if [ -n "$blocked" ]; then
		echo "$blocked" >"$work/out"
		result=77
	else
		"$@" >"$work/out" 2>&1 </dev/null || result=$?
	fi
	{ printf '\n==== %s\n' "$stage" && cat "$work/out"; } >>"$log"
	why=$(grep -v '^ *$' "$work/out" | tail -n 1 | cut -c 1-120)
	case $result in
	0) word=ok ;;
	77) word="skipped ($why)" ;;
	124 | 137) word="FAILED (out of time)" ;;
	*) word="FAILED (exit $result: $why)" ;;
	esac
	case $word in FAILED*) failed=1 ;; esac
	printf 'gpu       %s: %s   %s s\n' "$stage" "$word" \
		"$(awk -v a="$begun" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }')" | tee -a "$log"
	return "$result"
}

# Runs a command for at most what the stage has left, and says which.
run() {
	echo "\$ $*" >&2
	left=$((end - $(date +%s)))
	[ "$left" -gt 0 ] || return 124
	timeout -k 5 "$left" "$@"
}

# A line of figures.txt.
figure() {
	printf '%s\n' "$*" >>"$figures"
}

make_it() {
	set -- "$@" CC="$cc" CARRIED="$carried"
	# Without git the tree is what was carried, if nothing of it was changed since.
	if ! git describe --always >/dev/null 2>&1 && [ -e carried/commit ]; then
		commit=$(cat carried/commit)
		sha256sum -c --quiet carried/tree.sha256 >/dev/null 2>&1 || commit=${commit%-dirty}-dirty
		set -- "$@" COMMIT="$commit"
	fi
	run make -s --no-print-directory -j"$(nproc)" "$@"
}

build() {
	make_it all build/kernels/races build/double/libcuda.so build/double/libamdhip64_cuda.so &&
		run "$cc" -std=c11 -D_GNU_SOURCE -O2 -o "$work/cublaslt" ci/cublaslt.c -ldl
}

state_of_card() {
	nvidia-smi --query-gpu=clocks.sm,clocks.mem,temperature.gpu,power.draw,power.limit --format=csv,noheader -i 0 2>/dev/null ||
		echo unknown
}

# A device's kernels as lines of kernel, variant and route with tabs between, a route of "out: why" for one that cannot run;
# nothing where the binary does not know.
kernels_of() {
	if have python3 && run build/assay devices --kernels --json >"$work/json"; then
		python3 -c 'import json, sys
for device in json.load(open(sys.argv[1])):
    if device["id"] == sys.argv[2]:
        for k in device.get("kernels", []):
            print(k["kernel"], k["variant"], ("" if k["available"] else "out: ") + str(k["route"]), sep="\t")' \
			"$work/json" "$1"
	elif run build/assay devices --kernels >"$work/text"; then
		awk -F '  +' -v device="$1" '$1 == device { print $2 "\t" $3 "\t" $4 }' "$work/text"
	fi
}

devices() {
	run build/assay devices >"$work/devices" 2>"$work/none"
	cat "$work/devices" "$work/none"
	grep -q "^$device " "$work/devices" || return 1
	# One that no path gave away.
	if [ -z "$mark" ] && grep -qE "^$device +(Double|HIP over CUDA)" "$work/devices"; then
		echo "$device is a test double: it makes no results; use --rehearse"
		return 1
	fi
	figure "machine   $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader -i 0 2>/dev/null || echo "no nvidia-smi")"
	figure "host      $(uname -srm), $(nproc) processors, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"
	figure "tree      $(build/assay --version 2>&1 | head -n 1)"
	figure "when      $(date -u +%Y-%m-%dT%H:%M:%SZ)"
	figure ''
	figure '$ build/assay devices'
	cat "$work/devices" >>"$figures"
	kernels_of "$device" >"$work/table"
	awk -F '\t' '$3 !~ /^out:/ { print $2 }' "$work/table" | sort -u >"$work/variants"
	if [ -s "$work/table" ]; then
		figure ''
		figure '$ build/assay devices --kernels'
		sed 's/^/  /' "$work/table" >>"$figures"
	else
		echo "this binary lists no variants: only its own choice is looked at"
	fi
}

# selftest DEVICE [VARIANT]
selftest() {
	run build/assay selftest -d "$1" ${2:+--variant "$2"}
}

# The rates of a workload by one variant ("chosen": the binary's own choice), kept for the median.
rate() {
	variant=$2
	[ "$2" != chosen ] || variant=
	run build/assay bench -d "$measured" -w "$1" --seconds 2 --json ${variant:+--variant "$variant"} >"$work/json" || return
	cat "$work/json"
	for name in roundWork bareMedianNs roundMedianNs; do
		sed -n "s/.*\"$name\":\([0-9]*\).*/\1/p" "$work/json"
	done | awk -v bare="$work/bare-$1-$2" -v whole="$work/whole-$1-$2" '{ n[NR] = $1 } END {
		if (NR != 3) exit 1
		printf "%.0f\n", n[1] * 1e9 / n[2] >>bare
		printf "%.0f\n", n[1] * 1e9 / n[3] >>whole }'
}

median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Workloads by variants and the peer, in turn, so that a drift of the card's speed meets all.
rates() {
	wanted=${TURNS:-3} turns=0 peer=yes lost=
	before=$(state_of_card)
	run build/assay bench -d "$measured" --seconds 1 --json >"$work/all" || return
	cat "$work/all"
	kernels_of "$measured" | awk -F '\t' '$3 !~ /^out:/ { print $1, $2 }' >"$work/available"
	sed -n 's/.*"workload":"\([^"\/]*\).*/\1/p' "$work/all" | while read -r workload; do
		awk -v name="$(echo "$workload" | tr - _)" -v workload="$workload" \
			'index($1, name) == 1 { print workload, $2; n++ } END { if (!n) print workload, "chosen" }' "$work/available"
	done | sort -u >"$work/pairs"
	while [ "$turns" -lt "$wanted" ]; do
		begun_turn=$(date +%s)
		while read -r workload variant; do
			rate "$workload" "$variant" </dev/null || lost="$lost $workload/$variant"
		done <"$work/pairs"
		for size in 8192 16384; do
			[ "$peer" = yes ] || break
			run env ASSAY_CUBLASLT_LIBRARY="$cublaslt" "$work/cublaslt" "$size" "$size" "$size" 2 \
				2>"$work/words" >>"$work/peer-$size" || peer=no
			cat "$work/words"
		done
		turns=$((turns + 1))
		# Another one only if it fits.
		took=$(($(date +%s) - begun_turn + 2))
		[ "$(($(date +%s) + took))" -le "$end" ] || break
	done
	best=0
	figure ''
	figure "$turns turns, each: build/assay bench -d $measured -w WORKLOAD --seconds 2 --variant VARIANT for all, then cublaslt N N N 2; medians"
	figure "clocks, temperature, power, limit: $before before, $(state_of_card) after"
	for size in 8192 16384; do
		[ "$peer" = yes ] || break
		rate=$(median "$work/peer-$size")
		figure "$(awk -v n="$size" -v r="$rate" 'BEGIN { printf "  %-12s %-12s %10.2f GOP/s  (%d x %d x %d)", "cuBLASLt", "int8", r / 1e9, n, n, n }')"
		best=$(awk -v a="$best" -v b="$rate" 'BEGIN { printf "%.0f", (a > b ? a : b) }')
	done
	[ "$peer" = yes ] || figure "  no peer: $(tail -n 1 "$work/words")"
	while read -r workload variant; do
		[ -s "$work/whole-$workload-$variant" ] || continue
		figure "$(awk -v w="$workload" -v v="$variant" -v bare="$(median "$work/bare-$workload-$variant")" \
			-v whole="$(median "$work/whole-$workload-$variant")" -v best="$best" 'BEGIN {
			unit = w ~ /^matmul/ ? "GOP/s" : "G/s"
			printf "  %-12s %-12s %10.2f %s bare, %.2f %s whole rounds (%.1f %%)", w, v, bare / 1e9, unit, whole / 1e9, unit, 100 * whole / bare
			if (best > 0 && w == "matmul-i8") printf ", bare / cuBLASLt %.3f", bare / best }')"
	done <"$work/pairs"
	[ -z "$lost" ] || { echo "not measured:$lost" | tee -a "$figures" && return 1; }
}

# What the device says that it is, as a claim (SPEC 10.7); nothing where the catalogue does not know it.
claim_of() {
	name=$(awk -F '  +' -v device="$device" '$1 == device { print $2; exit }' "$work/devices")
	awk -F '\t' -v name="${name#NVIDIA }" 'name != "" && index("|" $5 "|", "|" name "|") && !found++ {
		split($3, key, "|")
		split($7, gib, "|")
		split($4, interface, "|")
		printf "%s/%s/%sGi%s\n", $2, key[1], gib[1], $4 == "" ? "" : "/" interface[1]
	}' verify/gpu_catalogue.tsv
}

# What was signed, and what becomes of it. "$@" are options of the verifier's.
keep() {
	for file in "$work/$prefix.intoto.json" "$work/$prefix.transcript" "$work/$prefix.receipts.jsonl"; do
		[ ! -e "$file" ] || cp "$file" "$out"
	done
	cp "$work/state/key.pub" "$out/${mark}key.pub"
	verified=0
	(cd "$out" && run "$OLDPWD/build/assay-verify" --trust "${mark}key.pub" "$@" "$prefix.intoto.json") >"$work/verdict" || verified=$?
	figure "\$ build/assay-verify --trust ${mark}key.pub${1:+ $*} $prefix.intoto.json"
	tee -a "$figures" <"$work/verdict"
	return "$verified"
}

# A run that a verifier asks for, both on this machine and with keys that live as long as this script; and whether it shows what the
# device says that it is.
attestation() {
	prefix=$mark$(echo "$device" | tr -d :)
	claim=$(claim_of)
	memory=$(echo "$claim" | sed -n 's|.*/\([0-9]*\)Gi.*|\1|p')
	[ -n "$memory" ] || memory=$(awk -v device="$device" '$1 == device { getline; if (match($0, /[0-9]+\.[0-9] GiB/)) print int(substr($0, RSTART) + 0.5) }' "$work/devices")
	set -- --memory "${memory}GB"
	[ -z "$sizes" ] || set -- -w sha256 --row host
	run build/assay keygen -o "$work/verifier" &&
		run build/assay challenge -k "$work/verifier" -o "$work/$prefix" -p "$profile" --devices 1 "$@" --expires 1h || return
	run build/assay answer -k "$work/verifier" --follow "$work/$prefix.challenge.json" "$work/$prefix.messages.jsonl" &
	answers=$!
	ran=0
	run env ASSAY_STATE_DIR="$work/state" build/assay run -d "$device" --challenge "$work/$prefix.challenge.json" \
		--verifier "$work/verifier.pub" -o "$work/$prefix" || ran=$?
	[ "$ran" = 0 ] || kill "$answers" 2>/dev/null || true
	wait "$answers" || true
	[ "$ran" = 0 ] || return "$ran"
	cp "$work/verifier.pub" "$out/${mark}verifier.pub"
	figure ''
	figure "\$ build/assay challenge -p $profile --devices 1 $*; build/assay run -d $device --challenge ...; build/assay answer --follow ..."
	keep --verifier "${mark}verifier.pub" || return
	[ -n "$claim" ] || return 0
	# A claim that is not demonstrated is a figure too.
	keep --verifier "${mark}verifier.pub" --claim "$claim" || true
}

tests() {
	case " $absent " in *" criterion/"*) echo "no Criterion" && return 77 ;; esac
	make_it build/assay-tests || return
	tested=0
	run env ASSAY_BUILD=build ASSAY_REQUIRE="$vendor" build/assay-tests || tested=$?
	figure ''
	figure "\$ ASSAY_REQUIRE=$vendor build/assay-tests"
	sed -n 's/.*Synthesis: /  /p' "$work/out" >>"$figures"
	grep '^SKIPPED' "$work/out" | cut -c 1-120 | sort | uniq -c >>"$figures"
	return "$tested"
}

# The HIP backend, unmodified, on this card. What it signs says an AMD architecture, so it is verified and thrown away.
hip_over_cuda() {
	[ "$vendor" = cuda ] || { echo "not an NVIDIA device" && return 77; }
	ASSAY_HIP_LIBRARY=$PWD/build/double/libamdhip64_cuda.so
	set -- env ASSAY_HIP_LIBRARY="$ASSAY_HIP_LIBRARY" ASSAY_STATE_DIR="$work/state"
	# shellcheck disable=SC2086 # a list of words
	run "$@" build/assay selftest -d hip:0 &&
		run "$@" build/assay run -p quick $sizes -d hip:0 -o "$work/hip" &&
		run build/assay-verify --trust "$work/state/key.pub" "$work/hip.intoto.json"
}

opencl() {
	grep -q '^opencl:0 ' "$work/devices" ||
		{ grep -o 'opencl: .*' "$work/none" || echo "no OpenCL device"; return 77; }
	selftest opencl:0
}

# Every kernel and variant at a small size: each access is looked at.
sanitize() {
	[ "$vendor" = cuda ] || { echo "not an NVIDIA device" && return 77; }
	have compute-sanitizer || { echo "no compute-sanitizer" && return 77; }
	code=0
	run env ASSAY_LAUNCH_SECONDS=600 compute-sanitizer --tool "$1" --error-exitcode 9 build/kernels/races "$vendor" || code=$?
	if grep -qi 'device not supported' "$work/out"; then
		echo "compute-sanitizer does not support this machine"
		return 77
	fi
	if [ "$code" = 124 ] && ! grep -qE '^=+ (Invalid|Error|Program hit|Race|Warning)' "$work/out"; then
		echo "no error until it ran out of time"
		return 77
	fi
	[ "$code" != 0 ] || grep -q 'SUMMARY: 0 ' "$work/out" || code=1
	return "$code"
}

# ---- The order: what is worth most comes first ----

stage build 150 build || blocked="nothing was built"
if [ -n "$mark" ]; then
	ASSAY_CUDA_LIBRARY=${ASSAY_CUDA_LIBRARY:-$PWD/build/double/libcuda.so}
	export ASSAY_CUDA_LIBRARY
fi
stage devices 40 devices || blocked=${blocked:-"no $device"}
stage "self-test" 60 selftest "$device" || true
variants=$(cat "$work/variants" 2>/dev/null || true)
for variant in $variants; do
	stage "self-test, $variant" 60 selftest "$device" "$variant" || true
done
stage rates 170 rates || true
stage attestation 200 attestation || true
stage tests 150 tests || true
stage "HIP over CUDA" 60 hip_over_cuda || true
stage OpenCL 60 opencl || true
stage memcheck 60 sanitize memcheck || true
stage racecheck 60 sanitize racecheck || true

figure ''
grep '^gpu  ' "$log" >>"$figures" || true
size=$(du -sm "$out" | cut -f 1)
if [ "$size" -gt 15 ]; then
	tail -c 1000000 "$log" >"$work/log"
	cp "$work/log" "$log"
fi
echo "gpu       $out: $(find "$out" -type f | wc -l) files, $(($(date +%s) - started)) s in all"
exit "$failed"
