/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_sizes.h"

#include "analysis/gnuplot.h"
#include "analysis/plot.h"
#include "analysis/plot_canvas.h"
#include "analysis/size_series.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 1210,
    LEFT = 74,    /* the panel */
    RIGHT = 770,  /* ... to here, then the labels */
    LABELS = 812, /* their text */
    ABOVE = 106,  /* title, two lines of words, the axis' name */
    BELOW = 54,   /* ticks and the axis' name */
    PANEL = 470,
    LABEL = 35, /* two lines of a label */
    FORMS = 7,
};

/* Colours of gnuplot's podo set (Wong 2011) without the yellow, which white drowns. */
static const struct {
    unsigned colour;
    int filled, open;
} forms[FORMS] = {
    {0x0072b2, 7, 6},   {0xd55e00, 5, 4},   {0x009e73, 9, 8}, {0xcc79a7, 13, 12},
    {0x56b4e9, 11, 10}, {0xe69f00, 15, 14}, {0x000000, 3, 1},
};

static_assert(IPM_PLOT_SERIES == 2 * FORMS, "every line has a mark of its own");

/* What the two pictures differ in. */
struct kind {
    const char *name, *title, *words, *axis;
    struct ipm_size_choice choice, roof;
    ipm_axis_text *tick;
    bool tail;           /* draw the 99th percentile */
    const char *nothing; /* where there is no series */
};

struct sizes {
    const struct kind *kind;
    struct ipm_size_set set, roof;
    size_t n_series; /* drawn: at most IPM_PLOT_SERIES */
    struct ipm_canvas canvas;
    struct ipm_axis x, y;
};

struct label {
    const struct ipm_size_series *series;
    size_t form;
    double x, y;  /* pixels: where the line ends */
    double place; /* pixels: where its label stands */
};

static const char *rate_text(char text[IPM_UNITS_TEXT], double value)
{
    (void)ipm_format_count(text, value);
    size_t used = strlen(text);
    (void)snprintf(text + used, IPM_UNITS_TEXT - used, "%sB/s",
                   strchr(text, ' ') == NULL ? " " : "");
    return text;
}

static const struct kind latency = {
    .name = "latency_size",
    .title = "Round trip against message size",
    .words = "Mark: median over fresh processes of the median round trip; bar: its "
             "interval.  Thin dashed: 99th percentile.  "
             "Marks of one size stand side by side.",
    .axis = "time per round trip",
    .choice = {"points", "pingpong", NULL, "none", "p50_ns"},
    .tick = ipm_format_ns,
    .tail = true,
    .nothing = "no series of ping-pong points with touch none has three sizes",
};

static const struct kind throughput = {
    .name = "throughput_size",
    .title = "Throughput against message size",
    .words =
        "Mark: median over fresh processes; bar: its interval.  Grey: what one CPU "
        "copies from buffer to buffer, without IPC.  "
        "Marks of one size stand side by side.",
    .axis = "payload per second",
    .choice = {"points", "stream", NULL, NULL, "bytes_per_s"},
    .roof = {"floors", "self_loop", "floor_memcpy", NULL, "bytes_per_s"},
    .tick = rate_text,
    .nothing = "no series of stream points has three sizes",
};

static bool roofed(const struct sizes *sizes)
{
    return sizes->roof.n_series > 0;
}

static void hold_series(struct sizes *sizes, const struct ipm_size_series *series)
{
    for (size_t i = 0; i < series->n_points; i++) {
        const struct ipm_size_point *point = &series->points[i];
        ipm_axis_hold(&sizes->x, point->size);
        ipm_axis_hold(&sizes->y, point->value);
        ipm_axis_hold(&sizes->y, point->low);
        ipm_axis_hold(&sizes->y, point->high);
        if (sizes->kind->tail)
            ipm_axis_hold(&sizes->y, point->p99);
    }
}

