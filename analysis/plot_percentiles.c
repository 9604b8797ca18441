/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_percentiles.h"

#include "analysis/gnuplot.h"
#include "analysis/member.h"
#include "analysis/percentiles.h"
#include "analysis/plot.h"
#include "analysis/plot_canvas.h"

#include <math.h>
#include <stdlib.h>

/* Pixels; the labels stand right of the panel. */
enum {
    WIDTH = 1000,
    LEFT = 74,
    RIGHT = 720,
    MARKS = 745,
    LABELS = 762,
    ABOVE = 106,
    BELOW = 54,
    PANEL = 400,
    LABEL = 35, /* two lines of a label */
};

struct curve {
    const json_t *json, *point;
    double limit; /* 1 / (1 - q); NaN: nothing can be told */
    double place; /* pixels: where its label stands */
};

struct drawing {
    struct curve curves[IPM_PERCENTILE_CURVES];
    size_t order[IPM_PERCENTILE_CURVES]; /* of the labels, from top to bottom */
    size_t n, of;
    struct ipm_canvas canvas;
    struct ipm_axis x, y;
};

static double rarity(double q)
{
    return 1 / (1 - q);
}

/* The point of the document that has this id. */
static const json_t *find_point(const json_t *document, const json_t *id)
{
    size_t i;
    const json_t *point;
    json_array_foreach(json_object_get(document, "points"), i, point)
    {
        if (json_equal(json_object_get(point, "id"), id))
            return point;
    }
    return NULL;
}

static double last_ns(const struct curve *curve)
{
    const json_t *quantiles = json_object_get(curve->json, "quantiles");
    return ipm_member_number(json_array_get(quantiles, json_array_size(quantiles) - 1),
                             "ns");
}

static void take_curves(struct drawing *drawing, const json_t *document)
{
    const json_t *percentiles = json_object_get(document, "percentiles");
    size_t i;
    const json_t *json;
    drawing->of = (size_t)json_integer_value(json_object_get(percentiles, "of"));
    json_array_foreach(json_object_get(percentiles, "curves"), i, json)
    {
        const json_t *quantiles = json_object_get(json, "quantiles");
        size_t k;
        const json_t *quantile;
        if (drawing->n == IPM_PERCENTILE_CURVES || json_array_size(quantiles) == 0)
            continue;
        drawing->curves[drawing->n++] = (struct curve){
            .json = json,
            .point = find_point(document, json_object_get(json, "point")),
            .limit = rarity(ipm_member_number(json, "limit"))};
        json_array_foreach(quantiles, k, quantile)
        {
            ipm_axis_hold(&drawing->x, rarity(ipm_member_number(quantile, "q")));
            ipm_axis_hold(&drawing->y, ipm_member_number(quantile, "ns"));
        }
    }
}

