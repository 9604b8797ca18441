#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run and its exit codes: a folder that holds a run, Ctrl-C and SIGTERM, resume after both, a
# torn last line, a full disk, a worker that fails, a run of another config.
set -euo pipefail
ipcmeter=$IPM_BIN/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/expect.bash
. "${IPM_SOURCE:?}/tests/support/expect.bash"

cat >"$work/small.jsonc" <<'CONFIG'
{ "name": "small", "repeat": { "invocations": 2, "window": "10ms", "warmup": "1ms" },
  "sensors": { "counters": "off" },
  "sweeps": [ { "name": "s", "workloads": "pingpong", "mechanisms": ["pipe", "shm_ring"],
                "axes": { "size": 64, "placement": "same_cpu" } } ] }
CONFIG
small=(run "$work/small.jsonc" --progress none)

# A name of its own for the worker: those of other tests are none of ours.
ln -s "$IPM_BIN/ipcmeter-worker" "$work/worker"
export IPCMETER_WORKER=$work/worker
# shellcheck disable=SC2317  # these two are called by name
workers() { grep -las "^$work/worker" /proc/[0-9]*/cmdline; }
# shellcheck disable=SC2317
# What is killed with its leader may take a moment to be gone.
no_worker() {
    local try
    for ((try = 0; try < 200; try++)); do
        workers || return 0
        sleep 0.05
    done
    return 1
}

expect 0 "a small run" "$ipcmeter" "${small[@]}" --out "$work/a"
must "stdout names the folder" grep -qx "$work/a" "$work/stdout"
must "four records" test "$(wc -l <"$work/a/records.jsonl")" = 4
expect 2 "the folder holds a run" "$ipcmeter" "${small[@]}" --out "$work/a"
expect 0 "nothing left to resume" "$ipcmeter" "${small[@]}" --out "$work/a" --resume
must "still four records" test "$(wc -l <"$work/a/records.jsonl")" = 4
expect 2 "resume with another config" "$ipcmeter" "${small[@]}" --set size=128 --out "$work/a" --resume
expect 2 "--resume without --out" "$ipcmeter" "${small[@]}" --resume
expect 2 "a seed that is none" "$ipcmeter" "${small[@]}" --seed -1 --out "$work/x"
expect 2 "a pattern that is none" "$ipcmeter" "${small[@]}" --only '(' --out "$work/x"
expect 2 "an unknown option" "$ipcmeter" run --wrong
expect 2 "an unknown command" "$ipcmeter" wrong
expect 2 "a missing plug-in" "$ipcmeter" "${small[@]}" --plugin /nowhere.so --out "$work/x"
must "nothing was created" test ! -e "$work/x"

# A torn last line is cut off and measured again; a line in the middle is never touched.
head -c -100 "$work/a/records.jsonl" >"$work/torn"
cp "$work/torn" "$work/a/records.jsonl"
expect 0 "resume after a torn line" "$ipcmeter" "${small[@]}" --out "$work/a" --resume
must "it said so" grep -q 'torn line' "$work/stderr"
must "four records again" test "$(jq -s length "$work/a/records.jsonl")" = 4

expect 0 "--only" "$ipcmeter" "${small[@]}" --only pipe --out "$work/only"
must "pipe alone" test "$(jq -r .mechanism "$work/only/records.jsonl" | sort -u)" = pipe
must "what was left out is on record" grep -q 'left out by --only' "$work/only/manifest.json"

# The same seed gives the same order.
expect 0 "seed 5" "$ipcmeter" "${small[@]}" --seed 5 --set repeat.invocations=6 --out "$work/s1"
expect 0 "seed 5 again" "$ipcmeter" "${small[@]}" --seed 5 --set repeat.invocations=6 --out "$work/s2"
order() { jq -r '"\(.point) \(.pass) \(.invocation)"' "$1/records.jsonl" | awk '!seen[$0]++'; }
must "the order repeats" test "$(order "$work/s1")" = "$(order "$work/s2")"

for signal in INT TERM; do
    "$ipcmeter" "${small[@]}" --set repeat.invocations=400 --out "$work/$signal" >/dev/null 2>"$work/stderr" &
    pid=$!
    for ((i = 0; i < 400; i++)); do
        [[ -s $work/$signal/records.jsonl ]] && workers >/dev/null && break
        sleep 0.05
    done
    must "SIG$signal: a worker was seen" test "$i" -lt 400
    kill -"$signal" $pid
    status=0
    wait $pid || status=$?
    wanted=$([[ $signal == INT ]] && echo 130 || echo 143)
    must "SIG$signal ends with $wanted, not $status" test "$status" = "$wanted"
    must "SIG$signal: the resume line is printed" grep -q -- '--resume' "$work/stderr"
    must "SIG$signal: the manifest says interrupted" jq -e .interrupted "$work/$signal/manifest.json"
    must "SIG$signal: every line is a record" jq -s length "$work/$signal/records.jsonl"
    must "SIG$signal: report reads it" "$ipcmeter" report "$work/$signal"
    must "SIG$signal: no worker is left" no_worker
    # The printed line works as it stands.
    resume=$(grep -o "run '.*--resume" "$work/stderr")
    must "SIG$signal: the printed line is understood" bash -c "timeout -s INT 3 '$ipcmeter' $resume; [[ \$? == 124 || \$? == 130 ]]"
done

# A disk that fills up: what is on it stays readable, and the run can go on elsewhere.
if unshare --user --map-root-user --mount true 2>/dev/null || [[ $(id -u) == 0 ]]; then
    own=()
    [[ $(id -u) == 0 ]] || own=(--user --map-root-user)
    # shellcheck disable=SC2016  # the inner shell expands it
    unshare "${own[@]}" --mount bash -c '
        mkdir "$1/disk" && mount -t tmpfs -o size=160k none "$1/disk" || exit 99
        status=0
        "$2" run "$1/small.jsonc" --progress none --set repeat.invocations=400 --out "$1/disk/out" >/dev/null 2>"$1/stderr" || status=$?
        cp "$1/disk/out/records.jsonl" "$1/kept.jsonl"
        exit $status' _ "$work" "$ipcmeter" || status=$?
    must "a full disk ends with 1, not $status" test "$status" = 1
    must "it says why" grep -q 'No space left on device' "$work/stderr"
    must "every line kept is a record" jq -s length "$work/kept.jsonl"
else
    echo "skip: no mount namespace to fill a disk in"
fi

# A worker that is no worker: failed invocations, exit 3, each with a reason.
cat >"$work/liar" <<LIAR
#!/bin/sh
for word; do [ "\$word" = describe ] && exec "$IPM_BIN/ipcmeter-worker" describe; done
cat >/dev/null
echo '{"schema": 1, "torn'
LIAR
chmod +x "$work/liar"
expect 3 "a worker that babbles" env IPCMETER_WORKER="$work/liar" "$ipcmeter" "${small[@]}" --out "$work/liar-out"
must "four failures and four retries, each with a reason" test "$(jq -r 'select(.status == "failed" and .reason != null) | .phase' "$work/liar-out/records.jsonl" | wc -l)" = 8
must "report reads them" "$ipcmeter" report "$work/liar-out"

exit $((failures > 0))
