/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_curves: power against rate as it was measured, without any coefficient, and what
 * follows for a battery and for the choice of a mechanism.
 */
#ifndef IPM_ANALYSIS_ENERGY_CURVES_H
#define IPM_ANALYSIS_ENERGY_CURVES_H

#include "analysis/models/energy_data.h"

#include <jansson.h>

/* What a battery has to feed. */
struct ipm_battery {
    double battery_wh; /* > 0; NaN: nobody asked */
    double
        base_power_w; /* of the whole device without the messages; NaN: what the meter
                            showed at rest */
};

/**
 * ipm_energy_set_curves() - the members "battery", "curve", "lines" and "crossovers"
 *
 *   curve       a row for each point: rates, powers, uJ of a message, hours
 *               standing_w is what these roles draw while they wait, beyond sleeping ones: it
 *               is not in beyond_w, since at rest they wait, too, but it is in the hours
 *   lines       P_fixed + E lambda, standing_w in P_fixed, for each series of three given rates or more; refused on
 *               estimated joules, rejected where it bends (IPM_ENERGY_LACK_P)
 *   crossovers  for each group of lines that differ in mechanism, copies and wait alone: who
 *               draws least from which rate on, within the rates that all have
 *
 * Return: 0; -ENOMEM.
 */
int ipm_energy_set_curves(json_t *json, const struct ipm_energy_data *data,
                          const struct ipm_battery *battery);

#endif
