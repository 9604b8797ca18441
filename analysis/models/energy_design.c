/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_design.h"

#include "base/cleanup.h"

#include <math.h>
#include <stdlib.h>

/* Sums over the points that have several blocks. */
struct split {
    double between;
    double noise;        /* sum of s^2 */
    double fourth;       /* of s^4 */
    double fourth_share; /* of s^4 by the freedom of s^2 */
    size_t repeated;     /* points */
};

/* Adds the point of row @first; what is left of the rate is in beyond_w. */
static void add_point(const struct ipm_energy_observation *rows, size_t n, size_t first,
                      struct split *split)
{
    double square = 0;
    double product = 0;
    double left = 0;
    double blocks = 0;
    for (size_t i = first; i < n; i++) {
        const struct ipm_energy_observation *row = &rows[i];
        double messages = row->rate[IPM_ENERGY_MESSAGE];
        if (!row->used || row->group != rows[first].group)
            continue;
        square += row->weight * messages * messages;
        product += row->weight * messages * row->beyond_w;
        blocks++;
    }
    double slope = square > 0 ? product / square : 0;
    if (blocks < 2)
        return;
    for (size_t i = first; i < n; i++) {
        const struct ipm_energy_observation *row = &rows[i];
        if (row->used && row->group == rows[first].group)
            left += row->weight *
                    pow(row->beyond_w - slope * row->rate[IPM_ENERGY_MESSAGE], 2);
    }
    double mean = left / (blocks - 1);
    split->between += slope * product;
    split->noise += mean;
    split->fourth += mean * mean;
    split->fourth_share += mean * mean / (blocks - 1);
    split->repeated++;
}

static bool is_first(const struct ipm_energy_observation *rows, size_t at)
{
    bool first = rows[at].used;
    for (size_t i = 0; first && i < at; i++)
        first = !rows[i].used || rows[i].group != rows[at].group;
    return first;
}

double ipm_energy_designed_vif(const struct ipm_energy_observation *all, size_t n,
                               const struct ipm_energy_fit *fit, int term)
{
    unsigned others = fit->terms & ~(1u << term);
    ipm_auto_free struct ipm_energy_observation *rows = calloc(n + 1, sizeof(*rows));
    struct ipm_energy_fit on_others;
    struct split split = {0};
    double total = 0;
    if (rows == NULL || others == fit->terms)
        return NAN;
    if (others == 0)
        return fit->vif[term];
    /* The rate takes the place of power. */
    for (size_t i = 0; i < n; i++) {
        rows[i] = all[i];
        rows[i].beyond_w = all[i].rate[term];
        total += all[i].used ? all[i].weight * pow(all[i].rate[term], 2) : 0;
    }
    if (ipm_energy_solve(rows, n, others, &on_others) != 0)
        return INFINITY;
    for (size_t i = 0; i < n; i++)
        rows[i].beyond_w -= ipm_energy_predict(&on_others, rows[i].rate);
    for (size_t i = 0; i < n; i++) {
        if (is_first(rows, i))
            add_point(rows, n, i, &split);
    }
    if (split.repeated == 0)
        return fit->vif[term];
    if (split.noise > 0 && split.fourth > 0) {
        double square = split.noise * split.noise;
        /* Squares that differ beyond rounding make freedoms a little below 1. */
        double p = ipm_energy_f_tail(split.between / split.noise,
                                     fmax(square / split.fourth, 1),
                                     fmax(square / split.fourth_share, 1));
        if (!(p < IPM_ENERGY_DESIGN_P))
            return INFINITY;
    }
    double design = split.between - split.noise;
    return design > 0 ? fmax(total / design, 1) : INFINITY;
}
