/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "analysis/html_table.h"

#include <string.h>

/* Families whose points the other parts of the page show whole. */
static bool is_traffic(const char *family)
{
    static const char *const families[] = {"closed loop", "open queue", "open loop",
                                           "one role", "floor"};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (strcmp(family, families[i]) == 0)
            return true;
    }
    return false;
}

/* A list of the points that are of this workload; the caller's. */
static json_t *points_of(const json_t *report, const json_t *workload)
{
    json_t *found = json_array();
    size_t i;
    json_t *point;
    json_array_foreach(json_object_get(report, "points"), i, point)
    {
        if (json_equal(json_object_get(point, "workload"),
                       json_object_get(workload, "name")))
            (void)json_array_append(found, point);
    }
    return found;
}

/* As the summary names the figure of a metric: divided where the record divides it. */
static const char *figure_of(const json_t *points, const char *metric, char *divided,
                             size_t room)
{
    size_t i;
    const json_t *point;
    (void)snprintf(divided, room, "%.40s_per_message", metric);
    json_array_foreach(points, i, point)
    {
        if (json_object_get(json_object_get(point, "figures"), divided) != NULL)
            return divided;
    }
    return metric;
}

static enum ipm_html_kind kind_of(const char *unit)
{
    return strcmp(unit, "ns") == 0 ? IPM_HTML_TIME : IPM_HTML_COUNT;
}

static const json_t *workload_at(const json_t *report, size_t i)
{
    return json_array_get(json_object_get(report, "workloads"), i);
}

bool ipm_html_has_workload(const json_t *report, size_t i)
{
    const json_t *workload = workload_at(report, i);
    const char *family = ipm_member_text(workload, "family");
    bool own = json_array_size(json_object_get(workload, "metrics")) > 0;
    if (!own && (family[0] == '\0' || is_traffic(family)))
        return false;
    ipm_auto_json json_t *points = points_of(report, workload);
    return json_array_size(points) > 0;
}

const char *ipm_html_workload_title(const json_t *report, size_t i)
{
    return ipm_member_text(workload_at(report, i), "name");
}

/* What it measures beside what every workload has. */
static void put_metrics(FILE *out, const json_t *metrics)
{
    size_t i;
    const json_t *metric;
    if (json_array_size(metrics) == 0)
        return;
    (void)fputs("<ul class=\"plain soft\">\n", out);
    json_array_foreach(metrics, i, metric)
    {
        const char *unit = ipm_member_text(metric, "unit");
        unit = strcmp(unit, "1") == 0 ? "" : unit; /* a share or a ratio */
        const char *better = ipm_member_text(metric, "better");
        ipm_html_put(out, "<li>%s%s%s%s%s%s</li>\n", ipm_member_text(metric, "name"),
                     unit[0] == '\0' ? "" : ", in ", unit,
                     better[0] == '\0' ? "" : ": ", better,
                     better[0] == '\0' ? "" : " is better");
    }
    (void)fputs("</ul>\n", out);
}

void ipm_html_workload(FILE *out, const json_t *report, size_t i)
{
    enum { OWN = IPM_HTML_COLUMNS - 2, NAME = 64 };
    const json_t *workload = workload_at(report, i);
    const json_t *metrics = json_object_get(workload, "metrics");
    ipm_auto_json json_t *points = points_of(report, workload);
    struct ipm_html_column columns[IPM_HTML_COLUMNS] = {
        {"p50_ns", "median time", IPM_HTML_TIME, true},
        {"messages_per_s", "messages/s", IPM_HTML_RATE, true},
    };
    char names[OWN][NAME];
    size_t n = 2;
    size_t k;
    const json_t *metric;
    json_array_foreach(metrics, k, metric)
    {
        const char *name = ipm_member_text(metric, "name");
        if (k == OWN)
            break;
        columns[n++] =
            (struct ipm_html_column){.figure = figure_of(points, name, names[k], NAME),
                                     .head = name,
                                     .kind = kind_of(ipm_member_text(metric, "unit")),
                                     .interval = true};
    }
    const struct ipm_html_table table = {
        .label = ipm_member_text(workload, "name"), .columns = columns, .n_columns = n};
    ipm_html_put(out, "<p class=\"said\">%s.</p>\n",
                 ipm_member_text(workload, "summary"));
    put_metrics(out, metrics);
    ipm_html_points_table(out, points, &table);
}
