/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html_sections.h"
#include "analysis/html_table.h"

static const struct ipm_html_column columns[] = {
    {"p50_ns", "median time", IPM_HTML_TIME, true},
    {"p99_ns", "p99", IPM_HTML_TIME, false},
    {"messages_per_s", "messages/s", IPM_HTML_RATE, true},
    {"bytes_per_s", "payload/s", IPM_HTML_BYTE_RATE, false},
    {"cpu_ns_per_message", "CPU/message", IPM_HTML_TIME, true},
    {"context_switches_per_message", "switches/message", IPM_HTML_COUNT, false},
    {"syscalls_per_message", "system calls/message", IPM_HTML_COUNT, false},
    {"bytes_copied_per_message", "bytes copied/message", IPM_HTML_COUNT, false},
    {"page_faults_per_message", "page faults/message", IPM_HTML_COUNT, false},
    {"cycles_per_message", "cycles/message", IPM_HTML_COUNT, false},
    {"instructions_per_message", "instructions/message", IPM_HTML_COUNT, false},
    {"dtlb_load_misses_per_message", "dTLB misses/message", IPM_HTML_COUNT, false},
    {"cacheline_rtt_ns", "cache-line round trip", IPM_HTML_TIME, false},
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };

static void put_table(FILE *out, const json_t *points, const char *label, bool searched)
{
    const struct ipm_html_table table = {label, searched, columns, COLUMNS};
    ipm_html_points_table(out, points, &table);
}

void ipm_html_points(FILE *out, const json_t *report)
{
    const json_t *points = json_object_get(report, "points");
    if (json_array_size(points) == 0)
        (void)fputs("<p class=\"absent\">No point was measured.</p>\n", out);
    else
        put_table(out, points, "All points", true);
}

void ipm_html_floors(FILE *out, const json_t *report)
{
    const json_t *floors = json_object_get(report, "floors");
    if (json_array_size(floors) == 0)
        (void)fputs("<p class=\"absent\">No floor was measured.</p>\n", out);
    else
        put_table(out, floors, "Floors", false);
}

json_t *ipm_html_rungs(const json_t *report)
{
    const json_t *ids = json_object_get(json_object_get(report, "ladder"), "points");
    const json_t *points = json_object_get(report, "points");
    json_t *rungs = json_array();
    ipm_auto_json json_t *by_id = json_object();
    size_t i;
    json_t *id;
    json_t *point;
    json_array_foreach(points, i, point)
    {
        const char *name = json_string_value(json_object_get(point, "id"));
        (void)json_object_set(by_id, name, point);
    }
    json_array_foreach(ids, i, id)
    {
        (void)json_array_append(rungs, json_object_get(by_id, json_string_value(id)));
    }
    return rungs;
}

void ipm_html_ladder(FILE *out, const json_t *report)
{
    ipm_auto_json json_t *rungs = ipm_html_rungs(report);
    if (json_array_size(rungs) == 0)
        return;
    (void)fputs("<details>\n<summary>The ladder as a table, fastest first</summary>\n",
                out);
    put_table(out, rungs, "The ladder", false);
    (void)fputs("</details>\n", out);
}
