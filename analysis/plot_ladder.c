/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_ladder.h"

#include "analysis/gnuplot.h"
#include "analysis/ladder_layout.h"
#include "analysis/plot.h"
#include "analysis/plot_canvas.h"
#include "base/units.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { WAITS = 6 };

/* Colours of gnuplot's podo set (Wong 2011), and marks: told apart without colour too. */
static const struct {
    const char *wait, *colour;
    int filled, open;
} waits[WAITS] = {
    {"spin", "#d55e00", 7, 6},   {"yield", "#009e73", 9, 8},
    {"block", "#0072b2", 5, 4},  {"spin_then_block", "#cc79a7", 13, 12},
    {"none", "#000000", 11, 10}, {"", "#777777", 15, 14}, /* any other */
};

static int wait_index(const struct ipm_rung *rung)
{
    int i = 0;
    while (i < WAITS - 1 && strcmp(waits[i].wait, rung->point->factors.wait) != 0)
        i++;
    return i;
}

static double row_y(const struct ipm_layout *layout, size_t i)
{
    return (double)(layout->n_rows - i);
}

static void put_cpu(FILE *out, const struct ipm_rung *rung)
{
    char text[IPM_UNITS_TEXT];
    (void)fputc(' ', out);
    ipm_gnuplot_column(
        out, rung == NULL ? "" : ipm_format_ns(text, rung->cpu->estimate.value));
}

/* One series of marks: a wait strategy on one CPU or on two.  Return: rows it has. */
static size_t put_series(const struct ipm_layout *layout, int wait, bool away,
                         FILE *out)
{
    size_t n = 0;
    for (size_t i = 0; i < layout->n_rows; i++) {
        const struct ipm_layout_row *row = &layout->rows[i];
        const struct ipm_rung *rung = away ? row->away : row->here;
        if (rung == NULL || wait_index(rung) != wait)
            continue;
        n++;
        if (out == NULL)
            continue;
        const struct ipm_estimate *p50 = &rung->p50->estimate;
        (void)fprintf(out, "%g %.6g %.6g %.6g %.6g %d\n",
                      row_y(layout, i) + (away ? -0.15 : 0.15), p50->value, p50->low,
                      p50->high, rung->p99->estimate.value,
                      strcmp(rung->point->sample, "batch") == 0);
    }
    return n;
}

enum {
    WORDS = 50 /* characters of a variant, with the end, that its row has room for */
};

/* A column has only so much room before the next one. */
static void put_cut(FILE *out, const char *text, size_t room)
{
    char cut[WORDS];
    ipm_canvas_cut(cut, room, text);
    ipm_gnuplot_column(out, cut);
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    ipm_auto_layout struct ipm_layout layout = {0};
    int error = ipm_layout_make(context, &layout, why);
    if (error != 0)
        return error;

    (void)fputs("# row mechanism copies wait variant cpu_per_message_same_cpu "
                "cpu_per_message_away\n",
                out);
    for (size_t i = 0; i < layout.n_rows; i++) {
        const struct ipm_rung *rung = ipm_layout_rung(&layout.rows[i]);
        (void)fprintf(out, "%g ", row_y(&layout, i));
        put_cut(out, rung->point->factors.mechanism, 22);
        (void)fputc(' ', out);
        ipm_gnuplot_column(out, ipm_copies_text(rung->point->factors.copies));
        (void)fputc(' ', out);
        put_cut(out, rung->point->factors.wait, 18);
        (void)fputc(' ', out);
        put_cut(out, rung->variant, WORDS);
        put_cpu(out, layout.rows[i].here);
        put_cpu(out, layout.rows[i].away);
        (void)fputc('\n', out);
    }
    for (int wait = 0; wait < WAITS; wait++) {
        for (int away = 0; away < 2; away++) {
            if (put_series(&layout, wait, away, NULL) == 0)
                continue;
            (void)fprintf(
                out, "\n\n# wait %s, %s\n# row p50_ns low high p99_ns of_batches\n",
                waits[wait].wait[0] == '\0' ? "other" : waits[wait].wait,
                away ? "two CPUs" : "same_cpu");
            (void)put_series(&layout, wait, away, out);
        }
    }
    return 0;
}

