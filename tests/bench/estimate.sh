#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What `plan` says a run takes against what it takes: estimate.sh [REPEATS [CONFIG]...]
#
# REPEATS (3) times plan and run of each config in turn, so that other work on the machine falls
# on both; default: smoke, ci, default, seed-model, one with rates as shares of a capacity and
# one with (simulated) energy.  Wanted: ratios in 0.85 .. 1.15.  A budget that ends a run early
# makes the ratio smaller: how many points it dropped is told, too.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
ipcmeter=${IPM_BIN:-$here/build/release/bin}/ipcmeter
repeats=${1:-3}
shift $(($# > 0))
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cat >"$out/capacity.jsonc" <<'CONFIG'
{ "name": "capacity", "repeat": { "invocations": 6, "window": "50ms", "warmup": "5ms" },
  "sensors": { "counters": "off", "energy": "off" },
  "sweeps": [ { "name": "rates", "workloads": "open_loop", "mechanisms": ["pipe", "unix_stream"],
                "axes": { "size": 64, "rate": ["10%", "30%", "50%"], "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
cat >"$out/abba.jsonc" <<'CONFIG'
{ "name": "abba", "repeat": { "invocations": 6, "window": "20ms", "warmup": "5ms", "energy": 4 },
  "sensors": { "counters": "off", "energy": { "simulated": { "p_idle_w": 2, "e_switch_uj": 200, "e_message_uj": 300, "e_byte_nj": 100,
      "drift_w_per_s": 0.002, "noise_uj": 100000, "seed": 1 } } },
  "sweeps": [ { "name": "joules", "workloads": "pingpong", "mechanisms": "pipe",
                "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
[[ $# -gt 0 ]] || set -- "$here"/configs/{smoke,ci,default,seed-model}.jsonc "$out"/{capacity,abba}.jsonc

for ((i = 0; i < repeats; i++)); do
    for config; do
        name=$(basename "$config" .jsonc)
        "$ipcmeter" plan "$config" --json >"$out/plan.json"
        "$ipcmeter" run "$config" --out "$out/$name$i" --progress jsonl 2>"$out/events" >/dev/null || [[ $? == 3 ]]
        grep '^{' "$out/events" | jq -rs --arg name "$name" --arg load "$(cut -d' ' -f1 /proc/loadavg)" \
            --slurpfile plan "$out/plan.json" --slurpfile manifest "$out/$name$i/manifest.json" \
            --slurpfile records "$out/$name$i/records.jsonl" '
            (map(select(.event == "end"))[0].elapsed_ns / 1e9) as $took |
            ($plan[0].estimate_ns / 1e9) as $planned |
            [$name, $planned, $took, $took / $planned, ($records | map(select(.status == "invalid")) | length),
             ($manifest[0].stops | map(select(.reason == "dropped")) | length), $load] | @tsv' | tee -a "$out/table"
    done
done
echo "config: least, median and most of took / planned"
sort -k1,1 -k4,4g "$out/table" | awk -F'\t' '
    function say() { if (n) printf "%s: %.2f %.2f %.2f\n", name, ratio[1], ratio[int((n + 1) / 2)], ratio[n] }
    $1 != name { say(); n = 0; name = $1 }
    { ratio[++n] = $4 }
    END { say() }'
