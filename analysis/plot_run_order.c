/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_run_order.h"

#include "analysis/gnuplot.h"
#include "analysis/plot.h"
#include "analysis/plot_canvas.h"

#include <math.h>
#include <stdio.h>

/* Pixels. */
enum {
    WIDTH = 1000,
    TOP = 112,
    BOTTOM = 56,
    PANEL = 130,
    GAP = 44,
    LEFT = 70,
    RIGHT = 970,
    KINDS = 3,
};

static const struct {
    const char *key, *title;
    unsigned colour;
} kinds[KINDS] = {
    {"time", "time per operation", 0x0072b2},
    {"cacheline_rtt", "cache-line round trip around the window", 0xd55e00},
    {"core_step", "step of the core around the window: its clock, or a neighbour",
     0x009e73},
};

struct drawing {
    const json_t *order; /* "run_order" of the document */
    size_t panels[KINDS];
    size_t n; /* of them */
    size_t entries, per;
    struct ipm_canvas canvas;
    struct ipm_axis x;
};

static double at(const json_t *list, size_t i)
{
    const json_t *value = json_array_get(list, i);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static bool has_any(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!isnan(at(list, i)))
            return true;
    }
    return false;
}

static double sum_of(const json_t *list)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        sum += isnan(at(list, i)) ? 0 : at(list, i);
    return sum;
}

static const char *times_text(char text[IPM_UNITS_TEXT], double value)
{
    (void)snprintf(text, IPM_UNITS_TEXT, "x %.3g", value);
    return text;
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    const json_t *order = drawing->order;
    (void)why;
    if (drawing->n == 0) {
        (void)fputs("# nothing to draw\n", out);
        return 0;
    }
    (void)fputs("# invocation time time_least time_most cacheline_rtt core_step "
                "regime_changed\n",
                out);
    for (size_t i = 0; i < drawing->entries; i++)
        (void)fprintf(out, "%zu %.6g %.6g %.6g %.6g %.6g %.6g\n", i * drawing->per + 1,
                      at(json_object_get(order, "time"), i),
                      at(json_object_get(order, "time_least"), i),
                      at(json_object_get(order, "time_most"), i),
                      at(json_object_get(order, "cacheline_rtt"), i),
                      at(json_object_get(order, "core_step"), i),
                      at(json_object_get(order, "regime_changed"), i));
    double height = drawing->canvas.height;
    double changed = sum_of(json_object_get(order, "regime_changed"));
    (void)fprintf(
        out,
        "\n\n# words: x_pixel y_pixel text\n"
        "20 %.0f \"The machine during the run\"\n"
        "20 %.0f \"Each invocation of the timing pass in its turn, as a multiple "
        "of the median over its point.\"\n"
        "20 %.0f \"Vertical: the machine changed within the window (%.0f).  On a "
        "slow core: %.0f.%s\"\n",
        height - 26, height - 49, height - 67, changed,
        sum_of(json_object_get(order, "slow_core")),
        drawing->per > 1 ? "  A mark stands for several: their median." : "");
    for (size_t i = 0; i < drawing->n; i++)
        (void)fprintf(out, "%d %.0f \"%s\"\n", LEFT,
                      height - TOP - (double)i * (PANEL + GAP) + 13,
                      kinds[drawing->panels[i]].title);
    return 0;
}

static void put_panel(const struct drawing *drawing, size_t panel, FILE *out)
{
    size_t kind = drawing->panels[panel];
    const json_t *list = json_object_get(drawing->order, kinds[kind].key);
    double top = drawing->canvas.height - TOP - (double)panel * (PANEL + GAP);
    struct ipm_axis y = {
        .low = 1, .high = 1, .from = top - PANEL, .to = top, .logarithmic = true};
    for (size_t i = 0; i < drawing->entries; i++)
        ipm_axis_hold(&y, at(list, i));
    /* A machine that is still looks still. */
    ipm_axis_hold(&y, 0.95);
    ipm_axis_hold(&y, 1.05);
    ipm_axis_pad(&y, 0.06);
    ipm_canvas_panel(&drawing->canvas, &drawing->x, &y, out);
    ipm_canvas_ticks(&y, times_text, out);
    (void)fprintf(out,
                  "set xtics nomirror scale 0.5 textcolor '#333333' autofreq\n"
                  "set format x '%s'\n"
                  "unset arrow\n"
                  "set arrow from graph 0, first 1 to graph 1, first 1 nohead back "
                  "linewidth 1.2 linecolor '#a8a8a8'\n",
                  panel + 1 == drawing->n ? "%.0f" : "");
    if (panel + 1 == drawing->n)
        (void)fputs(
            "set xlabel 'invocation, in the order of the records' offset 0, 0.4 "
            "textcolor '#333333'\n",
            out);
    (void)fprintf(out,
                  "plot 'run_order.dat' index 0 using ($7 > 0 ? $1 : NaN):(%.6g):(0):"
                  "(%.6g) with vectors nohead linewidth 1 linecolor '#e69f00', \\\n"
                  "  '' index 0 using 1:%zu with points pointtype 7 pointsize 0.35 "
                  "linecolor '#%06x'\n",
                  y.low, y.high - y.low, kind == 0 ? (size_t)2 : kind + 4,
                  kinds[kind].colour);
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    (void)why;
    ipm_canvas_open(&drawing->canvas, out);
    for (size_t i = 0; i < drawing->n; i++)
        put_panel(drawing, i, out);
    (void)fputs("unset arrow\nset format x\n", out);
    ipm_canvas_words(&drawing->canvas, out);
    (void)fputs(
        "plot 'run_order.dat' index 1 every ::0::0 using 1:2:3 with labels left "
        "font 'sans-serif,16', \\\n"
        "  '' index 1 every ::1 using 1:2:3 with labels left textcolor "
        "'#555555'\n",
        out);
    ipm_canvas_close(out);
    return 0;
}

int ipm_plot_run_order(const json_t *document, const char *directory, json_t **out_json,
                       struct ipm_why *why)
{
    struct drawing drawing = {.order = json_object_get(document, "run_order")};
    const json_t *per = json_object_get(drawing.order, "per");
    drawing.per = json_integer_value(per) > 0 ? (size_t)json_integer_value(per) : 1;
    drawing.entries = json_array_size(json_object_get(drawing.order, "line"));
    for (size_t kind = 0; kind < KINDS; kind++) {
        if (has_any(json_object_get(drawing.order, kinds[kind].key)))
            drawing.panels[drawing.n++] = kind;
    }
    drawing.canvas = (struct ipm_canvas){
        .name = "run_order",
        .width = WIDTH,
        .height = TOP + BOTTOM + (double)drawing.n * (PANEL + GAP) - GAP};
    drawing.x = (struct ipm_axis){.low = 0,
                                  .high = (double)(drawing.entries * drawing.per + 1),
                                  .from = LEFT,
                                  .to = RIGHT};
    const struct ipm_plot plot = {
        .name = "run_order",
        .data = put_data,
        .script = put_script,
        .nothing =
            drawing.n > 0 ? NULL : "no point has three invocations of the timing pass",
    };
    return ipm_plot_write(&plot, &drawing, directory, out_json, why);
}
