/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_rates.h"

#include "analysis/gnuplot.h"
#include "analysis/plot.h"
#include "analysis/plot_canvas.h"

#include <math.h>

enum {
    WIDTH = 1210,
    LEFT = 74,    /* the panel */
    RIGHT = 770,  /* ... to here, then the labels */
    LABELS = 812, /* their text */
    ABOVE = 124,  /* title, three lines of words, the axis' name */
    BELOW = 54,   /* ticks and the axis' name */
    PANEL = 440,
    LABEL = 48, /* three lines of a label */
};

/* Colours of gnuplot's podo set (Wong 2011) without the yellow, which white drowns. */
static const struct {
    unsigned colour;
    int filled, open;
} forms[IPM_PLOT_RATES] = {
    {0x0072b2, 7, 6},   {0xd55e00, 5, 4},   {0x009e73, 9, 8}, {0xcc79a7, 13, 12},
    {0x56b4e9, 11, 10}, {0xe69f00, 15, 14}, {0x000000, 3, 1},
};

static const char median[] = "response_p50_ns";
static const char tail[] = "response_p99_ns";

struct rates {
    const struct ipm_rate_set *set;
    size_t n_series; /* drawn */
    struct ipm_canvas canvas;
    struct ipm_axis x, y;
    bool empty; /* no point has a time */
};

static void hold_figure(struct rates *rates, const struct ipm_point *point,
                        const char *name)
{
    const struct ipm_figure *figure = ipm_point_figure(point, name);
    if (figure == NULL || !(figure->estimate.value > 0))
        return;
    rates->empty = false;
    ipm_axis_hold(&rates->y, figure->estimate.value);
    ipm_axis_hold(&rates->y, figure->estimate.low);
    ipm_axis_hold(&rates->y, figure->estimate.high);
}

static void lay_out(struct rates *rates)
{
    rates->n_series =
        rates->set->n_series < IPM_PLOT_RATES ? rates->set->n_series : IPM_PLOT_RATES;
    rates->canvas = (struct ipm_canvas){
        .name = "rate", .width = WIDTH, .height = BELOW + PANEL + ABOVE};
    rates->x = (struct ipm_axis){1, 0, LEFT, RIGHT, true};
    rates->y = (struct ipm_axis){1, 0, BELOW, BELOW + PANEL, true};
    for (size_t i = 0; i < rates->n_series; i++) {
        const struct ipm_rate_series *series = &rates->set->series[i];
        ipm_axis_hold(&rates->x, series->capacity_per_s);
        for (size_t k = 0; k < series->n_points; k++) {
            ipm_axis_hold(&rates->x, series->points[k]->open_loop.offered_per_s);
            hold_figure(rates, series->points[k], median);
            hold_figure(rates, series->points[k], tail);
        }
    }
    ipm_axis_pad(&rates->x, 0.025);
    ipm_axis_pad(&rates->y, 0.04);
}

/* By what a line's rates are multiplied, so that its bars stand beside the others'. */
static double beside(const struct rates *rates, size_t i)
{
    double pixels = 3 * ((double)i - ((double)rates->n_series - 1) / 2);
    return pow(rates->x.high / rates->x.low, pixels / (RIGHT - LEFT));
}

static void put_words(const struct rates *rates, FILE *out)
{
    static const char *const lines[] = {
        "Solid line, filled mark: median of response; dashed, open mark: its 99th "
        "percentile; bars: their intervals.",
        "Response counts from the time a message was due, not from its sending: what "
        "piles up behind a late one is in it.",
    };
    double top = rates->canvas.height;
    (void)fprintf(out,
                  "# words: x_pixel y_pixel text\n20 %.0f \"Response against "
                  "offered rate\"\n",
                  top - 26);
    for (size_t i = 0; i < 2; i++)
        (void)fprintf(out, "20 %.0f \"%s\"\n", top - 49 - 18 * (double)i, lines[i]);
    (void)fprintf(
        out,
        "20 %.0f \"Crossed out: mostly less than 99 %% of the plan was sent, the "
        "times say how far it ran away.  Dotted: capacity, 100 %%.",
        top - 85);
    if (rates->set->n_series > rates->n_series)
        (void)fprintf(out, "  Not drawn: %zu more lines.",
                      rates->set->n_series - rates->n_series);
    (void)fputs("\"\n", out);
}

static void put_figure(const struct ipm_point *point, const char *name, FILE *out)
{
    const struct ipm_figure *figure = ipm_point_figure(point, name);
    if (figure == NULL)
        (void)fputs(" nan nan nan", out);
    else
        (void)fprintf(out, " %.6g %.6g %.6g", figure->estimate.value,
                      figure->estimate.low, figure->estimate.high);
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct rates *rates = context;
    (void)why;
    put_words(rates, out);
    (void)fputs(
        "\n\n# labels: y_pixel colour filled_mark open_mark label detail capacity\n",
        out);
    for (size_t i = 0; i < rates->n_series; i++) {
        const struct ipm_rate_series *series = &rates->set->series[i];
        char text[IPM_UNITS_TEXT];
        (void)fprintf(out, "%.1f 0x%06x %d %d ",
                      rates->y.to - 12 - (double)(LABEL * (int)i), forms[i].colour,
                      forms[i].filled, forms[i].open);
        ipm_gnuplot_column(out, series->label);
        (void)fputc(' ', out);
        ipm_gnuplot_column(out, series->detail);
        if (isnan(series->capacity_per_s))
            (void)fputs(" \"capacity not measured: no rate is a share\"\n", out);
        else
            (void)fprintf(out, " \"capacity %s messages/s\"\n",
                          ipm_format_count(text, series->capacity_per_s));
    }
    for (size_t i = 0; i < rates->n_series; i++) {
        const struct ipm_rate_series *series = &rates->set->series[i];
        (void)fputs("\n\n# ", out);
        ipm_gnuplot_column(out, series->label);
        (void)fputc(' ', out);
        ipm_gnuplot_column(out, series->detail);
        (void)fputs("\n# offered_per_s p50_ns low high p99_ns low high kept\n", out);
        for (size_t k = 0; k < series->n_points; k++) {
            const struct ipm_point *point = series->points[k];
            (void)fprintf(out, "%.10g", point->open_loop.offered_per_s);
            put_figure(point, median, out);
            put_figure(point, tail, out);
            (void)fprintf(out, " %d\n", ipm_rate_kept(point));
        }
    }
    return 0;
}

