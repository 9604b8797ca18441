#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The gate on this machine, as it is: three gates between copies of one worker, in which no regression may
# be seen, and two with a point that costs three times as much, which never passes and is found, while no other
# is.  Two of the first and both of the second are `ipcmeter selftest gate`.  A machine that is too busy to
# tell (exit status 12) is asked once more, and then it is a skip: noise is no failure, and no success.
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

# The margin is that of the self-test: what two copies differ by is not calibrated here.
cat >"$work/null.jsonc" <<'CONFIG'
{ "name": "null", "repeat": { "window": "5ms", "warmup": "1ms" },
  "gate": { "confirm_blocks": 12, "looks": 1, "margin": 0.1, "smallest_effect": 0.25 },
  "sweeps": [ { "name": "s", "workloads": ["pingpong", "stream"], "mechanisms": ["pipe", "unix_stream"],
                "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
for arm in a b; do
    mkdir -p "$work/$arm/bin"
    cp "$IPM_BIN/ipcmeter-worker" "$work/$arm/bin/worker"
    [[ ! -d $IPM_BIN/../lib ]] || ln -s "$IPM_BIN/../lib" "$work/$arm/lib"
done
status=0
"$ipcmeter" gate "$work/null.jsonc" --progress none --a "$work/a/bin/worker" --b "$work/b/bin/worker" --out "$work/null" \
    >"$work/stdout" 2>"$work/stderr" || status=$?
if grep -q 'built without GSL' "$work/stderr"; then
    echo "skipped: built without GSL, and a gate needs it" && exit 77
fi
echo "two copies: exit status $status: $(sed -n 1,2p "$work/stdout" | xargs)"
must "a verdict, and no regression: not $status" test $status = 0 -o $status = 12 -o $status = 13
must "no point is a regression" jq -e '[.points[] | select(.verdict == "regression")] == []' "$work/null/gate.json"
must "every point was measured" jq -e '[.points[] | select(.verdict == "error")] == []' "$work/null/gate.json"

told=0
for seed in 1 2; do
    for try in 1 2; do
        status=0
        "$ipcmeter" selftest gate --seed $seed >"$work/stdout" 2>"$work/stderr" || status=$?
        sed "s/^/    /" "$work/stdout"
        [[ $status == 12 ]] || break
        echo "the machine was too busy to tell, try $try"
    done
    case $status in
        0) told=$((told + 1)) && echo "ok: selftest gate, seed $seed" ;;
        12) echo "skip: seed $seed: $(tail -n 1 "$work/stdout")" ;;
        *) must "selftest gate, seed $seed: not $status: $(cat "$work/stderr")" false ;;
    esac
done
[[ $failures == 0 ]] || { echo "$failures failed" && exit 1; }
[[ $told != 0 ]] || { echo "skipped: the machine was too busy to find anything in" && exit 77; }
