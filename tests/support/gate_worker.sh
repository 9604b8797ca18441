#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# An arm of a gate that measures nothing: its figures follow from seed and number of the invocation,
# within half a per cent, so that what a gate must say of it is known.
#   GATE_DESCRIBE=FILE  what it says that it has, instead of describe.json
#   GATE_SALT=N         another arm: other figures within that half of a per cent
#   GATE_RATE=N         messages a second that it says it carried, instead of 20000
#   GATE_HOW=' M=WORD ...'  what it does with mechanism M: slower (by 30 %), faster, crash, garbage,
#                       nothing, other (a record of another point), skip, build (a record of another
#                       build), slow_core (in two of three invocations), first (fails at the first try),
#                       late (crashes from the 12th invocation on), torn (half a record), silent, twice
#                       (two records), exit (a record, and status 3), hang (with a child, for ever)
folder=${BASH_SOURCE[0]%/*}
for word; do
    [[ $word == describe ]] && exec cat "${GATE_DESCRIBE:-$folder/describe.json}"
done
IFS= read -r point || true
[[ $point =~ \"invocation\":([0-9]+) ]] && invocation=${BASH_REMATCH[1]}
[[ $point =~ \"seed\":([0-9]+) ]] && seed=${BASH_REMATCH[1]}
[[ $point =~ \"mechanism\":\"([a-z0-9_]+)\" ]] && mechanism=${BASH_REMATCH[1]}
how=
[[ ${GATE_HOW:-} =~ " "$mechanism=([a-z_]+) ]] && how=${BASH_REMATCH[1]}
p50=$((100000 + ((seed + (invocation + ${GATE_SALT:-0}) * 7919) % 1009 - 504)))
step=1000
build=0123456789abcdef0123456789abcdef01234567
status='"status":"ok","phase":null,"reason":null'
failed='"status":"failed","phase":"window","reason":"EIO: as the test wants it"'
case $how in
    slower) p50=$((p50 * 13 / 10)) ;;
    faster) p50=$((p50 * 10 / 13)) ;;
    crash) kill -KILL $$ ;;
    garbage) echo 'no {record' && exit 0 ;;
    nothing) p50=0 ;;
    other) point=${point/\"size\":64/\"size\":65} ;;
    skip) status='"status":"skipped","phase":null,"reason":"absent: as the test wants it"' ;;
    build) build=another ;;
    slow_core) [[ $((invocation % 3)) == 0 ]] || step=2000 ;;
    first) [[ $point == *'"try":'* ]] || status=$failed ;;
    late) [[ $invocation -lt 11 ]] || kill -KILL $$ ;;
    torn) printf '%s,"build":"%s",' "${point%\}}" "$build" && exit 0 ;;
    silent) exit 0 ;;
    hang) sleep "${GATE_SLEEP:-1000}" & sleep "${GATE_SLEEP:-1000}" && exit 1 ;;
esac
metric='"unit":"ns","status":"ok","source":"worker","reason":null'
record() {
    printf '%s,"build":"%s",%s,"flags":[],"messages":%d,"operations":50,"elapsed_ns":%d,"throughput":{"messages_per_s":%d},"latency_kind":"round_trip","latency_ns":{"count":50,"p50":%d},"metrics":{"core_step_before_ns":{"value":%d,%s},"core_step_after_ns":{"value":%d,%s}}}\n' \
        "${point%\}}" "$build" "$status" $((p50 > 0 ? 100 : 0)) $((p50 * 50)) "${GATE_RATE:-20000}" "$p50" "$step" "$metric" "$step" "$metric"
}
record
[[ $how == twice ]] && record
[[ $how != exit ]] || exit 3