/* set label TEXT at x pixel, row y ... */
static void put_label(FILE *out, const struct ipm_layout *layout, const char *text,
                      double pixel, double y, const char *style)
{
    (void)fputs("set label ", out);
    ipm_gnuplot_string(out, text);
    (void)fprintf(out, " at first %.6g, first %.4f %s\n", ipm_layout_ns(layout, pixel),
                  y, style);
}

static void put_frame(FILE *out, const struct ipm_layout *layout)
{
    double top = IPM_LAYOUT_ABOVE + layout->floor_lines * IPM_LAYOUT_FLOOR_LINE;
    (void)fprintf(out,
                  "# Made by ipcmeter report; `gnuplot ladder.gp` draws it again.\n"
                  "set encoding utf8\n"
                  "set term svg dynamic noenhanced size %d,%.0f name 'ladder' "
                  "background '#ffffff' font 'sans-serif,12'\n"
                  "set output 'ladder.svg'\n"
                  "set datafile missing 'nan'\n"
                  "set lmargin at screen 0\nset rmargin at screen 1\n"
                  "set tmargin at screen %.5f\nset bmargin at screen %.5f\n",
                  IPM_LAYOUT_WIDTH, layout->height, 1 - top / layout->height,
                  IPM_LAYOUT_BELOW / layout->height);
    (void)fprintf(out,
                  "set logscale x\nset xrange [%.6g:%.6g]\nset yrange [0.5:%.1f]\n"
                  "unset border\nunset ytics\nunset colorbox\n",
                  ipm_layout_ns(layout, 0), ipm_layout_ns(layout, IPM_LAYOUT_WIDTH),
                  (double)layout->n_rows + 0.5);
    for (size_t i = 0; i < layout->n_rows; i += 2)
        (void)fprintf(
            out,
            "set object rectangle from first %.6g, first %.1f to first %.6g, "
            "first %.1f behind fillstyle solid noborder fillcolor '#f4f5f7'\n",
            ipm_layout_ns(layout, IPM_LAYOUT_EDGE / 2), row_y(layout, i) - 0.5,
            ipm_layout_ns(layout, IPM_LAYOUT_WIDTH - IPM_LAYOUT_EDGE / 2),
            row_y(layout, i) + 0.5);
}

static void put_axis(FILE *out, const struct ipm_layout *layout)
{
    static const int steps[] = {1, 2, 5};
    /* Below two decades the decades alone are too few to read by. */
    size_t n_steps = layout->to - layout->from < 2 ? 3 : 1;
    const char *separator = "";
    (void)fputs("set xtics scale 0 offset 0, 0.3 textcolor '#333333' (", out);
    for (int decade = (int)floor(layout->from); decade <= (int)layout->to; decade++) {
        for (size_t i = 0; i < n_steps; i++) {
            double ns = steps[i] * pow(10, decade);
            char text[IPM_UNITS_TEXT];
            if (log10(ns) < layout->from || log10(ns) > layout->to)
                continue;
            (void)fprintf(out, "%s'%s' %g", separator, ipm_format_ns(text, ns), ns);
            separator = ", ";
        }
    }
    (void)fputs(")\nset grid xtics linetype 1 linecolor '#dddddd' linewidth 0.7\n",
                out);
    (void)fprintf(
        out,
        "set label 'time per round trip' at first %.6g, screen %.5f center "
        "textcolor '#333333'\n",
        ipm_layout_ns(layout, (IPM_LAYOUT_AXIS_FROM + IPM_LAYOUT_AXIS_TO) / 2.0),
        (IPM_LAYOUT_BELOW - 42) / layout->height);
}

