# SPDX-License-Identifier: Apache-2.0
"""An independent counterpart of the verifier, written from verify/SPEC.md alone; "§" cites that text.

It shares no line with the C implementation. In the order of the SPEC:

    basics         §1.1, §1.2, §1.5  hashes, the Merkle tree; how a check fails
    chacha         §1.3        key streams
    ed25519        §1.4        keys and signatures
    canonical      §1.6        JSON in its one form
    challenge      §3, §11, §12  what is to be done, its caps, profile and cost
    chain          §4.1, §9    seeds, draws, e*, rates
    exchange       §4.5, §4.6, §8.6  messages and receipts of mode `verifier`
    workload       §5          what the workloads have in common
    matmul         §5.1, §5.3  integer products
    hashes         §5.2        SHA-256
    floats         §5.4, §5.5  chains of fused multiply-adds
    memory         §5.6        tables and walks
    transcript     §6, §7      devices block, records
    envelope       §8.1        DSSE
    statement      §8.2        what is signed
    claims         §8.3, §8.5  what is claimed of runs and devices
    machine        §10.7       what somebody says of the machine
    catalogue      §10.8       models, and what each can do at most
    judgement      §10.9 to §10.11  the one held against the other
    verification   §10         the checks in order

Keys and hashes are bytes; times are integers, in nanoseconds unless a name says otherwise. A check that fails raises
basics.Refused with a reason code of §10.3. Nothing here is constant-time: never sign anything real with it.
"""
