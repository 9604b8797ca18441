/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/gnuplot.h"
#include "analysis/ratio_layout.h"
#include "analysis/text.h"

#include <math.h>
#include <string.h>

enum { LINE = 21 /* of the legend, pixels */ };

static size_t count_beyond(const struct ipm_ratio_layout *layout)
{
    size_t n = 0;
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(layout->model, "points"), i, row)
    {
        double residual = 100 * ipm_ratio_number(row, "residual");
        n += residual < layout->residual.low || residual > layout->residual.high;
    }
    return n;
}

/* "24.6 KiB [21.7, 27.6]": worked-out sizes, which fall on no power of two. */
static void format_span(const json_t *found, char *text, size_t room)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    double value = ipm_ratio_number(found, "value");
    double scale = 1;
    size_t unit = 0;
    for (; value / scale >= 1000 && unit < 3; unit++)
        scale *= 1024;
    (void)snprintf(text, room, "%.3g %s [%.3g, %.3g]", value / scale, units[unit],
                   ipm_ratio_number(found, "low") / scale,
                   ipm_ratio_number(found, "high") / scale);
}

/* A parameter with its interval, in the unit that suits. */
static void format_parameter(const json_t *found, char *text, size_t room)
{
    char span[IPM_ESTIMATE_TEXT];
    char name[24];
    char unit[12];
    ipm_canvas_cut(name, sizeof(name), ipm_ratio_text(found, "name"));
    ipm_canvas_cut(unit, sizeof(unit), ipm_ratio_text(found, "unit"));
    struct ipm_estimate estimate = {.value = ipm_ratio_number(found, "value"),
                                    .low = ipm_ratio_number(found, "low"),
                                    .high = ipm_ratio_number(found, "high")};
    if (strcmp(unit, "ns") == 0)
        (void)ipm_estimate_text(span, &estimate);
    else if (strcmp(unit, "B") == 0)
        format_span(found, span, sizeof(span));
    else
        (void)snprintf(span, sizeof(span), "%.3g %s [%.3g, %.3g]", estimate.value, unit,
                       estimate.low, estimate.high);
    (void)snprintf(text, room, "%s = %s", name, span);
}

static void put_head(FILE *out, double y, const char *text)
{
    char cut[168]; /* what the width of the picture holds */
    ipm_canvas_cut(cut, sizeof(cut), text);
    (void)fprintf(out, "20 %.0f ", y);
    ipm_gnuplot_column(out, cut);
    (void)fputc('\n', out);
}

/* The copies of a mechanism of the pair, as its points have them; NaN: unknown. */
static double copies_of(const json_t *model, const char *mechanism)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(model, "points"), i, row)
    {
        if (strcmp(ipm_ratio_text(row, "mechanism"), mechanism) == 0)
            return ipm_ratio_number(row, "copies");
    }
    return NAN;
}

static void format_partner(const json_t *model, size_t i, char *text, size_t room)
{
    char name[40];
    const char *mechanism =
        json_string_value(json_array_get(json_object_get(model, "pair"), i));
    ipm_canvas_cut(name, sizeof(name), mechanism == NULL ? "?" : mechanism);
    double copies = copies_of(model, mechanism == NULL ? "" : mechanism);
    if (isnan(copies))
        (void)snprintf(text, room, "%s", name);
    else
        (void)snprintf(text, room, "%s (%g cop%s)", name, copies,
                       copies == 1 ? "y" : "ies");
}

void ipm_ratio_put_heads(const struct ipm_ratio_layout *layout, FILE *out)
{
    const json_t *model = layout->model;
    char first[72];
    char second[72];
    char placement[48];
    char size[IPM_UNITS_TEXT];
    char text[512];
    format_partner(model, 0, first, sizeof(first));
    format_partner(model, 1, second, sizeof(second));
    (void)snprintf(text, sizeof(text), "R(s): time of a message over %s / over %s",
                   first, second);
    put_head(out, layout->canvas.height - 26, text);

    ipm_canvas_cut(placement, sizeof(placement), ipm_ratio_text(model, "placement"));
    const char *class = ipm_ratio_text(model, "placement_class");
    bool known =
        class[0] != '\0' && strcmp(class, ipm_ratio_text(model, "placement")) != 0;
    (void)snprintf(text, sizeof(text),
                   "%s, placement %s%s%.40s%s, wait %.40s, touch %.40s",
                   ipm_ratio_text(model, "workload"), placement, known ? " (" : "",
                   known ? class : "", known ? ")" : "", ipm_ratio_text(model, "wait"),
                   ipm_ratio_text(model, "touch"));
    put_head(out, layout->canvas.height - 49, text);

    const char *why_end = ipm_ratio_text(json_object_get(model, "range"), "reason");
    text[0] = '\0';
    if (!layout->fitted)
        (void)snprintf(text, sizeof(text), "No curve: %s: %s",
                       ipm_ratio_text(model, "status"),
                       ipm_ratio_text(model, "reason"));
    else if (!isnan(layout->rejected_above))
        (void)snprintf(text, sizeof(text), "Rejected above %s%s%s",
                       ipm_format_size(size, (int64_t)layout->rejected_above),
                       why_end[0] == '\0' ? "" : ": ", why_end);
    put_head(out, layout->canvas.height - 67, text);
}

