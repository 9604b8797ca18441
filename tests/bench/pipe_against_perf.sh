#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pipe ping-pong of 4 bytes on one CPU against `perf bench sched pipe`, pinned likewise:
# ten interleaved pairs, the ratio of round trip times.  Wanted: median <= 1.05.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
IPM_BIN=${IPM_BIN:-$here/build/release/bin}
# shellcheck source=tests/support/worker.sh
. "$here/tests/support/worker.sh"
cpu=${CPU:-0}
loops=${LOOPS:-60000}
pairs=${PAIRS:-10}
command -v perf >/dev/null || { echo "skip: perf is not installed"; exit 77; }

ratios=""
for ((i = 1; i <= pairs; i++)); do
    theirs=$(taskset -c "$cpu" perf bench -f simple sched pipe -l "$loops" | awk -v n="$loops" '{print $1 / n * 1e9}')
    record=$(measure "\"workload\":\"pingpong\",\"mechanism\":\"pipe\",\"size\":4,\"wait\":\"block\",\"cpus\":[$cpu],\"window_ns\":400000000,\"warmup_ns\":20000000")
    ours=$(awk -v e="$(member elapsed_ns <<<"$record")" -v n="$(member operations <<<"$record")" 'BEGIN {print e / n}')
    ratio=$(awk -v a="$ours" -v b="$theirs" 'BEGIN {printf "%.4f", a / b}')
    echo "pair $i: ipcmeter $ours ns, perf bench $theirs ns, ratio $ratio"
    ratios+="$ratio"$'\n'
done
echo "median ratio $(median <<<"${ratios%$'\n'}") ($(spread <<<"${ratios%$'\n'}"))"
