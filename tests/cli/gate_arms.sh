#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What may be an arm: two builds of a plug-in, wrappers that set something; and rates that are shares of
# what the first arm can do.  Of what real workers measure nothing is asked that noise could change: what
# costs several times as much never passes, and what is the same is never a regression.
set -euo pipefail
ipcmeter=${IPM_BIN:?}/ipcmeter
worker=$IPM_BIN/ipcmeter-worker
scripted=${IPM_SOURCE:?}/tests/support/gate_worker.sh
unset IPCMETER_WORKER
if ! command -v jq >/dev/null; then
    echo "skipped: jq is not installed" && exit 77
fi
work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/support/expect.bash
. "${IPM_SOURCE:?}/tests/support/expect.bash"

# config NAME SWEEP: with a control point; what two builds differ by is not calibrated here
config() {
    cat >"$work/$1.jsonc" <<CONFIG
{ "name": "$1", "repeat": { "window": "5ms", "warmup": "1ms" },
  "gate": { "confirm_blocks": 12, "looks": 1, "margin": 0.2, "smallest_effect": 0.5 },
  "sweeps": [
    { "name": "floor", "workloads": "self_loop", "mechanisms": "floor_syscall", "axes": { "placement": "same_cpu" } },
    $2 ] }
CONFIG
}
# gate NAME ARGUMENTS...: its exit status into $status; anything but the verdicts of a gate is a failure
gate() {
    local name=$1
    shift
    status=0
    "$ipcmeter" gate "$work/$name.jsonc" --progress none --seed 1 "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
    echo "$name: exit status $status: $(sed -n 1p "$work/stdout")"
    if grep -q 'built without GSL' "$work/stderr"; then
        echo "skipped: built without GSL, and a gate needs it" && exit 77
    fi
    case $status in 0 | 10 | 12 | 13) ;; *) echo "FAILED: $name: $(tail -n 3 "$work/stderr")" && failures=$((failures + 1)) ;; esac
}

# --- shares of a rate: of what arm A can do, for both -------------------------------------------------
config share '{ "name": "s", "workloads": "open_loop", "mechanisms": ["pipe", "unix_stream"],
      "axes": { "size": 64, "rate": ["10%", "50%"], "placement": "same_cpu", "wait": "block" } }'
gate share --sysroot "$IPM_SOURCE/tests/fixtures/machines/vm" --a "$scripted" --b "env GATE_RATE=1000 GATE_SALT=5 $scripted" --out "$work/share"
must "it passes" test $status = 0
rates='map(select(.workload == "open_loop" and .arm != null))'
must "there are four points, in both arms" jq -se "$rates | (map(.point) | unique | length == 4) and (map(.arm) | unique | length == 2)" "$work/share/records.jsonl"
must "shares of arm A's 20000, in both" jq -se "$rates | all(.rate_resolved == (if .rate == \"10%\" then 2000 else 10000 end))" "$work/share/records.jsonl"
sed -i 's/"50%"/"5%"/; s/, "unix_stream"//' "$work/share.jsonc"
gate share --a "$worker" --b "env X=1 $worker" --out "$work/real_share"
must "a real one: one rate a point" jq -se "$rates | group_by(.point) | length == 2 and all(map(.rate_resolved) | unique | length == 1 and .[0] > 0)" "$work/real_share/records.jsonl"
must "no point is a regression" jq -e '[.points[] | select(.verdict == "regression")] == []' "$work/real_share/gate.json"

# --- wrappers ----------------------------------------------------------------------------------------
config wrapped '{ "name": "s", "workloads": "pingpong", "mechanisms": "pipe", "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } }'
mkdir "$work/lib"
cat >"$work/wrap per" <<WRAPPER
#!/bin/sh
# As one that sets a sysctl, runs the worker, and puts it back.
echo "\$KNOB \$LD_LIBRARY_PATH" >>"$work/knob"
"$worker" "\$@"
status=\$?
echo off >>"$work/knob"
exit \$status
WRAPPER
chmod +x "$work/wrap per"
gate wrapped --a "env KNOB=1 $worker" --b "env KNOB=2 LD_LIBRARY_PATH=$work/lib '$work/wrap per'" --out "$work/wrapped"
must "the wrapper ran, each time" test "$(grep -c "^2 $work/lib\$" "$work/knob")" -gt 24
must "to its end" test "$(grep -c . "$work/knob")" = $((2 * $(grep -c '^off' "$work/knob")))
must "both arms were measured" jq -se 'map(select(.status == "ok") | .arm) | unique == ["a", "b"]' "$work/wrapped/records.jsonl"
must "no point is a regression" jq -e '[.points[] | select(.verdict == "regression")] == []' "$work/wrapped/gate.json"

