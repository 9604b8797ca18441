/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/plan_rows.h"

#include "harness/describe.h"
#include "harness/spec_axes.h"

#include <string.h>

/* Value of a factor, a new reference; NULL: the point has no such factor. */
static json_t *value_of(const json_t *json, const char *factor,
                        const struct ipm_rules *rules)
{
    const char *dot = strchr(factor, '.');
    const json_t *from = dot != NULL ? json_object_get(json, "options") : json;
    json_t *value = json_object_get(from, factor);
    if (strcmp(factor, "reply_size") == 0 && json_integer_value(value) < 0)
        return json_string("same");
    if (value != NULL)
        return json_incref(value);
    /* What stands at its default is not among the options of a point. */
    const char *mechanism = ipm_describe_text(rules->mechanism, "name", "");
    size_t length = strlen(mechanism);
    bool own = dot != NULL && (size_t)(dot - factor) == length &&
               strncmp(factor, mechanism, length) == 0;
    bool shared = dot == NULL &&
                  ipm_describe_lists(json_object_get(rules->workload, "axes"), factor);
    struct ipm_axis axis;
    char mend[IPM_MEND];
    if (!(own || shared) || ipm_axis_find(rules->describe, factor, &axis, mend) != 0)
        return NULL;
    return ipm_axis_fallback(&axis);
}

static bool matches(const json_t *row, const json_t *json,
                    const struct ipm_rules *rules)
{
    const char *factor;
    json_t *allowed;
    json_object_foreach((json_t *)(uintptr_t)row, factor, allowed)
    {
        ipm_auto_json json_t *value = value_of(json, factor, rules);
        bool found = false;
        for (size_t i = 0; value != NULL && i < json_array_size(allowed); i++)
            found = found || json_equal(value, json_array_get(allowed, i));
        if (!found)
            return false;
    }
    return true;
}

bool ipm_rows_exclude(const json_t *rows, const struct ipm_rules *rules,
                      const struct ipm_factors *factors, json_t *hits)
{
    bool excluded = false;
    if (json_array_size(rows) == 0)
        return false;
    ipm_auto_json json_t *json = json_object();
    ipm_factors_json(factors, json);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (i == json_array_size(hits))
            (void)json_array_append_new(hits, json_false());
        if (!matches(json_array_get(rows, i), json, rules))
            continue;
        (void)json_array_set_new(hits, i, json_true());
        excluded = true;
    }
    return excluded;
}

void ipm_rows_tell(const struct ipm_sweep *sweep, const json_t *hits, json_t *notes)
{
    for (size_t i = 0; i < json_array_size(sweep->exclude); i++) {
        if (!json_is_true(json_array_get(hits, i)))
            (void)json_array_append_new(
                notes,
                json_sprintf("row %zu of 'exclude' in sweep '%s' matches nothing",
                             i + 1, sweep->name));
    }
}
