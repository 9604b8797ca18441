/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/html.h"
#include "analysis/html_sections.h"
#include "base/units.h"

#include <math.h>

/* The times of a point that have a column. */
static const struct {
    const char *figure, *head;
} times[] = {
    {"response_p50_ns", "response"}, {"response_p99_ns", "response p99"},
    {"service_p50_ns", "service"},   {"service_p99_ns", "service p99"},
    {"send_lag_p50_ns", "send lag"}, {"send_lag_p99_ns", "send lag p99"},
};
enum { TIMES = sizeof(times) / sizeof(times[0]) };

static void put_cell(FILE *out, double value, const char *tip, const char *text)
{
    (void)fputs("<td class=\"n\" data-v=\"", out);
    ipm_html_number(out, value);
    ipm_html_put(out, "\" title=\"%s\">%s</td>", tip, isnan(value) ? "-" : text);
}

static void put_count(FILE *out, double value)
{
    char text[IPM_UNITS_TEXT];
    put_cell(out, value, "", ipm_format_count(text, value));
}

/* The interval stands in the tip, as does why there is no value. */
static void put_time(FILE *out, const json_t *figure)
{
    char text[IPM_UNITS_TEXT];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    char tip[2 * IPM_UNITS_TEXT + 8] = "";
    double value = ipm_member_number(figure, "value");
    if (!isnan(ipm_member_number(figure, "low")))
        (void)snprintf(tip, sizeof(tip), "[%s, %s]",
                       ipm_format_ns(low, ipm_member_number(figure, "low")),
                       ipm_format_ns(high, ipm_member_number(figure, "high")));
    const char *reason = ipm_member_text(figure, "reason");
    put_cell(out, value, reason[0] != '\0' ? reason : tip, ipm_format_ns(text, value));
}

static void put_row(FILE *out, const json_t *series, const json_t *point)
{
    static const char *const words[] = {"wait", "placement"};
    const char *rate = ipm_member_text(point, "rate");
    json_int_t lost = json_integer_value(json_object_get(point, "not_achieved"));
    json_int_t invocations = json_integer_value(json_object_get(point, "invocations"));
    ipm_html_put(out, "<tr><th scope=\"row\">%s</th>",
                 ipm_member_text(series, "label"));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        ipm_html_put(out, "<td class=\"w\">%s</td>", ipm_member_text(series, words[i]));
    ipm_html_put(out, "<td class=\"n\">%s</td>", rate[0] == '\0' ? "-" : rate);
    put_count(out, ipm_member_number(point, "offered_per_s"));
    put_count(out,
              ipm_member_number(json_object_get(point, "achieved_per_s"), "value"));
    for (size_t i = 0; i < TIMES; i++)
        put_time(out, json_object_get(point, times[i].figure));
    put_count(out, ipm_member_number(point, "backlog"));
    (void)fputs("<td class=\"w\">", out);
    if (lost > 0)
        ipm_html_put(out, "%s in %zu of %zu",
                     2 * lost < invocations ? "late" : "rate_not_achieved",
                     (size_t)lost, (size_t)invocations);
    else
        (void)fputs("kept", out);
    (void)fputs("</td></tr>\n", out);
}

void ipm_html_rates(FILE *out, const json_t *report)
{
    static const char *const heads[] = {"mechanism", "wait", "placement"};
    static const char *const counts[] = {"rate", "offered/s", "achieved/s"};
    const json_t *rates = json_object_get(report, "rates");
    size_t i;
    size_t k;
    const json_t *series;
    const json_t *point;
    if (json_array_size(rates) == 0) {
        (void)fputs("<p class=\"absent\">No open loop was measured: closed loops have "
                    "no rate of their own.</p>\n",
                    out);
        return;
    }
    (void)fputs(
        "<p>Response counts from the time at which a message was due, service from its "
        "sending: while a receiver stands still the messages behind wait, too, which "
        "service does not show and a closed loop never sends (coordinated omission). "
        "Where less than 99 % of the plan was sent, in half of the invocations or more "
        "(rate_not_achieved), times say how far it ran away, not what the mechanism "
        "takes.</p>\n",
        out);
    (void)fputs("<div class=\"box tall\" tabindex=\"0\" role=\"group\" "
                "aria-label=\"Response against rate\">\n<table class=\"points "
                "sortable\">\n<thead><tr>",
                out);
    for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        ipm_html_put(out, "<th scope=\"col\">%s</th>", heads[i]);
    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        ipm_html_put(out, "<th scope=\"col\" class=\"n\">%s</th>", counts[i]);
    for (i = 0; i < TIMES; i++)
        ipm_html_put(out, "<th scope=\"col\" class=\"n\">%s</th>", times[i].head);
    (void)fputs("<th scope=\"col\" class=\"n\">backlog</th><th scope=\"col\">plan</th>"
                "</tr></thead>\n<tbody>\n",
                out);
    json_array_foreach(rates, i, series)
    {
        json_array_foreach(json_object_get(series, "points"), k, point)
            put_row(out, series, point);
    }
    (void)fputs("</tbody>\n</table>\n</div>\n", out);
}
