/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_core_map.h"

#include "analysis/gnuplot.h"
#include "analysis/html.h"
#include "analysis/plot.h"
#include "base/cleanup.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 760,
    SQUARE = 520, /* pixels of a map's side */
    LEFT = 90,
    ABOVE = 60, /* of each map: its title */
    BELOW = 60,
    PANEL = ABOVE + SQUARE + BELOW,
    VALUES_UP_TO = 16, /* CPUs: with more there is no room for numbers in the cells */
    TICKS = 16,
};

static const char name[] = "core_to_core";

struct drawing {
    const json_t *maps;
    const char *topology;
    size_t drawn; /* maps, from the first */
};

static size_t cpus_in(const json_t *map)
{
    return json_array_size(json_object_get(map, "cpus"));
}

static size_t place_of(const json_t *cpus, json_int_t number)
{
    size_t i = 0;
    while (i < json_array_size(cpus) &&
           json_integer_value(json_array_get(cpus, i)) != number)
        i++;
    return i;
}

/* Row a, column b, NaN where nothing was measured; the caller frees it. */
static double *matrix_of(const json_t *map)
{
    const json_t *cpus = json_object_get(map, "cpus");
    size_t n = cpus_in(map);
    double *cells = calloc(n * n + 1, sizeof(cells[0]));
    for (size_t i = 0; cells != NULL && i < n * n; i++)
        cells[i] = NAN;
    /* First what was measured, then the directions that were not. */
    for (int mirrored = 0; mirrored < 2 && cells != NULL; mirrored++) {
        size_t i;
        const json_t *pair;
        json_array_foreach(json_object_get(map, "pairs"), i, pair)
        {
            const json_t *numbers = json_object_get(pair, "cpus");
            size_t a = place_of(cpus, json_integer_value(json_array_get(numbers, 0)));
            size_t b = place_of(cpus, json_integer_value(json_array_get(numbers, 1)));
            if (a >= n || b >= n)
                continue;
            double *cell = mirrored ? &cells[b * n + a] : &cells[a * n + b];
            if (isnan(*cell))
                *cell = ipm_member_number(pair, "value");
        }
    }
    return cells;
}

/* One block per map: "column row ns", blank lines between blocks. */
static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    size_t i;
    const json_t *map;
    (void)fprintf(out,
                  "# %s: column row ns (places in the list of CPUs); side a is the "
                  "row\n",
                  name);
    json_array_foreach(drawing->maps, i, map)
    {
        size_t n = cpus_in(map);
        ipm_auto_free double *cells = matrix_of(map);
        if (cells == NULL)
            return ipm_why_set(why, -ENOMEM, "no memory for a map: ");
        size_t written = 0;
        for (size_t at = 0; at < n * n; at++) {
            if (isnan(cells[at]))
                continue;
            (void)fprintf(out, "%zu %zu %.6g\n", at % n, at / n, cells[at]);
            written++;
        }
        if (written == 0) /* a block has a line, or those behind it would move up */
            (void)fputs("0 0 nan\n", out);
        (void)fputs("\n\n", out);
    }
    return 0;
}

static void put_ticks(const json_t *cpus, char axis, FILE *out)
{
    size_t n = json_array_size(cpus);
    size_t step = (n + TICKS - 1) / TICKS;
    (void)fprintf(out, "set %ctics nomirror textcolor '#333333' (", axis);
    for (size_t i = 0; i < n; i += step)
        (void)fprintf(out, "%s'%lld' %zu", i == 0 ? "" : ", ",
                      (long long)json_integer_value(json_array_get(cpus, i)), i);
    (void)fputs(")\n", out);
}

