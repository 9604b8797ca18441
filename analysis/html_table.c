/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html_table.h"

#include "analysis/html.h"
#include "analysis/stats.h"
#include "analysis/text.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

/* Factors without a column of their own, which say something where they differ. */
static const char *const others[] = {"depth", "batch", "reply_size", "policy", "rate"};
enum { OTHERS = sizeof(others) / sizeof(others[0]) };

struct layout {
    const struct ipm_html_column *columns;
    size_t n_columns;
    bool shown[IPM_HTML_COLUMNS];
    bool differs[OTHERS];
    bool other;      /* any of these, or an option */
    json_t *reasons; /* why intervals are missing, each once */
};

static const json_t *figure_of(const json_t *point, const char *name)
{
    return json_object_get(json_object_get(point, "figures"), name);
}

/* ", depth 64"; nothing of a reply that is as long as the message, which is usual. */
static const char *put_factor(FILE *out, const json_t *point, const char *name,
                              const char *separator)
{
    const json_t *value = json_object_get(point, name);
    if (strcmp(name, "reply_size") == 0 && json_integer_value(value) < 0)
        return separator;
    ipm_html_put(out, "%s%s ", separator, name);
    ipm_html_value(out, value);
    return ", ";
}

/* What the points of a table have between them. */
static void look_at(struct layout *layout, const json_t *points)
{
    size_t i;
    json_t *point;
    const json_t *first = json_array_get(points, 0);
    json_array_foreach(points, i, point)
    {
        for (size_t k = 0; k < layout->n_columns; k++)
            layout->shown[k] =
                layout->shown[k] || figure_of(point, layout->columns[k].figure) != NULL;
        for (size_t k = 0; k < OTHERS; k++) {
            layout->differs[k] =
                layout->differs[k] || !json_equal(json_object_get(point, others[k]),
                                                  json_object_get(first, others[k]));
            layout->other = layout->other || layout->differs[k];
        }
        layout->other = layout->other || ipm_member_text(point, "options")[0] != '\0';
    }
}

static void put_heads(FILE *out, const struct layout *layout)
{
    static const char *const heads[] = {"mechanism", "workload",  "size", "copies",
                                        "wait",      "placement", "touch"};
    (void)fputs("<thead><tr>", out);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", heads[i]);
    if (layout->other)
        (void)fputs("<th scope=\"col\">other</th>", out);
    for (size_t i = 0; i < layout->n_columns; i++) {
        if (layout->shown[i])
            ipm_html_put(out, "<th scope=\"col\" class=\"n\">%s</th>",
                         layout->columns[i].head);
    }
    (void)fputs("<th scope=\"col\">time of</th><th scope=\"col\">invocations</th>"
                "</tr></thead>\n",
                out);
}

static void put_words(FILE *out, const char *text)
{
    ipm_html_put(out, "<td class=\"w\">%s</td>", text[0] == '\0' ? "-" : text);
}

static void put_size(FILE *out, const json_t *point)
{
    const json_t *size = json_object_get(point, "size");
    char text[IPM_UNITS_TEXT];
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, ipm_member_number(point, "size"));
    ipm_html_put(out, "\">%s</td>",
                 json_is_integer(size) ? ipm_format_size(text, json_integer_value(size))
                                       : "-");
}

static void put_copies(FILE *out, const json_t *point)
{
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, ipm_member_number(point, "copies"));
    (void)fputs("\">", out);
    ipm_html_value(out, json_object_get(point, "copies"));
    (void)fputs("</td>", out);
}

/* The class is what "nearest_core" or two CPU numbers mean on this machine. */
static void put_placement(FILE *out, const json_t *point)
{
    const char *placement = ipm_member_text(point, "placement");
    const char *class = ipm_member_text(point, "placement_class");
    ipm_html_put(out, "<td class=\"w\">%s", placement[0] == '\0' ? "-" : placement);
    if (class[0] != '\0' && strcmp(class, placement) != 0)
        ipm_html_put(out, " <small>%s</small>", class);
    (void)fputs("</td>", out);
}

