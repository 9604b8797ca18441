/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

static void put_end(FILE *out, double value, bool time)
{
    char text[IPM_UNITS_TEXT];
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, value);
    ipm_html_put(out, "\">%s</td>",
                 isnan(value) ? "-"
                 : time       ? ipm_format_ns(text, value)
                              : ipm_format_count(text, value));
}

/* Value and both ends of a parameter; dashes where the series has none. */
static void put_parameter(FILE *out, const json_t *series, const char *name)
{
    const json_t *found = NULL;
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(series, "parameters"), i, row)
    {
        if (strcmp(ipm_member_text(row, "name"), name) == 0)
            found = row;
    }
    bool time = strcmp(ipm_member_text(found, "unit"), "ns") == 0;
    put_end(out, ipm_member_number(found, "value"), time);
    put_end(out, ipm_member_number(found, "low"), time);
    put_end(out, ipm_member_number(found, "high"), time);
}

static void put_series(FILE *out, const json_t *series)
{
    static const char *const names[] = {"capacity", "knee", "base"};
    const char *status = ipm_member_text(series, "status");
    const json_t *lack = json_object_get(series, "lack_of_fit");
    double worst = 100 * ipm_member_number(lack, "worst_residual");
    char text[IPM_UNITS_TEXT] = "-";
    size_t i;
    const json_t *note;
    if (!isnan(worst))
        (void)snprintf(text, sizeof(text), "%.1f %%", worst);
    ipm_html_put(out, "<tr><th scope=\"row\">%s</th><td class=\"w\">%s</td>",
                 ipm_member_text(series, "label"), ipm_member_text(series, "detail"));
    ipm_html_put(out, "<td class=\"w\">%s</td>", status);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        put_parameter(out, strcmp(status, "fitted") == 0 ? series : NULL, names[i]);
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, worst);
    ipm_html_put(out, "\">%s</td><td class=\"t\">%s", text,
                 ipm_member_text(series, "reason"));
    json_array_foreach(json_object_get(series, "notes"), i, note)
        ipm_html_put(out, "%s%s", i == 0 ? "" : "; ",
                     json_is_string(note) ? json_string_value(note) : "");
    (void)fputs("</td></tr>\n", out);
}

void ipm_html_rate_model(FILE *out, const json_t *model)
{
    static const char *const heads[] = {
        "mechanism", "of",   "status", "capacity/s", "low",  "high",      "knee/s",
        "low",       "high", "idle",   "low",        "high", "worst off", "note"};
    const json_t *list = json_object_get(model, "series");
    size_t i;
    const json_t *series;
    if (json_array_size(list) == 0)
        return;
    (void)fputs("<div class=\"box tall\" tabindex=\"0\" role=\"group\" "
                "aria-label=\"Capacity and knee\">\n<table class=\"sortable\">\n"
                "<thead><tr>",
                out);
    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", heads[i]);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
    json_array_foreach(list, i, series) put_series(out, series);
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
}