static void put_map(const struct drawing *drawing, size_t index, double height,
                    FILE *out)
{
    const json_t *map = json_array_get(drawing->maps, index);
    const json_t *cpus = json_object_get(map, "cpus");
    size_t n = cpus_in(map);
    double top = height - (double)(index * PANEL) - ABOVE;
    char title[200];
    char size[IPM_UNITS_TEXT] = "no payload";
    if (ipm_member_number(map, "size") > 0)
        (void)ipm_format_size(size, (int64_t)ipm_member_number(map, "size"));
    (void)snprintf(title, sizeof(title), "%.40s / %.40s, %s, wait %.20s%s",
                   ipm_member_text(map, "workload"), ipm_member_text(map, "mechanism"),
                   size, ipm_member_text(map, "wait"),
                   strcmp(drawing->topology, "hypervisor") == 0
                       ? " (CPUs as a hypervisor shows them)"
                       : "");
    (void)fprintf(out,
                  "set lmargin at screen %.6f\nset rmargin at screen %.6f\n"
                  "set tmargin at screen %.6f\nset bmargin at screen %.6f\n"
                  "set title ",
                  (double)LEFT / WIDTH, (double)(LEFT + SQUARE) / WIDTH, top / height,
                  (top - SQUARE) / height);
    ipm_gnuplot_string(out, title);
    (void)fputs("\nset xlabel 'CPU of side b'\nset ylabel 'CPU of side a'\n", out);
    put_ticks(cpus, 'x', out);
    put_ticks(cpus, 'y', out);
    (void)fprintf(out,
                  "set xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\n"
                  "plot '%s.dat' index %zu using 1:2:($1-0.5):($1+0.5):($2-0.5):"
                  "($2+0.5):3 with boxxyerror fillstyle solid noborder linecolor "
                  "palette%s",
                  n - 1, n - 1, name, index, n <= VALUES_UP_TO ? ", \\\n" : "\n");
    if (n <= VALUES_UP_TO)
        (void)fprintf(out,
                      "  '%s.dat' index %zu using 1:2:(sprintf('%%.3g', $3)) with "
                      "labels textcolor '#000000'\n",
                      name, index);
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    size_t all = json_array_size(drawing->maps);
    double height = (double)(drawing->drawn * PANEL);
    (void)why;
    (void)fprintf(
        out,
        "# Made by ipcmeter report; `gnuplot %s.gp` draws it again.\n"
        "set encoding utf8\n"
        "set term svg dynamic noenhanced size %d,%.0f name '%s' background '#ffffff' "
        "font 'sans-serif,12'\n"
        "set output '%s.svg'\nset datafile missing 'nan'\nunset key\n"
        "set border 3 linecolor '#888888'\nset tics scale 0.4\n"
        /* Light to dark: readable without colours, and under numbers. */
        "set palette defined (0 '#deebf7', 0.35 '#9ecae1', 0.7 '#4292c6', 1 "
        "'#2b6cb0')\n"
        "set colorbox\nset cblabel 'ns, median of medians'\n",
        name, WIDTH, height, name, name);
    if (drawing->drawn < all)
        (void)fprintf(out, "# The first %zu of %zu maps.\n", drawing->drawn, all);
    (void)fputs("set multiplot\n", out);
    for (size_t i = 0; i < drawing->drawn; i++)
        put_map(drawing, i, height, out);
    (void)fputs("unset multiplot\nunset output\n", out);
    return 0;
}

/* Why there is no picture; NULL: there is one. */
static const char *nothing(const struct drawing *drawing)
{
    size_t i;
    size_t k;
    const json_t *map;
    const json_t *pair;
    bool measured = false;
    json_array_foreach(drawing->maps, i, map)
    {
        if (i < drawing->drawn && cpus_in(map) > IPM_PLOT_CORE_CPUS)
            return "a map has more than 128 CPUs; report.json has its pairs";
        bool seen = false;
        json_array_foreach(json_object_get(map, "pairs"), k, pair) seen =
            seen || !isnan(ipm_member_number(pair, "value"));
        if (i < drawing->drawn && !seen)
            return "a map has no value; report.json says why";
        measured = measured || seen;
    }
    return measured ? NULL : "no pair has a value; report.json says why";
}

int ipm_plot_core_map(const json_t *document, const char *directory, json_t **out_json,
                      struct ipm_why *why)
{
    const json_t *core_to_core = json_object_get(document, "core_to_core");
    struct drawing drawing = {.maps = json_object_get(core_to_core, "maps"),
                              .topology = ipm_member_text(core_to_core, "topology")};
    size_t n = json_array_size(drawing.maps);
    drawing.drawn = n < IPM_PLOT_CORE_MAPS ? n : (size_t)IPM_PLOT_CORE_MAPS;
    *out_json = NULL;
    if (n == 0)
        return 0;
    const struct ipm_plot plot = {.name = name,
                                  .data = put_data,
                                  .script = put_script,
                                  .nothing = nothing(&drawing)};
    return ipm_plot_write(&plot, &drawing, directory, out_json, why);
}
