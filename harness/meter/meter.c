/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness/meter/meter.h"

#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

/* 2^53, below which every integer is a double. */
#define EXACT 9007199254740992.0

/* Integers are exact as doubles. */
const struct ipm_meter_parameter ipm_meter_parameters[IPM_METER_PARAMETERS + 1] = {
#define ROW(member) #member, offsetof(struct ipm_meter_parameters, member)
    {ROW(p_idle_w), false, true, 5, 0, 1e5, "power at rest, W"},
    {ROW(e_switch_uj), false, true, 12, 0, 1e6, "energy of a task switch, uJ"},
    {ROW(e_message_uj), false, true, 3, 0, 1e6, "energy of a message, uJ"},
    {ROW(e_byte_nj), false, false, 0.5, 0, 1e6, "energy of a byte of payload, nJ"},
    {ROW(unit_uj), false, false, 1e6 / 16384, 1e-6, 1e6, "step of the counter, uJ"},
    {ROW(range_uj), false, false, 4294967296.0 * 1e6 / 16384, 1, 1e15,
     "where the counter wraps, uJ"},
    {ROW(noise_uj), false, false, 0, 0, 1e9,
     "standard deviation of the energy of a second, uJ"},
    {ROW(drift_w_per_s), false, false, 0, -1000, 1000,
     "change of the power at rest, W/s"},
    {ROW(update_ns), true, false, 1e6, 1, 1e10,
     "time between two updates of the counter, ns"},
    {ROW(seed), true, false, 1, 0, EXACT - 1, "seed of the noise"},
    {NULL, 0, false, false, 0, 0, 0, NULL},
#undef ROW
};

const struct ipm_meter_parameter *ipm_meter_parameter_find(const char *name)
{
    const struct ipm_meter_parameter *at = ipm_meter_parameters;
    while (at->name != NULL && strcmp(at->name, name) != 0)
        at++;
    return at->name != NULL ? at : NULL;
}

static void store(struct ipm_meter_parameters *parameters,
                  const struct ipm_meter_parameter *row, double value)
{
    char *field = (char *)parameters + row->offset;
    int64_t integer = (int64_t)value;
    if (row->whole)
        memcpy(field, &integer, sizeof(integer));
    else
        memcpy(field, &value, sizeof(value));
}

int ipm_meter_parameters_read(const json_t *json,
                              struct ipm_meter_parameters *out_parameters,
                              struct ipm_why *why)
{
    struct ipm_meter_parameters parameters = {0};
    if (!json_is_object(json))
        return ipm_why_set(why, -EINVAL, "the parameters of a meter are an object");
    for (const struct ipm_meter_parameter *at = ipm_meter_parameters; at->name != NULL;
         at++)
        store(&parameters, at, at->fallback);
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)json, name, member)
    {
        const struct ipm_meter_parameter *row = ipm_meter_parameter_find(name);
        if (row == NULL)
            return ipm_why_set(why, -EINVAL, "a meter has no parameter '%.40s'", name);
        bool number =
            row->whole ? json_is_integer(member) : (bool)json_is_number(member);
        if (!number)
            return ipm_why_set(why, -EINVAL, "'%s' must be a %snumber", name,
                               row->whole ? "whole " : "");
        double value = json_number_value(member);
        if (!(value >= row->min && value <= row->max))
            return ipm_why_set(why, -EINVAL, "'%s' must be in [%g, %g]", name, row->min,
                               row->max);
        store(&parameters, row, value);
    }
    if (parameters.range_uj < 1000 * parameters.unit_uj)
        return ipm_why_set(why, -EINVAL, "'range_uj' must be 1000 times 'unit_uj'");
    *out_parameters = parameters;
    return 0;
}

json_t *ipm_meter_parameters_json(const struct ipm_meter_parameters *parameters)
{
    json_t *json = json_object();
    for (const struct ipm_meter_parameter *at = ipm_meter_parameters; at->name != NULL;
         at++) {
        const char *field = (const char *)parameters + at->offset;
        int64_t integer = 0;
        double real = 0;
        if (at->whole)
            memcpy(&integer, field, sizeof(integer));
        else
            memcpy(&real, field, sizeof(real));
        (void)json_object_set_new(
            json, at->name, at->whole ? json_integer(integer) : ipm_json_number(real));
    }
    return json;
}

/* In [0, 1). */
static double uniform(struct ipm_meter *meter)
{
    return (double)(ipm_random_next(&meter->random) >> 11) / EXACT;
}

