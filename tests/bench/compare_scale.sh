#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a comparison of many runs takes: compare_scale.sh [RUNS [POINTS]]
#
# A made-up run of 320 points, 10 invocations each, is reported on, which leaves its digest; its
# records are blown up by blanks to the size that POINTS (5,000) have, and its digest's points are
# repeated under other options to as many.  RUNS (200) directories then share these records, and
# have one of eight digests each, with all figures times a factor.  Compared are a quarter, a half
# and all of them.
# All are of one plan, as those of a fleet are, and so their points are parsed once.
# Wanted for 200 of 5,000: below 20 s and 1 GB, and in proportion to the runs.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
ipcmeter=${IPM_BIN:-$here/build/release/bin}/ipcmeter
runs=${1:-200}
points=${2:-5000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 "$here/tests/bench/big_run.py" "$work/base" 16
python3 - "$work/base/records.jsonl" "$points" <<'BLOW'
import sys
with open(sys.argv[1], encoding="utf-8") as file:
    lines = file.read().splitlines()
with open(sys.argv[1], "w", encoding="utf-8") as out:
    for line in lines:  # ten times four kilobytes a point
        out.write(line.ljust(40960 * int(sys.argv[2]) // len(lines)) + "\n")
BLOW
"$ipcmeter" report "$work/base" >/dev/null 2>&1
python3 - "$work" "$runs" "$points" <<'MAKE'
import json
import os
import random
import sys

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
work, runs, points = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(work + "/base/digest.jsonl", encoding="utf-8") as file:
    digest, figures = map(json.loads, file)


def scaled(packed, factor):
    """The figures times a factor, as analysis/digest_pack.h has them."""
    out = []
    for at in range(0, len(packed), 5):
        digits = 0
        for letter in packed[at:at + 4]:
            digits = digits * 64 + LETTERS.index(letter)
        if digits == 0:
            out.append("AAAAA")
            continue
        text = f"{digits * factor:.6e}"
        power = int(text[9:]) - 6 + LETTERS.index(packed[at + 4])
        digits = int(text[0] + text[2:8])
        out.append("".join(LETTERS[digits >> shift & 63] for shift in (18, 12, 6, 0)) + LETTERS[power])
    return "".join(out)


for number in range(runs):
    source = random.Random(number)
    factor = source.lognormvariate(0, 0.3)
    folder = f"{work}/run{number:03}"
    os.mkdir(folder)
    for name in ("records.jsonl", "manifest.json"):
        os.symlink(f"{work}/base/{name}", f"{folder}/{name}")
    if number >= 8:
        os.symlink(f"{work}/run{number % 8:03}/digest.jsonl", f"{folder}/digest.jsonl")
        continue
    made = dict(digest, points=[], joules=[None] * points)
    packed = ""
    for point in range(points):
        variant, place = divmod(point, len(digest["points"]))
        if place == 0:
            at = 0
        text, kind, missed, blocks = digest["points"][place]
        letters = 5 * 4 * len(digest["blocks"][blocks])
        made["points"].append([f"{text} example.again={variant}", kind, missed, blocks])
        packed += scaled(figures[at:at + letters], factor * source.lognormvariate(0, 0.02))
        at += letters
    with open(folder + "/digest.jsonl", "w", encoding="utf-8") as out:
        for line in (made, packed):
            json.dump(line, out, separators=(",", ":"))
            out.write("\n")
MAKE
for share in 4 2 1; do
    mapfile -t folders < <(find "$work" -maxdepth 1 -name 'run*' | sort | head -n $((runs / share)))
    command time -f "${#folders[@]} runs of $points points: %e s, %U + %S s of CPU time, %M KiB" \
        "$ipcmeter" compare "${folders[@]}" --json >"$work/document.json"
    jq -e --argjson runs "${#folders[@]}" '(.sides | length) == $runs and (.comparisons | length) == $runs - 1
        and all(.sides[]; .sessions[0].read == "digest")' "$work/document.json" >/dev/null
    echo "  its document: $(stat -c %s "$work/document.json") bytes"
done
