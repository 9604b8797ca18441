/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_text.h"

#include "analysis/member.h"
#include "analysis/text.h"
#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { LINE = 512, FIGURE = 96 };

static const char *figure(char out[FIGURE], const json_t *json)
{
    double value = ipm_member_number(json, "value");
    double low = ipm_member_number(json, "low");
    double high = ipm_member_number(json, "high");
    if (isnan(value))
        (void)snprintf(out, FIGURE, "-");
    else if (!isnan(low) && !isnan(high))
        (void)snprintf(out, FIGURE, "%.3g [%.3g, %.3g]", value, low, high);
    else if (isnan(low) && isnan(high))
        (void)snprintf(out, FIGURE, "%.3g, without an interval", value);
    else
        (void)snprintf(out, FIGURE, "%.3g, at %s %.3g", value,
                       isnan(low) ? "most" : "least", isnan(low) ? high : low);
    return out;
}

static void put(FILE *out, int indent, const char *line)
{
    (void)fprintf(out, "%*s", indent, "");
    ipm_text_wrap(out, indent, line);
}

static void put_parameter(FILE *out, const json_t *parameter)
{
    char line[LINE];
    char value[FIGURE];
    if (json_is_null(json_object_get(parameter, "value")))
        (void)snprintf(line, sizeof(line), "%s  %s", ipm_member_text(parameter, "name"),
                       ipm_member_text(parameter, "reason"));
    else
        (void)snprintf(line, sizeof(line), "%s = %s %s, %s",
                       ipm_member_text(parameter, "name"), figure(value, parameter),
                       ipm_member_text(parameter, "unit"),
                       ipm_member_text(parameter, "provenance"));
    put(out, 4, line);
}

static void put_cell(FILE *out, const json_t *cell)
{
    char line[LINE];
    char value[FIGURE];
    size_t i;
    const json_t *row;
    (void)snprintf(line, sizeof(line), "%s, %s, %s, %s: %s%s%s",
                   ipm_member_text(cell, "mechanism"), ipm_member_text(cell, "wait"),
                   ipm_member_text(cell, "domain"), ipm_member_text(cell, "provenance"),
                   ipm_member_text(cell, "status"),
                   ipm_member_text(cell, "reason")[0] != '\0' ? ": " : "",
                   ipm_member_text(cell, "reason"));
    put(out, 2, line);
    const json_t *sum = json_object_get(cell, "sum");
    bool fitted = strcmp(ipm_member_text(cell, "status"), "fitted") == 0;
    if (fitted) {
        json_array_foreach(json_object_get(cell, "parameters"), i, row)
            put_parameter(out, row);
    } else if (strcmp(ipm_member_text(cell, "status"), "sum_only") == 0 &&
               !isnan(ipm_member_number(sum, "value"))) {
        (void)snprintf(line, sizeof(line),
                       "sum only: %s = %s uJ at %.3g switches a "
                       "message, %s",
                       ipm_member_text(sum, "name"), figure(value, sum),
                       ipm_member_number(sum, "switches_per_message"),
                       ipm_member_text(sum, "provenance"));
        put(out, 4, line);
    }
    json_array_foreach(json_object_get(cell, "checks"), i, row)
    {
        (void)snprintf(line, sizeof(line), "%-14s %s: %s", ipm_member_text(row, "name"),
                       ipm_member_text(row, "status"), ipm_member_text(row, "reason"));
        put(out, 4, line);
    }
}

