#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# System calls, bytes and context switches of real records.  The traced twin counts what each
# mechanism declares, where nobody's waiting decides it; its times are taken from the record;
# the sources of context switches agree; other passes are not traced.
set -euo pipefail
worker=$IPM_BIN/ipcmeter-worker
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}

# must WHAT FILTER: the jq filter must be true of the record in $work/record.
must() {
    jq -e "$2" "$work/record" >/dev/null ||
        fail "$1: $(jq -c '[.mechanism, .status, .reason, .messages, .flags, .checks, .per_message]' "$work/record")"
}

# point WORKLOAD MECHANISM PASS WAIT SIZE [MEMBERS]
point() {
    printf '{"schema":1,"workload":"%s","mechanism":"%s","pass":"%s","wait":"%s","size":%s,"cpus":[%s],"window_ns":30000000,"warmup_ns":2000000,"timeout_ns":20000000000%s}' \
        "$1" "$2" "$3" "$4" "$5" "$cpus" "${6:+,$6}" | "$worker" >"$work/record"
    must "$2: measured" '.status == "ok"'
}

cpus=$(awk '/^Cpus_allowed_list/ {n = split($2, a, /[-,]/); print a[1] (n > 1 ? "," a[2] : "")}' /proc/self/status)
"$worker" --sensors '{"syscalls":"twin"}' describe >"$work/describe"
twin=$(jq -r '.passes[] | select(.name == "counters:syscalls") | .available' "$work/describe")
if [[ $twin != true ]]; then
    echo "skip: no tracing here: $(jq -r '.passes[] | select(.name == "counters:syscalls") | .reason' "$work/describe")"
    exit 77
fi
traced='"sensors":{"syscalls":"twin"}'

# Declared calls per message and k, against the twin's.  In lock-step and wait block these ask
# the kernel once each way, whoever waits.
for mechanism in pipe unix_stream unix_dgram posix_mq sysv_msg eventfd; do
    for workload in pingpong stream; do
        # A counter takes many tokens at once.
        [[ $mechanism != eventfd || $workload == pingpong ]] || continue
        size=$([[ $mechanism == eventfd ]] && echo 0 || echo 1024)
        point $workload $mechanism counters:syscalls block "$size" "$traced"
        declared=$(jq ".mechanisms[] | select(.name == \"$mechanism\").modes[0].system_calls" "$work/describe")
        # A stream's calls may be cut by a full queue: never fewer, and not many more.
        [[ $workload == pingpong ]] && most=$declared || most=3
        must "$mechanism, $workload: $declared system calls a message" \
            ".per_message.syscalls - .per_message.syscalls_retried | . > $declared * 0.98 and . < $most * 1.02"
        must "$mechanism, $workload: bytes" \
            ".per_message.bytes_copied as \$k | (.per_message.bytes_through_kernel | . >= \$k * 0.98 and . <= \$k * 1.02 + 16)"
        must "$mechanism, $workload: the copies fit" '.checks.copies.agree != false and (.flags | index("copies_disagree") | not)'
        echo "ok: $mechanism, $workload: $(jq -r '.per_message | "\(.syscalls) calls, \(.bytes_through_kernel) of \(.bytes_copied) bytes a message"' "$work/record")"
    done
done

# Copies made in user space are declared and not seen; the kernel's one of two is.
point pingpong cma_read counters:syscalls block 4096 "$traced"
must "cma_read: one read of the peer's memory" '.per_message.syscalls_process_vm_readv | . > 0.98 and . < 1.02'
must "cma_read: the declared copy is the kernel's" '.checks.copies == {"agree": true, "declared": 1, "seen": 1, "reason": null}'
point pingpong cma_read counters:syscalls block 4096 "$traced,\"copies\":2"
must "cma_read: one of two is the kernel's" '.checks.copies.seen == 1 and .checks.copies.declared == 2'
if [[ $cpus == *,* ]]; then
    point pingpong shm_ring counters:syscalls spin 1024 "$traced"
    must "a spinning ring: no call" '.per_message.syscalls < 0.01'
    must "a spinning ring: two copies, none of them the kernel's" '.per_message.bytes_copied == 2048 and .checks.copies.seen == 0'
    point pingpong pipe counters:syscalls spin 64 "$traced"
    must "a spinning pipe: two calls beside those in vain" '.per_message.syscalls - .per_message.syscalls_retried | . > 1.96 and . < 2.04'
    must "a spinning pipe: its calls in vain are told" '.per_message.syscalls_retried > 0'
fi
point pingpong futex counters:syscalls block 0 "$traced"
must "futex: nothing but futex calls" '.per_message.syscalls == .per_message.syscalls_futex and .per_message.syscalls > 0'

# A broker's and a library's threads are in the sum; what no tracer sees is masked.
for mechanism in dbus zeromq nng; do
    [[ $(jq ".mechanisms[] | select(.name == \"$mechanism\").available" "$work/describe") == true ]] || continue
    # So few messages in a window that start and end weigh are no word on copies.
    for ((try = 0; try < 8; try++)); do
        point pingpong $mechanism counters:syscalls block 16384 "$traced"
        ! jq -e '.checks.copies.seen != null and .messages >= 50' "$work/record" >/dev/null || break
    done
    must "$mechanism: more calls than one each way" '.per_message.syscalls > 2.5'
    must "$mechanism: at least two copies are the kernel's" '.checks.copies.agree and .checks.copies.seen >= 2'
    [[ $mechanism != dbus ]] ||
        must "dbus: the broker's part" '.roles[] | select(.role == "helper") | .metrics.syscalls.value > 0 and .metrics.bytes_through_kernel.value > 0'
