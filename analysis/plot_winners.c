/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/plot_winners.h"

#include "analysis/gnuplot.h"
#include "analysis/html.h"
#include "analysis/plot.h"
#include "analysis/plot_canvas.h"
#include "analysis/winner_map.h"
#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 1000,
    LEFT = 250, /* where the fields begin */
    RIGHT = 12,
    WIDEST = 110,
    ABOVE = 74, /* title, key and sizes */
    BELOW = 36,
    ROW = 34,
    PANEL = 26, /* a heading */
    KEY = 128,  /* room of a name in the key */
    TEXT = 200,
};

/* Okabe and Ito's; the one that black words cannot be read on comes last, then what is for all
 * others. */
static const char *const colours[IPM_WINNER_COLOURS + 1] = {
    "#e69f00", "#56b4e9", "#009e73", "#f0e442",
    "#cc79a7", "#d55e00", "#0072b2", "#c8c8c8"};
enum { DARK = 6 };

static double lead_of(const json_t *contest)
{
    const json_t *second = json_object_get(contest, "runner_up");
    return ipm_member_number(json_object_get(second, "behind"), "ratio");
}

static void put_question(char text[TEXT], const struct ipm_winner_line *line)
{
    double batch = ipm_member_number(line->asked, "batch");
    const char *rate = ipm_member_text(line->asked, "rate");
    const char *touch = ipm_member_text(line->asked, "touch");
    const char *traffic = ipm_member_text(line->asked, "traffic");
    char placement[28];
    char cut[44];
    ipm_canvas_cut(placement, sizeof(placement),
                   ipm_member_text(line->asked, "placement"));
    ipm_canvas_cut(cut, 20, ipm_member_text(line->asked, "workload"));
    (void)snprintf(text, TEXT, "%s, %s", cut, placement);
    if (rate[0] != '\0' && strcmp(rate, "max") != 0) {
        ipm_canvas_cut(cut, 24, rate);
        (void)snprintf(text + strlen(text), TEXT - strlen(text), ", %s/s", cut);
    }
    if (strcmp(touch, "none") != 0) {
        ipm_canvas_cut(cut, 16, touch);
        (void)snprintf(text + strlen(text), TEXT - strlen(text), ", touch %s", cut);
    }
    if (batch > 1 && strcmp(ipm_member_text(line->asked, "workload"), "stream") == 0)
        (void)snprintf(text + strlen(text), TEXT - strlen(text), ", batch %g", batch);
    if (traffic[0] != '\0') {
        ipm_canvas_cut(cut, sizeof(cut), traffic);
        (void)snprintf(text + strlen(text), TEXT - strlen(text), ", %s", cut);
    }
}

static int put_data(const void *context, FILE *out, struct ipm_why *why)
{
    const struct ipm_winner_map *map = context;
    (void)why;
    (void)fputs(
        "# winners: size ratio_to_the_runner_up tied entrants by question field "
        "verdict best wait\n",
        out);
    for (size_t i = 0; i < map->n_lines; i++) {
        for (size_t k = 0; k < map->n_sizes; k++) {
            const json_t *contest = ipm_winner_at(map, &map->lines[i], map->sizes[k]);
            const json_t *best = json_object_get(contest, "best");
            char question[TEXT];
            if (contest == NULL)
                continue;
            put_question(question, &map->lines[i]);
            const char *const words[] = {ipm_winner_panels[map->lines[i].panel].by,
                                         question,
                                         map->lines[i].field,
                                         ipm_member_text(contest, "verdict"),
                                         ipm_member_text(best, "mechanism"),
                                         ipm_member_text(best, "wait")};
            (void)fprintf(out, "%lld %.6g %zu %.0f", (long long)map->sizes[k],
                          lead_of(contest),
                          json_array_size(json_object_get(contest, "tied")),
                          ipm_member_number(contest, "entrants"));
            for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
                (void)fputc(' ', out);
                ipm_gnuplot_column(out, words[w]);
            }
            (void)fputc('\n', out);
        }
    }
    return 0;
}

static void put_label(FILE *out, const char *text, double x, double y, const char *how)
{
    (void)fputs("set label ", out);
    ipm_gnuplot_string(out, text);
    (void)fprintf(out, " at %.1f,%.1f %s\n", x, y, how);
}

static void put_box(FILE *out, double left, double bottom, double width, double height,
                    const char *colour, bool dashed)
{
    (void)fprintf(out,
                  "set object rectangle from %.1f,%.1f to %.1f,%.1f fillcolor rgb '%s' "
                  "fillstyle solid %s border linecolor '%s' linewidth 1\n",
                  left, bottom, left + width, bottom + height, colour,
                  dashed ? "0.35" : "1.0", dashed ? "#666666" : "#ffffff");
}

