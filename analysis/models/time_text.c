/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/time_text.h"

#include "analysis/member.h"
#include "analysis/text.h"
#include "base/units.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

enum { INDENT = 12, LINE = 512 };

/* What a series is told apart by beside its mechanism. */
static const char *const factors[] = {"workload", "placement", "wait", "touch",
                                      "options"};
enum { FACTORS = sizeof(factors) / sizeof(factors[0]) };

__attribute__((format(printf, 2, 3))) static void append(char line[LINE],
                                                         const char *format, ...)
{
    va_list arguments;
    size_t used = strlen(line);
    va_start(arguments, format);
    (void)vsnprintf(line + used, LINE - used, format, arguments);
    va_end(arguments);
}

static void put(FILE *out, const char *line)
{
    (void)fprintf(out, "%*s", INDENT, "");
    ipm_text_wrap(out, INDENT, line);
}

static bool is_common(const json_t *list, const char *factor)
{
    size_t i;
    const json_t *series;
    const char *first = ipm_member_text(json_array_get(list, 0), factor);
    json_array_foreach(list, i, series)
    {
        if (strcmp(ipm_member_text(series, factor), first) != 0)
            return false;
    }
    return true;
}

/* ", wait block": those factors that all series share, or those that they do not. */
static void append_factors(char line[LINE], const json_t *list, const json_t *series,
                           bool common)
{
    for (size_t i = 0; i < FACTORS; i++) {
        const char *text = ipm_member_text(series, factors[i]);
        bool named =
            strcmp(factors[i], "wait") == 0 || strcmp(factors[i], "touch") == 0;
        if (text[0] != '\0' && is_common(list, factors[i]) == common)
            append(line, "%s%s%s%.60s", line[0] == '\0' ? "" : ", ",
                   named ? factors[i] : "", named ? " " : "", text);
    }
}

static void append_copies(char line[LINE], const json_t *test)
{
    const json_t *copies = json_object_get(test, "copies");
    double low = ipm_member_number(copies, "low");
    append(line, "%.4g", ipm_member_number(copies, "value"));
    if (isnan(low))
        append(line, " without an interval");
    else
        append(line, " [%.4g, %.4g]", low, ipm_member_number(copies, "high"));
}

static void append_difference(char line[LINE], const json_t *test, double declared)
{
    double more =
        ipm_member_number(json_object_get(test, "copies"), "value") - declared;
    append(line, ", %.2g %s", fabs(more), more > 0 ? "more" : "fewer");
}

/* The regimes that end otherwise than all sizes do, which are the first test. */
static void append_regimes(char line[LINE], const json_t *tests, double declared)
{
    bool rejected =
        strcmp(ipm_member_text(json_array_get(tests, 0), "verdict"), "rejected") == 0;
    const char *other = rejected ? "confirmed" : "rejected";
    size_t i;
    const json_t *test;
    bool any = false;
    json_array_foreach(tests, i, test)
    {
        char from[IPM_UNITS_TEXT];
        char to[IPM_UNITS_TEXT];
        if (i == 0 || strcmp(ipm_member_text(test, "verdict"), other) != 0)
            continue;
        append(line, "; %s%s%s to %s, where it is ", any ? "" : other,
               any ? "" : " over ",
               ipm_format_size(from, (int64_t)ipm_member_number(test, "from")),
               ipm_format_size(to, (int64_t)ipm_member_number(test, "to")));
        append_copies(line, test);
        if (!rejected)
            append_difference(line, test, declared);
        any = true;
    }
}

static void put_series(const json_t *list, const json_t *series, FILE *out)
{
    char line[LINE] = "";
    double copies = ipm_member_number(series, "copies");
    double declared = ipm_member_number(json_object_get(series, "declared"), "copies");
    const json_t *tests = json_object_get(series, "tests");
    const json_t *whole = json_array_get(tests, 0);
    double found = ipm_member_number(json_object_get(whole, "copies"), "value");
    append(line, "%.40s", ipm_member_text(series, "mechanism"));
    if (!isnan(copies))
        append(line, ", copies %g", copies);
    append_factors(line, list, series, false);
    append(line, ": ");
    if (strcmp(ipm_member_text(series, "status"), "fitted") != 0) {
        append(line, "%s", ipm_member_text(series, "reason"));
        put(out, line);
        return;
    }
    if (isnan(found)) {
        append(line, "%s: %s", ipm_member_text(series, "verdict"),
               ipm_member_text(series, "verdict_reason"));
    } else {
        append_copies(line, whole);
        append(line, " found, ");
        if (isnan(declared))
            append(line, "none declared");
        else
            append(line, "%g declared: %s", declared,
                   ipm_member_text(series, "verdict"));
        const char *verdict = ipm_member_text(whole, "verdict");
        if (strcmp(verdict, "rejected") == 0)
            append_difference(line, whole, declared);
        else if (strcmp(verdict, "undecided") == 0 && !isnan(declared))
            append(line, "; over all sizes %s", ipm_member_text(whole, "reason"));
        append_regimes(line, tests, declared);
    }
    put(out, line);
}

void ipm_time_text(const json_t *document, FILE *out)
{
    char line[LINE] = "k, how many copies: what a byte takes by what it takes "
                      "floor_memcpy [95 % interval]; pieces and residuals are in "
                      "report.json and report.html";
    char common[LINE] = "";
    size_t i;
    const json_t *series;
    const json_t *list = json_object_get(document, "series");
    if (json_array_size(list) == 0)
        return;
    (void)fprintf(out, "%-*s", INDENT, "Copies");
    ipm_text_wrap(out, INDENT, line);
    append_factors(common, list, json_array_get(list, 0), true);
    if (common[0] != '\0')
        put(out, common);
    json_array_foreach(list, i, series) put_series(list, series, out);
    (void)fputc('\n', out);
}
