/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/ratio_layout.h"

#include <math.h>
#include <string.h>

enum {
    ABOVE = 106, /* title, two lines of words, a note */
    RATIO = 340,
    BETWEEN = 62, /* a note, the lower axis' name */
    RESIDUAL = 150,
    BELOW = 54,
};

double ipm_ratio_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *ipm_ratio_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

bool ipm_ratio_visible(const struct ipm_ratio_layout *layout, double size)
{
    return size > layout->x.low && size < layout->x.high;
}

const json_t *ipm_ratio_parameter(const json_t *model, const char *name)
{
    size_t i;
    const json_t *found;
    json_array_foreach(json_object_get(model, "parameters"), i, found)
    {
        if (strcmp(ipm_ratio_text(found, "name"), name) == 0)
            return found;
    }
    return NULL;
}

/* Takes a list of ratios into the ranges.  Return: true when it has a value. */
static bool hold_ratios(struct ipm_ratio_layout *layout, const char *list)
{
    bool any = false;
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(layout->model, list), i, row)
    {
        double value = ipm_ratio_number(row, "value");
        any |= !isnan(value);
        ipm_axis_hold(&layout->x, ipm_ratio_number(row, "size"));
        ipm_axis_hold(&layout->ratio, value);
        ipm_axis_hold(&layout->ratio, ipm_ratio_number(row, "predicted"));
        /* One wide interval must not press everything else flat. */
        ipm_axis_hold(&layout->ratio, fmin(ipm_ratio_number(row, "high"), 1.5 * value));
        ipm_axis_hold(&layout->ratio, fmax(ipm_ratio_number(row, "low"), 0.5 * value));
    }
    return any;
}

/* The largest |residual| of the points, in percent; NaN: there is none. */
static double worst_residual(const json_t *model, bool used_only)
{
    double worst = NAN;
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(model, "points"), i, row)
    {
        if (!used_only || json_is_true(json_object_get(row, "used")))
            worst = fmax(worst, 100 * fabs(ipm_ratio_number(row, "residual")));
    }
    return worst;
}

static bool hold_residuals(struct ipm_ratio_layout *layout)
{
    double worst = worst_residual(layout->model, false);
    /* What was rejected may be far off; it must not press the used points flat. */
    double most = fmax(1.5 * worst_residual(layout->model, true), 20);
    double end = fmin(fmax(worst, 5), most);
    layout->residual.low = -end;
    layout->residual.high = end;
    ipm_axis_pad(&layout->residual, 0.08);
    return !isnan(worst);
}

void ipm_ratio_lay_out(const json_t *model, struct ipm_ratio_layout *out_layout)
{
    const json_t *range = json_object_get(model, "range");
    const json_t *s_half = ipm_ratio_parameter(model, "s_half");
    struct ipm_ratio_layout layout = {
        .model = model,
        .fitted = strcmp(ipm_ratio_text(model, "status"), "fitted") == 0,
        .s_half = ipm_ratio_number(s_half, "value"),
        .s_half_low = ipm_ratio_number(s_half, "low"),
        .s_half_high = ipm_ratio_number(s_half, "high"),
        .range_low = ipm_ratio_number(range, "low"),
        .range_high = ipm_ratio_number(range, "high"),
        .rejected_above = ipm_ratio_number(range, "rejected_above"),
        .limit =
            ipm_ratio_number(json_object_get(model, "ratio_touched_limit"), "value"),
    };
    layout.residuals = layout.fitted && hold_residuals(&layout);
    double lower = layout.residuals ? RESIDUAL + BETWEEN : 0;
    layout.canvas = (struct ipm_canvas){.name = "ratio",
                                        .width = IPM_RATIO_WIDTH,
                                        .height = BELOW + lower + RATIO + ABOVE};
    layout.x = (struct ipm_axis){1, 0, IPM_RATIO_LEFT, IPM_RATIO_RIGHT, true};
    layout.ratio = (struct ipm_axis){1, 2, BELOW + lower, BELOW + lower + RATIO, false};
    layout.residual.from = BELOW;
    layout.residual.to = BELOW + RESIDUAL;
    (void)hold_ratios(&layout, "ratio");
    layout.touched = hold_ratios(&layout, "ratio_touched");
    ipm_axis_hold(&layout.ratio, layout.limit);
    ipm_axis_pad(&layout.x, 0.025);
    ipm_axis_pad(&layout.ratio, 0.08);
    *out_layout = layout;
}
