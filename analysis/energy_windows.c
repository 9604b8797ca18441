/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "analysis/energy_windows.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "energy_";
static const char suffix[] = "_uj";

enum { PREFIX = sizeof(prefix) - 1, SUFFIX = sizeof(suffix) - 1 };

bool ipm_energy_is_load(const struct ipm_row *row)
{
    return strcmp(row->pass, "energy") == 0;
}

static bool is_window(const struct ipm_row *row)
{
    return row->status == IPM_ROW_OK && row->elapsed_ns > 0 &&
           (ipm_energy_is_load(row) || strcmp(row->pass, "idle") == 0);
}

void ipm_energy_domain(const char *metric, char domain[IPM_ENERGY_DOMAIN])
{
    (void)snprintf(domain, IPM_ENERGY_DOMAIN, "%.*s",
                   (int)(strlen(metric) - PREFIX - SUFFIX), metric + PREFIX);
}

bool ipm_energy_is_reading(const struct ipm_reading *reading)
{
    size_t length = strlen(reading->name);
    return length > PREFIX + SUFFIX && strncmp(reading->name, prefix, PREFIX) == 0 &&
           strcmp(reading->name + length - SUFFIX, suffix) == 0 &&
           isfinite(reading->value);
}

static int compare_rows(const void *a, const void *b)
{
    const struct ipm_row *left = *(const struct ipm_row *const *)a;
    const struct ipm_row *right = *(const struct ipm_row *const *)b;
    int order = strcmp(left->point, right->point);
    if (order == 0)
        order = (left->block > right->block) - (left->block < right->block);
    if (order == 0)
        order = strcmp(left->pass, right->pass);
    if (order == 0)
        order = (left->invocation > right->invocation) -
                (left->invocation < right->invocation);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static bool same_window(const struct ipm_row *a, const struct ipm_row *b)
{
    return strcmp(a->point, b->point) == 0 && a->block == b->block &&
           strcmp(a->pass, b->pass) == 0 && a->invocation == b->invocation;
}

int ipm_energy_windows(const struct ipm_table *table, const struct ipm_row ***out_rows,
                       size_t *out_n)
{
    const struct ipm_row **rows = calloc(table->n_rows + 1, sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < table->n_rows; i++) {
        if (is_window(&table->rows[i]))
            rows[n++] = &table->rows[i];
    }
    qsort(rows, n, sizeof(*rows), compare_rows);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !same_window(rows[i], rows[kept - 1]))
            rows[kept++] = rows[i];
    }
    *out_rows = rows;
    *out_n = kept;
    return 0;
}

bool ipm_energy_same_domains(const struct ipm_row *a, const struct ipm_row *b)
{
    size_t n[2] = {0};
    for (size_t i = 0; i < b->n_readings; i++)
        n[1] += ipm_energy_is_reading(&b->readings[i]);
    for (size_t i = 0; i < a->n_readings; i++) {
        if (!ipm_energy_is_reading(&a->readings[i]))
            continue;
        const struct ipm_reading *other = ipm_row_reading(b, a->readings[i].name);
        if (other == NULL || !ipm_energy_is_reading(other))
            return false;
        n[0]++;
    }
    return n[0] == n[1];
}
