#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a point's own axes do, seen in real records: several pairs at once, windows at rest,
# and the working set between messages.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# point MEMBERS: measures into $work/record.
point() {
    measure "\"mechanism\":\"shm_ring\",\"window_ns\":40000000,\"warmup_ns\":1000000,\"timeout_ns\":20000000000,$1" >"$work/record"
}

# must WHAT JQ-CONDITION: of the record.
must() {
    if jq -e "$2" "$work/record" >/dev/null; then
        echo "ok: $1"
    else
        echo "FAILED: $1: $2: $(jq -c '[.status, .reason, .messages, .elapsed_ns]' "$work/record")"
        failures=$((failures + 1))
    fi
}

for workload in pingpong stream self_loop; do
    point "\"workload\":\"$workload\",\"cpus\":[0],\"pairs\":3"
    roles=$([[ $workload == self_loop ]] && echo 1 || echo 2)
    must "$workload: three pairs have roles of their own" \
        ".status == \"ok\" and .pairs == 3 and (.roles | length) == 3 * $roles and ([.roles[].pair] | unique) == [0, 1, 2]"
    must "$workload: every pair worked" '[.roles[].metrics.cpu_ns.value > 0] | all'
done
point '"workload":"stream","cpus":[0],"pairs":32'
must "64 processes at once" '.status == "ok" and (.roles | length) == 64'
point '"workload":"pingpong","cpus":[0,0,0,0],"pairs":2'
must "who asks for no rate has the most" '.rate == "max" and .rate_resolved == null'
must "a pair is told its CPUs" '.status == "ok" and [.roles[].cpu] == [0, 0, 0, 0]'

point '"workload":"pingpong","cpus":[0],"pass":"idle"'
must "at rest nothing is sent and nothing is timed" \
    '.status == "ok" and .messages == 0 and .operations == 0 and .latency_ns == null and .throughput == null'
must "a window at rest has its length" '.elapsed_ns >= 40000000'
must "nothing is divided by no messages" '[.per_message[] == null] | all'
must "a blocked role at rest is asleep" '.metrics.cpu_ns.value < .elapsed_ns / 2'
point '"workload":"open_loop","cpus":[0],"rate":2000,"pass":"idle"'
must "at rest nothing was planned" '.status == "ok" and .messages == 0 and .response_ns == null'

# One interleaved comparison: reading 8192 pages between messages is no matter of noise.
for set in 0 33554432 0 33554432; do
    point "\"workload\":\"pingpong\",\"cpus\":[0],\"working_set\":$set,\"working_set_stride\":4096"
    jq -c '[.working_set, .per_message.cpu_ns]' "$work/record" >>"$work/sets"
done
if jq -es 'group_by(.[0]) | map(map(.[1]) | min) | .[1] > .[0]' "$work/sets" >/dev/null; then
    echo "ok: a working set is read"
else
    echo "FAILED: a working set of 8192 pages costs nothing: $(cat "$work/sets")"
    failures=$((failures + 1))
fi
exit $((failures > 0))
