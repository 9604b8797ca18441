#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What an invocation costs outside warm-up and window: spawn, sandbox, attach, prefault,
# verified rounds, brackets, collecting, writing.  Wanted: median <= 10 ms.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
IPM_BIN=${IPM_BIN:-$here/build/release/bin}
# shellcheck source=tests/support/worker.sh
. "$here/tests/support/worker.sh"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

"$IPM_BIN/ipcmeter" run "$here/configs/smoke.jsonc" --set repeat.invocations=4 --set sensors.counters=off \
    --out "$out/run" --progress jsonl 2>"$out/events" >/dev/null

# The driver's view: from one record written to the next, less window and warm-up as planned.
planned=$(head -n 1 "$out/run/records.jsonl" | awk -v RS=, -F: '/"window_ns"|"warmup_ns"/ {sum += $2} END {print sum}')
driver=$(grep -o '"event":"invocation".*"elapsed_ns":[0-9]*' "$out/events" | sed 's/.*://' |
    awk -v planned="$planned" 'NR > 1 {print ($1 - last - planned) / 1e6} {last = $1}')
worker=$(grep -o '"overhead_ns":{"sandbox":[0-9]*,"total":[0-9]*' "$out/run/records.jsonl" | sed 's/.*://' |
    awk '{print $1 / 1e6}')
echo "inside the worker: median $(median <<<"$worker") ms ($(spread <<<"$worker"))"
echo "as the driver sees it: median $(median <<<"$driver") ms ($(spread <<<"$driver")) over $(wc -l <<<"$driver") invocations"
