#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the workloads promise of their traffic, seen in real records; and rates that are shares.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# must FILE WHAT JQ-CONDITION: of the record.
must() {
    if jq -e "$3" "$work/$1" >/dev/null; then
        echo "ok: $2"
    else
        echo "FAILED: $2: $3: $(jq -c '[.status, .reason, .messages, .operations]' "$work/$1")"
        failures=$((failures + 1))
    fi
}

# point FILE MECHANISM MEMBERS
point() {
    measure "\"mechanism\":\"$2\",\"wait\":\"block\",\"cpus\":[0],\"window_ns\":40000000,\"warmup_ns\":1000000,$3" >"$work/$1"
}

# Turns of 16 under SCHED_BATCH: the sender is not preempted by the wake-up that it causes.
# Others who want this CPU interrupt turns, too: a window in which they leave it is enough.
switches='.per_message.switches_task'
fewer() { jq -es "(.[1] | $switches) * 4 < (.[0] | $switches)" "$work/single" "$work/burst" >/dev/null; }
for ((try = 0; try < 8; try++)); do
    point single pipe '"workload":"burst","batch":1,"policy":"batch"'
    point burst pipe '"workload":"burst","batch":16,"policy":"batch"'
    ! fewer || break
done
must burst "a turn has its messages" '.status == "ok" and .batch_granted == 16 and .messages == 2 * .operations and .messages % 32 == 0'
if fewer; then
    echo "ok: turns of 16 take $(jq "$switches" "$work/burst") switches a message, turns of 1 $(jq "$switches" "$work/single")"
else
    echo "FAILED: turns of 16 take $(jq "$switches" "$work/burst") switches a message, turns of 1 $(jq "$switches" "$work/single")"
    failures=$((failures + 1))
fi

point rpc pipe '"workload":"rpc","size":64,"reply_size":1024,"compute":"200us"'
must rpc "a reply has its size, and takes what the server computes" '.status == "ok" and .bytes == .operations * 1088 and .compute == 200000 and .latency_ns.min >= 200000'
point token pipe '"workload":"token","size":4096'
must token "a token is as small as a pipe takes it" '.status == "ok" and .size == 1'
point token eventfd '"workload":"token"'
must token "a token without payload has none" '.status == "ok" and .size == 0'

# Shares of a capacity that is measured first.
"$IPM_BIN/ipcmeter" run --out "$work/run" --progress none --set workloads=open_loop --set mechanisms=pipe --set size=64 \
    --set placement=same_cpu --set wait=block --set copies=2 --set touch=none --set 'rate=10%,50%' --set sensors.counters=off \
    --set repeat.invocations=1 --set repeat.window=20ms >/dev/null 2>"$work/said" || cat "$work/said"
if jq -es --slurpfile manifest "$work/run/manifest.json" '($manifest[0].capacities | to_entries) as $c |
    ($c | length) == 1 and ($c[0].value.windows | length) == 3 and
    all(.[]; .status == "ok" and .rate_resolved > 0 and
        ((.rate | rtrimstr("%") | tonumber) / 100 * $c[0].value.messages_per_s - .rate_resolved | fabs) <= 1)' \
    "$work/run/records.jsonl" >/dev/null; then
    echo "ok: shares are shares of one capacity"
else
    echo "FAILED: shares: $(jq -c '[.rate, .rate_resolved]' "$work/run/records.jsonl" | tr '\n' ' ') of $(jq -c .capacities "$work/run/manifest.json")"
    failures=$((failures + 1))
fi
exit $((failures > 0))
