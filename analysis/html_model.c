/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

static void put_absent(FILE *out, const char *what, const char *reason)
{
    ipm_html_put(out, "<p class=\"absent\">%s%s%s.</p>\n", what,
                 reason[0] == '\0' ? "" : ": ", reason);
}

/* A cell for people that a script can sort. */
static void put_cell(FILE *out, double value, const char *text)
{
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, value);
    ipm_html_put(out, "\">%s</td>", isnan(value) ? "-" : text);
}

static void put_number(FILE *out, double value)
{
    char text[IPM_UNITS_TEXT];
    (void)snprintf(text, sizeof(text), "%.4g", value);
    put_cell(out, value, text);
}

static void put_percent(FILE *out, double share)
{
    char text[IPM_UNITS_TEXT];
    (void)snprintf(text, sizeof(text), "%+.1f %%", 100 * share);
    put_cell(out, share, text);
}

static void put_time(FILE *out, double ns)
{
    char text[IPM_UNITS_TEXT];
    put_cell(out, ns, ipm_format_ns(text, ns));
}

static void put_size(FILE *out, double bytes)
{
    char text[IPM_UNITS_TEXT];
    put_cell(out, bytes, isnan(bytes) ? "" : ipm_format_size(text, (int64_t)bytes));
}

static const char *size_text(char text[IPM_UNITS_TEXT], const json_t *object,
                             const char *key)
{
    double bytes = ipm_member_number(object, key);
    return isnan(bytes) ? "-" : ipm_format_size(text, (int64_t)bytes);
}

/* c_copy as people write it: the part behind the line stands below. */
static void put_symbol(FILE *out, const char *name)
{
    char symbol[32];
    size_t length = strcspn(name, "_");
    (void)snprintf(symbol, sizeof(symbol), "%.*s", (int)length, name);
    ipm_html_put(out, "<i>%s</i>", symbol);
    if (name[length] == '_')
        ipm_html_put(out, "<sub>%s</sub>", name + length + 1);
}

static void put_parameters(FILE *out, const json_t *model)
{
    const json_t *parameters = json_object_get(model, "parameters");
    size_t i;
    json_t *parameter;
    if (json_array_size(parameters) == 0)
        return;
    (void)fputs(
        "<div class=\"box\">\n<table>\n<thead><tr><th scope=\"col\">parameter</th>"
        "<th scope=\"col\" class=\"n\">value</th><th scope=\"col\" class=\"n\">low"
        "</th><th scope=\"col\" class=\"n\">high</th><th scope=\"col\">unit</th>"
        "<th scope=\"col\" class=\"n\">level</th></tr></thead>\n<tbody>\n",
        out);
    json_array_foreach(parameters, i, parameter)
    {
        (void)fputs("<tr><th scope=\"row\">", out);
        put_symbol(out, ipm_member_text(parameter, "name"));
        (void)fputs("</th>", out);
        put_number(out, ipm_member_number(parameter, "value"));
        put_number(out, ipm_member_number(parameter, "low"));
        put_number(out, ipm_member_number(parameter, "high"));
        ipm_html_put(out, "<td>%s</td>", ipm_member_text(parameter, "unit"));
        put_number(out, ipm_member_number(parameter, "level"));
        (void)fputs("</tr>\n", out);
    }
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
}

static void put_range(FILE *out, const json_t *range)
{
    char text[IPM_UNITS_TEXT];
    ipm_html_put(out, "<div><dt>accepted sizes</dt><dd>%s to ",
                 size_text(text, range, "low"));
    ipm_html_put(out, "%s", size_text(text, range, "high"));
    if (json_is_number(json_object_get(range, "rejected_above")))
        ipm_html_put(out, "; rejected above %s",
                     size_text(text, range, "rejected_above"));
    const char *reason = ipm_member_text(range, "reason");
    ipm_html_put(out, "%s%s</dd></div>\n", reason[0] == '\0' ? "" : ": ", reason);
}

/* A value under a label, or why there is none. */
static void put_line(FILE *out, const char *label, const json_t *value,
                     const char *reason)
{
    ipm_html_put(out, "<div><dt>%s</dt><dd>", label);
    if (value == NULL || json_is_null(value))
        ipm_html_put(out, "none%s%s", reason[0] == '\0' ? "" : ": ", reason);
    else
        ipm_html_value(out, value);
    (void)fputs("</dd></div>\n", out);
}

