#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a made-up run of SERIES series of 20 sizes, 10 invocations each, into FOLDER.

    python3 tests/bench/big_run.py FOLDER SERIES [INVOCATIONS]

tests/bench/report_scale.sh measures what a report of such a run takes in time and memory.
"""
import copy
import hashlib
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import small_run  # noqa: E402

SIZES, INVOCATIONS = 20, 10


def main():
    folder, series = sys.argv[1], int(sys.argv[2])
    invocations = int(sys.argv[3]) if len(sys.argv) > 3 else INVOCATIONS
    source = random.Random(1)
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/manifest.json", "w", encoding="utf-8") as out:
        json.dump(small_run.manifest(), out)
    lines = []
    for i in range(series):
        mechanism, copies, wait, placement, p50, tail, cpu, switches = \
            small_run.LADDER[i % len(small_run.LADDER)]
        variant = i // len(small_run.LADDER)
        options = {} if variant == 0 else {"example.variant": variant}
        point = small_run.factors("pingpong", mechanism, 64, copies, wait, placement,
                                  options=options)
        line = small_run.record(point, 0, p50, tail, cpu, switches)
        for k in range(SIZES):
            size = 64 << k
            line["size"] = size
            line["point"] = hashlib.sha1(f"{i} {k}".encode()).hexdigest()[:16]
            for invocation in range(invocations):
                one = copy.copy(line)
                time_ns = (p50 + 0.1 * size) * source.lognormvariate(0, 0.02)
                one["latency_ns"] = dict(line["latency_ns"], p50=round(time_ns, 1))
                one["invocation"] = one["block"] = invocation
                lines.append(json.dumps(one, separators=(",", ":")))
    source.shuffle(lines)
    with open(folder + "/records.jsonl", "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
