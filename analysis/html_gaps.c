/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <stdbool.h>
#include <string.h>

/* A longer list is shut at first. */
enum { OPEN_ROWS = 24 };

static void open_list(FILE *out, const char *title, size_t n)
{
    (void)fputs(n <= OPEN_ROWS ? "<details open=\"open\">\n" : "<details>\n", out);
    ipm_html_put(out,
                 "<summary>%s: %zu</summary>\n<div class=\"box tall\" tabindex=\"0\" "
                 "role=\"group\" aria-label=\"%s\">\n<table class=\"sortable\">\n",
                 title, n, title);
}

static void close_list(FILE *out)
{
    (void)fputs("</tbody>\n</table>\n</div>\n</details>\n", out);
}

static void put_value(FILE *out, const json_t *row, const char *key)
{
    (void)fputs("<td class=\"w\">", out);
    ipm_html_value(out, json_object_get(row, key));
    (void)fputs("</td>", out);
}

static const char *const factors[] = {"workload",  "size",  "copies", "wait",
                                      "placement", "touch", "rate"};
enum { FACTORS = sizeof(factors) / sizeof(factors[0]) };

/* Whether two rows tell the same, but for the pass and the invocation. */
static bool same(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"mechanism", "options", "phase", "reason",
                                       "point",     "sweep",   "depth", "batch"};
    bool equal = true;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *one = json_object_get(a, keys[i]);
        const json_t *other = json_object_get(b, keys[i]);
        equal = equal && (one == other || json_equal(one, other));
    }
    for (size_t i = 0; i < FACTORS; i++)
        equal = equal && json_equal(json_object_get(a, factors[i]),
                                    json_object_get(b, factors[i]));
    return equal;
}

/* How often row @at is told from there on; 0: an earlier row told it. */
static size_t times_told(const json_t *rows, size_t at)
{
    const json_t *row = json_array_get(rows, at);
    size_t n = 0;
    size_t i;
    json_t *other;
    json_array_foreach(rows, i, other)
    {
        if (!same(row, other))
            continue;
        if (i < at)
            return 0;
        n++;
    }
    return n;
}

/* Rows of the plan have a sweep, those of the records a line. */
static void put_where(FILE *out, const json_t *row, size_t n)
{
    (void)fputs("<td>", out);
    if (json_object_get(row, "line") == NULL) {
        ipm_html_put(out, "sweep %s", ipm_member_text(row, "sweep"));
    } else {
        ipm_html_put(out, "%s, line ", ipm_member_text(row, "pass"));
        ipm_html_value(out, json_object_get(row, "line"));
    }
    if (n > 1)
        ipm_html_put(out, ", and %zu more", n - 1);
    (void)fputs("</td>", out);
}

static void put_size(FILE *out, const json_t *row)
{
    const json_t *size = json_object_get(row, "size");
    char text[IPM_UNITS_TEXT];
    (void)fputs("<td class=\"w\" data-v=\"", out);
    ipm_html_number(out, ipm_member_number(row, "size"));
    ipm_html_put(out, "\">%s</td>",
                 json_is_integer(size) ? ipm_format_size(text, json_integer_value(size))
                                       : "-");
}

static void put_row(FILE *out, const json_t *row, size_t n)
{
    const char *phase = ipm_member_text(row, "phase");
    const char *reason = ipm_member_text(row, "reason");
    ipm_html_put(out, "<tr><th scope=\"row\">%s</th>",
                 ipm_member_text(row, "mechanism"));
    for (size_t i = 0; i < FACTORS; i++) {
        if (strcmp(factors[i], "size") == 0)
            put_size(out, row);
        else
            put_value(out, row, factors[i]);
    }
    put_where(out, row, n);
    ipm_html_put(out, "<td class=\"t\">%s%s%s</td></tr>\n", phase,
                 phase[0] == '\0' ? "" : ": ",
                 reason[0] == '\0' ? "no reason is recorded" : reason);
}

