#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sizes that a mix gives, and load in the background, seen in real records: what was sent is
# what the mix says, to the byte; the load ran where it was to run, in every pass, and nothing
# of it is left when driver and worker are killed.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
ipcmeter=$IPM_BIN/ipcmeter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# point MEMBERS [WINDOW]: measures into $work/record; the window in nanoseconds.
point() {
    measure "\"window_ns\":${2:-20000000},\"warmup_ns\":1000000,\"timeout_ns\":20000000000,$1" >"$work/record"
}

# must WHAT JQ-CONDITION: of the record.
must() {
    if jq -e "$2" "$work/record" >/dev/null; then
        echo "ok: $1"
    else
        echo "FAILED: $1: $2: $(jq -c '[.status, .reason, .messages, .bytes, .background_load]' "$work/record")"
        failures=$((failures + 1))
    fi
}

# refused WHAT TEXT MEMBERS: a point that a worker does not understand.
refused() {
    if ! measure "$3" >"$work/record" 2>"$work/said" && grep -qF "$2" "$work/said"; then
        echo "ok: $1"
    else
        echo "FAILED: $1: $(cat "$work/said")"
        failures=$((failures + 1))
    fi
}

# Half of 1 byte and half of 3: the bytes of n messages are 2n, and off by as much as halves
# of an incomplete walk through the table can be.
near='(.bytes - 2 * .messages | fabs) <= 1024'
for mechanism in pipe unix_seqpacket shm_ring; do
    for copies in $([[ $mechanism == shm_ring ]] && echo 0 1 2 || echo 2); do
        for touch in none full; do
            common="\"mechanism\":\"$mechanism\",\"copies\":$copies,\"touch\":\"$touch\",\"cpus\":[0],\"size_mix\":\"1:1,3:1\",\"wait\":\"block\""
            for workload in pingpong stream burst; do
                point "$common,\"workload\":\"$workload\""
                must "$workload over $mechanism, copies $copies, touch $touch: two sizes" \
                    ".status == \"ok\" and .size == 2 and .size_mean == 2 and .size_mix == \"1:1,3:1\" and .messages > 0 and $near"
            done
            point "$common,\"workload\":\"open_loop\",\"rate\":5000"
            must "open_loop over $mechanism, copies $copies, touch $touch: two sizes" ".status == \"ok\" and .messages > 0 and $near"
        done
    done
done

# To the byte: every walk through the table has 512 x 1 + 512 x 3 bytes.
point '"workload":"pingpong","mechanism":"shm_ring","wait":"block","cpus":[0],"size_mix":"1:1,3:1","reply_size":100'
must "a reply of a size of its own keeps it" '.status == "ok" and (.bytes - 102 * .operations | fabs) <= 512'
point '"workload":"rpc","mechanism":"unix_stream","cpus":[0],"size_mix":"imix"'
must "a reply is as long as its request" '.status == "ok" and .size == 340 and .messages > 0 and .bytes % 2 == 0'
point '"workload":"stream","mechanism":"posix_mq","wait":"block","cpus":[0],"size_mix":"0:1,1GiB:1"'
must "a limit is compared with the longest" '.status == "skipped" and (.reason | contains("takes at most"))'
point '"workload":"stream","mechanism":"pipe","cpus":[0],"size_mix":"0:1,64:1"'
must "a limit is compared with the shortest" '.status == "skipped" and (.reason | contains("takes at least"))'
point '"workload":"self_loop","mechanism":"pipe","cpus":[0],"size_mix":"imix"'
must "a workload without mixes says so" '.status == "skipped" and (.reason | contains("of one size"))'
point '"workload":"pingpong","mechanism":"eventfd","cpus":[0],"size_mix":"imix","wait":"block"'
must "a token has no size to mix" '.status == "ok" and .size == 0 and .size_mix == "fixed" and .bytes == 0'
refused "a size beside a mix must be its mean" "must be absent or its mean, 340" '"workload":"pingpong","mechanism":"pipe","size":64,"size_mix":"imix"'
refused "a mix must be one" "'size_mix': one size alone" '"workload":"pingpong","mechanism":"pipe","size_mix":"64:1"'

# The plan: a mix has its sizes, whatever else the sweep lists.
"$ipcmeter" plan --json --set workloads=pingpong,self_loop --set mechanisms=pipe --set size=64,4096 --set 'size_mix=["fixed","64:9,4KiB:1"]' \
    --set placement=same_cpu --set wait=block --set copies=2 --set touch=none >"$work/record"
must "the plan: sizes and a mix beside them" '[.points[] | [.workload, .size, .size_mix // "fixed"]] | unique == [["pingpong", 64, "fixed"],
    ["pingpong", 466, "64:9,4096:1"], ["pingpong", 4096, "fixed"], ["self_loop", 64, "fixed"], ["self_loop", 4096, "fixed"]]'

# Load in the background wants a second CPU.
mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' |
    while IFS=- read -r first last; do seq "$first" "${last:-$first}"; done)
load='"workload":"pingpong","mechanism":"pipe","wait":"block"'
refused "load needs CPUs" "go together" "$load,\"background\":\"cpu\""
refused "CPUs need load" "go together" "$load,\"background_cpus\":[1]"
refused "a role's CPU is no place for it" "none of a role" "$load,\"cpus\":[0],\"background\":\"cpu\",\"background_cpus\":[0]"
refused "none of many roles' CPUs either" "none of a role" \
    '"workload":"fan_in","mechanism":"pipe","fan":3,"cpus":[0,0,0,1],"background":"cpu","background_cpus":[1]'
