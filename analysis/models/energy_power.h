/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * energy_power: what a rate of messages draws, how long a battery lasts under it, and where
 * one mechanism begins to draw less than another.
 *
 *     P(lambda) = P_fixed + E lambda              beyond rest; P_fixed > 0 where somebody spins
 *     hours = battery / (P_base + P(lambda))      Wh by W
 *     lambda* = (P_fixed2 - P_fixed1) / (E1 - E2)
 *
 * A crossover is a ratio of two normal estimates: its interval is Fieller's (Journal of the
 * Royal Statistical Society B 16, 1954): all lambda where the difference of the two lines is
 * within its own interval about 0.  Where the two lines may be parallel that is no interval.
 */
#ifndef IPM_ANALYSIS_ENERGY_POWER_H
#define IPM_ANALYSIS_ENERGY_POWER_H

#include <stddef.h>

struct ipm_power_line {
    double fixed_w;
    double message_uj;                                  /* W by 1e6/s */
    double fixed_fixed, fixed_message, message_message; /* covariances */
    double freedom;                                     /* >= 1 */
    double low_per_s, high_per_s;                       /* rates it was measured at */
};

/* W beyond rest; NaN outside of what was measured, but for an error of 1 %. */
double ipm_power_at(const struct ipm_power_line *line, double rate);

/* @battery_wh > 0; NaN unless the two powers make one above 0. */
double ipm_battery_hours(double battery_wh, double base_w, double beyond_w);

struct ipm_crossover {
    double value, low, high; /* 1/s; low and high NaN: no interval of that level */
};

/**
 * ipm_power_crossover() - where two lines meet
 *
 * Return: 0, wherever that is; 1 they are parallel.
 */
int ipm_power_crossover(const struct ipm_power_line *one,
                        const struct ipm_power_line *other, double level,
                        struct ipm_crossover *out_crossover);

/* From this rate on @line draws least. */
struct ipm_power_step {
    size_t line;
    double from_per_s;
};

/**
 * ipm_power_cheapest() - who draws least from which rate on
 * @out_steps: room for @n; ascending rates, the first at @low_per_s
 *
 * At the first rate of a tie the one that rises less goes first.
 *
 * Return: how many, at least 1; 0: no lines, or @low_per_s > @high_per_s.
 */
size_t ipm_power_cheapest(const struct ipm_power_line *const *lines, size_t n,
                          double low_per_s, double high_per_s,
                          struct ipm_power_step *out_steps);

#endif
