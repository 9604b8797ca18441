#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# riscv64: real perf events of the kernel's own PMU driver, on four CPUs that differ in what
# they can count.
# shellcheck disable=SC2016  # jq's variables stand in single quotes
set -euo pipefail
# shellcheck source=tests/lab/guest.bash
. "$(dirname "${BASH_SOURCE[0]}")/guest.bash"

lab_fetch riscv64
lab_worker riscv64
lab_root riscv64 riscv64
full=rv64,sscofpmf=true,smcntrpmf=true

# The emulated PMU counts an event once at a time: user and kernel one after the other, or
# both by one counter.
{
    echo 'write /proc/sys/kernel/printk 1'
    echo 'write /proc/sys/kernel/perf_event_paranoid 1'
    echo 'describe {}'
    lab_point timing
    lab_point software 'pass="counters:software"'
    for group in core tlb itlb; do
        lab_point $group "pass=\"counters:$group\""
        for sides in total user kernel; do
            lab_point "$group-$sides" "pass=\"counters:$group\"" "sensors={\"sides\": \"$sides\"}"
        done
    done
} >"$work/root/jobs"
cp "$work/root/jobs" "$work/jobs"
# A message that touches one page, and one that touches 4096 of them.
for pages in 1 4096; do
    lab_point "set-$pages" 'pass="counters:tlb"' 'sensors={"sides": "user"}' 'window_ns=100000000' \
        'working_set_stride=4096' "working_set=$((pages * 4096))"
done >>"$work/root/jobs"

echo "-- $full"
lab_boot riscv64 "$work/full.log" -cpu "$full"
lab_import full "$work/full.log"
lab_check "every invocation is ok and moves messages" 'all(.status == "ok" and .messages > 20)'
lab_check "cycles and instructions are counted" \
    'of("core-total") | ok("cycles") and ok("instructions") and per("instructions") > 1000 and per("cycles") > 1000'
lab_check "dTLB and iTLB misses are counted" \
    '(of("tlb-total") | ok("dtlb_load_misses") and ok("dtlb_store_misses") and per("dtlb_load_misses") > 10) and
     (of("itlb-total") | ok("itlb_misses") and per("itlb_misses") > 10)'
lab_check "user and kernel apart, each is there" \
    '(of("core-user") | ok("cycles_user") and per("instructions_user") > 10) and
     (of("core-kernel") | ok("cycles_kernel") and per("instructions_kernel") > 1000) and
     (of("tlb-user") | ok("dtlb_load_misses_user") and per("dtlb_load_misses_user") > 1) and
     (of("tlb-kernel") | ok("dtlb_load_misses_kernel") and per("dtlb_load_misses_kernel") > 10)'
lab_check "user and kernel are the total, as far as three invocations agree" \
    '(of("core-user") | per("instructions_user")) as $user | (of("core-kernel") | per("instructions_kernel")) as $kernel |
     of("core-total") | ($user + $kernel) / per("instructions") | . > 0.5 and . < 2'
lab_check "a side that does not count is no 0" 'of("core") | ok("instructions_user") and says("instructions_kernel"; ".")'
lab_check "a side that does not count is no 0, where 0 is possible" 'of("tlb") | says("dtlb_load_misses_kernel"; "^stuck")'
lab_check "one context switch per message, by rusage" 'of("software") | per("switches_rusage") | . > 0.99 and . < 1.01'
lab_check "one context switch per message, by the task's status" 'of("software") | per("switches_task") | . > 0.99 and . < 1.01'
lab_check "the sources of switches agree" 'of("software").checks.switches.agree == true'
lab_check "one context switch per message, by perf" 'of("software") | per("context_switches") | . > 0.99 and . < 1.01'
lab_check "4096 pages a message miss the dTLB 50 times as often as one page" \
    '(of("set-4096") | per("dtlb_load_misses_user")) >= 50 * (of("set-1") | per("dtlb_load_misses_user"))'
lab_show "dTLB load misses a message, 1 page and 4096" \
    'def misses: .metrics.dtlb_load_misses_user.value / .messages; "\(of("set-1") | misses), \(of("set-4096") | misses)"'
