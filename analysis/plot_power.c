/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_power.h"

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
    TOP = 92,
    BOTTOM = 56,
    POWER = 300,
    RESIDUALS = 130,
    GAP = 74,
    LEFT = 84,
    RIGHT = 660,
    LABELS = 690, /* their marks */
    LABEL = 34,   /* two lines of one */
};

enum { NAME = 48, LABEL_TEXT = 200, ROOM = 52 };

static const unsigned colours[IPM_PLOT_POWER_SERIES] = {0x0072b2, 0xd55e00, 0x009e73,
                                                        0xcc79a7, 0x56b4e9, 0xe69f00};

struct drawing {
    const json_t *curve, *lines;
    const json_t *series[IPM_PLOT_POWER_SERIES]; /* the first row of each */
    size_t n_series, of_series;
    const json_t *cells[IPM_PLOT_POWER_CELLS];
    size_t n_cells, of_cells;
    const char *provenance;
    bool mixed;
    char name[NAME]; /* of the files */
    struct ipm_axis x, y;
    struct ipm_canvas canvas;
};

static bool is(const char *left, const char *right)
{
    return strcmp(left, right) == 0;
}

/* One domain, as a machine's package holds its cores. */
static bool drawn(const json_t *row)
{
    return is(ipm_member_text(row, "domain"), "package");
}

static bool has_rate(const json_t *row)
{
    const char *rate = ipm_member_text(row, "rate");
    return rate[0] != '\0' && !is(rate, "max");
}

/* Whether the rows differ in rate alone. */
static bool same_series(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"workload", "mechanism", "copies", "size",
                                       "wait",     "placement", "domain", "source"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
            return false;
    }
    return true;
}

static double value_of(const json_t *row, const char *key, const char *which)
{
    return ipm_member_number(json_object_get(row, key), which);
}

/* The straight line of a series; NULL: none stands. */
static const json_t *line_of(const struct drawing *drawing, const json_t *row)
{
    size_t i;
    const json_t *line;
    json_array_foreach(drawing->lines, i, line)
    {
        if (same_series(line, row) && is(ipm_member_text(line, "status"), "fitted"))
            return line;
    }
    return NULL;
}

static void hold_row(struct drawing *drawing, const json_t *row)
{
    bool known = false;
    if (drawing->provenance[0] == '\0')
        drawing->provenance = ipm_member_text(row, "provenance");
    drawing->mixed =
        drawing->mixed || !is(drawing->provenance, ipm_member_text(row, "provenance"));
    if (!drawn(row) || !has_rate(row))
        return;
    for (size_t i = 0; i < drawing->n_series && !known; i++)
        known = same_series(drawing->series[i], row);
    drawing->of_series += !known;
    if (!known && drawing->n_series == IPM_PLOT_POWER_SERIES)
        return;
    if (!known)
        drawing->series[drawing->n_series++] = row;
    ipm_axis_hold(&drawing->x, value_of(row, "messages_per_s", "value"));
    ipm_axis_hold(&drawing->y, value_of(row, "beyond_w", "value"));
    ipm_axis_hold(&drawing->y, value_of(row, "beyond_w", "low"));
    ipm_axis_hold(&drawing->y, value_of(row, "beyond_w", "high"));
}

static void hold_cell(struct drawing *drawing, const json_t *cell)
{
    const char *status = ipm_member_text(cell, "status");
    if (!drawn(cell) || (!is(status, "fitted") && !is(status, "rejected")))
        return;
    drawing->of_cells++;
    if (drawing->n_cells < IPM_PLOT_POWER_CELLS)
        drawing->cells[drawing->n_cells++] = cell;
}

static void choose(struct drawing *drawing, const json_t *document)
{
    size_t i;
    size_t k;
    const json_t *model;
    const json_t *row;
    drawing->provenance = "";
    json_array_foreach(json_object_get(document, "models"), i, model)
    {
        if (!is(ipm_member_text(model, "name"), "energy"))
            continue;
        drawing->curve = json_object_get(model, "curve");
        drawing->lines = json_object_get(model, "lines");
        json_array_foreach(drawing->curve, k, row) hold_row(drawing, row);
        json_array_foreach(json_object_get(model, "cells"), k, row)
            hold_cell(drawing, row);
    }
}

