#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a report of a long run takes: seconds, processor seconds and peak memory for made-up runs of
# 2,000, 20,000 and 200,000 records (or the numbers given, in thousands), and with which power of
# their number both grow: 1 is linear.  The largest takes 1.3 GB below TMPDIR.
#
# Not a test: the numbers are the machine's as much as ours.  IPM_BIN and IPM_SOURCE as in tests.
set -eu
ipcmeter=${IPM_BIN:?}/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '%9s %8s %8s %8s %8s %9s %9s\n' records 'MB read' seconds 'cpu s' 'peak MB' 'html MB' 'json MB'
[[ $# -gt 0 ]] || set -- 2 20 200
for thousands; do
    # 20 sizes of 20 invocations each make a series.
    python3 "${IPM_SOURCE:?}/tests/bench/big_run.py" "$work/run" $((thousands * 1000 / 400)) 20
    python3 - "$ipcmeter" "$work/run" <<'PYTHON' | tee -a "$work/all"
import os
import sys
import time

program, run = sys.argv[1:]
start = time.monotonic()
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.execv(program, [program, "report", run])
_, status, used = os.wait4(pid, 0)
if status != 0:
    sys.exit(f"report_scale.sh: report ended with wait status {status}")
with open(run + "/records.jsonl", "rb") as records:
    lines = sum(1 for _ in records)
size = {name: os.path.getsize(f"{run}/{name}") / 1e6
        for name in ("records.jsonl", "report.html", "report.json")}
print(f"{lines:9d} {size['records.jsonl']:8.0f} {time.monotonic() - start:8.1f} "
      f"{used.ru_utime + used.ru_stime:8.1f} {used.ru_maxrss / 1024:8.0f} "
      f"{size['report.html']:9.1f} {size['report.json']:9.1f}")
PYTHON
    rm -rf "$work/run"
done
awk '{ if (NR > 1) printf "%d to %d records: cpu time grows with power %.2f, memory with %.2f\n",
           n, $1, log($4 / t) / log($1 / n), log($5 / m) / log($1 / n)
       n = $1; t = $4; m = $5 }' "$work/all"
