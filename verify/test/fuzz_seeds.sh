#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# fuzz_seeds.sh DIR: the vectors as inputs of the fuzzers, in DIR/fuzz_NAME/. Run in the repository's root.
set -eu

le32() { # number
	printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24)))"
}

number_at() { # file offset
	od -An -j"$2" -N4 -tu4 "$1" | tr -d ' '
}

for name in verify envelope statement transcript challenge keys receipts request serve; do
	mkdir -p "$1/fuzz_$name"
done

for envelope in verify/vectors/good/*.intoto.json verify/vectors/reject/*.intoto.json; do
	transcript=${envelope%.intoto.json}.transcript
	name=$(basename "$transcript" .transcript)
	size=$(wc -c <"$transcript")
	[ "$size" -le 20000 ] || continue
	{
		le32 "$(wc -c <"$envelope")"
		cat "$envelope" "$transcript"
	} >"$1/fuzz_verify/$name"
	cp "$envelope" "$1/fuzz_envelope/$name"
	cp "$transcript" "$1/fuzz_transcript/$name"
	sed 's/{"payload":"\([^"]*\)".*/\1/' "$envelope" | tr -d '\n' | base64 -d >"$1/fuzz_statement/$name" 2>/dev/null || true
	[ "$size" -gt 100 ] || continue
	challenge=$(number_at "$transcript" 8)
	[ "$challenge" -le 4096 ] || continue
	tail -c +13 "$transcript" | head -c "$challenge" >"$1/fuzz_challenge/$name"
	devices=$(number_at "$transcript" $((12 + challenge)))
	[ -n "$devices" ] && [ "$devices" -le 20000 ] || continue
	tail -c +$((17 + challenge)) "$transcript" | head -c "$devices" >"$1/fuzz_statement/devices-$name"
done

for receipts in verify/vectors/good/*.receipts.jsonl verify/vectors/reject/*.receipts.jsonl; do
	name=$(basename "$receipts" .receipts.jsonl)
	cp "$receipts" "$1/fuzz_receipts/$name"
	head -1 "$receipts" | sed 's/{"payload":"\([^"]*\)".*/\1/' | tr -d '\n' | base64 -d >"$1/fuzz_receipts/payload-$name" 2>/dev/null || true
done
for name in message_payload receipt_payload; do
	sed -n "s/^${name} = \({.*\)/\1/p" verify/vectors/exchange.txt | while read -r text; do
		printf %s "$text" >"$1/fuzz_receipts/$name-$(printf %s "$text" | cksum | cut -d' ' -f1)"
	done
done

for name in request_payload request_envelope message_envelope message_payload; do
	sed -n "s/^${name} = //p" verify/vectors/exchange.txt | head -1 >"$1/fuzz_request/$name"
done
# A payload as it is, without the newline.
sed -n 's/^request_payload = //p' verify/vectors/exchange.txt | tr -d '\n' >"$1/fuzz_request/payload"

cp verify/vectors/good/key.pem "$1/fuzz_keys/good"
sed -n 's/^\([a-z0-9]*_pem\) = //p' verify/vectors/keys.txt | while read -r pem; do
	printf "$(printf %s "$pem" | sed 's/^-/\\055/')" >"$1/fuzz_keys/$(printf %s "$pem" | cksum | cut -d' ' -f1)"
done

# Requests to a server, as harness/test/fuzz_serve.c has them: each route, and what its handlers take.
number=0
request() { # text
	number=$((number + 1))
	printf '%s' "$1" >"$seeds/$number"
}
seeds=$1/fuzz_serve
for path in key revocations openapi.json keys/@i challenges/@0 challenges/@5 challenges/@2/challenge challenges/@4/receipts \
	challenges/@4/attestation challenges/@4/transcript challenges/@5/verdict; do
	request "GET /v1/$path
"
done
request "GET /healthz
"
request "GET /metrics
"
post='POST /v1/challenges
Authorization: Bearer @t
'
ask='{"key":"@k","type":"assay/1 request","verifier":"@v"}'
request "${post}Seal: r

$ask"
request "${post}Forge: r

$ask"
request "POST /v1/challenges
Authorization: Basic x
Type: multipart/x

$ask"
for state in 0 1 2 5; do
	for commit in null '"@j"'; do
		for segment in 0 1; do
			request "POST /v1/challenges/@$state/messages
Seal: m

{\"challenge\":\"@$state\",\"commit\":$commit,\"job\":\"@j\",\"key\":\"@k\",\"segment\":$segment}"
		done
	done
done
# All of an exchange, in one input.
payload() { # of an envelope on a line
	sed 's/{"payload":"\([^"]*\)".*/\1/' "$1" | tr -d '\n' | base64 -d
}
digest='"digest":{"sha256":"'
statement=$(payload verify/vectors/good/receipts-one.intoto.json |
	sed "s/${digest}[0-9a-f]*\"},\"mode\"/${digest}@2\"},\"mode\"/; s/${digest}[0-9a-f]*\"},\"name\":\"transcript\"/${digest}@d\"},\"name\":\"transcript\"/")
attestation="PUT /v1/challenges/@2/attestation
Seal: s

$statement"
transcript="PUT /v1/challenges/@2/transcript

@w"
request "$attestation"
request "$transcript"
separator=$(printf '\036')
request "$attestation$separator$transcript$separator${post}Seal: r

$ask"
request "PUT /v1/challenges/@3/transcript
Length: 10
Encoding: identity

transcript"
