#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# SIGINT, SIGTERM and SIGKILL of the driver at random moments of a run of 200 invocations,
# SIGNALS times (30), by turns.  With fixed invocations the completed set is that of a run
# that nobody disturbed; with precision every point meets its target or says why not.  The
# manifest and every line but a torn last one are JSON whenever one looks.
set -euo pipefail
signals=${SIGNALS:-30}
RANDOM=${SEED:-4711}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ipcmeter=$IPM_BIN/ipcmeter
export IPCMETER_WORKER=$IPM_SOURCE/tests/support/measuring_worker.sh
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

cat >"$work/config.jsonc" <<'CONFIG'
{ "name": "interrupts",
  "repeat": { "invocations": 25, "window": "1ms", "warmup": "0ms" },
  "sensors": { "counters": "off", "energy": "off" },
  "sweeps": [
    { "name": "all", "workloads": "pingpong", "mechanisms": ["pipe", "shm_ring"],
      "axes": { "size": [1, 16, 64, 512], "placement": "same_cpu", "wait": "block" } } ] }
CONFIG

# look DIR: what is there is JSON, now.
look() {
    if [[ -e $1/manifest.json ]]; then
        jq -e '.schema == 1' "$1/manifest.json" >/dev/null || fail "$1/manifest.json is no JSON"
    fi
    if [[ -e $1/records.jsonl ]]; then
        # A torn last line has no newline.
        head -n -1 "$1/records.jsonl" >"$work/lines"
        tail -n 1 "$1/records.jsonl" | grep "}$" >>"$work/lines" || true
        jq -es 'all(.schema == 1)' "$work/lines" >/dev/null || fail "$1/records.jsonl: a line is no record"
    fi
}

# records DIR: how many are there now.
records() {
    if [[ -e $1/records.jsonl ]]; then wc -l <"$1/records.jsonl"; else echo 0; fi
}

# disturb DIR ARGUMENTS...: until $signals signals have met a run, or it is done.
disturb() {
    local out=$1 hits=0 try name status resume pid before lines wanted
    shift
    for ((try = 0; hits < signals && try < 2 * signals; try++)); do
        case $((hits % 3)) in 0) name=INT ;; 1) name=TERM ;; *) name=KILL ;; esac
        resume=()
        [[ -e $out/manifest.json ]] && resume=(--resume)
        before=$(records "$out")
        FAKE_SLEEP=0.05 "$ipcmeter" run "$work/config.jsonc" --out "$out" --seed 5 --progress none "$@" "${resume[@]}" \
            >/dev/null 2>"$work/stderr" &
        pid=$!
        # Half of them at the very beginning, half while it measures.
        if ((RANDOM % 2)); then
            for ((wait = 0; wait < 200; wait++)); do
                lines=$(records "$out")
                ((lines > before)) || [[ ! -d /proc/$pid ]] && break
                sleep 0.02
            done
        fi
        sleep "0.$((RANDOM % 2))$((RANDOM % 10))"
        [[ ! -e $out/manifest.json ]] || look "$out"
        if kill -"$name" $pid 2>/dev/null; then hits=$((hits + 1)); fi
        status=0
        wait $pid 2>/dev/null || status=$?
        look "$out"
        [[ $status != 0 ]] || break
        case $name in INT) wanted=130 ;; TERM) wanted=143 ;; *) wanted=137 ;; esac
        [[ $status == "$wanted" ]] || fail "SIG$name ended with $status: $(tail -n 2 "$work/stderr")"
        if [[ $name != KILL && -s $out/records.jsonl ]] && grep -q 'to go on' "$work/stderr"; then
            jq -e .interrupted "$out/manifest.json" >/dev/null || fail "SIG$name: the manifest does not say interrupted"
            grep -q -- "--out' '$out'.*--resume" "$work/stderr" || fail "SIG$name: no resume line"
        fi
    done
    echo "$out: $hits signals, $(jq -r .point "$out/records.jsonl" | wc -l) records before the last part"
    ((hits == signals)) || fail "only $hits signals met the run: the test proves little"
    [[ $status == 0 ]] || "$ipcmeter" run "$work/config.jsonc" --out "$out" --progress none "$@" --resume >/dev/null
    jq -e '.interrupted == false' "$out/manifest.json" >/dev/null || fail "$out says interrupted in the end"
}

completed() {
    jq -r 'select(.status == "ok") | "\(.point) \(.pass) \(.invocation)"' "$1/records.jsonl" | sort
}

"$ipcmeter" run "$work/config.jsonc" --out "$work/whole" --seed 5 --progress none >/dev/null
[[ $(completed "$work/whole" | wc -l) == 200 ]] || fail "the undisturbed run has not 200 invocations"
disturb "$work/fixed"
[[ -z $(completed "$work/fixed" | uniq -d) ]] || fail "an invocation was measured twice"
[[ $(completed "$work/fixed") == "$(completed "$work/whole")" ]] || fail "the completed set differs"

precise=(--set repeat.precision=0.01 --set repeat.invocations=6)
disturb "$work/precise" "${precise[@]}"
[[ -z $(completed "$work/precise" | uniq -d) ]] || fail "precision: an invocation was measured twice"
jq -rn --slurpfile manifest "$work/precise/manifest.json" --slurpfile records "$work/precise/records.jsonl" '
    $manifest[0].stops | to_entries[] | .key as $point | .value |
    ([$records[] | select(.status == "ok" and .point == $point)] | length) as $n |
    select(.invocations != $n or $n < 6 or
        (if .reason == "precise" then .half_width > .wanted else .reason != "most" or $n != 60 end)) |
    "\($point) \($n) records: \(.)"' >"$work/wrong"
[[ ! -s $work/wrong ]] || fail "precision: a point stopped for no good reason: $(cat "$work/wrong")"
[[ $(jq '.stops | length' "$work/precise/manifest.json") == 8 ]] || fail "precision: a point has no stop"
[[ $(jq -r '.stops[].reason' "$work/precise/manifest.json" | sort -u | xargs) == "most precise" ]] ||
    fail "precision: both kinds of ends are wanted"
"$ipcmeter" report "$work/precise" >/dev/null 2>"$work/stderr" || fail "report: $(cat "$work/stderr")"

exit $((failures > 0))