static void lay_out(struct sizes *sizes)
{
    sizes->n_series = sizes->set.n_series < IPM_PLOT_SERIES ? sizes->set.n_series
                                                            : (size_t)IPM_PLOT_SERIES;
    size_t n_labels = sizes->n_series + roofed(sizes);
    double panel = fmax(PANEL, (double)n_labels * LABEL);
    sizes->canvas = (struct ipm_canvas){
        .name = sizes->kind->name, .width = WIDTH, .height = BELOW + panel + ABOVE};
    sizes->x = (struct ipm_axis){1, 0, LEFT, RIGHT, true};
    sizes->y = (struct ipm_axis){1, 0, BELOW, BELOW + panel, true};
    for (size_t i = 0; i < sizes->n_series; i++)
        hold_series(sizes, &sizes->set.series[i]);
    if (roofed(sizes))
        hold_series(sizes, &sizes->roof.series[0]);
    ipm_axis_pad(&sizes->x, 0.025);
    ipm_axis_pad(&sizes->y, 0.04);
}

/* The second round of colours has open marks and dashed lines. */
static int mark_of(size_t form)
{
    return form < FORMS ? forms[form].filled : forms[form - FORMS].open;
}

static int dashes_of(size_t form)
{
    return form < FORMS ? 1 : 2;
}

static int compare_labels(const void *a, const void *b)
{
    const struct label *left = a;
    const struct label *right = b;
    if (left->y != right->y)
        return left->y < right->y ? 1 : -1;
    return (left->form > right->form) - (left->form < right->form);
}

/* By what a line's sizes are multiplied, so that its bars stand beside the others'. */
static double beside(const struct sizes *sizes, size_t i)
{
    double n = (double)sizes->n_series;
    double pixels = fmin(3, 15 / n) * ((double)i - (n - 1) / 2);
    return pow(sizes->x.high / sizes->x.low, pixels / (RIGHT - LEFT));
}

static struct label make_label(const struct sizes *sizes, size_t form)
{
    const struct ipm_size_series *series =
        form < sizes->n_series ? &sizes->set.series[form] : &sizes->roof.series[0];
    const struct ipm_size_point *last = &series->points[series->n_points - 1];
    double y = ipm_axis_pixel(&sizes->y, last->value);
    double beside_it = form < sizes->n_series ? beside(sizes, form) : 1;
    return (struct label){.series = series,
                          .form = form,
                          .x = ipm_axis_pixel(&sizes->x, last->size * beside_it),
                          .y = y,
                          .place = y};
}

/* The labels stand as the lines end, from top to bottom.  Return: how many. */
static size_t make_labels(const struct sizes *sizes,
                          struct label labels[IPM_PLOT_SERIES + 1])
{
    size_t n = sizes->n_series + roofed(sizes);
    double places[IPM_PLOT_SERIES + 1];
    for (size_t i = 0; i < n; i++)
        labels[i] = make_label(sizes, i);
    qsort(labels, n, sizeof(*labels), compare_labels);
    for (size_t i = 0; i < n; i++)
        places[i] = labels[i].place;
    ipm_canvas_spread(places, n, LABEL, sizes->y.from + LABEL / 2.0,
                      sizes->y.to - LABEL / 4.0);
    for (size_t i = 0; i < n; i++)
        labels[i].place = places[i];
    return n;
}

static void put_words(const struct sizes *sizes, FILE *out)
{
    char left_out[160] = "";
    size_t undrawn = sizes->set.n_series - sizes->n_series;
    bool batches = false;
    for (size_t i = 0; i < sizes->n_series; i++) {
        for (size_t j = 0; j < sizes->set.series[i].n_points; j++)
            batches |= sizes->set.series[i].points[j].batches;
    }
    (void)fputs("# words: x_pixel y_pixel text\n", out);
    (void)fprintf(out, "20 %.0f \"%s\"\n", sizes->canvas.height - 26,
                  sizes->kind->title);
    (void)fprintf(out, "20 %.0f \"%s\"\n", sizes->canvas.height - 49,
                  sizes->kind->words);
    if (undrawn > 0)
        (void)snprintf(left_out, sizeof(left_out), "Not drawn: %zu more lines.  ",
                       undrawn);
    size_t used = strlen(left_out);
    if (sizes->set.n_short > 0)
        (void)snprintf(left_out + used, sizeof(left_out) - used,
                       "Left out: %zu series of fewer than three sizes.  ",
                       sizes->set.n_short);
    (void)fprintf(out, "20 %.0f \"%s%s\"\n", sizes->canvas.height - 67, left_out,
                  sizes->kind->tail && batches
                      ? "No p99 where round trips are too short to time alone."
                      : "");
}