if [[ ${#cpus[@]} -ge 2 ]]; then
    a=${cpus[0]}
    b=${cpus[1]}
    for kind in cpu memory switches; do
        # It has its CPU, or shares it with what else runs on this machine: then others had
        # half a CPU of the window at least.
        ran='(.metrics.background_cpu_ns.value > 0.3 * .background_load.read_over_ns or (.metrics.background_cpu_ns.value > 0 and
            .metrics.system_cpu_ns.value - .metrics.background_cpu_ns.value - .metrics.cpu_ns.value > 0.5 * .background_load.read_over_ns))'
        for pass in timing idle; do
            for ((try = 0; try < 4; try++)); do
                point "$load,\"cpus\":[$a],\"background\":\"$kind\",\"background_cpus\":[$b],\"pass\":\"$pass\"" 100000000
                jq -e "$ran" "$work/record" >/dev/null && break
            done
            must "$kind ran beside a window of the pass $pass" ".status == \"ok\" and .background == \"$kind\" and
                $ran and .background_load.read_over_ns >= 100000000 and
                .background_load.cpus == [{cpu: $b, cpu_ns: .metrics.background_cpu_ns.value}] and
                .background_load.processes == $([[ $kind == switches ]] && echo 2 || echo 1) and
                (.background_load.memory_bytes > 0) == $([[ $kind == memory ]] && echo true || echo false)"
            must "$kind is no role, and no role's bill" '(.roles | length) == 2 and (.per_message | has("background_cpu_ns") | not) and
                (([.roles[].metrics.cpu_ns.value] | add) == .metrics.cpu_ns.value)'
        done
    done
    point "\"workload\":\"self_loop\",\"mechanism\":\"floor_memcpy\",\"size\":1048576,\"cpus\":[$a],\"background\":\"memory\",\"background_cpus\":[$b]"
    must "a floor may have load beside it" '.status == "ok" and .metrics.background_cpu_ns.value >= 0'
    point "$load,\"cpus\":[$a]"
    must "none is none" '.status == "ok" and .background == "none" and (has("background_load") or (.metrics | has("background_cpu_ns")) | not)'
    point "$load,\"cpus\":[$a],\"background\":\"cpu\",\"background_cpus\":[1023]"
    must "a CPU that is not there" '.status == "failed" and .phase == "create" and (.reason | contains("cannot run on CPU 1023"))'

    # Of the driver: every CPU that is left, and a skip where none is.
    taskset -c "$a,$b" "$ipcmeter" run --out "$work/run" --progress none --set workloads=pingpong --set mechanisms=pipe --set size=64 \
        --set 'placement=["same_cpu","nearest_core"]' --set wait=block --set copies=2 --set touch=none --set rate=max \
        --set background=none,switches --set repeat.invocations=1 --set sensors.counters=off --set repeat.window=20ms >/dev/null 2>"$work/said" || cat "$work/said"
    jq -s . "$work/run/records.jsonl" >"$work/record"
    must "the driver finds the CPUs" 'all(.[]; .status == "ok") and ([.[] | select(.background == "switches")] |
        length == 1 and (.[0] | .placement == "same_cpu" and (.background_cpus | length) == 1 and .background_cpus != .cpus and
        .metrics.background_cpu_ns.value > 0 and [.background_load.cpus[].cpu] == .background_cpus))'
    cp "$work/run/manifest.json" "$work/record"
    must "no CPU left is a skip" '[.. | objects | select(has("reason") and .background? == "switches") | .reason |
        select(contains("background"))] | length >= 1 and all(contains("none of the 2 CPUs"))'

    # SIGKILL of driver and worker: what they started has gone with them.
    mark="ipm-mix-$$"
    "$ipcmeter" run --out "$work/killed" --progress none --set workloads=pingpong --set mechanisms=pipe --set size=64 --set placement=same_cpu \
        --set wait=block --set copies=2 --set touch=none --set background=switches --set repeat.invocations=1 --set sensors.counters=off \
        --set repeat.window=60s >"$work/$mark" 2>&1 &
    driver=$!
    found=()
    for ((try = 0; try < 600; try++)); do
        mapfile -t found < <(leaves $driver)
        [[ ${#found[@]} -ge 4 ]] && break # two roles and the two of the load
        sleep 0.05
    done
    worker=$(pgrep -P $driver || true)
    kill -KILL $driver
    # shellcheck disable=SC2086 # a list of numbers, or nothing: the driver's end may end it
    [[ -z $worker ]] || kill -KILL $worker 2>/dev/null || true
    wait $driver 2>/dev/null || true
    left=${#found[@]}
    for ((try = 0; try < 200 && left > 0; try++)); do
        left=0
        for pid in "${found[@]}"; do
            [[ ! -e /proc/$pid ]] || grep -q '^State:.*[ZX]' "/proc/$pid/status" 2>/dev/null || left=$((left + 1))
        done
        [[ $left -eq 0 ]] || sleep 0.05
    done
    if [[ ${#found[@]} -ge 4 && $left -eq 0 ]]; then
        echo "ok: SIGKILL leaves none of ${#found[@]} processes"
    else
        echo "FAILED: of ${#found[@]} processes $left are left after SIGKILL: ${found[*]}"
        failures=$((failures + 1))
    fi
else
    echo "skipped: load in the background needs two CPUs"
fi
exit $((failures > 0))
