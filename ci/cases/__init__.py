# SPDX-License-Identifier: Apache-2.0
"""What makes verify/vectors: an honest prover and a verifier who answers it, those who cheat, and files that must be refused.

    jobs, prover, verifier     challenges, and who does them
    text, text_work, text_exchange   values, as text
    good, good_exchange        attestations that hold
    base                       one that holds, and ways to change it
    cheats, cheats_exchange    work that was not done
    reject_*                   files with one fault each, by what they fail at: `cases(b)` gives (name, reason, files)
    machine, machine_*         attestations that meet the bounds of a catalogue, claims about their machines, claims as text
    files                      all of it on disk

All keys are public and all inputs fixed, so the output is always the same. "§" cites verify/SPEC.md.
"""
