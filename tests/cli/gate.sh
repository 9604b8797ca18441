#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# gate and its exit codes, over arms whose figures are scripted (tests/support/gate_worker.sh): the
# same, slower, faster, and everything that can be wrong with an arm.  Nothing here is timed.
set -euo pipefail
ipcmeter=${IPM_BIN:?}/ipcmeter
worker=${IPM_SOURCE:?}/tests/support/gate_worker.sh
describe=$IPM_SOURCE/tests/support/describe.json
unset IPCMETER_WORKER
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi
# Every record is synced: on a disk that others use that takes longer than all the rest.
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/expect.bash
. "${IPM_SOURCE:?}/tests/support/expect.bash"

# points VERDICT DIR: the mechanisms of the points under test with that verdict
points() { jq -r --arg v "$1" '.points[] | select(.control | not) | select(.verdict == $v) | .label | split("/")[1]' "$2/gate.json" | sort | xargs; }

# config NAME MECHANISM...: a sweep of these and one control point
config() {
    local name=$1 list
    shift
    list=$(printf '"%s",' "$@")
    cat >"$work/$name.jsonc" <<CONFIG
{ "name": "$name", "repeat": { "window": "10ms", "warmup": "1ms" }, "gate": { "confirm_blocks": 10, "looks": 1 },
  "sweeps": [
    { "name": "floor", "workloads": "self_loop", "mechanisms": "floor_syscall", "axes": { "placement": "same_cpu" } },
    { "name": "s", "workloads": "pingpong", "mechanisms": [$list],
      "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
}
config two pipe unix_stream
config one pipe
# Of a machine that is made up: what others take of this one is no matter here.
options=(--progress none --seed 1 --sysroot "$IPM_SOURCE/tests/fixtures/machines/vm")
two=("$ipcmeter" gate "$work/two.jsonc" "${options[@]}")
one=("$ipcmeter" gate "$work/one.jsonc" "${options[@]}")
# arm MECHANISM=WORD...: an arm that does this
arm() { echo "env GATE_SALT=5 'GATE_HOW= $*' $worker"; }

# What is left for a pipeline, of gates that are made anyway.
left() { echo "--junit $work/$1.xml --markdown $work/$1.md --annotations"; }
# says_not_green NAME LEVEL: none of it can be taken for a pass, and the whole is the first line
says_not_green() {
    must "$1: JUnit has a failure or an error" grep -qE '<(failure|error) ' "$work/$1.xml"
    must "$1: the page names no pass" grep -qE '^## ipcmeter gate: (regression|error|environment|inconclusive)$' "$work/$1.md"
    must "$1: it is annotated" test "$(grep -m 1 '^::' "$work/stdout" | cut -c -20)" = "$(printf '::%s title=gate::' "$2" | cut -c -20)"
    if command -v xmllint >/dev/null; then
        must "$1: the grammar of JUnit" xmllint --noout --nonet --schema "$IPM_SOURCE/tests/golden/schemas/junit.xsd" "$work/$1.xml"
    fi
}

# shellcheck disable=SC2046 # words of options
expect 10 "one point slower" "${two[@]}" --a "$worker" --b "$(arm pipe=slower)" --out "$work/slower" $(left slower)
if grep -q 'built without GSL' "$work/stderr"; then
    echo "skipped: built without GSL, and a gate needs it" && exit 77
fi
must "that point" test "$(points regression "$work/slower")" = pipe
must "the folder is named" grep -qx "$work/slower" "$work/stdout"
says_not_green slower error
must "JUnit: that point failed, and the whole" test "$(grep -c '<failure type="regression"' "$work/slower.xml")" = 2
must "JUnit: the seed and both builds" test "$(grep -cE '"(params.seed|measured.[ab].build)"' "$work/slower.xml")" = 3
must "JUnit: times of the points" test "$(grep -c '<testcase .* time="[0-9]*\.[0-9]*"' "$work/slower.xml")" = 3
must "the point's line" grep -q '^::error title=pingpong/pipe/.*::+30 %25 ' "$work/stdout"
must "the page" grep -qE '^\| regression \| pingpong/pipe/' "$work/slower.md"
must "no path on the page" test "$(cat "$work/slower.md" "$work/slower.xml" | grep -c gate_worker)" = 0
for format in junit:xml markdown:md; do
    expect 0 "export: ${format%:*}" "$ipcmeter" export "$work/slower" --format "${format%:*}"
    must "is what the gate left" cmp "$work/stdout" "$work/slower.${format#*:}"
    expect 0 "export: ${format%:*}, --out" "$ipcmeter" export "$work/slower" --format "${format%:*}" --out "$work/exported"
    must "is the same" cmp "$work/exported" "$work/slower.${format#*:}"
done
for format in csv gbench bmf; do
    expect 2 "export: $format of a gate" "$ipcmeter" export "$work/slower" --format "$format" --out "$work/x"
    must "it says what there is" grep -q 'holds a gate.*--format junit or markdown' "$work/stderr"
done
expect 2 "report of a gate" "$ipcmeter" report "$work/slower"
must "it names the way" grep -q 'holds a gate.*export DIR --format markdown' "$work/stderr"
must "nothing was written" test "$(cd "$work/slower" && echo *)" = "gate.json manifest.json records.jsonl"
mkdir "$work/cut"
cp "$work/slower/records.jsonl" "$work/cut/"
expect 2 "report of a gate that was killed" "$ipcmeter" report "$work/cut"
head -c 300 "$work/slower/gate.json" >"$work/cut/gate.json"
expect 1 "export of a torn verdict" "$ipcmeter" export "$work/cut" --format junit
must "and nothing of it" test ! -s "$work/stdout"
must "the other passes" test "$(points pass "$work/slower")" = unix_stream
must "records say what they are for" jq -se '
    (map(select(.stage == "warmup")) | length >= 20) and
    (map(select(.stage == "screen" or .stage == "confirm")) | length > 0 and all(
        (.arm == "a" or .arm == "b") and has("gate_block") and has("place") and has("sequence")))' \
    "$work/slower/records.jsonl"
must "blocks are A B B A or B A A B" jq -se '
    map(select(.sequence != null)) | group_by([.point, .stage, .gate_block])
    | all(sort_by(.sequence) | map(.arm) | join("") | . == "abba" or . == "baab")' "$work/slower/records.jsonl"
must "both arms of a block see the same seed" jq -se '
    map(select(.sequence != null)) | group_by([.point, .stage, .gate_block]) | all(map(.seed) | unique | length == 1)' \
    "$work/slower/records.jsonl"
must "no path in the folder" test "$(cat "$work/slower"/* | grep -c gate_worker)" = 0
expect 2 "the folder holds a run" "${two[@]}" --a "$worker" --b "$worker" --out "$work/slower"

# shellcheck disable=SC2046
expect 0 "equal arms" "${one[@]}" --a "$worker" --b "$worker" --out "$work/same" $(left same)
must "green: JUnit" grep -q '<testsuites .* failures="0" errors="0"' "$work/same.xml"
must "green: the page" grep -qx '## ipcmeter gate: pass' "$work/same.md"
must "green: no error and no warning" test "$(grep -cE '^::(error|warning)' "$work/stdout")" = 0
must "it is said that they are the same" grep -q 'A/A gate' "$work/stdout"
must "it passes" test "$(points pass "$work/same")" = pipe
expect 0 "faster" "${one[@]}" --a "$worker" --b "$(arm pipe=faster)" --out "$work/faster"
# shellcheck disable=SC2046
expect 12 "the machine moved: a control point is slower" "${one[@]}" --a "$worker" \
    --b "$(arm floor_syscall=slower)" --out "$work/machine" $(left machine)
says_not_green machine warning
must "nothing of it counts" test "$(grep -c '<failure' "$work/machine.xml")" = 0
must "all of it is skipped" test "$(grep -c '<skipped type="environment"' "$work/machine.xml")" = 2

config many pipe unix_stream posix_mq shm_ring eventfd futex posix_sem
many=("$ipcmeter" gate "$work/many.jsonc" "${options[@]}")
# shellcheck disable=SC2046
expect 1 "an arm that does everything wrong" "${many[@]}" --a "$worker" --out "$work/wrong" $(left wrong) \
    --b "$(arm pipe=crash unix_stream=garbage posix_mq=other shm_ring=nothing eventfd=skip futex=build)"
says_not_green wrong error
must "JUnit: each is an error, and the whole" test "$(grep -c '<error type="error"' "$work/wrong.xml")" = 7
must "each is an error" test "$(points error "$work/wrong")" = "eventfd futex pipe posix_mq shm_ring unix_stream"
must "the one that is well passes" test "$(points pass "$work/wrong")" = posix_sem
must "errors name the arm" jq -e '[.points[] | select(.verdict == "error") | .reason | test("arm b: .")] | all' "$work/wrong/gate.json"
must "a crash is tried again, twice" jq -se 'map(select(.mechanism == "pipe" and .status == "failed")) | length == 3' "$work/wrong/records.jsonl"
expect 1 "arm a crashes, and b is slower" "${two[@]}" --a "$(arm pipe=crash)" --b "$(arm unix_stream=slower)" --out "$work/crash_a"
expect 0 "failures that do not come twice" "${one[@]}" --a "$worker" --b "$(arm pipe=first)" --out "$work/first"
must "their records stay" jq -se 'map(select(.status == "failed")) | length > 0' "$work/first/records.jsonl"

# Cores that are slow in two of three invocations: made again, by their steps alone.
expect 0 "slow cores" "${one[@]}" --a "$(arm pipe=slow_core)" --b "$(arm pipe=slow_core)" --out "$work/slow"
must "they were made again, once" jq -e '.measured.again > 5 and .measured.slow > 5' "$work/slow/gate.json"
must "and those records are invalid" jq -se 'map(select(.status == "invalid")) | length > 5 and all(.slow_core)' "$work/slow/records.jsonl"

# What an arm says of itself.
jq 'del(.mechanisms[] | select(.name == "pipe"))' "$describe" >"$work/renamed.json"
jq '.mechanisms |= map(if .name == "pipe" then .version = 9 else . end)' "$describe" >"$work/version.json"
jq '.protocol = 0' "$describe" >"$work/older.json"
jq '.protocol = 3 | .protocol_lowest = 2' "$describe" >"$work/newer.json"
jq '.protocol = 3 | .protocol_lowest = 1' "$describe" >"$work/both.json"
jq '.machine = {architecture: "x86_64", kernel: "6.1.0", boot: "1"}' "$describe" >"$work/here.json"
jq '.machine = {architecture: "x86_64", kernel: "6.2.0", boot: "2"}' "$describe" >"$work/there.json"
says() { echo "env GATE_DESCRIBE=$work/$1.json $worker"; }
expect 1 "renamed or gone" "${one[@]}" --a "$worker" --b "$(says renamed)" --out "$work/renamed"
must "it says so" jq -e '[.points[] | select(.verdict == "error") | .reason] | .[0] | test("renamed or gone")' "$work/renamed/gate.json"
expect 1 "another version of a mechanism" "${one[@]}" --a "$worker" --b "$(says version)" --out "$work/version"
expect 2 "an older protocol" "${one[@]}" --a "$worker" --b "$(says older)" --out "$work/x"
must "it says so" grep -q 'arm b: .*highest protocol it speaks is 0' "$work/stderr"
expect 2 "a newer protocol" "${one[@]}" --a "$(says newer)" --b "$worker" --out "$work/x"
must "it says so" grep -q 'arm a: .*lowest protocol it speaks is 2' "$work/stderr"
# shellcheck disable=SC2046
expect 11 "another kernel" "${one[@]}" --a "$(says here)" --b "$(says there)" --out "$work/x" $(left kernel)
must "it names compare" grep -q 'cannot gate.*compare' "$work/stderr"
says_not_green kernel error
# shellcheck disable=SC2046
expect 11 "nothing under test" "${one[@]}" --a "$worker" --b "$worker" --only nothing --out "$work/x" $(left nothing)
says_not_green nothing error
must "with the reason" grep -q 'error type="error" message=".*no point under test' "$work/nothing.xml"
expect 2 "a summary where no folder can be" "${one[@]}" --b "$worker" --out "$work/x" --markdown "$work/one.jsonc/x.md"
expect 2 "a document and annotations" "${one[@]}" --b "$worker" --out "$work/x" --json --annotations
expect 2 "calibrate has no verdict" "$ipcmeter" gate calibrate "$work/one.jsonc" --out "$work/x" --junit "$work/x.xml"
expect 2 "no arm b" "${one[@]}" --out "$work/x"
expect 2 "an open quote" "${one[@]}" --b "'$worker" --out "$work/x"
expect 2 "no such program" "${one[@]}" --b "$work/nowhere" --out "$work/x"
must "nothing was created" test ! -e "$work/x"
expect 2 "too few blocks for alpha" "${one[@]}" --a "$worker" --b "$worker" --set gate.confirm_blocks=2 --out "$work/few"
# No shell sees an arm: this one has odd arguments.  The other speaks several protocols.
expect 0 "a shell's signs mean nothing" "${one[@]}" --bisect --a "$(says both)" --b "$worker ; touch \$(echo $work/shell)" --out "$work/signs"
must "nothing was touched" test ! -e "$work/shell"

# --bisect and --inconclusive: within a hundredth of a per cent nothing is shown of what scatters by half.
expect 1 "bisect: bad" "${one[@]}" --bisect --inconclusive pass --a "$worker" --b "$(arm pipe=slower)" --out "$work/bad"
expect 125 "bisect: neither" "${one[@]}" --bisect --a "$worker" --b "$(arm pipe=crash)" --out "$work/neither"
expect 125 "bisect: usage" "${one[@]}" --bisect --out "$work/x"
wide=(--a "$worker" --b "$(arm)" --set gate.smallest_effect=0.0001 --set gate.margin=0.0001)
# shellcheck disable=SC2046
expect 13 "inconclusive" "${one[@]}" "${wide[@]}" --out "$work/wide" $(left wide)
says_not_green wide warning
must "the point is skipped" grep -q '<skipped type="inconclusive"' "$work/wide.xml"
expect 0 "inconclusive may pass" "${one[@]}" "${wide[@]}" --inconclusive pass --out "$work/wide2"
must "the word stays" jq -e '.verdict == "inconclusive"' "$work/wide2/gate.json"

# gate.points leaves the control points, which the driver adds where there are none.
sed '/"floor"/d' "$work/two.jsonc" >"$work/floorless.jsonc"
expect 0 "gate.points" "$ipcmeter" gate "$work/floorless.jsonc" "${options[@]}" --a "$worker" --b "$(arm pipe=slower)" \
    --set gate.points=unix_ --out "$work/points"
must "one point and two controls" jq -e '[.points[] | .control] | sort == [false, true, true]' "$work/points/gate.json"

for signal in INT TERM; do
    "${two[@]}" --a "$worker" --b "$worker" --out "$work/$signal" >"$work/stdout" 2>"$work/stderr" &
    pid=$!
    for ((i = 0; i < 1200; i++)); do
        grep -qs '"stage":"screen"' "$work/$signal/records.jsonl" && break
        sleep 0.05
    done
    kill -"$signal" $pid
    status=0
    wait $pid || status=$?
    must "SIG$signal ends with its own status, not $status" test "$status" = "$([[ $signal == INT ]] && echo 130 || echo 143)"
    must "SIG$signal: what was measured is kept" jq -e '.interrupted and .verdict == "inconclusive" and (.complete | not)' "$work/$signal/gate.json"
done

# A calibration; other machines and old ones are not used.
expect 0 "calibrate" "$ipcmeter" gate calibrate "$work/one.jsonc" "${options[@]}" --a "$worker" --sessions 2 --out "$work/noise.json"
must "it has every point" jq -e '.points | length == 2 and all(.sessions == 2)' "$work/noise.json"
expect 0 "with a calibration" "${one[@]}" --a "$worker" --b "$worker" --noise "$work/noise.json" --out "$work/calibrated"
must "it is used" jq -e '.measured.calibrated and all(.points[]; .noise != null)' "$work/calibrated/gate.json"
jq '.class = "another"' "$work/noise.json" >"$work/another.json"
expect 0 "the calibration of another machine" "${one[@]}" --a "$worker" --b "$worker" --noise "$work/another.json" --out "$work/another"
must "is not used, and that is said" grep -q 'not calibrated' "$work/stderr" "$work/stdout"
must "in the document too" jq -e '.measured.calibrated | not' "$work/another/gate.json"
echo '{}' >"$work/empty.json"
expect 2 "no calibration at all" "${one[@]}" --a "$worker" --b "$worker" --noise "$work/empty.json" --out "$work/x"

[[ $failures == 0 ]] || { echo "$failures failed" && exit 1; }
