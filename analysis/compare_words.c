/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_words.h"

#include "analysis/member.h"

#include <math.h>
#include <string.h>

const char *ipm_compare_by_words(const char *by)
{
    static const char *const words[][2] = {
        {"latency", "the median"},          {"p99", "p99"},
        {"throughput", "time per message"}, {"cpu", "CPU time per message"},
        {"joules", "joules per message"},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i][0], by) == 0)
            return words[i][1];
    }
    return by;
}

const char *ipm_compare_side(const json_t *document, const json_t *object,
                             const char *key)
{
    const json_t *number = json_object_get(object, key);
    const json_t *sides = json_object_get(document, "sides");
    return ipm_member_text(json_array_get(sides, (size_t)json_integer_value(number)),
                           "name");
}

const char *ipm_compare_mean_text(char text[IPM_COMPARE_MEAN_TEXT], const json_t *mean)
{
    double value = ipm_member_number(mean, "value");
    double low = ipm_member_number(mean, "low");
    double high = ipm_member_number(mean, "high");
    if (isnan(value))
        (void)snprintf(text, IPM_COMPARE_MEAN_TEXT, "-");
    else if (isnan(low))
        (void)snprintf(text, IPM_COMPARE_MEAN_TEXT, "%.4g [?]", value);
    else
        (void)snprintf(text, IPM_COMPARE_MEAN_TEXT, "%.4g [%.4g, %.4g]", value, low,
                       high);
    return text;
}

const char *ipm_compare_class_text(char text[IPM_COMPARE_CLASS_TEXT],
                                   const json_t *class)
{
    const char *kind = ipm_member_text(class, "kind");
    bool all = strcmp(kind, "all") == 0;
    (void)snprintf(text, IPM_COMPARE_CLASS_TEXT, "%.12s%s%.60s", kind, all ? "" : " ",
                   all ? "" : ipm_member_text(class, "name"));
    return text;
}

void ipm_compare_each_class(const json_t *document, ipm_compare_visit *visit,
                            void *context)
{
    struct ipm_compare_class_row row;
    size_t k;
    json_t *pair;
    json_array_foreach(json_object_get(document, "comparisons"), row.number,
                       row.comparison)
    {
        json_object_foreach(json_object_get(row.comparison, "by"), row.by, pair)
        {
            row.pair = pair;
            json_array_foreach(json_object_get(pair, "classes"), k, row.class)
                visit(context, &row);
        }
    }
}

static void see_any(void *context, const struct ipm_compare_class_row *row)
{
    bool *any = context;
    *any = *any || !json_is_null(json_object_get(row->class, "least"));
}

bool ipm_compare_any(const json_t *document)
{
    bool any = false;
    ipm_compare_each_class(document, see_any, &any);
    return any;
}
