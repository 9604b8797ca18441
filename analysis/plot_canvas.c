/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_canvas.h"

#include "analysis/gnuplot.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { TICKS = 10, COLOURS = 7 };

/* Colours of gnuplot's podo set (Wong 2011) without the yellow, which white drowns. */
static const struct {
    unsigned colour;
    int filled, open;
} forms[COLOURS] = {
    {0x0072b2, 7, 6},   {0xd55e00, 5, 4},   {0x009e73, 9, 8}, {0xcc79a7, 13, 12},
    {0x56b4e9, 11, 10}, {0xe69f00, 15, 14}, {0x000000, 3, 1},
};

static_assert(IPM_FORMS == 2 * COLOURS, "filled marks, then open ones");

/* The second round of colours has open marks and dashed lines. */
struct ipm_form ipm_canvas_form(size_t i)
{
    bool second = i / COLOURS % 2 == 1;
    return (struct ipm_form){
        .colour = forms[i % COLOURS].colour,
        .mark = second ? forms[i % COLOURS].open : forms[i % COLOURS].filled,
        .dashes = second ? 2 : 1,
    };
}

void ipm_axis_hold(struct ipm_axis *axis, double value)
{
    if (!isfinite(value) || (axis->logarithmic && value <= 0))
        return;
    bool empty = axis->low > axis->high;
    if (empty || value < axis->low)
        axis->low = value;
    if (empty || value > axis->high)
        axis->high = value;
}

void ipm_axis_pad(struct ipm_axis *axis, double part)
{
    if (axis->logarithmic) {
        double length = log(axis->high / axis->low);
        double factor = exp(part * (length > 0 ? length : 1));
        axis->low /= factor;
        axis->high *= factor;
        return;
    }
    double length = axis->high - axis->low;
    axis->low -= part * (length > 0 ? length : 1);
    axis->high += part * (length > 0 ? length : 1);
}

double ipm_axis_pixel(const struct ipm_axis *axis, double value)
{
    double part = axis->logarithmic
                      ? log(value / axis->low) / log(axis->high / axis->low)
                      : (value - axis->low) / (axis->high - axis->low);
    return axis->from + part * (axis->to - axis->from);
}

void ipm_canvas_open(const struct ipm_canvas *canvas, FILE *out)
{
    const char *file = canvas->file != NULL ? canvas->file : canvas->name;
    (void)fprintf(out,
                  "# Made by ipcmeter report; `gnuplot %s.gp` draws it again.\n"
                  "set encoding utf8\n"
                  "set term svg dynamic noenhanced size %.0f,%.0f name '%s' "
                  "background '#ffffff' font 'sans-serif,12'\n"
                  "set output '%s.svg'\n"
                  "set datafile missing 'nan'\n"
                  "set multiplot\n",
                  file, canvas->width, canvas->height, canvas->name, file);
}

static void put_margins(const struct ipm_canvas *canvas, double left, double right,
                        double bottom, double top, FILE *out)
{
    (void)fprintf(out,
                  "set lmargin at screen %.5f\nset rmargin at screen %.5f\n"
                  "set bmargin at screen %.5f\nset tmargin at screen %.5f\n",
                  left / canvas->width, right / canvas->width, bottom / canvas->height,
                  top / canvas->height);
}

void ipm_canvas_panel(const struct ipm_canvas *canvas, const struct ipm_axis *x,
                      const struct ipm_axis *y, FILE *out)
{
    put_margins(canvas, x->from, x->to, y->from, y->to, out);
    (void)fprintf(out,
                  "unset key\nunset logscale\n%s%s"
                  "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n"
                  "set border 3 linecolor '#888888' linewidth 0.8\n"
                  "set grid xtics ytics linetype 1 linecolor '#e2e4e8' linewidth 0.7\n",
                  x->logarithmic ? "set logscale x\n" : "",
                  y->logarithmic ? "set logscale y\n" : "", x->low, x->high, y->low,
                  y->high);
}

static const char *size_text(char text[IPM_UNITS_TEXT], double value)
{
    return ipm_format_size(text, (int64_t)value);
}

