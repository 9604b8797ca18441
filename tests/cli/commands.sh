#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The table of a verb is what its --help tells, what the suite of conform takes, and what bash
# completes; docs/ipcmeter.1 is held against it by tests/golden/man.sh.
set -euo pipefail
ipcmeter=${IPM_BIN:?}/ipcmeter
unset IPCMETER_WORKER
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

"$ipcmeter" completion bash >"$work/bash"
"$ipcmeter" --man >"$work/man"
if command -v shellcheck >/dev/null; then
    shellcheck -s bash "$work/bash" || fail "the completion: shellcheck"
else
    skipped+=("the form of the completion: shellcheck is not installed")
fi
# shellcheck disable=SC1091 # just made
source "$work/bash"
complete -p ipcmeter | grep -q _ipcmeter || fail "nothing completes ipcmeter"

# proposed WORDS...: what is proposed for the last of them, one a line
proposed() {
    COMP_WORDS=("$ipcmeter" "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _ipcmeter
    printf '%s\n' "${COMPREPLY[@]}"
}

# wants "EXPECTED WORDS" WORDS...: all of those are proposed, and with "=" nothing else.
wants() {
    local wanted=$1 word
    shift
    proposed "$@" >"$work/proposed"
    if [[ $wanted == =* ]]; then
        diff <(tr ' ' '\n' <<<"${wanted#=}" | sort) <(sort "$work/proposed") || fail "$*: not '$wanted'"
        return
    fi
    for word in $wanted; do
        grep -qxF -- "$word" "$work/proposed" || fail "$*: '$word' is not proposed but: $(tr '\n' ' ' <"$work/proposed")"
    done
}

cd "$work"
mkdir results
touch config.jsonc "a name"
wants "run report doctor completion --version" ""
wants "=report" rep
wants "--out --resume --help" run --
wants "=--retries --resume" run --re
wants "=plain" run --progress p
wants "=plain" run --progress = p
wants "auto plain jsonl none" run --progress =
wants "config.jsonc results" run ""
[[ $(proposed run "a n") == "a name" ]] || fail "a name with a blank is not proposed"
wants "=results" report ""
wants "=results" run --out r
wants "=mechanisms models" list m
wants "size= wait= repeat.window= mechanisms=" run --set ""
wants "=size= size_mix=" run --set siz
wants "=spin spin_then_block" run --set wait = sp
wants "=spin,block" run --set wait = spin,bl
wants "=block" run --set wait=spin --set wait = bl
wants "pipe shm_ring all" run --set mechanisms =
wants "=pipe,shm_ring" run --set mechanisms = pipe,shm_r
wants "=pingpong" plan --set workloads = pi
wants "=latency" advise results --by lat
wants "=" run --seed ""
wants "=" frobnicate ""

# A verb's --help, the list of verbs and the completion know the same.
"$ipcmeter" --help | awk '/^  /{print $1}' >"$work/verbs"
[[ $(wc -l <"$work/verbs") -ge 9 ]] || fail "--help: few verbs"
while read -r verb; do
    status=0
    "$ipcmeter" "$verb" --help >"$work/help" </dev/null || status=$?
    if [[ $status == 12 ]]; then
        skipped+=("$verb: $("$ipcmeter" "$verb" --help 2>&1 </dev/null || true)")
        continue
    fi
    [[ $status == 0 ]] || fail "$verb --help: exit status $status"
    head -1 "$work/help" | grep -q "^usage: ipcmeter $verb" || fail "$verb --help: no usage"
    [[ $verb == conform ]] || ! grep -nE '.{81}' "$work/help" || fail "$verb --help: wider than 80 columns"
    told=$({ grep -oE '^  --[a-z0-9-]+' "$work/help" | tr -d ' '; echo --help; } | sort)
    known=$(proposed "$verb" -- | sort)
    [[ $told == "$known" ]] || fail "$verb: --help has $(tr '\n' ' ' <<<"$told"), the completion $(tr '\n' ' ' <<<"$known")"
    grep -q "^\.SS \"ipcmeter $verb" "$work/man" || fail "$verb is not in the man page"
    status=0
    "$ipcmeter" "$verb" --frobnicate >"$work/out" 2>"$work/err" </dev/null || status=$?
    [[ $status == 2 && -s $work/err && ! -s $work/out ]] || fail "$verb --frobnicate: exit status $status"
done <"$work/verbs"

status=0
"$ipcmeter" completion fish >/dev/null 2>&1 || status=$?
[[ $status == 2 ]] || fail "completion fish: exit status $status"

for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
((failures == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77
