#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `plan` says a run takes against what it takes: estimate.sh [CONFIG] [--set K=V]...
# Wanted: a ratio in 0.85 .. 1.15.  On a machine whose other work comes and goes the two
# moments are not alike, and no estimate holds; the load is printed for that.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
IPM_BIN=${IPM_BIN:-$here/build/release/bin}
[[ $# -gt 0 ]] || set -- "$here/configs/smoke.jsonc"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$IPM_BIN/ipcmeter" plan "$@" --json >"$out/plan.json"
echo "load before: $(cut -d' ' -f1 /proc/loadavg)"
"$IPM_BIN/ipcmeter" run "$@" --out "$out/run" --progress jsonl 2>"$out/events" >/dev/null || [[ $? == 3 ]]
echo "load after: $(cut -d' ' -f1 /proc/loadavg)"
jq -rs --slurpfile plan "$out/plan.json" '
    (map(select(.event == "end"))[0]) as $last |
    ($last.elapsed_ns / 1e9) as $took | ($plan[0].estimate_ns / 1e9) as $planned |
    "planned \($planned) s with \($plan[0].overhead_ns / 1e6) ms an invocation, took \($took) s for \($last.done): ratio \($took / $planned)"' \
    "$out/events"
jq -rs '"replaced because the regime changed: \(map(select(.status == "invalid")) | length) of \(length) records"' "$out/run/records.jsonl"