# --- plug-ins ----------------------------------------------------------------------------------------
compiler=${CC:-cc}
if ! command -v "$compiler" >/dev/null; then
    echo "skip: no compiler to build plug-ins with"
    exit $((failures > 0))
fi
mailbox=$IPM_SOURCE/examples/plugin/mailbox.c
# build OUT SOURCE ARGUMENTS...
build() { "$compiler" -std=gnu17 -D_GNU_SOURCE -O2 -shared -fPIC -I "$IPM_SOURCE" "${@:3}" -o "$work/$1" "$2"; }
# Messages above 1000 bytes wait 20 us, which is several times what a round trip takes.
sed '/struct mailbox_box \*box = own->out;/a\
    int64_t end_ns = n > 0 \&\& messages[0].length > 1000 ? ipm_now_ns() + 20000 : 0;\
    while (ipm_now_ns() < end_ns)\
        ;' "$mailbox" >"$work/slower.c"
sed 's/"mailbox"/"letterbox"/' "$mailbox" >"$work/renamed.c"
build old.so "$mailbox"
build same.so "$mailbox" -DNDEBUG -g
build new.so "$work/slower.c"
build renamed.so "$work/renamed.c"
must "the slower one is another" bash -c "! cmp -s '$work/old.so' '$work/new.so'"
config plugin '{ "name": "s", "workloads": "pingpong", "mechanisms": ["mailbox", "pipe"],
      "axes": { "size": [64, 2048], "placement": "same_cpu", "wait": "block" } }'
gate plugin --a "plugin=$work/old.so" --b "plugin=$work/new.so" --out "$work/slower"
must "the slower one costs more" jq -e '[.points[] | select(.label | test("/mailbox/.*2048"))] | length == 1 and (.[0] | .effect.log > 0.5 and .verdict != "pass")' "$work/slower/gate.json"
must "no other is a regression" jq -e '[.points[] | select(.verdict == "regression") | .label | select(test("/mailbox/.*2048") | not)] == []' "$work/slower/gate.json"
gate plugin --a "plugin=$work/old.so" --b "plugin=$work/same.so" --only mailbox --out "$work/same"
must "two builds of one source: no regression" jq -e '[.points[] | select(.verdict == "regression")] == []' "$work/same/gate.json"
must "they are two programs" jq -e '.measured.a.hash != .measured.b.hash' "$work/same/gate.json"

refused() { expect 2 "$1" "$ipcmeter" gate "$work/plugin.jsonc" --progress none --a "plugin=$work/old.so" --b "plugin=$work/$2" --out "$work/x"; }
says() { must "it says: $1" grep -qF -- "$1" "$work/stderr"; }
echo 'int nothing; int nothing;' >"$work/library.c"
build library.so "$work/library.c"
build foreign.so "$IPM_SOURCE/tests/support/broken_plugin.c" -DABI=999 -DFAULT_GARBAGE
refused "a library, but no plug-in" library.so
says ipm_plugin_mechanisms
says 'arm b: '
refused "another ABI" foreign.so
says 'ABI 999, this worker has'
refused "no such file" missing.so
says 'arm b: '
refused "no shared object" library.c
must "nothing was created" test ! -e "$work/x"
expect 1 "a mechanism that is renamed" "$ipcmeter" gate "$work/plugin.jsonc" --progress none --seed 1 --a "plugin=$work/old.so" \
    --b "plugin=$work/renamed.so" --only mailbox --out "$work/renamed"
must "it says so" jq -e '[.points[] | select(.verdict == "error") | .reason | test("renamed or gone")] | length == 2 and all' "$work/renamed/gate.json"

[[ $failures == 0 ]] || { echo "$failures failed" && exit 1; }
