#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# plan and list with the worker of this build: what is shipped can be planned here, in text
# and as JSON, and asking twice gives the same.
set -eu
ipcmeter=$IPM_BIN/ipcmeter
unset IPCMETER_WORKER
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "$*"
    exit 1
}

for config in "" "$IPM_SOURCE"/configs/{all,smoke,default}.jsonc; do
    "$ipcmeter" plan ${config:+"$config"} --points >"$scratch/text" 2>"$scratch/err"
    [ ! -s "$scratch/err" ] || fail "plan $config: $(cat "$scratch/err")"
    "$ipcmeter" plan ${config:+"$config"} --no-rehearsal --json >"$scratch/once"
    "$ipcmeter" plan ${config:+"$config"} --no-rehearsal --json >"$scratch/twice"
    cmp "$scratch/once" "$scratch/twice" || fail "plan $config: not the same twice"
    points=$(grep -c '"point": ' "$scratch/once") || fail "plan $config: no points"
    grep -q "^  points  *$points of " "$scratch/text" ||
        fail "plan $config: text and JSON disagree"
done

for kind in mechanisms floors workloads sensors models ""; do
    "$ipcmeter" list $kind >"$scratch/text"
    [ -s "$scratch/text" ] || fail "list $kind: nothing"
    "$ipcmeter" list $kind --json >"$scratch/json"
    grep -q "\"${kind:-workloads}\": \\[" "$scratch/json" || fail "list $kind --json"
done

# The default keeps its ladder: no mechanism that is here is dropped by the budget.
"$ipcmeter" plan --json >"$scratch/json"
jq -e '.overhead_ns > 0 and .estimate_ns > 0' "$scratch/json" >/dev/null || fail "no mechanism could be tried"
jq -e '.overhead_ns == null' "$scratch/once" >/dev/null || fail "--no-rehearsal tried something"
[ "$(jq '.dropped | length' "$scratch/json")" = 0 ] || fail "the default does not fit its budget"
jq -r '.points[] | select(.workload == "pingpong") | .mechanism' "$scratch/json" | sort -u >"$scratch/ladder"
"$ipcmeter" list mechanisms --json | jq -r '.mechanisms[] | select(.available) | .name' | sort |
    comm -23 - "$scratch/ladder" >"$scratch/missing"
[ ! -s "$scratch/missing" ] || fail "not in the ladder: $(cat "$scratch/missing")"

status=0
"$ipcmeter" list nonsense >"$scratch/text" 2>/dev/null || status=$?
[ $status -eq 2 ] || fail "list nonsense: exit status $status"
[ ! -s "$scratch/text" ] || fail "list nonsense: stdout is not empty"

# A help that fits a screen.
for verb in plan list; do
    lines=$("$ipcmeter" $verb --help | wc -l)
    if [ "$lines" -lt 3 ] || [ "$lines" -gt 24 ]; then
        fail "$verb --help: $lines lines"
    fi
done
