#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# arm: an aarch64 guest, the one where PAPI counts, held against the kernel's own counts.
# shellcheck disable=SC2016  # jq's variables stand in single quotes
set -euo pipefail
# shellcheck source=tests/lab/guest.bash
. "$(dirname "${BASH_SOURCE[0]}")/guest.bash"

lab_fetch aarch64
lab_worker aarch64
lab_root aarch64 arm64
lab_host aarch64-linux-gnu-gcc-12 -std=gnu17 -O2 -Wall -Wextra -Werror -Wl,--allow-shlib-undefined -I"$cache/arm64/usr/include" \
    "$here/papi_check.c" "$cache/arm64/usr/lib/aarch64-linux-gnu/libpapi.so" \
    "$cache/arm64/usr/lib/aarch64-linux-gnu/libpfm.so" -o "$work/root/bin/papi_check"
lab_libraries "$work/root" arm64 "$work/root/bin/papi_check"
{
    echo 'write /proc/sys/kernel/printk 1'
    # PAPI 7.0 looks at this alone: at 3, Debian's default, it counts nothing even for root.
    echo 'write /proc/sys/kernel/perf_event_paranoid 1'
    echo 'run /bin/papi_check'
    echo 'describe {"counters": "papi"}'
    lab_point software 'pass="counters:software"'
    lab_point core 'pass="counters:core"'
    lab_point core-again 'pass="counters:core"'
    lab_point tlb 'pass="counters:tlb"'
    lab_point papi 'pass="counters:papi:core"' 'sensors={"counters": "papi"}'
} >"$work/root/jobs"
has_module=$(find "$work/root/lib/ipcmeter" -name 'papi.so' -print -quit 2>/dev/null || true)
[[ -n $has_module ]] || sed -i '/papi:core/d' "$work/root/jobs"

lab_boot aarch64 "$work/arm.log"
lab_import arm "$work/arm.log"

# counts WAY: PAPI, perf and what the loop takes; the way in and out of it may add 0.1 %.
counts() { awk -v way="$1" '$1 == "papi_check" && $2 == way { print $3, $4, $5 }' "$work/arm.log"; }
# shellcheck disable=SC2317  # called by name
near() { awk -v a="$1" -v b="$2" -v by="${3:-0.001}" 'BEGIN { exit !(a > 0 && b > 0 && a / b < 1 + by && b / a < 1 + by) }'; }
expect() { # TEXT COMMAND...
    if "${@:2}"; then echo "ok      $1"; else echo "NOT OK  $1" && failed=$((failed + 1)); fi
}
read -r papi perf expected < <(counts both) || lab_fail "papi_check said nothing: $(grep -m3 papi_check "$work/arm.log")"
expect "PAPI_TOT_INS counts what the loop takes, within 1 % ($papi of $expected)" near "$papi" "$expected" 0.01
expect "PAPI_TOT_INS and libpfm4's count of one loop agree within 0.1 % ($papi, $perf)" near "$papi" "$perf"
read -r papi _ _ < <(counts papi)
read -r _ perf _ < <(counts perf)
expect "and so they do one after the other ($papi, $perf)" near "$papi" "$perf"

lab_check "every invocation is ok" 'all(.status == "ok")'
lab_check "instructions of a ping-pong, user and kernel" \
    'of("core") | ok("instructions_user") and per("instructions_user") > 10 and per("instructions_kernel") > 100 and
     m("instructions").value == m("instructions_user").value + m("instructions_kernel").value'
# What a window begins and ends with is spread over fewer messages where the guest has less of the CPU.
lab_check "user instructions of a message repeat within 1 %" \
    '(of("core") | per("instructions_user")) / (of("core-again") | per("instructions_user")) | . > 0.99 and . < 1.01'
lab_check "one context switch per message, by rusage and by perf" \
    'of("software") | (per("voluntary_switches") + per("involuntary_switches"), per("context_switches")) | . > 0.99 and . < 1.01'
lab_check "the TLB cannot be counted, and no 0 is given for it" 'of("tlb") | says("dtlb_load_misses"; ".")'
if [[ -n $has_module ]]; then
    # Two invocations: what the kernel does besides the messages differs.
    lab_check "PAPI_TOT_INS of a message is perf's within 5 %" \
        '(of("papi") | per("papi_tot_ins")) / (of("core") | per("instructions")) | . > 0.95 and . < 1.05'
fi
lab_show "instructions a message" '"\(of("core") | .metrics.instructions_user.value / .messages) user, \(of("core-again") | .metrics.instructions_user.value / .messages) again, \(of("core") | (.metrics.instructions_kernel.value // 0) / .messages) kernel"'
lab_end
