#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Two runs of a config in a row, and what of the first the second repeats:
# repeat.sh [CONFIG] [--set K=V]...
# Wanted of configs/ci.jsonc: at least 90 % of the points that saw the same machine.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
IPM_BIN=${IPM_BIN:-$here/build/release/bin}
[[ $# -gt 0 ]] || set -- "$here/configs/ci.jsonc"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

for run in a b; do
    "$IPM_BIN/ipcmeter" run "$@" --out "$out/$run" --progress none >/dev/null 2>&1
    echo "$run: load $(cut -d' ' -f1 /proc/loadavg)"
done
"$IPM_BIN/bench_repeat" "$out/a" "$out/b"