static void put_rows(FILE *out, const json_t *rows, const char *title)
{
    size_t i;
    json_t *row;
    if (json_array_size(rows) == 0)
        return;
    open_list(out, title, json_array_size(rows));
    (void)fputs("<thead><tr><th scope=\"col\">mechanism</th>", out);
    for (size_t k = 0; k < FACTORS; k++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", factors[k]);
    (void)fputs(
        "<th scope=\"col\">where</th><th scope=\"col\">reason</th></tr></thead>\n"
        "<tbody>\n",
        out);
    json_array_foreach(rows, i, row)
    {
        size_t n = times_told(rows, i);
        if (n > 0)
            put_row(out, row, n);
    }
    close_list(out);
}

static void put_bad_lines(FILE *out, const json_t *lines)
{
    size_t i;
    json_t *line;
    if (json_array_size(lines) == 0)
        return;
    open_list(out, "Lines of records.jsonl that are no record", json_array_size(lines));
    (void)fputs("<thead><tr><th scope=\"col\">line</th><th scope=\"col\">reason</th>"
                "</tr></thead>\n<tbody>\n",
                out);
    json_array_foreach(lines, i, line)
    {
        (void)fputs("<tr>", out);
        put_value(out, line, "line");
        ipm_html_put(out, "<td class=\"t\">%s</td></tr>\n",
                     ipm_member_text(line, "reason"));
    }
    close_list(out);
}

static void put_unavailable(FILE *out, const json_t *metrics)
{
    const char *name;
    json_t *metric;
    if (json_object_size(metrics) == 0)
        return;
    open_list(out, "Metrics that no invocation has", json_object_size(metrics));
    (void)fputs("<thead><tr><th scope=\"col\">metric</th><th scope=\"col\">reason</th>"
                "</tr></thead>\n<tbody>\n",
                out);
    json_object_foreach((json_t *)metrics, name, metric)
        ipm_html_put(out, "<tr><th scope=\"row\">%s</th><td class=\"t\">%s</td></tr>\n",
                     name, ipm_member_text(metric, "reason"));
    close_list(out);
}

/* Passes that this machine cannot make: nothing in the records shows them.
 * Return: whether there are any. */
static bool put_passes(FILE *out, const json_t *passes)
{
    size_t i;
    json_t *pass;
    bool any = false;
    json_array_foreach(passes, i, pass)
    {
        if (json_is_true(json_object_get(pass, "available")))
            continue;
        if (!any)
            (void)fputs("<h3>Passes that are not available here</h3>\n<ul "
                        "class=\"plain\">\n",
                        out);
        any = true;
        const char *reason = ipm_member_text(pass, "reason");
        ipm_html_put(out, "<li>%s: %s</li>\n", ipm_member_text(pass, "name"),
                     reason[0] == '\0' ? "no reason is recorded" : reason);
    }
    if (any)
        (void)fputs("</ul>\n", out);
    return any;
}

void ipm_html_gaps(FILE *out, const json_t *report)
{
    static const struct {
        const char *key, *title;
    } lists[] = {
        {"failures", "Invocations that failed"},
        {"invalid", "Invocations that a later try replaced"},
        {"skips", "Combinations that cannot be"},
        {"dropped", "Points dropped to keep the budget"},
    };
    size_t n = json_array_size(json_object_get(report, "bad_lines")) +
               json_object_size(json_object_get(report, "unavailable"));
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const json_t *rows = json_object_get(report, lists[i].key);
        n += json_array_size(rows);
        put_rows(out, rows, lists[i].title);
    }
    put_bad_lines(out, json_object_get(report, "bad_lines"));
    put_unavailable(out, json_object_get(report, "unavailable"));
    if (!put_passes(out, json_object_get(report, "passes")) && n == 0)
        (void)fputs("<p>Nothing: every planned point was measured, with every metric."
                    "</p>\n",
                    out);
}
