#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# --delay of the worker: never faster than what was planted, nothing else changed, the record says so;
# and a gate between real workers finds it.  A busy wait has a least time that no machine undercuts.
set -euo pipefail
worker=${IPM_BIN:?}/ipcmeter-worker
unset IPCMETER_WORKER
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/expect.bash
. "${IPM_SOURCE:?}/tests/support/expect.bash"

for mechanism in pipe shm_ring; do
    point='{"schema":1,"workload":"pingpong","mechanism":"'$mechanism'","size":64,"cpus":[0,0],"wait":"block","window_ns":5000000,"warmup_ns":1000000}'
    "$worker" --delay $mechanism:100000 <<<"$point" >"$work/record"
    # Two messages an operation; the histogram of latencies has buckets of a thousandth.
    must "$mechanism: 200 us at the least" jq -e '.status == "ok" and .latency_ns.min >= 199000' "$work/record"
    must "$mechanism: the record says so" jq -e '.flags | index("planted_delay") != null' "$work/record"
    "$worker" --delay posix_mq:100000 <<<"$point" >"$work/record"
    must "$mechanism: another one's delay is none of its" jq -e '.status == "ok"' "$work/record"
done
for wrong in pipe pipe: :5 pipe:0 pipe:x pipe:-1 pipe:2000000000 nothing:5; do
    status=0
    "$worker" --delay "$wrong" </dev/null >/dev/null 2>&1 || status=$?
    must "--delay $wrong is refused" test $status = 2
done

cat >"$work/config.jsonc" <<'CONFIG'
{ "name": "planted", "repeat": { "window": "10ms", "warmup": "1ms" }, "gate": { "confirm_blocks": 10, "looks": 1 },
  "sweeps": [ { "name": "s", "workloads": "pingpong", "mechanisms": ["pipe", "unix_stream"],
                "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
status=0
"$IPM_BIN/ipcmeter" gate "$work/config.jsonc" --b "$worker --delay pipe:500000" --out "$work/gate" --progress none \
    >"$work/stdout" 2>"$work/stderr" || status=$?
if grep -q 'built without GSL' "$work/stderr"; then
    echo "skipped: built without GSL, and a gate needs it" && exit 77
fi
echo "exit status $status: $(sed -n 1,3p "$work/stdout")"
# Where others have the CPUs the verdict is `environment`, and the points' own findings stand.
must "a verdict: regression or environment" test $status = 10 -o $status = 12
must "the planted point costs more" jq -e '[.points[] | select(.label | test("/pipe/"))][0] | .effect.log > 1 and .change == "worse"' "$work/gate/gate.json"
must "its records say that it was planted" jq -se 'map(select(.arm == "b" and .status == "ok")) | all(.flags | index("planted_delay") != null)' \
    "$work/gate/records.jsonl"
[[ $failures == 0 ]] || { tail -n 5 "$work/stderr"; exit 1; }
