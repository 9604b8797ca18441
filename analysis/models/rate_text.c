/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/rate_text.h"

#include "analysis/text.h"
#include "base/json.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

enum { INDENT = 10, LINE = 1024, PART = 128 };

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value == NULL ? "" : value;
}

static const json_t *parameter(const json_t *series, const char *name)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(series, "parameters"), i, row)
    {
        if (strcmp(text(row, "name"), name) == 0)
            return row;
    }
    return NULL;
}

/* "310 k [290 k, 350 k]" */
static const char *rate_text(char out[PART], const json_t *row)
{
    char value[IPM_UNITS_TEXT];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    (void)ipm_format_count(value, number(row, "value"));
    (void)ipm_format_count(low, number(row, "low"));
    (void)ipm_format_count(high, number(row, "high"));
    bool bare = isnan(number(row, "low"));
    bool open = isnan(number(row, "high"));
    (void)snprintf(out, PART, "%s/s [%s, %s]", value, bare ? "?" : low,
                   open ? "?" : high);
    return out;
}

static const char *time_text(char out[PART], const json_t *row)
{
    char value[IPM_UNITS_TEXT];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    (void)snprintf(out, PART, "%s [%s, %s]", ipm_format_ns(value, number(row, "value")),
                   ipm_format_ns(low, number(row, "low")),
                   ipm_format_ns(high, number(row, "high")));
    return out;
}

static void put_fitted(FILE *out, const json_t *series)
{
    char line[LINE];
    char base[PART];
    char capacity[PART];
    char knee[PART];
    char low[IPM_UNITS_TEXT];
    char high[IPM_UNITS_TEXT];
    const json_t *range = json_object_get(series, "range");
    (void)snprintf(
        line, sizeof(line),
        "capacity %s by the rise of the response; knee at %s; a message that waits for "
        "nobody takes %s; holds from %s/s to %s/s, %.0f %% off at worst",
        rate_text(capacity, parameter(series, "capacity")),
        rate_text(knee, parameter(series, "knee")),
        time_text(base, parameter(series, "base")),
        ipm_format_count(low, number(range, "low")),
        ipm_format_count(high, number(range, "high")),
        100 * number(json_object_get(series, "lack_of_fit"), "worst_residual"));
    (void)fprintf(out, "%-*s", INDENT, "");
    ipm_text_wrap(out, INDENT, line);
}

static void put_series(FILE *out, const json_t *series)
{
    char line[LINE];
    char part[PART];
    bool fitted = strcmp(text(series, "status"), "fitted") == 0;
    const json_t *saturation = json_object_get(series, "saturation_per_s");
    (void)snprintf(line, sizeof(line), "%s, %s%s%s%s%s", text(series, "label"),
                   text(series, "detail"), fitted ? "" : ": ",
                   fitted ? "" : text(series, "status"), fitted ? "" : ": ",
                   fitted ? "" : text(series, "reason"));
    (void)fprintf(out, "%-*s", INDENT, "");
    ipm_text_wrap(out, INDENT, line);
    if (fitted)
        put_fitted(out, series);
    if (isnan(number(saturation, "value")))
        return;
    (void)snprintf(line, sizeof(line), "%s came through where more was offered",
                   rate_text(part, saturation));
    (void)fprintf(out, "%-*s", INDENT, "");
    ipm_text_wrap(out, INDENT, line);
}

void ipm_rate_model_text(const json_t *document, FILE *out)
{
    const json_t *list = json_object_get(document, "series");
    if (json_array_size(list) == 0)
        return;
    (void)fprintf(out, "%-*s", INDENT, "Rates");
    ipm_text_put(out, json_string_value(
                          json_array_get(json_object_get(document, "equations"), 0)));
    (void)fputc('\n', out);
    size_t i;
    const json_t *series;
    json_array_foreach(list, i, series)
    {
        put_series(out, series);
    }
    (void)fputc('\n', out);
}
