/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ratio_layout: where everything of the picture of R(s) stands, and its words.  Part of
 * plot_ratio.
 */
#ifndef IPM_ANALYSIS_RATIO_LAYOUT_H
#define IPM_ANALYSIS_RATIO_LAYOUT_H

#include "analysis/plot_canvas.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Pixels. */
enum {
    IPM_RATIO_WIDTH = 1120,
    IPM_RATIO_LEFT = 64,
    IPM_RATIO_RIGHT = 770,
    IPM_RATIO_LEGEND = 800,
};

/* Colours and marks of the series. */
enum {
    IPM_RATIO_MEASURED = 0x0072b2,
    IPM_RATIO_TOUCHED = 0xd55e00,
    IPM_RATIO_PARTNER = 0x009e73,
    IPM_RATIO_CURVE = 0x222222,
};
enum ipm_ratio_mark {
    IPM_RATIO_NO_MARK = -1,
    IPM_RATIO_LINE = 0, /* no mark, but a piece of line */
    IPM_RATIO_CIRCLE_OPEN = 6,
    IPM_RATIO_CIRCLE = 7,
    IPM_RATIO_TRIANGLE_OPEN = 8,
    IPM_RATIO_TRIANGLE = 9,
    IPM_RATIO_DIAMOND = 13,
};

struct ipm_ratio_layout {
    const json_t *model; /* the document's */
    struct ipm_canvas canvas;
    struct ipm_axis x, ratio, residual;     /* residual: percent */
    bool fitted;                            /* there is a prediction to draw */
    bool touched, residuals;                /* there are such points */
    double s_half, s_half_low, s_half_high; /* bytes; NaN: none */
    double range_low, range_high;           /* bytes, accepted; NaN: none */
    double rejected_above;                  /* bytes; NaN: nothing was rejected */
    double limit;                           /* R of large touched messages; NaN: none */
};

/* The number or text under a key; NaN or "" when it is null or absent. */
double ipm_ratio_number(const json_t *object, const char *key);
const char *ipm_ratio_text(const json_t *object, const char *key);

void ipm_ratio_lay_out(const json_t *model, struct ipm_ratio_layout *out_layout);

/* NULL: the model has none of that name. */
const json_t *ipm_ratio_parameter(const json_t *model, const char *name);

/* True when the value is inside the range of sizes. */
bool ipm_ratio_visible(const struct ipm_ratio_layout *layout, double size);

/* The words, in ratio_words.c.  Data rows `x_pixel y_pixel text`: the title, then the lines below it. */
void ipm_ratio_put_heads(const struct ipm_ratio_layout *layout, FILE *out);

/* Data rows `x_pixel y_pixel align text`; align 0: starts there, 1: centred, 2: ends there. */
void ipm_ratio_put_notes(const struct ipm_ratio_layout *layout, FILE *out);

/* Data rows `y_pixel colour mark text`. */
void ipm_ratio_put_legend(const struct ipm_ratio_layout *layout, FILE *out);

#endif