static void put_tick(double value, ipm_axis_text *text, const char **separator,
                     FILE *out)
{
    char words[IPM_UNITS_TEXT];
    (void)fputs(*separator, out);
    ipm_gnuplot_string(out, text == NULL ? "" : text(words, value));
    (void)fprintf(out, " %.10g", value);
    *separator = ", ";
}

void ipm_canvas_size_ticks(const struct ipm_axis *x, bool words, FILE *out)
{
    const char *separator = "";
    int first = (int)ceil(log2(x->low));
    int last = (int)floor(log2(x->high));
    int step = 1;
    while ((last - first) / step >= TICKS)
        step++;
    /* 64 B, 256 B, 1 KiB ... rather than 128 B, 512 B, 2 KiB. */
    first += (step - first % step) % step;
    (void)fputs("set xtics nomirror scale 0.5 textcolor '#333333' (", out);
    for (int power = first; power <= last; power += step)
        put_tick(exp2(power), words ? size_text : NULL, &separator, out);
    (void)fputs(")\n", out);
}

static void put_log_ticks(const struct ipm_axis *y, ipm_axis_text *text, FILE *out)
{
    static const int steps[] = {1, 2, 5};
    const char *separator = "";
    int first = (int)floor(log10(y->low));
    int last = (int)floor(log10(y->high));
    /* Below three decades the decades alone are too few to read by. */
    size_t n_steps = log10(y->high / y->low) < 2.7 ? 3 : 1;
    for (int decade = first; decade <= last; decade++) {
        for (size_t i = 0; i < n_steps; i++) {
            double value = steps[i] * pow(10, decade);
            if (value >= y->low && value <= y->high)
                put_tick(value, text, &separator, out);
        }
    }
}

static void put_linear_ticks(const struct ipm_axis *y, ipm_axis_text *text, FILE *out)
{
    const char *separator = "";
    double least = (y->high - y->low) / 6;
    double decade = pow(10, floor(log10(least)));
    double step = least <= decade       ? decade
                  : least <= 2 * decade ? 2 * decade
                  : least <= 5 * decade ? 5 * decade
                                        : 10 * decade;
    for (double i = ceil(y->low / step); i * step <= y->high; i++)
        put_tick(i * step, text, &separator, out);
}

void ipm_canvas_count_ticks(const struct ipm_axis *x, FILE *out)
{
    (void)fputs("set xtics nomirror scale 0.5 textcolor '#333333' (", out);
    put_log_ticks(x, ipm_format_count, out);
    (void)fputs(")\n", out);
}

void ipm_canvas_ticks(const struct ipm_axis *y, ipm_axis_text *text, FILE *out)
{
    (void)fputs("set ytics nomirror scale 0.5 textcolor '#333333' (", out);
    if (y->logarithmic)
        put_log_ticks(y, text, out);
    else
        put_linear_ticks(y, text, out);
    (void)fputs(")\n", out);
}

void ipm_canvas_words(const struct ipm_canvas *canvas, FILE *out)
{
    put_margins(canvas, 0, canvas->width, 0, canvas->height, out);
    (void)fprintf(out,
                  "unset key\nunset logscale\nunset border\nunset xtics\nunset ytics\n"
                  "unset grid\nunset xlabel\nunset ylabel\nunset object\nunset arrow\n"
                  "set xrange [0:%.0f]\nset yrange [0:%.0f]\n",
                  canvas->width, canvas->height);
}

void ipm_canvas_close(FILE *out)
{
    (void)fputs("unset multiplot\nunset output\n", out);
}

void ipm_canvas_cut(char *cut, size_t room, const char *text)
{
    size_t length = strlen(text);
    bool fits = length < room;
    if (!fits) {
        length = room - sizeof("...");
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(cut, text, length);
    (void)snprintf(cut + length, room - length, "%s", fits ? "" : "...");
}

void ipm_canvas_spread(double *y, size_t n, double gap, double low, double high)
{
    for (size_t i = 0; i < n; i++) {
        double limit = i == 0 ? high : y[i - 1] - gap;
        if (y[i] > limit)
            y[i] = limit;
    }
    for (size_t i = n; i > 0; i--) {
        double limit = i == n ? low : y[i] + gap;
        if (y[i - 1] < limit)
            y[i - 1] = limit;
    }
}
