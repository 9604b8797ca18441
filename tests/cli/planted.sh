#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Latencies that are known: a plug-in whose messages take as long as it says must be found again,
# through worker, driver and report.  Compared with what the plug-in's own clock saw, so that a
# busy machine does to both what it does: the median within 2 % or 20 ns, the 99th percentile
# inside three times its interval: how often the interval itself holds is unit.coverage's to say,
# and one draw of it misses once in twenty runs.
set -euo pipefail
plugin=${IPM_BUILD:?}/tests/scripted.so
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/delays"
cat >"$work/config.jsonc" <<'CONFIG'
{ "name": "planted",
  "repeat": { "invocations": 8, "window": "60ms", "warmup": "5ms" },
  "sensors": { "counters": "off", "energy": "off" },
  "sweeps": [ { "name": "planted", "workloads": ["self_loop"], "mechanisms": ["scripted", "floor_null"],
                "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
IPM_SCRIPTED=$work/delays "${IPM_BIN:?}/ipcmeter" run "$work/config.jsonc" --plugin "$plugin" \
    --out "$work/run" --progress none >"$work/stdout" 2>"$work/stderr" || { tail -n 5 "$work/stderr"; exit 1; }
"$IPM_BIN/ipcmeter" report "$work/run" >/dev/null 2>&1

sort -g "$work"/delays/* >"$work/all"
read -r n p50 p99 < <(awk '{v[NR] = $1} END {print NR, v[int(NR * 0.5) + 1], v[int(NR * 0.99) + 1]}' "$work/all")
echo "planted, $n messages: median $p50, 99th percentile $p99 ns"
jq -c '(.points + .floors)[] | [.mechanism, .samples, .steady, .overhead, (.figures | .p50_ns, .p50_corrected_ns, .p99_ns)]' \
    "$work/run/report.json"
if grep -q 'built without GSL' "$work/run/report.json"; then
    echo "skipped: built without GSL, so there are no intervals" && exit 77
fi
jq -e --argjson p50 "$p50" --argjson p99 "$p99" '
    .points[] | select(.mechanism == "scripted") | .figures as $f
    | ($f.p50_ns.value - $p50 | fabs) as $off
    | [($off <= 20 or $off <= 0.02 * $p50),
       ($f.p99_ns.low - $f.p99_ns.value) * 3 + $f.p99_ns.value <= $p99,
       ($f.p99_ns.high - $f.p99_ns.value) * 3 + $f.p99_ns.value >= $p99,
       ($f.p50_corrected_ns.value < $f.p50_ns.value),
       ($f.p50_pooled_ns.value > 0.98 * $p50 and $f.p50_pooled_ns.value < 1.02 * $p50),
       (.overhead.bound | not), .samples.effective <= .samples.count] | all' \
    "$work/run/report.json" >/dev/null || { echo "FAILED: not what was planted"; exit 1; }
# A clock read is a small share of what takes 20 us, and most of a call that does nothing.
jq -e '.floors[] | select(.mechanism == "floor_null")
       | .overhead.bound and (.figures.p50_corrected_ns.value | fabs) < 1e-6 and .figures.p99_ns.value == null' \
    "$work/run/report.json" >/dev/null || { echo "FAILED: what does nothing costs something"; exit 1; }
