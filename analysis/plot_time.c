/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_time.h"

#include "analysis/gnuplot.h"
#include "analysis/html.h"
#include "analysis/plot.h"
#include "analysis/plot_canvas.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Pixels. */
enum {
    WIDTH = 1000,
    TOP = 84,
    BOTTOM = 56,
    PANEL = 110,
    GAP = 46,
    LEFT = 70,
    RIGHT = 970
};

struct drawing {
    const json_t *series[IPM_PLOT_TIME_PANELS];
    size_t n, of; /* drawn, fitted */
    struct ipm_axis x;
    struct ipm_canvas canvas;
};

static double top_of(const struct drawing *drawing, size_t panel)
{
    return drawing->canvas.height - TOP - (double)panel * (PANEL + GAP);
}

static void put_label(const json_t *series, char *label, size_t room)
{
    char all[320];
    double copies = ipm_member_number(series, "copies");
    int used =
        snprintf(all, sizeof(all), "%.40s", ipm_member_text(series, "mechanism"));
    if (!isnan(copies))
        used += snprintf(all + used, sizeof(all) - (size_t)used, ", copies %g", copies);
    (void)snprintf(all + used, sizeof(all) - (size_t)used,
                   ", %.20s, %.40s, wait %.20s, touch %.20s%s%.60s",
                   ipm_member_text(series, "workload"),
                   ipm_member_text(series, "placement"),
                   ipm_member_text(series, "wait"), ipm_member_text(series, "touch"),
                   ipm_member_text(series, "options")[0] == '\0' ? "" : ", ",
                   ipm_member_text(series, "options"));
    ipm_canvas_cut(label, room, all);
}

/* Blocks: a series each, then the words. */
static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    (void)why;
    for (size_t i = 0; i < drawing->n; i++) {
        size_t k;
        json_t *point;
        (void)fputs("# size_bytes residual_percent low high left_out\n", out);
        json_array_foreach(json_object_get(drawing->series[i], "points"), k, point)
        {
            double residual = 100 * ipm_member_number(point, "residual");
            double error = 200 * ipm_member_number(point, "error_ns") /
                           ipm_member_number(point, "predicted_ns");
            (void)fprintf(out, "%.10g %.4g %.4g %.4g %.10g\n",
                          ipm_member_number(point, "size"), residual, residual - error,
                          residual + error, ipm_member_number(point, "rejected"));
        }
        (void)fputs("\n\n", out);
    }
    (void)fputs("# words: x_pixel y_pixel text\n", out);
    char line[200];
    (void)snprintf(line, sizeof(line), "What the time model leaves");
    if (drawing->n < drawing->of)
        (void)snprintf(line, sizeof(line),
                       "What the time model leaves (the first %zu of %zu series)",
                       drawing->n, drawing->of);
    (void)fprintf(out, "%d %g ", LEFT, drawing->canvas.height - 24);
    ipm_gnuplot_column(out, line);
    (void)fprintf(out, "\n%d %g ", LEFT, drawing->canvas.height - 46);
    ipm_gnuplot_column(out,
                       "residual of a size's median, %, with two standard errors; "
                       "open: invocations were left out; lines: where pieces meet");
    (void)fputc('\n', out);
    for (size_t i = 0; i < drawing->n; i++) {
        char label[140];
        put_label(drawing->series[i], label, sizeof(label));
        (void)fprintf(out, "%d %g ", LEFT, top_of(drawing, i) + 12);
        ipm_gnuplot_column(out, label);
        (void)fputc('\n', out);
    }
    return 0;
}

static const char *percent(char text[IPM_UNITS_TEXT], double value)
{
    (void)snprintf(text, IPM_UNITS_TEXT, "%g", fabs(value) < 1e-9 ? 0 : value);
    return text;
}

