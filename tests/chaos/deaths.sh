#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# SIGKILL of one role in the window, each role of each mechanism, also of those whose peer
# would never notice: within 100 ms (the best of a few tries, since a busy machine may keep
# anyone off his CPU) the worker has ended, with a failed record that names the dead role.
set -euo pipefail
limit_us=${LIMIT_US:-100000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
worker=$IPM_BIN/ipcmeter-worker
failures=0
pauses=(0.3 1 3 6) # where it was not yet in the window after 0.1 s

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

leftovers() {
    ls /dev/shm /dev/mqueue 2>/dev/null || true
    ipcs -a 2>/dev/null | grep -E '^0x' || true
    awk '{print $8}' /proc/net/unix | grep -i ipm || true
    wc -l </proc/self/mounts
}

# roles PID: the worker's grandchildren, in the order of their roles, into $found; a broker's
# process stands among them and is none.
roles() {
    local leader="" child children=() name
    found=()
    { read -r leader _ <"/proc/$1/task/$1/children"; } 2>/dev/null || true
    [[ -z $leader ]] || { read -r -a children <"/proc/$leader/task/$leader/children"; } 2>/dev/null || true
    for child in "${children[@]}"; do
        name=""
        { read -r name <"/proc/$child/comm"; } 2>/dev/null || true
        [[ $name != ipcmeter-worker ]] || found+=("$child")
    done
}

# The microseconds since some moment, into $now; no process is started.
clock() {
    now=${EPOCHREALTIME/[.,]/}
}

# kill_role MECHANISM WAIT SIZE ROLE PAUSE: $elapsed from the kill to the end of the worker in
# microseconds; 1: the role was not killed in the window.
kill_role() {
    local began pid
    echo "{\"schema\":1,\"workload\":\"pingpong\",\"mechanism\":\"$1\",\"size\":$3,\"wait\":\"$2\",\"cpus\":[$cpus],\"window_ns\":20000000000,\"warmup_ns\":1000000,\"timeout_ns\":60000000000}" >"$work/point"
    "$worker" <"$work/point" >"$work/record" 2>"$work/stderr" &
    pid=$!
    found=()
    while [[ ${#found[@]} -lt 2 ]] && kill -0 "$pid" 2>/dev/null; do
        roles "$pid"
    done
    read -r -t "$5" <>"$work/never" || true
    clock
    began=$now
    if ! kill -KILL "${found[$4]}" 2>/dev/null; then
        wait "$pid" || true
        return 1
    fi
    wait "$pid" || fail "$1: the worker ended with $?"
    clock
    elapsed=$((now - began))
    for pid in "${found[@]}"; do
        [[ ! -e /proc/$pid ]] || fail "$1: process $pid is left"
    done
    [[ $(jq -r .phase "$work/record") == window ]]
}

# check MECHANISM WAIT SIZE: both roles in turn.
check() {
    local mechanism=$1 wait=$2 size=$3 role try best pause reason
    for role in 0 1; do
        best=
        pause=0.1
        for ((try = 0; try < 5; try++)); do
            if ! kill_role "$mechanism" "$wait" "$size" $role "$pause"; then
                pause=${pauses[try]} # it was too early: a busy machine
                continue
            fi
            reason=$(jq -r '"\(.status): \(.reason)"' "$work/record")
            if [[ $reason != "failed: role ${names[role]} killed by signal 9 (SIGKILL)" ]]; then
                fail "$mechanism, wait $wait: role ${names[role]} was killed, the record says: $reason"
                break
            fi
            [[ -n $best && $best -le $elapsed ]] || best=$elapsed
            [[ $best -gt $limit_us ]] || break
        done
        if [[ -z $best ]]; then
            fail "$mechanism, wait $wait, role ${names[role]}: no kill in the window was seen: $(cut -c 1-300 "$work/record")"
        elif [[ $best -gt $limit_us ]]; then
            fail "$mechanism, wait $wait: the death of role ${names[role]} was on record after $best us"
        else
            echo "ok: $mechanism, wait $wait: role ${names[role]} dead, on record after $best us"
        fi
    done
}

mkfifo "$work/never"
# Two, so that spinners need not wait for each other's time slices; one where there is one.
cpus=$(awk '/^Cpus_allowed_list/ {n = split($2, a, /[-,]/); print a[1] (n > 1 ? "," a[2] : "")}' /proc/self/status)
before=$(leftovers)
describe=$("$worker" describe)
mapfile -t names < <(jq -r '.workloads[] | select(.name == "pingpong").roles[].name' <<<"$describe")
[[ ${#names[@]} == 2 ]] || fail "pingpong has the roles ${names[*]}"

# Asleep in the kernel where the mechanism can, else as it can; and busy, for one that can.
mapfile -t rows < <(jq -r '.mechanisms[] | select(.available and .family != "floor") |
    [.name, (if .waits | index("block") then "block" else .waits[0] end),
     (if .capabilities | index("token") then 0 else 64 end)] | join(" ")' <<<"$describe")
[[ ${#rows[@]} -gt 0 ]] || fail "no mechanism is available"
for row in "${rows[@]}" "shm_ring spin 64" "pipe spin 64"; do
    # shellcheck disable=SC2086 # three words
    check $row
done

new=$(comm -13 <(sort <<<"$before") <(leftovers | sort))
[[ -z $new ]] || fail "left behind: $new"
exit $((failures > 0))
