#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# SIGKILL of a role, of a worker and of the driver at random moments, KILLS times (50): no
# segment, queue, socket, mount or process is left, the records parse but for a torn last
# line, and --resume completes the very set of (point, pass, invocation) that was planned.
set -euo pipefail
kills=${KILLS:-50}
RANDOM=${SEED:-4711}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ipcmeter=$IPM_BIN/ipcmeter
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

cat >"$work/config.jsonc" <<'CONFIG'
{ "name": "kills",
  "repeat": { "invocations": 8, "window": "15ms", "warmup": "3ms" },
  "sensors": { "counters": "off" },
  "sweeps": [
    { "name": "all", "workloads": ["pingpong", "stream"], "mechanisms": "all",
      "axes": { "size": [64, 4096], "placement": "same_cpu", "wait": "block" } } ] }
CONFIG

leftovers() {
    ls /dev/shm 2>/dev/null || true
    ipcs -a 2>/dev/null | grep -E '^0x' || true
    awk '{print $8}' /proc/net/unix | grep -i ipm || true
    wc -l </proc/self/mounts
}

# descendants PID N: generation N below PID - 1 worker, 2 leader, 3 roles - into $found.
# No process is started for it: a worker lives for some 30 ms.
descendants() {
    local pid n children line
    found=$1
    for ((n = 0; n < $2; n++)); do
        children=
        for pid in $found; do
            line=
            { read -r line <"/proc/$pid/task/$pid/children"; } 2>/dev/null || true
            children+=" $line"
        done
        found=$children
    done
}

# measures PID: its worker is there, and no longer the one that describes itself, whose
# probes are a third generation as well.
measures() {
    local argv=()
    descendants "$1" 1
    [[ -n ${found// /} ]] || return 1
    { mapfile -d '' -t argv <"/proc/${found// /}/cmdline"; } 2>/dev/null || true
    [[ ${#argv[@]} -gt 0 && ${argv[*]} != *describe* ]]
}

command=("$ipcmeter" run "$work/config.jsonc" --out "$work/out" --seed 7 --progress none)

before=$(leftovers)
counts=(0 0 0)
for ((i = 0; i < kills; i++)); do
    resume=()
    [[ -f $work/out/manifest.json ]] && resume=(--resume)
    "${command[@]}" "${resume[@]}" >/dev/null 2>"$work/stderr" &
    driver=$!
    # From the moment the first roles are there the driver does nothing but measure.
    for ((wait = 0; wait < 200; wait++)); do
        measures $driver && descendants $driver 3 && [[ -n ${found// /} ]] && break
        sleep 0.02
    done
    sleep "0.0$((RANDOM % 100))"
    which=$((i % 3))
    for ((try = 0; try < 500; try++)); do
        descendants $driver $((which == 0 ? 3 : which == 1 ? 1 : 0))
        read -r -a victims <<<"$found"
        [[ ${#victims[@]} -gt 0 ]] && break
    done
    victim=${victims[RANDOM % (${#victims[@]} + (${#victims[@]} == 0))]:-}
    if [[ -n $victim ]] && kill -KILL "$victim" 2>/dev/null; then
        counts[which]=$((counts[which] + 1))
    fi
    if [[ $which != 2 ]]; then
        sleep 0.1
        kill -KILL $driver 2>/dev/null || true
    fi
    wait $driver 2>/dev/null || true
done
echo "killed: ${counts[0]} roles, ${counts[1]} workers, ${counts[2]} drivers"
for ((k = 0; k < 3; k++)); do
    [[ ${counts[k]} -gt $((kills / 6)) ]] || fail "too few kills of kind $k: the test proves little"
done

sleep 0.3
# Other tests start the same program at the same time: ours name this folder, or are those
# that a worker made for it.
if pgrep -f -- "$IPM_BIN/ipcmeter.*$work" >/dev/null; then
    fail "processes are left: $(pgrep -af -- "$IPM_BIN/ipcmeter.*$work" | head -n 3)"
fi
new=$(comm -13 <(sort <<<"$before") <(leftovers | sort))
[[ -z $new ]] || fail "left behind: $new"

# Every line but perhaps the last is a record: report and resume read them all.
"$ipcmeter" report "$work/out" >/dev/null 2>"$work/stderr" || fail "report: $(cat "$work/stderr")"
"${command[@]}" --resume >/dev/null 2>"$work/stderr" || [[ $? == 3 ]] || fail "resume: $(cat "$work/stderr")"
grep -q 'holds\|error' "$work/stderr" && fail "resume complained: $(cat "$work/stderr")"

planned=$("$ipcmeter" plan "$work/config.jsonc" --json | jq -r '.points[].point' | sort -u |
    while read -r point; do for ((n = 0; n < 8; n++)); do echo "$point timing $n"; done; done | sort)
done_once=$(jq -r 'select(.status == "ok") | "\(.point) \(.pass) \(.invocation)"' "$work/out/records.jsonl" | sort)
[[ $(uniq -d <<<"$done_once") == "" ]] || fail "an invocation was measured twice"
[[ $planned == "$done_once" ]] || fail "the completed set differs: $(diff <(echo "$planned") <(echo "$done_once") | head -n 5)"
echo "completed $(wc -l <<<"$done_once") invocations, $(jq -r 'select(.status == "failed")' -c "$work/out/records.jsonl" | wc -l) failures on record"
exit $((failures > 0))
