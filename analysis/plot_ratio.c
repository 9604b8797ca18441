/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_ratio.h"

#include "analysis/plot.h"
#include "analysis/ratio_layout.h"

#include <math.h>
#include <string.h>

/* Blocks of the data file. */
enum { HEADS, NOTES, LEGEND, RATIO, TOUCHED, FIRST, SECOND };

static const char no_model[] = "the seed model was not worked out";
static const char no_ratio[] = "the seed model has no pair of measured points";

static int used(const json_t *row)
{
    return json_is_true(json_object_get(row, "used"));
}

/* A block without rows would shift the numbers of the others. */
static void put_empty(size_t n_rows, FILE *out)
{
    if (n_rows == 0)
        (void)fputs("nan nan nan nan nan 0\n", out);
}

static void put_ratios(const json_t *model, const char *list, FILE *out)
{
    size_t n = 0;
    size_t i;
    const json_t *row;
    (void)fprintf(out, "\n\n# %s: size_bytes value low high predicted used\n", list);
    json_array_foreach(json_object_get(model, list), i, row)
    {
        n++;
        (void)fprintf(out, "%.10g %.6g %.6g %.6g %.6g %d\n",
                      ipm_ratio_number(row, "size"), ipm_ratio_number(row, "value"),
                      ipm_ratio_number(row, "low"), ipm_ratio_number(row, "high"),
                      ipm_ratio_number(row, "predicted"), used(row));
    }
    put_empty(n, out);
}

static void put_residuals(const json_t *model, size_t partner, FILE *out)
{
    size_t n = 0;
    size_t i;
    const json_t *row;
    const json_t *mechanism = json_array_get(json_object_get(model, "pair"), partner);
    (void)fprintf(out,
                  "\n\n# points of partner %zu: size_bytes time_ns low high "
                  "residual_percent used\n",
                  partner + 1);
    json_array_foreach(json_object_get(model, "points"), i, row)
    {
        if (!json_equal(json_object_get(row, "mechanism"), mechanism))
            continue;
        n++;
        (void)fprintf(out, "%.10g %.6g %.6g %.6g %.4g %d\n",
                      ipm_ratio_number(row, "size"), ipm_ratio_number(row, "time_ns"),
                      ipm_ratio_number(row, "low"), ipm_ratio_number(row, "high"),
                      100 * ipm_ratio_number(row, "residual"), used(row));
    }
    put_empty(n, out);
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct ipm_ratio_layout *layout = context;
    (void)why;
    if (layout->model == NULL) {
        (void)fputs("# nothing to draw\n", out);
        return 0;
    }
    (void)fputs("# heads: x_pixel y_pixel text\n", out);
    ipm_ratio_put_heads(layout, out);
    (void)fputs("\n\n# notes: x_pixel y_pixel align text\n", out);
    ipm_ratio_put_notes(layout, out);
    (void)fputs("\n\n# legend: y_pixel colour mark text\n", out);
    ipm_ratio_put_legend(layout, out);
    put_ratios(layout->model, "ratio", out);
    put_ratios(layout->model, "ratio_touched", out);
    put_residuals(layout->model, 0, out);
    put_residuals(layout->model, 1, out);
    return 0;
}

static double clip(const struct ipm_axis *axis, double value)
{
    return fmin(fmax(value, axis->low), axis->high);
}

static void put_band(const struct ipm_ratio_layout *layout, double low, double high,
                     const char *colour, FILE *out)
{
    low = clip(&layout->x, low);
    high = clip(&layout->x, high);
    if (high > low)
        (void)fprintf(out,
                      "set object rectangle from first %.6g, graph 0 to first %.6g, "
                      "graph 1 behind fillstyle solid noborder fillcolor '%s'\n",
                      low, high, colour);
}

/* What stands behind the points of both panels. */
static void put_ground(const struct ipm_ratio_layout *layout, FILE *out)
{
    (void)fputs("unset object\nunset arrow\n", out);
    if (!layout->fitted)
        return;
    if (!isnan(layout->rejected_above)) {
        put_band(layout, layout->rejected_above, layout->x.high, "#eeeeee", out);
        (void)fprintf(
            out,
            "set arrow from first %.6g, graph 0 to first %.6g, graph 1 nohead "
            "back linewidth 1 dashtype 2 linecolor '#888888'\n",
            clip(&layout->x, layout->rejected_above),
            clip(&layout->x, layout->rejected_above));
    }
    if (!isnan(layout->s_half_low) && !isnan(layout->s_half_high))
        put_band(layout, layout->s_half_low, layout->s_half_high, "#fbe9c6", out);
    if (ipm_ratio_visible(layout, layout->s_half))
        (void)fprintf(
            out,
            "set arrow from first %.6g, graph 0 to first %.6g, graph 1 nohead "
            "back linewidth 1.4 linecolor '#e69f00'\n",
            layout->s_half, layout->s_half);
}

