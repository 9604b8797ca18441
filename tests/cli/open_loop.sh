#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# An open loop sees what a closed one hides: a receiver that stands still for 200 ms delays
# every message that was due meanwhile.  Each of them is in `response`; `service` knows but
# those on their way: four fit into the pipe, one is in the sender's hand, one in the
# receiver's.
set -euo pipefail
source=${IPM_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
# shellcheck source=tests/support/worker.sh
. "$source/tests/support/worker.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rate=2000
window_s=4
failures=0

# must WHAT JQ-CONDITION: of the record.
must() {
    if jq -e "$2" "$work/record" >/dev/null; then
        echo "ok: $1"
    else
        echo "FAILED: $1: $2: $(jq -c '[.status, .reason, .open_loop, .flags]' "$work/record")"
        failures=$((failures + 1))
    fi
}

# delayed MEMBER MS: messages of that distribution that took so long and more, from its
# histogram (base/histogram.h).
delayed() {
    jq -r ".$1.histogram" "$work/record" | least_ms=$2 python3 -c '
import base64, os, sys
least_ns = int(os.environ["least_ms"]) * 1000000
data = base64.b64decode(sys.stdin.read().strip() + "==")
def numbers():
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0
stream = numbers()
bits = next(stream)
at = count = 0
for gap in stream:
    at += gap
    n = next(stream)
    if at < 2 << bits:
        low = at
    else:
        shift = (at >> bits) - 1
        low = ((at & ((1 << bits) - 1)) | (1 << bits)) << shift
    count += n if low >= least_ns else 0
print(count)'
}

for arrivals in constant poisson; do
    measure "\"workload\":\"open_loop\",\"mechanism\":\"pipe\",\"wait\":\"block\",\"cpus\":[0],\"size\":1024,\"rate\":$rate,\"arrivals\":\"$arrivals\",\"seed\":3,\"options\":{\"pipe.capacity\":4096},\"window_ns\":$((window_s * 1000000000)),\"warmup_ns\":2000000,\"depth\":16" >"$work/record" &
    worker=$!
    receiver=
    while [[ -z $receiver ]] && kill -0 $worker; do
        # The last one forked receives; leaves of the worker itself are there before it.
        mapfile -t roles < <(leaves $worker | sort -n)
        ((${#roles[@]} == 2)) && receiver=${roles[1]}
    done
    # Verification and warm-up are over by then, and most of the window is left.
    sleep 0.5
    kill -STOP "$receiver"
    sleep 0.2
    kill -CONT "$receiver"
    wait $worker
    # What another process held up in the last moment of the window is backlog.
    must "$arrivals: what was planned was sent and came, but for 0.5 %" \
        '.status == "ok" and (.open_loop | .completed >= 0.995 * .planned and .completed == .sent and .backlog == .planned - .sent) and
        .messages == .open_loop.completed and (.flags | index("rate_not_achieved") | not)'
    # One message more or less for where the first gap begins; five deviations of a Poisson count.
    off=$([[ $arrivals == constant ]] && echo 1 || echo 448)
    must "$arrivals: planned what the rate says, give or take $off" ".open_loop.planned - $((rate * window_s)) | . >= -$off and . <= $off"
    must "$arrivals: nothing is called a latency" '.latency_ns == null and .interval_ns == null and .latency_kind == null'
    # Other work on this CPU delays messages, too, but not for so long.
    response=$(delayed response_ns 1) service=$(delayed service_ns 100)
    # Of 400 due in 200 ms; a Poisson count is off by five deviations, 100, once in 2 million.
    least=$([[ $arrivals == constant ]] && echo 380 || echo 300)
    if ((response >= least && service > 0 && service * 20 <= response)); then
        echo "ok: $arrivals: $response messages had to wait, of which the channel's service shows $service"
    else
        echo "FAILED: $arrivals: of $((rate / 5)) messages due in 200 ms $response are late in response, $service in service"
        failures=$((failures + 1))
    fi
done

# A rate that nobody can keep is flagged, and what was not sent is the backlog.
measure '"workload":"open_loop","mechanism":"pipe","wait":"block","cpus":[0],"size":65536,"rate":4000000,"window_ns":50000000,"warmup_ns":1000000' >"$work/record"
must "a rate too high is flagged" '.status == "ok" and (.flags | index("rate_not_achieved")) and .open_loop.backlog > 0 and .open_loop.planned == .open_loop.sent + .open_loop.backlog'
measure '"workload":"open_loop","mechanism":"pipe","cpus":[0],"window_ns":50000000' >"$work/record"
must "no rate is a skip" '.status == "skipped" and (.reason | test("needs a rate"))'
measure '"workload":"pingpong","mechanism":"pipe","cpus":[0],"rate":1000' >"$work/record"
must "a closed loop has no rate" '.status == "skipped" and (.reason | test("no rate"))'
if [[ $(nproc) -gt 1 ]]; then
    measure '"workload":"open_loop","mechanism":"pipe","wait":"block","cpus":[0,1],"pairs":2,"rate":2000,"window_ns":50000000' >"$work/record"
    must "clocks that were not compared tell no one-way time" \
        '.status == "ok" and .response_ns == null and .service_ns == null and (.open_loop.refused | test("not known")) and .send_lag_ns.count > 0'
else
    echo "one CPU: clocks of two are not tried"
fi
exit $((failures > 0))