static double bottom_of(const struct drawing *drawing, size_t cell)
{
    return BOTTOM + (double)(drawing->n_cells - 1 - cell) * (RESIDUALS + GAP);
}

static void lay_out(struct drawing *drawing)
{
    double below = (double)drawing->n_cells * (RESIDUALS + GAP);
    bool rates = drawing->n_series > 0;
    drawing->canvas = (struct ipm_canvas){
        .name = "power_rate",
        .file = drawing->name,
        .width = WIDTH,
        .height = TOP + BOTTOM + (rates ? below + POWER : below - GAP),
    };
    ipm_axis_hold(&drawing->y, 0);
    drawing->x.from = LEFT;
    drawing->x.to = RIGHT;
    drawing->y.from = BOTTOM + below;
    drawing->y.to = BOTTOM + below + POWER;
    ipm_axis_pad(&drawing->x, 0.03);
    ipm_axis_pad(&drawing->y, 0.04);
}

static void put_label(const json_t *row, FILE *out)
{
    char all[LABEL_TEXT];
    char cut[ROOM];
    char size[IPM_UNITS_TEXT];
    double copies = ipm_member_number(row, "copies");
    int used = snprintf(all, sizeof(all), "%.40s", ipm_member_text(row, "mechanism"));
    if (copies >= 0)
        used += snprintf(all + used, sizeof(all) - (size_t)used, ", copies %g", copies);
    (void)snprintf(all + used, sizeof(all) - (size_t)used, ", wait %.16s",
                   ipm_member_text(row, "wait"));
    ipm_canvas_cut(cut, sizeof(cut), all);
    ipm_gnuplot_column(out, cut);
    (void)snprintf(all, sizeof(all), "%.20s, %s, %.30s",
                   ipm_member_text(row, "workload"),
                   ipm_format_size(size, (int64_t)ipm_member_number(row, "size")),
                   ipm_member_text(row, "placement"));
    ipm_canvas_cut(cut, sizeof(cut), all);
    (void)fputc(' ', out);
    ipm_gnuplot_column(out, cut);
}

static void put_word(double x, double y, const char *text, FILE *out)
{
    (void)fprintf(out, "%g %g ", x, y);
    ipm_gnuplot_column(out, text);
    (void)fputc('\n', out);
}

static void put_words(const struct drawing *drawing, FILE *out)
{
    char line[LABEL_TEXT];
    size_t left_out =
        drawing->of_series - drawing->n_series + drawing->of_cells - drawing->n_cells;
    (void)fputs("# words: x_pixel y_pixel text\n", out);
    (void)snprintf(line, sizeof(line), "Power against rate, and residuals: %.40s",
                   drawing->provenance);
    put_word(20, drawing->canvas.height - 26, line, out);
    put_word(20, drawing->canvas.height - 49,
             "Package, beyond rest.  Marks: mean over blocks with its interval; lines: "
             "fits that stand.",
             out);
    if (left_out > 0) {
        (void)snprintf(line, sizeof(line), "Not drawn: %zu more series or cells.",
                       left_out);
        put_word(20, drawing->canvas.height - 67, line, out);
    }
    for (size_t i = 0; i < drawing->n_cells; i++) {
        const json_t *cell = drawing->cells[i];
        double copies = ipm_member_number(cell, "copies");
        int used = snprintf(line, sizeof(line), "Residuals: %.40s",
                            ipm_member_text(cell, "mechanism"));
        if (copies >= 0)
            used += snprintf(line + used, sizeof(line) - (size_t)used, ", copies %g",
                             copies);
        (void)snprintf(line + used, sizeof(line) - (size_t)used, ", wait %.16s: %.16s",
                       ipm_member_text(cell, "wait"), ipm_member_text(cell, "status"));
        put_word(LEFT, bottom_of(drawing, i) + RESIDUALS + 12, line, out);
    }
}

