/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/seed_text.h"

#include "analysis/member.h"
#include "analysis/text.h"
#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { CHART = 56, INDENT = 12 };

/* The chart's ends: R is 1 to 2 in the model, and a machine may leave that range. */
static const double chart_low = 0.5;
static const double chart_high = 3.3;

static void put_label(FILE *out, const char *label)
{
    (void)fprintf(out, "%-*s", INDENT, label);
}

static void put_parameters(const json_t *document, FILE *out)
{
    size_t i;
    json_t *parameter;
    json_array_foreach(json_object_get(document, "parameters"), i, parameter)
    {
        double value = ipm_member_number(parameter, "value");
        if (isnan(value))
            continue;
        put_label(out, "");
        ipm_text_put(out, ipm_member_text(parameter, "name"));
        double low = ipm_member_number(parameter, "low");
        double high = ipm_member_number(parameter, "high");
        if (strcmp(ipm_member_text(parameter, "unit"), "B") == 0) {
            (void)fprintf(out, " = %.3g KiB [%.3g, %.3g]", value / 1024, low / 1024,
                          high / 1024);
        } else {
            (void)fprintf(out, " = %.4g ", value);
            ipm_text_put(out, ipm_member_text(parameter, "unit"));
            (void)fprintf(out, " [%.4g, %.4g]", low, high);
        }
        if (strcmp(ipm_member_text(parameter, "name"), "s_half") == 0)
            (void)fputs(
                value > ipm_member_number(json_object_get(document, "range"), "high")
                    ? " = 2 c_sync / c_copy, beyond the range: R = 1.5 if it held"
                    : " = 2 c_sync / c_copy, where R = 1.5",
                out);
        (void)fputc('\n', out);
    }
}

static void put_quality(const json_t *document, FILE *out)
{
    const json_t *range = json_object_get(document, "range");
    const json_t *lack = json_object_get(document, "lack_of_fit");
    const json_t *sample = json_object_get(document, "out_of_sample");
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    char line[512];
    if (!isnan(ipm_member_number(range, "high"))) {
        bool rejected = !isnan(ipm_member_number(range, "rejected_above"));
        (void)snprintf(
            line, sizeof(line),
            "holds from %s to %s (worst time %.1f %%, worst R %.1f %% off)%s%s",
            ipm_format_size(low, (int64_t)ipm_member_number(range, "low")),
            ipm_format_size(high, (int64_t)ipm_member_number(range, "high")),
            100 * ipm_member_number(lack, "worst_residual"),
            100 * ipm_member_number(lack, "worst_ratio"),
            rejected ? "; rejected above: " : ", all that was measured",
            rejected ? ipm_member_text(range, "reason") : "");
        put_label(out, "");
        ipm_text_wrap(out, INDENT, line);
    }
    if (!isnan(ipm_member_number(lack, "p"))) {
        put_label(out, "");
        (void)fprintf(
            out, "lack of fit: F = %.3g with %.0f and %.0f degrees, p = %.3g\n",
            ipm_member_number(lack, "f"), ipm_member_number(lack, "dof_fit"),
            ipm_member_number(lack, "dof_pure"), ipm_member_number(lack, "p"));
    }
    if (json_is_object(sample)) {
        (void)snprintf(
            line, sizeof(line),
            "constants from %s alone predict %s within %.1f %% in the median, "
            "%.1f %% at worst",
            ipm_member_text(sample, "from"), ipm_member_text(sample, "to"),
            100 * ipm_member_number(sample, "median_error"),
            100 * ipm_member_number(sample, "worst_error"));
        put_label(out, "");
        ipm_text_wrap(out, INDENT, line);
    }
}

static void plot(char *chart, double value, char mark)
{
    double share = (value - chart_low) / (chart_high - chart_low);
    if (isnan(share))
        return;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    chart[(size_t)(share * (CHART - 1) + 0.5)] = mark;
}

static void put_row(const json_t *row, FILE *out)
{
    char chart[CHART + 1];
    char size[IPM_UNITS_TEXT];
    memset(chart, ' ', CHART);
    chart[CHART] = '\0';
    double low = ipm_member_number(row, "low");
    double high = ipm_member_number(row, "high");
    for (double at = low; at < high; at += (chart_high - chart_low) / (2 * CHART))
        plot(chart, at, '-');
    plot(chart, 1, ':');
    plot(chart, 1.5, ':');
    plot(chart, 2, ':');
    plot(chart, ipm_member_number(row, "predicted"), 'o');
    plot(chart, ipm_member_number(row, "value"), '*');
    (void)fprintf(out, "%10s  %s  %.2f",
                  ipm_format_size(size, (int64_t)ipm_member_number(row, "size")), chart,
                  ipm_member_number(row, "value"));
    if (!isnan(low))
        (void)fprintf(out, " [%.2f, %.2f]", low, high);
    if (!json_is_true(json_object_get(row, "used")))
        (void)fputs(" x", out);
    (void)fputc('\n', out);
}

static void put_chart(const json_t *document, FILE *out)
{
    char axis[CHART + 1];
    memset(axis, ' ', CHART);
    axis[CHART] = '\0';
    plot(axis, 1, '1');
    plot(axis, 2, '2');
    size_t middle =
        (size_t)((1.5 - chart_low) / (chart_high - chart_low) * (CHART - 1));
    memcpy(axis + middle, "1.5", 3);
    (void)fprintf(out, "\n%10s  %s  R(s)\n", "s", axis);
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(document, "ratio"), i, row)
    {
        put_row(row, out);
    }
    (void)fputs("            * measured, - its 95 % interval, o predicted, x not used "
                "in the fit\n\n",
                out);
}

void ipm_seed_text(const json_t *document, FILE *out)
{
    const char *status = ipm_member_text(document, "status");
    if (strcmp(status, "no_data") == 0)
        return;
    size_t i;
    json_t *equation;
    put_label(out, "Model");
    json_array_foreach(json_object_get(document, "equations"), i, equation)
    {
        const char *line = json_string_value(equation);
        if (i > 0)
            put_label(out, "");
        ipm_text_put(out, line == NULL ? "" : line);
        (void)fputc('\n', out);
    }
    put_label(out, "");
    (void)fputs("pipe: 2 copies; shm_pipe_token: 1 copy; pingpong, same_cpu, wait "
                "block, touch none\n",
                out);
    if (strcmp(status, "fitted") != 0) {
        char line[512];
        (void)snprintf(line, sizeof(line), "%s: %s", status,
                       ipm_member_text(document, "reason"));
        put_label(out, "");
        ipm_text_wrap(out, INDENT, line);
    }
    put_parameters(document, out);
    put_quality(document, out);
    put_chart(document, out);
}
