#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a change to the recorder costs per sample: two workers in turn, WORKER_A (before) and
# WORKER_B (after), on floor_null and a pipe within one role, and a pipe between two roles of one
# CPU.  Prints the ratio B / A of the time per operation, over pairs in turn.  A sample costs about 3 ns to record: a
# shared machine does not show what is added to that.
#     WORKER_A=old/bin WORKER_B=new/bin PAIRS=20 tests/bench/samples.sh
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/support/worker.sh
. "$here/tests/support/worker.sh"
pairs=${PAIRS:-20}

once() { # BIN MEMBERS
    IPM_BIN=$1 measure "$2,\"window_ns\":50000000,\"warmup_ns\":5000000" | per_operation
}

for what in '"workload":"self_loop","mechanism":"floor_null","size":0,"cpus":[0]' \
    '"workload":"self_loop","mechanism":"pipe","size":64,"cpus":[0],"wait":"block"' \
    '"workload":"pingpong","mechanism":"pipe","size":64,"cpus":[0,0],"wait":"block"'; do
    ratios=""
    for ((i = 0; i < pairs; i++)); do
        if ((i % 2)); then
            b=$(once "$WORKER_B" "$what") a=$(once "$WORKER_A" "$what")
        else
            a=$(once "$WORKER_A" "$what") b=$(once "$WORKER_B" "$what")
        fi
        ratios+=$(awk -v a="$a" -v b="$b" 'BEGIN {printf "%.4f", b / a}')$'\n'
    done
    echo "$what: B / A median $(median <<<"${ratios%$'\n'}") ($(spread <<<"${ratios%$'\n'}"))"
done