/* Blocks: words, labels, a series each, a cell each. */
static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    size_t k;
    const json_t *row;
    (void)why;
    put_words(drawing, out);
    (void)fputs("\n\n# labels: y_pixel colour label detail\n", out);
    for (size_t i = 0; i < drawing->n_series; i++) {
        (void)fprintf(out, "%g 0x%06x ", drawing->y.to - 12 - (double)(LABEL * i),
                      colours[i]);
        put_label(drawing->series[i], out);
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < drawing->n_series; i++) {
        (void)fputs("\n\n# messages_per_s beyond_w low high\n", out);
        json_array_foreach(drawing->curve, k, row)
        {
            if (has_rate(row) && same_series(drawing->series[i], row))
                (void)fprintf(out, "%.10g %.6g %.6g %.6g\n",
                              value_of(row, "messages_per_s", "value"),
                              value_of(row, "beyond_w", "value"),
                              value_of(row, "beyond_w", "low"),
                              value_of(row, "beyond_w", "high"));
        }
    }
    for (size_t i = 0; i < drawing->n_cells; i++) {
        (void)fputs("\n\n# predicted_w residual_w workload\n", out);
        json_array_foreach(json_object_get(drawing->cells[i], "windows"), k, row)
        {
            if (!json_is_true(json_object_get(row, "used")))
                continue;
            (void)fprintf(out, "%.6g %.6g ", ipm_member_number(row, "predicted_w"),
                          ipm_member_number(row, "residual_w"));
            ipm_gnuplot_column(out, ipm_member_text(row, "workload"));
            (void)fputc('\n', out);
        }
    }
    return 0;
}

static const char *watts(char text[IPM_UNITS_TEXT], double value)
{
    (void)snprintf(text, IPM_UNITS_TEXT, "%.4g", fabs(value) < 1e-9 ? 0 : value);
    return text;
}

static void put_zero(FILE *out)
{
    (void)fputs("unset arrow\n"
                "set arrow from graph 0, first 0 to graph 1, first 0 nohead back "
                "linewidth 1.2 linecolor '#a8a8a8'\n",
                out);
}

static void put_power(const struct drawing *drawing, FILE *out)
{
    ipm_canvas_panel(&drawing->canvas, &drawing->x, &drawing->y, out);
    ipm_canvas_count_ticks(&drawing->x, out);
    ipm_canvas_ticks(&drawing->y, watts, out);
    put_zero(out);
    (void)fputs("set xlabel 'messages per second' offset 0, 0.4 textcolor '#333333'\n"
                "set label 1 'W beyond rest' at graph 0, graph 1 offset 0.6, 0.7 "
                "textcolor '#333333'\nplot \\\n",
                out);
    for (size_t i = 0; i < drawing->n_series; i++) {
        const json_t *line = line_of(drawing, drawing->series[i]);
        (void)fprintf(
            out,
            "  '%s.dat' index %zu using 1:3:(0):($4 - $3) with vectors nohead "
            "linewidth 1.5 linecolor '#%06x', \\\n"
            "  '' index %zu using 1:2 with points pointtype 7 pointsize 0.8 "
            "linecolor '#%06x'",
            drawing->name, i + 2, colours[i], i + 2, colours[i]);
        /* What spins at rest is in the line and not in the marks: taken off again. */
        double standing = ipm_member_number(drawing->series[i], "standing_w");
        if (line != NULL)
            (void)fprintf(out,
                          ", \\\n  [%.6g:%.6g] %.10g + %.10g * x / 1e6 with lines "
                          "linewidth 1.6 linecolor '#%06x'",
                          ipm_member_number(line, "low_per_s"),
                          ipm_member_number(line, "high_per_s"),
                          value_of(line, "fixed_w", "value") - standing,
                          value_of(line, "message_uj", "value"), colours[i]);
        (void)fputs(i + 1 < drawing->n_series ? ", \\\n" : "\nunset label 1\n", out);
    }
}

