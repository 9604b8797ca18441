/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/contest_json.h"
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A figure with its interval, in the unit that the contest has. */
static void put_figure(FILE *out, const json_t *entrant, const char *unit)
{
    char value[IPM_UNITS_TEXT];
    double number = ipm_member_number(entrant, "value");
    bool time = strcmp(unit, "ns") == 0;
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, number);
    if (time)
        (void)ipm_format_ns(value, number);
    else
        (void)ipm_format_count(value, number);
    ipm_html_put(out, "\">%s%s%s</td>", value, time ? "" : " ", time ? "" : unit);
}

static void put_name(FILE *out, const json_t *entrant)
{
    ipm_auto_free char *text = NULL;
    size_t length = 0;
    FILE *name = json_is_object(entrant) ? open_memstream(&text, &length) : NULL;
    if (name != NULL) {
        ipm_entrant_name(entrant, name);
        (void)fclose(name);
    }
    ipm_html_put(out, "<td class=\"t\">%s</td>", text == NULL ? "-" : text);
}

static void put_lead(FILE *out, const json_t *second)
{
    const json_t *behind = json_object_get(second, "behind");
    double ratio = ipm_member_number(behind, "ratio");
    double low = ipm_member_number(behind, "low");
    char text[96] = "-";
    if (!isnan(ratio) && isnan(low))
        (void)snprintf(text, sizeof(text), "%.3g [?]", ratio);
    else if (!isnan(ratio))
        (void)snprintf(text, sizeof(text), "%.3g [%.3g, %.3g]", ratio, low,
                       ipm_member_number(behind, "high"));
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, ratio);
    ipm_html_put(out, "\">%s</td>", text);
}

static void put_row(FILE *out, const json_t *cell, const json_t *contest)
{
    const char *const words[] = {
        ipm_member_text(cell, "workload"), ipm_member_text(cell, "placement"),
        ipm_member_text(cell, "touch"),    ipm_member_text(cell, "rate"),
        ipm_member_text(cell, "traffic"),  ipm_member_text(contest, "field")};
    char size[IPM_UNITS_TEXT] = "-";
    double bytes = ipm_member_number(cell, "size");
    const char *provenance = ipm_member_text(contest, "provenance");
    if (!isnan(bytes))
        (void)ipm_format_size(size, (int64_t)bytes);
    ipm_html_put(out, "<tr><th scope=\"row\">%s%s%s</th><td class=\"n\" data-v=\"",
                 ipm_member_text(contest, "by"), provenance[0] == '\0' ? "" : ", ",
                 provenance);
    ipm_html_number(out, bytes);
    ipm_html_put(out, "\">%s</td>", size);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        ipm_html_put(out, "<td>%s</td>", words[i][0] == '\0' ? "-" : words[i]);
    ipm_html_put(out, "<td>%s", ipm_member_text(contest, "verdict"));
    size_t tied = json_array_size(json_object_get(contest, "tied"));
    if (tied > 0)
        ipm_html_put(out, " of %zu", tied);
    (void)fputs("</td>", out);
    put_name(out, json_object_get(contest, "best"));
    put_figure(out, json_object_get(contest, "best"), ipm_member_text(contest, "unit"));
    put_name(out, json_object_get(contest, "runner_up"));
    put_lead(out, json_object_get(contest, "runner_up"));
    (void)fputs("</tr>\n", out);
}

void ipm_html_winners(FILE *out, const json_t *report)
{
    static const char *const heads[] = {"by",
                                        "size",
                                        "workload",
                                        "placement",
                                        "touch",
                                        "rate",
                                        "traffic",
                                        "among waits",
                                        "verdict",
                                        "best",
                                        "figure",
                                        "runner-up",
                                        "times the best's cost"};
    const json_t *winners = json_object_get(report, "winners");
    const json_t *cells = json_object_get(winners, "cells");
    size_t i;
    size_t k;
    const json_t *cell;
    const json_t *contest;
    if (json_array_size(cells) == 0) {
        (void)fputs("<p class=\"absent\">Nothing was measured that could be compared."
                    "</p>\n",
                    out);
        return;
    }
    (void)fputs(
        "<p>Compared are points of which the same was asked. A winner is ahead of all "
        "others by more than 5 % and beyond the interval of the ratio; else it is a "
        "tie, "
        "whose ids <code>report.json</code> lists. Who spins keeps a CPU busy while it "
        "waits: those that sleep have contests of their own.</p>\n"
        "<div class=\"box tall\" tabindex=\"0\" role=\"group\" "
        "aria-label=\"Winners\">\n"
        "<table class=\"points sortable\">\n<thead><tr>",
        out);
    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", heads[i]);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
    json_array_foreach(cells, i, cell)
    {
        json_array_foreach(json_object_get(cell, "contests"), k, contest)
            put_row(out, cell, contest);
    }
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
}
