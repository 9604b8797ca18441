#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Budgets on a machine that is slower than planned, by a worker that takes half a second before
# each invocation: a quick run of the default config ends within 60 s and one invocation more,
# a run with a budget soon after it, each point that is kept has its invocations, and what the
# clock dropped is told.
set -euo pipefail
ipcmeter=$IPM_BIN/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

cat >"$work/worker" <<'WORKER'
#!/bin/sh
for word; do
    [ "$word" != describe ] || exec "$REAL_WORKER" "$@"
done
sleep 0.5
exec "$REAL_WORKER" "$@"
WORKER
chmod +x "$work/worker"
export IPCMETER_WORKER=$work/worker REAL_WORKER=$IPM_BIN/ipcmeter-worker

# check NAME SECONDS INVOCATIONS ARGUMENTS...: a run that must end within SECONDS and one
# invocation, with as many of each point that it keeps.
check() {
    local name=$1 seconds=$2 each=$3
    shift 3
    "$ipcmeter" run --out "$work/$name" --seed 1 --progress jsonl "$@" >/dev/null 2>"$work/events" || [[ $? == 3 ]] ||
        fail "$name: $(tail -n 2 "$work/events")"
    grep '^{' "$work/events" | jq -s 'map(select(.event == "end"))[0].elapsed_ns / 1e9' >"$work/took"
    # Whole capacities are asked before the first point, an invocation takes what it takes.
    jq -s 'map((.elapsed_ns // 0) / 1e9) | (max + 1)' "$work/$name/records.jsonl" >"$work/one"
    jq -en --argjson most "$seconds" --slurpfile took "$work/took" --slurpfile one "$work/one" '$took[0] <= $most + $one[0]' >/dev/null ||
        fail "$name: took $(cat "$work/took") s of $seconds"
    jq -rn --argjson each "$each" --slurpfile manifest "$work/$name/manifest.json" --slurpfile records "$work/$name/records.jsonl" '
        ($records | map(select(.pass == "timing" and .status != "invalid")) | group_by(.point) | map({key: .[0].point, value: length}) | from_entries) as $made |
        $made | to_entries[] | select(.value < $each and ($manifest[0].stops[.key].reason != "dropped")) | "\(.key) \(.value)"' >"$work/few"
    [[ ! -s $work/few ]] || fail "$name: kept, but with fewer than $each invocations: $(tr '\n' ' ' <"$work/few")"
    jq -e '([.dropped[] | select(.reason | test("took longer than planned"))] | length > 0) and
        ([.stops[] | select(.reason == "dropped")] | length > 0)' "$work/$name/manifest.json" >/dev/null ||
        fail "$name: the manifest does not say what the clock dropped"
    echo "$name: $(cat "$work/took") s of $seconds, $(jq -s 'map(.point) | unique | length' "$work/$name/records.jsonl") points measured," \
        "$(jq '[.stops[] | select(.reason == "dropped")] | length' "$work/$name/manifest.json") dropped"
}

check quick 60 2 --quick
check short 15 6 --set repeat.budget=15s --set sensors.counters=off --set sensors.energy=off \
    --set workloads=pingpong --set mechanisms=pipe --set size=1,2,4,8,16,32,64,128
exit $((failures > 0))
