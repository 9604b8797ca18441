#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a run says and when it gives up: events, retries, --max-failures, the second Ctrl-C,
# the summary of failures and skips, precision and budget, folders that cannot be written.
set -euo pipefail
ipcmeter=$IPM_BIN/ipcmeter
export IPCMETER_WORKER=$IPM_SOURCE/tests/support/measuring_worker.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/expect.bash
. "${IPM_SOURCE:?}/tests/support/expect.bash"

cat >"$work/small.jsonc" <<'CONFIG'
{ "name": "small", "repeat": { "invocations": 3, "window": "1ms", "warmup": "0ms" },
  "sensors": { "counters": "off", "energy": "off" },
  "sweeps": [ { "name": "s", "workloads": "pingpong", "mechanisms": ["pipe", "shm_ring"],
                "axes": { "size": [16, 64], "placement": "same_cpu", "wait": ["block", "spin"] } } ] }
CONFIG
small=(run "$work/small.jsonc")

# Events: every line is JSON, in this order and no other kind.
expect 0 "events" "$ipcmeter" "${small[@]}" --progress jsonl --out "$work/events"
must "every line is an event" jq -es 'all(has("event") and has("seconds_left") and has("elapsed_ns"))' "$work/stderr"
must "the first is start, the last is end" jq -es '.[0].event == "start" and .[-1].event == "end"' "$work/stderr"
must "twelve invocations" jq -es '[.[] | select(.event == "invocation" and .status == "ok")] | length == 12' "$work/stderr"
must "done grows to the total" jq -es '.[-1].done == 12 and .[-1].total == 12' "$work/stderr"
must "what was left out stands in it" jq -es '.[-1].left_out | to_entries | length == 1' "$work/stderr"
expect 0 "plain lines" "$ipcmeter" "${small[@]}" --out "$work/plain"
must "no escapes off a terminal" bash -c "! grep -q $'\\x1b\|\\r' '$work/stderr'"
must "twentieths" grep -q '100 %  12 of 12 invocations' "$work/stderr"
must "what was left out is said" grep -q 'left out, combinations: 4' "$work/stderr"
if command -v script >/dev/null; then
    # On a terminal the line is drawn once for each invocation, and never between them.
    TERM=xterm script -qec "'$ipcmeter' run '$work/small.jsonc' --out '$work/terminal'" /dev/null >"$work/typescript" </dev/null || true
    must "one redraw per invocation" test "$(grep -o ' of 12  ' "$work/typescript" | wc -l)" = 12
fi

# Retries: once by default, at the end of the block, both records kept.
expect 0 "every first try fails" env FAKE_FAIL_FIRST=1 "$ipcmeter" "${small[@]}" --progress jsonl --out "$work/retry"
must "both records are kept" jq -es '([.[] | select(.status == "ok" and .try == 1)] | length) == 12
    and ([.[] | select(.status == "failed")] | length) == 12' "$work/retry/records.jsonl"
must "blocks end with the retries" jq -es '[.[] | [.block, (.try // 0)]] | . == sort' "$work/retry/records.jsonl"
must "events tell of the second try" jq -es '[.[] | select(.again)] | length == 12' "$work/stderr"
must "none is left failed" jq -es '.[-1].failed == 0 and .[-1].done == 12' "$work/stderr"
expect 3 "no retries" env FAKE_FAIL_FIRST=1 "$ipcmeter" "${small[@]}" --progress plain --retries 0 --out "$work/once"
must "one record each" test "$(wc -l <"$work/once/records.jsonl")" = 12
expect 0 "resume makes the failed ones" "$ipcmeter" "${small[@]}" --progress none --out "$work/once" --resume
must "all are there" test "$(jq -r 'select(.status == "ok") | .point' "$work/once/records.jsonl" | wc -l)" = 12
expect 3 "one mechanism fails" env FAKE_FAIL='"mechanism":"pipe"' "$ipcmeter" "${small[@]}" --progress plain --retries 2 --out "$work/pipe"
must "three records of each" test "$(jq -r 'select(.status == "failed") | .point' "$work/pipe/records.jsonl" | wc -l)" = 18
must "the reason is said once, with its count" grep -q '^ *6  window: EIO: as the test wants it (pipe)$' "$work/stderr"
expect 2 "retries that are none" "$ipcmeter" "${small[@]}" --retries -1 --out "$work/x"
expect 2 "failures that are none" "$ipcmeter" "${small[@]}" --max-failures many --out "$work/x"

expect 3 "too many failures" env FAKE_FAIL='"mechanism":"pipe"' "$ipcmeter" "${small[@]}" --progress jsonl --max-failures 2 --out "$work/stop"
must "it stopped at two" jq -es '.[-1] | .failed == 2 and .how == "stopped" and (.reason | contains("2 failed"))' "$work/stderr"
must "the manifest says so" jq -e .interrupted "$work/stop/manifest.json"
resume=()
eval "resume=($(jq -rs '.[-1].resume' "$work/stderr" | sed 's/^ipcmeter //'))"
expect 0 "the resume command of the last event" "$ipcmeter" "${resume[@]}"
must "it completed the run" test "$(jq -r 'select(.status == "ok") | .point' "$work/stop/records.jsonl" | wc -l)" = 12

