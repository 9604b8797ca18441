/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

/* A cell for people that a script can sort. */
static void put_cell(FILE *out, double value, const char *format, double shown)
{
    char text[IPM_UNITS_TEXT];
    (void)snprintf(text, sizeof(text), "%.4g", shown);
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, value);
    ipm_html_put(out, "\">%s%s</td>", isnan(value) ? "-" : text,
                 isnan(value) ? "" : format);
}

static void put_number(FILE *out, double value)
{
    put_cell(out, value, "", value);
}

static void put_size(FILE *out, double bytes)
{
    char text[IPM_UNITS_TEXT];
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, bytes);
    ipm_html_put(out, "\">%s</td>",
                 isnan(bytes) ? "-" : ipm_format_size(text, (int64_t)bytes));
}

static void put_interval(FILE *out, const json_t *interval)
{
    put_number(out, ipm_member_number(interval, "value"));
    put_number(out, ipm_member_number(interval, "low"));
    put_number(out, ipm_member_number(interval, "high"));
}

static void open_table(FILE *out, const char *summary, const char *const *heads)
{
    ipm_html_put(out,
                 "<details>\n<summary>%s</summary>\n<div class=\"box tall\" "
                 "tabindex=\"0\" role=\"group\" aria-label=\"%s\">\n<table "
                 "class=\"sortable\">\n<thead><tr>",
                 summary, summary);
    for (; *heads != NULL; heads++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", *heads);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
}

static void close_table(FILE *out)
{
    (void)fputs("</tbody>\n</table>\n</div>\n</details>\n", out);
}

static void put_tests(FILE *out, const json_t *series)
{
    static const char *const heads[] = {
        "from",          "to",      "copies by slope", "low", "high", "rest, ns",
        "lack of fit p", "verdict", "reason",          NULL};
    const json_t *tests = json_object_get(series, "tests");
    size_t i;
    json_t *test;
    if (json_array_size(tests) == 0)
        return;
    open_table(out, "How many copies, by ranges of sizes", heads);
    json_array_foreach(tests, i, test)
    {
        (void)fputs("<tr>", out);
        put_size(out, ipm_member_number(test, "from"));
        put_size(out, ipm_member_number(test, "to"));
        put_interval(out, json_object_get(test, "copies"));
        put_number(out, ipm_member_number(json_object_get(test, "constant"), "value"));
        put_number(out, ipm_member_number(json_object_get(test, "lack_of_fit"), "p"));
        ipm_html_put(out, "<td>%s</td><td class=\"t\">%s</td></tr>\n",
                     ipm_member_text(test, "verdict"), ipm_member_text(test, "reason"));
    }
    close_table(out);
}

static void put_pieces(FILE *out, const json_t *series)
{
    static const char *const heads[] = {
        "from",       "to",  "ns per byte", "low",         "high",
        "ns at from", "low", "high",        "begins with", NULL};
    const json_t *breaks = json_object_get(series, "breaks");
    size_t i;
    json_t *piece;
    open_table(out, "Straight pieces", heads);
    json_array_foreach(json_object_get(series, "pieces"), i, piece)
    {
        const json_t *before = i == 0 ? NULL : json_array_get(breaks, i - 1);
        (void)fputs("<tr>", out);
        put_size(out, ipm_member_number(piece, "from"));
        put_size(out, ipm_member_number(piece, "to"));
        put_interval(out, json_object_get(piece, "slope"));
        put_interval(out, json_object_get(piece, "level"));
        ipm_html_put(out, "<td class=\"t\">%s %s</td></tr>\n",
                     ipm_member_text(before, "kind"), ipm_member_text(before, "name"));
    }
    close_table(out);
}

static void put_points(FILE *out, const json_t *series)
{
    static const char *const heads[] = {"size",          "time, ns", "n", "left out",
                                        "predicted, ns", "residual", NULL};
    size_t i;
    json_t *point;
    open_table(out, "What it was fitted to, and what it leaves", heads);
    json_array_foreach(json_object_get(series, "points"), i, point)
    {
        double residual = ipm_member_number(point, "residual");
        (void)fputs("<tr>", out);
        put_size(out, ipm_member_number(point, "size"));
        put_number(out, ipm_member_number(point, "time_ns"));
        put_number(out, ipm_member_number(point, "n"));
        put_number(out, ipm_member_number(point, "rejected"));
        put_number(out, ipm_member_number(point, "predicted_ns"));
        put_cell(out, residual, " %", 100 * residual);
        (void)fputs("</tr>\n", out);
    }
    close_table(out);
}

static void put_series(FILE *out, const json_t *series)
{
    const char *verdict = ipm_member_text(series, "verdict");
    const char *reason = ipm_member_text(series, "verdict_reason");
    const char *options = ipm_member_text(series, "options");
    bool fitted = strcmp(ipm_member_text(series, "status"), "fitted") == 0;
    ipm_html_put(
        out,
        "<h4>%s, %s, %s, wait %s, touch %s%s%s: ", ipm_member_text(series, "mechanism"),
        ipm_member_text(series, "workload"), ipm_member_text(series, "placement"),
        ipm_member_text(series, "wait"), ipm_member_text(series, "touch"),
        options[0] == '\0' ? "" : ", ", options);
    if (!fitted) {
        ipm_html_put(out, "<span class=\"warn\">%s</span></h4>\n<p>%s</p>\n",
                     ipm_member_text(series, "status"),
                     ipm_member_text(series, "reason"));
        return;
    }
    (void)fputs("declared copies ", out);
    ipm_html_value(out, json_object_get(json_object_get(series, "declared"), "copies"));
    ipm_html_put(out, ", <span class=\"%s\">%s</span></h4>\n",
                 strcmp(verdict, "confirmed") == 0 ? "ok" : "warn", verdict);
    if (reason[0] != '\0')
        ipm_html_put(out, "<p>%s</p>\n", reason);
    put_tests(out, series);
    put_pieces(out, series);
    put_points(out, series);
}

void ipm_html_time(FILE *out, const json_t *model)
{
    const char *status = ipm_member_text(model, "status");
    const char *reason = ipm_member_text(model, "reason");
    const json_t *list = json_object_get(model, "series");
    size_t i;
    json_t *series;
    ipm_html_put(out, "<h3>Model time: <span class=\"%s\">%s</span></h3>\n",
                 strcmp(status, "fitted") == 0 ? "ok" : "warn", status);
    if (reason[0] != '\0')
        ipm_html_put(out, "<p>%s</p>\n", reason);
    if (json_array_size(list) == 0)
        return;
    (void)fputs("<pre>", out);
    const json_t *equation = json_array_get(json_object_get(model, "equations"), 0);
    ipm_html_text(out, json_is_string(equation) ? json_string_value(equation) : "");
    (void)fputs("</pre>\n", out);
    json_array_foreach(list, i, series) put_series(out, series);
}
