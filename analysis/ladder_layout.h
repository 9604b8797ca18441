/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ladder_layout: where everything in the picture of the ladder stands.  Part of
 * plot_ladder: no file and no gnuplot in here.
 */
#ifndef IPM_ANALYSIS_LADDER_LAYOUT_H
#define IPM_ANALYSIS_LADDER_LAYOUT_H

#include "analysis/ladder.h"
#include "base/why.h"

#include <stddef.h>

/* The picture in pixels; the dynamic SVG keeps the proportions at any size. */
enum {
    IPM_LAYOUT_WIDTH = 1000,
    IPM_LAYOUT_EDGE = 14,       /* left and right of everything */
    IPM_LAYOUT_COPIES = 172,    /* centre of that column */
    IPM_LAYOUT_WAIT = 205,      /* left edge of that column */
    IPM_LAYOUT_AXIS_FROM = 322, /* the logarithmic axis */
    IPM_LAYOUT_AXIS_TO = 790,
    IPM_LAYOUT_HERE = 868, /* right edges of the two CPU columns */
    IPM_LAYOUT_AWAY = 978,
    IPM_LAYOUT_ROW = 30,
    IPM_LAYOUT_ABOVE = 98,      /* title and column heads */
    IPM_LAYOUT_FLOOR_LINE = 17, /* one line of floor labels, on top of that */
    IPM_LAYOUT_BELOW = 116,     /* tick labels and legend */
    IPM_LAYOUT_FLOORS = 3,
};

/* One (mechanism, copies, wait, variant); NULL: not measured. */
struct ipm_layout_row {
    const struct ipm_rung *here; /* both roles on one CPU */
    const struct ipm_rung *away; /* at ladder->away */
};

enum ipm_align { IPM_ALIGN_LEFT, IPM_ALIGN_CENTER, IPM_ALIGN_RIGHT };

/* A floor of the machine. */
struct ipm_layout_mark {
    double ns;
    char label[64];
    int line;             /* of the labels, 0 is the lowest */
    enum ipm_align align; /* of the label, seen from the mark */
};

struct ipm_layout {
    const struct ipm_ladder *ladder;
    struct ipm_layout_row *rows; /* fastest first */
    size_t n_rows;
    size_t n_elsewhere; /* rungs at other placements, not drawn */
    struct ipm_layout_mark floors[IPM_LAYOUT_FLOORS]; /* from left to right */
    size_t n_floors;
    int floor_lines;
    double from, to; /* ends of the axis, log10 of nanoseconds */
    double height;   /* pixels */
};

/* Return: 0; -ENOMEM.  @out_layout needs fini only after 0. */
int ipm_layout_make(const struct ipm_ladder *ladder, struct ipm_layout *out_layout,
                    struct ipm_why *why);

/* Idempotent. */
void ipm_layout_fini(struct ipm_layout *layout);

#define ipm_auto_layout __attribute__((cleanup(ipm_layout_fini)))

/* The rung that stands for a row: its words. */
const struct ipm_rung *ipm_layout_rung(const struct ipm_layout_row *row);

/* Pixels from the left edge as nanoseconds on the axis, and back. */
double ipm_layout_ns(const struct ipm_layout *layout, double pixel);
double ipm_layout_pixel(const struct ipm_layout *layout, double ns);

#endif
