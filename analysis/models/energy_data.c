/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/models/energy_data.h"

#include "analysis/energy.h"
#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums over the windows of one block, [0] at rest and [1] under load. */
struct sums {
    size_t windows[2];
    double energy_uj[2], time_s[2], switches[2], system[2];
    double messages, bytes;
    double shortest_s;
};

static double value_of(const struct ipm_row *row, const char *name)
{
    const struct ipm_reading *reading = ipm_row_reading(row, name);
    return reading != NULL ? reading->value : NAN;
}

static struct sums sum_up(const struct ipm_row *const *rows, size_t n,
                          const char *metric)
{
    struct sums sums = {.shortest_s = INFINITY};
    for (size_t i = 0; i < n; i++) {
        int load = ipm_energy_is_load(rows[i]);
        double time_s = (double)rows[i]->elapsed_ns / 1e9;
        sums.windows[load]++;
        sums.energy_uj[load] += value_of(rows[i], metric);
        sums.time_s[load] += time_s;
        sums.switches[load] += value_of(rows[i], "voluntary_switches") +
                               value_of(rows[i], "involuntary_switches");
        sums.system[load] += value_of(rows[i], "switches_system");
        sums.shortest_s = fmin(sums.shortest_s, time_s);
        if (load) {
            sums.messages += (double)rows[i]->messages;
            sums.bytes += rows[i]->bytes_per_s * time_s;
        }
    }
    return sums;
}

static bool is_self_loop(const struct ipm_factors *factors)
{
    return strcmp(factors->workload, "self_loop") == 0;
}

static bool on_one_cpu(const struct ipm_factors *factors)
{
    const char *class = factors->placement_class;
    return strcmp(class[0] != '\0' ? class : factors->placement, "same_cpu") == 0;
}

/* Splits the switches by where they go; < 0: it cannot be told. */
static int split(const struct ipm_factors *factors, const struct sums *sums,
                 double *rate)
{
    double per_s = sums->switches[1] / sums->time_s[1] / 1e6;
    double wake = 0;
    if (!on_one_cpu(factors)) {
        wake = per_s;
    } else if (factors->rate[0] != '\0' && strcmp(factors->rate, "max") != 0) {
        double beyond = sums->system[1] / sums->time_s[1] / 1e6 -
                        sums->system[0] / sums->time_s[0] / 1e6;
        if (!isfinite(beyond))
            return -1;
        wake = fmin(fmax(beyond - per_s, 0), per_s);
    }
    rate[IPM_ENERGY_WAKE] = wake;
    rate[IPM_ENERGY_LOCAL] = per_s - wake;
    return 0;
}

static void leave_out(struct ipm_energy_block *block, const char *reason)
{
    block->observed.used = false;
    if (block->reason[0] == '\0')
        (void)snprintf(block->reason, sizeof(block->reason), "%s", reason);
}

static void work_out(struct ipm_energy_block *block, const struct sums *sums)
{
    struct ipm_energy_observation *observed = &block->observed;
    double *rate = observed->rate;
    observed->used = true;
    block->rest_w = sums->energy_uj[0] / sums->time_s[0] / 1e6;
    block->load_w = sums->energy_uj[1] / sums->time_s[1] / 1e6;
    observed->beyond_w = block->load_w - block->rest_w;
    observed->weight = 1 / (1 / sums->time_s[0] + 1 / sums->time_s[1]);
    observed->predicted_w = NAN;
    rate[IPM_ENERGY_MESSAGE] = sums->messages / sums->time_s[1] / 1e6;
    rate[IPM_ENERGY_BYTE] = sums->bytes / sums->time_s[1] / 1e9;
    rate[IPM_ENERGY_CONSTANT] = 1;
    block->switches_per_message = sums->switches[1] / sums->messages;
    if (sums->windows[0] != 2 || sums->windows[1] != 2)
        leave_out(block, "too_few: not two windows at rest and two under load, so that "
                         "a drift would not cancel");
    else if (sums->shortest_s < (double)IPM_ENERGY_LEAST_COST_NS / 1e9)
        leave_out(block, "too_short: a window below 1 s");
    else if (!(sums->messages > 0) || !isfinite(sums->bytes))
        leave_out(block, "zero: no messages, or their bytes are not known");
    else if (!isfinite(observed->beyond_w))
        leave_out(block, "absent: a window without joules");
    else if (!isfinite(sums->switches[1]) ||
             split(&block->row->factors, sums, rate) != 0)
        leave_out(block, "absent: the switches were not counted");
}

