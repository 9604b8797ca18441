#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# fan_in and fan_out in real records: every mechanism that can, what the others say, every pass,
# where the roles are, what their shares are, and what becomes of a role that dies.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# point MEMBERS: measures into $work/record.
point() {
    measure "\"window_ns\":20000000,\"warmup_ns\":1000000,\"timeout_ns\":60000000000,$1" >"$work/record"
}

# must WHAT JQ-CONDITION: of the record.
must() {
    if jq -e "$2" "$work/record" >/dev/null; then
        [[ ${quiet:-} ]] || echo "ok: $1"
    else
        echo "FAILED: $1: $2: $(jq -c '[.status, .phase, .reason, .messages, .cpus]' "$work/record")"
        failures=$((failures + 1))
    fi
}

# Every mechanism under every strategy that it honours.  Spinning roles here would outnumber the
# CPUs: yield tries the channels in the same way.
"$IPM_BIN/ipcmeter-worker" describe >"$work/describe"
measured=0
while read -r mechanism wait can; do
    for workload in fan_in fan_out; do
        [[ $workload == fan_in || $wait == block ]] || continue # a receiver of fan_out has one channel
        point "\"workload\":\"$workload\",\"mechanism\":\"$mechanism\",\"wait\":\"$wait\",\"fan\":3,\"cpus\":[0]"
        expected='.status == "ok" and .messages > 0 and .fan == 3 and (.roles | length) >= 4'
        # A channel that never fills is refused when it is known what it takes.
        [[ $workload == fan_out ]] || expected="($expected) or (.status == \"skipped\" and (.reason | contains(\"never fills\")) and .capacity == null)"
        if [[ $workload == fan_in && $wait != yield && $can == - ]]; then
            expected='.status == "skipped" and (.reason | contains("no descriptor to poll"))'
        else
            measured=$((measured + 1))
        fi
        quiet=yes must "$workload over $mechanism, $wait" "$expected"
    done
done < <(jq -r '.mechanisms[] | select(.available and .kind == "mechanism" and (.capabilities |
    any(. == "local" or . == "lossy" or . == "call") | not)) |
    (if .capabilities | index("pollfd") then "+" else "-" end) as $can |
    .name as $name | .waits[] | select(. != "spin") | "\($name) \(.) \($can)"' "$work/describe")
if ((measured >= 20)); then echo "ok: $measured combinations are measured"; else
    echo "FAILED: only $measured combinations could be measured"
    failures=$((failures + 1))
fi
point '"workload":"fan_in","mechanism":"eventfd","wait":"yield","fan":2,"cpus":[0]'
must "a channel that never fills is refused" '.status == "skipped" and (.reason | contains("never fills"))'
point '"workload":"fan_in","mechanism":"pipe","wait":"block","pairs":2'
must "there are no pairs of fans" '.status == "skipped" and (.reason | contains("no pairs"))'

# Large messages do not come whole, small ones several at once.
for size in 1 200000; do
    point "\"workload\":\"fan_in\",\"mechanism\":\"pipe\",\"wait\":\"block\",\"size\":$size,\"cpus\":[0],\"touch\":\"full\""
    must "messages of $size bytes" ".status == \"ok\" and .bytes == .messages * $size"
done

# Shares, polls and figures of each.
for fan in 1 4 16; do
    point "\"workload\":\"fan_in\",\"mechanism\":\"unix_stream\",\"wait\":\"block\",\"cpus\":[0],\"fan\":$fan"
    must "$fan senders: shares enclose the even one" \
        ".status == \"ok\" and (.roles | length) == 1 + $fan and .metrics.smallest_share.value * $fan <= 1.000001 and .metrics.largest_share.value * $fan >= 0.999999"
    must "$fan senders: the collector sleeps in poll(), and its channels do not know" \
        '.metrics.polls_per_message.value > 0 and .roles[0].role == "collector" and .roles[0].sleeps == null and .roles[1].sleeps != null'
