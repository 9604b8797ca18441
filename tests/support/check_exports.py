#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the exports of a run say what its report.json says?  check_exports.py RUN EXPORTS

EXPORTS holds csv, gbench, bmf, junit and markdown of the run.  The rules by which their
readers read them are applied here, each named where it is.
"""
import csv
import io
import json
import os
import re
import statistics
import sys
import xml.etree.ElementTree as ElementTree

failures = []


def check(fine, what):
    if not fine:
        failures.append(what)


def near(a, b):
    return abs(a - b) <= 1e-12 * max(abs(a), abs(b))


def read(folder, name):
    with open(os.path.join(folder, name), "rb") as file:
        return file.read().decode("utf-8")


# A field of RFC 4180, section 2: quoted with quotes doubled, or free of quote, comma, CR, LF.
FIELD = r'(?:"(?:[^"]|"")*"|[^",\r\n]*)'
FILE = re.compile(rf"(?:{FIELD}(?:,{FIELD})*\r\n)+")


def cells_of(text):
    check(FILE.fullmatch(text) is not None, "csv: not the grammar of RFC 4180")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    check(text.count("\n") == len(rows), "csv: a row is more than a line")
    check(len({len(row) for row in rows}) == 1, "csv: rows of different length")
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_csv(text, report):
    rows = cells_of(text)
    points = {point["id"]: point for point in report["points"] + report["floors"]}
    seen = set()
    for row in rows:
        for column, cell in row.items():
            check(is_number(cell) or cell[:1] not in tuple("=+-@\t\r"),
                  f"csv: a formula in {column}: {cell[:40]}")
        check((row["value"] == "") <= (row["reason"] != ""), f"csv: no value, no reason: {row}")
        if row["point"] == "":
            check(row["figure"] in report["unavailable"], f"csv: {row['figure']} is available")
            continue
        if row["figure"].startswith("energy_") and row["pass"] == "energy":
            check(row["provenance"] != "", "csv: joules of nobody")
            continue
        figure = points[row["point"]]["figures"].get(row["figure"])
        check(figure is not None, f"csv: {row['figure']} is not in the report")
        for key in ("value", "low", "high", "level", "n"):
            cell = None if row[key] == "" else float(row[key])
            check(cell == figure[key], f"csv: {row['figure']}.{key}: {cell}, not {figure[key]}")
        check((row["reason"] or None) == figure["reason"] or "\\u" in row["reason"] or
              row["reason"].startswith("'"), f"csv: reason {row['reason']}")
        seen.add((row["point"], row["figure"]))
    wanted = {(key, name) for key, point in points.items() for name in point["figures"]}
    check(seen == wanted, f"csv: {len(wanted ^ seen)} figures are missing or twice")
    return {row["point"]: row["name"] for row in rows if row["point"]}


def googlecpp(text):
    """github-action-benchmark, src/extract.ts, extractGoogleCppResult()."""
    def bench(entry):
        return {"name": entry["name"], "value": entry["real_time"],
                "unit": entry["time_unit"] + "/iter",
                "extra": f"iterations: {entry['iterations']}\ncpu: {entry['cpu_time']} "
                         f"{entry['time_unit']}\nthreads: {entry['threads']}"}
    return [bench(entry) for entry in json.loads(text)["benchmarks"]]


def partitions(text):
    """google/benchmark, tools/gbench/report.py, partition_benchmarks(): what the U test gets."""
    groups = {}
    for entry in json.loads(text)["benchmarks"]:
        check("time_unit" in entry and "real_time" in entry and "cpu_time" in entry,
              "gbench: not comparable: " + entry["name"][:40])
        groups.setdefault(entry["name"], []).append(entry)
    return groups


def check_gbench(text, report, names):
    groups = partitions(text)
    for bench in googlecpp(text):
        check(isinstance(bench["value"], (int, float)) and bench["unit"] == "ns/iter",
              "gbench: googlecpp cannot read " + bench["name"][:40])
    for point in report["points"] + report["floors"]:
        entries = groups.pop(names[point["id"]], [])
        figure = point["figures"]["p50_ns"]
        if point["workload"] == "open_loop" or figure["value"] is None:
            continue
        times = [entry["real_time"] for entry in entries]
        check(len(times) == figure["n"] and near(statistics.median(times), figure["value"]),
              f"gbench: p50 of {names[point['id']][:60]}")
        check([entry["repetition_index"] for entry in entries] == list(range(len(times))),
              "gbench: repetitions are not counted from 0")
        cpu = point["figures"]["cpu_ns_per_message"]["value"]
        if len(times) < 2 or cpu is None:
            continue
        name = entries[0]["run_name"]
        wanted = {"mean": statistics.mean(times), "median": statistics.median(times),
                  "stddev": statistics.stdev(times)}
        wanted["cv"] = wanted["stddev"] / wanted["mean"]
        for key, value in wanted.items():
            got = groups.pop(f"{name}_{key}", [{"real_time": -1}])
            check(len(got) == 1 and near(round(got[0]["real_time"], 9), round(value, 9)),
                  f"gbench: {key} of {name[:60]}")
    left = [name for name, entries in groups.items() if entries[0]["run_name"] not in names.values()]
    check(not left, f"gbench: of no point: {left[:3]}")


MEASURES = {"latency": "p50_ns", "latency-p99": "p99_ns", "interval": "p50_ns", "interval-p99": "p99_ns",
            "throughput": "messages_per_s", "response": "response_p50_ns",
            "response-p99": "response_p99_ns", "cpu-time": "cpu_ns_per_message",
            "context-switches": "context_switches_per_message", "cycles": "cycles_per_message"}


def check_bmf(text, report, names):
    bmf = json.loads(text)
    wanted = {}
    for point in report["points"] + report["floors"]:
        stream = point["sample"] == "interval"
        for measure, name in MEASURES.items():
            figure = point["figures"].get(name)
            if figure is None or figure["value"] is None:
                continue
            if measure.startswith(("latency", "interval")) and measure.startswith("interval") != stream:
                continue
            metric = {"value": figure["value"], "lower_value": figure["low"], "upper_value": figure["high"]}
            wanted.setdefault(names[point["id"]], {})[measure] = {
                key: value for key, value in metric.items() if value is not None}
    for name, measures in bmf.items():
        for measure in [key for key in measures if key.startswith("energy-")]:
            check(measure.split("-")[-1] != "", f"bmf: joules of nobody: {measure}")
            del measures[measure]
    check({name: measures for name, measures in bmf.items() if measures} == wanted, "bmf: not the report's")


def check_junit(text, report):
    root = ElementTree.fromstring(text)
    suite = root.find("testsuite")
    cases = suite.findall("testcase")
    failed = {row["point"] for row in report["failures"]}
    check(len(cases) == int(suite.get("tests")) == int(root.get("tests")), "junit: tests")
    check(len(suite.findall("testcase/failure")) == int(suite.get("failures")) == len(failed),
          "junit: failures")
    check(len(suite.findall("testcase/skipped")) == int(suite.get("skipped")), "junit: skipped")
    check(all(element.get("message") for element in suite.iter("skipped")), "junit: a skip without a reason")
    check(len(cases) >= len(report["points"]) + len(report["floors"]), "junit: a point is missing")
    values = [line for out in suite.iter("system-out") for line in (out.text or "").splitlines()]
    numbers = [figure["value"] for point in report["points"] + report["floors"]
               for figure in point["figures"].values() if figure["value"] is not None]
    shown = [line for line in values if not line.startswith("energy_") or "_uj = " not in line]
    check(len([line for line in shown if re.search(r" = [-0-9]", line) and
               not re.match(r"energy_\w+_(load_w|rest_w|beyond_w|message_uj|operation_uj) ", line)]) >= len(numbers),
          "junit: a figure is missing")


def check_markdown(text, report):
    check(len(text.encode()) < 1 << 20, "markdown: GitHub drops 1 MiB")
    tables = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    for table in tables:
        # Cells are what unescaped bars divide; no text may add one.
        widths = {line.count("|") for line in table.splitlines()}
        check(len(widths) == 1, f"markdown: rows of different width: {sorted(widths)}")
    points = [table for table in tables if table.startswith("| mechanism |")]
    if report["points"] or report["floors"]:
        rows = len(points[0].splitlines()) - 2
        left = re.search(r"^and (\d+) more: `ipcmeter export", text, re.MULTILINE)
        check(rows + int(left[1] if left else 0) == len(report["points"]) + len(report["floors"]),
              "markdown: points are lost")


def main(arguments):
    run, exports = arguments
    report = json.loads(read(run, "report.json"))
    names = check_csv(read(exports, "csv"), report)
    check(len(set(names.values())) == len(names), "names are not unique")
    check_gbench(read(exports, "gbench"), report, names)
    check_bmf(read(exports, "bmf"), report, names)
    check_junit(read(exports, "junit"), report)
    check_markdown(read(exports, "markdown"), report)
    for failure in failures[:20]:
        print("FAILED:", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
