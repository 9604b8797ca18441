/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/ladder_layout.h"

#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Mean width of a character of a floor label, pixels. */
#define CHARACTER 5.7

const struct ipm_rung *ipm_layout_rung(const struct ipm_layout_row *row)
{
    return row->here != NULL ? row->here : row->away;
}

/* The slot of a rung in its row; NULL when it is at a placement not drawn. */
static const struct ipm_rung **place(const struct ipm_layout *layout,
                                     struct ipm_layout_row *row,
                                     const struct ipm_rung *rung)
{
    const char *placement = rung->point->factors.placement;
    if (strcmp(placement, "same_cpu") == 0)
        return &row->here;
    return strcmp(placement, layout->ladder->away) == 0 ? &row->away : NULL;
}

static void add_rung(struct ipm_layout *layout, const struct ipm_rung *rung)
{
    for (size_t i = 0; i < layout->n_rows; i++) {
        struct ipm_layout_row *row = &layout->rows[i];
        const struct ipm_rung **slot = place(layout, row, rung);
        if (slot != NULL && *slot == NULL &&
            ipm_rungs_same_but_placement(ipm_layout_rung(row), rung)) {
            *slot = rung;
            return;
        }
    }
    const struct ipm_rung **slot = place(layout, &layout->rows[layout->n_rows], rung);
    if (slot == NULL) {
        layout->n_elsewhere++;
        return;
    }
    *slot = rung;
    layout->n_rows++;
}

/* Pixels from the left edge, as a value of the logarithmic axis. */
double ipm_layout_ns(const struct ipm_layout *layout, double pixel)
{
    double share =
        (pixel - IPM_LAYOUT_AXIS_FROM) / (IPM_LAYOUT_AXIS_TO - IPM_LAYOUT_AXIS_FROM);
    return pow(10, layout->from + share * (layout->to - layout->from));
}

double ipm_layout_pixel(const struct ipm_layout *layout, double ns)
{
    double share = (log10(ns) - layout->from) / (layout->to - layout->from);
    return IPM_LAYOUT_AXIS_FROM + share * (IPM_LAYOUT_AXIS_TO - IPM_LAYOUT_AXIS_FROM);
}

static void add_floors(struct ipm_layout *layout)
{
    static const struct {
        const char *mechanism, *words;
    } shown[] = {
        {"floor_memcpy", "memcpy"},
        {"floor_syscall", "system call"},
        {"floor_cacheline", "cache-line round trip"},
    };
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        const struct ipm_rung *rung =
            ipm_ladder_floor(layout->ladder, shown[i].mechanism);
        if (rung == NULL || !(rung->p50->estimate.value > 0))
            continue;
        struct ipm_layout_mark *mark = &layout->floors[layout->n_floors];
        mark->ns = rung->p50->estimate.value;
        char size[IPM_UNITS_TEXT] = "";
        char time[IPM_UNITS_TEXT];
        if (i == 0)
            (void)ipm_format_size(size, rung->point->factors.size);
        (void)snprintf(mark->label, sizeof(mark->label), "%s%s%.12s %.16s",
                       shown[i].words, size[0] == '\0' ? "" : " ", size,
                       ipm_format_ns(time, mark->ns));
        layout->n_floors++;
    }
}

static int compare_marks(const void *a, const void *b)
{
    const struct ipm_layout_mark *left = a;
    const struct ipm_layout_mark *right = b;
    return (left->ns > right->ns) - (left->ns < right->ns);
}

/* Where a label begins and ends, in pixels. */
static double label_from(const struct ipm_layout *layout,
                         const struct ipm_layout_mark *mark)
{
    static const double share[] = {0, 0.5, 1}; /* by alignment */
    return ipm_layout_pixel(layout, mark->ns) -
           share[mark->align] * (double)strlen(mark->label) * CHARACTER;
}

static double label_to(const struct ipm_layout *layout,
                       const struct ipm_layout_mark *mark)
{
    return label_from(layout, mark) + (double)(strlen(mark->label) + 2) * CHARACTER;
}

/* Of two labels that would collide the left one goes left of its mark, the right one right;
 * one between two stays above its mark, a line higher.  What collides all the same moves
 * up. */
static void stagger(struct ipm_layout *layout)
{
    struct ipm_layout_mark *marks = layout->floors;
    size_t n = layout->n_floors;
    qsort(marks, n, sizeof(*marks), compare_marks);
    bool near[IPM_LAYOUT_FLOORS] = {false}; /* to the next */
    for (size_t i = 0; i < n; i++)
        marks[i].align = IPM_ALIGN_CENTER;
    for (size_t i = 0; i + 1 < n; i++)
        near[i] = label_to(layout, &marks[i]) > label_from(layout, &marks[i + 1]);
    for (size_t i = 0; i < n; i++) {
        bool before = i > 0 && near[i - 1];
        if (before && near[i])
            marks[i].line = 1;
        else if (before)
            marks[i].align = IPM_ALIGN_LEFT;
        else if (near[i])
            marks[i].align = IPM_ALIGN_RIGHT;
    }

    double taken_to[IPM_LAYOUT_FLOORS] = {-IPM_LAYOUT_WIDTH, -IPM_LAYOUT_WIDTH,
                                          -IPM_LAYOUT_WIDTH};
    for (size_t i = 0; i < n; i++) {
        struct ipm_layout_mark *mark = &marks[i];
        while (mark->line + 1 < IPM_LAYOUT_FLOORS &&
               label_from(layout, mark) < taken_to[mark->line])
            mark->line++;
        taken_to[mark->line] = label_to(layout, mark);
        if (mark->line + 1 > layout->floor_lines)
            layout->floor_lines = mark->line + 1;
    }
}

static void widen(double *least, double *most, double ns)
{
    if (!(ns > 0))
        return;
    *least = fmin(*least, ns);
    *most = fmax(*most, ns);
}

int ipm_layout_make(const struct ipm_ladder *ladder, struct ipm_layout *out_layout,
                    struct ipm_why *why)
{
    struct ipm_layout made = {.ladder = ladder};
    struct ipm_layout *layout = &made;
    layout->rows = calloc(ladder->n_rungs + 1, sizeof(*layout->rows));
    if (layout->rows == NULL)
        return ipm_why_set(why, -ENOMEM, "lay the ladder out: ");
    double least = INFINITY;
    double most = 0;
    for (size_t i = 0; i < ladder->n_rungs; i++) {
        add_rung(layout, &ladder->rungs[i]);
        widen(&least, &most, ladder->rungs[i].p50->estimate.value);
        widen(&least, &most, ladder->rungs[i].p99->estimate.value);
    }
    add_floors(layout);
    for (size_t i = 0; i < layout->n_floors; i++)
        widen(&least, &most, layout->floors[i].ns);
    if (most == 0) {
        least = 10; /* nothing to draw: any axis will do */
        most = 1e5;
    }
    layout->from = log10(least) - 0.12;
    layout->to = fmax(log10(most) + 0.12, layout->from + 1);
    stagger(layout);
    layout->height = IPM_LAYOUT_ABOVE + layout->floor_lines * IPM_LAYOUT_FLOOR_LINE +
                     (double)layout->n_rows * IPM_LAYOUT_ROW + IPM_LAYOUT_BELOW;
    *out_layout = made;
    return 0;
}

void ipm_layout_fini(struct ipm_layout *layout)
{
    free(layout->rows);
    layout->rows = NULL;
}