static const char *percent_text(char text[IPM_UNITS_TEXT], double share)
{
    (void)snprintf(text, IPM_UNITS_TEXT, isnan(share) ? "-" : "%.1f %%", 100 * share);
    return text;
}

static void put_lack_of_fit(FILE *out, const json_t *model)
{
    const json_t *lack = json_object_get(model, "lack_of_fit");
    char text[160];
    char worst[IPM_UNITS_TEXT];
    double f = ipm_member_number(lack, "f");
    if (isnan(f))
        (void)snprintf(text, sizeof(text), "not tested");
    else
        (void)snprintf(text, sizeof(text),
                       "F = %.3g with %g and %g degrees of freedom, p = %.3g; worst "
                       "residual %s",
                       f, ipm_member_number(lack, "dof_fit"),
                       ipm_member_number(lack, "dof_pure"),
                       ipm_member_number(lack, "p"),
                       percent_text(worst, ipm_member_number(lack, "worst_residual")));
    ipm_html_put(out, "<div><dt>lack of fit</dt><dd>%s</dd></div>\n", text);
}

static void put_out_of_sample(FILE *out, const json_t *model)
{
    const json_t *error = json_object_get(model, "out_of_sample");
    char median[IPM_UNITS_TEXT];
    char worst[IPM_UNITS_TEXT];
    if (!json_is_object(error)) {
        put_line(out, "out-of-sample error", NULL, "not tested");
        return;
    }
    ipm_html_put(out,
                 "<div><dt>out-of-sample error</dt><dd>fitted to %s, predicting %s: "
                 "median %s, worst %s over ",
                 ipm_member_text(error, "from"), ipm_member_text(error, "to"),
                 percent_text(median, ipm_member_number(error, "median_error")),
                 percent_text(worst, ipm_member_number(error, "worst_error")));
    ipm_html_value(out, json_object_get(error, "points"));
    (void)fputs(" points</dd></div>\n", out);
}

static void put_facts(FILE *out, const json_t *model)
{
    static const char *const factors[] = {
        "pair", "workload", "placement", "placement_class", "wait", "touch"};
    (void)fputs("<dl class=\"card wide\">\n", out);
    for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
        if (json_object_get(model, factors[i]) != NULL)
            put_line(out, factors[i], json_object_get(model, factors[i]), "");
    }
    if (json_is_object(json_object_get(model, "range")))
        put_range(out, json_object_get(model, "range"));
    put_lack_of_fit(out, model);
    put_out_of_sample(out, model);
    put_line(out, "in cycles", json_object_get(model, "cycles"),
             ipm_member_text(model, "cycles_reason"));
    const json_t *limit = json_object_get(model, "ratio_touched_limit");
    if (json_is_object(limit))
        put_line(out, "R for large touched messages", json_object_get(limit, "value"),
                 ipm_member_text(limit, "reason"));
    (void)fputs("</dl>\n", out);
}

/* Columns of numbers have their heads on the right. */
struct head {
    const char *text;
    bool number;
};

static void open_table(FILE *out, const char *summary, const struct head *heads,
                       size_t n)
{
    ipm_html_put(out,
                 "<details>\n<summary>%s</summary>\n<div class=\"box tall\" "
                 "tabindex=\"0\" role=\"group\" aria-label=\"%s\">\n<table "
                 "class=\"sortable\">\n<thead><tr>",
                 summary, summary);
    for (size_t i = 0; i < n; i++)
        ipm_html_put(out,
                     heads[i].number ? "<th scope=\"col\" class=\"n\">%s</th>"
                                     : "<th scope=\"col\">%s</th>",
                     heads[i].text);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
}

static void close_table(FILE *out)
{
    (void)fputs("</tbody>\n</table>\n</div>\n</details>\n", out);
}

/* Whether the fit rests on it; if not, why. */
static void put_used(FILE *out, const json_t *row)
{
    ipm_html_put(out, "<td class=\"t\">%s</td></tr>\n",
                 json_is_true(json_object_get(row, "used"))
                     ? "yes"
                     : (ipm_member_text(row, "reason")[0] == '\0'
                            ? "no"
                            : ipm_member_text(row, "reason")));
}

