#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What another record costs a report in memory: 4 KB at most (it was 12 while distributions were kept
# unpacked).  The same records give the same bytes.  No time is looked at: that is for
# tests/bench/report_scale.sh.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
    printf 'FAILED: %s\n' "$1"
    failures=$((failures + 1))
}

if grep -q '^IPM_SANITIZE:STRING=.' "${IPM_BUILD:?}/CMakeCache.txt"; then
    echo "skipped: a sanitizer takes memory of its own"
    exit 77
fi

# peak FOLDER: KB that a report of it takes at most.
peak() {
    python3 - "${IPM_BIN:?}/ipcmeter" "$1" <<'PYTHON'
import os
import sys

pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.execv(sys.argv[1], [sys.argv[1], "report", sys.argv[2]])
_, status, used = os.wait4(pid, 0)
print(used.ru_maxrss if status == 0 else "none")
PYTHON
}

few=2000
many=6000
for n in $few $many; do
    python3 "${IPM_SOURCE:?}/tests/bench/big_run.py" "$work/$n" $((n / 400)) 20 || exit 1
    peak "$work/$n" >"$work/$n.peak"
    grep -qx '[0-9]*' "$work/$n.peak" || fail "no report of $n records"
done
[[ $failures == 0 ]] || exit 1
each=$((($(<"$work/$many.peak") - $(<"$work/$few.peak")) * 1024 / (many - few)))
echo "peak $(<"$work/$few.peak") KB of $few records, $(<"$work/$many.peak") KB of $many: $each bytes a record"
[[ $each -le 4096 ]] || fail "a record takes $each bytes"

cp "$work/$few/report.json" "$work/$few/report.html" "$work"
peak "$work/$few" >/dev/null
for name in report.json report.html; do
    cmp "$work/$name" "$work/$few/$name" || fail "$name differs the second time"
done
exit $((failures > 0))
