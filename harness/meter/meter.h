/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * meter: a simulated energy meter, for tests of everything that is done with joules where
 * there are none.  It reads as the RAPL counters of a machine would whose power is
 *
 *     P(t) = p_idle_w + drift_w_per_s t + noise
 *          + e_switch_uj switches/s + e_message_uj messages/s + e_byte_nj bytes/s
 *
 * but only at its update grid, in whole units, and round its range.  What is behind a
 * reading is known, so that whoever works with the readings can be checked.
 *
 * The same parameters and windows give the same readings.  It has a clock of its own, which
 * the lengths of windows and of the gaps between them move.
 */
#ifndef IPM_HARNESS_METER_METER_H
#define IPM_HARNESS_METER_METER_H

#include "base/json.h"
#include "base/why.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipm_meter_parameters {
    double p_idle_w;      /* [0, 1e5]: at rest; W are uJ/us */
    double e_switch_uj;   /* [0, 1e6]: a context switch */
    double e_message_uj;  /* [0, 1e6]: a message, whatever its size */
    double e_byte_nj;     /* [0, 1e6]: a byte of payload */
    double unit_uj;       /* (0, 1e6]: of one count */
    double range_uj;      /* [1e3 units, 1e15]: where the counter goes on from 0 */
    double noise_uj;      /* [0, 1e9]: standard deviation of the energy of one second;
                             grows with the square root of time, as a background's does */
    double drift_w_per_s; /* [-1000, 1000]: of the power at rest, which stays above 0 */
    int64_t update_ns;    /* [1, 1e10]: how often what can be read is renewed */
    int64_t seed;         /* [0, 2^53): of the noise and of where the counter starts */
};

/* One window, as the records tell it. */
struct ipm_meter_window {
    int64_t gap_ns;                   /* >= 0: since the end of the window before */
    int64_t elapsed_ns;               /* > 0 */
    double switches, messages, bytes; /* >= 0, inside the window */
};

struct ipm_meter_reading {
    int64_t start_uj, stop_uj; /* in [0, range_uj), as sysfs would print them */
    int64_t range_uj;
};

struct ipm_meter {
    struct ipm_meter_parameters parameters;
    uint64_t random;   /* state of the generator */
    double spare;      /* the second normal number of a pair; NaN: none */
    int64_t now_ns;    /* its clock */
    double energy_uj;  /* used up to now */
    double latched_uj; /* used up to the last update */
};

/* A row of the parameters. */
struct ipm_meter_parameter {
    const char *name;
    size_t offset; /* in struct ipm_meter_parameters */
    bool whole;    /* int64_t, else double */
    bool asked;    /* a config that asks for such a meter has to give it */
    double fallback, min, max;
    const char *help; /* with its unit */
};

enum { IPM_METER_PARAMETERS = 10 };

/* Every parameter once; the name NULL ends the table. */
extern const struct ipm_meter_parameter ipm_meter_parameters[IPM_METER_PARAMETERS + 1];

/* NULL: there is none of that name. */
const struct ipm_meter_parameter *ipm_meter_parameter_find(const char *name);

/**
 * ipm_meter_parameters_read() - parameters from a JSON object; what is absent has a default
 *
 * The defaults are those of a small machine: 5 W, 12 uJ a switch, 3 uJ a message, 0.5 nJ a
 * byte, units of 2^-14 J, a range of 2^32 of them, an update each millisecond, no noise, no
 * drift, seed 1.
 *
 * Return: 0; -EINVAL with the member in @why: unknown, not a number, or out of range.
 */
int ipm_meter_parameters_read(const json_t *json,
                              struct ipm_meter_parameters *out_parameters,
                              struct ipm_why *why);

/* All of them, as ipm_meter_parameters_read() takes them. */
json_t *ipm_meter_parameters_json(const struct ipm_meter_parameters *parameters);

/* The counter starts within ten seconds at rest of its range: every run of some length
 * sees it come round. */
void ipm_meter_init(struct ipm_meter *meter,
                    const struct ipm_meter_parameters *parameters);

void ipm_meter_measure(struct ipm_meter *meter, const struct ipm_meter_window *window,
                       struct ipm_meter_reading *out_reading);

/**
 * ipm_meter_window_read() - {elapsed_ns, gap_ns, switches, messages, bytes}, all needed
 *
 * Return: 0; -EINVAL with the member in @why.
 */
int ipm_meter_window_read(const json_t *json, struct ipm_meter_window *out_window,
                          struct ipm_why *why);

#endif
