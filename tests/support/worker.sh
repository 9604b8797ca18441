# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Helpers for scripts that speak the worker protocol.  To be sourced.

# measure MEMBERS [WORKER ARGUMENTS]: one record of the point {"schema":1,MEMBERS}.
measure() {
    local members=$1
    shift
    printf '{"schema":1,%s}' "$members" | "$IPM_BIN/ipcmeter-worker" "$@"
}

# member NAME: its number or string from the record on stdin; the first of that name.
member() {
    grep -o "\"$1\":\(\"[^\"]*\"\|[^,}]*\)" | awk 'NR == 1 { sub(/^[^:]*:/, ""); gsub(/"/, ""); print }'
}

# metric NAME: its value from the record on stdin.
metric() {
    grep -o "\"$1\":{\"value\":[^,}]*" | awk -F: 'NR == 1 { print $NF }'
}

# median: of the numbers on stdin, one a line.
median() {
    sort -g | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}

# spread: smallest and largest of the numbers on stdin.
spread() {
    sort -g | awk 'NR == 1 {low = $1} {high = $1} END {print low " .. " high}'
}

# share_at_most LIMIT: how many of the numbers on stdin are no larger, as "17 of 20".
share_at_most() {
    awk -v limit="$1" '$1 <= limit {n++} END {print n + 0 " of " NR}'
}

# per_operation: nanoseconds per operation from the record on stdin; fails unless it is ok.
per_operation() {
    local record
    record=$(cat)
    if [[ $(member status <<<"$record") != ok ]]; then
        echo "no figure: $(member status <<<"$record"): $(member reason <<<"$record")" >&2
        return 1
    fi
    awk -v e="$(member elapsed_ns <<<"$record")" -v n="$(member operations <<<"$record")" 'BEGIN {printf "%.3f\n", e / n}'
}

# leaves PID: the processes below it that have no children themselves.
leaves() {
    local child children
    children=$(pgrep -P "$1" || true)
    [[ -n $children ]] || echo "$1"
    for child in $children; do leaves "$child"; done
}
