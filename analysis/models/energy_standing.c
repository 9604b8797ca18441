/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What roles draw that spin while they wait, which windows at rest hide. */
#include "analysis/models/energy_data.h"

#include <math.h>
#include <string.h>

static bool is_self_loop(const struct ipm_factors *factors)
{
    return strcmp(factors->workload, "self_loop") == 0;
}

struct rest {
    double n, sum, squares;
};

/* Self-loops wait for nobody: at rest they sleep in the cells of every wait. */
static void add_rest(struct rest *rest, const struct ipm_energy_cell *cell)
{
    for (size_t i = 0; i < cell->n_blocks; i++) {
        const struct ipm_energy_block *block = &cell->blocks[i];
        if (!block->observed.used || is_self_loop(&block->row->factors))
            continue;
        rest->n++;
        rest->sum += block->rest_w;
        rest->squares += block->rest_w * block->rest_w;
    }
}

/* Of the mean; NaN below two blocks. */
static double variance_of(const struct rest *rest)
{
    double mean = rest->sum / rest->n;
    return rest->n > 1 ? fmax(rest->squares / rest->n - mean * mean, 0) / (rest->n - 1)
                       : NAN;
}

static bool sleeps(const struct ipm_energy_cell *cell)
{
    return strcmp(cell->factors->wait, "block") == 0;
}

void ipm_energy_find_standing(struct ipm_energy_data *data)
{
    for (size_t i = 0; i < data->n_cells; i++) {
        struct ipm_energy_cell *cell = &data->cells[i];
        struct rest own = {0};
        struct rest asleep = {0};
        if (sleeps(cell))
            continue;
        add_rest(&own, cell);
        for (size_t k = 0; k < data->n_cells; k++) {
            const struct ipm_energy_cell *other = &data->cells[k];
            if (sleeps(other) && strcmp(other->domain, cell->domain) == 0 &&
                strcmp(other->provenance, cell->provenance) == 0 &&
                strcmp(other->source, cell->source) == 0)
                add_rest(&asleep, other);
        }
        cell->standing_w = own.sum / own.n - asleep.sum / asleep.n;
        cell->standing_variance = variance_of(&own) + variance_of(&asleep);
    }
}
