#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shm_ring, copies 0, spin, two CPUs, against the cache-line round trip that brackets the
# same window: 56-byte messages stream at an interval of at most 0.5 of it, a round trip
# takes at most 2 of it.  Medians of ten windows; the level of the line itself moves.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
IPM_BIN=${IPM_BIN:-$here/build/release/bin}
# shellcheck source=tests/support/worker.sh
. "$here/tests/support/worker.sh"
cpus=${CPUS:-0,1}
windows=${WINDOWS:-10}

for workload in stream pingpong; do
    ratios=""
    for ((i = 1; i <= windows; i++)); do
        record=$(measure "\"workload\":\"$workload\",\"mechanism\":\"shm_ring\",\"size\":56,\"wait\":\"spin\",\"copies\":0,\"cpus\":[$cpus],\"window_ns\":50000000")
        ratio=$(awk -v e="$(member elapsed_ns <<<"$record")" -v n="$(member operations <<<"$record")" \
            -v a="$(metric cacheline_rtt_before_ns <<<"$record")" -v b="$(metric cacheline_rtt_after_ns <<<"$record")" \
            'BEGIN {printf "%.3f %.1f %.1f", e / n / ((a + b) / 2), e / n, (a + b) / 2}')
        echo "$workload $i: $ratio (ratio, ns per operation, ns per line round trip)"
        ratios+="${ratio%% *}"$'\n'
    done
    echo "$workload: median ratio $(median <<<"${ratios%$'\n'}") ($(spread <<<"${ratios%$'\n'}"))"
done
