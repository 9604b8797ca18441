#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Real gates between two copies of one worker: gate.sh [NULL [BESIDE [PLANTED [PLANTED_BESIDE]]]]
#
# NULL gates on the machine as it is, and PLANTED with a wait of 10 % of an operation at one
# point of arm B; BESIDE and PLANTED_BESIDE of them in pairs, each on a CPU of its own and the
# load beside the other.  A line each as they end, then what is wanted of them: no regression
# where nothing was planted, the planted point called in 29 of 30, a wrong point in at most 1
# of 60.  A point is called when the gate says regression of it, whatever it says of the whole.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
IPM_BIN=${IPM_BIN:-$here/build/release/bin}
config=${IPM_GATE_CONFIG:-$here/configs/gate.jsonc}
nulls=${1:-40} beside=${2:-20} planted=${3:-30} planted_beside=${4:-0}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# gate NAME [DELAY]: between two fresh copies; $work/NAME has what it left.
gate() {
    local out=$work/$1 delay=${2:+ --delay $2} arm
    rm -rf "$out" "$out.a" "$out.b"
    for arm in a b; do
        mkdir "$out.$arm"
        cp "$IPM_BIN/ipcmeter-worker" "$out.$arm/"
    done
    "$IPM_BIN/ipcmeter" gate --a "$out.a/ipcmeter-worker" --b "$out.b/ipcmeter-worker$delay" "$config" \
        --out "$out" --progress none >"$out.text" 2>&1 || true
    [[ -f $out/gate.json ]] || { cat "$out.text" && exit 1; }
}

# tell KIND NAME SECONDS [MECHANISM]: one line, also kept.
tell() {
    jq -r --arg kind "$1" --arg planted "${4:-}" --argjson seconds "$3" '
        def of($mechanism): (.label | split("/")[1]) == $mechanism;
        [.points[] | select(.control | not)] as $points |
        [$kind, .verdict,
         ([$points[] | select(.verdict == "regression" and (of($planted) | not))] | length),
         ([$points[] | select(of($planted)) | .verdict][0] // "-"),
         ([$points[] | select(of($planted)) | .effect.share * 100 | round][0] // "-"),
         .verdicts.pass, .verdicts.inconclusive, .measured.values, .measured.again, .measured.slow,
         ((.measured.steal // 0) * 1000 | round / 10), $seconds, $planted] | @tsv' "$work/$2/gate.json" | tee -a "$work/table"
}

# one KIND NAME [MECHANISM DELAY]
one() {
    local begun=$SECONDS
    gate "$2" "${3:+$3:$4}"
    tell "$1" "$2" $((SECONDS - begun)) "${3:-}"
}

printf 'kind\tverdict\twrong\tplanted\tby_percent\tpass\tinconclusive\tvalues\tagain\tslow\tsteal\tseconds\tat\n'
for ((i = 0; i < nulls; i++)); do one null null; done

# on CPU COMMAND...: a shell that has this CPU alone
on() {
    taskset -p -c "$1" "$BASHPID" >/dev/null
    "${@:2}"
}
mapfile -t cpus < <(taskset -p -c $$ | sed 's/.*: //' | tr , '\n' | while IFS=- read -r from to; do seq "$from" "${to:-$from}"; done)

# pairs N COMMAND KIND: N of them, two at a time
pairs() {
    local i
    for ((i = 0; i < $1; i += 2)); do
        [[ ${#cpus[@]} -gt 1 ]] || { echo "one CPU: nothing can be beside a gate" >&2 && exit 1; }
        (on "${cpus[0]}" "$2" "$3" "$3.0") &
        (on "${cpus[1]}" "$2" "$3" "$3.1")
        wait
    done
}

# plant KIND NAME: at a point drawn by lot
plant() {
    local mechanism cost
    read -r mechanism cost < <(shuf -n 1 "$work/costs")
    one "$1" "$2" "$mechanism" "$(awk -v cost="$cost" 'BEGIN { printf "%d", 0.1 * cost / 2 + 0.5 }')"
}

pairs "$beside" one beside
if ((planted + planted_beside > 0)); then
    null=$(find "$work" -maxdepth 2 -name gate.json -print -quit)
    [[ -n $null ]] || { one null null && null=$work/null/gate.json; }
    # What an operation takes with arm A, two messages each.
    jq -r '.points[] | select(.control | not) |
        [(.label | split("/")[1]),
         ([.blocks[] | .order as $order | .values | to_entries[] |
           select(($order == "abba") == (.key == 0 or .key == 3)) | .value] | sort | .[length / 2 | floor])] | @tsv' \
        "$null" >"$work/costs"
fi
for ((i = 0; i < planted; i++)); do plant planted planted; done
pairs "$planted_beside" plant planted_beside

awk -F '\t' '
    { n[$1]++; verdict[$1 " " $2]++; wrong += $3 > 0; seconds[$1] += $12 }
    $4 != "-" { planted++; found += $4 == "regression"; passed += $4 == "pass" }
    $4 == "-" { nulls++; alarms += $3 > 0 }
    END {
        for (v in verdict) print v ": " verdict[v]
        for (kind in n) printf "%s: %.0f s each\n", kind, seconds[kind] / n[kind]
        printf "equal arms: a regression in %d of %d gates\n", alarms, nulls
        printf "planted: found in %d of %d, passed in %d; a wrong point in %d of %d gates\n", found, planted, passed, wrong, NR
        exit alarms > 0 || found < 29 / 30 * planted || wrong > NR / 60
    }' "$work/table"