static void put_guide(double y, const char *style, FILE *out)
{
    (void)fprintf(
        out,
        "set arrow from graph 0, first %.6g to graph 1, first %.6g nohead back "
        "%s\n",
        y, y, style);
}

struct marks {
    int block, column;
    int filled, open;
    unsigned colour;
    double beside; /* what the sizes are multiplied by, not to hide another series */
    bool bars;
};

/* Intervals and marks of one block, filled where the fit used the point. */
static void put_marks(struct marks marks, const char *after, FILE *out)
{
    if (marks.bars)
        (void)fprintf(out,
                      "  'ratio.dat' index %d using ($1 * %.5f):3:(0):($4 - $3) with "
                      "vectors nohead linewidth 1.5 linecolor '#%06x', \\\n",
                      marks.block, marks.beside, marks.colour);
    (void)fprintf(out,
                  "  'ratio.dat' index %d using ($6 == 1 ? $1 * %.5f : NaN):%d with "
                  "points pointtype %d pointsize 0.85 linecolor '#%06x', \\\n",
                  marks.block, marks.beside, marks.column, marks.filled, marks.colour);
    (void)fprintf(out,
                  "  '' index %d using ($6 == 1 ? NaN : $1 * %.5f):%d with points "
                  "pointtype %d pointsize 0.85 linewidth 1.5 linecolor '#%06x'%s\n",
                  marks.block, marks.beside, marks.column, marks.open, marks.colour,
                  after);
}

/* The factor of so many pixels to the right. */
static double beside(const struct ipm_ratio_layout *layout, double pixels)
{
    return pow(layout->x.high / layout->x.low,
               pixels / (IPM_RATIO_RIGHT - IPM_RATIO_LEFT));
}

static void put_ratio_panel(const struct ipm_ratio_layout *layout, FILE *out)
{
    ipm_canvas_panel(&layout->canvas, &layout->x, &layout->ratio, out);
    ipm_canvas_size_ticks(&layout->x, !layout->residuals, out);
    ipm_canvas_ticks(&layout->ratio, ipm_format_count, out);
    if (!layout->residuals)
        (void)fputs("set xlabel 'message size' offset 0, 0.4 textcolor '#333333'\n",
                    out);
    put_ground(layout, out);
    for (double guide = 1; guide <= 2; guide += 0.5)
        put_guide(guide, "linewidth 1.2 linecolor '#a8a8a8'", out);
    if (!isnan(layout->limit)) {
        char style[64];
        (void)snprintf(style, sizeof(style), "linewidth 1 linecolor '#%06x'",
                       (unsigned)IPM_RATIO_TOUCHED);
        put_guide(layout->limit, style, out);
    }
    (void)fputs("plot \\\n", out);
    if (layout->fitted)
        (void)fprintf(out,
                      "  'ratio.dat' index %d using ($6 == 1 ? $1 : NaN):5 with lines "
                      "linewidth 1.8 linecolor '#%06x', \\\n"
                      "  '' index %d using 1:5 with lines linewidth 1.2 dashtype 2 "
                      "linecolor '#%06x', \\\n",
                      RATIO, (unsigned)IPM_RATIO_CURVE, RATIO,
                      (unsigned)IPM_RATIO_CURVE);
    put_marks((struct marks){TOUCHED, 2, IPM_RATIO_DIAMOND, IPM_RATIO_DIAMOND,
                             IPM_RATIO_TOUCHED, beside(layout, 6), true},
              ", \\", out);
    /* Without a fit nothing was used, and nothing was left out of it. */
    put_marks((struct marks){RATIO, 2, IPM_RATIO_CIRCLE,
                             layout->fitted ? IPM_RATIO_CIRCLE_OPEN : IPM_RATIO_CIRCLE,
                             IPM_RATIO_MEASURED, 1, true},
              "", out);
}