/* Box and Muller's: two at a time. */
static double normal(struct ipm_meter *meter)
{
    if (!isnan(meter->spare)) {
        double value = meter->spare;
        meter->spare = NAN;
        return value;
    }
    double radius = sqrt(-2 * log(1 - uniform(meter)));
    double angle = 2 * M_PI * uniform(meter);
    meter->spare = radius * sin(angle);
    return radius * cos(angle);
}

static double counts(const struct ipm_meter_parameters *parameters)
{
    return floor(parameters->range_uj / parameters->unit_uj);
}

void ipm_meter_init(struct ipm_meter *meter,
                    const struct ipm_meter_parameters *parameters)
{
    *meter = (struct ipm_meter){
        .parameters = *parameters, .random = (uint64_t)parameters->seed, .spare = NAN};
    double range = counts(parameters) * parameters->unit_uj;
    double before = uniform(meter) * fmin(range, 1e7 * parameters->p_idle_w);
    meter->energy_uj = range - before;
    /* Nobody is in step with the meter: its last update was a while ago. */
    meter->now_ns = (int64_t)(uniform(meter) * (double)parameters->update_ns);
    meter->latched_uj =
        meter->energy_uj - parameters->p_idle_w * (double)meter->now_ns / 1000;
}

/* Time passes, in which @extra_uj is used beyond what rest takes. */
static void advance(struct ipm_meter *meter, int64_t length_ns, double extra_uj)
{
    const struct ipm_meter_parameters *parameters = &meter->parameters;
    double length_s = (double)length_ns / 1e9;
    double middle_s = (double)meter->now_ns / 1e9 + length_s / 2;
    double rest_w = parameters->p_idle_w + parameters->drift_w_per_s * middle_s;
    double energy_uj = fmax(rest_w, 0) * 1e6 * length_s + extra_uj;
    if (parameters->noise_uj > 0)
        energy_uj += parameters->noise_uj * sqrt(length_s) * normal(meter);
    energy_uj = fmax(energy_uj, 0); /* a counter of energy never goes back */

    int64_t end_ns = meter->now_ns + length_ns;
    int64_t update_ns = end_ns - end_ns % parameters->update_ns;
    if (update_ns > meter->now_ns)
        meter->latched_uj = meter->energy_uj + energy_uj *
                                                   (double)(update_ns - meter->now_ns) /
                                                   (double)length_ns;
    meter->energy_uj += energy_uj;
    meter->now_ns = end_ns;
}

/* What the counter shows: the last update, in whole units, in whole microjoules. */
static int64_t read_counter(const struct ipm_meter *meter)
{
    const struct ipm_meter_parameters *parameters = &meter->parameters;
    double count =
        fmod(floor(meter->latched_uj / parameters->unit_uj), counts(parameters));
    if (count < 0) /* its first update was before it last came round */
        count += counts(parameters);
    return (int64_t)(count * parameters->unit_uj);
}

void ipm_meter_measure(struct ipm_meter *meter, const struct ipm_meter_window *window,
                       struct ipm_meter_reading *out_reading)
{
    const struct ipm_meter_parameters *parameters = &meter->parameters;
    if (window->gap_ns > 0)
        advance(meter, window->gap_ns, 0);
    out_reading->start_uj = read_counter(meter);
    advance(meter, window->elapsed_ns,
            parameters->e_switch_uj * window->switches +
                parameters->e_message_uj * window->messages +
                parameters->e_byte_nj * window->bytes / 1000);
    out_reading->stop_uj = read_counter(meter);
    out_reading->range_uj = (int64_t)(counts(parameters) * parameters->unit_uj);
}

static int read_number(const json_t *json, const char *name, double least, double *out,
                       struct ipm_why *why)
{
    const json_t *member = json_object_get(json, name);
    double value = json_number_value(member);
    if (!json_is_number(member) || !(value >= least && value < EXACT))
        return ipm_why_set(why, -EINVAL, "'%s' of a window must be a number from %g on",
                           name, least);
    *out = value;
    return 0;
}

int ipm_meter_window_read(const json_t *json, struct ipm_meter_window *out_window,
                          struct ipm_why *why)
{
    struct ipm_meter_window window = {0};
    double gap_ns = 0;
    double elapsed_ns = 0;
    const struct {
        const char *name;
        double least;
        double *out;
    } members[] = {
        {"gap_ns", 0, &gap_ns},
        {"elapsed_ns", 1, &elapsed_ns},
        {"switches", 0, &window.switches},
        {"messages", 0, &window.messages},
        {"bytes", 0, &window.bytes},
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        int error =
            read_number(json, members[i].name, members[i].least, members[i].out, why);
        if (error != 0)
            return error;
    }
    window.gap_ns = (int64_t)gap_ns;
    window.elapsed_ns = (int64_t)elapsed_ns;
    *out_window = window;
    return 0;
}
