/* SPDX-License-Identifier: GPL-3.0-or-later */
/* winner_map: the winners of a report laid out in lines over sizes.  Part of plot_winners. */
#ifndef IPM_ANALYSIS_WINNER_MAP_H
#define IPM_ANALYSIS_WINNER_MAP_H

#include "analysis/plot_winners.h"

#include <stddef.h>
#include <stdint.h>

enum { IPM_WINNER_PANELS = 5, IPM_WINNER_COLOURS = 7, IPM_WINNER_NAME = 64 };

/* What is won by, in the order of drawing. */
extern const struct ipm_winner_panel {
    const char *by, *title;
} ipm_winner_panels[IPM_WINNER_PANELS];

/* One question and one field of entrants, over the sizes. */
struct ipm_winner_line {
    size_t panel;
    const json_t *asked; /* a cell */
    const char *field;
};

struct ipm_winner_map {
    struct ipm_winner_line lines[IPM_PLOT_WINNERS_ROWS];
    size_t n_lines, n_left_out;
    int64_t sizes[IPM_PLOT_WINNERS_SIZES]; /* rising */
    size_t n_sizes, n_sizes_left_out;
    const char
        *names[IPM_WINNER_COLOURS]; /* mechanisms with a colour, most wins first */
    size_t n_names;
    const json_t *cells;
    const char *provenance;     /* of the joules; "" when there are none */
    char file[IPM_WINNER_NAME]; /* of the picture */
};

/* @document: report.json's content, which must outlive the map.  Return: 0; -ENOMEM. */
int ipm_winner_map_make(struct ipm_winner_map *map, const json_t *document);

/* The contest of a line at a size; NULL: none was held. */
const json_t *ipm_winner_at(const struct ipm_winner_map *map,
                            const struct ipm_winner_line *line, int64_t size);

/* Index of a mechanism's colour; IPM_WINNER_COLOURS: it has none of its own. */
size_t ipm_winner_colour(const struct ipm_winner_map *map, const char *mechanism);

#endif