# Precision: what was asked, or the reason why not; and a budget that ends it.
expect 0 "precision" "$ipcmeter" "${small[@]}" --progress none --set repeat.precision=0.01 --out "$work/precise"
must "every point has its reason" jq -e '.stops | length == 4 and all(.[]; .reason == "precise" or .reason == "most")' "$work/precise/manifest.json"
must "small ones are precise at once" jq -e '[.stops[] | select(.reason == "precise" and .invocations >= 6)] | length >= 2' "$work/precise/manifest.json"
expect 0 "precision in a budget" env FAKE_SLEEP=0.02 "$ipcmeter" "${small[@]}" --progress none --set repeat.precision=0.0001 --set repeat.budget=4s --out "$work/budget"
must "the budget ended every point" jq -e '.stops | length == 4 and all(.[]; .reason == "budget" and .invocations >= 6 and .half_width > .wanted)' "$work/budget/manifest.json"
expect 0 "report" "$ipcmeter" report --text "$work/budget"
must "it says why they stopped" grep -q "Precision *4 ended by the budget" "$work/stdout"
must "so does the page" grep -q "<li>points: 4 ended by the budget" "$work/budget/report.html"
must "so does report.json" jq -e ".stops | length == 4" "$work/budget/report.json"

# A machine so slow that not every point fits: points go from the end, whole, and it is said.
# The plan thinks of 11 ms an invocation, the worker takes 60 and more.
slow_small=("${small[@]}" --set repeat.invocations=6 --set repeat.budget=1s)
expect 0 "a budget on a slow machine" env FAKE_SLEEP=0.06 "$ipcmeter" "${slow_small[@]}" --progress plain --out "$work/slow"
must "it says what was not measured" grep -q 'the budget of 1 s ran out: invocations took longer than planned' "$work/stderr"
must "so does the manifest" jq -e '.dropped | length >= 1 and length <= 3 and all(.reason | test("ran out"))' "$work/slow/manifest.json"
must "and why each stopped" jq -e '[.stops[] | select(.reason == "dropped")] | length >= 1' "$work/slow/manifest.json"
# shellcheck disable=SC2016  # the names are jq's
must "what stays is complete" jq -en --slurpfile m "$work/slow/manifest.json" --slurpfile r "$work/slow/records.jsonl" '
    ($m[0].stops | with_entries(select(.value.reason == "dropped"))) as $gone |
    $r | map(select(.status == "ok")) | group_by(.point) | map(select($gone[.[0].point] == null)) |
    length == 4 - ($gone | length) and all(length == 6)'
expect 0 "report" "$ipcmeter" report --text "$work/slow"
must "the report says so" grep -q 'dropped by the budget' "$work/stdout"
expect 0 "--quick on a slow machine" env FAKE_SLEEP=0.3 "$ipcmeter" "${small[@]}" --quick --set repeat.budget=1s --progress none --out "$work/quick"
must "it drops points, too" jq -e '.quick and ([.stops[] | select(.reason == "dropped")] | length >= 1)' "$work/quick/manifest.json"

# The first Ctrl-C ends the run in order, a second one kills: here it is stuck in between, in
# a file of the machine that nobody writes to.
slow=("$ipcmeter" "${small[@]}" --progress none --set repeat.invocations=50)
mkdir -p "$work/root/proc"
for again in "" yes; do
    rm -f "$work/root/proc/loadavg"
    FAKE_SLEEP=0.1 "${slow[@]}" --sysroot "$work/root" --out "$work/second$again" >/dev/null 2>"$work/stderr" &
    pid=$!
    for ((i = 0; i < 200; i++)); do
        [[ -s $work/second$again/records.jsonl ]] && break
        sleep 0.05
    done
    [[ -z $again ]] || mkfifo "$work/root/proc/loadavg"
    kill -INT $pid
    if [[ -n $again ]]; then
        sleep 0.5
        must "it is stuck" kill -0 $pid
        kill -INT $pid
    fi
    status=0
    wait $pid || status=$?
    must "SIGINT ends with 130, not $status" test "$status" = 130
    # shellcheck disable=SC2016  # $killed is jq's
    must "the manifest tells of one alone" jq -e --arg killed "$again" '(.finished == null) == ($killed == "yes")' "$work/second$again/manifest.json"
    [[ -n $again ]] || must "one prints the resume line" grep -q -- '--resume' "$work/stderr"
done

# Folders that go wrong.  Root writes where it may not: a read-only mount tells.
own=()
[[ $(id -u) == 0 ]] || own=(--user --map-root-user)
if unshare "${own[@]}" --mount true 2>/dev/null; then
    # shellcheck disable=SC2016  # the inner shell expands it
    expect 1 "a read-only folder" unshare "${own[@]}" --mount bash -c '
        mkdir -p "$1/ro" && mount -t tmpfs -o ro none "$1/ro" || exit 99
        exec "$2" run "$1/small.jsonc" --progress none --out "$1/ro/out"' _ "$work" "$ipcmeter"
    must "it says why" grep -q 'Read-only file system' "$work/stderr"
else
    echo "skip: no mount namespace for a read-only folder"
fi
for how in removed renamed; do
    FAKE_SLEEP=0.05 "${slow[@]}" --out "$work/$how" >/dev/null 2>"$work/stderr" &
    pid=$!
    for ((i = 0; i < 200; i++)); do
        [[ -s $work/$how/records.jsonl ]] && break
        sleep 0.05
    done
    if [[ $how == removed ]]; then rm -r "${work:?}/$how"; else mv "$work/$how" "$work/elsewhere"; fi
    status=0
    wait $pid || status=$?
    must "a folder that is $how ends with 1, not $status" test "$status" = 1
    must "$how: it says so" grep -q 'was taken away during the run' "$work/stderr"
done
must "what was measured is kept" jq -es 'length > 0 and all(.status == "ok")' "$work/elsewhere/records.jsonl"
expect 0 "and can be gone on with" "$ipcmeter" "${slow[@]:1}" --out "$work/elsewhere" --resume

exit $((failures > 0))
