#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One run chooses, another with another seed measures again: how many of the choices win there,
# or lie within the margin?
# advise_holdout.sh [CONFIG] [--set K=V]...
# Wanted: at least 90 % of the choices.  Where nothing is chosen, a tie was said.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
ipcmeter=${IPM_BIN:-$here/build/release/bin}/ipcmeter
[[ $# -gt 0 ]] || set -- "$here/configs/default.jsonc"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

seed=${IPM_SEED:-1}
for run in a b; do
    "$ipcmeter" run "$@" --seed "$seed" --out "$out/$run" --progress none >/dev/null 2>&1 || echo "$run: status $?"
    "$ipcmeter" report "$out/$run" >/dev/null 2>&1
    echo "$run: seed $seed, load $(cut -d' ' -f1 /proc/loadavg)"
    seed=$((seed + 1))
done

# Contests of both runs by what was asked, by which figure and among whom.
jq -nr --slurpfile a "$out/a/report.json" --slurpfile b "$out/b/report.json" '
    def contests: [.winners | .margin as $margin | .cells[] | . as $cell | .contests[] | {
        key: ([.by, .field] + [$cell | .workload, .placement, .touch, .rate, .size, .reply_size, .batch, .policy, .traffic]
              | tojson),
        value: (. + {margin: $margin})}] | from_entries;
    def share($part; $all): if $all == 0 then "-" else "\(100 * $part / $all | round) %" end;
    ($a[0] | contests) as $first | ($b[0] | contests) as $second |
    [$first | to_entries[] | .value as $v | $second[.key] as $again | select($again != null and $v.verdict != "alone") |
     {by: $v.by, decided: ($v.verdict == "winner"), ratio: $again.ratios[$v.best.point],
      told_apart: ([$again.best.point] + $again.tied | index($v.best.point) == null),
      tie_holds: ($again.best.point as $best | $v.tied | index($best) != null), margin: $v.margin} |
     select(.ratio != null)] as $all |
    (["by", "contests", "ties", "choices", "within the margin", "share", "not told apart from the best", "ties that hold the best"],
     (["latency", "p99", "throughput", "cpu", "joules", "all"][] as $by |
      [$all[] | select($by == "all" or .by == $by)] | select(length > 0) |
      [.[] | select(.decided)] as $choices | [.[] | select(.decided | not)] as $ties |
      ([$choices[] | select(.ratio <= 1 + .margin)] | length) as $good |
      [$by, length, ($ties | length), ($choices | length), $good, share($good; $choices | length),
       ([$choices[] | select(.told_apart | not)] | length), ([$ties[] | select(.tie_holds)] | length)])) | @tsv' |
    column -t -s $'\t'
