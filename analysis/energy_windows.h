/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_windows: the windows of a run in which joules were counted, at rest and under load.
 */
#ifndef IPM_ANALYSIS_ENERGY_WINDOWS_H
#define IPM_ANALYSIS_ENERGY_WINDOWS_H

#include "analysis/table.h"

#include <stdbool.h>
#include <stddef.h>

enum { IPM_ENERGY_DOMAIN = 32 };

/* Of the pass energy; else at rest. */
bool ipm_energy_is_load(const struct ipm_row *row);

/* Is the reading joules, and is there a value? */
bool ipm_energy_is_reading(const struct ipm_reading *reading);

/* "package" of "energy_package_uj", cut to fit. */
void ipm_energy_domain(const char *metric, char domain[IPM_ENERGY_DOMAIN]);

/* Whether both have values of the same domains. */
bool ipm_energy_same_domains(const struct ipm_row *a, const struct ipm_row *b);

/**
 * ipm_energy_windows() - the ok windows at rest and under load, of a repeated one the first
 * @out_rows: sorted by point, block, pass, invocation; the caller frees it
 *
 * Return: 0; -ENOMEM.
 */
int ipm_energy_windows(const struct ipm_table *table, const struct ipm_row ***out_rows,
                       size_t *out_n);

#endif
