/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

static void put_mean(FILE *out, const json_t *row, const char *key)
{
    const json_t *mean = json_object_get(row, key);
    double value = ipm_member_number(mean, "value");
    double low = ipm_member_number(mean, "low");
    char text[96] = "-";
    if (!isnan(value) && isnan(low))
        (void)snprintf(text, sizeof(text), "%.4g [?]", value);
    else if (!isnan(value))
        (void)snprintf(text, sizeof(text), "%.4g [%.4g, %.4g]", value, low,
                       ipm_member_number(mean, "high"));
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, value);
    ipm_html_put(out, "\">%s</td>", text);
}

static void put_row(FILE *out, const json_t *row)
{
    static const char *const words[] = {"workload", "wait",       "placement",
                                        "domain",   "provenance", "source"};
    char size[IPM_UNITS_TEXT] = "-";
    double bytes = ipm_member_number(row, "size");
    if (!isnan(bytes))
        (void)ipm_format_size(size, (int64_t)bytes);
    ipm_html_put(out, "<tr><th scope=\"row\">%s</th><td class=\"n\" data-v=\"",
                 ipm_member_text(row, "mechanism"));
    ipm_html_number(out, bytes);
    ipm_html_put(out, "\">%s</td>", size);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        ipm_html_put(out, "<td>%s</td>", ipm_member_text(row, words[i]));
    put_mean(out, row, "rest_w");
    put_mean(out, row, "load_w");
    put_mean(out, row, "beyond_w");
    put_mean(out, row, "message_uj");
    ipm_html_put(out, "<td class=\"t\">%s</td></tr>\n",
                 ipm_member_text(row, "reason")[0] == '\0'
                     ? ipm_member_text(row, "status")
                     : ipm_member_text(row, "reason"));
}

/* Why the run has no joules: the pass says it. */
static const char *reason_of(const json_t *report)
{
    size_t i;
    const json_t *pass;
    json_array_foreach(json_object_get(report, "passes"), i, pass)
    {
        if (strcmp(ipm_member_text(pass, "name"), "energy") == 0)
            return ipm_member_text(pass, "reason");
    }
    return "";
}

void ipm_html_energy(FILE *out, const json_t *report)
{
    static const char *const heads[] = {
        "mechanism",     "size",       "workload", "wait",   "placement",
        "domain",        "provenance", "source",   "rest W", "load W",
        "beyond rest W", "uJ/message", "status"};
    const json_t *energy = json_object_get(report, "energy");
    const json_t *rows = json_object_get(energy, "points");
    size_t i;
    const json_t *row;
    if (json_array_size(rows) == 0) {
        const char *reason = reason_of(report);
        ipm_html_put(out, "<p class=\"absent\">No energy was measured%s%s.</p>\n",
                     reason[0] == '\0' ? "" : ": ", reason);
        ipm_html_costs(out, report);
        return;
    }
    ipm_html_put(
        out,
        "<p>These joules are <strong>%s</strong>. Means over blocks of windows at "
        "rest and under load, [...] Student's interval.</p>\n",
        ipm_member_text(energy, "provenance"));
    (void)fputs(
        "<div class=\"box tall\" tabindex=\"0\" role=\"group\" "
        "aria-label=\"Energy\">\n<table class=\"points sortable\">\n<thead><tr>",
        out);
    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", heads[i]);
    (void)fputs("</tr></thead>\n<tbody>\n", out);
    json_array_foreach(rows, i, row) put_row(out, row);
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
    ipm_html_energy_model(out, report);
}
