/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/rate_text.h"

#include "analysis/member.h"
#include "analysis/text.h"
#include "base/json.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

enum { INDENT = 10, LINE = 1024, PART = 128, NAMED = 6 };

static const json_t *parameter(const json_t *series, const char *name)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(series, "parameters"), i, row)
    {
        if (strcmp(ipm_member_text(row, "name"), name) == 0)
            return row;
    }
    return NULL;
}

/* "310 k/s [290 k, 350 k]"; words for an end that is not there */
static const char *rate_text(char out[PART], const json_t *row)
{
    char value[IPM_UNITS_TEXT];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    (void)ipm_format_count(value, ipm_member_number(row, "value"));
    (void)ipm_format_count(low, ipm_member_number(row, "low"));
    (void)ipm_format_count(high, ipm_member_number(row, "high"));
    bool bare = isnan(ipm_member_number(row, "low"));
    bool open = isnan(ipm_member_number(row, "high"));
    if (bare && open)
        (void)snprintf(out, PART, "%s/s, without an interval", value);
    else if (bare || open)
        (void)snprintf(out, PART, "%s/s, at %s %s/s", value, bare ? "most" : "least",
                       bare ? high : low);
    else
        (void)snprintf(out, PART, "%s/s [%s, %s]", value, low, high);
    return out;
}

static const char *time_text(char out[PART], const json_t *row)
{
    char value[IPM_UNITS_TEXT];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    if (isnan(ipm_member_number(row, "low")) || isnan(ipm_member_number(row, "high"))) {
        (void)snprintf(out, PART, "%s, without an interval",
                       ipm_format_ns(value, ipm_member_number(row, "value")));
        return out;
    }
    (void)snprintf(out, PART, "%s [%s, %s]",
                   ipm_format_ns(value, ipm_member_number(row, "value")),
                   ipm_format_ns(low, ipm_member_number(row, "low")),
                   ipm_format_ns(high, ipm_member_number(row, "high")));
    return out;
}

/* A paragraph; the first has the heading. */
static void put(FILE *out, bool *headed, const char *line)
{
    (void)fprintf(out, "%-*s", INDENT, *headed ? "" : "Rates");
    *headed = true;
    ipm_text_wrap(out, INDENT, line);
}

static bool is_fitted(const json_t *series)
{
    return strcmp(ipm_member_text(series, "status"), "fitted") == 0;
}

static void put_fitted(FILE *out, bool *headed, const json_t *series)
{
    char line[LINE];
    char base[PART];
    char capacity[PART];
    char knee[PART];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    const json_t *range = json_object_get(series, "range");
    const json_t *knee_row = parameter(series, "knee");
    bool located = !isnan(ipm_member_number(knee_row, "value"));
    size_t i;
    const json_t *note;
    (void)snprintf(
        line, sizeof(line),
        "%.90s, %.230s: capacity %s%s%s; idle %s; from %s/s to %s/s, %.0f %% off at "
        "worst",
        ipm_member_text(series, "label"), ipm_member_text(series, "detail"),
        rate_text(capacity, parameter(series, "capacity")), located ? ", knee " : "",
        located ? rate_text(knee, knee_row) : "",
        time_text(base, parameter(series, "base")),
        ipm_format_count(low, ipm_member_number(range, "low")),
        ipm_format_count(high, ipm_member_number(range, "high")),
        100 * ipm_member_number(json_object_get(series, "lack_of_fit"),
                                "worst_residual"));
    json_array_foreach(json_object_get(series, "notes"), i, note)
    {
        size_t used = strlen(line);
        (void)snprintf(line + used, sizeof(line) - used, "; %.160s",
                       json_is_string(note) ? json_string_value(note) : "");
    }
    put(out, headed, line);
}

static bool same_finding(const json_t *a, const json_t *b)
{
    return strcmp(ipm_member_text(a, "status"), ipm_member_text(b, "status")) == 0 &&
           strcmp(ipm_member_text(a, "reason"), ipm_member_text(b, "reason")) == 0;
}

/* What was not fitted, once for each finding with the names of all that it is about. */
static void put_others(FILE *out, bool *headed, const json_t *list)
{
    size_t i;
    const json_t *series;
    json_array_foreach(list, i, series)
    {
        bool said = is_fitted(series);
        for (size_t k = 0; k < i && !said; k++)
            said = same_finding(json_array_get(list, k), series);
        if (said)
            continue;
        char line[LINE];
        size_t used = (size_t)snprintf(
            line, sizeof(line), "%.32s: %.240s:", ipm_member_text(series, "status"),
            ipm_member_text(series, "reason"));
        size_t named = 0;
        size_t more = 0;
        for (size_t k = i; k < json_array_size(list); k++) {
            const json_t *other = json_array_get(list, k);
            if (!same_finding(other, series))
                continue;
            if (named == NAMED) {
                more++;
                continue;
            }
            used += (size_t)snprintf(line + used, sizeof(line) - used, "%s %.80s",
                                     named++ == 0 ? "" : ";",
                                     ipm_member_text(other, "label"));
        }
        if (more > 0)
            (void)snprintf(line + used, sizeof(line) - used, " and %zu more", more);
        put(out, headed, line);
    }
}

void ipm_rate_model_text(const json_t *document, FILE *out)
{
    const json_t *list = json_object_get(document, "series");
    if (json_array_size(list) == 0)
        return;
    bool headed = false;
    size_t i;
    const json_t *series;
    json_array_foreach(list, i, series)
    {
        char line[LINE];
        char part[PART];
        const json_t *saturation = json_object_get(series, "saturation_per_s");
        if (is_fitted(series))
            put_fitted(out, &headed, series);
        if (isnan(ipm_member_number(saturation, "value")))
            continue;
        (void)snprintf(line, sizeof(line), "%s, %s: %s came through at overload",
                       ipm_member_text(series, "label"),
                       ipm_member_text(series, "detail"), rate_text(part, saturation));
        put(out, &headed, line);
    }
    put_others(out, &headed, list);
}