static void put_floors(FILE *out, const struct ipm_layout *layout)
{
    static const char *const alignment[] = {"left", "center", "right"};
    for (size_t i = 0; i < layout->n_floors; i++) {
        const struct ipm_layout_mark *mark = &layout->floors[i];
        double lines = layout->floor_lines - mark->line;
        double top = IPM_LAYOUT_ABOVE + lines * IPM_LAYOUT_FLOOR_LINE - 21;
        (void)fprintf(out,
                      "set arrow from first %.6g, graph 0 to first %.6g, screen %.5f "
                      "nohead back linewidth 1.4 linecolor '#a8a8a8'\n",
                      mark->ns, mark->ns, 1 - top / layout->height);
        (void)fputs("set label ", out);
        ipm_gnuplot_string(out, mark->label);
        (void)fprintf(out,
                      " at first %.6g, screen %.5f %s font 'sans-serif,11' textcolor "
                      "'#6b6b6b'\n",
                      mark->ns, 1 - (top - 9) / layout->height, alignment[mark->align]);
    }
}

static void put_heads(FILE *out, const struct ipm_layout *layout)
{
    static const char style[] = "font 'sans-serif,12' textcolor '#333333'";
    const struct ipm_ladder *ladder = layout->ladder;
    char text[256];
    char size[IPM_UNITS_TEXT];
    (void)snprintf(text, sizeof(text), "Round trip of a %s message, touch %.32s",
                   ipm_format_size(size, ladder->size), ladder->touch);
    (void)fputs("set label ", out);
    ipm_gnuplot_string(out, text);
    (void)fprintf(out, " at screen %.4f, screen %.5f font 'sans-serif,16'\n",
                  (double)IPM_LAYOUT_EDGE / IPM_LAYOUT_WIDTH, 1 - 24 / layout->height);
    int used = snprintf(text, sizeof(text),
                        "Mark: median over fresh processes of the median round trip. "
                        "Line: to the 99th percentile. Grey: what no IPC beats here.");
    if (layout->n_elsewhere > 0)
        (void)snprintf(text + used, sizeof(text) - (size_t)used,
                       " Not drawn: %zu at other placements.", layout->n_elsewhere);
    (void)fputs("set label ", out);
    ipm_gnuplot_string(out, text);
    (void)fprintf(out, " at screen %.4f, screen %.5f textcolor '#555555'\n",
                  (double)IPM_LAYOUT_EDGE / IPM_LAYOUT_WIDTH, 1 - 45 / layout->height);

    double y = (double)layout->n_rows + 0.5 + 12.0 / IPM_LAYOUT_ROW;
    char right[96];
    char centre[96];
    (void)snprintf(right, sizeof(right), "right %s", style);
    (void)snprintf(centre, sizeof(centre), "center %s", style);
    put_label(out, layout, "mechanism", IPM_LAYOUT_EDGE, y, style);
    put_label(out, layout, "copies", IPM_LAYOUT_COPIES, y, centre);
    put_label(out, layout, "wait", IPM_LAYOUT_WAIT, y, style);
    put_label(out, layout, "CPU time per message", IPM_LAYOUT_AWAY,
              y + 17.0 / IPM_LAYOUT_ROW, right);
    put_label(out, layout, "same_cpu", IPM_LAYOUT_HERE, y, right);
    put_label(out, layout, ladder->away, IPM_LAYOUT_AWAY, y, right);
}

static void put_legend(FILE *out, const struct ipm_layout *layout, const bool *used,
                       bool batches)
{
    (void)fprintf(out,
                  "set key at screen 0.5, screen %.5f center top horizontal Left "
                  "reverse maxrows 2 samplen 1.2 textcolor '#333333'\n",
                  (IPM_LAYOUT_BELOW - 54) / layout->height);
    (void)fputs("plot \\\n", out);
    for (int wait = 0; wait < WAITS; wait++) {
        if (!used[wait])
            continue;
        (void)fprintf(out,
                      "  NaN with points pointtype %d pointsize 0.9 linecolor '%s' "
                      "title 'wait %s', \\\n",
                      waits[wait].filled, waits[wait].colour,
                      waits[wait].wait[0] == '\0' ? "other" : waits[wait].wait);
    }
    (void)fputs("  NaN with points pointtype 7 pointsize 0.9 linecolor '#555555' "
                "title 'filled: same_cpu', \\\n",
                out);
    if (layout->ladder->away[0] != '\0') {
        char title[160];
        const char *class = layout->ladder->away_class;
        bool known = class[0] != '\0' && strcmp(class, layout->ladder->away) != 0;
        (void)snprintf(title, sizeof(title), "open: %.60s%s%.60s%s",
                       layout->ladder->away, known ? " (" : "", known ? class : "",
                       known ? ")" : "");
        (void)fputs("  NaN with points pointtype 6 pointsize 0.9 linecolor '#555555' "
                    "title ",
                    out);
        ipm_gnuplot_string(out, title);
        (void)fputs(", \\\n", out);
    }
    if (batches)
        (void)fputs(
            "  NaN with points pointtype 7 pointsize 0 linecolor '#555555' title "
            "'no line: too short to time alone', \\\n",
            out);
}