static void put_panel(const struct drawing *drawing, size_t i, FILE *out)
{
    const json_t *series = drawing->series[i];
    struct ipm_axis y = {.low = INFINITY,
                         .high = -INFINITY,
                         .from = top_of(drawing, i) - PANEL,
                         .to = top_of(drawing, i)};
    size_t k;
    json_t *member;
    ipm_axis_hold(&y, -2);
    ipm_axis_hold(&y, 2);
    json_array_foreach(json_object_get(series, "points"), k, member)
    {
        double residual = 100 * ipm_member_number(member, "residual");
        double error = 200 * ipm_member_number(member, "error_ns") /
                       ipm_member_number(member, "predicted_ns");
        ipm_axis_hold(&y, residual - error);
        ipm_axis_hold(&y, residual + error);
    }
    ipm_axis_pad(&y, 0.06);
    ipm_canvas_panel(&drawing->canvas, &drawing->x, &y, out);
    ipm_canvas_size_ticks(&drawing->x, i + 1 == drawing->n, out);
    ipm_canvas_ticks(&y, percent, out);
    (void)fputs("unset arrow\n"
                "set arrow from graph 0, first 0 to graph 1, first 0 nohead back "
                "linewidth 1.2 linecolor '#a8a8a8'\n",
                out);
    json_array_foreach(json_object_get(series, "breaks"), k, member)
    {
        double at = ipm_member_number(member, "at");
        (void)fprintf(
            out,
            "set arrow from first %.6g, graph 0 to first %.6g, graph 1 nohead "
            "back linewidth 1.4 linecolor '#e69f00'\n",
            at, at);
    }
    if (i + 1 == drawing->n)
        (void)fputs("set xlabel 'message size' offset 0, 0.4 textcolor '#333333'\n",
                    out);
    (void)fprintf(
        out,
        "plot \\\n"
        "  'time_residuals.dat' index %zu using 1:3:(0):($4 - $3) with vectors "
        "nohead linewidth 1.5 linecolor '#0072b2', \\\n"
        "  '' index %zu using ($5 > 0 ? NaN : $1):2 with points pointtype 7 "
        "pointsize 0.7 linecolor '#0072b2', \\\n"
        "  '' index %zu using ($5 > 0 ? $1 : NaN):2 with points pointtype 6 "
        "pointsize 0.7 linewidth 1.5 linecolor '#0072b2'\n",
        i, i, i);
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    (void)why;
    ipm_canvas_open(&drawing->canvas, out);
    for (size_t i = 0; i < drawing->n; i++)
        put_panel(drawing, i, out);
    (void)fputs("unset arrow\nunset xlabel\n", out);
    ipm_canvas_words(&drawing->canvas, out);
    (void)fprintf(out,
                  "plot 'time_residuals.dat' index %zu every ::0::0 using 1:2:3 with "
                  "labels left font 'sans-serif,16', \\\n"
                  "  '' index %zu every ::1 using 1:2:3 with labels left textcolor "
                  "'#555555'\n",
                  drawing->n, drawing->n);
    ipm_canvas_close(out);
    return 0;
}

/* The series that there is something to draw of. */
static void choose(const json_t *document, struct drawing *drawing)
{
    size_t i;
    json_t *model;
    json_array_foreach(json_object_get(document, "models"), i, model)
    {
        size_t k;
        json_t *series;
        if (strcmp(ipm_member_text(model, "name"), "time") != 0)
            continue;
        json_array_foreach(json_object_get(model, "series"), k, series)
        {
            if (strcmp(ipm_member_text(series, "status"), "fitted") != 0)
                continue;
            drawing->of++;
            if (drawing->n == IPM_PLOT_TIME_PANELS)
                continue;
            drawing->series[drawing->n++] = series;
            size_t at;
            json_t *point;
            json_array_foreach(json_object_get(series, "points"), at, point)
                ipm_axis_hold(&drawing->x, ipm_member_number(point, "size"));
        }
    }
}

int ipm_plot_time(const json_t *document, const char *directory, json_t **out_json,
                  struct ipm_why *why)
{
    struct drawing drawing = {.x = {.low = INFINITY,
                                    .high = -INFINITY,
                                    .from = LEFT,
                                    .to = RIGHT,
                                    .logarithmic = true}};
    const struct ipm_plot plot = {
        .name = "time_residuals", .data = put_data, .script = put_script};
    *out_json = NULL;
    choose(document, &drawing);
    if (drawing.n == 0)
        return 0;
    ipm_axis_pad(&drawing.x, 0.03);
    drawing.canvas = (struct ipm_canvas){
        .name = "time_residuals",
        .width = WIDTH,
        .height = TOP + BOTTOM + (double)drawing.n * (PANEL + GAP) - GAP,
    };
    return ipm_plot_write(&plot, &drawing, directory, out_json, why);
}