static void put_residuals(const struct drawing *drawing, size_t i, FILE *out)
{
    double bottom = bottom_of(drawing, i);
    struct ipm_axis x = {.low = 1, .high = 0, .from = LEFT, .to = RIGHT};
    struct ipm_axis y = {.low = 1, .high = 0, .from = bottom, .to = bottom + RESIDUALS};
    size_t k;
    const json_t *row;
    ipm_axis_hold(&y, 0);
    json_array_foreach(json_object_get(drawing->cells[i], "windows"), k, row)
    {
        if (!json_is_true(json_object_get(row, "used")))
            continue;
        ipm_axis_hold(&x, ipm_member_number(row, "predicted_w"));
        ipm_axis_hold(&y, ipm_member_number(row, "residual_w"));
    }
    ipm_axis_pad(&x, 0.03);
    ipm_axis_pad(&y, 0.08);
    ipm_canvas_panel(&drawing->canvas, &x, &y, out);
    (void)fputs("set xtics auto nomirror scale 0.5 textcolor '#333333'\n", out);
    ipm_canvas_ticks(&y, watts, out);
    put_zero(out);
    (void)fprintf(out,
                  "set xlabel 'predicted W beyond rest' offset 0, 0.4 textcolor "
                  "'#333333'\n"
                  "plot '%s.dat' index %zu using 1:2 with points pointtype 7 pointsize "
                  "0.6 linecolor '#0072b2'\n",
                  drawing->name, 2 + drawing->n_series + i);
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    (void)why;
    if (drawing->n_series + drawing->n_cells == 0) {
        (void)fputs("# neither given rates nor a fit\n", out);
        return 0;
    }
    ipm_canvas_open(&drawing->canvas, out);
    if (drawing->n_series > 0)
        put_power(drawing, out);
    for (size_t i = 0; i < drawing->n_cells; i++)
        put_residuals(drawing, i, out);
    ipm_canvas_words(&drawing->canvas, out);
    (void)fprintf(
        out,
        "plot '%s.dat' index 0 every ::0::0 using 1:2:3 with labels left font "
        "'sans-serif,16', \\\n"
        "  '' index 0 every ::1 using 1:2:3 with labels left textcolor "
        "'#555555'",
        drawing->name);
    if (drawing->n_series > 0)
        (void)fprintf(out,
                      ", \\\n  '' index 1 using (%d):1:2 with points pointtype 7 "
                      "pointsize 0.9 linecolor rgb variable, \\\n"
                      "  '' index 1 using (%d):1:3 with labels left textcolor "
                      "'#222222', \\\n"
                      "  '' index 1 using (%d):($1 - 14):4 with labels left font "
                      "'sans-serif,10' textcolor '#555555'",
                      LABELS, LABELS + 12, LABELS + 12);
    (void)fputc('\n', out);
    ipm_canvas_close(out);
    return 0;
}

/* [a-z_]+ of a word of the records, which may hold anything. */
static void put_name(struct drawing *drawing)
{
    const char *word = drawing->mixed ? "mixed" : drawing->provenance;
    (void)strcpy(drawing->name, "power_rate-");
    size_t used = strlen(drawing->name);
    for (; *word != '\0' && used + 1 < NAME; word++) {
        if ((*word >= 'a' && *word <= 'z') || *word == '_')
            drawing->name[used++] = *word;
    }
    drawing->name[used] = '\0';
}

int ipm_plot_power(const json_t *document, const char *directory, json_t **out_json,
                   struct ipm_why *why)
{
    struct drawing drawing = {.x = {.low = 1, .high = 0, .logarithmic = true},
                              .y = {.low = 1, .high = 0}};
    *out_json = NULL;
    choose(&drawing, document);
    if (json_array_size(drawing.curve) == 0)
        return 0;
    put_name(&drawing);
    bool empty = drawing.n_series == 0 && drawing.n_cells == 0;
    if (!empty)
        lay_out(&drawing);
    const struct ipm_plot plot = {
        .name = drawing.name,
        .data = put_data,
        .script = put_script,
        .nothing = empty ? "no windows of the package at given rates, and no fit"
                   : drawing.mixed
                       ? "what is measured and what is not never share a picture"
                       : NULL,
    };
    return ipm_plot_write(&plot, &drawing, directory, out_json, why);
}
