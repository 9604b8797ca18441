#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run --quick: marked in the manifest and in all reports, and no run of another kind goes on
# in its folder.  run and plan refuse more than max_points.
set -euo pipefail
ipcmeter=$IPM_BIN/ipcmeter
unset IPCMETER_WORKER
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

cat >"$work/c.jsonc" <<'CONFIG'
{ "name": "c", "repeat": { "invocations": 9, "window": "1s" }, "sensors": { "counters": "off" },
  "sweeps": [ { "workloads": "pingpong", "mechanisms": "pipe", "repeat": { "window": "2s" },
                "axes": { "size": [1, 64], "placement": "same_cpu" },
                "exclude": [ { "size": 1 } ],
                "include": [ { "workload": "self_loop", "mechanism": "floor_clock" } ] } ] }
CONFIG
run=("$ipcmeter" run "$work/c.jsonc" --progress none)
"${run[@]}" --quick --out "$work/quick" >/dev/null 2>"$work/err" || fail "run --quick: $(cat "$work/err")"
[ "$(jq .quick "$work/quick/manifest.json")" = true ] || fail "the manifest does not say quick"
# Two invocations of each point: the one that is left of the sweep, and the one added.
[ "$(jq -r '"\(.mechanism) \(.size)"' "$work/quick/records.jsonl" | sort | uniq -c | tr -s ' \n' ' ')" = \
    " 2 floor_clock 64 2 pipe 64 " ] || fail "other points: $(jq -c '[.mechanism, .size]' "$work/quick/records.jsonl")"

"$ipcmeter" report "$work/quick" --text >"$work/text" 2>"$work/err" || fail "report: $(cat "$work/err")"
grep -q 'not for publication' "$work/text" || fail "the text does not warn"
grep -q 'not for publication' "$work/quick/report.html" || fail "the page does not warn"
[ "$(jq .health.quick "$work/quick/report.json")" = true ] || fail "the report does not say quick"

status=0
"${run[@]}" --out "$work/quick" --resume >/dev/null 2>&1 || status=$?
[ $status -eq 2 ] || fail "a full run went on in the folder of a quick one: $status"
"${run[@]}" --quick --out "$work/quick" --resume >/dev/null 2>"$work/err" || fail "resume: $(cat "$work/err")"
[ "$(wc -l <"$work/quick/records.jsonl")" = 4 ] || fail "a quick run that was done was not"

# The guard, before anything is made.
for verb in "plan" "run --out $work/none"; do
    status=0
    # shellcheck disable=SC2086 # words
    "$ipcmeter" $verb "$work/c.jsonc" --set max_points=1 >"$work/out" 2>"$work/err" || status=$?
    [ $status -eq 2 ] || fail "$verb above max_points: $status"
    grep -q 'the plan has 2 points, max_points allows 1: .*--set max_points=2$' "$work/err" ||
        fail "$verb: $(cat "$work/err")"
done
[ ! -e "$work/none" ] || fail "a refused run made a folder"
"$ipcmeter" plan "$work/c.jsonc" --set max_points=2 >/dev/null || fail "as many as allowed are refused"