static bool has_batches(const struct ipm_layout *layout)
{
    for (size_t i = 0; i < layout->ladder->n_rungs; i++) {
        if (strcmp(layout->ladder->rungs[i].point->sample, "batch") == 0)
            return true;
    }
    return false;
}

/* The words on both sides of the axis, out of the data file's first part. */
static void put_columns(FILE *out, const struct ipm_layout *layout)
{
    /* A variant stands below the words of its row, which make room for it. */
    static const char raised[] = "($1 + (strlen(strcol(5)) > 0 ? 0.16 : 0))";
    static const char below[] = "($1 - 0.26)";
    static const struct {
        int column;
        double pixel;
        const char *y, *style;
    } columns[] = {
        {2, IPM_LAYOUT_EDGE, raised, "left"},
        {3, IPM_LAYOUT_COPIES, raised, "center"},
        {4, IPM_LAYOUT_WAIT, raised, "left"},
        {5, IPM_LAYOUT_EDGE, below, "left font 'sans-serif,9' textcolor '#6b6b6b'"},
        {6, IPM_LAYOUT_HERE, "1", "right"},
        {7, IPM_LAYOUT_AWAY, "1", "right"},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    for (size_t i = 0; i < COLUMNS; i++)
        (void)fprintf(out,
                      "  'ladder.dat' index 0 using (%.6g):%s:%d with labels %s "
                      "notitle%s\n",
                      ipm_layout_ns(layout, columns[i].pixel), columns[i].y,
                      columns[i].column, columns[i].style,
                      i + 1 < COLUMNS ? ", \\" : "");
}

/* The series of the data file, in its order, from index 1 on. */
static void put_plots(FILE *out, const struct ipm_layout *layout)
{
    bool used[WAITS] = {false};
    for (size_t i = 0; i < layout->n_rows; i++)
        used[wait_index(ipm_layout_rung(&layout->rows[i]))] = true;
    put_legend(out, layout, used, has_batches(layout));

    int index = 0;
    for (int wait = 0; wait < WAITS; wait++) {
        for (int away = 0; away < 2; away++) {
            if (put_series(layout, wait, away, NULL) == 0)
                continue;
            index++;
            (void)fprintf(
                out,
                "  'ladder.dat' index %d using 2:1:($5 - $2):(0) with vectors "
                "nohead linewidth 2 linecolor '%s' notitle, \\\n",
                index, waits[wait].colour);
            (void)fprintf(out,
                          "  '' index %d using 2:1 with points pointtype %d pointsize "
                          "0.9 linewidth 1.6 linecolor '%s' notitle, \\\n",
                          index, away ? waits[wait].open : waits[wait].filled,
                          waits[wait].colour);
        }
    }
    put_columns(out, layout);
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    ipm_auto_layout struct ipm_layout layout = {0};
    int error = ipm_layout_make(context, &layout, why);
    if (error != 0)
        return error;
    put_frame(out, &layout);
    put_axis(out, &layout);
    put_floors(out, &layout);
    put_heads(out, &layout);
    put_plots(out, &layout);
    (void)fputs("unset output\n", out);
    return 0;
}

int ipm_plot_ladder(const struct ipm_ladder *ladder, const char *directory,
                    json_t **out_json, struct ipm_why *why)
{
    const struct ipm_plot plot = {
        .name = "ladder",
        .data = put_data,
        .script = put_script,
        .nothing = ladder->n_rungs == 0 ? "no round trip was measured" : NULL,
    };
    return ipm_plot_write(&plot, ladder, directory, out_json, why);
}