/* One percentile of a series: column 2 or 5 of its block. */
static void put_line(const struct rates *rates, size_t i, int column, FILE *out)
{
    bool solid = column == 2;
    double factor = beside(rates, i);
    (void)fprintf(out,
                  "  'rate.dat' index %zu using ($1 * %.5f):%d:(0):($%d - $%d) with "
                  "vectors nohead linewidth 1.2 linecolor '#%06x', \\\n",
                  i + 2, factor, column + 1, column + 2, column + 1, forms[i].colour);
    (void)fprintf(out,
                  "  '' index %zu using ($1 * %.5f):%d with linespoints linewidth %s "
                  "dashtype %d pointtype %d pointsize 0.8 linecolor '#%06x', \\\n",
                  i + 2, factor, column, solid ? "1.8" : "1.2", solid ? 1 : 2,
                  solid ? forms[i].filled : forms[i].open, forms[i].colour);
    (void)fprintf(out,
                  "  '' index %zu using ($1 * %.5f):($8 == 1 ? NaN : $%d) with points "
                  "pointtype 2 pointsize 1.5 linewidth 1.5 linecolor '#222222'%s\n",
                  i + 2, factor, column,
                  i + 1 < rates->n_series || solid ? ", \\" : "");
}

static void put_capacities(const struct rates *rates, FILE *out)
{
    for (size_t i = 0; i < rates->n_series; i++) {
        double capacity = rates->set->series[i].capacity_per_s;
        if (!isnan(capacity))
            (void)fprintf(out,
                          "set arrow from first %.6g, graph 0 to first %.6g, graph 1 "
                          "nohead linewidth 1.2 dashtype 3 linecolor '#%06x'\n",
                          capacity, capacity, forms[i].colour);
    }
}

static void put_labels(FILE *out)
{
    (void)fprintf(
        out,
        "plot \\\n"
        "  'rate.dat' index 0 every ::0::0 using 1:2:3 with labels left font "
        "'sans-serif,16', \\\n"
        "  '' index 0 every ::1 using 1:2:3 with labels left textcolor '#555555', \\\n"
        "  '' index 1 using (%d):1:3:2 with points pointtype variable pointsize 0.9 "
        "linecolor rgb variable, \\\n"
        "  '' index 1 using (%d):1:4:2 with points pointtype variable pointsize 0.9 "
        "linecolor rgb variable, \\\n"
        "  '' index 1 using (%d):1:5 with labels left textcolor '#222222', \\\n"
        "  '' index 1 using (%d):($1 - 14):6 with labels left font 'sans-serif,10' "
        "textcolor '#555555', \\\n"
        "  '' index 1 using (%d):($1 - 27):7 with labels left font 'sans-serif,10' "
        "textcolor '#555555'\n",
        LABELS - 26, LABELS - 9, LABELS + 4, LABELS + 4, LABELS + 4);
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct rates *rates = context;
    (void)why;
    if (rates->empty) {
        (void)fputs("# no point has a time\n", out);
        return 0;
    }
    ipm_canvas_open(&rates->canvas, out);
    ipm_canvas_panel(&rates->canvas, &rates->x, &rates->y, out);
    ipm_canvas_count_ticks(&rates->x, out);
    ipm_canvas_ticks(&rates->y, ipm_format_ns, out);
    (void)fputs(
        "set xlabel 'offered rate, messages per second' offset 0, 0.4 textcolor "
        "'#333333'\n"
        "set label 1 'response' at graph 0, graph 1 offset 0.6, 0.7 textcolor "
        "'#333333'\n",
        out);
    put_capacities(rates, out);
    (void)fputs("plot \\\n", out);
    for (size_t i = 0; i < rates->n_series; i++) {
        put_line(rates, i, 2, out);
        put_line(rates, i, 5, out);
    }
    (void)fputs("unset label 1\n", out);
    ipm_canvas_words(&rates->canvas, out);
    put_labels(out);
    ipm_canvas_close(out);
    return 0;
}

int ipm_plot_rates(const struct ipm_rate_set *set, const char *directory,
                   json_t **out_json, struct ipm_why *why)
{
    struct rates rates = {.set = set, .empty = true};
    *out_json = NULL;
    if (set->n_series == 0)
        return 0;
    lay_out(&rates);
    const struct ipm_plot plot = {
        .name = "rate",
        .data = put_data,
        .script = put_script,
        .nothing = rates.empty
                       ? "no message at a planned time has a time: see the points"
                       : NULL,
    };
    return ipm_plot_write(&plot, &rates, directory, out_json, why);
}
