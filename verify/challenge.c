/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading and writing challenges. See challenge.h. SPEC 3. */
#include "verify/challenge.h"

#include <stdio.h>
#include <string.h>

enum { DURATION_MS_MAX = 86400000 };

/* What a refusal says. */
struct refusal {
	char *text;
	size_t len;
};

static enum assay_reason refuse(const struct refusal *refusal, enum assay_reason reason, const char *what)
{
	snprintf(refusal->text, refusal->len, "%s", what);
	return reason;
}

/* An integer of any size is well formed; whether it is allowed is a matter of caps. */
static bool integer_any(int64_t *out, const json_t *object, const char *name)
{
	const json_t *member = json_object_get(object, name);

	*out = json_is_integer(member) ? json_integer_value(member) : 0;
	return json_is_integer(member);
}

bool assay_segment_rounds_allowed(const struct assay_segment *segment, uint64_t rounds)
{
	uint64_t work = segment->work->round_work(&segment->params);
	uint32_t depth = segment->work->depth(&segment->params);

	/* rounds <= 2^22 and depth <= 32, so the shift cannot overflow. */
	return rounds <= (segment->work->is_fill ? 0 : ASSAY_ROUNDS_MAX) && rounds << depth <= UINT64_C(1) << 48 &&
	       (rounds == 0 || work <= (UINT64_MAX >> 1) / rounds);
}

static enum assay_reason length_parse(struct assay_segment *segment, const json_t *length,
                                      const struct refusal *refusal)
{
	int64_t value;

	if (!assay_json_is(length, 1))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED, "a segment's length");
	if (integer_any(&value, length, "durationMs")) {
		if (value < 1 || value > DURATION_MS_MAX)
			return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "durationMs is not 1 to 86400000");
		segment->duration_ms = (uint32_t)value;
		return ASSAY_REASON_NONE;
	}
	if (integer_any(&value, length, "rounds")) {
		if (value < 0 || value > ASSAY_ROUNDS_MAX)
			return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "rounds is not 1 to 4194304");
		segment->rounds = (uint32_t)value;
		return ASSAY_REASON_NONE;
	}
	return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED, "a segment's length");
}

static enum assay_reason segment_parse(struct assay_segment *segment, const json_t *object,
                                       const struct refusal *refusal)
{
	const char *name = assay_json_string(object, "workload", SIZE_MAX);
	const json_t *params = json_object_get(object, "params");
	size_t count = 0;

	memset(segment, 0, sizeof *segment);
	if (!assay_json_is(object, 3) || !name || !params)
		return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED, "a segment's members");
	enum assay_reason reason = length_parse(segment, json_object_get(object, "length"), refusal);
	if (reason)
		return reason;
	segment->work = assay_work_find(name);
	if (!segment->work)
		return refuse(refusal, ASSAY_REASON_WORKLOAD_UNKNOWN, name);
	if (segment->work->is_fill != (segment->rounds == 0 && segment->duration_ms == 0))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "rounds is 0 in a fill, and only there");
	for (; segment->work->params[count]; count++) {
		int64_t value;
		if (!integer_any(&value, params, segment->work->params[count]))
			return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED, "a workload's parameters");
		/* What does not fit is mapped to a value that no workload allows. */
		segment->params.value[count] = value < 0 ? UINT64_MAX : (uint64_t)value;
	}
	if (!assay_json_is(params, count))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED, "a workload's parameters");
	if (!segment->work->allowed(&segment->params))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "a workload's parameters are outside its caps");
	if (!segment->work->is_fill && !assay_segment_rounds_allowed(segment, segment->rounds ? segment->rounds : 1))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "rounds x leaves or rounds x work is too large");
	return ASSAY_REASON_NONE;
}

/* A fill and what walks in it follow each other. */
static bool is_paired(const struct assay_challenge *challenge, uint32_t j)
{
	const struct assay_segment *segment = &challenge->segments[j];

	if (segment->work->is_fill)
		return j + 1 < challenge->segment_count && segment[1].work->fill == segment->work &&
		       memcmp(&segment[1].params, &segment->params, sizeof segment->params) == 0;
	return !segment->work->fill || (j > 0 && segment[-1].work == segment->work->fill);
}

/* Who asks, and until when. */
static enum assay_reason mode_parse(struct assay_challenge *challenge, const json_t *object,
                                    const struct refusal *refusal)
{
	const char *mode = assay_json_string(object, "mode", SIZE_MAX);
	const json_t *expires = json_object_get(object, "expires"), *verifier = json_object_get(object, "verifier");
	int64_t leased;

	(void)integer_any(&leased, object, "leased");
	challenge->asked = strcmp(mode, "verifier") == 0;
	if (!challenge->asked && strcmp(mode, "self") != 0)
		return refuse(refusal, ASSAY_REASON_CHALLENGE_MODE, mode);
	/* In this order (SPEC 3.3). */
	if (challenge->asked
	        ? !json_is_string(expires) || !assay_utc_parse(&challenge->expires, json_string_value(expires))
	        : !json_is_null(expires))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED,
		              "expires is a time in mode verifier, and null in mode self");
	if (leased < 0 || leased > (challenge->asked ? ASSAY_DEVICES_MAX : 0))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "leased is not 0 to 64, or not 0 in mode self");
	if (challenge->asked ? !assay_json_hash(challenge->verifier, object, "verifier") : !json_is_null(verifier))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED,
		              "verifier is a keyid in mode verifier, and null in mode self");
	challenge->leased = (uint32_t)leased;
	return ASSAY_REASON_NONE;
}