static void put_other(FILE *out, const json_t *point, const struct layout *layout)
{
    const char *options = ipm_member_text(point, "options");
    const char *separator = "";
    if (!layout->other)
        return;
    (void)fputs("<td class=\"t\">", out);
    for (size_t i = 0; i < OTHERS; i++) {
        if (layout->differs[i])
            separator = put_factor(out, point, others[i], separator);
    }
    if (options[0] != '\0')
        ipm_html_put(out, "%s%s", separator, options);
    (void)fputs("</td>", out);
}

/* The value as text, and the interval in the same unit; "" when there is none. */
static void figure_text(const json_t *figure, enum ipm_html_kind kind, char value[],
                        char interval[])
{
    char text[IPM_ESTIMATE_TEXT];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    struct ipm_estimate estimate = {.value = ipm_member_number(figure, "value"),
                                    .low = ipm_member_number(figure, "low"),
                                    .high = ipm_member_number(figure, "high")};
    interval[0] = '\0';
    if (kind == IPM_HTML_TIME) {
        char *bracket = strchr(ipm_estimate_text(text, &estimate), '[');
        if (bracket != NULL) {
            (void)snprintf(interval, IPM_ESTIMATE_TEXT, "%s", bracket);
            bracket[-1] = '\0';
        }
        (void)snprintf(value, IPM_ESTIMATE_TEXT, "%s", text);
        return;
    }
    (void)snprintf(value, IPM_ESTIMATE_TEXT, "%s%s",
                   ipm_format_count(low, estimate.value),
                   kind == IPM_HTML_BYTE_RATE && !isnan(estimate.value) ? "B/s" : "");
    if (!isnan(estimate.low))
        (void)snprintf(interval, IPM_ESTIMATE_TEXT, "[%s, %s]",
                       ipm_format_count(low, estimate.low),
                       ipm_format_count(high, estimate.high));
    else if (!isnan(estimate.value))
        (void)snprintf(interval, IPM_ESTIMATE_TEXT, "[?]");
}

/* An interval that has no room stands in the tip, as does why there is none. */
static void put_figure(FILE *out, const json_t *point,
                       const struct ipm_html_column *column, struct layout *layout)
{
    const json_t *figure = figure_of(point, column->figure);
    const char *reason = ipm_member_text(figure, "reason");
    const char *provenance = ipm_member_text(figure, "provenance");
    char value[IPM_ESTIMATE_TEXT];
    char interval[IPM_ESTIMATE_TEXT];
    figure_text(figure, column->kind, value, interval);
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, ipm_member_number(figure, "value"));
    ipm_html_put(out, "\" title=\"%s%s%s\">%s", interval, reason[0] == '\0' ? "" : " ",
                 reason, value);
    if (strcmp(column->figure, "p99_ns") == 0 &&
        strcmp(ipm_member_text(point, "sample"), "batch") == 0)
        (void)fputs(" *", out);
    if (strcmp(column->figure, "p50_ns") == 0 &&
        json_is_true(json_object_get(json_object_get(point, "overhead"), "bound")))
        (void)fputs(" ~", out);
    if (column->interval && interval[0] != '\0')
        ipm_html_put(out, " <small>%s</small>", interval);
    if (provenance[0] != '\0')
        ipm_html_put(out, " <small>%s</small>", provenance);
    (void)fputs("</td>", out);
    if (reason[0] != '\0')
        (void)json_object_set_new(layout->reasons, reason, json_true());
}

