#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What can go wrong with a gate's arms, its folder and its files: never a pass, never a regression, the
# right exit status and a sentence, and nothing is left behind.  The arms are scripted
# (tests/support/gate_worker.sh), but where the kernel is to clean up.
set -euo pipefail
ipcmeter=${IPM_BIN:?}/ipcmeter
worker=${IPM_SOURCE:?}/tests/support/gate_worker.sh
describe=$IPM_SOURCE/tests/support/describe.json
machines=$IPM_SOURCE/tests/fixtures/machines
unset IPCMETER_WORKER
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
mark=$RANDOM$$ # of this test's own processes
end() {
    local pid
    for pid in $(jobs -p); do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap end EXIT
# shellcheck source=tests/support/expect.bash
. "${IPM_SOURCE:?}/tests/support/expect.bash"

# config NAME WINDOW MECHANISM...: a sweep of these and one control point
config() {
    local name=$1 window=$2 list
    shift 2
    list=$(printf '"%s",' "$@")
    cat >"$work/$name.jsonc" <<CONFIG
{ "name": "$name", "repeat": { "window": "$window", "warmup": "1ms" }, "gate": { "confirm_blocks": 12 },
  "sweeps": [
    { "name": "floor", "workloads": "self_loop", "mechanisms": "floor_syscall", "axes": { "placement": "same_cpu" } },
    { "name": "s", "workloads": "pingpong", "mechanisms": [$list],
      "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
}
config one 10ms pipe
config two 10ms pipe unix_stream
config six 10ms pipe unix_stream posix_mq shm_ring eventfd futex
config long 200ms pipe
options=(--progress none --seed 1 --sysroot "$machines/vm")
gate() { local name=$1 && shift && "$ipcmeter" gate "$work/$name.jsonc" "${options[@]}" "$@"; }
arm() { echo "env GATE_SALT=5 GATE_SLEEP=$mark 'GATE_HOW= $*' $worker"; }
# verdict DIR: the gate's, and that no point has one that this one forbids
verdict() { jq -r .verdict "$1/gate.json"; }
reason() { jq -r --arg m "/$2/" '.points[] | select(.label | contains($m)) | .reason' "$1/gate.json"; }
says() { grep -qE -- "$1" "$work/stderr"; }
# whole DIR: every line is a record, every document is one, and no temporary file lies beside them
whole() {
    jq -se 'all(.schema == 1)' "$1/records.jsonl" && jq -e .schema "$1/manifest.json" &&
        { [[ ! -f $1/gate.json ]] || jq -e .verdict "$1/gate.json"; } &&
        [[ -z $(find "$1" -mindepth 1 ! -name records.jsonl ! -name manifest.json ! -name gate.json) ]]
}
# of_ours: processes of the arms, by what they sleep
of_ours() { pgrep -f "^sleep $mark\$" || true; }

expect 0 "equal arms" gate one --a "$worker" --b "$(arm)" --out "$work/equal"
if says 'built without GSL'; then
    echo "skipped: built without GSL, and a gate needs it" && exit 77
fi

# --- arms that hang: begun here, since a minute is given to each, and looked at in the end ------------
cat >"$work/mute" <<MUTE
#!/bin/sh
for word; do
    [ "\$word" != 1 ] || exec sleep 1$mark
done
sleep $mark & exec sleep $mark
MUTE
cat >"$work/wedged" <<WEDGED
#!/bin/bash
# A real worker that stands still in its window, with all that it has made.
for word; do [[ \$word != describe ]] || exec "$IPM_BIN/ipcmeter-worker" describe; done
read -r point
[[ \$point == *pingpong* ]] || exec "$IPM_BIN/ipcmeter-worker" "\$@" <<<"\$point"
"$IPM_BIN/ipcmeter-worker" "\$@" <<<"\$point" &
worker=\$!
while kill -0 \$worker; do
    leader= roles=
    { read -r leader _ </proc/\$worker/task/\$worker/children; } 2>/dev/null
    [[ -z \$leader ]] || { read -r roles </proc/\$leader/task/\$leader/children; } 2>/dev/null
    [[ \$roles != *" "* ]] || break
done
kill -STOP \$worker \$leader
echo "\$worker \$leader \$roles" >>"$work/stopped"
wait
WEDGED
chmod +x "$work/mute" "$work/wedged"
hang() { # NAME COMMAND...: in the background
    local name=$1 status=0
    shift
    "$@" >"$work/$name.stdout" 2>"$work/$name.stderr" || status=$?
    echo "$status" >"$work/$name.status"
}
hang mute gate one --a "$worker" --b "$work/mute" --out "$work/mute-out" &
hang hang gate two --a "$worker" --b "$(arm pipe=hang)" --out "$work/hang" &
hang wedged "$ipcmeter" gate "$work/long.jsonc" --progress none --seed 1 --a "$work/wedged" --b "$IPM_BIN/ipcmeter-worker" \
    --skip 'self_loop' --out "$work/wedged-out" &

# --- arms that crash, babble and lie -----------------------------------------------------------------
expect 1 "everything wrong" gate six --a "$worker" --out "$work/wrong" \
    --b "$(arm pipe=torn unix_stream=silent posix_mq=twice shm_ring=exit eventfd=late)"
must "each is an error" jq -e '[.points[] | select(.verdict == "error")] | length == 5' "$work/wrong/gate.json"
must "none is a regression" jq -e '[.points[] | select(.verdict == "regression")] == []' "$work/wrong/gate.json"
must "each says which arm, and why" jq -e '[.points[] | select(.verdict == "error") | .reason | test("arm b: worker .")] | all' "$work/wrong/gate.json"
must "one that says nothing" grep -q 'it wrote no record' <(reason "$work/wrong" unix_stream)
must "one that says two things" grep -q 'end of file expected' <(reason "$work/wrong" posix_mq)
must "one that crashes late: SIGKILL" grep -q SIGKILL <(reason "$work/wrong" eventfd)
must "the one that is well is no error" grep -qx pass <(jq -r '.points[] | select(.label | contains("/futex/")) | .verdict' "$work/wrong/gate.json")
must "the folder is whole" whole "$work/wrong"
expect 1 "b crashes at every point" gate two --a "$worker" --b "$(arm pipe=crash unix_stream=crash floor_syscall=crash)" --out "$work/all"
must "all are errors" jq -e '.verdict == "error" and ([.points[] | .verdict] | unique == ["error"])' "$work/all/gate.json"
expect 1 "a control point that measured nothing" gate one --a "$worker" --b "$(arm floor_syscall=nothing)" --out "$work/control"
must "it says so" jq -e '.sentence | test("floor_syscall")' "$work/control/gate.json"
expect 1 "every point measured nothing" gate two --a "$(arm pipe=nothing unix_stream=nothing)" --b "$worker" --out "$work/nothing"
must "it says so" grep -q 'measured' <(reason "$work/nothing" pipe)
echo '#!/nowhere/sh' >"$work/foreign" && chmod +x "$work/foreign"
expect 2 "an arm that cannot be executed" gate one --a "$worker" --b "$work/foreign" --out "$work/x"
must "it says which" says 'arm b: .*foreign'
expect 2 "an arm whose describe is garbage" gate one --a "$worker" --b "/bin/echo hello" --out "$work/x"
expect 2 "an arm whose describe is torn" gate one --a "$worker" --b "head -c 4000 $describe" --out "$work/x"
expect 2 "an arm whose describe crashes" gate one --a "$worker" --b "sh -c 'kill -SEGV \$\$'" --out "$work/x"
must "it says how" says 'arm b: .*SIGSEGV'
for fact in architecture kernel boot; do
    for side in 1 2; do
        jq --arg fact $fact --arg side $side '.machine = ({architecture: "x", kernel: "6", boot: "b"} | .[$fact] = $side)' "$describe" >"$work/$side.json"
    done
    expect 11 "arms of another $fact" gate one --a "env GATE_DESCRIBE=$work/1.json $worker" --b "env GATE_DESCRIBE=$work/2.json $worker" --out "$work/x"
    must "it says so" says "cannot gate: .* different ${fact}s .*compare"
done
must "no folder was made" test ! -e "$work/x"
# Gone between two invocations: as a build that is replaced while the gate runs.
cat >"$work/vanishing" <<VANISHING
#!/bin/bash
for word; do [[ \$word != describe ]] || exec $worker describe; done
rm -f "$work/vanishing"
exec $worker
VANISHING
chmod +x "$work/vanishing"
expect 1 "an arm that is gone meanwhile" gate one --a "$worker" --b "$work/vanishing" --out "$work/gone"
must "it says so" says 'vanishing: No such file'
must "the folder is whole" whole "$work/gone"

# --- what cannot come to a verdict is said before anything is measured ----------------------------
expect 2 "too few blocks" gate six --a "$worker" --b "$worker" --set gate.confirm_blocks=4 --out "$work/few"
must "how many there must be" says '4 confirming blocks .* 1[01] can'
must "no folder was made" test ! -e "$work/few"
expect 2 "a smallest effect below the margin" gate one --a "$worker" --b "$worker" --set gate.margin=0.1 --out "$work/few"
must "no folder was made" test ! -e "$work/few"

# --- folders and disks -------------------------------------------------------------------------------
: >"$work/file"
expect 1 "--out below a file" gate one --a "$worker" --b "$worker" --out "$work/file/out"
must "it says so" says 'Not a directory'
expect 1 "--out in /proc" gate one --a "$worker" --b "$worker" --out /proc/ipcmeter/out
mkdir -p "$work/taken/gate.json"
expect 1 "gate.json cannot be written" gate one --a "$worker" --b "$(arm pipe=slower)" --out "$work/taken"
must "it says so" says 'gate.json'
must "the records are whole" jq -se 'length > 100' "$work/taken/records.jsonl"
must "no temporary file" test "$(find "$work/taken" -mindepth 1 | wc -l)" = 3
# A limit on the size of files is a disk that is full for one of them.
limited() { (ulimit -f "$1" && shift && gate "$@"); }
expect 1 "records.jsonl cannot grow" limited 96 one --a "$worker" --b "$(arm pipe=slower)" --out "$work/limit"
must "it says so" says 'File too large'
must "there is no verdict" test ! -e "$work/limit/gate.json"
must "what is there is whole" whole "$work/limit"
if unshare --user --map-root-user --mount true 2>/dev/null || [[ $(id -u) == 0 ]]; then
    own=()
    [[ $(id -u) == 0 ]] || own=(--user --map-root-user)
    mkdir "$work/disk" "$work/kept" "$work/read"
    # shellcheck disable=SC2016 # the inner shell expands it
    full() {
        unshare "${own[@]}" --mount bash -c '
            mount -t tmpfs -o size=200k none "$1/disk" || exit 99
            status=0
            shift && "$@" || status=$?
            cp -r "$0/disk/." "$0/kept"
            exit $status' "$work" "$work" "$@"
    }
    expect 1 "a full disk" full "$ipcmeter" gate "$work/one.jsonc" "${options[@]}" --a "$worker" --b "$(arm pipe=slower)" --out "$work/disk/out"
    must "it says so" says 'No space left on device'
    must "there is no verdict" test ! -e "$work/kept/out/gate.json"
    must "what is there is whole" whole "$work/kept/out"
    # shellcheck disable=SC2016 # the inner shell expands it
    expect 1 "a disk to read from" unshare "${own[@]}" --mount bash -c 'mount -t tmpfs -o ro none "$0" && exec "$@"' "$work/read" \
        "$ipcmeter" gate "$work/one.jsonc" "${options[@]}" --a "$worker" --b "$worker" --out "$work/read/out"
    must "it says so" says 'Read-only file system'
else
    echo "skip: no mount namespace to fill a disk in"
fi

# --- signals -----------------------------------------------------------------------------------------
# stop SIGNAL NAME WORD ARGUMENTS...: when WORD stands in the records
stop() {
    local signal=$1 name=$2 word=$3 pid i
    shift 3
    # Not in a shell of its own, which would ignore SIGINT.
    "$ipcmeter" gate "$work/$1.jsonc" "${options[@]}" "${@:2}" --out "$work/$name" >"$work/stdout" 2>"$work/stderr" &
    pid=$!
    for ((i = 0; i < 2400; i++)); do
        grep -qs -- "$word" "$work/$name/records.jsonl" && break
        kill -0 $pid 2>/dev/null || break
        sleep 0.05
    done
    kill -"$signal" $pid 2>/dev/null || true
    status=0
    wait $pid || status=$?
}
for stage in warmup confirm; do
    stop INT "int-$stage" "\"stage\":\"$stage\"" six --a "$worker" --b "$(arm pipe=slower)"
    must "SIGINT in $stage: 130, not $status" test "$status" = 130
    must "SIGINT in $stage: inconclusive" jq -e '.verdict == "inconclusive" and .interrupted and (.complete | not)' "$work/int-$stage/gate.json"
    must "SIGINT in $stage: no point passes, none is a regression" jq -e 'all(.points[]; .control or .verdict == "inconclusive")' "$work/int-$stage/gate.json"
    must "SIGINT in $stage: the folder is whole" whole "$work/int-$stage"
    must "SIGINT in $stage: the manifest says so" jq -e .interrupted "$work/int-$stage/manifest.json"
done
"$ipcmeter" gate "$work/one.jsonc" "${options[@]}" --a "$worker" --b "$work/mute 1" --out "$work/x" >"$work/stdout" 2>"$work/stderr" &
pid=$!
for ((i = 0; i < 1200; i++)); do
    pgrep -f "^sleep 1$mark\$" >/dev/null && break
    sleep 0.05
done
kill -INT $pid
status=0
wait $pid || status=$?
must "SIGINT while an arm describes itself: 130, not $status" test $status = 130
must "it is gone" test -z "$(pgrep -f "^sleep 1$mark\$")"
must "no folder was made" test ! -e "$work/x"

# --- calibrations of other machines, and torn ones ---------------------------------------------------
for cpu in one other; do
    mkdir -p "$work/$cpu/proc"
    printf 'processor\t: 0\nmodel name\t: %s CPU at 2 GHz\n' "$cpu" >"$work/$cpu/proc/cpuinfo"
done
expect 0 "calibrate" "$ipcmeter" gate calibrate "$work/one.jsonc" --progress none --seed 1 --sysroot "$work/one" --a "$worker" --sessions 2 --out "$work/noise.json"
expect 0 "with its calibration" gate one --a "$worker" --b "$(arm)" --noise "$work/noise.json" --sysroot "$work/one" --out "$work/mine"
must "it is used" jq -e .measured.calibrated "$work/mine/gate.json"
expect 0 "on another CPU" gate one --a "$worker" --b "$(arm)" --noise "$work/noise.json" --sysroot "$work/other" --out "$work/others"
must "it is not used" jq -e '.measured.calibrated | not' "$work/others/gate.json"
must "that is said" says 'not calibrated: .'
head -c 200 "$work/noise.json" >"$work/torn.json"
: >"$work/nothing.json"
for name in torn nothing missing; do
    expect 2 "a calibration: $name" gate one --a "$worker" --b "$worker" --noise "$work/$name.json" --out "$work/x"
    must "it names it" says "$name.json"
done
must "no folder was made" test ! -e "$work/x"

# --- what hung ---------------------------------------------------------------------------------------
wait
must "hung in describe: 2, not $(cat "$work/mute.status")" grep -qx 2 "$work/mute.status"
must "it says so" grep -q 'arm b: .*describe took more than' "$work/mute.stderr"
must "no folder was made" test ! -e "$work/mute-out"
must "hung in an invocation: 1, not $(cat "$work/hang.status")" grep -qx 1 "$work/hang.status"
must "that point is an error" grep -q 'arm b: .*had to be killed' <(reason "$work/hang" pipe)
must "it was not tried again" jq -se 'map(select(.status == "failed")) | length == 1' "$work/hang/records.jsonl"
must "the others have their verdicts" jq -e '[.points[] | .verdict] | sort == ["error", "pass", "pass"]' "$work/hang/gate.json"
must "no child of theirs is left: $(of_ours | xargs)" test -z "$(of_ours)"
must "a worker that stood still: 1, not $(cat "$work/wedged.status")" grep -qx 1 "$work/wedged.status"
if [[ -s $work/stopped ]]; then
    must "that point is an error" grep -q 'arm a: .*had to be killed' <(reason "$work/wedged-out" pipe)
    read -ra pids <"$work/stopped"
    for pid in "${pids[@]}"; do
        must "process $pid of it is gone" test ! -e "/proc/$pid"
    done
    run=$(jq -r .run "$work/wedged-out/manifest.json")
    left=$(find /dev/shm /dev/mqueue -maxdepth 1 -name "*$run*" 2>/dev/null || true)
    left+=$(grep "$run" /proc/self/mounts /proc/net/unix || true)
    must "nothing of it is left: $left" test -z "$left"
else
    echo "FAILED: no worker was stopped" && failures=$((failures + 1))
fi

[[ $failures == 0 ]] || { echo "$failures failed" && exit 1; }
