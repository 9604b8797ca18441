/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/compare_page.h"
#include "analysis/compare_words.h"
#include "analysis/gnuplot.h"
#include "analysis/member.h"
#include "analysis/plot.h"
#include "analysis/plot_canvas.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 1000,
    LEFT = 430, /* where the panel begins */
    RIGHT = 24,
    ABOVE = 70, /* title and key */
    BELOW = 52,
    ROW = 22,
    ROWS = 80,
    SIDES = 7, /* against the first */
    CUT = 66,
    TICK = 42, /* pixels between two */
};

/* Okabe and Ito's, and as many marks: colour is not all that tells sides apart. */
static const char *const colours[SIDES] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                           "#56b4e9", "#e69f00", "#000000"};
static const int marks[SIDES] = {7, 5, 9, 11, 13, 15, 1};

struct dot {
    double value, low, high;
};

struct row {
    char label[240];
    struct dot dots[SIDES];
};

struct picture {
    const char *name, *title;
    char heading[120];
    const char *sides[SIDES];
    const char *first;
    size_t n_sides;
    struct row *rows;
    size_t n, left_out;
};

static double height_of(const struct picture *picture)
{
    return ABOVE + BELOW + ROW * (double)(picture->n > 0 ? picture->n : 1);
}

static struct dot dot_of(const json_t *interval)
{
    return (struct dot){ipm_member_number(interval, "value"),
                        ipm_member_number(interval, "low"),
                        ipm_member_number(interval, "high")};
}

/* The next row, blank; NULL: there are enough. */
static struct row *next_row(struct picture *picture)
{
    if (picture->n == ROWS) {
        picture->left_out++;
        return NULL;
    }
    struct row *row = &picture->rows[picture->n++];
    row->label[0] = '\0';
    for (size_t i = 0; i < SIDES; i++)
        row->dots[i] = (struct dot){NAN, NAN, NAN};
    return row;
}

static bool has_ratio(const json_t *of)
{
    size_t i;
    const json_t *ratio;
    json_array_foreach(json_object_get(of, "ratios"), i, ratio)
    {
        if (!isnan(ipm_member_number(ratio, "value")))
            return true;
    }
    return false;
}

/* The first figure by which any point has a ratio. */
static const char *figure_of(const json_t *points)
{
    static const char *const bys[] = {"latency", "throughput", "cpu", "p99", "joules"};
    size_t i;
    const json_t *point;
    for (size_t by = 0; by < sizeof(bys) / sizeof(bys[0]); by++) {
        json_array_foreach(points, i, point)
        {
            if (has_ratio(json_object_get(json_object_get(point, "by"), bys[by])))
                return bys[by];
        }
    }
    return bys[0];
}

static void take_points(struct picture *picture, const json_t *document)
{
    const json_t *points = json_object_get(document, "points");
    const char *by = figure_of(points);
    size_t i;
    size_t k;
    const json_t *point;
    const json_t *ratio;
    (void)snprintf(picture->heading, sizeof(picture->heading), "Cost by %s, over %.60s",
                   ipm_compare_by_words(by), picture->first);
    json_array_foreach(points, i, point)
    {
        const json_t *of = json_object_get(json_object_get(point, "by"), by);
        if (!has_ratio(of))
            continue;
        struct row *row = next_row(picture);
        if (row == NULL)
            continue;
        (void)snprintf(row->label, sizeof(row->label), "%.239s",
                       ipm_member_text(point, "label"));
        json_array_foreach(json_object_get(of, "ratios"), k, ratio)
        {
            if (k < SIDES)
                row->dots[k] = dot_of(ratio);
        }
    }
}

/* The row of a class, which several sides share. */
static struct row *class_row(struct picture *picture, const char *label)
{
    for (size_t i = 0; i < picture->n; i++) {
        if (strcmp(picture->rows[i].label, label) == 0)
            return &picture->rows[i];
    }
    struct row *row = next_row(picture);
    if (row != NULL)
        (void)snprintf(row->label, sizeof(row->label), "%s", label);
    return row;
}

static void take_class(struct picture *picture, const struct ipm_compare_class_row *of)
{
    char label[160];
    char name[IPM_COMPARE_CLASS_TEXT];
    const json_t *mean = json_object_get(of->class, "mean");
    if (of->number >= SIDES || isnan(ipm_member_number(mean, "value")))
        return;
    (void)snprintf(label, sizeof(label), "%.20s: %s", of->by,
                   ipm_compare_class_text(name, of->class));
    struct row *row = class_row(picture, label);
    if (row != NULL)
        row->dots[of->number] = dot_of(mean);
}

