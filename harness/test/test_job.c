/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole jobs: what is written is what an independent replay gives, and two verifiers agree. Jobs that fail are in
 * test_failure.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "harness/attest.h"
#include "harness/test/support.h"
#include "verify/chain.h"

TestSuite(job, .fini = support_leave, .timeout = 300);

enum { SAMPLES = 24 };

static struct assay_error error;
static struct assay_secret secret;

static const struct assay_segment segments[] = {
    {.work = &assay_work_matmul_i8, .params = {{64, 32, 64}}, .rounds = 3},
    {.work = &assay_work_sha256, .params = {{2, 6}}, .rounds = 2},
    {.work = &assay_work_matmul_i8, .params = {{1088, 16, 16}}, .rounds = 1}, /* empty paths */
};

static void job_fill(struct assay_job *job, struct assay_device *devices, uint32_t count, uint32_t segment_count)
{
	memset(job, 0, sizeof *job);
	if (sodium_is_zero(secret.seed, sizeof secret.seed))
		assay_secret_make(&secret);
	memcpy(job->key, secret.key, sizeof job->key);
	job->devices = devices;
	job->challenge.devices = count;
	job->challenge.samples = SAMPLES;
	job->challenge.segment_count = segment_count;
	snprintf(job->challenge.profile, sizeof job->challenge.profile, "test");
	randombytes_buf(job->challenge.nonce, sizeof job->challenge.nonce);
	memcpy(job->challenge.segments, segments, segment_count * sizeof *segments);
}

static enum assay_status attest(struct assay_job *job, struct assay_verdict *verdict)
{
	struct assay_attest request = {
	    .job = job, .secret = &secret, .started = 1700000000, .finished = 1700000003, .prefix = support_path("x")};

	return assay_attest_write(&request, verdict, &error);
}

/* ---- The chain once more, from the text of SPEC 4 and 1.5 alone ---- */

struct text {
	uint8_t bytes[65536];
	size_t len;
};

static void add(struct text *text, const void *bytes, size_t len)
{
	cr_assert_leq(text->len + len, sizeof text->bytes);
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
}