/* Options that say when messages come, not what they cost. */
static bool is_timing(const char *option)
{
    return strncmp(option, "arrivals=", 9) == 0 || strncmp(option, "pairs=", 6) == 0;
}

/* @wait: "": whatever the wait. */
static void make_key(const struct ipm_factors *factors, const char *metric,
                     const char *wait, char key[IPM_ENERGY_KEY])
{
    bool other = factors->policy[0] == '\0' || strcmp(factors->policy, "batch") == 0;
    bool untouched = factors->touch[0] == '\0';
    int used = snprintf(key, IPM_ENERGY_KEY, "%s %lld %s %s %s %s", factors->mechanism,
                        (long long)factors->copies, metric, wait,
                        untouched ? "none" : factors->touch,
                        other ? "other" : factors->policy);
    char options[IPM_ENERGY_KEY];
    (void)snprintf(options, sizeof(options), "%s", factors->options);
    char *rest = NULL;
    for (char *word = strtok_r(options, " ", &rest); word != NULL && used >= 0;
         word = strtok_r(NULL, " ", &rest)) {
        if (!is_timing(word) && used < IPM_ENERGY_KEY)
            used += snprintf(key + used, IPM_ENERGY_KEY - (size_t)used, " %s", word);
    }
}

static struct ipm_energy_cell *find_cell(struct ipm_energy_data *data, const char *key)
{
    for (size_t i = 0; i < data->n_cells; i++) {
        if (strcmp(data->cells[i].key, key) == 0)
            return &data->cells[i];
    }
    return NULL;
}