static void put_note(FILE *out, double x, double y, int align, const char *text)
{
    (void)fprintf(out, "%.1f %.1f %d ", x, y, align);
    ipm_gnuplot_column(out, text);
    (void)fputc('\n', out);
}

/* A note on something at pixel @x, towards the side that has room for it. */
static void put_note_at(FILE *out, double x, double y, const char *text)
{
    bool right = x < (IPM_RATIO_LEFT + IPM_RATIO_RIGHT) / 2.0;
    put_note(out, x, y, right ? 0 : 2, text);
}

void ipm_ratio_put_notes(const struct ipm_ratio_layout *layout, FILE *out)
{
    char text[160];
    char size[IPM_UNITS_TEXT];
    put_note(out, IPM_RATIO_LEFT - 8, layout->ratio.to + 10, 2, "R(s)");
    put_note(out, IPM_RATIO_LEFT + 6, ipm_axis_pixel(&layout->ratio, 2) + 9, 0,
             "2: copying alone counts");
    put_note(out, IPM_RATIO_RIGHT - 6, ipm_axis_pixel(&layout->ratio, 1) - 9, 2,
             "1: waking alone counts");
    if (layout->fitted && ipm_ratio_visible(layout, layout->s_half)) {
        format_parameter(ipm_ratio_parameter(layout->model, "s_half"), text,
                         sizeof(text));
        put_note_at(out, ipm_axis_pixel(&layout->x, layout->s_half),
                    layout->ratio.to + 10, text);
    }
    if (layout->fitted && ipm_ratio_visible(layout, layout->rejected_above)) {
        (void)snprintf(text, sizeof(text), "rejected above %s",
                       ipm_format_size(size, (int64_t)layout->rejected_above));
        put_note(out, ipm_axis_pixel(&layout->x, layout->rejected_above),
                 layout->ratio.from - 14, 1, text);
    }
}

static void put_entry(FILE *out, double *y, unsigned colour, enum ipm_ratio_mark mark,
                      const char *text)
{
    (void)fprintf(out, "%.1f 0x%06x %d ", *y, colour, (int)mark);
    ipm_gnuplot_column(out, text);
    (void)fputc('\n', out);
    *y -= LINE;
}

/* The parameters, with no mark: they are what the curve was drawn from. */
static void put_parameters(const json_t *model, double *y, FILE *out)
{
    size_t i;
    const json_t *found;
    json_array_foreach(json_object_get(model, "parameters"), i, found)
    {
        char text[160];
        if (isnan(ipm_ratio_number(found, "value")))
            continue;
        format_parameter(found, text, sizeof(text));
        put_entry(out, y, 0, IPM_RATIO_NO_MARK, text);
    }
}

void ipm_ratio_put_legend(const struct ipm_ratio_layout *layout, FILE *out)
{
    const json_t *model = layout->model;
    char text[128];
    double y = layout->ratio.to - 10;
    put_entry(out, &y, IPM_RATIO_MEASURED, IPM_RATIO_CIRCLE,
              layout->fitted ? "measured, used by the fit" : "measured");
    if (layout->fitted)
        put_entry(out, &y, IPM_RATIO_MEASURED, IPM_RATIO_CIRCLE_OPEN,
                  "measured, not used");
    if (layout->touched)
        put_entry(out, &y, IPM_RATIO_TOUCHED, IPM_RATIO_DIAMOND,
                  "measured, touch full");
    if (layout->fitted)
        put_entry(out, &y, IPM_RATIO_CURVE, IPM_RATIO_LINE, "predicted");
    if (!isnan(layout->limit)) {
        (void)snprintf(text, sizeof(text), "predicted end with touch full: %.3g",
                       layout->limit);
        put_entry(out, &y, IPM_RATIO_TOUCHED, IPM_RATIO_LINE, text);
    }
    y -= LINE / 2.0;
    if (layout->fitted)
        put_parameters(model, &y, out);
    if (layout->fitted && !isnan(layout->s_half) &&
        !ipm_ratio_visible(layout, layout->s_half))
        put_entry(out, &y, 0, IPM_RATIO_NO_MARK, "(s_half is beyond these sizes)");
    else if (layout->fitted && layout->s_half > layout->range_high)
        put_entry(out, &y, 0, IPM_RATIO_NO_MARK,
                  "(s_half is beyond the accepted range)");
    if (!layout->residuals)
        return;
    y = layout->residual.to - 10;
    for (size_t i = 0; i < 2; i++) {
        format_partner(model, i, text, sizeof(text));
        put_entry(out, &y, i == 0 ? IPM_RATIO_MEASURED : IPM_RATIO_PARTNER,
                  i == 0 ? IPM_RATIO_CIRCLE : IPM_RATIO_TRIANGLE, text);
    }
    put_entry(out, &y, 0, IPM_RATIO_NO_MARK, "open: not used by the fit");
    size_t n_beyond = count_beyond(layout);
    if (n_beyond == 0)
        return;
    (void)snprintf(text, sizeof(text), "%zu of them beyond this panel", n_beyond);
    put_entry(out, &y, 0, IPM_RATIO_NO_MARK, text);
}
