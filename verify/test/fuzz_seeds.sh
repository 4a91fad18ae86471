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

for name in verify envelope statement transcript challenge keys receipts request; do
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