static void put_series(const struct ipm_size_series *series, FILE *out)
{
    (void)fputs("\n\n# ", out);
    ipm_gnuplot_column(out, series->label);
    (void)fputc(' ', out);
    ipm_gnuplot_column(out, series->detail);
    (void)fputs("\n# size_bytes value low high p99_ns of_batches\n", out);
    for (size_t i = 0; i < series->n_points; i++) {
        const struct ipm_size_point *point = &series->points[i];
        (void)fprintf(out, "%.10g %.6g %.6g %.6g %.6g %d\n", point->size, point->value,
                      point->low, point->high, point->p99, point->batches);
    }
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct sizes *sizes = context;
    (void)why;
    if (sizes->n_series == 0) {
        (void)fprintf(out, "# %s\n", sizes->kind->nothing);
        return 0;
    }
    struct label labels[IPM_PLOT_SERIES + 1];
    size_t n = make_labels(sizes, labels);
    put_words(sizes, out);
    (void)fputs(
        "\n\n# labels: x_pixel y_pixel of the line's end, y_pixel of the label, "
        "colour mark label detail\n",
        out);
    for (size_t i = 0; i < n; i++) {
        bool roof = labels[i].form == sizes->n_series;
        (void)fprintf(out, "%.1f %.1f %.1f 0x%06x %d ", labels[i].x, labels[i].y,
                      labels[i].place,
                      roof ? 0x909090 : forms[labels[i].form % FORMS].colour,
                      roof ? 0 : mark_of(labels[i].form));
        ipm_gnuplot_column(out, labels[i].series->label);
        (void)fputc(' ', out);
        ipm_gnuplot_column(out, labels[i].series->detail);
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < sizes->n_series; i++)
        put_series(&sizes->set.series[i], out);
    if (roofed(sizes))
        put_series(&sizes->roof.series[0], out);
    return 0;
}

/* The lines of the panel: data blocks from index 2 on. */
static void put_lines(const struct sizes *sizes, FILE *out)
{
    const char *name = sizes->kind->name;
    (void)fputs("plot \\\n", out);
    if (roofed(sizes))
        (void)fprintf(out,
                      "  '%s.dat' index %zu using 1:2 with lines linewidth 5 "
                      "linecolor '#c4c4c4', \\\n",
                      name, sizes->n_series + 2);
    /* All bars before all marks, and side by side: none is hidden by another line's. */
    for (size_t i = 0; i < sizes->n_series; i++) {
        unsigned colour = forms[i % FORMS].colour;
        if (sizes->kind->tail)
            (void)fprintf(out,
                          "  '%s.dat' index %zu using 1:5 with lines linewidth 0.9 "
                          "dashtype 2 linecolor '#70%06x', \\\n",
                          name, i + 2, colour);
        (void)fprintf(out,
                      "  '%s.dat' index %zu using ($1 * %.5f):3:(0):($4 - $3) with "
                      "vectors nohead linewidth 1.2 linecolor '#%06x', \\\n",
                      name, i + 2, beside(sizes, i), colour);
    }
    for (size_t i = 0; i < sizes->n_series; i++)
        (void)fprintf(out,
                      "  '%s.dat' index %zu using ($1 * %.5f):2 with linespoints "
                      "linewidth 1.8 dashtype %d pointtype %d pointsize 0.75 linecolor "
                      "'#%06x'%s\n",
                      name, i + 2, beside(sizes, i), dashes_of(i), mark_of(i),
                      forms[i % FORMS].colour, i + 1 < sizes->n_series ? ", \\" : "");
}

