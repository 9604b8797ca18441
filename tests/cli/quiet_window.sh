#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Nobody but the mechanism works during a window.  Two traced invocations that differ in the
# length of their window alone: a spinning shm_ring must make the same number of system
# calls in both (give or take four), in every process, although the long one passes many times the messages; and
# the leader must sleep through the window in one call.  The driver likewise: one call while
# its worker lives.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
command -v strace >/dev/null || {
    echo "skip: strace is not installed"
    exit 77
}
[[ $(nproc) -gt 1 ]] || {
    echo "skip: spinning takes two CPUs"
    exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' |
    awk -F- '{for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i}' | head -n 2)
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# trace NAME WINDOW_MS: record in $work/NAME, calls in $work/NAME.trace
trace() {
    printf '{"schema":1,"workload":"stream","mechanism":"shm_ring","wait":"spin","copies":0,"cpus":[%s,%s],"window_ns":%s000000,"warmup_ns":0,"timeout_ns":60000000000}' \
        "${cpus[0]}" "${cpus[1]}" "$2" |
        strace -f -ttt -qq -e signal=none -o "$work/$1.trace" "$IPM_BIN/ipcmeter-worker" >"$work/$1" || {
        echo "skip: strace cannot trace here"
        exit 77
    }
    [[ $(member status <"$work/$1") == ok ]] || fail "$1: $(member reason <"$work/$1")"
}

# per_process NAME: calls of each process in the order of their birth, one a line.  The
# rounds of the warm-up differ from run to run: their futex calls do not count.
per_process() {
    grep -v ' resumed>' "$work/$1.trace" | awk '$3 !~ /^futex/ {if (!($1 in n)) order[++k] = $1; n[$1]++} END {for (i = 1; i <= k; i++) print n[order[i]]}'
}

trace short 20
trace long 1000
messages_short=$(member messages <"$work/short")
messages_long=$(member messages <"$work/long")
echo "messages: $messages_short and $messages_long"
[[ $messages_long -gt $((4 * messages_short)) ]] || fail "the long window passed too few messages to prove anything"
short=$(per_process short | tr '\n' ' ')
long=$(per_process long | tr '\n' ' ')
echo "system calls of worker, leader and roles: $short and $long"
# Which role rings the bell, and how many roles one poll sees end, is chance: a few calls.
paste <(per_process short) <(per_process long) | awk '($1 - $2) ^ 2 > 16 {exit 1}' ||
    fail "the number of system calls depends on the window"

# All futex calls together, those of the barriers included, are few beside the messages.
futexes=$(grep -c futex "$work/long.trace")
[[ $((futexes * 1000)) -lt $messages_long ]] || fail "$futexes futex calls for $messages_long messages"

# The longest pause between two lines of the leader spans the window.
leader=$(awk '{print $1}' "$work/long.trace" | awk '!seen[$0]++' | sed -n 2p)
pause=$(awk -v leader="$leader" '$1 == leader {if (last && $2 - last > most) most = $2 - last; last = $2} END {printf "%d", most * 1000}' "$work/long.trace")
echo "longest sleep of the leader: $pause ms of a window of 1000 ms"
[[ $pause -ge 990 ]] || fail "the leader was awake during the window"

# The driver, over a run of one invocation with a long window.
strace -ttt -qq -e signal=none -o "$work/driver.trace" "$IPM_BIN/ipcmeter" run --progress none --out "$work/run" \
    --set workloads=pingpong --set mechanisms=pipe --set wait=block --set placement=same_cpu --set size=64 \
    --set repeat.invocations=1 --set repeat.window=1s --set sensors.counters=off >/dev/null
pause=$(awk '{if (last && $1 - last > most) most = $1 - last; last = $1} END {printf "%d", most * 1000}' "$work/driver.trace")
echo "longest sleep of the driver: $pause ms"
[[ $pause -ge 1000 ]] || fail "the driver was awake during the window"
exit $((failures > 0))