static int add_cell(struct ipm_energy_data *data, const char *key,
                    const struct ipm_row *row, const char *metric)
{
    if (find_cell(data, key) != NULL)
        return 0;
    struct ipm_energy_cell *larger =
        reallocarray(data->cells, data->n_cells + 1, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    data->cells = larger;
    struct ipm_energy_cell *cell = &larger[data->n_cells++];
    *cell = (struct ipm_energy_cell){.factors = &row->factors};
    const struct ipm_reading *reading = ipm_row_reading(row, metric);
    cell->provenance = reading->provenance;
    cell->source = reading->source;
    (void)snprintf(cell->key, sizeof(cell->key), "%s", key);
    ipm_energy_domain(metric, cell->domain);
    return 0;
}

/* Windows of one block are of one meter, or the block is none of the cell's. */
static bool of_this_meter(const struct ipm_energy_cell *cell,
                          const struct ipm_row *const *rows, size_t n,
                          const char *metric)
{
    for (size_t i = 0; i < n; i++) {
        const struct ipm_reading *reading = ipm_row_reading(rows[i], metric);
        if (reading == NULL || !ipm_energy_same_domains(rows[0], rows[i]) ||
            strcmp(reading->provenance, cell->provenance) != 0 ||
            strcmp(reading->source, cell->source) != 0)
            return false;
    }
    return true;
}

static int add_block(struct ipm_energy_cell *cell, const struct ipm_row *const *rows,
                     size_t n, const char *metric)
{
    const struct ipm_row *load = NULL;
    for (size_t i = 0; i < n && load == NULL; i++)
        load = ipm_energy_is_load(rows[i]) ? rows[i] : NULL;
    if (load == NULL)
        return 0; /* rest alone says nothing */
    struct ipm_energy_block *larger =
        reallocarray(cell->blocks, cell->n_blocks + 1, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    cell->blocks = larger;
    struct ipm_energy_block *block = &larger[cell->n_blocks++];
    *block = (struct ipm_energy_block){
        .row = load, .block = load->block, .line = load->line};
    for (size_t i = 0; i < n; i++)
        block->line = rows[i]->line < block->line ? rows[i]->line : block->line;
    struct sums sums = sum_up(rows, n, metric);
    if (!of_this_meter(cell, rows, n, metric)) {
        cell->mixed = true;
        leave_out(block, "mixed: of another meter, provenance or set of domains");
    }
    bool kept = block->reason[0] == '\0';
    work_out(block, &sums);
    block->observed.used = block->observed.used && kept;
    const struct ipm_energy_block *before = cell->n_blocks > 1 ? block - 1 : NULL;
    bool same = before != NULL && strcmp(before->row->point, load->point) == 0;
    block->observed.group =
        before == NULL ? 0 : before->observed.group + (same ? 0 : 1);
    return 0;
}

bool ipm_energy_is_first(const struct ipm_energy_cell *cell, size_t index)
{
    return index == 0 ||
           cell->blocks[index - 1].observed.group != cell->blocks[index].observed.group;
}

/* The metric of joules at @index among the row's, NULL: no more of them. */
static const char *metric_at(const struct ipm_row *row, size_t index)
{
    for (size_t i = 0; i < row->n_readings; i++) {
        if (ipm_energy_is_reading(&row->readings[i]) && index-- == 0)
            return row->readings[i].name;
    }
    return NULL;
}

/* The length of the block that begins at @rows. */
static size_t block_length(const struct ipm_row *const *rows, size_t n)
{
    size_t length = 1;
    while (length < n && strcmp(rows[length]->point, rows[0]->point) == 0 &&
           rows[length]->block == rows[0]->block)
        length++;
    return length;
}

static int make_cells(struct ipm_energy_data *data, const struct ipm_row *const *rows,
                      size_t n)
{
    const char *metric;
    char key[IPM_ENERGY_KEY];
    for (size_t i = 0; i < n; i++) {
        const struct ipm_factors *factors = &rows[i]->factors;
        bool load = ipm_energy_is_load(rows[i]) && !is_self_loop(factors);
        for (size_t k = 0; load && (metric = metric_at(rows[i], k)) != NULL; k++) {
            make_key(factors, metric, factors->wait, key);
            if (add_cell(data, key, rows[i], metric) != 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int fill_cells(struct ipm_energy_data *data, const struct ipm_row *const *rows,
                      size_t n)
{
    char key[IPM_ENERGY_KEY];
    for (size_t i = 0, length; i < n; i += length) {
        length = block_length(rows + i, n - i);
        const struct ipm_factors *factors = &rows[i]->factors;
        for (size_t k = 0; k < data->n_cells; k++) {
            struct ipm_energy_cell *cell = &data->cells[k];
            char metric[IPM_ENERGY_DOMAIN + 16];
            (void)snprintf(metric, sizeof(metric), "energy_%s_uj", cell->domain);
            make_key(factors, metric,
                     is_self_loop(factors) ? cell->factors->wait : factors->wait, key);
            if (strcmp(key, cell->key) == 0 &&
                add_block(cell, rows + i, length, metric) != 0)
                return -ENOMEM;
        }
    }
    return 0;
}

static int compare_cells(const void *a, const void *b)
{
    return strcmp(((const struct ipm_energy_cell *)a)->key,
                  ((const struct ipm_energy_cell *)b)->key);
}

int ipm_energy_gather(const struct ipm_table *table, struct ipm_energy_data *data)
{
    ipm_auto_free const struct ipm_row **rows = NULL;
    size_t n = 0;
    *data = (struct ipm_energy_data){0};
    int error = ipm_energy_windows(table, &rows, &n);
    if (error == 0)
        error = make_cells(data, rows, n);
    if (error == 0 && data->n_cells > 0) {
        qsort(data->cells, data->n_cells, sizeof(*data->cells), compare_cells);
        error = fill_cells(data, rows, n);
        ipm_energy_find_standing(data);
    }
    return error;
}

void ipm_energy_data_fini(struct ipm_energy_data *data)
{
    for (size_t i = 0; i < data->n_cells; i++)
        free(data->cells[i].blocks);
    free(data->cells);
    *data = (struct ipm_energy_data){0};
}
