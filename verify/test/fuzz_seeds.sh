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

for name in verify envelope statement transcript challenge keys receipts request machine serve client; do
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

# Claims about machines, and catalogues of models after a '#'.
grep -v '^#' verify/vectors/claims/accept.txt | cut -f1 | awk -v to="$1/fuzz_machine/" '{ printf "%s", $0 >(to NR) }'
{ echo '#' && cat verify/vectors/claims/catalogue.tsv; } >"$1/fuzz_machine/catalogue"

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

# What a server says to a prover, as harness/test/fuzz_client_script.c has it: after each step of an exchange that went
# well, everything else that there is.
seeds=$1/fuzz_client
said() { # name records
	printf '\006%b' "$2" >"$seeds/$1"
}
begun() { # steps records...: what was said in those
	left=$1
	while [ "$left" -gt 0 ]; do
		printf '%s\\036' "$2"
		shift
		left=$((left - 1))
	done
}
answer() { # status body: what stands for itself in %b has no backslash
	printf '%s' "HTTP/1.1 $1 x\\r\\nContent-Length: @L\\r\\n\\r\\n$2"
}
refusal() { # status reason
	answer "$1" "{\"reason\":\"$2\",\"text\":\"no \\\\u001b[31m more\\\\n of it\"}"
}
sealed() { # r|f at commit nonce segment
	printf '@%sr{"at":"%s","challenge":"@d","commit":%s,"job":"@j","nonce":%s,"segment":%s}@.' "$@"
}
challenge='{"devices":1,"expires":"@e","leased":0,"mode":"verifier","nonce":"@j","profile":"test","samples":1,"segments":[{"length":{"rounds":1},"params":{"k":64,"m":16,"n":16},"workload":"matmul-i8/1"}],"type":"assay/1 challenge","verifier":"@v"}'
verdict='{"aggregates":[{"provenRate":"88300000","unit":"hash","workload":"sha256/1"}],"assurance":"time\\u001b[31m","checks":[{"name":"recheck","reason":"recheck.mismatch","remedy":"repair\\nit","status":"fail"}],"error":{"reason":"opening.missing","text":"nothing was shown"},"verdict":"inconclusive"}'
set -- "$(answer 200 @k)" "$(answer 201 @c)" "$(answer 200 @r)" "$(answer 200 @r)" "$(answer 200 @r)" "$(answer 204 '')" \
	"$(answer 202 '')" "HTTP/1.1 202 x\\r\\nRetry-After: 3\\r\\n\\r\\n" "$(answer 200 "$verdict")"
said all "$(begun $# "$@")"
foreign=$(sed -n 's/^receipt_envelope = //p' verify/vectors/exchange.txt | head -1)
for step in 0 1 2 3 4 5 6 7 8; do
	number=0
	before=$(begun "$step" "$@")
	for fault in "$(refusal 403 key.revoked)" "$(refusal 409 device.miscompute)" "$(refusal 410 exchange.expired)" "$(refusal 503 server.busy)" \
		'HTTP/1.1 503 x\r\nRetry-After: 99999999999\r\n\r\n' 'HTTP/1.1 429 x\r\nRetry-After: Fri, 31 Dec 2027 23:59:59 GMT\r\n\r\n' \
		'HTTP/1.1 302 x\r\nLocation: http://127.0.0.2:1/v1/key\r\nContent-Length: 0\r\n\r\n' "$(answer 404 '<html>\033[31m')" '~' '^' \
		'HTTP/1.1 200 x\r\nContent-Length: 999\r\n\r\n@k' 'HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n' \
		'HTTP/1.1 200 x\r\n folded: x\r\nContent-Length: 0\r\n\r\n' 'HTTP/1.1 200 x\r\n\r\n@x@x@x@x@x@x@x@x@x@x@x' 'HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=x\r\n\r\n' '+HTTP/1.1 417 x\r\n\r\n@x' \
		'HTTP/1.1 103 x\r\nLink: <x>\r\n\r\nHTTP/1.1 200 x\r\n\r\n@k' "$(answer 200 @K)" "$(answer 200 @a)" "$(answer 200 '@r@r')" "$(answer 200 "$foreign\\\\n")" \
		"$(answer 200 "$(sealed f @t null '"@j"' 0)")" "$(answer 200 "@fc$challenge@.")" "$(answer 200 "$verdict")" "$(answer 200 '{\n "verdict": "pass"\n}')"; do
		number=$((number + 1))
		said "$step-$number" "$before$fault"
	done
done
# A verifier that lies, with its own key.
said lie-challenge "$(begun 1 "$@")$(answer 200 "@sc$challenge@.")"
said lie-late-last "$(begun 4 "$@")$(answer 200 "$(sealed s 1800000600000000001 null '"@j"' 1)")"
said lie-receipt "$(begun 2 "$@")$(answer 200 "$(sealed s @t null '"@j"' 0)")"
said lie-late "$(begun 2 "$@")$(answer 200 "$(sealed s 9223372036854775807 null '"@j"' 0)")"
said lie-commit "$(begun 3 "$@")$(answer 200 "$(sealed s 1800000001000000000 '"@d"' null 0)")"
said lie-right "$(begun 3 "$@")$(answer 200 "$(sealed s 1800000001000000000 '"@m"' null 0)")"
# One that comes back without the receipt that it was given, and asks for those so far.
back="$(begun 2 "$@")$(answer 403 @r)\\036$(answer 200 @k)\\036"
said back "$back$(answer 200 @a)"
said back-other "$back$(answer 200 '<html>')"
said back-forged "$back$(answer 200 "$(sealed f @t null '"@j"' 0)")"
said back-lie "$back$(answer 200 "$(sealed s @t null '"@d"' 0)")"
said back-more "$back$(answer 200 "@a$(sealed s 1800000001000000000 '"@d"' null 0)")"
said back-half "$back$(answer 200 '@a{')"
