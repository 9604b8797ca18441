/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The other half of spec_axes.h: lists and ranges. */
#include "harness/describe.h"
#include "harness/spec.h"
#include "harness/spec_axes.h"
#include "harness/spec_keys.h"

#include <math.h>
#include <string.h>

static json_t *one_value(const struct ipm_axis *axis, const json_t *value,
                         const struct ipm_pointer *at,
                         struct ipm_diagnostics *diagnostics)
{
    char mend[IPM_MEND];
    struct ipm_why why = {0};
    json_t *canonical = ipm_axis_value(axis, value, mend, &why);
    if (canonical == NULL)
        ipm_diagnostics_error(diagnostics, at, false, mend, "%s", why.text);
    return canonical;
}

static json_t *list_values(const struct ipm_axis *axis, const json_t *list,
                           const struct ipm_pointer *at,
                           struct ipm_diagnostics *diagnostics)
{
    size_t n = json_array_size(list);
    if (n == 0 || n > IPM_AXIS_LIMIT) {
        ipm_diagnostics_error(diagnostics, at, false, NULL,
                              n == 0 ? "'%s' has no value"
                                     : "'%s' has more values than an axis may have",
                              axis->name);
        return NULL;
    }
    ipm_auto_json json_t *values = json_array();
    for (size_t i = 0; i < n; i++) {
        struct ipm_pointer element = {.up = at, .index = i};
        json_t *value = one_value(axis, json_array_get(list, i), &element, diagnostics);
        if (value != NULL)
            (void)json_array_append_new(values, value);
    }
    return json_array_size(values) == n ? json_incref(values) : NULL;
}

struct range {
    int64_t from, to;
    double factor; /* 0: by step */
    int64_t step;
};

/* A bound in the axis's own unit. */
static bool read_bound(const struct ipm_axis *axis, const json_t *range,
                       const char *key, const struct ipm_pointer *at,
                       struct ipm_diagnostics *diagnostics, int64_t *out_bound)
{
    const json_t *value = json_object_get(range, key);
    struct ipm_pointer member = {.up = at, .key = key};
    if (value == NULL) {
        ipm_diagnostics_error(diagnostics, at, false,
                              "a range is {\"from\", \"to\", \"factor\"} or {\"from\", "
                              "\"to\", \"step\"}",
                              "this range has no '%s'", key);
        return false;
    }
    struct ipm_axis plain = *axis; /* no range runs from "same" or "max" */
    plain.special = NULL;
    ipm_auto_json json_t *bound = one_value(&plain, value, &member, diagnostics);
    if (bound == NULL)
        return false;
    *out_bound = json_integer_value(bound);
    return true;
}

static bool read_pace(const struct ipm_axis *axis, const json_t *json,
                      const struct ipm_pointer *at, struct ipm_diagnostics *diagnostics,
                      struct range *range)
{
    const json_t *factor = json_object_get(json, "factor");
    const json_t *step = json_object_get(json, "step");
    if ((factor == NULL) == (step == NULL)) {
        ipm_diagnostics_error(diagnostics, at, false, NULL,
                              "a range needs either 'factor' or 'step'");
        return false;
    }
    if (factor != NULL) {
        struct ipm_pointer member = {.up = at, .key = "factor"};
        range->factor = json_number_value(factor);
        if (json_is_number(factor) && range->factor > 1 && range->from > 0)
            return true;
        ipm_diagnostics_error(diagnostics, &member, false, NULL,
                              range->factor > 1
                                  ? "a range by 'factor' cannot start at 0"
                                  : "'factor' must be a number above 1");
        return false;
    }
    /* A step has the axis's unit but not its range. */
    struct ipm_axis free_axis = *axis;
    free_axis.min = 1;
    free_axis.max = INT64_MAX;
    return read_bound(&free_axis, json, "step", at, diagnostics, &range->step);
}

static bool known_keys(const json_t *range, const struct ipm_pointer *at,
                       struct ipm_diagnostics *diagnostics)
{
    const char *known[IPM_KEY_NAMES];
    const char *key;
    json_t *value;
    bool good = true;
    json_object_foreach((json_t *)range, key, value)
    {
        if (ipm_key_find(ipm_range_keys, key) != NULL)
            continue;
        ipm_key_names(ipm_range_keys, known);
        char mend[IPM_MEND];
        struct ipm_pointer member = {.up = at, .key = key};
        ipm_diagnostics_error(diagnostics, &member, true,
                              ipm_mend_word(mend, key, known),
                              "unknown key '%s' in a range", key);
        good = false;
    }
    return good;
}

static json_t *range_values(const struct ipm_axis *axis, const json_t *json,
                            const struct ipm_pointer *at,
                            struct ipm_diagnostics *diagnostics)
{
    struct range range = {0};
    if (axis->type != IPM_AXIS_INTEGER && axis->type != IPM_AXIS_SIZE) {
        ipm_diagnostics_error(diagnostics, at, false, NULL,
                              "'%s' is not counted: it cannot have a range",
                              axis->name);
        return NULL;
    }
    bool good = known_keys(json, at, diagnostics);
    good = read_bound(axis, json, "from", at, diagnostics, &range.from) && good;
    good = read_bound(axis, json, "to", at, diagnostics, &range.to) && good;
    if (!good || !read_pace(axis, json, at, diagnostics, &range))
        return NULL;
    if (range.from > range.to) {
        ipm_diagnostics_error(diagnostics, at, false, NULL,
                              "this range ends before it starts");
        return NULL;
    }
    ipm_auto_json json_t *values = json_array();
    int64_t value = range.from;
    for (double exact = (double)value; value <= range.to;) {
        if (json_array_size(values) == IPM_AXIS_LIMIT) {
            ipm_diagnostics_error(diagnostics, at, false, NULL,
                                  "this range has more than %d values", IPM_AXIS_LIMIT);
            return NULL;
        }
        (void)json_array_append_new(values, json_integer(value));
        int64_t last = value;
        if (range.factor == 0) {
            if (range.step > range.to - value)
                break;
            value += range.step;
        }
        /* A small factor may not leave a whole number at once. */
        while (range.factor > 0 && value == last && exact <= (double)range.to) {
            exact *= range.factor;
            if (exact > (double)range.to)
                return json_incref(values);
            value = (int64_t)llround(exact);
        }
    }
    return json_incref(values);
}

json_t *ipm_axis_values(const struct ipm_axis *axis, const json_t *value,
                        const struct ipm_pointer *at,
                        struct ipm_diagnostics *diagnostics)
{
    if (json_is_array(value))
        return list_values(axis, value, at, diagnostics);
    bool as_it_stands =
        axis->type == IPM_AXIS_PLACEMENT || axis->type == IPM_AXIS_UNCHECKED;
    if (json_is_object(value) && !as_it_stands)
        return range_values(axis, value, at, diagnostics);
    ipm_auto_json json_t *one = one_value(axis, value, at, diagnostics);
    return one != NULL ? json_pack("[O]", one) : NULL;
}
