/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_sizes.h"

#include "analysis/gnuplot.h"
#include "analysis/member.h"
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
    FLOORS = 3, /* at most: grey, below or above the lines */
};

static_assert((int)IPM_PLOT_SERIES == (int)IPM_FORMS,
              "every line has a mark of its own");

/* What the two pictures differ in. */
struct kind {
    const char *name, *title, *words, *axis;
    struct ipm_size_choice choice;
    struct floor {
        struct ipm_size_choice choice;
        const char *label, *detail;
        bool flat; /* the same whatever the size: its fastest point counts */
    } floors[FLOORS];
    ipm_axis_text *tick;
    bool tail;           /* draw the 99th percentile and the 99.9th */
    const char *nothing; /* where there is no series */
};

struct sizes {
    const struct kind *kind;
    struct ipm_size_set set, floor_sets[FLOORS];
    struct ipm_size_point flat[FLOORS][2];
    struct ipm_size_series floors[FLOORS];
    size_t n_floors;
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
             "interval.  Thin dashed: 99th percentile, dotted: 99.9th.  "
             "Grey: floors.  Marks of one size stand side by side.",
    .axis = "time per round trip",
    .choice = {"points", "pingpong", NULL, "none", "p50_ns"},
    .floors = {{{"floors", "self_loop", "floor_memcpy", NULL, "p50_ns"},
                "memcpy",
                "one copy by one CPU, without IPC",
                false},
               {{"floors", "self_loop", "floor_syscall", NULL, "p50_ns"},
                "system call",
                "one that does nothing",
                true},
               {{"floors", "pingpong", "floor_cacheline", NULL, "p50_ns"},
                "cache-line round trip",
                "between two CPUs, the nearest measured",
                true}},
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
    .floors = {{{"floors", "self_loop", "floor_memcpy", NULL, "bytes_per_s"},
                "memcpy",
                "one copy by one CPU, without IPC",
                false}},
    .tick = rate_text,
    .nothing = "no series of stream points has three sizes",
};

static void hold_series(struct sizes *sizes, const struct ipm_size_series *series)
{
    for (size_t i = 0; i < series->n_points; i++) {
        const struct ipm_size_point *point = &series->points[i];
        ipm_axis_hold(&sizes->x, point->size);
        ipm_axis_hold(&sizes->y, point->value);
        ipm_axis_hold(&sizes->y, point->low);
        ipm_axis_hold(&sizes->y, point->high);
        if (sizes->kind->tail) {
            ipm_axis_hold(&sizes->y, point->p99);
            ipm_axis_hold(&sizes->y, point->p999);
        }
    }
}

/* The least of a floor that no size changes; NaN: it was not measured. */
static double flat_floor(const json_t *document, const struct ipm_size_choice *choice)
{
    double least = NAN;
    size_t i;
    const json_t *point;
    json_array_foreach(json_object_get(document, choice->list), i, point)
    {
        const json_t *figures = json_object_get(point, "figures");
        if (strcmp(ipm_member_text(point, "workload"), choice->workload) == 0 &&
            strcmp(ipm_member_text(point, "mechanism"), choice->mechanism) == 0)
            least = fmin(least, ipm_member_number(
                                    json_object_get(figures, choice->figure), "value"));
    }
    return least;
}

/* Floors of the run, each as a line over the sizes of the others. */
static int take_floors(struct sizes *sizes, const json_t *document, struct ipm_why *why)
{
    const struct floor *floors = sizes->kind->floors;
    for (size_t i = 0; i < FLOORS && floors[i].label != NULL; i++) {
        struct ipm_size_series *series = &sizes->floors[sizes->n_floors];
        if (floors[i].flat) {
            double value = flat_floor(document, &floors[i].choice);
            for (size_t end = 0; end < 2; end++)
                sizes->flat[i][end] = (struct ipm_size_point){
                    .size = end == 0 ? sizes->x.low : sizes->x.high,
                    .value = value,
                    .low = NAN,
                    .high = NAN,
                    .p99 = NAN,
                    .p999 = NAN};
            *series = (struct ipm_size_series){.points = sizes->flat[i], .n_points = 2};
            sizes->n_floors += value > 0;
        } else {
            int error = ipm_size_set_make(document, &floors[i].choice,
                                          &sizes->floor_sets[i], why);
            if (error != 0)
                return error;
            if (sizes->floor_sets[i].n_series == 0)
                continue;
            *series = sizes->floor_sets[i].series[0];
            sizes->n_floors++;
        }
        (void)snprintf(series->label, sizeof(series->label), "%s", floors[i].label);
        (void)snprintf(series->detail, sizeof(series->detail), "%s", floors[i].detail);
    }
    return 0;
}

/* The lines that are drawn, and the axis that they share. */
static void take_lines(struct sizes *sizes)
{
    sizes->n_series = sizes->set.n_series < IPM_PLOT_SERIES ? sizes->set.n_series
                                                            : (size_t)IPM_PLOT_SERIES;
    sizes->x = (struct ipm_axis){1, 0, LEFT, RIGHT, true};
    sizes->y = (struct ipm_axis){1, 0, BELOW, BELOW + PANEL, true};
    for (size_t i = 0; i < sizes->n_series; i++)
        hold_series(sizes, &sizes->set.series[i]);
}

