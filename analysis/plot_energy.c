/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_energy.h"

#include "analysis/gnuplot.h"
#include "analysis/html.h"
#include "analysis/plot.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 1000, ABOVE = 140, ROW = 28, NAME = 48 };

struct drawing {
    const json_t *rows;
    char name[NAME]; /* of the files */
    const char *provenance;
};

static const json_t *cost_of(const json_t *row)
{
    const json_t *cost = json_object_get(row, "message_uj");
    return isnan(ipm_member_number(cost, "value")) ? NULL : cost;
}

static size_t count(const json_t *rows)
{
    size_t n = 0;
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row) n += cost_of(row) != NULL;
    return n;
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    size_t n = 0;
    size_t i;
    const json_t *row;
    (void)why;
    (void)fprintf(out, "# %s: row uj_per_message low high point\n", drawing->name);
    json_array_foreach(drawing->rows, i, row)
    {
        const json_t *cost = cost_of(row);
        if (cost == NULL || n == IPM_PLOT_ENERGY_ROWS)
            continue;
        char size[IPM_UNITS_TEXT];
        char label[200];
        (void)snprintf(label, sizeof(label), "%.40s %.20s %s, %.20s, %.40s, %.20s",
                       ipm_member_text(row, "mechanism"),
                       ipm_member_text(row, "workload"),
                       ipm_format_size(size, (int64_t)ipm_member_number(row, "size")),
                       ipm_member_text(row, "wait"), ipm_member_text(row, "placement"),
                       ipm_member_text(row, "domain"));
        (void)fprintf(out, "%zu %.6g %.6g %.6g ", ++n, ipm_member_number(cost, "value"),
                      ipm_member_number(cost, "low"), ipm_member_number(cost, "high"));
        ipm_gnuplot_column(out, label);
        (void)fputc('\n', out);
    }
    return 0;
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct drawing *drawing = context;
    size_t costs = count(drawing->rows);
    size_t n = costs < IPM_PLOT_ENERGY_ROWS ? costs : (size_t)IPM_PLOT_ENERGY_ROWS;
    char title[200];
    (void)why;
    (void)snprintf(title, sizeof(title), "Energy of a message beyond rest: %s",
                   drawing->provenance);
    if (n < costs)
        (void)snprintf(title + strlen(title), sizeof(title) - strlen(title),
                       " (the first %zu of %zu points)", n, costs);
    (void)fprintf(out,
                  "# Made by ipcmeter report; `gnuplot %s.gp` draws it again.\n"
                  "set encoding utf8\n"
                  "set term svg dynamic noenhanced size %d,%zu name 'energy' "
                  "background '#ffffff' font 'sans-serif,12'\n"
                  "set output '%s.svg'\nset datafile missing 'nan'\nunset key\n"
                  "set title ",
                  drawing->name, WIDTH, ABOVE + ROW * (n == 0 ? 1 : n), drawing->name);
    ipm_gnuplot_string(out, title);
    (void)fprintf(
        out,
        "\nset xlabel 'uJ per message, mean over blocks with its 95 %% interval'\n"
        "set border 3 linecolor '#888888'\n"
        "set grid xtics ytics linetype 1 linecolor '#e2e4e8'\n"
        "set xtics nomirror textcolor '#333333'\nset ytics nomirror textcolor "
        "'#333333'\n"
        "set xrange [0:*]\nset yrange [%zu.5:0.5]\n"
        "plot '%s.dat' using 2:1:3:4:ytic(5) with xerrorbars pointtype 7 "
        "pointsize 0.7 linewidth 1.5 linecolor '#0072b2'\n",
        n, drawing->name);
    return 0;
}

/* [a-z_]+ of a word of the records, which may hold anything. */
static void put_word(char name[NAME], const char *word)
{
    (void)strcpy(name, "energy-");
    size_t used = strlen(name);
    for (; *word != '\0' && used + 1 < NAME - 8; word++) {
        if ((*word >= 'a' && *word <= 'z') || *word == '_')
            name[used++] = *word;
    }
    name[used] = '\0';
}

int ipm_plot_energy(const json_t *document, const char *directory, json_t **out_json,
                    struct ipm_why *why)
{
    const json_t *energy = json_object_get(document, "energy");
    struct drawing drawing = {
        .rows = json_object_get(energy, "points"),
        .provenance = ipm_member_text(energy, "provenance"),
    };
    *out_json = NULL;
    if (json_array_size(drawing.rows) == 0)
        return 0;
    put_word(drawing.name, drawing.provenance);
    const struct ipm_plot plot = {
        .name = drawing.name,
        .data = put_data,
        .script = put_script,
        .nothing = count(drawing.rows) == 0 ? "no point has a cost; the table says why"
                   : strcmp(drawing.provenance, "mixed") == 0
                       ? "what is measured and what is not never share a picture"
                       : NULL,
    };
    return ipm_plot_write(&plot, &drawing, directory, out_json, why);
}