lab_show "switches a message by rusage and perf" 'of("software") |
    "\((.metrics.voluntary_switches.value + .metrics.involuntary_switches.value) / .messages), \(.metrics.context_switches.value / .messages)"'
lab_show "counts a message" '[of("core-total"), of("core-user"), of("tlb-total"), of("tlb-user")] |
    map(.messages as $n | .metrics | to_entries[] | select(.key | test("^(cycles|instr|dtlb|itlb)")) |
    select(.value.value) | "\(.key) \(.value.value / $n * 10 | round / 10)") | join(", ")'

# The host beside it: what differs is told, what is alike is matched, and no figure is compared.
cat >"$work/host.jsonc" <<'CONFIG'
{ "name": "host", "repeat": { "invocations": 3, "window": "20ms", "warmup": "5ms" },
  "sensors": { "counters": "off", "energy": "off" },
  "sweeps": [ { "name": "host", "workloads": ["pingpong"], "mechanisms": ["pipe"],
                "axes": { "size": 64, "placement": "same_cpu", "wait": "block" } } ] }
CONFIG
"$IPM_BIN/ipcmeter" run "$work/host.jsonc" --out "$work/host" --progress none >/dev/null 2>"$work/run.said" ||
    { cat "$work/run.said" && exit 1; }
# The jobs above are points of their own with the same factors: the one that has times.
mkdir "$work/guest"
cp "$work/full/manifest.json" "$work/guest"
grep -F '"point":"timing"' "$work/full/records.jsonl" >"$work/guest/records.jsonl"
compared=0
"$IPM_BIN/ipcmeter" compare "$work/host" "$work/guest" --json >"$work/compared.json" 2>"$work/compare.said" || compared=$?
records=$work/compared.json
lab_check "compare tells the host's processor from the guest's" \
    '.[0].environment.unlike | map(select(.hard) | .key) | contains(["architecture", "cpu_model", "emulated"])'
lab_check "compare matches the guest's point by its class" '.[0].matching.common == 1'
lab_check "compare refuses figures of an emulated machine" \
    ".[0] | $compared == 11 and ([.comparisons[0].by[] | .refusal | test(\"emulated\")] | length > 0 and all) and
     ([.points[].by[].ratios[] | select(. != null) | .value] | all(. == null))"
cp "$work/jobs" "$work/root/jobs"

echo "-- rv64: user and kernel cannot be told apart"
lab_boot riscv64 "$work/plain.log" -cpu rv64
lab_import plain "$work/plain.log"
lab_check "no user or kernel count, with the reason" \
    'of("core-user") | says("cycles_user"; ".") and says("instructions_user"; ".")'
lab_check "the total is counted" 'of("core-total") | ok("cycles") and per("instructions") > 1000'
lab_check "switches are counted all the same" 'of("software") | per("context_switches") | . > 0.99 and . < 1.01'

echo "-- $full,pmu-mask=0x18: two counters besides cycles and instructions"
lab_boot riscv64 "$work/few.log" -cpu "$full,pmu-mask=0x18"
lab_import few "$work/few.log"
lab_check "what had no counter all the time is missing, and says that it was multiplexed" \
    'of("tlb") | [.metrics | to_entries[] | select(.key | test("tlb_")) | .value] |
     any(.value == null and (.reason | startswith("multiplexed: ")))'
lab_check "cycles and instructions have counters of their own" 'of("core-total") | ok("cycles") and ok("instructions")'

echo "-- rv64,pmu-mask=0: cycles and instructions only"
lab_boot riscv64 "$work/none.log" -cpu "rv64,pmu-mask=0"
lab_import none "$work/none.log"
lab_check "cycles and instructions are counted" 'of("core-total") | ok("cycles") and per("instructions") > 1000'
lab_check "TLB misses are absent, and say so" \
    '(of("tlb-total") | says("dtlb_load_misses"; "^absent: ")) and
     (of("itlb-total") | says("itlb_misses"; "^absent: "))'
lab_end