/* Labels stand as the lines end, from top to bottom. */
static void place_labels(struct drawing *drawing)
{
    double places[IPM_PERCENTILE_CURVES];
    size_t *order = drawing->order;
    for (size_t i = 0; i < drawing->n; i++) {
        size_t at = i;
        for (; at > 0 &&
               last_ns(&drawing->curves[order[at - 1]]) < last_ns(&drawing->curves[i]);
             at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (size_t i = 0; i < drawing->n; i++)
        places[i] = ipm_axis_pixel(&drawing->y, last_ns(&drawing->curves[order[i]]));
    ipm_canvas_spread(places, drawing->n, LABEL, drawing->y.from + LABEL / 2.0,
                      drawing->y.to - LABEL / 4.0);
    for (size_t i = 0; i < drawing->n; i++)
        drawing->curves[order[i]].place = places[i];
}

static void lay_out(struct drawing *drawing)
{
    drawing->canvas = (struct ipm_canvas){
        .name = "percentiles", .width = WIDTH, .height = BELOW + PANEL + ABOVE};
    ipm_axis_pad(&drawing->x, 0.015);
    ipm_axis_pad(&drawing->y, 0.04);
    place_labels(drawing);
}

static void put_words(const struct drawing *drawing, FILE *out)
{
    (void)fprintf(
        out,
        "# words: x_pixel y_pixel text\n"
        "20 %.0f \"Percentiles of the round trip\"\n"
        "20 %.0f \"All round trips of all invocations together.  Solid: up to "
        "the percentile that so many samples can tell;\"\n"
        "20 %.0f \"dotted: what was seen beyond it.  %zu of the %zu points of "
        "the ladder that were timed one by one.\"\n",
        drawing->canvas.height - 26, drawing->canvas.height - 49,
        drawing->canvas.height - 67, drawing->n, drawing->of);
}

static void put_labels_data(const struct drawing *drawing, FILE *out)
{
    (void)fputs("\n\n# labels: y_pixel colour mark label detail\n", out);
    for (size_t i = 0; i < drawing->n; i++) {
        const struct curve *curve = &drawing->curves[i];
        struct ipm_form form = ipm_canvas_form(i);
        double copies = ipm_member_number(curve->point, "copies");
        char name[120];
        char detail[160];
        char cut[44];
        (void)snprintf(name, sizeof(name), "%.80s",
                       ipm_member_text(curve->point, "mechanism"));
        ipm_canvas_cut(cut, 24, name); /* and "9 copies" has room, too */
        if (isnan(copies))
            (void)snprintf(name, sizeof(name), "%s", cut);
        else
            (void)snprintf(name, sizeof(name), "%s, %g cop%s", cut, copies,
                           copies == 1 ? "y" : "ies");
        (void)snprintf(detail, sizeof(detail), "wait %.20s, %.60s",
                       ipm_member_text(curve->point, "wait"),
                       ipm_member_text(curve->point, "placement"));
        ipm_canvas_cut(cut, sizeof(cut), detail);
        (void)fprintf(out, "%.1f 0x%06x %d ", curve->place, form.colour, form.mark);
        ipm_gnuplot_column(out, name);
        (void)fputc(' ', out);
        ipm_gnuplot_column(out, cut);
        (void)fputc('\n', out);
    }
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    (void)why;
    if (drawing->n == 0) {
        (void)fputs("# nothing to draw\n", out);
        return 0;
    }
    put_words(drawing, out);
    put_labels_data(drawing, out);
    for (size_t i = 0; i < drawing->n; i++) {
        const struct curve *curve = &drawing->curves[i];
        size_t k;
        const json_t *quantile;
        (void)fputs("\n\n# one_in ns told beyond at_limit\n", out);
        json_array_foreach(json_object_get(curve->json, "quantiles"), k, quantile)
        {
            double x = rarity(ipm_member_number(quantile, "q"));
            double ns = ipm_member_number(quantile, "ns");
            double known = isnan(curve->limit) ? 0 : curve->limit * (1 + 1e-6);
            bool last = fabs(x / curve->limit - 1) < 1e-6;
            (void)fprintf(
                out, "%.6g %.6g %.6g %.6g %.6g\n", x, ns, x <= known ? ns : (double)NAN,
                x > known || last ? ns : (double)NAN, last ? ns : (double)NAN);
        }
    }
    return 0;
}

/* Every nine. */
static void put_ticks(const struct drawing *drawing, FILE *out)
{
    static const struct {
        const char *text;
        double q;
    } ticks[] = {{"50 %%", 0.5},        {"90 %%", 0.9},        {"99 %%", 0.99},
                 {"99.9 %%", 0.999},    {"99.99 %%", 0.9999},  {"99.999 %%", 0.99999},
                 {"6 nines", 0.999999}, {"7 nines", 0.9999999}};
    const char *separator = "";
    (void)fputs("set xtics nomirror scale 0.5 textcolor '#333333' (", out);
    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
        if (rarity(ticks[i].q) < drawing->x.low || rarity(ticks[i].q) > drawing->x.high)
            continue;
        (void)fprintf(out, "%s'%s' %.8g", separator, ticks[i].text, rarity(ticks[i].q));
        separator = ", ";
    }
    (void)fputs(")\n", out);
}

static void put_lines(const struct drawing *drawing, FILE *out)
{
    (void)fputs("plot \\\n", out);
    for (size_t i = 0; i < drawing->n; i++) {
        struct ipm_form form = ipm_canvas_form(i);
        (void)fprintf(
            out,
            "  'percentiles.dat' index %zu using 1:4 with lines linewidth 1.2 "
            "dashtype 3 linecolor '#%06x', \\\n"
            "  '' index %zu using 1:3 with lines linewidth 2 dashtype %d "
            "linecolor '#%06x', \\\n"
            "  '' index %zu using 1:5 with points pointtype %d pointsize 0.8 "
            "linecolor '#%06x'%s\n",
            i + 2, form.colour, i + 2, form.dashes, form.colour, i + 2, form.mark,
            form.colour, i + 1 < drawing->n ? ", \\" : "");
    }
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    (void)why;
    ipm_canvas_open(&drawing->canvas, out);
    ipm_canvas_panel(&drawing->canvas, &drawing->x, &drawing->y, out);
    put_ticks(drawing, out);
    ipm_canvas_ticks(&drawing->y, ipm_format_ns, out);
    (void)fputs("set xlabel 'share of round trips that are no slower' offset 0, 0.4 "
                "textcolor '#333333'\n"
                "set label 1 'time per round trip' at graph 0, graph 1 offset 0.6, 0.7 "
                "textcolor '#333333'\n",
                out);
    put_lines(drawing, out);
    (void)fputs("unset label 1\n", out);
    ipm_canvas_words(&drawing->canvas, out);
    (void)fprintf(out,
                  "plot 'percentiles.dat' index 0 every ::0::0 using 1:2:3 with labels "
                  "left font 'sans-serif,16', \\\n"
                  "  '' index 0 every ::1 using 1:2:3 with labels left textcolor "
                  "'#555555', \\\n"
                  "  '' index 1 using (%d):1:3:2 with points pointtype variable "
                  "pointsize 0.8 linecolor rgb variable, \\\n"
                  "  '' index 1 using (%d):($1 + 2):4 with labels left textcolor "
                  "'#222222', \\\n"
                  "  '' index 1 using (%d):($1 - 12):5 with labels left font "
                  "'sans-serif,10' textcolor '#555555'\n",
                  MARKS, LABELS, LABELS);
    ipm_canvas_close(out);
    return 0;
}

int ipm_plot_percentiles(const json_t *document, const char *directory,
                         json_t **out_json, struct ipm_why *why)
{
    struct drawing drawing = {
        .x = {.low = 1, .high = 0, .from = LEFT, .to = RIGHT, .logarithmic = true},
        .y = {.low = 1,
              .high = 0,
              .from = BELOW,
              .to = BELOW + PANEL,
              .logarithmic = true}};
    take_curves(&drawing, document);
    if (drawing.n > 0)
        lay_out(&drawing);
    const struct ipm_plot plot = {
        .name = "percentiles",
        .data = put_data,
        .script = put_script,
        .nothing = drawing.n > 0
                       ? NULL
                       : "no point of the ladder has round trips timed one by one",
    };
    return ipm_plot_write(&plot, &drawing, directory, out_json, why);
}
