/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The energy model in the section of energy. */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

enum { FIGURE = 96 };

static const char *figure(char out[FIGURE], const json_t *json)
{
    double value = ipm_member_number(json, "value");
    double low = ipm_member_number(json, "low");
    double high = ipm_member_number(json, "high");
    if (isnan(value))
        (void)snprintf(out, FIGURE, "-");
    else if (isnan(low) || isnan(high))
        (void)snprintf(out, FIGURE, "%.4g [?]", value);
    else
        (void)snprintf(out, FIGURE, "%.4g [%.3g, %.3g]", value, low, high);
    return out;
}

static void begin(FILE *out, const char *label, const char *const *heads, size_t n)
{
    ipm_html_put(out,
                 "<div class=\"box\" tabindex=\"0\" role=\"group\" aria-label=\"%s\">\n"
                 "<table>\n<thead><tr>",
                 label);
    for (size_t i = 0; i < n; i++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", heads[i]);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
}

static void end(FILE *out)
{
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
}

static void put_parameters(FILE *out, const json_t *cell)
{
    static const char *const heads[] = {"parameter", "value", "unit", "provenance",
                                        "reason"};
    char value[FIGURE];
    size_t i;
    const json_t *row;
    begin(out, "Coefficients", heads, sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(json_object_get(cell, "parameters"), i, row) ipm_html_put(
        out,
        "<tr><th scope=\"row\">%s</th><td class=\"n\">%s</td><td>%s</td>"
        "<td>%s</td><td class=\"t\">%s</td></tr>\n",
        ipm_member_text(row, "name"), figure(value, row), ipm_member_text(row, "unit"),
        ipm_member_text(row, "provenance"), ipm_member_text(row, "reason"));
    const json_t *sum = json_object_get(cell, "sum");
    ipm_html_put(out,
                 "<tr><th scope=\"row\">%s</th><td class=\"n\">%s</td><td>%s</td>"
                 "<td>%s</td><td class=\"t\">%s</td></tr>\n",
                 ipm_member_text(sum, "name"), figure(value, sum),
                 ipm_member_text(sum, "unit"), ipm_member_text(sum, "provenance"),
                 ipm_member_text(sum, "reason"));
    end(out);
}

static void put_checks(FILE *out, const json_t *cell)
{
    static const char *const heads[] = {"what would show it wrong", "", "by"};
    const json_t *checks = json_object_get(cell, "checks");
    size_t i;
    const json_t *row;
    if (json_array_size(checks) == 0)
        return;
    begin(out, "Checks", heads, sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(checks, i, row) ipm_html_put(
        out, "<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"t\">%s</td></tr>\n",
        ipm_member_text(row, "name"), ipm_member_text(row, "status"),
        ipm_member_text(row, "reason"));
    end(out);
}

static void put_cell(FILE *out, const json_t *cell)
{
    const char *reason = ipm_member_text(cell, "reason");
    ipm_html_put(out, "<h3>%s, %s, %s: <strong>%s</strong></h3>\n<p>%s%s%s.</p>\n",
                 ipm_member_text(cell, "mechanism"), ipm_member_text(cell, "wait"),
                 ipm_member_text(cell, "domain"), ipm_member_text(cell, "provenance"),
                 ipm_member_text(cell, "status"), reason[0] != '\0' ? ": " : "",
                 reason);
    put_parameters(out, cell);
    put_checks(out, cell);
}

static void put_hours(FILE *out, const json_t *model)
{
    static const char *const heads[] = {"mechanism", "workload",    "size",
                                        "wait",      "placement",   "messages/s",
                                        "hours",     "whose joules"};
    const json_t *battery = json_object_get(model, "battery");
    size_t i;
    const json_t *row;
    if (!json_is_object(battery))
        return;
    (void)fputs("<h3>Battery</h3>\n<p>", out);
    ipm_html_value(out, battery);
    (void)fputs("</p>\n", out);
    begin(out, "Hours of a battery", heads, sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(json_object_get(model, "curve"), i, row)
    {
        char size[IPM_UNITS_TEXT];
        char rate[FIGURE];
        char hours[FIGURE];
        ipm_html_put(
            out,
            "<tr><th scope=\"row\">%s</th><td>%s</td><td class=\"n\">%s</td>"
            "<td>%s</td><td>%s</td><td class=\"n\">%s</td>"
            "<td class=\"n\">%s</td><td>%s, %s</td></tr>\n",
            ipm_member_text(row, "mechanism"), ipm_member_text(row, "workload"),
            ipm_format_size(size, (int64_t)ipm_member_number(row, "size")),
            ipm_member_text(row, "wait"), ipm_member_text(row, "placement"),
            figure(rate, json_object_get(row, "messages_per_s")),
            figure(hours, json_object_get(row, "hours")),
            ipm_member_text(row, "domain"), ipm_member_text(row, "provenance"));
    }
    end(out);
}

static void put_crossovers(FILE *out, const json_t *model)
{
    static const char *const heads[] = {"least power", "wait", "from messages/s on"};
    size_t i;
    size_t k;
    const json_t *group;
    const json_t *row;
    json_array_foreach(json_object_get(model, "crossovers"), i, group)
    {
        char size[IPM_UNITS_TEXT];
        ipm_html_put(out, "<h3>Least power: %s, %s, %s, %s, %s</h3>\n",
                     ipm_member_text(group, "workload"),
                     ipm_format_size(size, (int64_t)ipm_member_number(group, "size")),
                     ipm_member_text(group, "placement"),
                     ipm_member_text(group, "domain"),
                     ipm_member_text(group, "provenance"));
        begin(out, "Least power by rate", heads, sizeof(heads) / sizeof(heads[0]));
        json_array_foreach(json_object_get(group, "cheapest"), k, row)
        {
            char from[FIGURE];
            ipm_html_put(out,
                         "<tr><th scope=\"row\">%s</th><td>%s</td><td "
                         "class=\"n\">%s</td></tr>\n",
                         ipm_member_text(row, "mechanism"),
                         ipm_member_text(row, "wait"),
                         figure(from, json_object_get(row, "from")));
        }
        end(out);
    }
}

void ipm_html_energy_model(FILE *out, const json_t *report)
{
    size_t i;
    size_t k;
    const json_t *model;
    const json_t *cell;
    json_array_foreach(json_object_get(report, "models"), i, model)
    {
        if (strcmp(ipm_member_text(model, "name"), "energy") != 0)
            continue;
        json_array_foreach(json_object_get(model, "cells"), k, cell)
            put_cell(out, cell);
        put_crossovers(out, model);
        put_hours(out, model);
    }
}