static void lay_out(struct sizes *sizes)
{
    size_t n_labels = sizes->n_series + sizes->n_floors;
    double panel = fmax(PANEL, (double)n_labels * LABEL);
    sizes->canvas = (struct ipm_canvas){
        .name = sizes->kind->name, .width = WIDTH, .height = BELOW + panel + ABOVE};
    sizes->y.to = BELOW + panel;
    for (size_t i = 0; i < sizes->n_floors; i++)
        hold_series(sizes, &sizes->floors[i]);
    ipm_axis_pad(&sizes->x, 0.025);
    ipm_axis_pad(&sizes->y, 0.04);
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
    const struct ipm_size_series *series = form < sizes->n_series
                                               ? &sizes->set.series[form]
                                               : &sizes->floors[form - sizes->n_series];
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
                          struct label labels[IPM_PLOT_SERIES + FLOORS])
{
    size_t n = sizes->n_series + sizes->n_floors;
    double places[IPM_PLOT_SERIES + FLOORS];
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
    (void)fputs("\n# size_bytes value low high p99_ns p999_ns of_batches\n", out);
    for (size_t i = 0; i < series->n_points; i++) {
        const struct ipm_size_point *point = &series->points[i];
        (void)fprintf(out, "%.10g %.6g %.6g %.6g %.6g %.6g %d\n", point->size,
                      point->value, point->low, point->high, point->p99, point->p999,
                      point->batches);
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
    struct label labels[IPM_PLOT_SERIES + FLOORS];
    size_t n = make_labels(sizes, labels);
    put_words(sizes, out);
    (void)fputs(
        "\n\n# labels: x_pixel y_pixel of the line's end, y_pixel of the label, "
        "colour mark label detail\n",
        out);
    for (size_t i = 0; i < n; i++) {
        bool floor = labels[i].form >= sizes->n_series;
        struct ipm_form form = ipm_canvas_form(labels[i].form);
        (void)fprintf(out, "%.1f %.1f %.1f 0x%06x %d ", labels[i].x, labels[i].y,
                      labels[i].place, floor ? 0x909090U : form.colour,
                      floor ? 0 : form.mark);
        ipm_gnuplot_column(out, labels[i].series->label);
        (void)fputc(' ', out);
        ipm_gnuplot_column(out, labels[i].series->detail);
        (void)fputc('\n', out);
    }
    for (size_t i = 0; i < sizes->n_series; i++)
        put_series(&sizes->set.series[i], out);
    for (size_t i = 0; i < sizes->n_floors; i++)
        put_series(&sizes->floors[i], out);
    return 0;
}

/* The lines of the panel: data blocks from index 2 on. */
static void put_lines(const struct sizes *sizes, FILE *out)
{
    const char *name = sizes->kind->name;
    (void)fputs("plot \\\n", out);
    for (size_t i = 0; i < sizes->n_floors; i++)
        (void)fprintf(out,
                      "  '%s.dat' index %zu using 1:2 with lines linewidth %d "
                      "linecolor '#c4c4c4', \\\n",
                      name, sizes->n_series + 2 + i,
                      sizes->kind->floors[1].label == NULL ? 5 : 2);
    /* All bars before all marks, and side by side: none is hidden by another line's. */
    for (size_t i = 0; i < sizes->n_series; i++) {
        unsigned colour = ipm_canvas_form(i).colour;
        if (sizes->kind->tail)
            (void)fprintf(out,
                          "  '%s.dat' index %zu using 1:5 with lines linewidth 0.9 "
                          "dashtype 2 linecolor '#70%06x', \\\n"
                          "  '%s.dat' index %zu using 1:6 with lines linewidth 0.9 "
                          "dashtype 3 linecolor '#70%06x', \\\n",
                          name, i + 2, colour, name, i + 2, colour);
        (void)fprintf(out,
                      "  '%s.dat' index %zu using ($1 * %.5f):3:(0):($4 - $3) with "
                      "vectors nohead linewidth 1.2 linecolor '#%06x', \\\n",
                      name, i + 2, beside(sizes, i), colour);
    }
    for (size_t i = 0; i < sizes->n_series; i++) {
        struct ipm_form form = ipm_canvas_form(i);
        (void)fprintf(out,
                      "  '%s.dat' index %zu using ($1 * %.5f):2 with linespoints "
                      "linewidth 1.8 dashtype %d pointtype %d pointsize 0.75 linecolor "
                      "'#%06x'%s\n",
                      name, i + 2, beside(sizes, i), form.dashes, form.mark,
                      form.colour, i + 1 < sizes->n_series ? ", \\" : "");
    }
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
    if (error == 0) {
        take_lines(&sizes);
        error = take_floors(&sizes, document, why);
    }
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
    for (size_t i = 0; i < FLOORS; i++)
        ipm_size_set_fini(&sizes.floor_sets[i]);
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
