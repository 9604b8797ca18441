#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What the worker and the plug-in border cost.
#   twin    the worker against a bare loop over the same calls (twins.c): the median ratio of
#           nanoseconds per operation is wanted at <= 1.03
#           For shm_ring there are two: one that inlines a ring of its own, which shows what a
#           table of functions costs a thing of nanoseconds, and one over the same hooks.
#   plugin  the built-in shm_ring against the same sources as a plug-in: 0.97 .. 1.03
# Pairs are interleaved, ABBA; each figure is a window of 100 ms.  Where other people use the
# machine a median says little by itself: the spread and the share of pairs within the upper
# bound stand beside it, and RAW=FILE keeps every pair.
# POLICY=fifo (root) runs both of a pair ahead of everything that is not real-time.
#   PAIRS=20 CPUS="0 1" POLICY=other ONLY=REGEX RAW=FILE tests/bench/floors.sh
# shellcheck disable=SC2317 # row() calls functions by name
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
IPM_BIN=${IPM_BIN:-$here/build/release/bin}
# shellcheck source=tests/support/worker.sh
. "$here/tests/support/worker.sh"
pairs=${PAIRS:-20}
read -r first second <<<"${CPUS:-0 1}"
only=${ONLY:-.}
raw=${RAW:-/dev/null}
policy=${POLICY:-other}
prefix=()
[[ $policy == other ]] || prefix=(chrt -f 10)
: >"$raw"
failures=0

# worker MECHANISM [WORKER ARGUMENTS]: "ns-per-operation timing-batch room", of the row's point.
worker() {
    local record figure
    record=$(measure "\"workload\":\"$workload\",\"mechanism\":\"$1\",\"size\":$size,\"wait\":\"$wait\",\"copies\":$copies,\"cpus\":[$cpus],\"depth\":$depth,\"policy\":\"$policy\",\"window_ns\":100000000,\"warmup_ns\":10000000" "${@:2}")
    figure=$(per_operation <<<"$record")
    echo "$figure $(member timing_batch <<<"$record") $(grep -o '"capacity":\[{[^}]*' <<<"$record" | member "$unit")"
}

# What row() calls by name: one figure each, into ours or theirs.
worker_and_room() { read -r ours rounds room < <(worker "$mechanism"); }
hooks() { theirs=$("${prefix[@]}" "$IPM_BIN/bench_twins" shm_ring_hooks "$size" "$rounds" "${cpus%,*}" "${cpus#*,}" "$workload" 0 "$copies" 16); }
twin() { theirs=$("${prefix[@]}" "$IPM_BIN/bench_twins" "$mechanism" "$size" "$rounds" "${cpus%,*}" "${cpus#*,}" "$workload" "$room" "$copies" 16); }
builtin_ring() { read -r ours _ < <(worker shm_ring); }
plugin_ring() { read -r theirs _ < <(worker shm_ring_copy --plugin "$IPM_BIN/shm_ring_copy.so"); }

# row LOWEST HIGHEST OURS THEIRS: the pairs of one point, and its line of the table.
row() {
    local title="$mechanism $workload, $size B, copies $copies, cpus $cpus" all="" verdict=PASS middle turn
    [[ $title =~ $only ]] || return 0
    "$3" # the twin takes its batch and room from the worker
    for ((turn = 1; turn <= pairs; turn++)); do
        if ((turn % 2)); then
            "$3"
            "$4"
        else
            "$4"
            "$3"
        fi
        all+=$(awk -v a="$ours" -v b="$theirs" 'BEGIN {printf "%.4f %s %s", a / b, a, b}')$'\n'
    done
    all=${all%$'\n'}
    middle=$(cut -d' ' -f1 <<<"$all" | median)
    if awk -v m="$middle" -v low="$1" -v high="$2" 'BEGIN {exit m >= low && m <= high}'; then
        verdict=FAIL failures=$((failures + 1))
    fi
    printf '%-52s %7.4f  %-18s %-9s %11.1f %11.1f  %s\n' "$title" "$middle" \
        "$(cut -d' ' -f1 <<<"$all" | spread)" "$(cut -d' ' -f1 <<<"$all" | share_at_most "$2")" \
        "$(cut -d' ' -f2 <<<"$all" | median)" "$(cut -d' ' -f3 <<<"$all" | median)" "$verdict"
    awk -v title="$title" '{print title ": " $0}' <<<"$all" >>"$raw"
}

printf '%-52s %7s  %-18s %-9s %11s %11s\n' "worker / twin, $pairs pairs" median spread '<= 1.03' 'worker ns' 'twin ns'
copies=2 size=64 wait=block
for mechanism in pipe unix_stream posix_mq; do
    # An ordinary user's queues hold no more than 10 messages outside of the sandbox.
    if [[ $mechanism == posix_mq ]]; then unit=messages depth=10; else unit=bytes depth=64; fi
    for cpus in "$first,$first" "$first,$second"; do
        for workload in pingpong stream; do row 0 1.03 worker_and_room twin; done
    done
done
mechanism=shm_ring size=56 wait=spin unit=messages depth=64 cpus="$first,$second"
for copies in 0 2; do
    for workload in pingpong stream; do row 0 1.03 worker_and_room twin; done
done

printf '\n%-52s %7s  %-18s %-9s %11s %11s\n' "worker / bare loop over the same hooks, $pairs pairs" median spread '<= 1.03' 'worker ns' 'loop ns'
for copies in 0 2; do
    for workload in pingpong stream; do row 0 1.03 worker_and_room hooks; done
done

printf '\n%-52s %7s  %-18s %-9s %11s %11s\n' "built-in / plug-in, $pairs pairs" median spread '<= 1.03' 'built-in ns' 'plug-in ns'
mechanism="shm_ring" size=64
for copies in 0 2; do
    for workload in pingpong stream; do row 0.97 1.03 builtin_ring plugin_ring; done
done
exit $((failures > 0))