static enum assay_reason members_parse(struct assay_challenge *challenge, const json_t *object,
                                       const struct refusal *refusal)
{
	const char *type = assay_json_string(object, "type", SIZE_MAX);
	const char *mode = assay_json_string(object, "mode", SIZE_MAX);
	const char *profile = assay_json_string(object, "profile", sizeof challenge->profile - 1);
	const json_t *segments = json_object_get(object, "segments");
	const json_t *expires = json_object_get(object, "expires"), *verifier = json_object_get(object, "verifier");
	int64_t devices, samples, leased;

	if (!assay_json_is(object, 10) || !type || strcmp(type, "assay/1 challenge") != 0 || !mode || !profile ||
	    !(json_is_null(expires) || json_is_string(expires)) ||
	    !(json_is_null(verifier) || json_is_string(verifier)) || !integer_any(&leased, object, "leased") ||
	    !assay_json_hash(challenge->nonce, object, "nonce") || !integer_any(&devices, object, "devices") ||
	    !integer_any(&samples, object, "samples") || !json_is_array(segments))
		return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED, "its members");
	enum assay_reason reason = mode_parse(challenge, object, refusal);
	if (reason)
		return reason;
	if (devices < 1 || devices > ASSAY_DEVICES_MAX)
		return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "devices is not 1 to 64");
	if (samples < 1 || samples > ASSAY_SAMPLES_MAX)
		return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "samples is not 1 to 8192");
	if (json_array_size(segments) < 1 || json_array_size(segments) > ASSAY_SEGMENTS_MAX)
		return refuse(refusal, ASSAY_REASON_CHALLENGE_CAPS, "segments is not 1 to 16");

	snprintf(challenge->profile, sizeof challenge->profile, "%s", profile);
	challenge->devices = (uint32_t)devices;
	challenge->samples = (uint32_t)samples;
	challenge->segment_count = (uint32_t)json_array_size(segments);
	for (uint32_t i = 0; i < challenge->segment_count; i++) {
		reason = segment_parse(&challenge->segments[i], json_array_get(segments, i), refusal);
		if (reason)
			return reason;
	}
	for (uint32_t i = 0; i < challenge->segment_count; i++)
		if (!is_paired(challenge, i))
			return refuse(refusal, ASSAY_REASON_CHALLENGE_MALFORMED,
			              "a fill without its walk, or the reverse");
	return ASSAY_REASON_NONE;
}

enum assay_reason assay_challenge_parse(struct assay_challenge *challenge, const void *text, size_t len, char *detail,
                                        size_t detail_len)
{
	const struct refusal refusal = {detail, detail_len};

	memset(challenge, 0, sizeof *challenge);
	json_t *object = len <= ASSAY_CHALLENGE_BYTES_MAX ? assay_json_parse(text, len) : NULL;
	if (!object)
		return refuse(&refusal, ASSAY_REASON_CHALLENGE_MALFORMED, "not canonical JSON");
	enum assay_reason reason = members_parse(challenge, object, &refusal);
	json_decref(object);
	return reason;
}

char *assay_challenge_text(const struct assay_challenge *challenge)
{
	char nonce[65], verifier[65], expires[21];
	json_t *segments = json_array();

	assay_hex(nonce, challenge->nonce);
	assay_hex(verifier, challenge->verifier);
	assay_utc_text(expires, challenge->expires);
	for (uint32_t i = 0; i < challenge->segment_count; i++) {
		const struct assay_segment *segment = &challenge->segments[i];
		json_t *params = json_object();
		for (size_t p = 0; segment->work->params[p]; p++)
			json_object_set_new(params, segment->work->params[p],
			                    json_integer((json_int_t)segment->params.value[p]));
		json_t *length = segment->rounds || segment->work->is_fill
		                     ? json_pack("{s:I}", "rounds", (json_int_t)segment->rounds)
		                     : json_pack("{s:I}", "durationMs", (json_int_t)segment->duration_ms);
		json_array_append_new(segments, json_pack("{s:o,s:o,s:s}", "length", length, "params", params,
		                                          "workload", segment->work->name));
	}
	json_t *object = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:o,s:o,s:o}", "type", "assay/1 challenge", "mode",
	                           challenge->asked ? "verifier" : "self", "nonce", nonce, "profile",
	                           challenge->profile, "samples", (json_int_t)challenge->samples, "devices",
	                           (json_int_t)challenge->devices, "leased", (json_int_t)challenge->leased, "segments",
	                           segments, "expires", challenge->asked ? json_string(expires) : json_null(),
	                           "verifier", challenge->asked ? json_string(verifier) : json_null());
	char *text = object ? assay_json_text(object) : NULL;
	json_decref(object);
	return text;
}
