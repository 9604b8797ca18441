#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Where roles run and how they are scheduled: every two CPUs, fewer CPUs than the machine has, and
# real-time roles that do not get away from who has to end them.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
ipcmeter=${IPM_BIN:?}/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
skipped=()

# must FILE WHAT JQ-CONDITION
must() {
    if jq -e "$3" "$work/$1" >/dev/null; then
        echo "ok: $2"
    else
        echo "FAILED: $2: $3: $(jq -c '[.status, .phase, .reason, .points[:3]?, .skips[:3]?]' "$work/$1")"
        failures=$((failures + 1))
    fi
}

mapfile -t cpus < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
n=${#cpus[@]}
map=("$source/configs/core-to-core.jsonc" --set max_points=1000000 --json)

"$ipcmeter" plan "${map[@]}" --no-rehearsal >"$work/plan"
if ((n > 1)); then
    must plan "$n CPUs have so many pairs" "(.points | length) == $n * ($n - 1) and (.points | all(.cpus[0] < .cpus[1] and .placement == \"cpus:\(.cpus[0]),\(.cpus[1])\"))"
fi
# The guard counts pairs, not the one word that stands for them.
if ((n > 1)); then
    status=0
    "$ipcmeter" plan "$source/configs/core-to-core.jsonc" --set max_points=1 --no-rehearsal >/dev/null 2>"$work/error" || status=$?
    if [[ $status == 2 ]] && grep -q 'max_points' "$work/error"; then
        echo "ok: max_points holds"
    else
        echo "FAILED: max_points: status $status"
        failures=$((failures + 1))
    fi
fi

# What taskset leaves is the machine.
taskset -c "${cpus[-1]}" "$ipcmeter" plan "${map[@]}" --no-rehearsal >"$work/narrow"
must narrow "one CPU has no pairs, and the plan says so" '(.points | length) == 0 and (.skips | length) == 2 and (.skips | all(.reason | contains("one CPU that we may use")))'

# So is what a cpuset leaves.
cpuset() {
    local root=/sys/fs/cgroup group
    [[ -f $root/cgroup.controllers && -w $root/cgroup.procs ]] || return 1
    group=$root/ipm-placement-$$
    mkdir "$group" 2>/dev/null || return 1
    if ! { echo "${cpus[-1]}" >"$group/cpuset.cpus"; } 2>/dev/null ||
        ! (echo "$BASHPID" >"$group/cgroup.procs" && "$ipcmeter" plan "${map[@]}" --no-rehearsal >"$work/cpuset") 2>/dev/null; then
        rmdir "$group"
        return 1
    fi
    rmdir "$group"
}
if cpuset; then
    must cpuset "a cpuset of one CPU has no pairs" '(.points | length) == 0 and (.skips | length) == 2'
else
    skipped+=("cpusets: no cgroup can be made here")
fi

# point FILE MEMBERS: whatever comes of it.
point() {
    measure "$2" >"$work/$1" || true
}

short='"window_ns":40000000,"warmup_ns":1000000'
for policy in other batch fifo; do
    point "$policy" "\"workload\":\"pingpong\",\"mechanism\":\"pipe\",\"wait\":\"block\",\"cpus\":[${cpus[0]}],\"policy\":\"$policy\",$short"
    if [[ $policy == fifo ]] && jq -e '.status == "failed" and (.reason | contains("policy fifo: "))' "$work/fifo" >/dev/null; then
        skipped+=("real-time roles: $(jq -r .reason "$work/fifo")")
    else
        must "$policy" "policy $policy on one CPU" ".status == \"ok\" and .policy == \"$policy\" and .operations > 0"
    fi
done

# Who is denied real-time roles reads so in the plan, and a record that is made all the same fails.
real='{"sweeps":[{"workloads":"token","mechanisms":"pipe","axes":{"placement":"same_cpu","policy":["other","fifo"]}}]}'
printf '%s' "$real" >"$work/policy.jsonc"
humble=(setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice)
if "${humble[@]}" true 2>"$work/error" && [[ $(prlimit --rtprio --output SOFT --noheadings | tr -d ' ') == 0 ]]; then
    "${humble[@]}" "$ipcmeter" plan "$work/policy.jsonc" --no-rehearsal --json >"$work/denied"
    must denied "a denied policy is a skip" '(.points | length) == 1 and (.skips | length) == 1 and (.skips[0] | .policy == "fifo" and (.reason | startswith("policy fifo is not granted here: denied: ")))'
    printf '{"schema":1,"workload":"pingpong","mechanism":"pipe","cpus":[%s],"policy":"fifo",%s}' "${cpus[0]}" "$short" |
        "${humble[@]}" "${IPM_BIN:?}/ipcmeter-worker" >"$work/refused" || true
    must refused "its record fails in its phase" '.status == "failed" and .phase == "attach" and (.reason | contains("policy fifo: "))'
else
    skipped+=("a denied policy: no capability can be dropped here, or RLIMIT_RTPRIO grants it")
fi

# Where memory lies: each node that there is, of every kind of shared memory, and what is not there.
"${IPM_BIN:?}/ipcmeter-worker" describe | jq .memory_nodes >"$work/nodes"
if jq -e .available "$work/nodes" >/dev/null; then
    for node in $(jq -r '.nodes[]' "$work/nodes"); do
        on=".status == \"ok\" and .memory_node_resolved == $node and (.memory_nodes | keys) == [\"$node\"] and .memory_nodes[\"$node\"] > 0"
        for backing in memfd posix sysv anon; do
            point memory "\"workload\":\"stream\",\"mechanism\":\"shm_ring\",\"wait\":\"block\",\"cpus\":[${cpus[0]}],\"size\":4096,\"memory_node\":\"$node\",\"options\":{\"shm_ring.backing\":\"$backing\"},$short"
            # Both sides map 64 messages of a page each.
            must memory "shm_ring in $backing on node $node" "$on and .memory_nodes[\"$node\"] >= 128 * 4096 / $(getconf PAGESIZE)"
        done
        point memory "\"workload\":\"pingpong\",\"mechanism\":\"pipe\",\"wait\":\"block\",\"cpus\":[${cpus[0]}],\"working_set\":4194304,\"memory_node\":$node,$short"
        must memory "buffers and working set on node $node" "$on and .memory_node == \"$node\" and .memory_nodes[\"$node\"] >= 1024 * 4096 / $(getconf PAGESIZE)"
    done
    point memory "\"workload\":\"pingpong\",\"mechanism\":\"pipe\",\"wait\":\"block\",\"cpus\":[${cpus[0]}],$short"
    must memory "where first touch put it is kept as well" '.status == "ok" and .memory_node == "local" and .memory_node_resolved == null and ([.memory_nodes[]] | add) > 0'
    point memory "\"workload\":\"pingpong\",\"mechanism\":\"pipe\",\"wait\":\"block\",\"cpus\":[${cpus[0]}],\"memory_node\":\"1023\",$short"
    must memory "a node that is not there is a skip" '.status == "skipped" and (.reason | startswith("memory node 1023: "))'

    first=$(jq '.nodes[0]' "$work/nodes")
    printf '{"sweeps":[{"workloads":"token","mechanisms":"pipe","axes":{"placement":"same_cpu","memory_node":["local","remote",%s,1023]}}]}' "$first" >"$work/memory.jsonc"
    "$ipcmeter" plan "$work/memory.jsonc" --no-rehearsal --json >"$work/plan"
    must plan "the plan has the nodes that there are" "(.points | map(.memory_node) | index(\"$first\")) != null and (.skips | any(.reason | startswith(\"memory_node 1023: \")))"
    if (($(jq '.nodes | length' "$work/nodes") == 1)) && jq -e '.skips | any(.memory_node == "remote")' "$work/plan" >/dev/null; then
        must plan "one node has no remote one" '.skips | any(.memory_node == "remote" and (.reason | startswith("memory_node remote: ")))'
    fi
else
    skipped+=("memory nodes: $(jq -r .reason "$work/nodes")")
fi

# Real-time roles that spin on every CPU and would go on for a minute: the leader comes through.
if ((n <= 64)) && jq -e '.status == "ok"' "$work/fifo" >/dev/null; then
    list=$(IFS=,; echo "${cpus[*]}")
    pairs=$(((n + 1) / 2))
    ((n % 2 == 0)) || list=$list,${cpus[0]}
    point spin "\"workload\":\"self_loop\",\"mechanism\":\"floor_syscall\",\"pairs\":$pairs,\"cpus\":[$list],\"policy\":\"fifo\",\"window_ns\":60000000000,\"warmup_ns\":1000000,\"timeout_ns\":300000000"
    must spin "real-time roles that spin are ended" '.status == "failed" and .phase == "window" and (.reason | startswith("hung"))'
    if ((n > 1)); then
        point fifo_spin "\"workload\":\"pingpong\",\"mechanism\":\"shm_ring\",\"wait\":\"spin\",\"cpus\":[${cpus[0]},${cpus[1]}],\"policy\":\"fifo\",\"window_ns\":60000000000,\"warmup_ns\":1000000,\"timeout_ns\":300000000"
        must fifo_spin "so are a pair of them" '.status == "failed" and .phase == "window" and (.reason | startswith("hung"))'
    fi
fi

for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
((failures == 0)) || exit 1
((${#skipped[@]} == 0)) || exit 77
