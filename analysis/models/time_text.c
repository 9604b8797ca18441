/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/time_text.h"

#include "analysis/member.h"
#include "analysis/text.h"
#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { INDENT = 12, LINE = 512 };

static const char *size_text(char out[IPM_UNITS_TEXT], const json_t *object,
                             const char *key)
{
    return ipm_format_size(out, (int64_t)ipm_member_number(object, key));
}

static void put(FILE *out, const char *line)
{
    (void)fprintf(out, "%*s", INDENT, "");
    ipm_text_wrap(out, INDENT, line);
}

static void put_head(const json_t *series, FILE *out)
{
    char line[LINE];
    double copies = ipm_member_number(series, "copies");
    int used =
        snprintf(line, sizeof(line), "%.40s", ipm_member_text(series, "mechanism"));
    if (!isnan(copies))
        used +=
            snprintf(line + used, sizeof(line) - (size_t)used, ", copies %g", copies);
    used += snprintf(line + used, sizeof(line) - (size_t)used,
                     ", %.20s, %.40s, wait %.20s, touch %.20s",
                     ipm_member_text(series, "workload"),
                     ipm_member_text(series, "placement"),
                     ipm_member_text(series, "wait"), ipm_member_text(series, "touch"));
    if (ipm_member_text(series, "options")[0] != '\0')
        (void)snprintf(line + used, sizeof(line) - (size_t)used, ", %.80s",
                       ipm_member_text(series, "options"));
    put(out, line);
}

static void put_verdict(const json_t *series, FILE *out)
{
    char line[LINE];
    char from[IPM_UNITS_TEXT];
    char to[IPM_UNITS_TEXT];
    size_t i;
    json_t *test;
    double declared = ipm_member_number(json_object_get(series, "declared"), "copies");
    (void)snprintf(line, sizeof(line), "- declared copies %s: %s%s%s",
                   isnan(declared)  ? "vary"
                   : declared < 0.5 ? "0"
                   : declared < 1.5 ? "1"
                   : declared < 2.5 ? "2"
                                    : "3 and more",
                   ipm_member_text(series, "verdict"),
                   ipm_member_text(series, "verdict_reason")[0] == '\0' ? "" : ": ",
                   ipm_member_text(series, "verdict_reason"));
    put(out, line);
    json_array_foreach(json_object_get(series, "tests"), i, test)
    {
        const json_t *copies = json_object_get(test, "copies");
        if (isnan(ipm_member_number(copies, "value")))
            continue;
        (void)snprintf(
            line, sizeof(line),
            "- k over %s to %s: %.3g [%.3g, %.3g], %s; the rest %.4g ns",
            size_text(from, test, "from"), size_text(to, test, "to"),
            ipm_member_number(copies, "value"), ipm_member_number(copies, "low"),
            ipm_member_number(copies, "high"), ipm_member_text(test, "verdict"),
            ipm_member_number(json_object_get(test, "constant"), "value"));
        put(out, line);
    }
}

static void put_pieces(const json_t *series, FILE *out)
{
    char line[LINE];
    char from[IPM_UNITS_TEXT];
    char to[IPM_UNITS_TEXT];
    size_t i;
    json_t *piece;
    const json_t *breaks = json_object_get(series, "breaks");
    json_array_foreach(json_object_get(series, "pieces"), i, piece)
    {
        const json_t *slope = json_object_get(piece, "slope");
        const json_t *before = i == 0 ? NULL : json_array_get(breaks, i - 1);
        (void)snprintf(
            line, sizeof(line),
            "- T over %s to %s: %.4g ns + %.4g ns/B [%.3g, %.3g]%s%s%s%s",
            size_text(from, piece, "from"), size_text(to, piece, "to"),
            ipm_member_number(json_object_get(piece, "intercept"), "value"),
            ipm_member_number(slope, "value"), ipm_member_number(slope, "low"),
            ipm_member_number(slope, "high"), before == NULL ? "" : "; begins with a ",
            before == NULL ? "" : ipm_member_text(before, "kind"),
            before == NULL || ipm_member_text(before, "name")[0] == '\0' ? "" : " at ",
            before == NULL ? "" : ipm_member_text(before, "name"));
        put(out, line);
    }
}

static void put_quality(const json_t *series, FILE *out)
{
    char line[LINE];
    const json_t *lack = json_object_get(series, "lack_of_fit");
    const json_t *selection = json_object_get(series, "selection");
    const json_t *second = json_object_get(selection, "runner_up");
    size_t rejected = json_array_size(json_object_get(series, "rejected"));
    double ahead =
        ipm_member_number(second, "aicc") - ipm_member_number(selection, "aicc");
    int used = 0;
    if (!isnan(ipm_member_number(lack, "p")))
        used = snprintf(line, sizeof(line), "- lack of fit p = %.2g",
                        ipm_member_number(lack, "p"));
    else
        used = snprintf(line, sizeof(line), "- lack of fit not tested");
    if (ipm_member_number(lack, "widening") > 1)
        used += snprintf(line + used, sizeof(line) - (size_t)used,
                         ", intervals %.3g times as wide for it",
                         ipm_member_number(lack, "widening"));
    if (isfinite(ahead))
        used += snprintf(
            line + used, sizeof(line) - (size_t)used,
            "; runner-up %zu break%s, AICc %+.1f",
            json_array_size(json_object_get(second, "breaks")),
            json_array_size(json_object_get(second, "breaks")) == 1 ? "" : "s", ahead);
    if (rejected > 0)
        used +=
            snprintf(line + used, sizeof(line) - (size_t)used,
                     "; %zu invocation%s left out", rejected, rejected == 1 ? "" : "s");
    if (json_array_size(json_object_get(selection, "refused")) > 0)
        (void)snprintf(line + used, sizeof(line) - (size_t)used,
                       "; a break that too few draws repeat was refused");
    put(out, line);
}

void ipm_time_text(const json_t *document, FILE *out)
{
    size_t i;
    json_t *series;
    const json_t *list = json_object_get(document, "series");
    if (json_array_size(list) == 0)
        return;
    (void)fprintf(out, "%-*s", INDENT, "Copies");
    const char *equation =
        json_string_value(json_array_get(json_object_get(document, "equations"), 0));
    ipm_text_wrap(out, INDENT, equation == NULL ? "" : equation);
    put(out, "k by slope over floor_memcpy, with its 95 % interval");
    json_array_foreach(list, i, series)
    {
        put_head(series, out);
        if (strcmp(ipm_member_text(series, "status"), "fitted") != 0) {
            put(out, ipm_member_text(series, "reason"));
            continue;
        }
        put_verdict(series, out);
        put_pieces(series, out);
        put_quality(series, out);
    }
    (void)fputc('\n', out);
}