static void put_residual_panel(const struct ipm_ratio_layout *layout, FILE *out)
{
    ipm_canvas_panel(&layout->canvas, &layout->x, &layout->residual, out);
    ipm_canvas_size_ticks(&layout->x, true, out);
    ipm_canvas_ticks(&layout->residual, ipm_format_count, out);
    put_ground(layout, out);
    put_guide(0, "linewidth 1.2 linecolor '#a8a8a8'", out);
    (void)fputs("set xlabel 'message size' offset 0, 0.4 textcolor '#333333'\n"
                "set label 1 'residual of the time, %, measured against predicted' at "
                "graph 0, graph 1 offset 0.6, 0.7 textcolor '#333333'\nplot \\\n",
                out);
    put_marks((struct marks){FIRST, 5, IPM_RATIO_CIRCLE, IPM_RATIO_CIRCLE_OPEN,
                             IPM_RATIO_MEASURED, beside(layout, -3), false},
              ", \\", out);
    put_marks((struct marks){SECOND, 5, IPM_RATIO_TRIANGLE, IPM_RATIO_TRIANGLE_OPEN,
                             IPM_RATIO_PARTNER, beside(layout, 3), false},
              "", out);
}

static void put_words(const struct ipm_ratio_layout *layout, FILE *out)
{
    static const char *const alignments[] = {"left", "center", "right"};
    (void)fputs("unset label 1\n", out);
    ipm_canvas_words(&layout->canvas, out);
    (void)fprintf(
        out,
        "plot \\\n"
        "  'ratio.dat' index %d every ::0::0 using 1:2:3 with labels left font "
        "'sans-serif,16', \\\n"
        "  '' index %d every ::1 using 1:2:3 with labels left textcolor "
        "'#555555', \\\n",
        HEADS, HEADS);
    for (int i = 0; i < 3; i++)
        (void)fprintf(
            out,
            "  '' index %d using ($3 == %d ? $1 : NaN):2:4 with labels %s font "
            "'sans-serif,11' textcolor '#555555', \\\n",
            NOTES, i, alignments[i]);
    (void)fprintf(out,
                  "  '' index %d using ($3 > 0 ? %d : NaN):1:3:2 with points pointtype "
                  "variable pointsize 0.85 linewidth 1.5 linecolor rgb variable, \\\n"
                  "  '' index %d using ($3 == 0 ? %d : NaN):1:(20):(0):2 with vectors "
                  "nohead linewidth 1.8 linecolor rgb variable, \\\n"
                  "  '' index %d using (%d):1:4 with labels left textcolor '#222222'\n",
                  LEGEND, IPM_RATIO_LEGEND, LEGEND, IPM_RATIO_LEGEND - 10, LEGEND,
                  IPM_RATIO_LEGEND + 16);
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct ipm_ratio_layout *layout = context;
    (void)why;
    ipm_canvas_open(&layout->canvas, out);
    put_ratio_panel(layout, out);
    if (layout->residuals)
        put_residual_panel(layout, out);
    put_words(layout, out);
    ipm_canvas_close(out);
    return 0;
}

static const json_t *seed_of(const json_t *document)
{
    size_t i;
    const json_t *model;
    json_array_foreach(json_object_get(document, "models"), i, model)
    {
        if (strcmp(ipm_ratio_text(model, "name"), "seed") == 0)
            return model;
    }
    return NULL;
}

static bool has_ratio(const json_t *model)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(model, "ratio"), i, row)
    {
        if (!isnan(ipm_ratio_number(row, "value")) && ipm_ratio_number(row, "size") > 0)
            return true;
    }
    return false;
}

/* Why the model shows nothing; NULL: it does. */
static const char *nothing_of(const json_t *model)
{
    if (model == NULL)
        return no_model;
    if (strcmp(ipm_ratio_text(model, "status"), "no_data") != 0 && has_ratio(model))
        return NULL;
    const char *reason = ipm_ratio_text(model, "reason");
    return reason[0] == '\0' ? no_ratio : reason;
}

int ipm_plot_ratio(const json_t *document, const char *directory, json_t **out_json,
                   struct ipm_why *why)
{
    struct ipm_ratio_layout layout = {0};
    const json_t *model = seed_of(document);
    const struct ipm_plot plot = {
        .name = "ratio",
        .data = put_data,
        .script = put_script,
        .nothing = nothing_of(model),
    };
    if (plot.nothing == NULL)
        ipm_ratio_lay_out(model, &layout);
    return ipm_plot_write(&plot, &layout, directory, out_json, why);
}
