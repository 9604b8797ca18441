#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Traced roles die, hang and are killed as others do: the record is the same but for its pass,
# and neither a role nor a tracer is left - also when the worker, its leader or a tracer is
# killed, inside the sandbox and without one.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
plugin=$IPM_BUILD/tests/faulty.so
worker=$IPM_BIN/ipcmeter-worker
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

available=$("$worker" --sensors '{"syscalls":"twin"}' describe |
    jq -r '.passes[] | select(.name == "counters:syscalls") | .available')
if [[ $available != true ]]; then
    echo "skip: no tracing here"
    exit 77
fi

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

traced='"pass":"counters:syscalls","sensors":{"syscalls":"twin"}'

# expect FAULT AFTER PHASE REASON TIMEOUT_NS
expect() {
    local record
    record=$(measure "\"workload\":\"pingpong\",\"mechanism\":\"faulty\",$traced,\"cpus\":[0],\"window_ns\":100000000,\"warmup_ns\":2000000,\"timeout_ns\":$5,\"options\":{\"faulty.fault\":\"$1\",\"faulty.after\":$2}" --plugin "$plugin")
    if [[ $(wc -l <<<"$record") == 1 && $(member status <<<"$record") == failed &&
        $(member phase <<<"$record") =~ ^($3)$ && $(member reason <<<"$record") =~ $4 ]]; then
        echo "ok: $1 after $2: $(member phase <<<"$record"): $(member reason <<<"$record")"
    else
        fail "$1 after $2: $record"
    fi
}
expect attach 0 attach 'role server: planted' 0
expect exit 0 verify 'role server exited with status 3' 0
expect kill 0 verify 'role server killed by signal 9 \(SIGKILL\)' 0
expect close 0 verify 'the peer closed the channel' 0

# The moment is sought by counts: verification takes 64 replies, the warm-up some.
late=200
for fault in kill exit error hang; do
    case $fault in
    kill) reason='role server killed by signal 9' ;;
    exit) reason='role server exited with status 3' ;;
    error) reason='role server: send: Input/output error' ;;
    hang) reason='hung: role .* made no progress' ;;
    esac
    expect $fault $late 'warmup|window' "$reason" 3000000000
done

# descendants PID: all processes below, into $found.
descendants() {
    local pid=$1 child
    local children=()
    read -r -d "" -a children < <(cat "/proc/$pid/task/"*/children 2>/dev/null) || true
    for child in "${children[@]}"; do
        found+=("$child")
        descendants "$child"
    done
}

# A window that does not end; $1: no_sandbox or sandbox.
begin() {
    local sandbox=true
    [[ $1 == sandbox ]] || sandbox=false
    # The traced window is cut to 100 ms: a server that hangs keeps everybody in it.
    printf '{"schema":1,"workload":"pingpong","mechanism":"faulty",%s,"sandbox":%s,"cpus":[0],"window_ns":100000000,"warmup_ns":1000000,"timeout_ns":60000000000,"options":{"faulty.fault":"hang","faulty.after":%s}}' "$traced" "$sandbox" $late |
        "$worker" --plugin "$plugin" >"$work/record" &
    pid=$!
    for ((try = 0; try < 500; try++)); do
        found=()
        descendants "$pid"
        # Leader, two roles, two tracers; none of a probe's, which are gone by the hang.
        [[ ${#found[@]} -ge 5 ]] && hanging=$((hanging + 1)) || hanging=0
        [[ $hanging -lt 20 ]] || return 0
        read -r -t 0.02 <>"$work/never" || true
    done
    fail "$1: the traced roles were not seen: ${found[*]}"
}

gone() {
    local process left
    for ((try = 0; try < 250; try++)); do
        left=
        for process in "${found[@]}"; do
            [[ ! -e /proc/$process || $(awk '/^State/ {print $2}' "/proc/$process/status" 2>/dev/null) == Z ]] || left+=" $process"
        done
        [[ -n $left ]] || return 0
        read -r -t 0.02 <>"$work/never" || true
    done
    fail "$1: left:$left"
}

mkfifo "$work/never"
for where in sandbox no_sandbox; do
    for victim in worker leader role tracer; do
        hanging=0
        begin $where
        case $victim in
        worker) target=$pid ;;
        leader) target=${found[0]} ;;
        role) target=${found[1]} ;;
        tracer)
            target=
            for process in "${found[@]}"; do
                grep -q "^TracerPid:.[1-9]" "/proc/$process/status" || continue
                target=$(awk '/^TracerPid/ {print $2}' "/proc/$process/status")
            done
            ;;
        esac
        kill -KILL "$target" || fail "$where: no $victim to kill"
        if [[ $victim == tracer ]]; then
            # The roles hang as before, untraced; the worker is then ended from outside.
            read -r -t 0.3 <>"$work/never" || true
            kill -0 "$pid" || fail "$where: a tracer's death took the worker along"
            kill -KILL "$pid"
        fi
        wait "$pid" 2>/dev/null || true
        gone "$where, $victim"
        [[ $victim != role ]] || grep -q 'killed by signal 9' "$work/record" ||
            fail "$where: the dead role is not on record: $(cat "$work/record")"
        echo "ok: $where: $victim killed, ${#found[@]} processes gone"
    done
done
exit $((failures > 0))
