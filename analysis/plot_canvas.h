/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plot_canvas: what the pictures with a size axis share - panels placed by the pixel, ticks
 * that read as sizes, and words that stand over the panels.
 *
 * Pixels count from the lower left corner.  A script opens the canvas, then sets up and
 * plots each panel, then the layer of words, then closes it.
 */
#ifndef IPM_ANALYSIS_PLOT_CANVAS_H
#define IPM_ANALYSIS_PLOT_CANVAS_H

#include "base/units.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ipm_canvas {
    const char *name;     /* of the plot: NAME.svg; no '-', which gnuplot refuses */
    const char *file;     /* FILE.svg instead; NULL: as the name */
    double width, height; /* pixels */
};

struct ipm_axis {
    double low, high; /* values; both above 0 when logarithmic */
    double from, to;  /* pixels where they stand */
    bool logarithmic;
};

/* How one of several lines is told from the others, also without colours. */
struct ipm_form {
    unsigned colour;  /* 0xRRGGBB */
    int mark, dashes; /* gnuplot's pointtype and dashtype */
};

enum { IPM_FORMS = 14 };

/* All different up to IPM_FORMS, then they come again. */
struct ipm_form ipm_canvas_form(size_t i);

/* A tick's text, as the formatters of base/units.h make it. */
typedef const char *ipm_axis_text(char text[IPM_UNITS_TEXT], double value);

/* Widens the range, while that is empty (low > high) or too small, to hold the value.
 * NaN, and what a logarithmic axis cannot hold, changes nothing. */
void ipm_axis_hold(struct ipm_axis *axis, double value);

/* Adds a part of its own length to both ends; a range of one value becomes one that can be
 * drawn. */
void ipm_axis_pad(struct ipm_axis *axis, double part);

/* The pixel of a value. */
double ipm_axis_pixel(const struct ipm_axis *axis, double value);

void ipm_canvas_open(const struct ipm_canvas *canvas, FILE *out);

/* Starts a panel: its place, ranges, border and grid. */
void ipm_canvas_panel(const struct ipm_canvas *canvas, const struct ipm_axis *x,
                      const struct ipm_axis *y, FILE *out);

/* Ticks at powers of two, at most ten; without @words the grid alone. */
void ipm_canvas_size_ticks(const struct ipm_axis *x, bool words, FILE *out);

/* Ticks of a logarithmic x axis that counts: decades, and 2 and 5 between them where these are
 * few. */
void ipm_canvas_count_ticks(const struct ipm_axis *x, FILE *out);

/* Ticks of the y axis: decades, or round numbers where it is linear. */
void ipm_canvas_ticks(const struct ipm_axis *y, ipm_axis_text *text, FILE *out);

/* Starts the layer over everything, whose two axes are the pixels of the canvas. */
void ipm_canvas_words(const struct ipm_canvas *canvas, FILE *out);

void ipm_canvas_close(FILE *out);

/* @text, ending in "..." where @room is too small, never inside a UTF-8 character. */
void ipm_canvas_cut(char *cut, size_t room, const char *text);

/**
 * ipm_canvas_spread() - move labels apart
 * @y: pixels, falling; on return at least @gap apart and, if they fit at all, in [low, high]
 */
void ipm_canvas_spread(double *y, size_t n, double gap, double low, double high);

#endif
