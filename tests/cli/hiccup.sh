#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# hiccup sees what the machine does to a process that only spins: a pause, planted by stopping
# one role in its window, is in that role's figures, in the longest gap and in the histogram.
# Nothing is asserted of the gaps that the machine makes by itself.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
planted_s=0.4
planted_ns=400000000
failures=0

# must WHAT JQ-CONDITION: of the record.
must() {
    if jq -e "$2" "$work/record" >/dev/null; then
        echo "ok: $1"
    else
        echo "FAILED: $1: $2"
        failures=$((failures + 1))
    fi
}

# allowed PID: the CPUs it may run on, one a line.
allowed() {
    awk '$1 == "Cpus_allowed_list:" { n = split($2, parts, ",")
        for (i = 1; i <= n; i++) { split(parts[i] "-" parts[i], ends, "-")
            for (cpu = ends[1]; cpu <= ends[2]; cpu++) print cpu } }' "/proc/$1/status" 2>/dev/null || true
}

# spun PID: CPU time it has used, in clock ticks.
spun() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '{ print $12 + $13 }' || true
}

# The last role is the one on the second CPU; on a machine with one CPU only the first looks.
mapfile -t cpus < <(allowed self | head -n 2)
last=$((${#cpus[@]} - 1))
list=$(IFS=,; echo "${cpus[*]}")
measure "\"workload\":\"hiccup\",\"mechanism\":\"floor_hiccup\",\"cpus\":[$list],\"window_ns\":6000000000,\"warmup_ns\":1000000" >"$work/record" &
job=$!

# Half a second of CPU time is more than a role spends before its window.
role=
while [[ -z $role ]] && kill -0 "$job" 2>/dev/null; do
    sleep 0.05
    for leaf in $(leaves "$job"); do
        used=$(spun "$leaf")
        [[ $(allowed "$leaf") == "${cpus[last]}" && ${used:-0} -ge 50 ]] && role=$leaf
    done
done
if [[ -n $role ]]; then
    kill -STOP "$role"
    sleep "$planted_s"
    kill -CONT "$role"
fi
wait "$job"

must "a role was stopped in its window" "\"$role\" != \"\""
must "it is measured" '.status == "ok" and .workload == "hiccup"'
must "the role saw the pause" ".roles[$last].metrics.longest_gap_ns.value >= $planted_ns"
must "it is the longest of all" ".metrics.longest_gap_ns.value >= $planted_ns"
must "the histogram has it" ".interval_ns.max >= $planted_ns and .interval_ns.per == 1"
must "the shortest gap is none" ".interval_ns.min < $planted_ns and .interval_ns.p50 < $planted_ns"
must "time was lost" '.metrics.time_in_gaps_over_20us.value > 0 and .metrics.gaps_over_20us_per_s.value > 0'

measure "\"workload\":\"hiccup\",\"mechanism\":\"floor_clock\",\"cpus\":[$list]" >"$work/record"
must "other floors have no gaps to tell" '.status == "skipped" and (.reason | test("floor_hiccup alone"))'
exit $((failures > 0))
