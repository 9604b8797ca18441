#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
#   tests/bench/sensors.sh [PAIRS]
#
# What the sensors of the timing pass cost: a ping-pong with them against one without any,
# and a software counter pass against the same.  The two arms of a pair follow each other, in
# an order that alternates; what is printed is the median of the ratios and their spread.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
IPM_BIN=${IPM_BIN:-$source/build/release/bin}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
pairs=${1:-60}

# arm MECHANISM WAIT CPUS PASS OFF: nanoseconds per operation.
arm() {
    measure "\"workload\":\"pingpong\",\"mechanism\":\"$1\",\"wait\":\"$2\",\"cpus\":$3,\"pass\":\"$4\",\"sensors\":{\"off\":$5},\"window_ns\":50000000,\"warmup_ns\":10000000" | per_operation
}

# compare LABEL MECHANISM WAIT CPUS PASS
compare() {
    local i a b ratios=""
    for ((i = 0; i < pairs; i++)); do
        if ((i % 2 == 0)); then
            a=$(arm "$2" "$3" "$4" "$5" false) b=$(arm "$2" "$3" "$4" timing true)
        else
            b=$(arm "$2" "$3" "$4" timing true) a=$(arm "$2" "$3" "$4" "$5" false)
        fi
        ratios+=$(awk -v a="$a" -v b="$b" 'BEGIN {printf "%.4f", a / b}')$'\n'
    done
    printf '%-44s %s (%s)\n' "$1" "$(printf '%s' "$ratios" | median)" "$(printf '%s' "$ratios" | spread)"
}

echo "time per operation with sensors against none; median of $pairs pairs (spread)"
compare "pipe, block, one CPU, timing" pipe block '[0]' timing
compare "pipe, block, one CPU, counters:software" pipe block '[0]' counters:software
compare "shm_ring, spin, two CPUs, timing" shm_ring spin '[0,1]' timing