static bool is_mechanism(const struct ipm_compare_class_row *row)
{
    return strcmp(ipm_member_text(row->class, "kind"), "mechanism") == 0;
}

static void take_mechanism(void *context, const struct ipm_compare_class_row *row)
{
    if (is_mechanism(row))
        take_class(context, row);
}

static void take_other(void *context, const struct ipm_compare_class_row *row)
{
    if (!is_mechanism(row))
        take_class(context, row);
}

/* Mechanisms are many: of one figure they would leave no row for the others. */
static void take_classes(struct picture *picture, const json_t *document)
{
    (void)snprintf(picture->heading, sizeof(picture->heading),
                   "Means of ratios by class, over %.60s", picture->first);
    ipm_compare_each_class(document, take_other, picture);
    ipm_compare_each_class(document, take_mechanism, picture);
}

/* Rows from above, sides a little apart. */
static double place(const struct picture *picture, size_t row, size_t side)
{
    double apart = picture->n_sides > 1 ? 0.6 / (double)picture->n_sides : 0;
    double middle = ((double)picture->n_sides - 1) / 2;
    return (double)(picture->n - row) - ((double)side - middle) * apart;
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct picture *picture = context;
    (void)why;
    (void)fputs("# a block for each side: ratio low high place row\n", out);
    for (size_t side = 0; side < picture->n_sides; side++) {
        (void)fputs("\n\n# ", out);
        ipm_gnuplot_column(out, picture->sides[side]);
        /* A block without a row would be none, and those behind it another's. */
        (void)fputs("\nnan nan nan nan \"\"\n", out);
        for (size_t i = 0; i < picture->n; i++) {
            const struct dot *dot = &picture->rows[i].dots[side];
            bool known = !isnan(dot->low);
            (void)fprintf(out, "%.9g %.9g %.9g %.4f ", dot->value,
                          known ? dot->low : dot->value, known ? dot->high : dot->value,
                          place(picture, i, side));
            ipm_gnuplot_column(out, picture->rows[i].label);
            (void)fputc('\n', out);
        }
    }
    return 0;
}

static void put_label(FILE *out, const char *text, double x, double y,
                      const char *style)
{
    (void)fputs("set label ", out);
    ipm_gnuplot_string(out, text);
    (void)fprintf(out, " at %.1f,%.1f %s\n", x, y, style);
}

static void put_words(const struct picture *picture, const struct ipm_axis *y,
                      FILE *out)
{
    double height = height_of(picture);
    char cut[CUT];
    put_label(out, picture->heading, 12, height - 18, "left font ',14'");
    for (size_t i = 0; i < picture->n; i++) {
        ipm_canvas_cut(cut, sizeof(cut), picture->rows[i].label);
        put_label(out, cut, LEFT - 10, ipm_axis_pixel(y, (double)(picture->n - i)),
                  "right font ',10' textcolor '#222222'");
    }
    double x = LEFT;
    for (size_t side = 0; side < picture->n_sides; side++) {
        char style[96];
        ipm_canvas_cut(cut, 22, picture->sides[side]);
        (void)snprintf(style, sizeof(style),
                       "left offset 1,0 font ',11' point pointtype %d pointsize 0.9 "
                       "linecolor '%s'",
                       marks[side], colours[side]);
        put_label(out, cut, x, height - 44, style);
        x += 30 + 7 * (double)strlen(cut);
    }
    if (picture->left_out > 0) {
        (void)snprintf(cut, sizeof(cut), "and %zu rows more, which are not drawn",
                       picture->left_out);
        put_label(out, cut, 12, 14, "left font ',10' textcolor '#555555'");
    }
}