static void put_field(const struct ipm_winner_map *map, const json_t *contest,
                      double left, double bottom, double width, FILE *out)
{
    const json_t *best = json_object_get(contest, "best");
    const char *verdict = ipm_member_text(contest, "verdict");
    const char *mechanism = ipm_member_text(best, "mechanism");
    const char *wait = ipm_member_text(best, "wait");
    bool decided = strcmp(verdict, "winner") == 0;
    size_t colour = ipm_winner_colour(map, mechanism);
    const char *ink = decided && colour == DARK ? "#ffffff" : "#111111";
    char how[80];
    char waits[8];
    size_t room = (size_t)(width / 6.4) + 1;
    char name[IPM_WINNER_NAME];
    char lead[IPM_WINNER_NAME];
    char factor[IPM_UNITS_TEXT];
    ipm_canvas_cut(name,
                   room < 6                 ? 6
                   : room > IPM_WINNER_NAME ? (size_t)IPM_WINNER_NAME
                                            : room,
                   mechanism);
    ipm_canvas_cut(waits, sizeof(waits),
                   strcmp(wait, "spin_then_block") == 0 ? "spin+b" : wait);
    if (decided)
        (void)snprintf(lead, sizeof(lead), "%s %sx", waits,
                       ipm_format_count(factor, lead_of(contest)));
    else if (strcmp(verdict, "tie") == 0)
        (void)snprintf(lead, sizeof(lead), "tie of %zu",
                       json_array_size(json_object_get(contest, "tied")));
    else
        (void)snprintf(lead, sizeof(lead), "no rival");
    put_box(out, left + 1, bottom + 1, width - 2, ROW - 2, colours[colour], !decided);
    (void)snprintf(how, sizeof(how), "center font ',10' textcolor '%s' front", ink);
    put_label(out, name, left + width / 2, bottom + ROW - 11, how);
    (void)snprintf(how, sizeof(how), "center font ',9' textcolor '%s' front", ink);
    put_label(out, lead, left + width / 2, bottom + 9, how);
}

static double height_of(const struct ipm_winner_map *map)
{
    size_t heads = 0;
    for (size_t i = 0; i < map->n_lines; i++)
        heads += i == 0 || map->lines[i].panel != map->lines[i - 1].panel;
    return ABOVE + BELOW + (double)(ROW * map->n_lines + PANEL * heads);
}

static void put_key(const struct ipm_winner_map *map, double height, FILE *out)
{
    for (size_t i = 0; i < map->n_names; i++) {
        char name[22];
        double left = 12 + KEY * (double)i;
        ipm_canvas_cut(name, sizeof(name), map->names[i]);
        put_box(out, left, height - 46, 12, 12, colours[i], false);
        put_label(out, name, left + 17, height - 40, "left font ',11' front");
    }
}

static void put_lines(const struct ipm_winner_map *map, double height, FILE *out)
{
    double width = fmin((WIDTH - LEFT - RIGHT) / (double)map->n_sizes, WIDEST);
    double top = height - ABOVE;
    for (size_t k = 0; k < map->n_sizes; k++) {
        char size[IPM_UNITS_TEXT];
        put_label(out, ipm_format_size(size, map->sizes[k]),
                  LEFT + width * ((double)k + 0.5), top + 7,
                  "center font ',11' textcolor '#333333' front");
    }
    for (size_t i = 0; i < map->n_lines; i++) {
        const struct ipm_winner_line *line = &map->lines[i];
        char question[TEXT];
        char cut[44];
        if (i == 0 || line->panel != map->lines[i - 1].panel) {
            char title[120];
            bool joules = strcmp(ipm_winner_panels[line->panel].by, "joules") == 0;
            (void)snprintf(title, sizeof(title), "%s%s%.40s",
                           ipm_winner_panels[line->panel].title, joules ? ": " : "",
                           joules ? map->provenance : "");
            put_label(out, title, 12, top - PANEL + 9,
                      "left font ',12' textcolor '#000000' front");
            top -= PANEL;
        }
        top -= ROW;
        put_question(question, line);
        ipm_canvas_cut(cut, sizeof(cut), question);
        put_label(out, cut, 22, top + ROW - 12,
                  "left font ',11' textcolor '#333333' front");
        put_label(out,
                  strcmp(line->field, "any") == 0 ? "any wait" : "waits that sleep", 22,
                  top + 9, "left font ',10' textcolor '#666666' front");
        for (size_t k = 0; k < map->n_sizes; k++) {
            const json_t *contest = ipm_winner_at(map, line, map->sizes[k]);
            if (contest != NULL)
                put_field(map, contest, LEFT + width * (double)k, top, width, out);
        }
    }
}

static int put_script(const void *context, FILE *out, struct ipm_why *why)
{
    const struct ipm_winner_map *map = context;
    double height = height_of(map);
    const struct ipm_canvas canvas = {
        .name = "winners", .file = map->file, .width = WIDTH, .height = height};
    char note[TEXT];
    (void)why;
    ipm_canvas_open(&canvas, out);
    ipm_canvas_words(&canvas, out);
    put_label(out, "Who is best, by how many times against the runner-up", 12,
              height - 16, "left font ',14' front");
    if (map->n_names > 0)
        put_key(map, height, out);
    if (map->n_lines > 0)
        put_lines(map, height, out);
    (void)snprintf(
        note, sizeof(note),
        "pale with a dark edge: a tie, or no rival, and named is the least cost; waits "
        "that sleep have a line where others spin");
    if (map->n_left_out + map->n_sizes_left_out > 0)
        (void)snprintf(note + strlen(note), sizeof(note) - strlen(note),
                       "; not drawn: more than %d lines or %d sizes",
                       IPM_PLOT_WINNERS_ROWS, IPM_PLOT_WINNERS_SIZES);
    put_label(out, note, 12, 16, "left font ',11' textcolor '#333333' front");
    (void)fputs("plot NaN notitle\n", out);
    ipm_canvas_close(out);
    return 0;
}

int ipm_plot_winners(const json_t *document, const char *directory, json_t **out_json,
                     struct ipm_why *why)
{
    struct ipm_winner_map *map = calloc(1, sizeof(*map));
    if (map == NULL)
        return ipm_why_set(why, -ENOMEM, "draw the winners: ");
    int error = ipm_winner_map_make(map, document);
    if (error != 0) {
        free(map);
        return ipm_why_set(why, error, "draw the winners: ");
    }
    const struct ipm_plot plot = {
        .name = map->file,
        .data = put_data,
        .script = put_script,
        .nothing =
            map->n_lines == 0 ? "nothing was measured that could be compared" : NULL,
    };
    error = ipm_plot_write(&plot, map, directory, out_json, why);
    free(map);
    return error;
}