done
if [[ $(jq '.mechanisms[] | select(.name == "uring_pipe").available' "$work/describe") == true ]]; then
    point pingpong uring_pipe counters:syscalls block 1024 "$traced"
    must "io_uring hides its bytes" '.metrics.bytes_through_kernel | .value == null and (.reason | startswith("masked: "))'
    must "what is hidden is not judged" '.checks.copies.agree == null'
fi

# A twin's times are nobody's.
point pingpong pipe counters:syscalls block 64 "$traced"
must "flag" '.flags | index("traced")'
must "no latency, no rate" '.latency_ns == null and .throughput.messages_per_s == null and .throughput.bytes_per_s == null'
must "no times and switches" '[.metrics.cpu_ns, .metrics.voluntary_switches, .metrics.switches_system, .roles[0].metrics.cpu_ns][] | .value == null and (.reason | startswith("not_in_this_pass: "))'
must "no shares of them" '.per_message | .cpu_ns == null and .voluntary_switches == null'
must "the other passes' reasons stand" '.metrics.cycles.reason | test("traced|tracing") | not'

# Long windows are cut: tracing is slow, and ratios need no long ones.
printf '{"schema":1,"workload":"pingpong","mechanism":"pipe","pass":"counters:syscalls","size":64,"cpus":[%s],"window_ns":20000000000,"sensors":{"syscalls":"twin"}}' "$cpus" | "$worker" >"$work/record"
must "a window of 20 s is cut" '.status == "ok" and .window_ns == 100000000'

# A word that is none is refused; what is asked for and not to be had reads why, never 0.
status=0
echo '{"schema":1,"workload":"pingpong","mechanism":"pipe","sensors":{"syscalls":"sundial"}}' | "$worker" >"$work/record" 2>/dev/null || status=$?
if [[ $status == 2 && ! -s $work/record ]]; then
    echo "ok: a source that does not exist is refused"
else
    echo "FAILED: a source that does not exist: status $status"
    failures=$((failures + 1))
fi
point pingpong pipe counters:syscalls block 64 '"sensors":{"syscalls":"tracepoint"}'
must "the tracepoint counts at least two calls a message, or says why not" \
    'if .metrics.syscalls.value == null then (.metrics.syscalls.reason | test("^(absent|denied): ")) else .metrics.syscalls.source == "tracepoint" and .per_message.syscalls > 1.98 end'
must "nobody is traced for it" '(.flags | index("traced") | not) and .latency_ns.count > 0'

# The tracepoint, in a mount namespace of our own, where the kernel has it and we may: another
# witness of the same numbers.
root=$work/root
mkdir -p "$root/sys/kernel/tracing" "$root/proc"
# shellcheck disable=SC2016 # expanded inside
if unshare -m --propagation private sh -c 'mount -t tracefs none "$1/sys/kernel/tracing" && test -r "$1/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"' sh "$root" 2>/dev/null; then
    for mechanism in pipe unix_stream posix_mq; do
        printf '{"schema":1,"workload":"pingpong","mechanism":"%s","pass":"counters:syscalls","wait":"block","size":64,"cpus":[%s],"window_ns":30000000,"sysroot":"%s"}' "$mechanism" "$cpus" "$root" >"$work/point"
        # shellcheck disable=SC2016
        unshare -m --propagation private sh -c 'mount -t tracefs none "$1/sys/kernel/tracing" && mount --bind /proc "$1/proc" && exec "$2" <"$3" >"$4"' sh "$root" "$worker" "$work/point" "$work/record"
        if [[ $(jq -r .metrics.syscalls.source "$work/record") == tracepoint ]]; then
            must "$mechanism: the tracepoint, chosen by itself, sees two calls" '.per_message.syscalls > 1.98 and .per_message.syscalls < 2.02 and .latency_ns.count > 0'
            echo "ok: $mechanism: the tracepoint counts $(jq .per_message.syscalls "$work/record") calls a message"
        else
            echo "tracepoint not opened: a twin instead"
            must "$mechanism: the twin in its place" '.flags | index("traced")'
        fi
    done
else
    echo "tracefs cannot be mounted here: the tracepoint is not tried"
fi

# Context switches: two sources in each pass, three where perf may count; they agree.
for pass in timing counters:software; do
    for mechanism in pipe unix_stream shm_ring nng zeromq; do
        [[ $(jq ".mechanisms[] | select(.name == \"$mechanism\").available" "$work/describe") == true ]] || continue
        point pingpong $mechanism $pass block 64
        must "$mechanism, $pass: not traced" '.flags | index("traced") | not'
        must "$mechanism, $pass: the sources agree, or the record says which lies" \
            '.checks.switches.agree == true or (.checks.switches.reason != null and (.flags | index("switches_disagree")))'
        must "$mechanism, $pass: switches are counted twice" '.metrics.switches_rusage.value > 0 and .metrics.switches_task.value > 0'
        must "$mechanism, $pass: both kinds make the sum" '.metrics.switches_rusage.value == .metrics.voluntary_switches.value + .metrics.involuntary_switches.value'
        must "$mechanism, $pass: the system's are at least the roles'" '.metrics.switches_system.value >= .metrics.switches_task.value * 0.99'
        echo "ok: $mechanism, $pass: $(jq -c '[.metrics.switches_rusage, .metrics.switches_task, .metrics.context_switches, .metrics.switches_system | .value], .checks.switches.agree' "$work/record" | tr '\n' ' ')"
    done
done
exit $((failures > 0))