static void add_le(struct text *text, uint64_t value, size_t len)
{
	for (size_t i = 0; i < len; i++)
		add(text, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

static void labelled(uint8_t out[32], const char *label, const void *a, size_t a_len, const void *b, size_t b_len)
{
	static __thread struct text text;

	text.len = 0;
	add(&text, label, strlen(label));
	add(&text, a, a_len);
	add(&text, b, b_len);
	crypto_hash_sha256(out, text.bytes, text.len);
}

static void tree(uint8_t root[32], const struct assay_segment *segment, const uint8_t seed[32], uint64_t first,
                 uint64_t count)
{
	uint8_t value[1 + ASSAY_LEAF_BYTES_MAX] = {0}, pair[65] = {1};

	if (count == 1) {
		segment->work->leaf(value + 1, &segment->params, seed, first);
		crypto_hash_sha256(root, value, 1 + segment->work->leaf_bytes);
		return;
	}
	tree(pair + 1, segment, seed, first, count / 2);
	tree(pair + 33, segment, seed, first + count / 2, count / 2);
	crypto_hash_sha256(root, pair, sizeof pair);
}

/* Compares every seed and root of a job with the replay, and the transcript's records with the job. */
static void replay(const struct assay_job *job, const char *transcript)
{
	static uint8_t file[1 << 20];
	const size_t len = support_read(transcript, file, sizeof file);
	const struct assay_challenge *challenge = &job->challenge;
	struct text *commit = malloc(sizeof *commit), *expected = malloc(sizeof *expected);
	uint8_t hashes[96], seg[32], seed[32], root[32];
	size_t paths_len = 0;

	expected->len = 0;
	add(expected, "assay-t1", 8);
	add_le(expected, strlen(job->challenge_text), 4);
	add(expected, job->challenge_text, strlen(job->challenge_text));
	add_le(expected, strlen(job->devices_text), 4);
	add(expected, job->devices_text, strlen(job->devices_text));
	add(expected, job->key, 32);

	crypto_hash_sha256(hashes, (const uint8_t *)job->challenge_text, strlen(job->challenge_text));
	memcpy(hashes + 32, job->key, 32);
	crypto_hash_sha256(hashes + 64, (const uint8_t *)job->devices_text, strlen(job->devices_text));
	labelled(seg, "assay/1 job\n", hashes, 96, "", 0);
	labelled(seg, "assay/1 segment\n", seg, 32, assay_nonce_self, 32);
	for (uint32_t j = 0; j < challenge->segment_count; j++) {
		const struct assay_segment *segment = &challenge->segments[j];
		const uint32_t depth = segment->work->depth(&segment->params);
		cr_assert_arr_eq(job->segment_seeds[j], seg, 32);
		commit->len = 0;
		add_le(commit, j, 4);
		for (uint32_t d = 0; d < challenge->devices; d++) {
			const struct assay_run_log *log = &job->runs[j * challenge->devices + d];
			uint8_t number[4] = {(uint8_t)d, 0, 0, 0};
			uint64_t sum_ns = 0;
			cr_assert_eq(log->rounds, segment->rounds);
			add_le(commit, log->rounds, 4);
			add_le(expected, log->rounds, 4);
			labelled(seed, "assay/1 run\n", seg, 32, number, 4);
			for (uint32_t r = 0; r < log->rounds; r++) {
				tree(root, segment, seed, 0, UINT64_C(1) << depth);
				cr_assert_arr_eq(log->roots[r], root, 32, "segment %u device %u round %u", j, d, r);
				labelled(seed, "assay/1 round\n", seed, 32, root, 32);
				add(commit, root, 32);
				add(expected, root, 32);
				sum_ns += log->round_ns[r];
			}
			for (uint32_t r = 0; r < log->rounds; r++)
				add_le(expected, log->round_ns[r], 8);
			cr_assert_eq(sum_ns, log->elapsed_ns, "rounds follow each other without a gap");
			cr_assert_gt(log->elapsed_ns, 0);
			paths_len += (size_t)SAMPLES * depth * 32;
		}
		labelled(root, "assay/1 commit\n", commit->bytes, commit->len, "", 0);
		memcpy(hashes, seg, 32);
		memcpy(hashes + 32, root, 32);
		labelled(seg, "assay/1 segment\n", hashes, 64, assay_nonce_self, 32);
	}
	cr_assert_arr_eq(job->sample_key, seg, 32);
	cr_assert_eq(len, expected->len + paths_len);
	cr_assert_arr_eq(file, expected->bytes, expected->len, "the transcript up to its openings");
	free(commit);
	free(expected);
}

/* ---- Sound jobs ---- */

static void only_the_profile_is_unknown(const struct assay_verdict *verdict)
{
	cr_assert_eq(verdict->outcome, ASSAY_INCONCLUSIVE);
	for (int id = 0; id < ASSAY_CHECK_COUNT; id++)
		cr_assert_eq(verdict->checks[id].reason,
		             id == ASSAY_CHECK_PROFILE ? ASSAY_REASON_PROFILE_UNKNOWN : ASSAY_REASON_NONE, "%s: %s",
		             assay_check_name((enum assay_check_id)id), verdict->checks[id].detail);
	cr_assert_str_eq(verdict->assurance, "work-proven");
}

/* The aggregates of our verdict, as the Python verifier words them. */
static uint32_t aggregates(char lines[][256])
{
	cr_assert_eq(support_run("$V --json --trust $T/key.pub $T/x.intoto.json"), ASSAY_INCONCLUSIVE);
	json_t *verdict = json_loads(support_out, JSON_REJECT_DUPLICATES, NULL);
	const json_t *array = json_object_get(verdict, "aggregates");
	uint32_t count = (uint32_t)json_array_size(array);

	for (uint32_t j = 0; j < count; j++) {
		const json_t *entry = json_array_get(array, j), *claimed = json_object_get(entry, "claimed");
		snprintf(lines[j], 256,
		         "segment %u %s: runs %d, work %s, certified %s, claimed %s %s/s in %lld ns, proven nothing\n",
		         j, json_string_value(json_object_get(entry, "workload")),
		         (int)json_integer_value(json_object_get(entry, "runs")),
		         json_string_value(json_object_get(entry, "work")),
		         json_string_value(json_object_get(entry, "certifiedWork")),
		         json_string_value(json_object_get(claimed, "rate")),
		         json_string_value(json_object_get(entry, "unit")),
		         (long long)json_integer_value(json_object_get(claimed, "elapsedNs")));
	}
	json_decref(verdict);
	return count;
}

static void python_agrees(uint32_t segment_count)
{
	static char lines[ASSAY_SEGMENTS_MAX][256];

	cr_assert_eq(aggregates(lines), segment_count);
	if (support_run("for P in \"$PYTHON\" python3 /usr/bin/python3; do $P -c 'import numpy' 2>/dev/null && "
	                "echo $P && break; done") != 0 ||
	    !*support_out)
		support_missing("numpy", "no Python with numpy to compare with");
	support_out[strcspn(support_out, "\n")] = '\0';
	char python[256];
	snprintf(python, sizeof python, "%.255s", support_out);
	int code = support_run("%s ci/vectors.py verify --trust $T/key.pub $T/x.intoto.json", python);
	cr_assert_eq(code, ASSAY_INCONCLUSIVE, "%s%s", support_out, support_err);
	cr_assert(strstr(support_out, "profile.unknown"), "%s", support_out);
	cr_assert_not(strstr(support_out, "mismatch") || strstr(support_out, "malformed"), "%s", support_out);
	cr_assert(strstr(support_out, "assurance: work-proven"), "%s", support_out);
	for (uint32_t j = 0; j < segment_count; j++)
		cr_assert(strstr(support_out, lines[j]), "%s%s", lines[j], support_out);
	/* What is claimed of the rounds' times follows from them, by another program's arithmetic. */
	cr_assert(strstr(support_out, "statistics of the times"), "%s", support_out);
	cr_assert_not(strstr(support_out, "statistics of other times"), "%s", support_out);
}

static void sound(struct assay_device *devices, uint32_t count)
{
	struct assay_verdict verdict;
	struct assay_job job;

	job_fill(&job, devices, count, 3);
	support_ok(assay_job_run(&job, &error), error);
	support_ok(attest(&job, &verdict), error);
	only_the_profile_is_unknown(&verdict);
	cr_assert_eq(verdict.run_count, 3 * count);
	for (uint32_t i = 0; i < verdict.run_count; i++) {
		cr_assert(verdict.runs[i].proved.shown);
		cr_assert_eq(verdict.runs[i].proved.leaves, SAMPLES);
		cr_assert_eq(verdict.runs[i].proved.rounds, segments[i / count].rounds);
	}
	assay_verdict_close(&verdict);
	replay(&job, support_path("x.transcript"));
	assay_job_close(&job);
	for (uint32_t d = 0; d < count; d++)
		assay_device_close(&devices[d]);
	support_ok(assay_secret_write(&secret, support_path("key"), false, &error), error);
	cr_assert_eq(support_files(), 4, "nothing but the two files and the key");
	python_agrees(3);
}

static void cpus(uint32_t count)
{
	static struct assay_device devices[3];

	support_enter();
	for (uint32_t d = 0; d < count; d++)
		support_ok(assay_device_open(&devices[d], &assay_backend_cpu, 0, NULL, &error), error);
	sound(devices, count);
}

Test(job, one_device)
{
	cpus(1);
}

Test(job, two_devices)
{
	cpus(2);
}

Test(job, three_devices)
{
	cpus(3);
}

Test(job, cpu_and_opencl)
{
	static struct assay_device devices[2];

	support_enter();
	support_opencl(&devices[1], 0, 0);
	support_ok(assay_device_open(&devices[0], &assay_backend_cpu, 0, NULL, &error), error);
	sound(devices, 2);
}

Test(job, two_of_one_opencl_device)
{
	static struct assay_device devices[2];

	support_enter();
	support_opencl(&devices[0], 4, 1);
	support_opencl(&devices[1], 1, 16);
	sound(devices, 2);
}

/* A duration: at least one round, and it ends with the round that it is in. */
Test(job, duration)
{
	struct assay_device device;
	struct assay_verdict verdict;
	struct assay_job job;

	support_enter();
	support_ok(assay_device_open(&device, &assay_backend_cpu, 0, NULL, &error), error);
	job_fill(&job, &device, 1, 2);
	job.challenge.segments[0].rounds = job.challenge.segments[1].rounds = 0;
	job.challenge.segments[0].duration_ms = 1;
	job.challenge.segments[1].duration_ms = 150;
	support_ok(assay_job_run(&job, &error), error);
	for (uint32_t j = 0; j < 2; j++) {
		const struct assay_run_log *log = &job.runs[j];
		uint64_t asked_ns = UINT64_C(1000000) * job.challenge.segments[j].duration_ms;
		cr_assert_geq(log->rounds, 1);
		cr_assert_geq(log->elapsed_ns, asked_ns);
		cr_assert_lt(log->elapsed_ns - log->round_ns[log->rounds - 1], asked_ns, "no round too many");
	}
	support_ok(attest(&job, &verdict), error);
	only_the_profile_is_unknown(&verdict);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	assay_device_close(&device);
}

/* Devices that begin one after the other: the wait is in no round, and in the time that counts; and it is told. */
Test(job, staggered)
{
	static struct assay_device devices[3];
	struct assay_verdict verdict;
	struct assay_job job;

	support_enter();
	for (uint32_t d = 0; d < 3; d++)
		support_ok(assay_device_open(&devices[d], &assay_backend_cpu, 0, NULL, &error), error);
	job_fill(&job, devices, 3, 2);
	job.challenge.segments[1].rounds = 0;
	job.challenge.segments[1].duration_ms = 200;
	job.stagger_ms = 60;
	support_ok(assay_job_run(&job, &error), error);
	for (uint32_t i = 0; i < 6; i++) {
		const struct assay_run_log *log = &job.runs[i];
		const uint64_t late_ns = UINT64_C(60000000) * (i % 3);
		uint64_t sum_ns = 0;
		for (uint32_t r = 0; r < log->rounds; r++) {
			sum_ns += log->round_ns[r];
			cr_assert_lt(log->round_ns[r], UINT64_MAX / 2, "it began before its turn");
		}
		cr_assert_eq(log->elapsed_ns, late_ns + sum_ns);
		cr_assert(i < 3 || log->elapsed_ns - log->round_ns[log->rounds - 1] < 200000000, "no round too many");
	}
	support_ok(attest(&job, &verdict), error);
	only_the_profile_is_unknown(&verdict);
	cr_assert_eq(verdict.stagger_ms, 60);
	assay_verdict_close(&verdict);
	assay_job_close(&job);
	for (uint32_t d = 0; d < 3; d++)
		assay_device_close(&devices[d]);
}

/* Band roots are kept while they are few: the transcript is the same whether all, some or none were. */
Test(job, band_roots_kept_or_not)
{
	static uint8_t files[3][1 << 20];
	/* Of 40 rounds of 2 bands of 32 bytes: all; 16 of them and then none; none. */
	static const size_t band_bytes[3] = {0, 16 * 2 * 32, 1};
	struct assay_device device;
	struct assay_verdict verdict;
	struct assay_challenge same;
	size_t len[3];

	support_enter();
	support_ok(assay_device_open(&device, &assay_backend_cpu, 0, NULL, &error), error);
	for (int i = 0; i < 3; i++) {
		struct assay_job job;
		job_fill(&job, &device, 1, 1);
		job.challenge.segments[0].rounds = 40;
		if (i == 0)
			same = job.challenge;
		job.challenge = same;
		job.band_bytes = band_bytes[i];
		support_ok(assay_job_run(&job, &error), error);
		cr_assert_eq(job.runs[0].bands, 2);
		cr_assert_eq(job.runs[0].band_roots == NULL, i > 0);
		for (uint32_t r = 0; r < 40; r++)
			job.runs[0].round_ns[r] = r;
		support_ok(attest(&job, &verdict), error);
		only_the_profile_is_unknown(&verdict);
		assay_verdict_close(&verdict);
		assay_job_close(&job);
		len[i] = support_read(support_path("x.transcript"), files[i], sizeof files[i]);
		cr_assert_eq(len[i], len[0]);
		cr_assert_arr_eq(files[i], files[0], len[0]);
		remove(support_path("x.transcript"));
		remove(support_path("x.intoto.json"));
	}
	cr_assert_gt(len[0], 40 * 40);
	assay_device_close(&device);
}

/* The second file cannot get its name: the first one does not stay. */
Test(job, both_files_or_none)
{
	struct assay_device device;
	struct assay_job job;

	support_enter();
	support_ok(assay_device_open(&device, &assay_backend_cpu, 0, NULL, &error), error);
	job_fill(&job, &device, 1, 2);
	support_ok(assay_job_run(&job, &error), error);
	cr_assert_eq(support_run("mkdir $T/x.intoto.json"), 0);
	for (int replace = 0; replace < 2; replace++) {
		struct assay_verdict verdict;
		struct assay_attest request = {
		    .job = &job, .secret = &secret, .prefix = support_path("x"), .replace = replace};
		cr_assert_eq(assay_attest_write(&request, &verdict, &error), ASSAY_ERROR_IO);
		assay_verdict_close(&verdict);
		cr_assert_eq(support_files(), 1, "only the directory that was there");
	}
	assay_job_close(&job);
	assay_device_close(&device);
}