done
point '"workload":"fan_in","mechanism":"shm_ring","wait":"yield","cpus":[0],"fan":2'
must "who does not poll() has no polls" '.status == "ok" and .metrics.polls_per_message.value == null'

# Where the roles are, with the short list and the long one.
last=$(($(nproc) - 1))
point "\"workload\":\"fan_out\",\"mechanism\":\"pipe\",\"cpus\":[0,$last],\"fan\":3"
must "the many share the second CPU" ".status == \"ok\" and [.roles[].cpu] == [0, $last, $last, $last]"
point "\"workload\":\"fan_out\",\"mechanism\":\"pipe\",\"cpus\":[$last,0,$last,0],\"fan\":3"
must "each of the many has its CPU" ".status == \"ok\" and [.roles[].cpu] == [$last, 0, $last, 0]"
if point "\"workload\":\"fan_out\",\"mechanism\":\"pipe\",\"cpus\":[0,0,0],\"fan\":3" 2>"$work/said"; then
    must "a list of neither length is refused" '.status == "failed"'
else
    grep -q "one per role" "$work/said" "$work/record" || { echo "FAILED: a list of neither length" && failures=$((failures + 1)); }
fi

# Every pass.
for pass in energy idle counters:software counters:core counters:syscalls; do
    for workload in fan_in fan_out; do
        point "\"workload\":\"$workload\",\"mechanism\":\"pipe\",\"wait\":\"block\",\"cpus\":[0],\"pass\":\"$pass\""
        must "$workload in the pass $pass" \
            ".status == \"ok\" and (if .pass == \"idle\" then .messages == 0 else .messages > 0 end)"
    done
done
if jq -e '.passes[] | select(.name == "counters:syscalls") | .available' "$work/describe" >/dev/null; then
    point '"workload":"fan_in","mechanism":"pipe","wait":"block","cpus":[0],"pass":"counters:syscalls"'
    must "figures per message are of all messages: one write and one read each, and polls" \
        '.per_message.syscalls >= 2 and .per_message.syscalls < 4 and .checks.copies.agree == true'
fi

# A role that dies: a record that names it.
for victim in 0 2; do
    measure '"workload":"fan_in","mechanism":"pipe","wait":"block","cpus":[0],"fan":3,"window_ns":20000000000,"warmup_ns":1000000,"timeout_ns":60000000000' >"$work/record" 2>"$work/said" &
    pid=$!
    roles=()
    while [[ ${#roles[@]} -lt 4 ]] && kill -0 "$pid" 2>/dev/null; do
        mapfile -t roles < <(leaves "$pid" | sort -n)
    done
    sleep 1
    kill -KILL "${roles[$victim]}"
    wait "$pid" || true
    must "role $victim is killed" \
        ".status == \"failed\" and (.reason | contains(\"$([[ $victim == 0 ]] && echo "role collector" || echo "role sender 1")\"))"
done

# The driver: a CPU for each, refusals before anything is measured.
"$IPM_BIN/ipcmeter" plan --json --set workloads=fan_in,fan_out --set mechanisms=pipe,shm_ring --set size=64 --set fan=2,3 \
    --set placement=same_cpu --set wait=block,yield >"$work/record"
must "both fans are planned" '[.points[] | .fan] | unique == [2, 3]'
must "a plan knows who can poll" \
    '[.skips[] | select(.reason | contains("no descriptor to poll")) | [.workload, .mechanism, .wait]] | unique == [["fan_in", "shm_ring", "block"]]'
if (($(nproc) > 1)); then
    "$IPM_BIN/ipcmeter" plan --json --set workloads=fan_in --set mechanisms=pipe --set size=64 --set fan=3,4 \
        --set placement=nearest_core --set wait=block >"$work/record"
    must "a CPU for each role, over again where there are too few" \
        '[.points[] | .cpus | length] | unique == [4, 5]'
    must "the one shares its CPU with none of the many" '[.points[].cpus | (.[1:] - [.[0]] | length) + 1 == length] | all'
fi
exit $((failures > 0))
