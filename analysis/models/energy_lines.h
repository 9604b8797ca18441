/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_lines: straight lines of power against given rates, and where they cross.
 */
#ifndef IPM_ANALYSIS_ENERGY_LINES_H
#define IPM_ANALYSIS_ENERGY_LINES_H

#include "analysis/models/energy_data.h"

#include <jansson.h>

/* The members "lines" and "crossovers" (energy_curves.h).  0; -ENOMEM. */
int ipm_energy_set_lines(json_t *json, const struct ipm_energy_data *data);

/* {value, low, high, unit} */
json_t *ipm_energy_interval_json(double value, double low, double high,
                                 const char *unit);

/* What a point is, and whose joules its are. */
json_t *ipm_energy_labelled(const struct ipm_energy_cell *cell,
                            const struct ipm_factors *factors);

/* The class where it is known. */
const char *ipm_energy_placement(const struct ipm_factors *factors);

bool ipm_energy_is_estimated(const struct ipm_energy_cell *cell);

#endif