static void put_fitted(FILE *out, const json_t *model)
{
    static const struct head heads[] = {
        {"mechanism", false}, {"copies", true}, {"size", true}, {"one way", true},
        {"low", true},        {"high", true},   {"n", true},    {"predicted", true},
        {"residual", true},   {"used", false},
    };
    const json_t *points = json_object_get(model, "points");
    size_t i;
    json_t *point;
    if (json_array_size(points) == 0)
        return;
    open_table(out, "What it was fitted to, and what it leaves", heads,
               sizeof(heads) / sizeof(heads[0]));
    json_array_foreach(points, i, point)
    {
        ipm_html_put(out, "<tr><th scope=\"row\">%s</th>",
                     ipm_member_text(point, "mechanism"));
        put_number(out, ipm_member_number(point, "copies"));
        put_size(out, ipm_member_number(point, "size"));
        put_time(out, ipm_member_number(point, "time_ns"));
        put_time(out, ipm_member_number(point, "low"));
        put_time(out, ipm_member_number(point, "high"));
        put_number(out, ipm_member_number(point, "n"));
        put_time(out, ipm_member_number(point, "predicted_ns"));
        put_percent(out, ipm_member_number(point, "residual"));
        put_used(out, point);
    }
    close_table(out);
}

static void put_ratios(FILE *out, const json_t *model, const char *key,
                       const char *summary, bool predicted)
{
    static const struct head heads[] = {
        {"size", true}, {"R", true},         {"low", true},
        {"high", true}, {"predicted", true}, {"used", false},
    };
    const json_t *ratios = json_object_get(model, key);
    size_t i;
    json_t *ratio;
    if (json_array_size(ratios) == 0)
        return;
    open_table(out, summary, heads, predicted ? 6 : 4);
    json_array_foreach(ratios, i, ratio)
    {
        (void)fputs("<tr>", out);
        put_size(out, ipm_member_number(ratio, "size"));
        put_number(out, ipm_member_number(ratio, "value"));
        put_number(out, ipm_member_number(ratio, "low"));
        put_number(out, ipm_member_number(ratio, "high"));
        if (predicted) {
            put_number(out, ipm_member_number(ratio, "predicted"));
            put_used(out, ratio);
        } else
            (void)fputs("</tr>\n", out);
    }
    close_table(out);
}

/* @said: why there is no picture, which stands above */
static void put_model(FILE *out, const json_t *model, const char *said)
{
    if (strcmp(ipm_member_text(model, "name"), "time") == 0) {
        ipm_html_time(out, model);
        return;
    }
    const char *status = ipm_member_text(model, "status");
    const char *reason = ipm_member_text(model, "reason");
    bool fitted = strcmp(status, "fitted") == 0;
    size_t i;
    json_t *equation;
    ipm_html_put(out, "<h3>Model %s: <span class=\"%s\">%s</span></h3>\n",
                 ipm_member_text(model, "name"), fitted ? "ok" : "warn", status);
    if (reason[0] != '\0' && strcmp(reason, said) != 0)
        ipm_html_put(out, "<p>%s</p>\n", reason);
    if (strcmp(ipm_member_text(model, "name"), "rate") == 0)
        ipm_html_rate_model(out, model);
    if (strcmp(status, "no_data") == 0)
        return;
    (void)fputs("<pre>", out);
    json_array_foreach(json_object_get(model, "equations"), i, equation)
    {
        ipm_html_text(out, json_is_string(equation) ? json_string_value(equation) : "");
        (void)fputc('\n', out);
    }
    (void)fputs("</pre>\n", out);
    put_parameters(out, model);
    put_facts(out, model);
    put_fitted(out, model);
    put_ratios(out, model, "ratio", "R(s), measured and predicted", true);
    put_ratios(out, model, "ratio_touched", "R(s) with every byte touched", false);
}

void ipm_html_models(FILE *out, const json_t *report)
{
    const json_t *models = json_object_get(report, "models");
    const json_t *plots = json_object_get(report, "plots");
    const char *said = ipm_member_text(json_object_get(plots, "ratio"), "reason");
    size_t i;
    json_t *model;
    if (json_array_size(models) == 0)
        put_absent(out, "No model was fitted", "this report has none");
    json_array_foreach(models, i, model)
    {
        /* Joules have a section of their own. */
        if (strcmp(ipm_member_text(model, "name"), "energy") != 0)
            put_model(out, model, said);
    }
}
