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

for config in "" "$IPM_SOURCE"/configs/*.jsonc; do
    # The room for POSIX queues is one for all processes of a user: while another test has
    # some, fewer sizes fit, here as in a run.  For another look nothing else may have changed.
    try=0
    while :; do
        "$ipcmeter" plan ${config:+"$config"} --points >"$scratch/text" 2>"$scratch/err"
        [ ! -s "$scratch/err" ] || fail "plan $config: $(cat "$scratch/err")"
        "$ipcmeter" plan ${config:+"$config"} --no-rehearsal --json >"$scratch/once"
        "$ipcmeter" plan ${config:+"$config"} --no-rehearsal --json >"$scratch/twice"
        ! cmp -s "$scratch/once" "$scratch/twice" || break
        for one in once twice; do
            jq -S '[.points, .skips, .dropped] | map(map(select(.mechanism != "posix_mq")))' "$scratch/$one" >"$scratch/$one.others"
        done
        if [ $((try += 1)) -eq 10 ] || ! cmp "$scratch/once.others" "$scratch/twice.others"; then
            fail "plan $config: not the same twice: $(diff "$scratch/once" "$scratch/twice" | head -n 9)"
        fi
    done
    points=$(grep -c '"point": ' "$scratch/once") || fail "plan $config: no points"
    grep -q "^  points  *$points of " "$scratch/text" ||
        fail "plan $config: text and JSON disagree"
done

# What a config offers in a comment works, too.
sed '/^ *"energy": "auto"/d; s|// \("energy": { "simulated"\)|\1|' "$IPM_SOURCE/configs/energy.jsonc" >"$scratch/simulated.jsonc"
"$ipcmeter" plan "$scratch/simulated.jsonc" --json >"$scratch/json"
[ "$(jq '.config.sensors.energy.simulated.p_idle_w == 5' "$scratch/json")" = true ] || fail "no simulated meter"
sed '/^ *"energy": "auto"/d; s|// \("energy": { "estimated"\)|\1|' "$IPM_SOURCE/configs/energy.jsonc" >"$scratch/estimated.jsonc"
"$ipcmeter" plan "$scratch/estimated.jsonc" --json >"$scratch/json"
[ "$(jq '.config.sensors.energy.estimated.watts_per_core == [3, 5, 9]' "$scratch/json")" = true ] ||
    fail "no estimate"

# A quick look has few and short invocations, whatever the config says, but not what --set says.
"$ipcmeter" plan "$IPM_SOURCE/configs/energy.jsonc" --quick --set repeat.window=11ms --json >"$scratch/json"
[ "$(jq -c '[.quick, .config.repeat.invocations, .config.repeat.window, .config.repeat.budget, .config.sensors.energy]' \
    "$scratch/json")" = '[true,2,"11ms","40s","off"]' ] || fail "quick: $(jq -c .config "$scratch/json")"
[ "$(jq '.estimate_ns <= 40e9' "$scratch/json")" = true ] || fail "quick is not quick"

# Counting takes as long as timing: only who names events has them counted.
sed 's/"counters": "auto"/"events": ["cycles:u"]/' "$IPM_SOURCE/configs/default.jsonc" >"$scratch/events.jsonc"
"$ipcmeter" plan "$scratch/events.jsonc" --quick --json >"$scratch/json"
[ "$(jq -c '[.config.sensors.counters, .config.sensors.events]' "$scratch/json")" = '["off",[]]' ] ||
    fail "quick counts: $(jq -c .config.sensors "$scratch/json")"
"$ipcmeter" plan "$scratch/events.jsonc" --quick --events cycles:k --json >"$scratch/json"
[ "$(jq -c '[.config.sensors.counters, .config.sensors.events]' "$scratch/json")" = '["auto",["cycles:k"]]' ] ||
    fail "quick does not count: $(jq -c .config.sensors "$scratch/json")"

for kind in mechanisms floors workloads sensors models ""; do
    "$ipcmeter" list $kind >"$scratch/text"
    [ -s "$scratch/text" ] || fail "list $kind: nothing"
    "$ipcmeter" list $kind --json >"$scratch/json"
    grep -q "\"${kind:-workloads}\": \\[" "$scratch/json" || fail "list $kind --json"
done

# The default keeps its ladder: no mechanism that is here is dropped by the budget.
"$ipcmeter" plan --json >"$scratch/json"
jq -e '.overhead_ns > 0 and .estimate_ns > 0' "$scratch/json" >/dev/null || fail "no mechanism could be tried"
# A run never takes longer than its budget, however slow the machine was when it was asked.
cat >"$scratch/slow" <<'WORKER'
#!/bin/sh
for word; do
    [ "$word" != describe ] || exec "$REAL_WORKER" "$@"
done
sleep 0.1
exec "$REAL_WORKER" "$@"
WORKER
chmod +x "$scratch/slow"
slowly() { REAL_WORKER=$IPM_BIN/ipcmeter-worker IPCMETER_WORKER=$scratch/slow "$ipcmeter" plan --set repeat.budget=1s "$@"; }
slowly --json >"$scratch/short"
jq -e '.estimate_ns == 1e9 and .whole_ns > .estimate_ns' "$scratch/short" >/dev/null || fail "an estimate beyond the budget"
slowly >"$scratch/text"
grep -q 'note: .* the run will drop points' "$scratch/text" || fail "no word on points to be dropped"
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
