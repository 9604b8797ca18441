#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Whatever goes wrong in an invocation becomes one record with phase and reason, the worker
# exits 0, and no process is left.  The faults are those of tests/support/faulty.c.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# One of its own: its processes are found, and killed, by that name, beside other tests.
plugin=$work/faulty.so
cp "$IPM_BUILD/tests/faulty.so" "$plugin"
failures=0

mechanism=faulty

# expect FAULT AFTER STATUS PHASE-PATTERN REASON-PATTERN [WINDOW_NS]
expect() {
    local record status phase reason
    record=$(measure "\"workload\":\"pingpong\",\"mechanism\":\"$mechanism\",\"cpus\":[0],\"window_ns\":${6:-30000000},\"warmup_ns\":2000000,\"options\":{\"$mechanism.fault\":\"$1\",\"$mechanism.after\":$2}" --plugin "$plugin")
    status=$(member status <<<"$record")
    phase=$(member phase <<<"$record")
    reason=$(member reason <<<"$record")
    if [[ $(wc -l <<<"$record") == 1 && $status == "$3" && $phase =~ ^($4)$ && $reason =~ $5 ]]; then
        echo "ok: $1 after $2: $phase: $reason"
    else
        echo "FAILED: $1 after $2: wanted $3, $4, /$5/; got $status, $phase, '$reason'"
        failures=$((failures + 1))
    fi
}

# After this many replies verification and warm-up are over only if they are short; the
# window is reached for certain by counting far beyond 64 verified messages and 2 ms.
late=20000
expect none 0 ok null null
expect create 0 failed create 'planted: no room: No space left'
expect attach 0 failed attach 'role server: planted: Operation not permitted'
expect join 0 failed join 'role server: planted: Operation not permitted'
expect error 0 failed verify 'role server: send: Input/output error'
expect exit 0 failed verify 'role server exited with status 3'
expect kill 0 failed verify 'role server killed by signal 9 \(SIGKILL\)'
expect corrupt 0 failed verify 'role client: payload mismatch: message 0 of 64 bytes'
expect corrupt 63 failed verify 'role client: payload mismatch: message 63'
expect close 0 failed verify 'the peer closed the channel'

# In the window: replies are counted, so the moment is approached by a long window.
window() {
    local record phase
    record=$(measure "\"workload\":\"pingpong\",\"mechanism\":\"$mechanism\",\"cpus\":[0],\"window_ns\":3000000000,\"warmup_ns\":2000000,\"timeout_ns\":$3,\"options\":{\"$mechanism.fault\":\"$1\",\"$mechanism.after\":$late}" --plugin "$plugin")
    phase=$(member phase <<<"$record")
    if [[ $(member status <<<"$record") == failed && $phase == window && $(member reason <<<"$record") =~ $2 ]]; then
        echo "ok: $1 in the window: $(member reason <<<"$record")"
    else
        echo "FAILED: $1 in the window: $(member status <<<"$record") $phase $(member reason <<<"$record")"
        failures=$((failures + 1))
    fi
}
window error 'role server: send: Input/output error' 30000000000
window kill 'role server killed by signal 9' 30000000000
window exit 'role server exited with status 3' 30000000000
window close 'the peer closed the channel' 30000000000
window hang 'hung: role .* made no progress' 4000000000

# A helper: it works, and is billed; it is not there, ends early, is never ready, or dies.
mechanism=faulty_broker
expect none 0 ok null null
expect absent 0 skipped create 'helper no-such-broker is not installed'
expect early 0 failed create 'helper sh exited with status 5: out of luck'
expect mute 0 failed create 'helper sh was not ready in time: not yet'
# Told in the first message, it ends when the kernel gets round to it.
expect dies 0 failed 'verify|warmup|window' 'helper sh exited with status 4' 3000000000
window dies 'helper sh exited with status 4' 30000000000
window kill 'role server killed by signal 9' 30000000000

record=$(measure '"workload":"pingpong","mechanism":"faulty_broker","cpus":[0],"window_ns":30000000' --plugin "$plugin")
bill=$(grep -o '"role":"helper".*' <<<"$record" || true)
if [[ $bill =~ \"program\":\"sh\" && $(metric cpu_ns <<<"$bill") == 0 && $(metric voluntary_switches <<<"$bill") == 0 ]]; then
    echo "ok: an idle helper is billed nothing"
else
    echo "FAILED: the bill of an idle helper: $bill"
    failures=$((failures + 1))
fi

# A worker that is killed takes its helper with it.
helper='[r]ead _ .*/faulty-'
measure '"workload":"pingpong","mechanism":"faulty_broker","cpus":[0],"window_ns":60000000000' --plugin "$plugin" >/dev/null 2>&1 &
seen=no
for ((try = 0; try < 500; try++)); do
    pgrep -f "$helper" >/dev/null && seen=yes && break
    sleep 0.02
done
# The oldest of those that carry its name: the others are its leader and the roles.
kill -KILL "$(pgrep -o -f -- "--plugin $plugin")" || true
wait
for ((try = 0; try < 250; try++)); do
    pgrep -f "$helper" >/dev/null || break
    sleep 0.02
done
if [[ $seen == no ]] || pgrep -f "$helper" >/dev/null; then
    echo "FAILED: the helper of a killed worker: seen before: $seen"
    failures=$((failures + 1))
else
    echo "ok: a helper dies with its worker"
fi

if pgrep -f "$plugin" >/dev/null; then
    echo "FAILED: processes are left"
    pgrep -af "$plugin"
    failures=$((failures + 1))
fi
exit $((failures > 0))
