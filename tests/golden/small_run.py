#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes small-run/{manifest.json,records.jsonl}: a run made by hand, not measured.

The shape is docs/record.md, the figures are plausible inventions around a written-down
time per mechanism.  It holds on purpose what a real run seldom has all at once: a failed
and an invalid invocation, a repeated line, a changed regime, a line that is no record, a
torn last line, a point with too few invocations, and words that want escaping.

    python3 tests/golden/small_run.py tests/golden/small-run
"""
import base64
import hashlib
import json
import random
import sys

INVOCATIONS = 6
WINDOW_NS = 20_000_000
BUILD = "00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee"

# mechanism, copies, wait, placement, p50, p99 over p50, CPU per message, switches per message
LADDER = [
    ("shm_ring", 1, "spin", "nearest_core", 231, 1.6, 115, 0),
    ("shm_ring", 2, "spin", "nearest_core", 246, 1.7, 123, 0),
    ("shm_ring", 1, "block", "nearest_core", 7400, 2.4, 2900, 1),
    ("shm_ring", 1, "block", "same_cpu", 3900, 1.5, 1940, 1),
    ("shm_ring", 1, "spin_then_block", "nearest_core", 252, 1.9, 126, 0.001),
    ("shm_ring", 1, "yield", "same_cpu", 1650, 1.3, 820, 0),
    ("shm_pipe_token", 1, "block", "nearest_core", 9300, 2.2, 3700, 1),
    ("shm_pipe_token", 1, "block", "same_cpu", 5100, 1.4, 2530, 1),
    ("pipe", 2, "block", "nearest_core", 8900, 2.6, 3400, 1),
    ("pipe", 2, "block", "same_cpu", 4700, 1.4, 2340, 1),
    ("pipe", 2, "spin", "nearest_core", 1480, 1.8, 735, 0),
    ("unix_stream", 2, "block", "nearest_core", 10400, 2.5, 4100, 1),
    ("unix_stream", 2, "block", "same_cpu", 5600, 1.4, 2790, 1),
    ("unix_stream", 2, "spin", "nearest_core", 2300, 1.7, 1140, 0),
    ("posix_mq", 2, "block", "nearest_core", 9900, 2.5, 3900, 1),
    ("posix_mq", 2, "block", "same_cpu", 5300, 1.4, 2640, 1),
]
FLOORS = [
    ("floor_null", "self_loop", 0, 1.2),
    ("floor_syscall", "self_loop", 0, 84),
    ("floor_memcpy", "self_loop", 64, 2.9),
    ("floor_memcpy", "self_loop", 4096, 61),
    ("floor_cacheline", "pingpong", 0, 104),
]

source = random.Random(64)


def varint(value):
    out = bytearray()
    while True:
        byte, value = value & 0x7F, value >> 7
        out.append(byte | (0x80 if value else 0))
        if not value:
            return bytes(out)


def bucket(value):
    if value < 1024:
        return value
    shift = value.bit_length() - 10
    return (shift << 9) + (value >> shift)


def packed(values):
    counts = {}
    for value in values:
        counts[bucket(value)] = counts.get(bucket(value), 0) + 1
    out, previous = varint(9), 0
    for index in sorted(counts):
        out += varint(index - previous) + varint(counts[index])
        previous = index
    return base64.b64encode(out).decode()


def distribution(p50, tail, per):
    count = int(WINDOW_NS / p50 / per)

    def at(share):  # the quantile function: through p50 at 0.5 and p50 * tail at 0.99
        if share < 0.5:
            return p50 * (0.93 + 0.14 * share)
        return p50 * (1 + (tail - 1) * ((share - 0.5) / 0.49) ** 6)

    samples = [round(per * at((i + 0.5) / count)) for i in range(count)]
    return {"count": count, "min": round(samples[0] / per, 1), "p50": round(p50, 1),
            "p90": round(at(0.9), 1), "p99": round(at(0.99), 1), "p999": round(at(0.999), 1),
            "max": round(samples[-1] / per, 1), "mean": round(sum(samples) / count / per, 1),
            "per": per, "histogram": packed(samples), "histogram_error": 0.0009765625}


def blocks(p50, per, warm):
    """160 blocks that sway by a hundredth; with @warm the first 24 take half as long again."""
    count = int(WINDOW_NS / p50 / per)
    means = [round(per * p50 * (1.04 + 0.01 * ((i * 89) % 160 / 80 - 1) + (0.5 if i < warm else 0)))
             for i in range(160)]
    return {"samples": max(count // 160, 1), "per": per, "means_ns": means}


def metric(value, unit, origin):
    return {"value": value, "unit": unit, "status": "ok", "source": origin, "reason": None}


def missing(unit, origin, reason):
    return {"value": None, "unit": unit, "status": "unavailable", "source": origin,
            "reason": reason}


def factors(workload, mechanism, size, copies, wait, placement, **more):
    point = {"workload": workload, "mechanism": mechanism, "size": size, "rate": "max",
             "placement": placement,
             "placement_class": {"nearest_core": "cross_llc"}.get(placement, placement),
             "wait": wait, "copies": copies, "touch": "none", "depth": 64, "batch": 1,
             "reply_size": -1, "policy": "other", "options": {}}
    point.update(more)
    return point


def record(point, invocation, p50, tail, cpu, switches, passname="timing", **more):
    two = point["placement"] == "nearest_core"
    noise = source.lognormvariate(0, 0.02)
    per = 64 if p50 < 1000 else 1
    p50 *= noise
    messages = 2 if point["workload"] == "pingpong" else 1
    operations = int(WINDOW_NS / (p50 * 1.04))
    sent = operations * messages
    key = json.dumps(point, sort_keys=True).encode()
    rtt = 104 * source.lognormvariate(0, 0.01)
    absent = missing("", "worker", "not_applicable: both roles on one CPU")
    voluntary = round(switches * sent)
    out = {"schema": 1, "run": "small", "point": hashlib.sha1(key).hexdigest()[:16],
           "pass": passname, "invocation": invocation, "block": invocation,
           "seed": source.randrange(2**31), "started": "2024-02-29T12:00:00Z", **point,
           "status": "ok", "phase": None, "reason": None, "flags": [],
           "rate_resolved": None, "window_ns": WINDOW_NS, "warmup_ns": 5_000_000,
           "operations": operations, "messages": sent, "bytes": sent * point["size"],
           "elapsed_ns": WINDOW_NS, "timing_batch": per,
           "latency_kind": "round_trip" if per == 1 else "batch",
           "latency_ns": distribution(p50, tail, per), "interval_ns": None,
           "blocks": blocks(p50, per, 24 if invocation == 4 else 0),
           "clock": {"cost_ns": 41, "resolution_ns": 1, "source": "tsc"},
           "throughput": {"messages_per_s": round(sent * 1e9 / WINDOW_NS, 1),
                          "bytes_per_s": round(sent * point["size"] * 1e9 / WINDOW_NS, 1)},
           "metrics": {
               "cpu_ns": metric(round(cpu * noise * sent), "ns", "getrusage"),
               "voluntary_switches": metric(voluntary, "", "getrusage"),
               "involuntary_switches": metric(3, "", "getrusage"),
               "context_switches": metric(voluntary + 3, "", "perf")
               if passname == "counters:software" else
               missing("", "perf", "not_in_this_pass: measured in counters:software"),
               "cycles": missing("", "perf", "absent: no hardware counters in this guest"),
               "energy_package_uj": missing("uJ", "powercap", "absent: no powercap zone"),
               "cacheline_rtt_before_ns": metric(round(rtt, 1), "ns", "worker")
               if two else absent,
               "cacheline_rtt_after_ns": metric(round(rtt * 1.01, 1), "ns", "worker")
               if two else absent,
           },
           "per_message": {}, "build": BUILD, "protocol": 1, "host": None}
    for name in ("cpu_ns", "voluntary_switches", "involuntary_switches", "context_switches"):
        value = out["metrics"][name]["value"]
        out["per_message"][name] = None if value is None else value / sent
    out.update(more)
    return out


def at_rate(rate, invocation):
    """An open loop over a pipe: the sender is late now and then, and what waits behind is late,
    too; the highest rate is never kept."""
    point = factors("open_loop", "pipe", 64, 2, "block", "nearest_core", rate=rate,
                    arrivals="poisson")
    offered = {"10%": 30_000, "90%": 270_000}.get(rate) or int(rate)
    line = record(point, invocation, 3000, 2, 1500, 1)
    planned = round(offered * WINDOW_NS / 1e9)
    kept = offered < 200_000 and not (offered == 100_000 and invocation == 2)
    sent = planned if kept else planned * 3 // 4
    service = [2500 + 13 * (i % 97) + (40_000 if i % 500 == 7 else 0) for i in range(sent)]
    lag = [(i % 50) + (1500 * (40 - i % 400) if i % 400 < 40 else 0)
           + (0 if kept else 1000 * i) for i in range(sent)]
    times = {"service_ns": service, "send_lag_ns": lag,
             "response_ns": [a + b for a, b in zip(service, lag)]}
    for name, samples in times.items():
        samples.sort()
        line[name] = {"count": sent, "min": samples[0], "p50": samples[sent // 2],
                      "max": samples[-1], "per": 1, "histogram": packed(samples),
                      "histogram_error": 0.0009765625}
    line.update(latency_ns=None, latency_kind=None, blocks=None, rate_resolved=offered, pairs=1,
                messages=sent, operations=sent, bytes=64 * sent,
                flags=[] if kept else ["rate_not_achieved"],
                throughput={"messages_per_s": sent * 1e9 / WINDOW_NS,
                            "bytes_per_s": 64e9 * sent / WINDOW_NS},
                open_loop={"planned": planned, "sent": sent, "completed": sent,
                           "backlog": planned - sent, "refused": None})
    return line


def records():
    out = []
    for mechanism, copies, wait, placement, p50, tail, cpu, switches in LADDER:
        point = factors("pingpong", mechanism, 64, copies, wait, placement)
        for i in range(INVOCATIONS):
            out.append(record(point, i, p50, tail, cpu, switches))
        if mechanism == "pipe" and wait == "block":
            out.append(record(point, 0, p50, tail, cpu, switches, "counters:software"))
    for mechanism, workload, size, p50 in FLOORS:
        two = workload == "pingpong"
        point = factors(workload, mechanism, size, 1 if size else 0,
                        "spin" if two else "none", "nearest_core" if two else "same_cpu")
        for i in range(INVOCATIONS):
            out.append(record(point, i, p50, 1.2, p50 / 2, 0))

    stream = factors("stream", "pipe", 4096, 2, "block", "nearest_core")
    for i in range(3):  # too few for an interval
        line = record(stream, i, 2100, 3, 1500, 0.2)
        line["interval_ns"], line["latency_ns"] = line["latency_ns"], None
        line["latency_kind"] = None
        out.append(line)

    odd = factors("pingpong", "pipe", 64, 2, "block", "same_cpu",
                  options={"pipe.capacity": 4096, "pipe.note": "a <b> & 'c' \"d\" \\n"})
    for i in range(INVOCATIONS):
        out.append(record(odd, i, 4750, 1.5, 2360, 1))
    source.shuffle(out)

    pipe = factors("pingpong", "pipe", 64, 2, "block", "nearest_core")
    out[10] = dict(out[10], flags=["regime_changed"])
    out.insert(20, record(pipe, 2, 15000, 4, 6000, 1, status="invalid",
                          reason="replaced: the regime changed", flags=["regime_changed"]))
    mq = factors("pingpong", "posix_mq", 65536, 2, "block", "same_cpu")
    out.insert(30, record(mq, 0, 9000, 2, 1, 1, status="failed", phase="create",
                          reason="mq_open: Too many open files", latency_ns=None,
                          metrics={}, per_message={}, throughput=None))
    out.append(out[5])  # resumed twice
    out += [at_rate(rate, i) for rate in ("90%", "10000", "100000", "10%")
            for i in range(INVOCATIONS)]
    return out


def modes(*system_calls):
    return [{"copies": copies, "syncs": 2, "pages": 0, "chunk_bytes": 0,
             "system_calls": calls, "wakeups": 1} for copies, calls in system_calls]


def describe():
    def entry(name, kind, capabilities, rows):
        return {"name": name, "kind": kind, "capabilities": capabilities, "modes": rows,
                "available": True, "reason": None}

    mechanisms = [
        entry("pipe", "mechanism", ["pollfd"], modes((2, 2))),
        entry("unix_stream", "mechanism", ["duplex"], modes((2, 2))),
        entry("posix_mq", "mechanism", ["framed"], modes((2, 2))),
        entry("shm_ring", "mechanism", ["loan"], modes((0, 0), (1, 0), (2, 0))),
        entry("shm_pipe_token", "mechanism", ["loan"], modes((0, 2), (1, 2), (2, 2))),
        entry("floor_cacheline", "floor", ["token", "duplex", "floor"], modes((0, 0))),
    ]
    mechanisms += [entry(name, "floor", ["local", "floor"], modes((0, 0)))
                   for name in ("floor_null", "floor_syscall", "floor_memcpy")]
    axes = [{"name": "depth", "default": "64"}, {"name": "batch", "default": "1"},
            {"name": "reply_size", "default": "-1"}, {"name": "policy", "default": "other"}]
    passes = [{"name": "timing", "available": True, "reason": None},
              {"name": "counters:software", "available": True, "reason": None},
              {"name": "counters:core", "available": False,
               "reason": "absent: no hardware counters in this guest"},
              {"name": "energy", "available": False, "reason": "absent: no powercap zone"}]
    return {"protocol": 1, "schema": 1, "build": BUILD, "version": "0.1.0",
            "mechanisms": mechanisms, "axes": axes, "passes": passes}


def manifest():
    checks = [
        {"name": "clock", "status": "ok", "text": "tsc, 41 ns a read", "mend": ""},
        {"name": "hypervisor", "status": "warn",
         "text": "this is a guest: times include what the host does to it",
         "mend": "measure on the bare machine where you can"},
        {"name": "turbo", "status": "unknown", "text": "no cpufreq here", "mend": ""},
    ]
    skips = [{"workload": "pingpong", "mechanism": "shm_ring", "size": 64,
              "placement": "same_cpu", "wait": "spin", "copies": 1, "touch": "none",
              "reason": "both roles on one CPU: spinning would keep the other from running"}]
    dropped = [{"workload": "stream", "mechanism": "unix_stream", "size": 1048576,
                "reason": "the budget of 1 min was used up"}]
    return {"schema": 1, "name": "small run", "started": "2024-02-29T12:00:00Z",
            "finished": "2024-02-29T12:01:00Z", "seed": 64, "config": {},
            "build": BUILD, "version": "0.1.0",
            "host": {"cpu_model": "Example CPU at 2.00 GHz", "kernel": "6.1.0"},
            "environment_before": {"grade": "warn", "checks": checks},
            "environment_after": {"grade": "warn", "checks": checks},
            "drift": [{"name": "turbo", "before": "off", "after": "on", "status": "warn",
                       "text": "the highest frequency is another one"}],
            "describe": describe(), "skips": skips, "dropped": dropped,
            "interrupted": False, "quick": False}


def main():
    folder = sys.argv[1]
    with open(folder + "/manifest.json", "w", encoding="utf-8") as out:
        json.dump(manifest(), out, indent=1)
        out.write("\n")
    lines = [json.dumps(line, separators=(",", ":")) for line in records()]
    lines.insert(40, '{"schema":1,"run":"small","point":"cut')
    with open(folder + "/records.jsonl", "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n" + lines[0][:200])


if __name__ == "__main__":
    main()
