#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a comparison of many runs takes: compare_scale.sh [RUNS [POINTS]]
#
# One made-up run of POINTS (5,000) points, 10 invocations each, is reported on once, which
# leaves its digest; RUNS (200) directories then share its records, and have one of eight digests
# each: that one with all figures times a factor.  IPM_SCALE_BASE names a folder that has such a run
# already.  Compared are a quarter, a half and all of them.
# Wanted for 200 of 5,000: below 20 s and 1 GB, and in proportion to the runs.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
ipcmeter=${IPM_BIN:-$here/build/release/bin}/ipcmeter
runs=${1:-200}
points=${2:-5000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [[ -n ${IPM_SCALE_BASE:-} ]]; then
    ln -s "$IPM_SCALE_BASE" "$work/base"
else
    python3 "$here/tests/bench/big_run.py" "$work/base" $((points / 20))
    "$ipcmeter" report "$work/base" >/dev/null 2>&1
fi
python3 - "$work" "$runs" <<'MAKE'
import json
import os
import random
import sys

work, runs = sys.argv[1], int(sys.argv[2])
with open(work + "/base/digest.json", encoding="utf-8") as file:
    digest = json.load(file)
for number in range(runs):
    source = random.Random(number)
    factor = source.lognormvariate(0, 0.3)
    folder = f"{work}/run{number:03}"
    os.mkdir(folder)
    for name in ("records.jsonl", "manifest.json"):
        os.symlink(os.path.realpath(f"{work}/base/{name}"), f"{folder}/{name}")
    if number >= 8:
        os.symlink(f"{work}/run{number % 8:03}/digest.json", f"{folder}/digest.json")
        continue
    made = dict(digest)
    made["points"] = []
    for point in digest["points"]:
        noise = factor * source.lognormvariate(0, 0.02)
        made["points"].append(point[:4] + [
            values and [value and float(f"{value * noise:.7g}") for value in values]
            for values in point[4:8]] + point[8:])
    with open(folder + "/digest.json", "w", encoding="utf-8") as out:
        json.dump(made, out, separators=(",", ":"))
MAKE
for share in 4 2 1; do
    mapfile -t folders < <(find "$work" -maxdepth 1 -name 'run*' | sort | head -n $((runs / share)))
    command time -f "${#folders[@]} runs of $points points: %e s, %U s of CPU time, %M KiB" \
        "$ipcmeter" compare "${folders[@]}" --json >"$work/document.json"
    jq -e --argjson runs "${#folders[@]}" '(.sides | length) == $runs and (.comparisons | length) == $runs - 1
        and all(.sides[]; .sessions[0].read == "digest")' "$work/document.json" >/dev/null
    echo "  its document: $(stat -c %s "$work/document.json") bytes"
done
