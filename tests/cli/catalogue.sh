#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The catalogue as a user meets it: as root, without the sandbox, as an ordinary user, and where
# a seccomp profile refuses what container engines refuse.  Every mechanism of the sources is listed, with a
# reason where it is not available; what is available exchanges messages; nothing fails, and
# nothing is left behind.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
ipcmeter=$IPM_BIN/ipcmeter
work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
failures=0
skips=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# names FILE MACRO POSITION: of the lines of a .def
names() {
    tr '\n' ' ' <"$source/mechanisms/$1" | grep -oE "\<$2\([^)]*" | sed 's/.*(//' | tr -d ' ' | cut -d, -f"$3"
}
{
    names list.def IPM_MECHANISM 1
    names modules.def IPM_MODULE 2 | grep -v '^name$' # the comment that explains the lines
} | sort >"$work/wanted"
[[ $(wc -l <"$work/wanted") -ge 30 ]] || fail "only $(wc -l <"$work/wanted") names found in the sources"

cat >"$work/tiny.jsonc" <<'CONFIG'
{ "name": "tiny", "repeat": { "invocations": 1, "window": "5ms", "warmup": "1ms" },
  "sensors": { "counters": "off", "energy": "off" },
  "sweeps": [
    { "workloads": ["pingpong", "stream", "self_loop"], "mechanisms": ["all", "floors"], "axes": { "size": 64 } },
    { "workloads": "hiccup", "mechanisms": "floors" },
    // More than a pipe holds, and more than System V queues take where nobody raised their limit.
    { "workloads": ["pingpong", "self_loop"], "mechanisms": ["pipe", "sysv_msg"], "axes": { "size": "1MiB" } } ] }
CONFIG
more=() # arguments for run

# What outlives a process and carries our name, or whose maker is gone.  New ones only: other
# tests run at the same time, and what they made may disappear.
leftovers() {
    { find /tmp /dev/shm /dev/mqueue -maxdepth 1 -name '*ipm-*' 2>/dev/null || true; } | sort
    local kind id maker
    for kind in q m s; do
        ipcs -"$kind" -p 2>/dev/null | awk -v kind=$kind '$1 ~ /^[0-9]+$/ { print kind, $1, $3 }'
    done | while read -r kind id maker; do
        [[ -e /proc/$maker ]] || echo "System V $kind $id"
    done
}

# check NAME COMMAND...: the catalogue, seen by what COMMAND starts
check() {
    local name=$1 status=0 missing
    shift
    mkdir -m 777 "$work/$name"
    leftovers >"$work/$name/before"

    timeout 30 "$@" "$ipcmeter" list --json >"$work/$name/list" || status=$?
    [[ $status == 0 ]] || { fail "$name: list ends with $status" && return; }
    jq '.mechanisms + .floors' "$work/$name/list" >"$work/$name/all"
    jq -r '.[].name' "$work/$name/all" | sort >"$work/$name/names"
    diff "$work/wanted" "$work/$name/names" || fail "$name: other names listed (right) than the sources have (left)"
    jq -e 'all(.[]; .available or ((.reason // "") | length > 8))' "$work/$name/all" >/dev/null ||
        fail "$name: not available, and no reason: $(jq -c '[.[] | select(.available | not) | {name, reason}]' "$work/$name/all")"
    jq -e 'all(.[]; .available or (.reason | test("built without|no module") | not) or (.reason | test("install [a-z]+[a-z0-9.+-]*")))' \
        "$work/$name/all" >/dev/null || fail "$name: a module is missing, and its package is not named"
    # The text says the same.
    timeout 30 "$@" "$ipcmeter" list mechanisms >"$work/$name/text" || fail "$name: list mechanisms ends with $?"
    while read -r missing; do
        grep -qE "^ *$missing( |$)" "$work/$name/text" || fail "$name: list mechanisms shows no $missing"
    done < <(jq -r '.mechanisms[].name' "$work/$name/list")

    timeout 120 "$@" "$ipcmeter" run "$work/tiny.jsonc" "${more[@]}" --out "$work/$name/out" --progress none >/dev/null || status=$?
    [[ $status == 0 ]] || fail "$name: the run ends with $status"
    local records=$work/$name/out/records.jsonl
    jq -c 'select(.status == "failed") | [.workload, .mechanism, .wait, .phase, .reason]' "$records" >"$work/$name/failed"
    [[ ! -s $work/$name/failed ]] || fail "$name: $(cat "$work/$name/failed")"
    jq -e -s 'all(.[]; .status != "skipped" or ((.reason // "") | length > 8))' "$records" >/dev/null || fail "$name: a skip without a reason"
    jq -e '.skips | length > 0 and all(.[]; (.reason // "") | length > 8)' "$work/$name/out/manifest.json" >/dev/null ||
        fail "$name: the plan skips without a reason"
    jq -e -s 'any(.[]; .status == "skipped" and .workload == "self_loop" and (.reason | test("1048576 bytes do not fit into pipe")))' \
        "$records" >/dev/null || fail "$name: no skip says that 1 MiB does not fit into a pipe"
    # To be available is a promise.
    missing=$(comm -23 <(jq -r '.[] | select(.available) | .name' "$work/$name/all" | sort) \
        <(jq -r 'select(.status == "ok") | .mechanism' "$records" | sort -u))
    [[ -z $missing ]] || fail "$name: available, but not measured: ${missing//$'\n'/ }"

    local try=0
    until leftovers | comm -13 "$work/$name/before" - >"$work/$name/left" && [[ ! -s $work/$name/left ]]; do
        [[ $((try += 1)) -le 20 ]] || break
        sleep 0.2
    done
    [[ ! -s $work/$name/left ]] || fail "$name: left behind: $(cat "$work/$name/left")"
    echo "$name: $(jq '[.[] | select(.available)] | length' "$work/$name/all") of $(wc -l <"$work/wanted") available," \
        "$(wc -l <"$records") records"
}

check here
more=(--no-sandbox)
check no_sandbox
more=()
if "$IPM_BUILD/tests/jail" true; then
    check jail "$IPM_BUILD/tests/jail"
else
    echo "skip: no seccomp filter here"
    skips=$((skips + 1))
fi
ordinary=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if [[ $(id -u) != 0 ]]; then
    echo "skip: not root: the first check was the ordinary user's"
elif ! "${ordinary[@]}" test -x "$ipcmeter"; then
    echo "skip: an ordinary user cannot reach $ipcmeter"
    skips=$((skips + 1))
else
    check user "${ordinary[@]}"
fi
[[ $failures == 0 ]] || exit 1
[[ $skips == 0 ]] || exit 77
