# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What a command is to end with, for tests that count what failed: $failures, and $work for
# what the command said, are the test's.

failures=0

# expect STATUS WHAT COMMAND...: runs it, stdout and stderr into $work.
expect() {
    local wanted=$1 what=$2 status=0
    shift 2
    "$@" >"${work:?}/stdout" 2>"$work/stderr" || status=$?
    if [[ $status == "$wanted" ]]; then
        echo "ok: $what: $status"
    else
        echo "FAILED: $what: wanted exit $wanted, got $status: $(tail -n 3 "$work/stdout" "$work/stderr")"
        failures=$((failures + 1))
    fi
}

# must WHAT COMMAND...
must() {
    local what=$1
    shift
    if ! "$@" >/dev/null 2>&1; then
        echo "FAILED: $what"
        failures=$((failures + 1))
    fi
}
