#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The smoke run without the rights it likes to have: under a seccomp profile that refuses
# unshare, mount and perf_event_open as container engines do, and as an ordinary user.  It
# ends with 0, every invocation is ok, and every loss is named in the records.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
failures=0
skips=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# check NAME LOSS...: the run NAME measured all, and names these losses.
check() {
    local name=$1 records=$work/$1/out/records.jsonl loss
    shift
    [[ $(jq -r 'select(.status != "invalid") | .status' "$records" | sort -u) == ok ]] || fail "$name: not every invocation is ok"
    for loss in "$@"; do
        jq -e -s --arg loss "$loss" 'all(.[]; .sandbox.losses | any(startswith($loss)))' "$records" >/dev/null ||
            fail "$name: the loss '$loss' is not named; there are: $(jq -c .sandbox.losses "$records" | head -n 1)"
    done
    echo "$name: $(wc -l <"$records") records ok; losses: $(jq -c .sandbox.losses "$records" | head -n 1)"
}

# A size and an invocation fewer: what is lost depends on neither.
smoke=(run "$source/configs/smoke.jsonc" --set repeat.invocations=1 --set size=64 --progress none)

mkdir -m 777 "$work/jail" "$work/user"
status=0
"$IPM_BUILD/tests/jail" "$IPM_BIN/ipcmeter" "${smoke[@]}" --out "$work/jail/out" >/dev/null || status=$?
if [[ $status == 77 ]]; then
    echo "skip: no seccomp filter here"
    skips=1
elif [[ $status != 0 ]]; then
    fail "under seccomp the smoke run ends with $status"
else
    check jail "no private IPC namespace: Operation not permitted" "no private PID namespace: Operation not permitted" \
        "no private mount namespace: Operation not permitted" "no private network namespace: Operation not permitted"
    denied=$(jq -r '.metrics.context_switches | select(.value == null) | .reason' "$work/jail/out/records.jsonl" | grep -c '^denied' || true)
    [[ $denied -gt 0 ]] || fail "perf_event_open was refused, and no metric says denied"
    jq -r '.describe.passes[] | select(.name == "counters:software") | .reason' "$work/jail/out/manifest.json" | grep -q '^denied' ||
        fail "the counter pass is not named as denied"
fi

# Whether its library is there or not, no mechanism over io_uring may claim to be available.
listed=$("$IPM_BUILD/tests/jail" "$IPM_BIN/ipcmeter" list mechanisms | grep -o 'uring_.*' || true)
if [[ $skips == 0 ]]; then
    [[ $listed == uring_* ]] || fail "the mechanisms over io_uring are not listed"
    ! grep -qv ' no: ' <<<"$listed" || fail "io_uring is refused, and yet listed: $listed"
    echo "$listed"
fi

if [[ $(id -u) != 0 ]]; then
    "$IPM_BIN/ipcmeter" "${smoke[@]}" --out "$work/user/out" >/dev/null || fail "the smoke run ends with $?"
    check user
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups test -x "$IPM_BIN/ipcmeter"; then
    echo "skip: an ordinary user cannot reach $IPM_BIN"
    skips=$((skips + 1))
else
    setpriv --reuid=65534 --regid=65534 --clear-groups "$IPM_BIN/ipcmeter" "${smoke[@]}" --out "$work/user/out" >/dev/null ||
        fail "as an ordinary user the smoke run ends with $?"
    check user
    setpriv --reuid=65534 --regid=65534 --clear-groups test -w "$work/user/out/records.jsonl" || fail "the records are not the user's"
fi
[[ $failures == 0 ]] || exit 1
[[ $skips -lt 2 ]] || exit 77