static void put_hours(FILE *out, const json_t *document)
{
    const json_t *battery = json_object_get(document, "battery");
    double base_w = ipm_member_number(battery, "base_power_w");
    char given[FIGURE] = "what the meter showed at rest";
    size_t i;
    const json_t *row;
    if (!json_is_object(battery))
        return;
    if (!isnan(base_w))
        (void)snprintf(given, sizeof(given), "%.4g W", base_w);
    (void)fprintf(out, "\nA battery of %.4g Wh, base power %s:\n\n",
                  ipm_member_number(battery, "battery_wh"), given);
    (void)fprintf(out, "%-16s %-10s %8s %-15s %-12s %10s %-26s %s\n", "mechanism",
                  "workload", "size", "wait", "placement", "messages/s", "hours",
                  "whose joules");
    json_array_foreach(json_object_get(document, "curve"), i, row)
    {
        char size[IPM_UNITS_TEXT];
        char hours[FIGURE];
        char line[LINE];
        (void)snprintf(
            line, sizeof(line), "%-16s %-10s %8s %-15s %-12s %10.4g %-26s %s %s",
            ipm_member_text(row, "mechanism"), ipm_member_text(row, "workload"),
            ipm_format_size(size, (int64_t)ipm_member_number(row, "size")),
            ipm_member_text(row, "wait"), ipm_member_text(row, "placement"),
            ipm_member_number(json_object_get(row, "messages_per_s"), "value"),
            figure(hours, json_object_get(row, "hours")),
            ipm_member_text(row, "domain"), ipm_member_text(row, "provenance"));
        ipm_text_put(out, line);
        (void)fputc('\n', out);
    }
}

/* From where on something is the cheapest.  Lines whose difference in slope may be 0 have an
 * interval without an end, or none (Fieller). */
static void crossover(char out[FIGURE], const json_t *from)
{
    double value = ipm_member_number(from, "value");
    double low = ipm_member_number(from, "low");
    double high = ipm_member_number(from, "high");
    if (!isnan(low) && !isnan(high))
        (void)snprintf(out, FIGURE, " from %.3g [%.3g, %.3g] messages/s on", value, low,
                       high);
    else if (isnan(low) && isnan(high))
        (void)snprintf(out, FIGURE,
                       " perhaps from %.3g messages/s on: the lines are not told apart",
                       value);
    else
        (void)snprintf(out, FIGURE, " from %.3g messages/s on, %s %.3g", value,
                       isnan(low) ? "at most" : "at least", isnan(low) ? high : low);
}

static void put_crossovers(FILE *out, const json_t *document)
{
    size_t i;
    size_t k;
    const json_t *group;
    const json_t *row;
    json_array_foreach(json_object_get(document, "crossovers"), i, group)
    {
        char line[LINE];
        char size[IPM_UNITS_TEXT];
        (void)snprintf(
            line, sizeof(line),
            "Least power, %s of %s, %s, %.4g to %.4g messages/s, %s, %s:",
            ipm_member_text(group, "workload"),
            ipm_format_size(size, (int64_t)ipm_member_number(group, "size")),
            ipm_member_text(group, "placement"), ipm_member_number(group, "low_per_s"),
            ipm_member_number(group, "high_per_s"), ipm_member_text(group, "domain"),
            ipm_member_text(group, "provenance"));
        put(out, 2, line);
        json_array_foreach(json_object_get(group, "cheapest"), k, row)
        {
            char words[FIGURE] = "";
            if (json_is_true(json_object_get(row, "crossover")))
                crossover(words, json_object_get(row, "from"));
            (void)snprintf(line, sizeof(line), "%s, %s%s",
                           ipm_member_text(row, "mechanism"),
                           ipm_member_text(row, "wait"), words);
            put(out, 4, line);
        }
    }
}

void ipm_energy_model_text(const json_t *document, FILE *out)
{
    size_t i;
    const json_t *cell;
    const json_t *cells = json_object_get(document, "cells");
    if (json_array_size(cells) == 0)
        return;
    (void)fputs(
        "Energy of a switch, a message and a byte: P = P_idle + E_cs.local s_l + "
        "E_cs.wake s_w\n+ e0 m + e1 b over measured rates [95 % interval]\n\n",
        out);
    json_array_foreach(cells, i, cell) put_cell(out, cell);
    put_crossovers(out, document);
    put_hours(out, document);
    (void)fputc('\n', out);
}
