#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gate --baseline and its exit codes, over sessions that are made up: one short real run, whose medians
# are written anew for each.  Nothing here is timed.
set -euo pipefail
ipcmeter=${IPM_BIN:?}/ipcmeter
unset IPCMETER_WORKER
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/expect.bash
. "${IPM_SOURCE:?}/tests/support/expect.bash"

cat >"$work/config.jsonc" <<'CONFIG'
{ "name": "kept", "repeat": { "invocations": 3, "window": "2ms", "warmup": "1ms" },
  "sweeps": [
    { "name": "floor", "workloads": "self_loop", "mechanisms": "floor_syscall", "axes": { "placement": "same_cpu" } },
    { "name": "s", "workloads": "pingpong", "mechanisms": ["pipe", "unix_stream"],
      "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
if ! "$ipcmeter" run "$work/config.jsonc" --out "$work/real" --progress none >"$work/stdout" 2>"$work/stderr"; then
    cat "$work/stdout" "$work/stderr"
    exit 1
fi

# session DIR NUMBER [JQ-OF-RECORDS [JQ-OF-MANIFEST]]: a session on day NUMBER, its medians 1000 ns
# and a scatter of some tenths of a percent, another one for each number.
session() {
    local dir=$1 number=$2 records=${3:-.} manifest=${4:-.}
    mkdir -p "$dir"
    jq -c --argjson n "$number" "
        del(.response_ns, .latency_ns.histogram)
        | .latency_ns.p50 = 1000 * (1 + 0.001 * ((\$n * 7 + .size) % 5))
        | .metrics.core_step_before_ns.value = 100 | .metrics.core_step_after_ns.value = 100
        | $records" "$work/real/records.jsonl" >"$dir/records.jsonl"
    jq --argjson n "$number" "
        .run = \"run\(\$n)\" | .started = \"2026-01-\(10 + \$n)T00:00:00Z\" | .build = \"build\(\$n)\"
        | .host.cpu_model = \"A\" | .describe.machine.boot = \"boot\(\$n)\"
        | .environment_before.checks = [{name: \"governor\", status: \"ok\", text: \"performance\"}, {name: \"load\", status: \"ok\", text: \"idle\"}]
        | .drift = [] | $manifest" "$work/real/manifest.json" >"$dir/manifest.json"
}
for number in 1 2 3 4 5 6; do
    session "$work/kept/s$number" "$number"
done
gate=("$ipcmeter" gate --baseline "$work/kept")
slower='if .mechanism == "pipe" then .latency_ns.p50 *= 1.3 else . end'
# verdict MECHANISM FILE
verdict() { jq -r --arg m "$1" '.points[] | select(.label | split("/")[1] == $m) | .verdict' "$2"; }
# says WHAT TEXT: on stdout, whatever the line breaks
says() { must "$1" grep -qF -- "$2" <(tr -s ' \n' ' ' <"$work/stdout"); }

session "$work/slower" 20 "$slower"
expect 10 "one point 30 % slower" "${gate[@]}" "$work/slower" --json --out "$work/slower.json"
if grep -q 'built without GSL' "$work/stderr"; then
    echo "skipped: built without GSL, and a gate needs it" && exit 77
fi
cp "$work/stdout" "$work/printed.json"
must "that point" test "$(verdict pipe "$work/slower.json")" = regression
must "the other passes" test "$(verdict unix_stream "$work/slower.json")" = pass
must "--out writes what --json prints" cmp <(jq -S . "$work/printed.json") <(jq -S . "$work/slower.json")
must "the form of a gate" jq -e '.schema == 1 and .kind == "gate" and .method == "baseline" and
    (.baseline | length) == 6 and (.candidate | length) == 1 and .complete and
    (.points | length) == 3 and ([.points[] | select(.control)] | length) == 1 and
    all(.points[]; has("label") and has("reason") and has("effect") and has("margin") and has("p") and
        (.sessions.baseline | length) == 6)' "$work/slower.json"
must "the effect" jq -e '[.points[] | select(.verdict == "regression") | .effect.share] | length == 1 and .[0] > 0.29 and .[0] < 0.31' "$work/slower.json"
must "another build is no other class" jq -e '.environment.hard == []' "$work/slower.json"
must "one session is warned of" jq -e '.warnings | any(test("measure a second one"))' "$work/slower.json"
expect 1 "for git bisect" "${gate[@]}" "$work/slower" --bisect
expect 10 "in words" "${gate[@]}" "$work/slower"
says "the verdict" "VERDICT regression 1 of 2 points cost more: pingpong/pipe/64/same_cpu/block/copies=2: +30 %"

session "$work/same" 21
expect 0 "the same" "${gate[@]}" "$work/same" --all
says "it passes" "VERDICT pass each of 2 points"
session "$work/again" 22 "$slower"
expect 10 "two sessions, both slower" "${gate[@]}" "$work/slower" "$work/again"
expect 13 "two sessions, one slower" "${gate[@]}" "$work/slower" "$work/same"
session "$work/faster" 23 'if .mechanism == "pipe" then .latency_ns.p50 *= 0.7 else . end'
expect 0 "faster" "${gate[@]}" "$work/faster"
session "$work/moved" 24 'if .mechanism == "floor_syscall" then .latency_ns.p50 *= 1.3 else . end'
expect 12 "the machine moved: a control point is slower" "${gate[@]}" "$work/moved"
session "$work/wide" 25 "$slower" '.config.gate = {margin: 0.4, smallest_effect: 0.5}'
expect 0 "a margin of the config" "${gate[@]}" "$work/wide"
session "$work/chosen" 26 "$slower" '.config.gate = {points: "unix"}'
expect 0 "points of the config" "${gate[@]}" "$work/chosen" --json
must "the floor stays" jq -e '[.points[].label | split("/")[1]] | sort == ["floor_syscall", "unix_stream"]' "$work/stdout"

# Too few sessions: what it would be, and no verdict.
four=("$ipcmeter" gate)
for number in 1 2 3 4; do
    four+=(--baseline "$work/kept/s$number")
done
expect 13 "four sessions" "${four[@]}" "$work/slower"
says "advisory" "advisory: 4 of 5 sessions in the baseline, too few for a verdict; it would be: 1 regression"
says "by point" "advisory, 4 of 5 sessions: would be regression: +30 %"
expect 0 "four sessions, policy" "${four[@]}" "$work/slower" --inconclusive pass
expect 13 "four sessions, nothing there" "${four[@]}" "$work/same"
expect 13 "one session" "$ipcmeter" gate --baseline "$work/kept/s1" "$work/slower"
expect 125 "for git bisect: skip" "${four[@]}" "$work/slower" --bisect

# Machines.
session "$work/other" 30 "$slower" '.host.cpu_model = "B" | .host.kernel = "1.0"'
expect 11 "another CPU model" "${gate[@]}" "$work/other" --json
must "no point, no pass" jq -e '.verdict == "error" and .points == [] and ([.environment.hard[].key] | sort == ["cpu_model", "kernel"])' "$work/stdout"
expect 11 "in words" "${gate[@]}" "$work/other"
says "which" "cannot gate against another machine class: cpu_model A / B, and 1 more"
session "$work/kept-mixed/s1" 31 . '.host.cpu_model = "B"'
expect 11 "one session of the baseline is of another machine" "${gate[@]}" --baseline "$work/kept-mixed" "$work/same"
session "$work/governed" 32 . '.environment_before.checks[0].text = "powersave"'
expect 0 "another governor" "${gate[@]}" "$work/governed"
says "it is warned of" "setting.governor differs: performance at $work/kept/s1, powersave now"
session "$work/loaded" 33 . '.environment_before.checks[1] = {name: "load", status: "warn", text: "busy"}'
expect 0 "a loaded machine" "${gate[@]}" "$work/loaded"
says "it is warned of" "load was worse before $work/loaded than at any session of the baseline: busy"

session "$work/otherwise" 34 . '.config.repeat.window_ns = 1 | .config.name = "x"'
expect 0 "another config" "${gate[@]}" "$work/otherwise" --json
must "it is warned of, and of nothing else" jq -e '.warnings | length == 1 and (.[0] | test("the config of .*/otherwise is another one than that of .*/kept/s6"))' "$work/stdout"
cat >"$work/noise.json" <<'NOISE'
{ "schema": 1, "kind": "gate_noise", "class": "elsewhere", "made_s": 0, "expires_s": 9000000000, "points": [] }
NOISE
expect 10 "a calibration of another machine" "${gate[@]}" "$work/slower" --noise "$work/noise.json"
must "it is not taken" grep -q "not calibrated: " "$work/stderr"

# Points.
session "$work/renamed" 40 'if .mechanism == "pipe" then .mechanism = "tube" else . end'
expect 1 "a renamed point" "${gate[@]}" "$work/renamed" --json
must "the error" jq -e '[.points[] | select(.verdict == "error") | .reason] | length == 1 and (.[0] | test("renamed, skipped or dropped"))' "$work/stdout"
must "the new one is told" jq -e '.new_points == ["pingpong/tube/64/same_cpu/block/copies=2"]' "$work/stdout"
session "$work/foreign" 41 '.mechanism = "x" + .mechanism'
expect 11 "no point in common" "${gate[@]}" "$work/foreign"
session "$work/failed" 42 'if .mechanism == "pipe" and .invocation == 1 then .status = "failed" | .phase = "window" | .reason = "it died" else . end'
expect 1 "an invocation that failed" "${gate[@]}" "$work/failed"
says "why" "an invocation failed: it died"
session "$work/newer" 43 . '(.describe.mechanisms[] | select(.name == "pipe")).version += 1'
expect 1 "another version of a mechanism" "${gate[@]}" "$work/newer"
says "why" "it does not mean the same"
session "$work/elsewhere" 44 'if .mechanism == "pipe" then .placement_class = "cross_socket" else . end'
expect 1 "another class of placement" "${gate[@]}" "$work/elsewhere"
session "$work/nothing" 45 '.status = "skipped" | .reason = "not here" | del(.latency_ns)'
expect 11 "nothing was measured" "${gate[@]}" "$work/nothing"

# Folders and files.
expect 2 "no such baseline" "$ipcmeter" gate --baseline "$work/nowhere" "$work/same"
must "which" grep -q "nowhere: No such file" "$work/stderr"
mkdir "$work/empty"
expect 11 "an empty baseline" "$ipcmeter" gate --baseline "$work/empty" "$work/same"
must "which" grep -q "empty: there is no result folder in it" "$work/stderr"
expect 11 "an empty result" "${gate[@]}" "$work/empty"
session "$work/torn" 50
truncate -s -20 "$work/torn/records.jsonl"
expect 0 "a torn last line is dropped" "${gate[@]}" "$work/torn"
says "it is said" "the last line of its records is torn and was dropped"
session "$work/middle" 51
sed -i '2s/.\{40\}$//' "$work/middle/records.jsonl"
expect 1 "a line in the middle is torn" "${gate[@]}" "$work/middle"
must "which" grep -q "line 2 of its records is none" "$work/stderr"
session "$work/half" 52
truncate -s 300 "$work/half/manifest.json"
expect 1 "half a manifest" "${gate[@]}" "$work/half"
session "$work/bare" 53
rm "$work/bare/records.jsonl"
expect 1 "no records" "${gate[@]}" "$work/bare"
session "$work/gated" 54 . '.gate = {}'
expect 1 "a gate's folder" "${gate[@]}" "$work/gated"
cp -r "$work/kept/s6" "$work/copy"
expect 2 "a session twice" "${gate[@]}" "$work/copy"
must "which" grep -q "are one session (run run6)" "$work/stderr"
must "an error is a document, too" jq -e '.verdict == "error" and .kind == "gate" and .points == []' \
    <("${gate[@]}" "$work/copy" --json 2>/dev/null || true)

# Words of the command line.
expect 2 "no result" "${gate[@]}"
expect 2 "what measures goes with no baseline" "${gate[@]}" "$work/same" --b worker
must "which" grep -q -- "--baseline measures nothing and takes no --b" "$work/stderr"
expect 2 "calibrate" "$ipcmeter" gate calibrate --baseline "$work/kept" --out "$work/x"
expect 2 "no calibration" "${gate[@]}" "$work/same" --noise "$work/config.jsonc"
session "$work/hostile" 60 '.reason = "\u001b[31m" | if .mechanism == "pipe" then .status = "failed" else . end' '.environment_before.checks[0].text = "\u001b]0;x\u0007"'
expect 1 "words that want to be more" "${gate[@]}" "$work/hostile"
must "none is" test "$(tr -d '\n\40-\176' <"$work/stdout" | wc -c)" = 0

[[ $failures == 0 ]] || { echo "$failures failed"; exit 1; }