static void put_labels(const struct sizes *sizes, FILE *out)
{
    const char *name = sizes->kind->name;
    (void)fprintf(out,
                  "plot \\\n"
                  "  '%s.dat' index 0 every ::0::0 using 1:2:3 with labels left font "
                  "'sans-serif,16', \\\n"
                  "  '' index 0 every ::1 using 1:2:3 with labels left textcolor "
                  "'#555555', \\\n",
                  name);
    (void)fprintf(
        out,
        "  '' index 1 using ($1 + 8):2:(%d - $1 - 8):($3 - $2):4 with vectors "
        "nohead linewidth 0.7 dashtype 3 linecolor rgb variable, \\\n",
        LABELS - 16);
    (void)fprintf(out,
                  "  '' index 1 using ($5 > 0 ? %d : NaN):3:5:4 with points pointtype "
                  "variable pointsize 0.8 linecolor rgb variable, \\\n"
                  "  '' index 1 using ($5 > 0 ? NaN : %d):3:(16):(0):4 with vectors "
                  "nohead linewidth 5 linecolor rgb variable, \\\n",
                  LABELS - 9, LABELS - 17);
    (void)fprintf(out,
                  "  '' index 1 using (%d):($3 + 2):6 with labels left textcolor "
                  "'#222222', \\\n"
                  "  '' index 1 using (%d):($3 - 12):7 with labels left font "
                  "'sans-serif,10' textcolor '#555555'\n",
                  LABELS + 4, LABELS + 4);
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct sizes *sizes = context;
    (void)why;
    if (sizes->n_series == 0) {
        (void)fprintf(out, "# %s\n", sizes->kind->nothing);
        return 0;
    }
    ipm_canvas_open(&sizes->canvas, out);
    ipm_canvas_panel(&sizes->canvas, &sizes->x, &sizes->y, out);
    ipm_canvas_size_ticks(&sizes->x, true, out);
    ipm_canvas_ticks(&sizes->y, sizes->kind->tick, out);
    (void)fprintf(out,
                  "set xlabel 'message size' offset 0, 0.4 textcolor '#333333'\n"
                  "set label 1 '%s' at graph 0, graph 1 offset 0.6, 0.7 textcolor "
                  "'#333333'\n",
                  sizes->kind->axis);
    put_lines(sizes, out);
    (void)fputs("unset label 1\n", out);
    ipm_canvas_words(&sizes->canvas, out);
    put_labels(sizes, out);
    ipm_canvas_close(out);
    return 0;
}

static int plot_kind(const struct kind *kind, const json_t *document,
                     const char *directory, json_t **out_json, struct ipm_why *why)
{
    struct sizes sizes = {.kind = kind};
    int error = ipm_size_set_make(document, &kind->choice, &sizes.set, why);
    if (error == 0 && kind->roof.list != NULL)
        error = ipm_size_set_make(document, &kind->roof, &sizes.roof, why);
    if (error == 0) {
        lay_out(&sizes);
        const struct ipm_plot plot = {
            .name = kind->name,
            .data = put_data,
            .script = put_script,
            .nothing = sizes.n_series == 0 ? kind->nothing : NULL,
        };
        error = ipm_plot_write(&plot, &sizes, directory, out_json, why);
    }
    ipm_size_set_fini(&sizes.set);
    ipm_size_set_fini(&sizes.roof);
    return error;
}

int ipm_plot_latency_size(const json_t *document, const char *directory,
                          json_t **out_json, struct ipm_why *why)
{
    return plot_kind(&latency, document, directory, out_json, why);
}

int ipm_plot_throughput_size(const json_t *document, const char *directory,
                             json_t **out_json, struct ipm_why *why)
{
    return plot_kind(&throughput, document, directory, out_json, why);
}