/* Ratios that people know, as many as have room. */
static void put_ticks(const struct ipm_axis *x, FILE *out)
{
    static const double ticks[] = {0.01, 0.02, 0.05, 0.1, 0.2,  0.3, 0.5, 0.6, 0.7,
                                   0.8,  0.9,  0.95, 1,   1.05, 1.1, 1.2, 1.3, 1.5,
                                   1.7,  2,    3,    5,   10,   20,  50,  100};
    const char *separator = "";
    double last = x->from - TICK;
    double one = ipm_axis_pixel(x, 1);
    (void)fputs("set xtics nomirror scale 0.5 textcolor '#333333' (", out);
    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
        double at = ipm_axis_pixel(x, ticks[i]);
        bool room = at - last >= TICK && (at >= one || one - at >= TICK);
        if (at < x->from || at > x->to || !(room || ticks[i] == 1))
            continue;
        (void)fprintf(out, "%s'%g' %g", separator, ticks[i], ticks[i]);
        separator = ", ";
        last = at;
    }
    (void)fputs(")\n", out);
}

static struct ipm_axis x_axis(const struct picture *picture)
{
    struct ipm_axis x = {
        .low = 1, .high = 0, .from = LEFT, .to = WIDTH - RIGHT, .logarithmic = true};
    for (size_t i = 0; i < picture->n; i++) {
        for (size_t side = 0; side < picture->n_sides; side++) {
            ipm_axis_hold(&x, picture->rows[i].dots[side].value);
            ipm_axis_hold(&x, picture->rows[i].dots[side].low);
            ipm_axis_hold(&x, picture->rows[i].dots[side].high);
        }
    }
    /* One is always in it, and so is what there is to read beside it. */
    ipm_axis_hold(&x, 0.8);
    ipm_axis_hold(&x, 1.25);
    ipm_axis_pad(&x, 0.04);
    return x;
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct picture *picture = context;
    const struct ipm_canvas canvas = {
        .name = picture->name, .width = WIDTH, .height = height_of(picture)};
    const struct ipm_axis x = x_axis(picture);
    const struct ipm_axis y = {.low = 0.4,
                               .high = (double)picture->n + 0.6,
                               .from = BELOW,
                               .to = height_of(picture) - ABOVE};
    (void)why;
    ipm_canvas_open(&canvas, out);
    ipm_canvas_panel(&canvas, &x, &y, out);
    put_ticks(&x, out);
    (void)fputs("unset ytics\n"
                "set xlabel 'times as much as the first; above 1 costs more' offset 0, "
                "0.4 textcolor '#333333'\n"
                "set arrow 1 from 1, graph 0 to 1, graph 1 nohead linewidth 1.4 "
                "linecolor '#888888'\nplot \\\n",
                out);
    for (size_t side = 0; side < picture->n_sides; side++)
        (void)fprintf(
            out,
            "  '%s.dat' index %zu using 2:4:($3 - $2):(0) with vectors nohead "
            "linewidth 1.5 linecolor '%s', \\\n"
            "  '' index %zu using 1:4 with points pointtype %d pointsize 0.8 "
            "linecolor '%s'%s\n",
            picture->name, side, colours[side], side, marks[side], colours[side],
            side + 1 < picture->n_sides ? ", \\" : "");
    (void)fputs("unset arrow 1\n", out);
    ipm_canvas_words(&canvas, out);
    put_words(picture, &y, out);
    (void)fputs("plot NaN notitle\n", out);
    ipm_canvas_close(out);
    return 0;
}

int ipm_plot_compare(const json_t *document, int classes, const char *folder,
                     json_t **out_json, struct ipm_why *why)
{
    const json_t *sides = json_object_get(document, "sides");
    bool wide = json_is_true(json_object_get(document, "wide"));
    struct picture picture = {.name = classes ? "classes" : "ratios"};
    ipm_auto_free struct row *rows = calloc(ROWS, sizeof(*rows));
    if (rows == NULL)
        return ipm_why_set(why, -ENOMEM, "draw the ratios: ");
    picture.rows = rows;
    picture.first = ipm_member_text(json_array_get(sides, 0), "name");
    for (size_t i = 1; i < json_array_size(sides) && i <= SIDES; i++)
        picture.sides[picture.n_sides++] =
            ipm_member_text(json_array_get(sides, i), "name");
    if (!wide && classes)
        take_classes(&picture, document);
    else if (!wide)
        take_points(&picture, document);
    const struct ipm_plot plot = {
        .name = picture.name,
        .data = put_data,
        .script = put_script,
        .nothing = wide             ? "absent: more than eight sides are not drawn"
                   : picture.n == 0 ? "absent: there is no ratio"
                                    : NULL,
    };
    return ipm_plot_write(&plot, &picture, folder, out_json, why);
}