/* How many runs stand behind the times, and what befell others of the point. */
static void put_invocations(FILE *out, const json_t *point)
{
    static const char *const sorts[] = {"failed", "invalid", "skipped"};
    const json_t *passes = json_object_get(point, "passes");
    const char *pass;
    json_t *counts;
    (void)fputs("<td class=\"w\" data-v=\"", out);
    ipm_html_number(out, ipm_member_number(json_object_get(passes, "timing"), "ok"));
    (void)fputs("\">", out);
    const char *separator = "";
    json_object_foreach((json_t *)passes, pass, counts)
    {
        ipm_html_put(out, "%s%s ", separator, pass);
        ipm_html_value(out, json_object_get(counts, "ok"));
        for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++) {
            json_int_t n = json_integer_value(json_object_get(counts, sorts[i]));
            if (n > 0)
                ipm_html_put(out, " (%zu %s)", (size_t)n, sorts[i]);
        }
        separator = ", ";
    }
    json_int_t changed = json_integer_value(json_object_get(point, "regime_changed"));
    if (changed > 0)
        ipm_html_put(out, ", %zu while the machine changed", (size_t)changed);
    json_int_t slow = json_integer_value(json_object_get(point, "slow_core"));
    json_int_t aside = json_integer_value(json_object_get(point, "set_aside"));
    if (slow > 0)
        ipm_html_put(out, ", %zu on a slow core (%zu set aside)", (size_t)slow,
                     (size_t)aside);
    json_int_t unsteady = json_integer_value(
        json_object_get(json_object_get(point, "steady"), "no_steady_state"));
    if (unsteady > 0)
        ipm_html_put(out, ", %zu not steady", (size_t)unsteady);
    (void)fputs("</td>", out);
}

static void put_row(FILE *out, const json_t *point, struct layout *layout)
{
    ipm_html_put(out, "<tr><th scope=\"row\">%s</th>",
                 ipm_member_text(point, "mechanism"));
    put_words(out, ipm_member_text(point, "workload"));
    put_size(out, point);
    put_copies(out, point);
    put_words(out, ipm_member_text(point, "wait"));
    put_placement(out, point);
    put_words(out, ipm_member_text(point, "touch"));
    put_other(out, point, layout);
    for (size_t i = 0; i < layout->n_columns; i++) {
        if (layout->shown[i])
            put_figure(out, point, &layout->columns[i], layout);
    }
    put_words(out, ipm_member_text(point, "sample"));
    put_invocations(out, point);
    (void)fputs("</tr>\n", out);
}

static void put_notes(FILE *out, const json_t *points, const struct layout *layout)
{
    const json_t *first = json_array_get(points, 0);
    const char *reason;
    json_t *ignored;
    (void)fputs(
        "<p class=\"soft\">Times are medians over invocations, p99 that of all "
        "their messages together, [...] a 95 % interval. * no tail: several are "
        "timed at once, as one alone is too short. ~ more than a tenth of it is "
        "the clock's and the loop's own time.",
        out);
    const char *separator = " The same everywhere: ";
    for (size_t i = 0; i < OTHERS; i++) {
        if (!layout->differs[i])
            separator = put_factor(out, first, others[i], separator);
    }
    (void)fputs(separator[0] == ',' ? ".</p>\n" : "</p>\n", out);
    if (json_object_size(layout->reasons) == 0)
        return;
    (void)fputs("<p class=\"soft\">[?] or - stands where there is none:</p>\n"
                "<ul class=\"plain soft\">\n",
                out);
    json_object_foreach(layout->reasons, reason, ignored)
        ipm_html_put(out, "<li>%s</li>\n", reason);
    (void)fputs("</ul>\n", out);
}

void ipm_html_points_table(FILE *out, const json_t *points,
                           const struct ipm_html_table *table)
{
    struct layout layout = {.columns = table->columns,
                            .n_columns = table->n_columns < IPM_HTML_COLUMNS
                                             ? table->n_columns
                                             : (size_t)IPM_HTML_COLUMNS,
                            .reasons = json_object()};
    size_t i;
    json_t *point;
    look_at(&layout, points);
    ipm_html_put(out,
                 "<div class=\"box tall%s\" tabindex=\"0\" role=\"group\" "
                 "aria-label=\"%s\">\n<table class=\"points sortable\">\n",
                 table->searched ? " searched" : "", table->label);
    put_heads(out, &layout);
    (void)fputs("<tbody>\n", out);
    json_array_foreach(points, i, point) put_row(out, point, &layout);
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
    put_notes(out, points, &layout);
    json_decref(layout.reasons);
}
