/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "analysis/html_table.h"

#include <stdbool.h>
#include <string.h>

/* What a message costs beside its time, for where there are no joules. */
static const struct ipm_html_column costs[] = {
    {"cpu_ns_per_message", "CPU/message", IPM_HTML_TIME, true},
    {"context_switches_per_message", "switches/message", IPM_HTML_COUNT, false},
    {"voluntary_switches_per_message", "voluntary switches/message", IPM_HTML_COUNT,
     false},
    {"syscalls_per_message", "system calls/message", IPM_HTML_COUNT, false},
    {"bytes_copied_per_message", "bytes copied/message", IPM_HTML_COUNT, false},
};

static const struct ipm_html_column misses[] = {
    {"dtlb_load_misses_per_message", "dTLB load misses/message", IPM_HTML_COUNT, true},
    {"dtlb_store_misses_per_message", "dTLB store misses/message", IPM_HTML_COUNT,
     true},
    {"itlb_misses_per_message", "iTLB misses/message", IPM_HTML_COUNT, true},
    {"dtlb_walks_per_message", "dTLB walks/message", IPM_HTML_COUNT, false},
    {"dtlb_walk_cycles_per_message", "cycles of dTLB walks/message", IPM_HTML_COUNT,
     false},
};

static bool has_value(const json_t *point, const struct ipm_html_column *column)
{
    const json_t *figures = json_object_get(point, "figures");
    return json_is_number(
        json_object_get(json_object_get(figures, column->figure), "value"));
}

static bool any_has(const json_t *points, const struct ipm_html_column *column)
{
    size_t i;
    const json_t *point;
    json_array_foreach(points, i, point)
    {
        if (has_value(point, column))
            return true;
    }
    return false;
}

/* Why no point has a figure: the run's reason for the metric, or a point's. */
static const char *absence(const json_t *report, const json_t *points,
                           const char *figure)
{
    char metric[64];
    (void)snprintf(metric, sizeof(metric), "%s", figure);
    char *suffix = strstr(metric, "_per_message");
    if (suffix != NULL)
        *suffix = '\0';
    const json_t *unavailable = json_object_get(report, "unavailable");
    const char *reason =
        ipm_member_text(json_object_get(unavailable, metric), "reason");
    size_t i;
    const json_t *point;
    json_array_foreach(points, i, point)
    {
        const json_t *figures = json_object_get(point, "figures");
        if (reason[0] == '\0')
            reason = ipm_member_text(json_object_get(figures, figure), "reason");
        if (reason[0] == '\0')
            reason = ipm_member_text(json_object_get(figures, metric), "reason");
    }
    return reason[0] == '\0' ? "the records do not have it" : reason;
}

/* Those of @points that have one of the figures at all. */
static json_t *with_any(const json_t *points, const struct ipm_html_table *table)
{
    json_t *kept = json_array();
    size_t i;
    json_t *point;
    json_array_foreach(points, i, point)
    {
        bool any = false;
        for (size_t k = 0; k < table->n_columns; k++)
            any = any || has_value(point, &table->columns[k]);
        if (any)
            (void)json_array_append(kept, point);
    }
    return kept;
}

/* Why columns are not there, each reason once. */
static void put_absences(FILE *out, const json_t *report, const json_t *points,
                         const struct ipm_html_table *table)
{
    ipm_auto_json json_t *reasons = json_object();
    const char *reason;
    json_t *heads;
    for (size_t k = 0; k < table->n_columns; k++) {
        const struct ipm_html_column *column = &table->columns[k];
        if (any_has(points, column))
            continue;
        reason = absence(report, points, column->figure);
        if (json_object_get(reasons, reason) == NULL)
            (void)json_object_set_new(reasons, reason, json_array());
        (void)json_array_append_new(json_object_get(reasons, reason),
                                    json_string(column->head));
    }
    json_object_foreach(reasons, reason, heads)
    {
        (void)fputs("<p class=\"absent\">No ", out);
        ipm_html_value(out, heads);
        ipm_html_put(out, ": %s.</p>\n", reason);
    }
}

/* The table, and why columns are not in it. */
static void put_table(FILE *out, const json_t *report, const json_t *points,
                      const struct ipm_html_table *table)
{
    struct ipm_html_column kept[IPM_HTML_COLUMNS];
    struct ipm_html_table shown = *table;
    shown.columns = kept;
    shown.n_columns = 0;
    for (size_t k = 0; k < table->n_columns; k++) {
        if (any_has(points, &table->columns[k]))
            kept[shown.n_columns++] = table->columns[k];
    }
    ipm_auto_json json_t *rows = with_any(points, table);
    if (json_array_size(rows) > 0)
        ipm_html_points_table(out, rows, &shown);
    if (shown.n_columns == table->n_columns)
        return;
    put_absences(out, report, points, table);
}

void ipm_html_costs(FILE *out, const json_t *report)
{
    static const struct ipm_html_table table = {
        .label = "Costs of a message beside time",
        .columns = costs,
        .n_columns = sizeof(costs) / sizeof(costs[0])};
    ipm_auto_json json_t *rungs = ipm_html_rungs(report);
    const json_t *all = json_object_get(report, "points");
    const json_t *points = json_array_size(rungs) > 0 ? rungs : all;
    if (json_array_size(points) == 0)
        return;
    ipm_html_put(
        out,
        "<h3>What a message costs instead of joules</h3>\n<p>Processor time, "
        "switches, calls and copies are what the joules of a message come from; "
        "%s.</p>\n",
        points == all ? "of every point"
                      : "of the ladder, the rest stands in the table of all "
                        "points");
    put_table(out, report, points, &table);
}

void ipm_html_tlb(FILE *out, const json_t *report)
{
    static const struct ipm_html_table table = {.label = "TLB misses of a message",
                                                .columns = misses,
                                                .n_columns =
                                                    sizeof(misses) / sizeof(misses[0])};
    const json_t *points = json_object_get(report, "points");
    put_table(out, report, points, &table);
}
